//! The line that is typed: editing, history, completion.

use std::fs;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use super::completion::Completion;
use super::statement;
use crate::cli::failure::CliError;
use crate::cli::ui::Ui;

const PROMPT: &str = "orgtrail> ";
/// How many statements are kept.
const HISTORY_MAX: usize = 10_000;

/// What came of reading.
#[derive(Debug)]
pub(super) enum Typed {
    /// A command, or statements.
    Text(String),
    /// Ctrl-C: what was typed does not count.
    Dropped,
    /// Ctrl-D, or the terminal went away.
    End,
}

/// Reads what is typed.
pub(super) struct Editor {
    line: rustyline::Editor<Typing, FileHistory>,
    /// `None`: nothing is kept, since the user has no state folder or it cannot be written.
    history: Option<PathBuf>,
}

impl Editor {
    /// Takes the terminal, and the history of earlier shells.
    ///
    /// # Errors
    /// Where it is no terminal that lines can be edited in.
    pub(super) fn open(completion: Completion, ui: &Ui) -> Result<Self, CliError> {
        let failed = |error: ReadlineError| CliError::new("cannot read from the terminal").because(error);
        let config =
            Config::builder().max_history_size(HISTORY_MAX).and_then(|config| config.history_ignore_dups(true));
        let config = config.map_err(failed)?.auto_add_history(true).completion_type(CompletionType::List).build();
        let mut line = rustyline::Editor::with_config(config).map_err(failed)?;
        line.set_helper(Some(Typing(completion)));
        let history = usual_history().filter(|file| match make_folder(file) {
            Ok(()) => true,
            Err(error) => {
                ui.note(&format!("what is asked is not kept: cannot make the folder of {}: {error}", file.display()));
                false
            }
        });
        if let Some(file) = history.as_ref().filter(|file| file.is_file()) {
            // A history that cannot be read is as good as none.
            let _none = line.load_history(file);
        }
        Ok(Self { line, history })
    }

    /// Reads a command or whole statements. Waits for whoever types.
    ///
    /// # Errors
    /// Where the terminal cannot be read.
    pub(super) fn read(&mut self) -> Result<Typed, CliError> {
        match self.line.readline(PROMPT) {
            Ok(text) => {
                if let Some(file) = &self.history {
                    // The answer is more than its place in the history.
                    let _not_kept = self.line.append_history(file);
                }
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Dropped),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(CliError::new("cannot read from the terminal").because(error)),
        }
    }
}

/// Returns where the history lies by custom: in the user's state folder (XDG Base Directory Specification).
fn usual_history() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("orgtrail/query-history"))
}

/// Makes the folder of the history, for its owner alone. The file itself is made so by the editor.
fn make_folder(file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// What is looked up while something is typed.
struct Typing(Completion);

impl Helper for Typing {}

impl Completer for Typing {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.of(line, at))
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match statement::is_complete(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for Typing {}

impl Hinter for Typing {
    type Hint = String;
}
