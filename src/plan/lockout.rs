//! Whether those who have to repair the archive still can: orgtrail's own roles, and the break-glass roles.
//!
//! It is looked at with the documents as they are, on every run, because a statement of others may have been written since;
//! and with the documents as they will be, before anything is sent, because whoever locks itself out needs the root user of
//! the account to come in again.

use super::finding::{Finding, Harm};
use crate::estate::{Address, Desired, Estate, Kind, Problem, Stage, StatementRef};
use crate::ids::Arn;
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{Caller, Context, Denial, Layers, Named, Place, Request, Verdict, evaluate, full_access};
use crate::policy::guard::possible_callers;

/// The code of a document that keeps orgtrail out.
pub(super) const BLOCKS_ORGTRAIL: &str = "blocks-orgtrail";

/// What orgtrail has to be able to do to a bucket, a key and a topic; the first of each is to write the policy.
const BUCKET_WORK: [&str; 4] =
    ["s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"];
const KEY_WORK: [&str; 2] = ["kms:PutKeyPolicy", "kms:EnableKey"];
const TOPIC_WORK: [&str; 1] = ["sns:SetTopicAttributes"];

/// What a break-glass role is there for.
const GLASS_WORK: [(&str, &str); 3] =
    [("s3:DeleteObjectVersion", "/*"), ("s3:DeleteObject", "/*"), ("s3:PutBucketPolicy", "")];

/// Returns a finding for each document that keeps orgtrail out as it is now.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let documents = desired.wanted.keys().filter_map(|address| {
        let document = observed.resource(address)?.shared_policy()?;
        let (role, place, action) = shut_out(desired, address, document)?;
        let statement = document.statements.get(place.index).and_then(|statement| StatementRef::of(address, statement));
        let message = format!("{place} denies {action} to {role}: nothing there can be repaired any more");
        let help = help(statement.as_ref(), action);
        Some(Finding::new(Harm::LessProtected, address, BLOCKS_ORGTRAIL, message, help).about(statement))
    });
    documents.collect()
}

/// As long as orgtrail may write the policy, it can take the statement out itself.
fn help(statement: Option<&StatementRef>, action: &str) -> String {
    let writes = [BUCKET_WORK[0], KEY_WORK[0], TOPIC_WORK[0]];
    match statement.filter(|_| !writes.contains(&action)) {
        Some(statement) => {
            format!(
                "remove it with `orgtrail apply --destroy '{statement}' --allow weakens,destroys`, or let orgtrail off in it"
            )
        }
        None => "remove the statement; where nobody else is let in, the root user of the account still can".to_owned(),
    }
}

/// Returns the first of orgtrail's roles that a document keeps from its work, with the statement and the action.
pub(super) fn shut_out(
    desired: &Desired,
    address: &Address,
    document: &PolicyDocument,
) -> Option<(Arn, Place, &'static str)> {
    let (actions, resource): (&[&'static str], String) = match address.kind {
        Kind::BucketPolicy => (&BUCKET_WORK, bucket_arn(desired, address)?),
        Kind::KeyPolicy => (&KEY_WORK, any_key(desired, address)),
        Kind::Topic => (&TOPIC_WORK, address.arn(desired.partition)?.to_string()),
        _ => return None,
    };
    let named = desired.own_roles.iter().filter_map(|pattern| one_of(pattern));
    let roles = std::iter::once(desired.own_role.clone()).chain(named);
    roles.into_iter().find_map(|role| {
        actions.iter().find_map(|action| {
            let place = denied(&role, action, &resource, address, document)?;
            Some((role.clone(), place, *action))
        })
    })
}

/// Returns a problem for each break-glass role that a bucket's policy would leave shut out.
pub(super) fn shut_glass(desired: &Desired, address: &Address, document: &PolicyDocument) -> Vec<Problem> {
    let Some(bucket) = bucket_arn(desired, address).filter(|_| address.kind == Kind::BucketPolicy) else {
        return Vec::new();
    };
    let roles = desired.break_glass.iter().filter_map(|pattern| one_of(pattern));
    let problem = |role: Arn| {
        let (place, action) = GLASS_WORK.iter().find_map(|(action, below)| {
            Some((denied(&role, action, &format!("{bucket}{below}"), address, document)?, action))
        })?;
        Some(Problem {
            account: address.account.clone(),
            address: Some(address.clone()),
            stage: Stage::Plan,
            code: "break-glass-shut".into(),
            message: format!("{place} would deny {action} to the break-glass role {role}"),
            help: "let the roles of bucket.break_glass_roles off in the statement, or remove it".into(),
        })
    };
    roles.filter_map(problem).collect()
}

/// Returns the statement of a document that denies an action to whoever the ARN of a caller may stand for.
pub fn denied_to_caller(
    caller: &Arn,
    action: &str,
    resource: &str,
    address: &Address,
    document: &PolicyDocument,
) -> Option<Place> {
    let places: Option<Vec<Place>> = possible_callers(caller, document)
        .iter()
        .map(|caller| denied(caller, action, resource, address, document))
        .collect();
    places?.into_iter().next()
}

/// Returns the statement of a document that denies an action to a role of its own account that may do everything else.
fn denied(role: &Arn, action: &str, resource: &str, address: &Address, document: &PolicyDocument) -> Option<Place> {
    let own = full_access();
    let request = Request {
        caller: Caller::from_arn(role)?,
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: Context::default().with("aws:SecureTransport", "true"),
    };
    let layers = Layers {
        identity: &[Named { name: "orgtrail's own policies", document: &own }],
        resource: Some(Named { name: address.kind.words(), document }),
        resource_account: Some(address.account.clone()),
        ..Layers::default()
    };
    match evaluate(&request, &layers) {
        Verdict::Denied(Denial::Explicit(place)) => Some(place),
        _ => None,
    }
}

fn bucket_arn(desired: &Desired, policy: &Address) -> Option<String> {
    Some(policy.with_kind(Kind::Bucket).arn(desired.partition)?.to_string())
}

/// A key policy can only mean its own key, so any will do.
fn any_key(desired: &Desired, policy: &Address) -> String {
    let region = policy.region.as_ref().map_or("", |region| region.as_str());
    Arn::new(desired.partition, "kms", region, policy.account.as_str(), "key/any").to_string()
}

/// Returns one role that a pattern means.
fn one_of(pattern: &str) -> Option<Arn> {
    pattern.replace(['*', '?'], "x").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_whose_role_has_a_path_is_let_in_where_the_role_is() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutBucketPolicy",
            "Resource":"arn:aws:s3:::logs","Condition":{"ArnNotLike":{"aws:PrincipalArn":
            ["arn:aws:iam::222222222222:role/platform/orgtrail"]}}}]}"#;
        let policy = PolicyDocument::parse(text).unwrap();
        let address: Address = "222222222222/eu-central-1/bucket_policy/logs".parse().unwrap();
        let is_denied = |role: &str| {
            let caller = format!("arn:aws:sts::222222222222:assumed-role/{role}/run").parse().unwrap();
            denied_to_caller(&caller, "s3:PutBucketPolicy", "arn:aws:s3:::logs", &address, &policy).is_some()
        };
        assert!(!is_denied("orgtrail"));
        assert!(is_denied("deployer"));
    }
}
