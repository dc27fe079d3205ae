//! The formats of reports, and the endings of files that name them.

use std::path::Path;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ValueEnum};

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    #[value(alias = "table")]
    Human,
    /// For programs; the same bytes for the same content
    Json,
    /// One line of JSON for each finding, as soon as it is known
    Jsonl,
    /// For spreadsheets
    Csv,
    /// For comments of pull requests and tickets
    Markdown,
    /// One page that needs nothing else
    Html,
    /// For analysis: columns with their types, in a file
    Parquet,
    /// For code scanning
    Sarif,
    /// For the test view of a CI system
    Junit,
    /// Findings of the Open Cybersecurity Schema Framework
    Ocsf,
    /// Findings for AWS Security Hub
    Asff,
}

/// How the names of files end, and the format that each ending names; the first that fits counts.
pub const ENDINGS: [(&str, Format); 13] = [
    (".ocsf.json", Format::Ocsf),
    (".asff.json", Format::Asff),
    (".sarif.json", Format::Sarif),
    (".json", Format::Json),
    (".jsonl", Format::Jsonl),
    (".csv", Format::Csv),
    (".md", Format::Markdown),
    (".html", Format::Html),
    (".parquet", Format::Parquet),
    (".sarif", Format::Sarif),
    (".xml", Format::Junit),
    (".txt", Format::Human),
    (".log", Format::Human),
];

/// What the name of a file says of the format of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It has no ending.
    None,
    /// It names a format.
    Names(Format),
    /// It has an ending that names none, without the dot.
    Unknown(String),
}

impl Ending {
    /// Returns the ending of a file.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = ENDINGS.iter().find(|(ending, _)| name.len() > ending.len() && name.ends_with(ending));
        match (known, path.extension()) {
            (Some((_, format)), _) => Self::Names(*format),
            (None, Some(extension)) => Self::Unknown(extension.to_string_lossy().into_owned()),
            (None, None) => Self::None,
        }
    }
}

impl Format {
    /// Returns the name, as `--format` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Parquet => "parquet",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Ocsf => "ocsf",
            Format::Asff => "asff",
        }
    }

    /// Tells whether it is bytes and no text, so that it is nothing for a terminal.
    pub fn is_binary(self) -> bool {
        self == Format::Parquet
    }

    /// Returns the names of several formats as a list: `human, json and html`.
    pub fn list(formats: &[Format]) -> String {
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        match names.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
            _ => names.concat(),
        }
    }
}

/// Reads `--format`. It offers the formats of one command; another format is read too, so that the command itself can
/// refuse it and say which ones it has.
#[derive(Clone)]
pub struct FormatParser(pub &'static [Format]);

impl TypedValueParser for FormatParser {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Format, clap::Error> {
        EnumValueParser::<Format>::new().parse_ref(command, arg, value).map_err(|_| {
            // The parser of the offered names says which ones there are.
            let names: Vec<&str> = self.0.iter().map(|format| format.name()).collect();
            let refused = clap::builder::PossibleValuesParser::new(names).parse_ref(command, arg, value);
            refused.err().unwrap_or_else(|| clap::Error::new(ErrorKind::InvalidValue))
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        // Only answers to questions have columns with types; their lines of JSON are rows.
        let has_rows = self.0.contains(&Format::Parquet);
        Some(Box::new(self.0.iter().filter_map(move |format| {
            match format {
                Format::Jsonl if has_rows => Some(
                    PossibleValue::new(Format::Jsonl.name())
                        .help("One line of JSON for each row, and a last one of what the answer covers"),
                ),
                format => format.to_possible_value(),
            }
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_name_tells_the_format() {
        for (name, ending) in [
            ("plan.md", Ending::Names(Format::Markdown)),
            ("out/PLAN.HTML", Ending::Names(Format::Html)),
            ("check.asff.json", Ending::Names(Format::Asff)),
            ("check.json", Ending::Names(Format::Json)),
            ("report", Ending::None),
            (".json", Ending::None),
            ("/dev/fd/63", Ending::None),
            ("report.pdf", Ending::Unknown("pdf".into())),
        ] {
            assert_eq!(Ending::of(Path::new(name)), ending, "{name}");
        }
    }

    #[test]
    fn formats_are_listed_as_people_do() {
        assert_eq!(Format::list(&[Format::Human]), "human");
        assert_eq!(Format::list(&[Format::Human, Format::Json, Format::Html]), "human, json and html");
    }
}
