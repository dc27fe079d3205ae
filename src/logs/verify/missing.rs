//! What should have had a chain, and what of it has none: part of the answer.

use std::collections::BTreeSet;

use crate::ids::{AccountId, Region};
use crate::logs::expected::UnknownRegions;
use crate::logs::finding::{Code, Finding, State, TimeRange};

/// What should have had a chain, and what of it has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedChains {
    /// Who says so, for a person.
    pub said_by: String,
    /// How many accounts should have one.
    pub accounts: usize,
    /// How many regions are known to be in use in them; 0 when that is not known.
    pub regions: usize,
    /// The trails that should have one.
    pub trails: BTreeSet<String>,
    /// What has none.
    pub missing: Vec<MissingChain>,
    /// Why it is not known which accounts should have one; not set where it is known.
    pub unknown: Option<String>,
    /// Of which accounts it is not known which regions are enabled; not set where it is known, or it was not asked for.
    pub unknown_regions: Option<UnknownRegions>,
}

/// What should have a chain and has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MissingChain {
    /// The account; not set for a trail that has no chain in any.
    pub account: Option<AccountId>,
    /// The account's name; not set when unknown.
    pub name: Option<String>,
    /// The regions in which it has none; empty for all.
    pub regions: Vec<Region>,
    /// The trail; not set for any.
    pub trail: Option<String>,
    /// The id of the organization in whose folder the chain lay; not set where that is not known, or any will do.
    pub organization: Option<String>,
    /// The ids of the other organizations that have a chain of this account, region and trail.
    pub others: BTreeSet<String>,
}

impl MissingChain {
    /// Returns what is missing, for a person.
    pub fn phrase(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let account = self.account.as_ref().map(|account| format!("account {account}{name}"));
        let regions = if self.regions.is_empty() { String::new() } else { format!(" in {}", joined(&self.regions)) };
        let trail = self.trail.as_ref().map(|trail| format!("trail {trail}"));
        let parts: Vec<String> = trail.into_iter().chain(account).collect();
        format!("{}{regions}", parts.join(" of "))
    }

    /// Says what should be there and is not. The organization is named where another one has what looks the same.
    fn sentence(&self, said_by: &str) -> String {
        let name = self.phrase();
        match &self.organization {
            Some(own) if !self.others.is_empty() => {
                let others = self.others.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                format!(
                    "{name} should have digests of organization {own} ({said_by}), and has only those of organization \
                     {others}, which are another chain"
                )
            }
            _ => format!("{name} should have digests ({said_by}), and has none"),
        }
    }
}

impl ExpectedChains {
    /// Returns what is missing as findings, by name.
    pub(super) fn findings(&self, window: Option<TimeRange>) -> Vec<Finding> {
        let missing: BTreeSet<String> = self.missing.iter().map(|missing| missing.sentence(&self.said_by)).collect();
        let unknown = self.unknown.iter().map(|why| format!("which accounts should have digests is not known: {why}"));
        let (code, state, object) = (Code::ChainExpected, State::Unproven, None);
        let finding = |detail| Finding { code, state, object: object.clone(), window, detail, next: None };
        let regions = self
            .unknown_regions
            .iter()
            .map(|unknown| Finding { next: Some(unknown.next.clone()), ..finding(unknown.sentence()) });
        missing.into_iter().chain(unknown).map(finding).chain(regions).collect()
    }
}

fn joined(regions: &[Region]) -> String {
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}
