//! Runs a plan: in the order of its dependencies, side by side where there are none, one account's failure being one
//! outcome; then looks whether delivery still works.
//!
//! What waits for nothing is made first (`urgent`). What may run at all is [`consent`], and whether it still may is
//! [`gate`]. Before an earlier trail is deleted, `handover` asks those that take over. How the log goes afterwards is
//! `delivery`, and what was done is kept as [`record`]. Nothing here decides what to change.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::cloud::fence::fenced;
use crate::cloud::{Cloud, CloudFault, Done, Progress};
use crate::estate::{Address, DATE_OF_RUN, LEFT_TAG, Resource, Stage};
use crate::phase::Phase;
use crate::plan::{Action, Change, Plan};

pub mod consent;
mod delivery;
pub mod gate;
mod handover;
pub mod outcome;
pub mod record;
mod urgent;

pub use consent::{Adopt, Consent, MissingConsent};
pub use gate::Gate;
use handover::Handover;
pub use outcome::{ApplyReport, Because, ChangeOutcome, ChangeResult, DeliveryState, TrailDelivery};

/// How a run is done.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// How many changes are made side by side at most.
    pub concurrency: usize,
    /// Asked before each change begins, and before each call of it that writes.
    pub gate: &'a dyn Gate,
    /// When the run began.
    pub began: Timestamp,
}

/// Runs a plan whose risks have been allowed.
///
/// It ends early, with the rest skipped, when `stop` is cancelled; what has begun is finished.
pub async fn run(
    plan: &Plan,
    cloud: &dyn Cloud,
    progress: &dyn Progress,
    options: RunOptions<'_>,
    stop: &CancellationToken,
) -> ApplyReport {
    let before = delivery::look(plan, cloud).await;
    let mut urgent = urgent::make(plan, cloud, options, stop).await;
    let mut run = Run::new(plan, options.began, &urgent);
    let phase = Phase::begin("make the changes");
    run.work(cloud, progress, options, stop).await;
    let made = run.results.iter().filter(|result| **result == Some(ChangeResult::Done)).count();
    phase.end(format_args!("{made} of {} made", plan.changes.len()));
    let mut results = run.results;
    let mut ended = delivery::Results { changes: &mut results, urgent: &mut urgent };
    let delivery::DeliveryCheck { delivery, findings } =
        delivery::check(plan, &before, &mut ended, cloud, options.gate).await;
    let outcomes = plan.changes.iter().zip(results).map(|(change, result)| outcome(change, result));
    ApplyReport {
        organization: plan.organization.clone(),
        deployment: plan.deployment.clone(),
        began: options.began,
        plan: plan.fingerprint.clone(),
        outcomes: outcomes.collect(),
        urgent: plan.urgent.iter().zip(urgent).map(|(part, result)| outcome(part, result)).collect(),
        unchanged: plan.unchanged,
        problems: plan.problems.clone(),
        blockers: plan.blockers.clone(),
        delivery,
        findings,
    }
}

fn outcome(change: &Change, result: Option<ChangeResult>) -> ChangeOutcome {
    let interrupted = || ChangeResult::Skipped(Because::Reason("the run was interrupted".into()));
    ChangeOutcome {
        address: change.address.clone(),
        action: change.action(),
        result: result.unwrap_or_else(interrupted),
    }
}

/// The state of a run. Changes are known by their place in the plan.
struct Run<'p> {
    plan: &'p Plan,
    /// What is left of each change after its urgent parts.
    left: Vec<Change>,
    results: Vec<Option<ChangeResult>>,
    /// What AWS decided, by address: the ARNs of keys that this run has made.
    made: BTreeMap<Address, String>,
    /// How many changes each one still waits for.
    open: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    removals: BTreeSet<usize>,
    /// The day of the run, in UTC.
    today: Date,
}

impl<'p> Run<'p> {
    fn new(plan: &'p Plan, began: Timestamp, urgent: &[Option<ChangeResult>]) -> Self {
        let places: BTreeMap<&Address, usize> = plan.changes.iter().enumerate().map(|(n, c)| (&c.address, n)).collect();
        let mut dependents = vec![Vec::new(); plan.changes.len()];
        let mut open = vec![0; plan.changes.len()];
        for (place, change) in plan.changes.iter().enumerate() {
            for needed in change.depends_on.iter().filter_map(|address| places.get(address)) {
                dependents[*needed].push(place);
                open[place] += 1;
            }
        }
        let is_removal = |place: &usize| plan.changes[*place].action() == Action::Retire;
        let (removals, others): (BTreeSet<usize>, BTreeSet<usize>) = (0..plan.changes.len()).partition(is_removal);
        let ready = others.into_iter().filter(|place| open[*place] == 0).collect();
        let today = began.to_zoned(TimeZone::UTC).date();
        let left = urgent::left(plan, urgent);
        let whole: Vec<usize> = (0..left.len()).filter(|place| left[*place].is_none()).collect();
        let left = left.into_iter().zip(&plan.changes).map(|(left, change)| left.unwrap_or_else(|| change.clone()));
        let left = left.collect();
        let results = vec![None; plan.changes.len()];
        let mut run = Self { plan, left, results, made: BTreeMap::new(), open, dependents, ready, removals, today };
        for place in whole {
            run.ready.remove(&place);
            run.end(place, ChangeResult::Done, None);
        }
        run.leave_what_is_blocked();
        run
    }

    /// What something stands against is not begun, and neither is what depends on it.
    fn leave_what_is_blocked(&mut self) {
        for (place, change) in self.plan.changes.iter().enumerate() {
            if let Some(blocker) = self.plan.stands_against(change)
                && self.results[place].is_none()
            {
                self.ready.remove(&place);
                let because = format!("{}: {}", blocker.code, blocker.message);
                self.end(place, ChangeResult::Skipped(Because::Reason(because)), None);
            }
        }
    }

    async fn work(
        &mut self,
        cloud: &dyn Cloud,
        progress: &dyn Progress,
        options: RunOptions<'_>,
        stop: &CancellationToken,
    ) {
        let handover = Handover::new(self.plan);
        let mut running = FuturesUnordered::new();
        let total = self.plan.changes.len();
        loop {
            while !stop.is_cancelled() && running.len() < options.concurrency.max(1) {
                let Some(place) = self.next() else { break };
                match self.resolved(place) {
                    Ok(change) => running.push(execute(place, change, cloud, options.gate, &handover)),
                    Err(because) => self.end(place, ChangeResult::Skipped(because), None),
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stop.is_cancelled() => {}
                ended = running.next() => match ended {
                    Some((place, result)) => {
                        self.take(place, result);
                        progress.step("changes", self.results.iter().flatten().count(), total);
                    }
                    None => break,
                },
            }
        }
    }

    /// Takes the next change that may begin. Removals begin when everything else is over: an old way in stays open
    /// until the new one is sure.
    fn next(&mut self) -> Option<usize> {
        if let Some(place) = self.ready.pop_first() {
            return Some(place);
        }
        let mut others =
            self.results.iter().enumerate().filter(|(n, _)| self.plan.changes[*n].action() != Action::Retire);
        if others.clone().any(|(_, result)| result.is_none()) {
            return None;
        }
        if !others.all(|(_, result)| *result == Some(ChangeResult::Done)) {
            for place in std::mem::take(&mut self.removals) {
                let because = "not every other change was made; nothing is removed before".to_owned();
                self.end(place, ChangeResult::Skipped(Because::Reason(because)), None);
            }
        }
        let may_begin = |place: &&usize| self.open[**place] == 0 && self.results[**place].is_none();
        let place = self.removals.iter().find(may_begin).copied()?;
        self.removals.remove(&place);
        Some(place)
    }

    /// Returns the change with every reference replaced by what this run has made.
    fn resolved(&self, place: usize) -> Result<Change, Because> {
        let mut change = self.left[place].clone();
        if let Some(desired) = change.desired_mut()
            && let Some(unknown) = desired.resolve(&|address| self.made.get(address).cloned()).into_iter().next()
        {
            return Err(Because::Of(unknown));
        }
        if let Some(Resource::Role(role)) = change.desired_mut()
            && let Some(left) = role.tags.get_mut(LEFT_TAG).filter(|left| *left == DATE_OF_RUN)
        {
            *left = self.today.to_string();
        }
        Ok(change)
    }

    fn take(&mut self, place: usize, how: Ended) {
        let arn = match &how {
            Ended::Done(done) => match &done.resource {
                Some(Resource::Key(key)) => key.arn.clone(),
                _ => None,
            },
            Ended::Failed(_) | Ended::NotAdmitted(_) => None,
        };
        let address = &self.plan.changes[place].address;
        self.end(place, ended(address, how), arn);
    }

    /// Notes how a change ended, and what that means for those that wait for it.
    fn end(&mut self, place: usize, result: ChangeResult, arn: Option<String>) {
        let done = result == ChangeResult::Done;
        // What waits for something skipped is told what that waits for: the one thing that somebody can repair.
        let root = match &result {
            ChangeResult::Skipped(because) => because.clone(),
            _ => Because::Of(self.plan.changes[place].address.clone()),
        };
        self.results[place] = Some(result);
        if let Some(arn) = arn {
            self.made.insert(self.plan.changes[place].address.clone(), arn);
        }
        for dependent in std::mem::take(&mut self.dependents[place]) {
            if !done {
                if self.results[dependent].is_none() {
                    self.ready.remove(&dependent);
                    self.end(dependent, ChangeResult::Skipped(root.clone()), None);
                }
                continue;
            }
            self.open[dependent] = self.open[dependent].saturating_sub(1);
            let waits = self.removals.contains(&dependent);
            if self.open[dependent] == 0 && self.results[dependent].is_none() && !waits {
                self.ready.insert(dependent);
            }
        }
    }
}

/// How one call of the cloud ended.
enum Ended {
    Done(Box<Done>),
    Failed(CloudFault),
    NotAdmitted(String),
}

fn ended(address: &Address, how: Ended) -> ChangeResult {
    match how {
        Ended::Done(_) => ChangeResult::Done,
        Ended::Failed(fault) => ChangeResult::Failed(fault.problem(Stage::Apply, Some(address))),
        Ended::NotAdmitted(why) => ChangeResult::Skipped(Because::Reason(why)),
    }
}

async fn execute(
    place: usize,
    change: Change,
    cloud: &dyn Cloud,
    gate: &dyn Gate,
    handover: &Handover<'_>,
) -> (usize, Ended) {
    let (address, action) = (&change.address, change.action().as_str());
    let account = &address.account;
    if let Err(why) = admitted(&change, cloud, gate, handover).await {
        tracing::warn!(%account, %address, action, why, "not begun");
        return (place, Ended::NotAdmitted(why));
    }
    match fenced(cloud.execute(&change), async || gate.admit(&change).await).await {
        Ok(done) => {
            tracing::info!(%account, %address, action, "done");
            (place, Ended::Done(Box::new(done)))
        }
        Err(fault) => {
            tracing::warn!(%account, %address, action, %fault, "failed");
            (place, Ended::Failed(fault))
        }
    }
}

async fn admitted(change: &Change, cloud: &dyn Cloud, gate: &dyn Gate, handover: &Handover<'_>) -> Result<(), String> {
    if let Some(why) = handover.objection(change, cloud).await {
        return Err(why);
    }
    gate.admit(change).await
}
