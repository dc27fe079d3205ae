//! Single requests, fully evaluated: counter-examples and samples.

use super::{Archive, Invariant, Isolation, Reader, Violation};
use crate::ids::AccountId;
use crate::policy::evaluate::{Caller, Context, Denial, Layers, Named, Request, Verdict, evaluate};

/// How many requests are tried to refute what the structure leaves open.
pub(super) const TRIES_MAX: usize = 24;

/// How many readers are sampled at most.
const SAMPLE_MAX: usize = 1_000;

/// One request to try.
#[derive(Debug, Clone)]
pub(super) struct Try {
    pub(super) action: &'static str,
    pub(super) resource: String,
    /// The value of `s3:prefix`, where the request has one.
    pub(super) prefix: Option<String>,
}

impl Try {
    pub(super) fn on(action: &'static str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into(), prefix: None }
    }

    pub(super) fn listing(archive: &Archive, prefix: &str) -> Self {
        let prefix = (!prefix.is_empty()).then(|| prefix.to_owned());
        Self { action: "s3:ListBucket", resource: archive.bucket_arn.to_string(), prefix }
    }

    /// What the request is for, in one text.
    pub(super) fn target(&self) -> String {
        match &self.prefix {
            Some(prefix) => format!("{} with prefix {prefix}", self.resource),
            None => self.resource.clone(),
        }
    }

    pub(super) fn request(&self, caller: Caller, context: Context) -> Request {
        let context = match &self.prefix {
            Some(prefix) => context.with("s3:prefix", prefix),
            None => context,
        };
        Request { caller, action: self.action.into(), resource: self.resource.clone(), context }
    }
}

impl Archive<'_> {
    /// The circumstances of a request by a member of the organization.
    pub(super) fn inside(&self) -> Context {
        Context::default().with("aws:SecureTransport", "true").with("aws:PrincipalOrgID", self.organization_id.as_str())
    }

    /// The circumstances of a request by a stranger.
    pub(super) fn outside(&self) -> Context {
        Context::default().with("aws:SecureTransport", "true").with("aws:PrincipalOrgID", "o-anotherorganization")
    }

    /// Judges a request to the bucket.
    pub(super) fn judge(&self, request: &Request, identity: &[Named]) -> Verdict {
        let resource = self.bucket_policy.map(|document| Named { name: "bucket policy", document });
        let resource_account = Some(self.account.clone());
        evaluate(request, &Layers { identity, resource, resource_account, ..Layers::default() })
    }

    /// Returns a role of a member whose own policies allow everything.
    pub(super) fn member(&self, account: &AccountId) -> Option<Caller> {
        let arn = format!("arn:{}:iam::{account}:role/any", self.bucket_arn.partition()).parse().ok()?;
        Caller::from_arn(&arn)
    }
}

/// What trying to refute an invariant came to.
pub(super) enum Outcome {
    /// A request is allowed that should not be.
    Refuted(Try),
    /// Some request could not be judged.
    Open(String),
    /// All were denied.
    Held,
}

/// Tries requests until one is allowed.
pub(super) fn refute(tries: impl IntoIterator<Item = Try>, judge: impl Fn(&Try) -> Verdict) -> Outcome {
    let mut open = None;
    for one in tries.into_iter().take(TRIES_MAX) {
        match judge(&one) {
            Verdict::Allowed { .. } => return Outcome::Refuted(one),
            Verdict::Denied(_) => {}
            Verdict::Unknown { why } => open = open.or_else(|| why.into_iter().next()),
        }
    }
    open.map_or(Outcome::Held, Outcome::Open)
}

/// Tells whether a reader reads a file of an account, if it can be told: allowed as soon as one kind of file is.
pub(super) fn reads(archive: &Archive, reader: &Reader, account: &str) -> Option<bool> {
    let caller = Caller::from_arn(reader.role)?;
    let files = archive.sample_keys(account).into_iter().map(|key| Try::on("s3:GetObject", archive.object_arn(&key)));
    match refute(files, |one| archive.judge(&one.request(caller.clone(), archive.inside()), reader.policies)) {
        Outcome::Refuted(_) => Some(true),
        Outcome::Held => Some(false),
        Outcome::Open(_) => None,
    }
}

/// Evaluates, for a sample of the readers, requests for two other accounts and for the name that its own is the beginning
/// of. It confirms the proof by structure, which all readers have, with the evaluator, which shares nothing with it.
pub(super) fn sample(archive: &Archive, result: &mut Isolation) {
    let accounts: Vec<&AccountId> = archive.accounts.iter().collect();
    let Some(count) = std::num::NonZeroUsize::new(accounts.len()) else { return };
    let stride = archive.readers.len().div_ceil(SAMPLE_MAX).max(1);
    for (n, reader) in archive.readers.iter().enumerate().step_by(stride) {
        let pick = |step: usize| accounts.get((n.wrapping_mul(step) + step) % count).copied();
        let others = [pick(1), pick(7)].into_iter().flatten().filter(|other| *other != reader.account);
        let names = others.map(|other| other.to_string()).chain([format!("{}0", reader.account)]);
        for name in names {
            sample_one(archive, reader, &name, result);
        }
    }
}

fn sample_one(archive: &Archive, reader: &Reader, account: &str, result: &mut Isolation) {
    let Some(caller) = Caller::from_arn(reader.role) else { return };
    for key in archive.files_in(&archive.read_folders(account)).into_iter().take(1) {
        let one = Try::on("s3:GetObject", archive.object_arn(&key));
        match archive.judge(&one.request(caller.clone(), archive.inside()), reader.policies) {
            Verdict::Allowed { by } => result.violate(Violation {
                invariant: Invariant::ReadsOnlyOwn,
                principal: reader.role.to_string(),
                action: one.action.into(),
                resource: one.target(),
                statement: by.into_iter().next(),
            }),
            Verdict::Unknown { why } => {
                result.leave_open(Invariant::ReadsOnlyOwn, reader.role.as_str(), why.join("; "))
            }
            Verdict::Denied(Denial::Explicit(_) | Denial::Implicit { .. }) => {}
        }
    }
}
