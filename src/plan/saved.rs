//! A plan as a file: what was observed when it was made is part of it, so that it is not applied on other ground.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Plan;
use super::change::Change;
use crate::estate::{Address, Desired, Estate, Resource, Sighting};

/// The version of the file's format.
pub const FORMAT_VERSION: u32 = 1;

/// A plan with the version of its format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of the program that wrote it.
    pub tool_version: String,
    /// The plan.
    pub plan: Plan,
}

/// Says why a text is not a saved plan.
#[derive(Debug, thiserror::Error)]
pub enum BadPlan {
    /// It is not JSON, is cut off, or is something else.
    #[error("it is not a saved plan: {0}")]
    NotAPlan(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error("it has format version {0}, this program reads {FORMAT_VERSION}; make the plan again")]
    Version(u32),
}

impl SavedPlan {
    /// Puts a plan into its file's form.
    pub fn new(plan: Plan) -> Self {
        Self { format_version: FORMAT_VERSION, tool_version: env!("CARGO_PKG_VERSION").to_owned(), plan }
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    /// [`BadPlan`] for a text that is cut off, of another kind or of another version.
    pub fn parse(text: &str) -> Result<Self, BadPlan> {
        let saved: Self = serde_json::from_str(text)?;
        if saved.format_version != FORMAT_VERSION {
            return Err(BadPlan::Version(saved.format_version));
        }
        Ok(saved)
    }
}

/// Returns the addresses whose ground has moved between two plans: what was seen there, or what is to be done.
pub fn moved(then: &Plan, now: &Plan) -> Vec<Address> {
    let of = |plan: &Plan, address: &Address| plan.changes.iter().find(|c| &c.address == address).map(ground);
    let mut addresses: Vec<&Address> = then.changes.iter().chain(&now.changes).map(|c| &c.address).collect();
    addresses.sort();
    addresses.dedup();
    addresses.into_iter().filter(|address| of(then, address) != of(now, address)).cloned().collect()
}

/// What a change stands on and what it does, without what moves by itself.
fn ground(change: &Change) -> (Option<Resource>, Option<Resource>) {
    (change.observed.as_ref().map(steady), change.desired.clone())
}

/// Returns a resource without what changes by itself while nothing is wrong: the times of deliveries.
fn steady(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    if let Resource::Trail(trail) = &mut resource {
        trail.delivery = None;
    }
    resource
}

/// Returns the SHA-256 of what was seen at every wanted and every changed address.
pub(super) fn fingerprint(changes: &[Change], desired: &Desired, observed: &Estate) -> String {
    let mut hash = Sha256::new();
    let mut add = |address: &Address| {
        hash.update(address.to_string());
        match observed.sightings.get(address) {
            Some(Sighting::Present(resource)) => {
                hash.update(serde_json::to_vec(&steady(resource)).unwrap_or_default());
            }
            Some(Sighting::Absent) => hash.update("absent"),
            Some(Sighting::Unreadable(_)) | None => hash.update("unreadable"),
        }
    };
    desired.wanted.keys().for_each(&mut add);
    changes.iter().map(|c| &c.address).filter(|a| !desired.wanted.contains_key(a)).for_each(&mut add);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
