//! A page of text for a terminal: wraps to a width, colours, and makes every piece of text inert on its way in.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};

use crate::report::text::escape;

/// Something that came, or went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something that changed, or that needs a look.
pub const NOTICE: Style = AnsiColor::Yellow.on_default();
/// Something that went, is refused or weakens.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Something that is taken over.
pub const TAKEN: Style = AnsiColor::Cyan.on_default();
/// Names and headings.
pub const STRONG: Style = Style::new().bold();
/// What can be skipped.
pub const FAINT: Style = Style::new().dimmed();
/// Ordinary text.
pub const PLAIN: Style = Style::new();

/// Stands for a space at which no line is broken, until it is: of the private use area, so that no text has it.
const UNBROKEN: char = '\u{e000}';

/// Holds together what stands between backquotes.
fn with_whole_commands(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let whole = |(at, part): (usize, &&str)| match at % 2 {
        0 => (*part).to_owned(),
        _ => part.replace(' ', &UNBROKEN.to_string()),
    };
    parts.iter().enumerate().map(whole).collect::<Vec<_>>().join("`")
}

/// A piece of a line. The text may come from anywhere: it is escaped when it is written.
#[derive(Clone, Copy)]
pub struct Span<'a>(pub Style, pub &'a str);

/// A page in the making.
pub struct Page {
    width: usize,
    text: String,
}

impl Page {
    /// Begins a page that is so many columns wide; fewer than 40 cannot hold an address and are taken as 40.
    pub fn new(width: usize) -> Self {
        Self { width: width.max(40), text: String::new() }
    }

    /// Writes a line, broken between words where it is too long. What follows the break is indented by four more.
    ///
    /// A word is never broken, nor is what stands between backquotes: an id, an ARN or a command must stay whole to be
    /// copied.
    pub fn line(&mut self, indent: usize, spans: &[Span]) {
        self.line_hanging(indent, indent + 4, spans);
    }

    /// Writes a line as [`Page::line`] does, with the indentation of what follows a break.
    pub fn line_hanging(&mut self, indent: usize, hanging: usize, spans: &[Span]) {
        let mut styled = String::new();
        for Span(style, text) in spans {
            // Writing to a string cannot fail. Each word has its own style, so that a line break never carries one
            // over.
            let text = with_whole_commands(&escape::terminal(text));
            for (at, word) in text.split(' ').enumerate() {
                let gap = if at > 0 { " " } else { "" };
                let _ = if word.is_empty() || *style == PLAIN {
                    write!(styled, "{gap}{word}")
                } else {
                    write!(styled, "{gap}{style}{word}{style:#}")
                };
            }
        }
        let (first, rest) = (" ".repeat(indent), " ".repeat(hanging));
        let options = Options::new(self.width)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        for line in textwrap::wrap(&styled, options) {
            self.text.push_str(&line.trim_end().replace(UNBROKEN, " "));
            self.text.push('\n');
        }
    }

    /// Writes a line that is never broken: a command is to be copied whole.
    pub fn verbatim(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(&escape::terminal(text));
        self.text.push('\n');
    }

    /// Writes the heading of a section, after an empty line.
    pub fn heading(&mut self, spans: &[Span]) {
        self.gap();
        self.line(0, spans);
    }

    /// Leaves one line empty, but not at the top and not twice.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_only() {
        let mut page = Page::new(40);
        let arn = "arn:aws:iam::111111111111:role/a-very-long-name-that-does-not-fit-into-the-line";
        page.line(2, &[Span(PLAIN, "a line of words that is followed by"), Span(PLAIN, " "), Span(STRONG, arn)]);
        let text = anstream::adapter::strip_str(&page.finish()).to_string();
        assert_eq!(text, format!("  a line of words that is followed by\n      {arn}\n"));
    }

    #[test]
    fn a_command_stays_whole() {
        let mut page = Page::new(40);
        page.line(
            0,
            &[Span(PLAIN, "see who this was, then `orgtrail apply --destroy 'a#b' --allow destroys`; or wait")],
        );
        let text = page.finish();
        assert!(text.contains("\n    `orgtrail apply --destroy 'a#b' --allow destroys`;\n"), "{text}");
        assert_eq!(with_whole_commands("one ` alone"), "one ` alone");
    }

    #[test]
    fn no_text_can_act() {
        let mut page = Page::new(60);
        page.line(0, &[Span(STRONG, "\u{1b}[31mred\nnew\u{202e}")]);
        assert_eq!(anstream::adapter::strip_str(&page.finish()).to_string(), "\\u{1b}[31mred\\nnew\\u{202e}\n");
    }
}
