//! One look at the world: discover, design, observe, plan. What `plan`, `drift`, `apply`, `render`, `snapshot` and the
//! daemon have in common.
//!
//! It takes a [`CloudReader`] and so cannot change anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::{CloudFault, CloudReader, DiscoverOptions, Progress};
use crate::config::Config;
use crate::config::schema::Encryption;
use crate::desire::{self, BadDesign, DesignInput, ReaderStrategy, SupersededTrail};
use crate::estate::{Address, Desired, Estate, Kind, Past, Problem};
use crate::ids::AccountId;
use crate::observation::ObservationScope;
use crate::organization::Organization;
use crate::organization::select::{Choice, chosen};
use crate::organization::selector::{OuStep, Selector};
use crate::phase::Phase;
use crate::plan::{self, Finding, Harm, Plan, PlanOptions};
use crate::policy::template::Templates;

mod log_account;
mod monitoring;
mod recorders;

pub use monitoring::monitoring;
pub use recorders::RecorderSurvey;

/// How many owners of trails are asked what binds them.
const OWNERS_MAX: usize = 3;

/// What a survey works with.
pub struct Surveyor<'a> {
    /// The checked configuration.
    pub config: &'a Config,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// Where to look.
    pub look: &'a dyn CloudReader,
    /// Shown to people.
    pub progress: &'a dyn Progress,
}

/// What the person who asks has decided.
#[derive(Debug, Clone, Default)]
pub struct SurveyOptions {
    /// See [`PlanOptions`].
    pub plan: PlanOptions,
    /// Look for trails of their own in the selected accounts too, at one call more for each.
    pub member_trails: bool,
    /// Read the names of organizational units although no selector needs them: a person wants to see the tree.
    pub unit_names: bool,
}

/// Everything that a survey found out.
pub struct Survey {
    /// The organization.
    pub organization: Organization,
    /// The configuration's choice of each account.
    pub choices: BTreeMap<AccountId, Choice>,
    /// What should be.
    pub desired: Desired,
    /// How members read.
    pub strategy: ReaderStrategy,
    /// What is.
    pub observed: Estate,
    /// What to do.
    pub plan: Plan,
}

/// Says why a survey could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The organization or the estate could not be read at all.
    #[error("cannot read the {what}")]
    Cloud {
        /// What was read: the organization, the estate.
        what: &'static str,
        /// Why not.
        source: CloudFault,
    },
    /// The configuration cannot be met in this organization.
    #[error("the configuration cannot be met in this organization{}", list(.0))]
    Design(Vec<BadDesign>),
}

fn list(faults: &[BadDesign]) -> String {
    faults.iter().map(|fault| format!("\n  - {fault}")).collect()
}

impl Surveyor<'_> {
    /// Reads the organization, with the problems of reading parts of it.
    ///
    /// # Errors
    /// [`SurveyError::Cloud`] where it cannot be read at all.
    pub async fn discover(&self, options: &SurveyOptions) -> Result<(Organization, Vec<Problem>), SurveyError> {
        let needs = needs(self.config, options);
        let phase = Phase::begin("read the organization");
        let found = self.look.discover(needs).await;
        let found = found.map_err(|source| SurveyError::Cloud { what: "organization", source })?;
        phase.end(format_args!("{} accounts, {} problems", found.0.accounts.len(), found.1.len()));
        Ok(found)
    }

    /// Does all of it.
    ///
    /// # Errors
    /// [`SurveyError`] where nothing could be planned; what could be read in part is in the plan's problems.
    pub async fn survey(&self, options: &SurveyOptions) -> Result<Survey, SurveyError> {
        let (organization, discovery) = self.discover(options).await?;
        let pinned = Box::pin(log_account::pinned(self, &organization)).await?;
        if let Some(log_account::Pinned { config, finding }) = pinned {
            let pinned = Surveyor { config: &config, ..*self };
            let mut survey = Box::pin(pinned.survey_of(organization, discovery, options)).await?;
            survey.plan.findings.push(finding);
            survey.plan.findings.sort();
            return Ok(survey);
        }
        Box::pin(self.survey_of(organization, discovery, options)).await
    }

    async fn survey_of(
        &self,
        organization: Organization,
        discovery: Vec<Problem>,
        options: &SurveyOptions,
    ) -> Result<Survey, SurveyError> {
        let (mut desired, observed, strategy) = self.observe(&organization, options).await?;
        desired.removed = options.plan.destroy.iter().filter_map(|named| named.parse().ok()).collect();
        let choices = desire::choices(self.config, &organization);
        let phase = Phase::begin("plan");
        let mut plan = plan::plan(&desired, &observed, &organization, options.plan.clone());
        plan.problems.splice(0..0, discovery);
        self.add_unmatched(&organization, &mut plan);
        phase.end(format_args!("{} changes, {} problems", plan.changes.len(), plan.problems.len()));
        Ok(Survey { organization, choices, desired, strategy, observed, plan })
    }

    /// Plans from what another configuration asks for to what this one asks for, in the same organization.
    ///
    /// # Errors
    /// [`SurveyError`] where one of them cannot be met, or the organization cannot be read.
    pub async fn against(&self, other: &Config, options: &SurveyOptions) -> Result<(Organization, Plan), SurveyError> {
        let (organization, problems) = self.discover(options).await?;
        let design = |config: &Config, earlier: &[SupersededTrail], past: &Past| {
            let (strategy, templates) = (desire::first_strategy(config), self.templates);
            let reader_names = &BTreeMap::new();
            let brief =
                DesignInput { config, organization: &organization, templates, strategy, earlier, reader_names, past };
            desire::design(&brief).map_err(SurveyError::Design)
        };
        let nothing = Past::default();
        let (before, after) = (design(other, &[], &nothing)?, design(self.config, &[], &nothing)?);
        let ground = after.as_if_made(&before);
        let earlier = desire::earlier_trails(&after, &ground, &organization);
        let past = self.past(&after, &ground, &organization, options)?;
        let after = if earlier.is_empty() && past.is_empty() { after } else { design(self.config, &earlier, &past)? };
        let mut plan = plan::plan(&after, &ground, &organization, options.plan.clone());
        // Nothing of it is there, so that nothing does harm now.
        plan.changes.iter_mut().for_each(|change| change.harm = Harm::Harmless);
        plan.findings.retain(|finding| !finding.harm.does_harm());
        plan.problems.splice(0..0, problems);
        self.add_unmatched(&organization, &mut plan);
        Ok((organization, plan))
    }

    /// Adds the selectors that match nothing: no log is touched by them, and somebody meant something else.
    fn add_unmatched(&self, organization: &Organization, plan: &mut Plan) {
        let address =
            Address::global(&organization.management_account, Kind::TrustedAccess, "cloudtrail.amazonaws.com");
        let findings = desire::unmatched(self.config, organization)
            .into_iter()
            .map(|one| Finding::new(Harm::Harmless, &address, "selector-matches-nothing", one.message(), one.help()));
        plan.findings.extend(findings);
        plan.findings.sort();
    }

    /// Designs, and observes what the design needs; designs again where that shows what only observing tells. With
    /// `readers.mode: auto` the strategy depends on a quota that only observing tells; the addresses of the other
    /// strategy are among those of the first, so one look is enough.
    async fn observe(
        &self,
        organization: &Organization,
        options: &SurveyOptions,
    ) -> Result<(Desired, Estate, ReaderStrategy), SurveyError> {
        let design =
            |strategy, earlier: &[SupersededTrail], reader_names: &BTreeMap<AccountId, String>, past: &Past| {
                let (config, templates) = (self.config, self.templates);
                let brief = DesignInput { config, organization, templates, strategy, earlier, reader_names, past };
                desire::design(&brief).map_err(SurveyError::Design)
            };
        let first = desire::first_strategy(self.config);
        let desired = design(first, &[], &BTreeMap::new(), &Past::default())?;
        let scope = scope(self.config, organization, &desired, options);
        let phase = Phase::begin("observe");
        let before = self.look.calls();
        let observed = self.look.observe(&scope, self.progress).await;
        let observed = observed.map_err(|source| SurveyError::Cloud { what: "estate", source })?;
        let operators: BTreeSet<&AccountId> = scope.addresses.values().collect();
        let (addresses, calls) = (observed.sightings.len(), self.look.calls() - before);
        phase.end(format_args!("{addresses} addresses in {} accounts, {calls} calls", operators.len()));
        let strategy = desire::strategy(self.config, organization, &desired.log_account, &observed);
        let earlier = desire::earlier_trails(&desired, &observed, organization);
        let names = desire::reader_names(self.config, organization, &desired.log_account, &observed);
        let past = self.past(&desired, &observed, organization, options)?;
        let as_first = strategy == first && earlier.is_empty() && past.is_empty() && past.given_up.is_empty();
        let desired = if as_first && names.is_empty() { desired } else { design(strategy, &earlier, &names, &past)? };
        Ok((desired, observed, strategy))
    }

    /// Returns what is known of earlier logs.
    fn past(
        &self,
        desired: &Desired,
        observed: &Estate,
        organization: &Organization,
        options: &SurveyOptions,
    ) -> Result<Past, SurveyError> {
        let past = desire::past(self.config, desired, observed, organization, &options.plan.give_up);
        past.map_err(SurveyError::Design)
    }
}

/// Returns what has to be known of the organization for this configuration.
fn needs(config: &Config, options: &SurveyOptions) -> DiscoverOptions {
    let mut selectors = config.accounts.include.iter().chain(&config.accounts.exclude);
    let names_unit = |selector: &Selector| match selector {
        Selector::Ou(pattern) => pattern.steps.iter().any(|step| matches!(step, OuStep::Name(_))),
        _ => false,
    };
    DiscoverOptions {
        unit_names: options.unit_names || selectors.clone().any(names_unit),
        account_tags: selectors.any(Selector::needs_tags),
    }
}

/// Returns the ARN of the key that the configuration names for the logs.
fn own_key(config: &Config) -> Option<String> {
    match &config.bucket.encryption {
        Encryption::KeyArn(arn) => Some(arn.to_string()),
        _ => None,
    }
}

/// Returns what has to be looked at for a desired estate.
fn scope(config: &Config, organization: &Organization, desired: &Desired, options: &SurveyOptions) -> ObservationScope {
    let choices = desire::choices(config, organization);
    let members: BTreeSet<AccountId> = chosen(&choices).cloned().collect();
    let wanted = desired.wanted.iter().map(|(address, wanted)| (address.clone(), wanted.operator.clone()));
    let access_logs = desired.access_log_targets().flat_map(|target| {
        let operator = target.account.clone();
        [(target.with_kind(Kind::BucketPolicy), operator.clone()), (target, operator)]
    });
    // A lake whose bucket somebody else keeps.
    let lake = desired.existing_lake().into_iter().flat_map(|lake| {
        let operator = lake.bucket.account.clone();
        [(lake.bucket.with_kind(Kind::BucketPolicy), operator.clone()), (lake.bucket.clone(), operator)]
    });
    let member_policies = desire::member_policy_names(config, organization);
    let forgotten = forgotten_policies(organization, &member_policies, options);
    ObservationScope {
        deployment: desired.deployment.clone(),
        partition: desired.partition,
        log_account: desired.log_account.clone(),
        management_account: organization.management_account.clone(),
        home_region: config.home_region.clone(),
        accounts: organization.accounts.keys().cloned().collect(),
        addresses: forgotten
            .into_iter()
            .chain(wanted)
            .chain(desire::unwanted(config, organization))
            .chain(access_logs)
            .chain(lake)
            .collect(),
        member_policies,
        wakes: config.reconcile.wake_queue.is_some(),
        control_targets: control_targets(organization, desired),
        member_trails: if options.member_trails { members } else { BTreeSet::new() },
        keys: own_key(config).into_iter().collect(),
        further_keys: true,
        arrivals: !options.plan.give_up.is_empty(),
        attachments: !(config.readers.attach_to.groups.is_empty() && config.readers.attach_to.roles.is_empty()),
    }
}

/// Returns where the member policies of all active accounts would be, where they are to be pruned: one whose reader
/// role is gone, or that reads without one, nothing else leads to.
fn forgotten_policies(
    organization: &Organization,
    names: &BTreeMap<AccountId, String>,
    options: &SurveyOptions,
) -> Vec<(Address, AccountId)> {
    let is_active = |account: &AccountId| organization.accounts.get(account).is_some_and(|it| it.state.is_active());
    let named = names.iter().filter(|(account, _)| options.plan.prune && is_active(account));
    named.map(|(account, name)| (Address::global(account, Kind::Policy, name), account.clone())).collect()
}

/// Returns what binds the log account and the accounts that manage trails, from the root down to each of them.
fn control_targets(organization: &Organization, desired: &Desired) -> BTreeSet<String> {
    let trails = desired.wanted.iter().filter(|(address, _)| address.kind == Kind::Trail);
    // One trail in each account is bound by what binds the log account's bucket; of thousands only the first few are
    // asked.
    let owners = trails.map(|(address, _)| &address.account).take(OWNERS_MAX);
    let accounts: BTreeSet<&AccountId> = owners.chain([&desired.log_account]).collect();
    let bound = accounts.into_iter().filter(|account| **account != organization.management_account);
    bound
        .flat_map(|account| {
            let path = organization.accounts.get(account).map(|found| found.path.clone()).unwrap_or_default();
            path.into_iter().chain([account.to_string()])
        })
        .collect()
}
