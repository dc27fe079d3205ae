//! How large a document may be.

use super::{Add, Kind, LintSubject, Rule};
use crate::policy::document::PolicyDocument;

/// Returns the size that AWS allows for a kind of document by default, in bytes without white space.
///
/// Sources: S3 user guide (20 KB); KMS quotas (32 KB); SNS (30 KB, as queue and topic attributes); IAM quotas (2,048
/// trust, 10,240 for all inline policies of a role together, 6,144 managed); Organizations quotas (5,120).
pub fn size_limit_bytes(kind: Kind) -> usize {
    match kind {
        Kind::Bucket => 20 * 1024,
        Kind::Key => 32 * 1024,
        Kind::Topic => 30 * 1024,
        Kind::Trust => 2_048,
        Kind::RoleInline => 10_240,
        Kind::Managed => 6_144,
        Kind::ServiceControl => 5_120,
    }
}

/// Returns the size of documents that share one quota, such as all inline policies of a role.
pub fn total_size_bytes<'a>(documents: impl IntoIterator<Item = &'a PolicyDocument>) -> usize {
    documents.into_iter().map(PolicyDocument::size_bytes).sum()
}

pub(super) fn too_large(document: &PolicyDocument, subject: &LintSubject, add: Add) {
    let limit = subject.limit_bytes.unwrap_or_else(|| size_limit_bytes(subject.kind));
    let size = document.size_bytes();
    if size > limit {
        add(Rule::TooLarge, format!("the document has {size} bytes, AWS allows {limit}"));
    }
}
