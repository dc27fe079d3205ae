//! One round: survey, decide, apply the part that is allowed, take down what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::breaker::CircuitBreakers;
use super::budget::{self, Decision, HeldChange, RoundLimits};
use super::clock::Clock;
use super::conflicts::{Conflict, ConflictTracker};
use super::findings::{self, Finding, Findings};
use super::history::{RoundRecord, RoundResult, Trigger};
use super::observe::{Focus, ObservationCache, PartialObserver, RefreshPolicy, lock};
use crate::apply::{self, ApplyReport, ChangeResult, DeliveryState, Gate, RunOptions};
use crate::cloud::{Cloud, Load, NoProgress};
use crate::config::Config;
use crate::estate::{Address, Kind};
use crate::ids::AccountId;
use crate::plan::{self, Harm, Plan};
use crate::policy::template::Templates;
use crate::survey::{Survey, SurveyError, SurveyOptions, Surveyor};

/// How long a step that runs may go on after the daemon was told to stop. What is cut off then is done again by the next
/// round: steps are idempotent.
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
    pub memory: &'a Mutex<ObservationCache>,
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
    /// What somebody else sets back.
    pub fights: ConflictTracker,
    /// What keeps failing.
    pub breakers: CircuitBreakers,
    /// Who changed what last, as far as messages told: by account and kind.
    pub actors: BTreeMap<(AccountId, Kind), String>,
}

/// One round's task.
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
    pub seen: Option<RoundDetails>,
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
    setting: &RoundContext<'_>,
    book: &mut RoundState,
    task: RoundRequest,
    stop: &CancellationToken,
) -> RoundOutcome {
    let started = setting.clock.now();
    let (calls_before, load_before) = (setting.cloud.calls(), setting.cloud.load());
    // What is logged within the round, by whatever module, says whose it is.
    let span = tracing::info_span!("round", run = setting.run, number = task.number);
    span.in_scope(|| tracing::info!(trigger = task.trigger.as_str(), "begins"));
    let outcome = Box::pin(work(setting, book, &task, started, stop)).instrument(span.clone()).await;
    let mut record = RoundRecord {
        run: setting.run.to_owned(),
        number: task.number,
        trigger: task.trigger,
        started,
        ended: setting.clock.now(),
        result: RoundResult::Stopped,
        drifted: 0,
        made: 0,
        failed: 0,
        held: 0,
        problems: 0,
        calls: setting.cloud.calls().saturating_sub(calls_before),
        error: String::new(),
        found: 0,
        unproven: 0,
        harm: None,
    };
    let load = since(&load_before, setting.cloud.load());
    match outcome {
        Work::Stopped => RoundOutcome { record, seen: None, error: None, load },
        Work::Failed(error) => {
            record.result = RoundResult::Failed;
            record.error = with_causes(&error);
            span.in_scope(|| tracing::error!(error = record.error, "failed"));
            RoundOutcome { record, seen: None, error: Some(error), load }
        }
        Work::Done(seen) => {
            fill(&mut record, &seen, book, stop.is_cancelled());
            let (drifted, made, held, failed) = (record.drifted, record.made, record.held, record.failed);
            let result = record.result.as_str();
            span.in_scope(|| tracing::info!(result, drifted, made, held, failed, "is over"));
            RoundOutcome { record, seen: Some(*seen), error: None, load }
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
    setting: &RoundContext<'_>,
    book: &mut RoundState,
    task: &RoundRequest,
    now: Timestamp,
    stop: &CancellationToken,
) -> Work {
    let paused = book.breakers.paused(now);
    let pass = PartialObserver::new(setting.cloud, setting.memory, rules(setting, book, task, now, paused.clone()));
    let survey = tokio::select! {
        biased;
        survey = look(setting, &pass) => survey,
        () = stop.cancelled() => return Work::Stopped,
    };
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => return Work::Failed(error),
    };
    let fresh = pass.fresh();
    note_fights(book, &survey.plan, &fresh);
    let allowance = allowance(setting, book, now, paused.clone(), fresh.clone());
    let fought: Vec<Finding> = fought(book, &survey.plan, now).collect();
    let Decision { run, held } = budget::decide(&survey.plan, &allowance);
    let report = if run.changes.is_empty() && run.urgent.is_empty() {
        None
    } else {
        let options = RunOptions { concurrency: setting.concurrency, gate: setting.gate, began: now };
        tokio::select! {
            biased;
            report = Box::pin(apply::run(&run, setting.cloud, &NoProgress, options, stop)) => Some(report),
            () = out_of_time(setting.clock, stop) => return Work::Stopped,
        }
    };
    let whole = lock(setting.memory).looked_at().keys().all(|account| fresh.contains(account));
    // Who has left is forgotten, and so is whoever a message named and nobody knows.
    let is_there = |account: &AccountId| survey.organization.accounts.contains_key(account);
    book.actors.retain(|(account, _), _| is_there(account));
    book.breakers.keep(is_there);
    record_round(setting, book, &run, report.as_ref(), &survey, &fresh, now);
    let mut list = found(&survey, &held, report.as_ref(), now);
    list.extend(fought);
    // What nobody looked at or tried is as open as it was: an account that is left alone for a while is no better for it.
    list.extend(book.findings.iter().filter(|finding| paused.contains(&finding.account)).cloned());
    book.findings.replace(list);
    Work::Done(Box::new(RoundDetails { survey, held, report, whole }))
}

fn rules(
    setting: &RoundContext<'_>,
    book: &RoundState,
    task: &RoundRequest,
    now: Timestamp,
    paused: BTreeSet<AccountId>,
) -> RefreshPolicy {
    let reconcile = &setting.config.reconcile;
    RefreshPolicy {
        now,
        every: Duration::from_secs(reconcile.every.seconds()),
        full_pass_every: Duration::from_secs(reconcile.full_pass_every.seconds()),
        focus: task.focus.clone(),
        suspects: book.findings.iter().map(|finding| finding.account.clone()).collect(),
        paused,
    }
}

/// Surveys; where something is to be changed in accounts that are only remembered, these are looked at first.
async fn look(setting: &RoundContext<'_>, pass: &PartialObserver<'_>) -> Result<Survey, SurveyError> {
    let surveyor = Surveyor { config: setting.config, templates: setting.templates, look: pass, progress: &NoProgress };
    // Its future is large: in a box it leaves the stack of a round alone.
    let survey = Box::pin(surveyor.survey(&SurveyOptions::default())).await?;
    let fresh = pass.fresh();
    let operators = survey.plan.changes.iter().map(|change| change.operator.clone());
    let remembered: BTreeSet<AccountId> = operators.filter(|operator| !fresh.contains(operator)).collect();
    if remembered.is_empty() {
        return Ok(survey);
    }
    pass.demand(remembered);
    Box::pin(surveyor.survey(&SurveyOptions::default())).await
}

async fn out_of_time(clock: &dyn Clock, stop: &CancellationToken) {
    stop.cancelled().await;
    clock.sleep(GRACE).await;
}

fn allowance(
    setting: &RoundContext<'_>,
    book: &RoundState,
    now: Timestamp,
    paused: BTreeSet<AccountId>,
    fresh: BTreeSet<AccountId>,
) -> RoundLimits {
    let reconcile = &setting.config.reconcile;
    let every = Duration::from_secs(reconcile.every.seconds());
    let waiting = book.fights.waiting(every, now);
    RoundLimits {
        observe: setting.observe,
        risks: budget::risks(&reconcile.allow),
        max_change: reconcile.max_change,
        window_open: reconcile.window.is_none_or(|window| window.is_open(now)),
        paused,
        fights: waiting.map(|contest| (contest.address.clone(), fight(book, contest))).collect(),
        breathers: book.fights.waiting_urgent(every, now).map(|contest| contest.address.clone()).collect(),
        fresh,
    }
}

fn fight(book: &RoundState, contest: &Conflict) -> String {
    let Conflict { address, field, set, .. } = contest;
    let what = if field.is_empty() { address.kind.words() } else { field };
    let who = match book.actors.get(&(address.account.clone(), address.kind)) {
        Some(actor) => format!("it was last changed by {actor}"),
        None => "CloudTrail's event history of that account tells who".to_owned(),
    };
    format!("somebody sets {what} back each time it is put right, {set} times so far; {who}")
}

/// Returns a finding for each fight that goes on: also where the value is put right in this very round.
fn fought<'a>(book: &'a RoundState, plan: &'a Plan, now: Timestamp) -> impl Iterator<Item = Finding> + 'a {
    book.fights.fought().filter_map(move |contest| {
        let change = plan.changes.iter().find(|change| change.address == contest.address)?;
        let held = HeldChange { change: change.clone(), why: budget::HoldReason::Fight(fight(book, contest)) };
        Some(findings::of_held(&held, now))
    })
}

fn note_fights(book: &mut RoundState, plan: &Plan, fresh: &BTreeSet<AccountId>) {
    let operators: BTreeMap<&Address, &AccountId> = plan.changes.iter().map(|c| (&c.address, &c.operator)).collect();
    book.fights
        .saw(&plan.changes, |address| fresh.contains(operators.get(address).copied().unwrap_or(&address.account)));
}

/// Notes what was done, and which accounts failed.
fn record_round(
    setting: &RoundContext<'_>,
    book: &mut RoundState,
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
            ChangeResult::Done => book.fights.made(change, now),
            ChangeResult::Failed(_) => drop(failing.insert(&change.operator)),
            ChangeResult::Skipped(_) => continue,
            ChangeResult::TakenBack(_) => {}
        }
        touched.insert(&change.operator);
    }
    lock(setting.memory).expire(touched);
    // Without these two nothing works at all: they are tried in every round.
    let never_paused = [&survey.desired.log_account, &survey.organization.management_account];
    // That nothing was tried in a paused account says nothing about it.
    let paused = book.breakers.paused(now);
    for account in fresh.iter().filter(|account| !never_paused.contains(account) && !paused.contains(*account)) {
        book.breakers.tried(account, !failing.contains(account), now, setting.clock.jitter());
    }
}

/// Lists all that a person should know after this round.
fn found(survey: &Survey, held: &[HeldChange], report: Option<&ApplyReport>, now: Timestamp) -> Vec<Finding> {
    let mut list: Vec<Finding> =
        held.iter().filter(|held| !held.why.passes()).map(|held| findings::of_held(held, now)).collect();
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

fn fill(record: &mut RoundRecord, seen: &RoundDetails, book: &RoundState, stopped: bool) {
    let RoundDetails { survey, held, report, whole: _ } = seen;
    let tally = report.as_ref().map(ApplyReport::tally).unwrap_or_default();
    record.drifted = survey.plan.changes.len();
    record.made = tally.done;
    record.failed = tally.failed + tally.skipped;
    record.held = held.len();
    record.problems = survey.plan.problems.len();
    let findings = report.as_ref().map_or(&survey.plan.findings, |report| &report.findings);
    let harmful = findings.iter().filter(|finding| finding.harm != Harm::Harmless).count();
    record.found = harmful + survey.plan.violations.len() + survey.plan.blockers.len();
    record.unproven = survey.plan.unproven.len();
    record.harm = survey.plan.worst_harm();
    let is_open = book.findings.iter().any(|finding| finding.harm != Some(Harm::Harmless));
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
