//! The rules of a chain: whether one digest is CloudTrail's, and whether two of them follow each other.
//!
//! A digest's signature lies in its metadata and once more in its successor, so that a copy without metadata can be
//! proved, save for the newest digest. A chain may go on in another bucket or below another prefix: what a digest says
//! of its own place, and of its predecessor's, counts, not where a copy of it lies.

use crate::archive::Metadata;
use crate::archive::inflate::{Sha256, Trailing};
use crate::log_path::DigestKey;
use crate::logs::finding::{Code, Finding, State, TimeRange};

use super::document::{Digest, Previous};
use super::keys::PublicKey;
use super::signature::{ALGORITHM, is_signed, signed_text};

/// A digest as it was met in the store.
#[derive(Debug, Clone)]
pub struct ReadDigest {
    /// What its key says.
    pub key: DigestKey,
    /// Its key.
    pub object: String,
    /// What it holds, or why that is not known.
    pub content: Result<DigestContent, ReadError>,
    /// Where it says that CloudTrail delivered it; nothing when it is not known, or is not the digest of this name.
    pub origin: Option<Origin>,
}

/// Where CloudTrail delivers: the part of a place that a copy may not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The bucket.
    pub bucket: String,
    /// All that stands before `AWSLogs/`: empty, or ends with `/`.
    pub prefix: String,
}

/// What a digest object holds.
#[derive(Debug, Clone)]
pub struct DigestContent {
    /// What it says.
    pub digest: Digest,
    /// The hash of its inflated bytes.
    pub sha256: Sha256,
    /// Its metadata.
    pub metadata: Metadata,
    /// What follows its first gzip member.
    pub trailing: Trailing,
}

/// Why a digest's content is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// What was found.
    pub code: Code,
    /// Broken when the object is there and is no digest, unproven when we could not get it.
    pub state: State,
    /// The reason, for a person.
    pub reason: String,
    /// The archive class and the bytes as stored of what is archived; not set otherwise.
    pub archived: Option<(String, u64)>,
}

/// The end of the chain so far: what the next digest must continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// The key under which CloudTrail delivered it, as far as that is known.
    pub object: String,
    /// The end of its hour.
    pub end: jiff::Timestamp,
    /// What its successor must record; none when it could not be read.
    pub record: Option<PreviousDigest>,
}

/// What a successor records about a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousDigest {
    /// The bucket that it names as its own.
    pub bucket: String,
    /// The hash of its inflated bytes.
    pub sha256: Sha256,
    /// The signature that proves it, where one does.
    pub signature: Option<String>,
}

/// How well one digest's content is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is what CloudTrail signed.
    Proved,
    /// It may be what CloudTrail signed.
    Unproved,
    /// It is not what CloudTrail signed, or not known at all: nothing that it says counts.
    Refuted,
}

/// What was found about one digest.
#[derive(Debug, Clone)]
pub struct DigestVerdict {
    /// Whether its content counts.
    pub proof: Proof,
    /// The signature that proves it; none where none does.
    pub signature: Option<String>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// Why there is no key to judge a digest with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MissingKey {
    /// The reason, for a person.
    pub why: String,
    /// Whether CloudTrail was asked and does not have the key, so that the digest is not CloudTrail's.
    pub is_foreign: bool,
}

/// How far from a key's time a digest may be signed: digests come up to two hours after their hour.
const KEY_TIME_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_hours(3);

impl ReadDigest {
    /// Returns a digest as it was met.
    pub fn new(key: DigestKey, object: String, content: Result<DigestContent, ReadError>) -> Self {
        let origin = content.as_ref().ok().and_then(|content| origin(&key, &content.digest));
        Self { key, object, content, origin }
    }

    /// Returns the hour that the digest is about: by its content, or by its name when the content cannot be trusted.
    pub fn window(&self) -> TimeRange {
        match &self.content {
            Ok(content) if self.origin.is_some() => TimeRange { start: content.digest.start, end: content.digest.end },
            _ => TimeRange::hour_until(self.key.end),
        }
    }

    /// Returns the key under which CloudTrail delivered it: what it says, else its key here.
    pub fn delivered(&self) -> &str {
        match &self.content {
            Ok(content) if self.origin.is_some() => &content.digest.object,
            _ => &self.object,
        }
    }

    /// Returns what a successor must continue. `signature` is the one that proves the digest, where one does.
    pub fn anchor(&self, signature: Option<String>) -> ChainEnd {
        let record = self.content.as_ref().ok().map(|content| PreviousDigest {
            bucket: content.digest.bucket.clone(),
            sha256: content.sha256,
            signature,
        });
        ChainEnd { object: self.delivered().to_owned(), end: self.window().end, record }
    }

    /// Returns what the digest says about its predecessor.
    pub fn previous(&self) -> Option<&Previous> {
        self.content.as_ref().ok()?.digest.previous.as_ref()
    }

    pub(crate) fn finding(&self, code: Code, state: State, detail: impl Into<String>) -> Finding {
        Finding {
            code,
            state,
            object: Some(self.object.clone()),
            window: Some(self.window()),
            detail: detail.into(),
            next: None,
        }
    }
}

/// Reads where a digest says that it was delivered: its own name, at most below another prefix or in another bucket.
fn origin(key: &DigestKey, digest: &Digest) -> Option<Origin> {
    let own = DigestKey::parse(&digest.object)?;
    let is_same = own.below(&key.scope.prefix) == *key
        && digest.account == key.scope.account.as_str()
        && digest.end.as_second() == key.end.as_second();
    is_same.then(|| Origin { bucket: digest.bucket.clone(), prefix: own.scope.prefix })
}

/// Judges one digest.
///
/// `successor_record` is the signature that a readable successor records for it, `key` the public key that it names, or
/// why there is none, `signed_at` about when it was signed.
pub fn judge(
    seen: &ReadDigest,
    successor_record: Option<&str>,
    key: Result<&PublicKey, &MissingKey>,
    signed_at: jiff::Timestamp,
) -> DigestVerdict {
    let content = match &seen.content {
        Ok(content) => content,
        Err(unread) => {
            let finding = seen.finding(unread.code, unread.state, unread.reason.clone());
            return DigestVerdict { proof: Proof::Refuted, signature: None, findings: vec![finding] };
        }
    };
    if seen.origin.is_none() {
        let detail = format!("CloudTrail delivered this digest as {}", content.digest.object);
        let finding = seen.finding(Code::DigestMoved, State::Broken, detail);
        return DigestVerdict { proof: Proof::Refuted, signature: None, findings: vec![finding] };
    }
    let mut verdict = signature_verdict(seen, content, successor_record, key);
    if let Some(detail) =
        key.ok().filter(|_| verdict.proof == Proof::Proved).and_then(|key| out_of_time(key, signed_at))
    {
        verdict.proof = Proof::Unproved;
        verdict.findings.push(seen.finding(Code::DigestKeyOutOfTime, State::Unproven, detail));
    }
    verdict.findings.extend(wrapper_findings(seen, content));
    verdict
}

/// Tells that a key was not in use at a time, as far as its time is known.
fn out_of_time(key: &PublicKey, at: jiff::Timestamp) -> Option<String> {
    let early = key.valid_from.filter(|from| at.saturating_add(KEY_TIME_SLACK).unwrap_or(at) < *from);
    let late = key.valid_to.filter(|to| at.saturating_sub(KEY_TIME_SLACK).unwrap_or(at) > *to);
    let name = &key.fingerprint;
    match (early, late) {
        (Some(from), _) => Some(format!("it is signed with key {name}, which CloudTrail uses only from {from} on")),
        (_, Some(to)) => Some(format!("it is signed with key {name}, which CloudTrail used only until {to}")),
        (None, None) => None,
    }
}

fn signature_verdict(
    seen: &ReadDigest,
    content: &DigestContent,
    successor_record: Option<&str>,
    key: Result<&PublicKey, &MissingKey>,
) -> DigestVerdict {
    let one = |proof, code, state, detail: String| DigestVerdict {
        proof,
        signature: None,
        findings: vec![seen.finding(code, state, detail)],
    };
    let digest = &content.digest;
    if digest.signature_algorithm != ALGORITHM {
        let detail =
            format!("it says that it is signed with {:?}; CloudTrail uses {ALGORITHM}", digest.signature_algorithm);
        return one(Proof::Refuted, Code::DigestBadSignature, State::Broken, detail);
    }
    let own = content.metadata.signature.as_deref();
    if own.is_none() && successor_record.is_none() {
        let detail = "its metadata holds no signature, and there is no successor that records it".into();
        return one(Proof::Unproved, Code::DigestNoSignature, State::Unproven, detail);
    }
    let key = match key {
        Ok(key) => key,
        Err(MissingKey { why, is_foreign: true }) => {
            return one(Proof::Refuted, Code::DigestForeignKey, State::Broken, why.clone());
        }
        Err(MissingKey { why, .. }) => {
            return one(Proof::Unproved, Code::DigestUnknownKey, State::Unproven, why.clone());
        }
    };
    let text = signed_text(digest, &content.sha256);
    let holds = |signature: &str| is_signed(&text, signature, key);
    let recorded = || successor_record.map(str::to_owned);
    let bad = |proof, detail: &str| one(proof, Code::DigestBadSignature, State::Broken, detail.into());
    match (own.map(holds), successor_record.map(holds)) {
        (Some(true), _) => DigestVerdict { proof: Proof::Proved, signature: own.map(str::to_owned), findings: vec![] },
        (None, Some(true)) => DigestVerdict { proof: Proof::Proved, signature: recorded(), findings: vec![] },
        (Some(false), Some(true)) => {
            let detail = "the signature in its metadata is not CloudTrail's; its successor records the right one";
            DigestVerdict { signature: recorded(), ..bad(Proof::Proved, detail) }
        }
        _ => bad(Proof::Refuted, "its content is not what CloudTrail signed"),
    }
}

/// Judges what surrounds the signed content: none of it is covered by the signature.
fn wrapper_findings(seen: &ReadDigest, content: &DigestContent) -> Vec<Finding> {
    let mut findings = Vec::new();
    let metadata = &content.metadata;
    if let Some(algorithm) = metadata.signature_algorithm.as_deref().filter(|a| *a != ALGORITHM) {
        let detail = format!("its metadata names the algorithm {algorithm:?}; CloudTrail signs with {ALGORITHM} only");
        findings.push(seen.finding(Code::DigestBadSignature, State::Broken, detail));
    }
    if content.trailing == Trailing::Unwrapped {
        let detail = "it lies there without its gzip wrapper, as some tools save what they download; its content is \
        proved by the signature";
        findings.push(seen.finding(Code::DigestUnwrapped, State::Unproven, detail));
    } else if content.trailing != Trailing::Nothing {
        let detail = "bytes that CloudTrail did not sign follow its content in the object";
        findings.push(seen.finding(Code::DigestTrailingData, State::Broken, detail));
    }
    if seen.key.backfill && metadata.signature.is_some() && metadata.backfill_generation_timestamp.is_none() {
        let detail = "its metadata does not say when this late digest was made";
        findings.push(seen.finding(Code::DigestNoTimestamp, State::Unproven, detail));
    }
    findings
}

/// Judges whether a digest continues the one before it. Each comes with how well it is proved: what a refuted digest
/// says about its predecessor does not count, and a hash that does not fit a refuted one is nothing new. `is_here`
/// tells whether the place that it names as its predecessor's is one that is looked at.
pub fn link(
    (older, older_is): (&ChainEnd, Proof),
    (newer, newer_is): (&ReadDigest, Proof),
    is_here: bool,
) -> Vec<Finding> {
    let content = match &newer.content {
        Ok(content) if newer_is != Proof::Refuted => content,
        _ => return silence_between(older, newer),
    };
    let Some(previous) = &content.digest.previous else { return restart(older, newer) };
    if !names(previous, older) {
        return elsewhere(older, newer, previous, is_here);
    }
    let mut findings = silence_between(older, newer);
    let Some(record) = older.record.as_ref().filter(|_| older_is != Proof::Refuted) else { return findings };
    let mismatch =
        |what: &str| newer.finding(Code::DigestLinkMismatch, State::Broken, format!("{what} {}", older.object));
    if record.bucket != previous.bucket {
        findings.push(mismatch(&format!("it continues a digest in bucket {}, not", previous.bucket)));
    } else if record.sha256 != previous.sha256 {
        findings.push(mismatch("it records another hash than that of"));
    } else if older_is == Proof::Proved && !same_signature(record, previous) {
        findings.push(mismatch("it records another signature than that of"));
    }
    findings
}

/// Tells whether a digest names another as its predecessor. Below which prefix one was delivered that could not be read
/// is not known, so that its name alone decides.
pub fn names(previous: &Previous, older: &ChainEnd) -> bool {
    let same_name = || {
        let (named, own) = (DigestKey::parse(&previous.object), DigestKey::parse(&older.object));
        named.zip(own).is_some_and(|(named, own)| named.below("") == own.below(""))
    };
    previous.object == older.object || older.record.is_none() && same_name()
}

/// Tells whether a signature that is known to be right is the recorded one. An unknown one was proved by the record.
fn same_signature(record: &PreviousDigest, previous: &Previous) -> bool {
    record.signature.as_ref().is_none_or(|signature| signature.eq_ignore_ascii_case(&previous.signature))
}

/// Judges the first digest of a range: whether it has a predecessor that is not there. `is_here` tells whether the
/// place of the predecessor is one that is looked at.
pub fn first(newer: &ReadDigest, from: Option<jiff::Timestamp>, is_here: bool) -> Vec<Finding> {
    let Some(previous) = newer.previous() else { return Vec::new() };
    let window = newer.window();
    if from.is_some_and(|from| window.start <= from) {
        return Vec::new();
    }
    match predecessor(newer, previous) {
        Err(finding) => vec![finding],
        Ok(_) => {
            let hour = TimeRange::hour_until(window.start);
            let start = from.map_or(hour.start, |from| from.min(hour.start));
            let gone = TimeRange { start, end: window.start };
            if is_here { missing(gone, &previous.object) } else { goes_on_elsewhere(gone, previous) }
        }
    }
}

/// Notes that digests lie where nobody looked: they may well be whole.
fn goes_on_elsewhere(hours: TimeRange, previous: &Previous) -> Vec<Finding> {
    let prefix = DigestKey::parse(&previous.object).map(|key| key.scope.account_prefix()).unwrap_or_default();
    let detail =
        format!("the chain goes on in bucket {}, below {prefix}; that place was not looked at", previous.bucket);
    gap(hours, Code::ChainElsewhere, State::Unproven, &detail)
}

/// Reads where a digest says its predecessor lies; a place in another chain or in its own future is a finding.
fn predecessor(newer: &ReadDigest, previous: &Previous) -> Result<DigestKey, Finding> {
    let mismatch = |what: &str| {
        Err(newer.finding(Code::DigestLinkMismatch, State::Broken, format!("{what}: {}", previous.object)))
    };
    let Some(key) = DigestKey::parse(&previous.object) else {
        return mismatch("what it names as its predecessor is no digest");
    };
    let own = &newer.key;
    let chain = |key: &DigestKey| (key.scope.account.clone(), key.scope.region.clone(), key.trail.clone());
    if chain(&key) != chain(own) {
        return mismatch("its predecessor belongs to another chain");
    }
    if key.end >= own.end {
        return mismatch("its predecessor is not older than itself");
    }
    Ok(key)
}

fn elsewhere(older: &ChainEnd, newer: &ReadDigest, previous: &Previous, is_here: bool) -> Vec<Finding> {
    let key = match predecessor(newer, previous) {
        Ok(key) => key,
        Err(finding) => return vec![finding],
    };
    if key.end <= older.end {
        let detail = format!("it continues {}, but {} lies between them", previous.object, older.object);
        return vec![newer.finding(Code::DigestLinkMismatch, State::Broken, detail)];
    }
    let gone = TimeRange { start: older.end, end: newer.window().start.max(key.end) };
    if is_here { missing(gone, &previous.object) } else { goes_on_elsewhere(gone, previous) }
}

/// Lists the hours of digests that are gone. Only the last one's key is known, from its successor.
fn missing(gone: TimeRange, last: &str) -> Vec<Finding> {
    let hours = gone.hours();
    let count = hours.len();
    let finding = |(at, window): (usize, TimeRange)| {
        let (object, detail) = if at + 1 == count {
            (Some(last.to_owned()), "its successor names this digest, but it is gone")
        } else {
            (None, "the chain must have had a digest here, but it is gone")
        };
        Finding {
            code: Code::DigestMissing,
            state: State::Broken,
            object,
            window: Some(window),
            detail: detail.into(),
            next: None,
        }
    };
    hours.into_iter().enumerate().map(finding).collect()
}

/// Lists the hours of digests that must have existed before the oldest one that is left, up to `end`.
pub fn missing_before(end: jiff::Timestamp, earliest: jiff::Timestamp) -> Vec<Finding> {
    let detail = "log files of this hour are there, but the digest is gone";
    gap(TimeRange { start: earliest, end }, Code::DigestMissing, State::Broken, detail)
}

/// Lists a gap by hours.
pub fn gap(window: TimeRange, code: Code, state: State, detail: &str) -> Vec<Finding> {
    let finding =
        |window| Finding { code, state, object: None, window: Some(window), detail: detail.into(), next: None };
    window.hours().into_iter().map(finding).collect()
}

fn restart(older: &ChainEnd, newer: &ReadDigest) -> Vec<Finding> {
    let detail = "the chain starts anew after this hour: logging or its validation was off";
    gap(TimeRange { start: older.end, end: newer.window().start }, Code::ChainGap, State::Unproven, detail)
}

fn silence_between(older: &ChainEnd, newer: &ReadDigest) -> Vec<Finding> {
    let detail = "no digest is about this hour, and the next one does not miss any";
    gap(TimeRange { start: older.end, end: newer.window().start }, Code::ChainGap, State::Unproven, detail)
}

#[cfg(test)]
mod tests;
