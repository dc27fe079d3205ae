//! The command line: one file a command, arguments in, report out.

pub mod outcome;
