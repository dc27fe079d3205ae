//! Accounts that leave and come back, on the recorded cloud: what they read with is kept for the configured days after
//! the day that a run noted, and then removed by `--prune`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use orgtrail::apply::gate::Open;
use orgtrail::apply::{self, ApplyReport, RunOptions};
use orgtrail::cloud::NoProgress;
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::config::{self, Config};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Estate, Kind, LEFT_TAG, Resource, Sighting};
use orgtrail::ids::{AccountId, Partition};
use orgtrail::organization::{Account, AccountState, Organization};
use orgtrail::plan::{Action, Plan, PlanOptions, Risk};
use orgtrail::policy::template::Templates;
use orgtrail::survey::{SurveyOptions, Surveyor};
use tokio_util::sync::CancellationToken;

const CONFIG: &str = "version: 1\ndeployment: acme\naccounts: {log: \"222222222222\", exclude: [\"ou:/Gone/**\"]}\n\
                      home_region: eu-central-1\nbucket: {name: acme-org-cloudtrail}\ntrails: [{name: acme-org-trail}]\n";
const LOG: &str = "222222222222";
const TEAM: &str = "333333333333";

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn organization() -> Organization {
    let account = |name: &str| Account {
        name: name.into(),
        email: format!("{name}@example.com"),
        state: AccountState::Active,
        path: vec!["r-1".into()],
        tags: None,
    };
    let accounts = [("111111111111", "management"), (LOG, "log"), (TEAM, "team"), ("444444444444", "other")];
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: id("111111111111"),
        units: BTreeMap::from([("ou-gone".to_owned(), unit("Gone"))]),
        accounts: accounts.iter().map(|(number, name)| (id(number), account(name))).collect(),
    }
}

fn unit(name: &str) -> orgtrail::organization::Unit {
    orgtrail::organization::Unit { name: name.into(), parent: Some("r-1".into()) }
}

/// A deployment over some days.
struct Days {
    cloud: SimulatedCloud,
    config: Config,
}

impl Days {
    async fn begin(more: &str) -> Self {
        let config = config::parse(&format!("{CONFIG}{more}"), "orgtrail.yaml").unwrap();
        let days =
            Self { cloud: SimulatedCloud::in_memory(Snapshot::whole(organization(), Estate::default())), config };
        days.apply(date(2026, 1, 1), false).await;
        days
    }

    async fn plan(&self, today: Option<Date>) -> Plan {
        let templates = Templates::new(&[]).unwrap();
        let surveyor =
            Surveyor { config: &self.config, templates: &templates, look: &self.cloud, progress: &NoProgress };
        let plan = PlanOptions { prune: today.is_some(), today, accept_fewer_accounts: true, ..PlanOptions::default() };
        surveyor.survey(&SurveyOptions { plan, ..SurveyOptions::default() }).await.unwrap().plan
    }

    async fn apply(&self, today: Date, prune: bool) -> ApplyReport {
        let plan = self.plan(prune.then_some(today)).await;
        let began: Timestamp = format!("{today}T12:00:00Z").parse().unwrap();
        let options = RunOptions { concurrency: 2, gate: &Open, began };
        let report = apply::run(&plan, &self.cloud, &NoProgress, options, &CancellationToken::new()).await;
        assert!(report.is_complete(), "{report:?}");
        report
    }

    async fn change(&self, hand: impl FnOnce(&mut Organization)) {
        self.cloud.edit(|organization, _| hand(organization)).await.unwrap();
    }

    async fn become_of(&self, state: AccountState) {
        self.change(|organization| organization.accounts.get_mut(TEAM).unwrap().state = state).await;
    }

    async fn leave(&self) {
        let gone = |organization: &mut Organization| {
            organization.accounts.get_mut(TEAM).unwrap().path.push("ou-gone".into());
        };
        self.change(gone).await;
    }

    async fn come_back(&self) {
        let back = |organization: &mut Organization| {
            organization.accounts.get_mut(TEAM).unwrap().path.truncate(1);
        };
        self.change(back).await;
    }

    fn role() -> Address {
        Address::global(&id(LOG), Kind::Role, format!("CloudTrailReadLogs-{TEAM}"))
    }

    fn policy() -> Address {
        Address::global(&id(TEAM), Kind::Policy, "CloudTrailReadLogs")
    }

    fn left_at(&self) -> Option<String> {
        match self.cloud.snapshot().estate.resource(&Self::role()) {
            Some(Resource::Role(role)) => role.tags.get(LEFT_TAG).cloned(),
            _ => None,
        }
    }

    fn exists(&self, address: &Address) -> bool {
        self.cloud.snapshot().estate.resource(address).is_some()
    }
}

fn retired(report: &ApplyReport) -> Vec<&Address> {
    report.retired().map(|outcome| &outcome.address).collect()
}

#[tokio::test]
async fn an_account_that_moved_away_keeps_its_readers_for_the_configured_days() {
    let days = Days::begin("readers: {keep_days: 30}\n").await;
    assert_eq!(days.left_at(), None);
    days.leave().await;
    let first = days.plan(None).await;
    let [note] = &first.changes[..] else { panic!("{:#?}", first.changes) };
    assert_eq!((note.action(), &note.address), (Action::Update, &Days::role()));
    assert_eq!(note.risk, [Risk::Safe].into());
    assert_eq!(first.leftovers.len(), 2);
    days.apply(date(2026, 3, 1), false).await;
    assert_eq!(days.left_at().as_deref(), Some("2026-03-01"));

    // Days pass, runs come, and nothing more is written.
    let quiet = days.plan(None).await;
    assert!(quiet.in_sync());
    assert_eq!(quiet.leftovers.iter().map(|l| l.until).collect::<Vec<_>>(), [Some(date(2026, 3, 31)); 2]);
    assert!(quiet.leftovers[0].how.starts_with("kept until 2026-03-31"), "{:?}", quiet.leftovers);
    assert_eq!(retired(&days.apply(date(2026, 3, 30), true).await), Vec::<&Address>::new());
    assert!(days.plan(Some(date(2026, 3, 30))).await.in_sync());
    assert_eq!(days.left_at().as_deref(), Some("2026-03-01"));

    assert_eq!(retired(&days.apply(date(2026, 3, 31), true).await), [&Days::role(), &Days::policy()]);
    assert!(!days.exists(&Days::role()) && !days.exists(&Days::policy()));
    assert_eq!(days.plan(None).await.leftovers, []);
}

#[tokio::test]
async fn an_account_that_comes_back_begins_anew() {
    let days = Days::begin("readers: {keep_days: 30}\n").await;
    days.leave().await;
    days.apply(date(2026, 3, 1), false).await;
    days.come_back().await;
    days.apply(date(2026, 3, 10), true).await;
    assert_eq!(days.left_at().as_deref(), Some(""));
    assert!(days.plan(Some(date(2027, 1, 1))).await.in_sync());
    days.leave().await;
    days.apply(date(2026, 6, 1), true).await;
    assert_eq!(days.left_at().as_deref(), Some("2026-06-01"));
}

#[tokio::test]
async fn a_suspended_account_is_noted_and_a_new_one_is_not() {
    let days = Days::begin("").await;
    days.become_of(AccountState::PendingActivation).await;
    let plan = days.plan(Some(date(2030, 1, 1))).await;
    assert!(plan.in_sync() && plan.leftovers.is_empty(), "{plan:#?}");

    days.become_of(AccountState::Suspended).await;
    days.apply(date(2026, 3, 1), true).await;
    assert_eq!(days.plan(None).await.leftovers[0].until, Some(date(2026, 5, 30)));
    assert_eq!(retired(&days.apply(date(2026, 5, 30), true).await), [&Days::role()]);

    // Nobody could enter it to remove its policy. It is active again, and gets its role back.
    days.become_of(AccountState::Active).await;
    days.apply(date(2026, 6, 1), true).await;
    assert!(days.exists(&Days::role()) && days.plan(None).await.in_sync());
    assert_eq!(days.left_at(), None);
}

#[tokio::test]
async fn an_account_that_left_the_organization_is_noted_too() {
    let days = Days::begin("").await;
    days.change(|organization| drop(organization.accounts.remove(TEAM))).await;
    days.apply(date(2026, 3, 1), true).await;
    assert_eq!(retired(&days.apply(date(2026, 5, 29), true).await), Vec::<&Address>::new());
    assert_eq!(retired(&days.apply(date(2026, 5, 30), true).await), [&Days::role()]);
}

#[tokio::test]
async fn a_day_that_is_none_is_noted_again_and_no_days_keep_nothing() {
    let days = Days::begin("").await;
    days.leave().await;
    days.apply(date(2026, 3, 1), false).await;
    let garbled = |_: &mut Organization, estate: &mut Estate| {
        if let Some(Sighting::Present(resource)) = estate.sightings.get_mut(&Days::role())
            && let Resource::Role(role) = resource.as_mut()
        {
            role.tags.insert(LEFT_TAG.into(), "long ago".into());
        }
    };
    days.cloud.edit(garbled).await.unwrap();
    assert_eq!(retired(&days.apply(date(2026, 9, 1), true).await), Vec::<&Address>::new());
    assert_eq!(days.left_at().as_deref(), Some("2026-09-01"));

    let days = Days::begin("readers: {keep_days: 0}\n").await;
    days.leave().await;
    assert!(days.plan(None).await.in_sync());
    assert_eq!(retired(&days.apply(date(2026, 3, 1), true).await).len(), 2);
}

#[tokio::test]
async fn a_role_of_another_name_is_not_kept_for_an_account_that_stays() {
    let mut days = Days::begin("").await;
    days.config.readers.role = "Logs-{{account.id}}".into();
    let report = days.apply(date(2026, 3, 1), true).await;
    assert_eq!(retired(&report).len(), 4, "{report:?}");
    assert!(days.plan(None).await.in_sync());
}

#[tokio::test]
async fn a_trail_in_a_suspended_account_is_let_in_until_it_can_be_read() {
    let mut days = Days::begin("readers: {keep_days: 0}\n").await;
    days.config.trails[0].scope = orgtrail::config::schema::TrailScope::Accounts;
    days.apply(date(2026, 1, 1), false).await;
    days.become_of(AccountState::Suspended).await;
    let plan = days.plan(None).await;
    assert!(plan.in_sync(), "nothing is taken away on a guess: {:#?}", plan.changes);
    let trail = format!("{TEAM}/eu-central-1/trail/acme-org-trail");
    let kept = plan.leftovers.iter().find(|leftover| leftover.address.to_string() == trail).unwrap();
    assert!(kept.how.contains("is SUSPENDED"), "{kept:?}");

    days.change(|organization| drop(organization.accounts.remove(TEAM))).await;
    let plan = days.plan(None).await;
    let changed: Vec<Kind> = plan.changes.iter().map(|change| change.address.kind).collect();
    assert_eq!(changed, [Kind::BucketPolicy, Kind::KeyPolicy], "what left the organization is let in no more");
}
