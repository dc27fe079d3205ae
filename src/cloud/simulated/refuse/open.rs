//! What S3 and KMS refuse of a policy by itself: one that is public, one that locks its owner out.

use std::collections::BTreeMap;

use crate::ids::{AccountId, Arn, Partition};
use crate::policy::document::{Effect, PolicyDocument, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::{Caller, Context, Layers, Named, Request, evaluate};

/// Condition keys that make a statement for everybody one for somebody, if they have a fixed value (S3 user guide, "The
/// meaning of public").
const NARROWING_KEYS: [&str; 15] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Tells whether a bucket policy is public in the sense of Block Public Access.
pub(super) fn is_public(policy: &PolicyDocument) -> bool {
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow && is_for_everybody(statement) && !is_narrowed(&statement.condition)
    })
}

fn is_for_everybody(statement: &Statement) -> bool {
    match &statement.principal {
        Some(PrincipalElement::Is(Principals::Anyone) | PrincipalElement::IsNot(_)) => true,
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            by_kind.get("AWS").is_some_and(|list| list.iter().any(|name| name == "*"))
        }
        None => false,
    }
}

fn is_narrowed(condition: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> bool {
    let positive = |operator: &str| {
        !operator.ends_with("IfExists")
            && ["StringEquals", "StringLike", "Arn", "IpAddress"].iter().any(|start| operator.starts_with(start))
            && !operator.contains("Not")
    };
    let fixed = |value: &String| !value.contains(['*', '?', '$']) && value != "0.0.0.0/0" && value != "::/0";
    let narrows = |(key, values): (&String, &Vec<String>)| {
        NARROWING_KEYS.contains(&key.to_ascii_lowercase().as_str()) && values.iter().all(fixed)
    };
    condition.iter().any(|(operator, by_key)| positive(operator) && by_key.iter().any(narrows))
}

/// Tells whether nobody of the key's account could change the key's policy any more.
///
/// KMS asks it of the caller; who calls is not recorded, so any principal of the account counts, the root first.
pub(super) fn locks_out(policy: &PolicyDocument, account: &AccountId, partition: Partition) -> bool {
    let root = Caller::Root { account: account.clone(), partition };
    let named = principals(policy).filter_map(|name| Caller::from_arn(&name.parse::<Arn>().ok()?));
    let own = named.filter(|caller| caller.account() == Some(account.as_str()));
    std::iter::once(root).chain(own).all(|caller| is_denied(policy, account, caller, partition))
}

fn principals(policy: &PolicyDocument) -> impl Iterator<Item = &String> {
    policy.statements.iter().flat_map(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("AWS").map_or(&[][..], Vec::as_slice),
        _ => &[],
    })
}

fn is_denied(policy: &PolicyDocument, account: &AccountId, caller: Caller, partition: Partition) -> bool {
    let resource = Arn::new(partition, "kms", partition.global_region(), account.as_str(), "key/this").to_string();
    let request = Request { caller, action: "kms:PutKeyPolicy".into(), resource, context: Context::default() };
    let resource = Some(Named { name: "key policy", document: policy });
    evaluate(&request, &Layers { resource, ..Layers::default() }).is_denied()
}
