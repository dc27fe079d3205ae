//! The customer managed key of the log bucket and its policy. The address has the alias as its name.

use serde::{Deserialize, Serialize};

use super::{Address, Field, Tags};
use crate::policy::{Aliases, PolicyDocument};

/// A symmetric customer managed key behind an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The ARN. AWS decides it: none in what is desired, until the key is made.
    pub arn: Option<String>,
    /// The alias points to it. False only for a key of this deployment that a stopped run made without giving it its
    /// alias.
    pub has_alias: bool,
    /// It can be used: neither disabled nor waiting for deletion.
    pub enabled: bool,
    /// It is waiting for its deletion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending_deletion: bool,
    /// When it will be deleted (RFC 3339), as observed. None where it does not wait for its deletion, or KMS did not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<String>,
    /// It is rotated every year.
    pub rotation: bool,
    /// The tags.
    pub tags: Tags,
}

impl Key {
    pub(super) fn fields(&self) -> Vec<Field> {
        // The date says more of a deletion, and nothing that could be wanted.
        let Self { arn: _, has_alias, enabled, pending_deletion, deletion_date: _, rotation, tags } = self;
        vec![
            Field::plain("alias", *has_alias),
            Field::plain("enabled", *enabled),
            Field::plain("pending_deletion", *pending_deletion),
            Field::plain("rotation", *rotation),
            Field::tags(tags),
        ]
    }

    /// Returns the names by which policies and settings may call this key.
    pub(super) fn aliases(&self, address: &Address) -> Aliases {
        let Some(arn) = &self.arn else {
            return Aliases::new();
        };
        let mut aliases = Aliases::new();
        if let Some((stem, id)) = arn.rsplit_once("key/") {
            aliases.insert(id.to_owned(), arn.clone());
            aliases.insert(format!("{stem}{}", address.name), arn.clone());
        }
        aliases.insert(address.name.clone(), arn.clone());
        aliases
    }
}

/// The policy of a key. Others may write statements into it; as a wish it holds only those of orgtrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPolicy {
    /// The document.
    pub policy: PolicyDocument,
    /// The key's ARN, as observed; none where the key is not there or was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl KeyPolicy {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { policy, key: _ } = self;
        vec![Field::policy("policy", policy)]
    }
}

/// A key's ARN before the key exists: a text that stands where the ARN will stand.
///
/// It is resolved from what was observed when a plan is made, or from what a step has made when the next one runs.
pub fn key_reference(address: &Address) -> String {
    format!("{REFERENCE_PREFIX}{address}")
}

/// Reads the address out of a text that [`key_reference`] made.
pub fn referenced_key(text: &str) -> Option<Address> {
    text.strip_prefix(REFERENCE_PREFIX)?.parse().ok()
}

const REFERENCE_PREFIX: &str = "orgtrail:key-arn:";
