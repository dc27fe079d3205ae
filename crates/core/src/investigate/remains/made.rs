//! What became of a resource that an actor made.

use std::collections::BTreeSet;

use super::{Doubt, Remaining, RemainsSummary};
use crate::investigate::timeline::{Incarnation, Step, StepOutcome, incarnations};
use crate::resource_types::{NameScope, ResourceEffect, ResourceIdentity, ResourceType};

#[derive(Debug, Default)]
pub(super) struct Made {
    pub resource_type: String,
    pub name: String,
    pub identities: Vec<ResourceIdentity>,
    pub steps: Vec<Step>,
    /// The events of the actor.
    pub own: BTreeSet<String>,
    /// The events that may be the actor's.
    pub maybe_own: BTreeSet<String>,
    /// The events that are data events.
    pub data: BTreeSet<String>,
    /// When a call first needed it to be there. `None`: none did.
    pub used: Option<jiff::Timestamp>,
    pub is_cut: bool,
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
    pub(super) fn into_summary(mut self, kind: Option<&ResourceType>, vague: &[&Vague], summary: &mut RemainsSummary) {
        let all = incarnations(std::mem::take(&mut self.steps));
        for (at, own) in all.iter().enumerate() {
            let Some(maker) = own.maker() else { continue };
            let is_own = self.has(&self.own, maker);
            if !is_own && !self.has(&self.maybe_own, maker) {
                continue;
            }
            match end(own) {
                Some(end) if self.has(&self.own, end) => summary.ended.by_actor += 1,
                Some(end) if end.is_by_aws => summary.ended.by_aws += 1,
                Some(_) => summary.ended.by_others += 1,
                None if at + 1 < all.len() => summary.ended.unrecorded += 1,
                None => {
                    let remaining = self.remaining(own, maker, is_own, at == 0, kind, vague);
                    let list = if remaining.doubts.is_empty() { &mut summary.stands } else { &mut summary.unclear };
                    list.push(remaining);
                }
            }
        }
    }

    fn remaining(
        &self,
        own: &Incarnation,
        maker: &Step,
        is_own: bool,
        is_first: bool,
        kind: Option<&ResourceType>,
        vague: &[&Vague],
    ) -> Remaining {
        let mut doubts = Vec::new();
        if maker.ended != StepOutcome::Done {
            doubts.push(Doubt::Made);
        }
        if !is_own {
            doubts.push(Doubt::Maker);
        }
        let was_there = is_first && self.used.is_some_and(|used| used < maker.time);
        if maker.effect == ResourceEffect::Put && was_there {
            doubts.push(Doubt::Replaced);
        }
        doubts.extend(maybe_deleted(own).cloned().map(Box::new).map(Doubt::Deletion));
        let is_meant = |vague: &&&Vague| self.may_be_meant(vague, maker);
        doubts.extend(vague.iter().filter(is_meant).map(|vague| Doubt::Deletion(Box::new(vague.step.clone()))).take(1));
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
        Remaining {
            resource_type: self.resource_type.clone(),
            name: self.name.clone(),
            made: maker.clone(),
            doubts,
            attempts: after_making(own).filter(|step| is_attempt(step)).cloned().collect(),
        }
    }

    fn has(&self, events: &BTreeSet<String>, step: &Step) -> bool {
        events.contains(&step.event_id) || step.shared_event_id.as_ref().is_some_and(|id| events.contains(id))
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

/// Returns the step that ended a resource and was not taken back.
fn end(own: &Incarnation) -> Option<&Step> {
    after_making(own).fold(None, |end, step| match step.effect {
        ResourceEffect::Delete if is_sure(step) => end.or(Some(step)),
        ResourceEffect::Change if is_sure(step) => None,
        _ => end,
    })
}

/// Returns the last step that may have ended a resource and was not taken back after.
fn maybe_deleted(own: &Incarnation) -> Option<&Step> {
    after_making(own).fold(None, |maybe, step| match step.effect {
        ResourceEffect::Delete if !matches!(step.ended, StepOutcome::NotDone(_)) && !is_sure(step) => Some(step),
        ResourceEffect::Change if is_sure(step) => None,
        _ => maybe,
    })
}

fn after_making(own: &Incarnation) -> impl Iterator<Item = &Step> {
    own.steps.iter().skip(own.created.map_or(0, |at| at + 1))
}

fn is_attempt(step: &Step) -> bool {
    step.effect == ResourceEffect::Delete && matches!(step.ended, StepOutcome::NotDone(_))
}

fn is_sure(step: &Step) -> bool {
    step.is_certain && step.ended == StepOutcome::Done
}
