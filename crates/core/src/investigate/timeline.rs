//! What happened to a resource, in order: each of the resources that had its name one after the other, what was done to
//! it and what was only tried.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

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
/// and the APIs of Glue, ECR, Batch and others).
const FAILED_PARTS: [&str; 8] = [
    "unsuccessful",
    "unsuccessfulSet",
    "unsuccessfulFleetDeletions",
    "unsuccessfulFleetDeletionSet",
    "failures",
    "errors",
    "failedEntries",
    "unprocessed",
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

    /// Tells whether the call does well again while what it makes is there (Amazon SNS, SQS, S3 and ECS API references:
    /// `CreateTopic`, `CreateQueue`, `CreateBucket` in us-east-1, `CreateCluster`).
    pub(super) fn is_repeatable(&self) -> bool {
        match self.call.as_str() {
            "CreateTopic" | "CreateQueue" | "CreateCluster" => true,
            "CreateBucket" => self.region.as_deref() == Some("us-east-1"),
            _ => false,
        }
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

/// Returns the resources that had the name, one after the other.
pub fn incarnations(steps: Vec<Step>) -> Vec<Incarnation> {
    let mut all: Vec<Incarnation> = Vec::new();
    for step in once(steps) {
        let is_first = all.is_empty();
        let mut begins = is_first;
        if let Some(last) = all.last() {
            let is_made = step.is_sure()
                && match step.effect {
                    ResourceEffect::Create if step.is_repeatable() => last.is_ended(),
                    ResourceEffect::Create => last.created.is_some() || last.is_ended() || last.was_there(),
                    ResourceEffect::Put => last.is_ended(),
                    _ => false,
                };
            begins = is_made;
        }
        if begins {
            all.push(Incarnation::default());
        }
        if let Some(last) = all.last_mut() {
            last.add(step);
        }
    }
    all
}

impl Incarnation {
    fn add(&mut self, step: Step) {
        let at = self.steps.len();
        let is_maker = matches!(step.effect, ResourceEffect::Create | ResourceEffect::Put);
        if is_maker && step.may_be_done() && self.created.is_none() && !self.was_there() {
            self.created = Some(at);
        }
        if step.takes_back() {
            self.deleted = None;
        }
        if step.effect == ResourceEffect::Delete && step.is_sure() && !self.is_ended() {
            self.deleted = Some(at);
        }
        self.steps.push(step);
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

    /// Returns the step that made it. `None`: that is not among the records.
    pub fn maker(&self) -> Option<&Step> {
        self.steps.get(self.created?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_types::ResourceTypes;

    fn event(id: &str, time: &str, call: &str, more: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-11-{time}Z","eventSource":"s3.amazonaws.com","eventName":"{call}",
            "awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"111111111111","requestParameters":{{"bucketName":"b"}},
            "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/{id}","accountId":"111111111111"}}{more}}}"#
        )
    }

    fn told(events: &[String]) -> Vec<Incarnation> {
        let types = ResourceTypes::built_in().unwrap();
        let wanted = types.candidates("arn:aws:s3:::b").unwrap();
        let step = |event: &String| {
            let record = Record::read(event).unwrap();
            let mention = types.mentions(&record, &wanted).into_iter().next()?;
            Step::of(&record, &mention)
        };
        incarnations(events.iter().filter_map(step).collect())
    }

    fn ending(events: &[String]) -> String {
        let all = told(events);
        let last = all.last().map(Incarnation::ending).unwrap_or(Ending::Nothing);
        let word = |step: &Step| step.event_id.clone();
        match last {
            Ending::DoneBy(step) => format!("done by {}", word(step)),
            Ending::EndedByAws(step) => format!("ended by AWS in {}", word(step)),
            Ending::MaybeBy(step) => format!("maybe by {}", word(step)),
            Ending::AttemptedBy(step) => format!("attempted by {}", word(step)),
            Ending::Nothing => "nothing".to_owned(),
        }
    }

    const DENIED: &str = r#","errorCode":"AccessDenied""#;

    #[test]
    fn a_failed_attempt_before_somebody_elses_success_is_no_deed() {
        let events = [
            event("ann", "20T10:00:00", "CreateBucket", ""),
            event("eve", "20T11:00:00", "DeleteBucket", DENIED),
            event("bob", "20T12:00:00", "DeleteBucket", ""),
            event("eve2", "20T13:00:00", "DeleteBucket", r#","errorCode":"NoSuchBucket""#),
        ];
        assert_eq!(ending(&events), "done by bob");
        let all = told(&events);
        let attempts: Vec<&str> = all[0].attempts().map(|step| step.event_id.as_str()).collect();
        assert_eq!((all.len(), attempts), (1, vec!["eve", "eve2"]));
        assert_eq!(all[0].maker().unwrap().event_id, "ann");
        assert_eq!(ending(&events[..2]), "attempted by eve");
        assert_eq!(ending(&events[..1]), "nothing");
        assert_eq!(
            ending(&[event("bob", "20T12:00:00", "DeleteBucket", r#","errorCode":"InternalError""#)]),
            "maybe by bob"
        );
    }

    #[test]
    fn a_deletion_that_was_taken_back_ended_nothing() {
        let types = ResourceTypes::built_in().unwrap();
        let wanted = types.candidates("arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef").unwrap();
        let told = |calls: &[(&str, &str)]| {
            let steps = calls.iter().filter_map(|(id, call)| {
                let text = event(id, &format!("20T10:0{}:00", id.len()), call, "")
                    .replace("s3.amazonaws.com", "secretsmanager.amazonaws.com")
                    .replace(
                        r#""bucketName":"b""#,
                        r#""secretId":"arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef""#,
                    );
                let record = Record::read(&text).unwrap();
                Step::of(&record, &types.mentions(&record, &wanted).into_iter().next()?)
            });
            let all = incarnations(steps.collect());
            match all.last().map(Incarnation::ending) {
                Some(Ending::DoneBy(step)) => format!("done by {}", step.event_id),
                other => format!("{other:?}"),
            }
        };
        let (one, two, three) = (("a", "DeleteSecret"), ("aa", "RestoreSecret"), ("aaa", "DeleteSecret"));
        assert_eq!(told(&[one]), "done by a");
        assert_eq!(told(&[one, two]), "Some(Nothing)");
        assert_eq!(told(&[one, two, three]), "done by aaa");
    }

    #[test]
    fn a_name_that_is_used_again_is_another_resource_with_an_end_of_its_own() {
        let events = [
            event("ann", "20T10:00:00", "CreateBucket", ""),
            event("bob", "20T12:00:00", "DeleteBucket", ""),
            event("cid", "21T10:00:00", "CreateBucket", ""),
            event("dan", "21T12:00:00", "PutBucketPolicy", ""),
            event("eve", "22T12:00:00", "DeleteBucket", ""),
        ];
        let all = told(&events);
        let ends: Vec<&str> = all
            .iter()
            .map(|own| if let Ending::DoneBy(step) = own.ending() { step.event_id.as_str() } else { "" })
            .collect();
        assert_eq!(ends, ["bob", "eve"]);
        assert_eq!(all.iter().map(|own| own.steps.len()).collect::<Vec<_>>(), [2, 3]);
        // What is lost between them does not make one of two.
        let without = [events[0].clone(), events[2].clone(), events[4].clone()];
        // In us-east-1 a bucket's owner may make it again while it is there.
        assert_eq!(told(&without).len(), 1);
        let without = without.map(|text| text.replace("us-east-1", "eu-central-1"));
        assert_eq!(told(&without).len(), 2);
        assert_eq!(told(&without)[0].ending(), Ending::Nothing);
    }

    #[test]
    fn what_aws_ends_by_itself_has_no_person_behind_it_and_what_it_does_for_somebody_has() {
        let of_service = r#","eventType":"AwsServiceEvent""#;
        let events = [event("s", "20T10:00:00", "DeleteBucket", of_service)];
        assert_eq!(ending(&events), "ended by AWS in s");
        let through = events[0]
            .replace(of_service, "")
            .replace(r#""accountId""#, r#""invokedBy":"cloudformation.amazonaws.com","accountId""#);
        assert_eq!(ending(&[through]), "done by s");
        let linked = event("l", "20T10:00:00", "DeleteBucket", "").replace(
            r#"{"type":"IAMUser""#,
            r#"{"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/X"}},"type":"AssumedRole""#,
        );
        assert_eq!(ending(&[linked]), "ended by AWS in l");
    }

    #[test]
    fn a_call_between_accounts_and_one_that_is_delivered_twice_are_one_step() {
        let one = event("x", "20T10:00:00", "DeleteBucket", r#","sharedEventID":"s""#);
        let other = one
            .replace(r#""eventID":"x""#, r#""eventID":"y""#)
            .replace(r#"Id":"111111111111""#, r#"Id":"222222222222""#);
        let all = told(&[one.clone(), other, one]);
        assert_eq!((all.len(), all[0].steps.len()), (1, 1));
        assert_eq!(all[0].steps[0].accounts.len(), 2);
    }
}
