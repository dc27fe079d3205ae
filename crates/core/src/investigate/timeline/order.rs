//! Which steps there are, each once and in order: deliveries of one record, the records of one call in two accounts,
//! and the records of one event that do not have the same bytes.

use std::collections::{HashMap, HashSet};

use super::{Step, StepOutcome, asked};
use crate::event::{Actor, ActorKind, RecordDigest};
use crate::resource_types::ResourceEffect;

/// Returns each step once, in order: of a call between accounts there are two records, and files may be delivered
/// twice. Two records of one event with other bytes are two steps, which stand beside each other.
pub(super) fn once(mut steps: Vec<Step>) -> Vec<Step> {
    // What ends it at once can only stand behind what asked for its end in some days.
    let ends_at_once = |step: &Step| step.effect == ResourceEffect::Delete && step.waits.is_none();
    let key = |step: &Step| (step.time, asked::is_done_later(step), ends_at_once(step));
    steps.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| (&a.event_id, a.record).cmp(&(&b.event_id, b.record))));
    let mut all: Vec<Step> = Vec::new();
    let (mut by_record, mut by_call): (HashMap<RecordDigest, usize>, HashMap<String, usize>) = Default::default();
    let mut joined: HashSet<(usize, Option<String>)> = HashSet::new();
    for step in steps {
        let of_call = step.shared_event_id.as_ref().and_then(|id| by_call.get(id)).copied();
        // A further record of an event is no record of another account.
        let twin = of_call.filter(|at| step.event.is_none() || !joined.contains(&(*at, step.event.clone())));
        let at = by_record.get(&step.record).copied().or(twin).unwrap_or(all.len());
        by_record.insert(step.record, at);
        joined.insert((at, step.event.clone()));
        if let Some(known) = all.get_mut(at) {
            known.join(step);
            continue;
        }
        let shared = step.shared_event_id.clone();
        by_call.extend(shared.filter(|_| of_call.is_none()).map(|id| (id, at)));
        all.push(step);
    }
    let (mut firsts, others) = by_event(all);
    in_second(&mut firsts);
    together(firsts, others)
}

/// Parts the first record of each event from further ones with other bytes. Of those that do not tell the same of what
/// was done, none is sure.
fn by_event(all: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut firsts, mut others): (Vec<Step>, Vec<Step>) = Default::default();
    for mut step in all {
        let at = step.event.as_deref().and_then(|id| known.get(id)).copied();
        let Some(first) = at.and_then(|at| firsts.get_mut(at)) else {
            known.extend(step.event.as_deref().map(|id| (id.to_owned(), firsts.len())));
            firsts.push(step);
            continue;
        };
        step.is_further = true;
        if !is_same_caller(&first.actor, &step.actor) || first.time != step.time {
            (first.is_disputed, step.is_disputed) = (true, true);
        }
        let deed = |own: &Step| (own.effect, own.is_certain, own.ended.clone(), own.call.clone());
        if deed(first) != deed(&step) {
            (first.is_disputed, step.is_disputed) = (true, true);
            (first.is_doubtful, step.is_doubtful) = (true, true);
        }
        others.push(step);
    }
    (firsts, others)
}

/// Puts further records of an event behind its first one.
fn together(firsts: Vec<Step>, others: Vec<Step>) -> Vec<Step> {
    let mut of_event: HashMap<String, Vec<Step>> = HashMap::new();
    for step in others {
        of_event.entry(step.event.as_deref().unwrap_or_default().to_owned()).or_default().push(step);
    }
    let with_further = |step: Step| {
        let further = step.event.as_deref().and_then(|id| of_event.remove(id)).unwrap_or_default();
        std::iter::once(step).chain(further)
    };
    firsts.into_iter().flat_map(with_further).collect()
}

/// Tells whether two records name one caller: also where the account of the resource has no more than an id of it.
fn is_same_caller(a: &Actor, b: &Actor) -> bool {
    let is_same_key = a.access_key.is_none() || b.access_key.is_none() || a.access_key == b.access_key;
    a.name == b.name && is_same_key
}

/// Tells whether two steps are of one call, of which records in two accounts have no id in common: an old version.
fn is_of_one_call(a: &Step, b: &Step) -> bool {
    let is_told_less = |step: &Step| matches!(step.actor.kind, ActorKind::Account);
    is_same_caller(&a.actor, &b.actor)
        || (is_told_less(a) || is_told_less(b)) && a.call == b.call && a.accounts.is_disjoint(&b.accounts)
}

/// Puts what was done within one second in order, as far as that is known: nothing can be made while it is there, nor
/// deleted while it is not.
fn in_second(steps: &mut [Step]) {
    // Nothing is known of the time before the first step.
    let mut is_there = None;
    for second in steps.chunk_by_mut(|a, b| a.time == b.time) {
        order(second, is_there);
        is_there = second.iter().rev().find_map(comes).or(is_there);
    }
}

/// Tells whether a resource is there behind a step, or is not. `None`: the step does not tell.
fn comes(step: &Step) -> Option<bool> {
    let is_making = matches!(step.effect, ResourceEffect::Create | ResourceEffect::Put) || step.takes_back();
    match step.effect {
        _ if !step.is_sure() => None,
        ResourceEffect::Delete => Some(false),
        _ => is_making.then_some(true),
    }
}

/// Orders the steps of one second, and marks those of which the order is not known and matters.
fn order(second: &mut [Step], is_there: Option<bool>) {
    let is_going = |step: &Step| comes(step) == Some(false) && !asked::is_done_later(step);
    let is_coming = |step: &Step| comes(step) == Some(true) && step.effect != ResourceEffect::Put;
    let going: Vec<usize> = (0..second.len()).filter(|at| is_going(&second[*at])).collect();
    let coming = second.iter().filter(|step| is_coming(step)).count();
    let has_several = going.iter().any(|at| !is_of_one_call(&second[*at], &second[going[0]]));
    let is_unknown = is_there.is_none() && second.iter().any(Step::takes_back);
    if !going.is_empty() && (has_several || is_unknown && coming > 0) {
        going.iter().for_each(|at| second[*at].is_unordered = true);
    }
    if going.is_empty() || coming == 0 {
        return;
    }
    // Going and coming take turns; all else stands behind the first of them.
    let goes_first = is_there.unwrap_or(false);
    let (mut gone, mut come) = (0, 0);
    let mut ranked: Vec<(usize, Step)> = Vec::new();
    for step in second.iter() {
        let turn = |count: &mut usize, is_first: bool| {
            *count += 1;
            4 * *count + usize::from(!is_first) * 2
        };
        let rank = match () {
            () if is_going(step) => turn(&mut gone, goes_first),
            () if is_coming(step) => turn(&mut come, !goes_first),
            () if asked::is_done_later(step) => usize::MAX,
            () => 5,
        };
        ranked.push((rank, step.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    second.iter_mut().zip(ranked).for_each(|(place, (_, step))| *place = step);
}

impl Step {
    /// Takes up another record of the same call: of another account. Of two that do not agree the answer is not known.
    fn join(&mut self, other: Self) {
        let knows_less = |actor: &Actor| matches!(actor.kind, ActorKind::Account | ActorKind::Unknown);
        if self.ended != other.ended {
            self.ended = StepOutcome::Unclear;
        }
        self.accounts.extend(other.accounts);
        self.also_called.extend(other.also_called);
        if knows_less(&self.actor) && !knows_less(&other.actor) {
            // The account of the resource has no more of a caller from elsewhere than its id.
            (self.actor, self.event_id, self.record) = (other.actor, other.event_id, other.record);
            (self.source, self.event) = (other.source, other.event);
        }
    }
}
