//! Trails and what they write to beside the bucket, in the account that manages them.

use super::AccountKind;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::config::schema::TrailScope;
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::operations::destroy::DELETE_TRAIL;
use crate::operations::{Operation, cloudtrail as op, cloudwatch, logs, sns};

/// Adds trails and log groups. Other trails are read to be told of, and earlier ones of the deployment wherever its
/// documents still let them in.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let sites = names.sites();
    let any_trail = names.arn_in("*", "cloudtrail", "*", "trail/*");
    let any = GrantScope::on("ReadTrails", [any_trail]);
    let listing = GrantScope::everything("ListTrails");
    // Who changed something is asked wherever something drifts; IAM knows no resource for it.
    draft.allow(&listing, &[op::DESCRIBE_TRAILS, op::LOOKUP_EVENTS]);
    draft.allow(&any, &[op::GET_TRAIL_STATUS, op::GET_EVENT_SELECTORS, op::GET_INSIGHT_SELECTORS, op::LIST_TAGS]);
    if names.purpose().removes() {
        draft.allow(&GrantScope::on("DestroyTrails", names.destroyed()), &[DELETE_TRAIL]);
    }
    if sites.is_empty() {
        return;
    }
    if names.place() == AccountKind::Management {
        draft.allow(&listing, &[op::LIST_TRAILS]);
        draft.allow(&any, &[op::GET_TRAIL]);
    }
    let own = GrantScope::on("OwnTrails", sites.iter().map(|site| site.arn.clone()));
    draft.allow(
        &own,
        &[
            op::CREATE_TRAIL,
            op::UPDATE_TRAIL,
            op::PUT_EVENT_SELECTORS,
            op::PUT_INSIGHT_SELECTORS,
            op::ADD_TAGS,
            op::START_LOGGING,
        ],
    );
    if sites.iter().any(|site| site.config.scope == TrailScope::Organization) {
        for operation in [op::CREATE_TRAIL, op::UPDATE_TRAIL] {
            allow_checks(names, draft, &operation);
        }
    }
    add_log_groups(names, draft);
    add_alarms(names, draft);
}

/// Grants what CloudTrail looks at with the caller's own permissions when it takes an organization trail or a delegated
/// administrator (CloudTrail user guide, "Permissions required for creating an organization trail").
pub(super) fn allow_checks(names: &Names<'_>, draft: &mut PolicyBuilder, operation: &Operation) {
    let checks = ["organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization"];
    draft.allow_of(&GrantScope::everything("ReadOrganization"), operation, checks);
    let linked = names.identity(&format!("role/aws-service-role/{CLOUDTRAIL_PRINCIPAL}/*"));
    draft.allow_of(&GrantScope::on("ReadServiceLinkedRole", [linked.clone()]), operation, ["iam:GetRole"]);
    let service = [CLOUDTRAIL_PRINCIPAL.to_owned()];
    let making = GrantScope::on("MakeServiceLinkedRole", [linked]).when("StringEquals", "iam:AWSServiceName", service);
    draft.allow_of(&making, operation, ["iam:CreateServiceLinkedRole"]);
}

/// Adds what tells who hears of the events in a log group. The topics are whoever's made the alarms: any of the
/// account.
fn add_alarms(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let with_logs = names.sites().into_iter().filter(|site| site.logs.is_some());
    let topics: Vec<String> =
        with_logs.map(|site| names.arn_in(site.region.as_str(), "sns", names.here(), "*")).collect();
    if topics.is_empty() {
        return;
    }
    // Only whoever may list every alarm is told of composite ones (CloudWatch API, `DescribeAlarms`).
    draft.allow(&GrantScope::everything("ListAlarms"), &[cloudwatch::DESCRIBE_ALARMS]);
    draft.allow(&GrantScope::on("AlarmTopics", topics), &[sns::GET_ATTRIBUTES, sns::LIST_SUBSCRIPTIONS]);
}

fn add_log_groups(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let mut groups = Vec::new();
    let mut listed = Vec::new();
    let mut roles = Vec::new();
    for site in names.sites() {
        let Some((group, role)) = site.logs else { continue };
        // Some actions want the ARN with `:*` at its end (CloudWatch Logs user guide, "Resources and operations").
        groups.extend([format!("{group}:*"), group]);
        listed.push(names.arn_in(site.region.as_str(), "logs", names.here(), "log-group:*"));
        roles.push(names.identity(&format!("role/{role}")));
    }
    if !groups.is_empty() {
        draft.allow(&GrantScope::everything("ReadLogsPolicies"), &[logs::DESCRIBE_RESOURCE_POLICIES]);
    }
    draft.allow(&GrantScope::on("ListLogGroups", listed), &[logs::DESCRIBE_LOG_GROUPS]);
    draft.allow(
        &GrantScope::on("LogGroups", groups),
        &[
            logs::LIST_TAGS,
            logs::DESCRIBE_METRIC_FILTERS,
            logs::DESCRIBE_SUBSCRIPTION_FILTERS,
            logs::CREATE_LOG_GROUP,
            logs::PUT_RETENTION,
            logs::TAG_RESOURCE,
        ],
    );
    let service = [CLOUDTRAIL_PRINCIPAL.to_owned()];
    let passing = GrantScope::on("PassLogRole", roles).when("StringEquals", "iam:PassedToService", service);
    for operation in [op::CREATE_TRAIL, op::UPDATE_TRAIL] {
        draft.allow_of(&passing, &operation, ["iam:PassRole"]);
    }
}
