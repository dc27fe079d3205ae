//! Customer managed IAM policies: in a member account, the one that may assume its reader role.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Field, FieldValue, Tags};
use crate::policy::PolicyDocument;

/// A managed policy and what it is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The default version's document.
    pub document: PolicyDocument,
    /// What it is for; none where it says nothing.
    pub description: Option<String>,
    /// Groups that have it. As a wish: at least these; who else got it is the member's own decision.
    pub groups: BTreeSet<String>,
    /// Roles that have it. As a wish: at least these.
    pub roles: BTreeSet<String>,
    /// The tags.
    pub tags: Tags,
}

impl Policy {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { document, description: _, groups, roles, tags } = self;
        vec![
            Field::policy("document", document),
            Field { path: "groups".into(), value: FieldValue::AtLeast(groups.clone()) },
            Field { path: "roles".into(), value: FieldValue::AtLeast(roles.clone()) },
            Field::tags(tags),
        ]
    }
}
