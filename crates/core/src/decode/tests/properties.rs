//! Any records, in any pieces, with any damage.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::scanner::{Scan, Scanner};
use super::*;
use crate::event::Json;

const LIMITS: Limits = Limits { record_bytes: 2_000, defects: 5 };

/// A JSON value as a service or a tool may have written it.
fn value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ -~]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\\PC{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\u00e9\ud83d\n\"{\\""#.to_owned()),
    ];
    let word = prop_oneof![Just("true"), Just("false"), Just("null"), Just("-0.25E+7"), Just("1e999"), Just("0")];
    let leaf = prop_oneof![text, word.prop_map(str::to_owned), any::<i64>().prop_map(|number| number.to_string())];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let list = vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(" ,")));
        let fields = vec(("[a-zA-Z\\PC]{0,5}", inner), 0..4).prop_map(|all| {
            let fields = all.iter().map(|(key, value)| format!("{}: {value}", serde_json::to_string(key).unwrap()));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(",\n"))
        });
        prop_oneof![list, fields]
    })
}

/// Records that differ.
fn records() -> impl Strategy<Value = Vec<String>> {
    vec((value(), value()), 1..7).prop_map(|all| {
        let record = |(id, (request, more)): (usize, &(String, String))| {
            format!(r#"{{"eventVersion":"1.11","requestParameters":{request},"more":{more},"eventID":"{id}"}}"#)
        };
        all.iter().enumerate().map(record).collect()
    })
}

/// Content of any shape.
fn content() -> impl Strategy<Value = (Vec<String>, String)> {
    (records(), value(), 0..6).prop_map(|(records, other, shape)| {
        let list = records.join(",");
        let content = match shape {
            0 => format!(r#"{{"Records":[{list}]}}"#),
            1 => format!(r#"{{"other":{other},"Records": [{list}],"more":{other}}}"#),
            2 => format!("[{}]\n", records.join(",\n ")),
            3 => records.iter().map(|record| record.replace('\n', " ") + "\n").collect(),
            4 => format!("\u{feff}{}", records.concat()),
            _ => format!(r#"{{"Records":[{}],"Records":[{list}]}}"#, ""),
        };
        (if shape == 3 { records.iter().map(|record| record.replace('\n', " ")).collect() } else { records }, content)
    })
}

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    // What means something in JSON, mostly.
    let byte = || prop_oneof![4 => proptest::sample::select(b"\"\\{}[],: \n\0tn1-".to_vec()), 1 => any::<u8>()];
    prop_oneof![
        3 => (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (any::<Index>(), vec(byte(), 1..4)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (any::<Index>(), 1..200_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        1 => any::<Index>().prop_map(Edit::Cut),
    ]
}

fn apply(content: &mut Vec<u8>, edit: &Edit) {
    if content.is_empty() {
        return;
    }
    match edit {
        Edit::Set(at, byte) => {
            let at = at.index(content.len());
            content[at] = *byte;
        }
        Edit::Insert(at, bytes) => {
            let at = at.index(content.len());
            content.splice(at..at, bytes.iter().copied());
        }
        Edit::Remove(at, length) => {
            let at = at.index(content.len());
            content.drain(at..(at + length).min(content.len()));
        }
        Edit::Cut(at) => content.truncate(at.index(content.len())),
    }
}

/// Cuts content at some places.
fn pieces<'a>(content: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
    at.sort_unstable();
    let ends = at.iter().copied().chain([content.len()]);
    let mut start = 0;
    ends.map(|end| &content[std::mem::replace(&mut start, end)..end]).collect()
}

/// Holds what was read of a content to what is promised of any.
fn hold(content: &[u8], read: &[Read], decoded: &Decoded) {
    let mut behind = 0;
    for (text, _, offset) in read {
        let start = *offset as usize;
        assert_eq!(&content[start..start + text.len()], text.as_bytes(), "byte for byte");
        assert!(text.starts_with('{') && Json::parse(text).is_ok_and(|json| json.as_str() == text), "{text:?}");
        assert!(start >= behind, "in order, and none in another");
        behind = start + text.len();
    }
    assert!(read.windows(2).all(|pair| pair[0].1 < pair[1].1), "places rise");
    assert_eq!((decoded.records, decoded.bytes), (read.len() as u64, content.len() as u64));
    assert!(decoded.defects.len() <= LIMITS.defects);
    assert!(decoded.defects.iter().all(|defect| defect.offset + defect.bytes <= decoded.bytes));
    let count = decoded.defects.len() as u64 + decoded.further_defects;
    let read_bytes: usize = read.iter().map(|(text, ..)| text.len()).sum();
    assert!(read_bytes as u64 + decoded.bytes_not_read <= decoded.bytes, "no byte is read and not read");
    if decoded.is_whole() {
        let text = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
        let all = serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
        assert!(all.into_iter().all(|value| value.is_ok()), "what is whole is JSON from its start to its end");
    }
    assert!(decoded.losses <= count && (decoded.losses > 0 || decoded.bytes_not_read == 0));
}

proptest! {
    #[test]
    fn any_content_in_any_pieces_gives_its_records(
        (records, content) in content(),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let limits = Limits::default();
        let (read, decoded) = whole(&content, limits);
        prop_assert_eq!(read.iter().map(|(text, ..)| text).collect::<Vec<_>>(), records.iter().collect::<Vec<_>>());
        prop_assert!(decoded.is_whole(), "{:#?}", decoded);
        let (again, same, _) = in_pieces(pieces(content.as_bytes(), &cuts), limits);
        prop_assert_eq!((again, same), (read, decoded));
    }

    #[test]
    fn any_damage_in_any_pieces_gives_valid_records_in_bounded_memory(
        (_, content) in content(),
        edits in vec(edit(), 1..5),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let mut content = content.into_bytes();
        edits.iter().for_each(|edit| apply(&mut content, edit));
        for limits in [LIMITS, Limits { record_bytes: 90, ..LIMITS }] {
            let (read, decoded) = whole(&content, limits);
            hold(&content, &read, &decoded);
            let (again, same, most) = in_pieces(pieces(&content, &cuts), limits);
            prop_assert_eq!((&again, &same), (&read, &decoded));
            prop_assert!(most <= limits.record_bytes.max(200) * 9 / 8 + 300, "{} bytes", most);
            prop_assert_eq!(in_pieces(content.chunks(1), limits).0, read);
        }
    }

    #[test]
    fn any_damage_of_some_bytes_leaves_the_records_beside_it(
        records in records(), at in any::<Index>(), edit in edit(), lines in any::<bool>(),
    ) {
        let records: Vec<String> = records.iter().map(|record| record.replace('\n', " ")).collect();
        let (head, between, tail) = if lines { ("", "\n", "\n") } else { (r#"{"Records":["#, ",", "]}") };
        let content = format!("{head}{}{tail}", records.join(between));
        // One place in the records or between them: what is cut off or out is the end of one record at most.
        let at = head.len() + at.index(content.len() - head.len());
        let mut damaged = content.clone().into_bytes();
        match edit {
            Edit::Set(_, byte) => damaged[at] = byte,
            Edit::Insert(_, bytes) => drop(damaged.splice(at..at, bytes)),
            Edit::Remove(..) | Edit::Cut(_) => drop(damaged.remove(at)),
        }
        let (read, decoded) = whole(&damaged, Limits::default());
        let mut start = head.len();
        for record in &records {
            let end = start + record.len();
            if at < start || at >= end {
                let is_read = read.iter().any(|(text, ..)| text == record);
                prop_assert!(is_read, "{} is lost: {:?}: {:#?}", record, String::from_utf8_lossy(&damaged), decoded);
            }
            start = end + between.len();
        }
    }

    #[test]
    fn the_scanner_takes_the_objects_that_serde_takes(
        value in value(), edits in vec(edit(), 0..3), cuts in vec(any::<Index>(), 0..4),
    ) {
        let mut content = format!(r#"{{"a":{value}}}"#).into_bytes();
        edits.iter().for_each(|edit| apply(&mut content, edit));
        let content = String::from_utf8_lossy(&content).into_owned();
        prop_assume!(content.starts_with('{'));
        let (mut scanner, mut end, mut before) = (Scanner::new(1_000), None, 0);
        for piece in pieces(content.as_bytes(), &cuts) {
            match scanner.feed(piece) {
                Scan::More => before += piece.len(),
                Scan::Ended(taken) => { end = Some(before + taken); break }
                Scan::Broken(_) => break,
            }
        }
        let is_valid = end.is_some_and(|end| content[end..].trim_matches([' ', '\n', '\t', '\r']).is_empty());
        prop_assert_eq!(is_valid, Json::parse(&content).is_ok(), "{}", content);
    }
}
