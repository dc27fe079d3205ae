//! Any records in any log files: the answer has each event once, byte for byte, and a window of time loses none.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_core::log_path::{ChainScope, LogKey, LogKind, LogRoot};
use orgtrail_query::query::answer::{Answered, Bounds, Ended, QueryAnswer, Question};
use orgtrail_query::query::engine::{Engine, Limits};
use orgtrail_query::query::scan::{Archive, Place};
use orgtrail_query::query::window::Window;
use proptest::collection::vec;
use proptest::prelude::*;

const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
const DAYS: i64 = 3;

/// An event: its id, when it happened, how late it was delivered, whose it is, how often it was delivered, and whether
/// another with its id follows.
#[derive(Debug, Clone)]
struct Event {
    id: u32,
    at_minutes: i64,
    late_minutes: i64,
    account: usize,
    times: usize,
    is_changed: bool,
}

impl Event {
    fn time(&self) -> Timestamp {
        begin() + SignedDuration::from_mins(self.at_minutes)
    }

    /// The records of it, as they are delivered.
    fn records(&self) -> Vec<String> {
        let record = |more: &str| {
            format!(
                "{{\"eventVersion\":\"1.11\",\"eventTime\":\"{}\",\"eventName\":\"E\",\"awsRegion\":\"us-east-1\",\
                 \"eventID\":\"{:08}\",\"requestParameters\":{{\"n\":1{}9007199254740993,\"s\":\"\\u0022\"}}{more},\
                 \"recipientAccountId\":\"{}\"}}",
                self.time(),
                self.id,
                self.id,
                ACCOUNTS[self.account]
            )
        };
        let mut all = vec![record("")];
        if self.is_changed {
            all.push(record(",\"addendum\":{\"reason\":\"UPDATED_DATA\"}"));
        }
        all
    }
}

fn begin() -> Timestamp {
    "2026-02-27T00:00:00Z".parse().unwrap()
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (0..DAYS * 24 * 60, 0..20 * 60_i64, 0..ACCOUNTS.len(), 1..3_usize, any::<bool>());
    vec(one, 1..40).prop_map(|all| {
        let event = |(id, (at_minutes, late_minutes, account, times, is_changed))| Event {
            id: u32::try_from(id).unwrap(),
            at_minutes,
            late_minutes,
            account,
            times,
            is_changed,
        };
        all.into_iter().enumerate().map(event).collect()
    })
}

/// Writes each delivery into a log file of its five minutes.
fn write(events: &[Event], folder: &Path) {
    let root = LogRoot::default().in_organization("o-exampleorgid");
    let mut number = 0;
    for event in events {
        for (record, time) in event.records().iter().flat_map(|record| (0..event.times).map(move |time| (record, time)))
        {
            let minutes = event.at_minutes + event.late_minutes + 5 * (time as i64 + 1);
            let slot = begin() + SignedDuration::from_mins(minutes - minutes.rem_euclid(5) + 5);
            let account = ACCOUNTS[event.account].parse().unwrap();
            let scope = ChainScope::of(&root, account, "us-east-1".parse().unwrap());
            let key = LogKey::new(scope, LogKind::CloudTrail, slot, format!("N{number:08}")).to_string();
            number += 1;
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(format!("{{\"Records\":[{record}]}}").as_bytes()).unwrap();
            std::fs::write(path, gzip.finish().unwrap()).unwrap();
        }
    }
}

fn ask(folder: &Path, sql: &str) -> Vec<String> {
    ask_in(folder, sql, Window::default())
}

fn ask_in(folder: &Path, sql: &str, window: Window) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place { store: Arc::new(FolderStore::new(folder)), sought: ScopeFilter::default() };
        let archive = Arc::new(Archive::new(vec![place], SignedDuration::from_hours(24)));
        let engine = Arc::new(Engine::new(archive, window, &Limits::default()).unwrap());
        let question = Question {
            sql: sql.to_owned(),
            values: datafusion::common::ParamValues::Map(std::collections::HashMap::new()),
            cannot_see: String::new(),
        };
        let answered = Answered { now: begin(), expected: None };
        let bounds = Bounds { rows: 10_000, bytes: 1 << 30 };
        let answer =
            QueryAnswer::of(engine, question, answered, bounds, std::future::pending::<Ended>()).await.unwrap();
        assert_eq!(answer.coverage.unread_count, 0);
        answer.rows.iter().map(|row| row[0].text().to_owned()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_there_once_and_byte_for_byte(events in events()) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let mut expected: Vec<String> = events.iter().flat_map(Event::records).collect();
        let mut found = ask(folder.path(), "SELECT record FROM events");
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_window_reads_every_file_that_has_one_of_its_events(
        events in events(),
        from in 0..DAYS * 24 * 60,
        length in 1..24 * 60_i64,
        view in 0..6_usize,
        account in 0..ACCOUNTS.len(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let (from, to) = (from, from + length);
        let at = |minutes: i64| begin() + SignedDuration::from_mins(minutes);
        let (a, b, own) = (at(from), at(to), ACCOUNTS[account]);
        let plain = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let sql = match view {
            0 => format!("SELECT event_id FROM events WHERE event_time >= '{a}' AND event_time < '{b}' AND account = '{own}'"),
            1 => format!("SELECT eventid FROM cloudtrail_logs WHERE eventtime >= '{a}' AND eventtime < '{b}' AND account = '{own}'"),
            2 => format!(
                "SELECT eventID FROM cloudtrail_lake WHERE eventTime >= '{}' AND eventTime < '{}' AND recipientAccountId = '{own}'",
                plain(a), plain(b)
            ),
            3 => format!("SELECT event_id FROM events WHERE '{b}' > event_time AND NOT (event_time < '{a}') AND account IN ('{own}')"),
            4 => format!(
                "WITH e AS (SELECT * FROM events WHERE account = '{own}') SELECT event_id FROM e \
                 WHERE (event_time >= timestamp '{}' OR event_name = 'X') AND event_time < timestamp '{}'",
                plain(a), plain(b)
            ),
            _ => format!(
                "SELECT event_id FROM events WHERE account = '{own}' AND \
                 CASE WHEN event_time < '{a}' THEN false ELSE event_time < '{b}' END"
            ),
        };
        let wanted = events.iter().filter(|event| {
            event.account == account && (a..b).contains(&event.time())
        });
        let expected: BTreeSet<String> = wanted.map(|event| format!("{:08}", event.id)).collect();
        let found: BTreeSet<String> = ask(folder.path(), &sql).into_iter().collect();
        prop_assert_eq!(found, expected, "{}", sql);
    }

    #[test]
    fn no_condition_leaves_out_a_file_that_the_same_condition_needs_where_it_cannot_choose_files(
        events in events(),
        form in 0..CONDITIONS.len(),
        a in 0..DAYS * 24 * 60,
        b in 0..DAYS * 24 * 60,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let (view, condition) = CONDITIONS[form];
        let at = |minutes: i64, form: &str| (begin() + SignedDuration::from_mins(minutes)).strftime(form).to_string();
        let condition = condition
            .replace("{a}", &at(a, "%Y-%m-%d %H:%M:%S"))
            .replace("{b}", &at(b, "%Y-%m-%d %H:%M:%S"))
            .replace("{a_day}", &at(a, "%Y-%m-%d"))
            .replace("{b_day}", &at(b, "%Y-%m-%d"))
            .replace("{a_z}", &at(a, "%Y-%m-%dT%H:%M:%SZ"))
            .replace("{b_zone}", &at(b, "%Y-%m-%dT%H:%M:%S-05:00"))
            .replace("{a_compact}", &at(a, "%Y%m%dT%H%M%S"));
        let id = if view == "events" { "event_id" } else { "eventid" };
        let ask_sorted = |condition: &str| {
            let mut found = ask(folder.path(), &format!("SELECT {id} FROM {view} WHERE {condition}"));
            found.sort();
            found
        };
        prop_assert_eq!(ask_sorted(&condition), ask_sorted(&format!("({condition}) OR random() < -1")), "{}", condition);
    }

    #[test]
    fn the_time_that_is_asked_for_beside_a_question_is_that_of_its_rows(
        events in events(),
        from in 0..DAYS * 24 * 60,
        length in 1..24 * 60_i64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let at = |minutes: i64| begin() + SignedDuration::from_mins(minutes);
        let window = Window { from: Some(at(from)), to: Some(at(from + length)), ..Window::default() };
        let inside = |event: &&Event| (at(from)..at(from + length)).contains(&event.time());
        let expected: usize = events.iter().filter(inside).map(|event| event.records().len()).sum();
        let found = ask_in(folder.path(), "SELECT record FROM events", window);
        prop_assert_eq!(found.len(), expected);
    }
}

/// Conditions as people write them: the view, and the condition over two times.
const CONDITIONS: [(&str, &str); 16] = [
    ("events", "date(event_time) = date '{a_day}'"),
    ("events", "date(event_time) IN (date '{a_day}', date '{b_day}')"),
    ("events", "cast(event_time AS date) <= date '{a_day}'"),
    ("events", "event_time BETWEEN date '{a_day}' AND date '{b_day}'"),
    ("events", "event_time = timestamp '{a}' OR event_time > timestamp '{b}'"),
    ("events", "NOT (event_time >= timestamp '{a}' AND account = '111111111111')"),
    ("events", "account = '111111111111' AND (event_time < timestamp '{a}' OR region = 'us-east-1')"),
    ("cloudtrail_logs", "eventtime >= '{a_z}' AND eventtime < '{b_zone}'"),
    ("cloudtrail_logs", "eventtime >= '{b_zone}'"),
    ("cloudtrail_logs", "eventtime <= '{a_compact}'"),
    ("cloudtrail_logs", "eventtime > '{a}' AND eventtime < '{b_day}'"),
    ("cloudtrail_logs", "cast(eventtime AS date) = date '{a_day}'"),
    ("cloudtrail_logs", "eventtime LIKE '{a_day}%'"),
    ("cloudtrail_logs", "eventtime BETWEEN '{a_day}' AND '{b_day}T23:59:59Z'"),
    ("cloudtrail_lake", "date(eventTime) <= date '{a_day}' AND recipientAccountId = '222222222222'"),
    ("cloudtrail_lake", "eventTime > '{a}' AND eventTime < '{b}'"),
];
