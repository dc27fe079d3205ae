//! The command line: one file a command, arguments in, report out.

pub mod coverage;
pub mod logs;
pub mod outcome;
pub mod schema;
pub mod validate;
pub mod verify;
