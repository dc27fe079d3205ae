//! Asks AWS Config what changed of a resource, and puts the calls that name it beside each change.
//!
//! AWS Config keeps items for seven years by default, whether or not their files are in a bucket, and one call answers
//! for one resource: so its API is asked, and not its files.

use jiff::Timestamp;

use crate::cloud::aws::Aws;
use crate::cloud::{CloudFault, CloudReader};
use crate::ids::{AccountId, Region};
use crate::investigate::answer::ResourceAnswer;
use crate::investigate::configuration::{ConfigurationAnswer, changes};
use crate::recorders::item::{ItemHistory, ItemLookup};
use crate::recorders::{ConfigRecorder, RegionRecorder};

/// The most resources of one question that AWS Config is asked about.
pub const RESOURCES_MAX: usize = 5;

/// The most resources of one type and name, one after the other, that are asked about.
const IDS_MAX: usize = 3;

/// Where AWS Config is asked, and about which time.
pub struct ConfigurationSource {
    /// The connection.
    pub aws: Aws,
    /// Other accounts than that of the credentials can be entered: there is a member role.
    pub enters_members: bool,
    /// The accounts that are asked where the resource's own is not known.
    pub accounts: Vec<AccountId>,
    /// The regions that are asked where the resource has none, in this order: the first that knows it answers.
    pub regions: Vec<Region>,
    /// From when on. `None`: as long as AWS Config keeps items.
    pub from: Option<Timestamp>,
    /// Until when. `None`: the present.
    pub to: Option<Timestamp>,
}

/// One place that is asked about one resource.
struct Asked<'a> {
    resource: &'a ResourceAnswer,
    resource_type: &'a str,
    account: &'a AccountId,
    region: &'a Region,
}

impl ConfigurationSource {
    /// Asks about a resource. What cannot be asked, and what is not recorded, is a gap of the answer.
    pub async fn changes(&self, resource: &ResourceAnswer) -> Vec<ConfigurationAnswer> {
        let Some(resource_type) = &resource.resource_type else { return Vec::new() };
        let account: Option<AccountId> = resource.account.as_deref().and_then(|id| id.parse().ok());
        let region: Option<Region> = resource.region.as_deref().and_then(|name| name.parse().ok());
        let accounts = account.map_or_else(|| self.accounts.clone(), |own| vec![own]);
        let regions = region.map_or_else(|| self.regions.clone(), |own| vec![own]);
        let mut all = Vec::new();
        for account in &accounts {
            let mut of_account = Vec::new();
            for region in &regions {
                let found = self.ask(&Asked { resource, resource_type, account, region }).await;
                let is_known = found.iter().any(|own| !own.resource_id.is_empty());
                if is_known {
                    // What is recorded here need not be recorded elsewhere too.
                    of_account = found;
                    break;
                }
                of_account.extend(found);
            }
            all.extend(of_account);
        }
        all
    }

    async fn ask(&self, asked: &Asked<'_>) -> Vec<ConfigurationAnswer> {
        let answer = |id: &str| ConfigurationAnswer {
            resource_type: asked.resource_type.to_owned(),
            resource_id: id.to_owned(),
            account: asked.account.to_string(),
            region: asked.region.to_string(),
            ..ConfigurationAnswer::default()
        };
        if !self.enters_members && asked.account != self.aws.account() {
            let why = "AWS Config of another account is entered with the member role of a configuration: name it with --config, \
                       or use credentials of that account";
            return vec![ConfigurationAnswer { gaps: vec![why.to_owned()], ..answer("") }];
        }
        let found = match self.items(asked).await {
            Ok(found) => found,
            Err(fault) => return vec![ConfigurationAnswer { gaps: vec![fault.to_string()], ..answer("") }],
        };
        let not_recorded = match self.aws.recorder(asked.account, asked.region).await {
            Ok(found) => found.as_ref().and_then(|found| why_not(found, asked.resource_type)),
            Err(fault) => Some(format!("what is recorded could not be read: {fault}")),
        };
        if found.is_empty() {
            let why = not_recorded.unwrap_or_else(|| "AWS Config does not know the resource there".to_owned());
            return vec![ConfigurationAnswer { gaps: vec![why], ..answer("") }];
        }
        let of_one = |(id, history): (String, ItemHistory)| {
            let mut gaps: Vec<String> = not_recorded.clone().into_iter().collect();
            if history.unread > 0 {
                gaps.push(format!("configuration items that cannot be compared: {}", history.unread));
            }
            if history.has_more {
                gaps.push("there are older configuration items than were read: narrow the time with --to".to_owned());
            }
            let items = history.items.len();
            let mut changes = changes(history.items, asked.resource);
            // The item before the time that is asked for is read to be compared with.
            let is_asked = |until: &str| until.parse::<Timestamp>().ok() >= self.from;
            changes.retain(|change| is_asked(&change.until));
            ConfigurationAnswer { items, changes, gaps, ..answer(&id) }
        };
        found.into_iter().map(of_one).collect()
    }

    /// Returns the items by the id that the resource may have: what it is called, or what is known by that name.
    async fn items(&self, asked: &Asked<'_>) -> Result<Vec<(String, ItemHistory)>, CloudFault> {
        let name = asked.resource.name.as_str();
        let bare = bare(name);
        let whole = Some(name).filter(|name| *name != bare);
        for id in [bare].into_iter().chain(whole) {
            if let Some(history) = self.of_id(asked, id).await? {
                return Ok(vec![(id.to_owned(), history)]);
            }
        }
        let ids = self.aws.configured_ids(asked.account, asked.region, asked.resource_type, bare).await?;
        let mut found = Vec::new();
        for id in ids.into_iter().take(IDS_MAX) {
            found.extend(self.of_id(asked, &id).await?.map(|history| (id, history)));
        }
        Ok(found)
    }

    async fn of_id(&self, asked: &Asked<'_>, id: &str) -> Result<Option<ItemHistory>, CloudFault> {
        let resource_type = asked.resource_type.to_owned();
        let lookup = ItemLookup { resource_type, resource_id: id.to_owned(), from: self.from, to: self.to };
        self.aws.configuration_items(asked.account, asked.region, &lookup).await
    }
}

/// Returns what of an ARN is the id or the name; anything else is one already.
fn bare(name: &str) -> &str {
    if !name.starts_with("arn:") {
        return name;
    }
    let resource = name.splitn(6, ':').last().unwrap_or(name);
    resource.rsplit(['/', ':']).next().unwrap_or(resource)
}

/// Returns why a change may not have been recorded.
fn why_not(found: &RegionRecorder, resource_type: &str) -> Option<String> {
    match &found.recorder {
        None => Some("there is no configuration recorder, so that AWS Config records nothing".to_owned()),
        Some(recorder) => of_recorder(recorder, resource_type),
    }
}

fn of_recorder(recorder: &ConfigRecorder, resource_type: &str) -> Option<String> {
    if !recorder.recording {
        let since = recorder.stopped.map(|at| format!(" since {at}")).unwrap_or_default();
        return Some(format!("the configuration recorder is off{since}: later changes are not recorded"));
    }
    let failure = recorder.failure.as_ref().map(|why| format!("AWS Config could not record last: {why}"));
    let left_out = || format!("the configuration recorder does not record {resource_type}");
    failure.or_else(|| (!recorder.records(resource_type)).then(left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_arn_is_its_end() {
        for (name, id) in [
            ("arn:aws:s3:::acme-files", "acme-files"),
            ("arn:aws:iam::111111111111:role/team/deploy", "deploy"),
            ("arn:aws:lambda:eu-west-1:111111111111:function:pay", "pay"),
            ("i-0123456789abcdef0", "i-0123456789abcdef0"),
            ("a/b:c", "a/b:c"),
            ("arn:", ""),
        ] {
            assert_eq!(bare(name), id, "{name}");
        }
    }
}
