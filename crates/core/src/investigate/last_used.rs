//! When a role, a user or a key was used last, from where, for what; who assumed a role; and what cannot be known.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::activity::Missing;
use super::issue::ISSUING_CALLS;
use super::role_path::RolePaths;
use super::sessions::ActorQuery;
use super::tally::{Counts, Period, Ranking, SeenEvents, cut, hash};
use crate::event::{Actor, ActorKind, Outcome, Record};
use crate::resource_types::{MatchedBy, ResourceCandidate, ResourceTypes};

/// How many callers of a role are kept.
const CALLERS_MAX: usize = 10_000;
/// Of how many calls between accounts a record is kept that has no more than the caller's id, until the other one
/// comes.
const PENDING_MAX: usize = 100_000;

/// Takes records of anybody, in any order, and keeps when an actor was used.
///
/// A session that an actor begins with another role is a use of that role, and of the actor only its beginning is.
#[derive(Debug)]
pub struct LastUsed<'t> {
    query: ActorQuery,
    /// The role, as records of `AssumeRole` name it. Empty: the actor is no role.
    role: Vec<ResourceCandidate>,
    types: &'t ResourceTypes,
    paths: RolePaths,
    seen: SeenEvents,
    done: Option<Use>,
    refused: Option<Use>,
    sign_in: Option<Use>,
    period: Option<Period>,
    records: u64,
    data_events: u64,
    calls: Counts,
    sources: Counts,
    agents: Counts,
    assumed: SeenEvents,
    callers: BTreeMap<String, CallerUse>,
    pending: HashMap<u64, Assumed>,
    other_callers: u64,
}

/// When an actor was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// How many calls there are, each counted once. It has no calls that began a session of a role.
    pub records: u64,
    /// When the first and the last was. `None`: there is none that says when.
    pub period: Option<Period>,
    /// The last that was done, or may have been. `None`: none.
    pub done: Option<Use>,
    /// The last that was refused or failed. `None`: none.
    pub refused: Option<Use>,
    /// The last sign-in to the console that was done. `None`: none.
    pub sign_in: Option<Use>,
    /// What was called most: `s3.amazonaws.com GetObject`.
    pub calls: Ranking,
    /// The addresses and services that it was called from.
    pub sources: Ranking,
    /// The programs that callers say that they used.
    pub agents: Ranking,
    /// Who began sessions of the role, the last first. Empty: nobody, or it is no role.
    pub callers: Vec<CallerUse>,
    /// What cannot be known from these records.
    pub limits: Vec<UseLimit>,
    /// The ARNs of roles of the asked name with another path, which are not in the answer. Empty: there is none, or no
    /// role was asked for.
    pub namesakes: BTreeSet<String>,
    /// What is not in the answer. Empty: nothing that is known of.
    pub missing: Vec<Missing>,
}

/// A use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// When.
    pub time: Timestamp,
    /// The id of the event. Empty: not recorded.
    pub event_id: String,
    /// The service: `s3.amazonaws.com`.
    pub service: String,
    /// The call: `GetObject`.
    pub call: String,
    /// The code with which it was refused or failed. `None`: it was done.
    pub code: Option<String>,
    /// The account that has the record. `None`: not recorded.
    pub account: Option<String>,
    /// The region. `None`: not recorded.
    pub region: Option<String>,
    /// The address or service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// The program that the caller says it is. `None`: not recorded.
    pub agent: Option<String>,
    /// Who called, as [`Actor::name`] says it: for a role, the session.
    pub by: String,
    /// The access key that signed. `None`: not recorded.
    pub access_key: Option<String>,
    /// The service that called on the actor's behalf. `None`: the actor called itself.
    pub through: Option<String>,
}

/// Who began sessions of a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerUse {
    /// Who: the ARN of a user or role, without the name of a session; a service; the subject of a provider; the unique
    /// id where only that is recorded.
    pub caller: String,
    /// How often it was done, or may have been.
    pub done: u64,
    /// How often it was refused or failed.
    pub refused: u64,
    /// When the last was that was done. `None`: none, or no record says when.
    pub last_done: Option<Timestamp>,
    /// When the last was that was refused or failed. `None`: none, or no record says when.
    pub last_refused: Option<Timestamp>,
}

/// What records were looked at, as far as it limits what they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// From when on records were looked at. `None`: not known.
    pub from: Option<Timestamp>,
    /// Until when. `None`: not known.
    pub to: Option<Timestamp>,
    /// Data events are recorded for everything that the actor may reach. `None`: not known.
    pub has_all_data_events: Option<bool>,
}

/// What cannot be known of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseLimit {
    /// What was before: no record was looked at. `None`: it is not known when records begin.
    Before(Option<Timestamp>),
    /// What was after. `None`: it is not known when records end.
    After(Option<Timestamp>),
    /// Calls on objects, items, messages and the like, and runs of functions: data events are not recorded, or not
    /// everywhere. Some of the actor are among the records.
    SomeData,
    /// The same, and none of the actor is among the records.
    NoData,
    /// Calls that CloudTrail never records, as some of each service are.
    Unlogged,
}

/// A call that began a session of the role, or was to.
#[derive(Debug)]
struct Assumed {
    caller: String,
    /// When. `None`: not recorded.
    time: Option<Timestamp>,
    is_done: bool,
}

impl<'t> LastUsed<'t> {
    /// Begins.
    pub fn of(query: ActorQuery, types: &'t ResourceTypes) -> Self {
        let of_role = |own: &ResourceCandidate| own.resource_type.as_deref() == Some("AWS::IAM::Role");
        let role = match &query {
            ActorQuery::Role(arn) => types.candidates(arn).unwrap_or_default().into_iter().filter(of_role).collect(),
            _ => Vec::new(),
        };
        Self {
            paths: RolePaths::of(&query),
            query,
            role,
            types,
            seen: SeenEvents::default(),
            done: None,
            refused: None,
            sign_in: None,
            period: None,
            records: 0,
            data_events: 0,
            calls: Counts::default(),
            sources: Counts::default(),
            agents: Counts::default(),
            assumed: SeenEvents::default(),
            callers: BTreeMap::new(),
            pending: HashMap::new(),
            other_callers: 0,
        }
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record<'_>) {
        self.paths.add(record);
        if self.is_assumed(record) {
            self.add_caller(record);
        }
        if self.query.is_by(record) && self.seen.is_new(record) {
            self.add_use(record);
        }
    }

    /// Returns when it was used, with as many calls, addresses and programs as `most`.
    pub fn summary(mut self, looked: &Looked, most: usize) -> LastUse {
        for assumed in std::mem::take(&mut self.pending).into_values() {
            self.count(assumed);
        }
        let missing = [
            (self.other_callers > 0).then_some(Missing::Callers(self.other_callers)),
            (self.seen.is_full() || self.assumed.is_full()).then_some(Missing::Twice),
            Missing::paths(self.paths.unsaid()),
        ];
        let limits = self.limits(looked);
        let named = |(caller, own): (String, CallerUse)| CallerUse { caller, ..own };
        let mut callers: Vec<CallerUse> = self.callers.into_iter().map(named).collect();
        callers.sort_by(|a, b| (b.last_done, b.last_refused, &a.caller).cmp(&(a.last_done, a.last_refused, &b.caller)));
        LastUse {
            records: self.records,
            period: self.period,
            done: self.done,
            refused: self.refused,
            sign_in: self.sign_in,
            calls: self.calls.ranking(most),
            sources: self.sources.ranking(most),
            agents: self.agents.ranking(most),
            callers,
            limits,
            namesakes: self.paths.others(),
            missing: missing.into_iter().flatten().collect(),
        }
    }

    fn limits(&self, looked: &Looked) -> Vec<UseLimit> {
        let data = match (looked.has_all_data_events, self.data_events) {
            (Some(true), _) => None,
            (_, 0) => Some(UseLimit::NoData),
            _ => Some(UseLimit::SomeData),
        };
        let around = [UseLimit::Before(looked.from), UseLimit::After(looked.to)];
        around.into_iter().chain(data).chain([UseLimit::Unlogged]).collect()
    }

    fn add_use(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.data_events += u64::from(is_data(record));
        let text = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(cut).unwrap_or_default();
        self.calls.add(Some(&format!("{} {}", text(&record.event_source), text(&record.event_name))));
        self.sources.add(record.source_ip_address.as_deref());
        self.agents.add(record.user_agent.as_deref());
        let Some(own) = Use::of(record) else { return };
        Period::extend(&mut self.period, own.time);
        let is_sign_in = own.call == "ConsoleLogin" && own.code.is_none();
        for last in [
            Some(if own.code.is_none() { &mut self.done } else { &mut self.refused }),
            is_sign_in.then_some(&mut self.sign_in),
        ]
        .into_iter()
        .flatten()
        {
            if last.as_ref().is_none_or(|last| *last < own) {
                *last = Some(own.clone());
            }
        }
    }

    /// Tells whether somebody began a session of the role, or tried to.
    fn is_assumed(&mut self, record: &Record<'_>) -> bool {
        let call = record.event_name.as_deref().unwrap_or_default();
        record.event_source.as_deref() == Some("sts.amazonaws.com")
            && ISSUING_CALLS.contains(&call)
            && self.types.mentions(record, &self.role).iter().any(|own| own.matched_by > MatchedBy::Prefix)
            && self.may_be_of_path(record)
    }

    /// Tells whether the role that a call asked for may have the path of the one that is asked for. The call has the
    /// whole ARN of the role.
    fn may_be_of_path(&mut self, record: &Record<'_>) -> bool {
        let role = record.request_parameters.and_then(|asked| asked.at("roleArn")?.text());
        role.is_none_or(|role| self.paths.may_be(&role))
    }

    fn add_caller(&mut self, record: &Record<'_>) {
        let is_new = self.assumed.is_new(record);
        let (caller, is_whole) = caller(record);
        let own = Assumed { caller, time: record.event_time, is_done: Outcome::of(record).may_be_done() };
        let twin = record.shared_event_id.as_deref().map(hash);
        match twin {
            // The account of the role has no more of a caller from elsewhere than its id.
            Some(twin) if !is_whole && is_new && self.pending.len() < PENDING_MAX => {
                self.pending.insert(twin, own);
            }
            Some(twin) if is_whole && self.pending.remove(&twin).is_some() => self.count(own),
            _ if is_new => self.count(own),
            _ => {}
        }
    }

    fn count(&mut self, assumed: Assumed) {
        let Assumed { caller, time, is_done } = assumed;
        if !self.callers.contains_key(&caller) && self.callers.len() >= CALLERS_MAX {
            self.other_callers += 1;
            return;
        }
        let own = self.callers.entry(caller).or_default();
        let (count, last) = match is_done {
            true => (&mut own.done, &mut own.last_done),
            false => (&mut own.refused, &mut own.last_refused),
        };
        *count += 1;
        *last = (*last).max(time);
    }
}

impl Use {
    /// Returns what a record says. `None`: it does not say when.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let text = |text: &Option<crate::event::Text<'_>>| text.as_deref().filter(|text| !text.is_empty()).map(cut);
        let actor = Actor::of(record);
        Some(Self {
            time: record.event_time?,
            event_id: record.identity().into_owned(),
            service: text(&record.event_source).unwrap_or_default(),
            call: text(&record.event_name).unwrap_or_default(),
            code: match Outcome::of(record) {
                Outcome::Success | Outcome::Unknown => None,
                Outcome::Denied { code } => Some(cut(&code)),
                Outcome::Failed { code } => Some(code.as_deref().map(cut).unwrap_or_default()),
            },
            account: text(&record.recipient_account_id),
            region: text(&record.aws_region),
            source: text(&record.source_ip_address),
            agent: text(&record.user_agent),
            by: actor.name,
            access_key: actor.access_key,
            through: actor.through,
        })
    }
}

/// Tells whether a record is a data event.
pub(super) fn is_data(record: &Record<'_>) -> bool {
    record.management_event == Some(false) || record.event_category.as_deref() == Some("Data")
}

/// Returns who began a session, and whether the record says all of it.
fn caller(record: &Record<'_>) -> (String, bool) {
    let actor = Actor::of(record);
    match actor.kind {
        ActorKind::Role => (actor.role.clone().unwrap_or(actor.name), true),
        ActorKind::ExternalUser => {
            let provider = record.user_identity.identity_provider.as_deref().map(|text| format!(" of {}", cut(text)));
            (format!("{}{}", actor.name, provider.unwrap_or_default()), true)
        }
        ActorKind::Account | ActorKind::Unknown => (actor.name, false),
        _ => (actor.name, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::investigate::worlds::{ACCOUNTS, World, truth, types, user};

    fn last(texts: &[String], who: &str) -> LastUse {
        let mut last = LastUsed::of(ActorQuery::of(who), types());
        for text in texts {
            last.add(&Record::read(text).unwrap());
        }
        last.summary(&Looked::default(), 3)
    }

    #[test]
    fn the_last_use_is_the_last_in_time_whatever_the_order_of_the_records() {
        let (mut assumed, mut across) = (0, 0);
        for seed in 0..8 {
            let mut world = World::new(seed);
            let (one, other) = (world.delivered(), world.delivered());
            let roles = ["role0", "role1"].map(|role| ACCOUNTS.map(|to| format!("arn:aws:iam::{to}:role/path/{role}")));
            let actors: Vec<String> = roles.into_iter().flatten().chain((0..4).map(user)).collect();
            for who in &actors {
                let own = last(&one, who);
                let again = last(&other, who);
                assert_eq!(again, own, "world {seed}");
                let deeds: Vec<_> = world
                    .deeds
                    .iter()
                    .filter(|deed| deed.caller == *who && !deed.text.contains("AWSAccount"))
                    .collect();
                assert_eq!(own.records, deeds.len() as u64, "world {seed}: {who}");
                let time = |text: &str| Record::read(text).unwrap().event_time;
                let is_unclear = |text: &str| text.contains("InternalFailure");
                let done = deeds
                    .iter()
                    .filter(|deed| deed.done || is_unclear(&deed.text))
                    .filter_map(|deed| time(&deed.text))
                    .max();
                let refused = deeds
                    .iter()
                    .filter(|deed| !deed.done && !is_unclear(&deed.text))
                    .filter_map(|deed| time(&deed.text))
                    .max();
                assert_eq!(
                    (own.done.map(|own| own.time), own.refused.map(|own| own.time)),
                    (done, refused),
                    "world {seed}: {who}"
                );
                // Each call that assumed the role counts once, and for whoever made it.
                let is_assume = |text: &str| {
                    text.contains(r#""eventName":"AssumeRole""#) && text.contains(&format!("\"roleArn\":\"{who}\""))
                };
                let truth = truth(&world);
                let mut by: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
                for deed in truth.values().filter(|deed| is_assume(&deed.text) && !deed.text.contains("AWSAccount")) {
                    let count = by.entry(&deed.caller).or_default();
                    if deed.done { count.0 += 1 } else { count.1 += 1 }
                }
                let found: BTreeMap<&str, (u64, u64)> =
                    own.callers.iter().map(|own| (own.caller.as_str(), (own.done, own.refused))).collect();
                assert_eq!(found, by, "world {seed}: {who}");
                assumed += found.values().map(|(done, _)| done).sum::<u64>();
                across += found.keys().filter(|caller| caller.split(':').nth(4) != who.split(':').nth(4)).count();
            }
        }
        assert!(assumed > 20 && across > 5, "{assumed} {across}");
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        let data = r#"{"eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"a",
            "managementEvent":false,"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","accessKeyId":"AKIAEXAMPLE000000000"}}"#;
        let limits = |texts: &[String], looked: &Looked| {
            let mut last = LastUsed::of(ActorQuery::of("AKIAEXAMPLE000000000"), types());
            texts.iter().for_each(|text| last.add(&Record::read(text).unwrap()));
            last.summary(looked, 3).limits
        };
        let from = "2026-01-01T00:00:00Z".parse().ok();
        let looked = Looked { from, ..Looked::default() };
        let around = [UseLimit::Before(from), UseLimit::After(None)];
        assert_eq!(limits(&[], &looked), [around[0], around[1], UseLimit::NoData, UseLimit::Unlogged]);
        assert_eq!(limits(&[data.to_owned()], &looked), [around[0], around[1], UseLimit::SomeData, UseLimit::Unlogged]);
        let looked = Looked { has_all_data_events: Some(true), ..looked };
        assert_eq!(limits(&[], &looked), [around[0], around[1], UseLimit::Unlogged]);
    }

    #[test]
    fn a_sign_in_and_an_attempt_are_told_apart() {
        let sign_in = |at: u32, answer: &str| {
            format!(
                r#"{{"eventTime":"2026-11-20T10:{at:02}:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventID":"{at}",
                "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann"}},"responseElements":{{"ConsoleLogin":"{answer}"}}}}"#
            )
        };
        let own = last(&[sign_in(2, "Failure"), sign_in(1, "Success")], "arn:aws:iam::1:user/ann");
        let time = |own: &Option<Use>| own.as_ref().map(|own| own.event_id.clone());
        assert_eq!((time(&own.sign_in), time(&own.refused)), (Some("1".to_owned()), Some("2".to_owned())));
    }
}
