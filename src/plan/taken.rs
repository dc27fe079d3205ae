//! Names of roles that are taken: IAM has each name once in an account, whatever its path, and moves no role to another path.

use super::change::{Action, Change};
use crate::estate::role::unique_name;
use crate::estate::{Address, Estate, Kind, Problem, Stage};

/// Returns what stands against making roles: others of the same name with other paths.
pub(super) fn blockers(observed: &Estate, changes: &[Change]) -> Vec<Problem> {
    let made = changes.iter().filter(|change| change.address.kind == Kind::Role && change.action == Action::Create);
    made.filter_map(|change| Some(blocker(&change.address, &other(observed, &change.address)?))).collect()
}

/// Returns the name, with its path, of another role that keeps a name.
fn other(observed: &Estate, wanted: &Address) -> Option<String> {
    let name = unique_name(&wanted.name);
    let is_other = |other: &str| other != wanted.name && unique_name(other) == name;
    let is_role = |address: &Address| address.kind == Kind::Role && address.account == wanted.account;
    let mut seen =
        observed.resources().filter(|(address, _)| is_role(address)).map(|(address, _)| address.name.as_str());
    // Of the log account everybody is known who can do something to the archive.
    let account = format!("::{}:role/", wanted.account);
    let around = observed.surroundings.as_ref().and_then(|all| all.principals.read()).into_iter().flatten();
    let mut principals = around.filter_map(|principal| Some(principal.arn.split_once(&account)?.1));
    seen.find(|other| is_other(other)).or_else(|| principals.find(|other| is_other(other))).map(str::to_owned)
}

fn blocker(at: &Address, other: &str) -> Problem {
    Problem {
        account: at.account.clone(),
        address: Some(at.clone()),
        stage: Stage::Plan,
        code: "RoleNameTaken".into(),
        message: format!(
            "the role {other} has that name already: IAM has each name once in an account, whatever its path, and moves no role"
        ),
        help: format!(
            "choose another name in readers.role; or remove {other} first, if it is of this deployment with `orgtrail apply --prune \
             --allow destroys`, and apply again: until then nobody assumes it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::estate::surroundings::{Part, Principal, Surroundings};
    use crate::estate::{Role, Sighting};
    use crate::plan::Harm;

    fn role(address: &str) -> (Address, Sighting) {
        let role = Role {
            trust: Default::default(),
            inline: Default::default(),
            attached: BTreeSet::new(),
            boundary: None,
            max_session_s: None,
            description: None,
            unique_id: None,
            tags: Default::default(),
        };
        (address.parse().unwrap(), Sighting::present(role))
    }

    #[test]
    fn a_name_is_taken_whatever_the_path() {
        let address: Address = "222222222222/global/role/audit/Reader".parse().unwrap();
        let change = Change {
            operator: address.account.clone(),
            address,
            action: Action::Create,
            risk: BTreeSet::new(),
            harm: Harm::Harmless,
            reason: "readers.role".into(),
            fields: Vec::new(),
            depends_on: Vec::new(),
            desired: None,
            observed: None,
        };
        let found = |observed: &Estate| {
            let blockers = blockers(observed, std::slice::from_ref(&change));
            blockers.first().map(|one| one.message.split_whitespace().nth(2).unwrap().to_owned())
        };
        for (there, taken) in [
            ("222222222222/global/role/Reader", Some("Reader")),
            ("222222222222/global/role/other/READER", Some("other/READER")),
            ("222222222222/global/role/Reader2", None),
            ("333333333333/global/role/Reader", None),
        ] {
            let estate = Estate { sightings: [role(there)].into(), ..Estate::default() };
            assert_eq!(found(&estate).as_deref(), taken, "{there}");
        }
        let principal = Principal {
            arn: "arn:aws:iam::222222222222:role/x/Reader".into(),
            powers: Default::default(),
            trust: None,
            unknown: Vec::new(),
        };
        let surroundings = Surroundings { principals: Part::Read(vec![principal]), ..Surroundings::default() };
        let estate = Estate { surroundings: Some(surroundings), ..Estate::default() };
        assert_eq!(found(&estate).as_deref(), Some("x/Reader"));
    }
}
