//! What the benchmarks work on: an organization of any size, and the estate that it has when nothing is left to do.

use std::collections::BTreeMap;

use orgtrail::estate::{Desired, Estate, Resource, Sighting};
use orgtrail::ids::Partition;
use orgtrail::organization::{Account, AccountState, Organization, Unit};

const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";

/// An organization of so many accounts, the management account and the log account among them.
pub fn organization(count: usize) -> Organization {
    let account = |n: usize| {
        let id = match n {
            0 => "111111111111".to_owned(),
            1 => "222222222222".to_owned(),
            n => format!("{:012}", 300_000_000_000 + n),
        };
        let account = Account {
            name: if n == 1 { "log-archive".into() } else { format!("workload-{n}") },
            email: format!("aws+{n}@example.com"),
            state: AccountState::Active,
            path: vec!["r-ab12".into(), "ou-ab12-11111111".into()],
            tags: None,
        };
        (id.parse().expect("twelve digits"), account)
    };
    let unit = |name: &str, parent: Option<&str>| Unit { name: name.into(), parent: parent.map(str::to_owned) };
    Organization {
        id: "o-exampleorgid".parse().expect("an id"),
        partition: Partition::Aws,
        management_account: "111111111111".parse().expect("twelve digits"),
        units: BTreeMap::from([
            ("r-ab12".to_owned(), unit("Root", None)),
            ("ou-ab12-11111111".to_owned(), unit("Workloads", Some("r-ab12"))),
        ]),
        accounts: (0..count).map(account).collect(),
    }
}

/// What is there when everything wanted was made.
pub fn made(desired: &Desired) -> Estate {
    let make = |mut resource: Resource| {
        if let Resource::Key(key) = &mut resource {
            key.arn = Some(KEY.into());
        }
        resource.resolve(&|_| Some(KEY.into()));
        Sighting::present(resource)
    };
    let sightings =
        desired.wanted.iter().map(|(address, wanted)| (address.clone(), make(wanted.resource.clone()))).collect();
    Estate { sightings, ..Estate::default() }
}
