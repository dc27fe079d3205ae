//! Walks one chain's digests from old to new: holds the newest until its successor tells its signature, then judges it.

use jiff::Timestamp;

use crate::archive::inflate::hex;
use crate::log_path::DigestKey;
use crate::logs::digest::chain::{ChainEnd, DigestVerdict, MissingKey, Proof, ReadDigest, first, judge, link, names};
use crate::logs::finding::{Code, Finding, State, TimeRange};

use super::chain_mark::{AsListed, ChainMark, Since};
use super::chain_sites::{ChainSite, Sites};
use super::digest_folder::HeldDigest;
use super::expiry::READ_RULES;
use super::key_finder::KeyFinder;

/// One row of digests: a trail's hourly ones, or its backfill ones, which are no chain of contiguous hours.
#[derive(Debug, Default)]
pub(super) struct ChainCursor {
    /// The digest before the held one, and how well it is proved.
    before: Option<(ChainEnd, Proof)>,
    held: Option<HeldDigest>,
    is_backfill: bool,
}

/// A digest that was judged.
pub(super) struct Judged {
    pub(super) at: usize,
    pub(super) seen: ReadDigest,
    pub(super) window: TimeRange,
    pub(super) proof: Proof,
    pub(super) findings: Vec<Finding>,
    /// Whether a signed link that fits joins it to the digest before it.
    pub(super) is_linked: bool,
    /// From where a later run may go on, if this digest is proved.
    pub(super) mark: Option<ChainMark>,
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

impl ChainCursor {
    /// Returns a track that goes on after a digest that an earlier run proved.
    pub(super) fn after(mark: Option<ChainEnd>) -> Self {
        Self { before: mark.map(|anchor| (anchor, Proof::Proved)), ..Self::default() }
    }

    /// Returns a track of backfill digests.
    pub(super) fn backfill() -> Self {
        Self { is_backfill: true, ..Self::default() }
    }

    /// Takes the next digest and returns the one before it, judged.
    pub(super) async fn accept(
        &mut self,
        next: HeldDigest,
        keys: &KeyFinder,
        sites: &Sites,
        from: Option<Timestamp>,
    ) -> Option<Judged> {
        let held = self.held.replace(next)?;
        Some(self.judge(held, keys, sites, from).await)
    }

    /// Passes a digest that an earlier run proved and that is what it was, and returns the one before it, judged.
    pub(super) async fn pass(
        &mut self,
        known: ChainEnd,
        keys: &KeyFinder,
        sites: &Sites,
        from: Option<Timestamp>,
    ) -> Option<Judged> {
        let before = self.finish(keys, sites, from).await;
        self.before = Some((known, Proof::Proved));
        before
    }

    /// Returns the newest digest, judged without a successor.
    pub(super) async fn finish(&mut self, keys: &KeyFinder, sites: &Sites, from: Option<Timestamp>) -> Option<Judged> {
        let held = self.held.take()?;
        Some(self.judge(held, keys, sites, from).await)
    }

    /// Returns where the hours end that are known so far.
    pub(super) fn end(&self) -> Option<Timestamp> {
        let held = self.held.as_ref().map(|held| held.seen.window().end);
        held.or_else(|| self.before.as_ref().map(|(anchor, _)| anchor.end))
    }

    /// Tells whether a digest names the newest one as its predecessor, bucket and all.
    pub(super) fn is_continued_by(&self, next: &ReadDigest) -> bool {
        let Some(previous) = next.previous() else { return false };
        match (&self.held, &self.before) {
            (Some(held), _) => {
                let bucket = held.seen.origin.as_ref().map(|origin| &origin.bucket);
                names(previous, &held.seen.anchor(None)) && bucket.is_none_or(|bucket| *bucket == previous.bucket)
            }
            (None, Some((anchor, _))) => {
                names(previous, anchor) && anchor.record.as_ref().is_none_or(|record| record.bucket == previous.bucket)
            }
            (None, None) => false,
        }
    }

    async fn judge(&mut self, held: HeldDigest, keys: &KeyFinder, sites: &Sites, from: Option<Timestamp>) -> Judged {
        let HeldDigest { at, seen, .. } = &held;
        let at = *at;
        let record = self.record_of(seen);
        let signed_at = key_time(seen, seen.window().end);
        let key = match &seen.content {
            Ok(content) => keys.find(&seen.key.scope.region, &content.digest.key_fingerprint, signed_at).await,
            Err(_) => Err(MissingKey::default()),
        };
        let DigestVerdict { proof, signature, mut findings } = judge(seen, record.as_deref(), key.as_ref(), signed_at);
        let links = self.link(at, seen, proof, sites, from);
        let is_linked =
            proof == Proof::Proved && self.continues(seen) && links.iter().all(|f| f.code == Code::ChainGap);
        findings.extend(links);
        let (window, anchor) = (seen.window(), seen.anchor(signature));
        let as_listed = AsListed::of(&held, &anchor, is_linked && findings.is_empty(), sites);
        let place = sites.all.get(at).map(ChainSite::place);
        let mark = if proof == Proof::Proved { mark(seen, &anchor, as_listed, place) } else { None };
        self.before = Some((anchor, proof));
        let seen = held.seen;
        Judged { at, seen, window, proof, findings, is_linked, mark }
    }

    /// Tells whether a digest names the proved one before it.
    fn continues(&self, seen: &ReadDigest) -> bool {
        let before = self.before.as_ref().filter(|(_, proof)| *proof == Proof::Proved);
        before.zip(seen.previous()).is_some_and(|((anchor, _), previous)| names(previous, anchor))
    }

    /// Returns the signature that the digest after a digest records for it.
    fn record_of(&self, seen: &ReadDigest) -> Option<String> {
        let previous = self.held.as_ref()?.seen.previous()?;
        names(previous, &seen.anchor(None)).then(|| previous.signature.clone())
    }

    /// Judges the link to the digest before. What a lifecycle rule has deleted is expired, and not missing; what one
    /// may have deleted is not called deleted by somebody.
    fn link(&self, at: usize, seen: &ReadDigest, proof: Proof, sites: &Sites, from: Option<Timestamp>) -> Vec<Finding> {
        let mut findings = self.judge_link(seen, proof, sites, from);
        let Some(site) = seen.previous().and_then(|previous| sites.site_before(previous, seen, at)) else {
            return findings;
        };
        // A rule deletes what is oldest, so that nothing that is older is left in the same place.
        let is_oldest = self.before.is_none() || sites.all.get(at).is_some_and(|own| own.place() != site.place());
        for finding in findings.iter_mut().filter(|finding| finding.code == Code::DigestMissing) {
            let Some(window) = finding.window else { continue };
            if site.expiry.until.is_some_and(|expired| window.end <= expired) {
                *finding = Finding {
                    code: Code::ChainExpired,
                    state: State::Unproven,
                    object: None,
                    window: Some(window),
                    detail: site.expiry.rule.clone(),
                    next: None,
                };
            } else if let Some(why) =
                site.expiry.doubt_of(window.end).filter(|_| is_oldest || site.expiry.is_by_parts())
            {
                finding.state = State::Unproven;
                finding.detail.push_str(&format!("; whether a lifecycle rule deleted it is not known: {why}"));
                finding.next = Some(READ_RULES.into());
            }
        }
        findings
    }

    fn judge_link(&self, seen: &ReadDigest, proof: Proof, sites: &Sites, from: Option<Timestamp>) -> Vec<Finding> {
        let is_here = || seen.previous().is_none_or(|previous| sites.stand_for(previous, seen));
        match &self.before {
            _ if self.is_backfill && proof == Proof::Refuted => vec![],
            Some((anchor, is)) if self.is_backfill && seen.previous().is_some_and(|p| names(p, anchor)) => {
                let mut findings = link((anchor, *is), (seen, proof), true);
                findings.retain(|finding| finding.state == State::Broken);
                findings
            }
            // A backfill digest continues another digest, or nothing; hours between them are as they should be.
            _ if self.is_backfill => hole(seen, sites, from),
            Some((anchor, is)) => link((anchor, *is), (seen, proof), is_here()),
            None if proof == Proof::Refuted => vec![],
            None if seen.previous().is_some_and(|previous| sites.has_met(previous)) => vec![],
            None => first(seen, from, is_here()),
        }
    }
}

/// Notes the predecessor of a backfill digest that is gone, unless it lies before the range.
fn hole(seen: &ReadDigest, sites: &Sites, from: Option<Timestamp>) -> Vec<Finding> {
    let Some(previous) = seen.previous() else { return Vec::new() };
    let Some(key) = DigestKey::parse(&previous.object) else {
        let detail = format!("what it names as its predecessor is no digest: {}", previous.object);
        return vec![seen.finding(Code::DigestLinkMismatch, State::Broken, detail)];
    };
    let is_before = from.is_some_and(|from| key.end <= from);
    if is_before || sites.has_met(previous) {
        return Vec::new();
    }
    let (code, state, detail) = if sites.stand_for(previous, seen) {
        (Code::DigestMissing, State::Broken, "a later backfill digest names this digest, but it is gone".to_owned())
    } else {
        let detail = format!("the chain goes on in bucket {}, which was not looked at", previous.bucket);
        (Code::ChainElsewhere, State::Unproven, detail)
    };
    let (object, window) = (Some(previous.object.clone()), Some(TimeRange::hour_until(key.end)));
    vec![Finding { code, state, object, window, detail, next: None }]
}

/// Returns the moment whose keys sign a digest: a backfill digest's is that of its making.
fn key_time(seen: &ReadDigest, end: Timestamp) -> Timestamp {
    let made = seen.content.as_ref().ok().and_then(|content| content.metadata.backfill_generation_timestamp.as_ref());
    made.and_then(|text| text.parse().ok()).unwrap_or(end)
}

fn mark(seen: &ReadDigest, anchor: &ChainEnd, as_listed: Option<AsListed>, place: Option<String>) -> Option<ChainMark> {
    let known = anchor.record.as_ref()?;
    let delivered = (anchor.object != seen.object).then(|| anchor.object.clone());
    Some(ChainMark {
        object: seen.object.clone(),
        delivered,
        bucket: known.bucket.clone(),
        end: anchor.end,
        since: Since::Unknown,
        places: place.into_iter().collect(),
        sha256: hex(&known.sha256),
        signature: known.signature.clone(),
        succeeded_by: None,
        as_listed,
        recent: Vec::new(),
    })
}
