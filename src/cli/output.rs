//! Where the report of a run goes, and in which formats: `--output` and `--format` as one list.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Common;
use super::catalog::{CatalogEntry, Writes};
use super::failure::CliError;
use super::format::{ENDINGS, Ending, Format};
use crate::files::same_place;
use crate::report::text::json;

/// A report as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, which has its colours taken out where they are not wanted.
    Text(String),
    /// Bytes, written as they are.
    Bytes(Vec<u8>),
}

impl Content {
    /// Returns the text; empty for bytes.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bytes(_) => "",
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Returns the report of a command as JSON.
///
/// # Errors
/// Where a value cannot be written so.
pub(super) fn json_text(report: &impl Serialize) -> Result<String, CliError> {
    json::text(report).map_err(|error| CliError::new("cannot write the report").because(error))
}

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Standard output: `-`.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Target {
    fn of(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdout } else { Self::File(path.to_owned()) }
    }

    /// Tells whether both name one place, also where it is not there yet.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => same_place(one) == same_place(other),
            (one, other) => one == other,
        }
    }
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it goes.
    pub target: Target,
    /// Its format.
    pub format: Format,
}

/// The reports of a run, in the order of the command line; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs(Vec<Output>);

impl Outputs {
    /// Returns one report on standard output.
    pub fn standard(format: Format) -> Self {
        Self(vec![Output { target: Target::Stdout, format }])
    }

    /// Returns one report in a file.
    #[cfg(test)]
    pub fn to_file(path: PathBuf, format: Format) -> Self {
        Self(vec![Output { target: Target::File(path), format }])
    }

    /// Reads the flags of a command.
    ///
    /// # Errors
    /// A format that the command does not have, an ending that names none, two reports for one place, more places than
    /// the command can write to.
    pub fn of(common: &Common, command: &CatalogEntry) -> Result<Self, CliError> {
        let first = command.formats.first().copied().unwrap_or(Format::Human);
        if let Some(format) = common.format {
            must_have(command, format)?;
        }
        if !command.reports_to_output() {
            must_be_one_place(common, command)?;
            return Ok(Self::standard(first));
        }
        let outputs = match &common.output[..] {
            [] => return Ok(Self::standard(common.format.unwrap_or(first))),
            [one] => match common.format {
                Some(format) => vec![Output { target: Target::of(one), format }],
                None => vec![by_ending(one, command, first)?],
            },
            several => {
                let stdout = common.format.unwrap_or(first);
                several.iter().map(|path| by_ending(path, command, stdout)).collect::<Result<Vec<_>, _>>()?
            }
        };
        let is_twice =
            |(at, output): (usize, &Output)| outputs[..at].iter().any(|before| before.target.is(&output.target));
        if let Some((at, _)) = outputs.iter().enumerate().find(|(at, output)| is_twice((*at, output))) {
            let shown = common.output[at].display();
            return Err(CliError::new(format!("two reports would be written to {shown}"))
                .hint("name each file once with --output, and `-` (standard output) once at most"));
        }
        let has_stdout = outputs.iter().any(|output| output.target == Target::Stdout);
        if outputs.len() > 1 && common.format.is_some() && !has_stdout {
            return Err(CliError::new("--format cannot be the format of several files").hint(
                "leave --format out: the ending of each file names its format; with `--output -` among them --format is that of \
                 standard output",
            ));
        }
        Ok(Self(outputs))
    }

    /// Returns them, unless bytes would be written to a terminal.
    ///
    /// # Errors
    /// Where they would be.
    pub fn for_terminal(self, stdout_is_terminal: bool) -> Result<Self, CliError> {
        let is_wrong = |output: &&Output| output.target == Target::Stdout && output.format.is_binary();
        let wrong = self.iter().find(is_wrong).map(|output| output.format.name());
        match wrong.filter(|_| stdout_is_terminal) {
            Some(name) => Err(CliError::new(format!("{name} is nothing for a terminal"))
                .hint(format!("write it to a file: --output FILE.{name}"))),
            None => Ok(self),
        }
    }

    /// Returns them.
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.0.iter()
    }

    /// Returns the files that are written.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|output| match &output.target {
            Target::File(path) => Some(path.as_path()),
            Target::Stdout => None,
        })
    }

    /// Tells whether one of them has this format.
    pub fn has(&self, format: Format) -> bool {
        self.0.iter().any(|output| output.format == format)
    }

    /// Returns the format of a file that is written; `None` where it is not written.
    pub fn format_of(&self, file: &Path) -> Option<Format> {
        let file = Target::File(file.to_owned());
        self.0.iter().find(|output| output.target.is(&file)).map(|output| output.format)
    }

    /// Tells whether one of them goes to standard output.
    pub fn has_stdout(&self) -> bool {
        self.0.iter().any(|output| output.target == Target::Stdout)
    }
}

fn must_have(command: &CatalogEntry, format: Format) -> Result<(), CliError> {
    if command.formats.contains(&format) { Ok(()) } else { Err(no_report(command, format)) }
}

impl Format {
    /// Says that a command, by its name, has no report of this format.
    pub(super) fn unknown_to(self, command: &str) -> CliError {
        match CatalogEntry::of(command) {
            Some(entry) => no_report(entry, self),
            None => CliError::new(format!("there is no {} report", self.name())),
        }
    }
}

/// Says that a command has no report of this format, and which ones it has.
fn no_report(command: &CatalogEntry, format: Format) -> CliError {
    let list = Format::list(command.formats);
    let formats = if command.formats.len() > 1 { "the formats are" } else { "the only format is" };
    CliError::new(format!("there is no {} report of {}", format.name(), command.name)).hint(format!("{formats} {list}"))
}

/// Returns the report for one of the places of `--output`. A name without an ending says nothing of the format.
fn by_ending(path: &Path, command: &CatalogEntry, plain: Format) -> Result<Output, CliError> {
    let target = Target::of(path);
    let is_plain = |ending: &Ending| match ending {
        Ending::None => true,
        // A source's file is called what its reader wants: `orgtrail.tf`, `_orgtrail`.
        Ending::Unknown(_) | Ending::Names(Format::Human) => command.writes == Writes::Source,
        Ending::Names(_) => false,
    };
    let format = match Ending::of(path) {
        _ if target == Target::Stdout => plain,
        Ending::None if command.formats.contains(&Format::Human) => Format::Human,
        ending if is_plain(&ending) => plain,
        Ending::Names(format) => {
            must_have(command, format)?;
            format
        }
        Ending::None | Ending::Unknown(_) => {
            let known = ENDINGS.iter().filter(|(_, format)| command.formats.contains(format));
            let known: Vec<&str> = known.map(|(ending, _)| *ending).collect();
            let shown = path.display();
            return Err(CliError::new(format!(
                "the ending of {shown} names no format that `orgtrail {}` writes",
                command.name
            ))
            .hint(format!("the endings are {}; or name the format with --format", known.join(", "))));
        }
    };
    Ok(Output { target, format })
}

fn must_be_one_place(common: &Common, command: &CatalogEntry) -> Result<(), CliError> {
    let what = if command.writes == Writes::Folder { "folder" } else { "file" };
    let refused = |what: String| {
        Err(CliError::new(what).hint(format!("name one: `orgtrail {} --output {}`", command.name, what_of(command))))
    };
    match &common.output[..] {
        [one] if Target::of(one) == Target::Stdout => {
            refused(format!("{} writes to a {what}, not to standard output", command.name))
        }
        [] | [_] => Ok(()),
        _ => refused(format!("{} writes to one {what}, and several are named", command.name)),
    }
}

fn what_of(command: &CatalogEntry) -> &'static str {
    if command.writes == Writes::Folder { "DIR" } else { "FILE" }
}
