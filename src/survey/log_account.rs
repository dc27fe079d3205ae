//! Which account is the log account where several bear the name that the configuration has. A name is its account's to
//! choose: a member that takes that of the log account must not stop anything.

use std::collections::BTreeMap;

use super::{SurveyError, SurveyOptions, Surveyor, scope};
use crate::config::Config;
use crate::desire::{self, DesignInput};
use crate::estate::{Address, Past, Resource};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::plan::{Finding, Harm};

/// So many accounts of one name are looked into.
const LOOKED_INTO_MAX: usize = 8;

/// The configuration with the id in place of the name.
pub(super) struct Pinned {
    pub(super) config: Config,
    /// Says so.
    pub(super) finding: Finding,
}

/// Finds the one account of several that holds this deployment's bucket; none where the name is one account's, or no
/// bucket tells: the design then says what is wrong.
pub(super) async fn pinned(
    surveyor: &Surveyor<'_>,
    organization: &Organization,
) -> Result<Option<Pinned>, SurveyError> {
    let name = &surveyor.config.accounts.log;
    let is_active = |id: &&AccountId| organization.accounts.get(*id).is_some_and(|account| account.state.is_active());
    let found: Vec<&AccountId> = organization.find(name).into_iter().filter(is_active).collect();
    if name.parse::<AccountId>().is_ok() || found.len() < 2 {
        return Ok(None);
    }
    let mut holding = Vec::new();
    for account in found.into_iter().take(LOOKED_INTO_MAX) {
        let mut config = surveyor.config.clone();
        config.accounts.log = account.to_string();
        if let Some(bucket) = bucket_in(surveyor, &config, organization).await? {
            holding.push((config, bucket));
        }
    }
    let [(config, bucket)] = &mut holding[..] else { return Ok(None) };
    let message = format!(
        "several accounts are called {name:?}; account {} is taken for the log account, because this deployment's bucket is there",
        bucket.account
    );
    let help = format!("write `accounts.log: \"{}\"`: a name is its account's to choose", bucket.account);
    let finding = Finding::new(Harm::Harmless, bucket, "log-account-by-its-bucket", message, help);
    Ok(Some(Pinned { config: config.clone(), finding }))
}

/// Returns the bucket of the logs where it is there and bears the tag of this deployment.
async fn bucket_in(
    surveyor: &Surveyor<'_>,
    config: &Config,
    organization: &Organization,
) -> Result<Option<Address>, SurveyError> {
    let brief = DesignInput {
        config,
        organization,
        templates: surveyor.templates,
        strategy: desire::first_strategy(config),
        earlier: &[],
        reader_names: &BTreeMap::new(),
        past: &Past::default(),
    };
    // What else is wrong with the configuration is said of the account that is taken in the end.
    let Ok(desired) = desire::design(&brief) else { return Ok(None) };
    let Some(bucket) = desired.log_bucket() else { return Ok(None) };
    let mut scope = scope(config, organization, &desired, &SurveyOptions::default());
    scope.addresses.retain(|address, _| address == bucket);
    scope.control_targets.clear();
    scope.keys.clear();
    (scope.further_keys, scope.attachments, scope.wakes) = (false, false, false);
    let seen = surveyor.look.observe(&scope, surveyor.progress).await;
    let seen = seen.map_err(|source| SurveyError::Cloud { what: "estate", source })?;
    let is_ours = |resource: &Resource| resource.deployment() == Some(desired.deployment.as_str());
    Ok(seen.resource(bucket).filter(|resource| is_ours(resource)).map(|_| bucket.clone()))
}
