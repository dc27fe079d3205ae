//! What became of a resource that an actor made.

use std::collections::BTreeSet;

use super::{Doubt, Remaining, RemainsSummary, call_keys};
use crate::investigate::sessions::CallKey;
use crate::investigate::timeline::{Ending, Incarnation, Step, StepOutcome, Unseen, incarnations};
use crate::resource_types::{NameScope, ResourceEffect, ResourceIdentity, ResourceType};

#[derive(Debug, Default)]
pub(super) struct Made {
    pub resource_type: String,
    pub name: String,
    pub identities: Vec<ResourceIdentity>,
    pub steps: Vec<Step>,
    /// The last step that changed it: what is not there cannot be changed. `None`: none did.
    pub changed: Option<Step>,
    /// A deletion of which the record does not say when it was: the call, and the id of its event. `None`: none.
    pub undated: Option<(String, String)>,
    /// The calls of the actor.
    pub own: BTreeSet<CallKey>,
    /// The calls that may be the actor's.
    pub maybe_own: BTreeSet<CallKey>,
    /// The calls that are data events.
    pub data: BTreeSet<CallKey>,
    /// When a call first needed it to be there. `None`: none did.
    pub used: Option<jiff::Timestamp>,
    pub is_cut: bool,
}

/// What all records say that may concern a resource.
pub(super) struct Seen<'v> {
    /// Deletions that do not say of what, of its type.
    pub vague: Vec<&'v Vague>,
    /// When the last of all records was. `None`: none has a time.
    pub latest: Option<jiff::Timestamp>,
}

/// A deletion of which the record does not say what was deleted.
#[derive(Debug)]
pub(super) struct Vague {
    pub resource_type: String,
    /// How the ARNs of all that may be meant begin. `None`: it may be any.
    pub prefix: Option<String>,
    pub step: Step,
}

impl Made {
    pub(super) fn into_summary(mut self, kind: Option<&ResourceType>, seen: &Seen<'_>, summary: &mut RemainsSummary) {
        let steps = std::mem::take(&mut self.steps).into_iter().chain(self.changed.take());
        let all = incarnations(steps.collect());
        let mut last_own: Option<&Step> = None;
        for (at, own) in all.iter().enumerate() {
            let is_last = at + 1 == all.len();
            let Some(maker) = own.maker() else {
                let again = last_own.filter(|_| is_last && own.unseen == Some(Unseen::MadeAgain));
                let again = again.filter(|_| !matches!(own.ending(), Ending::DoneBy(_) | Ending::EndedByAws(_)));
                summary.unclear.extend(again.and_then(|maker| self.made_again(own, maker)));
                continue;
            };
            // Further records of its event may name the actor too.
            let is_in = |calls: &BTreeSet<CallKey>| own.makers().any(|maker| self.has(calls, maker));
            let is_own = is_in(&self.own);
            last_own = None;
            if !is_own && !is_in(&self.maybe_own) {
                continue;
            }
            last_own = Some(maker);
            match own.ending() {
                Ending::DoneBy(end) if self.has(&self.own, end) => summary.ended.by_actor += 1,
                Ending::DoneBy(_) => summary.ended.by_others += 1,
                Ending::EndedByAws(_) => summary.ended.by_aws += 1,
                _ if !is_last && !own.steps.iter().any(is_renaming) => summary.ended.unrecorded += 1,
                _ => {
                    let remaining = self.remaining(own, maker, is_own, at == 0, kind, seen);
                    let list = if remaining.doubts.is_empty() { &mut summary.stands } else { &mut summary.unclear };
                    list.push(remaining);
                }
            }
        }
    }

    /// Returns what is said of one that was made again behind the one that the actor made, by whom is not recorded.
    fn made_again(&self, own: &Incarnation, maker: &Step) -> Option<Remaining> {
        let first = own.steps.first()?;
        let doubts = vec![Doubt::MadeAgain(Box::new(first.clone()))];
        Some(Remaining { doubts, ..self.plain(own, maker) })
    }

    fn plain(&self, own: &Incarnation, maker: &Step) -> Remaining {
        Remaining {
            resource_type: self.resource_type.clone(),
            name: self.name.clone(),
            made: maker.clone(),
            waits: None,
            doubts: Vec::new(),
            attempts: after_making(own).filter(|step| is_attempt(step)).cloned().collect(),
        }
    }

    fn remaining(
        &self,
        own: &Incarnation,
        maker: &Step,
        is_own: bool,
        is_first: bool,
        kind: Option<&ResourceType>,
        seen: &Seen<'_>,
    ) -> Remaining {
        let mut doubts = Vec::new();
        if maker.ended != StepOutcome::Done {
            doubts.push(Doubt::Made);
        }
        if !is_own {
            doubts.push(Doubt::Maker);
        }
        if maker.is_disputed || maker.is_unordered {
            doubts.push(Doubt::Disputed);
        }
        let was_there = is_first && self.used.is_some_and(|used| used < maker.time);
        if maker.effect == ResourceEffect::Put && was_there {
            doubts.push(Doubt::Replaced);
        }
        let (waits, maybe) = match own.ending() {
            Ending::Waits(step) => (Some(step), None),
            Ending::MaybeBy(step) => (None, Some(step)),
            Ending::RenamedBy(step) => {
                doubts.push(Doubt::Renamed(Box::new(step.clone())));
                (None, None)
            }
            _ => (None, None),
        };
        doubts.extend(maybe.cloned().map(Box::new).map(|step| match step.effect {
            ResourceEffect::Rename => Doubt::Renamed(step),
            _ => Doubt::Deletion(step),
        }));
        let until = waits.and_then(|step| step.waits?.until);
        if until.zip(seen.latest).is_some_and(|(until, latest)| until < latest) {
            doubts.push(Doubt::Due);
        }
        if let Some((call, event_id)) = &self.undated {
            doubts.push(Doubt::Undated { call: call.clone(), event_id: event_id.clone() });
        }
        let is_meant = |vague: &&&Vague| self.may_be_meant(vague, maker);
        let vague = seen.vague.iter().filter(is_meant);
        doubts.extend(vague.map(|vague| Doubt::Deletion(Box::new(vague.step.clone()))).take(1));
        let has_id = self.identities.iter().any(|identity| identity.id.is_some());
        if !has_id && kind.is_some_and(|kind| kind.names == NameScope::Shared || !kind.ids.is_empty()) {
            doubts.push(Doubt::NoId);
        }
        if self.has(&self.data, maker) {
            doubts.push(Doubt::Data);
        }
        if self.is_cut {
            doubts.push(Doubt::Steps);
        }
        Remaining { doubts, waits: waits.cloned(), ..self.plain(own, maker) }
    }

    fn has(&self, calls: &BTreeSet<CallKey>, step: &Step) -> bool {
        call_keys(step).any(|key| calls.contains(&key))
    }

    /// Tells whether a deletion that does not say of what may be of this one.
    fn may_be_meant(&self, vague: &Vague, maker: &Step) -> bool {
        let overlaps = maker.accounts.is_empty()
            || vague.step.accounts.is_empty()
            || maker.accounts.iter().any(|account| vague.step.accounts.contains(account));
        let in_region = vague.step.region == maker.region || vague.step.region.is_none() || maker.region.is_none();
        let begins = vague.prefix.as_ref().is_none_or(|prefix| self.begins_with(prefix));
        vague.step.time >= maker.time && overlaps && in_region && begins
    }

    /// Tells whether the ARN may begin with a prefix: what an object's ARN has before its key is its bucket.
    fn begins_with(&self, prefix: &str) -> bool {
        let named = self.name.starts_with(prefix);
        let inside = prefix.splitn(6, ':').nth(5).unwrap_or_default();
        let by_parts = self.identities.iter().any(|own| match (&own.parent, &own.name) {
            (Some(parent), Some(name)) => format!("{parent}/{name}").starts_with(inside),
            _ => inside.is_empty(),
        });
        named || by_parts
    }
}

fn after_making(own: &Incarnation) -> impl Iterator<Item = &Step> {
    own.steps.iter().skip(own.created.map_or(0, |at| at + 1))
}

/// Tells whether a step gave it another name, or may have.
fn is_renaming(step: &Step) -> bool {
    step.effect == ResourceEffect::Rename && !matches!(step.ended, StepOutcome::NotDone(_))
}

fn is_attempt(step: &Step) -> bool {
    step.effect == ResourceEffect::Delete && matches!(step.ended, StepOutcome::NotDone(_))
}
