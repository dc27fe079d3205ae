//! The archive of the test: the events of `events.jsonl` in the folders that CloudTrail would write them to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::query::engine::{Engine, Limits};
use serde_json::Value;

const EVENTS: &str = include_str!("events.jsonl");

/// Writes the archive into a folder: a file for each account, region, kind and hour.
pub fn write(folder: &Path) {
    let mut files: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in EVENTS.lines() {
        files.entry(key(&serde_json::from_str(line).unwrap())).or_default().push(line);
    }
    for (key, records) in files {
        let path = folder.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(path).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        write!(gzip, "{{\"Records\":[{}]}}", records.join(",")).unwrap();
        gzip.finish().unwrap();
    }
}

fn key(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap();
    let (account, region, time) = (text("recipientAccountId"), text("awsRegion"), text("eventTime"));
    let kind = if text("eventCategory") == "NetworkActivity" { "CloudTrail-NetworkActivity" } else { "CloudTrail" };
    let (day, hour) = (&time[..10], &time[11..13]);
    let (folders, plain) = (day.replace('-', "/"), day.replace('-', ""));
    let file = format!("{account}_{kind}_{region}_{plain}T{hour}55Z_abcdefghijklmnop.json.gz");
    format!("AWSLogs/{account}/{kind}/{region}/{folders}/{file}")
}

/// What a question may use that is answered by one thread.
pub fn limits() -> Limits {
    Limits { threads: 1, ..Limits::default() }
}

/// Returns an engine over the folder.
pub fn engine(folder: &Path, limits: &Limits) -> Engine {
    let store = Arc::new(FolderStore::new(folder));
    let sought = ScopeFilter { prefix: String::new(), account: None, region: None, organization: None };
    let archive = Archive::new(vec![LogPlace { store, sought }], SignedDuration::from_hours(24));
    Engine::new(Arc::new(archive), None, Window::default(), limits).unwrap()
}
