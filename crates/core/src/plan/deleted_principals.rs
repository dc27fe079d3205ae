//! Statements of others for a user or role that is gone: AWS shows its unique id (`AROA…`, `AIDA…`) where its ARN stood
//! (IAM user guide, "AWS JSON policy elements: Principal"). It is never given to another one, so such a statement lets
//! nobody in; it is named with what takes it out. An id in a condition stays as it was written, so whose it was is not
//! known.

use super::finding::{Finding, Harm};
use super::removal::is_named;
use crate::estate::{Address, Desired, Estate, Resource, StatementRef};
use crate::policy::document::{PrincipalElement, Principals};
use crate::policy::isolation::is_unique_id;
use crate::policy::{Aliases, Effect, Statement};

/// The code of a statement whose principal is gone.
pub const DELETED: &str = "deleted-principal";

/// The code of a statement with a condition on a unique id that no principal has which was seen.
pub const UNKNOWN: &str = "unknown-principal";

/// Returns a finding for each of them that stays.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let aliases = observed.aliases(desired.partition);
    let policies = desired.wanted.keys().filter_map(|address| {
        let policy = observed.resource(address).and_then(Resource::shared_policy)?;
        Some((address, policy))
    });
    let statements = policies.flat_map(|(address, policy)| policy.statements.iter().map(move |one| (address, one)));
    let stays = statements.filter(|(address, statement)| !is_named(desired, address, statement));
    stays.filter_map(|(address, statement)| finding(address, statement, &aliases)).collect()
}

fn finding(address: &Address, statement: &Statement, aliases: &Aliases) -> Option<Finding> {
    let named = StatementRef::of(address, statement)?;
    let (ids, is_for_others) = deleted(statement, aliases);
    let allow = if statement.effect == Effect::Allow { "destroys" } else { "weakens,destroys" };
    let remove = format!("`orgtrail apply --destroy '{named}' --allow {allow}` takes it out");
    let name = &named.name;
    let (code, message, help) = if ids.is_empty() {
        let ids = unknown(statement, aliases);
        if ids.is_empty() {
            return None;
        }
        let message = format!(
            "the statement {name}, which others wrote, has a condition on the unique id {}: no user or role that was seen has \
             it; it may be deleted",
            ids.join(", ")
        );
        (UNKNOWN, message, format!("where that user or role is gone, {remove}"))
    } else if is_for_others {
        let message =
            format!("the statement {name}, which others wrote, also names {}, which is deleted", ids.join(", "));
        (DELETED, message, "take the id out of the statement; it goes on for the principals beside it".to_owned())
    } else {
        let message =
            format!("the statement {name}, which others wrote, is for {} alone, which is deleted", ids.join(", "));
        (DELETED, message, format!("{remove}; until then it names no principal"))
    };
    Some(Finding::new(Harm::Harmless, address, code, message, help).about(Some(named)))
}

/// Returns the unique ids among the principals, and whether there are others beside them.
fn deleted(statement: &Statement, aliases: &Aliases) -> (Vec<String>, bool) {
    let Some(PrincipalElement::Is(Principals::Listed(by_kind))) = &statement.principal else {
        return (Vec::new(), true);
    };
    let all: Vec<&String> = by_kind.values().flatten().collect();
    let is_gone = |id: &str| is_unique_id(id) && !aliases.contains_key(id);
    let gone: Vec<String> = all.iter().filter(|id| is_gone(id)).map(|id| (*id).clone()).collect();
    let is_for_others = gone.len() < all.len();
    (gone, is_for_others)
}

/// Returns the unique ids in conditions on `aws:userid` that no principal has which was seen.
fn unknown(statement: &Statement, aliases: &Aliases) -> Vec<String> {
    let keys = statement.condition.values().flatten().filter(|(key, _)| key.eq_ignore_ascii_case("aws:userid"));
    let ids = keys.flat_map(|(_, values)| values).map(|value| value.split(':').next().unwrap_or_default());
    let mut ids: Vec<String> =
        ids.filter(|id| is_unique_id(id) && !aliases.contains_key(*id)).map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    ids
}
