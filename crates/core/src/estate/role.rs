//! IAM roles: the readers in the log account, and the role with which a trail writes to CloudWatch Logs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Address, Field, FieldValue, Tags};
use crate::ids::Partition;
use crate::policy::{Aliases, PolicyDocument};

/// A role. All its policies are orgtrail's: one that another principal added gives the reader more than it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Who may assume it.
    pub trust: PolicyDocument,
    /// Name -> inline policy.
    pub inline: BTreeMap<String, PolicyDocument>,
    /// The ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
    /// What limits its policies; none as a wish. One that another principal adds may keep readers from reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Box<Boundary>>,
    /// The longest session, in seconds; none where it was not asked for.
    pub max_session_s: Option<u32>,
    /// What it is for; none where it says nothing. Never compared.
    pub description: Option<String>,
    /// The unique id (`AROA…`); AWS decides it; none in what is desired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
    /// The tags.
    pub tags: Tags,
}

/// Returns what of a role's name, as addresses have it, may be there once in an account: IAM compares names without
/// case and whatever their paths (IAM user guide, "IAM identifiers").
pub fn unique_name(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase()
}

/// A permissions boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// The ARN of the managed policy.
    pub arn: String,
    /// What it says; none where that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<PolicyDocument>,
}

impl Role {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { trust, inline, attached, boundary, max_session_s, description: _, unique_id: _, tags } = self;
        let mut fields = vec![Field::policy("trust", trust)];
        fields.extend(inline.iter().map(|(name, policy)| Field::policy(format!("inline.{name}"), policy)));
        fields.push(Field { path: "attached".into(), value: FieldValue::Exactly(attached.clone()) });
        fields.push(Field::plain("boundary", boundary.as_ref().map(|boundary| boundary.arn.clone())));
        fields.extend(max_session_s.map(|seconds| Field::plain("max_session_s", seconds)));
        fields.push(Field::tags(tags));
        fields
    }

    /// Returns the unique id with the ARN that it stands for.
    pub(super) fn aliases(&self, address: &Address, partition: Partition) -> Aliases {
        let arn = address.arn(partition).map(|arn| arn.to_string());
        self.unique_id.clone().zip(arn).into_iter().collect()
    }
}
