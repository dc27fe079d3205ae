//! The answers to what a person asked: who did something to a resource, and what a key, a session or an event was.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::search::Search;
use super::source::Sources;
use super::trace::{SessionKey, chains};
use crate::event::{EventId, Record, RecordDigest};
use crate::investigate::alias;
use crate::investigate::answer::{Person, ResourceAnswer, StepAnswer};
use crate::investigate::calls::{CallAnswer, SessionAnswer, sessions};
use crate::investigate::chain::{Chain, Tracer};
use crate::investigate::history::{Histories, ResourceHistory};
use crate::investigate::timeline::{Ending, Step};
use crate::query::error::QueryError;
use crate::resource_types::{ResourceCandidate, ResourceEffect, ResourceTypes};

/// The most resources that an answer shows with their histories.
const SHOWN_MAX: usize = 20;
/// The most sessions of which the beginning is looked for, for each resource.
const TRACED_MAX: usize = 100;

/// What was asked, and what the records say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoFound {
    /// The resources that were asked for, those with most to say first.
    pub resources: Vec<ResourceAnswer>,
    /// How many more resources the records name.
    pub further: usize,
    /// Calls of further sessions, of which the beginning was not looked for.
    pub untraced: usize,
    /// The ARNs of the keys that an alias stood for, by the name of the alias. Empty: no alias was asked for, or no
    /// record says it.
    pub keys_of_aliases: BTreeMap<String, BTreeSet<String>>,
    /// Calls of which the record hides what they were about: it may be this.
    pub withheld: Vec<StepAnswer>,
    /// Sessions and keys that were asked for.
    pub sessions: Vec<SessionAnswer>,
    /// Events that were asked for, with the records of other accounts of the same call.
    pub calls: Vec<CallAnswer>,
    /// Records that could not be read: they may say more.
    pub unread: usize,
}

/// Records as text, of which some can be read.
struct Texts {
    texts: Vec<String>,
}

impl Texts {
    /// Returns the records, and how many cannot be read.
    fn read(&self) -> (Vec<Record<'_>>, usize) {
        let records: Vec<Record<'_>> = self.texts.iter().filter_map(|text| Record::read(text).ok()).collect();
        let unread = self.texts.len() - records.len();
        (records, unread)
    }
}

/// Answers who did something to the resources that candidates may mean.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn resources(
    source: &Sources,
    types: &ResourceTypes,
    candidates: &[ResourceCandidate],
    subject: &str,
    organization: Option<&BTreeSet<String>>,
) -> Result<WhoFound, QueryError> {
    let asking = Asking { source, types, organization };
    asking.resources(candidates, subject, &mut BTreeSet::from([subject.to_owned()])).await
}

/// What is asked for other resources beside the one that was typed.
struct Asking<'s> {
    source: &'s Sources,
    types: &'s ResourceTypes,
    organization: Option<&'s BTreeSet<String>>,
}

impl Asking<'_> {
    /// Answers for some candidates, and for what they were called before or after. `known` has what was asked for.
    async fn resources(
        &self,
        candidates: &[ResourceCandidate],
        subject: &str,
        known: &mut BTreeSet<String>,
    ) -> Result<WhoFound, QueryError> {
        let Found { mut found, other_names } =
            resources_of(self.source, self.types, candidates, subject, self.organization).await?;
        for (name, own) in other_names {
            if known.len() > NAMES_MAX || !known.insert(name.clone()) {
                continue;
            }
            let place = &own.identity;
            let of = |own: ResourceCandidate| own.within(place.account.as_deref(), place.region.as_deref());
            let candidates: Vec<ResourceCandidate> =
                self.types.candidates(&name).unwrap_or_default().into_iter().map(of).collect();
            let other = Box::pin(self.resources(&candidates, &name, known)).await?;
            found.resources.extend(other.resources);
            found.untraced += other.untraced;
            found.unread += other.unread;
        }
        Ok(found)
    }
}

/// The most names that something had one after the other, or that an alias leads to.
const NAMES_MAX: usize = 20;

/// What records say of some candidates, and what these were called before or after, with where they are.
struct Found {
    found: WhoFound,
    other_names: BTreeMap<String, ResourceCandidate>,
}

/// Returns all other records of the events that decide what is said of some candidates.
async fn of_same_events(
    source: &Sources,
    types: &ResourceTypes,
    candidates: &[ResourceCandidate],
    texts: &Texts,
) -> Result<Vec<String>, QueryError> {
    let events = Histories::of(types, candidates, &texts.read().0).deciding_events();
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let known: BTreeSet<&String> = texts.texts.iter().collect();
    let all = source.search(&Search::SameEvents(events)).await?;
    Ok(all.into_iter().filter(|text| !known.contains(text)).collect())
}

async fn resources_of(
    source: &Sources,
    types: &ResourceTypes,
    candidates: &[ResourceCandidate],
    subject: &str,
    organization: Option<&BTreeSet<String>>,
) -> Result<Found, QueryError> {
    let mut texts = Texts { texts: source.search(&Search::of(types, candidates)).await? };
    let others = of_same_events(source, types, candidates, &texts).await?;
    texts.texts.extend(others);
    let (records, unread) = texts.read();
    let Histories { mut resources, mut further, withheld, withheld_undated } =
        Histories::of(types, candidates, &records);
    // What is only used by others is named where nothing else is.
    let deeds = resources.iter().filter(|own| own.has_deeds()).count();
    let shown = if deeds == 0 { resources.len().min(SHOWN_MAX) } else { deeds.min(SHOWN_MAX) };
    further += resources.split_off(shown).len();
    let other_names = resources.iter().flat_map(ResourceHistory::other_names);
    let other_names: BTreeMap<String, ResourceCandidate> = other_names.map(|(name, own)| (name, own.clone())).collect();
    let mut chosen = Chosen::of(&records, organization);
    resources.iter().for_each(|own| chosen.take(traced(own)));
    chosen.take(withheld.iter().take(SHOWN_MAX).map(|step| step.record).collect());
    let traced: Vec<Record<'_>> = chosen.records();
    let untraced = chosen.left_out.len();
    let keys_of_aliases = alias::keys(types, candidates, &records);
    let people = People(chains(source, &traced, organization).await?);
    let mut found = WhoFound {
        resources: resources
            .iter()
            .map(|own| ResourceAnswer::of(own, subject, |record| people.behind(record)))
            .collect(),
        further,
        untraced,
        withheld: withheld
            .iter()
            .take(SHOWN_MAX)
            .map(|step| StepAnswer::of(step, &|record| people.behind(record)))
            .collect(),
        // When it was is a part of what could not be read.
        unread: unread + withheld_undated,
        keys_of_aliases,
        ..WhoFound::default()
    };
    // Whoever asks about an alias means the key behind it too.
    let keys: BTreeSet<String> = found.keys_of_aliases.values().flatten().cloned().collect();
    for key in keys {
        let candidates = types.candidates(&key).unwrap_or_default();
        let of_key = Box::pin(self::resources(source, types, &candidates, &key, organization)).await?;
        found.resources.extend(of_key.resources);
        found.untraced += of_key.untraced;
        found.unread += of_key.unread;
    }
    Ok(Found { found, other_names })
}

/// Answers what was signed with an access key, and whose it is.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn access_key(
    source: &Sources,
    types: &ResourceTypes,
    key: &str,
    organization: Option<&BTreeSet<String>>,
) -> Result<WhoFound, QueryError> {
    let texts = Texts { texts: source.search(&Search::AccessKey(key.to_owned())).await? };
    let (records, unread) = texts.read();
    let signed = |record: &&Record<'_>| record.user_identity.access_key_id.as_deref() == Some(key);
    let signed: Vec<Record<'_>> = records.iter().filter(signed).cloned().collect();
    // Where nothing was signed with it, the call that gave it out is all there is.
    let given_out: Vec<Record<'_>> = if signed.is_empty() { records } else { Vec::new() };
    let mut found = of_sessions(source, &signed, organization).await?;
    let people = People(chains(source, &given_out, organization).await?);
    found.calls = given_out.iter().map(|record| people.call(record)).collect();
    found.unread += unread;
    // A key of a user is a resource, which is made and deleted.
    if key.starts_with(USER_KEY) {
        let candidates = types.candidates(key).unwrap_or_default();
        let history = Box::pin(resources(source, types, &candidates, key, organization)).await?;
        found.resources = history.resources;
        found.untraced = history.untraced;
        found.unread += history.unread;
    }
    Ok(found)
}

/// Access keys of users begin so (IAM user guide, "IAM identifiers").
const USER_KEY: &str = "AKIA";

/// Answers what a session did, and who stands behind it.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn session(
    source: &Sources,
    arn: &str,
    organization: Option<&BTreeSet<String>>,
) -> Result<WhoFound, QueryError> {
    let texts = Texts { texts: source.search(&Search::Session(arn.to_owned())).await? };
    let (records, unread) = texts.read();
    let found = of_sessions(source, &records, organization).await?;
    Ok(WhoFound { unread, ..found })
}

/// Answers who made a call, by the id of its event.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn event(
    source: &Sources,
    id: &EventId,
    organization: Option<&BTreeSet<String>>,
) -> Result<WhoFound, QueryError> {
    let mut texts = source.search(&Search::Event(id.clone())).await?;
    // The records of other accounts of the same call have an id in common.
    let asked = id.spellings();
    let shared: BTreeSet<String> = texts
        .iter()
        .filter_map(|text| Some(Record::read(text).ok()?.shared_event_id?.into_owned()))
        .filter(|shared| !asked.contains(shared))
        .collect();
    for shared in shared {
        // A record may have anything there: it is looked for as it is written.
        let shared = EventId::read(&shared).unwrap_or(EventId::Other(shared));
        texts.extend(source.search(&Search::Event(shared)).await?);
    }
    texts.sort();
    texts.dedup();
    let texts = Texts { texts };
    let (records, unread) = texts.read();
    let people = People(chains(source, &records, organization).await?);
    let mut calls: Vec<CallAnswer> = records.iter().map(|record| people.call(record)).collect();
    share(&mut calls);
    Ok(WhoFound { calls, unread, ..WhoFound::default() })
}

/// Gives each record of a call between accounts what another one of it proves: only the caller's own account records
/// its key. Where records of one event name several people, none is given.
fn share(calls: &mut [CallAnswer]) {
    let is_proven = |call: &CallAnswer| call.person.as_ref().is_some_and(|person| person.is_proven);
    let proven: Vec<CallAnswer> = calls.iter().filter(|call| is_proven(call)).cloned().collect();
    for call in calls.iter_mut().filter(|call| call.shared_event_id.is_some() && !is_proven(call)) {
        let twins =
            proven.iter().filter(|own| own.shared_event_id == call.shared_event_id && own.event_id != call.event_id);
        let people: Vec<&Person> = twins.filter_map(|own| own.person.as_ref()).collect();
        let Some(first) = people.first().filter(|first| people.iter().all(|own| own.who() == first.who())) else {
            continue;
        };
        call.person = Some(Person { actor: call.actor.clone(), ..(*first).clone() });
    }
}

async fn of_sessions(
    source: &Sources,
    records: &[Record<'_>],
    organization: Option<&BTreeSet<String>>,
) -> Result<WhoFound, QueryError> {
    // One call of each session leads to whoever stands behind all of it.
    // By the key, when the session began, and whose it is.
    let mut first: BTreeMap<[Option<&str>; 3], [&Record<'_>; 2]> = BTreeMap::new();
    for record in records {
        let identity = &record.user_identity;
        let began = identity.session.as_ref().and_then(|session| session.creation_date.as_deref());
        let key = [identity.access_key_id.as_deref(), began, identity.arn.as_deref()];
        let [earliest, latest] = first.entry(key).or_insert([record; 2]);
        if record.event_time < earliest.event_time {
            *earliest = record;
        }
        if record.event_time > latest.event_time {
            *latest = record;
        }
    }
    // A key that had expired, or was given out later, is seen by the last call and by the first.
    let one_each: Vec<Record<'_>> = first.into_values().flatten().cloned().collect();
    let people = People(chains(source, &one_each, organization).await?);
    Ok(WhoFound { sessions: sessions(records, |record| people.behind(record)), ..WhoFound::default() })
}

/// The chains behind calls, by record.
struct People(BTreeMap<RecordDigest, Chain>);

impl People {
    fn behind(&self, record: RecordDigest) -> Option<Person> {
        self.0.get(&record).map(Person::of)
    }

    fn call(&self, record: &Record<'_>) -> CallAnswer {
        CallAnswer::of(record, self.behind(record.digest()))
    }
}

/// Returns the records whose callers are traced: first those that made and ended a resource, and those that may have;
/// then the newest changes.
fn traced(history: &ResourceHistory) -> Vec<RecordDigest> {
    let mut all: Vec<&Step> = Vec::new();
    for own in history.incarnations.iter().rev() {
        all.extend(own.maker());
        all.extend(match own.ending() {
            Ending::DoneBy(step)
            | Ending::EndedByAws(step)
            | Ending::Waits(step)
            | Ending::RenamedBy(step)
            | Ending::MaybeBy(step)
            | Ending::AttemptedBy(step) => Some(step),
            Ending::Nothing => None,
        });
        all.extend(own.ended_before());
        let others = own.or_ended().into_iter().chain(own.or_made());
        all.extend(others.filter_map(|at| own.steps.get(at)));
    }
    let newest = history.incarnations.iter().rev().flat_map(|own| own.steps.iter().rev());
    all.extend(newest.filter(|step| !matches!(step.effect, ResourceEffect::Use | ResourceEffect::Unknown)));
    let undated = history.undated.iter().map(|own| own.record);
    all.into_iter().map(|step| step.record).chain(undated).collect()
}

/// The calls whose callers are traced: all of those of which the record says the caller, and of the others those of the
/// first sessions.
struct Chosen<'r, 'a> {
    all: HashMap<RecordDigest, &'r Record<'a>>,
    organization: Option<&'r BTreeSet<String>>,
    taken: BTreeSet<RecordDigest>,
    left_out: BTreeSet<RecordDigest>,
}

impl<'r, 'a> Chosen<'r, 'a> {
    fn of(records: &'r [Record<'a>], organization: Option<&'r BTreeSet<String>>) -> Self {
        let all = records.iter().map(|record| (record.digest(), record)).collect();
        Self { all, organization, taken: BTreeSet::new(), left_out: BTreeSet::new() }
    }

    /// Takes up the calls that concern a resource, those that count most first.
    fn take(&mut self, records: Vec<RecordDigest>) {
        let mut sessions: BTreeSet<Session> = BTreeSet::new();
        for own in records {
            let Some(record) = self.all.get(&own).filter(|_| !self.taken.contains(&own)) else { continue };
            let session = || SessionKey::of(record).map_or(Session::OfOne(own), Session::Of);
            let is_taken = Tracer::is_told_by(record, self.organization) || {
                let session = session();
                sessions.contains(&session) || (sessions.len() < TRACED_MAX && sessions.insert(session))
            };
            if is_taken { &mut self.taken } else { &mut self.left_out }.insert(own);
        }
    }

    /// Returns the records of these calls.
    fn records(&mut self) -> Vec<Record<'a>> {
        self.left_out.retain(|own| !self.taken.contains(own));
        self.taken.iter().filter_map(|own| self.all.get(own)).map(|record| (*record).clone()).collect()
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Session {
    Of(SessionKey),
    OfOne(RecordDigest),
}
