//! Long answers through a pager: `PAGER`, started without a shell.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::cli::failure::CliError;
use crate::cli::output::Content;
use crate::cli::ui::Ui;

/// What is started where PAGER is not set.
const USUAL: &str = "less";
/// What `less` is told where LESS is not set: end where all fits, pass colours on, leave the text on the screen.
const LESS: &str = "FRX";

/// Shows an answer, by the pager where it is longer than the terminal. Where the pager cannot be started, it is
/// printed.
///
/// # Errors
/// Where nothing can be written to standard output.
pub(super) fn show(text: String, ui: &Ui) -> Result<(), CliError> {
    let is_long = ui.height().is_some_and(|height| text.lines().count() >= height);
    let command = std::env::var("PAGER").unwrap_or_else(|_| USUAL.to_owned());
    if is_long && io::stdout().is_terminal() && paged(&text, &command).is_ok() {
        return Ok(());
    }
    ui.print(&[Content::Text(text)])
}

/// Hands a text to a pager and waits until it has ended.
fn paged(text: &str, command: &str) -> io::Result<()> {
    let mut words = command.split_whitespace();
    let program = words.next().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut pager = command.spawn()?;
    if let Some(mut input) = pager.stdin.take() {
        // Whoever has seen enough closes it.
        let _seen_enough = input.write_all(text.as_bytes());
    }
    pager.wait().map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pager_is_words_and_no_shell() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shown");
        paged("all of it\n", &format!("tee {}", file.display())).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "all of it\n");
        let mark = folder.path().join("mark");
        let _refused = paged("x", &format!("true ; touch {}", mark.display()));
        assert!(!mark.exists(), "a shell took it");
        assert!(paged("x", "no-such-pager").is_err() && paged("x", " ").is_err());
        // One that reads nothing is no error.
        paged(&"x".repeat(1 << 20), "true").unwrap();
    }
}
