//! Who changed something last, or why that is not known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estate::{Address, Problem};
use crate::event::{AuditEvent, EventHistory, HISTORY_DAYS};

/// What was found out about the last changes at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Where something drifted.
    #[schemars(with = "String")]
    pub address: Address,
    /// The last changes, the newest first. That the newest one made the drift is likely, not proven.
    pub events: Vec<AuditEvent>,
    /// Why no actor is named; none where one is.
    pub unknown: Option<String>,
}

impl Trace {
    /// Makes the trace of what the event history has.
    pub fn of(address: &Address, history: EventHistory) -> Self {
        let EventHistory { found, gap } = history;
        let nobody = || format!("the event history of the last {HISTORY_DAYS} days names no change");
        let unknown = found.is_empty().then(|| gap.map_or_else(nobody, str::to_owned));
        Self { address: address.clone(), events: found, unknown }
    }

    /// Makes the trace where the event history could not be read.
    pub fn unread(address: &Address, problem: &Problem) -> Self {
        let unknown = Some(format!("the event history cannot be read: {} ({})", problem.message, problem.code));
        Self { address: address.clone(), events: Vec::new(), unknown }
    }

    /// Makes the trace where nobody asked, because there is too much to ask for.
    pub fn not_asked(address: &Address, most: usize) -> Self {
        let unknown = Some(format!("not asked: only the first {most} changes of a run are"));
        Self { address: address.clone(), events: Vec::new(), unknown }
    }
}
