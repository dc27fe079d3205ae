//! What is looked for in records, and how SQL says it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::event::{EventId, Record};
use crate::investigate::chain::Wanted;
use crate::investigate::issue::{ISSUING_CALLS, SWITCHED_ROLE};
use crate::investigate::sessions::is_access_key;
use crate::investigate::stack::{CLOUDFORMATION, WantedStack};
use crate::query::records::{RecordSearch, RecordTest, one_of, quoted};
use crate::resource_types::{Needles, ResourceCall, ResourceCandidate, ResourceEffect, ResourceTypes};

/// Services whose event names may have the version of the API behind them: `DeleteFunction20150331`.
const VERSIONED: [&str; 2] = ["lambda.amazonaws.com", "cloudfront.amazonaws.com"];

/// The most types of which the calls that make and delete them are looked up one by one.
const TYPES_MAX: usize = 2;

/// The condition of management events that do not only read.
const CHANGES: &str = "(read_only IS NULL OR NOT read_only) AND (management_event IS NULL OR management_event)";

/// The condition of records whose call is no name of one: a number, a list, an object.
const NO_CALL: &str = "event_name IS NULL OR event_name < 'A' OR (event_name > 'Z~' AND event_name < 'a') OR event_name > 'z~' \
                       OR event_name IN ('true', 'false')";

/// How far from the time of an event another record of it is looked for: one that contradicts it may name another time.
const AROUND: SignedDuration = SignedDuration::from_hours(24);

/// What is looked for.
#[derive(Debug, Clone)]
pub enum Search {
    /// Records that mention one of some resources.
    Mentions {
        /// The calls that concern their types: event source and event name.
        calls: BTreeSet<(String, String)>,
        /// Of these, the calls that make and delete them; none where a name may be that of many types.
        deciding: BTreeSet<String>,
        /// What the resources are called.
        names: BTreeSet<String>,
        /// What such a record has in it.
        needles: Needles,
        /// Only management events that do not only read: what changes a resource itself, and not what lies in it.
        only_changes: bool,
    },
    /// Calls that began sessions, all within one time.
    Issues(Vec<Wanted>),
    /// Calls on stacks that may have led to what CloudFormation did.
    Stacks(Vec<WantedStack>),
    /// Calls that began sessions, of which the record has one of some texts.
    Begun(BTreeSet<String>),
    /// What an actor did: each record's identity has one of some texts.
    Actor(BTreeSet<String>),
    /// The same, and calls that assumed it or were to.
    ActorAndAssumed(BTreeSet<String>),
    /// Everything that does not only read.
    Writes,
    /// What was signed with an access key, and the call that gave it out.
    AccessKey(String),
    /// What a session did, by its ARN.
    Session(String),
    /// Events of an id, and the records that other accounts have of the same call.
    Event(EventId),
    /// All records of some events, by their ids and when they were.
    SameEvents(BTreeMap<String, Timestamp>),
}

impl Search {
    /// Returns what looks for some candidates.
    pub fn of(types: &ResourceTypes, candidates: &[ResourceCandidate]) -> Self {
        let kinds: BTreeSet<&str> = candidates.iter().filter_map(|own| own.resource_type.as_deref()).collect();
        let of_kinds = kinds.iter().filter(|_| kinds.len() <= TYPES_MAX).filter_map(|name| types.named(name));
        let decides = |call: &&ResourceCall| {
            matches!(call.effect, ResourceEffect::Create | ResourceEffect::Put | ResourceEffect::Delete)
        };
        let deciding = of_kinds.flat_map(|own| own.calls.iter().filter(decides)).map(|call| call.event.clone());
        let named = |own: &ResourceCandidate| {
            [own.arn.clone(), own.identity.id.clone(), own.identity.name.clone()].into_iter().flatten()
        };
        Self::Mentions {
            calls: types.event_names(candidates),
            deciding: deciding.collect(),
            names: candidates.iter().flat_map(named).collect(),
            needles: types.needles(candidates),
            only_changes: false,
        }
    }

    /// Returns what looks for the changes of some candidates.
    pub fn changes(types: &ResourceTypes, candidates: &[ResourceCandidate]) -> Self {
        match Self::of(types, candidates) {
            Self::Mentions { calls, deciding, names, needles, .. } => {
                Self::Mentions { calls, deciding, names, needles, only_changes: true }
            }
            other => other,
        }
    }

    /// Returns the same in SQL and as a test of records.
    pub fn in_sql(&self) -> RecordSearch {
        match self {
            Self::Mentions { calls, needles, only_changes: false, .. } => mentions(calls, needles),
            Self::Mentions { calls, needles, only_changes: true, .. } => {
                let RecordSearch { condition, test } = mentions(calls, needles);
                RecordSearch { condition: format!("({condition}) AND {CHANGES}"), test }
            }
            Self::Issues(wanted) => issues(wanted),
            Self::Stacks(wanted) => stacks(wanted),
            Self::Begun(texts) => RecordSearch { condition: issuing(), test: Some(has_one(texts)) },
            Self::Actor(texts) => RecordSearch { condition: identity(texts), test: None },
            Self::ActorAndAssumed(texts) => {
                let condition = format!("{} OR {}", identity(texts), issuing());
                RecordSearch { condition, test: Some(has_one(texts)) }
            }
            Self::Writes => RecordSearch { condition: "read_only IS NULL OR NOT read_only".to_owned(), test: None },
            Self::AccessKey(key) => {
                let text = key.clone();
                let given_out = one_of("event_name", ISSUING_CALLS.into_iter().chain(["CreateAccessKey"]));
                RecordSearch {
                    condition: format!("access_key_id = {} OR {given_out}", quoted(key)),
                    test: Some(Arc::new(move |record| record.contains(&text))),
                }
            }
            Self::Session(arn) => RecordSearch { condition: format!("user_arn = {}", quoted(arn)), test: None },
            Self::Event(EventId::Digest(id)) => {
                let id = id.clone();
                let test: RecordTest = Arc::new(move |text| Record::read(text).is_ok_and(|own| own.identity() == id));
                RecordSearch { condition: "event_id IS NULL OR event_id = ''".to_owned(), test: Some(test) }
            }
            Self::SameEvents(events) => {
                let spelled = |id: &String| [id.clone(), id.to_ascii_lowercase(), id.to_ascii_uppercase()];
                let ids: BTreeSet<String> = events.keys().flat_map(spelled).collect();
                let around = |at: &Timestamp| {
                    let (from, to) = (at.checked_sub(AROUND), at.checked_add(AROUND));
                    (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX))
                };
                let time = within(events.values().map(around));
                let ids = one_of("event_id", ids.iter().map(String::as_str));
                RecordSearch { condition: format!("{ids} AND {time}"), test: None }
            }
            Self::Event(id) => {
                let all = id.spellings();
                let has = |column: &str| one_of(column, all.iter().map(String::as_str));
                RecordSearch { condition: format!("{} OR {}", has("event_id"), has("shared_event_id")), test: None }
            }
        }
    }
}

fn mentions(calls: &BTreeSet<(String, String)>, needles: &Needles) -> RecordSearch {
    let test = needles.clone();
    let test: RecordTest = Arc::new(move |record| test.may_mention(record.as_bytes()));
    let names: BTreeSet<&str> = calls.iter().map(|(_, event)| event.as_str()).collect();
    let sources: BTreeSet<&str> = calls.iter().map(|(source, _)| source.as_str()).collect();
    // Of calls that the table does not know, what the service lists counts.
    let listed = match needles.texts() {
        None => "resources IS NOT NULL".to_owned(),
        Some(texts) => {
            let texts =
                texts.into_iter().map(str::to_ascii_lowercase).chain(["arnprefix".to_owned(), "\\u".to_owned()]);
            let has = texts.map(|text| format!("strpos(lower(resources), {}) > 0", quoted(&text)));
            has.collect::<Vec<_>>().join(" OR ")
        }
    };
    let versioned = one_of("event_source", VERSIONED.into_iter().filter(|source| sources.contains(source)));
    let condition = format!("{} OR {versioned} OR {NO_CALL} OR {listed}", one_of("event_name", names));
    RecordSearch { condition, test: Some(test) }
}

/// Returns the condition of calls that begin sessions.
fn issuing() -> String {
    one_of("event_name", ISSUING_CALLS.into_iter().chain([SWITCHED_ROLE]))
}

/// Tells whether a record has one of some texts. JSON can write any letter in another way: such a record has them all.
fn has_one(texts: &BTreeSet<String>) -> RecordTest {
    let texts = texts.clone();
    Arc::new(move |record| record.contains("\\u") || texts.iter().any(|text| record.contains(text.as_str())))
}

/// The columns that say who called.
const IDENTITY: &str = "concat_ws(' ', access_key_id, user_arn, principal_id, user_name, issuer_arn, issuer_principal_id, \
                        source_identity, on_behalf_of_user_id, user_account)";

/// Returns the condition that one of the columns that say who called has one of some texts.
fn identity(texts: &BTreeSet<String>) -> String {
    let (keys, others): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| is_access_key(text));
    let keys = one_of("access_key_id", keys.into_iter().map(String::as_str));
    let others = others.into_iter().map(|text| format!("strpos({IDENTITY}, {}) > 0", quoted(text)));
    std::iter::once(keys).chain(others).collect::<Vec<_>>().join(" OR ")
}

/// Returns the condition of events between the first and the last of some times.
fn within(times: impl Iterator<Item = (Timestamp, Timestamp)>) -> String {
    let (from, to) = times.fold((Timestamp::MAX, Timestamp::MIN), |(from, to), one| (from.min(one.0), to.max(one.1)));
    let moment = |at: Timestamp| format!("from_iso8601_timestamp({})", quoted(&at.to_string()));
    format!("event_time >= {} AND event_time <= {}", moment(from), moment(to))
}

fn stacks(wanted: &[WantedStack]) -> RecordSearch {
    let calls: BTreeSet<&str> = wanted.iter().flat_map(WantedStack::calls).collect();
    let calls = one_of("event_name", calls);
    let source = one_of("event_source", [CLOUDFORMATION]);
    let time = within(wanted.iter().map(|one| (one.from, one.to)));
    RecordSearch { condition: format!("{calls} AND {source} AND {time}"), test: None }
}

fn issues(wanted: &[Wanted]) -> RecordSearch {
    let condition = format!("{} AND {}", issuing(), within(wanted.iter().map(|one| (one.from, one.to))));
    let texts: BTreeSet<String> = wanted.iter().flat_map(marks).collect();
    RecordSearch { condition, test: Some(has_one(&texts)) }
}

/// Returns the texts of which the record of the call that began a session has one.
fn marks(wanted: &Wanted) -> Vec<String> {
    let name = |text: &String, sign: char| text.rsplit(sign).next().map(str::to_owned);
    let of_id = wanted.session_id.as_ref().and_then(|id| name(id, ':'));
    let of_arn = wanted.session_arn.as_ref().and_then(|arn| name(arn, '/'));
    let all = [wanted.access_key.clone(), of_id, of_arn];
    all.into_iter().flatten().filter(|text| !text.is_empty()).collect()
}
