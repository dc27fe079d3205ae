//! The account that somebody may have meant. Pure.

use crate::config::suggest::nearest;
use crate::organization::Organization;

/// Returns the end of a sentence that names the account whose name or id is most like a text; nothing where none is.
pub fn alike(organization: &Organization, text: &str) -> String {
    let names = organization.accounts.iter().flat_map(|(id, account)| [account.name.as_str(), id.as_str()]);
    let meant = nearest(text, names).and_then(|meant| organization.find(meant).first().copied());
    meant.map(|id| format!("; is it {} ({id})?", organization.name_of(id))).unwrap_or_default()
}
