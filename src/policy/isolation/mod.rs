//! Who can read whose logs, proved from the policies of readers, bucket and key.
//!
//! The proof is by structure where that is sound: a resource that begins with an account's folder, slash included, cannot
//! reach another one, so that 1,000 readers of 1,000 accounts take 1,000 looks and not a million. What does not have that
//! form is settled by full evaluation of requests, and the request that should have been denied is the counter-example.
//! What neither proves is listed as unproven, never as right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::PolicyDocument;
use super::evaluate::{Denial, Named, Place};
use crate::ids::{AccountId, Arn, OrganizationId};

pub mod administrators;
mod bucket;
mod key;
pub mod powers;
mod probe;
mod reach;
mod reader;
mod transport;
mod trust;

/// The archive: where the logs are, whose they are, and who reads them.
#[derive(Debug, Clone)]
pub struct Archive<'a> {
    /// The ARN of the bucket.
    pub bucket_arn: &'a Arn,
    /// The bucket's region.
    pub region: &'a str,
    /// The account that owns bucket, key and reader roles.
    pub account: &'a AccountId,
    /// The organization.
    pub organization_id: &'a OrganizationId,
    /// The bucket's policy; none where it has none.
    pub bucket_policy: Option<&'a PolicyDocument>,
    /// The key that encrypts the logs, with its policy; none for S3's own encryption.
    pub key: Option<Key<'a>>,
    /// What the account folders that each reader must read stand in, such as `audit/AWSLogs/o-exampleorgid`, without a slash
    /// at the end. Those of CloudTrail's other layout, `audit/AWSLogs`, are no less their accounts' own.
    pub roots: &'a [String],
    /// The accounts of the organization, whose logs are in the archive; the archive's own account is one of them.
    pub accounts: &'a BTreeSet<AccountId>,
    /// Accounts and principals that may read more, as policies name them.
    pub trusted: &'a [String],
    /// The readers.
    pub readers: &'a [Reader<'a>],
}

/// The key of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The key's ARN, or the reference to it in a plan, as policies name it.
    pub arn: &'a str,
    /// Its policy.
    pub policy: &'a PolicyDocument,
}

/// One reader: a role of the archive's account or, with dynamic statements in the bucket, any role of a member.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    /// Whose logs it is for.
    pub account: &'a AccountId,
    /// The role.
    pub role: &'a Arn,
    /// Who may assume it; none for a member's own role, which is the member's affair.
    pub trust: Option<&'a PolicyDocument>,
    /// Its policies.
    pub policies: &'a [Named<'a>],
    /// Attached policies whose documents are not known.
    pub unknown_policies: &'a [String],
    /// Whether it may be assumed only with a second factor.
    pub require_mfa: bool,
    /// The external id without which it may not be assumed.
    pub external_id: Option<&'a str>,
}

/// What has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// Each reader can read and list its own account's log, digest and insight files.
    ReadsOwn,
    /// No reader and no member reads another account's files.
    ReadsOnlyOwn,
    /// No reader and no member lists another account's files.
    ListsOnlyOwn,
    /// None writes, deletes, changes what protects the logs, or takes on another role.
    WritesNothing,
    /// A reader decrypts with the archive's key, and nothing but CloudTrail's files.
    DecryptsOnlyLogs,
    /// Only principals of a reader's account can assume it.
    AssumedOnlyByItsAccount,
    /// A reader can be assumed only with a second factor, where that is configured.
    MfaRequired,
    /// A reader can be assumed only with the external id, where one is configured.
    ExternalIdRequired,
    /// Nobody outside the organization, and no anonymous caller, is let in.
    NobodyOutside,
    /// Plain HTTP is refused to everyone.
    PlainHttpRefused,
    /// Whoever reads or changes the archive by the log account's own policies can only become that from there and from the
    /// management account.
    NobodyElseAdministers,
    /// No copy, list or message of the archive's files, and no key grant, leads outside.
    NothingLeadsOut,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Invariant {
    /// Returns the word that reports use; the same as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Invariant::ReadsOwn => "reads-own",
            Invariant::ReadsOnlyOwn => "reads-only-own",
            Invariant::ListsOnlyOwn => "lists-only-own",
            Invariant::WritesNothing => "writes-nothing",
            Invariant::DecryptsOnlyLogs => "decrypts-only-logs",
            Invariant::AssumedOnlyByItsAccount => "assumed-only-by-its-account",
            Invariant::MfaRequired => "mfa-required",
            Invariant::ExternalIdRequired => "external-id-required",
            Invariant::NobodyOutside => "nobody-outside",
            Invariant::PlainHttpRefused => "plain-http-refused",
            Invariant::NobodyElseAdministers => "nobody-else-administers",
            Invariant::NothingLeadsOut => "nothing-leads-out",
        }
    }

    /// Returns what a counter-example shows: somebody `can` what nobody should, or `cannot` what a reader should.
    pub fn shows(self) -> &'static str {
        if self == Invariant::ReadsOwn { "cannot" } else { "can" }
    }
}

/// A counter-example to an invariant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// What does not hold.
    pub invariant: Invariant,
    /// Who can do it, or cannot where it should.
    pub principal: String,
    /// What.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The statement to blame; none where one is missing.
    pub statement: Option<Place>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, principal, action, resource, statement } = self;
        let can = invariant.shows();
        write!(f, "{invariant}: {principal} {can} {action} on {resource}")?;
        match statement {
            Some(place) => write!(f, ", because of {place}"),
            None => Ok(()),
        }
    }
}

/// An invariant that could be neither proved nor refuted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unproven {
    /// What may not hold.
    pub invariant: Invariant,
    /// For whom.
    pub principal: String,
    /// Why it cannot be told.
    pub why: String,
}

/// The result of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Isolation {
    /// What does not hold, sorted, each once.
    pub violations: Vec<Violation>,
    /// What could not be proved, sorted, each once.
    pub unproven: Vec<Unproven>,
}

impl Isolation {
    /// Tells whether every invariant has been proved.
    pub fn is_proved(&self) -> bool {
        self.violations.is_empty() && self.unproven.is_empty()
    }

    fn violate(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn leave_open(&mut self, invariant: Invariant, principal: impl Into<String>, why: impl Into<String>) {
        self.unproven.push(Unproven { invariant, principal: principal.into(), why: why.into() });
    }
}

/// Proves what policies of readers, bucket and key together allow, or finds the counter-examples.
pub fn prove(archive: &Archive) -> Isolation {
    let mut result = Isolation::default();
    bucket::check(archive, &mut result);
    key::check_policy(archive, &mut result);
    transport::check(archive, &mut result);
    for reader in archive.readers {
        reader::check(archive, reader, &mut result);
    }
    probe::sample(archive, &mut result);
    result.violations.sort();
    result.violations.dedup();
    result.unproven.sort();
    result.unproven.dedup();
    result
}

/// Returns the accounts whose files a reader can read, each with the answer of a full evaluation; none where it cannot be
/// told. It costs one evaluation an account, and is for the few readers that are looked at or that violate an invariant.
pub fn accounts_read(archive: &Archive, reader: &Reader) -> BTreeMap<AccountId, Option<bool>> {
    let accounts = archive.accounts.iter();
    accounts.map(|account| (account.clone(), probe::reads(archive, reader, account.as_str()))).collect()
}

/// Returns the statement that denies, or that comes nearest to allowing.
fn blamed(denial: Denial) -> Option<Place> {
    match denial {
        Denial::Explicit(place) => Some(place),
        Denial::Implicit { nearest, .. } => nearest.map(|miss| miss.place),
    }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
