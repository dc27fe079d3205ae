//! Turns what a round found out into what is shown of the daemon.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::HeldChange;
use super::clock::Clock;
use super::history::{History, RoundResult};
use super::observe::ObservationCache;
use super::round::{RoundDetails, RoundOutcome, RoundState};
use super::status_board::{AccountHealth, AccountStatus, PendingChange, Status};
use crate::apply::ChangeResult;
use crate::ids::AccountId;
use crate::plan::Harm;

/// Changes that wait and are shown one by one; of more, only the number is.
const WAITING_MAX: usize = 200;

/// Updates the status after a round.
pub fn update(
    status: &mut Status,
    ended: &RoundOutcome,
    book: &RoundState,
    history: &History,
    memory: &ObservationCache,
    clock: &dyn Clock,
) {
    let record = &ended.record;
    status.working_since = None;
    status.rounds = history.rounds().cloned().collect();
    status.remembered = memory.len();
    status.failing_lately = book.breakers.len();
    status.findings = book.findings.iter().cloned().collect();
    let totals = &mut status.totals;
    *totals.rounds.entry(record.result).or_default() += 1;
    totals.made += record.made as u64;
    totals.failed += record.failed as u64;
    totals.calls += record.calls;
    for (service, load) in &ended.load {
        *totals.throttled.entry(service).or_default() += load.throttled;
    }
    status.in_flight_max = ended.load.iter().map(|(service, load)| (*service, load.in_flight_max)).collect();
    let Some(seen) = &ended.seen else { return };
    if seen.whole && record.result != RoundResult::Stopped {
        status.full_pass_calls = Some(record.calls);
    }
    status.waiting = seen.held.iter().take(WAITING_MAX).map(waiting).collect();
    let paused = book.breakers.paused(clock.now());
    status.accounts = accounts(seen, book, &paused, memory);
}

fn waiting(held: &HeldChange) -> PendingChange {
    PendingChange {
        address: held.change.address.to_string(),
        action: held.change.action.as_str(),
        fields: held.change.fields.iter().map(|field| field.path.clone()).collect(),
        why: held.why.sentence(),
    }
}

fn accounts(
    seen: &RoundDetails,
    book: &RoundState,
    paused: &BTreeSet<AccountId>,
    memory: &ObservationCache,
) -> BTreeMap<AccountId, AccountStatus> {
    let failing: BTreeSet<&AccountId> = failing(seen).collect();
    // An account of which something is found, open or not proved is not in sync, whatever its resources look like.
    let found = book.findings.iter().filter(|finding| finding.harm != Some(Harm::Harmless)).map(|found| &found.account);
    let held = seen.held.iter().map(|held| &held.change.address.account);
    let waiting: BTreeSet<&AccountId> = held.chain(found).collect();
    let ours: BTreeSet<&AccountId> = seen.survey.desired.wanted.keys().map(|address| &address.account).collect();
    let health = |id: &AccountId| match id {
        id if paused.contains(id) => AccountHealth::Paused,
        id if failing.contains(id) => AccountHealth::Failing,
        id if waiting.contains(id) => AccountHealth::Waiting,
        id if ours.contains(id) => AccountHealth::InSync,
        _ => AccountHealth::NotSelected,
    };
    let all = seen.survey.organization.accounts.iter();
    all.map(|(id, account)| {
        let looked_at = memory.looked_at().get(id).copied();
        (id.clone(), AccountStatus { name: account.name.clone(), state: health(id), looked_at })
    })
    .collect()
}

fn failing(seen: &RoundDetails) -> impl Iterator<Item = &AccountId> {
    let outcomes = seen.report.iter().flat_map(|report| &report.outcomes);
    let failed = outcomes.filter_map(|outcome| match &outcome.result {
        ChangeResult::Failed(problem) | ChangeResult::TakenBack(problem) => Some(&problem.account),
        ChangeResult::Done | ChangeResult::Skipped(_) => None,
    });
    seen.survey.plan.problems.iter().map(|problem| &problem.account).chain(failed)
}
