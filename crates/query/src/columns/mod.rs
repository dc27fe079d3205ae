//! Records as columns: what a column is, and one pass over a record that fills those that are asked for.
//!
//! - [`mod@column`]: a name, a type, and where in a record the value stands.
//! - [`events`]: the columns under our own names, which a question and a lake have in common.
//! - [`athena`]: the columns under the names of Athena's documentation.
//! - [`extract`]: records into columns.
//! - [`object`]: the body of a log object into records.

pub mod athena;
mod builder;
pub mod column;
pub mod events;
pub mod extract;
mod fields;
pub mod object;
