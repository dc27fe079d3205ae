//! What was signed with a key or in a session, and who stands behind it; and single calls.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::person::Person;
use crate::event::{Actor, Outcome, Record, RecordDigest};

/// Whether a call was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeAnswer {
    /// It was.
    Done,
    /// It may have been: the record does not tell.
    Unclear,
    /// It was refused or failed.
    NotDone,
}

/// The most values of one kind that an answer names.
const NAMED_MAX: usize = 10;
/// The longest text of a record in an answer, in characters.
const TEXT_MAX: usize = 200;

/// A session, or an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionAnswer {
    /// The access key that signed. `None`: not recorded.
    pub access_key: Option<String>,
    /// Who called, as the records name it.
    pub actor: String,
    /// Who stands behind it. `None`: not traced.
    pub person: Option<Person>,
    /// How many calls are recorded.
    pub calls: usize,
    /// How many of these were refused or failed.
    pub not_done: usize,
    /// The first call, RFC 3339 in UTC.
    pub first: String,
    /// The last call.
    pub last: String,
    /// The calls that were made most, each with how often.
    pub names: Vec<Counted>,
    /// The addresses and services that the calls came from, each with how often.
    pub sources: Vec<Counted>,
    /// The programs that made the calls, in their own words: a claim.
    pub user_agents: Vec<Counted>,
    /// The accounts whose records these are.
    pub accounts: Vec<Counted>,
}

/// A value, and in how many records it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Counted {
    /// The value. Of what is left out: `N more`.
    pub name: String,
    /// In how many records it is.
    pub count: usize,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallAnswer {
    /// When, RFC 3339 in UTC. `None`: not recorded, or no time.
    pub time: Option<String>,
    /// The call: `DeleteBucket`.
    pub call: String,
    /// The service: `s3.amazonaws.com`.
    pub service: String,
    /// The account that the record was delivered to. `None`: not recorded.
    pub account: Option<String>,
    /// The region. `None`: not recorded.
    pub region: Option<String>,
    /// Whether it was done.
    pub outcome: OutcomeAnswer,
    /// The code with which it was refused or failed. `None`: it was not.
    pub error: Option<String>,
    /// Who called.
    pub actor: String,
    /// Who stands behind the caller. `None`: not traced.
    pub person: Option<Person>,
    /// The address or the service that it came from. `None`: not recorded.
    pub source: Option<String>,
    /// The id of the event.
    pub event_id: String,
    /// What the records of one call in several accounts have in common. `None`: there is one record of it.
    pub shared_event_id: Option<String>,
    /// The ARNs that the service names as concerned.
    pub resources: Vec<String>,
}

/// Returns the sessions of some records, by access key and beginning; the last one first. `person` gives who stands
/// behind the call of a record.
pub fn sessions(records: &[Record<'_>], person: impl Fn(RecordDigest) -> Option<Person>) -> Vec<SessionAnswer> {
    let mut by_session: BTreeMap<(String, String, String), Vec<&Record<'_>>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.event_time.is_some()) {
        let actor = Actor::of(record);
        let began = record.user_identity.session.as_ref().and_then(|session| session.creation_date.as_deref());
        let key = (actor.access_key.unwrap_or_default(), actor.name, began.unwrap_or_default().to_owned());
        by_session.entry(key).or_default().push(record);
    }
    let mut all: Vec<SessionAnswer> = by_session.into_values().filter_map(|own| session(&own, &person)).collect();
    all.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.access_key.cmp(&b.access_key)));
    all
}

fn session(records: &[&Record<'_>], person: &impl Fn(RecordDigest) -> Option<Person>) -> Option<SessionAnswer> {
    let actor = Actor::of(records.first()?);
    let times = || records.iter().filter_map(|record| record.event_time);
    let count =
        |text: for<'a> fn(&'a Record<'_>) -> Option<&'a str>| counted(records.iter().filter_map(|one| text(one)));
    // Calls of one session may lead to two people, or not all to one: then it is not known who stands behind it.
    let people: Vec<Person> = records.iter().filter_map(|record| person(record.digest())).collect();
    let unknown = people.iter().find(|own| own.lost.is_some());
    let first = people.first();
    let other = people.iter().find(|own| first.is_some_and(|first| first.origin != own.origin));
    let known = unknown.cloned().or_else(|| match (first, other) {
        (Some(first), Some(other)) => Some(first.or(other)),
        (first, _) => first.cloned(),
    });
    Some(SessionAnswer {
        access_key: actor.access_key,
        actor: actor.name,
        person: known,
        calls: records.len(),
        not_done: records.iter().filter(|record| !Outcome::of(record).may_be_done()).count(),
        first: times().min().as_ref().map(Timestamp::to_string)?,
        last: times().max().as_ref().map(Timestamp::to_string)?,
        names: count(|record| record.event_name.as_deref()),
        sources: count(|record| record.source_ip_address.as_deref()),
        user_agents: count(|record| record.user_agent.as_deref()),
        accounts: count(|record| record.recipient_account_id.as_deref()),
    })
}

/// Counts texts; the most frequent first, and the rest as one.
fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Counted> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text.chars().take(TEXT_MAX).collect()).or_default() += 1;
    }
    let mut all: Vec<Counted> = counts.into_iter().map(|(name, count)| Counted { name, count }).collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let rest = all.split_off(NAMED_MAX.min(all.len()));
    if !rest.is_empty() {
        let count = rest.iter().map(|one| one.count).sum();
        all.push(Counted { name: format!("{} more", rest.len()), count });
    }
    all
}

impl CallAnswer {
    /// Returns what a record says of a call.
    pub fn of(record: &Record<'_>, person: Option<Person>) -> Self {
        let own = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(str::to_owned);
        let (outcome, error) = match Outcome::of(record) {
            Outcome::Success => (OutcomeAnswer::Done, None),
            Outcome::Unknown => (OutcomeAnswer::Unclear, None),
            Outcome::Denied { code } => (OutcomeAnswer::NotDone, Some(code.into_owned())),
            Outcome::Failed { code } => (OutcomeAnswer::NotDone, code.map(std::borrow::Cow::into_owned)),
        };
        let arns = record.resources.iter().filter_map(|entry| entry.arn.as_deref()).take(NAMED_MAX);
        Self {
            time: record.event_time.map(|time| time.to_string()),
            call: own(&record.event_name).unwrap_or_default(),
            service: own(&record.event_source).unwrap_or_default(),
            account: own(&record.recipient_account_id),
            region: own(&record.aws_region),
            outcome,
            error,
            actor: Actor::of(record).name,
            person: person.map(|known| known.from(own(&record.source_ip_address))),
            source: own(&record.source_ip_address),
            event_id: record.identity().into_owned(),
            shared_event_id: own(&record.shared_event_id),
            resources: arns.map(str::to_owned).collect(),
        }
    }

    /// Returns the same with who stands behind it. `None`: it was not traced.
    #[must_use]
    pub(super) fn by(self, person: Option<Person>) -> Self {
        let source = self.source.clone();
        Self { person: person.map(|known| known.from(source)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_first_ten_are_one() {
        let names: Vec<String> = (0..14).map(|n| format!("v{n:02}")).collect();
        let texts = names.iter().map(String::as_str).chain(["v13"]);
        let all = counted(texts);
        assert_eq!((all[0].name.as_str(), all[0].count), ("v13", 2));
        let last = all.last().unwrap();
        assert_eq!((all.len(), last.name.as_str(), last.count), (11, "4 more", 4));
    }
}
