//! What a step says of a resource that had ended: it is what the end asked for, another resource of its name, or the
//! sign of a record that is missing.

use jiff::SignedDuration;

use super::{Incarnation, Step, Unseen, asked};
use crate::investigate::repeated::{WhenAbsent, is_repeatable};
use crate::resource_types::{MatchedBy, ResourceEffect};

/// How long a call on a resource may still do well behind its deletion: what one part of a service knows, others know
/// soon.
const ENDING: SignedDuration = SignedDuration::from_mins(1);
/// The same of services whose deletions take their time.
const SLOWLY_ENDING: SignedDuration = SignedDuration::from_mins(60);
/// Services whose databases and clusters are there, and may be tagged, while they are being deleted.
const SLOW: [&str; 6] = [
    "rds.amazonaws.com",
    "redshift.amazonaws.com",
    "elasticache.amazonaws.com",
    "eks.amazonaws.com",
    "es.amazonaws.com",
    "kafka.amazonaws.com",
];

/// What a deletion is behind another one that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BehindEnd {
    /// It deletes nothing for certain, or did well where nothing was there, or its order is not known.
    Nothing,
    /// AWS does what the first one asked for.
    CarriedOut,
    /// It ends what still waited.
    AtOnce,
    /// It ended something too: a record is missing.
    Other(Unseen),
}

/// Tells whether a step begins one of this name: its id is news.
pub(super) fn is_naming(step: &Step) -> bool {
    matches!(step.effect, ResourceEffect::Create | ResourceEffect::Put | ResourceEffect::Named)
}

impl Incarnation {
    pub(super) fn end(&mut self, at: usize, step: &Step) {
        if !self.is_ended() {
            let unseen = asked::is_done_later(step).then_some(Unseen::Asked);
            (self.deleted, self.is_waiting, self.unseen) = (Some(at), step.waits.is_some(), self.unseen.or(unseen));
            return;
        }
        let unseen = match self.behind_end(step) {
            BehindEnd::Nothing => return,
            BehindEnd::CarriedOut => {
                (self.carried_out, self.is_waiting) = (Some(at), false);
                return;
            }
            BehindEnd::AtOnce => self.unseen,
            BehindEnd::Other(unseen) => Some(unseen),
        };
        self.deleted_before = self.deleted_before.or(self.deleted);
        (self.deleted, self.unseen, self.carried_out) = (Some(at), unseen, None);
        self.is_waiting = step.waits.is_some();
    }

    /// Says what a step is if another one had ended it already.
    pub(super) fn behind_end(&self, step: &Step) -> BehindEnd {
        let Some(ended) = self.end_step().filter(|_| step.is_end() && step.is_sure()) else {
            return BehindEnd::Nothing;
        };
        if step.is_further {
            return BehindEnd::Nothing;
        }
        if asked::is_what_was_asked(ended, step) {
            return BehindEnd::CarriedOut;
        }
        // AWS tells of each part of what it deletes.
        if asked::is_done_later(ended) && asked::is_done_later(step) {
            return BehindEnd::Nothing;
        }
        let is_of_id = step.matched_by != MatchedBy::Name;
        let wait = ended.waits.filter(|_| self.is_waiting);
        let is_at_once = wait.is_some() && step.waits.is_none();
        // Nothing is made and deleted again, or taken back, within a second.
        if step.time == ended.time && !is_at_once {
            return BehindEnd::Nothing;
        }
        if let Some(wait) = wait {
            return match (step.waits, wait.is_on(step.time)) {
                // What is there cannot be ended by what the first one asked for, so late.
                _ if asked::is_done_later(step) => BehindEnd::Other(Unseen::TakenBack),
                (None, true) => BehindEnd::AtOnce,
                (Some(_), true) => BehindEnd::Other(Unseen::TakenBack),
                (Some(_), false) if is_of_id => BehindEnd::Other(Unseen::TakenBack),
                (_, false) => BehindEnd::Other(Unseen::Either),
            };
        }
        match step.when_absent {
            WhenAbsent::Succeeds => BehindEnd::Nothing,
            WhenAbsent::Refused => BehindEnd::Other(Unseen::MadeAgain),
            WhenAbsent::RefusedWhileWaiting if is_of_id => BehindEnd::Other(Unseen::Either),
            WhenAbsent::RefusedWhileWaiting => BehindEnd::Other(Unseen::MadeAgain),
            WhenAbsent::Unknown => BehindEnd::Other(Unseen::Either),
        }
    }

    /// Tells whether a step makes another one, so that this one had ended.
    pub(super) fn is_before(&self, step: &Step) -> bool {
        let is_made = match step.effect {
            ResourceEffect::Create if is_repeatable(&step.call, step.region.as_deref()) => self.is_ended(),
            ResourceEffect::Create | ResourceEffect::Named => {
                self.created.is_some() || self.is_ended() || self.was_there()
            }
            ResourceEffect::Put => self.is_ended(),
            _ => false,
        };
        // An id is given out once, and of two who made it in one second none is chosen.
        let is_same = !self.is_ended() && step.own_id.is_some() && self.known_id() == step.own_id.as_deref();
        let is_tied = !self.is_ended() && self.maker().is_some_and(|maker| maker.is_tied_with(step));
        is_made && step.is_sure() && !step.is_further && !is_tied && !is_same
    }

    /// Takes up that another one of its name is there: nothing waits any more.
    pub(super) fn is_followed_by(&mut self, step: &Step) {
        let is_early =
            self.is_waiting && self.end_step().and_then(|end| end.waits).is_some_and(|own| own.is_on(step.time));
        self.unseen = is_early.then_some(Unseen::EndedEarly).or(self.unseen);
        self.is_waiting = false;
    }

    /// Tells whether a step needs that it was made again since its end: it changed it, long behind a deletion that does
    /// not wait. An id is given out once: what is done by it concerns what is left of the one that ended.
    pub(super) fn must_be_there_for(&self, step: &Step) -> bool {
        let Some(ended) = self.end_step() else { return false };
        let changes = matches!(step.effect, ResourceEffect::Change | ResourceEffect::Attach | ResourceEffect::Detach);
        let is_named = step.matched_by != MatchedBy::Id && ended.matched_by != MatchedBy::Id;
        let ending = if SLOW.contains(&ended.service.as_str()) { SLOWLY_ENDING } else { ENDING };
        let is_over = match ended.waits.filter(|_| self.is_waiting) {
            Some(wait) => wait.is_over(step.time),
            None => step.time.duration_since(ended.time) > ending,
        };
        step.is_sure() && changes && is_named && is_over && !step.takes_back() && !step.is_by_aws && !step.is_further
    }

    /// Takes out what was done after its end: it was done to the one that was made since.
    pub(super) fn split_off_later(&mut self) -> Vec<Step> {
        let from = self.deleted.map_or(self.steps.len(), |at| at + 1);
        let (later, own) = self.steps.split_off(from).into_iter().partition(|step| {
            let needs_it = !matches!(step.effect, ResourceEffect::Delete | ResourceEffect::Unknown);
            step.is_sure() && needs_it
        });
        self.steps.extend::<Vec<Step>>(own);
        later
    }
}
