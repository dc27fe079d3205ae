//! Selectors that match nothing: what a person meant, most likely.

use crate::config::Config;
use crate::config::suggest::nearest;
use crate::organization::select::matches;
use crate::organization::selector::{OuStep, Selector};
use crate::organization::{Organization, Unit};

/// How many units above another are followed: Organizations nests units five deep, and a damaged snapshot may nest them
/// in a circle.
const DEPTH_MAX: usize = 16;

/// A selector that matches no unit and no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The field: `accounts.include[0]`.
    pub field: String,
    /// The selector, as it was written.
    pub selector: String,
    /// What was meant, most likely, and how to write it; none where nothing is like it.
    pub meant: Option<String>,
}

impl Unmatched {
    /// Returns the sentence that says it.
    pub fn message(&self) -> String {
        format!("{} says `{}`, which matches no unit and no account", self.field, self.selector)
    }

    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match &self.meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`orgtrail discover` shows all units and accounts; correct the selector, or remove it".into(),
        }
    }
}

/// Returns the selectors of both lists that match nothing, whatever the state of the accounts. What cannot be told
/// because names of units or tags were not read does not count.
pub fn unmatched(config: &Config, organization: &Organization) -> Vec<Unmatched> {
    of_lists(organization, &config.accounts.include, &config.accounts.exclude)
}

fn of_lists(organization: &Organization, include: &[Selector], exclude: &[Selector]) -> Vec<Unmatched> {
    let of = |list: &'static str, selectors: &[Selector]| -> Vec<Unmatched> {
        let nothing = selectors.iter().enumerate().filter(|(_, selector)| is_unmatched(organization, selector));
        nothing
            .map(|(n, selector)| Unmatched {
                field: format!("accounts.{list}[{n}]"),
                selector: selector.to_string(),
                meant: meant(organization, selector),
            })
            .collect()
    };
    [of("include", include), of("exclude", exclude)].concat()
}

fn is_unmatched(organization: &Organization, selector: &Selector) -> bool {
    let tags_unknown = || organization.accounts.values().any(|account| account.tags.is_none());
    if selector.needs_tags() && tags_unknown() {
        return false;
    }
    let mut accounts = organization.accounts.iter();
    !accounts.any(|(id, account)| matches(organization, id, account, selector)) && !matches_unit(organization, selector)
}

/// A unit without accounts is there all the same.
fn matches_unit(organization: &Organization, selector: &Selector) -> bool {
    let Selector::Ou(pattern) = selector else {
        return false;
    };
    organization
        .units
        .keys()
        .any(|id| pattern.matches_path(&path_of(organization, id), |id| organization.unit_name(id)))
}

/// Returns the ids from the root down to a unit.
fn path_of(organization: &Organization, unit: &str) -> Vec<String> {
    let mut path = vec![unit.to_owned()];
    let mut above = parent(organization, unit);
    while let Some(id) = above
        && path.len() < DEPTH_MAX
    {
        path.push(id.to_owned());
        above = parent(organization, id);
    }
    path.reverse();
    path
}

fn parent<'a>(organization: &'a Organization, id: &str) -> Option<&'a str> {
    organization.units.get(id).and_then(|unit| unit.parent.as_deref())
}

fn meant(organization: &Organization, selector: &Selector) -> Option<String> {
    match selector {
        Selector::Ou(pattern) => {
            let named = pattern.steps.iter().filter_map(|step| match step {
                OuStep::Name(name) => Some(name.as_str()),
                OuStep::AnyDepth => None,
            });
            let words: Vec<&str> = pattern.from.as_deref().into_iter().chain(named).collect();
            unit_like(organization, &words)
        }
        Selector::Name(name) => {
            let meant = nearest(name.as_str(), organization.accounts.values().map(|account| account.name.as_str()))?;
            let id = organization.find(meant).first().copied()?;
            Some(format!("the account `{meant}`, `id:{id}`"))
        }
        Selector::Id(id) => {
            let meant = nearest(id.as_str(), organization.accounts.keys().map(|id| id.as_str()))?;
            Some(format!(
                "the account `{}`, `id:{meant}`",
                organization.find(meant).first().map(|id| organization.name_of(id))?
            ))
        }
        Selector::Tag { key, value } => {
            let accounts = organization.accounts.values().filter_map(|account| account.tags.as_ref());
            let tags: Vec<String> = accounts.flatten().map(|(key, value)| format!("{key}={value}")).collect();
            let meant = nearest(&format!("{key}={}", value.as_str()), tags.iter().map(String::as_str))?;
            Some(format!("`tag:{meant}`"))
        }
    }
}

/// Finds a unit by what was written: its name, in which slashes may stand, its path, its last name or its id.
fn unit_like(organization: &Organization, words: &[&str]) -> Option<String> {
    let whole = words.join("/");
    let last = words.last()?;
    let units: Vec<(&String, &Unit, String)> = organization
        .units
        .iter()
        .filter(|(_, unit)| unit.parent.is_some())
        .map(|(id, unit)| (id, unit, names(organization, id)))
        .collect();
    let by = |text: &str, of: &dyn Fn(&(&String, &Unit, String)) -> String| -> Option<String> {
        let candidates: Vec<String> = units.iter().map(of).collect();
        let meant = nearest(text, candidates.iter().map(String::as_str))?.to_owned();
        let at = candidates.iter().position(|candidate| *candidate == meant)?;
        units.get(at).map(|(id, unit, _)| format!("the unit `{}`, `ou:{id}/**`", unit.name))
    };
    by(&whole, &|(_, _, path)| path.clone())
        .or_else(|| by(&whole, &|(_, unit, _)| unit.name.clone()))
        .or_else(|| by(&whole, &|(id, _, _)| (*id).clone()))
        .or_else(|| by(last, &|(_, unit, _)| unit.name.clone()))
}

/// Returns the names of the units down to one, the root's left out.
fn names(organization: &Organization, unit: &str) -> String {
    let path = path_of(organization, unit);
    path.iter().skip(1).map(|id| organization.unit_name(id)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::organization::{Account, AccountState};

    fn world() -> Organization {
        let unit = |name: &str, parent: &str| Unit { name: name.into(), parent: Some(parent.into()) };
        let account = |name: &str, unit: &str| Account {
            name: name.into(),
            email: String::new(),
            state: AccountState::Suspended,
            path: vec!["r-ab12".into(), unit.into()],
            tags: Some(BTreeMap::from([("env".to_owned(), "prod".to_owned())])),
        };
        Organization {
            id: "o-exampleorgid".parse().unwrap(),
            partition: crate::ids::Partition::Aws,
            management_account: "111111111111".parse().unwrap(),
            units: BTreeMap::from([
                ("r-ab12".to_owned(), Unit { name: "Root".into(), parent: None }),
                ("ou-ab12-11111111".to_owned(), unit("Workloads", "r-ab12")),
                ("ou-ab12-22222222".to_owned(), unit("Prod", "ou-ab12-11111111")),
                ("ou-ab12-slash000".to_owned(), unit("R&D / Lab", "r-ab12")),
            ]),
            accounts: BTreeMap::from([("222222222222".parse().unwrap(), account("shop-prod", "ou-ab12-slash000"))]),
        }
    }

    fn said(text: &str) -> Option<String> {
        let selectors = [text.parse().unwrap()];
        let found = of_lists(&world(), &[], &selectors);
        let [one] = &found[..] else {
            assert!(found.is_empty());
            return None;
        };
        assert_eq!(one.field, "accounts.exclude[0]");
        Some(one.help())
    }

    #[test]
    fn what_matches_nothing_is_said_with_what_is_nearest() {
        for (text, part) in [
            ("ou:/R&D / Lab/**", "the unit `R&D / Lab`, `ou:ou-ab12-slash000/**`"),
            ("ou:/Workload/**", "the unit `Workloads`"),
            ("ou:/workloads/prod", "the unit `Prod`, `ou:ou-ab12-22222222/**`"),
            ("ou:/Prod/**", "the unit `Prod`"),
            ("ou:ou-ab12-2222222x/**", "the unit `Prod`"),
            ("name:shop-prd", "the account `shop-prod`, `id:222222222222`"),
            ("id:222222222223", "the account `shop-prod`, `id:222222222222`"),
            ("tag:env=prd", "`tag:env=prod`"),
            ("name:nothing-like-it-at-all", "`orgtrail discover`"),
        ] {
            let help = said(text).unwrap_or_else(|| panic!("{text} matches nothing"));
            assert!(help.contains(part), "{text}: {help}");
        }
    }

    #[test]
    fn a_unit_without_accounts_and_an_account_that_is_closed_are_something() {
        for text in ["ou:/Workloads/Prod", "ou:/**", "ou:ou-ab12-11111111/**", "ou:ou-ab12-slash000", "id:222222222222"]
        {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn tags_that_were_not_read_are_not_missed() {
        let mut organization = world();
        organization.accounts.values_mut().for_each(|account| account.tags = None);
        assert!(of_lists(&organization, &["tag:a=b".parse().unwrap()], &[]).is_empty());
    }

    #[test]
    fn units_in_a_circle_end() {
        let mut organization = world();
        organization.units.get_mut("ou-ab12-11111111").unwrap().parent = Some("ou-ab12-22222222".into());
        assert_eq!(of_lists(&organization, &["ou:/Nowhere/At/All".parse().unwrap()], &[]).len(), 1);
    }
}
