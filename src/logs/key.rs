//! The names of delivered objects: parsed, printed, and nothing else. Pure.
//!
//! `[prefix/]AWSLogs/[o-…/]<account>/<kind>/<region>/YYYY/MM/DD/<file>`, as the CloudTrail user guide gives it in "Getting
//! and viewing your CloudTrail log files" and "CloudTrail digest file structure". A name that does not print back to the
//! same text is not a name of CloudTrail's.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::ids::{AccountId, Region, TrailName};

/// The folder that holds digests.
const DIGEST_FOLDER: &str = "CloudTrail-Digest";
/// How every delivered file ends.
const ENDING: &str = ".json.gz";

/// What kind of records a log file holds, which is the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// Management and data events.
    CloudTrail,
    /// Unusual rates of calls and errors.
    Insight,
    /// Calls through VPC endpoints.
    NetworkActivity,
    /// Summaries of data events, five minutes each.
    Aggregated,
}

impl LogKind {
    /// Every kind, in the order in which S3 lists their folders.
    pub const ALL: [LogKind; 4] =
        [LogKind::CloudTrail, LogKind::Aggregated, LogKind::Insight, LogKind::NetworkActivity];

    /// Returns the name of the kind's folder, which file names repeat.
    pub fn folder(self) -> &'static str {
        match self {
            LogKind::CloudTrail => "CloudTrail",
            LogKind::Insight => "CloudTrail-Insight",
            LogKind::NetworkActivity => "CloudTrail-NetworkActivity",
            LogKind::Aggregated => "CloudTrail-Aggregated",
        }
    }

    /// Returns the kind whose folder has a name.
    pub fn of_folder(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.folder() == name)
    }
}

/// The part of a key that an account's files of one region share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// All that stands before `AWSLogs/`: empty, or ends with `/`.
    pub prefix: String,
    /// The organization's folder (`o-…`), absent in the layout of one account's trail.
    pub organization: Option<String>,
    /// The account whose events these are.
    pub account: AccountId,
    /// The region where the events happened.
    pub region: Region,
}

impl Scope {
    /// Returns the prefix of the account's folder, with the `/` at its end.
    pub fn account_prefix(&self) -> String {
        match &self.organization {
            Some(organization) => format!("{}AWSLogs/{organization}/{}/", self.prefix, self.account),
            None => format!("{}AWSLogs/{}/", self.prefix, self.account),
        }
    }

    /// Returns the prefix of all digests of the account in the region.
    pub fn digest_prefix(&self) -> String {
        format!("{}{DIGEST_FOLDER}/{}/", self.account_prefix(), self.region)
    }

    /// Returns the same place below another prefix, as a copy from below a prefix has it.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }

    /// Returns the prefix of all log files of one kind of the account in the region.
    pub fn log_prefix(&self, kind: LogKind) -> String {
        format!("{}{}/{}/", self.account_prefix(), kind.folder(), self.region)
    }
}

/// The key of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// Where it lies.
    pub scope: Scope,
    /// What it holds.
    pub kind: LogKind,
    /// The end of the five minutes in which it was made. It may lie after the moment of delivery.
    pub slot: Timestamp,
    /// What makes the name unique.
    pub unique: String,
    /// The documentation prints names both with and without `_` before the unique text.
    separated: bool,
    /// The folders of its day. No document says that it is the slot's day, so that around midnight it may be the next one.
    day: String,
}

/// The key of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestKey {
    /// Where it lies.
    pub scope: Scope,
    /// The trail that delivered it.
    pub trail: TrailName,
    /// The trail's home region, which need not be the region of the events.
    pub home: Region,
    /// The end of the hour that it attests.
    pub end: Timestamp,
    /// True for a later digest of log files that the hour's own digest missed.
    pub backfill: bool,
}

/// A key under `AWSLogs/`, by what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A log file.
    Log(LogKey),
    /// A digest.
    Digest(DigestKey),
}

impl Key {
    /// Returns what the key names, or nothing when CloudTrail would not write such a key.
    pub fn parse(text: &str) -> Option<Self> {
        let (folders, file) = text.rsplit_once('/')?;
        let (scope, folder, day) = parse_folders(folders)?;
        let key = match LogKind::of_folder(folder) {
            Some(kind) => Key::Log(parse_log_file(scope, kind, day, file)?),
            None if folder == DIGEST_FOLDER => Key::Digest(parse_digest_file(scope, file)?),
            None => return None,
        };
        (key.to_string() == text).then_some(key)
    }
}

impl DigestKey {
    /// Returns the digest that the key names, or nothing when it names none.
    pub fn parse(text: &str) -> Option<Self> {
        match Key::parse(text)? {
            Key::Digest(key) => Some(key),
            Key::Log(_) => None,
        }
    }
}

impl DigestKey {
    /// Returns the same digest below another prefix.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { scope: self.scope.below(prefix), ..self.clone() }
    }
}

impl LogKey {
    /// Returns the same log file below another prefix.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { scope: self.scope.below(prefix), ..self.clone() }
    }

    /// Tells whether it lies in the folder of its slot's day, or of a day beside that one: CloudTrail puts no file elsewhere.
    pub fn is_near_its_day(&self) -> bool {
        let day = jiff::SignedDuration::from_hours(24);
        let days = [self.slot.saturating_sub(day), Ok(self.slot), self.slot.saturating_add(day)];
        days.into_iter().flatten().any(|moment| day_folder(moment) == self.day)
    }

    /// Returns the log file that the key names, or nothing when it names none.
    pub fn parse(text: &str) -> Option<Self> {
        match Key::parse(text)? {
            Key::Log(key) => Some(key),
            Key::Digest(_) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Log(key) => key.fmt(f),
            Key::Digest(key) => key.fmt(f),
        }
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scope { account, region, .. } = &self.scope;
        let folder = self.kind.folder();
        let slot = utc(self.slot).strftime("%Y%m%dT%H%MZ");
        let separator = if self.separated { "_" } else { "" };
        let (prefix, day) = (self.scope.log_prefix(self.kind), &self.day);
        write!(f, "{prefix}{day}/{account}_{folder}_{region}_{slot}{separator}{}{ENDING}", self.unique)
    }
}

impl fmt::Display for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scope { account, region, .. } = &self.scope;
        let (prefix, day) = (self.scope.digest_prefix(), day_folder(self.end));
        let end = utc(self.end).strftime("%Y%m%dT%H%M%SZ");
        let backfill = if self.backfill { "_backfill" } else { "" };
        let (trail, home) = (&self.trail, &self.home);
        write!(f, "{prefix}{day}/{account}_{DIGEST_FOLDER}_{region}_{trail}_{home}_{end}{backfill}{ENDING}")
    }
}

/// Returns the folders of the day of a moment, `YYYY/MM/DD`, in UTC.
pub fn day_folder(moment: Timestamp) -> String {
    utc(moment).strftime("%Y/%m/%d").to_string()
}

fn utc(moment: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(moment)
}

/// Takes `[prefix/]AWSLogs/[o-…/]account/folder/region/YYYY/MM/DD` apart, from its end, since the prefix is free text.
fn parse_folders(text: &str) -> Option<(Scope, &str, &str)> {
    let (rest, region, day) = split_day(text)?;
    let (rest, folder) = rest.rsplit_once('/')?;
    let (rest, account) = rest.rsplit_once('/')?;
    let (rest, organization) = match last_segment(rest) {
        (before, segment) if is_organization(segment) => (before?, Some(segment.to_owned())),
        _ => (rest, None),
    };
    let prefix = rest.strip_suffix("AWSLogs")?;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        return None;
    }
    let scope =
        Scope { prefix: prefix.to_owned(), organization, account: account.parse().ok()?, region: region.parse().ok()? };
    Some((scope, folder, day))
}

fn split_day(text: &str) -> Option<(&str, &str, &str)> {
    let day_at = text.len().checked_sub("YYYY/MM/DD".len())?;
    let day = text.get(day_at..)?;
    let (rest, region) = text.get(..day_at)?.strip_suffix('/')?.rsplit_once('/')?;
    Some((rest, region, day))
}

fn last_segment(text: &str) -> (Option<&str>, &str) {
    match text.rsplit_once('/') {
        Some((before, segment)) => (Some(before), segment),
        None => (None, text),
    }
}

/// Tells whether a folder is an organization's. The id's length is not checked: only its place matters here.
pub fn is_organization(segment: &str) -> bool {
    segment
        .strip_prefix("o-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn parse_log_file(scope: Scope, kind: LogKind, day: &str, file: &str) -> Option<LogKey> {
    let start = format!("{}_{}_{}_", scope.account, kind.folder(), scope.region);
    let rest = file.strip_prefix(&start)?.strip_suffix(ENDING)?;
    let (time, rest) = rest.split_at_checked("YYYYMMDDTHHMMZ".len())?;
    let separated = rest.starts_with('_');
    let unique = rest.strip_prefix('_').unwrap_or(rest);
    if unique.is_empty() || !unique.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let slot = parse_time(time)?;
    if !near_days(slot).any(|near| near == day) {
        return None;
    }
    Some(LogKey { scope, kind, slot, unique: unique.to_owned(), separated, day: day.to_owned() })
}

/// Returns the folders of a moment's day and of the days beside it.
fn near_days(moment: Timestamp) -> impl Iterator<Item = String> {
    [0, -24, 24].into_iter().filter_map(move |hours| {
        let near = moment.checked_add(jiff::SignedDuration::from_hours(hours)).ok()?;
        Some(day_folder(near))
    })
}

/// Reads the file name from both ends: a trail's name may hold `_`, `.` and `-` itself.
fn parse_digest_file(scope: Scope, file: &str) -> Option<DigestKey> {
    let start = format!("{}_{DIGEST_FOLDER}_{}_", scope.account, scope.region);
    let rest = file.strip_prefix(&start)?.strip_suffix(ENDING)?;
    let (rest, backfill) = match rest.strip_suffix("_backfill") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (rest, end) = rest.rsplit_once('_')?;
    let (trail, home) = rest.rsplit_once('_')?;
    let (trail, home, end) = (trail.parse().ok()?, home.parse().ok()?, parse_time(end)?);
    Some(DigestKey { scope, trail, home, end, backfill })
}

/// Reads `YYYYMMDDTHHMMZ` or `YYYYMMDDTHHMMSSZ`.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || !matches!(clock.len(), 4 | 6) {
        return None;
    }
    let number = |part: Option<&str>| -> Option<i16> {
        let part = part?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let small = |part: Option<&str>| number(part).and_then(|n| i8::try_from(n).ok());
    let second = if clock.len() == 6 { small(clock.get(4..6))? } else { 0 };
    let (year, month, day) = (number(date.get(0..4))?, small(date.get(4..6))?, small(date.get(6..8))?);
    let (hour, minute) = (small(clock.get(0..2))?, small(clock.get(2..4))?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/2026/11/20/\
                       111122223333_CloudTrail_us-east-1_20261120T1005Z_AbCdEfGhIjKlMnOp.json.gz";
    const DIGEST: &str = "AWSLogs/o-exampleorgid/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/\
                          111122223333_CloudTrail-Digest_us-east-1_org-trail_eu-central-1_20261120T100000Z.json.gz";

    #[test]
    fn a_log_file_is_read_from_its_key() {
        let key = LogKey::parse(LOG).unwrap();
        assert_eq!(key.scope.organization.as_deref(), Some("o-exampleorgid"));
        assert_eq!(key.scope.account.as_str(), "111122223333");
        assert_eq!(key.kind, LogKind::CloudTrail);
        assert_eq!(key.slot, "2026-11-20T10:05:00Z".parse().unwrap());
        assert_eq!(key.unique, "AbCdEfGhIjKlMnOp");
    }

    #[test]
    fn a_digest_has_the_region_of_events_first_and_home_last() {
        let key = DigestKey::parse(DIGEST).unwrap();
        assert_eq!((key.scope.region.as_str(), key.home.as_str()), ("us-east-1", "eu-central-1"));
        assert_eq!(key.trail.as_str(), "org-trail");
        assert!(!key.backfill);
        let late = DIGEST.replace(".json.gz", "_backfill.json.gz");
        assert!(DigestKey::parse(&late).unwrap().backfill);
    }

    #[test]
    fn prefixes_layouts_and_odd_trail_names_are_read() {
        for key in [
            format!("a/b/c/{LOG}"),
            LOG.replace("o-exampleorgid/", ""),
            LOG.replace("Z_AbCd", "ZAbCd"),
            LOG.replace("2026/11/20", "2026/11/21"),
            DIGEST.replace("org-trail", "a_us-east-1_b.c"),
            format!("AWSLogs/{DIGEST}"),
        ] {
            assert_eq!(Key::parse(&key).expect(&key).to_string(), key);
        }
    }

    #[test]
    fn what_cloudtrail_would_not_write_is_no_key() {
        for key in [
            LOG.replace("2026/11/20", "2026/11/22"),
            DIGEST.replace("2026/11/20", "2026/11/21"),
            LOG.replace("us-east-1/", "us-east-2/"),
            LOG.replace("T1005Z", "T2405Z"),
            LOG.replace("AWSLogs/", "xAWSLogs/"),
            LOG.replace("AWSLogs/", ""),
            LOG.replace("AbCd", "../x"),
            LOG.replace(".json.gz", ".json"),
            DIGEST.replace("T100000Z", "T1000Z"),
            DIGEST.replace("111122223333_", "999999999999_"),
            String::new(),
            "/".into(),
        ] {
            assert_eq!(Key::parse(&key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_prints_back(text in "\\PC{0,200}") {
            if let Some(key) = Key::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }

        #[test]
        fn a_key_changed_in_one_place_is_another_key_or_none(at in 0..DIGEST.len(), to in any::<char>()) {
            let mut changed: Vec<char> = DIGEST.chars().collect();
            changed[at] = to;
            let changed: String = changed.into_iter().collect();
            if let Some(key) = Key::parse(&changed) {
                prop_assert_eq!(key.to_string(), changed);
            }
        }

        #[test]
        fn every_digest_key_survives_print_and_parse(
            prefix in "([a-z]{1,8}/){0,3}", trail in "[a-z]{2}([._-][a-z0-9]{1,4}){0,3}", at in 0i64..4_000_000_000,
            backfill: bool, organization in proptest::option::of("o-[a-z0-9]{10,32}"),
        ) {
            let scope = Scope {
                prefix, organization, account: "012345678901".parse().unwrap(), region: "eu-west-3".parse().unwrap(),
            };
            let end = Timestamp::from_second(at).unwrap();
            let trail = format!("t{trail}").parse().unwrap();
            let key = DigestKey { scope, trail, home: "us-gov-west-1".parse().unwrap(), end, backfill };
            prop_assert_eq!(DigestKey::parse(&key.to_string()), Some(key));
        }
    }
}
