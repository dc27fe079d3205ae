//! Single requests, fully evaluated: counter-examples and samples.

use std::collections::BTreeMap;

use super::confine::STRANGER;
use super::{Archive, BrokenInvariant, Invariant, Isolation, Reader};
use crate::ids::{AccountId, Arn};
use crate::policy::document::{PrincipalElement, Principals};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Layers, Named, Request, StatementPlace, evaluate, full_access,
};

/// How many principals of a trusted account are tried at most.
const CALLERS_MAX: usize = 24;

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
        let context = Context::default()
            .with("aws:SecureTransport", "true")
            .with("aws:PrincipalOrgID", self.organization_id.as_str());
        match self.facts.management {
            Some(management) => context.with("aws:PrincipalOrgMasterAccountId", management.as_str()),
            None => context,
        }
    }

    /// The circumstances of a request by a stranger.
    pub(super) fn outside(&self) -> Context {
        Context::default()
            .with("aws:SecureTransport", "true")
            .with("aws:PrincipalOrgID", "o-anotherorganization")
            .with("aws:PrincipalOrgMasterAccountId", STRANGER)
    }

    /// Judges a request to the bucket.
    pub(super) fn judge(&self, request: &Request, identity: &[Named]) -> AccessDecision {
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

/// Joins the answers to several requests: allowed as soon as one is; none where that cannot be told.
fn any(answers: impl IntoIterator<Item = AccessDecision>) -> Option<bool> {
    let mut unknown = false;
    for verdict in answers {
        match verdict {
            AccessDecision::Allowed { .. } => return Some(true),
            AccessDecision::Denied(_) => {}
            AccessDecision::Unknown { .. } => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

/// Tells whether a reader reads a file of an account, if it can be told: allowed as soon as one kind of file is.
pub(super) fn reads(archive: &Archive, reader: &Reader, account: &str) -> Option<bool> {
    let caller = Caller::from_arn(reader.role)?;
    let files = archive.sample_keys(account).into_iter().map(|key| Try::on("s3:GetObject", archive.object_arn(&key)));
    any(files.map(|one| archive.judge(&one.request(caller.clone(), archive.inside()), reader.policies)))
}

/// Returns the accounts whose files a trusted account or principal can read: by the evaluation of requests of those
/// that policies name in it, or else of any role there.
pub(super) fn trusted_reads(archive: &Archive, trusted: &str) -> BTreeMap<AccountId, Option<bool>> {
    let account = trusted.parse::<Arn>().map_or_else(|_| trusted.to_owned(), |arn| arn.account().to_owned());
    let context = match account.parse::<AccountId>() {
        Ok(id) if archive.accounts.contains(&id) => archive.inside(),
        _ => archive.outside(),
    };
    let some_role = format!("arn:{}:iam::{account}:role/any", archive.bucket_arn.partition());
    let statements = archive.bucket_policy.map_or(&[][..], |policy| policy.statements.as_slice());
    let named = statements.iter().filter_map(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("AWS"),
        _ => None,
    });
    let named = named.flatten().filter_map(|name| name.parse::<Arn>().ok()).filter(|arn| arn.account() == account);
    let callers: Vec<Caller> =
        named.chain(some_role.parse().ok()).filter_map(|arn| Caller::from_arn(&arn)).take(CALLERS_MAX).collect();
    let own = full_access();
    let identity = [Named { name: "the trusted reader's own policies", document: &own }];
    let answer = |victim: &AccountId| {
        let keys = archive.sample_keys(victim.as_str());
        let files = keys.into_iter().map(|key| Try::on("s3:GetObject", archive.object_arn(&key)));
        let asked = files.flat_map(|file| callers.iter().map(move |caller| (file.clone(), caller)));
        any(asked.map(|(file, caller)| archive.judge(&file.request(caller.clone(), context.clone()), &identity)))
    };
    archive.accounts.iter().map(|victim| (victim.clone(), answer(victim))).collect()
}

/// Evaluates, for a sample of the readers, requests for two other accounts and for the name that its own is the
/// beginning of. It confirms the proof by structure, which all readers have, with the evaluator, which shares nothing
/// with it.
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
    for key in archive.read_keys(account).into_iter().take(1) {
        let one = Try::on("s3:GetObject", archive.object_arn(&key));
        match archive.judge(&one.request(caller.clone(), archive.inside()), reader.policies) {
            // One counter-example to a statement is enough: there may be 10,000 readers.
            AccessDecision::Allowed { by } if is_told(result, &by) => {}
            AccessDecision::Allowed { by } => result.violate(BrokenInvariant {
                invariant: Invariant::ReadsOnlyOwn,
                principal: reader.role.to_string(),
                action: one.action.into(),
                resource: one.target(),
                statement: by.into_iter().next(),
            }),
            // What is allowed on conditions, the proof by structure has looked at.
            AccessDecision::Unknown { .. } | AccessDecision::Denied(_) => {}
        }
    }
}

fn is_told(result: &Isolation, by: &[StatementPlace]) -> bool {
    let mut told = result.violations.iter().filter_map(|violation| violation.statement.as_ref());
    told.any(|place| by.contains(place))
}
