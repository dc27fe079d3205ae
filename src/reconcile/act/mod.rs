//! What a round may change: its [`limits`], the [`conflicts`] with other tools, and the lease as the gate of each
//! change.

pub mod conflicts;
mod gate;
pub mod limits;

pub use conflicts::{Conflict, ConflictTracker};
pub use limits::{Decision, HeldChange, HoldReason, RoundLimits};
