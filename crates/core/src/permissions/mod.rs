//! orgtrail's own least privilege: the IAM policies that its commands need, from the configuration alone. Pure.
//!
//! What is granted comes from the table of operations without which the adapter cannot make a call. Each file here
//! knows one part of a deployment: which operations it takes, and on which names. `draft` leaves out what a command
//! does not do.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::config::schema::TrailScope;
use crate::ids::{AccountId, Arn, BucketName};
use crate::operations::Operation;
use crate::policy::PolicyDocument;
use crate::policy::evaluate::glob;
use crate::policy::lint::total_size_bytes;

mod archive;
mod athena;
mod aws_config;
mod identity;
mod lake;
mod names;
mod notify;
mod organization;
mod policy_builder;
mod proof;
mod recorders;
mod stack;
mod trails;
mod wake;

pub use names::KnownAccounts;
pub use stack::{BadStack, stack_set};

use names::Names;
use policy_builder::PolicyBuilder;

/// What the policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Commands that only look: `discover`, `snapshot`, `plan`, `drift`, `check`.
    Plan,
    /// `apply`, also with `--adopt` and `--prune`.
    Apply,
    /// The daemon: `apply` without removals, its lease, its history and its wake queue.
    Reconcile,
    /// Commands that prove the logs: `verify`, `coverage`.
    Verify,
    /// The command that reads the logs and proves nothing: `query`.
    Query,
    /// The command that reads the logs and writes a lake: `lake update`.
    Lake,
}

impl Purpose {
    /// Tells whether something is changed.
    fn writes(self) -> bool {
        matches!(self, Purpose::Apply | Purpose::Reconcile | Purpose::Lake)
    }

    /// Tells whether the logs are read, and nothing of the deployment.
    fn reads_logs(self) -> bool {
        matches!(self, Purpose::Verify | Purpose::Query | Purpose::Lake)
    }

    /// Tells whether leftovers are removed, which the daemon never does.
    fn removes(self) -> bool {
        self == Purpose::Apply
    }
}

/// In which kind of account the policy is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountKind {
    /// Whoever starts orgtrail, in the management account or a delegated administrator's.
    Management,
    /// The member role in the log account, or whoever starts orgtrail there.
    Log,
    /// The member role in every other account.
    Member,
}

/// Where a lake lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LakePlace<'a> {
    /// Its bucket.
    pub bucket: &'a BucketName,
    /// What its keys begin with: empty, or with a slash at its end.
    pub prefix: &'a str,
    /// The key of KMS that encrypts it. `None`: none, or the one that S3 manages.
    pub key: Option<&'a Arn>,
}

/// What is asked of Athena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AthenaPlace<'a> {
    /// The workgroup.
    pub workgroup: &'a str,
    /// The database of the lake's table.
    pub database: &'a str,
    /// Where results are written: a bucket, and what the keys begin with, which is empty or has a slash at its end.
    /// `None`: Athena keeps them itself, or it is not known.
    pub results: Option<(&'a BucketName, &'a str)>,
    /// The key of KMS that encrypts results. `None`: none, or the one that S3 manages.
    pub results_key: Option<&'a Arn>,
}

/// A question: what is needed, where, and which accounts are known.
#[derive(Debug, Clone, Copy)]
pub struct PermissionsRequest<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What for.
    pub purpose: Purpose,
    /// Where.
    pub place: AccountKind,
    /// The accounts that are known.
    pub known: &'a KnownAccounts,
    /// Earlier trails that `apply --destroy` shall delete, by ARN or by name.
    pub destroy: &'a [String],
    /// The key of KMS with which `verify --sign` signs evidence; none where it signs nothing, or with a key file.
    pub sign: Option<&'a Arn>,
    /// Where the lake lies that `lake update` writes and `query` asks, where it is not that of the configuration.
    /// `None`: it is the configuration's, or is a folder.
    pub lake: Option<LakePlace<'a>>,
    /// What `query --engine athena` asks. `None`: Athena is not asked.
    pub athena: Option<AthenaPlace<'a>>,
    /// Whether `check` and `coverage` look at AWS Config.
    pub recorders: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// The documents, each small enough for a managed policy. None where nothing is needed.
    pub documents: Vec<PolicyDocument>,
    /// The operations that they are for.
    pub operations: BTreeSet<Operation>,
    /// What a person should know before using them.
    pub notes: Vec<String>,
}

impl Permissions {
    /// Says for whom the documents are too large as inline policies; none where they are not. The member role is a
    /// role, whoever starts orgtrail may be a user.
    pub fn too_large_inline(&self, purpose: Purpose, place: AccountKind) -> Option<String> {
        let size = total_size_bytes(&self.documents);
        let starts = place == AccountKind::Management || purpose.reads_logs();
        let kinds = if starts { &INLINE_MAX[..] } else { &INLINE_MAX[2..] };
        let small: Vec<String> =
            kinds.iter().filter(|(_, max)| size > *max).map(|(kind, max)| format!("a {kind} ({max})")).collect();
        let (last, others) = small.split_last()?;
        let whose = if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) };
        let make = match self.documents.len() {
            1 => "make it a customer managed policy".to_owned(),
            count => format!("make them {count} customer managed policies"),
        };
        Some(format!("{size} characters are more than all inline policies of {whose} may have together: {make}"))
    }
}

/// Returns what is needed.
pub fn permissions(ask: &PermissionsRequest<'_>) -> Permissions {
    let names = Names::new(ask);
    let mut draft = PolicyBuilder::new(ask.purpose);
    if ask.purpose.reads_logs() {
        proof::add(&names, &mut draft);
        lake::add(&names, &mut draft);
        athena::add(&names, &mut draft);
    } else {
        organization::add(&names, &mut draft);
        trails::add(&names, &mut draft);
        archive::add(&names, &mut draft);
        identity::add(&names, &mut draft);
        wake::add(&names, &mut draft);
        notify::add(&names, &mut draft);
        lake::add_updates(&names, &mut draft);
        aws_config::add(&names, &mut draft);
    }
    recorders::add(&names, &mut draft);
    let notes = if draft.is_empty() { Vec::new() } else { notes(&names) };
    let (documents, operations) = draft.finish();
    Permissions { documents, operations, notes }
}

/// How many characters all inline policies of one principal may have together, white space aside (IAM user guide, "IAM
/// and AWS STS quotas").
const INLINE_MAX: [(&str, usize); 3] = [("user", 2_048), ("group", 5_120), ("role", 10_240)];

fn notes(names: &Names<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    // A member needs to know it where the trail of the organization is managed from there.
    let organization_trail = || names.sites().iter().any(|site| site.config.scope == TrailScope::Organization);
    let names_management = match names.place() {
        AccountKind::Management => true,
        AccountKind::Log => false,
        AccountKind::Member => organization_trail(),
    };
    if names_management && names.known().management.is_none() {
        notes.push("the management account is not known, `*` stands for it; --management ID narrows it".to_owned());
    }
    if names.place() == AccountKind::Log && names.log_account().is_none() {
        notes.push("accounts.log is a name, `*` stands for its id; --log ID narrows it".to_owned());
    }
    let member_role = &names.config().organization.member_role;
    let reaches = |role: &&String| glob(role, member_role);
    if names.purpose() == Purpose::Lake {
        notes.extend(lake::note(names));
    }
    notes.extend(athena::note(names));
    if names.purpose().writes()
        && !names.purpose().reads_logs()
        && let Some(role) = names.roles().iter().find(reaches)
    {
        notes.push(format!(
            "the role name {role:?} also fits {member_role}, which could then change itself; give the configured names a \
             fixed beginning"
        ));
    }
    notes
}

/// Returns the accounts, besides the management account, that may start orgtrail: the delegated administrators whose
/// ids the configuration tells.
pub fn administrators(config: &Config) -> BTreeSet<AccountId> {
    names::administrators(config)
}

#[cfg(test)]
mod tests;
