//! The versioned JSON of a proof. The field names are a contract; conversion is written out.

use serde::{Deserialize, Serialize};

use crate::logs::finding::{Finding, State};
use crate::logs::verify::{Answer, Chain};

/// The version of the JSON.
pub const FORMAT_VERSION: u32 = 1;

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The version of this shape.
    pub format_version: u32,
    /// One entry a chain.
    pub chains: Vec<ChainProof>,
    /// All chains together.
    pub summary: Summary,
}

/// One chain: account x region x trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainProof {
    /// The account of the events.
    pub account: String,
    /// The region of the events.
    pub region: String,
    /// The trail; null where no digest tells it.
    pub trail: Option<String>,
    /// The trail's home region.
    pub home_region: Option<String>,
    /// The organization's folder.
    pub organization: Option<String>,
    /// What stands before `AWSLogs/`.
    pub prefix: String,
    /// How many digests were looked at.
    pub digests: u64,
    /// How many log files they list.
    pub logs: u64,
    /// How many of those log files are attested.
    pub attested: u64,
    /// How many log files wait for a backfill digest.
    pub pending: u64,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where they start.
    pub from: String,
    /// Where they end.
    pub to: String,
    /// Their state.
    pub state: String,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEntry {
    /// What it is.
    pub code: String,
    /// What it means for the proof.
    pub state: String,
    /// The object's key.
    pub object: Option<String>,
    /// The full hour in which the time starts that it touches.
    pub hour: Option<String>,
    /// The reason.
    pub detail: String,
}

/// All chains together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How many log files wait for a backfill digest.
    pub logs_pending: u64,
    /// How many findings there are.
    pub findings: u64,
    /// The store.
    pub store: String,
    /// The start of the range that was asked for.
    pub from: Option<String>,
    /// The end of the range that was asked for.
    pub to: Option<String>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// What went wrong around the proof, such as keys that could not be read.
    pub notes: Vec<String>,
}

impl Proof {
    /// Returns the JSON shape of an answer.
    pub fn of(answer: &Answer) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            chains: answer.chains.iter().map(ChainProof::of).collect(),
            summary: Summary::of(answer),
        }
    }
}

impl ChainProof {
    /// Returns the JSON shape of a chain.
    pub fn of(chain: &Chain) -> Self {
        let Chain { scope, trail, digests, logs, logs_attested, logs_pending, state, hours, .. } = chain;
        let span = |(window, state): &(crate::logs::finding::Window, State)| Span {
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
            pending: *logs_pending,
            state: state.to_string(),
            hours: hours.iter().map(span).collect(),
            findings: chain.findings.iter().map(FindingEntry::of).collect(),
            findings_omitted: chain.findings_omitted,
        }
    }
}

impl FindingEntry {
    fn of(finding: &Finding) -> Self {
        let Finding { code, state, object, window, detail } = finding;
        Self {
            code: code.to_string(),
            state: state.to_string(),
            object: object.clone(),
            hour: window.map(|window| window.hour().to_string()),
            detail: detail.clone(),
        }
    }
}

impl Summary {
    /// Returns the JSON shape of an answer's sum.
    pub fn of(answer: &Answer) -> Self {
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
            logs_pending: sum(|chain| chain.logs_pending),
            findings: sum(|chain| chain.findings.len() as u64 + chain.findings_omitted),
            store: answer.store.clone(),
            from: answer.from.map(|from| from.to_string()),
            to: answer.to.map(|to| to.to_string()),
            interrupted: answer.interrupted,
            notes: answer.notes.clone(),
        }
    }
}
