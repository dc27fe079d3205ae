//! What is kept of an event for a finding.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::key::EventKey;
use crate::detect::finding::FindingPrincipal;
use crate::detect::view::EventView;
use crate::event::Outcome;
use crate::resource_types::{ResourceReader, ResourceTypes};

/// The values of one list of a finding.
pub(super) const LIST_MAX: usize = 10;
/// The longest text in a list of a finding, in bytes: an ARN may be as long (IAM API).
const TEXT_BYTES_MAX: usize = 2_048;

/// An event that a rule matched.
#[derive(Debug, Clone)]
pub(super) struct SeenEvent {
    pub at_us: i64,
    pub key: EventKey,
    /// It was done, or may have been.
    pub is_done: bool,
    pub facts: Facts,
}

/// What events tell. Which values are kept does not depend on the order of the events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The first event and its principal. `None`: there was no event.
    pub first: Option<(i64, EventKey, FindingPrincipal)>,
    pub principals: BTreeSet<String>,
    pub actions: BTreeSet<String>,
    pub resources: BTreeSet<String>,
    pub accounts: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    pub addresses: BTreeSet<String>,
}

impl SeenEvent {
    pub fn of(view: &EventView<'_, '_>, at_us: i64) -> Self {
        let record = view.record();
        let key = EventKey::of(&record.identity());
        let set = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(shortened).into_iter().collect();
        let name = record.event_name.as_deref().unwrap_or("?");
        let action = match record.event_source.as_deref() {
            Some(source) => format!("{name} ({source})"),
            None => name.to_owned(),
        };
        let facts = Facts {
            first: Some((at_us, key.clone(), FindingPrincipal::of(view.actor()))),
            principals: [view.actor().name.clone()].into(),
            actions: [shortened(&action)].into(),
            resources: resources(view),
            accounts: set(record.recipient_account_id.as_deref()),
            regions: set(record.aws_region.as_deref()),
            addresses: set(record.source_ip_address.as_deref()),
        };
        Self { at_us, key, is_done: Outcome::of(record).may_be_done(), facts }
    }
}

impl Facts {
    pub fn add(&mut self, other: &Facts) {
        let is_earlier = match (&self.first, &other.first) {
            (Some(own), Some(new)) => (new.0, &new.1) < (own.0, &own.1),
            (own, _) => own.is_none(),
        };
        if is_earlier {
            self.first.clone_from(&other.first);
        }
        for (own, new) in [
            (&mut self.principals, &other.principals),
            (&mut self.actions, &other.actions),
            (&mut self.resources, &other.resources),
            (&mut self.accounts, &other.accounts),
            (&mut self.regions, &other.regions),
            (&mut self.addresses, &other.addresses),
        ] {
            own.extend(new.iter().cloned());
            while own.len() > LIST_MAX {
                own.pop_last();
            }
        }
    }
}

/// Returns what a record names, of the types that are known, and what its service lists.
fn resources(view: &EventView<'_, '_>) -> BTreeSet<String> {
    static TYPES: OnceLock<Option<ResourceTypes>> = OnceLock::new();
    static READER: OnceLock<Option<ResourceReader<'static>>> = OnceLock::new();
    let reader = READER.get_or_init(|| {
        let types = TYPES.get_or_init(|| ResourceTypes::built_in().ok()).as_ref()?;
        Some(types.reader())
    });
    let record = view.record();
    let named = reader.iter().flat_map(|reader| reader.named_by(record));
    let mut found: BTreeSet<String> = named
        .filter(|resource| !resource.text.is_empty())
        .map(|resource| shortened(&format!("{} {}", resource.resource_type, resource.text)))
        .collect();
    if found.is_empty() {
        let listed = record.resources.iter().filter_map(|entry| entry.arn.as_deref());
        found.extend(listed.take(LIST_MAX).map(shortened));
    }
    while found.len() > LIST_MAX {
        found.pop_last();
    }
    found
}

fn shortened(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default().to_owned()
}
