//! The key: a reader decrypts its files with it and nothing else. Whom its policy lets in is
//! [`shared`](super::shared)'s.

use super::excess::{CONTEXT, not_a_log};
use super::granted::DECRYPT;
use super::{Archive, BrokenInvariant, Invariant, Isolation, Key, Reader};
use crate::policy::document::{PolicyDocument, PrincipalElement, Principals};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Layers, Named, Request, evaluate, evaluate_at_worst, full_access,
};

/// Judges a request to a key of the archive's account.
fn judge(archive: &Archive, key: Key, request: &Request, identity: &[Named], at_worst: bool) -> AccessDecision {
    let resource = Some(Named { name: "key policy", document: key.policy });
    let resource_account = Some(archive.account.clone());
    let layers = Layers { identity, resource, resource_account, ..Layers::default() };
    if at_worst { evaluate_at_worst(request, &layers) } else { evaluate(request, &layers) }
}

/// The circumstances of S3 decrypting a file for a caller, with or without CloudTrail's context.
fn through_s3(archive: &Archive, caller: &Caller, of_cloudtrail: bool) -> Context {
    let domain = if archive.bucket_arn.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let context = archive.inside().with("kms:ViaService", format!("s3.{}.{domain}", archive.region));
    let context = context.with("kms:CallerAccount", caller.account().unwrap_or_default());
    if of_cloudtrail {
        context
            .with(CONTEXT, format!("arn:{}:cloudtrail:region:account:trail/any", archive.bucket_arn.partition()))
            .with("kms:EncryptionContextKeys", "aws:cloudtrail:arn")
    } else {
        context
    }
}

/// Checks what a reader decrypts, by full evaluation.
pub(super) fn check_reader(archive: &Archive, reader: &Reader, caller: &Caller, result: &mut Isolation) {
    let Some(key) = archive.key else { return };
    let of = |resource: &str, of_cloudtrail| Request {
        caller: caller.clone(),
        action: DECRYPT.into(),
        resource: resource.to_owned(),
        context: through_s3(archive, caller, of_cloudtrail),
    };
    let violation = |invariant, resource: &str, statement| BrokenInvariant {
        invariant,
        principal: reader.role.to_string(),
        action: DECRYPT.into(),
        resource: resource.to_owned(),
        statement,
    };
    match judge(archive, key, &of(key.arn, true), reader.policies, false) {
        AccessDecision::Allowed { .. } => {}
        AccessDecision::Denied(denial) => {
            result.violate(violation(Invariant::ReadsOwn, key.arn, super::blamed(denial)));
        }
        AccessDecision::Unknown { why } => result.leave_open(Invariant::ReadsOwn, reader.role.as_str(), why.join("; ")),
    }
    if reader.role.account() != archive.account.as_str() {
        return;
    }
    let other_arn =
        format!("arn:{}:kms:{}:{}:key/another", archive.bucket_arn.partition(), archive.region, archive.account);
    let open = delegated(archive);
    let other = Key { arn: &other_arn, policy: &open };
    let foreign = judge(archive, other, &of(&other_arn, true), reader.policies, true);
    let bare = judge(archive, key, &of(key.arn, false), reader.policies, true);
    for (verdict, resource) in [(foreign, other_arn.clone()), (bare, not_a_log(key.arn))] {
        match verdict {
            AccessDecision::Allowed { by } => {
                result.violate(violation(Invariant::DecryptsOnlyLogs, &resource, by.into_iter().next()));
            }
            AccessDecision::Denied(_) => {}
            AccessDecision::Unknown { why } => {
                result.leave_open(Invariant::DecryptsOnlyLogs, reader.role.as_str(), why.join("; "))
            }
        }
    }
}

/// The policy of any other key of the account: it lets the account's own policies decide.
fn delegated(archive: &Archive) -> PolicyDocument {
    let mut open = full_access();
    let root = format!("arn:{}:iam::{}:root", archive.bucket_arn.partition(), archive.account);
    for statement in &mut open.statements {
        let by_kind = [("AWS".to_owned(), vec![root.clone()])].into();
        statement.principal = Some(PrincipalElement::Is(Principals::Listed(by_kind)));
    }
    open
}
