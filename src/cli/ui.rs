//! Standard output is the answer, standard error is the conversation.
//!
//! What belongs here: colours, the width of the terminal, progress, questions, and where a report is written.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::AutoStream;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;

use super::Common;
use super::failure::CliError;
use super::format::Format;
use super::output::{Content, Outputs, Target};
use crate::cloud::Progress;
use crate::files::{self, Readers, same_place};
use crate::report::text::escape;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<ColorChoice> for anstream::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// Columns of a report that goes to no terminal.
const WIDTH_DEFAULT: usize = 100;

/// The terminal, or what stands in for it.
pub struct Ui {
    color: anstream::ColorChoice,
    outputs: Outputs,
    quiet: bool,
    verbose: u8,
    log_format: LogFormat,
    bar: Bar,
}

impl Ui {
    /// Reads the flags. `outputs` is where the report goes.
    pub fn new(common: &Common, outputs: Outputs) -> Self {
        let Common { quiet, verbose, log_format, color, .. } = common;
        Self {
            color: (*color).into(),
            outputs,
            quiet: *quiet,
            verbose: *verbose,
            log_format: *log_format,
            bar: Bar::default(),
        }
    }

    /// Sends the log to standard error: warnings, with -v what is done, with -vv every call.
    pub fn start_log(&self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => "off",
            (false, 0) => "off,orgtrail=error",
            (false, 1) => "off,orgtrail=info",
            (false, _) => "off,orgtrail=debug",
        };
        let filter = self.filter(level);
        let ansi = self.color != anstream::ColorChoice::Never && io::stderr().is_terminal();
        let bar = self.bar.clone();
        let writer = move || LogWriter(bar.clone());
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(ansi);
        // A second start (in tests) keeps the first log.
        let _ = match self.log_format {
            LogFormat::Text => log.try_init(),
            LogFormat::Json => log.json().with_ansi(false).flatten_event(true).try_init(),
        };
    }

    /// Adds to what the flags show what ORGTRAIL_LOG names; of one target, ORGTRAIL_LOG decides.
    fn filter(&self, level: &str) -> EnvFilter {
        let more = std::env::var("ORGTRAIL_LOG").unwrap_or_default();
        if more.trim().is_empty() {
            return EnvFilter::new(level);
        }
        EnvFilter::try_new(format!("{level},{more}")).unwrap_or_else(|error| {
            self.note(&format!("ORGTRAIL_LOG is not a filter of the log and is ignored: {error}"));
            EnvFilter::new(level)
        })
    }

    /// Returns the columns of the terminal that a report goes to.
    pub fn width(&self) -> usize {
        let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
        let on_terminal = self.outputs.has_stdout() && io::stdout().is_terminal();
        let asked = on_terminal.then(|| usize::from(console_width())).filter(|width| *width > 0);
        told.or(asked).unwrap_or(WIDTH_DEFAULT).clamp(40, 160)
    }

    /// Returns the lines of the terminal. `None` where standard output is none.
    pub fn height(&self) -> Option<usize> {
        let (lines, _) = dialoguer::console::Term::stdout().size_checked()?;
        Some(usize::from(lines)).filter(|lines| *lines > 0)
    }

    /// Tells whether more was asked for.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Returns where the report goes.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Makes the report in the format of each output.
    ///
    /// # Errors
    /// Those of `text`.
    pub fn render<T: Into<Content>>(
        &self,
        report: impl Fn(Format) -> Result<T, CliError>,
    ) -> Result<Vec<Content>, CliError> {
        self.outputs.iter().map(|output| report(output.format).map(Into::into)).collect()
    }

    /// Writes the reports of the outputs, in their order: the files whole, and all of them or none, then standard
    /// output. One report alone is that of all.
    ///
    /// # Errors
    /// A file or a stream that cannot be written. A reader that went away is no error.
    pub fn print(&self, reports: &[Content]) -> Result<(), CliError> {
        self.print_without(reports, None)
    }

    /// Writes the reports of the outputs, without that of one file.
    ///
    /// # Errors
    /// A file or a stream that cannot be written. A reader that went away is no error.
    pub fn print_without(&self, reports: &[Content], left_out: Option<&Path>) -> Result<(), CliError> {
        let nothing = Content::Text(String::new());
        let report = |at: usize| reports.get(at).or(reports.last()).unwrap_or(&nothing);
        let (mut files, mut stdout) = (Vec::new(), None);
        for (at, output) in self.outputs.iter().enumerate() {
            match &output.target {
                Target::Stdout => stdout = Some(report(at)),
                Target::File(path) if left_out.is_some_and(|left| same_place(left) == same_place(path)) => {}
                Target::File(path) => files.push((path.as_path(), plain(report(at)))),
            }
        }
        let files: Vec<(&Path, &[u8])> = files.iter().map(|(path, bytes)| (*path, bytes.as_ref())).collect();
        files::write_all(&files, Readers::Owner).map_err(|(path, error)| cannot_write(path, error))?;
        let written = match stdout {
            None => Ok(()),
            Some(Content::Text(text)) => write_until_closed(AutoStream::new(io::stdout(), self.color), text.as_bytes()),
            Some(Content::Bytes(bytes)) => write_until_closed(io::stdout(), bytes),
        };
        written.map_err(|error| CliError::new("cannot write to standard output").because(error))
    }

    /// Makes sure that the files of `--output` can be written, for a command whose report cannot be made again.
    ///
    /// # Errors
    /// Where a folder does not exist or is not writable, and for a folder.
    pub fn must_be_writable(&self) -> Result<(), CliError> {
        self.outputs.files().try_for_each(|path| {
            try_to_write(path).map_err(|error| {
                CliError::new(format!("cannot write {}; nothing was changed", path.display())).because(error)
            })
        })
    }

    /// Returns standard output, for an answer that is written while it is made.
    pub fn out(&self) -> Box<dyn Write + Send> {
        Box::new(AutoStream::new(io::stdout(), self.color))
    }

    /// Tells whether an answer may be coloured.
    pub fn is_coloured(&self) -> bool {
        self.outputs.has_stdout()
            && AutoStream::new(io::stdout(), self.color).current_choice() != anstream::ColorChoice::Never
    }

    /// Prints an error.
    pub fn print_failure(&self, failure: &CliError) {
        self.end_progress();
        let mut err = AutoStream::new(io::stderr(), self.color);
        if let Some(page) = &failure.page {
            // The renderer of snippets has made the file's text inert, and its own colours are wanted.
            let _ = writeln!(err, "{}", page.trim_end());
            return;
        }
        // AWS's words and the texts of files are in it; its own lines stay lines.
        let text = failure.to_string();
        for line in text.lines() {
            // Nobody is left to tell when this cannot be printed.
            let _ = writeln!(err, "{}", escape::terminal(line));
        }
    }

    /// Says something beside the answer.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let say = || writeln!(AutoStream::new(io::stderr(), self.color), "{text}");
            let bar = self.bar.lock().clone();
            let _ = bar.map_or_else(say, |bar| bar.suspend(say));
        }
    }

    /// Asks a question that only a person may answer.
    ///
    /// # Errors
    /// Where nobody can be asked: the flag that answers it is named.
    pub fn confirm(&self, question: &str, flag: &str) -> Result<bool, CliError> {
        self.end_progress();
        if !self.is_interactive() {
            return Err(CliError::new(format!("confirmation needed, but this is not a terminal: {question}"))
                .hint(format!("review the plan, then pass {flag}")));
        }
        let prompt = dialoguer::Confirm::new().with_prompt(question).default(false);
        prompt.interact().map_err(|error| CliError::new("cannot ask").because(error))
    }

    /// Tells whether a person is there who can be asked.
    pub fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a text. `check` says what is wrong with an answer; the question is then asked again.
    ///
    /// # Errors
    /// Where the terminal goes away.
    pub fn ask(
        &self,
        question: &str,
        default: Option<String>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, CliError> {
        self.end_progress();
        let mut prompt = dialoguer::Input::<String>::new().with_prompt(question);
        if let Some(default) = default {
            prompt = prompt.default(default);
        }
        let check = |text: &String| check(text).map_err(|why| escape::terminal(&why).into_owned());
        let prompt = prompt.validate_with(check);
        prompt.interact_text().map_err(|error| CliError::new("cannot ask").because(error))
    }

    /// Shows how far something is, as [`Progress::step`] does, and more about it behind that.
    pub fn step_with(&self, what: &str, done: u64, total: u64, more: &str) {
        // Whoever reads lines of JSON is no person.
        if self.quiet || self.log_format == LogFormat::Json {
            return;
        }
        let mut bar = self.bar.lock();
        let bar = bar.get_or_insert_with(|| {
            // Hidden by itself where standard error is no terminal.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_style(
                ProgressStyle::with_template("{spinner} {msg} {bar:30} {pos}/{len} {elapsed} {prefix}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        show_step(bar, what, done, total);
        bar.set_prefix(escape::terminal(more).into_owned());
    }

    /// Takes the progress bar away.
    pub fn end_progress(&self) {
        if let Some(bar) = self.bar.lock().take() {
            bar.finish_and_clear();
        }
    }
}

/// The progress bar, while there is one; the log knows it too, so that its lines go above it.
#[derive(Debug, Clone, Default)]
struct Bar(Arc<Mutex<Option<ProgressBar>>>);

impl Bar {
    fn lock(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the log to standard error. While a progress bar is drawn there it is taken away for each line, and drawn anew
/// below.
struct LogWriter(Bar);

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let bar = self.0.lock().clone();
        match bar {
            Some(bar) => bar.suspend(|| io::stderr().write_all(line)),
            None => io::stderr().write_all(line),
        }?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Progress for Ui {
    fn step(&self, what: &str, done: usize, total: usize) {
        self.step_with(what, done as u64, total as u64, "");
    }
}

fn show_step(bar: &ProgressBar, what: &str, done: u64, total: u64) {
    let what = escape::terminal(what);
    if bar.message() != what || bar.length() != Some(total) {
        bar.reset();
        bar.set_message(what.into_owned());
        bar.set_length(total);
    }
    // Steps that run side by side may tell their ends in another order.
    if done > bar.position() {
        bar.set_position(done);
    }
}

fn console_width() -> u16 {
    dialoguer::console::Term::stdout().size_checked().map_or(0, |(_, columns)| columns)
}

/// Returns a report as a file has it: without colours.
fn plain(report: &Content) -> Cow<'_, [u8]> {
    match report {
        Content::Text(text) => Cow::Owned(anstream::adapter::strip_str(text).to_string().into_bytes()),
        Content::Bytes(bytes) => Cow::Borrowed(bytes),
    }
}

/// Writes all of a report; a reader that has seen enough (`| head`) is a clean end.
fn write_until_closed(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn try_to_write(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => Ok(()),
        _ => files::NewFile::at(path, Readers::Umask).map(drop),
    }
}

/// Writes a file whole or not at all ([`files`]).
///
/// # Errors
/// Where the folder does not exist, is not writable or is full.
pub fn write_file(path: &Path, text: &str, readers: Readers) -> Result<(), CliError> {
    files::write(path, text.as_bytes(), readers).map_err(|error| cannot_write(path, error))
}

fn cannot_write(path: &Path, error: io::Error) -> CliError {
    CliError::new(format!("cannot write {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writing_to(output: PathBuf) -> Ui {
        let color = anstream::ColorChoice::Never;
        let outputs = Outputs::to_file(output, Format::Human);
        Ui { color, outputs, quiet: false, verbose: 0, log_format: LogFormat::Text, bar: Bar::default() }
    }

    #[test]
    fn a_closed_pipe_is_a_clean_end_and_a_full_disk_is_not() {
        assert!(write_until_closed(Closed(ErrorKind::BrokenPipe), b"x").is_ok());
        assert!(write_until_closed(Closed(ErrorKind::StorageFull), b"x").is_err());
    }

    #[test]
    fn the_output_file_is_replaced_as_a_whole_and_without_colours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.txt");
        std::fs::write(&path, "old").unwrap();
        writing_to(path.clone()).print(&["\u{1b}[31mnew\u{1b}[0m\n".to_owned().into()]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn an_output_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failure = writing_to(folder.path().join("missing/report.txt")).print(&["x".to_owned().into()]).unwrap_err();
        assert!(failure.what.contains("missing/report.txt"), "{failure}");
        assert_eq!(failure.causes.len(), 1, "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_output_file_is_its_owners_alone_and_an_old_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        writing_to(path.clone()).print(&["new".to_owned().into()]).unwrap();
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        writing_to(path.clone()).print(&["newer".to_owned().into()]).unwrap();
        assert_eq!(mode(), 0o644);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_into() {
        write_file(Path::new("/dev/null"), "x", Readers::Umask).unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }

    #[test]
    fn a_question_where_nobody_is_names_the_flag() {
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            // Run by hand: somebody is there.
            return;
        }
        let failure = writing_to(PathBuf::new()).confirm("apply?", "--yes").unwrap_err();
        assert!(failure.to_string().contains("--yes"), "{failure}");
    }

    #[test]
    fn the_bar_goes_forward_only_and_begins_again_for_something_else() {
        let bar = ProgressBar::hidden();
        show_step(&bar, "accounts", 5, 10);
        show_step(&bar, "accounts", 3, 10);
        assert_eq!((bar.position(), bar.length()), (5, Some(10)));
        show_step(&bar, "changes\u{1b}[2J", 1, 4);
        assert_eq!((bar.position(), bar.length()), (1, Some(4)));
        assert_eq!(bar.message(), "changes\\u{1b}[2J");
    }
}
