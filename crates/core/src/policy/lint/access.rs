//! Rules about who gets access, and who loses it.

use super::outside::{actions_of, is_demanding, outside_grants};
use super::{Add, Kind, LintSubject, Rule};
use crate::ids::AccountId;
use crate::policy::cloudtrail_accounts;
use crate::policy::document::{Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, covers_action, evaluate,
};

pub(super) fn outside(statement: &Statement, subject: &LintSubject, add: Add) {
    let regions = cloudtrail_accounts::regions(statement);
    if !regions.is_empty() && statement.effect == Effect::Allow {
        add(Rule::OutdatedPrincipals, outdated(&regions));
    }
    let rest = if regions.is_empty() { None } else { Some(cloudtrail_accounts::without_them(statement)) };
    let Some(statement) = rest.as_ref().map_or(Some(statement), Option::as_ref) else { return };
    let grant = outside_grants(statement, subject.organization_id, subject.known_accounts, subject.trusted);
    if let Some(grant) = grant {
        let who = &grant.principal;
        add(Rule::OutsideGrant, format!("{who}, outside the organization, may {} on {}", grant.action, grant.resource));
    }
}

/// Says what it means that CloudTrail's old accounts are named.
fn outdated(regions: &[&str]) -> String {
    format!(
        "it names the accounts that CloudTrail had before its service principal, an outdated form that works for {} only: a \
         trail of all regions misses the others",
        regions.join(", ")
    )
}

/// What CloudTrail does here in the name of a trail. That it decrypts for Bucket Keys and looks at the key harms
/// nobody, and AWS documents the former without a condition.
const BY_CLOUDTRAIL: [&str; 5] =
    ["s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey", "kms:Encrypt", "sns:Publish"];

/// A service acts for whoever makes it: without a condition on the source for anybody (IAM user guide, "The confused
/// deputy problem").
pub(super) fn source(statement: &Statement, subject: &LintSubject, add: Add) {
    let shared = [Kind::Bucket, Kind::Key, Kind::Topic].contains(&subject.kind);
    if statement.effect == Effect::Deny || !shared || has_source(statement) {
        return;
    }
    for service in services(statement) {
        if service == "cloudtrail.amazonaws.com" {
            if let Some(action) = BY_CLOUDTRAIL.iter().find(|action| covers_action(statement, action)) {
                add(Rule::MissingSourceCondition, format!("any trail of any AWS account may do {action} here"));
            }
        } else {
            let actions = actions_of(statement);
            add(Rule::MissingSourceCondition, format!("{service} may do {actions} here for any AWS account"));
        }
    }
}

fn services(statement: &Statement) -> &[String] {
    match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("Service").map_or(&[], Vec::as_slice),
        _ => &[],
    }
}

fn has_source(statement: &Statement) -> bool {
    const SOURCES: [&str; 5] = [
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "kms:encryptioncontext:aws:cloudtrail:arn",
    ];
    let lines = statement.condition.iter().filter(|(operator, _)| is_demanding(operator));
    let mut keys = lines.flat_map(|(_, by_key)| by_key);
    keys.any(|(key, values)| SOURCES.contains(&key.to_ascii_lowercase().as_str()) && values.iter().all(|v| v != "*"))
}

/// Listing a bucket without a prefix shows the names of every account's files. Services that check the bucket are left
/// out: they list nothing for anybody.
pub(super) fn list(statement: &Statement, subject: &LintSubject, add: Add) {
    let kinds = [Kind::Bucket, Kind::RoleInline, Kind::Managed];
    let for_services = matches!(&statement.principal, Some(PrincipalElement::Is(Principals::Listed(by_kind)))
        if by_kind.keys().all(|kind| kind == "Service"));
    let names_bucket = match &statement.resource {
        Some(ResourceElement::Is(list)) => list.iter().any(|resource| !resource.contains('/')),
        Some(ResourceElement::IsNot(_)) | None => true,
    };
    if statement.effect == Effect::Deny || for_services || !names_bucket || !kinds.contains(&subject.kind) {
        return;
    }
    let listing =
        ["s3:ListBucket", "s3:ListBucketVersions"].into_iter().find(|action| covers_action(statement, action));
    let keys = statement.condition.iter().filter(|(operator, _)| is_demanding(operator)).flat_map(|(_, keys)| keys);
    let confined = keys
        .filter(|(key, _)| key.eq_ignore_ascii_case("s3:prefix"))
        .any(|(_, values)| values.iter().all(|value| !value.starts_with('*')));
    if let (Some(listing), false) = (listing, confined) {
        add(Rule::ListWithoutPrefix, format!("{} allows {listing} for every prefix", actions_of(statement)));
    }
}

/// A bucket refuses plain HTTP if it explicitly denies it to a caller without a signature, to whom no exemption
/// applies.
pub(super) fn plain_http(document: &PolicyDocument, subject: &LintSubject, add: Add) {
    if subject.kind != Kind::Bucket {
        return;
    }
    let named = Named { name: subject.name, document };
    let request = Request {
        caller: Caller::Anonymous,
        action: "s3:GetObject".into(),
        resource: format!("arn:{}:s3:::bucket/key", subject.partition),
        context: Context::default().with("aws:SecureTransport", "false"),
    };
    let resource = bucket_of(document).map_or(request.resource.clone(), |bucket| format!("{bucket}/key"));
    let request = Request { resource, ..request };
    let verdict = evaluate(&request, &Layers { resource: Some(named), ..Layers::default() });
    if !matches!(verdict, AccessDecision::Denied(Denial::Explicit(_))) {
        add(Rule::PlainHttpAllowed, "the bucket does not refuse requests over plain HTTP".into());
    }
}

/// Returns the ARN of the bucket that the policy is about.
fn bucket_of(document: &PolicyDocument) -> Option<String> {
    let lists = document.statements.iter().filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list)) => Some(list),
        _ => None,
    });
    let bucket = |resource: &String| {
        let name = resource.strip_prefix("arn:")?.split(":s3:::").nth(1)?.split('/').next()?;
        (!name.is_empty() && !name.contains('*')).then(|| resource.split('/').next().map(str::to_owned)).flatten()
    };
    lists.flatten().find_map(bucket)
}

/// Asks whether the account could still change the policy.
pub(super) fn lockout(document: &PolicyDocument, subject: &LintSubject, add: Add) {
    let Some(account) = subject.account else { return };
    match subject.kind {
        Kind::Key => key_lockout(document, subject, account, add),
        Kind::Bucket => bucket_lockout(document, subject, account, add),
        _ => {}
    }
}

fn verdict_on(
    document: &PolicyDocument,
    subject: &LintSubject,
    account: &AccountId,
    request: Request,
) -> AccessDecision {
    let context = request.context.with("aws:SecureTransport", "true").with("aws:ViaAWSService", "false");
    let request = Request { context, ..request };
    let resource = Some(Named { name: subject.name, document });
    evaluate(&request, &Layers { resource, resource_account: Some(account.clone()), ..Layers::default() })
}

/// KMS's own check: the account's root must be able to put the next policy (KMS API, `PutKeyPolicy`).
fn key_lockout(document: &PolicyDocument, subject: &LintSubject, account: &AccountId, add: Add) {
    let request = Request {
        caller: Caller::Root { account: account.clone(), partition: subject.partition },
        action: "kms:PutKeyPolicy".into(),
        resource: format!("arn:{0}:kms:{1}:{account}:key/this", subject.partition, subject.partition.global_region()),
        context: Context::default(),
    };
    if verdict_on(document, subject, account, request).is_denied() {
        add(Rule::KeyLockout, format!("the root of account {account} may not change the policy of the key any more"));
    }
}

fn bucket_lockout(document: &PolicyDocument, subject: &LintSubject, account: &AccountId, add: Add) {
    let Some(resource) = bucket_of(document) else { return };
    let Ok(role) = format!("arn:{}:iam::{account}:role/some-administrator", subject.partition).parse() else { return };
    let request = Request {
        caller: Caller::Session { role, name: "session".into() },
        action: "s3:PutBucketPolicy".into(),
        resource,
        context: Context::default(),
    };
    if let AccessDecision::Denied(Denial::Explicit(place)) = verdict_on(document, subject, account, request)
        && document.statements.get(place.index).is_some_and(lets_nobody_off)
    {
        add(Rule::BucketLockout, format!("{place} denies administrators of account {account} to change the policy"));
    }
}

/// A denial that looks at who asks leaves somebody, such as a break-glass role, who can repair the policy.
fn lets_nobody_off(statement: &Statement) -> bool {
    let mut keys = statement.condition.values().flat_map(|by_key| by_key.keys()).map(|key| key.to_ascii_lowercase());
    let looks_at_caller = keys.any(|key| key.starts_with("aws:principal") || key == "aws:userid");
    !looks_at_caller && !matches!(statement.principal, Some(PrincipalElement::IsNot(_)))
}
