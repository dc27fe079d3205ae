//! Worlds that look as if somebody else had made them: nothing bears our tag.

use orgtrail::config::schema::{Owner, Readers, TrailScope};
use orgtrail::estate::{Estate, OWNER_TAG, Resource, Sighting};

use super::Case;

/// Organization trails only, and members that read as they do by default: what one configuration can take over.
pub fn of_one_organization(case: &Case) -> Case {
    let mut case = case.clone();
    for trail in &mut case.config.trails {
        trail.scope = TrailScope::Organization;
        // Who manages a trail can be told from its log group only.
        trail.owner = Owner::Management;
    }
    case.config.readers = Readers::default();
    // A bucket does not tell that it is a lake's.
    case.config.lake = None;
    case.config.accounts.include = vec!["ou:/**".parse().unwrap()];
    case.config.accounts.exclude = Vec::new();
    case
}

pub fn take_tags_off(estate: &mut Estate) {
    for sighting in estate.sightings.values_mut() {
        if let Sighting::Present(seen) = sighting {
            **seen = without_owner((**seen).clone());
        }
    }
}

pub fn without_owner(mut resource: Resource) -> Resource {
    let tags = match &mut resource {
        Resource::Bucket(r) => Some(&mut r.tags),
        Resource::Key(r) => Some(&mut r.tags),
        Resource::Topic(r) => Some(&mut r.tags),
        Resource::LogGroup(r) => Some(&mut r.tags),
        Resource::Role(r) => Some(&mut r.tags),
        Resource::Policy(r) => Some(&mut r.tags),
        Resource::Trail(r) => r.tags.as_mut(),
        _ => None,
    };
    tags.and_then(|tags| tags.remove(OWNER_TAG));
    resource
}
