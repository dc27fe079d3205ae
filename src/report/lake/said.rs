//! Sentences with the things that they are about, for terminals and for markdown.

use crate::report::text::escape;

/// A sentence, and things each with a word about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said(Vec<(String, Vec<(String, String)>)>);

/// Things that are shown below a sentence; machine formats have all.
const SHOWN_MAX: usize = 10;

impl Said {
    /// Adds a sentence.
    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        self.0.push((sentence.into(), Vec::new()));
    }

    /// Adds a sentence about things, of which some are shown.
    pub(super) fn list<'a>(
        &mut self,
        sentence: impl Into<String>,
        things: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let shown = things.into_iter().take(SHOWN_MAX).map(|(name, why)| (name.to_owned(), why.to_owned()));
        self.0.push((sentence.into(), shown.collect()));
    }

    /// Returns the text for a terminal.
    pub(super) fn human(&self, width: usize) -> String {
        let lines = textwrap::Options::new(width).subsequent_indent("    ");
        let things = textwrap::Options::new(width).initial_indent("  ").subsequent_indent("      ");
        let mut text = String::new();
        for (sentence, below) in &self.0 {
            text += &(textwrap::fill(&escape::terminal(sentence), &lines) + "\n");
            for (name, why) in below {
                let line = if why.is_empty() { name.clone() } else { format!("{name}: {why}") };
                text += &(textwrap::fill(&escape::terminal(&line), &things) + "\n");
            }
        }
        text
    }

    /// Returns the text as markdown below a title.
    pub(super) fn markdown(&self, title: &str) -> String {
        let mut text = format!("# {}\n", escape::markdown(title));
        for (sentence, below) in &self.0 {
            text += &format!("\n{}\n", escape::markdown(sentence));
            for (at, (name, why)) in below.iter().enumerate() {
                let space = if at == 0 { "\n" } else { "" };
                let why = if why.is_empty() { String::new() } else { format!(": {}", escape::markdown(why)) };
                text += &format!("{space}- {}{why}\n", escape::markdown_code(name));
            }
        }
        text
    }
}
