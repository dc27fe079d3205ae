//! Who changed last what is at an address: the event history first, the archive for what it does not have, and who
//! stands behind the callers, as `who` finds it.
//!
//! `LookupEvents` finds events by one attribute only (CloudTrail API, `LookupAttribute`). Most events name their
//! resource; where a service's events name none, they are looked for by the names that the catalog has, and their
//! requests are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::history::{HistoryPlace, HistorySource, PagesEnd};
use super::search::Search;
use super::source::Sources;
use super::trace::chains;
use crate::cloud::CloudFault;
use crate::cloud::history::{FoundEvent, HistoryKey, HistoryLookup};
use crate::estate::{Address, Kind, Resource};
use crate::event::catalog::{self, Target};
use crate::event::{Actor, AuditEvent, EventHistory, Record, RecordDigest, UnreadEvent};
use crate::ids::{Partition, Region};
use crate::investigate::answer::Person;
use crate::investigate::chain::{Chain, Lost, Origin};
use crate::plan::Change;
use crate::query::error::QueryError;
use crate::resource_types::{MatchedBy, ResourceCandidate, ResourceEffect, ResourceTypes};

/// How many changes are told.
const CHANGES_MAX: usize = 3;

/// How many answers are read for one clue: two a second may be asked for.
const PAGES_MAX: usize = 4;

/// Why there may be changes that were not found.
const UNREAD: &str = "an event in the event history that may be about it cannot be read: other changes may be there";
const OLDER: &str = "the newest events are no changes of it; older ones were not read";
const NO_HISTORY: &str = "a recorded estate has no event history";
const NO_CLUE: &str = "its events name it by an id that is no longer known";
const WITHHELD: &str = "a record of the archive hides or leaves out what it was about: it may be a change of it";

/// The last changes of a resource, with their records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastChanges {
    /// The changes, and why there may be others.
    pub history: EventHistory,
    records: HashMap<AuditEvent, String>,
}

/// Who stands behind changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// By record.
    chains: BTreeMap<RecordDigest, Chain>,
}

/// What to look for in the event history.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Clue {
    key: HistoryKey,
    /// The resource that the event must be about. `None`: the attribute says it.
    about: Option<(Target, String)>,
}

/// Returns who changed what is at the address of a change, as the event history has it. It is asked in the account that
/// manages it, in the region of the resource; what is global is recorded in the partition's global region.
///
/// # Errors
/// [`CloudFault`] where the history cannot be asked.
pub async fn of_history(
    source: &HistorySource,
    change: &Change,
    partition: Partition,
) -> Result<LastChanges, CloudFault> {
    let global = || partition.global_region().parse::<Region>().ok();
    let region = change.address.region.clone().or_else(global);
    let clues = clues(change, partition);
    let mut found = LastChanges::default();
    let Some(region) = region.filter(|_| !clues.is_empty()) else {
        found.history.gap = Some(NO_CLUE);
        return Ok(found);
    };
    let place = (change.operator.clone(), region);
    for clue in &clues {
        follow(source, &place, clue, &mut found).await?;
    }
    found.history = found.history.newest(CHANGES_MAX);
    Ok(found)
}

async fn follow(
    source: &HistorySource,
    place: &HistoryPlace,
    clue: &Clue,
    all: &mut LastChanges,
) -> Result<(), CloudFault> {
    let lookup = HistoryLookup { key: clue.key.clone(), from: None, to: None, token: None };
    let mut count = 0;
    // The newest come first.
    let enough = |events: &[FoundEvent]| {
        for event in events {
            match event.as_event().change(clue.about.as_ref().map(|(target, name)| (*target, name.as_str()))) {
                Ok(None) => {}
                Ok(Some(change)) => {
                    count += 1;
                    all.add(change, event.record.as_deref());
                }
                Err(UnreadEvent) => all.history.gap = Some(UNREAD),
            }
        }
        count >= CHANGES_MAX
    };
    let gap = match source.pages(place, &lookup, PAGES_MAX, enough).await? {
        PagesEnd::All | PagesEnd::Enough => None,
        PagesEnd::More => Some(OLDER),
        PagesEnd::NoHistory => Some(NO_HISTORY),
    };
    all.history.gap = all.history.gap.or(gap);
    Ok(())
}

/// Returns how the events about a resource are found.
fn clues(change: &Change, partition: Partition) -> Vec<Clue> {
    let Address { account: _, region: _, kind, name } = &change.address;
    // Events name identities without their path.
    let bare = name.rsplit('/').next().unwrap_or(name);
    let named = |value: String| Clue { key: HistoryKey::ResourceName(value), about: None };
    let arn = change.address.arn(partition).map(|arn| arn.to_string());
    match kind {
        Kind::Bucket | Kind::BucketPolicy | Kind::Role => vec![named(bare.to_owned())],
        // Older events name the resource, newer ones its ARN.
        Kind::Trail | Kind::Policy | Kind::Topic => arn.into_iter().chain([bare.to_owned()]).map(named).collect(),
        Kind::Key | Kind::KeyPolicy => key_arn(change).into_iter().map(named).collect(),
        Kind::LogGroup | Kind::Queue | Kind::Rule | Kind::TrustedAccess | Kind::ConfigAggregator => {
            events(kind.target(), name)
        }
        Kind::DelegatedAdministrator => events(kind.target(), change.address.administrator().unwrap_or(name)),
        Kind::ServiceControlPolicy => events(kind.target(), policy_id(change).unwrap_or(name)),
    }
}

/// Looks for the events of the catalog by their names, each about one resource.
fn events(target: Target, name: &str) -> Vec<Clue> {
    let clue =
        |event: &str| Clue { key: HistoryKey::EventName(event.to_owned()), about: Some((target, name.to_owned())) };
    catalog::looked_up_events(target).into_iter().map(clue).collect()
}

/// A key is known to events by its ARN, which the address has not: nothing where no key was seen.
fn key_arn(change: &Change) -> Option<String> {
    match change.observed() {
        Some(Resource::Key(key)) => key.arn.clone(),
        Some(Resource::KeyPolicy(policy)) => policy.key.clone(),
        _ => None,
    }
}

fn policy_id(change: &Change) -> Option<&String> {
    match change.observed() {
        Some(Resource::ServiceControlPolicy(policy)) => policy.id.as_ref(),
        _ => None,
    }
}

/// Returns what records call the resource of a change. Empty: it is a setting, or one whose id is not known.
pub fn candidates(types: &ResourceTypes, change: &Change, partition: Partition) -> Vec<ResourceCandidate> {
    let address = &change.address;
    let text = match address.kind {
        Kind::BucketPolicy => address.with_kind(Kind::Bucket).arn(partition).map(|arn| arn.to_string()),
        Kind::Key | Kind::KeyPolicy => key_arn(change),
        Kind::ServiceControlPolicy => policy_id(change).map(|id| format!("AWS::Organizations::Policy {id}")),
        Kind::TrustedAccess | Kind::DelegatedAdministrator => None,
        _ => address.arn(partition).map(|arn| arn.to_string()),
    };
    text.and_then(|text| types.candidates(&text).ok()).unwrap_or_default()
}

/// Returns who changed some resources, as the archive has it; each by what records call it.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn of_archive(
    sources: &Sources,
    types: &ResourceTypes,
    wanted: &[Vec<ResourceCandidate>],
) -> Result<Vec<LastChanges>, QueryError> {
    let all: Vec<ResourceCandidate> = wanted.iter().flatten().cloned().collect();
    let texts = sources.search(&Search::changes(types, &all)).await?;
    let records: Vec<(&str, Record<'_>)> =
        texts.iter().filter_map(|text| Some((text.as_str(), Record::read(text).ok()?))).collect();
    let read = records.len();
    let mut found: Vec<LastChanges> = wanted.iter().map(|own| in_records(types, own, &records)).collect();
    if read < texts.len() {
        found.iter_mut().for_each(|own| own.history.gap = own.history.gap.or(Some(UNREAD)));
    }
    Ok(found)
}

/// Returns what records say of the changes of a resource.
fn in_records(types: &ResourceTypes, wanted: &[ResourceCandidate], records: &[(&str, Record<'_>)]) -> LastChanges {
    let mut found = LastChanges::default();
    for (text, record) in records {
        let mentions = types.mentions(record, wanted);
        let is_change = |effect: ResourceEffect| effect != ResourceEffect::Use;
        let of_it = mentions.iter().filter(|own| is_change(own.effect)).map(|own| own.matched_by).max();
        match (of_it, AuditEvent::of(record)) {
            (Some(MatchedBy::Withheld | MatchedBy::Prefix), Some(_)) => found.history.gap = Some(WITHHELD),
            (Some(_), Some(change)) => found.add(change, Some(text)),
            (None, _) | (_, None) => {}
        }
    }
    found.history = found.history.newest(CHANGES_MAX);
    found
}

/// Returns the accounts that a record names: its own and that of whoever called.
pub fn accounts(text: &str) -> Vec<String> {
    let Ok(record) = Record::read(text) else { return Vec::new() };
    let own = record.recipient_account_id.as_deref().map(str::to_owned);
    own.into_iter().chain(Actor::of(&record).account).collect()
}

impl LastChanges {
    fn add(&mut self, change: AuditEvent, record: Option<&str>) {
        self.records.extend(record.map(|record| (change.clone(), record.to_owned())));
        self.history.found.push(change);
    }

    /// Returns the records of the changes that are told.
    pub fn records(&self) -> impl Iterator<Item = &str> {
        self.history.found.iter().filter_map(|event| self.record(event))
    }

    /// Returns the record of a change. `None`: it was not answered.
    pub fn record(&self, event: &AuditEvent) -> Option<&str> {
        self.records.get(event).map(String::as_str)
    }
}

impl People {
    /// Finds out who stands behind the callers of some records.
    ///
    /// # Errors
    /// [`QueryError`] where the archive cannot be asked.
    pub async fn behind<'a>(
        sources: &Sources,
        texts: impl Iterator<Item = &'a str>,
        organization: Option<&BTreeSet<String>>,
    ) -> Result<Self, QueryError> {
        let records: Vec<Record<'_>> = texts.filter_map(|text| Record::read(text).ok()).collect();
        Ok(Self { chains: chains(sources, &records, organization).await? })
    }

    /// Takes what another search knows better.
    pub fn take(&mut self, other: Self) {
        self.chains.extend(other.chains);
    }

    /// Tells whether the beginning of a session behind a record was not among what was looked at: it may be elsewhere.
    pub fn is_open(&self, text: &str) -> bool {
        let chain = Record::read(text).ok().and_then(|record| self.chains.get(&record.digest()));
        chain.is_some_and(|chain| {
            matches!(chain.end, Err(Lost::NotFound(_) | Lost::NoStack(_)) | Ok(Origin::UserId { .. }))
        })
    }

    /// Returns who stands behind the caller of a record, with the id of its event. `None`: it was not traced.
    pub fn of(&self, text: &str) -> Option<(String, Person)> {
        let record = Record::read(text).ok()?;
        let id = record.identity();
        let source = record.source_ip_address.as_deref().map(str::to_owned);
        Some((id.to_string(), Person::of(self.chains.get(&record.digest())?).from(source)))
    }
}
