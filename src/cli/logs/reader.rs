//! The role that a team reads its own logs with: `--role-arn`.

use clap::Args;

use crate::archive::find::ScopeFilter;
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::session::{Access, AwsEntry, aws_options};
use crate::cloud::aws::{AwsOptions, NamedRole};
use crate::config::Config;
use crate::config::names::check_external_id;
use crate::config::schema::{TrailConfig, TrailScope};
use crate::ids::{BadId, Partition, Region};
use crate::log_path::{LogRoot, split_at_last_root};

/// The options of a command that may read with a role.
#[derive(Debug, Clone, Default, Args)]
pub struct ReaderArgs {
    /// Read with this role, such as a reader role
    ///
    /// It is assumed with your own credentials, and nothing but the logs is asked for then: a team can ask for its own
    /// logs, with --account. `orgtrail access ACCOUNT` prints the role of an account.
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<NamedRole>,
    /// Give this external id when the role is assumed
    ///
    /// [default: the configuration's `readers.external_id`]
    #[arg(long, value_name = "ID", requires = "role_arn", value_parser = external_id, hide_short_help = true)]
    pub external_id: Option<String>,
}

/// How logs are entered with a role that a person named.
#[derive(Debug, Clone)]
pub struct ReaderEntry {
    /// How AWS is reached.
    pub aws: AwsOptions,
    /// The role.
    pub role: NamedRole,
    /// What is looked for in every place, without its prefix.
    pub sought: ScopeFilter,
    /// In which of an account's folders its logs lie.
    pub layout: Layout,
}

/// In which of an account's folders its logs lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// In that within the organization's folder.
    Organization(String),
    /// In that beside the organizations' folders.
    Accounts,
    /// In either, or unknown.
    Either,
}

impl Layout {
    /// Returns what a configuration says. Roles may read the logs of earlier trails too.
    fn of(config: &Config, organization: Option<&str>) -> Self {
        let is_organization = |trail: &TrailConfig| trail.scope == TrailScope::Organization;
        let (all, any) = (config.trails.iter().all(is_organization), config.trails.iter().any(is_organization));
        match organization {
            _ if config.readers.earlier_logs => Self::Either,
            Some(id) if all => Self::Organization(id.to_owned()),
            _ if !any => Self::Accounts,
            _ => Self::Either,
        }
    }
}

impl ReaderArgs {
    /// Returns how the logs are entered. `None` where no role is named. `config` is the configuration that tells of the
    /// logs, `sought` what is looked for.
    ///
    /// # Errors
    /// Where the partition of the role has no region that is known.
    pub fn entry(
        &self,
        common: &Common,
        config: Option<&Config>,
        sought: ScopeFilter,
    ) -> Result<Option<ReaderEntry>, CliError> {
        let Some(role) = &self.role_arn else { return Ok(None) };
        let configured = || config.and_then(|config| config.readers.external_id.clone());
        let role = NamedRole { external_id: self.external_id.clone().or_else(configured), ..role.clone() };
        let home_region = match config {
            Some(config) => config.home_region.clone(),
            None => usual_region(&role).map_err(|error| CliError::new(error.to_string()))?,
        };
        let door = AwsEntry { home_region: &home_region, member_role: "" };
        let aws = aws_options(common, door, Access::ReadOnly, "orgtrail");
        let layout = config.map_or(Layout::Either, |config| Layout::of(config, sought.organization.as_deref()));
        Ok(Some(ReaderEntry { aws, role, sought, layout }))
    }
}

impl ReaderEntry {
    /// Returns what is looked for below a place's prefix: in the account's own folder, as far as that is known, since
    /// the role may list nothing else.
    pub fn sought_below(&self, prefix: String) -> ScopeFilter {
        let organization = match &self.layout {
            Layout::Organization(id) => Some(id.as_str()),
            Layout::Accounts | Layout::Either => None,
        };
        let is_named = self.layout == Layout::Either || split_at_last_root(&prefix).is_some();
        let prefix = match &self.sought.account {
            Some(account) if !is_named => LogRoot::at(&prefix, organization).account_folder(account.as_str()),
            _ => prefix,
        };
        ScopeFilter { prefix, ..self.sought.clone() }
    }

    /// Returns the first folder that is listed in a place.
    pub(super) fn first_prefix(&self, prefix: &str) -> String {
        self.sought_below(prefix.to_owned()).first_prefix()
    }
}

/// Returns the region of the environment, or one that every account of the role's partition has.
fn usual_region(role: &NamedRole) -> Result<Region, BadId> {
    let set = |name: &str| std::env::var(name).ok()?.parse().ok();
    match set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")) {
        Some(region) => Ok(region),
        None => role.arn.partition().parse::<Partition>()?.global_region().parse(),
    }
}

fn external_id(text: &str) -> Result<String, String> {
    check_external_id(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}
