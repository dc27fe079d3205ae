//! Looks for records and traces who stands behind them: what [`crate::investigate`] asks for is found in an archive or
//! a lake.
//!
//! - [`actor`]: the answers about an actor.
//! - [`change`]: who changed last what is at an address.
//! - [`configuration`]: asks AWS Config what changed.
//! - [`history`]: looks in CloudTrail's event history.
//! - [`search`]: what is looked for, and how SQL says it.
//! - [`source`]: where it is looked for.
//! - [`trace`]: from calls back to their origins, all at once.
//! - [`subject`]: the answers to what a person asked.

pub mod actor;
pub mod change;
pub mod configuration;
pub mod history;
pub mod search;
pub mod source;
pub mod subject;
pub mod trace;
