//! What a schedule knows beside a plan: what is new since the last run, and who changed it. Pure.
//!
//! [`DriftRecord`] is the JSON report of a run as the next run reads it; [`compare`](compare::compare) marks each
//! finding; [`Trace`] says who changed something last; [`Unsent`] what a
//! channel of notifications is still to be sent.

pub mod compare;
mod entry;
mod record;
mod trace;
mod unsent;

pub use entry::{Comparison, Entry, FindingKind, FindingState, Tally};
pub use record::{BadRecord, DriftRecord};
pub use trace::{Trace, TracedChange};
pub use unsent::Unsent;

#[cfg(test)]
mod tests;
