//! Content with damage: what is said of it, and that the rest is read.

use super::*;

/// Reads a file of five records in which something was changed, and returns the ids of those that were read, with what
/// was said.
fn changed(from: &str, to: &str) -> (Vec<u32>, Decoded) {
    let content = file(&(0..5).map(event).collect::<Vec<_>>());
    let damaged = content.replacen(from, to, 1);
    assert_ne!(content, damaged, "{from}");
    let (records, decoded) = texts(damaged);
    let intact = (0..5).filter(|id| records.contains(&event(*id)));
    (intact.collect(), decoded)
}

#[test]
fn a_lost_or_added_byte_of_a_record_costs_that_record_alone() {
    // In the record 2: a quote, a bracket, a comma, a colon.
    let second = event(2);
    for at in 1..second.len() - 1 {
        let (before, behind) = (&second[..at], &second[at..]);
        for damaged in [
            format!("{before}{}", &behind[1..]),
            format!("{before}\"{behind}"),
            format!("{before}{{{behind}"),
            format!("{before}}}{behind}"),
            format!("{before}]{behind}"),
            format!("{before}\\{behind}"),
            format!("{before}\0{behind}"),
            format!("{before}\n{behind}"),
        ] {
            let (intact, decoded) = changed(&second, &damaged);
            // Behind a bracket too many, the record itself begins.
            let is_found = damaged.strip_prefix('{') == Some(&second);
            let expected: Vec<u32> = (0..5).filter(|id| *id != 2 || is_found).collect();
            assert_eq!(intact, expected, "{damaged}: {decoded:#?}");
        }
    }
}

#[test]
fn a_lost_quote_is_said_with_its_place() {
    let damaged = event(2).replace("\"1.11\"", "\"1.11");
    let (_, decoded) = changed(&event(2), &damaged);
    let start = file(&[event(0), event(1), event(2)]).find(&event(2)).unwrap() as u64;
    assert_eq!(
        *only(&decoded),
        Defect {
            kind: DefectKind::NotJson,
            offset: start,
            bytes: damaged.len() as u64 + 1,
            shows_at: start + r#"{"eventVersion":"1.11,""#.len() as u64,
            record: Some(2),
            excerpt: format!("{},{{\"eventVersion\":", &damaged[16..])[..80].to_owned(),
        }
    );
    assert_eq!((decoded.is_whole(), decoded.bytes_not_read), (false, damaged.len() as u64 + 1));
    let said = only(&decoded).to_string();
    assert!(said.starts_with("a record is not valid JSON at byte 206 (record 2), which shows at byte 229; "), "{said}");
}

#[test]
fn elements_that_are_no_objects_are_passed_over() {
    for other in ["1", "\"{\"", "null", "true", "[{\"eventVersion\":\"1\"}]", "-0.5e-7", "\"\\u00e9\\\"\""] {
        let (records, decoded) = texts(file(&[event(0), other.to_owned(), event(1)]));
        assert_eq!(records, [event(0), event(1)], "{other}");
        let defect = only(&decoded);
        assert_eq!((defect.kind, defect.record, defect.bytes), (DefectKind::NotAnObject, Some(1), other.len() as u64));
        assert_eq!((defect.excerpt.as_str(), decoded.is_whole()), (other, false));
    }
}

#[test]
fn a_record_that_is_not_utf_8_is_passed_over() {
    let content = file(&[event(0), event(1).replace("Root", "R?ot"), event(2)]).replace('?', "\u{1}");
    let content: Vec<u8> = content.bytes().map(|byte| if byte == 1 { 0xC3 } else { byte }).collect();
    let (records, decoded) = texts(&content);
    assert_eq!(records, [event(0), event(2)]);
    let defect = only(&decoded);
    let shows_at = content.iter().position(|byte| *byte == 0xC3).unwrap() as u64;
    assert_eq!((defect.kind, defect.record, defect.shows_at), (DefectKind::NotUtf8, Some(1), shows_at));
}

#[test]
fn a_record_that_is_too_long_is_passed_over_in_bounded_memory() {
    let long = format!(r#"{{"eventVersion":"1","x":"{}","y":[{{"eventVersion":"inner"}}]}}"#, "z".repeat(5_000));
    let content = file(&[event(0), long.clone(), event(2)]);
    let limits = Limits { record_bytes: 1_000, ..Limits::default() };
    let (records, decoded) = whole(&content, limits);
    assert_eq!(
        records.iter().map(|(text, index, _)| (text.clone(), *index)).collect::<Vec<_>>(),
        [(event(0), 0), (event(2), 2)]
    );
    let defect = only(&decoded);
    assert_eq!((defect.kind, defect.bytes, defect.record), (DefectKind::TooLong, long.len() as u64, Some(1)));
    assert_eq!(defect.excerpt, long[..80]);
    for size in [1, 7, 900, 1_001, 4_000] {
        let (again, same, most) = in_pieces(content.as_bytes().chunks(size), limits);
        assert_eq!((&again, &same), (&records, &decoded), "{size}");
        assert!(most <= 1_000 + 300, "{most} bytes were kept in pieces of {size}");
    }
    let exact = Limits { record_bytes: long.len(), ..Limits::default() };
    assert!(whole(&content, exact).1.is_whole(), "one that is as long as allowed");
}

#[test]
fn brackets_without_end_take_neither_stack_nor_memory() {
    let limits = Limits { record_bytes: 10_000, ..Limits::default() };
    for bracket in ["[", "{\"a\":", "{\"eventVersion\":[", "["] {
        let content = format!(r#"{{"Records":[{},{{"a":{}"#, event(0), bracket.repeat(100_000));
        let (records, decoded, most) = in_pieces(content.as_bytes().chunks(4_096), limits);
        assert_eq!((records.len(), decoded.is_whole()), (1, false), "{bracket}");
        assert!(most <= 10_000 + 10_000 / 8 + 300, "{most} bytes");
        assert_eq!(whole(&content, limits), (records, decoded));
    }
}

#[test]
fn content_that_is_cut_off_says_so_wherever_that_is() {
    let content = file(&[event(0), event(1)]);
    for cut in 1..content.len() {
        let (records, decoded) = texts(&content[..cut]);
        let complete = (0..2).filter(|id| content[..cut].contains(&event(*id))).count();
        assert_eq!(records.len(), complete, "cut at {cut}");
        let defect = only(&decoded);
        assert_eq!(
            (defect.kind, defect.offset + defect.bytes, decoded.is_whole()),
            (DefectKind::Truncated, cut as u64, false)
        );
    }
    let defect = only(&texts(&content[..content.len() - 10]).1).clone();
    let start = content.rfind("{\"eventVersion").unwrap();
    assert_eq!((defect.offset, defect.record, &*defect.excerpt), (start as u64, Some(1), &content[start..start + 80]));
    let line = format!("{}\n{}", event(0), &event(1)[..50]);
    assert_eq!((texts(&line).0.len(), only(&texts(&line).1).record), (1, Some(1)));
}

#[test]
fn text_behind_the_end_is_said_and_records_in_it_are_read() {
    for behind in ["x", "\0\0\0", "]", "}", ",", "\"a\"", "\u{feff}"] {
        let (records, decoded) = texts(file(&[event(0)]) + behind);
        assert_eq!(records, [event(0)], "{behind:?}");
        let defect = only(&decoded);
        assert_eq!((defect.kind, defect.bytes), (DefectKind::AfterEnd, behind.len() as u64), "{behind:?}");
    }
    let (records, decoded) = texts(format!("{} garbage, {}, {}", file(&[event(0)]), event(1), event(2)));
    assert_eq!((records.len(), kinds(&decoded)), (3, vec![DefectKind::AfterEnd]));
}

#[test]
fn damage_around_the_records_leaves_the_records() {
    let list = [event(0), event(1), event(2)];
    let joined = list.join(",");
    for content in [
        format!("\"Records\":[{joined}]}}"),
        format!("{{Records\":[{joined}]}}"),
        format!("{{\"Records:[{joined}]}}"),
        format!("{{\"Records\"[{joined}]}}"),
        format!("{{\"Records\":{joined}]}}"),
        format!("HTTP/1.1 200\n{{\"Records\":[{joined}]}}"),
        format!("\0{{\"Records\":[{joined}]}}"),
        format!("garbage[{joined}]"),
        format!("\u{feff}\u{feff}[{joined}]"),
        joined.clone(),
        list.join(",") + "]}",
        list.join("]"),
        format!("[{}]", list.join("")),
        format!("[{}]", list.join(",,")),
        format!("[{}]", list.join(":")),
        format!("[{joined},]"),
        format!("{{\"x\":tru,\"Records\":[{joined}]}}"),
        format!("{{\"Records\":[{joined}],\"x\":tru}}"),
        format!("{{\"Records\":[{joined}]]"),
        format!("{{\"Records\":[{{\"eventVersion\":\"1.0{}", file(&list)),
    ] {
        let (records, decoded) = texts(&content);
        assert_eq!(records, list, "{content}: {decoded:#?}");
        assert!(!decoded.is_whole(), "{content}");
    }
}

#[test]
fn lines_that_are_damaged_cost_themselves_alone_whatever_they_begin_with() {
    let line = |id: u32| format!(r#"{{"zone":"a","eventID":"{id}"}}"#);
    let lines: Vec<String> = (0..6).map(line).collect();
    for damaged in [&line(2)[1..], &line(2)[..20], "{\"zone\":\"a,\"eventID\":\"2\"}", "garbage", "{\"zone\"", "{", "}"]
    {
        let content = [&lines[0], &lines[1], damaged, &lines[3], &lines[4]].join("\n");
        let (records, decoded) = texts(&content);
        assert_eq!(records, [&*lines[0], &lines[1], &lines[3], &lines[4]], "{damaged}: {decoded:#?}");
        assert!(!decoded.is_whole());
    }
}

#[test]
fn records_with_sorted_or_unusual_keys_are_found_again() {
    for first in ["awsRegion", "additionalEventData", "a key of a tool"] {
        let record = |id: u32| format!("{{ \"{first}\" : \"x\",\n \"eventVersion\":\"1\", \"eventID\":\"{id}\" }}");
        let content = format!("[{}, {}, {}]", record(0), record(1).replace("\"x\",", "\"x,"), record(2));
        assert_eq!(texts(content).0, [record(0), record(2)], "{first}");
    }
}

#[test]
fn an_event_inside_of_a_request_is_not_taken_for_a_record() {
    let forged = r#"{"eventVersion":"1","eventID":"forged"}"#;
    let damaged = format!(r#"{{"eventVersion":"1","a":tru,"requestParameters":{{"x" : {forged}}},"eventID":"x"}}"#);
    let (records, decoded) = texts(file(&[event(0), damaged, event(1)]));
    assert_eq!((records, only(&decoded).kind), (vec![event(0), event(1)], DefectKind::NotJson));
    let text = serde_json::to_string(&format!(",{forged},")).unwrap();
    let damaged = format!(r#"{{"eventVersion":"1","a":tru,"requestParameters":{text},"eventID":"x"}}"#);
    assert_eq!(texts(file(&[event(0), damaged, event(1)])).0, [event(0), event(1)]);
    // What looks like a start and is no event, is none.
    let part = r#"{"eventVersion":"1","a":tru,"b":[1,{"awsRegion":"x"}]}"#;
    let (records, decoded) = texts(file(&[event(0), part.to_owned(), event(1)]));
    assert_eq!(records, [event(0), event(1)]);
    assert!(kinds(&decoded).contains(&DefectKind::NotAnEvent), "{decoded:#?}");
}

#[test]
fn defects_are_bounded_and_the_others_counted() {
    let content = format!("[{}{}]", "1,".repeat(500), event(0));
    let (records, decoded) = texts(&content);
    assert_eq!((records.len(), decoded.defects.len(), decoded.further_defects, decoded.losses), (1, 100, 400, 500));
    let (_, decoded) = whole(&content, Limits { defects: 0, ..Limits::default() });
    assert_eq!((decoded.defects.len(), decoded.further_defects, decoded.is_whole()), (0, 500, false));
}

#[test]
fn content_that_breaks_again_and_again_is_read_in_one_go() {
    // What is read twice for each level or start takes hours here.
    let starts = [
        "{\"Records\":",
        "{\"Records\":{",
        "{\"eventVersion\":",
        "[{\"eventVersion\":\"",
        "{\"eventVersion\":[",
        "{\"",
    ];
    for start in starts {
        for end in ["", "x", "\"", "}"] {
            let content = format!("{}{end}{}{}", start.repeat(100_000), file(&[event(1)]), event(2));
            let (_, decoded) = whole(&content, Limits::default());
            assert!(!decoded.is_whole() && decoded.losses <= 200_010, "{start}, {end}");
        }
    }
}

#[test]
fn excerpts_are_short_and_hold_nothing_that_acts_on_a_terminal() {
    let content = format!("[{},\u{1b}[31m\u{202e}\0{}]", event(0), "é".repeat(100));
    let (_, decoded) = texts(content);
    let excerpt = &only(&decoded).excerpt;
    assert!(excerpt.starts_with("\\u{1b}[31m\\u{202e}\\0éé"), "{excerpt}");
    assert!(excerpt.chars().count() < 100, "{excerpt}");
}
