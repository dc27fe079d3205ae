//! Several questions that are answered by one pass over the events: log files are read once, whatever is asked of them.
//!
//! Each question is planned by itself, over a table that takes its events from the pass that they share. An answer is
//! therefore the one that the question has alone.

mod branch;
mod pump;
mod run;

use std::collections::BTreeMap;

use super::answer::{Cell, Question};
use super::error::QueryError;

pub use run::ask;

/// What a question that was asked together with others found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TogetherAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows that are kept, in their order, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows there are.
    pub rows_count: u64,
    /// Of each key of all rows, those of [`TogetherQuestion::tally`], how many rows there are, or what they weigh.
    pub tally: BTreeMap<Vec<String>, u64>,
}

/// A question that is asked together with others.
#[derive(Debug, Clone)]
pub struct TogetherQuestion {
    /// The question. It may name one view once.
    pub question: Question,
    /// How many rows are kept, the first or the last; the others are counted.
    pub rows_max: usize,
    /// The last rows are kept.
    pub keeps_last: bool,
    /// The columns whose values are tallied over all rows, each with how many characters of them count. Empty: none. A
    /// column that the answer has not counts as empty.
    pub tally: Vec<(&'static str, usize)>,
    /// The column of whole numbers that are added up in the tally. `None`: rows are counted.
    pub weight: Option<&'static str>,
    /// Few events answer it, as its conditions tell. Over a lake such questions have a pass of their own, which takes
    /// the larger columns of those events only.
    pub is_of_few: bool,
}

/// What a question found, or why it has no answer.
pub type Answered = Result<TogetherAnswer, QueryError>;

/// The most keys that are tallied.
const KEYS_MAX: usize = 10_000;
