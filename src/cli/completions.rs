//! `orgtrail completions`: prints the completions of a shell.

use clap_complete::Shell;

use super::CommandOutput;
use super::outcome::Outcome;
use super::summary::Summary;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// Print the completions of this shell
    pub shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs, command: &mut clap::Command) -> CommandOutput {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "orgtrail", &mut text);
    CommandOutput::one(String::from_utf8_lossy(&text), Outcome::Clean, Summary::default())
}
