//! What a reader's policy gives beside buckets, keys and topics: other ways to their content in its account.

use super::scene::Excess;
use super::{Archive, Invariant, Reader};
use crate::policy::document::{ActionElement, ResourceElement, Statement};
use crate::policy::evaluate::{covers_action, glob, globs_meet};

/// What makes a principal more than it is, or makes another one.
const ESCALATIONS: [&str; 18] = [
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:PassRole",
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateLoginProfile",
];

/// Ways to make a bucket's content reachable beside the bucket.
const DETOURS: [&str; 6] = [
    "s3:CreateAccessPoint",
    "s3:PutAccessPointPolicy",
    "s3:CreateAccessPointForObjectLambda",
    "s3:CreateJob",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutStorageLensConfiguration",
];

/// Returns what a statement gives in the account of the archive, beside what is kept there.
pub(super) fn elsewhere(archive: &Archive, reader: &Reader, statement: &Statement) -> Vec<Excess> {
    let own = reader.role.as_str();
    let in_account =
        |service: &'static str| resources(statement).into_iter().find(|text| may_be_in(archive, text, service));
    let mut list = Vec::new();
    let too_much = |action: &str, resource: String| Excess {
        invariant: Invariant::WritesNothing,
        action: action.to_owned(),
        tries: vec![(resource, None)],
        shown: None,
        open: None,
    };
    let covered = |list: &[&'static str]| list.iter().copied().find(|action| covers_action(statement, action));
    if let (Some(action), Some(resource)) = (covered(&ESCALATIONS), in_account("iam")) {
        list.push(too_much(action, if resource == "*" { own.to_owned() } else { resource }));
    }
    let roles = format!("arn:{}:iam::{}:role/*", archive.bucket_arn.partition(), archive.account);
    let another =
        resources(statement).into_iter().find(|text| text != own && (text == "*" || globs_meet(text, &roles)));
    if let (true, Some(resource)) = (covers_action(statement, "sts:AssumeRole"), another) {
        let resource = if resource == "*" { format!("{own}-of-somebody-else") } else { resource };
        list.push(too_much("sts:AssumeRole", resource));
    }
    if let (Some(action), Some(resource)) = (covered(&DETOURS), in_account("s3")) {
        list.push(too_much(action, resource));
    }
    list.extend(of_other_services(archive, statement).map(|(action, resource)| {
        let open = Some(format!("what {action} gives in account {} was not looked at", archive.account));
        Excess { open, ..too_much(&action, resource) }
    }));
    list
}

/// Returns what a statement is about, with variables as wide as they may be.
fn resources(statement: &Statement) -> Vec<String> {
    match &statement.resource {
        Some(ResourceElement::Is(list)) => {
            list.iter().filter_map(|text| super::touch::without_variables(text, Some("*"))).collect()
        }
        Some(ResourceElement::IsNot(_)) | None => vec!["*".into()],
    }
}

/// Tells whether a resource can be one of a service in the archive's account.
fn may_be_in(archive: &Archive, resource: &str, service: &str) -> bool {
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let meets = |place: usize, text: &str| fields.get(place).is_none_or(|field| glob(field, text));
    fields.len() < 6 || ((service == "*" || meets(2, service)) && meets(4, archive.account.as_str()))
}

/// Returns the first action of another service that does more than to show something.
fn of_other_services(archive: &Archive, statement: &Statement) -> Option<(String, String)> {
    const LOOKED_AT: [&str; 5] = ["s3", "kms", "sns", "iam", "sts"];
    const SHOWS: [&str; 8] = ["get", "list", "describe", "batchget", "lookup", "search", "head", "view"];
    let ActionElement::Is(actions) = &statement.action else { return None };
    let resource = resources(statement).into_iter().find(|text| may_be_in(archive, text, "*"))?;
    let is_open = |action: &&String| {
        let action = action.to_ascii_lowercase();
        let (service, verb) = action.split_once(':').unwrap_or((&action, ""));
        !LOOKED_AT.contains(&service) && !SHOWS.iter().any(|start| verb.starts_with(start)) && service != "*"
    };
    actions.iter().find(is_open).map(|action| (action.clone(), resource))
}
