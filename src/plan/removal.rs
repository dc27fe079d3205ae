//! Statements of others that a person names for removal: the only way in which a plan takes one away that harms.

use sha2::{Digest, Sha256};

use crate::estate::{Address, Desired, Estate, Resource};
use crate::policy::Statement;
use crate::policy::merge::is_ours;

/// How many hexadecimal digits name a statement that has no `Sid` of its own.
const DIGITS: usize = 12;

/// Returns what `--destroy` takes for a statement of the policy at an address: `ADDRESS#NAME`.
///
/// The name is the statement's `Sid` where that is of letters and digits, else the beginning of the SHA-256 of its text.
pub fn text_that_names(address: &Address, statement: &Statement) -> String {
    format!("{address}#{}", name(statement))
}

fn name(statement: &Statement) -> String {
    let plain = |sid: &&String| !sid.is_empty() && sid.bytes().all(|b| b.is_ascii_alphanumeric());
    statement.sid.as_ref().filter(plain).cloned().unwrap_or_else(|| {
        let digest = Sha256::digest(statement.to_value().to_string());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..DIGITS].to_owned()
    })
}

/// Tells whether a person named this statement of others.
pub(super) fn is_named(desired: &Desired, address: &Address, statement: &Statement) -> bool {
    !desired.removed.is_empty() && !is_ours(statement) && desired.removed.contains(&text_that_names(address, statement))
}

/// Tells whether a text of `--destroy` means a statement: `#` is in no trail's name.
pub(super) fn means_statement(text: &str) -> bool {
    text.contains('#')
}

/// Says why a text names no statement that could be removed.
pub(super) fn why_not(desired: &Desired, observed: &Estate, text: &str) -> Option<String> {
    let (address, _) = text.split_once('#')?;
    let policy = address.parse::<Address>().ok().filter(|address| desired.wanted.contains_key(address));
    let Some(address) = policy else { return Some(format!("{address} is no policy of this deployment")) };
    let Some(live) = observed.resource(&address).and_then(Resource::shared_policy) else {
        return Some(format!("{address} has no policy that could be read"));
    };
    let found = live.statements.iter().find(|statement| text_that_names(&address, statement) == text);
    match found {
        Some(statement) if !is_ours(statement) => None,
        Some(_) => Some("the statement is orgtrail's own".to_owned()),
        None => {
            let foreign = live.statements.iter().filter(|statement| !is_ours(statement)).map(name);
            let names: Vec<String> = foreign.collect();
            Some(format!("{address} has no such statement of others; it has: {}", names.join(", ")))
        }
    }
}
