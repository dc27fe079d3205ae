//! Lists what is there: names, sizes and times of objects, never the bodies of log files.

use std::collections::BTreeSet;

use futures::stream::{StreamExt, iter};
use jiff::{SignedDuration, Timestamp};

use super::quiet::{DIGESTS_READ_MAX, ask_digests};
use super::{LogFiles, ScopeLogs, Survey, TrailDigests};
use crate::archive::find::{ScopeFilter, find};
use crate::archive::{Fault, Listed, Store};
use crate::log_path::{ChainScope, DigestKey, Folder, LogKey, LogKind, day_folder};
use crate::logs::finding::{HOUR, TimeRange};
use crate::logs::verify::Source;

/// How far a name may lie in the future: a log file's slot may end after its delivery.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(10);
/// How many accounts x regions are listed at a time.
const PLACES_AT_ONCE: usize = 32;

/// Lists all accounts and regions of some places in a range.
///
/// # Errors
/// When no place's folders can be listed. One place's failure of several is said, one account's is its own row's
/// problem.
pub async fn survey(
    sources: &[Source],
    sought: &ScopeFilter,
    range: TimeRange,
    now: Timestamp,
) -> Result<Survey, Fault> {
    let names: Vec<String> = sources.iter().map(Source::shown).collect();
    let (places, config, unread) = Default::default();
    let mut all = Survey { store: names.join(" "), range, now, sought: sought.clone(), places, config, unread };
    let (mut refused, mut known, mut left) = (Vec::new(), BTreeSet::new(), DIGESTS_READ_MAX);
    for (number, source) in sources.iter().enumerate() {
        let sought = ScopeFilter { prefix: source.prefix.clone(), ..sought.clone() };
        match survey_one(source.store.as_ref(), &sought, range, now, &mut left).await {
            Ok(one) => {
                // What lies in two places, because one lies within the other, counts once.
                let mut is_new =
                    |found: &ScopeLogs| known.insert((found.store.clone(), found.bucket.clone(), found.scope.clone()));
                all.places.extend(one.places.into_iter().filter(|found| is_new(found)));
                all.config.extend(one.config.into_iter().map(|(_, root, account)| (number, root, account)));
                all.unread.extend(one.unread);
            }
            Err(fault) => {
                let name = source.store.name();
                all.unread.push(format!("{name} could not be listed, so that nothing there is known: {fault}"));
                refused.push(fault);
            }
        }
    }
    all.unread.dedup();
    match refused.pop() {
        Some(fault) if refused.len() + 1 == sources.len() => Err(fault),
        _ => Ok(all),
    }
}

async fn survey_one(
    store: &dyn Store,
    sought: &ScopeFilter,
    range: TimeRange,
    now: Timestamp,
    left: &mut usize,
) -> Result<Survey, Fault> {
    let found = find(store, sought).await?;
    let latest = now.saturating_add(CLOCK_SLACK).unwrap_or(now);
    let mut places: Vec<ScopeLogs> = iter(found.scopes.into_keys())
        .map(|scope| async move {
            let mut found = ScopeLogs::nothing(store, scope);
            if let Err(fault) = found.list(store, range, latest).await {
                found.problem = Some(fault.message);
            }
            found
        })
        .buffered(PLACES_AT_ONCE)
        .collect()
        .await;
    ask_digests(store, &mut places, range, latest, left).await;
    let refused = |(folder, fault): (String, Fault)| format!("{folder} could not be listed: {fault}");
    let unread = found.refused.into_iter().map(refused).chain(found.limits).collect();
    let config = found.config.into_iter().map(|(root, account)| (0, root, account)).collect();
    Ok(Survey { store: store.name(), range, now, sought: sought.clone(), places, config, unread })
}

impl ScopeLogs {
    fn nothing(store: &dyn Store, scope: ChainScope) -> Self {
        let (logs, trails, listed, newest_digests) = Default::default();
        let (name, bucket) = (store.name(), store.bucket().map(str::to_owned));
        Self { store: name, bucket, scope, logs, trails, listed, newest_digests, problem: None }
    }

    async fn list(&mut self, store: &dyn Store, range: TimeRange, latest: Timestamp) -> Result<(), Fault> {
        self.list_digests(store, range, latest).await?;
        for kind in LogKind::ALL {
            self.list_logs(store, range, latest, kind).await?;
        }
        Ok(())
    }

    /// Returns the digests whose hours touch the range, with their keys as they lie there.
    pub(super) async fn digests(
        &self,
        store: &dyn Store,
        range: TimeRange,
        latest: Timestamp,
    ) -> Result<Vec<(String, DigestKey)>, Fault> {
        let prefix = self.scope.digest_prefix();
        let mut listed = store.list(&prefix, &self.scope.day_path(Folder::Digests, range.start));
        let last_day = day_folder(range.end.saturating_add(HOUR).unwrap_or(range.end));
        let mut digests = Vec::new();
        while let Some(listed) = listed.next().await {
            let Listed { key, size_bytes, .. } = listed?;
            if is_past(&key, &prefix, &last_day) {
                break;
            }
            // An empty object or a name of the future shows no delivery.
            let is_real = |key: &DigestKey| size_bytes > 0 && key.end <= latest;
            let Some(parsed) = DigestKey::parse(&key).filter(|key| key.scope == self.scope && is_real(key)) else {
                continue;
            };
            let hour = TimeRange::hour_until(parsed.end);
            if hour.end > range.start && hour.start < range.end {
                digests.push((key, parsed));
            }
        }
        Ok(digests)
    }

    async fn list_digests(&mut self, store: &dyn Store, range: TimeRange, latest: Timestamp) -> Result<(), Fault> {
        let digests = self.digests(store, range, latest).await?;
        for (_, key) in digests.into_iter().filter(|(_, key)| !key.backfill) {
            let hour = TimeRange::hour_until(key.end);
            let window = TimeRange { start: hour.start.max(range.start), end: hour.end.min(range.end) };
            let TrailDigests { count, hours } = self.trails.entry((key.trail, key.home)).or_default();
            *count += 1;
            hours.add(window);
        }
        Ok(())
    }

    async fn list_logs(
        &mut self,
        store: &dyn Store,
        range: TimeRange,
        latest: Timestamp,
        kind: LogKind,
    ) -> Result<(), Fault> {
        let prefix = self.scope.log_prefix(kind);
        let mut listed = store.list(&prefix, &self.scope.day_path(Folder::Logs(kind), range.start));
        let is_original = store.bucket().is_some();
        let last_day = day_folder(range.end);
        while let Some(listed) = listed.next().await {
            let Listed { key, modified, size_bytes, .. } = listed?;
            if is_past(&key, &prefix, &last_day) {
                break;
            }
            let is_real = |key: &LogKey| size_bytes > 0 && key.slot <= latest;
            let Some(key) = LogKey::parse(&key).filter(|key| key.scope == self.scope && is_real(key)) else { continue };
            if key.slot > range.start && key.slot <= range.end {
                self.logs.entry(kind).or_default().add(key.slot, size_bytes, modified.filter(|_| is_original));
            }
        }
        Ok(())
    }
}

impl LogFiles {
    fn add(&mut self, slot: Timestamp, bytes: u64, written: Option<Timestamp>) {
        self.count += 1;
        self.bytes += bytes;
        self.first = Some(self.first.map_or(slot, |first| first.min(slot)));
        self.last = self.last.max(Some(slot));
        let start = TimeRange { start: slot, end: slot }.hour();
        self.hours.add(TimeRange { start, end: start.saturating_add(HOUR).unwrap_or(slot) });
        if let Some(written) = written {
            self.delays.add(written.duration_since(slot));
        }
    }
}

/// Tells whether a key lies in the folder of a later day than the last one.
fn is_past(key: &str, prefix: &str, last_day: &str) -> bool {
    key.strip_prefix(prefix).and_then(|rest| rest.get(..last_day.len())).is_some_and(|day| day > last_day)
}
