//! What lies in an archive class: it is not read, but counted, and said once for each chain, place and class.

use std::collections::BTreeMap;

use crate::archive::UNKNOWN_CLASS;

use super::chain_sites::ChainSite;
use crate::logs::finding::{Code, Finding, State, TimeRange};

/// For how many days a restored copy stays.
const RESTORED_DAYS: u32 = 7;

/// Archived objects of one chain.
#[derive(Debug, Default)]
pub(super) struct Archived(BTreeMap<Key, SameReason>);

/// The kind of finding, the site, and the class or tier.
pub(super) type Key = (Code, usize, String);

#[derive(Debug)]
struct SameReason {
    count: usize,
    /// Their bytes, as stored; of log files as far as the listing told them.
    bytes: u64,
    /// The keys at both ends, in the order of keys.
    first: String,
    last: String,
    window: TimeRange,
}

impl Archived {
    /// Notes an object that was not read, with the bytes that it has as stored where they are known.
    pub(super) fn note(&mut self, key: Key, object: &str, window: TimeRange, bytes: u64) {
        let new = || SameReason { count: 0, bytes: 0, first: object.to_owned(), last: object.to_owned(), window };
        let found = self.0.entry(key).or_insert_with(new);
        found.count += 1;
        found.bytes += bytes;
        if object < found.first.as_str() {
            object.clone_into(&mut found.first);
        }
        if object > found.last.as_str() {
            object.clone_into(&mut found.last);
        }
        found.window = TimeRange { start: found.window.start.min(window.start), end: found.window.end.max(window.end) };
    }

    /// Adds the bytes of an object that was noted before its size was known.
    pub(super) fn add_bytes(&mut self, key: &Key, bytes: u64) {
        if let Some(found) = self.0.get_mut(key) {
            found.bytes += bytes;
        }
    }

    /// Returns one finding a place and class. `name` is an object's name in findings.
    pub(super) fn findings(&self, sites: &[ChainSite], name: impl Fn(usize, &str) -> String) -> Vec<Finding> {
        let finding = |((code, at, class), found): (&Key, &SameReason)| {
            let what = if *code == Code::LogArchived { "log file" } else { "digest" };
            let (verb, last) = match found.count {
                1 => ("is", String::new()),
                _ => ("are", format!("; the last one is {}", name(*at, &found.last))),
            };
            let many = if found.count == 1 { format!("1 {what}") } else { format!("{} {what}s", found.count) };
            let bytes = if found.bytes == 0 { String::new() } else { format!(" ({} bytes)", found.bytes) };
            let detail = format!(
                "{many}{bytes} {verb} in the archive class {class}, and can only be read after a restore{last}"
            );
            let bucket = sites.get(*at).and_then(|site| site.store.bucket());
            let command = bucket
                .map(|bucket| format!("restore {} and run again: {}", it(found.count), restore(bucket, class, found)));
            Finding {
                code: *code,
                state: State::Unproven,
                object: Some(name(*at, &found.first)),
                window: Some(found.window),
                detail,
                next: command,
            }
        };
        self.0.iter().map(finding).collect()
    }
}

fn it(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

/// Returns the command that restores what was found, and nothing beside it.
fn restore(bucket: &str, class: &str, found: &SameReason) -> String {
    // Tiers of S3 Intelligent-Tiering take no number of days (Amazon S3 user guide, "Restoring an archived object").
    let days = match class.ends_with("_ACCESS") {
        true => String::new(),
        false => format!("\"Days\":{RESTORED_DAYS},"),
    };
    let request = format!("'{{{days}\"GlacierJobParameters\":{{\"Tier\":\"Bulk\"}}}}'");
    let bucket = quoted(bucket);
    if found.count == 1 {
        let key = quoted(&found.first);
        return format!("aws s3api restore-object --bucket {bucket} --key {key} --restore-request {request}");
    }
    let (first, last) = (&found.first, &found.last);
    let common = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let folder = first.get(..common).and_then(|same| same.rfind('/')).map_or("", |at| &first[..=at]);
    let of_class = match class {
        UNKNOWN_CLASS => String::new(),
        tier if tier.ends_with("_ACCESS") => "?StorageClass=='INTELLIGENT_TIERING'".to_owned(),
        class => format!("?StorageClass=='{class}'"),
    };
    format!(
        "aws s3api list-objects-v2 --bucket {bucket} --prefix {} --query \"Contents[{of_class}].[Key]\" --output text \
         | awk -v a={} -v z={} '$0 >= a && $0 <= z' | while read -r key; do aws s3api restore-object --bucket {bucket} --key \"$key\" \
         --restore-request {request}; done",
        quoted(folder),
        quoted(first),
        quoted(last)
    )
}

/// Returns a text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> TimeRange {
        TimeRange::hour_until("2026-11-20T01:00:00Z".parse().unwrap())
    }

    fn found(objects: &[&str]) -> SameReason {
        let mut archived = Archived::default();
        let key = (Code::LogArchived, 0, "GLACIER".to_owned());
        objects.iter().for_each(|object| archived.note(key.clone(), object, window(), 10));
        archived.0.remove(&key).unwrap()
    }

    #[test]
    fn one_object_and_several_are_restored_by_a_command() {
        let one = "aws s3api restore-object --bucket b --key a/x.json.gz --restore-request \
                   '{\"Days\":7,\"GlacierJobParameters\":{\"Tier\":\"Bulk\"}}'";
        assert_eq!(restore("b", "GLACIER", &found(&["a/x.json.gz"])), one);
        let several = found(&["a/2026/1/y", "a/2026/1/x", "a/2026/2/it's"]);
        assert_eq!((several.count, several.bytes), (3, 30));
        let command = "aws s3api list-objects-v2 --bucket b --prefix a/2026/ --query \
                       \"Contents[?StorageClass=='DEEP_ARCHIVE'].[Key]\" --output text | awk -v a=a/2026/1/x -v \
                       z='a/2026/2/it'\\''s' '$0 >= a && $0 <= z' | while read -r key; do aws s3api restore-object --bucket b \
                       --key \"$key\" --restore-request '{\"Days\":7,\"GlacierJobParameters\":{\"Tier\":\"Bulk\"}}'; done";
        assert_eq!(restore("b", "DEEP_ARCHIVE", &several), command);
        let tier = restore("b", "DEEP_ARCHIVE_ACCESS", &several);
        assert!(tier.contains("StorageClass=='INTELLIGENT_TIERING'") && !tier.contains("Days"), "{tier}");
    }
}
