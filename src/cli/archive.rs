//! Where the configuration's logs are, and who should deliver them: what `verify` and `coverage` take from a configuration.

use super::Common;
use super::failure::Failure;
use super::session::{Access, Session};
use super::ui::Ui;
use super::validate::load;
use crate::config::Config;
use crate::config::names::{NameContext, render_name};
use crate::logs::coverage::{Expected, ExpectedAccount};
use crate::survey::SurveyOptions;

/// Returns where the configuration's logs are; nothing without a configuration.
pub(super) fn place(common: &Common) -> Result<Option<String>, Failure> {
    if !common.config.exists() {
        return Ok(None);
    }
    let config = load(&common.config)?;
    let bucket = bucket_name(&config)?;
    let prefix = &config.bucket.prefix;
    Ok(Some(if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") }))
}

/// A name that needs the organization would need its credentials, and the reader of the logs may have none.
fn bucket_name(config: &Config) -> Result<String, Failure> {
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
        Failure::new("the bucket's name cannot be known without the organization")
            .because(error)
            .hint("name the place of the logs: s3://BUCKET/PREFIX or a folder")
    })
}

/// Returns the accounts that should deliver: those of the organization, where it can be read.
pub(super) async fn expected(common: &Common, ui: &Ui) -> Result<Expected, Failure> {
    if !common.config.exists() {
        return Ok(Expected::default());
    }
    let session = match Session::open(common, Access::ReadOnly).await {
        Ok(session) => session,
        Err(failure) => return Ok(unknown(ui, &failure)),
    };
    let discovered = session.surveyor(ui).discover(SurveyOptions::default()).await;
    ui.end_progress();
    let organization = match discovered {
        Ok((organization, _)) => organization,
        Err(error) => return Ok(unknown(ui, &Failure::from(error))),
    };
    let accounts = organization.accounts.into_iter().map(|(id, account)| {
        (id, ExpectedAccount { name: account.name, is_active: account.state.is_active(), regions: None })
    });
    Ok(Expected { accounts: accounts.collect(), trails: Vec::new() })
}

/// Without the organization an account that never delivered anything cannot be missed, which has to be said.
fn unknown(ui: &Ui, why: &Failure) -> Expected {
    ui.note(&format!("the organization cannot be read, so accounts without any log are not missed: {}", why.what));
    Expected::default()
}
