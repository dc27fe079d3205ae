//! Who named a file: the command line, the environment, or custom.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Who named a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NamedBy {
    /// None: it is where it lies by custom, and may be missing.
    #[default]
    Nobody,
    /// A variable of the environment.
    Environment,
    /// The command line.
    CommandLine,
}

impl NamedBy {
    /// Returns who named the file of an argument.
    pub(super) fn of(matches: &ArgMatches, argument: &str) -> Self {
        match matches.try_contains_id(argument).ok().and_then(|_| matches.value_source(argument)) {
            Some(ValueSource::CommandLine) => Self::CommandLine,
            Some(ValueSource::EnvVariable) => Self::Environment,
            _ => Self::Nobody,
        }
    }
}
