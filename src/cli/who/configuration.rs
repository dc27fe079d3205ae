//! `who --aws-config`: AWS Config is asked about the resources that were found.

use jiff::Timestamp;

use super::super::Common;
use super::super::asked::{AskedArgs, window};
use super::super::failure::CliError;
use super::history::{Entry, connect};
use crate::investigate::answer::ResourceAnswer;
use crate::investigate::configuration::ConfigurationAnswer;
use crate::investigation::configuration::{ConfigurationSource, RESOURCES_MAX};

/// Connects, and returns where AWS Config is asked: in the accounts and regions of the question. What has no region is
/// recorded in one that somebody chose: the home region comes first.
///
/// # Errors
/// Where AWS does not take the credentials.
pub(super) async fn source(common: &Common, args: &AskedArgs, now: Timestamp) -> Result<ConfigurationSource, CliError> {
    let Entry { aws, accounts, mut regions, home, enters_members } = connect(common, args, "AWS Config").await?;
    regions.sort_by_key(|region| *region != home);
    let asked = window(args, now)?;
    Ok(ConfigurationSource { aws, enters_members, accounts, regions, from: asked.from, to: asked.to })
}

/// Asks about the first resources. The answer about the others says that they were not asked about.
pub(super) async fn ask(source: &ConfigurationSource, resources: &[ResourceAnswer]) -> Vec<ConfigurationAnswer> {
    let mut all = Vec::new();
    for resource in resources.iter().take(RESOURCES_MAX) {
        all.extend(source.changes(resource).await);
    }
    let left_out = resources.iter().skip(RESOURCES_MAX).filter(|own| own.resource_type.is_some());
    all.extend(left_out.map(|own| ConfigurationAnswer {
        resource_type: own.resource_type.clone().unwrap_or_default(),
        account: own.account.clone().unwrap_or_default(),
        region: own.region.clone().unwrap_or_default(),
        gaps: vec![format!("AWS Config was not asked about {}: name the resource by its ARN", own.name)],
        ..ConfigurationAnswer::default()
    }));
    all
}
