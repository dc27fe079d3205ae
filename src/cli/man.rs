//! `orgtrail man`: writes a manual page for the program and one for each command.

use super::failure::CliError;
use super::outcome::Outcome;
use super::summary::Summary;
use super::{CommandOutput, Common};

/// Runs the command.
pub fn run(common: &Common, command: clap::Command) -> Result<CommandOutput, CliError> {
    let Some(folder) = common.place() else {
        return Err(CliError::new("no folder to write to").hint("name one: `orgtrail man --output DIR`"));
    };
    let failed = |error| CliError::new(format!("cannot write manual pages to {}", folder.display())).because(error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    Ok(CommandOutput::one(
        String::new(),
        Outcome::Clean,
        Summary::new("Manual", &format!("written to {}", folder.display())),
    ))
}
