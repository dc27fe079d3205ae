//! What one rule has seen before, bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::GroupId;

/// When each value was seen last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FirstSeen {
    last_us: BTreeMap<GroupId, i64>,
}

/// Whether a value was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Seen,
    NotSeen,
    /// There is no room to remember it.
    Full,
}

impl FirstSeen {
    /// Takes a value up that was seen at a time. `in_us` is how long ago it counts as seen.
    pub fn take(&mut self, value: GroupId, at_us: i64, in_us: i64, values_max: usize) -> Before {
        if let Some(last) = self.last_us.get_mut(&value) {
            let before = if *last < at_us.saturating_sub(in_us) { Before::NotSeen } else { Before::Seen };
            *last = at_us.max(*last);
            return before;
        }
        if self.last_us.len() >= values_max {
            self.last_us.retain(|_, last| *last >= at_us.saturating_sub(in_us));
        }
        if self.last_us.len() >= values_max {
            return Before::Full;
        }
        self.last_us.insert(value, at_us);
        Before::NotSeen
    }
}
