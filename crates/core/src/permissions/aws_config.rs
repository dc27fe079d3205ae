//! AWS Config for the whole organization: trusted access and registration where orgtrail is started, aggregator and
//! role where AWS Config is administered.

use super::AccountKind;
use super::identity::READ_ROLE;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::estate::OWNER_TAG;
use crate::estate::aggregator::ROLE_POLICY;
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::ids::Arn;
use crate::operations::{config as op, iam, organizations};

/// Adds what `aws_config` takes.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if names.config().aws_config.is_none() {
        return;
    }
    if names.place() == AccountKind::Management {
        add_registration(draft);
    }
    if names.place() != AccountKind::Management {
        add_looking(names, draft);
    }
    if names.administers_config() {
        add_aggregator(names, draft);
    }
}

/// Any account may have administered AWS Config before, and have an aggregator and its role left.
fn add_looking(names: &Names<'_>, draft: &mut PolicyBuilder) {
    draft.allow(&GrantScope::everything("ReadAggregators"), &[op::DESCRIBE_AGGREGATORS]);
    let all = names.arn("config", names.here(), "config-aggregator/*");
    draft.allow(&GrantScope::on("ReadAggregatorTags", [all]), &[op::LIST_TAGS]);
    if names.place() == AccountKind::Member {
        let role = names.identity(&format!("role/{}", names.config_role()));
        draft.allow(&GrantScope::on("ReadConfigRole", [role]), &READ_ROLE);
    }
}

fn add_registration(draft: &mut PolicyBuilder) {
    draft.allow(&GrantScope::everything("ReadOrganization"), &[organizations::LIST_SERVICE_ACCESS]);
    let principal = [CONFIG_PRINCIPAL.to_owned()];
    let scope = GrantScope::everything("TrustConfig").when("StringEquals", "organizations:ServicePrincipal", principal);
    draft.allow(&scope, &[organizations::ENABLE_SERVICE_ACCESS, organizations::REGISTER_DELEGATED_ADMINISTRATOR]);
}

/// The id of an aggregator is AWS's to give: it is known by the tag that it is made with (Service Authorization
/// Reference, "AWS Config").
fn add_aggregator(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let all = names.arn("config", names.here(), "config-aggregator/*");
    let deployment = || [names.config().deployment.clone()];
    let making = GrantScope::on("MakeAggregator", [all.clone()]);
    let making = making.when("StringEquals", &format!("aws:RequestTag/{OWNER_TAG}"), deployment());
    let making_it = ["config:PutConfigurationAggregator", "config:TagResource"];
    draft.allow_of(&making, &op::PUT_AGGREGATOR, making_it);
    draft.allow(&making, &[op::TAG_RESOURCE]);
    let own = GrantScope::on("ChangeAggregator", [all]);
    let own = own.when("StringEquals", &format!("aws:ResourceTag/{OWNER_TAG}"), deployment());
    draft.allow_of(&own, &op::PUT_AGGREGATOR, ["config:PutConfigurationAggregator"]);
    // AWS Config looks with the caller's own permissions whether the account administers it.
    let checks = ["organizations:DescribeOrganization", "organizations:ListDelegatedAdministrators"];
    draft.allow_of(&GrantScope::everything("CheckedByConfig"), &op::PUT_AGGREGATOR, checks);
    let role = names.identity(&format!("role/{}", names.config_role()));
    let service = [CONFIG_PRINCIPAL.to_owned()];
    let passing = GrantScope::on("PassConfigRole", [role.clone()]).when("StringEquals", "iam:PassedToService", service);
    draft.allow_of(&passing, &op::PUT_AGGREGATOR, ["iam:PassRole"]);
    let policy = Arn::new(names.partition(), "iam", "", "aws", &format!("policy/{ROLE_POLICY}")).to_string();
    let attaching = GrantScope::on("AttachConfigPolicy", [role]).when("ArnEquals", "iam:PolicyARN", [policy]);
    draft.allow(&attaching, &[iam::ATTACH_ROLE_POLICY]);
}
