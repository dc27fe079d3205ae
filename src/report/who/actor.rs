//! The answers about an actor as plain data: what it did, what it made that still stands, when it was used last, which
//! actions it used.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::iam_actions::ActionBasis;
use crate::investigate::activity::{ActivitySummary, CallActivity, ChangedResource, Missing};
use crate::investigate::last_used::{CallerUse, LastUse, Use, UseLimit};
use crate::investigate::remains::{Doubt, NamelessCreation, Remaining, RemainsSummary};
use crate::investigate::sessions::Belonging;
use crate::investigate::timeline::Step;
use crate::investigate::used_actions::{ActionUse, PolicyLimit, UsedActionsSummary};
use crate::investigate::{Period, Ranking};

/// What is said about an actor; each part only where it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActorAnswer {
    /// How many calls there are, each counted once.
    pub calls: u64,
    /// When the first was, RFC 3339 in UTC. `None`: there is none.
    pub first: Option<String>,
    /// When the last was. `None`: there is none.
    pub last: Option<String>,
    /// By what the calls are known to be the actor's, with how many: `the caller`, `an access key`, `the source
    /// identity`, `the name of a session`, `perhaps`.
    pub known_by: Vec<(String, u64)>,
    /// What was called.
    pub activity: Vec<CallLine>,
    /// What was changed.
    pub changed: Vec<ChangedLine>,
    /// The addresses and services that the calls came from.
    pub sources: Vec<(String, u64)>,
    /// The programs that called, in their own words: a claim.
    pub programs: Vec<(String, u64)>,
    /// What the actor made and nothing ended that is recorded.
    pub stands: Vec<RemainingLine>,
    /// What may have ended, or whose end could not be found.
    pub unclear: Vec<RemainingLine>,
    /// Creations of which the record does not say what was made.
    pub nameless: Vec<String>,
    /// How many things of the actor ended: by itself, by others, by AWS, by no recorded call. `None`: not asked.
    pub ended: Option<[usize; 4]>,
    /// The last call that was done. `None`: none.
    pub last_done: Option<UseLine>,
    /// The last call that was refused or failed. `None`: none.
    pub last_refused: Option<UseLine>,
    /// The last sign-in to the console. `None`: none.
    pub last_sign_in: Option<UseLine>,
    /// Who assumed the role.
    pub callers: Vec<CallerLine>,
    /// The IAM actions that were used.
    pub actions: Vec<ActionLine>,
    /// The actions that were refused.
    pub denied: Vec<ActionLine>,
    /// The least policy for the actions that were used: a proposal. `None`: not asked, or nothing was used.
    pub policy: Option<Value>,
    /// What is not known.
    pub limits: Vec<String>,
    /// What is in the answer and may be of another actor: it is not known to be whole then.
    pub unsure: Vec<String>,
    /// The ARNs of roles of the asked name with another path: they are not in the answer.
    pub namesakes: Vec<String>,
    /// What is not in the answer for its size: it is not whole then.
    pub missing: Vec<String>,
}

/// A call, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallLine {
    /// The service: `s3.amazonaws.com`.
    pub service: String,
    /// The call: `DeleteBucket`.
    pub call: String,
    /// It only reads.
    pub is_read: bool,
    /// How often it was done.
    pub done: u64,
    /// How often the records do not tell whether it was done.
    pub unclear: u64,
    /// How often it was refused or failed.
    pub not_done: u64,
    /// The last time, RFC 3339 in UTC. `None`: not recorded.
    pub last: Option<String>,
    /// The accounts.
    pub accounts: Vec<String>,
}

/// A resource that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedLine {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// Its ARN, id or name.
    pub name: String,
    /// What was done to it, with how often.
    pub done: Vec<(String, u64)>,
    /// What was only tried.
    pub tried: Vec<(String, u64)>,
    /// The last time, RFC 3339 in UTC. `None`: not recorded.
    pub last: Option<String>,
}

/// A resource that an actor made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RemainingLine {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// Its ARN, id or name.
    pub name: String,
    /// When it was made, RFC 3339 in UTC.
    pub made: String,
    /// The call that made it.
    pub call: String,
    /// The account and region: `111111111111 eu-central-1`.
    pub place: String,
    /// Why it is not sure that it stands, and that it waits for its deletion. Empty: nothing speaks against it.
    pub doubts: Vec<String>,
    /// How many attempts to delete it were not done.
    pub attempts: usize,
}

/// A use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UseLine {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The call with its service: `s3.amazonaws.com GetObject`.
    pub call: String,
    /// Who called.
    pub by: String,
    /// The code with which it was refused or failed. `None`: it was not.
    pub error: Option<String>,
    /// The address or service that it came from. `None`: not recorded.
    pub source: Option<String>,
    /// The id of the event.
    pub event_id: String,
}

/// Who assumed a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallerLine {
    /// Who called.
    pub caller: String,
    /// How often it was done.
    pub done: u64,
    /// How often it was refused.
    pub refused: u64,
    /// When it was done last, RFC 3339 in UTC. `None`: never.
    pub last: Option<String>,
}

/// An action that calls needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActionLine {
    /// `s3:GetObject`.
    pub action: String,
    /// How many calls needed it.
    pub calls: u64,
    /// It is assumed from the name of the call.
    pub is_assumed: bool,
    /// The resources. Empty: the records do not tell.
    pub resources: Vec<String>,
    /// The codes with which it was refused.
    pub errors: Vec<String>,
    /// The last time, RFC 3339 in UTC. `None`: not recorded.
    pub last: Option<String>,
}

impl ActorAnswer {
    /// Returns what an actor did.
    pub fn of_activity(own: ActivitySummary) -> Self {
        Self {
            known_by: own.by.iter().map(|(how, count)| (known_by(*how).to_owned(), *count)).collect(),
            activity: own.calls.iter().map(CallLine::of).collect(),
            changed: own.changed.iter().map(ChangedLine::of).collect(),
            sources: ranked(&own.sources),
            programs: ranked(&own.agents),
            unsure: own.missing.iter().filter_map(unsure).collect(),
            namesakes: own.namesakes.into_iter().collect(),
            missing: own.missing.iter().filter_map(missing).collect(),
            ..Self::counted(own.records, own.period)
        }
    }

    /// Returns what an actor made that still stands.
    pub fn of_remains(own: RemainsSummary) -> Self {
        Self {
            stands: own.stands.iter().map(RemainingLine::of).collect(),
            unclear: own.unclear.iter().map(RemainingLine::of).collect(),
            nameless: own.nameless.iter().map(nameless).collect(),
            ended: Some([own.ended.by_actor, own.ended.by_others, own.ended.by_aws, own.ended.unrecorded]),
            unsure: own.missing.iter().filter_map(unsure).collect(),
            namesakes: own.namesakes.into_iter().collect(),
            missing: own.missing.iter().filter_map(missing).collect(),
            ..Self::default()
        }
    }

    /// Returns when an actor was used last.
    pub fn of_last_use(own: LastUse) -> Self {
        Self {
            last_done: own.done.as_ref().map(UseLine::of),
            last_refused: own.refused.as_ref().map(UseLine::of),
            last_sign_in: own.sign_in.as_ref().map(UseLine::of),
            callers: own.callers.iter().map(CallerLine::of).collect(),
            sources: ranked(&own.sources),
            programs: ranked(&own.agents),
            limits: own.limits.iter().map(use_limit).collect(),
            unsure: own.missing.iter().filter_map(unsure).collect(),
            namesakes: own.namesakes.into_iter().collect(),
            missing: own.missing.iter().filter_map(missing).collect(),
            ..Self::counted(own.records, own.period)
        }
    }

    /// Returns which actions an actor used.
    pub fn of_used_actions(own: UsedActionsSummary) -> Self {
        Self {
            policy: own.policy(),
            actions: own.used.iter().map(ActionLine::of).collect(),
            denied: own.denied.iter().map(ActionLine::of).collect(),
            limits: own.limits.iter().map(policy_limit).collect(),
            unsure: own.missing.iter().filter_map(unsure).collect(),
            namesakes: own.namesakes.into_iter().collect(),
            missing: own.missing.iter().filter_map(missing).collect(),
            ..Self::counted(own.records, own.period)
        }
    }

    /// Tells whether no record is about the actor.
    pub fn is_empty(&self) -> bool {
        let has_made = !self.stands.is_empty() || !self.unclear.is_empty() || !self.nameless.is_empty();
        let has_ended = self.ended.is_some_and(|own| own.iter().any(|count| *count > 0));
        self.calls == 0 && self.callers.is_empty() && self.unsure.is_empty() && !has_made && !has_ended
    }

    fn counted(calls: u64, period: Option<Period>) -> Self {
        Self { calls, first: period.map(|own| own.first.to_string()), last: last(period), ..Self::default() }
    }
}

fn last(period: Option<Period>) -> Option<String> {
    period.map(|own| own.last.to_string())
}

/// Returns values with how often they are there, and the rest as one.
fn ranked(own: &Ranking) -> Vec<(String, u64)> {
    let rest = (own.others > 0).then(|| (format!("{} more", own.others), own.others_records));
    own.first.iter().cloned().chain(rest).collect()
}

fn known_by(how: Belonging) -> &'static str {
    match how {
        Belonging::Direct => "the caller",
        Belonging::AccessKey => "an access key",
        Belonging::SourceIdentity => "the source identity",
        Belonging::Session => "the name of a session",
        Belonging::Unclear => "perhaps",
    }
}

/// Returns what is not in the answer. `None`: it is in it, and unsure.
fn missing(own: &Missing) -> Option<String> {
    Some(match own {
        Missing::Paths(_) | Missing::Perhaps(_) | Missing::PerhapsBegun(_) => return None,
        Missing::Sessions => "the actor began more sessions than are kept: what they did is missing".to_owned(),
        Missing::Calls(count) => format!("{count} records have calls beyond those that are kept"),
        Missing::Resources(count) => format!("resources beyond those that are kept were named {count} times"),
        Missing::Callers(count) => format!("{count} calls are of callers beyond those that are kept"),
        Missing::Deletions => "there are more deletions that do not say of what than are kept".to_owned(),
        Missing::Twice => {
            "there are more events than are remembered: one that was delivered twice may count twice".to_owned()
        }
        Missing::Times(count) => format!("{count} records do not say when they were"),
    })
}

/// Returns what is in the answer and may be of another actor.
fn unsure(own: &Missing) -> Option<String> {
    match own {
        Missing::Paths(count) => Some(format!(
            "{count} records name the role without its path: they are in the answer, and may be of a role of this name with \
             another path"
        )),
        Missing::Perhaps(count) => Some(format!(
            "{count} records are perhaps the actor's, and counted as that only: others took the name of the session, or the \
             records of its access key contradict each other"
        )),
        Missing::PerhapsBegun(count) => Some(format!(
            "{count} calls that began sessions are perhaps the actor's: what these sessions did is not followed"
        )),
        _ => None,
    }
}

impl CallLine {
    fn of(own: &CallActivity) -> Self {
        Self {
            service: own.service.clone(),
            call: own.call.clone(),
            is_read: own.is_read,
            done: own.done,
            unclear: own.unclear,
            not_done: own.refusals(),
            last: last(own.period),
            accounts: own.accounts.iter().cloned().collect(),
        }
    }
}

impl ChangedLine {
    fn of(own: &ChangedResource) -> Self {
        let words = |all: &std::collections::BTreeMap<crate::resource_types::ResourceEffect, u64>| {
            all.iter().map(|(effect, count)| (effect.as_str().to_owned(), *count)).collect()
        };
        Self {
            resource_type: own.resource_type.clone(),
            name: own.name.clone(),
            done: words(&own.effects),
            tried: words(&own.tried),
            last: last(own.period),
        }
    }
}

impl RemainingLine {
    fn of(own: &Remaining) -> Self {
        let accounts = own.made.accounts.iter().map(String::as_str);
        let place: Vec<&str> = accounts.chain(own.made.region.as_deref()).collect();
        Self {
            resource_type: own.resource_type.clone(),
            name: own.name.clone(),
            made: own.made.time.to_string(),
            call: own.made.call.clone(),
            place: place.join(" "),
            doubts: own.waits.iter().map(waits).chain(own.doubts.iter().map(doubt)).collect(),
            attempts: own.attempts.len(),
        }
    }
}

/// Says that it waits for its deletion.
fn waits(own: &Step) -> String {
    let until = own.waits.and_then(|wait| wait.until).map(|until| format!(" until {until}")).unwrap_or_default();
    format!(
        "it waits for its deletion{until}: {} of {} by {}, event {}",
        own.call, own.time, own.actor.name, own.event_id
    )
}

fn doubt(own: &Doubt) -> String {
    match own {
        Doubt::Made => "the call that made it may have failed".to_owned(),
        Doubt::Maker => "a session made it that may be another's: others have its name, or the \
                          records of its key contradict each other"
            .to_owned(),
        Doubt::Replaced => "it was there before: the call replaced it".to_owned(),
        Doubt::Deletion(step) => format!("{} of {} may have deleted it, event {}", step.call, step.time, step.event_id),
        Doubt::MadeAgain(step) => format!(
            "it was deleted, and {} of {} changed it after (event {}): it must have been made again, and no record says who did",
            step.call, step.time, step.event_id
        ),
        Doubt::Renamed(step) => format!(
            "{} of {} by {} gave it the name {}, or may have (event {}): whether it stands under that is not looked for; ask about that name",
            step.call,
            step.time,
            step.actor.name,
            step.other_name.as_deref().unwrap_or("that its record lacks"),
            step.event_id
        ),
        Doubt::Due => "the day of its deletion is over, and no record says that it was done or taken back".to_owned(),
        Doubt::Undated { call, event_id } => {
            format!("{call} may have deleted it, and its record does not say when (event {event_id})")
        }
        Doubt::Disputed => "the records of the call that made it do not say the same of who it was, or when, or \
                             others made it in the same second"
            .to_owned(),
        Doubt::NoId => "its id was not recorded, so that a deletion by its id cannot be known".to_owned(),
        Doubt::Data => "only data events tell of it: its deletion may not be recorded".to_owned(),
        Doubt::Steps => "there are more calls about it than are kept".to_owned(),
    }
}

fn nameless(own: &NamelessCreation) -> String {
    let why = if own.is_withheld { "the record hides what it made" } else { "the record lacks what it made" };
    format!("{} {} by {} (event {}): {why}", own.made.time, own.made.call, own.made.actor.name, own.made.event_id)
}

impl UseLine {
    fn of(own: &Use) -> Self {
        Self {
            time: own.time.to_string(),
            call: format!("{} {}", own.service, own.call),
            by: own.by.clone(),
            error: own.code.clone(),
            source: own.source.clone(),
            event_id: own.event_id.clone(),
        }
    }
}

impl CallerLine {
    fn of(own: &CallerUse) -> Self {
        let last = own.last_done.map(|time| time.to_string());
        Self { caller: own.caller.clone(), done: own.done, refused: own.refused, last }
    }
}

impl ActionLine {
    fn of(own: &ActionUse) -> Self {
        Self {
            action: own.action.clone(),
            calls: own.records,
            is_assumed: own.basis < ActionBasis::Table,
            resources: if own.needs_all { Vec::new() } else { own.resources.iter().cloned().collect() },
            errors: own.codes.iter().cloned().collect(),
            last: last(own.period),
        }
    }
}

fn use_limit(own: &UseLimit) -> String {
    match own {
        UseLimit::Before(Some(time)) => format!("what was before {time}: no record was looked at"),
        UseLimit::Before(None) => "what was before the first record".to_owned(),
        UseLimit::After(Some(time)) => format!("what was after {time}"),
        UseLimit::After(None) => "what was after the last record".to_owned(),
        UseLimit::SomeData => {
            "calls on objects, items, messages and functions where no selector records data events".to_owned()
        }
        UseLimit::NoData => {
            "calls on objects, items, messages and functions: no data event of the actor is recorded".to_owned()
        }
        UseLimit::Unlogged => "calls that CloudTrail never records".to_owned(),
    }
}

fn policy_limit(own: &PolicyLimit) -> String {
    let list = |all: &std::collections::BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
    match own {
        PolicyLimit::NoData => {
            "no data event is recorded: actions on objects, items, messages and functions are missing".to_owned()
        }
        PolicyLimit::SomeData => {
            "where data events are not recorded, actions on objects, items and messages are missing".to_owned()
        }
        PolicyLimit::Unlogged => "CloudTrail does not record every call".to_owned(),
        PolicyLimit::Period => "what is needed seldom may not have been used in this time".to_owned(),
        PolicyLimit::Assumed(count) => format!("{count} actions are assumed from the names of the calls"),
        PolicyLimit::AnyResource(count) => {
            format!("{count} actions are allowed on every resource: the records do not tell which")
        }
        PolicyLimit::Profiles(all) => format!("the roles of the instance profiles {} need iam:PassRole", list(all)),
        PolicyLimit::RoleNames(all) => {
            format!("the roles {} were handed over by name and need iam:PassRole", list(all))
        }
        PolicyLimit::OnBehalf(all) => {
            format!("{} called on its behalf: grants and policies of resources may allow that", list(all))
        }
        PolicyLimit::Conditions => "the policy has no conditions".to_owned(),
    }
}
