//! The only table of exit codes.

use std::process::ExitCode;

/// How a command ended. Where a run is both, the finding wins and the report says that it is partial too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All is as it should be.
    Clean,
    /// Some accounts or objects could not be read or changed, or something is unproven.
    Partial,
    /// Changes are pending, something drifted, or logs are not isolated or were tampered with.
    Finding,
}

impl Outcome {
    /// Returns the exit code: 0 clean, 2 finding, 3 partial.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Finding => 2,
            Outcome::Partial => 3,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome.code())
    }
}

/// The exit code of an error after which nothing more was done, usage errors included. Clap's own code 2 would read as
/// drift.
pub const ERROR_CODE: u8 = 1;
