//! Looks up records in the event history of an account and region.

use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::cloud::history::{HistoryKey, HistoryLookup, HistoryRecords};

/// Events in one answer (CloudTrail API, `LookupEvents`).
const PAGE_MAX: i32 = 50;

/// Returns the records that are looked up; the newest come first.
pub(crate) async fn records(session: &Session, lookup: &HistoryLookup) -> Result<HistoryRecords, CloudFault> {
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
    let client = session.cloudtrail();
    let mut found = HistoryRecords::default();
    let mut token = None;
    for _ in 0..lookup.pages_max {
        let request = client.lookup_events().lookup_attributes(attribute.clone()).max_results(PAGE_MAX);
        let request = request.set_start_time(time(lookup.from)).set_end_time(time(lookup.to)).set_next_token(token);
        let page = session.read(op::LOOKUP_EVENTS, request.send()).await?;
        let Some(events) = page.events else {
            return Err(session.unexpected_response(op::LOOKUP_EVENTS, "the answer lacks its list of events"));
        };
        for event in events {
            match event.cloud_trail_event {
                Some(record) => found.records.push(record),
                None => found.without_record += 1,
            }
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
    found.has_more = true;
    Ok(found)
}
