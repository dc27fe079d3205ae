//! What happened to a resource, in order: each of the resources that had its name one after the other, what was done to
//! it and what was only tried.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::repeated::WhenAbsent;
use crate::event::{Actor, ActorKind, Outcome, Record, RecordDigest};
use crate::resource_types::{MatchedBy, ResourceEffect, ResourceMention};
pub use asked::Wait;
use next::BehindEnd;
use order::once;

pub(super) mod asked;
mod next;
mod order;

/// The path of the roles with which services act for themselves (IAM user guide, "Service-linked roles").
const SERVICE_LINKED: &str = ":role/aws-service-role/";

/// A call, or an event of a service, that concerns the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Timestamp,
    /// What tells its record from every other one.
    pub record: RecordDigest,
    /// The id of the event, as [`Record::identity`] gives it.
    pub event_id: String,
    /// The id of the event that its record is about, as [`Record::event`] gives it. `None`: it has none.
    pub event: Option<String>,
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
    /// How long the deletion waits that the call asks for. `None`: it does not wait, or is none.
    pub waits: Option<Wait>,
    /// Another record of the same event stands before it: the call counts once.
    pub is_further: bool,
    /// Another record of the same event names another caller or another time, or tells otherwise what was done.
    pub is_disputed: bool,
    /// Another record of the same event tells otherwise what was done.
    pub is_doubtful: bool,
    /// Others deleted it in the same second, or made it, and which call was the last is not known.
    pub is_unordered: bool,
    /// It was made and deleted in the same second, and which was first is not known, and so not whether it is there.
    pub is_either: bool,
    /// The id that the record says of it. `None`: it says none.
    pub own_id: Option<String>,
    /// Of a call that gives it another name: the new one, and of one that gives it this one the old one. `None`: the
    /// call leaves its name as it is, or the record lacks it.
    pub other_name: Option<String>,
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
    /// Which step is AWS's own, when it did what `deleted` asked for. `None`: none is recorded.
    pub carried_out: Option<usize>,
    /// What `deleted` asked for waits, and can be taken back.
    pub is_waiting: bool,
}

/// What the records of a deletion say of one that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// It was made after the one before it was deleted: what is not there cannot be deleted.
    MadeAgain,
    /// The first deletion, which waits for some days, was taken back: it cannot be asked for twice.
    TakenBack,
    /// It was made again between the two, or the second one did well although nothing was there: which is not known.
    Either,
    /// AWS did what a call had asked for: which call is not known.
    Asked,
    /// Its name was used again while its deletion still waited: another call ended it at once.
    EndedEarly,
}

/// What the records say of how a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// Somebody deleted it.
    DoneBy(&'a Step),
    /// AWS deleted it by itself.
    EndedByAws(&'a Step),
    /// Somebody asked for its deletion, which waits and can be taken back.
    Waits(&'a Step),
    /// Somebody gave it another name: none of this name was there then.
    RenamedBy(&'a Step),
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

/// Tells whether a new name may be given later: databases get it in their next maintenance window unless it is to be
/// applied at once (RDS API, `ModifyDBInstance` and `ModifyDBCluster`, "ApplyImmediately").
fn waits_for_name(record: &Record<'_>, effect: ResourceEffect) -> bool {
    let is_at_once = || record.request_parameters?.at("applyImmediately")?.scalar();
    matches!(effect, ResourceEffect::Rename | ResourceEffect::Named)
        && record.event_source.as_deref() == Some("rds.amazonaws.com")
        && is_at_once().as_deref() != Some("true")
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
            record: record.digest(),
            event_id: record.identity().into_owned(),
            event: record.event().map(str::to_owned),
            shared_event_id: own(&record.shared_event_id),
            call: own(&record.event_name).unwrap_or_default(),
            service: own(&record.event_source).unwrap_or_default(),
            accounts: own(&record.recipient_account_id).into_iter().collect(),
            region: own(&record.aws_region),
            effect: mention.effect,
            ended: match Outcome::of(record) {
                Outcome::Success if has_failed_parts(record) || waits_for_name(record, mention.effect) => {
                    StepOutcome::Unclear
                }
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
            waits: Wait::of(record).filter(|_| mention.effect == ResourceEffect::Delete),
            is_further: false,
            is_disputed: false,
            is_doubtful: false,
            is_unordered: false,
            is_either: false,
            own_id: mention.id.clone(),
            other_name: mention.other_name.clone(),
            when_absent: WhenAbsent::of(record, mention.matched_by),
        })
    }

    /// Returns a step for a record that says nothing of the resource, and is about an event of which another record
    /// does. `None`: it does not say when.
    pub(super) fn foreign(record: &Record<'_>) -> Option<Self> {
        let mention = ResourceMention {
            candidate: 0,
            resource_type: None,
            effect: ResourceEffect::Unknown,
            place: String::new(),
            matched_by: MatchedBy::Withheld,
            is_certain: false,
            also_called: BTreeSet::new(),
            policy: None,
            id: None,
            other_name: None,
            regions: Vec::new(),
        };
        Self::of(record, &mention)
    }

    fn may_be_done(&self) -> bool {
        !matches!(self.ended, StepOutcome::NotDone(_))
    }

    /// Tells whether it took a deletion back that was to be done after a waiting time: `RestoreSecret`,
    /// `CancelKeyDeletion`.
    pub(super) fn takes_back(&self) -> bool {
        self.is_sure() && asked::takes_back(&self.service, &self.call)
    }

    /// Tells whether it certainly had its effect on this resource.
    pub(super) fn is_sure(&self) -> bool {
        self.is_certain && self.ended == StepOutcome::Done && !self.is_doubtful && !self.is_either
    }

    /// Tells whether there is none of this name behind it: it was deleted, or has another name.
    fn is_end(&self) -> bool {
        matches!(self.effect, ResourceEffect::Delete | ResourceEffect::Rename)
    }

    /// Tells whether two steps made something of one name in one second, and which one was the last is not known.
    fn is_tied_with(&self, other: &Self) -> bool {
        let is_maker = |step: &Self| step.effect == ResourceEffect::Create && step.is_unordered;
        is_maker(self) && is_maker(other) && self.time == other.time
    }

    /// Tells whether two steps are records of one event.
    fn is_of_event(&self, other: &Self) -> bool {
        let is_same = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        is_same(&self.event, &other.event) || is_same(&self.shared_event_id, &other.shared_event_id)
    }
}

/// Returns the resources that had the name, one after the other.
pub fn incarnations(steps: Vec<Step>) -> Vec<Incarnation> {
    let mut all: Vec<Incarnation> = Vec::new();
    for step in once(steps) {
        if let Some(earlier) = asker(&mut all, &step) {
            earlier.add(step);
            continue;
        }
        if let Some(other) = of_other_id(&mut all, &step) {
            other.add(step);
            continue;
        }
        let unseen = match all.last() {
            Some(last) if last.must_be_there_for(&step) => Some(Unseen::MadeAgain),
            Some(last) if last.behind_end(&step) == BehindEnd::Other(Unseen::MadeAgain) => Some(Unseen::MadeAgain),
            _ => None,
        };
        if unseen.is_some() || all.last().is_none_or(|last| last.is_before(&step)) {
            let is_deletion = step.effect == ResourceEffect::Delete;
            let steps = all.last_mut().filter(|_| is_deletion).map(Incarnation::split_off_later).unwrap_or_default();
            all.last_mut().into_iter().for_each(|last| last.is_followed_by(&step));
            all.push(Incarnation { steps, unseen, ..Incarnation::default() });
        }
        if let Some(last) = all.last_mut() {
            last.add(step);
        }
    }
    all
}

/// Returns the resource whose deletion was asked for before another one of its name was made, where a step is what was
/// asked for.
fn asker<'a>(all: &'a mut [Incarnation], step: &Step) -> Option<&'a mut Incarnation> {
    let [.., earlier, last] = all else { return None };
    let asks = |own: &Incarnation| own.end_step().is_some_and(|end| asked::is_what_was_asked(end, step));
    (!asks(last) && asks(earlier)).then_some(earlier)
}

/// Returns the resource that a step names by an id which the last one does not have: an earlier one of the name, which
/// may be none that is known.
fn of_other_id<'a>(all: &'a mut Vec<Incarnation>, step: &Step) -> Option<&'a mut Incarnation> {
    let id = step.own_id.as_deref().filter(|_| !next::is_naming(step))?;
    let last = all.len().checked_sub(1)?;
    let has_id = |own: &Incarnation| own.known_id() == Some(id);
    let at = all.iter().rposition(has_id);
    if at == Some(last) || at.is_none() && all.get(last)?.known_id().is_none() {
        return None;
    }
    let at = at.unwrap_or_else(|| {
        all.insert(last, Incarnation::default());
        last
    });
    all.get_mut(at)
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
        if step.is_further {
            self.steps.push(step);
            return;
        }
        if let StepOutcome::NotDone(_) = &step.ended {
            self.refuse(&step);
        }
        let is_maker = matches!(step.effect, ResourceEffect::Create | ResourceEffect::Put);
        if is_maker && step.may_be_done() && self.created.is_none() && !self.was_there() {
            self.created = Some(at);
        }
        if step.takes_back() {
            (self.deleted, self.deleted_before, self.carried_out) = (None, None, None);
            (self.is_waiting, self.unseen) = (false, self.unseen.filter(Unseen::is_before));
        }
        if step.is_end() && step.is_sure() {
            self.end(at, &step);
        }
        self.steps.push(step);
    }

    /// Takes up that AWS could not do what was asked for: then the call that asked has ended nothing.
    fn refuse(&mut self, step: &Step) {
        let is_asked = self.end_step().is_some_and(|end| asked::is_what_was_asked(end, step));
        if let Some(end) = self.deleted.filter(|_| is_asked).and_then(|at| self.steps.get_mut(at)) {
            end.ended.clone_from(&step.ended);
            (self.deleted, self.deleted_before, self.carried_out, self.is_waiting) = (None, None, None, false);
        }
    }

    /// Returns the id of it that records say. `None`: none says one.
    fn known_id(&self) -> Option<&str> {
        let sure = || self.steps.iter().filter(|step| step.is_sure() && !step.is_further);
        let of_maker = self.maker().and_then(|maker| maker.own_id.as_deref());
        of_maker.or_else(|| sure().find_map(|step| step.own_id.as_deref()))
    }

    fn end_step(&self) -> Option<&Step> {
        self.steps.get(self.deleted?)
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
        if let Some(step) = self.end_step() {
            return match step.is_by_aws {
                _ if step.effect == ResourceEffect::Rename => Ending::RenamedBy(step),
                _ if self.is_waiting && self.may_be_taken_back() => Ending::MaybeBy(step),
                _ if self.is_waiting => Ending::Waits(step),
                true => Ending::EndedByAws(step),
                false => Ending::DoneBy(step),
            };
        }
        // What was taken back ended nothing.
        let since = self.steps.iter().rposition(Step::takes_back).max(self.created).map_or(0, |at| at + 1);
        let mut tried = self.steps.iter().skip(since).rev().filter(|step| step.is_end()).peekable();
        let last = tried.peek().copied();
        match tried.find(|step| step.may_be_done()) {
            Some(step) => Ending::MaybeBy(step),
            None => last.map_or(Ending::Nothing, Ending::AttemptedBy),
        }
    }

    /// Tells whether a call behind its end may have taken that back: the record does not tell.
    fn may_be_taken_back(&self) -> bool {
        let since = self.deleted.map_or(0, |at| at + 1);
        let is_taking = |step: &Step| asked::takes_back(&step.service, &step.call) && step.may_be_done();
        self.steps.iter().skip(since).any(is_taking)
    }

    /// Returns the steps that may be the end as well as the one that is taken for it, by their places: others of the
    /// same second, and further records of its event that do not say the same.
    pub fn or_ended(&self) -> Vec<usize> {
        let end = match self.ending() {
            Ending::DoneBy(step)
            | Ending::EndedByAws(step)
            | Ending::Waits(step)
            | Ending::RenamedBy(step)
            | Ending::MaybeBy(step) => step,
            Ending::AttemptedBy(_) | Ending::Nothing => return Vec::new(),
        };
        let is_tied = |step: &Step| {
            let is_deletion = step.effect == ResourceEffect::Delete && step.is_unordered && end.is_unordered;
            is_deletion && step.time == end.time
        };
        self.others(end, |step| is_tied(step) || end.is_disputed && step.is_disputed && step.is_of_event(end))
    }

    /// Returns the steps that may have made it as well as the one that is taken for it, by their places: others of the
    /// same second, and further records of its event that do not say the same.
    pub fn or_made(&self) -> Vec<usize> {
        let Some(maker) = self.maker() else { return Vec::new() };
        let is_of_event = |step: &Step| maker.is_disputed && step.is_disputed && step.is_of_event(maker);
        self.others(maker, |step| maker.is_tied_with(step) || is_of_event(step))
    }

    /// Returns the step that made it, and the further records of its event that do not say the same.
    pub fn makers(&self) -> impl Iterator<Item = &Step> {
        self.created.into_iter().chain(self.or_made()).filter_map(|at| self.steps.get(at))
    }

    fn others(&self, own: &Step, is_it: impl Fn(&Step) -> bool) -> Vec<usize> {
        let all = self.steps.iter().enumerate();
        all.filter(|(_, step)| step.record != own.record && is_it(step)).map(|(at, _)| at).collect()
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
