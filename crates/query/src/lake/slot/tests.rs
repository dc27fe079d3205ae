//! A slot is a function of its objects: whatever the order in which, and however often, they were added.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::columns::extract::{Delivered, EventTime};
use orgtrail_core::event::Json;

/// An object: its name, and the records in it.
type Object = (u8, Vec<u8>);

fn record(number: u8) -> String {
    match number % 8 {
        0 => format!(r#"{{"eventID":"{number}","eventTime":"never","big":9007199254740993{number}}}"#),
        1 => format!(r#"{{"eventID":"1","eventTime":"2026-11-20T0{}:00:00Z","a":null,"a":1.50}}"#, number % 5),
        _ => format!(
            r#"{{ "eventTime":"2026-11-20T0{}:00:00Z", "eventID":"{number}","userIdentity":{{"accessKeyId":"AKIA{number}"}},"resources":[{{"ARN":"arn:{number}"}}],"requestParameters":"{}"}}"#,
            number % 7,
            "é\\u0000".repeat(usize::from(number))
        ),
    }
}

fn key(name: u8) -> String {
    let (account, region) = (
        ["111111111111", "222222222222"][usize::from(name % 2)],
        ["us-east-1", "eu-west-1"][usize::from(name / 2 % 2)],
    );
    let kind = ["CloudTrail", "CloudTrail-Insight"][usize::from(name / 4 % 2)];
    format!("AWSLogs/{account}/{kind}/{region}/2026/11/20/{account}_{kind}_{region}_20261120T0105Z_{name:016}.json.gz")
}

fn rows(objects: &[Object]) -> (Vec<Row>, Sources) {
    let (mut rows, mut sources) = (Vec::new(), Sources::default());
    for (name, records) in objects {
        let key = key(*name);
        let parts: Vec<&str> = key.split('/').collect();
        let delivered =
            Arc::new(Delivered { account: parts[1].to_owned(), region: parts[3].to_owned(), key: key.clone() });
        for number in records {
            let (record, kind) = (record(*number), kind_of(&key));
            let time = EventTime::new().of(Json::parse(&record).unwrap()).map(|time| time.as_microsecond());
            rows.push(Row { delivered: Arc::clone(&delivered), kind, time, record });
        }
        sources.add(Source { key, tag: name.to_string() }, records.len() as u64);
    }
    rows.sort_unstable_by(Row::order);
    (rows, sources)
}

/// The mark of a lake.
const LAKE: &str = "o-aaaa day 4";

fn add(slot: Option<Bytes>, objects: &[Object]) -> Option<Bytes> {
    let (rows, sources) = rows(objects);
    let old = slot.clone().map(|bytes| Slot::of(bytes).unwrap());
    match merge(LAKE, old.as_ref(), &rows, &sources).unwrap() {
        Merged::Unchanged(_) => slot,
        Merged::Changed(bytes, footer) => {
            assert_eq!(Slot::of(bytes.clone()).unwrap().footer, footer);
            Some(bytes)
        }
    }
}

/// Objects with one name each: a name stands for one content.
fn objects() -> impl Strategy<Value = Vec<Object>> {
    let records = prop::collection::vec(0u8..40, 1..6);
    prop::collection::btree_map(0u8..24, records, 1..12)
        .prop_map(|all: BTreeMap<u8, Vec<u8>>| all.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_repetition_give_the_same_bytes(
        objects in objects(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 1usize..4), 0..8),
    ) {
        let at_once = add(None, &objects).unwrap();
        let mut slot = None;
        for (pick, count) in picks {
            let some: Vec<Object> = objects.iter().cycle().skip(pick.index(objects.len())).take(count.min(objects.len())).cloned().collect();
            slot = add(slot, &some);
        }
        for object in objects.iter().rev() {
            slot = add(slot, std::slice::from_ref(object));
        }
        prop_assert_eq!(slot.unwrap(), at_once);
    }

    #[test]
    fn every_record_is_there_once_byte_for_byte(objects in objects()) {
        let slot = Slot::of(add(None, &objects).unwrap()).unwrap();
        let found: Vec<Row> = slot.rows().unwrap().map(Result::unwrap).collect();
        let chain = |key: &str| key.rsplit_once('/').unwrap().0.to_owned();
        let own: Vec<(String, String)> =
            found.iter().map(|row| (chain(&row.delivered.key), row.record.clone())).collect();
        let expected: BTreeSet<(String, String)> = objects
            .iter()
            .flat_map(|(name, records)| records.iter().map(|number| (chain(&key(*name)), record(*number))))
            .collect();
        prop_assert_eq!(own.len(), expected.len());
        prop_assert_eq!(own.into_iter().collect::<BTreeSet<_>>(), expected);
        let read: usize = objects.iter().map(|(_, records)| records.len()).sum();
        prop_assert_eq!((slot.footer.read, slot.footer.kept), (read as u64, found.len() as u64));
        prop_assert_eq!(slot.footer.duplicates, (read - found.len()) as u64);
        prop_assert_eq!(slot.sources().unwrap().len(), objects.len());
    }
}

#[test]
fn a_slot_that_is_cut_off_or_changed_is_refused() {
    let bytes = add(None, &[(1, vec![2, 3, 4]), (2, vec![5])]).unwrap();
    for cut in (0..bytes.len()).step_by(97) {
        assert!(matches!(Slot::of(bytes.slice(..cut)), Err(SlotError::Damaged(_))), "cut at {cut}");
    }
    let slot = Slot::of(bytes.clone()).unwrap();
    let at = usize::try_from(slot.footer.sources_offset).unwrap();
    let mut changed = bytes.to_vec();
    changed[at + 9] ^= 1;
    let changed = Slot::of(changed.into()).unwrap();
    assert!(matches!(changed.sources(), Err(SlotError::Damaged(_))));
    assert!(matches!(merge(LAKE, Some(&changed), &[], &Sources::default()), Err(SlotError::Damaged(_))));
    let text = String::from_utf8_lossy(&bytes);
    let at = text.find(r#"{"schema":1,"#).map(|_| bytes.windows(12).rposition(|w| w == br#"{"schema":1,"#).unwrap());
    let mut newer = bytes.to_vec();
    newer[at.unwrap() + 10] = b'2';
    assert_eq!(Slot::of(newer.into()).unwrap_err(), SlotError::Newer(2));
}

#[test]
fn every_column_has_a_number_of_its_own() {
    let bytes = add(None, &[(1, vec![2, 3, 4])]).unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(bytes).unwrap();
    let metadata = parquet::file::reader::FileReader::metadata(&reader);
    let root = metadata.file_metadata().schema_descr().root_schema();
    let numbers: BTreeSet<i32> = root.get_fields().iter().map(|field| field.get_basic_info().id()).collect();
    let count = i32::try_from(columns().len()).unwrap();
    assert_eq!(numbers, (1..=count).collect());
    // As Iceberg numbers a table of these columns; the next number is kept free for the day.
    let element = metadata.file_metadata().schema_descr().columns().iter().find(|column| column.max_rep_level() > 0);
    assert_eq!(element.unwrap().self_type().get_basic_info().id(), count + 1);
}

#[test]
fn a_file_with_one_changed_byte_is_never_the_one_that_is_made() {
    let bytes = add(None, &[(1, vec![2, 3, 4]), (2, vec![5, 0])]).unwrap();
    assert_eq!(is_as_made(&Slot::of(bytes.clone()).unwrap()), Ok(Some(true)));
    for at in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 4;
        let made = Slot::of(changed.into()).and_then(|slot| is_as_made(&slot));
        assert_ne!(made, Ok(Some(true)), "byte {at}");
    }
}
