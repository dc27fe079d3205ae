//! The shapes that content has, undamaged.

use super::*;

fn three() -> Vec<String> {
    (0..3).map(event).collect()
}

#[test]
fn a_log_file_gives_its_records_byte_for_byte_with_their_places() {
    let first = r#"{"eventVersion": "1.08", "n": 9007199254740993, "a":null, "a":1.0e+2}"#;
    let content = format!("{{ \"Records\" : [\n {first} ,{{}}]}} \r\n");
    let (records, decoded) = whole(&content, Limits::default());
    assert_eq!(records, [(first.to_owned(), 0, 17), ("{}".to_owned(), 1, 18 + first.len() as u64 + 1)]);
    assert_eq!((decoded.records, decoded.bytes, decoded.bytes_not_read), (2, content.len() as u64, 0));
    assert_eq!((decoded.is_whole(), decoded.defects), (true, vec![]));
}

#[test]
fn the_list_is_found_wherever_it_stands_among_the_keys() {
    let list = three().join(",");
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let shapes = [
        format!(r#"{{"Records":[{list}],"x":1}}"#),
        format!(
            r#"{{"a":{{"Records":[{{"eventVersion":"1"}}]}},"b":[1,-2.5e3,true,false,null,"]"],"Records":[{list}]}}"#
        ),
        format!(r#"{{"recordsx":{deep},"Rec\u006frds":[{list}],"y":{{"z":[]}}}}"#),
        format!(r#"{{"eventVersion":"not of a record","Records":[{list}]}}"#),
        format!("\u{feff}{{\"Records\":\t[ {list} ] }}"),
    ];
    for content in shapes {
        let (records, decoded) = texts(&content);
        assert_eq!(records, three(), "{content}");
        assert_eq!((decoded.is_whole(), decoded.defects), (true, vec![]), "{content}");
    }
}

#[test]
fn two_lists_are_both_read_and_said() {
    let [a, b, c] = three().try_into().unwrap();
    let content = format!(r#"{{"Records":[{a}],"Records":[],"Records":[{b},{c}]}}"#);
    let (records, decoded) = texts(&content);
    assert_eq!((records, decoded.is_whole()), (three(), true));
    assert_eq!(kinds(&decoded), [DefectKind::RecordsTwice; 2]);
    assert_eq!(decoded.defects[1].offset, content.rfind("[{\"eventVersion").unwrap() as u64);
}

#[test]
fn a_bare_list_is_read_as_aggregated_events_come() {
    let aggregated = r#"{"eventVersion":"1.0","eventId":"a","accountId":"1","summary":{"details":[{}]}}"#;
    let (records, decoded) = texts(format!("[ {aggregated},\n{} ]", event(1)));
    assert_eq!((records, decoded.defects), (vec![aggregated.to_owned(), event(1)], vec![]));
}

#[test]
fn records_by_themselves_are_read_one_or_many_with_lines_or_without() {
    for between in ["\n", "\r\n", "", " \n\n "] {
        let (records, decoded) = texts(three().join(between));
        assert_eq!((records, decoded.is_whole(), decoded.defects), (three(), true, vec![]), "{between:?}");
    }
    for one in [event(7), r#"{"a":1,"eventID":"x"}"#.to_owned(), r#"{"eventId":"x"}"#.to_owned()] {
        assert_eq!(texts(format!("{one}\n")).0, [one]);
    }
}

#[test]
fn a_list_without_elements_is_whole() {
    for content in [r#"{"Records":[]}"#, "[]", " [ ] ", "{\"Records\" : [ ] , \"x\":{}}"] {
        let (records, decoded) = texts(content);
        assert_eq!((records.len(), decoded.is_whole(), decoded.defects), (0, true, vec![]), "{content}");
    }
}

#[test]
fn what_holds_no_records_says_so() {
    let digest = r#"{"awsAccountId":"1","logFiles":[{"s3Object":"x"}]}"#;
    for content in [digest, "{}", r#"{"x":{"eventVersion":"1"}}"#, r#"{"records":[]}"#, "", " \n"] {
        let (records, decoded) = texts(content);
        assert!(records.is_empty() && !decoded.is_whole(), "{content}");
        let defect = only(&decoded);
        let bytes = content.len() as u64;
        assert_eq!((defect.kind, defect.offset, defect.bytes), (DefectKind::NoRecords, 0, bytes), "{content}");
    }
    for content in [r#"{"Records":null}"#, r#"{"Records":{"eventVersion":"1"}}"#, r#"{"Records":[],"Records":1}"#] {
        assert_eq!(only(&texts(content).1).kind, DefectKind::RecordsNotAList, "{content}");
    }
    assert_eq!(kinds(&texts(format!("{}\n{digest}\n{}", event(1), event(2))).1), [DefectKind::NoRecords]);
}

#[test]
fn another_file_behind_the_first_is_read_and_said_once() {
    let content = format!("{}\n{}\n[{}]{}", file(&[event(0)]), file(&[event(1)]), event(2), event(3));
    let (records, decoded) = texts(&content);
    assert_eq!(records, (0..4).map(event).collect::<Vec<_>>());
    assert_eq!((only(&decoded).kind, decoded.is_whole()), (DefectKind::AnotherFile, true));
}

#[test]
fn records_of_any_depth_are_handed_out() {
    for depth in [63, 64, 65, 128, 129, 10_000, 200_000] {
        let deep =
            format!(r#"{{"eventVersion":"1","a":{}{}}}"#, r#"[{"b":"#.repeat(depth / 2) + "1", "}]".repeat(depth / 2));
        let (records, decoded) = whole(file(&[deep.clone(), event(1)]), Limits::default());
        assert_eq!((records.len(), &records[0].0), (2, &deep), "{depth}");
        assert!(decoded.is_whole());
    }
}

#[test]
fn the_logs_of_an_account_are_read_as_other_readers_read_them() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/logs/invictus");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let content = std::fs::read_to_string(&path).unwrap();
        let (records, decoded) = texts(&content);
        let expected: serde_json::Value = serde_json::from_str(&content).unwrap();
        let parsed = records.iter().map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(serde_json::Value::Array(parsed.collect()), expected["Records"], "{}", path.display());
        assert_eq!((decoded.is_whole(), records.is_empty()), (true, false));
        files += 1;
    }
    assert!(files > 3);
}

#[test]
fn a_record_that_lies_in_a_piece_is_not_copied() {
    let content = file(&[event(0), event(1)]);
    let range = content.as_bytes().as_ptr_range();
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(content.as_bytes(), &mut |slice| assert!(range.contains(&slice.text.as_ptr())));
    assert!(decoder.buffered() < event(0).len());
    assert_eq!(decoder.finish().records, 2);
}
