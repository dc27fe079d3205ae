//! What should be there, as the configuration and CloudTrail say: which accounts should deliver, and where trails do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::archive::find::ScopeFilter;
use crate::ids::{AccountId, Region};
use crate::log_path::ChainScope;
use crate::recorders::Recorders;

/// What should be there, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The accounts that should deliver logs, with their names.
    pub accounts: BTreeMap<AccountId, ExpectedAccount>,
    /// What CloudTrail says about the trails.
    pub trails: Vec<TrailStatus>,
    /// Where the trails of the configuration deliver; empty without one.
    pub wanted: Vec<TrailDestination>,
    /// The only region that is looked at; not set for all.
    pub only: Option<Region>,
    /// Why it is not known which accounts should deliver, though a configuration asks for it; not set where it is
    /// known, and where it was not asked for.
    pub unknown: Option<String>,
    /// Of which accounts it is not known which regions are enabled, though a configuration asks for it; not set where
    /// it is known of all, and where it was not asked for.
    pub unknown_regions: Option<UnknownRegions>,
    /// The organization's id, so that what lies in the folder of another one stands for nothing of this one; not set
    /// where it is not known.
    pub organization: Option<String>,
    /// Whether the logs are looked at in another place than the configuration's, so that buckets and prefixes do not
    /// tell which trail delivers there.
    pub is_elsewhere: bool,
    /// What is known of AWS Config's recorders and of where they deliver.
    pub recorders: Recorders,
}

/// Accounts of which it is not known which regions are enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRegions {
    /// The accounts.
    pub accounts: BTreeSet<AccountId>,
    /// How many accounts were asked, these included.
    pub asked: usize,
    /// Why it is not known, of the first one.
    pub why: String,
    /// What to do, so that it is known.
    pub next: String,
}

impl UnknownRegions {
    /// Returns of how many accounts the enabled regions are unknown, and why, as a sentence.
    pub fn sentence(&self) -> String {
        let (unknown, asked, why) = (self.accounts.len(), self.asked, &self.why);
        format!(
            "the enabled regions of {unknown} of {asked} accounts are unknown, so that a region of which nothing is there is \
             not missed: {why}"
        )
    }
}

/// Where a trail delivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailDestination {
    /// The trail's name; not set where it is one for each account, named after it.
    pub trail: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// All that stands before `AWSLogs/`: empty, or ends with `/`.
    pub prefix: String,
    /// Whether the trail is the organization's, whose layout has a folder of its id.
    pub is_organization: bool,
}

/// An account that should deliver logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedAccount {
    /// Its name.
    pub name: String,
    /// Whether it can be used: a suspended or closed one delivers nothing.
    pub is_active: bool,
    /// The regions that are enabled in it, where that is known.
    pub regions: Option<Vec<Region>>,
}

impl ExpectedAccount {
    /// Tells whether logs of a region should arrive: neither the account nor the region is known to be out of use.
    pub fn should_deliver(&self, region: &Region) -> bool {
        self.is_active && self.regions.as_ref().is_none_or(|regions| regions.contains(region))
    }
}

impl Expected {
    /// Returns the accounts that should deliver and of which nothing is there, each with its regions; without any when
    /// no region is known. Where an account's regions are not known, those of the other accounts stand for them.
    pub fn absent(&self, there: &BTreeSet<(AccountId, Region)>) -> Vec<(AccountId, Vec<Region>)> {
        let usual: BTreeSet<&Region> = self.only.iter().chain(there.iter().map(|(_, region)| region)).collect();
        let mut absent = Vec::new();
        for (account, known) in &self.accounts {
            let regions: Vec<&Region> = match &known.regions {
                Some(regions) => regions.iter().collect(),
                None => usual.iter().copied().collect(),
            };
            let is_missing = |region: &&Region| {
                let is_sought = self.only.as_ref().is_none_or(|only| only == *region);
                is_sought && known.should_deliver(region) && !there.contains(&(account.clone(), (*region).clone()))
            };
            let is_nowhere = regions.is_empty() && known.is_active;
            let missing: Vec<Region> = regions.into_iter().filter(is_missing).cloned().collect();
            if is_nowhere || !missing.is_empty() {
                absent.push((account.clone(), missing));
            }
        }
        absent
    }

    /// Keeps only what is sought, so that nothing else is missed.
    pub fn narrow(&mut self, sought: &ScopeFilter) {
        self.accounts.retain(|account, _| sought.account.as_ref().is_none_or(|only| only == account));
        self.only.clone_from(&sought.region);
        if let Some(unknown) = &mut self.unknown_regions {
            let UnknownRegions { accounts, asked, .. } = unknown;
            accounts.retain(|account| sought.account.as_ref().is_none_or(|only| only == account));
            *asked = if sought.account.is_some() { accounts.len() } else { *asked };
        }
        // Where one region is asked about, every account is asked about it.
        self.unknown_regions.take_if(|unknown| self.only.is_some() || unknown.accounts.is_empty());
    }

    /// Tells whether what lies somewhere can be this organization's: it is not in the folder of another one.
    pub fn is_own(&self, scope: &ChainScope) -> bool {
        match (&self.organization, &scope.organization) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    }
}

/// What CloudTrail says about a trail (`GetTrailStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailStatus {
    /// The trail's name.
    pub name: String,
    /// Where it delivers.
    pub delivery: TrailDestination,
    /// Whether it logs now.
    pub is_logging: bool,
    /// When logging was stopped last; none where it never was, or CloudTrail does not say.
    pub stopped: Option<Timestamp>,
    /// When logging was started last; none where it never was, or CloudTrail does not say.
    pub started: Option<Timestamp>,
    /// When a log file was delivered last; none where none ever was, or CloudTrail does not say.
    pub delivered: Option<Timestamp>,
    /// Why the last delivery failed; none where it did not.
    pub delivery_error: Option<String>,
}
