//! Turns what a round found out into what is shown of the daemon.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountHealth, AccountStatus, PendingChange, Status};
use crate::apply::ChangeResult;
use crate::daemon::clock::Clock;
use crate::daemon::history::History;
use crate::ids::AccountId;
use crate::plan::Harm;
use crate::reconcile::act::HeldChange;
use crate::reconcile::history::{RoundRecord, RoundResult};
use crate::reconcile::observe::ObservationCache;
use crate::reconcile::round::{RoundDetails, RoundOutcome, RoundState};

/// Changes that wait and are shown one by one; of more, only the number is.
const WAITING_MAX: usize = 200;

/// Updates the status after a round.
pub fn update(
    status: &mut Status,
    outcome: &RoundOutcome,
    state: &RoundState,
    history: &History<RoundRecord>,
    cache: &ObservationCache,
    clock: &dyn Clock,
) {
    let record = &outcome.record;
    status.working_since = None;
    status.rounds = history.iter().cloned().collect();
    status.remembered = cache.len();
    status.failing_lately = state.breakers.len();
    status.findings = state.findings.iter().cloned().collect();
    let totals = &mut status.totals;
    *totals.rounds.entry(record.result).or_default() += 1;
    totals.made += record.made as u64;
    totals.failed += record.failed as u64;
    totals.calls += record.calls;
    for (service, load) in &outcome.load {
        *totals.throttled.entry(service).or_default() += load.throttled;
    }
    status.in_flight_max = outcome.load.iter().map(|(service, load)| (*service, load.in_flight_max)).collect();
    let Some(details) = &outcome.details else { return };
    if details.whole && record.result != RoundResult::Stopped {
        status.full_pass_calls = Some(record.calls);
    }
    status.waiting = details.held.iter().take(WAITING_MAX).map(waiting).collect();
    let paused = state.breakers.open(clock.now());
    status.accounts = accounts(details, state, &paused, cache);
}

fn waiting(held: &HeldChange) -> PendingChange {
    PendingChange {
        address: held.change.address.to_string(),
        action: held.change.action().as_str(),
        fields: held.change.fields().iter().map(|field| field.path.clone()).collect(),
        why: held.reason.sentence(),
    }
}

fn accounts(
    details: &RoundDetails,
    state: &RoundState,
    paused: &BTreeSet<AccountId>,
    cache: &ObservationCache,
) -> BTreeMap<AccountId, AccountStatus> {
    let failing: BTreeSet<&AccountId> = failing(details).collect();
    // An account of which something is found, open or not proved is not in sync, whatever its resources look like.
    let found =
        state.findings.iter().filter(|finding| finding.harm != Some(Harm::Harmless)).map(|found| &found.account);
    let held = details.held.iter().map(|held| &held.change.address.account);
    let waiting: BTreeSet<&AccountId> = held.chain(found).collect();
    let ours: BTreeSet<&AccountId> = details.survey.desired.wanted.keys().map(|address| &address.account).collect();
    let health = |id: &AccountId| match id {
        id if paused.contains(id) => AccountHealth::Paused,
        id if failing.contains(id) => AccountHealth::Failing,
        id if waiting.contains(id) => AccountHealth::Waiting,
        id if ours.contains(id) => AccountHealth::InSync,
        _ => AccountHealth::NotSelected,
    };
    let all = details.survey.organization.accounts.iter();
    all.map(|(id, account)| {
        let looked_at = cache.looked_at().get(id).copied();
        (id.clone(), AccountStatus { name: account.name.clone(), state: health(id), looked_at })
    })
    .collect()
}

fn failing(details: &RoundDetails) -> impl Iterator<Item = &AccountId> {
    let outcomes = details.report.iter().flat_map(|report| &report.outcomes);
    let failed = outcomes.filter_map(|outcome| match &outcome.result {
        ChangeResult::Failed(problem) | ChangeResult::TakenBack(problem) => Some(&problem.account),
        ChangeResult::Done | ChangeResult::Skipped(_) => None,
    });
    details.survey.plan.problems.iter().map(|problem| &problem.account).chain(failed)
}
