//! `orgtrail completions`: prints the completions of a shell.

use clap_complete::Shell;

use super::Answer;
use super::outcome::Outcome;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args, command: &mut clap::Command) -> Answer {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "orgtrail", &mut text);
    Answer::new(String::from_utf8_lossy(&text), Outcome::Clean)
}
