//! One change as the services see it: what of it has to be sent, and whether it may be.

use super::session::Session;
use crate::cloud::{CloudFault, Done};
use crate::estate::{Address, OWNER_TAG, Resource, Tags};
use crate::plan::{Action, Change};

/// A change with the session that makes it, in the region of its address.
pub(super) struct ChangeContext<'a> {
    pub(super) session: Session,
    pub(super) change: &'a Change,
}

impl ChangeContext<'_> {
    /// Returns where the change is.
    pub(super) fn address(&self) -> &Address {
        &self.change.address
    }

    /// Returns the name of what is changed.
    pub(super) fn name(&self) -> &str {
        &self.change.address.name
    }

    /// Tells whether a field has to be sent. A creation sends all of them: an earlier one may have been cut off.
    pub(super) fn sets(&self, path: &str) -> bool {
        self.is_creation() || self.change.touches(path)
    }

    /// Tells whether nothing was there when the change was planned.
    pub(super) fn is_creation(&self) -> bool {
        self.change.action() == Action::Create
    }

    /// Checks that something found where nothing was expected is what an earlier run of this deployment left.
    ///
    /// # Errors
    /// [`CloudFault`] if it is not this deployment's: it is never changed without having been planned.
    pub(super) fn must_be_ours(&self, tags: &Tags) -> Result<(), CloudFault> {
        let ours = self.change.desired().and_then(Resource::deployment);
        if ours.is_some() && tags.get(OWNER_TAG).map(String::as_str) == ours {
            return Ok(());
        }
        let message = format!("{} was made by others after the plan was", self.address());
        Err(self.session.stale_plan(self.address(), message))
    }

    /// Refuses to remove what orgtrail never removes.
    pub(super) fn never_removed(&self) -> Result<Done, CloudFault> {
        let message = format!("orgtrail never removes a {}", self.address().kind.words());
        Err(self.session.stale_plan(self.address(), message))
    }
}

/// Returns the tags that AWS's services did not set themselves: those cannot be written.
pub(super) fn writable(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !key.starts_with("aws:"))
}
