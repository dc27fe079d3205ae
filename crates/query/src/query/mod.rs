//! SQL over the events: views, the scan of log files, limits, what an answer covers.
//!
//! - [`views`]: what there is to ask for.
//! - [`window`]: the time, accounts and regions that a question is about, read from its conditions.
//! - [`scan`]: log files as a table.
//! - [`engine`]: runs one question within limits.
//! - [`guard`]: what is no question.
//! - [`athena`]: questions that Amazon Athena answers.
//! - [`vocabulary`]: what may stand in a question, for whoever types one.
//! - [`together`]: several questions that one pass over the events answers.
//! - [`prepared`]: questions with a name, a title and parameters.
//! - [`records`]: records that a program looks for.

mod again;
pub mod answer;
pub mod athena;
pub mod cell;
mod constants;
mod dense;
mod describe;
pub mod engine;
pub mod error;
pub mod functions;
pub mod guard;
mod names;
mod pool;
pub mod prepared;
pub mod records;
pub mod scan;
pub mod together;
pub mod views;
pub mod vocabulary;
pub mod window;
