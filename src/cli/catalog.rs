//! The one table of commands: the group that help shows them in, the formats of their reports, and the options that do
//! something for them.

use super::format::Format::{self, Asff, Html, Human, Json, Jsonl, Junit, Markdown, Ocsf, Sarif};

/// What a command is for; help shows the commands by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Before the first change.
    SetUp,
    /// Plans and changes.
    Change,
    /// What is run again and again.
    Watch,
    /// Answers for auditors.
    Prove,
    /// Answers for everybody else.
    Understand,
}

impl Group {
    /// All groups, in the order in which help shows them.
    pub const ALL: [Self; 5] = [Self::SetUp, Self::Change, Self::Watch, Self::Prove, Self::Understand];

    /// Returns the heading in help.
    pub fn heading(self) -> &'static str {
        match self {
            Self::SetUp => "Set up",
            Self::Change => "Change",
            Self::Watch => "Watch",
            Self::Prove => "Prove",
            Self::Understand => "Understand",
        }
    }
}

/// What `--output` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Files for the report, each in the format that its ending names.
    Reports,
    /// Files for a document that is no report and has one format.
    Document,
    /// Files for what another program reads, whose names that program decides: `orgtrail.tf`, `_orgtrail`.
    Source,
    /// One file that the command writes itself, beside its report.
    File,
    /// One folder that the command fills, beside its report.
    Folder,
}

/// What a command reads, beside the files that its own options name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: its global options do nothing.
    Nothing,
    /// The configuration.
    Configuration,
    /// AWS, or a recorded estate.
    Aws,
}

/// One command.
#[derive(Debug)]
pub struct CatalogEntry {
    /// Its name; of a command of a command both words: `lake update`.
    pub name: &'static str,
    /// Where help shows it.
    pub group: Group,
    /// The formats of its report; the first is the one that it has when none is asked for.
    pub formats: &'static [Format],
    /// What `--output` names.
    pub writes: Writes,
    /// What it reads.
    pub reads: Reads,
    /// Whether its reports are made from `templates/`.
    pub has_templates: bool,
}

const PLAN: &[Format] = &[Human, Json, Markdown, Html, Sarif, Junit];
const LOGS: &[Format] = &[Human, Json, Jsonl, Markdown, Html];
const TEXT: &[Format] = &[Human];
const DATA: &[Format] = &[Json];
#[cfg(feature = "sql")]
const ANSWERS: &[Format] = &[Human, Format::Csv, Json, Jsonl, Markdown, Html, Format::Parquet];
#[cfg(feature = "sql")]
const ANSWERED: &[Format] = &[Human, Json, Markdown, Html];
#[cfg(feature = "sql")]
const PAGES: &[Format] = &[Human, Json, Html];
#[cfg(feature = "sql")]
const FOUND: &[Format] = &[Human, Json, Markdown, Ocsf];
#[cfg(feature = "sql")]
const WRITTEN: &[Format] = &[Human, Json, Markdown];
const BOTH: &[Format] = &[Human, Json];

/// All commands, in the order in which help shows those of a group.
pub const COMMANDS: &[CatalogEntry] = &[
    document("init", Group::SetUp, TEXT, Writes::File, Reads::Aws),
    document("validate", Group::SetUp, TEXT, Writes::Document, Reads::Configuration),
    document("permissions", Group::SetUp, DATA, Writes::Document, Reads::Configuration),
    document("schema", Group::SetUp, DATA, Writes::Document, Reads::Nothing),
    document("completions", Group::SetUp, TEXT, Writes::Source, Reads::Nothing),
    document("man", Group::SetUp, TEXT, Writes::Folder, Reads::Nothing),
    report("plan", Group::Change, PLAN, true),
    report("apply", Group::Change, &[Human, Json, Markdown], true),
    document("render", Group::Change, TEXT, Writes::Folder, Reads::Aws),
    document("export", Group::Change, TEXT, Writes::Source, Reads::Aws),
    report("drift", Group::Watch, PLAN, true),
    report("reconcile", Group::Watch, BOTH, false),
    report("coverage", Group::Watch, LOGS, false),
    report("verify", Group::Prove, LOGS, false),
    report("access", Group::Prove, BOTH, false),
    report("check", Group::Prove, &[Human, Json, Markdown, Html, Ocsf, Asff], true),
    #[cfg(feature = "sql")]
    report("query", Group::Understand, ANSWERS, false),
    #[cfg(feature = "sql")]
    report("who", Group::Understand, ANSWERED, false),
    #[cfg(feature = "sql")]
    report("dashboard", Group::Understand, PAGES, false),
    #[cfg(feature = "sql")]
    report("detect", Group::Watch, FOUND, false),
    #[cfg(feature = "sql")]
    document("explore", Group::Understand, TEXT, Writes::Document, Reads::Aws),
    #[cfg(feature = "sql")]
    report("lake update", Group::Watch, WRITTEN, false),
    #[cfg(feature = "sql")]
    report("lake status", Group::Watch, &[Human, Format::Csv, Json, Markdown], false),
    #[cfg(feature = "sql")]
    document("lake ddl", Group::Understand, TEXT, Writes::Source, Reads::Aws),
    #[cfg(feature = "sql")]
    report("lake check", Group::Prove, WRITTEN, false),
    report("discover", Group::Understand, BOTH, false),
    report("explain", Group::Understand, BOTH, false),
    document("snapshot", Group::Understand, DATA, Writes::Document, Reads::Aws),
    document("demo", Group::Understand, TEXT, Writes::Folder, Reads::Nothing),
];

const fn report(name: &'static str, group: Group, formats: &'static [Format], has_templates: bool) -> CatalogEntry {
    CatalogEntry { name, group, formats, writes: Writes::Reports, reads: Reads::Aws, has_templates }
}

const fn document(
    name: &'static str,
    group: Group,
    formats: &'static [Format],
    writes: Writes,
    reads: Reads,
) -> CatalogEntry {
    CatalogEntry { name, group, formats, writes, reads, has_templates: false }
}

impl CatalogEntry {
    /// Returns the command of a name; `None` where there is none.
    pub fn of(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|entry| entry.name == name)
    }

    /// Returns the words of its name.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.name.split(' ')
    }

    /// Tells whether `--output` names the files of the report, rather than something that the command writes itself.
    pub fn reports_to_output(&self) -> bool {
        matches!(self.writes, Writes::Reports | Writes::Document | Writes::Source)
    }
}
