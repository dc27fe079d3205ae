//! What a schedule knows beside a plan: what is new since the last run, and who changed it. Pure.
//!
//! [`DriftRecord`] is the JSON report of a run as the next run reads it; [`compare`](compare::compare) marks each
//! finding; [`Trace`] says who changed something last.

pub mod compare;
mod entry;
mod record;
mod trace;

pub use entry::{Comparison, Entry, FindingKind, FindingState, Tally};
pub use record::{BadRecord, DriftRecord};
pub use trace::Trace;

#[cfg(test)]
mod tests;
