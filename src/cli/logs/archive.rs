//! Where the configuration's logs are, and who should deliver them: what `verify` and `coverage` take from a
//! configuration.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::LogsEntry;
use crate::cli::failure::CliError;
use crate::cli::session::{Access, Session, templates};
use crate::cli::ui::Ui;
use crate::cli::{Common, NamedBy};
use crate::cloud::{CloudReader, Progress};
use crate::config::Config;
use crate::config::names::{NameContext, render_name};
#[cfg(feature = "sql")]
use crate::config::schema::LakeConfig;
use crate::config::schema::{TrailConfig, TrailScope};
use crate::desire;
use crate::estate::Problem;
use crate::ids::AccountId;
use crate::logs::expected::{Expected, ExpectedAccount, TrailDestination, UnknownRegions};
use crate::organization::{Account, Organization};
use crate::survey::{SurveyError, SurveyOptions};

/// What a configuration tells of the logs.
pub(in crate::cli) struct Archive {
    /// The configuration.
    pub config: Config,
    /// Where the logs are that are looked at: the places that were named; else where they are written today, and then
    /// the places of `earlier:`.
    pub places: Vec<String>,
    /// What should be there.
    pub expected: Expected,
    /// How the logs are entered. `None` where the log account is not known, and for places that were named: these are
    /// read with the credentials of the environment as they are.
    pub entry: Option<LogsEntry>,
}

impl Archive {
    /// Reads the configuration, and what it says of the places that were `named`, or of its own where none were.
    /// `only` is the one account that is asked about. `None` where there is no configuration, and where places were
    /// named and the command line names no configuration beside them.
    ///
    /// # Errors
    /// When a file that was named is not there, or the organization is not the configuration's.
    pub(in crate::cli) async fn read(
        common: &Common,
        named: &[String],
        only: Option<&AccountId>,
        ui: &Ui,
    ) -> Result<Option<Self>, CliError> {
        let is_elsewhere = !named.is_empty();
        let Some(config) = configuration(common, named)? else { return Ok(None) };
        let places = if is_elsewhere { named.to_vec() } else { places(&config)? };
        let (mut expected, known) = should_deliver(common, &config, only, ui).await?;
        expected.is_elsewhere = is_elsewhere;
        expected.wanted = wanted(&config, &expected)?;
        let entry = if is_elsewhere { None } else { LogsEntry::of(common, &config, &known) };
        if entry.is_none() && !is_elsewhere {
            note_unknown(&config, ui);
        }
        Ok(Some(Self { config, places, expected, entry }))
    }
}

#[cfg(feature = "sql")]
impl Archive {
    /// Reads the same for a team that reads its own logs with a role: nothing is asked of the organization, which such
    /// a team may not ask.
    ///
    /// # Errors
    /// When a file that was named is not there.
    pub(in crate::cli) fn of_reader(
        common: &Common,
        named: &[String],
        only: Option<&AccountId>,
    ) -> Result<Option<Self>, CliError> {
        let is_elsewhere = !named.is_empty();
        if common.estate.is_some() {
            return Err(CliError::new("--estate does nothing here: the logs are read with --role-arn")
                .hint("leave --estate out, or --role-arn"));
        }
        let Some(config) = configuration(common, named)? else { return Ok(None) };
        let places = if is_elsewhere { named.to_vec() } else { places(&config)? };
        let mut expected = unknown(&config, only, &CliError::new("it is not asked with --role-arn"));
        expected.is_elsewhere = is_elsewhere;
        Ok(Some(Self { config, places, expected, entry: None }))
    }
}

/// Where the logs are, and how they are entered: enough for a command that reads them and misses none.
#[cfg(feature = "sql")]
#[derive(Debug, Default)]
pub(in crate::cli) struct LogPlaces {
    /// The places that were named; else where the configuration's logs are written today, and the places of `earlier:`.
    pub places: Vec<String>,
    /// The organization's id. `None` where no configuration tells it.
    pub organization: Option<String>,
    /// How the logs are entered. `None`: with the credentials of the environment as they are.
    pub entry: Option<LogsEntry>,
    /// The lake of the configuration. `None`: it names none, or there is none.
    pub lake: Option<LakeConfig>,
}

#[cfg(feature = "sql")]
impl LogPlaces {
    /// Returns what a configuration says by itself; the organization is not asked.
    ///
    /// # Errors
    /// When the bucket's name, or the id of the log account, is known to the organization only.
    pub(in crate::cli) fn of(common: &Common, config: &Config) -> Result<Self, CliError> {
        let entry = LogsEntry::of(common, config, &Accounts::new()).ok_or_else(|| {
            CliError::new(format!("the id of the log account {:?} is not known", config.accounts.log))
                .hint("set accounts.log to its id")
        })?;
        let organization = config.organization.id.as_ref().map(ToString::to_string);
        Ok(Self { places: places(config)?, organization, entry: Some(entry), lake: config.lake.clone() })
    }

    /// Reads the configuration, as far as it says something of the places that were `named`. The organization is asked
    /// only where the configuration has nothing but the name of the log account.
    ///
    /// # Errors
    /// When a file that was named is not there, or the organization is not the configuration's.
    pub(in crate::cli) async fn read(common: &Common, named: &[String], ui: &Ui) -> Result<Self, CliError> {
        let Some(config) = configuration(common, named)? else {
            return Ok(Self { places: named.to_vec(), ..Self::default() });
        };
        let organization = config.organization.id.as_ref().map(ToString::to_string);
        if !named.is_empty() {
            return Ok(Self { places: named.to_vec(), organization, entry: None, lake: config.lake });
        }
        let places = places(&config)?;
        if let Some(entry) = LogsEntry::of(common, &config, &Accounts::new()) {
            return Ok(Self { places, organization, entry: Some(entry), lake: config.lake });
        }
        let (known, found) = match discovered(common, &config, ui).await? {
            Ok((_, organization, _)) => {
                let id = organization.id.to_string();
                (accounts_of(organization.accounts), Some(id))
            }
            Err(_) => (Accounts::new(), None),
        };
        let entry = LogsEntry::of(common, &config, &known);
        if entry.is_none() {
            note_unknown(&config, ui);
        }
        Ok(Self { places, organization: organization.or(found), entry, lake: config.lake })
    }
}

/// Reads the configuration. `None` where there is none, and where places were named and the command line names no
/// configuration beside them.
fn configuration(common: &Common, named: &[String]) -> Result<Option<Config>, CliError> {
    if named.is_empty() || common.config_named_by == NamedBy::CommandLine {
        return common.configuration();
    }
    match &common.estate {
        None => Ok(None),
        Some(_) => Err(CliError::new("--estate does nothing here: a place is named, and no configuration").hint(
            "name the configuration too (--config FILE), which says what should be there, or leave --estate out",
        )),
    }
}

fn note_unknown(config: &Config, ui: &Ui) {
    ui.note(&format!(
        "the id of the log account {:?} is not known, so the logs are read with your own credentials and no role; \
         set accounts.log to its id",
        config.accounts.log
    ));
}

/// Returns where the configuration's logs are: first where they are written today, then the places of its `earlier:`.
fn places(config: &Config) -> Result<Vec<String>, CliError> {
    let mut places = vec![url(&bucket_name(config)?, &config.bucket.prefix)];
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

type Accounts = BTreeMap<AccountId, ExpectedAccount>;

/// Returns who should deliver, and all accounts that are known.
async fn should_deliver(
    common: &Common,
    config: &Config,
    only: Option<&AccountId>,
    ui: &Ui,
) -> Result<(Expected, Accounts), CliError> {
    let found = match discovered(common, config, ui).await? {
        Ok(found) => found,
        Err(why) => return Ok((unknown(config, only, &why), Accounts::new())),
    };
    let (session, organization, problems) = found;
    let mut all = accounts_of(organization.accounts);
    // Whoever is in a state that is not known is missed like everyone else.
    let odd = || ExpectedAccount { name: String::new(), is_active: true, regions: None };
    for problem in problems {
        all.entry(problem.account).or_insert_with(odd);
    }
    let mut accounts = all.clone();
    accounts.retain(|id, _| only.is_none_or(|only| only == id));
    let unknown_regions = ask_regions(session.cloud.as_ref(), &mut accounts, usize::from(common.concurrency), ui).await;
    let organization = Some(organization.id.to_string());
    Ok((Expected { accounts, unknown_regions, organization, ..Expected::default() }, all))
}

/// The organization as it was discovered, with the session that did it, and what could not be read of it.
type Discovered = (Session, Organization, Vec<Problem>);

/// Discovers the organization; or tells why it cannot be read.
async fn discovered(common: &Common, config: &Config, ui: &Ui) -> Result<Result<Discovered, CliError>, CliError> {
    // What is wrong with a file that was named is no answer of AWS.
    templates(common)?;
    let session = match Session::open(common, Access::ReadOnly).await {
        Ok(session) => session,
        Err(failure) if common.estate.is_some() => return Err(failure),
        Err(failure) => return Ok(Err(failure)),
    };
    let discovered = session.surveyor(ui).discover(&SurveyOptions::default()).await;
    ui.end_progress();
    let (organization, problems) = match discovered {
        Ok(found) => found,
        Err(error) => return Ok(Err(CliError::from(error))),
    };
    let faults = desire::organization_faults(config, &organization);
    if !faults.is_empty() {
        return Err(SurveyError::Design(faults).into());
    }
    Ok(Ok((session, organization, problems)))
}

fn accounts_of(all: BTreeMap<AccountId, Account>) -> Accounts {
    let expected = |(id, account): (AccountId, Account)| {
        let is_active = account.state.is_active();
        (id, ExpectedAccount { name: account.name, is_active, regions: None })
    };
    all.into_iter().map(expected).collect()
}

/// Returns where the trails of the configuration deliver. Where another place is looked at, no bucket tells it.
fn wanted(config: &Config, expected: &Expected) -> Result<Vec<TrailDestination>, CliError> {
    let bucket = if expected.is_elsewhere { String::new() } else { bucket_name(config)? };
    let prefix = &config.bucket.prefix;
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let context = names_of(config, expected.organization.as_deref());
    let delivery = |trail: &TrailConfig| TrailDestination {
        trail: render_name(&trail.name, &context).ok(),
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        is_organization: trail.scope == TrailScope::Organization,
    };
    Ok(config.trails.iter().map(delivery).collect())
}

/// Returns what names of trails are made of, as far as it is known without an account.
pub(super) fn names_of<'a>(config: &'a Config, organization_id: Option<&'a str>) -> NameContext<'a> {
    NameContext {
        deployment: Some(&config.deployment),
        organization_id,
        region: Some(config.home_region.as_str()),
        account_id: None,
        account_name: None,
    }
}

/// What lets the enabled regions be asked for.
const ALLOW_REGIONS: &str = "allow account:ListRegions to the management account, with trusted access for \
                             account.amazonaws.com, or to the member role, and run again";

/// Asks for the enabled regions of the accounts in use, so many at a time. Returns of which nobody answers; `None`
/// where all are known.
async fn ask_regions(
    look: &dyn CloudReader,
    accounts: &mut Accounts,
    at_once: usize,
    ui: &Ui,
) -> Option<UnknownRegions> {
    let asked: Vec<AccountId> =
        accounts.iter().filter(|(_, account)| account.is_active).map(|(id, _)| id.clone()).collect();
    let total = asked.len();
    let ask = async |id: AccountId| (look.regions(&id).await, id);
    let mut answers = stream::iter(asked).map(ask).buffered(at_once).enumerate();
    let mut unknown: Option<UnknownRegions> = None;
    while let Some((before, (answer, id))) = answers.next().await {
        ui.step("accounts' regions", before + 1, total);
        // An account without any region is no answer: some cannot be disabled.
        let (why, next) = match answer {
            Ok(Some(regions)) if !regions.is_empty() => {
                accounts.entry(id).and_modify(|account| account.regions = Some(regions));
                continue;
            }
            Ok(_) => ("a recorded estate does not hold them".to_owned(), "run without --estate"),
            Err(fault) => (fault.to_string(), ALLOW_REGIONS),
        };
        let nothing = || UnknownRegions { accounts: BTreeSet::new(), asked: total, why, next: next.to_owned() };
        unknown.get_or_insert_with(nothing).accounts.insert(id);
    }
    ui.end_progress();
    unknown
}

/// Without the organization an account that never delivered anything cannot be missed, which the answer has to say. The
/// one account that is asked about is known all the same, without its regions.
fn unknown(config: &Config, only: Option<&AccountId>, why: &CliError) -> Expected {
    let account = || ExpectedAccount { name: String::new(), is_active: true, regions: None };
    let accounts: Accounts = only.into_iter().map(|id| (id.clone(), account())).collect();
    let unknown = only.is_none().then(|| {
        format!(
            "could not read the organization: accounts that never delivered a log cannot be reported ({})",
            why.what
        )
    });
    let unknown_regions = only.map(|id| UnknownRegions {
        accounts: [id.clone()].into(),
        asked: 1,
        why: format!("could not read the organization ({})", why.what),
        next: "let the organization be read, or name with --region the one region that is asked about".to_owned(),
    });
    let organization = config.organization.id.as_ref().map(ToString::to_string);
    Expected { accounts, unknown, unknown_regions, organization, ..Expected::default() }
}
