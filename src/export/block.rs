//! One of Terraform's resources, as it is written down.

use serde_json::Value;

use super::hcl::{Item, set};
use crate::estate::Tags;

/// One of Terraform's resources.
pub(super) struct Block {
    pub(super) kind: &'static str,
    /// What the label is made of, besides the account.
    pub(super) name: String,
    /// The id that it is imported by.
    pub(super) id: String,
    pub(super) body: Vec<Item>,
}

pub(super) fn block(kind: &'static str, name: &str, id: &str, body: Vec<Item>) -> Block {
    Block { kind, name: name.to_owned(), id: id.to_owned(), body }
}

pub(super) fn tags(tags: &Tags) -> Item {
    set("tags", tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Value>())
}
