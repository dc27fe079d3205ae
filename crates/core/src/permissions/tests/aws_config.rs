//! What AWS Config for the whole organization needs.

use std::collections::BTreeSet;

use super::{FULL, PLACES, actions, allows, ask};
use crate::permissions::{AccountKind, Permissions, Purpose};
use crate::policy::evaluate::Context;

pub(super) fn needed(section: &str, purpose: Purpose, place: AccountKind) -> Permissions {
    ask(&format!("{FULL}\naws_config: {section}\n"), purpose, place)
}

fn more(section: &str, purpose: Purpose, place: AccountKind) -> BTreeSet<String> {
    let (with, without) = (actions(&needed(section, purpose, place)), actions(&ask(FULL, purpose, place)));
    with.difference(&without).cloned().collect()
}

fn list(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

#[test]
fn looking_needs_reads_where_aws_config_is_administered_and_making_what_makes_it() {
    use AccountKind::{Log, Management, Member};
    let reads = list(&["config:DescribeConfigurationAggregators", "config:ListTagsForResource"]);
    let writes = list(&[
        "config:PutConfigurationAggregator",
        "config:TagResource",
        "iam:AttachRolePolicy",
        "iam:PassRole",
        "organizations:DescribeOrganization",
        "organizations:ListDelegatedAdministrators",
    ]);
    assert_eq!(more("{}", Purpose::Plan, Log), reads);
    assert!(more("{}", Purpose::Apply, Log).is_superset(&reads));
    let applied = actions(&needed("{}", Purpose::Apply, Log));
    assert!(applied.is_superset(&writes), "{applied:?}");
    let before = more("{}", Purpose::Apply, Member);
    assert!(before.is_superset(&reads), "a member may have administered it before: {before:?}");
    assert!(before.iter().all(|action| action.contains(":Get") || action.contains(":List") || reads.contains(action)));
    assert!(
        actions(&needed("{}", Purpose::Apply, Management)).contains("organizations:RegisterDelegatedAdministrator")
    );
    // A member that is named administers it instead, and the log account does not.
    let named = "{administrator: '444444444444'}";
    assert_eq!(more(named, Purpose::Apply, Log), reads);
    assert!(more(named, Purpose::Apply, Member).is_superset(&reads));
    for place in PLACES {
        assert!(more("{}", Purpose::Verify, place).is_empty());
        let never = ["config:DeleteConfigurationAggregator", "organizations:DeregisterDelegatedAdministrator"];
        let all = actions(&needed("{}", Purpose::Apply, place));
        assert!(never.iter().all(|action| !all.contains(*action)));
        assert!(all.iter().all(|action| !action.ends_with("ConfigurationRecorder")), "recorders are never made");
    }
}

#[test]
fn only_the_aggregator_of_this_deployment_and_only_its_role_can_be_changed() {
    let answer = needed("{}", Purpose::Apply, AccountKind::Log);
    let here = "222222222222";
    let aggregator = "arn:aws:config:eu-central-1:222222222222:config-aggregator/config-aggregator-1";
    let elsewhere = "arn:aws:config:eu-central-1:999999999999:config-aggregator/config-aggregator-1";
    let tag = |key: &str, owner: &str| Context::default().with(&format!("aws:{key}/orgtrail:deployment"), owner);
    for (action, resource, context, is_allowed) in [
        ("config:PutConfigurationAggregator", aggregator, tag("RequestTag", "acme"), true),
        ("config:PutConfigurationAggregator", aggregator, tag("ResourceTag", "acme"), true),
        ("config:PutConfigurationAggregator", aggregator, tag("ResourceTag", "other"), false),
        ("config:PutConfigurationAggregator", elsewhere, tag("RequestTag", "acme"), false),
        ("config:TagResource", aggregator, tag("RequestTag", "other"), false),
    ] {
        assert_eq!(allows(&answer, here, action, resource, context), is_allowed, "{action} {resource}");
    }
    let role = "arn:aws:iam::222222222222:role/orgtrail-acme-config";
    let policy = |name: &str| Context::default().with("iam:PolicyARN", format!("arn:aws:iam::aws:policy/{name}"));
    let attach = |role: &str, name: &str| allows(&answer, here, "iam:AttachRolePolicy", role, policy(name));
    assert!(attach(role, "service-role/AWSConfigRoleForOrganizations"));
    assert!(!attach(role, "AdministratorAccess"));
    assert!(!attach("arn:aws:iam::222222222222:role/Admin", "service-role/AWSConfigRoleForOrganizations"));
    let pass = |service: &str| {
        let context = Context::default().with("iam:PassedToService", service);
        allows(&answer, here, "iam:PassRole", role, context)
    };
    assert!(pass("config.amazonaws.com") && !pass("ec2.amazonaws.com"));
    let root = needed("{}", Purpose::Apply, AccountKind::Management);
    for (service, is_allowed) in [("config.amazonaws.com", true), ("ram.amazonaws.com", false)] {
        let context = Context::default().with("organizations:ServicePrincipal", service);
        let register = "organizations:RegisterDelegatedAdministrator";
        assert_eq!(allows(&root, "111111111111", register, "*", context), is_allowed, "{service}");
    }
}
