//! Findings on one policy document: what is open, too large, ineffective, or locks its owner out.
//!
//! A finding is a fact about the text. What CloudTrail would be refused is `preflight`'s, what readers may do is
//! `isolation`'s.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::document::{PolicyDocument, Statement};
use super::evaluate::StatementPlace;
use crate::ids::{AccountId, OrganizationId, Partition};

mod access;
mod effect;
mod outside;
mod size;

pub use outside::{OutsideGrant, is_demanding, outside_grants};
pub use size::{size_limit_bytes, total_size_bytes};

/// What a document is attached to; it decides which rules and which size apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A bucket.
    Bucket,
    /// A key.
    Key,
    /// A topic.
    Topic,
    /// A role, as its trust policy.
    Trust,
    /// A role, inline.
    RoleInline,
    /// Whoever it is attached to.
    Managed,
    /// An organization's root, unit or account, as service control policy.
    ServiceControl,
}

/// The document's surroundings.
#[derive(Debug, Clone, Copy)]
pub struct LintSubject<'a> {
    /// What people call the document.
    pub name: &'a str,
    /// What it is attached to.
    pub kind: Kind,
    /// The partition of the organization: the same account has another ARN in another partition.
    pub partition: Partition,
    /// The account that owns what it is attached to; none where it is not known.
    pub account: Option<&'a AccountId>,
    /// The organization; none where it is not known.
    pub organization_id: Option<&'a OrganizationId>,
    /// The organization's accounts.
    pub known_accounts: &'a BTreeSet<AccountId>,
    /// Accounts and principals outside that may have access.
    pub trusted: &'a [String],
    /// The size that AWS allows here, where it is known better than by [`size_limit_bytes`].
    pub limit_bytes: Option<usize>,
}

/// A rule that a document breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Rule {
    /// A principal outside the organization is allowed something.
    OutsideGrant,
    /// CloudTrail is named by the accounts that it had before its service principal.
    OutdatedPrincipals,
    /// A service may act here for anybody: CloudTrail for any trail of any account.
    MissingSourceCondition,
    /// The bucket does not refuse plain HTTP.
    PlainHttpAllowed,
    /// Keys can be listed beyond a prefix.
    ListWithoutPrefix,
    /// A resource's path ends in `*` without a slash before it, so that it also matches longer names.
    PathWithoutSlash,
    /// A resource's path has an empty part, which no object of CloudTrail's has.
    DoubleSlash,
    /// An operator that takes wildcards literally has one.
    LiteralWildcard,
    /// A policy variable stands in a document of a version that has none.
    VariableWithoutVersion,
    /// A folder of CloudTrail's is misspelt.
    MisspeltFolder,
    /// Several negated conditions are joined, so that the denial needs all of them.
    JoinedDenials,
    /// Digests are expected under an encryption that they no longer have.
    OutdatedDigestEncryption,
    /// A grant of the old console to every principal of the account has been left.
    LeftoverConsoleGrant,
    /// The account could not change the key's policy any more.
    KeyLockout,
    /// Only the root user could change the bucket's policy from then on.
    BucketLockout,
    /// The document is larger than AWS allows.
    TooLarge,
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::OutsideGrant => "outside-grant",
            Rule::OutdatedPrincipals => "outdated-principals",
            Rule::MissingSourceCondition => "missing-source-condition",
            Rule::PlainHttpAllowed => "plain-http-allowed",
            Rule::ListWithoutPrefix => "list-without-prefix",
            Rule::PathWithoutSlash => "path-without-slash",
            Rule::DoubleSlash => "double-slash",
            Rule::LiteralWildcard => "literal-wildcard",
            Rule::VariableWithoutVersion => "variable-without-version",
            Rule::MisspeltFolder => "misspelt-folder",
            Rule::JoinedDenials => "joined-denials",
            Rule::OutdatedDigestEncryption => "outdated-digest-encryption",
            Rule::LeftoverConsoleGrant => "leftover-console-grant",
            Rule::KeyLockout => "key-lockout",
            Rule::BucketLockout => "bucket-lockout",
            Rule::TooLarge => "too-large",
        })
    }
}

impl Rule {
    /// Tells whether it lets somebody do what nobody should: such a finding is never only a remark.
    pub fn opens(self) -> bool {
        matches!(self, Rule::OutsideGrant | Rule::MissingSourceCondition)
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// The rule.
    pub rule: Rule,
    /// The statement; none where it is about the document as a whole.
    pub place: Option<StatementPlace>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// Returns the findings on a document, in the order of its statements, those on the whole document last.
pub fn lint(document: &PolicyDocument, subject: &LintSubject) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let place = StatementPlace { document: subject.name.to_owned(), index, sid: statement.sid.clone() };
        let mut add = |rule: Rule, message: String| {
            findings.push(LintFinding { rule, place: Some(place.clone()), message, help: help(rule) });
        };
        lint_statement(statement, document, subject, &mut add);
    }
    let mut add =
        |rule: Rule, message: String| findings.push(LintFinding { rule, place: None, message, help: help(rule) });
    access::plain_http(document, subject, &mut add);
    access::lockout(document, subject, &mut add);
    size::too_large(document, subject, &mut add);
    findings
}

type Add<'a> = &'a mut dyn FnMut(Rule, String);

fn lint_statement(statement: &Statement, document: &PolicyDocument, subject: &LintSubject, add: Add) {
    access::outside(statement, subject, add);
    access::source(statement, subject, add);
    access::list(statement, subject, add);
    effect::paths(statement, add);
    effect::literal_wildcards(statement, add);
    effect::variables(statement, document, add);
    effect::encryption_denials(statement, add);
    effect::leftover_grant(statement, subject, add);
}

fn help(rule: Rule) -> &'static str {
    match rule {
        Rule::OutsideGrant => "name the principals, or add StringEquals aws:PrincipalOrgID with the organization's id",
        Rule::OutdatedPrincipals => {
            "name the service principal cloudtrail.amazonaws.com instead, with StringEquals aws:SourceArn and the ARN of the trail"
        }
        Rule::MissingSourceCondition => {
            "add StringEquals aws:SourceArn with the ARN of the trail, or of what another service acts for"
        }
        Rule::PlainHttpAllowed => "deny s3:* to everyone where aws:SecureTransport is false",
        Rule::ListWithoutPrefix => "add StringLike s3:prefix with the path that may be listed",
        Rule::PathWithoutSlash => "end the path in `/*`",
        Rule::DoubleSlash => "remove the empty part of the path",
        Rule::LiteralWildcard => "use StringLike or ArnLike",
        Rule::VariableWithoutVersion => "set Version to 2012-10-17",
        Rule::MisspeltFolder => {
            "the folders are CloudTrail, CloudTrail-Aggregated, CloudTrail-Digest, CloudTrail-Insight and \
             CloudTrail-NetworkActivity"
        }
        Rule::JoinedDenials => "make one statement of each condition",
        Rule::OutdatedDigestEncryption => "accept digests with S3's own key and with the trail's key",
        Rule::LeftoverConsoleGrant => "remove the statement",
        Rule::KeyLockout => "let the account's root (arn:aws:iam::<account>:root) do kms:*",
        Rule::BucketLockout => "leave a break-glass role out of the denial",
        Rule::TooLarge => "join statements, or shorten their lists with wildcards or conditions",
    }
}

#[cfg(test)]
mod tests;
