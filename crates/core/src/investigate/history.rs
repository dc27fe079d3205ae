//! The histories of the resources that a person may mean: records in, one history for each resource out.
//!
//! A name alone may be that of several types, accounts and regions. Each of them has its own history, and what a record
//! says of one is not said of another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::calls::CallAnswer;
use super::role_path::{has_path, is_namesake};
use super::timeline::asked::takes_back;
use super::timeline::{Incarnation, Step, StepOutcome, incarnations};
use crate::event::{Outcome, Record, RecordDigest};
use crate::resource_types::{
    MatchedBy, NameScope, ResourceCandidate, ResourceEffect, ResourceMention, ResourceType, ResourceTypes,
    is_multi_region,
};

/// The most resources of one question that get a history.
pub const RESOURCES_MAX: usize = 200;
/// The most calls of one resource that are kept of which the records do not say when they were.
const UNDATED_MAX: usize = 20;

/// The most events of which other records are looked for.
pub const EVENTS_MAX: usize = 200;

/// What happened to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceHistory {
    /// Which resource: with the account and region that its records name.
    pub resource: ResourceCandidate,
    /// Those that had its name one after the other, in order.
    pub incarnations: Vec<Incarnation>,
    /// Calls that made it, deleted it or took its deletion back, or may have, of which the record does not say when:
    /// where they stand among the others is not known.
    pub undated: Vec<UndatedCall>,
    /// The ARNs of those of the asked name that have another path, and had it before or after: they are not among the
    /// incarnations. Empty: there is none, or no ARN with a path was asked for.
    pub namesakes: BTreeSet<String>,
    /// No record says the path of the last one, so that it may be one of another path.
    pub is_path_unsaid: bool,
}

/// A call of which the record does not say when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndatedCall {
    /// What tells its record from every other one.
    pub record: RecordDigest,
    /// The call.
    pub call: CallAnswer,
}

/// What records say of what a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histories {
    /// The resources that records name: those that were made, changed or deleted first, then those with more steps.
    pub resources: Vec<ResourceHistory>,
    /// How many more there are, beyond [`RESOURCES_MAX`].
    pub further: usize,
    /// Calls on such a type of which the record hides or leaves out what they were about: it may be this one.
    pub withheld: Vec<Step>,
    /// How many of these do not say when they were either.
    pub withheld_undated: usize,
}

/// Where a resource is, as far as its type has such places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    candidate: usize,
    partition: &'static str,
    account: Option<String>,
    region: Option<String>,
}

impl Home {
    /// Tells whether a record is of the same partition: nothing of one is in another.
    fn may_hold(&self, record: &Record<'_>) -> bool {
        partition(record) == self.partition
    }
}

/// Returns the partition that a record's region is in.
fn partition(record: &Record<'_>) -> &'static str {
    let region = record.aws_region.as_deref().unwrap_or_default();
    let of = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"), ("us-iso-", "aws-iso")];
    of.iter().find(|(begin, _)| region.starts_with(begin)).map_or("aws", |(_, name)| name)
}

impl Histories {
    /// Reads what records say of some candidates.
    pub fn of(types: &ResourceTypes, candidates: &[ResourceCandidate], records: &[Record<'_>]) -> Self {
        let mut homes: BTreeMap<Home, usize> = BTreeMap::new();
        // Which records mention a candidate, and in which partition they are.
        let mut mentioned: BTreeMap<usize, Vec<&Record<'_>>> = BTreeMap::new();
        let (mut withheld, mut undated) = (Vec::new(), BTreeSet::new());
        for record in records {
            for mention in types.mentions(record, candidates) {
                mentioned.entry(mention.candidate).or_default().push(record);
                if mention.matched_by <= MatchedBy::Prefix {
                    let step = Step::of(record, &mention);
                    undated.extend(step.is_none().then(|| record.digest()));
                    withheld.extend(step);
                } else if let Some(candidate) = candidates.get(mention.candidate) {
                    let home = home(types, candidate, record, &mention);
                    for region in mention.regions.iter().filter(|_| home.region.is_some()) {
                        // A region that is typed is the only one.
                        let region = candidate.identity.region.clone().unwrap_or_else(|| region.clone());
                        *homes.entry(Home { region: Some(region), ..home.clone() }).or_default() += 1;
                    }
                    *homes.entry(home).or_default() += 1;
                }
            }
        }
        let same_event = SameEvent::of(records);
        let further = homes.len().saturating_sub(RESOURCES_MAX);
        let mut most: Vec<(Home, usize)> = homes.into_iter().collect();
        most.sort_by(|(a, more), (b, fewer)| fewer.cmp(more).then_with(|| a.cmp(b)));
        let homes = most.into_iter().take(RESOURCES_MAX).map(|(home, _)| home);
        let mut resources: Vec<ResourceHistory> = homes
            .filter_map(|home| {
                let records = mentioned.get(&home.candidate)?.iter().copied().filter(|record| home.may_hold(record));
                history(types, candidates.get(home.candidate)?, &home, records, &same_event)
            })
            .collect();
        resources.sort_by_key(|own| std::cmp::Reverse(own.weight()));
        // What is known of it otherwise needs no guess.
        let seen: BTreeSet<RecordDigest> = resources.iter().flat_map(ResourceHistory::records).collect();
        withheld.retain(|step| !seen.contains(&step.record));
        withheld.sort_by(|a, b| (a.time, &a.event_id, a.record).cmp(&(b.time, &b.event_id, b.record)));
        withheld.dedup_by(|a, b| a.record == b.record);
        Self { resources, further, withheld, withheld_undated: undated.difference(&seen).count() }
    }
}

impl Histories {
    /// Returns the events that made or ended one of the resources, or may have, with when they were: other records of
    /// them may contradict what is said. At most [`EVENTS_MAX`].
    pub fn deciding_events(&self) -> BTreeMap<String, Timestamp> {
        let is_deciding = |step: &&Step| {
            let decides = matches!(
                step.effect,
                ResourceEffect::Create | ResourceEffect::Put | ResourceEffect::Delete | ResourceEffect::Rename
            );
            decides && !matches!(step.ended, StepOutcome::NotDone(_))
        };
        let last = self.resources.iter().flat_map(|own| own.incarnations.iter().rev());
        let steps = last.flat_map(|own| own.steps.iter().rev()).filter(is_deciding);
        steps.filter_map(|step| Some((step.event.clone()?, step.time))).take(EVENTS_MAX).collect()
    }
}

impl ResourceHistory {
    /// Returns the names that it had before, or got, as its records say: its type with the name, and where it is.
    pub fn other_names(&self) -> impl Iterator<Item = (String, &ResourceCandidate)> {
        let steps = self.incarnations.iter().flat_map(|own| &own.steps);
        let moved = steps.filter(|step| {
            let moves = matches!(step.effect, ResourceEffect::Rename | ResourceEffect::Named);
            moves && !matches!(step.ended, StepOutcome::NotDone(_))
        });
        let kind = self.resource.resource_type.as_deref();
        moved.filter_map(move |step| Some((format!("{} {}", kind?, step.other_name.as_ref()?), &self.resource)))
    }

    /// Returns how much its records say: whether it was made, changed or deleted, and how many steps there are.
    fn weight(&self) -> (bool, bool, usize) {
        let steps = || self.incarnations.iter().flat_map(|own| &own.steps);
        let is_deed = |step: &Step| {
            step.is_certain
                && step.ended == StepOutcome::Done
                && !matches!(step.effect, ResourceEffect::Use | ResourceEffect::Unknown)
        };
        let is_ended = self.incarnations.iter().any(|own| own.deleted.is_some()) || !self.undated.is_empty();
        (is_ended, steps().any(is_deed), steps().count())
    }

    fn records(&self) -> impl Iterator<Item = RecordDigest> {
        let steps = self.incarnations.iter().flat_map(|own| &own.steps).map(|step| step.record);
        steps.chain(self.undated.iter().map(|own| own.record))
    }

    /// Tells whether its records do more than use it: it was made, changed, deleted, or somebody tried to.
    pub fn has_deeds(&self) -> bool {
        let steps = self.incarnations.iter().flat_map(|own| &own.steps);
        let is_deed = |step: &Step| !matches!(step.effect, ResourceEffect::Use | ResourceEffect::Unknown);
        !self.undated.is_empty() || steps.into_iter().any(is_deed)
    }
}

/// Returns where the resource is that a record names.
fn home(types: &ResourceTypes, wanted: &ResourceCandidate, record: &Record<'_>, mention: &ResourceMention<'_>) -> Home {
    let candidate = mention.candidate;
    let scope = wanted.resource_type.as_deref().and_then(|name| types.named(name)).map(|own| own.names);
    let (has_account, has_region) = match scope {
        // One id is that of a key in each of its regions.
        _ if wanted.identity.id.as_deref().is_some_and(is_multi_region) => (false, true),
        _ if mention.matched_by > MatchedBy::Name || wanted.arn.is_some() => (false, false),
        None | Some(NameScope::Partition | NameScope::GlobalParent | NameScope::None) => (false, false),
        Some(NameScope::Account) => (true, false),
        Some(NameScope::Region | NameScope::Parent | NameScope::Shared) => (true, true),
    };
    // What the record's own ARN says of it comes first: a call between accounts is recorded in both.
    let arn = mention.also_called.iter().find(|text| text.starts_with("arn:"));
    let of_arn = |at: usize| {
        let part = arn.and_then(|arn| arn.split(':').nth(at)).filter(|part| !part.is_empty());
        part.map(str::to_owned)
    };
    let recipient = || record.recipient_account_id.as_deref().map(str::to_owned);
    let region = || record.aws_region.as_deref().map(str::to_owned);
    let own = &wanted.identity;
    Home {
        candidate,
        partition: partition(record),
        account: own.account.clone().or_else(|| has_account.then(|| of_arn(4).or_else(recipient)).flatten()),
        region: own.region.clone().or_else(|| has_region.then(|| of_arn(3).or_else(region)).flatten()),
    }
}

fn history<'r, 'a: 'r>(
    types: &ResourceTypes,
    wanted: &ResourceCandidate,
    home: &Home,
    records: impl Iterator<Item = &'r Record<'a>>,
    same_event: &SameEvent<'r, 'a>,
) -> Option<ResourceHistory> {
    let kind = wanted.resource_type.as_deref().and_then(|name| types.named(name));
    let region = home.region.as_deref().filter(|_| kind.is_none_or(ResourceType::is_regional));
    // What is typed with its partition is there and nowhere else.
    if wanted.identity.partition.as_deref().is_some_and(|own| own != home.partition) {
        return None;
    }
    let resource = wanted.clone().within(home.account.as_deref(), region);
    let one = std::slice::from_ref(&resource);
    let (mut steps, mut undated): (Vec<Step>, BTreeMap<RecordDigest, UndatedCall>) = Default::default();
    for record in records {
        for mention in types.mentions(record, one) {
            match Step::of(record, &mention) {
                Some(step) => steps.push(step),
                None if is_deciding(record, &mention) && undated.len() < UNDATED_MAX => {
                    let digest = record.digest();
                    undated.insert(digest, UndatedCall { record: digest, call: CallAnswer::of(record, None) });
                }
                None => {}
            }
        }
    }
    let undated: Vec<UndatedCall> = undated.into_values().collect();
    let named = steps.iter().any(|step| step.matched_by > MatchedBy::Prefix) || !undated.is_empty();
    if !named {
        return None;
    }
    let others = same_event.others(&steps);
    let incarnations = incarnations(steps.into_iter().chain(others).collect());
    let arn = resource.arn.as_deref().filter(|_| kind.is_some_and(|kind| !kind.can_be_renamed()));
    let (incarnations, namesakes, is_path_unsaid) = match arn {
        Some(arn) => of_path(arn, incarnations),
        None => (incarnations, BTreeSet::new(), false),
    };
    Some(ResourceHistory { resource, incarnations, undated, namesakes, is_path_unsaid })
}

/// Takes out those of the asked name that records say to have another path, and names them; tells too whether the last
/// one may be of another path. Its path cannot be changed (IAM user guide, "IAM identifiers").
fn of_path(asked: &str, all: Vec<Incarnation>) -> (Vec<Incarnation>, BTreeSet<String>, bool) {
    let named = |own: &Incarnation| -> BTreeSet<String> {
        let sure = own.steps.iter().filter(|step| step.is_sure());
        sure.flat_map(|step| step.also_called.iter().filter(|text| is_namesake(asked, text)).cloned()).collect()
    };
    let is_own = |own: &Incarnation| {
        let mut texts = own.steps.iter().filter(|step| step.is_sure()).flat_map(|step| &step.also_called);
        texts.any(|text| text.eq_ignore_ascii_case(asked))
    };
    let (others, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| !is_own(one) && !named(one).is_empty());
    let namesakes: BTreeSet<String> = others.iter().flat_map(named).collect();
    let is_open = has_path(asked) || !namesakes.is_empty();
    let is_path_unsaid = is_open && own.last().is_some_and(|last| !is_own(last));
    (own, namesakes, is_path_unsaid)
}

/// The records of each event: of two with other bytes one may be about something else.
struct SameEvent<'r, 'a>(HashMap<String, Vec<&'r Record<'a>>>);

impl<'r, 'a> SameEvent<'r, 'a> {
    fn of(records: &'r [Record<'a>]) -> Self {
        let mut all: HashMap<String, Vec<&Record<'_>>> = HashMap::new();
        for record in records {
            if let Some(event) = record.event() {
                all.entry(event.to_ascii_lowercase()).or_default().push(record);
            }
        }
        all.retain(|_, own| own.len() > 1);
        Self(all)
    }

    /// Returns steps for the records that have the event of one of some steps, and say nothing of the resource.
    fn others(&self, steps: &[Step]) -> Vec<Step> {
        let known: BTreeSet<RecordDigest> = steps.iter().map(|step| step.record).collect();
        let events = steps.iter().filter_map(|step| step.event.as_deref());
        let events: BTreeSet<String> = events.map(str::to_ascii_lowercase).collect();
        let own = events.into_iter().filter_map(|event| self.0.get(&event)).flatten();
        own.filter(|record| !known.contains(&record.digest())).filter_map(|record| Step::foreign(record)).collect()
    }
}

/// Tells whether a call may say whether a resource is there.
fn is_deciding(record: &Record<'_>, mention: &ResourceMention<'_>) -> bool {
    let text = |text: &Option<crate::event::Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
    let is_making = matches!(mention.effect, ResourceEffect::Create | ResourceEffect::Put | ResourceEffect::Delete);
    let decides = is_making || takes_back(&text(&record.event_source), &text(&record.event_name));
    decides && mention.matched_by > MatchedBy::Prefix && Outcome::of(record).may_be_done()
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Ending;
    use super::*;

    fn event(id: &str, time: &str, account: &str, call: &str, more: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-11-{time}Z","eventSource":"iam.amazonaws.com","eventName":"{call}",
            "awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"{account}","requestParameters":{{"roleName":"deploy"{more}}},
            "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{account}:user/{id}","accountId":"{account}"}}}}"#
        )
    }

    fn read(subject: &str, events: &[String]) -> Histories {
        let types = ResourceTypes::built_in().unwrap();
        let records: Vec<Record<'_>> = events.iter().map(|event| Record::read(event).unwrap()).collect();
        Histories::of(&types, &types.candidates(subject).unwrap(), &records)
    }

    const A: &str = "111111111111";
    const B: &str = "222222222222";

    #[test]
    fn roles_of_one_name_in_two_accounts_have_two_histories() {
        let events = [
            event("ann", "20T10:00:00", A, "CreateRole", ""),
            event("bob", "20T11:00:00", B, "CreateRole", ""),
            event("eve", "21T10:00:00", B, "DeleteRole", ""),
        ];
        let all = read("role deploy", &events);
        let told: Vec<(Option<&str>, usize, bool)> = all
            .resources
            .iter()
            .map(|own| {
                let last = own.incarnations.last().unwrap();
                (own.resource.identity.account.as_deref(), last.steps.len(), matches!(last.ending(), Ending::DoneBy(_)))
            })
            .collect();
        assert_eq!(told, [(Some(B), 2, true), (Some(A), 1, false)]);
        let one = read(&format!("arn:aws:iam::{A}:role/deploy"), &events);
        assert_eq!(one.resources.len(), 1);
        assert_eq!(one.resources[0].incarnations[0].steps.len(), 1);
    }

    #[test]
    fn a_name_without_a_type_finds_the_types_that_records_name() {
        let events = [event("ann", "20T10:00:00", A, "CreateRole", "")];
        let all = read("deploy", &events);
        let types: Vec<_> = all.resources.iter().map(|own| own.resource.resource_type.as_deref()).collect();
        assert_eq!(types, [Some("AWS::IAM::Role")]);
        assert!(read("other", &events).resources.is_empty());
    }

    #[test]
    fn a_call_that_hides_its_resource_is_no_resource_of_its_own() {
        let hidden =
            event("x", "20T10:00:00", A, "DeleteRole", "").replace("\"deploy\"", "\"HIDDEN_DUE_TO_SECURITY_REASONS\"");
        let all = read("role deploy", std::slice::from_ref(&hidden));
        assert_eq!((all.resources.len(), all.withheld.len()), (0, 1));
        let known = event("ann", "20T09:00:00", A, "CreateRole", "");
        let all = read("role deploy", &[known, hidden]);
        // It is among the steps of the one that is known, as a doubt.
        assert_eq!((all.resources.len(), all.withheld.len()), (1, 0));
        assert!(matches!(all.resources[0].incarnations[0].ending(), Ending::MaybeBy(_)));
    }
}
