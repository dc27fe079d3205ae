//! Random worlds for property tests: organizations, configurations, and what is there before a plan is made.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::sync::LazyLock;

use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{CloudReader, NoProgress};
use orgtrail::config::Config;
use orgtrail::desire::BadDesign;
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Bucket, Estate, Kind, Limits, Sighting, Tags};
use orgtrail::organization::Organization;
use orgtrail::plan::{Finding, Plan, PlanOptions};
use orgtrail::policy::template::Templates;
use orgtrail::survey::{Survey, SurveyError, SurveyOptions, Surveyor};
use proptest::prelude::*;

pub mod config;
pub mod damage;
pub mod falter;
pub mod foreign;
pub mod organization;
pub mod outsider;
pub mod requests;
pub mod rerender;
mod through;
pub mod watched;

/// A bucket that configurations may send access logs to. It is there in every world.
pub const ACCESS_LOGS: &str = "acme-access-logs";

/// The bucket of the lake, in the worlds that have one.
pub const LAKE: &str = "acme-lake";

/// A role of the central team that may read the lake.
pub const ANALYSTS: &str = "analysts";

/// An organization, a configuration for it, and how many more roles its log account may have.
#[derive(Debug, Clone)]
pub struct Case {
    pub organization: Organization,
    pub config: Config,
    pub room_for_roles: Option<u32>,
}

/// Holds that a plan has nothing to do and nothing to say. Isolation is left open only by the policy of somebody else's
/// key, which no random world has.
pub fn settled(plan: &Plan) -> Result<(), TestCaseError> {
    prop_assert!(plan.changes.is_empty(), "{:#?}", plan.changes);
    prop_assert_eq!(&plan.violations, &vec![]);
    prop_assert_eq!(&plan.blockers, &vec![]);
    // What the configuration itself asks for, and no plan puts right.
    let asked_for = ["access-logs-stopped", "trail-records-itself"];
    let harms = |finding: &&Finding| finding.harm.does_harm() && !asked_for.contains(&finding.code.as_str());
    let harmful: Vec<_> = plan.findings.iter().filter(harms).collect();
    prop_assert!(harmful.is_empty(), "{:#?}", harmful);
    let open: Vec<_> = plan.unproven.iter().filter(|one| !one.why.contains("which is not orgtrail's")).collect();
    prop_assert!(open.is_empty(), "{:#?}", open);
    Ok(())
}

/// Cases with up to so many accounts.
pub fn cases(accounts_max: usize) -> impl Strategy<Value = Case> {
    organization::organizations(accounts_max)
        .prop_flat_map(|organization| {
            let config = config::configs(&organization);
            (Just(organization), config, prop::option::weighted(0.3, 0_u32..60))
        })
        .prop_map(|(organization, config, room_for_roles)| Case { organization, config, room_for_roles })
}

impl Case {
    /// The world before anything was done: nothing of ours.
    pub fn empty_world(&self) -> Snapshot {
        let mut estate = Estate::default();
        if let Some((log, _)) = self.organization.accounts.get_key_value(self.config.accounts.log.as_str()) {
            let target = Address::regional(log, &self.config.home_region, Kind::Bucket, ACCESS_LOGS);
            estate.sightings.insert(target, Sighting::present(plain_bucket()));
            if let Some(room) = self.room_for_roles {
                let limits = Limits { roles: Some(40), roles_quota: Some(40 + room), ..Limits::default() };
                estate.limits.insert(log.clone(), limits);
            }
        }
        Snapshot::whole(self.organization.clone(), estate)
    }

    pub fn cloud(&self) -> SimulatedCloud {
        SimulatedCloud::in_memory(self.empty_world())
    }

    /// Looks, designs and plans; nothing where the configuration does not fit the organization any more.
    pub async fn survey(&self, cloud: &dyn CloudReader, prune: bool) -> Option<Survey> {
        self.survey_with(cloud, PlanOptions { prune, ..PlanOptions::default() }).await
    }

    /// The same with other decisions.
    pub async fn survey_with(&self, cloud: &dyn CloudReader, decided: PlanOptions) -> Option<Survey> {
        let surveyor = Surveyor { config: &self.config, templates: &TEMPLATES, look: cloud, progress: &NoProgress };
        let plan = PlanOptions { accept_fewer_accounts: true, ..decided };
        match surveyor.survey(&SurveyOptions { plan, ..SurveyOptions::default() }).await {
            Ok(survey) => Some(survey),
            Err(SurveyError::Design(faults)) if faults.iter().all(does_not_fit) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// No account is selected, or one that the configuration names is suspended or gone.
fn does_not_fit(fault: &BadDesign) -> bool {
    matches!(fault, BadDesign::NothingSelected { .. } | BadDesign::Account { .. })
}

pub static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(&[]).unwrap());

pub fn plain_bucket() -> Bucket {
    Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: false,
        encryption: None,
        lifecycle: Vec::new(),
        object_lock: None,
        access_logs: None,
        requester_pays: false,
        tags: Tags::new(),
        untouched: false,
        mfa_delete: None,
    }
}
