//! Names of roles that are taken: IAM has each name once in an account, whatever its path, and moves no role to another
//! path.

use std::collections::BTreeMap;

use super::change::{Action, Change};
use crate::estate::role::unique_name;
use crate::estate::{Address, Estate, Kind, Problem, Stage};

/// Returns what stands against making roles: others of the same name with other paths.
pub(super) fn blockers(observed: &Estate, changes: &[Change]) -> Vec<Problem> {
    let made = changes.iter().filter(|change| change.address.kind == Kind::Role && change.action() == Action::Create);
    let mut made = made.peekable();
    if made.peek().is_none() {
        return Vec::new();
    }
    let names = names(observed);
    made.filter_map(|change| Some(blocker(&change.address, other(&names, &change.address)?))).collect()
}

/// Names with their paths, by account and what IAM compares of them.
type Names<'a> = BTreeMap<(&'a str, String), Vec<&'a str>>;

/// Returns the roles that are known: those that were observed, and of the log account everybody who can do something to
/// the archive.
fn names(observed: &Estate) -> Names<'_> {
    let roles = observed.resources().map(|(address, _)| address).filter(|address| address.kind == Kind::Role);
    let seen = roles.map(|address| (address.account.as_str(), address.name.as_str()));
    let around = observed.surroundings.as_ref().and_then(|all| all.principals.read()).into_iter().flatten();
    let around = around.filter_map(|principal| principal.arn.split_once("::")?.1.split_once(":role/"));
    let mut names = Names::new();
    for (account, name) in seen.chain(around) {
        names.entry((account, unique_name(name))).or_default().push(name);
    }
    names
}

/// Returns the name, with its path, of another role that keeps a name.
fn other<'a>(names: &Names<'a>, wanted: &'a Address) -> Option<&'a str> {
    let same = names.get(&(wanted.account.as_str(), unique_name(&wanted.name)))?;
    same.iter().copied().find(|other| *other != wanted.name)
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
             --allow destroys`, and apply again: until then it cannot be assumed"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::estate::surroundings::{Principal, Readable, Surroundings};
    use crate::estate::{Role, Sighting};
    use crate::plan::{Harm, Step};

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
        let (_, sighting) = role("222222222222/global/role/audit/Reader");
        let change = Change {
            operator: address.account.clone(),
            address,
            step: Step::create(sighting.resource().unwrap().clone()),
            risk: BTreeSet::new(),
            harm: Harm::Harmless,
            reason: "readers.role".into(),
            depends_on: Vec::new(),
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
        let surroundings = Surroundings { principals: Readable::Read(vec![principal]), ..Surroundings::default() };
        let estate = Estate { surroundings: Some(surroundings), ..Estate::default() };
        assert_eq!(found(&estate).as_deref(), Some("x/Reader"));
    }
}
