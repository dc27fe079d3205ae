//! The rules of a chain: whether one digest is CloudTrail's, and whether two of them follow each other.
//!
//! A digest's signature lies in its metadata and once more in its successor, so that a copy without metadata can be
//! proved, save for the newest digest.

use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::inflate::{Sha256, Trailing};
use crate::logs::key::DigestKey;
use crate::logs::store::Metadata;

use super::document::{Digest, Previous};
use super::keys::PublicKey;
use super::signature::{ALGORITHM, is_signed, signed_text};

/// A digest as it was met in the store.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What its key says.
    pub key: DigestKey,
    /// Its key.
    pub object: String,
    /// What it holds, or why that is not known.
    pub content: Result<Content, Unread>,
}

/// What a digest object holds.
#[derive(Debug, Clone)]
pub struct Content {
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
pub struct Unread {
    /// What was found.
    pub code: Code,
    /// Broken when the object is there and is no digest, unproven when we could not get it.
    pub state: State,
    /// The reason, for a person.
    pub reason: String,
}

/// The end of the chain so far: what the next digest must continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The digest's key.
    pub object: String,
    /// The end of its hour.
    pub end: jiff::Timestamp,
    /// What its successor must record; absent when it could not be read.
    pub record: Option<Record>,
}

/// What a successor records about a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
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
pub struct Verdict {
    /// Whether its content counts.
    pub proof: Proof,
    /// The signature that proves it.
    pub signature: Option<String>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Seen {
    /// Returns the hour that the digest is about: by its content, or by its name when the content cannot be trusted.
    pub fn window(&self) -> Window {
        match &self.content {
            Ok(content) if self.is_in_place(&content.digest) => {
                Window { start: content.digest.start, end: content.digest.end }
            }
            _ => Window::hour_until(self.key.end),
        }
    }

    /// Returns what a successor must continue. `signature` is the one that proves the digest, where one does.
    pub fn anchor(&self, signature: Option<String>) -> Anchor {
        let record = self.content.as_ref().ok().map(|content| Record {
            bucket: content.digest.bucket.clone(),
            sha256: content.sha256,
            signature,
        });
        Anchor { object: self.object.clone(), end: self.window().end, record }
    }

    /// Returns what the digest says about its predecessor.
    pub fn previous(&self) -> Option<&Previous> {
        self.content.as_ref().ok()?.digest.previous.as_ref()
    }

    fn is_in_place(&self, digest: &Digest) -> bool {
        digest.object == self.object
            && digest.account == self.key.scope.account.as_str()
            && digest.end.as_second() == self.key.end.as_second()
    }

    fn finding(&self, code: Code, state: State, detail: impl Into<String>) -> Finding {
        Finding { code, state, object: Some(self.object.clone()), window: Some(self.window()), detail: detail.into() }
    }
}

/// Judges one digest.
///
/// `successor_record` is the signature that a readable successor records for it, `key` the public key that it names, or
/// why there is none, `buckets` the buckets that the store stands for; empty when that is not known.
pub fn judge(
    seen: &Seen,
    successor_record: Option<&str>,
    key: Result<&PublicKey, &str>,
    buckets: &[String],
) -> Verdict {
    let content = match &seen.content {
        Ok(content) => content,
        Err(unread) => {
            let finding = seen.finding(unread.code, unread.state, unread.reason.clone());
            return Verdict { proof: Proof::Refuted, signature: None, findings: vec![finding] };
        }
    };
    if let Some(finding) = misplaced(seen, &content.digest, buckets) {
        return Verdict { proof: Proof::Refuted, signature: None, findings: vec![finding] };
    }
    let mut verdict = signature_verdict(seen, content, successor_record, key);
    verdict.findings.extend(wrapper_findings(seen, content));
    verdict
}

fn misplaced(seen: &Seen, digest: &Digest, buckets: &[String]) -> Option<Finding> {
    let broken = |detail| Some(seen.finding(Code::DigestMoved, State::Broken, detail));
    if !seen.is_in_place(digest) {
        return broken(format!("CloudTrail delivered this digest as {}", digest.object));
    }
    if !buckets.is_empty() && !buckets.contains(&digest.bucket) {
        return broken(format!(
            "CloudTrail delivered this digest to bucket {}, which is not {}; name it with --bucket if this is its copy",
            digest.bucket,
            buckets.join(" or ")
        ));
    }
    None
}

fn signature_verdict(
    seen: &Seen,
    content: &Content,
    successor_record: Option<&str>,
    key: Result<&PublicKey, &str>,
) -> Verdict {
    let one = |proof, code, state, detail: String| Verdict {
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
        Err(why) => return one(Proof::Unproved, Code::DigestUnknownKey, State::Unproven, why.into()),
    };
    let text = signed_text(digest, &content.sha256);
    let holds = |signature: &str| is_signed(&text, signature, key);
    let recorded = || successor_record.map(str::to_owned);
    let bad = |proof, detail: &str| one(proof, Code::DigestBadSignature, State::Broken, detail.into());
    match (own.map(holds), successor_record.map(holds)) {
        (Some(true), _) => Verdict { proof: Proof::Proved, signature: own.map(str::to_owned), findings: vec![] },
        (None, Some(true)) => Verdict { proof: Proof::Proved, signature: recorded(), findings: vec![] },
        (Some(false), Some(true)) => {
            let detail = "the signature in its metadata is not CloudTrail's; its successor records the right one";
            Verdict { signature: recorded(), ..bad(Proof::Proved, detail) }
        }
        _ => bad(Proof::Refuted, "its content is not what CloudTrail signed"),
    }
}

/// Judges what surrounds the signed content: none of it is covered by the signature.
fn wrapper_findings(seen: &Seen, content: &Content) -> Vec<Finding> {
    let mut findings = Vec::new();
    let metadata = &content.metadata;
    if let Some(algorithm) = metadata.signature_algorithm.as_deref().filter(|a| *a != ALGORITHM) {
        let detail = format!("its metadata names the algorithm {algorithm:?}; CloudTrail signs with {ALGORITHM} only");
        findings.push(seen.finding(Code::DigestBadSignature, State::Broken, detail));
    }
    if content.trailing != Trailing::Nothing {
        let detail = "bytes that CloudTrail did not sign follow its content in the object";
        findings.push(seen.finding(Code::DigestTrailingData, State::Broken, detail));
    }
    if seen.key.backfill && metadata.signature.is_some() && metadata.backfill_generation_timestamp.is_none() {
        let detail = "its metadata does not say when this late digest was made";
        findings.push(seen.finding(Code::DigestNoTimestamp, State::Unproven, detail));
    }
    findings
}

/// Judges whether a digest continues the one before it in the listing. Each comes with how well it is proved: what a
/// refuted digest says about its predecessor does not count, and a hash that does not fit a refuted one is nothing new.
pub fn link((older, older_is): (&Anchor, Proof), (newer, newer_is): (&Seen, Proof)) -> Vec<Finding> {
    let content = match &newer.content {
        Ok(content) if newer_is != Proof::Refuted => content,
        _ => return silence_between(older, newer),
    };
    let Some(previous) = &content.digest.previous else { return restart(older, newer) };
    if previous.object != older.object {
        return elsewhere(older, newer, previous);
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

/// Tells whether a signature that is known to be right is the recorded one. An unknown one was proved by the record.
fn same_signature(record: &Record, previous: &Previous) -> bool {
    record.signature.as_ref().is_none_or(|signature| signature.eq_ignore_ascii_case(&previous.signature))
}

/// Judges the first digest of a range: whether it has a predecessor that is not there.
pub fn first(newer: &Seen, from: Option<jiff::Timestamp>) -> Vec<Finding> {
    let Some(previous) = newer.previous() else { return Vec::new() };
    let window = newer.window();
    if from.is_some_and(|from| window.start <= from) {
        return Vec::new();
    }
    match predecessor(newer, previous) {
        Err(finding) => vec![finding],
        Ok(_) => {
            let hour = Window::hour_until(window.start);
            let start = from.map_or(hour.start, |from| from.min(hour.start));
            missing(Window { start, end: window.start }, &previous.object)
        }
    }
}

/// Reads where a digest says its predecessor lies; a place in another chain or in its own future is a finding.
fn predecessor(newer: &Seen, previous: &Previous) -> Result<DigestKey, Finding> {
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

fn elsewhere(older: &Anchor, newer: &Seen, previous: &Previous) -> Vec<Finding> {
    let key = match predecessor(newer, previous) {
        Ok(key) => key,
        Err(finding) => return vec![finding],
    };
    if key.end <= older.end {
        let detail = format!("it continues {}, but {} lies between them", previous.object, older.object);
        return vec![newer.finding(Code::DigestLinkMismatch, State::Broken, detail)];
    }
    missing(Window { start: older.end, end: newer.window().start.max(key.end) }, &previous.object)
}

/// Lists the hours of digests that are gone. Only the last one's key is known, from its successor.
fn missing(gone: Window, last: &str) -> Vec<Finding> {
    let hours = gone.hours();
    let count = hours.len();
    let finding = |(at, window): (usize, Window)| {
        let (object, detail) = if at + 1 == count {
            (Some(last.to_owned()), "its successor names this digest, but it is gone")
        } else {
            (None, "the chain must have had a digest here, but it is gone")
        };
        Finding { code: Code::DigestMissing, state: State::Broken, object, window: Some(window), detail: detail.into() }
    };
    hours.into_iter().enumerate().map(finding).collect()
}

/// Lists the hours of digests that must have existed before the oldest one that is left, up to `end`.
pub fn missing_before(end: jiff::Timestamp, earliest: jiff::Timestamp) -> Vec<Finding> {
    let detail = "log files of this hour are there, but the digest is gone";
    gap(Window { start: earliest, end }, Code::DigestMissing, State::Broken, detail)
}

/// Lists a gap by hours.
pub fn gap(window: Window, code: Code, state: State, detail: &str) -> Vec<Finding> {
    let finding = |window| Finding { code, state, object: None, window: Some(window), detail: detail.into() };
    window.hours().into_iter().map(finding).collect()
}

fn restart(older: &Anchor, newer: &Seen) -> Vec<Finding> {
    let detail = "the chain starts anew after this hour: logging or its validation was off";
    gap(Window { start: older.end, end: newer.window().start }, Code::ChainGap, State::Unproven, detail)
}

fn silence_between(older: &Anchor, newer: &Seen) -> Vec<Finding> {
    let detail = "no digest is about this hour, and the next one does not miss any";
    gap(Window { start: older.end, end: newer.window().start }, Code::ChainGap, State::Unproven, detail)
}
