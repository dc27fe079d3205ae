//! Questions that Amazon Athena answers, over the table that `lake ddl --engine athena` makes of a lake. Nothing here
//! calls Athena: questions and answers go in and out as texts.
//!
//! - [`guard`]: what is sent at all: one statement that reads.
//! - [`question`]: a question as Athena reads it: the table that `events` stands for, values of placeholders.
//! - [`prepared`]: which prepared questions Athena understands.
//! - [`value`]: values as Athena writes them, with their types.
//! - [`coverage`]: what an answer covers.
//! - `tokens`: the words of a statement.

pub mod coverage;
pub mod guard;
pub mod prepared;
pub mod question;
mod tokens;
pub mod value;
