//! The command line: one file a command, arguments in, report out.

pub mod outcome;
pub mod schema;
pub mod validate;
