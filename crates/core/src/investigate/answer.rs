//! Answers to "who did it?" as plain data, for reports.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::calls::CallAnswer;
pub use super::calls::OutcomeAnswer;
use super::history::ResourceHistory;
pub use super::person::{OriginKind, Person, PersonHop};
use super::timeline::{Ending, Incarnation, Step, StepOutcome, Unseen};
use crate::event::RecordDigest;
use crate::resource_types::ResourceEffect;

/// What happened to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResourceAnswer {
    /// The type: `AWS::S3::Bucket`. `None`: not known.
    pub resource_type: Option<String>,
    /// Its ARN, id or name.
    pub name: String,
    /// The account that it is in; of a name that says none, the one account whose records name it. `None`: not known.
    pub account: Option<String>,
    /// The region. `None`: not known, or the type has none.
    pub region: Option<String>,
    /// Those that had the name one after the other; the last one first.
    pub incarnations: Vec<IncarnationAnswer>,
    /// Calls that made it, deleted it or took its deletion back, or may have, of which the record does not say when:
    /// whether one of them is its end is not known. At most 20.
    pub undated: Vec<CallAnswer>,
    /// The ARNs of roles or policies of this name with another path, which had it before or after: what happened to
    /// them is not in the answer. Empty: there are none, or no ARN with a path was asked for.
    pub namesakes: Vec<String>,
    /// No record says the path of the last one, so that it may be one of another path.
    pub is_path_unsaid: bool,
}

/// One resource of several that had the name one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IncarnationAnswer {
    /// How it ended.
    pub ending: EndingAnswer,
    /// Which step made it, from 0. `None`: that is not among the records.
    pub created: Option<usize>,
    /// Which step ended it, may have ended it or was the last attempt, from 0. `None`: nothing.
    pub ended: Option<usize>,
    /// Which step ended it too, before `ended` and without a creation between them, from 0. `None`: none.
    pub ended_before: Option<usize>,
    /// Which steps may have ended it as well as `ended`, from 0: calls of others within the same second, of which the
    /// last one is not known, and further records of its event that do not say the same.
    pub ended_or: Vec<usize>,
    /// Which steps may have made it as well as `created`, from 0: others within the same second, and further records of
    /// its event that do not say the same.
    pub created_or: Vec<usize>,
    /// Which step is the event with which AWS did what `ended` had asked for, from 0. `None`: none is recorded.
    pub carried_out: Option<usize>,
    /// What must have happened to it, or may have, and is not among the records. `None`: nothing that is known of.
    pub unseen: Option<UnseenAnswer>,
    /// What happened, in order. Further records of an event, with other bytes, stand beside its first one.
    pub steps: Vec<StepAnswer>,
}

/// What the records of a deletion say of one that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnseenAnswer {
    /// It was made after the one before it was deleted: what is not there cannot be deleted.
    MadeAgain,
    /// Its first deletion, which waits for some days, was taken back: it cannot be asked for twice.
    TakenBack,
    /// It was made again between its two deletions, or the second one did well although nothing was there.
    Either,
    /// AWS did what a call had asked for: which call is not known.
    Asked,
    /// Its name was used again while its deletion still waited: another call ended it at once.
    EndedEarly,
}

impl UnseenAnswer {
    fn of(unseen: Unseen) -> Self {
        match unseen {
            Unseen::MadeAgain => Self::MadeAgain,
            Unseen::TakenBack => Self::TakenBack,
            Unseen::Either => Self::Either,
            Unseen::Asked => Self::Asked,
            Unseen::EndedEarly => Self::EndedEarly,
        }
    }
}

/// What the records say of how a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndingAnswer {
    /// A caller deleted it.
    Deleted,
    /// AWS deleted it by itself.
    EndedByAws,
    /// A caller asked for its deletion, which waits and can be taken back.
    Waiting,
    /// A call gave it another name: what became of it stands under that.
    Renamed,
    /// A call may have deleted it: the record does not tell whether it was done, or whether it was this one.
    MaybeDeleted,
    /// It was only tried.
    Attempted,
    /// The records have nothing about its end. It is no proof that it is there.
    Nothing,
}

/// A call that concerns a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepAnswer {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The call: `DeleteBucket`.
    pub call: String,
    /// The service: `s3.amazonaws.com`.
    pub service: String,
    /// What it does: `create`, `put`, `change`, `delete`, `attach`, `detach`, `use`, `rename` (it takes this name
    /// away), `named` (it gives this name), `unknown`.
    pub effect: &'static str,
    /// Whether it was done.
    pub outcome: OutcomeAnswer,
    /// The code with which it was refused or failed. `None`: it was not.
    pub error: Option<String>,
    /// AWS did it by itself.
    pub is_by_aws: bool,
    /// It is this resource for certain. False: it may be another one, as the record names too little.
    pub is_certain: bool,
    /// Another record of the same event, with other bytes, names another caller or another time, or tells otherwise
    /// what was done: it is a step too.
    pub is_disputed: bool,
    /// It was made and deleted in the same second, and which was first is not known, and so not whether it is there.
    pub is_either: bool,
    /// Of `rename` the new name, of `named` the old one. `None`: it does neither, or the name is not recorded.
    pub other_name: Option<String>,
    /// Until when the deletion waits that it asks for, RFC 3339 in UTC. `None`: it does not wait, or it is not known.
    pub waits_until: Option<String>,
    /// What tells its record from every other one.
    #[serde(skip)]
    pub record: RecordDigest,
    /// Others deleted it in the same second, or made it, and which call was the last is not known.
    #[serde(skip)]
    pub is_unordered: bool,
    /// Who called.
    pub actor: String,
    /// Who stands behind the caller. `None`: it was not traced, as for calls that only use the resource.
    pub person: Option<Person>,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// The accounts that have a record of it.
    pub accounts: Vec<String>,
    /// The region. `None`: not recorded.
    pub region: Option<String>,
    /// The id of the event; of a record without one `sha256:` and the digest of its bytes.
    pub event_id: String,
    /// The policy that it sets. `None`: none.
    pub policy: Option<Value>,
    /// The policy that the last such call set before. `None`: not among the records.
    pub policy_before: Option<Value>,
}

impl ResourceAnswer {
    /// Returns what happened to a resource. `person` gives who stands behind the call of a record.
    pub fn of(history: &ResourceHistory, subject: &str, person: impl Fn(RecordDigest) -> Option<Person>) -> Self {
        let resource = &history.resource;
        let own = &resource.identity;
        let name = resource.arn.clone().or_else(|| own.id.clone()).or_else(|| own.name.clone());
        // Where its name says no account, those of the calls that made or changed it do.
        let deeds = history.incarnations.iter().flat_map(|own| &own.steps).filter(|step| {
            let is_deed = !matches!(step.effect, ResourceEffect::Use | ResourceEffect::Unknown);
            is_deed && step.is_certain && step.ended == StepOutcome::Done
        });
        let accounts: BTreeSet<&String> = deeds.flat_map(|step| &step.accounts).collect();
        let account = accounts.first().filter(|_| accounts.len() == 1).map(|own| (*own).clone());
        let incarnations = history.incarnations.iter().rev().map(|own| IncarnationAnswer::of(own, &person));
        Self {
            resource_type: resource.resource_type.clone(),
            name: name.unwrap_or_else(|| subject.to_owned()),
            account: own.account.clone().or(account),
            region: own.region.clone(),
            incarnations: incarnations.collect(),
            undated: history.undated.iter().map(|own| own.call.clone().by(person(own.record))).collect(),
            namesakes: history.namesakes.iter().cloned().collect(),
            is_path_unsaid: history.is_path_unsaid,
        }
    }
}

impl IncarnationAnswer {
    fn of(own: &Incarnation, person: &impl Fn(RecordDigest) -> Option<Person>) -> Self {
        let (ending, step) = match own.ending() {
            Ending::DoneBy(step) => (EndingAnswer::Deleted, Some(step)),
            Ending::EndedByAws(step) => (EndingAnswer::EndedByAws, Some(step)),
            Ending::Waits(step) => (EndingAnswer::Waiting, Some(step)),
            Ending::RenamedBy(step) => (EndingAnswer::Renamed, Some(step)),
            Ending::MaybeBy(step) => (EndingAnswer::MaybeDeleted, Some(step)),
            Ending::AttemptedBy(step) => (EndingAnswer::Attempted, Some(step)),
            Ending::Nothing => (EndingAnswer::Nothing, None),
        };
        let mut steps: Vec<StepAnswer> = own.steps.iter().map(|step| StepAnswer::of(step, person)).collect();
        for at in 0..steps.len() {
            let (before, rest) = steps.split_at_mut(at);
            let Some(step) = rest.first_mut().filter(|step| step.policy.is_some()) else { continue };
            let is_same = |other: &&StepAnswer| {
                other.call == step.call && other.policy.is_some() && other.outcome == OutcomeAnswer::Done
            };
            step.policy_before = before.iter().rev().find(is_same).and_then(|other| other.policy.clone());
        }
        let ended = step.and_then(|step| own.steps.iter().position(|other| other == step));
        Self {
            ending,
            created: own.created,
            ended,
            ended_before: own.deleted_before,
            ended_or: own.or_ended(),
            created_or: own.or_made(),
            carried_out: own.carried_out,
            unseen: own.unseen.map(UnseenAnswer::of),
            steps,
        }
    }

    /// Returns the step that ended it too, before the one that is its end. `None`: none.
    pub fn end_before(&self) -> Option<&StepAnswer> {
        self.steps.get(self.ended_before?)
    }

    /// Returns the steps that may have ended it as well as its end.
    pub fn or_ended(&self) -> impl Iterator<Item = &StepAnswer> {
        self.ended_or.iter().filter_map(|at| self.steps.get(*at))
    }

    /// Returns the steps that may have made it as well as the one that is taken for it.
    pub fn or_made(&self) -> impl Iterator<Item = &StepAnswer> {
        self.created_or.iter().filter_map(|at| self.steps.get(*at))
    }

    /// Returns the event with which AWS did what its end had asked for. `None`: none is recorded.
    pub fn carried_out(&self) -> Option<&StepAnswer> {
        self.steps.get(self.carried_out?)
    }

    /// Returns the step that ended it, or was the last attempt. `None`: nothing.
    pub fn end(&self) -> Option<&StepAnswer> {
        self.steps.get(self.ended?)
    }

    /// Returns the step that made it. `None`: that is not among the records.
    pub fn maker(&self) -> Option<&StepAnswer> {
        self.steps.get(self.created?)
    }
}

impl StepAnswer {
    /// Returns a step. `person` gives who stands behind the call of a record.
    pub fn of(step: &Step, person: &impl Fn(RecordDigest) -> Option<Person>) -> Self {
        let (outcome, error) = match &step.ended {
            StepOutcome::Done => (OutcomeAnswer::Done, None),
            StepOutcome::Unclear => (OutcomeAnswer::Unclear, None),
            StepOutcome::NotDone(code) => (OutcomeAnswer::NotDone, Some(code.clone()).filter(|code| !code.is_empty())),
        };
        Self {
            time: step.time.to_string(),
            call: step.call.clone(),
            service: step.service.clone(),
            effect: step.effect.as_str(),
            outcome,
            error,
            is_by_aws: step.is_by_aws,
            is_certain: step.is_certain,
            is_disputed: step.is_disputed,
            is_either: step.is_either,
            other_name: step.other_name.clone(),
            waits_until: step.waits.and_then(|wait| wait.until).map(|until| until.to_string()),
            record: step.record,
            is_unordered: step.is_unordered,
            actor: step.actor.name.clone(),
            person: person(step.record).map(|own| own.from(step.source.clone())),
            source: step.source.clone(),
            accounts: step.accounts.iter().cloned().collect(),
            region: step.region.clone(),
            event_id: step.event_id.clone(),
            policy: step.policy.as_deref().map(policy),
            policy_before: None,
        }
    }

    /// Returns in a few words who it was.
    pub fn who(&self) -> &str {
        self.person.as_ref().map_or(&self.actor, Person::who)
    }
}

/// Reads a policy, which stands in records as JSON or as a text with JSON in it. What cannot be read stays a text.
fn policy(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::String(inner)) => serde_json::from_str(&inner).unwrap_or(Value::String(inner)),
        Ok(value) => value,
        Err(_) => Value::String(text.to_owned()),
    }
}
