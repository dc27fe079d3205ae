//! A lake in any state, and the log files beside it: the answer is that of the log files alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::folder::FolderLake;
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::layout::Grain;
use orgtrail_query::lake::reading::Lake;
use orgtrail_query::lake::seal::Seal;
use orgtrail_query::lake::status::LakeStatus;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::{Update, Updated};
use orgtrail_query::query::answer::QueryAnswer;
use proptest::prelude::*;

#[path = "support/events.rs"]
mod support;

use support::{CONDITIONS, DAYS, Event, REGIONS, archive, begin, condition, events, write};

/// How a lake is made.
#[derive(Debug, Clone, Copy)]
struct Shape {
    grain: Grain,
    slots: u16,
}

fn shapes() -> impl Strategy<Value = Shape> {
    (any::<bool>(), 1u16..4)
        .prop_map(|(is_hour, slots)| Shape { grain: if is_hour { Grain::Hour } else { Grain::Day }, slots })
}

/// Puts the log files of a folder into a lake beside it.
fn update(folder: &Path, shape: Shape, now: Timestamp) -> (Lake, Updated) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn LakeStore> = Arc::new(FolderLake::new(folder.join("lake")));
        let organization = Some("o-exampleorgid".to_owned());
        let asked = LakeAsked { organization, grain: Some(shape.grain), slots: Some(shape.slots) };
        let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.unwrap();
        let update = Update {
            archive: archive(&folder.join("logs")),
            window: Window::default(),
            overlap: SignedDuration::from_hours(72),
            shard: None,
            threads: 2,
            memory_bytes: 4 << 10,
            repairs: false,
        };
        let updated = update.run(&store, &identity, now, &|_| {}).await.unwrap();
        assert!(updated.is_whole(), "{updated:?}");
        (Lake::new(store, identity), updated)
    })
}

/// A lake of the first of some events, beside the log files of all of them.
fn half(folder: &Path, events: &[Event], first: usize, shape: Shape) -> Lake {
    let first = first.min(events.len());
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    write(&events[..first], &folder.join("logs"));
    let (lake, _) = update(folder, shape, begin());
    write(events, &folder.join("logs"));
    lake
}

fn ask(folder: &Path, lake: Option<&Lake>, sql: &str, window: &Window) -> (Vec<String>, QueryAnswer) {
    let (mut found, answer) = support::ask(archive(&folder.join("logs")), lake.cloned(), sql, window.clone());
    found.sort();
    (found, answer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_there_once_and_byte_for_byte(events in events(), first in 1..40_usize, shape in shapes()) {
        let folder = tempfile::tempdir().unwrap();
        let lake = half(folder.path(), &events, first, shape);
        let mut expected: Vec<String> = events.iter().flat_map(Event::records).collect();
        expected.sort();
        let (found, answer) = ask(folder.path(), Some(&lake), "SELECT record FROM events", &Window::default());
        prop_assert_eq!(&found, &expected);
        let files: usize = events.iter().skip(first).map(|event| event.times * event.records().len()).sum();
        prop_assert_eq!(answer.coverage.files, files as u64, "only those that are not in are read");
        let (lake, _) = update(folder.path(), shape, begin());
        let (found, answer) = ask(folder.path(), Some(&lake), "SELECT record FROM events", &Window::default());
        prop_assert_eq!((&found, answer.coverage.files), (&expected, 0));
    }

    #[test]
    fn every_condition_finds_what_it_finds_in_the_log_files(
        events in events(),
        first in 1..40_usize,
        shape in shapes(),
        form in 0..CONDITIONS.len(),
        a in 0..DAYS * 24 * 60,
        b in 0..DAYS * 24 * 60,
        is_asked: bool,
        account in proptest::option::of(proptest::sample::select(vec!["111111111111", "222222222222"])),
        region in proptest::option::of(proptest::sample::select(REGIONS.to_vec())),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let lake = half(folder.path(), &events, first, shape);
        let (view, id, condition) = condition(form, a, b);
        let at = |minutes: i64| begin() + SignedDuration::from_mins(minutes);
        let one = |name: Option<&str>| name.map(|name| std::collections::BTreeSet::from([name.to_owned()]));
        let window = match is_asked {
            true => Window { from: Some(at(a.min(b))), to: Some(at(a.max(b) + 1)), ..Window::default() },
            false => Window::default(),
        };
        let window = Window { accounts: one(account), regions: one(region), ..window };
        let sql = format!("SELECT {id} FROM {view} WHERE {condition}");
        let of_logs = ask(folder.path(), None, &sql, &window).0;
        prop_assert_eq!(ask(folder.path(), Some(&lake), &sql, &window).0, of_logs, "{} {:?}", sql, window);
        let (lake, _) = update(folder.path(), shape, begin() + SignedDuration::from_hours(24 * (DAYS + 7)));
        let of_logs = ask(folder.path(), None, &sql, &window).0;
        prop_assert_eq!(ask(folder.path(), Some(&lake), &sql, &window).0, of_logs, "{} {:?}", sql, window);
    }

    #[test]
    fn every_column_of_every_view_is_the_same(events in events(), first in 1..40_usize, shape in shapes()) {
        let folder = tempfile::tempdir().unwrap();
        let lake = half(folder.path(), &events, first, shape);
        for sql in [
            "SELECT * FROM events ORDER BY account, event_time, event_id, record",
            "SELECT * FROM cloudtrail_logs ORDER BY account, eventtime, eventid, addendum",
            "SELECT * FROM cloudtrail_lake ORDER BY recipientaccountid, eventtime, eventid, addendum['reason']",
            "SELECT event_name, count(*), max(event_time) FROM events GROUP BY 1",
            "SELECT count(*) FROM events",
        ] {
            let rows = |lake| {
                let (_, answer) = ask(folder.path(), lake, sql, &Window::default());
                // The key of an event that was delivered twice is that of either delivery.
                let at = answer.columns.iter().position(|column| column == "object_key");
                let cells = |row: Vec<_>| row.into_iter().enumerate().filter(|(cell, _)| Some(*cell) != at).collect::<Vec<_>>();
                answer.rows.into_iter().map(cells).collect::<Vec<_>>()
            };
            prop_assert_eq!(rows(Some(&lake)), rows(None), "{}", sql);
        }
    }
}

#[test]
fn events_without_a_time_are_in_the_lake_and_a_second_update_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let event = |id, at_minutes| Event { id, at_minutes, late_minutes: 0, account: 0, times: 1, is_changed: true };
    write(&[event(1, 10), event(2, 24 * 60 - 1)], &logs);
    let untimed = r#"{"Records":[{"eventID":"odd","eventTime":"yesterday","eventName":"E"}]}"#;
    let key = "AWSLogs/o-exampleorgid/111111111111/CloudTrail/us-east-1/2026/02/27/111111111111_CloudTrail_us-east-1_20260227T0100Z_Untimed0000001.json.gz";
    std::fs::write(logs.join(key), untimed).unwrap();
    let shape = Shape { grain: Grain::Day, slots: 2 };
    let (lake, first) = update(folder.path(), shape, begin());
    assert_eq!((first.listed, first.added, first.records), (5, 5, 5));
    let (_, second) = update(folder.path(), shape, begin() + SignedDuration::from_hours(1));
    assert_eq!((second.added, second.slots_written), (0, 0));
    for (sql, expected) in [
        ("SELECT event_id FROM events WHERE event_time IS NULL", vec!["odd"]),
        ("SELECT eventid FROM cloudtrail_logs WHERE eventtime > '2026-02-27T01'", vec!["00000002", "00000002", "odd"]),
        (
            "SELECT event_id FROM events WHERE event_time >= timestamp '2026-02-27 01:00:00'",
            vec!["00000002", "00000002"],
        ),
    ] {
        let (found, answer) = ask(folder.path(), Some(&lake), sql, &Window::default());
        assert_eq!(
            (found, answer.coverage.without_time),
            (expected.into_iter().map(str::to_owned).collect(), 1),
            "{sql}"
        );
    }
}

#[test]
fn a_log_file_that_comes_behind_the_last_update_is_read_beside_the_lake() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let event = |id, at_minutes| Event { id, at_minutes, late_minutes: 0, account: 0, times: 1, is_changed: false };
    write(&[event(1, 10)], &logs);
    let updated_at = begin() + SignedDuration::from_hours(96);
    let (lake, _) = update(folder.path(), Shape { grain: Grain::Day, slots: 1 }, updated_at);
    // A copy of a bucket that was not done yet: files of one, two and nearly three days before the update.
    write(&[event(2, (96 - 30) * 60), event(3, (96 - 50) * 60), event(4, (96 - 70) * 60)], &logs);
    let (found, answer) = ask(folder.path(), Some(&lake), "SELECT event_id FROM events", &Window::default());
    assert_eq!(found, ["00000001", "00000002", "00000003", "00000004"]);
    assert_eq!(answer.coverage.files, 3);
}

#[test]
fn hours_of_a_sealed_day_are_attested_until_a_log_file_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let event = |id, at_minutes| Event { id, at_minutes, late_minutes: 0, account: 0, times: 1, is_changed: false };
    write(&[event(1, 10), event(2, 90)], &logs);
    let base = "AWSLogs/o-exampleorgid/111111111111/CloudTrail-Digest/us-east-1/2026/02/27";
    std::fs::create_dir_all(logs.join(base)).unwrap();
    for hour in 1..=3 {
        let name = format!("111111111111_CloudTrail-Digest_us-east-1_trail_us-east-1_20260227T{hour:02}0000Z.json.gz");
        std::fs::write(logs.join(base).join(name), "").unwrap();
    }
    let shape = Shape { grain: Grain::Day, slots: 1 };
    let (lake, _) = update(folder.path(), shape, begin());
    let at = |hour: i64| Some(begin() + SignedDuration::from_hours(hour));
    let window = Window { from: at(0), to: at(3), ..Window::default() };
    let hours = |lake: &Lake| ask(folder.path(), Some(lake), "SELECT record FROM events", &window).1.coverage.hours;
    assert_eq!((hours(&lake).all, hours(&lake).with_digest, hours(&lake).attested), (3, 3, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let contents = lake.contents(&window, SignedDuration::from_hours(0)).await.unwrap();
        let day = contents.heads[0].0.day;
        let mut seal = Seal::of(day, begin());
        seal.attested.insert(("111111111111".to_owned(), "us-east-1".to_owned()));
        seal.ledgers.extend(contents.heads.iter().map(|(id, head)| (id.number, head.digest.clone())));
        seal.write(lake.store.as_ref()).await.unwrap();
    });
    assert_eq!((hours(&lake).all, hours(&lake).with_digest, hours(&lake).attested), (3, 3, 3));
    write(&[event(3, 30)], &logs);
    update(folder.path(), shape, begin() + SignedDuration::from_hours(1));
    assert_eq!(hours(&lake).attested, 0, "what came later was not proved");
}

#[test]
fn a_slot_that_is_gone_or_another_ones_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let event =
        |id, account, at_minutes| Event { id, at_minutes, late_minutes: 0, account, times: 1, is_changed: false };
    write(&[event(1, 0, 10), event(2, 0, 24 * 60 + 10), event(3, 1, 10)], &logs);
    let shape = Shape { grain: Grain::Day, slots: 2 };
    let (lake, _) = update(folder.path(), shape, begin());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = || {
        runtime.block_on(async {
            let contents = lake.contents(&Window::default(), SignedDuration::from_hours(0)).await.unwrap();
            let status = LakeStatus::read(&lake.store).await.unwrap();
            assert_eq!(status.is_whole(), contents.unread.is_empty(), "{status:?}");
            contents.unread.iter().map(|(_, why)| why.clone()).collect::<Vec<_>>()
        })
    };
    assert_eq!(told(), [""; 0]);
    let events = folder.path().join("lake/events");
    let mut slots: Vec<_> = ["2026-02-27", "2026-02-28"]
        .iter()
        .flat_map(|day| std::fs::read_dir(events.join(format!("day={day}"))).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    slots.sort();
    let kept = std::fs::read(&slots[0]).unwrap();
    std::fs::remove_file(&slots[0]).unwrap();
    assert!(told().iter().any(|why| why.contains("it is not there")), "{:?}", told());
    std::fs::copy(slots.last().unwrap(), &slots[0]).unwrap();
    assert!(
        runtime
            .block_on(lake.contents(&Window::default(), SignedDuration::from_hours(0)))
            .unwrap()
            .unread
            .iter()
            .any(|(_, why)| why.contains("of another time or of other accounts"))
    );
    std::fs::write(&slots[0], kept).unwrap();
    assert_eq!(told(), [""; 0]);
}
