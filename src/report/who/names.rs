//! What accounts are called, beside their ids.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// The longest name that is shown, in characters: Organizations allows 50 (Organizations API, `CreateAccount`).
const NAME_MAX: usize = 50;
/// The most names of one sentence.
const NAMED_MAX: usize = 20;
/// How many digits an account's id has.
const ID_LENGTH: usize = 12;

/// The names of accounts by their ids, as people gave them: untrusted text, which each format escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountNames(BTreeMap<String, String>);

impl AccountNames {
    /// Takes names, each cut off where it is longer than Organizations allows; empty ones say nothing.
    pub fn new(names: impl IntoIterator<Item = (String, String)>) -> Self {
        let cut = |name: String| match name.char_indices().nth(NAME_MAX) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name,
        };
        Self(names.into_iter().filter(|(_, name)| !name.is_empty()).map(|(id, name)| (id, cut(name))).collect())
    }

    /// Keeps the names of the accounts whose ids are in a text.
    pub(super) fn retain_in(&mut self, text: &str) {
        self.0.retain(|id, _| text.contains(id.as_str()));
    }

    /// Returns a text that begins with the id of an account with the name behind the id: `111111111111 (shop)`.
    pub(super) fn named(&self, text: &str) -> String {
        let id = text.get(..ID_LENGTH).unwrap_or_default();
        match self.0.get(id) {
            Some(name) => format!("{id} ({name}){}", &text[ID_LENGTH..]),
            None => text.to_owned(),
        }
    }

    /// Returns what the accounts are called, in a sentence. `None`: no name is known.
    pub(super) fn sentence(&self) -> Option<String> {
        let all: Vec<String> = self.0.keys().take(NAMED_MAX).map(|id| self.named(id)).collect();
        let more = self.0.len().saturating_sub(all.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!all.is_empty()).then(|| format!("Accounts: {}{more}.", all.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_behind_the_id_and_is_never_longer_than_a_name_may_be() {
        let id = |n: u8| n.to_string().repeat(12);
        let names = [(id(1), "shop".to_owned()), (id(2), "ü".repeat(900)), (id(3), String::new())];
        let mut names = AccountNames::new(names);
        assert_eq!(names.named("111111111111 eu-central-1"), "111111111111 (shop) eu-central-1");
        assert_eq!(names.named("333333333333"), "333333333333");
        assert_eq!(names.named("ü"), "ü");
        assert_eq!(names.named("ééééééééééé"), "ééééééééééé");
        assert_eq!(names.named(&id(2)).chars().count(), 12 + 3 + 51);
        names.retain_in("of 111111111111");
        assert_eq!(names.sentence().as_deref(), Some("Accounts: 111111111111 (shop)."));
    }
}
