//! Events and the log files that they are delivered in, and questions about them.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_core::log_path::{ChainScope, LogKey, LogKind, LogRoot};
use orgtrail_query::lake::reading::Lake;
use orgtrail_query::query::answer::{Answered, Bounds, Ended, QueryAnswer, Question};
use orgtrail_query::query::engine::{Engine, Limits};
use proptest::collection::vec;
use proptest::prelude::*;

pub const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
pub const DAYS: i64 = 3;

/// An event: its id, when it happened, how late it was delivered, whose it is, how often it was delivered, and whether
/// another with its id follows.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: u32,
    pub at_minutes: i64,
    pub late_minutes: i64,
    pub account: usize,
    pub times: usize,
    pub is_changed: bool,
}

impl Event {
    pub fn time(&self) -> Timestamp {
        begin() + SignedDuration::from_mins(self.at_minutes)
    }

    /// The records of it, as they are delivered.
    pub fn records(&self) -> Vec<String> {
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

pub fn begin() -> Timestamp {
    "2026-02-27T00:00:00Z".parse().unwrap()
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
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
pub fn write(events: &[Event], folder: &Path) {
    let root = LogRoot::default().in_organization("o-exampleorgid");
    for event in events {
        let records = event.records();
        let deliveries = records.iter().flat_map(|record| (0..event.times).map(move |time| (record, time)));
        for (number, (record, time)) in (100 * event.id..).zip(deliveries) {
            let minutes = event.at_minutes + event.late_minutes + 5 * (time as i64 + 1);
            let slot = begin() + SignedDuration::from_mins(minutes - minutes.rem_euclid(5) + 5);
            let account = ACCOUNTS[event.account].parse().unwrap();
            let scope = ChainScope::of(&root, account, REGIONS[event.account % 2].parse().unwrap());
            let key = LogKey::new(scope, LogKind::CloudTrail, slot, format!("N{number:08}")).to_string();
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(format!("{{\"Records\":[{record}]}}").as_bytes()).unwrap();
            std::fs::write(path, gzip.finish().unwrap()).unwrap();
        }
    }
}

/// Returns the archive of a folder.
pub fn archive(folder: &Path) -> Arc<Archive> {
    let place = LogPlace { store: Arc::new(FolderStore::new(folder)), sought: ScopeFilter::default() };
    Arc::new(Archive::new(vec![place], SignedDuration::from_hours(24)))
}

/// Asks a question; returns the first column of the answer, and how much was read: log files and slots.
pub fn ask(archive: Arc<Archive>, lake: Option<Lake>, sql: &str, window: Window) -> (Vec<String>, QueryAnswer) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Arc::new(Engine::new(archive, lake, window, &Limits::default()).unwrap());
        let question = Question {
            sql: sql.to_owned(),
            values: datafusion::common::ParamValues::Map(std::collections::HashMap::new()),
            cannot_see: String::new(),
        };
        let answered = Answered { now: begin() + SignedDuration::from_hours(240), expected: None };
        let bounds = Bounds { rows: 10_000, bytes: 1 << 30, keeps_types: false };
        let answer =
            QueryAnswer::of(engine, question, answered, bounds, &AtomicUsize::new(0), std::future::pending::<Ended>())
                .await
                .unwrap();
        assert_eq!(answer.coverage.unread_count, 0, "{:?}", answer.coverage.unread);
        (answer.rows.iter().map(|row| row[0].text().to_owned()).collect(), answer)
    })
}

/// The regions, of every other account the same.
pub const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// Conditions as people write them: the view, and the condition over two times.
pub const CONDITIONS: [(&str, &str); 16] = [
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

/// Returns a condition of these over two times, in minutes, with its view and the column of ids there.
pub fn condition(form: usize, a: i64, b: i64) -> (&'static str, &'static str, String) {
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
    (view, if view == "events" { "event_id" } else { "eventid" }, condition)
}
