//! The JSON report of a run, as the next run reads it. The file comes from a cache or an artifact: it may be cut off, of
//! another program, of another deployment.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Trace;
use super::compare::{Comparison, Entry, FindingKind, State};
use crate::estate::Address;
use crate::ids::AccountId;
use crate::plan::Harm;

/// The version of the report that is read. `report::model` writes it.
const FORMAT_VERSION: u64 = 1;

/// Says why a text is no report to compare with.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// Cut off, or no JSON at all.
    #[error("it is no JSON, or cut off")]
    Json(#[source] serde_json::Error),
    /// Another file.
    #[error("it is JSON, but not a report of `orgtrail drift`")]
    Foreign,
    /// A report of another version.
    #[error("it is a report of version {0}, and this program reads version {FORMAT_VERSION}")]
    Version(u64),
    /// A report that was changed by hand, or damaged.
    #[error("its part `{part}` is not as `orgtrail drift` writes it")]
    Part {
        /// The field.
        part: &'static str,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// A finding of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: FindingKind,
    pub(super) account: AccountId,
    pub(super) address: Option<Address>,
    pub(super) what: String,
    /// What it does; none where that is not known, as of what could not be read.
    pub(super) harm: Option<Harm>,
    /// A hash of all that it says; of its key alone where the rest is AWS's words, which differ from call to call.
    pub(super) content: String,
}

/// What could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blind {
    account: AccountId,
    address: Option<Address>,
}

impl Blind {
    /// Tells whether something at this place could not be seen.
    pub(super) fn hides(&self, entry: &Entry) -> bool {
        match &self.address {
            Some(_) => self.address == entry.address,
            None => self.account == entry.account,
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The organization's id.
    pub organization: String,
    /// The deployment.
    pub deployment: String,
    /// What the run itself knew of the one before.
    pub comparison: Option<Comparison>,
    /// Who changed what.
    pub who: Vec<Trace>,
    pub(super) findings: BTreeMap<String, Finding>,
    pub(super) blind: Vec<Blind>,
}

impl Record {
    /// Reads a report.
    ///
    /// # Errors
    /// [`BadRecord`] for anything that `orgtrail drift --format json` has not written.
    pub fn parse(text: &str) -> Result<Self, BadRecord> {
        Self::of(serde_json::from_str(text).map_err(BadRecord::Json)?)
    }

    /// Takes a report apart.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn of(mut report: Value) -> Result<Self, BadRecord> {
        let names = ["fingerprint", "changes", "in_sync", "organization", "deployment"];
        if names.iter().any(|name| report.get(name).is_none()) {
            return Err(BadRecord::Foreign);
        }
        match report["format_version"].as_u64() {
            Some(FORMAT_VERSION) => {}
            Some(other) => return Err(BadRecord::Version(other)),
            None => return Err(BadRecord::Foreign),
        }
        let mut findings = BTreeMap::new();
        add(&mut findings, changes(part(&mut report, "changes")?)?);
        add(&mut findings, assessed(part(&mut report, "findings")?)?);
        add(&mut findings, violations(part(&mut report, "violations")?)?);
        add(&mut findings, unproven(part(&mut report, "unproven")?)?);
        add(&mut findings, trails(part(&mut report, "evidence")?)?);
        let problems: Vec<ProblemPart> = part(&mut report, "problems")?;
        let blind = problems.iter().filter(|problem| matches!(problem.stage.as_str(), "discover" | "observe"));
        let blind = blind.map(|p| Blind { account: p.account.clone(), address: p.address.clone() }).collect();
        add(&mut findings, problems.into_iter().map(|p| p.finding(FindingKind::Problem)));
        let blockers: Vec<ProblemPart> = part(&mut report, "blockers")?;
        add(&mut findings, blockers.into_iter().map(|p| p.finding(FindingKind::Blocker)));
        Ok(Self {
            organization: part(&mut report, "organization")?,
            deployment: part(&mut report, "deployment")?,
            comparison: part(&mut report, "comparison")?,
            who: part::<Option<_>>(&mut report, "who")?.unwrap_or_default(),
            findings,
            blind,
        })
    }

    /// Returns what stood at the end of the run, by key: what it found, and what it could not look at again.
    pub(super) fn standing(&self) -> BTreeMap<String, Entry> {
        match &self.comparison {
            Some(comparison) => {
                let standing = comparison.findings.iter().filter(|entry| entry.state != State::Gone);
                standing.map(|entry| (entry.key.clone(), entry.clone())).collect()
            }
            // A run that compared with nothing does not know since when.
            None => {
                let entry = |(key, finding): (&String, &Finding)| {
                    (key.clone(), Entry::new(State::Still, key, finding.clone(), None))
                };
                self.findings.iter().map(entry).collect()
            }
        }
    }
}

/// Takes a field out of a report; a field that is not there is read as null, and a list as empty.
fn part<T: DeserializeOwned>(report: &mut Value, part: &'static str) -> Result<T, BadRecord> {
    let lists = ["findings", "violations", "unproven", "evidence", "problems", "blockers"];
    let value = match report[part].take() {
        Value::Null if lists.contains(&part) => Value::Array(Vec::new()),
        value => value,
    };
    serde_json::from_value(value).map_err(|source| BadRecord::Part { part, source })
}

fn add(findings: &mut BTreeMap<String, Finding>, more: impl IntoIterator<Item = (String, Finding)>) {
    for (key, finding) in more {
        findings.insert(format!("{} {key}", finding.kind.as_str()), finding);
    }
}

#[derive(Deserialize)]
struct ChangePart {
    address: Address,
    action: String,
    #[serde(default)]
    harm: Option<Harm>,
}

#[derive(Deserialize)]
struct FindingPart {
    address: Address,
    harm: Harm,
    code: String,
    message: String,
}

#[derive(Deserialize)]
struct UnprovenPart {
    address: Option<Address>,
    invariant: String,
    principal: String,
}

#[derive(Deserialize)]
struct ViolationPart {
    address: Address,
    invariant: String,
    principal: String,
    action: String,
    resource: String,
    #[serde(default)]
    harm: Option<Harm>,
}

#[derive(Deserialize)]
struct TrailPart {
    address: Address,
}

#[derive(Deserialize)]
struct ProblemPart {
    account: AccountId,
    address: Option<Address>,
    stage: String,
    code: String,
}

impl ProblemPart {
    fn finding(self, kind: FindingKind) -> (String, Finding) {
        let Self { account, address, stage, code } = self;
        let place = address.as_ref().map_or_else(|| account.to_string(), ToString::to_string);
        let key = format!("{place} {stage} {code}");
        let what = format!("{code} at {place}");
        (key.clone(), Finding { kind, account, address, what, harm: None, content: hash(&key) })
    }
}

fn changes(list: Vec<Value>) -> Result<Vec<(String, Finding)>, BadRecord> {
    let change = |(value, change): (Value, ChangePart)| {
        let ChangePart { address, action, harm } = change;
        let what = format!("{action} {address}");
        (address.to_string(), at(FindingKind::Change, address, what, harm, hash(&value.to_string())))
    };
    Ok(read(list, "changes")?.into_iter().map(change).collect())
}

fn violations(list: Vec<Value>) -> Result<Vec<(String, Finding)>, BadRecord> {
    let violation = |(value, violation): (Value, ViolationPart)| {
        let ViolationPart { address, invariant, principal, action, resource, harm } = violation;
        let what = format!("{invariant}: {principal}, {action}, {resource}");
        let key = format!("{address} {invariant} {principal} {action} {resource}");
        (key, at(FindingKind::Violation, address, what, harm, hash(&value.to_string())))
    };
    Ok(read(list, "violations")?.into_iter().map(violation).collect())
}

/// What is wrong and no change repairs. Since when and until when moves from run to run, and is no news.
fn assessed(list: Vec<Value>) -> Result<Vec<(String, Finding)>, BadRecord> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut keyed = |FindingPart { address, harm, code, message }: FindingPart| {
        let key = format!("{address} {code}");
        let count = known.entry(key.clone()).or_default();
        *count += 1;
        // Two of one kind at one resource are two.
        let key = if *count > 1 { format!("{key} #{count}") } else { key };
        let content = hash(&format!("{harm} {code} {message}"));
        let what = format!("{code} at {address}: {message}");
        (key, at(FindingKind::Finding, address, what, Some(harm), content))
    };
    Ok(read(list, "findings")?.into_iter().map(|(_, finding)| keyed(finding)).collect())
}

fn unproven(list: Vec<Value>) -> Result<Vec<(String, Finding)>, BadRecord> {
    let open = |UnprovenPart { address, invariant, principal }: UnprovenPart| {
        // A report of before there was an address names nothing that could be compared.
        let address = address?;
        let key = format!("{address} {invariant} {principal}");
        let what = format!("{invariant}: {principal}");
        Some((key.clone(), at(FindingKind::Unproven, address, what, None, hash(&key))))
    };
    Ok(read(list, "unproven")?.into_iter().filter_map(|(_, part)| open(part)).collect())
}

fn trails(list: Vec<Value>) -> Result<Vec<(String, Finding)>, BadRecord> {
    let trail = |(mut value, TrailPart { address }): (Value, TrailPart)| {
        // Since when both record also tells of ours: that it was stopped or started is no news of the other.
        if let Some(fields) = value.as_object_mut() {
            fields.remove("overlap");
        }
        let what = address.to_string();
        (what.clone(), at(FindingKind::Trail, address, what, Some(Harm::Harmless), hash(&value.to_string())))
    };
    Ok(read(list, "evidence")?.into_iter().map(trail).collect())
}

fn at(kind: FindingKind, address: Address, what: String, harm: Option<Harm>, content: String) -> Finding {
    Finding { kind, account: address.account.clone(), address: Some(address), what, harm, content }
}

/// Reads what is needed of each item, beside the item itself.
fn read<T: DeserializeOwned>(list: Vec<Value>, part: &'static str) -> Result<Vec<(Value, T)>, BadRecord> {
    let item = |value: Value| {
        let read = T::deserialize(&value).map_err(|source| BadRecord::Part { part, source })?;
        Ok((value, read))
    };
    list.into_iter().map(item).collect()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
