//! Looks at delivery after a run, and puts a policy back that broke it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::fence::fenced;
use crate::cloud::{Cloud, CloudFault};
use crate::estate::{Address, Kind, Problem, Stage, trail};
use crate::ids::AccountId;
use crate::plan::adoption::TAKEN_AWAY;
use crate::plan::delivery::{CODES, FAILS, Judged, STALE, of as delivery_says};
use crate::plan::{Change, EXPOSED, Finding, Plan, loss};

use super::Gate;
use super::outcome::{ChangeResult, DeliveryState, TrailDelivery};

/// What `GetTrailStatus` said before the run, for each trail that was there and that the plan can touch.
pub(super) type Before = BTreeMap<Address, trail::DeliveryStatus>;

/// Kinds whose change can stop a delivery.
fn can_touch(change: &Change) -> bool {
    matches!(
        change.address.kind,
        Kind::TrustedAccess
            | Kind::Bucket
            | Kind::BucketPolicy
            | Kind::Key
            | Kind::KeyPolicy
            | Kind::Topic
            | Kind::Trail
            | Kind::Role
    )
}

/// The trails whose delivery changes can stop. A change of a trail touches only itself, any other one all of them.
#[derive(Default)]
struct Touched<'a> {
    all: bool,
    own: BTreeSet<&'a Address>,
}

impl<'a> Touched<'a> {
    fn by(changes: impl Iterator<Item = &'a Change>) -> Self {
        let mut touched = Self::default();
        for change in changes.filter(|change| can_touch(change)) {
            match change.address.kind {
                Kind::Trail => drop(touched.own.insert(&change.address)),
                _ => touched.all = true,
            }
        }
        touched
    }

    fn is_none(&self) -> bool {
        !self.all && self.own.is_empty()
    }

    fn has(&self, trail: &Address) -> bool {
        self.all || self.own.contains(trail)
    }
}

/// Asks for the state of every trail that the plan can touch and that exists.
pub(super) async fn look(plan: &Plan, cloud: &dyn Cloud) -> Before {
    let mut before = Before::new();
    let touched = Touched::by(plan.changes.iter().chain(&plan.urgent));
    for site in plan.trails.iter().filter(|site| touched.has(&site.address)) {
        // A trail that cannot be asked now has nothing to be compared with; what it says afterwards is reported.
        if let Ok(delivery) = cloud.delivery(&site.address, &site.operator).await {
            before.insert(site.address.clone(), delivery);
        }
    }
    before
}

/// What the plan found refused by a document as it was (`plan::preflight`): the change of that document ends it.
const REFUSALS: [&str; 4] = ["delivery-refused", "change-refused", "notification-refused", "log-group-refused"];

/// How the changes of a plan ended, and its urgent parts; nothing for what was not begun.
pub(super) struct Results<'a> {
    /// One for each change.
    pub changes: &'a mut [Option<ChangeResult>],
    /// One for each urgent part. In a round of the daemon there may be these alone.
    pub urgent: &'a mut [Option<ChangeResult>],
}

impl Results<'_> {
    /// Returns what was made.
    fn made<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = &'p Change> {
        let changes = plan.changes.iter().zip(self.changes.iter());
        let all = changes.chain(plan.urgent.iter().zip(self.urgent.iter()));
        all.filter(|(_, result)| **result == Some(ChangeResult::Done)).map(|(change, _)| change)
    }

    /// Tells whether a trail is there after the run: it was there before, or the run made it.
    fn exists(&self, plan: &Plan, trail: &Address) -> bool {
        let mut changes = plan.changes.iter().chain(&plan.urgent).filter(|change| change.address == *trail);
        changes.all(|change| change.observed().is_some()) || self.made(plan).any(|change| change.address == *trail)
    }
}

/// What came of looking again.
pub(super) struct DeliveryCheck {
    /// How the delivery of each trail goes; empty where nothing was done that can touch one.
    pub delivery: Vec<TrailDelivery>,
    /// What is wrong after the run.
    pub findings: Vec<Finding>,
}

/// Returns what is wrong after the run: of a trail that was asked again, what CloudTrail says now. Which notifications
/// and log groups are still wanted the plan knows, so of these only what it found is told again.
fn findings(
    plan: &Plan,
    results: &[Option<ChangeResult>],
    asked: &BTreeMap<Address, trail::DeliveryStatus>,
) -> Vec<Finding> {
    let is_made = |address: &Address| {
        let mut changes = plan.changes.iter().zip(results);
        changes.any(|(change, result)| change.address == *address && *result == Some(ChangeResult::Done))
    };
    let stays = |finding: &&Finding| {
        let code = finding.code.as_str();
        let is_asked = CODES.contains(&code) && asked.contains_key(&finding.address);
        // A statement of others that refuses stays unless the change takes it out.
        let stays = finding.statement.as_ref().is_some_and(|statement| plan.leaves(statement));
        let is_refusal = REFUSALS.contains(&code) && !stays;
        let is_repaired = (loss::CODES.contains(&code) || code == EXPOSED || is_refusal) && is_made(&finding.address);
        !is_asked && !is_repaired
    };
    // What the run took away from others is still told; whom to ask before it, no more.
    let told = |finding: &Finding| match finding.code == TAKEN_AWAY && is_made(&finding.address) {
        true => Finding { help: String::new(), ..finding.clone() },
        false => finding.clone(),
    };
    let mut list: Vec<Finding> = plan.findings.iter().filter(stays).map(told).collect();
    for (address, delivery) in asked {
        let known = |code: &str| plan.findings.iter().any(|f| f.address == *address && f.code == code);
        let now = delivery_says(address, true, delivery, &Judged::Unknown).into_iter();
        list.extend(now.filter(|finding| [FAILS, STALE].contains(&finding.code.as_str()) || known(&finding.code)));
    }
    list.sort();
    list
}

/// Asks again. Where deliveries fail that did not fail before, the policies that this run changed are put back.
pub(super) async fn check(
    plan: &Plan,
    before: &Before,
    results: &mut Results<'_>,
    cloud: &dyn Cloud,
    gate: &dyn Gate,
) -> DeliveryCheck {
    let touched = Touched::by(results.made(plan));
    if touched.is_none() {
        return DeliveryCheck { delivery: Vec::new(), findings: plan.findings.clone() };
    }
    let mut asked = BTreeMap::new();
    let mut list = Vec::new();
    for site in plan.trails.iter().filter(|site| touched.has(&site.address)) {
        if !results.exists(plan, &site.address) {
            continue;
        }
        let now = cloud.delivery(&site.address, &site.operator).await;
        let failed_before = before.get(&site.address).is_none_or(|delivery| delivery.latest_error.is_some());
        if let Ok(delivery) = &now
            && let Some(error) = &delivery.latest_error
            && !failed_before
        {
            put_back(plan, results, &failure(&site.address, error), cloud, gate).await;
        }
        if let Ok(delivery) = &now {
            asked.insert(site.address.clone(), delivery.clone());
        }
        list.push(TrailDelivery { trail: site.address.clone(), state: state(&site.address, &site.operator, now) });
    }
    // A policy that was put back may have changed what is so.
    let findings = findings(plan, results.changes, &asked);
    DeliveryCheck { delivery: list, findings }
}

async fn put_back(plan: &Plan, results: &mut Results<'_>, why: &Problem, cloud: &dyn Cloud, gate: &dyn Gate) {
    let whole: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
    // Where the whole change was made, what was there before is what it says.
    let parts = plan.urgent.iter().zip(&mut *results.urgent).filter(|(part, _)| !whole.contains(&part.address));
    for (change, result) in plan.changes.iter().zip(&mut *results.changes).chain(parts) {
        let is_policy = matches!(change.address.kind, Kind::BucketPolicy | Kind::KeyPolicy);
        if !is_policy || *result != Some(ChangeResult::Done) {
            continue;
        }
        let Some(back) = change.reverted() else { continue };
        if let Err(why) = gate.admit(change).await {
            tracing::warn!(address = %change.address, why, "not put back");
            continue;
        }
        *result = Some(match fenced(cloud.execute(&back), async || gate.admit(change).await).await {
            Ok(_) => ChangeResult::TakenBack(why.clone()),
            Err(fault) => {
                let mut problem = fault.problem(Stage::Delivery, Some(&change.address));
                problem.help = "delivery fails since this change, and the policy before it could not be put back; \
                                put it back by hand"
                    .into();
                ChangeResult::Failed(problem)
            }
        });
    }
}

fn state(trail: &Address, operator: &AccountId, now: Result<trail::DeliveryStatus, CloudFault>) -> DeliveryState {
    match now {
        Err(fault) => {
            DeliveryState::Fails(Problem { account: operator.clone(), ..fault.problem(Stage::Delivery, Some(trail)) })
        }
        Ok(trail::DeliveryStatus { latest_error: Some(error), .. }) => DeliveryState::Fails(failure(trail, &error)),
        Ok(trail::DeliveryStatus { latest_time: Some(time), .. }) => DeliveryState::Arrives(time),
        Ok(_) => DeliveryState::Waiting,
    }
}

fn failure(trail: &Address, error: &str) -> Problem {
    Problem {
        account: trail.account.clone(),
        address: Some(trail.clone()),
        stage: Stage::Delivery,
        code: error.to_owned(),
        message: format!("CloudTrail cannot deliver to the bucket: {error}"),
        help:
            "CloudTrail tries again for 30 days; look at the bucket policy and the key policy with `orgtrail explain`"
                .into(),
    }
}
