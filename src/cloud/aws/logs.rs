//! Amazon CloudWatch Logs: the log group that a trail may write to, and its metric filters.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_cloudwatchlogs::operation::describe_resource_policies::builders::DescribeResourcePoliciesFluentBuilder;
use aws_sdk_cloudwatchlogs::types::{MetricFilter as SdkFilter, MetricTransformation, PolicyScope};

use futures::{join, try_join};

use super::change_context::{ChangeContext, writable};
use super::part::part;
use super::session::{Session, Sessions};
use crate::cloud::{CloudFault, Done};
use crate::estate::surroundings::LogGroupExposure;
use crate::estate::{Address, LogGroup, Sighting, Tags};
use crate::ids::Arn;
use crate::monitoring::metric_filter::{Count, Metric, MetricFilter};
use crate::operations::{Operation, logs as op};
use crate::policy::PolicyDocument;

/// Looks at a log group.
pub(super) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let Some(retention) = retention(session, &address.name).await? else {
        return Ok(Sighting::Absent);
    };
    let tags = tags(session, &address.name).await?;
    Ok(Sighting::present(LogGroup { retention_days: retention.days, tags }))
}

/// How long a group that exists keeps its events.
struct Retention {
    days: Option<u32>,
}

async fn retention(session: &Session, name: &str) -> Result<Option<Retention>, CloudFault> {
    let client = session.logs();
    let mut token = None;
    let mut pages = session.pages(op::DESCRIBE_LOG_GROUPS);
    loop {
        let request = client.describe_log_groups().log_group_name_prefix(name).set_next_token(token);
        let page = session.read(op::DESCRIBE_LOG_GROUPS, request.send()).await?;
        let groups = session.needed(op::DESCRIBE_LOG_GROUPS, page.log_groups.as_ref(), "list of log groups")?;
        if let Some(group) = groups.iter().find(|group| group.log_group_name() == Some(name)) {
            let days = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
            return Ok(Some(Retention { days }));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(None);
        }
    }
}

/// The ARN that the tagging calls want: without the `:*` at its end.
fn arn(session: &Session, name: &str) -> String {
    session.arn("logs", &format!("log-group:{name}"))
}

async fn tags(session: &Session, name: &str) -> Result<Tags, CloudFault> {
    let request = session.logs().list_tags_for_resource().resource_arn(arn(session, name));
    let answer = session.read(op::LIST_TAGS, request.send()).await?;
    Ok(session.needed(op::LIST_TAGS, answer.tags, "tags")?.into_iter().collect())
}

/// Asks for the metric filters of the log group that a trail names, in the account and region of its ARN.
pub(super) async fn metric_filters(sessions: &Sessions, group: &Arn) -> Result<Vec<MetricFilter>, CloudFault> {
    let base = sessions.base();
    let resource = group.resource();
    let name = resource.strip_prefix("log-group:").map(|name| name.strip_suffix(":*").unwrap_or(name));
    let (Ok(account), Ok(region), Some(name)) = (group.account().parse(), group.region().parse(), name) else {
        return Err(
            base.unexpected_response(op::DESCRIBE_METRIC_FILTERS, format!("{group} is not the ARN of a log group"))
        );
    };
    let session = sessions.of(&account).await?.in_region(&region);
    let client = session.logs();
    let mut filters = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::DESCRIBE_METRIC_FILTERS);
    loop {
        let request = client.describe_metric_filters().log_group_name(name).set_next_token(token);
        let page = session.read(op::DESCRIBE_METRIC_FILTERS, request.send()).await?;
        filters.extend(page.metric_filters().iter().map(metric_filter));
        token = pages.next(page.next_token)?;
        if token.is_none() {
            filters.sort_by(|one: &MetricFilter, other| one.name.cmp(&other.name));
            return Ok(filters);
        }
    }
}

fn metric_filter(filter: &SdkFilter) -> MetricFilter {
    let system = filter.emit_system_field_dimensions();
    MetricFilter {
        name: filter.filter_name().unwrap_or_default().to_owned(),
        pattern: filter.filter_pattern().unwrap_or_default().to_owned(),
        criteria: filter.field_selection_criteria().filter(|text| !text.is_empty()).map(str::to_owned),
        counts: filter.metric_transformations().iter().map(|one| count(one, system)).collect(),
    }
}

fn count(one: &MetricTransformation, system_dimensions: &[String]) -> Count {
    let own = one.dimensions().into_iter().flat_map(HashMap::keys);
    let dimensions: BTreeSet<String> = own.chain(system_dimensions).cloned().collect();
    Count {
        metric: Metric { namespace: one.metric_namespace().to_owned(), name: one.metric_name().to_owned() },
        value: one.metric_value().to_owned(),
        default: one.default_value(),
        dimensions,
        // `None` is a unit of CloudWatch.
        unit: one.unit().map(|unit| unit.as_str().to_owned()).filter(|unit| unit != "None"),
    }
}

/// Reads what leads out of a log group. What cannot be read is that part's problem.
pub(super) async fn exposure(session: &Session, address: &Address) -> LogGroupExposure {
    let (subscriptions, policies) = join!(subscriptions(session, &address.name), policies(session, &address.name));
    LogGroupExposure { subscriptions: part(subscriptions, address), policies: part(policies, address) }
}

async fn subscriptions(session: &Session, name: &str) -> Result<Vec<String>, CloudFault> {
    let client = session.logs();
    let mut targets = BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::DESCRIBE_SUBSCRIPTION_FILTERS);
    loop {
        let request = client.describe_subscription_filters().log_group_name(name).set_next_token(token);
        let page = session.read(op::DESCRIBE_SUBSCRIPTION_FILTERS, request.send()).await?;
        let listed = page.subscription_filters.as_ref();
        for one in session.needed(op::DESCRIBE_SUBSCRIPTION_FILTERS, listed, "list of subscription filters")? {
            let to = one.destination_arn();
            let to = session.needed(op::DESCRIBE_SUBSCRIPTION_FILTERS, to, "destination of a subscription filter")?;
            targets.insert(to.to_owned());
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(targets.into_iter().collect());
        }
    }
}

/// Reads the resource policies of the account and region, and that which is attached to the log group alone (Amazon
/// CloudWatch Logs API, `DescribeResourcePolicies`, `policyScope`).
async fn policies(session: &Session, name: &str) -> Result<BTreeMap<String, PolicyDocument>, CloudFault> {
    let request = session.logs().describe_resource_policies();
    let own = request.clone().policy_scope(PolicyScope::Resource).resource_arn(arn(session, name));
    let (account, own) = try_join!(listed_policies(session, request), listed_policies(session, own))?;
    Ok(account.into_iter().chain(own).collect())
}

async fn listed_policies(
    session: &Session,
    request: DescribeResourcePoliciesFluentBuilder,
) -> Result<BTreeMap<String, PolicyDocument>, CloudFault> {
    const OPERATION: Operation = op::DESCRIBE_RESOURCE_POLICIES;
    let mut policies = BTreeMap::new();
    let mut token = None;
    let mut pages = session.pages(OPERATION);
    loop {
        let page = session.read(OPERATION, request.clone().set_next_token(token).send()).await?;
        for policy in session.needed(OPERATION, page.resource_policies.as_ref(), "list of policies")? {
            let document = policy.policy_document().unwrap_or_default();
            let name = match (policy.policy_name(), policy.resource_arn()) {
                (Some(name), _) => name,
                // One that is attached to a log group may have no name of its own.
                (None, Some(arn)) => arn,
                (None, None) => return Err(session.unexpected_response(OPERATION, "a policy without a name")),
            };
            let document = PolicyDocument::parse(document)
                .map_err(|why| session.unexpected_response(OPERATION, format!("{name} is not a policy: {why}")))?;
            policies.insert(name.to_owned(), document);
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(policies);
        }
    }
}

/// Makes the log group, or brings it to what is wanted.
pub(super) async fn put(job: &ChangeContext<'_>, desired: &LogGroup) -> Result<Done, CloudFault> {
    let session = &job.session;
    if job.is_creation() {
        create(job, desired).await?;
    }
    if job.sets("retention_days") {
        set_retention(job, desired.retention_days).await?;
    }
    if job.sets("tags") {
        let request = session.logs().tag_resource().resource_arn(arn(session, job.name()));
        let request = request.set_tags(Some(wire_tags(&desired.tags)));
        session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    Ok(Done::default())
}

async fn create(job: &ChangeContext<'_>, desired: &LogGroup) -> Result<(), CloudFault> {
    let request = job.session.logs().create_log_group().log_group_name(job.name());
    let request = request.set_tags(Some(wire_tags(&desired.tags)));
    match job.session.write(op::CREATE_LOG_GROUP, || request.clone().send()).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.code == "ResourceAlreadyExistsException" => {
            job.must_be_ours(&tags(&job.session, job.name()).await?)
        }
        Err(fault) => Err(fault),
    }
}

fn wire_tags(tags: &Tags) -> HashMap<String, String> {
    writable(tags).map(|(key, value)| (key.clone(), value.clone())).collect()
}

async fn set_retention(job: &ChangeContext<'_>, days: Option<u32>) -> Result<(), CloudFault> {
    let client = job.session.logs();
    match days.and_then(|days| i32::try_from(days).ok()) {
        Some(days) => {
            let request = client.put_retention_policy().log_group_name(job.name()).retention_in_days(days);
            job.session.write(op::PUT_RETENTION, || request.clone().send()).await.map(drop)
        }
        None => {
            let request = client.delete_retention_policy().log_group_name(job.name());
            job.session.remove(op::DELETE_RETENTION, request.send()).await
        }
    }
}
