//! What AWS Config recorded of one resource of an account and region.

use std::collections::HashMap;

use aws_sdk_config::types::{ConfigurationItem as SdkItem, RecordingFrequency as SdkFrequency, ResourceType};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::operations::config as op;
use crate::recorders::RecordingFrequency;
use crate::recorders::item::{ConfigurationItem, ItemHistory, ItemLookup, WrittenState};

/// The most items of one answer (AWS Config API, `GetResourceConfigHistory`).
const PAGE_MAX: i32 = 100;

/// Answers that are read of one resource: one spans at most seven days, and items are kept for at most seven years.
const PAGES_MAX: usize = 400;

/// The most items of one resource that are read.
const ITEMS_MAX: usize = 2_000;

/// The code for a resource that AWS Config does not know.
const NOT_DISCOVERED: &str = "ResourceNotDiscoveredException";

/// Returns the items of a resource, and the last one before the time that is asked for, with which the first of that
/// time is compared; `None` where AWS Config does not know the resource.
pub(crate) async fn items(session: &Session, lookup: &ItemLookup) -> Result<Option<ItemHistory>, CloudFault> {
    let client = session.config_service();
    let time = |at: Option<Timestamp>| at.map(|at| DateTime::from_secs(at.as_second()));
    let mut found = ItemHistory::default();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let request = client
            .get_resource_config_history()
            .resource_type(ResourceType::from(lookup.resource_type.as_str()))
            .resource_id(&lookup.resource_id)
            .set_later_time(time(lookup.to))
            .limit(PAGE_MAX)
            .set_next_token(token);
        let page = match session.read(op::GET_RESOURCE_HISTORY, request.send()).await {
            Err(fault) if fault.code == NOT_DISCOVERED => return Ok(None),
            other => other?,
        };
        for item in session.needed(op::GET_RESOURCE_HISTORY, page.configuration_items, "list of items")? {
            match read(&item) {
                Some(item) => found.items.push(item),
                None => found.unread += 1,
            }
        }
        token = page.next_token;
        // The newest come first.
        let reaches_back = lookup.from.is_some_and(|from| found.items.iter().any(|item| item.captured < from));
        if token.is_none() || reaches_back {
            return Ok(Some(found));
        }
        if found.items.len() >= ITEMS_MAX {
            break;
        }
    }
    found.has_more = true;
    Ok(Some(found))
}

fn read(item: &SdkItem) -> Option<ConfigurationItem> {
    let captured = item.configuration_item_capture_time()?;
    let relationships = item.relationships().iter().map(|own| {
        let name = own.resource_id().or(own.resource_name()).unwrap_or_default();
        let of = own.resource_type().map(ResourceType::as_str).unwrap_or_default();
        (own.relationship_name().unwrap_or_default().trim(), of, name)
    });
    let state = WrittenState {
        configuration: item.configuration(),
        supplementary: pairs(item.supplementary_configuration()),
        tags: pairs(item.tags()),
        relationships: relationships.collect(),
    };
    Some(ConfigurationItem {
        captured: Timestamp::new(captured.secs(), captured.subsec_nanos().try_into().ok()?).ok()?,
        status: item.configuration_item_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        frequency: item.recording_frequency().and_then(frequency),
        state: state.read().ok()?,
    })
}

fn pairs(map: Option<&HashMap<String, String>>) -> Vec<(&str, &str)> {
    map.into_iter().flatten().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

fn frequency(frequency: &SdkFrequency) -> Option<RecordingFrequency> {
    match frequency {
        SdkFrequency::Daily => Some(RecordingFrequency::Daily),
        SdkFrequency::Continuous => Some(RecordingFrequency::Continuous),
        _ => None,
    }
}

/// Returns the ids of the resources of a type that have a name, deleted ones too.
pub(crate) async fn ids(session: &Session, resource_type: &str, name: &str) -> Result<Vec<String>, CloudFault> {
    let client = session.config_service();
    let mut all = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_DISCOVERED);
    loop {
        let request = client
            .list_discovered_resources()
            .resource_type(ResourceType::from(resource_type))
            .resource_name(name)
            .include_deleted_resources(true)
            .set_next_token(token);
        let page = session.read(op::LIST_DISCOVERED, request.send()).await?;
        let found = session.needed(op::LIST_DISCOVERED, page.resource_identifiers, "list of resources")?;
        all.extend(found.into_iter().filter_map(|own| own.resource_id));
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(all);
        }
    }
}
