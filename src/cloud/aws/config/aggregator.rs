//! The aggregators of an account in a region.

use std::collections::BTreeSet;

use aws_sdk_config::types::{ConfigurationAggregator, OrganizationAggregationSource, Tag};

use crate::cloud::aws::change_context::{ChangeContext, writable};
use crate::cloud::aws::session::Session;
use crate::cloud::{CloudFault, Done};
use crate::estate::{Address, ConfigAggregator, Kind, Sighting, Tags};
use crate::ids::Region;
use crate::operations::config as op;

/// Looks at an aggregator, and at the others of its account and region that collect from an organization: they are
/// said, whoever made them.
pub(crate) async fn look(session: &Session, address: &Address) -> Result<Vec<(Address, Sighting)>, CloudFault> {
    let mut seen = vec![(address.clone(), Sighting::Absent)];
    for found in list(session).await? {
        let name = session.needed(op::DESCRIBE_AGGREGATORS, found.configuration_aggregator_name(), "name")?;
        let is_wanted = name == address.name;
        if !is_wanted && found.organization_aggregation_source().is_none() {
            continue;
        }
        let at = Address { kind: Kind::ConfigAggregator, name: name.to_owned(), ..address.clone() };
        let sighting = Sighting::present(read(session, &found).await?);
        if is_wanted { seen[0] = (at, sighting) } else { seen.push((at, sighting)) }
    }
    Ok(seen)
}

async fn list(session: &Session) -> Result<Vec<ConfigurationAggregator>, CloudFault> {
    let client = session.config_service();
    let mut all = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::DESCRIBE_AGGREGATORS);
    loop {
        let request = client.describe_configuration_aggregators().set_next_token(token);
        let page = session.read(op::DESCRIBE_AGGREGATORS, request.send()).await?;
        all.extend(session.needed(op::DESCRIBE_AGGREGATORS, page.configuration_aggregators, "list of aggregators")?);
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn read(session: &Session, found: &ConfigurationAggregator) -> Result<ConfigAggregator, CloudFault> {
    let source = found.organization_aggregation_source();
    let (is_all, names) = match source {
        Some(source) => (source.all_aws_regions(), source.aws_regions()),
        None => {
            let first = found.account_aggregation_sources().first();
            (first.is_some_and(|of| of.all_aws_regions()), first.map(|of| of.aws_regions()).unwrap_or_default())
        }
    };
    let regions = names.iter().map(|name| {
        let odd = |_| session.unexpected_response(op::DESCRIBE_AGGREGATORS, format!("{name:?} is not a region"));
        name.parse::<Region>().map_err(odd)
    });
    let regions = if is_all { None } else { Some(regions.collect::<Result<BTreeSet<Region>, CloudFault>>()?) };
    let arn = session.needed(op::DESCRIBE_AGGREGATORS, found.configuration_aggregator_arn(), "ARN of an aggregator")?;
    let role = source.map(|source| source.role_arn().to_owned()).filter(|role| !role.is_empty());
    Ok(ConfigAggregator { organization: source.is_some(), role, regions, tags: tags(session, arn).await? })
}

async fn tags(session: &Session, arn: &str) -> Result<Tags, CloudFault> {
    let client = session.config_service();
    let mut all = Tags::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_TAGS);
    loop {
        let request = client.list_tags_for_resource().resource_arn(arn).set_next_token(token);
        let page = session.read(op::LIST_TAGS, request.send()).await?;
        let pairs = page.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
        all.extend(pairs);
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// Makes the aggregator, or brings it to what is wanted. One that others made meanwhile is not replaced: the call puts
/// whatever was there before.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &ConfigAggregator) -> Result<Done, CloudFault> {
    let live = list(&job.session).await?;
    let live = live.iter().find(|found| found.configuration_aggregator_name() == Some(job.name()));
    let live_arn = live.and_then(|found| found.configuration_aggregator_arn());
    if let Some(arn) = live_arn.filter(|_| job.is_creation()) {
        job.must_be_ours(&tags(&job.session, arn).await?)?;
    }
    let client = job.session.config_service();
    let differs = ["organization", "role", "regions"].iter().any(|path| job.sets(path));
    if differs || live_arn.is_none() {
        let request = client.put_configuration_aggregator().configuration_aggregator_name(job.name());
        let request = request.organization_aggregation_source(source(job, desired)?);
        // Tags are taken with a creation, and else ignored (AWS Config API, `PutConfigurationAggregator`).
        let request = request.set_tags(Some(wire_tags(&desired.tags)));
        job.session.write(op::PUT_AGGREGATOR, || request.clone().send()).await?;
    }
    if let Some(arn) = live_arn.filter(|_| job.sets("tags")) {
        let request = client.tag_resource().resource_arn(arn).set_tags(Some(wire_tags(&desired.tags)));
        job.session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    Ok(Done::default())
}

fn source(job: &ChangeContext<'_>, desired: &ConfigAggregator) -> Result<OrganizationAggregationSource, CloudFault> {
    let regions = desired.regions.as_ref();
    OrganizationAggregationSource::builder()
        .set_role_arn(desired.role.clone())
        .all_aws_regions(regions.is_none())
        .set_aws_regions(regions.map(|regions| regions.iter().map(ToString::to_string).collect()))
        .build()
        .map_err(|why| job.session.stale_plan(job.address(), format!("the aggregator cannot be written: {why}")))
}

fn wire_tags(tags: &Tags) -> Vec<Tag> {
    writable(tags).map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
