//! What happened to a resource, in order: each of the resources that had its name one after the other, what was done to
//! it and what was only tried.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::repeated::{WhenAbsent, is_repeatable};
use crate::event::{Actor, ActorKind, Outcome, Record};
use crate::resource_types::{MatchedBy, ResourceEffect, ResourceMention};

/// The path of the roles with which services act for themselves (IAM user guide, "Service-linked roles").
const SERVICE_LINKED: &str = ":role/aws-service-role/";

/// A call, or an event of a service, that concerns the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Timestamp,
    /// The id of the event, as [`Record::identity`] gives it.
    pub event_id: String,
    /// The id that its record has in common with that of another account. `None`: there is one record of it.
    pub shared_event_id: Option<String>,
    /// The call: `DeleteBucket`.
    pub call: String,
    /// The service: `s3.amazonaws.com`.
    pub service: String,
    /// The accounts that have a record of it, in order.
    pub accounts: BTreeSet<String>,
    /// The region. `None`: not recorded.
    pub region: Option<String>,
    /// What the call does to the resource.
    pub effect: ResourceEffect,
    /// What became of it.
    pub ended: StepOutcome,
    /// Who called.
    pub actor: Actor,
    /// AWS did it by itself, and for nobody that the record names.
    pub is_by_aws: bool,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// How the record names the resource.
    pub matched_by: MatchedBy,
    /// It is this resource, and no other of the same name in another account or region.
    pub is_certain: bool,
    /// What else the record calls the resource, such as its id.
    pub also_called: BTreeSet<String>,
    /// The policy that the call sets, as JSON. `None`: none, or the record lacks it.
    pub policy: Option<String>,
    /// What the call does where what it deletes is not there.
    pub(super) when_absent: WhenAbsent,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// It may have been done: the record does not tell.
    Unclear,
    /// It was refused or failed, with this code.
    NotDone(String),
}

/// One resource among those that had the name one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incarnation {
    /// What happened to it, in order. What was tried after its end stands here too.
    pub steps: Vec<Step>,
    /// Which step made it. `None`: that is not among the records.
    pub created: Option<usize>,
    /// Which step ended it. `None`: it is not known to have ended.
    pub deleted: Option<usize>,
    /// What must have happened to it, or may have, and is not among the records. `None`: nothing that is known of.
    pub unseen: Option<Unseen>,
    /// Which step ended it before `deleted` did, and with that one is the end of one resource, if both are. `None`:
    /// none.
    pub deleted_before: Option<usize>,
}

/// What two deletions of one name without a creation between them say: a record is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// It was made after the one before it was deleted: what is not there cannot be deleted.
    MadeAgain,
    /// The first deletion, which waits for some days, was taken back: it cannot be asked for twice.
    TakenBack,
    /// It was made again between the two, or the second one did well although nothing was there: which is not known.
    Either,
}

/// What the records say of how a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// Somebody deleted it.
    DoneBy(&'a Step),
    /// AWS deleted it by itself.
    EndedByAws(&'a Step),
    /// Somebody may have deleted it: the record does not tell whether it was done, or whether it was this one.
    MaybeBy(&'a Step),
    /// It was only tried; this is the last attempt.
    AttemptedBy(&'a Step),
    /// The records have nothing about its end. It is no proof that nobody ended it.
    Nothing,
}

/// The lists in which a call that did well says which of several resources it failed for (EC2 API, `UnsuccessfulItem`,
/// and the APIs of Glue, ECR, Batch, Systems Manager and others).
const FAILED_PARTS: [&str; 9] = [
    "unsuccessful",
    "unsuccessfulSet",
    "unsuccessfulFleetDeletions",
    "unsuccessfulFleetDeletionSet",
    "failures",
    "errors",
    "failedEntries",
    "unprocessed",
    "invalidParameters",
];

/// Tells whether a call did well and its answer names parts that failed: which ones is not read.
fn has_failed_parts(record: &Record<'_>) -> bool {
    let Some(answer) = record.response_elements else { return false };
    let is_full = |json: crate::event::Json<'_>| {
        let text = json.as_str().trim();
        !matches!(text, "" | "null" | "[]" | "{}" | "\"\"" | "0")
    };
    let is_failed = |(name, value): (crate::event::Text<'_>, crate::event::Json<'_>)| {
        FAILED_PARTS.iter().any(|own| own.eq_ignore_ascii_case(&name)) && is_full(value)
    };
    let inner = answer.fields().flat_map(|(_, value)| value.fields());
    answer.fields().chain(inner).any(is_failed)
}

impl Step {
    /// Returns what a record says of a resource. `None`: it does not say when.
    pub fn of(record: &Record<'_>, mention: &ResourceMention<'_>) -> Option<Self> {
        let own = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(str::to_owned);
        let actor = Actor::of(record);
        let is_service_event = record.event_type.as_deref() == Some("AwsServiceEvent");
        let is_linked = actor.role.as_deref().is_some_and(|arn| arn.contains(SERVICE_LINKED));
        Some(Self {
            time: record.event_time?,
            event_id: record.identity().into_owned(),
            shared_event_id: own(&record.shared_event_id),
            call: own(&record.event_name).unwrap_or_default(),
            service: own(&record.event_source).unwrap_or_default(),
            accounts: own(&record.recipient_account_id).into_iter().collect(),
            region: own(&record.aws_region),
            effect: mention.effect,
            ended: match Outcome::of(record) {
                Outcome::Success if has_failed_parts(record) => StepOutcome::Unclear,
                Outcome::Success => StepOutcome::Done,
                Outcome::Unknown => StepOutcome::Unclear,
                Outcome::Denied { code } => StepOutcome::NotDone(code.into_owned()),
                Outcome::Failed { code } => {
                    StepOutcome::NotDone(code.map_or_else(String::new, |code| code.into_owned()))
                }
            },
            is_by_aws: is_service_event || is_linked || actor.kind == ActorKind::Service,
            actor,
            source: own(&record.source_ip_address),
            matched_by: mention.matched_by,
            is_certain: mention.is_certain,
            also_called: mention.also_called.clone(),
            policy: mention.policy.map(|policy| policy.as_str().to_owned()),
            when_absent: WhenAbsent::of(record, mention.matched_by),
        })
    }

    fn may_be_done(&self) -> bool {
        !matches!(self.ended, StepOutcome::NotDone(_))
    }

    /// Tells whether it took a deletion back that was to be done after a waiting time: `RestoreSecret`,
    /// `CancelKeyDeletion`.
    pub(super) fn takes_back(&self) -> bool {
        self.is_sure() && takes_back(self.effect, &self.call)
    }

    /// Takes up another record of the same call: of another account, or delivered again. Of two that do not agree the
    /// answer is not known.
    fn join(&mut self, other: Self) {
        let knows_less = |actor: &Actor| matches!(actor.kind, ActorKind::Account | ActorKind::Unknown);
        if self.ended != other.ended {
            self.ended = StepOutcome::Unclear;
        }
        self.accounts.extend(other.accounts);
        self.also_called.extend(other.also_called);
        if knows_less(&self.actor) && !knows_less(&other.actor) {
            // The account of the resource has no more of a caller from elsewhere than its id.
            (self.actor, self.event_id, self.source) = (other.actor, other.event_id, other.source);
        }
    }

    /// Tells whether it certainly had its effect on this resource.
    fn is_sure(&self) -> bool {
        self.is_certain && self.ended == StepOutcome::Done
    }
}

/// Tells whether a call takes a deletion back: `RestoreSecret`, `CancelKeyDeletion`.
pub(super) fn takes_back(effect: ResourceEffect, call: &str) -> bool {
    effect == ResourceEffect::Change && ["Restore", "Cancel"].iter().any(|word| call.starts_with(word))
}

/// Returns each step once, in order: of a call between accounts there are two records, and files may be delivered
/// twice.
fn once(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
    let mut all: Vec<Step> = Vec::new();
    let (mut by_event, mut by_call): (HashMap<String, usize>, HashMap<String, usize>) = Default::default();
    for step in steps {
        let event = Some(&step.event_id).filter(|id| !id.is_empty());
        let of_event = event.and_then(|id| by_event.get(id)).copied();
        let same = of_event.or_else(|| by_call.get(step.shared_event_id.as_ref()?).copied());
        match same.and_then(|at| all.get_mut(at)) {
            Some(known) => known.join(step),
            None => {
                let at = all.len();
                by_event.extend(event.map(|id| (id.clone(), at)));
                by_call.extend(step.shared_event_id.clone().map(|id| (id, at)));
                all.push(step);
            }
        }
    }
    in_second(&mut all);
    all
}

/// Puts what was done within one second in order: nothing can be made while it is there.
fn in_second(steps: &mut [Step]) {
    let mut is_there = false;
    let mut at = 0;
    while at < steps.len() {
        let time = steps[at].time;
        let end = at + steps[at..].iter().take_while(|step| step.time == time).count();
        let second = &mut steps[at..end];
        let is = |step: &Step, effect: ResourceEffect| step.is_sure() && step.effect == effect;
        let has = |effect| second.iter().any(|step| is(step, effect));
        if has(ResourceEffect::Create) && has(ResourceEffect::Delete) {
            // The sort keeps the order of all others.
            let first = if is_there { ResourceEffect::Delete } else { ResourceEffect::Create };
            second.sort_by_key(|step| match step.effect {
                effect if effect == first && step.is_sure() => 0,
                ResourceEffect::Create | ResourceEffect::Delete if step.is_sure() => 2,
                _ => 1,
            });
        }
        for step in second.iter().filter(|step| step.is_sure()) {
            is_there = match step.effect {
                ResourceEffect::Create | ResourceEffect::Put => true,
                ResourceEffect::Delete => false,
                _ => is_there,
            };
        }
        at = end;
    }
}

/// How long a call on a resource may still do well behind its deletion: what one part of a service knows, others know
/// soon.
const ENDING: SignedDuration = SignedDuration::from_mins(1);
/// The same of services whose deletions take their time.
const SLOWLY_ENDING: SignedDuration = SignedDuration::from_mins(60);
/// Services whose databases and clusters are there, and may be tagged, while they are being deleted.
const SLOW: [&str; 6] = [
    "rds.amazonaws.com",
    "redshift.amazonaws.com",
    "elasticache.amazonaws.com",
    "eks.amazonaws.com",
    "es.amazonaws.com",
    "kafka.amazonaws.com",
];

/// Returns the resources that had the name, one after the other.
pub fn incarnations(steps: Vec<Step>) -> Vec<Incarnation> {
    let mut all: Vec<Incarnation> = Vec::new();
    for step in once(steps) {
        let is_first = all.is_empty();
        let mut begins = is_first;
        if let Some(last) = all.last() {
            let is_made = step.is_sure()
                && match step.effect {
                    ResourceEffect::Create if is_repeatable(&step.call, step.region.as_deref()) => last.is_ended(),
                    ResourceEffect::Create => last.created.is_some() || last.is_ended() || last.was_there(),
                    ResourceEffect::Put => last.is_ended(),
                    _ => false,
                };
            begins = is_made;
        }
        let is_made_again = all.last().is_some_and(|last| last.must_be_there_for(&step));
        if is_made_again {
            all.push(Incarnation { unseen: Some(Unseen::MadeAgain), ..Incarnation::default() });
        } else if all.last().and_then(|last| last.unseen_before(&step)) == Some(Unseen::MadeAgain) {
            let unseen = Some(Unseen::MadeAgain);
            let steps = all.last_mut().map(Incarnation::split_off_later).unwrap_or_default();
            all.push(Incarnation { steps, unseen, ..Incarnation::default() });
        } else if begins {
            all.push(Incarnation::default());
        }
        if let Some(last) = all.last_mut() {
            last.add(step);
        }
    }
    all
}

impl Unseen {
    /// Tells whether it is about what was before the resource.
    fn is_before(&self) -> bool {
        *self == Self::MadeAgain
    }
}

impl Incarnation {
    fn add(&mut self, step: Step) {
        let at = self.steps.len();
        let is_maker = matches!(step.effect, ResourceEffect::Create | ResourceEffect::Put);
        if is_maker && step.may_be_done() && self.created.is_none() && !self.was_there() {
            self.created = Some(at);
        }
        if step.takes_back() {
            (self.deleted, self.deleted_before, self.unseen) = (None, None, self.unseen.filter(Unseen::is_before));
        }
        match self.unseen_before(&step) {
            Some(unseen) => {
                self.deleted_before = self.deleted_before.or(self.deleted);
                (self.deleted, self.unseen) = (Some(at), Some(unseen));
            }
            None if step.effect == ResourceEffect::Delete && step.is_sure() && !self.is_ended() => {
                self.deleted = Some(at);
            }
            None => {}
        }
        self.steps.push(step);
    }

    /// Says what is not among the records if a step ended it although another one had already. `None`: nothing is
    /// missing, as it did well where nothing was there, is what AWS did because of the first, or another record of it.
    fn unseen_before(&self, step: &Step) -> Option<Unseen> {
        let ended = self.steps.get(self.deleted?)?;
        // Nothing is made and deleted again within a second.
        let is_of_first = step.is_by_aws || step.time == ended.time;
        if step.effect != ResourceEffect::Delete || !step.is_sure() || is_of_first {
            return None;
        }
        match step.when_absent {
            WhenAbsent::Succeeds => None,
            WhenAbsent::Refused => Some(Unseen::MadeAgain),
            WhenAbsent::RefusedWhileWaiting => Some(Unseen::TakenBack),
            WhenAbsent::Unknown => Some(Unseen::Either),
        }
    }

    /// Tells whether a step needs that it was made again since its end: it changed it, long behind a deletion that does
    /// not wait. An id is given out once: what is done by it concerns what is left of the one that ended.
    fn must_be_there_for(&self, step: &Step) -> bool {
        let Some(ended) = self.deleted.and_then(|at| self.steps.get(at)) else { return false };
        let changes = matches!(step.effect, ResourceEffect::Change | ResourceEffect::Attach | ResourceEffect::Detach);
        let is_named = step.matched_by != MatchedBy::Id && ended.matched_by != MatchedBy::Id;
        let ending = if SLOW.contains(&ended.service.as_str()) { SLOWLY_ENDING } else { ENDING };
        let is_over = ended.when_absent != WhenAbsent::RefusedWhileWaiting
            && !step.takes_back()
            && step.time.duration_since(ended.time) > ending;
        step.is_sure() && changes && is_named && is_over && !step.is_by_aws
    }

    /// Takes out what was done after its end: it was done to the one that was made since.
    fn split_off_later(&mut self) -> Vec<Step> {
        let from = self.deleted.map_or(self.steps.len(), |at| at + 1);
        let (later, own) = self.steps.split_off(from).into_iter().partition(|step| {
            let needs_it = !matches!(step.effect, ResourceEffect::Delete | ResourceEffect::Unknown);
            step.is_sure() && needs_it
        });
        self.steps.extend::<Vec<Step>>(own);
        later
    }

    /// Tells whether a step needed it to be there: it was made before.
    fn was_there(&self) -> bool {
        self.steps.iter().any(|step| step.is_sure() && step.effect != ResourceEffect::Unknown)
    }

    /// Tells whether a step certainly ended it.
    fn is_ended(&self) -> bool {
        self.deleted.is_some()
    }

    /// Returns what the records say of its end.
    pub fn ending(&self) -> Ending<'_> {
        if let Some(step) = self.deleted.and_then(|at| self.steps.get(at)) {
            return if step.is_by_aws { Ending::EndedByAws(step) } else { Ending::DoneBy(step) };
        }
        // What was taken back ended nothing.
        let since = self.steps.iter().rposition(Step::takes_back).map_or(0, |at| at + 1);
        let mut tried =
            self.steps.iter().skip(since).rev().filter(|step| step.effect == ResourceEffect::Delete).peekable();
        let last = tried.peek().copied();
        match tried.find(|step| step.may_be_done()) {
            Some(step) => Ending::MaybeBy(step),
            None => last.map_or(Ending::Nothing, Ending::AttemptedBy),
        }
    }

    /// Returns the attempts to end it that were not done.
    pub fn attempts(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.effect == ResourceEffect::Delete && !step.may_be_done())
    }

    /// Returns a step that ended it before the one that is its end, as far as one resource was ended twice.
    pub fn ended_before(&self) -> Option<&Step> {
        self.steps.get(self.deleted_before?)
    }

    /// Returns the step that made it. `None`: that is not among the records.
    pub fn maker(&self) -> Option<&Step> {
        self.steps.get(self.created?)
    }
}

#[cfg(test)]
mod tests;
