//! Walks one chain's digests from old to new: holds the newest until its successor tells its signature, then judges it.

use jiff::Timestamp;

use crate::logs::digest::chain::{Anchor, Proof, Seen, Verdict, first, judge, link};
use crate::logs::finding::{Finding, State, Window};
use crate::logs::inflate::hex;

use super::answer::Mark;
use super::key_finder::KeyFinder;

/// The part of a request that a chain's walk needs.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) buckets: Vec<String>,
}

/// One row of digests: a trail's hourly ones, or its backfill ones, which are no chain of contiguous hours.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// The digest before the held one, and how well it is proved.
    before: Option<(Anchor, Proof)>,
    held: Option<Seen>,
    is_backfill: bool,
}

/// A digest that was judged.
pub(super) struct Judged {
    pub(super) seen: Seen,
    pub(super) window: Window,
    pub(super) proof: Proof,
    pub(super) findings: Vec<Finding>,
    /// From where a later run may go on, if this digest is proved.
    pub(super) mark: Option<Mark>,
}

impl Judged {
    /// Returns the state of the digest's hour, its log files aside.
    pub(super) fn state(&self) -> State {
        match self.proof {
            Proof::Proved => State::Attested,
            Proof::Unproved => State::Unproven,
            // Its finding says which: unproven when we could not get it, broken otherwise.
            Proof::Refuted => State::Attested,
        }
    }
}

impl Track {
    /// Returns a track that goes on after a digest that an earlier run proved.
    pub(super) fn after(mark: Option<Anchor>) -> Self {
        Self { before: mark.map(|anchor| (anchor, Proof::Proved)), ..Self::default() }
    }

    /// Returns a track of backfill digests.
    pub(super) fn backfill() -> Self {
        Self { is_backfill: true, ..Self::default() }
    }

    /// Takes the next digest and returns the one before it, judged.
    pub(super) async fn accept(&mut self, next: Seen, keys: &KeyFinder, bounds: &Bounds) -> Option<Judged> {
        let held = self.held.replace(next)?;
        Some(self.judge(held, keys, bounds).await)
    }

    /// Returns the newest digest, judged without a successor.
    pub(super) async fn finish(&mut self, keys: &KeyFinder, bounds: &Bounds) -> Option<Judged> {
        let held = self.held.take()?;
        Some(self.judge(held, keys, bounds).await)
    }

    /// Returns where the hours end that are known so far.
    pub(super) fn end(&self) -> Option<Timestamp> {
        let held = self.held.as_ref().map(|seen| seen.window().end);
        held.or_else(|| self.before.as_ref().map(|(anchor, _)| anchor.end))
    }

    async fn judge(&mut self, seen: Seen, keys: &KeyFinder, bounds: &Bounds) -> Judged {
        let record = self.record_of(&seen);
        let key = match &seen.content {
            Ok(content) => {
                let region = &seen.key.scope.region;
                keys.find(region, &content.digest.key_fingerprint, key_time(&seen, content.digest.end)).await
            }
            Err(_) => Err(String::new()),
        };
        let Verdict { proof, signature, mut findings } =
            judge(&seen, record.as_deref(), key.as_ref().map_err(String::as_str), &bounds.buckets);
        findings.extend(self.link(&seen, proof, bounds));
        let (window, anchor) = (seen.window(), seen.anchor(signature));
        let mark = if proof == Proof::Proved { mark(&anchor) } else { None };
        self.before = Some((anchor, proof));
        Judged { seen, window, proof, findings, mark }
    }

    /// Returns the signature that the digest after a digest records for it.
    fn record_of(&self, seen: &Seen) -> Option<String> {
        let previous = self.held.as_ref()?.previous()?;
        (previous.object == seen.object).then(|| previous.signature.clone())
    }

    fn link(&self, seen: &Seen, proof: Proof, bounds: &Bounds) -> Vec<Finding> {
        match &self.before {
            // A backfill digest continues another one, or nothing; hours between them are as they should be.
            Some((anchor, _)) if self.is_backfill && seen.previous().is_none_or(|p| p.object != anchor.object) => {
                vec![]
            }
            None if self.is_backfill => vec![],
            Some((anchor, is)) if self.is_backfill => {
                let mut findings = link((anchor, *is), (seen, proof));
                findings.retain(|finding| finding.state == State::Broken);
                findings
            }
            Some((anchor, is)) => link((anchor, *is), (seen, proof)),
            None if proof == Proof::Refuted => vec![],
            None => first(seen, bounds.from),
        }
    }
}

/// Returns the moment whose keys sign a digest: a backfill digest's is that of its making.
fn key_time(seen: &Seen, end: Timestamp) -> Timestamp {
    let made = seen.content.as_ref().ok().and_then(|content| content.metadata.backfill_generation_timestamp.as_ref());
    made.and_then(|text| text.parse().ok()).unwrap_or(end)
}

fn mark(anchor: &Anchor) -> Option<Mark> {
    let known = anchor.record.as_ref()?;
    Some(Mark {
        object: anchor.object.clone(),
        bucket: known.bucket.clone(),
        end: anchor.end,
        sha256: hex(&known.sha256),
        signature: known.signature.clone(),
    })
}
