//! SQL over the events: views, the scan of log files, limits, what an answer covers.
//!
//! - [`mod@column`], [`views`]: what there is to ask for.
//! - [`extract`]: records into columns.
//! - [`window`]: the time, accounts and regions that a question is about, read from its conditions.
//! - [`scan`]: log files as a table.
//! - [`engine`]: runs one question within limits.
//! - [`guard`]: what is no question.
//! - [`prepared`]: questions with a name, a title and parameters.

pub mod answer;
mod builder;
pub mod cell;
pub mod column;
pub mod engine;
pub mod error;
pub mod extract;
mod fields;
pub mod functions;
pub mod guard;
mod names;
pub mod prepared;
pub mod scan;
pub mod views;
pub mod window;
