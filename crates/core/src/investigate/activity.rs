//! Everything that an actor did, folded: by service and call, from where and with which programs, and which resources
//! it changed.

use std::collections::{BTreeMap, BTreeSet};

use super::role_path::RolePaths;
use super::sessions::{Belonging, SessionSet};
use super::tally::{Counts, Period, Ranking, SeenEvents, cut};
use crate::event::{Outcome, Record};
use crate::resource_types::{MatchedBy, ResourceEffect, ResourceKey, ResourceReader};

/// How many different calls are kept: AWS has some 20,000.
const CALLS_MAX: usize = 20_000;
/// How many changed resources are kept.
const RESOURCES_MAX: usize = 100_000;
/// How many accounts, regions, codes or services are kept of one call.
const VALUES_MAX: usize = 1_000;

/// Takes records of anybody, in any order, and keeps what an actor did.
#[derive(Debug)]
pub struct Activity<'r, 't> {
    who: SessionSet,
    reader: &'r ResourceReader<'t>,
    seen: SeenEvents,
    /// What may be the actor's. The other record of a call between accounts may tell.
    unclear: SeenEvents,
    paths: RolePaths,
    calls: BTreeMap<(String, String), CallActivity>,
    changed: BTreeMap<ResourceKey, ChangedResource>,
    sources: Counts,
    agents: Counts,
    period: Option<Period>,
    records: u64,
    by: BTreeMap<Belonging, u64>,
    without_time: u64,
    other_calls: u64,
    other_resources: u64,
}

/// What an actor did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitySummary {
    /// How many calls and events there are, each counted once.
    pub records: u64,
    /// When the first and the last was. `None`: there is none that says when.
    pub period: Option<Period>,
    /// How many belong to the actor in which way. Those that are [`Belonging::Unclear`] are in no other field. Of
    /// the two records of a call between accounts the one that came first counts, which may say less.
    pub by: BTreeMap<Belonging, u64>,
    /// What it called, by service and call.
    pub calls: Vec<CallActivity>,
    /// The resources that its calls made, changed, deleted or connected, or that it tried to, by type and name.
    pub changed: Vec<ChangedResource>,
    /// The addresses and services that it called from.
    pub sources: Ranking,
    /// The programs that it says that it used.
    pub agents: Ranking,
    /// The ARNs of roles of the asked name with another path: what they did is not in the answer. Empty: there is none,
    /// or no role was asked for.
    pub namesakes: BTreeSet<String>,
    /// What is not in the answer. Empty: nothing that is known of.
    pub missing: Vec<Missing>,
}

/// A call of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallActivity {
    /// The service: `s3.amazonaws.com`. Empty: not recorded.
    pub service: String,
    /// The call: `PutObject`. Empty: not recorded.
    pub call: String,
    /// It only reads, as each of its records says.
    pub is_read: bool,
    /// How often it was done.
    pub done: u64,
    /// How often it may have been done: the record does not tell.
    pub unclear: u64,
    /// How often it was refused or failed, by code.
    pub refused: BTreeMap<String, u64>,
    /// When the first and the last was. `None`: no record says when.
    pub period: Option<Period>,
    /// The accounts that have a record of it.
    pub accounts: BTreeSet<String>,
    /// The regions.
    pub regions: BTreeSet<String>,
    /// The services that called on the actor's behalf. Empty: it called itself.
    pub through: BTreeSet<String>,
}

/// A resource that an actor changed, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedResource {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// What it is called: its ARN where a record has it, else its id or name.
    pub name: String,
    /// The accounts that have a record of it.
    pub accounts: BTreeSet<String>,
    /// The regions of the calls.
    pub regions: BTreeSet<String>,
    /// What was done to it, or may have been, and how often.
    pub effects: BTreeMap<ResourceEffect, u64>,
    /// What was tried and not done, and how often.
    pub tried: BTreeMap<ResourceEffect, u64>,
    /// When the first and the last was. `None`: no record says when.
    pub period: Option<Period>,
}

/// What is not in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// The actor began more sessions than are known: what they did is missing.
    Sessions,
    /// There are more different calls than are kept; so many records have another one.
    Calls(u64),
    /// There are more changed resources than are kept; so often another one was named.
    Resources(u64),
    /// There are more callers than are kept; so many calls are of another one.
    Callers(u64),
    /// There are more deletions that do not say of what than are kept: some of what stands may have ended by one.
    Deletions,
    /// There were more events than are remembered: one that was delivered twice may count twice.
    Twice,
    /// So many records do not say when they were.
    Times(u64),
    /// So many records name the role without its path: they are in the answer, and may be of a role of this name with
    /// another path.
    Paths(u64),
    /// So many records are perhaps the actor's: of a session of which others have the name, or signed with a key of
    /// which the records do not agree.
    Perhaps(u64),
    /// So many sessions are perhaps the actor's, and what they began is not followed.
    PerhapsBegun(u64),
}

impl Missing {
    /// Returns what is said of records that may be the actor's. `None`: there are none.
    pub(super) fn perhaps(records: u64) -> Option<Self> {
        (records > 0).then_some(Self::Perhaps(records))
    }

    /// Returns what is said of sessions that may be the actor's. `None`: there are none.
    pub(super) fn perhaps_begun(who: &SessionSet) -> Option<Self> {
        (who.unclear() > 0).then_some(Self::PerhapsBegun(who.unclear()))
    }

    /// Returns what is said of records that name a role without its path. `None`: there are none.
    pub(super) fn paths(records: u64) -> Option<Self> {
        (records > 0).then_some(Self::Paths(records))
    }
}

impl<'r, 't> Activity<'r, 't> {
    /// Begins. `who` has grown by all calls that began sessions.
    pub fn of(who: SessionSet, reader: &'r ResourceReader<'t>) -> Self {
        Self {
            paths: RolePaths::of(who.query()),
            who,
            reader,
            seen: SeenEvents::default(),
            unclear: SeenEvents::default(),
            calls: BTreeMap::new(),
            changed: BTreeMap::new(),
            sources: Counts::default(),
            agents: Counts::default(),
            period: None,
            records: 0,
            by: BTreeMap::new(),
            without_time: 0,
            other_calls: 0,
            other_resources: 0,
        }
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record<'_>) {
        self.paths.add(record);
        let Some(how) = self.who.holds(record) else { return };
        if how == Belonging::Unclear {
            self.unclear.is_new(record);
            return;
        }
        let is_new = self.seen.is_new(record);
        if is_new {
            *self.by.entry(how).or_default() += 1;
            self.records += 1;
            self.sources.add(record.source_ip_address.as_deref());
            self.agents.add(record.user_agent.as_deref());
            match record.event_time {
                Some(time) => Period::extend(&mut self.period, time),
                None => self.without_time += 1,
            }
        }
        self.add_call(record, is_new);
        if record.may_write() {
            self.add_changes(record, is_new);
        }
    }

    /// Returns what it did, with as many addresses and programs as `most`.
    pub fn summary(mut self, most: usize) -> ActivitySummary {
        let unclear = self.unclear.count_beside(&self.seen);
        if unclear > 0 {
            self.by.insert(Belonging::Unclear, unclear);
        }
        let missing = [
            self.who.is_cut().then_some(Missing::Sessions),
            (self.other_calls > 0).then_some(Missing::Calls(self.other_calls)),
            (self.other_resources > 0).then_some(Missing::Resources(self.other_resources)),
            (self.seen.is_full() || self.unclear.is_full()).then_some(Missing::Twice),
            (self.without_time > 0).then_some(Missing::Times(self.without_time)),
            Missing::paths(self.paths.unsaid() + self.who.of_unsaid_path()),
            Missing::perhaps(unclear),
            Missing::perhaps_begun(&self.who),
        ];
        let mut changed: Vec<ChangedResource> = self.changed.into_values().collect();
        changed.sort_by(|a, b| (&a.resource_type, &a.name).cmp(&(&b.resource_type, &b.name)));
        ActivitySummary {
            records: self.records,
            period: self.period,
            by: self.by,
            calls: self.calls.into_values().collect(),
            changed,
            sources: self.sources.ranking(most),
            agents: self.agents.ranking(most),
            namesakes: self.paths.others(),
            missing: missing.into_iter().flatten().collect(),
        }
    }

    fn add_call(&mut self, record: &Record<'_>, is_new: bool) {
        let of = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(cut).unwrap_or_default();
        let key = (of(&record.event_source), of(&record.event_name));
        if !self.calls.contains_key(&key) && self.calls.len() >= CALLS_MAX {
            self.other_calls += u64::from(is_new);
            return;
        }
        let new = || CallActivity::new(&key.0, &key.1);
        let call = self.calls.entry(key.clone()).or_insert_with(new);
        add_value(&mut call.accounts, record.recipient_account_id.as_deref());
        if is_new {
            call.add(record);
        }
    }

    fn add_changes(&mut self, record: &Record<'_>, is_new: bool) {
        let may_be_done = Outcome::of(record).may_be_done();
        for own in self.reader.named_by(record) {
            if own.effect == ResourceEffect::Use || own.named_by <= MatchedBy::Prefix {
                continue;
            }
            let Some(key) = self.reader.key(&own) else { continue };
            if !self.changed.contains_key(&key) && self.changed.len() >= RESOURCES_MAX {
                self.other_resources += u64::from(is_new);
                continue;
            }
            let new = || ChangedResource::new(&own.resource_type, &own.text);
            let changed = self.changed.entry(key).or_insert_with(new);
            changed.name = better_name(&changed.name, &own.text);
            add_value(&mut changed.accounts, record.recipient_account_id.as_deref());
            if !is_new {
                continue;
            }
            add_value(&mut changed.regions, record.aws_region.as_deref());
            let effects = if may_be_done { &mut changed.effects } else { &mut changed.tried };
            *effects.entry(own.effect).or_default() += 1;
            if let Some(time) = record.event_time {
                Period::extend(&mut changed.period, time);
            }
        }
    }
}

impl CallActivity {
    fn new(service: &str, call: &str) -> Self {
        Self {
            service: service.to_owned(),
            call: call.to_owned(),
            is_read: true,
            done: 0,
            unclear: 0,
            refused: BTreeMap::new(),
            period: None,
            accounts: BTreeSet::new(),
            regions: BTreeSet::new(),
            through: BTreeSet::new(),
        }
    }

    fn add(&mut self, record: &Record<'_>) {
        self.is_read &= !record.may_write();
        match Outcome::of(record) {
            Outcome::Success => self.done += 1,
            Outcome::Unknown => self.unclear += 1,
            Outcome::Denied { code } => add_code(&mut self.refused, &code),
            Outcome::Failed { code } => add_code(&mut self.refused, code.as_deref().unwrap_or_default()),
        }
        add_value(&mut self.regions, record.aws_region.as_deref());
        add_value(&mut self.through, record.user_identity.invoked_by.as_deref());
        if let Some(time) = record.event_time {
            Period::extend(&mut self.period, time);
        }
    }

    /// Returns how often it was refused or failed.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

impl ChangedResource {
    fn new(resource_type: &str, name: &str) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            name: name.to_owned(),
            accounts: BTreeSet::new(),
            regions: BTreeSet::new(),
            effects: BTreeMap::new(),
            tried: BTreeMap::new(),
            period: None,
        }
    }
}

/// Takes an ARN before another text, and else the first in the alphabet, so that the order of records does not matter.
fn better_name(known: &str, other: &str) -> String {
    let rank = |text: &str| (!text.starts_with("arn:"), text.to_owned());
    if rank(other) < rank(known) { other.to_owned() } else { known.to_owned() }
}

fn add_value(values: &mut BTreeSet<String>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty())
        && values.len() < VALUES_MAX
    {
        values.insert(cut(text));
    }
}

/// Counts a code; the empty one stands for a failure without a code, and for what is more than can be kept.
fn add_code(codes: &mut BTreeMap<String, u64>, code: &str) {
    let code = cut(code);
    let key = if codes.len() < VALUES_MAX || codes.contains_key(&code) { code } else { String::new() };
    *codes.entry(key).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::investigate::worlds::{USERS, World, sessions, truth, types, user};

    fn summary(texts: &[String], who: &str) -> ActivitySummary {
        let reader = types().reader();
        let mut activity = Activity::of(sessions(texts, who), &reader);
        for text in texts {
            activity.add(&Record::read(text).unwrap());
        }
        activity.summary(5)
    }

    #[test]
    fn the_order_of_records_and_what_comes_twice_change_nothing() {
        for seed in 0..8 {
            let mut world = World::new(seed);
            let (one, other) = (world.delivered(), world.delivered());
            let in_order: Vec<String> = world.deeds.iter().map(|deed| deed.text.clone()).collect();
            for by in 0..USERS {
                let whole = summary(&in_order, &user(by));
                // How it belongs is told by the record of a call that comes first.
                let told = |texts| ActivitySummary { by: whole.by.clone(), ..summary(texts, &user(by)) };
                assert_eq!((told(&one), told(&other)), (whole.clone(), whole.clone()), "world {seed}");
                let sum: u64 = whole.calls.iter().map(|call| call.done + call.unclear + call.refusals()).sum();
                assert_eq!(sum, whole.records, "world {seed}");
                let clear: u64 =
                    whole.by.iter().filter(|(how, _)| **how < Belonging::Unclear).map(|(_, count)| count).sum();
                let is_perhaps =
                    |own: &Missing| matches!(own, Missing::Perhaps(count) | Missing::PerhapsBegun(count) if *count > 0);
                assert!(clear == whole.records && whole.missing.iter().all(is_perhaps), "world {seed}");
                let is_unclear = whole.by.contains_key(&Belonging::Unclear);
                assert_eq!(
                    whole.missing.iter().any(|own| matches!(own, Missing::Perhaps(_))),
                    is_unclear,
                    "world {seed}"
                );
            }
        }
    }

    #[test]
    fn what_was_done_refused_and_changed_is_what_happened() {
        let mut made = 0;
        for seed in 0..8 {
            let mut world = World::new(seed);
            let all = world.delivered();
            let truth = truth(&world);
            let own: BTreeMap<usize, ActivitySummary> = (0..USERS).map(|by| (by, summary(&all, &user(by)))).collect();
            for (by, summary) in &own {
                let count = |call: &str, done: bool| {
                    let is_it = |text: &&&str| text.contains(&format!("\"eventName\":\"{call}\""));
                    let deeds = truth.keys().filter(is_it).filter(|text| truth[**text].by == *by);
                    deeds.filter(|text| truth[**text].done == done).count() as u64
                };
                for call in &summary.calls {
                    let name = call.call.as_str();
                    if summary.by.contains_key(&Belonging::Unclear) || name == "AssumeRole" {
                        continue;
                    }
                    assert_eq!((call.done, call.unclear + call.refusals()), (count(name, true), count(name, false)));
                }
            }
            let things = world.things.iter().filter(|own| !own.name.starts_with("thing-"));
            for thing in things {
                let summary = &own[&thing.maker];
                let found = summary.changed.iter().find(|changed| changed.name == thing.name);
                let is_made = found.is_some_and(|own| own.effects.get(&ResourceEffect::Create) == Some(&1));
                assert!(is_made || summary.by.contains_key(&Belonging::Unclear), "world {seed}: {thing:?}");
                made += usize::from(is_made);
            }
        }
        assert!(made > 8, "{made}");
    }

    #[test]
    fn a_role_is_one_resource_whether_it_is_named_by_its_name_or_its_arn() {
        let event = |id: &str, call: &str, more: &str| {
            format!(
                r#"{{"eventTime":"2026-11-20T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"{call}","eventID":"{id}",
                "awsRegion":"us-east-1","recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.1",
                "requestParameters":{{"roleName":"deploy"}},"userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/ann"}}{more}}}"#
            )
        };
        let arn = "arn:aws:iam::111111111111:role/ci/deploy";
        let made = format!(r#","responseElements":{{"role":{{"arn":"{arn}","roleId":"AROAEXAMPLE000000000"}}}}"#);
        let texts = [
            event("b", "TagRole", ""),
            event("c", "DeleteRole", r#","errorCode":"AccessDenied""#),
            event("a", "CreateRole", &made),
        ];
        let summary = summary(&texts, "arn:aws:iam::111111111111:user/ann");
        assert_eq!((summary.changed.len(), summary.changed[0].name.as_str()), (1, arn), "{summary:#?}");
        let changed = &summary.changed[0];
        assert_eq!(changed.effects, BTreeMap::from([(ResourceEffect::Create, 1), (ResourceEffect::Change, 1)]));
        assert_eq!(changed.tried, BTreeMap::from([(ResourceEffect::Delete, 1)]));
        let refused: Vec<_> =
            summary.calls.iter().filter(|call| call.refusals() > 0).map(|call| &call.refused).collect();
        assert_eq!(refused, [&BTreeMap::from([("AccessDenied".to_owned(), 1)])]);
        assert_eq!(summary.sources.first, [("192.0.2.1".to_owned(), 3)]);
    }
}
