//! Trails of ours that the configuration does not name any more and that still write into the log bucket: an
//! organization trail of another name, or the trails of single accounts before an organization trail took over.
//!
//! They are what a migration comes from. As long as they write, the documents that they come through let them in.

use std::collections::BTreeSet;

use super::superseded::SupersededTrail;
use super::topology::{Topology, logs_root};
use crate::config::Config;
use crate::estate::{Address, Desired, Estate, Kind, Resource, Sighting, Trail};
use crate::ids::{Arn, OrganizationId};
use crate::log_path::LogRoot;
use crate::organization::Organization;
use crate::policy::merge::sources;

impl Topology<'_> {
    /// Returns the ARNs of the earlier trails that come through a document.
    pub(super) fn earlier_arns(&self, document: &Address) -> impl Iterator<Item = String> {
        let through = self.earlier.iter().filter(|trail| trail.through.contains(document));
        through.filter_map(|trail| trail.address.arn(self.partition)).map(|arn| arn.to_string())
    }

    /// Returns what the account folders that members read stand in, such as `audit/AWSLogs/o-exampleorgid`: the folders
    /// of the wanted trails, of those that still write, and of both layouts where earlier logs are to be read.
    pub(super) fn read_roots(&self, config: &Config, organization: &OrganizationId) -> BTreeSet<LogRoot> {
        let own = logs_root(config);
        let root = |base: &LogRoot, of_organization: bool| match of_organization {
            true => base.in_organization(organization.as_str()),
            false => base.clone(),
        };
        let (of_organization, of_accounts) = self.scopes();
        let all = config.readers.earlier_logs;
        let scopes = [(of_organization || all, true), (of_accounts || all, false)];
        let wanted = scopes.into_iter().filter(|(is_used, _)| *is_used).map(|(_, scope)| root(&own, scope));
        let earlier = self.earlier.iter().map(|trail| {
            let base = trail.prefix.as_deref().map_or_else(|| own.clone(), LogRoot::below);
            root(&base, trail.organization)
        });
        wanted.chain(earlier).collect()
    }
}

/// Finds them in what was observed for a desired estate.
pub fn earlier_trails(desired: &Desired, observed: &Estate, organization: &Organization) -> Vec<SupersededTrail> {
    let finder = Finder { desired, observed, organization };
    observed.sightings.iter().filter_map(|(address, sighting)| finder.find(address, sighting)).collect()
}

struct Finder<'a> {
    desired: &'a Desired,
    observed: &'a Estate,
    organization: &'a Organization,
}

impl Finder<'_> {
    fn find(&self, address: &Address, sighting: &Sighting) -> Option<SupersededTrail> {
        let is_member = self.organization.accounts.contains_key(&address.account);
        if address.kind != Kind::Trail || self.desired.wanted.contains_key(address) || !is_member {
            return None;
        }
        let let_in = self.let_in_by(address);
        match sighting {
            Sighting::Present(resource) => match resource.as_ref() {
                Resource::Trail(trail) if self.is_ours(trail, &let_in) && self.writes_here(trail) => {
                    Some(self.seen(address, trail))
                }
                _ => None,
            },
            Sighting::Unreadable(_) if !let_in.is_empty() => Some(SupersededTrail {
                address: address.clone(),
                organization: address.account == self.organization.management_account,
                prefix: None,
                through: let_in,
                streams: None,
            }),
            Sighting::Unreadable(_) | Sighting::Absent => None,
        }
    }

    /// Of a trail whose tags nobody may read, our own statements say whose it is.
    fn is_ours(&self, trail: &Trail, let_in: &BTreeSet<Address>) -> bool {
        match &trail.tags {
            Some(tags) => tags.get(crate::estate::OWNER_TAG) == Some(&self.desired.deployment),
            None => !let_in.is_empty(),
        }
    }

    fn writes_here(&self, trail: &Trail) -> bool {
        let buckets = self.documents().filter(|address| address.kind == Kind::BucketPolicy);
        trail.logging && buckets.into_iter().any(|address| address.name == trail.bucket)
    }

    fn documents(&self) -> impl Iterator<Item = &Address> {
        let is_document = |a: &&Address| matches!(a.kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic);
        self.desired.wanted.keys().filter(is_document)
    }

    /// Returns the documents whose statements of orgtrail let a trail in now.
    fn let_in_by(&self, trail: &Address) -> BTreeSet<Address> {
        let arn = trail.arn(self.desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let lets_in = |address: &&Address| {
            let policy = self.observed.resource(address).and_then(Resource::shared_policy);
            policy.is_some_and(|policy| sources(policy).contains(&arn))
        };
        self.documents().filter(lets_in).cloned().collect()
    }

    fn seen(&self, address: &Address, trail: &Trail) -> SupersededTrail {
        let needs = |document: &&Address| match document.kind {
            Kind::BucketPolicy => document.name == trail.bucket,
            Kind::KeyPolicy => trail.key.is_some() && trail.key == self.key_arn(document),
            _ => document.arn(self.desired.partition).map(|arn| arn.to_string()) == trail.topic,
        };
        SupersededTrail {
            address: address.clone(),
            organization: trail.organization,
            prefix: Some(trail.prefix.clone()),
            through: self.documents().filter(needs).cloned().collect(),
            streams: self.streams(address, trail),
        }
    }

    fn key_arn(&self, policy: &Address) -> Option<String> {
        match self.observed.resource(&policy.with_kind(Kind::Key)) {
            Some(Resource::Key(key)) => key.arn.clone(),
            _ => None,
        }
    }

    /// Streams begin with the id of the account that manages the trail, which is the role's, or with the
    /// organization's.
    fn streams(&self, address: &Address, trail: &Trail) -> Option<(Address, BTreeSet<String>)> {
        let role: Arn = trail.log_role.as_ref()?.parse().ok()?;
        let group = trail.log_group.as_ref()?.strip_suffix(":*")?;
        let account = role.account().parse().ok()?;
        let name = role.resource().strip_prefix("role/")?;
        let region = address.region.as_ref()?;
        let mut arns = BTreeSet::from([format!("{group}:log-stream:{account}_CloudTrail_{region}*")]);
        if trail.organization {
            arns.insert(format!("{group}:log-stream:{}_*", self.organization.id));
        }
        Some((Address::global(&account, Kind::Role, name), arns))
    }
}
