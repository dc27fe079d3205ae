//! Whether those who have to repair the archive still can: orgtrail's own roles, and the break-glass roles.
//!
//! It is looked at with the documents as they are, on every run, because a statement of others may have been written
//! since; and with the documents as they will be, before anything is sent, because whoever locks itself out needs the
//! root user of the account to come in again.

use super::effective;
use super::finding::{Finding, Harm};
use crate::estate::Resource;
use crate::estate::{Address, Desired, Estate, Kind, Problem, Stage, StatementRef};
use crate::ids::Arn;
use crate::log_path::{Folder, LogKind, Sample};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, StatementPlace, evaluate, full_access,
};
use crate::policy::guard::possible_callers;

/// The code of a document that keeps orgtrail out.
pub(super) const BLOCKS_ORGTRAIL: &str = "blocks-orgtrail";

/// The code of a document that keeps a break-glass role out.
const GLASS_SHUT: &str = "break-glass-shut";
const GLASS_HELP: &str = "let the roles of bucket.break_glass_roles off in the statement, or remove it";

/// What orgtrail sets at a bucket, a key and a topic: every call of the table of operations that changes one that is
/// there. A test of the table holds these lists to it.
pub(crate) const BUCKET_WORK: [&str; 11] = [
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketLogging",
    "s3:PutBucketRequestPayment",
    "s3:PutBucketAcl",
    "s3:PutBucketTagging",
];
/// See [`BUCKET_WORK`].
pub(crate) const KEY_WORK: [&str; 7] = [
    "kms:PutKeyPolicy",
    "kms:EnableKey",
    "kms:CancelKeyDeletion",
    "kms:EnableKeyRotation",
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:TagResource",
];
/// See [`BUCKET_WORK`].
pub(crate) const TOPIC_WORK: [&str; 2] = ["sns:SetTopicAttributes", "sns:TagResource"];

/// What a break-glass role is there for; `true` for what it does to objects.
const GLASS_WORK: [(&str, bool); 3] =
    [("s3:DeleteObjectVersion", true), ("s3:DeleteObject", true), ("s3:PutBucketPolicy", false)];

/// Returns a finding for each document that keeps orgtrail or a break-glass role out as it is now.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let mut found = Vec::new();
    for (address, document) in documents(desired, observed) {
        if let Some((role, place, action)) = shut_out(desired, address, document) {
            let statement = statement_at(address, document, &place);
            let message = format!("{place} denies {action} to {role}: what that sets cannot be repaired any more");
            let help = help(statement.as_ref(), action);
            found.push(Finding::new(Harm::LessProtected, address, BLOCKS_ORGTRAIL, message, help).about(statement));
        }
        for (role, place, action) in glasses_shut(desired, address, document) {
            let statement = statement_at(address, document, &place);
            let message = format!("{place} denies {action} to the break-glass role {role}");
            found.push(Finding::new(Harm::LessProtected, address, GLASS_SHUT, message, GLASS_HELP).about(statement));
        }
    }
    found
}

/// Returns the statement at a place, if others wrote it.
fn statement_at(address: &Address, document: &PolicyDocument, place: &StatementPlace) -> Option<StatementRef> {
    document.statements.get(place.index).and_then(|statement| StatementRef::of(address, statement))
}

/// Returns a problem for each document of which it cannot be told whether it keeps orgtrail or a break-glass role out.
pub(super) fn problems(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let mut found = Vec::new();
    for (address, document) in documents(desired, observed) {
        // A statement of ours that was changed is put back by the plan: only what stays is in doubt.
        let after = desired.wanted.get(address).map(|wanted| effective(desired, observed, address, wanted));
        let document = after.as_ref().and_then(Resource::shared_policy).unwrap_or(document);
        let (actions, resource) = work(desired, address).unwrap_or((&[], String::new()));
        let (own, resource) = (own_roles(desired), &resource);
        let asked = own
            .iter()
            .flat_map(move |role| actions.iter().map(move |action| (role.clone(), *action, resource.clone())));
        let mut doubts =
            asked.chain(glass_work(desired, address)).filter_map(|(role, action, resource)| {
                match verdict(desired, &role, action, &resource, address, document)? {
                    AccessDecision::Unknown { why } => Some((role, action, why)),
                    AccessDecision::Allowed { .. } | AccessDecision::Denied(_) => None,
                }
            });
        let Some((role, action, why)) = doubts.next() else { continue };
        found.push(Problem {
            account: address.account.clone(),
            address: Some(address.clone()),
            stage: Stage::Plan,
            code: "LockoutUnproven".into(),
            message: format!("it is unknown whether {role} is exempt from what denies {action}: {}", why.join("; ")),
            help: "let this role off in the statement with ArnNotLike aws:PrincipalArn, or remove the statement".into(),
        });
    }
    found
}

/// Returns the documents that were observed where some are wanted.
fn documents<'a>(
    desired: &'a Desired,
    observed: &'a Estate,
) -> impl Iterator<Item = (&'a Address, &'a PolicyDocument)> {
    desired.wanted.keys().filter_map(|address| Some((address, observed.resource(address)?.shared_policy()?)))
}

/// Returns what orgtrail does to what a document is attached to.
fn work(desired: &Desired, address: &Address) -> Option<(&'static [&'static str], String)> {
    match address.kind {
        Kind::BucketPolicy => Some((&BUCKET_WORK, bucket_arn(desired, address)?)),
        Kind::KeyPolicy => Some((&KEY_WORK, any_key(desired, address))),
        Kind::Topic => Some((&TOPIC_WORK, address.arn(desired.partition)?.to_string())),
        _ => None,
    }
}

fn own_roles(desired: &Desired) -> Vec<Arn> {
    let named = desired.own_roles.iter().filter_map(|pattern| one_of(pattern));
    std::iter::once(desired.own_role.clone()).chain(named).collect()
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
        None => "remove the statement; where no other principal is allowed, the root user of the account still \
        can"
        .to_owned(),
    }
}

/// Returns the first of orgtrail's roles that a document keeps from its work, with the statement and the action.
pub(super) fn shut_out(
    desired: &Desired,
    address: &Address,
    document: &PolicyDocument,
) -> Option<(Arn, StatementPlace, &'static str)> {
    let (actions, resource) = work(desired, address)?;
    own_roles(desired).into_iter().find_map(|role| {
        actions.iter().find_map(|action| {
            let place = denied_by(verdict(desired, &role, action, &resource, address, document)?)?;
            Some((role.clone(), place, *action))
        })
    })
}

/// Returns what a break-glass role has to be able to do: the role, the action and the resource.
fn glass_work(desired: &Desired, address: &Address) -> Vec<(Arn, &'static str, String)> {
    let Some(bucket) = bucket_arn(desired, address).filter(|_| address.kind == Kind::BucketPolicy) else {
        return Vec::new();
    };
    let root = desired.reading.roots.first().cloned().unwrap_or_default();
    let region = address.region.as_ref().map_or("", |region| region.as_str());
    let sample = Sample::of(desired.log_account.as_str(), region);
    let file = format!("{bucket}/{}", sample.key(&root, Folder::Logs(LogKind::CloudTrail)));
    let roles: Vec<Arn> = desired.break_glass.iter().filter_map(|pattern| one_of(pattern)).collect();
    let of = |role: &Arn| {
        let resource = |objects: bool| if objects { file.clone() } else { bucket.clone() };
        GLASS_WORK.map(|(action, objects)| (role.clone(), action, resource(objects)))
    };
    roles.iter().flat_map(of).collect()
}

/// Returns the break-glass roles that a bucket's policy shuts out, each with the statement and the action.
fn glasses_shut(
    desired: &Desired,
    address: &Address,
    document: &PolicyDocument,
) -> Vec<(Arn, StatementPlace, &'static str)> {
    let mut shut: Vec<(Arn, StatementPlace, &'static str)> = Vec::new();
    for (role, action, resource) in glass_work(desired, address) {
        let is_told = shut.iter().any(|(known, ..)| *known == role);
        let answer = verdict(desired, &role, action, &resource, address, document).filter(|_| !is_told);
        if let Some(place) = answer.and_then(denied_by) {
            shut.push((role, place, action));
        }
    }
    shut
}

/// Returns a problem for each break-glass role that a bucket's policy would leave shut out.
pub(super) fn shut_glass(desired: &Desired, address: &Address, document: &PolicyDocument) -> Vec<Problem> {
    let problem = |(role, place, action): (Arn, StatementPlace, &str)| Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Plan,
        code: GLASS_SHUT.into(),
        message: format!("{place} would deny {action} to the break-glass role {role}"),
        help: GLASS_HELP.into(),
    };
    glasses_shut(desired, address, document).into_iter().map(problem).collect()
}

/// Returns the statement of a document that denies an action to whoever the ARN of a caller may stand for.
pub fn denied_to_caller(
    caller: &Arn,
    action: &str,
    resource: &str,
    address: &Address,
    document: &PolicyDocument,
) -> Option<StatementPlace> {
    let places: Option<Vec<StatementPlace>> = possible_callers(caller, document)
        .iter()
        .map(|caller| denied(caller, action, resource, address, document))
        .collect();
    places?.into_iter().next()
}

/// Returns the statement of a document that denies an action to a role of its own account that may do everything else.
fn denied(
    role: &Arn,
    action: &str,
    resource: &str,
    address: &Address,
    document: &PolicyDocument,
) -> Option<StatementPlace> {
    denied_by(judged(role, action, resource, address, document, Context::default())?)
}

fn denied_by(verdict: AccessDecision) -> Option<StatementPlace> {
    match verdict {
        AccessDecision::Denied(Denial::Explicit(place)) => Some(place),
        _ => None,
    }
}

/// Judges what a role of this deployment does to what a document is attached to. Both are of the organization.
fn verdict(
    desired: &Desired,
    role: &Arn,
    action: &str,
    resource: &str,
    address: &Address,
    document: &PolicyDocument,
) -> Option<AccessDecision> {
    let (organization, account) = (desired.organization.as_str(), address.account.as_str());
    let context = Context::default()
        .with("aws:PrincipalOrgID", organization)
        .with("aws:ResourceOrgID", organization)
        .with("aws:ResourceAccount", account)
        .with("s3:ResourceAccount", account);
    let context = match &address.region {
        Some(region) => context.with("aws:RequestedRegion", region.as_str()),
        None => context,
    };
    judged(role, action, resource, address, document, context)
}

fn judged(
    role: &Arn,
    action: &str,
    resource: &str,
    address: &Address,
    document: &PolicyDocument,
    context: Context,
) -> Option<AccessDecision> {
    let own = full_access();
    let request = Request {
        caller: Caller::from_arn(role)?,
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: context.with("aws:SecureTransport", "true"),
    };
    let layers = Layers {
        identity: &[Named { name: "orgtrail's own policies", document: &own }],
        resource: Some(Named { name: address.kind.words(), document }),
        resource_account: Some(address.account.clone()),
        ..Layers::default()
    };
    Some(evaluate(&request, &layers))
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
    use crate::estate::{BucketPolicy, Sighting};
    use crate::plan::surroundings::tests;

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

    /// Judges a bucket policy with one statement for everybody.
    fn judged(statement: &str) -> (Vec<String>, Vec<String>) {
        let mut desired = tests::desired();
        desired.break_glass = vec!["arn:aws:iam::222222222222:role/BreakGlass".into()];
        let address = tests::bucket().with_kind(Kind::BucketPolicy);
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Resource":["arn:aws:s3:::acme-org-cloudtrail","arn:aws:s3:::acme-org-cloudtrail/*"],{statement}}}]}}"#
        );
        let policy = BucketPolicy { policy: PolicyDocument::parse(&text).unwrap() };
        let mut observed = Estate::default();
        desired.want(address.clone(), policy.clone(), "bucket", Vec::new());
        observed.sightings.insert(address, Sighting::present(policy));
        (
            findings(&desired, &observed).into_iter().map(|finding| finding.code).collect(),
            problems(&desired, &observed).into_iter().map(|problem| problem.code).collect(),
        )
    }

    #[test]
    fn a_denial_that_is_there_already_is_told() {
        let of = |role: &str| {
            format!(r#""Condition":{{"ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/{role}"}}}}"#)
        };
        let glass = |action: &str| judged(&format!(r#""Action":"{action}",{}"#, of("BreakGlass")));
        for action in ["s3:PutBucketPolicy", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObject*"] {
            assert_eq!(glass(action), (vec!["break-glass-shut".into()], Vec::new()), "{action}");
        }
        assert_eq!(glass("s3:GetObject"), (Vec::new(), Vec::new()));
        assert_eq!(judged(r#""Action":"s3:DeleteObject*""#).0, ["break-glass-shut"]);
        for action in BUCKET_WORK {
            let own = judged(&format!(r#""Action":"{action}",{}"#, of("OrganizationAccountAccessRole")));
            assert_eq!(own, (vec!["blocks-orgtrail".into()], Vec::new()), "{action}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_a_problem_and_what_is_known_of_the_organization_is_not() {
        let depends =
            |condition: &str| judged(&format!(r#""Action":"s3:PutBucketPolicy","Condition":{{{condition}}}"#));
        let unproven = (Vec::new(), vec!["LockoutUnproven".to_owned()]);
        assert_eq!(depends(r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#), unproven);
        assert_eq!(depends(r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#), unproven);
        for known in [
            r#""StringNotEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#,
            r#""Bool":{"aws:SecureTransport":"false"}"#,
            r#""NumericLessThan":{"s3:TlsVersion":"1.2"}"#,
            r#""StringNotEquals":{"aws:ResourceAccount":"222222222222"}"#,
        ] {
            assert_eq!(depends(known), (Vec::new(), Vec::new()), "{known}");
        }
    }
}
