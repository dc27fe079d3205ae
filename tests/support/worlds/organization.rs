//! Random organizations: up to forty accounts in a tree of units, in every state of their lives, with hostile names.

use std::collections::BTreeMap;

use orgtrail::ids::{AccountId, Partition};
use orgtrail::organization::{Account, AccountState, Organization, Unit};
use proptest::prelude::*;

/// The units of every organization: id, name, parent.
const UNITS: [(&str, &str, Option<&str>); 6] = [
    ("r-ab12", "Root", None),
    ("ou-ab12-11111111", "Workloads", Some("r-ab12")),
    ("ou-ab12-22222222", "Prod", Some("ou-ab12-11111111")),
    ("ou-ab12-33333333", "Sandbox", Some("r-ab12")),
    ("ou-ab12-44444444", "a/../\"*{{b}}", Some("ou-ab12-33333333")),
    ("ou-ab12-55555555", "Sicherheit ☂", Some("r-ab12")),
];

/// Organizations with up to so many accounts. The first of them is the management account.
pub fn organizations(accounts_max: usize) -> impl Strategy<Value = Organization> {
    let ids = || 0_u64..1_000_000_000_000;
    // Mostly small ones: they hold every case, and there is time for more of them.
    let few = prop::collection::btree_map(ids(), account(), 1..=accounts_max.min(6));
    let many = prop::collection::btree_map(ids(), account(), 1..=accounts_max);
    let accounts = prop_oneof![5 => few, 1 => many];
    (accounts, any::<prop::sample::Index>(), partitions()).prop_map(|(accounts, management, partition)| {
        let mut accounts: BTreeMap<AccountId, Account> =
            accounts.into_iter().map(|(id, account)| (format!("{id:012}").parse().unwrap(), account)).collect();
        let place = management.index(accounts.len());
        let management_account = accounts.keys().nth(place).unwrap().clone();
        accounts.get_mut(&management_account).unwrap().state = AccountState::Active;
        Organization {
            id: "o-exampleorgid".parse().unwrap(),
            partition,
            management_account,
            units: UNITS.iter().map(unit).collect(),
            accounts,
        }
    })
}

fn partitions() -> impl Strategy<Value = Partition> {
    prop_oneof![3 => Just(Partition::Aws), 1 => Just(Partition::GovCloud), 1 => Just(Partition::China)]
}

fn unit((id, name, parent): &(&str, &str, Option<&str>)) -> (String, Unit) {
    ((*id).to_owned(), Unit { name: (*name).to_owned(), parent: parent.map(str::to_owned) })
}

/// One account.
pub fn account() -> impl Strategy<Value = Account> {
    let state = prop_oneof![
        12 => Just(AccountState::Active),
        1 => Just(AccountState::PendingActivation),
        1 => Just(AccountState::Suspended),
        1 => Just(AccountState::PendingClosure),
        1 => Just(AccountState::Closed),
    ];
    let team = prop::option::of(prop_oneof![Just("red"), Just("blue")]);
    (name(), state, 0..UNITS.len(), team).prop_map(|(name, state, unit, team)| Account {
        email: format!("{}@example.com", name.len()),
        name,
        state,
        path: path(unit),
        tags: Some(team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect()),
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{3,8}",
        1 => Just("\",\"Effect\":\"Allow".to_owned()),
        1 => Just("{{account.id}} ${aws:PrincipalAccount} *".to_owned()),
        1 => Just("\u{1b}[31m<script>alert(1)</script>\u{202e}|`".to_owned()),
        1 => "\\PC{0,12}",
    ]
}

/// The ids from the root to a unit.
fn path(unit: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut next = UNITS.get(unit);
    while let Some((id, _, parent)) = next {
        path.insert(0, (*id).to_owned());
        next = parent.and_then(|parent| UNITS.iter().find(|(id, _, _)| *id == parent));
    }
    path
}
