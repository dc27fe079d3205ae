//! An event with where it was delivered, in the order of a slot.

use std::cmp::Ordering;
use std::sync::Arc;

use orgtrail_core::event::Json;
use orgtrail_core::log_path::{Folder, LogKind, folder_of};

use crate::columns::extract::Delivered;

/// An event of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it was delivered.
    pub delivered: Arc<Delivered>,
    /// The kind of records there. `None`: the key does not say.
    pub kind: Option<LogKind>,
    /// The time of the event, in microseconds since 1970. `None`: it has none that can be read.
    pub time: Option<i64>,
    /// The record as delivered: a JSON object.
    pub record: String,
}

impl Row {
    /// Returns the record, to look into.
    pub fn json(&self) -> Json<'_> {
        Json::of_valid(&self.record)
    }

    /// Returns what is stored of it in memory, in bytes, about.
    pub fn size_bytes(&self) -> usize {
        self.record.len() + size_of::<Self>()
    }

    /// Tells whether both are one event that was delivered twice: the same bytes to the same account, region and kind.
    pub fn is_again(&self, other: &Self) -> bool {
        self.chain() == other.chain() && self.record == other.record
    }

    fn chain(&self) -> (&str, &str, Option<LogKind>) {
        (&self.delivered.account, &self.delivered.region, self.kind)
    }

    /// The order of a slot: by account, region and time, as it is asked for; then what makes it a total order in which
    /// deliveries of one event stand side by side, those with the first key first.
    pub fn order(&self, other: &Self) -> Ordering {
        let by_place = || {
            let (a, b) = (&self.delivered, &other.delivered);
            a.account.cmp(&b.account).then_with(|| a.region.cmp(&b.region))
        };
        let shared = Arc::ptr_eq(&self.delivered, &other.delivered);
        let places = if shared { Ordering::Equal } else { by_place() };
        places
            .then_with(|| self.time.cmp(&other.time))
            .then_with(|| self.kind.cmp(&other.kind))
            .then_with(|| self.record.cmp(&other.record))
            .then_with(|| if shared { Ordering::Equal } else { self.delivered.key.cmp(&other.delivered.key) })
    }
}

/// Returns the kind of records in an object.
pub(in crate::lake) fn kind_of(key: &str) -> Option<LogKind> {
    folder_of(key).and_then(Folder::kind)
}
