//! Which accounts and regions have their event history asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::Common;
use super::super::asked::{AskedArgs, window};
use super::super::failure::CliError;
use super::super::session::{Access, AwsEntry, aws_options};
use crate::cloud::aws::Aws;
use crate::cloud::{CloudFault, CloudReader, DiscoverOptions};
use crate::ids::{AccountId, Region};
use crate::investigation::history::HistorySource;

/// Where the calls begin that no configuration and no environment gives a region.
const FIRST_REGION: &str = "us-east-1";

/// A connection, and which accounts and regions are asked over it.
pub(super) struct Entry {
    /// The connection.
    pub aws: Aws,
    /// Those that were named, or that of the credentials.
    pub accounts: Vec<AccountId>,
    /// Those that were named, or the one that global services record in and the home region.
    pub regions: Vec<Region>,
    /// The home region.
    pub home: Region,
    /// There is a member role, with which other accounts are entered.
    pub enters_members: bool,
}

/// Returns what the accounts of the organization are called, by id.
///
/// # Errors
/// Why that is not known: only the management account and delegated administrators may ask.
pub(super) async fn names(entry: &Entry) -> Result<BTreeMap<String, String>, String> {
    let needs = DiscoverOptions { unit_names: false, account_tags: false };
    match entry.aws.discover(needs).await {
        Ok((organization, _)) => {
            let all = organization.accounts.into_iter();
            Ok(all.map(|(id, account)| (id.to_string(), account.name)).collect())
        }
        Err(fault) => {
            let CloudFault { account, operation, code, help, .. } = fault;
            let help = if help.is_empty() { help } else { format!("; {help}") };
            Err(format!("account {account} is not answered {operation} ({code}){help}"))
        }
    }
}

/// Returns the event history of the accounts and regions that are asked for.
///
/// # Errors
/// Where the time is none.
pub(super) fn source(entry: Entry, args: &AskedArgs, now: Timestamp) -> Result<HistorySource, CliError> {
    let Entry { aws, accounts, regions, .. } = entry;
    let place =
        |account: &AccountId| regions.iter().map(|region| (account.clone(), region.clone())).collect::<Vec<_>>();
    let places = accounts.iter().flat_map(place).collect();
    let asked = window(args, now)?;
    Ok(HistorySource::new(Arc::new(aws), places, (asked.from, asked.to), now))
}

/// Connects, to ask something (`what`) in the accounts and regions that are named.
///
/// # Errors
/// Where AWS does not take the credentials, or another account cannot be entered.
pub(super) async fn connect(common: &Common, args: &AskedArgs, what: &str) -> Result<Entry, CliError> {
    let config = common.configuration()?;
    let region =
        |name: &str| -> Result<Region, CliError> { name.parse().map_err(|error| CliError::new(format!("{error}"))) };
    let home = match (&config, args.region.first()) {
        (_, Some(region)) => region.clone(),
        (Some(config), None) => config.home_region.clone(),
        (None, None) => region(&of_environment().unwrap_or_else(|| FIRST_REGION.to_owned()))?,
    };
    let member_role = config.as_ref().map_or("", |config| config.organization.member_role.as_str());
    let entry = AwsEntry { home_region: &home, member_role };
    let aws = Aws::connect(aws_options(common, entry, Access::ReadOnly, "orgtrail")).await?;
    let accounts: Vec<AccountId> = match args.account.as_slice() {
        [] => vec![aws.account().clone()],
        named => named.to_vec(),
    };
    if member_role.is_empty() && accounts.iter().any(|account| account != aws.account()) {
        return Err(CliError::new(format!(
            "{what} of another account is entered with the member role of a configuration"
        ))
        .hint("name the configuration (--config), or use credentials of that account (--profile)"));
    }
    let regions: BTreeSet<Region> = match args.region.as_slice() {
        [] => [region(global(&home))?, home.clone()].into(),
        named => named.iter().cloned().collect(),
    };
    let enters_members = !member_role.is_empty();
    let regions = regions.into_iter().collect();
    Ok(Entry { aws, accounts, regions, home, enters_members })
}

fn of_environment() -> Option<String> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.is_empty())
}

/// Returns the region of a partition in which its global services record what they do (CloudTrail user guide, "Global
/// service events").
fn global(home: &Region) -> &'static str {
    match home.as_str() {
        name if name.starts_with("cn-") => "cn-north-1",
        name if name.starts_with("us-gov-") => "us-gov-west-1",
        _ => "us-east-1",
    }
}
