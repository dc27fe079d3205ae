//! The service control policy that keeps members from touching the trail.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Field, FieldValue, Tags};
use crate::policy::PolicyDocument;

/// A service control policy. Its address has its name; AWS decides its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceControlPolicy {
    /// The id (`p-…`); none as a wish.
    pub id: Option<String>,
    /// The document.
    pub document: PolicyDocument,
    /// The roots, units and accounts that it is attached to. As a wish: exactly these.
    pub targets: BTreeSet<String>,
    /// The tags.
    pub tags: Tags,
}

impl ServiceControlPolicy {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { id: _, document, targets, tags } = self;
        vec![
            Field::policy("document", document),
            Field { path: "targets".into(), value: FieldValue::Exactly(targets.clone()) },
            Field::tags(tags),
        ]
    }
}
