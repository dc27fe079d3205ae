//! Which steps there are, each once and in order: deliveries of one record, the records of one call in two accounts,
//! and the records of one event that do not have the same bytes.

use std::collections::{HashMap, HashSet};

use super::{Step, StepOutcome, asked};
use crate::event::{Actor, ActorKind, RecordDigest};
use crate::investigate::repeated::{WhenAbsent, is_repeatable};
use crate::resource_types::{MatchedBy, ResourceEffect};

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
        // Records of a call in two accounts that name two callers are kept apart, as those of one event are.
        let twin = twin.filter(|at| all.get(*at).is_none_or(|known| may_be_of_one_caller(known, &step)));
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
    // A record that is about something else stands behind those that are about it.
    let (own, foreign): (Vec<Step>, Vec<Step>) = all.into_iter().partition(|step| !step.is_foreign());
    for mut step in own.into_iter().chain(foreign) {
        let at = step.keys().find_map(|id| known.get(&id)).copied();
        let Some(first) = at.and_then(|at| firsts.get_mut(at)) else {
            known.extend(step.keys().map(|id| (id, firsts.len())));
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
    firsts.sort_by_key(|step| step.time);
    (firsts, others)
}

/// Puts further records of an event behind its first one.
fn together(firsts: Vec<Step>, others: Vec<Step>) -> Vec<Step> {
    let mut others: Vec<Option<Step>> = others.into_iter().map(Some).collect();
    let mut of_event: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, step) in others.iter().enumerate() {
        step.iter().flat_map(Step::keys).for_each(|id| of_event.entry(id).or_default().push(at));
    }
    let mut with_further = |step: Step| {
        let further: Vec<usize> = step.keys().filter_map(|id| of_event.remove(&id)).flatten().collect();
        let further: Vec<Step> = further.into_iter().filter_map(|at| others.get_mut(at)?.take()).collect();
        std::iter::once(step).chain(further)
    };
    firsts.into_iter().flat_map(&mut with_further).collect()
}

/// Tells whether the records of a call in two accounts may name one caller: one of them may have no more than its id.
fn may_be_of_one_caller(a: &Step, b: &Step) -> bool {
    let knows_less = |step: &Step| matches!(step.actor.kind, ActorKind::Account | ActorKind::Unknown);
    knows_less(a) || knows_less(b) || a.actor.name == b.actor.name
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
        is_there = match second.iter().any(|step| step.is_either) {
            true => None,
            false => second.iter().rev().find_map(comes).or(is_there),
        };
    }
}

/// Tells whether a resource is there behind a step, or is not. `None`: the step does not tell.
fn comes(step: &Step) -> Option<bool> {
    let is_making = super::next::is_naming(step) || step.takes_back();
    match step.effect {
        _ if !step.is_sure() => None,
        ResourceEffect::Delete | ResourceEffect::Rename => Some(false),
        _ => is_making.then_some(true),
    }
}

/// Orders the steps of one second, and marks those of which the order is not known and matters.
fn order(second: &mut [Step], is_there: Option<bool>) {
    let is_going = |step: &Step| comes(step) == Some(false) && !asked::is_done_later(step);
    let is_coming = |step: &Step| comes(step) == Some(true) && step.effect != ResourceEffect::Put;
    let going: Vec<usize> = (0..second.len()).filter(|at| is_going(&second[*at])).collect();
    let coming = second.iter().filter(|step| is_coming(step)).count();
    let is_maker = |step: &Step| is_coming(step) && !is_floating(step);
    let makers: Vec<usize> = (0..second.len()).filter(|at| is_maker(&second[*at])).collect();
    let are_several = |all: &[usize]| all.iter().any(|at| !is_of_one_call(&second[*at], &second[all[0]]));
    let has_several = are_several(&going);
    // What is there cannot be made: of two who made it one came behind a deletion that is not recorded.
    let have_made = are_several(&makers);
    let is_either = is_either(second, &going, &makers, is_there);
    if is_either {
        going.iter().for_each(|at| second[*at].is_either = true);
    }
    if have_made {
        makers.iter().for_each(|at| second[*at].is_unordered = true);
    }
    let is_unknown = is_there.is_none() && second.iter().any(Step::takes_back);
    if !going.is_empty() && (has_several || is_unknown && coming > 0) {
        going.iter().for_each(|at| second[*at].is_unordered = true);
    }
    if going.is_empty() || coming == 0 {
        return;
    }
    // Going and coming take turns, as far as is known; all else stands behind the first of them.
    let goes_first = is_there.unwrap_or(false);
    let (mut gone, mut come) = (0, 0);
    let mut ranked: Vec<(usize, Step)> = Vec::new();
    for step in second.iter() {
        let turn = |count: &mut usize, is_first: bool| {
            *count += 1;
            4 * *count + usize::from(!is_first) * 2
        };
        let rank = match () {
            () if is_going(step) || step.is_either => turn(&mut gone, goes_first),
            () if is_coming(step) => turn(&mut come, !goes_first),
            () if asked::is_done_later(step) => usize::MAX,
            () => 5,
        };
        ranked.push((rank, step.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    second.iter_mut().zip(ranked).for_each(|(place, (_, step))| *place = step);
}

/// Tells whether a step may make something that is there: it does well whether it is there or not.
fn is_floating(step: &Step) -> bool {
    let is_create = step.effect == ResourceEffect::Create;
    step.effect == ResourceEffect::Put || is_create && is_repeatable(&step.call, step.region.as_deref())
}

/// Tells whether it is not known what was first in a second, making or deleting, and so not whether it is there behind
/// it. `is_there`: what is known of the time before.
fn is_either(second: &[Step], going: &[usize], coming: &[usize], is_there: Option<bool>) -> bool {
    let floats = second.iter().filter(|step| comes(step) == Some(true) && is_floating(step)).count();
    let needs_it = |at: &usize| second[*at].when_absent == WhenAbsent::Refused;
    // As many as could be there at all were deleted: nothing is left.
    let most = floats + coming.len() + usize::from(is_there != Some(false));
    let is_known = going.len() == most && going.iter().all(needs_it);
    // An id is given out once: what has it is made before it is deleted.
    let ids = || second.iter().filter(|step| comes(step) == Some(true)).filter_map(|step| step.own_id.as_ref());
    let is_of_id = |at: &usize| second[*at].own_id.as_ref().is_some_and(|id| ids().any(|own| own == id));
    let is_known = is_known || going.iter().all(is_of_id);
    let is_taken_back = coming.iter().any(|at| second[*at].takes_back());
    let takes_turns = going.len() == coming.len() && is_there.is_none() && !is_taken_back;
    !going.is_empty() && !is_known && (floats > 0 || takes_turns)
}

impl Step {
    /// Returns by what its event is known again: its id, in which capitals do not count, and what it has in common
    /// with that of another account.
    fn keys(&self) -> impl Iterator<Item = String> {
        let shared = self.shared_event_id.as_ref().map(|id| format!("shared {id}"));
        self.event.as_deref().map(str::to_ascii_lowercase).into_iter().chain(shared)
    }

    /// Tells whether its record is about something else, and here as it contradicts another one of its event.
    fn is_foreign(&self) -> bool {
        self.effect == ResourceEffect::Unknown && self.matched_by == MatchedBy::Withheld && !self.is_certain
    }

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
