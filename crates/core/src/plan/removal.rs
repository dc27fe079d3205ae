//! Statements of others that are named for removal, by a person (`--destroy`) or because they break isolation
//! (`--close`): the only way in which a plan takes one away that harms.

use crate::estate::statement::names_of_others;
use crate::estate::{Address, Desired, Estate, Resource, StatementRef};
use crate::policy::Statement;

/// Tells whether this statement of others is named for removal.
pub(super) fn is_named(desired: &Desired, address: &Address, statement: &Statement) -> bool {
    !desired.removed.is_empty()
        && StatementRef::of(address, statement).is_some_and(|statement| desired.removed.contains(&statement))
}

/// Tells whether a text of `--destroy` means a statement: `#` is in no trail's name.
pub(super) fn means_statement(text: &str) -> bool {
    text.contains('#')
}

/// Says why a text names no statement that could be removed.
pub(super) fn why_not(desired: &Desired, observed: &Estate, text: &str) -> Option<String> {
    let named: StatementRef = match text.parse() {
        Ok(named) => named,
        Err(why) => return Some(why),
    };
    let address = &named.address;
    if !desired.wanted.contains_key(address) {
        return Some(format!("{address} is no policy of this deployment"));
    }
    let Some(live) = observed.resource(address).and_then(Resource::shared_policy) else {
        return Some(format!("{address} has no policy that could be read"));
    };
    let ours = || live.statements.iter().any(|statement| statement.sid.as_ref() == Some(&named.name));
    match named.is_in(live) {
        true => None,
        false if ours() => Some("the statement is orgtrail's own".to_owned()),
        false => {
            let names = names_of_others(live).join(", ");
            Some(format!("{address} has no such statement of others; it has: {names}"))
        }
    }
}
