//! `orgtrail explore`: the archive in a browser on this machine.

mod desk;
mod search;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::asked::{self, AskedArgs};
use super::failure::CliError;
use super::outcome::Outcome;
use super::output::Content;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format, signal};
use crate::explorer::access::Access;
use crate::explorer::{listen, serve};
use crate::files;
use crate::query::error::SQL_BYTES_MAX;
use crate::query::prepared::Prepared;
use desk::Desk;

/// What `--timeout` is here.
const TIMEOUT: &str = "Stop making a page after this long [default: 1m]";
/// What `--max-memory` is here.
const MEMORY: &str = "Use at most this much memory for all pages [default: 512MiB]";
/// The most files of questions that are read.
const QUERIES_MAX: usize = 500;

/// Show the archive in a browser on this machine: events, who did it, SQL.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("timeout", |timeout| timeout.help(TIMEOUT).hide_short_help(false)),
    mut_arg("max_memory", |memory| memory.help(MEMORY).long_help(MEMORY)),
    mut_arg("max_bytes", |most| most.long_help("Read at most this much for one question of a page [default: 10GiB]\n\nOf the log files as they are stored, compressed; 0 is no limit."))
)]
pub struct ExploreArgs {
    /// Listen on this port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Offer the questions of this folder beside the prepared ones
    ///
    /// Each file NAME.sql has one question; comments at its top may describe it, as in those of --list.
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,
    /// Which events are looked at.
    #[command(flatten)]
    pub asked: AskedArgs,
}

/// Runs the command until it is told to stop.
pub(super) async fn run(common: &Common, args: &ExploreArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    if ui.outputs().files().next().is_some() || ui.outputs().iter().any(|one| one.format != Format::Human) {
        return Err(CliError::new("--output and --format do nothing here: the answers are pages in a browser")
            .hint("leave them out, or ask with `orgtrail query` or `orgtrail who`"));
    }
    let mut prepared = Prepared::all();
    if let Some(folder) = &args.queries {
        prepared.extend(own(folder, &prepared)?);
        prepared.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let logs = Box::pin(asked::logs(common, &args.asked, ui)).await?;
    let archive = Box::pin(asked::archive(&args.asked, &logs)).await?.keeping();
    let desk = Arc::new(Desk::new(args, logs, archive, prepared)?);
    let wanted = args.port.unwrap_or(0);
    let taken = |error| {
        CliError::new(format!("cannot listen on port {wanted} of 127.0.0.1"))
            .because(error)
            .hint("leave --port out to take a free one")
    };
    let listener = listen(wanted).await.map_err(taken)?;
    // Port 0 is any free one: which, only the listener knows.
    let port = listener.local_addr().map_err(taken)?.port();
    let (access, first) = Access::new(port).map_err(|error| CliError::new(error.to_string()))?;
    ui.print(&[Content::Text(format!("http://127.0.0.1:{port}{first}\n"))])?;
    ui.note(
        "Open this address in a browser. It gives access to the archive: keep it to yourself. Ctrl-C ends the program.",
    );
    tokio::select! {
        never = serve(listener, access, desk) => match never {},
        () = signal::told_to_stop() => {}
    }
    Ok(CommandOutput::one("", Outcome::Clean, Summary::default()))
}

/// Reads the questions of a folder.
fn own(folder: &Path, known: &[Prepared]) -> Result<Vec<Prepared>, CliError> {
    let shown = folder.display().to_string();
    let failed = |error: std::io::Error| {
        CliError::new(format!("cannot read the questions of {shown}"))
            .because(error)
            .hint("name a folder with files that end in .sql")
    };
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|ending| ending != "sql") {
            continue;
        }
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if all.len() >= QUERIES_MAX || known.iter().any(|own| own.name == name) {
            let why = format!("{name} is a prepared question already, or there are more than {QUERIES_MAX} files");
            return Err(CliError::new(format!("cannot offer {}", path.display())).hint(why));
        }
        let bad = || CliError::new(format!("cannot use the question in {}", path.display()));
        let text = files::read_text(&path, SQL_BYTES_MAX as u64 + 1).map_err(|error| bad().because(error))?;
        let mut own = Prepared::of_file(&name, &text).map_err(|error| bad().because(error))?;
        if own.title.is_empty() {
            own.title.clone_from(&name);
        }
        all.push(own);
    }
    Ok(all)
}
