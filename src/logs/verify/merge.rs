//! The digests of several places in the order of their hours, day by day: a chain that was moved is walked as one.

use std::cmp::Ordering;

use futures::stream::{BoxStream, StreamExt, iter, unfold};
use jiff::{SignedDuration, Timestamp};

use crate::archive::{Fault, Listed};
use crate::log_path::{DAY_CHARS, DigestKey, Folder};

use super::chain_sites::ChainSite;

/// How far behind the range's end the digest may end that still shows the last one's signature.
const WITNESS_SPAN: SignedDuration = SignedDuration::from_hours(25);

struct Source {
    at: usize,
    prefix: String,
    stream: BoxStream<'static, Result<Listed, Fault>>,
    head: Option<Listed>,
}

impl Source {
    /// Reads the next key, if none is at hand; a fault ends the source.
    async fn fill(&mut self) -> Option<Fault> {
        if self.head.is_some() {
            return None;
        }
        match self.stream.next().await? {
            Ok(listed) => self.head = Some(listed),
            Err(fault) => return Some(fault),
        }
        None
    }

    /// Returns the day folder of the key at hand.
    fn day(&self) -> Option<&str> {
        let rest = self.head.as_ref()?.key.strip_prefix(&self.prefix)?;
        Some(rest.get(..DAY_CHARS).unwrap_or(rest))
    }
}

type Batch = Vec<(usize, Result<Listed, Fault>)>;

/// Returns what lies in the folders of digests from a time on, each with the number of its site, up to a day after
/// `end`.
pub(super) fn digests(
    sites: &[ChainSite],
    start: Option<Timestamp>,
    end: Option<Timestamp>,
) -> BoxStream<'static, (usize, Result<Listed, Fault>)> {
    let end = end.map(|to| to.saturating_add(WITNESS_SPAN).unwrap_or(to));
    let source = |(at, site): (usize, &ChainSite)| {
        let prefix = site.scope.digest_prefix();
        let after = start.map(|from| site.scope.day_path(Folder::Digests, from)).unwrap_or_default();
        let within = move |listed: &Result<Listed, Fault>| {
            let is_past = listed.as_ref().is_ok_and(|listed| is_past(&listed.key, end));
            async move { !is_past }
        };
        // The mark of a folder is empty.
        let is_object = |listed: &Result<Listed, Fault>| {
            let is_object = listed.as_ref().map_or(true, |listed| !listed.key.ends_with('/') || listed.size_bytes > 0);
            async move { is_object }
        };
        let stream = site.store.list(&prefix, &after).take_while(within).filter(is_object).fuse().boxed();
        Source { at, prefix, stream, head: None }
    };
    let sources: Vec<Source> = sites.iter().enumerate().map(source).collect();
    let batches = unfold(sources, |mut sources| async move {
        let batch = next_day(&mut sources).await;
        (!batch.is_empty()).then_some((batch, sources))
    });
    batches.flat_map(iter).boxed()
}

/// Returns the keys of the next day that any source has, in the order of their hours, and the faults that were met.
async fn next_day(sources: &mut [Source]) -> Batch {
    let mut batch = Batch::new();
    for source in sources.iter_mut() {
        if let Some(fault) = source.fill().await {
            batch.push((source.at, Err(fault)));
        }
    }
    let Some(day) = sources.iter().filter_map(Source::day).min().map(str::to_owned) else { return batch };
    let mut keys: Vec<(usize, Listed)> = Vec::new();
    for source in sources {
        while source.day() == Some(&day) {
            keys.extend(source.head.take().map(|listed| (source.at, listed)));
            if let Some(fault) = source.fill().await {
                batch.push((source.at, Err(fault)));
            }
        }
    }
    keys.sort_by(|(at, a), (other, b)| by_hour(&a.key, &b.key).then(at.cmp(other)));
    batch.extend(keys.into_iter().map(|(at, listed)| (at, Ok(listed))));
    batch
}

fn by_hour(a: &str, b: &str) -> Ordering {
    let hour = |key: &str| DigestKey::parse(key).map(|key| (key.end, key.backfill));
    hour(a).cmp(&hour(b)).then_with(|| a.cmp(b))
}

fn is_past(key: &str, end: Option<Timestamp>) -> bool {
    end.is_some_and(|end| DigestKey::parse(key).is_some_and(|key| key.end > end))
}
