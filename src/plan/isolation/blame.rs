//! Which document, which statement and whose hand a violation goes back to.

use std::collections::BTreeMap;

use super::ArchivePolicies;
use super::known::topic_document;
use crate::estate::{Address, Kind, Resource, StatementRef};
use crate::plan::violation::Author;
use crate::policy::evaluate::Place;
use crate::policy::isolation::Violation;
use crate::policy::{Effect, PolicyDocument};

impl ArchivePolicies<'_> {
    /// Returns the address of the document to blame for a violation: the one with the statement, else that of the reader
    /// who can or cannot, else the bucket's policy.
    pub(in crate::plan) fn blamed(&self, places: &BTreeMap<&str, &Address>, violation: &Violation) -> Address {
        if let Some((address, _)) = violation.statement.as_ref().and_then(|place| self.shared(place)) {
            return address;
        }
        let reader = [&violation.principal, &violation.resource].into_iter().find_map(|name| places.get(name.as_str()));
        reader.map_or_else(|| self.bucket.with_kind(Kind::BucketPolicy), |address| (*address).clone())
    }

    /// Returns who wrote the statement that is to blame. None where it is in no shared policy, or where it only comes near to
    /// allowing what a reader cannot do.
    pub(in crate::plan) fn author(&self, violation: &Violation) -> Option<Author> {
        let place = violation.statement.as_ref()?;
        let (address, document) = self.shared(place)?;
        let statement = document?.statements.get(place.index)?;
        let breaks = if violation.invariant.is_broken_by_allow() { Effect::Allow } else { Effect::Deny };
        if statement.effect != breaks {
            return None;
        }
        Some(match StatementRef::of(&address, statement) {
            _ if self.is_past || !self.desired.wanted.contains_key(&address) => Author::Elsewhere,
            Some(statement) => Author::Others(statement),
            None => Author::Template,
        })
    }

    /// Returns the shared policy that a place is in, where it is in one; its document where that is known.
    fn shared(&self, place: &Place) -> Option<(Address, Option<&PolicyDocument>)> {
        match place.document.as_str() {
            "bucket policy" => {
                let document = self.bucket_policy.as_deref().and_then(Resource::shared_policy);
                Some((self.bucket.with_kind(Kind::BucketPolicy), document))
            }
            "key policy" => {
                let key = self.key.as_ref()?;
                Some((key.address.clone(), key.policy.shared_policy()))
            }
            name => {
                let (address, _, topic) = self.topics.iter().find(|(address, ..)| topic_document(address) == name)?;
                Some((address.clone(), topic.shared_policy()))
            }
        }
    }
}
