//! Which document, which statement and whose hand a violation goes back to.

use std::collections::BTreeMap;

use super::ArchivePolicies;
use crate::estate::{Address, Kind, Resource, StatementRef};
use crate::plan::violation::Author;
use crate::policy::isolation::{BrokenInvariant, SharedKind};
use crate::policy::{Effect, PolicyDocument};

impl ArchivePolicies<'_> {
    /// Returns the address of the document to blame for a violation: the one with the statement, else that of the
    /// reader who can or cannot, else the bucket's policy.
    pub(in crate::plan) fn blamed(&self, places: &BTreeMap<&str, &Address>, violation: &BrokenInvariant) -> Address {
        if let Some((address, _)) = self.shared(violation) {
            return address;
        }
        if let Some(lake) = self.lake_of(violation) {
            return lake;
        }
        let reader = [&violation.principal, &violation.resource].into_iter().find_map(|name| places.get(name.as_str()));
        reader.map_or_else(|| self.bucket.with_kind(Kind::BucketPolicy), |address| (*address).clone())
    }

    /// Returns the policy of the lake's bucket where it is to blame for what it does not refuse.
    fn lake_of(&self, violation: &BrokenInvariant) -> Option<Address> {
        let lake = self.beside.iter().find(|beside| beside.kind == SharedKind::Lake)?;
        let rest = violation.resource.strip_prefix(&lake.arn)?;
        let is_there = rest.is_empty() || rest.starts_with('/');
        (is_there && violation.statement.is_none()).then(|| lake.address.clone())
    }

    /// Returns who wrote the statement that is to blame. None where it is in no shared policy, or where it only comes
    /// near to allowing what a reader cannot do.
    pub(in crate::plan) fn author(&self, violation: &BrokenInvariant) -> Option<Author> {
        let place = violation.statement.as_ref()?;
        let (address, document) = self.shared(violation)?;
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

    /// Returns the policy that the statement to blame is in, where it is in one of them; its document where that is
    /// known.
    fn shared(&self, violation: &BrokenInvariant) -> Option<(Address, Option<&PolicyDocument>)> {
        match violation.statement.as_ref()?.document.as_str() {
            "bucket policy" => {
                let document = self.bucket_policy.as_deref().and_then(Resource::shared_policy);
                Some((self.bucket.with_kind(Kind::BucketPolicy), document))
            }
            "key policy" => {
                let key = self.key.as_ref()?;
                Some((key.address.clone(), key.policy.shared_policy()))
            }
            name => {
                let beside = self.beside.iter().find(|beside| beside.is_of(name, violation))?;
                // Of the others no single statement is taken out: the queue's policy is the plan's, that of the logs is
                // not.
                let document = matches!(beside.kind, SharedKind::Topic | SharedKind::Lake).then_some(&*beside.policy);
                Some((beside.address.clone(), document))
            }
        }
    }
}
