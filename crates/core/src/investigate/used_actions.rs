//! Which IAM actions an actor really used, with which resources, and the least policy that allows them.
//!
//! What is not recorded cannot be in it: the policy is a proposal, and [`UsedActionsSummary::limits`] says what it does
//! not know.

use std::collections::{BTreeMap, BTreeSet};

use super::activity::Missing;
use super::last_used::is_data;
use super::role_path::RolePaths;
use super::sessions::ActorQuery;
use super::tally::{Period, SeenEvents, cut};
use crate::event::{Outcome, Record};
use crate::iam_actions::{ActionBasis, IamActions, NeededAction, PassedRole};
use crate::resource_types::{MatchedBy, RecordedResource, ResourceReader};

mod policy;

/// How many different actions are kept: AWS has some 20,000.
const ACTIONS_MAX: usize = 20_000;
/// How many resources of one action a policy has; with more it is taken to need all.
const RESOURCES_MAX: usize = 20;
/// How many calls, services, codes or roles are kept.
const VALUES_MAX: usize = 1_000;

/// Takes records of anybody, in any order, and keeps which actions an actor used itself: not those of other roles that
/// it assumed, which have policies of their own.
#[derive(Debug)]
pub struct UsedActions<'r, 't> {
    query: ActorQuery,
    reader: &'r ResourceReader<'t>,
    table: &'r IamActions,
    paths: RolePaths,
    seen: SeenEvents,
    used: BTreeMap<String, ActionUse>,
    denied: BTreeMap<String, ActionUse>,
    failed: BTreeMap<String, ActionUse>,
    passed: BTreeMap<PassedRole, u64>,
    free: BTreeSet<String>,
    records: u64,
    data_events: u64,
    others: u64,
    period: Option<Period>,
}

/// An action that calls needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionUse {
    /// `s3:GetObject`.
    pub action: String,
    /// How well it is known that the calls need it.
    pub basis: ActionBasis,
    /// How many calls needed it.
    pub records: u64,
    /// The calls: `s3.amazonaws.com HeadObject`.
    pub calls: BTreeSet<String>,
    /// The codes with which they were refused or failed. Empty: they were done.
    pub codes: BTreeSet<String>,
    /// The services that called on the actor's behalf. A grant or the resource's own policy may allow such calls too.
    pub through: BTreeSet<String>,
    /// The ARNs of the resources by which IAM decided, with what a policy must write for `*` and `?` in them.
    pub resources: BTreeSet<String>,
    /// Some call does not tell its resource, or there are more than are kept: only `*` surely allows all.
    pub needs_all: bool,
    /// When the first and the last call was. `None`: no record says when.
    pub period: Option<Period>,
}

/// Which actions an actor used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedActionsSummary {
    /// How many calls there are, each counted once.
    pub records: u64,
    /// When the first and the last was. `None`: there is none that says when.
    pub period: Option<Period>,
    /// What was done, or may have been.
    pub used: Vec<ActionUse>,
    /// What was refused, whether or not it was also done at other times.
    pub denied: Vec<ActionUse>,
    /// What only ever failed for another reason: it was allowed, or failed before that was looked at. The policy does
    /// not have it.
    pub failed: Vec<ActionUse>,
    /// The roles that were handed to services in calls that were done, with the number of calls: each also needs
    /// `iam:PassRole`.
    pub passed: Vec<(PassedRole, u64)>,
    /// Calls that need no permission: `sts.amazonaws.com GetCallerIdentity`.
    pub free: BTreeSet<String>,
    /// What is not known.
    pub limits: Vec<PolicyLimit>,
    /// The ARNs of roles of the asked name with another path, which are not in the answer. Empty: there is none, or no
    /// role was asked for.
    pub namesakes: BTreeSet<String>,
    /// What is not in the answer. Empty: nothing that is known of.
    pub missing: Vec<Missing>,
}

/// What a policy from records cannot know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyLimit {
    /// None of the records is a data event: calls on objects, items, messages and the like, and runs of functions, are
    /// not in it unless they are recorded everywhere.
    NoData,
    /// Some are: where data events are not recorded, such calls are missing.
    SomeData,
    /// CloudTrail does not record every call: of each service some are missing.
    Unlogged,
    /// What is needed seldom may not have been used in this time.
    Period,
    /// So many actions are assumed from the names of calls.
    Assumed(usize),
    /// So many actions have `*` for their resources.
    AnyResource(usize),
    /// Instance profiles were handed over whose roles are not recorded: the policy lacks `iam:PassRole` on them.
    Profiles(BTreeSet<String>),
    /// Roles were handed over by name: their ARNs, which may have a path, are not recorded. The policy lacks
    /// `iam:PassRole` on them.
    RoleNames(BTreeSet<String>),
    /// Services called on the actor's behalf; grants, or policies of keys and buckets, may allow that too.
    OnBehalf(BTreeSet<String>),
    /// The policy has no conditions: those of the policy that is used now are not known.
    Conditions,
}

impl<'r, 't> UsedActions<'r, 't> {
    /// Begins.
    pub fn of(query: ActorQuery, reader: &'r ResourceReader<'t>, table: &'r IamActions) -> Self {
        Self {
            paths: RolePaths::of(&query),
            query,
            reader,
            table,
            seen: SeenEvents::default(),
            used: BTreeMap::new(),
            denied: BTreeMap::new(),
            failed: BTreeMap::new(),
            passed: BTreeMap::new(),
            free: BTreeSet::new(),
            records: 0,
            data_events: 0,
            others: 0,
            period: None,
        }
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record<'_>) {
        self.paths.add(record);
        if !self.query.is_by(record) || !self.seen.is_new(record) {
            return;
        }
        let Some(needs) = self.table.needs(record) else { return };
        self.records += 1;
        self.data_events += u64::from(is_data(record));
        if let Some(time) = record.event_time {
            Period::extend(&mut self.period, time);
        }
        if needs.actions.is_empty() && self.free.len() < VALUES_MAX {
            self.free.insert(call_of(record));
        }
        let named = self.reader.named_by(record);
        for needed in &needs.actions {
            self.add_action(record, needed, &named);
        }
        if Outcome::of(record).may_be_done() {
            for role in needs.passes {
                if self.passed.len() < VALUES_MAX || self.passed.contains_key(&role) {
                    *self.passed.entry(role).or_default() += 1;
                } else {
                    self.others += 1;
                }
            }
        }
    }

    /// Returns what was used.
    pub fn summary(self) -> UsedActionsSummary {
        let missing = [
            (self.others > 0).then_some(Missing::Calls(self.others)),
            self.seen.is_full().then_some(Missing::Twice),
            Missing::paths(self.paths.unsaid()),
        ];
        let used: Vec<ActionUse> = self.used.into_values().map(ActionUse::ended).collect();
        let is_new = |own: &ActionUse| !used.iter().any(|other| other.action == own.action);
        let failed: Vec<ActionUse> = self.failed.into_values().map(ActionUse::ended).filter(is_new).collect();
        let mut summary = UsedActionsSummary {
            records: self.records,
            period: self.period,
            denied: self.denied.into_values().map(ActionUse::ended).collect(),
            passed: self.passed.into_iter().collect(),
            free: self.free,
            limits: Vec::new(),
            namesakes: self.paths.others(),
            missing: missing.into_iter().flatten().collect(),
            used,
            failed,
        };
        summary.limits = policy::limits(&summary, self.data_events > 0);
        summary
    }

    fn add_action(&mut self, record: &Record<'_>, needed: &NeededAction, named: &[RecordedResource]) {
        let (of_outcome, code) = match Outcome::of(record) {
            Outcome::Success | Outcome::Unknown => (&mut self.used, None),
            Outcome::Denied { code } => (&mut self.denied, Some(code.into_owned())),
            Outcome::Failed { code } => (&mut self.failed, Some(code.map(String::from).unwrap_or_default())),
        };
        let action = cut(&needed.action);
        if !of_outcome.contains_key(&action) && of_outcome.len() >= ACTIONS_MAX {
            self.others += 1;
            return;
        }
        let own = of_outcome.entry(action).or_insert_with_key(|action| ActionUse::of(action, needed.basis));
        own.records += 1;
        own.basis = own.basis.min(needed.basis);
        add_value(&mut own.calls, Some(&call_of(record)));
        add_value(&mut own.codes, code.as_deref());
        add_value(&mut own.through, record.user_identity.invoked_by.as_deref());
        if let Some(time) = record.event_time {
            Period::extend(&mut own.period, time);
        }
        let of_type = named.iter().filter(|resource| Some(&resource.resource_type) == needed.resource_type.as_ref());
        let arns = of_type.map(|resource| match resource.named_by > MatchedBy::Prefix {
            true => self.reader.arn(record, resource),
            false => None,
        });
        let arns: Option<Vec<String>> = arns.collect();
        own.add_resources(arns.filter(|arns| !arns.is_empty()), &needed.with);
    }
}

impl ActionUse {
    fn of(action: &str, basis: ActionBasis) -> Self {
        Self {
            action: action.to_owned(),
            basis,
            records: 0,
            calls: BTreeSet::new(),
            codes: BTreeSet::new(),
            through: BTreeSet::new(),
            resources: BTreeSet::new(),
            needs_all: false,
            period: None,
        }
    }

    /// Takes the resources of a call. `None`: it does not tell them all.
    fn add_resources(&mut self, arns: Option<Vec<String>>, with: &[String]) {
        let Some(arns) = arns else {
            self.needs_all = true;
            return;
        };
        for arn in arns {
            let arn = policy::escaped(&arn);
            with.iter().for_each(|end| self.add_resource(format!("{arn}{end}")));
            self.add_resource(arn);
        }
    }

    /// Takes one resource. Many objects of a bucket become all of it, at the same number in whatever order they come.
    fn add_resource(&mut self, arn: String) {
        if let Some(start) = policy::bucket_of(&arn) {
            let all = format!("{start}*");
            if self.resources.contains(&all) {
                return;
            }
            let of_bucket = self.resources.range(start.to_owned()..).take_while(|own| own.starts_with(start));
            if of_bucket.count() >= RESOURCES_MAX && !self.resources.contains(&arn) {
                self.resources.retain(|own| !own.starts_with(start));
                self.resources.insert(all);
                return;
            }
        }
        if self.resources.len() < VALUES_MAX {
            self.resources.insert(arn);
        } else {
            self.needs_all |= !self.resources.contains(&arn);
        }
    }

    /// Ends it: with more resources than a policy should have it needs all, and what is there stays as examples.
    fn ended(mut self) -> Self {
        if self.resources.len() > RESOURCES_MAX {
            self.resources = policy::folded(&self.resources);
        }
        self.needs_all |= self.resources.len() > RESOURCES_MAX;
        while self.resources.len() > RESOURCES_MAX {
            self.resources.pop_last();
        }
        self
    }
}

fn call_of(record: &Record<'_>) -> String {
    let of = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(cut).unwrap_or_default();
    format!("{} {}", of(&record.event_source), of(&record.event_name))
}

fn add_value(values: &mut BTreeSet<String>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty())
        && values.len() < VALUES_MAX
    {
        values.insert(cut(text));
    }
}

#[cfg(test)]
mod tests;
