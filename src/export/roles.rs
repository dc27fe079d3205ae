//! IAM roles and managed policies with what is attached to them.

use super::block::{Block, block, tags};
use super::hcl::{Item, set, set_if};
use crate::estate::{Address, Policy, Role};
use crate::ids::Partition;

/// `address_name` has the path before the name.
pub(super) fn role(address_name: &str, found: &Role) -> Vec<Block> {
    let (path, name) = match address_name.rsplit_once('/') {
        Some((path, name)) => (Some(format!("/{path}/")), name),
        None => (None, address_name),
    };
    let Role { trust, inline, attached, boundary, max_session_s, description, unique_id: _, tags: role_tags } = found;
    let mut body = vec![set("name", name)];
    body.extend(set_if("path", path.as_deref()));
    body.extend(set_if("description", description.as_deref()));
    body.extend(set_if("max_session_duration", *max_session_s));
    body.extend(set_if("permissions_boundary", boundary.as_ref().map(|boundary| boundary.arn.as_str())));
    body.extend([tags(role_tags), Item::Json("assume_role_policy", trust.to_value())]);
    let mut blocks = vec![block("aws_iam_role", name, name, body)];
    for (policy, document) in inline {
        let document = Item::Json("policy", document.to_value());
        let body = vec![set("name", policy.as_str()), set("role", name), document];
        blocks.push(block("aws_iam_role_policy", &format!("{name}_{policy}"), &format!("{name}:{policy}"), body));
    }
    for arn in attached {
        blocks.push(attachment("aws_iam_role_policy_attachment", "role", name, arn));
    }
    blocks
}

pub(super) fn policy(partition: Partition, address: &Address, found: &Policy) -> Vec<Block> {
    let Policy { document, description, groups, roles, tags: policy_tags } = found;
    let Some(arn) = address.arn(partition) else {
        return Vec::new();
    };
    let mut body = vec![set("name", address.name.as_str())];
    body.extend(set_if("description", description.as_deref()));
    body.extend([tags(policy_tags), Item::Json("policy", document.to_value())]);
    let mut blocks = vec![block("aws_iam_policy", &address.name, arn.as_str(), body)];
    let of = |kind, what, names: &std::collections::BTreeSet<String>| -> Vec<Block> {
        names.iter().map(|name| attachment(kind, what, name, arn.as_str())).collect()
    };
    blocks.extend(of("aws_iam_group_policy_attachment", "group", groups));
    blocks.extend(of("aws_iam_role_policy_attachment", "role", roles));
    blocks
}

fn attachment(kind: &'static str, what: &'static str, to: &str, arn: &str) -> Block {
    let policy = arn.rsplit('/').next().unwrap_or(arn);
    let body = vec![set(what, to), set("policy_arn", arn)];
    block(kind, &format!("{to}_{policy}"), &format!("{to}/{arn}"), body)
}
