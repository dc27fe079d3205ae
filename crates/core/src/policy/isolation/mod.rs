//! Who can read whose logs, proved from the policies of readers, bucket and key.
//!
//! The proof is by an allow-list and by structure: every statement that allows something is known to be harmless, or it
//! is a violation, or an open question (`shared`, `reader`). A resource that begins with an account's folder, slash
//! included, cannot reach another one, so that 1,000 readers of 1,000 accounts take 1,000 looks and not a million.
//! Requests are evaluated to tell what readers can do, and to tell a violation from what another statement denies; that
//! all tries are denied is never taken for a proof.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::Aliases;
use super::document::{PolicyDocument, Statement};
use super::evaluate::{Denial, Named, StatementPlace, covers_action};
use super::log_files;
use crate::ids::{AccountId, Arn, OrganizationId};
use crate::log_path::{Folder, LogRoot, Sample};

pub mod administrators;
mod confine;
mod elsewhere;
mod events;
mod excess;
mod granted;
mod key;
mod lake;
pub mod powers;
mod probe;
mod reach;
mod reader;
mod scene;
mod shared;
mod touch;
mod transport;
mod trust;

pub use confine::is_unique_id;
pub use lake::{Lake, lake_reads};

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
    /// What the account folders that each reader must read stand in. Those of CloudTrail's other layout below the same
    /// prefix are no less their accounts' own.
    pub roots: &'a [LogRoot],
    /// The accounts of the organization, whose logs are in the archive; the archive's own account is one of them.
    pub accounts: &'a BTreeSet<AccountId>,
    /// Accounts and principals that may read more, as policies name them.
    pub trusted: &'a [String],
    /// The readers.
    pub readers: &'a [Reader<'a>],
    /// What else is known; what is not stays an open question where a condition asks for it.
    pub facts: Facts<'a>,
}

/// What is known beside the documents. Nothing of it is needed; a condition that asks for what is missing is unproven.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The management account of the organization: `aws:PrincipalOrgMasterAccountId` of every account of it. None: not
    /// known.
    pub management: Option<&'a AccountId>,
    /// Account -> its path in the organization, `o-…/r-…/ou-…/`, as `aws:PrincipalOrgPaths` has it; none where the
    /// organization's tree is not known.
    pub paths: Option<&'a BTreeMap<AccountId, String>>,
    /// The unique id of a role or user -> its ARN; none where they are not known.
    pub unique_ids: Option<&'a Aliases>,
    /// Orgtrail's own principals, and those that the configuration names, as ARNs in which `*` stands for any text:
    /// whatever they may is meant.
    pub own_principals: &'a [String],
    /// Principals of the archive's account of which another proof tells that nobody outside can become them, or that
    /// the configuration names, in the same form.
    pub known_principals: &'a [String],
    /// The bucket's policy as the templates wrote it; none where it is not written by templates.
    pub written_bucket: Option<&'a PolicyDocument>,
    /// The key's policy as the templates wrote it; none where it is not written by templates.
    pub written_key: Option<&'a PolicyDocument>,
    /// More documents that others may write to: of topics, log groups and queues, and of buckets and keys where logs of
    /// before lie.
    pub more: &'a [Shared<'a>],
    /// The lake, whose bucket's policy is among `more`; none where there is none, or where its policy is not known.
    pub lake: Option<Lake<'a>>,
    /// The roles that may read the lake, as ARNs.
    pub lake_readers: &'a [String],
}

/// What a document that others may write to is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedKind {
    /// A bucket with logs.
    Bucket,
    /// A key that encrypts logs.
    Key,
    /// A topic that tells of new logs.
    Topic,
    /// A log group that the events of a trail are written to, in a resource policy of CloudWatch Logs.
    LogGroup,
    /// The queue that tells of changes.
    Queue,
    /// The bucket of the lake.
    Lake,
}

/// A document that others may write to.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// What it is attached to.
    pub kind: SharedKind,
    /// What people call it ("bucket policy").
    pub name: &'a str,
    /// The ARN of what it is attached to.
    pub arn: &'a str,
    /// The document.
    pub policy: &'a PolicyDocument,
    /// The document as the templates wrote it, if they did.
    pub written: Option<&'a PolicyDocument>,
}

impl<'a> Archive<'a> {
    /// Returns every document that others may write to.
    fn shared(&self) -> Vec<Shared<'a>> {
        let Facts { written_bucket, written_key, more, .. } = self.facts;
        let bucket = self.bucket_policy.map(|policy| Shared {
            kind: SharedKind::Bucket,
            name: "bucket policy",
            arn: self.bucket_arn.as_str(),
            policy,
            written: written_bucket,
        });
        let key = self.key.map(|Key { arn, policy }| Shared {
            kind: SharedKind::Key,
            name: "key policy",
            arn,
            policy,
            written: written_key,
        });
        bucket.into_iter().chain(key).chain(more.iter().copied()).collect()
    }

    /// Returns the ARNs of a kind with their documents. The buckets of the logs
    /// and of the lake are there also where they have no policy.
    fn shared_of(&self, kind: SharedKind) -> Vec<(&'a str, Option<&'a PolicyDocument>)> {
        let bare =
            (kind == SharedKind::Bucket && self.bucket_policy.is_none()).then(|| (self.bucket_arn.as_str(), None));
        let lake = self.facts.lake.filter(|lake| kind == SharedKind::Lake && lake.policy.is_none());
        let bare = bare.or_else(|| lake.map(|lake| (lake.arn, None)));
        let all = self.shared().into_iter().filter(|shared| shared.kind == kind);
        bare.into_iter().chain(all.map(|shared| (shared.arn, Some(shared.policy)))).collect()
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// Each reader can read and list its own account's log files of every kind and its digests.
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
    /// No principal outside the organization, and no anonymous caller, is let in.
    NobodyOutside,
    /// Plain HTTP is refused to everyone.
    PlainHttpRefused,
    /// Whoever reads or changes the archive by the log account's own policies can only become that from there and from
    /// the management account.
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
        if self.is_broken_by_allow() { "can" } else { "cannot" }
    }

    /// Tells whether a statement breaks it by allowing something, and not by denying it.
    pub fn is_broken_by_allow(self) -> bool {
        self != Invariant::ReadsOwn
    }
}

/// A counter-example to an invariant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokenInvariant {
    /// What does not hold.
    pub invariant: Invariant,
    /// Who can do it, or cannot where it should.
    pub principal: String,
    /// What.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The statement to blame; none where one is missing.
    pub statement: Option<StatementPlace>,
}

impl fmt::Display for BrokenInvariant {
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
    /// The principal or service that it is about.
    pub principal: String,
    /// Why it cannot be told.
    pub why: String,
    /// The ARN of the lake's bucket, where its policy or what leads out of it would have to be known; none for all
    /// else.
    pub lake: Option<String>,
}

/// The result of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Isolation {
    /// What does not hold, sorted, each once.
    pub violations: Vec<BrokenInvariant>,
    /// What could not be proved, sorted, each once.
    pub unproven: Vec<Unproven>,
    /// Statements of others that stay because they are harmless, by place.
    pub kept: Vec<Kept>,
}

/// A statement of others that stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// The statement.
    pub place: StatementPlace,
    /// Why it is harmless.
    pub why: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

impl Isolation {
    /// Tells whether every invariant has been proved.
    pub fn is_proved(&self) -> bool {
        self.violations.is_empty() && self.unproven.is_empty()
    }

    fn violate(&mut self, violation: BrokenInvariant) {
        self.violations.push(violation);
    }

    fn leave_open(&mut self, invariant: Invariant, principal: impl Into<String>, why: impl Into<String>) {
        self.unproven.push(Unproven { invariant, principal: principal.into(), why: why.into(), lake: None });
    }

    /// The same of the bucket of the lake.
    fn leave_open_of_lake(
        &mut self,
        lake: &str,
        invariant: Invariant,
        principal: impl Into<String>,
        why: impl Into<String>,
    ) {
        let lake = Some(lake.to_owned());
        self.unproven.push(Unproven { invariant, principal: principal.into(), why: why.into(), lake });
    }
}

/// Proves what policies of readers, bucket and key together allow, or finds the counter-examples.
pub fn prove(archive: &Archive) -> Isolation {
    let mut result = Isolation::default();
    for document in archive.shared() {
        shared::check(archive, &document, &mut result);
    }
    transport::check(archive, &mut result);
    lake::check_transport(archive, &mut result);
    for reader in archive.readers {
        reader::check(archive, reader, &mut result);
    }
    probe::sample(archive, &mut result);
    result.violations.sort();
    result.violations.dedup();
    result.unproven.sort();
    result.unproven.dedup();
    result.kept.sort();
    result.kept.dedup();
    result
}

/// Returns, for each trusted reader, the accounts whose files it can read: what the matrix of `access` shows of them.
pub fn trusted_reads(archive: &Archive) -> BTreeMap<String, BTreeMap<AccountId, Option<bool>>> {
    let reads = |trusted: &String| (trusted.clone(), probe::trusted_reads(archive, trusted));
    archive.trusted.iter().map(reads).collect()
}

/// Returns the keys of log files of an account that stand for all that a policy may deny: one of each kind, and each
/// that its statements about reading treat otherwise than most. True where its patterns were too long or too many to
/// tell.
pub fn files_apart(
    bucket_arn: &str,
    root: &LogRoot,
    account: &AccountId,
    region: &str,
    policy: &PolicyDocument,
) -> (Vec<String>, bool) {
    let mut files: Vec<String> = Sample::of(account.as_str(), region).keys(root).into();
    let known: Vec<String> = files.iter().map(|key| format!("{bucket_arn}/{key}")).collect();
    let reads =
        |one: &&Statement| ["s3:GetObject", "s3:GetObjectVersion"].iter().any(|action| covers_action(one, action));
    let reading: Vec<&Statement> = policy.statements.iter().filter(reads).collect();
    let all = log_files::LogFiles { bucket_arn, root, folders: &Folder::ALL };
    let told = all.told_apart(&reading, &known, std::slice::from_ref(account));
    files.extend(told.keys);
    (files, told.too_many)
}

/// Returns the accounts whose files a reader can read, each with the answer of a full evaluation; none where it cannot
/// be told. It costs one evaluation an account, and is for the few readers that are looked at or that violate an
/// invariant.
pub fn accounts_read(archive: &Archive, reader: &Reader) -> BTreeMap<AccountId, Option<bool>> {
    let accounts = archive.accounts.iter();
    accounts.map(|account| (account.clone(), probe::reads(archive, reader, account.as_str()))).collect()
}

/// Returns the statement that denies, or that comes nearest to allowing.
fn blamed(denial: Denial) -> Option<StatementPlace> {
    match denial {
        Denial::Explicit(place) => Some(place),
        Denial::Implicit { nearest, .. } => nearest.map(|miss| miss.place),
    }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
