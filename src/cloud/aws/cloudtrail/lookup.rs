//! Looks into the event history of an account and region: who changed something last.
//!
//! `LookupEvents` finds events by one attribute only (CloudTrail API, `LookupAttribute`). Most events name their
//! resource; where a service's events name none, they are looked for by the names that the catalog has, and their
//! requests are read.

use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};

use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::estate::{Address, Kind, Resource};
use crate::event::catalog::{self, Target};
use crate::event::{AuditEvent, EventHistory, HistoryEvent, UnreadEvent};
use crate::plan::Change;

/// How many changes are told.
const CHANGES_MAX: usize = 3;

/// Events in one answer (CloudTrail API, `LookupEvents`).
const PAGE_MAX: i32 = 50;

/// How many answers are read for one clue: two a second may be asked for.
const PAGES_MAX: usize = 4;

/// Why there may be changes that were not found.
const UNREAD: &str = "an event in the event history that may be about it cannot be read: other changes may be there";
const NO_EVENTS: &str = "an answer of the event history lacks its list of events: other changes may be there";
const OLDER: &str = "the newest events are no changes of it; older ones were not read";

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LookupQuery {
    key: LookupAttributeKey,
    value: String,
    /// The resource that the event must be about. `None`: the attribute says it.
    about: Option<(Target, String)>,
}

/// Returns who changed what is at the address of a change. The history is asked in the account that manages it, in the
/// region of the resource; what is global is recorded in the partition's global region.
pub(crate) async fn last_changes(session: &Session, change: &Change) -> Result<EventHistory, CloudFault> {
    let there = session.at(&change.address);
    let clues = clues(&there, change);
    let gap = clues.is_empty().then_some("its events name it by an id that is no longer known");
    let mut history = EventHistory { found: Vec::new(), gap };
    for clue in &clues {
        let EventHistory { found, gap } = follow(&there, clue).await?;
        history.found.extend(found);
        history.gap = history.gap.or(gap);
    }
    Ok(history.newest(CHANGES_MAX))
}

async fn follow(session: &Session, clue: &LookupQuery) -> Result<EventHistory, CloudFault> {
    let attribute = LookupAttribute::builder().attribute_key(clue.key.clone()).attribute_value(&clue.value).build();
    let attribute = attribute.map_err(|why| session.unexpected_response(op::LOOKUP_EVENTS, why.to_string()))?;
    let client = session.cloudtrail();
    let mut history = EventHistory::default();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let request = client.lookup_events().lookup_attributes(attribute.clone()).max_results(PAGE_MAX);
        let page = session.read(op::LOOKUP_EVENTS, request.set_next_token(token).send()).await?;
        let Some(events) = page.events else {
            history.gap = Some(NO_EVENTS);
            return Ok(history);
        };
        for event in &events {
            match read_change(event, clue) {
                Ok(change) => history.found.extend(change),
                Err(UnreadEvent) => history.gap = Some(UNREAD),
            }
        }
        token = page.next_token;
        // The newest come first.
        if token.is_none() || history.found.len() >= CHANGES_MAX {
            return Ok(history);
        }
    }
    history.gap = history.gap.or(Some(OLDER));
    Ok(history)
}

/// Returns what an event says, if it changed something and went well.
fn read_change(event: &Event, clue: &LookupQuery) -> Result<Option<AuditEvent>, UnreadEvent> {
    let time = event.event_time().and_then(|time| jiff::Timestamp::from_second(time.secs()).ok());
    let answered = HistoryEvent {
        record: event.cloud_trail_event(),
        name: event.event_name(),
        time,
        username: event.username(),
        is_read: event.read_only() == Some("true"),
    };
    answered.change(clue.about.as_ref().map(|(target, name)| (*target, name.as_str())))
}

/// Returns how the events about a resource are found.
fn clues(session: &Session, change: &Change) -> Vec<LookupQuery> {
    let Address { account: _, region: _, kind, name } = &change.address;
    // Events name identities without their path.
    let bare = name.rsplit('/').next().unwrap_or(name);
    let named = |value: String| LookupQuery { key: LookupAttributeKey::ResourceName, value, about: None };
    let arn = change.address.arn(session.partition).map(|arn| arn.to_string());
    match kind {
        Kind::Bucket | Kind::BucketPolicy | Kind::Role => vec![named(bare.to_owned())],
        // Older events name the resource, newer ones its ARN.
        Kind::Trail | Kind::Policy | Kind::Topic => arn.into_iter().chain([bare.to_owned()]).map(named).collect(),
        Kind::Key | Kind::KeyPolicy => key_arn(change).into_iter().map(named).collect(),
        Kind::LogGroup | Kind::Queue | Kind::Rule | Kind::TrustedAccess | Kind::DelegatedAdministrator => {
            events(kind.target(), name)
        }
        Kind::ServiceControlPolicy => {
            let id = match change.observed() {
                Some(Resource::ServiceControlPolicy(policy)) => policy.id.as_ref(),
                _ => None,
            };
            events(kind.target(), id.unwrap_or(name))
        }
    }
}

/// Looks for the events of the catalog by their names, each about one resource.
fn events(target: Target, name: &str) -> Vec<LookupQuery> {
    let clue = |event: &str| LookupQuery {
        key: LookupAttributeKey::EventName,
        value: event.to_owned(),
        about: Some((target, name.to_owned())),
    };
    catalog::looked_up_events(target).into_iter().map(clue).collect()
}

/// A key is known to events by its ARN, which the address has not: nothing where no key was seen.
fn key_arn(change: &Change) -> Option<String> {
    match change.observed() {
        Some(Resource::Key(key)) => key.arn.clone(),
        Some(Resource::KeyPolicy(policy)) => policy.key.clone(),
        _ => None,
    }
}
