//! What is wrong with a file: findings with their places, as data and as text with snippets.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, normalize_untrusted_str};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::inert;
use super::place::Lines;

/// The kinds of findings; stable, so that machines can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Code {
    /// The text is not YAML, or uses a part of YAML that a configuration does not need.
    Yaml,
    /// The file is too large or too deep to be a configuration.
    TooLarge,
    /// A field stands twice in one place.
    DuplicateField,
    /// The file is written in a format that this version does not know.
    UnsupportedVersion,
    /// A field that the schema does not have.
    UnknownField,
    /// A field that must be there is not.
    MissingField,
    /// A value of another type, such as a number instead of a text.
    WrongType,
    /// A value that is not allowed.
    WrongValue,
    /// A template that cannot be filled in.
    BadTemplate,
    /// A name that AWS would refuse.
    BadName,
    /// A region that does not exist.
    UnknownRegion,
    /// Two values that do not go together.
    Conflict,
    /// A remark, not an error: what members choose themselves decides.
    ChosenByMembers,
}

impl Code {
    /// Returns the code as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Yaml => "yaml",
            Code::TooLarge => "too-large",
            Code::DuplicateField => "duplicate-field",
            Code::UnsupportedVersion => "unsupported-version",
            Code::UnknownField => "unknown-field",
            Code::MissingField => "missing-field",
            Code::WrongType => "wrong-type",
            Code::WrongValue => "wrong-value",
            Code::BadTemplate => "bad-template",
            Code::BadName => "bad-name",
            Code::UnknownRegion => "unknown-region",
            Code::Conflict => "conflict",
            Code::ChosenByMembers => "chosen-by-members",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigFinding {
    /// Its kind.
    pub code: Code,
    /// The field, as people say it: `trails[0].name`. Empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the text that are meant.
    #[serde(skip)]
    pub span: Range<usize>,
    /// What to write instead; none where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// Another place that has to do with a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// What stands there.
    pub label: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the text that are meant.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// All that is wrong with one file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file: String,
    text: String,
    findings: Vec<ConfigFinding>,
}

/// How many findings are printed with their snippets. More of them help nobody, and a hostile file may have thousands.
const SHOWN_MAX: usize = 50;

impl ConfigErrors {
    /// Puts findings into the order of the text.
    pub(super) fn new(file: &str, text: &str, mut findings: Vec<ConfigFinding>) -> Self {
        findings.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.code));
        for finding in &mut findings {
            let written = text.get(finding.span.clone()).unwrap_or_default();
            finding.message = said(&finding.message, &finding.path, written);
            finding.help = finding.help.as_deref().map(|help| said(help, &finding.path, written));
        }
        Self { file: file.to_owned(), text: inert::in_place(&inert::masked(text)), findings }
    }

    /// Returns the name of the file, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the findings in the order of the text.
    pub fn findings(&self) -> &[ConfigFinding] {
        &self.findings
    }

    /// Returns the findings as data: `{"file": …, "findings": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"file": self.file, "findings": self.findings})
    }

    /// Returns every finding with the lines that it is about; text from the file is made harmless for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let lines = Lines::of(&self.text);
        let shown = self.findings.iter().take(SHOWN_MAX).map(|finding| self.snippet(finding, &lines, &renderer));
        let mut blocks: Vec<String> = shown.collect();
        if self.findings.len() > SHOWN_MAX {
            blocks.push(format!("… and {} more", self.findings.len() - SHOWN_MAX));
        }
        blocks.push(format!("{self}\n"));
        blocks.join("\n\n")
    }

    fn snippet(&self, finding: &ConfigFinding, lines: &Lines, renderer: &Renderer) -> String {
        let mut whole = finding.span.clone();
        for related in &finding.related {
            whole = whole.start.min(related.span.start)..whole.end.max(related.span.end);
        }
        let (window, first_line) = lines.window(&self.text, &whole, 1);
        let local = |span: &Range<usize>| span.start - window.start..span.end - window.start;
        let notes = finding.related.iter().map(|related| {
            AnnotationKind::Context
                .span(local(&related.span))
                .label(normalize_untrusted_str(&inert::escaped(&related.label)))
        });
        let snippet = Snippet::source(self.text.get(window.clone()).unwrap_or_default())
            .line_start(first_line)
            .path(normalize_untrusted_str(&inert::escaped(&self.file)))
            .annotation(AnnotationKind::Primary.span(local(&finding.span)))
            .annotations(notes);
        let help =
            finding.help.as_ref().map(|help| Level::HELP.message(normalize_untrusted_str(&inert::escaped(help))));
        let group = Level::ERROR
            .primary_title(normalize_untrusted_str(&inert::escaped(&finding.message)))
            .id(finding.code.as_str())
            .element(snippet)
            .elements(help);
        renderer.render(&[group])
    }
}

/// Returns a text about a field without what may be a secret: the value of the field where that is one, and URLs.
fn said(words: &str, path: &str, written: &str) -> String {
    let value = written.trim_matches(['"', '\'']);
    let is_secret = path.ends_with("url_env") || path.ends_with("webhook");
    if is_secret && value.len() > 1 && words.contains(value) {
        return inert::masked(&words.replace(value, "…"));
    }
    inert::masked(words)
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.findings.len();
        let noun = if count == 1 { "error" } else { "errors" };
        write!(f, "{} has {count} {noun}", normalize_untrusted_str(&inert::escaped(&self.file)))
    }
}

impl std::error::Error for ConfigErrors {}
