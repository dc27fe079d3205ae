//! `orgtrail init`: looks at the organization and writes a first configuration. Changes nothing in AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, AwsEntry, Session, connect, templates};
use super::summary::Summary;
use super::ui::{Ui, write_file};
use super::{CommandOutput, Common};
use crate::cloud::{CloudReader, DiscoverOptions};
use crate::config::{self, Config, ConfigErrors};
use crate::estate::{Address, Estate, Problem, Resource, Sighting};
use crate::files::Readers;
use crate::ids::{AccountId, Partition, Region};
use crate::init::adopt::{self, AdoptRequest, Adoption};
use crate::init::found::{self, ExistingTrail};
use crate::init::text::{Remarks, text};
use crate::init::{Answers, first_region, fresh, guess_log_account};
use crate::observation::ObservationScope;
use crate::organization::Organization;
use crate::survey::{SurveyError, SurveyOptions};

mod questions;
mod report;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Take safe defaults for what is not given, without prompting
    #[arg(long)]
    yes: bool,
    /// Replace an existing configuration
    #[arg(long)]
    force: bool,
    /// Take over this organization trail and its bucket (can be repeated)
    ///
    /// Several trails must write to the same bucket.
    #[arg(long, value_name = "TRAIL_ARN", value_parser = adopt::address)]
    adopt: Vec<Address>,
    /// Name the deployment
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
    /// Keep bucket, key and reader roles in this account (id or name)
    #[arg(long, value_name = "ACCOUNT")]
    log_account: Option<String>,
    /// Keep bucket, key and trail in this region
    #[arg(long, value_name = "REGION", hide_env_values = true, env = "AWS_REGION")]
    home_region: Option<Region>,
    /// Name the bucket
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// Assume this role in member accounts
    #[arg(long, value_name = "ROLE", default_value = "OrganizationAccountAccessRole")]
    member_role: String,
    /// List the trails of every account too (one more call for each)
    #[arg(long)]
    member_trails: bool,
}

/// What was seen before there is a configuration.
struct Seen {
    organization: Organization,
    estate: Estate,
    found: Vec<ExistingTrail>,
    /// What could not be read, so that more may be there.
    unread: Vec<Problem>,
}

/// Runs the command.
pub async fn run(common: &Common, args: &InitArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let file = common.place().unwrap_or(&common.config);
    refuse_overwriting(file, args.force)?;
    let home_region = start_region(args)?;
    let door = AwsEntry { home_region: &home_region, member_role: &args.member_role };
    let cloud = connect(common, door, Access::ReadOnly).await?;
    let mut seen = look(cloud.as_ref(), &home_region, args, ui).await?;
    ui.end_progress();
    let there = report::there(&seen, !args.adopt.is_empty(), ui.width());
    // Whoever answers should know what is there before; the rest of the report comes at the end.
    let asks = ui.is_interactive() && !args.yes;
    if asks {
        ui.note(&there);
    }
    let mut remarks = Remarks { found: seen.found.iter().map(ExistingTrail::words).collect(), ..Remarks::default() };
    let config = match args.adopt.split_first() {
        None => fresh(&seen.organization, &questions::answers(&seen.organization, &seen.found, args, ui)?),
        Some((trail, more)) => {
            let deployment = questions::deployment(args, ui)?;
            let likely = likely(&seen.organization, args)?;
            let member_role = &args.member_role;
            let request = AdoptRequest { trail, more, likely: &likely, deployment: &deployment, member_role };
            see_more(cloud.as_ref(), &mut seen, &home_region, &request, ui).await?;
            let adoption = adopt::adopt(&seen.organization, &seen.estate, &request);
            let Adoption { config, inexpressible } = adoption.map_err(|error| {
                CliError::new("the trail cannot be taken over")
                    .because(error)
                    .hint("without --adopt, `orgtrail init` shows the trails that are there")
            })?;
            remarks = Remarks { inexpressible, adopts: true, ..remarks };
            config
        }
    };
    let draft = write(&config, &seen.organization, &remarks)?;
    let session = Session { config: draft.config, templates: templates(common)?, cloud: cloud.into() };
    let mut content = draft.content;
    let mut unreadable = seen.unread.clone();
    let mut is_partial = !unreadable.is_empty();
    if remarks.adopts {
        let survey = session.surveyor(ui).survey(&SurveyOptions::default()).await?;
        remarks.remaining = adopt::remaining(&survey.plan);
        if !survey.plan.problems.is_empty() {
            is_partial = true;
            unreadable.extend(survey.plan.problems.iter().cloned());
            ui.note(
                "not everything could be read, so that there may be more than was written; `orgtrail plan` says what",
            );
        }
        content = write(&session.config, &seen.organization, &remarks)?.content;
    }
    ui.end_progress();
    write_file(file, &content, Readers::Umask)?;
    let written = report::written(&remarks, file, ui.width());
    let page = if asks { written } else { format!("{there}\n{written}") };
    let summary = Summary::new("Init", &format!("configuration written to {}", file.display())).unreadable(&unreadable);
    Ok(CommandOutput::one(page, if is_partial { Outcome::Partial } else { Outcome::Clean }, summary))
}

/// Tells whether a bucket can have this name, as the configuration that it will stand in sees it.
///
/// # Errors
/// Says why not.
fn check_bucket(organization: &Organization, answers: &Answers) -> Result<(), String> {
    let content =
        text(&fresh(organization, answers), organization, &Remarks::default()).map_err(|error| error.to_string())?;
    let parsed = config::parse(&content, "the new configuration");
    let first = |errors: ConfigErrors| errors.findings().first().map(|finding| finding.message.clone());
    parsed.map(drop).map_err(|errors| first(errors).unwrap_or_default())
}

fn refuse_overwriting(file: &Path, force: bool) -> Result<(), CliError> {
    if force || !file.is_file() {
        return Ok(());
    }
    let failure = CliError::new(format!("{} is there already; nothing was written", file.display()));
    Err(failure.hint("add --force to replace it, or name another file with --config"))
}

/// Where calls begin, until the home region is known.
fn start_region(args: &InitArgs) -> Result<Region, CliError> {
    let of_trail = args.adopt.first().and_then(|trail| trail.region.clone());
    let region = of_trail.or_else(|| args.home_region.clone()).or_else(|| first_region(Partition::Aws));
    region.ok_or_else(|| CliError::new("no region to begin in").hint("name one with --home-region"))
}

async fn look(look: &dyn CloudReader, region: &Region, args: &InitArgs, ui: &Ui) -> Result<Seen, CliError> {
    let needs = DiscoverOptions { unit_names: false, account_tags: false };
    let failed = |what| move |source| CliError::from(SurveyError::Cloud { what, source });
    let (organization, problems) = look.discover(needs).await.map_err(failed("organization"))?;
    let mut accounts = BTreeSet::from([organization.management_account.clone()]);
    if args.member_trails {
        let active = organization.accounts.iter().filter(|(_, account)| account.state.is_active());
        accounts.extend(active.map(|(id, _)| id.clone()));
    }
    let scope = scope(&organization, region, BTreeMap::new(), accounts);
    let estate = look.observe(&scope, ui).await.map_err(failed("trails"))?;
    let found = found::found(&estate);
    let unread = estate.sightings.values().filter_map(|sighting| match sighting {
        Sighting::Unreadable(problem) => Some(problem.clone()),
        Sighting::Present(_) | Sighting::Absent => None,
    });
    let unread: BTreeSet<Problem> = problems.into_iter().chain(unread).collect();
    Ok(Seen { organization, estate, found, unread: unread.into_iter().collect() })
}

/// Returns the accounts that are likely to have the bucket of an existing trail, the likeliest first.
fn likely(organization: &Organization, args: &InitArgs) -> Result<Vec<AccountId>, CliError> {
    let given = args.log_account.as_deref().map(|text| questions::account(organization, text)).transpose();
    let given = given.map_err(CliError::new)?;
    let guessed = guess_log_account(organization).cloned();
    Ok(given.into_iter().chain(guessed).chain([organization.management_account.clone()]).collect())
}

/// Looks at everything around the trails that are to be taken over.
async fn see_more(
    look: &dyn CloudReader,
    seen: &mut Seen,
    region: &Region,
    request: &AdoptRequest<'_>,
    ui: &Ui,
) -> Result<(), CliError> {
    let organization = &seen.organization;
    let mut addresses: BTreeMap<Address, AccountId> = BTreeMap::new();
    for at in std::iter::once(request.trail).chain(request.more) {
        addresses.insert(at.clone(), at.account.clone());
        if let Some(Resource::Trail(trail)) = seen.estate.resource(at) {
            let needed = adopt::needed(trail, at, request.likely, request.deployment).into_iter();
            addresses.extend(needed.map(|address| (address.clone(), address.account)));
        }
    }
    let scope = scope(organization, region, addresses, BTreeSet::new());
    let more = look.observe(&scope, ui).await;
    let more = more.map_err(|source| CliError::from(SurveyError::Cloud { what: "existing archive", source }))?;
    seen.estate.sightings.extend(more.sightings);
    Ok(())
}

/// Without a configuration the log account is not known; nothing is looked for that only it has.
fn scope(
    organization: &Organization,
    region: &Region,
    addresses: BTreeMap<Address, AccountId>,
    member_trails: BTreeSet<AccountId>,
) -> ObservationScope {
    ObservationScope {
        control_targets: Default::default(),
        deployment: String::new(),
        partition: organization.partition,
        log_account: organization.management_account.clone(),
        management_account: organization.management_account.clone(),
        home_region: region.clone(),
        accounts: organization.accounts.keys().cloned().collect(),
        addresses,
        member_policies: BTreeMap::new(),
        wakes: false,
        member_trails,
        attachments: false,
        keys: BTreeSet::new(),
        further_keys: false,
        arrivals: false,
    }
}

/// A text, and the configuration that it reads back as.
struct Draft {
    content: String,
    config: Config,
}

fn write(config: &Config, organization: &Organization, remarks: &Remarks) -> Result<Draft, CliError> {
    let content = text(config, organization, remarks)
        .map_err(|error| CliError::new("cannot write the configuration").because(error))?;
    // What AWS has, or what was answered, may break a rule of configurations: better here than in the next command.
    let config = config::parse(&content, "the new configuration").map_err(|errors| {
        let page = Some(errors.render(true));
        CliError { page, ..CliError::new("what was found or answered cannot be a configuration") }
    })?;
    Ok(Draft { content, config })
}
