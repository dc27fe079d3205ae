//! The versioned JSON of a proof. The field names are a contract; conversion is written out.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::next::next_step;
use crate::archive::inflate::{hex, sha256};
use crate::logs::digest::chain::Origin;
use crate::logs::finding::{Code, Finding, State};
use crate::logs::verify::{Chain, ExpectedChains, KeyUse, MissingChain, Verification};

/// The version of the JSON.
pub const FORMAT_VERSION: u32 = 1;

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The version of this shape.
    pub format_version: u32,
    /// One entry a chain.
    pub chains: Vec<ChainProof>,
    /// What is not as it should be beside all chains.
    #[serde(default)]
    pub findings: Vec<FindingEntry>,
    /// The public keys that digests named, and who vouches for them.
    #[serde(default)]
    pub keys: Vec<KeyEntry>,
    /// All chains together.
    pub summary: Summary,
}

/// What there should be, and what of it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedEntry {
    /// Who says so.
    pub said_by: String,
    /// How many accounts should have a chain.
    pub accounts: usize,
    /// How many regions are known to be in use in them; 0 when that is not known.
    pub regions: usize,
    /// The trails that should have one.
    pub trails: BTreeSet<String>,
    /// What has none.
    pub missing: Vec<MissingEntry>,
    /// Why it is not known which accounts should have one; null where it is known.
    pub unknown: Option<String>,
    /// Of which accounts the enabled regions are unknown, and why; null where they are known, or were not asked for.
    #[serde(default)]
    pub unknown_regions: Option<String>,
}

/// What should have a chain and has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingEntry {
    /// The account; null for a trail that has no chain in any.
    pub account: Option<String>,
    /// The regions in which it has none; empty for all.
    pub regions: Vec<String>,
    /// The trail; null for any.
    pub trail: Option<String>,
}

/// A public key that digests named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEntry {
    /// The region.
    pub region: String,
    /// Its name in digests.
    pub fingerprint: String,
    /// `CloudTrail`, `key ring`, `file` or `bundle`.
    pub source: String,
    /// When CloudTrail began to sign with it; null when unknown.
    pub valid_from: Option<String>,
    /// When CloudTrail stopped; null when unknown.
    pub valid_to: Option<String>,
}

/// Where CloudTrail delivered digests, as they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OriginEntry {
    /// The bucket.
    pub bucket: String,
    /// What stands before `AWSLogs/`.
    pub prefix: String,
}

/// One chain: account x region x trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainProof {
    /// The account of the events.
    pub account: String,
    /// The region of the events.
    pub region: String,
    /// The trail; null where no digest tells it.
    pub trail: Option<String>,
    /// The trail's home region; null where no digest tells it.
    pub home_region: Option<String>,
    /// The organization's folder (its id); null in the layout of one account's trail.
    pub organization: Option<String>,
    /// What stands before `AWSLogs/`.
    pub prefix: String,
    /// How many digests were looked at.
    pub digests: u64,
    /// How many log files they list.
    pub logs: u64,
    /// How many of those log files are attested.
    pub attested: u64,
    /// How many of those were read by this run.
    #[serde(default)]
    pub read: u64,
    /// How many log files wait for a backfill digest.
    pub pending: u64,
    /// How many more log files lie there, which no valid digest lists.
    #[serde(default)]
    pub unlisted: u64,
    /// The bytes of the log files that were read, unpacked.
    #[serde(default)]
    pub bytes: u64,
    /// Where the digests say that they were delivered.
    #[serde(default)]
    pub delivered_to: Vec<OriginEntry>,
    /// What a person should know, though nothing is wrong.
    #[serde(default)]
    pub notes: Vec<String>,
    /// `ATTESTED`, `UNPROVEN` or `BROKEN`.
    pub state: String,
    /// The hours, joined while they touch and have the same state.
    pub hours: Vec<Span>,
    /// What is not as it should be.
    pub findings: Vec<FindingEntry>,
    /// How many findings are counted but not listed.
    pub findings_omitted: u64,
}

/// Hours of one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Where they start.
    pub from: String,
    /// Where they end.
    pub to: String,
    /// Their state.
    pub state: String,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingEntry {
    /// What it is.
    pub code: String,
    /// What it means for the proof.
    pub state: String,
    /// The object's key; null where it is about no single object.
    pub object: Option<String>,
    /// The full hour in which the time starts that it touches (RFC 3339); null where it is about no time.
    pub hour: Option<String>,
    /// Where the time starts that it touches (RFC 3339); null where it is about no time.
    #[serde(default)]
    pub from: Option<String>,
    /// Where that time ends (RFC 3339); null where it is about no time.
    #[serde(default)]
    pub to: Option<String>,
    /// The reason.
    pub detail: String,
    /// What to do next.
    #[serde(default)]
    pub next: String,
}

/// All chains together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The worst state; `UNPROVEN` when there is no chain.
    pub state: String,
    /// How many chains there are.
    pub chains: usize,
    /// How many of them are attested.
    pub attested: usize,
    /// How many are broken.
    pub broken: usize,
    /// How many are unproven.
    pub unproven: usize,
    /// How many digests were looked at.
    pub digests: u64,
    /// How many log files they list.
    pub logs: u64,
    /// How many of those log files are attested.
    pub logs_attested: u64,
    /// How many of those were read by this run.
    #[serde(default)]
    pub logs_read: u64,
    /// How many more log files lie there, which no valid digest lists.
    #[serde(default)]
    pub logs_unlisted: u64,
    /// How many log files wait for a backfill digest.
    pub logs_pending: u64,
    /// How many accounts have a chain.
    #[serde(default)]
    pub accounts: usize,
    /// How many regions have a chain.
    #[serde(default)]
    pub regions: usize,
    /// The names of the trails that have a chain.
    #[serde(default)]
    pub trails: BTreeSet<String>,
    /// What there should be; null when nothing was expected, so that what is missing whole was not missed.
    #[serde(default)]
    pub expected: Option<ExpectedEntry>,
    /// When the report was made.
    #[serde(default)]
    pub made_at: String,
    /// The version of orgtrail that made it.
    #[serde(default)]
    pub tool_version: String,
    /// How many findings there are.
    pub findings: u64,
    /// The store.
    pub store: String,
    /// The start of the range that was asked for (RFC 3339); null for the first digest.
    pub from: Option<String>,
    /// The end of the range that was asked for (RFC 3339); null for the newest digest that is due.
    pub to: Option<String>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// What went wrong around the proof, such as keys that could not be read.
    pub notes: Vec<String>,
}

/// A proof with its own hash: the JSON of `orgtrail verify`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofJson {
    /// The proof.
    #[serde(flatten)]
    pub proof: Proof,
    /// The hash of all fields before this one as compact JSON, in hexadecimal.
    pub sha256: String,
}

/// One line of the JSON Lines of `orgtrail verify`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ProofLine {
    /// A chain, as soon as it is proved.
    Chain {
        /// The chain.
        chain: Box<ChainProof>,
    },
    /// The last line.
    Summary {
        /// The version of this format.
        format_version: u32,
        /// All chains together.
        summary: Box<Summary>,
        /// What is not as it should be beside all chains.
        findings: Vec<FindingEntry>,
        /// The public keys that digests named, and who vouches for them.
        keys: Vec<KeyEntry>,
        /// The hash of the whole proof as compact JSON, in hexadecimal.
        sha256: String,
    },
}

impl Proof {
    /// Returns the JSON shape of an answer.
    pub fn of(answer: &Verification) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            chains: answer.chains.iter().map(ChainProof::of).collect(),
            findings: answer.findings.iter().map(FindingEntry::of).collect(),
            keys: answer.keys.iter().map(KeyEntry::of).collect(),
            summary: Summary::of(answer),
        }
    }

    /// Returns the hash of the proof as compact JSON, in hexadecimal: the same for every form of the report.
    pub fn sha256(&self) -> String {
        hex(&sha256(serde_json::json!(self).to_string().as_bytes()))
    }

    /// Returns a finding when the report of the run that made a bundle says worse than what the bundle shows now: that
    /// run knew what the bundle does not tell.
    pub fn worse_than(report: &serde_json::Value, state: State) -> Option<Finding> {
        let word = report.pointer("/summary/state")?.as_str()?;
        let told =
            [State::Attested, State::Unproven, State::Broken].into_iter().find(|state| state.as_str() == word)?;
        let reasons = report.pointer("/findings").and_then(serde_json::Value::as_array);
        let reasons: Vec<&str> =
            reasons.into_iter().flatten().filter_map(|finding| finding["detail"].as_str()).take(5).collect();
        (told > state).then(|| Finding {
            code: Code::RunInterrupted,
            state: told,
            object: None,
            window: None,
            detail: format!(
                "the run that made this bundle said {told}, and the bundle does not hold all that it knew: {}",
                if reasons.is_empty() { "its report says why".to_owned() } else { reasons.join("; ") }
            ),
            next: None,
        })
    }
}

impl ChainProof {
    /// Returns the JSON shape of a chain.
    pub fn of(chain: &Chain) -> Self {
        let Chain { scope, trail, digests, logs, logs_attested, logs_pending, state, hours, .. } = chain;
        let origin = |origin: &Origin| OriginEntry { bucket: origin.bucket.clone(), prefix: origin.prefix.clone() };
        let span = |(window, state): &(crate::logs::finding::TimeRange, State)| Span {
            from: window.start.to_string(),
            to: window.end.to_string(),
            state: state.to_string(),
        };
        Self {
            account: scope.account.to_string(),
            region: scope.region.to_string(),
            trail: trail.as_ref().map(|(trail, _)| trail.to_string()),
            home_region: trail.as_ref().map(|(_, home)| home.to_string()),
            organization: scope.organization.clone(),
            prefix: scope.prefix.clone(),
            digests: *digests,
            logs: *logs,
            attested: *logs_attested,
            read: chain.logs_read,
            pending: *logs_pending,
            unlisted: chain.logs_unlisted,
            bytes: chain.bytes,
            delivered_to: chain.origins.iter().map(origin).collect(),
            notes: chain.notes.clone(),
            state: state.to_string(),
            hours: hours.iter().map(span).collect(),
            findings: chain.findings.iter().map(FindingEntry::of).collect(),
            findings_omitted: chain.findings_omitted,
        }
    }
}

impl FindingEntry {
    fn of(finding: &Finding) -> Self {
        let Finding { code, state, object, window, detail, next: _ } = finding;
        Self {
            code: code.to_string(),
            state: state.to_string(),
            object: object.clone(),
            hour: window.map(|window| window.hour().to_string()),
            from: window.map(|window| window.start.to_string()),
            to: window.map(|window| window.end.to_string()),
            detail: detail.clone(),
            next: next_step(finding).into_owned(),
        }
    }
}

impl ExpectedEntry {
    fn of(expected: &ExpectedChains) -> Self {
        let ExpectedChains { said_by, accounts, regions, trails, missing, unknown, unknown_regions } = expected.clone();
        let unknown_regions = unknown_regions.map(|unknown| unknown.sentence());
        let entry = |missing: MissingChain| MissingEntry {
            account: missing.account.map(|account| account.to_string()),
            regions: missing.regions.iter().map(ToString::to_string).collect(),
            trail: missing.trail,
        };
        Self {
            said_by,
            accounts,
            regions,
            trails,
            missing: missing.into_iter().map(entry).collect(),
            unknown,
            unknown_regions,
        }
    }
}

/// Returns the names of the trails that have a chain.
pub(super) fn trails(answer: &Verification) -> BTreeSet<String> {
    answer.chains.iter().filter_map(|chain| Some(chain.trail.as_ref()?.0.to_string())).collect()
}

impl KeyEntry {
    fn of(key: &KeyUse) -> Self {
        Self {
            region: key.region.to_string(),
            fingerprint: key.fingerprint.clone(),
            source: key.source.as_str().to_owned(),
            valid_from: key.valid_from.map(|time| time.to_string()),
            valid_to: key.valid_to.map(|time| time.to_string()),
        }
    }
}

impl Summary {
    /// Returns the JSON shape of an answer's sum.
    pub fn of(answer: &Verification) -> Self {
        let sum = |count: fn(&Chain) -> u64| answer.chains.iter().map(count).sum();
        Self {
            state: answer.state().to_string(),
            chains: answer.chains.len(),
            attested: answer.chains_in(State::Attested),
            broken: answer.chains_in(State::Broken),
            unproven: answer.chains_in(State::Unproven),
            digests: sum(|chain| chain.digests),
            logs: sum(|chain| chain.logs),
            logs_attested: sum(|chain| chain.logs_attested),
            logs_read: sum(|chain| chain.logs_read),
            logs_unlisted: sum(|chain| chain.logs_unlisted),
            logs_pending: sum(|chain| chain.logs_pending),
            accounts: answer.accounts(),
            regions: answer.chains.iter().map(|chain| &chain.scope.region).collect::<BTreeSet<_>>().len(),
            trails: trails(answer),
            expected: answer.expected.as_ref().map(ExpectedEntry::of),
            made_at: answer.now.to_string(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            findings: sum(|chain| chain.findings.len() as u64 + chain.findings_omitted) + answer.findings.len() as u64,
            store: answer.store.clone(),
            from: answer.from.map(|from| from.to_string()),
            to: answer.to.map(|to| to.to_string()),
            interrupted: answer.interrupted,
            notes: answer.notes.clone(),
        }
    }
}
