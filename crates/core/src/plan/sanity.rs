//! Refuses to plan on a world that looks wrong.

use crate::estate::{ACCOUNT_TAG, Desired, Estate, Kind, Problem, Resource, Stage};

/// Below this number of reader roles a large share is a small number of accounts, and no sign of anything.
const ROLES_MIN: usize = 5;

/// Finds out whether far fewer accounts are selected than have reader roles of this deployment: less than half.
///
/// The usual cause is an answer of AWS that lacks accounts, or a selector with a mistake, not a halved organization.
pub(super) fn far_fewer_accounts(desired: &Desired, observed: &Estate) -> Option<Problem> {
    let is_reader = |resource: &Resource| {
        matches!(resource, Resource::Role(role) if role.tags.contains_key(ACCOUNT_TAG))
            && resource.deployment() == Some(desired.deployment.as_str())
    };
    // An earlier log account has reader roles of the same accounts.
    let here = observed.resources().filter(|(address, _)| address.account == desired.log_account);
    let before = here.filter(|(_, resource)| is_reader(resource)).count();
    let accounts = desired.wanted.keys().filter(|address| address.kind == Kind::Policy).count();
    if before < ROLES_MIN || accounts * 2 >= before {
        return None;
    }
    Some(Problem {
        account: desired.log_account.clone(),
        address: None,
        stage: Stage::Plan,
        code: "FarFewerAccounts".into(),
        message: format!("{accounts} accounts are selected, but reader roles of {before} accounts exist"),
        help:
            "look at the output of `orgtrail discover`; if the organization really shrank, add --accept-fewer-accounts"
                .into(),
    })
}
