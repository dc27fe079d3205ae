//! Looks up events in the event history of an account and region.

use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};

use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::cloud::history::{FoundEvent, HistoryKey, HistoryLookup, HistoryPage};

/// Events in one answer (CloudTrail API, `LookupEvents`).
const PAGE_MAX: i32 = 50;

/// Returns one answer of the events that are looked up; the newest come first.
pub(crate) async fn events(session: &Session, lookup: &HistoryLookup) -> Result<HistoryPage, CloudFault> {
    let (key, value) = match &lookup.key {
        HistoryKey::ResourceName(value) => (LookupAttributeKey::ResourceName, value),
        HistoryKey::AccessKeyId(value) => (LookupAttributeKey::AccessKeyId, value),
        HistoryKey::EventId(value) => (LookupAttributeKey::EventId, value),
        HistoryKey::EventName(value) => (LookupAttributeKey::EventName, value),
        HistoryKey::Username(value) => (LookupAttributeKey::Username, value),
    };
    let attribute = LookupAttribute::builder().attribute_key(key).attribute_value(value).build();
    let attribute = attribute.map_err(|why| session.unexpected_response(op::LOOKUP_EVENTS, why.to_string()))?;
    let time = |at: Option<jiff::Timestamp>| at.map(|at| DateTime::from_secs(at.as_second()));
    let request = session.cloudtrail().lookup_events().lookup_attributes(attribute).max_results(PAGE_MAX);
    let request = request.set_start_time(time(lookup.from)).set_end_time(time(lookup.to));
    let page = session.read(op::LOOKUP_EVENTS, request.set_next_token(lookup.token.clone()).send()).await?;
    let Some(events) = page.events else {
        return Err(session.unexpected_response(op::LOOKUP_EVENTS, "the answer lacks its list of events"));
    };
    Ok(HistoryPage { events: events.into_iter().map(found).collect(), next: page.next_token })
}

fn found(event: Event) -> FoundEvent {
    FoundEvent {
        time: event.event_time().and_then(|time| jiff::Timestamp::from_second(time.secs()).ok()),
        is_read: event.read_only() == Some("true"),
        record: event.cloud_trail_event,
        name: event.event_name,
        username: event.username,
    }
}
