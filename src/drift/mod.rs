//! What a schedule knows beside a plan: what is new since the last run, and who changed it. Pure.
//!
//! [`Record`] is the JSON report of a run as the next run reads it; [`compare`](compare::compare) marks each finding;
//! [`Trace`] says who changed something last.

pub mod compare;
mod record;
mod trace;

pub use compare::{Comparison, Entry, FindingKind, State, Tally};
pub use record::{BadRecord, Record};
pub use trace::Trace;

#[cfg(test)]
mod tests;
