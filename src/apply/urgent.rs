//! Makes the urgent parts of a plan: first of all, each for itself, whatever becomes of the others.

use std::collections::BTreeMap;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::{ChangeResult, Handover, Plan, RunOptions, ended, execute};
use crate::cloud::Cloud;
use crate::estate::Address;
use crate::plan::{Change, urgent};

/// Makes every part, one phase after the other; returns how each ended, nothing where it was not begun.
pub(super) async fn make(
    plan: &Plan,
    cloud: &dyn Cloud,
    options: RunOptions<'_>,
    stop: &CancellationToken,
) -> Vec<Option<ChangeResult>> {
    let mut results = vec![None; plan.urgent.len()];
    let handover = Handover::new(plan);
    let mut waiting: Vec<usize> = (0..plan.urgent.len()).rev().collect();
    let mut running = FuturesUnordered::new();
    let mut phase = 0;
    loop {
        while let Some(place) = waiting.last().copied().filter(|_| !stop.is_cancelled()) {
            let next = urgent::phase(&plan.urgent[place]);
            if running.len() >= options.concurrency.max(1) || (next != phase && !running.is_empty()) {
                break;
            }
            phase = next;
            waiting.pop();
            running.push(execute(place, plan.urgent[place].clone(), cloud, options.gate, &handover));
        }
        tokio::select! {
            biased;
            () = stop.cancelled(), if !stop.is_cancelled() => {}
            next = running.next() => match next {
                Some((place, how)) => results[place] = Some(ended(&plan.urgent[place].address, how)),
                None => return results,
            },
        }
    }
}

/// Returns what is left of each change of a plan once its parts ended so; nothing for what is done.
pub(super) fn left(plan: &Plan, results: &[Option<ChangeResult>]) -> Vec<Option<Change>> {
    let mut made: BTreeMap<&Address, Vec<&Change>> = BTreeMap::new();
    for (part, result) in plan.urgent.iter().zip(results) {
        if *result == Some(ChangeResult::Done) {
            made.entry(&part.address).or_default().push(part);
        }
    }
    let none = Vec::new();
    plan.changes.iter().map(|change| urgent::rest(change, made.get(&change.address).unwrap_or(&none))).collect()
}
