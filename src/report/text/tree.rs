//! Who is directly below whom in an organization.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::AccountId;
use crate::organization::{Account, Organization};

/// An organization by its branches, to be taken apart from the roots downward.
///
/// A damaged file may call a unit its own ancestor. Nobody loops as long as each branch is taken out when it is drawn.
pub struct Tree<'a> {
    roots: BTreeSet<&'a str>,
    units: BTreeMap<&'a str, BTreeSet<&'a str>>,
    accounts: BTreeMap<&'a str, Vec<(&'a AccountId, &'a Account)>>,
}

/// What is directly below a root or a unit.
pub struct Branch<'a> {
    /// The accounts, by id.
    pub accounts: Vec<(&'a AccountId, &'a Account)>,
    /// The ids of the units.
    pub units: BTreeSet<&'a str>,
}

impl<'a> Tree<'a> {
    /// Finds the branches.
    pub fn of(organization: &'a Organization) -> Self {
        let mut tree = Self { roots: BTreeSet::new(), units: BTreeMap::new(), accounts: BTreeMap::new() };
        for (id, unit) in &organization.units {
            match &unit.parent {
                Some(parent) => tree.units.entry(parent).or_default().insert(id),
                None => tree.roots.insert(id),
            };
        }
        for (id, account) in &organization.accounts {
            // The paths know units whose names nobody asked for.
            for pair in account.path.windows(2) {
                tree.units.entry(&pair[0]).or_default().insert(&pair[1]);
            }
            tree.roots.insert(account.path.first().map_or("", String::as_str));
            let parent = account.path.last().map_or("", String::as_str);
            tree.accounts.entry(parent).or_default().push((id, account));
        }
        let below: BTreeSet<&str> = tree.units.values().flatten().copied().collect();
        tree.roots.retain(|root| !below.contains(root));
        tree
    }

    /// Takes the ids of the roots out. There is one in an organization as AWS shows it.
    pub fn take_roots(&mut self) -> BTreeSet<&'a str> {
        std::mem::take(&mut self.roots)
    }

    /// Takes out what is directly below a root or unit; empty the second time.
    pub fn take_branch(&mut self, parent: &str) -> Branch<'a> {
        Branch {
            accounts: self.accounts.remove(parent).unwrap_or_default(),
            units: self.units.remove(parent).unwrap_or_default(),
        }
    }
}
