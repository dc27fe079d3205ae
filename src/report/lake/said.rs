//! Sentences with the things that they are about, for terminals and for markdown.

use super::NAMED_MAX;
use crate::report::text::escape;
use crate::report::text::words::grouped;

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

    /// Adds a sentence about a number of things, of which some are shown, and says where the rest is. JSON has
    /// those that are given.
    pub(super) fn list_of<'a>(
        &mut self,
        sentence: impl Into<String>,
        total: usize,
        things: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    ) {
        let named = things.len().min(NAMED_MAX);
        self.list(sentence, things);
        let more = total.saturating_sub(named.min(SHOWN_MAX));
        if more > 0 {
            let in_json = match named < total {
                true => format!("has the first {}", grouped(named)),
                false => "has all".to_owned(),
            };
            self.say(format!("… and {} more (--format json {in_json}).", grouped(more)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_counted_and_found() {
        let things: Vec<(String, &str)> = (0..12).map(|at| (format!("file-{at}"), "")).collect();
        let listed = |total: usize| {
            let mut said = Said::default();
            said.list_of("Files:", total, things.iter().map(|(name, why)| (name.as_str(), *why)));
            said.human(80)
        };
        assert!(listed(12).ends_with("  file-9\n… and 2 more (--format json has all).\n"), "{}", listed(12));
        assert!(listed(45).ends_with("… and 35 more (--format json has the first 12).\n"), "{}", listed(45));
    }
}
