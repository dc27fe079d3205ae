//! The key: a reader decrypts its files with it and nothing else, and it is not open to strangers.

use super::reach::demanded;
use super::{Archive, Invariant, Isolation, Key, Reader, Violation};
use crate::ids::Arn;
use crate::policy::document::{Effect, PolicyDocument, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::{
    Caller, Context, Layers, Named, Place, Request, Verdict, covers_action, evaluate, full_access,
};
use crate::policy::lint::outside_grants;

const DECRYPT: &str = "kms:Decrypt";
/// The pair of the encryption context that only CloudTrail's files have.
const CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";

/// Judges a request to a key, or to a role by its trust policy, of the archive's account.
pub(super) fn judge(archive: &Archive, key: Key, request: &Request, identity: &[Named]) -> Verdict {
    let resource = Some(Named { name: "key policy", document: key.policy });
    let resource_account = Some(archive.account.clone());
    evaluate(request, &Layers { identity, resource, resource_account, ..Layers::default() })
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
    let violation = |invariant, resource: &str, statement| Violation {
        invariant,
        principal: reader.role.to_string(),
        action: DECRYPT.into(),
        resource: resource.to_owned(),
        statement,
    };
    match judge(archive, key, &of(key.arn, true), reader.policies) {
        Verdict::Allowed { .. } => {}
        Verdict::Denied(denial) => {
            result.violate(violation(Invariant::ReadsOwn, key.arn, super::blamed(denial)));
        }
        Verdict::Unknown { why } => result.leave_open(Invariant::ReadsOwn, reader.role.as_str(), why.join("; ")),
    }
    if reader.role.account() != archive.account.as_str() {
        return;
    }
    let other_arn =
        format!("arn:{}:kms:{}:{}:key/another", archive.bucket_arn.partition(), archive.region, archive.account);
    let open = delegated(archive);
    let other = Key { arn: &other_arn, policy: &open };
    let foreign = judge(archive, other, &of(&other_arn, true), reader.policies);
    let bare = judge(archive, key, &of(key.arn, false), reader.policies);
    for (verdict, resource) in [(foreign, other_arn.clone()), (bare, not_a_log(key))] {
        match verdict {
            Verdict::Allowed { by } => {
                result.violate(violation(Invariant::DecryptsOnlyLogs, &resource, by.into_iter().next()));
            }
            Verdict::Denied(_) => {}
            Verdict::Unknown { why } => {
                result.leave_open(Invariant::DecryptsOnlyLogs, reader.role.as_str(), why.join("; "))
            }
        }
    }
}

/// The policy of any other key or role of the account: it lets the account's own policies decide.
pub(super) fn delegated(archive: &Archive) -> PolicyDocument {
    let mut open = full_access();
    let root = format!("arn:{}:iam::{}:root", archive.bucket_arn.partition(), archive.account);
    for statement in &mut open.statements {
        let by_kind = [("AWS".to_owned(), vec![root.clone()])].into();
        statement.principal = Some(PrincipalElement::Is(Principals::Listed(by_kind)));
    }
    open
}

/// Checks whom the key's policy lets in: no stranger, and members only for CloudTrail's files.
pub(super) fn check_policy(archive: &Archive, result: &mut Isolation) {
    let Some(key) = archive.key else { return };
    for (index, statement) in key.policy.statements.iter().enumerate() {
        if statement.effect == Effect::Deny || !covers_action(statement, DECRYPT) {
            continue;
        }
        let place = Place { document: "key policy".into(), index, sid: statement.sid.clone() };
        let outside = outside_grants(statement, Some(archive.organization_id), archive.accounts, archive.trusted);
        if let Some(grant) = outside {
            result.violate(Violation {
                invariant: Invariant::NobodyOutside,
                principal: grant.principal,
                action: DECRYPT.into(),
                resource: key.arn.to_owned(),
                statement: Some(place.clone()),
            });
        }
        check_members(archive, key, statement, &place, result);
    }
}

/// A statement for members must demand the encryption context that only CloudTrail's files have.
fn check_members(archive: &Archive, key: Key, statement: &Statement, place: &Place, result: &mut Isolation) {
    let present = |values: &Vec<String>| values.iter().all(|value| value.eq_ignore_ascii_case("false"));
    let null = statement.condition.get("Null").into_iter().flatten();
    let is_there = null.filter(|(name, _)| name.eq_ignore_ascii_case(CONTEXT)).any(|(_, values)| present(values));
    if is_there || demanded(statement, CONTEXT).next().is_some() {
        return;
    }
    for principal in members(archive, statement) {
        result.violate(Violation {
            invariant: Invariant::DecryptsOnlyLogs,
            principal,
            action: DECRYPT.into(),
            resource: not_a_log(key),
            statement: Some(place.clone()),
        });
    }
}

fn not_a_log(key: Key) -> String {
    format!("{} for data that is not CloudTrail's", key.arn)
}

/// Returns the members that a statement names; the archive's own account and trusted principals are not among them.
fn members(archive: &Archive, statement: &Statement) -> Vec<String> {
    let by_kind = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind,
        Some(_) => return vec!["any member".into()],
        None => return Vec::new(),
    };
    let own = archive.account.as_str();
    let is_own = |name: &str| name == own || name.parse::<Arn>().is_ok_and(|arn| arn.account() == own);
    let is_trusted = |name: &str| archive.trusted.iter().any(|trusted| trusted == name);
    let names = by_kind.get("AWS").map_or(&[][..], Vec::as_slice);
    let foreign = names.iter().filter(|name| !is_own(name) && !is_trusted(name));
    foreign.map(|name| if name == "*" { "any member".to_owned() } else { name.clone() }).collect()
}
