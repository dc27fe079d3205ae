//! Where the configuration's logs are, and who should deliver them: what `verify` and `coverage` take from a
//! configuration.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use super::LogsEntry;
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::session::{Access, Session};
use crate::cli::ui::Ui;
use crate::cli::validate::load;
use crate::cloud::{CloudReader, Progress};
use crate::config::Config;
use crate::config::names::{NameContext, render_name};
use crate::config::schema::{Scope, TrailConfig};
use crate::ids::{AccountId, Region};
use crate::logs::expected::{Delivery, Expected, ExpectedAccount};
use crate::report::text::escape;
use crate::survey::SurveyOptions;

/// Returns where the configuration's logs are: first where they are written today, then the places of its `earlier:`.
/// Nothing without a configuration.
pub(in crate::cli) fn places(common: &Common) -> Result<Vec<String>, CliError> {
    if !common.config.exists() {
        return Ok(Vec::new());
    }
    let config = load(&common.config)?;
    let mut places = vec![url(&bucket_name(&config)?, &config.bucket.prefix)];
    for earlier in &config.earlier {
        let place = url(earlier.bucket.as_str(), &earlier.prefix);
        // The same place with another key is listed under `earlier` too.
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

fn url(bucket: &str, prefix: &str) -> String {
    if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") }
}

/// A name that needs the organization would need its credentials, and the reader of the logs may have none.
fn bucket_name(config: &Config) -> Result<String, CliError> {
    let context = NameContext {
        deployment: Some(&config.deployment),
        organization_id: config.organization.id.as_ref().map(|id| id.as_str()),
        region: Some(config.home_region.as_str()),
        account_id: Some(&config.accounts.log)
            .filter(|log| log.bytes().all(|b| b.is_ascii_digit()))
            .map(String::as_str),
        account_name: None,
    };
    render_name(&config.bucket.name, &context).map_err(|error| {
        CliError::new("the bucket's name cannot be known without the organization")
            .because(error)
            .hint("name the place of the logs: s3://BUCKET/PREFIX or a folder")
    })
}

/// Returns the accounts that should deliver, or the `only` one of them that is asked about: those of the organization,
/// where it can be read.
pub(in crate::cli) async fn expected(
    common: &Common,
    only: Option<&AccountId>,
    ui: &Ui,
) -> Result<(Expected, Option<LogsEntry>), CliError> {
    if !common.config.exists() {
        return Ok((Expected::default(), None));
    }
    let config = load(&common.config)?;
    let (expected, known) = should_deliver(common, only, ui).await?;
    let entry = LogsEntry::of(common, &config, &known);
    if entry.is_none() {
        ui.note(&format!(
            "the id of the log account {:?} is not known, so the logs are read with your own credentials and no role; \
             set accounts.log to its id",
            config.accounts.log
        ));
    }
    Ok((expected, entry))
}

type Accounts = BTreeMap<AccountId, ExpectedAccount>;

/// Returns who should deliver, and all accounts that are known.
async fn should_deliver(common: &Common, only: Option<&AccountId>, ui: &Ui) -> Result<(Expected, Accounts), CliError> {
    let session = match Session::open(common, Access::ReadOnly).await {
        Ok(session) => session,
        Err(failure) => return Ok((unknown(common, only, &failure)?, Accounts::new())),
    };
    let discovered = session.surveyor(ui).discover(&SurveyOptions::default()).await;
    ui.end_progress();
    let organization = match discovered {
        Ok((organization, _)) => organization,
        Err(error) => return Ok((unknown(common, only, &CliError::from(error))?, Accounts::new())),
    };
    let all = organization.accounts.into_iter().map(|(id, account)| {
        let is_active = account.state.is_active();
        (id, ExpectedAccount { name: account.name, is_active, regions: None })
    });
    let all: Accounts = all.collect();
    let mut accounts = all.clone();
    accounts.retain(|id, _| only.is_none_or(|only| only == id));
    ask_regions(session.cloud.as_ref(), &mut accounts, usize::from(common.concurrency), ui).await;
    Ok((Expected { accounts, wanted: wanted(common)?, ..Expected::default() }, all))
}

/// Returns where the trails of the configuration deliver.
fn wanted(common: &Common) -> Result<Vec<Delivery>, CliError> {
    let config = load(&common.config)?;
    let bucket = bucket_name(&config)?;
    let prefix = &config.bucket.prefix;
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let organization_id = config.organization.id.as_ref().map(|id| id.as_str());
    let context = NameContext {
        deployment: Some(&config.deployment),
        organization_id,
        region: Some(config.home_region.as_str()),
        account_id: None,
        account_name: None,
    };
    let delivery = |trail: &TrailConfig| Delivery {
        trail: render_name(&trail.name, &context).ok(),
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        is_organization: trail.scope == Scope::Organization,
    };
    Ok(config.trails.iter().map(delivery).collect())
}

/// Asks for the enabled regions of the accounts in use, so many at a time. What nobody answers stays unknown, and a
/// note says so.
async fn ask_regions(
    look: &dyn CloudReader,
    accounts: &mut BTreeMap<AccountId, ExpectedAccount>,
    at_once: usize,
    ui: &Ui,
) {
    let asked: Vec<AccountId> =
        accounts.iter().filter(|(_, account)| account.is_active).map(|(id, _)| id.clone()).collect();
    let total = asked.len();
    let ask = async |id: AccountId| (look.regions(&id).await, id);
    let mut answers = stream::iter(asked).map(ask).buffered(at_once).enumerate();
    let mut refused = Vec::new();
    while let Some((before, (answer, id))) = answers.next().await {
        ui.step("accounts' regions", before + 1, total);
        match answer {
            Ok(regions) => record_regions(accounts, &id, regions),
            Err(fault) => refused.push(fault),
        }
    }
    ui.end_progress();
    if let Some(first) = refused.first() {
        ui.note(&format!(
            "could not list enabled regions of {} of {total} accounts; for these, only regions seen in other accounts are \
             checked: {}; allow account:ListRegions to the management account, with trusted access for \
             account.amazonaws.com, or to the member role",
            refused.len(),
            escape::terminal(&first.to_string()),
        ));
    }
}

fn record_regions(accounts: &mut BTreeMap<AccountId, ExpectedAccount>, id: &AccountId, regions: Option<Vec<Region>>) {
    if let Some(account) = accounts.get_mut(id) {
        account.regions = regions;
    }
}

/// Without the organization an account that never delivered anything cannot be missed, which the answer has to say. The
/// one account that is asked about is known all the same.
fn unknown(common: &Common, only: Option<&AccountId>, why: &CliError) -> Result<Expected, CliError> {
    let wanted = wanted(common)?;
    let account = || ExpectedAccount { name: String::new(), is_active: true, regions: None };
    let accounts: BTreeMap<_, _> = only.into_iter().map(|id| (id.clone(), account())).collect();
    let unknown = only.is_none().then(|| {
        format!(
            "could not read the organization: accounts that never delivered a log cannot be reported ({})",
            why.what
        )
    });
    Ok(Expected { accounts, wanted, unknown, ..Expected::default() })
}
