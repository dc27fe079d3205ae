//! One round: survey, decide, apply the part that is allowed, take down what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::act::{Conflict, ConflictTracker, Decision, HeldChange, HoldReason, RoundLimits, limits};
use super::findings::{self, Finding, Findings};
use super::history::{RoundRecord, RoundResult, Trigger};
use super::observe::{Focus, ObservationCache, PartialObserver, RefreshPolicy};
use crate::apply::{self, ApplyReport, ChangeResult, DeliveryState, Gate, RunOptions};
use crate::cloud::{Cloud, Load, NoProgress};
use crate::config::Config;
use crate::daemon::circuit_breaker::CircuitBreakers;
use crate::daemon::clock::Clock;
use crate::daemon::lock;
use crate::daemon::shutdown::within_grace;
use crate::estate::{Address, Kind};
use crate::ids::AccountId;
use crate::plan::{self, Harm, Plan};
use crate::policy::template::Templates;
use crate::survey::{Survey, SurveyError, SurveyOptions, Surveyor};

/// How long a step that runs may go on after the daemon was told to stop. What is cut off then is done again by the
/// next round: steps are idempotent.
pub const GRACE: Duration = Duration::from_secs(25);

/// What a round works with; it stays while the configuration stays.
pub struct RoundContext<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// AWS or a recorded estate.
    pub cloud: &'a dyn Cloud,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// What is remembered of AWS.
    pub cache: &'a Mutex<ObservationCache>,
    /// Asked before each change.
    pub gate: &'a dyn Gate,
    /// The run id.
    pub run: &'a str,
    /// Changes that are made side by side.
    pub concurrency: usize,
    /// Nothing is changed.
    pub observe: bool,
}

/// What is known from round to round, beside AWS.
#[derive(Default)]
pub struct RoundState {
    /// What waits for a person.
    pub findings: Findings,
    /// What another principal sets back.
    pub conflicts: ConflictTracker,
    /// What keeps failing.
    pub breakers: CircuitBreakers<AccountId>,
    /// Who changed what last, as far as messages told: by account and kind.
    pub actors: BTreeMap<(AccountId, Kind), String>,
}

/// One round's request.
#[derive(Debug, Clone)]
pub struct RoundRequest {
    /// Its number.
    pub number: u64,
    /// Why it is made.
    pub trigger: Trigger,
    /// What it is about.
    pub focus: Focus,
}

/// What came of a round.
pub struct RoundOutcome {
    /// The line of the history.
    pub record: RoundRecord,
    /// What was found, where something could be planned at all.
    pub details: Option<RoundDetails>,
    /// Why nothing could be planned.
    pub error: Option<SurveyError>,
    /// How each service bore the calls of the round.
    pub load: BTreeMap<&'static str, Load>,
}

/// What a round found out.
pub struct RoundDetails {
    /// The survey.
    pub survey: Survey,
    /// The changes that wait.
    pub held: Vec<HeldChange>,
    /// What came of the others, where there were any.
    pub report: Option<ApplyReport>,
    /// Everything was looked at, nothing only remembered.
    pub whole: bool,
}

/// Makes one round. It ends early when `stop` is cancelled.
pub async fn round(
    context: &RoundContext<'_>,
    state: &mut RoundState,
    request: RoundRequest,
    stop: &CancellationToken,
) -> RoundOutcome {
    let started = context.clock.now();
    let (calls_before, load_before) = (context.cloud.calls(), context.cloud.load());
    // What is logged within the round, by whatever module, says whose it is.
    let span = tracing::info_span!("round", run = context.run, number = request.number);
    span.in_scope(|| tracing::info!(trigger = request.trigger.as_str(), "begins"));
    let outcome = Box::pin(work(context, state, &request, started, stop)).instrument(span.clone()).await;
    let mut record = RoundRecord {
        run: context.run.to_owned(),
        number: request.number,
        trigger: request.trigger,
        started,
        ended: context.clock.now(),
        result: RoundResult::Stopped,
        drifted: 0,
        made: 0,
        failed: 0,
        held: 0,
        problems: 0,
        calls: context.cloud.calls().saturating_sub(calls_before),
        error: String::new(),
        found: 0,
        unproven: 0,
        harm: None,
    };
    let load = since(&load_before, context.cloud.load());
    match outcome {
        Work::Stopped => RoundOutcome { record, details: None, error: None, load },
        Work::Failed(error) => {
            record.result = RoundResult::Failed;
            record.error = with_causes(&error);
            span.in_scope(|| tracing::error!(error = record.error, "failed"));
            RoundOutcome { record, details: None, error: Some(error), load }
        }
        Work::Done(details) => {
            summarise(&mut record, &details, state, stop.is_cancelled());
            let (drifted, made, held, failed) = (record.drifted, record.made, record.held, record.failed);
            let result = record.result.as_str();
            span.in_scope(|| tracing::info!(result, drifted, made, held, failed, "is over"));
            RoundOutcome { record, details: Some(*details), error: None, load }
        }
    }
}

/// Returns the load with what was throttled since another time.
fn since(before: &BTreeMap<&'static str, Load>, mut now: BTreeMap<&'static str, Load>) -> BTreeMap<&'static str, Load> {
    for (service, load) in &mut now {
        let known = before.get(service).copied().unwrap_or_default();
        load.throttled = load.throttled.saturating_sub(known.throttled);
    }
    now
}

enum Work {
    Done(Box<RoundDetails>),
    Failed(SurveyError),
    Stopped,
}

async fn work(
    context: &RoundContext<'_>,
    state: &mut RoundState,
    request: &RoundRequest,
    now: Timestamp,
    stop: &CancellationToken,
) -> Work {
    let paused = state.breakers.open(now);
    let observer = PartialObserver::new(
        context.cloud,
        context.cache,
        refresh_policy(context, state, request, now, paused.clone()),
    );
    let survey = tokio::select! {
        biased;
        survey = observe(context, &observer) => survey,
        () = stop.cancelled() => return Work::Stopped,
    };
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => return Work::Failed(error),
    };
    let fresh = observer.fresh();
    note_conflicts(state, &survey.plan, &fresh);
    let allowed = round_limits(context, state, now, paused.clone(), fresh.clone());
    let unresolved: Vec<Finding> = unresolved(state, &survey.plan, now).collect();
    let Decision { run, held } = limits::decide(&survey.plan, &allowed);
    let report = if run.changes.is_empty() && run.urgent.is_empty() {
        None
    } else {
        let options = RunOptions { concurrency: context.concurrency, gate: context.gate, began: now };
        let applied = Box::pin(apply::run(&run, context.cloud, &NoProgress, options, stop));
        match within_grace(applied, stop, context.clock, GRACE).await {
            Some(report) => Some(report),
            None => return Work::Stopped,
        }
    };
    let whole = lock(context.cache).looked_at().keys().all(|account| fresh.contains(account));
    // Who has left is forgotten, and so is whoever a message named and nobody knows.
    let is_there = |account: &AccountId| survey.organization.accounts.contains_key(account);
    state.actors.retain(|(account, _), _| is_there(account));
    state.breakers.retain(is_there);
    record_round(context, state, &run, report.as_ref(), &survey, &fresh, now);
    let mut list = found(&survey, &held, report.as_ref(), now);
    list.extend(unresolved);
    // What nobody looked at or tried is as open as it was: an account that is left alone for a while is no better for
    // it.
    list.extend(state.findings.iter().filter(|finding| paused.contains(&finding.account)).cloned());
    state.findings.replace(list);
    Work::Done(Box::new(RoundDetails { survey, held, report, whole }))
}

fn refresh_policy(
    context: &RoundContext<'_>,
    state: &RoundState,
    request: &RoundRequest,
    now: Timestamp,
    paused: BTreeSet<AccountId>,
) -> RefreshPolicy {
    let reconcile = &context.config.reconcile;
    RefreshPolicy {
        now,
        every: Duration::from_secs(reconcile.every.seconds()),
        full_pass_every: Duration::from_secs(reconcile.full_pass_every.seconds()),
        focus: request.focus.clone(),
        with_findings: state.findings.iter().map(|finding| finding.account.clone()).collect(),
        paused,
    }
}

/// Surveys; where something is to be changed in accounts that are only remembered, these are looked at first.
async fn observe(context: &RoundContext<'_>, observer: &PartialObserver<'_>) -> Result<Survey, SurveyError> {
    let surveyor =
        Surveyor { config: context.config, templates: context.templates, look: observer, progress: &NoProgress };
    // Its future is large: in a box it leaves the stack of a round alone.
    let survey = Box::pin(surveyor.survey(&SurveyOptions::default())).await?;
    let fresh = observer.fresh();
    let operators = survey.plan.changes.iter().map(|change| change.operator.clone());
    let remembered: BTreeSet<AccountId> = operators.filter(|operator| !fresh.contains(operator)).collect();
    if remembered.is_empty() {
        return Ok(survey);
    }
    observer.demand(remembered);
    Box::pin(surveyor.survey(&SurveyOptions::default())).await
}

fn round_limits(
    context: &RoundContext<'_>,
    state: &RoundState,
    now: Timestamp,
    paused: BTreeSet<AccountId>,
    fresh: BTreeSet<AccountId>,
) -> RoundLimits {
    let reconcile = &context.config.reconcile;
    let every = Duration::from_secs(reconcile.every.seconds());
    let waiting = state.conflicts.waiting(every, now);
    RoundLimits {
        observe: context.observe,
        risks: limits::risks(&reconcile.allow),
        max_change: reconcile.max_change,
        window_open: reconcile.window.is_none_or(|window| window.is_open(now)),
        paused,
        conflicts: waiting.map(|found| (found.address.clone(), conflict(state, found))).collect(),
        urgent_conflicts: state.conflicts.waiting_urgent(every, now).map(|found| found.address.clone()).collect(),
        fresh,
    }
}

fn conflict(state: &RoundState, found: &Conflict) -> String {
    let Conflict { address, field, set, .. } = found;
    let what = if field.is_empty() { address.kind.words() } else { field };
    let who = match state.actors.get(&(address.account.clone(), address.kind)) {
        Some(actor) => format!("last changed by {actor}"),
        None => "CloudTrail's event history of that account shows who changed it".to_owned(),
    };
    format!("{what} is reverted after every repair, {set} times so far; {who}")
}

/// Returns a finding for each conflict that goes on: also where the value is put right in this very round.
fn unresolved<'a>(state: &'a RoundState, plan: &'a Plan, now: Timestamp) -> impl Iterator<Item = Finding> + 'a {
    state.conflicts.unresolved().filter_map(move |found| {
        let change = plan.changes.iter().find(|change| change.address == found.address)?;
        let held = HeldChange { change: change.clone(), reason: HoldReason::Conflict(conflict(state, found)) };
        Some(findings::of_held(&held, now))
    })
}

fn note_conflicts(state: &mut RoundState, plan: &Plan, fresh: &BTreeSet<AccountId>) {
    let operators: BTreeMap<&Address, &AccountId> = plan.changes.iter().map(|c| (&c.address, &c.operator)).collect();
    state
        .conflicts
        .saw(&plan.changes, |address| fresh.contains(operators.get(address).copied().unwrap_or(&address.account)));
}

/// Notes what was done, and which accounts failed.
fn record_round(
    context: &RoundContext<'_>,
    state: &mut RoundState,
    run: &Plan,
    report: Option<&ApplyReport>,
    survey: &Survey,
    fresh: &BTreeSet<AccountId>,
    now: Timestamp,
) {
    let mut failing: BTreeSet<&AccountId> = survey.plan.problems.iter().map(|problem| &problem.account).collect();
    let outcomes = report.map(|report| report.outcomes.as_slice()).unwrap_or_default();
    let parts = report.map(|report| report.urgent.as_slice()).unwrap_or_default();
    let mut touched: BTreeSet<&AccountId> = BTreeSet::new();
    for (change, outcome) in run.urgent.iter().zip(parts).chain(run.changes.iter().zip(outcomes)) {
        match outcome.result {
            ChangeResult::Done => state.conflicts.made(change, now),
            ChangeResult::Failed(_) => drop(failing.insert(&change.operator)),
            ChangeResult::Skipped(_) => continue,
            ChangeResult::TakenBack(_) => {}
        }
        touched.insert(&change.operator);
    }
    lock(context.cache).expire(touched);
    // Without these two nothing works at all: they are tried in every round.
    let never_paused = [&survey.desired.log_account, &survey.organization.management_account];
    // That nothing was tried in a paused account says nothing about it.
    let paused = state.breakers.open(now);
    for account in fresh.iter().filter(|account| !never_paused.contains(account) && !paused.contains(*account)) {
        state.breakers.tried(account, !failing.contains(account), now, context.clock.jitter());
    }
}

/// Lists all that a person should know after this round.
fn found(survey: &Survey, held: &[HeldChange], report: Option<&ApplyReport>, now: Timestamp) -> Vec<Finding> {
    let mut list: Vec<Finding> =
        held.iter().filter(|held| !held.reason.passes()).map(|held| findings::of_held(held, now)).collect();
    let found = report.map_or(&survey.plan.findings, |report| &report.findings);
    list.extend(found.iter().map(|found| findings::of_finding(found, now)));
    list.extend(survey.plan.violations.iter().map(|violation| findings::of_violation(violation, now)));
    list.extend(survey.plan.unproven.iter().map(|unproven| findings::of_unproven(unproven, now)));
    list.extend(survey.plan.blockers.iter().map(|problem| findings::of_blocker(problem, now)));
    list.extend(survey.plan.problems.iter().map(|problem| findings::of_problem(problem, now)));
    if let Some(report) = report {
        for outcome in report.ended() {
            if let ChangeResult::Failed(problem) | ChangeResult::TakenBack(problem) = &outcome.result {
                let change = survey.plan.changes.iter().find(|change| change.address == outcome.address);
                list.push(match change {
                    Some(change) => findings::of_failed(change, problem, now),
                    None => findings::of_problem(problem, now),
                });
            }
        }
        for delivery in &report.delivery {
            if let DeliveryState::Fails(problem) = &delivery.state {
                // What CloudTrail says is a finding already; here is who could not be asked.
                let is_told = found.iter().any(|f| f.address == delivery.trail && f.code == plan::delivery::FAILS);
                list.extend((!is_told).then(|| findings::of_problem(problem, now)));
            }
        }
    }
    findings::told_apart(list)
}

fn summarise(record: &mut RoundRecord, details: &RoundDetails, state: &RoundState, stopped: bool) {
    let RoundDetails { survey, held, report, whole: _ } = details;
    let tally = report.as_ref().map(ApplyReport::tally).unwrap_or_default();
    record.drifted = survey.plan.changes.len();
    record.made = tally.done;
    record.failed = tally.failed + tally.skipped;
    record.held = held.len();
    record.problems = survey.plan.problems.len();
    let findings = report.as_ref().map_or(&survey.plan.findings, |report| &report.findings);
    let harmful = findings.iter().filter(|finding| finding.harm.does_harm()).count();
    record.found = harmful + survey.plan.violations.len() + survey.plan.blockers.len();
    record.unproven = survey.plan.unproven.len();
    record.harm = survey.plan.worst_harm();
    let is_open = state.findings.iter().any(|finding| finding.harm != Some(Harm::Harmless));
    record.result = if stopped && tally.skipped > 0 {
        RoundResult::Stopped
    } else if record.failed > 0 || record.problems > 0 || record.unproven > 0 {
        RoundResult::Partial
    } else if !held.is_empty() || is_open || record.found > 0 {
        RoundResult::Waiting
    } else if record.made > 0 {
        RoundResult::Repaired
    } else {
        RoundResult::InSync
    };
}

/// Returns an error with all its causes, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
