//! AWS IAM: reader roles, the log group's role, managed policies, and the account's quotas.

pub(super) mod account;
pub(super) mod details;
pub(super) mod policy;
pub(super) mod role;

use super::session::Session;
use crate::operations::iam as op;
use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::Tag;

use super::change_context::{ChangeContext, writable};
use crate::cloud::CloudFault;
use crate::estate::Tags;
use crate::policy::PolicyDocument;

/// Writes tags in IAM's form.
fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, BuildError>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}

/// Reads a policy as IAM returns it: percent-encoded JSON (IAM API, `GetRolePolicy` and others).
fn document(
    session: &Session,
    operation: crate::operations::Operation,
    text: &str,
) -> Result<PolicyDocument, CloudFault> {
    PolicyDocument::parse(&percent_decoded(text))
        .map_err(|why| session.unexpected_response(operation, format!("a policy cannot be understood: {why}")))
}

/// Decodes `%XX`. A text that is not encoded, as emulators return it, has no percent sign before two digits.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn policies_are_decoded() {
        assert_eq!(percent_decoded("%7B%22a%22%3A%20%22%C3%A9%22%7D"), "{\"a\": \"é\"}");
        assert_eq!(percent_decoded("{\"a\": \"b\"}"), "{\"a\": \"b\"}");
        assert_eq!(percent_decoded("100%"), "100%");
    }
}
