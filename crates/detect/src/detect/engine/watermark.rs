//! How far the events are: the latest time of an event, without those that are ahead of all others by a day.

use serde::{Deserialize, Serialize};

use super::EngineSettings;

/// An event that is later than all others by more than this is not believed alone, in microseconds: one wrong time must
/// not close every window.
const JUMP_US_MAX: i64 = 86_400_000_000;

/// So many events after a jump are believed: the stream was silent for a time.
const JUMP_EVENTS: u32 = 5;

/// Windows are looked through when events went on by so much, in microseconds.
const SWEEP_US: i64 = 60_000_000;

/// It is asked once in so many events whether they are.
const SWEEP_EVENTS: usize = 256;

/// How far the events are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watermark {
    latest_us: Option<i64>,
    /// The earliest of the events that are ahead, and how many there were.
    ahead: Option<(i64, u32)>,
    /// How many events were near the latest, up to as many as are believed.
    near: u32,
    /// While those are few: the latest of the events that are behind by a day, and how many there were.
    behind: Option<(i64, u32)>,
    swept_us: i64,
    /// Events since windows were looked through last.
    events: usize,
}

impl Watermark {
    /// Takes the time of an event. Returns `false` where it is ahead, and not believed.
    pub fn take(&mut self, at_us: i64) -> bool {
        self.events += 1;
        let Some(latest) = self.latest_us else {
            (self.latest_us, self.swept_us, self.near) = (Some(at_us), at_us, 1);
            return true;
        };
        if at_us - latest < -JUMP_US_MAX {
            self.take_behind(at_us);
            return true;
        }
        if at_us - latest <= JUMP_US_MAX {
            self.latest_us = Some(latest.max(at_us));
            self.near = (self.near + 1).min(JUMP_EVENTS);
            return true;
        }
        let (near, count) = match self.ahead {
            Some((other, count)) if (other - at_us).abs() <= JUMP_US_MAX => (other.min(at_us), count + 1),
            _ => (at_us, 1),
        };
        if count >= JUMP_EVENTS {
            (self.latest_us, self.ahead) = (Some(near), None);
            return true;
        }
        self.ahead = Some((near, count));
        false
    }

    /// Takes the time of an event that is behind by a day. Where the stream began with a wrong time, the others are
    /// believed and not that one.
    fn take_behind(&mut self, at_us: i64) {
        if self.near >= JUMP_EVENTS {
            return;
        }
        let (latest, count) = self.behind.map_or((at_us, 1), |(other, count)| (other.max(at_us), count + 1));
        self.behind = Some((latest, count));
        if count >= JUMP_EVENTS {
            (self.latest_us, self.swept_us, self.near, self.behind) = (Some(latest), latest, JUMP_EVENTS, None);
        }
    }

    /// Returns until when windows are closed, in microseconds: nothing before it is taken up any more.
    pub fn closed_until(&self, settings: &EngineSettings) -> i64 {
        let lateness = i64::try_from(settings.allowed_lateness.as_micros()).unwrap_or(i64::MAX);
        self.latest_us.map_or(i64::MIN, |latest| latest.saturating_sub(lateness))
    }

    /// Tells whether windows are to be looked through, which takes as long as there are groups.
    pub fn is_sweep_due(&self, groups: impl FnOnce() -> usize) -> bool {
        let has_gone_on = self.latest_us.is_some_and(|latest| latest - self.swept_us >= SWEEP_US);
        // Counting the groups takes its time too.
        has_gone_on && self.events.is_multiple_of(SWEEP_EVENTS) && self.events > groups()
    }

    pub fn swept(&mut self) {
        self.events = 0;
        self.swept_us = self.latest_us.unwrap_or(self.swept_us);
    }
}
