//! Which accounts a configuration chooses, and why each was chosen or left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::selector::Selector;
use super::{Account, AccountState, Organization};
use crate::ids::AccountId;

/// What the configuration says of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The account gets a reader role and a member policy, and a trail where trails are made in each account.
    pub chosen: bool,
    /// Why, in a few words: the selector that decided, or the account's state.
    pub why: String,
}

/// Decides on every account of the organization.
///
/// An account is chosen if it is active, some `include` matches and no `exclude` does. A state other than active
/// decides first: no call into such an account can succeed.
pub fn select(organization: &Organization, include: &[Selector], exclude: &[Selector]) -> BTreeMap<AccountId, Choice> {
    let choose =
        |(id, account): (&AccountId, &Account)| (id.clone(), choice(organization, id, account, include, exclude));
    organization.accounts.iter().map(choose).collect()
}

/// Returns the accounts that were chosen, in their order.
pub fn chosen(choices: &BTreeMap<AccountId, Choice>) -> impl Iterator<Item = &AccountId> {
    choices.iter().filter(|(_, choice)| choice.chosen).map(|(id, _)| id)
}

fn choice(
    organization: &Organization,
    id: &AccountId,
    account: &Account,
    include: &[Selector],
    exclude: &[Selector],
) -> Choice {
    let no = |why: String| Choice { chosen: false, why };
    if let Some(why) = not_usable(account.state) {
        return no(format!("{}: {why}", account.state.as_str()));
    }
    let matching =
        |list: &[Selector]| list.iter().find(|s| matches(organization, id, account, s)).map(Selector::to_string);
    match (matching(include), matching(exclude)) {
        (None, _) => no("no include matches".into()),
        (Some(_), Some(excluded)) => no(format!("excluded by {excluded}")),
        (Some(included), None) => Choice { chosen: true, why: included },
    }
}

fn not_usable(state: AccountState) -> Option<&'static str> {
    match state {
        AccountState::Active => None,
        AccountState::PendingActivation => Some("it is taken in as soon as it is active"),
        AccountState::Suspended => Some("calls into it fail; what it has is left as it is"),
        AccountState::PendingClosure => Some("it is being closed; its logs stay in the bucket"),
        AccountState::Closed => Some("it is closed; its logs stay in the bucket"),
    }
}

/// Tells whether a selector names an account, whatever its state.
pub fn matches(organization: &Organization, id: &AccountId, account: &Account, selector: &Selector) -> bool {
    match selector {
        Selector::Id(wanted) => wanted == id,
        Selector::Name(glob) => glob.matches(&account.name),
        Selector::Tag { key, value } => {
            account.tags.as_ref().and_then(|tags| tags.get(key)).is_some_and(|tag| value.matches(tag))
        }
        Selector::Ou(pattern) => pattern.matches_path(&account.path, |id| organization.unit_name(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization::Unit;

    fn world() -> Organization {
        let unit = |name: &str, parent: Option<&str>| Unit { name: name.into(), parent: parent.map(str::to_owned) };
        let account = |name: &str, state, path: &[&str]| Account {
            name: name.into(),
            email: format!("{name}@example.com"),
            state,
            path: path.iter().map(|p| p.to_string()).collect(),
            tags: Some(BTreeMap::from([("env".into(), name.to_owned())])),
        };
        let active = AccountState::Active;
        Organization {
            id: "o-exampleorgid".parse().unwrap(),
            partition: crate::ids::Partition::Aws,
            management_account: "111111111111".parse().unwrap(),
            units: BTreeMap::from([
                ("r-1".into(), unit("Root", None)),
                ("ou-1".into(), unit("Workloads", Some("r-1"))),
                ("ou-2".into(), unit("Prod", Some("ou-1"))),
            ]),
            accounts: BTreeMap::from([
                ("111111111111".parse().unwrap(), account("main", active, &["r-1"])),
                ("222222222222".parse().unwrap(), account("shop", active, &["r-1", "ou-1", "ou-2"])),
                ("333333333333".parse().unwrap(), account("old", AccountState::Suspended, &["r-1", "ou-1"])),
            ]),
        }
    }

    fn chosen_by(include: &str, exclude: &str) -> Vec<String> {
        let read = |text: &str| text.split_whitespace().map(|s| s.parse().unwrap()).collect::<Vec<Selector>>();
        let choices = select(&world(), &read(include), &read(exclude));
        chosen(&choices).map(|id| id.to_string()).collect()
    }

    #[test]
    fn selectors_choose_active_accounts() {
        assert_eq!(chosen_by("ou:/**", ""), ["111111111111", "222222222222"]);
        assert_eq!(chosen_by("ou:/Workloads/**", ""), ["222222222222"]);
        assert_eq!(chosen_by("ou:/", ""), ["111111111111"]);
        assert_eq!(chosen_by("name:s*", ""), ["222222222222"]);
        assert_eq!(chosen_by("ou:r-1root/**", ""), Vec::<String>::new());
        assert_eq!(chosen_by("tag:env=main", ""), ["111111111111"]);
        assert_eq!(chosen_by("ou:/**", "id:111111111111"), ["222222222222"]);
        assert_eq!(chosen_by("id:333333333333", ""), Vec::<String>::new());
    }

    #[test]
    fn every_account_has_a_reason() {
        let choices = select(&world(), &["ou:/Workloads/**".parse().unwrap()], &[]);
        let why = |id: &str| choices[&id.parse::<AccountId>().unwrap()].why.clone();
        assert_eq!(why("111111111111"), "no include matches");
        assert_eq!(why("222222222222"), "ou:/Workloads/**");
        assert!(why("333333333333").starts_with("SUSPENDED"));
    }
}
