//! Untrusted text (account names, tags, other people's policies, AWS's messages) made inert for each format.
//!
//! Nothing is dropped: a character that could act is shown in a form that cannot, so that a reader sees that it is
//! there.

use std::borrow::Cow;
use std::fmt::Write;

pub use crate::config::inert::acts;

/// Makes a text inert in a terminal: control characters, escape sequences and marks that reorder or hide text are shown
/// as `\n`, `\t` or `\u{202e}`.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if acts(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Makes the text of a JSON document inert: what would act in a terminal or an editor is written as `\\u202e`, which
/// means the same to whoever reads the document.
///
/// Such characters stand nowhere but inside of texts; the line ends of the document's own layout stay.
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c != '\n' && acts(c);
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Makes a text inert in HTML and XML, in element content and in quoted attribute values.
pub fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in terminal(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '`' => safe.push_str("&#96;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Makes a text inert in a message of Slack or of what is compatible with it: nothing in it mentions, links or commands
/// (Slack API, "Formatting text for app surfaces", which escapes these three characters).
pub fn slack(text: &str) -> String {
    terminal(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Makes a text a code span of such a message. There is no way to write a backtick in one.
pub fn slack_code(text: &str) -> String {
    format!("`{}`", slack(text).replace('`', "'"))
}

/// Makes a text a code span: the one place in markdown where nothing is markup, a mention, an issue or a link.
///
/// It may stand in a table too: pipes are escaped, as GitHub's tables need it even in code spans (GFM, "Tables").
pub fn markdown_code(text: &str) -> String {
    let shown = terminal(text).replace('|', "\\|");
    if shown.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&shown, '`') + 1);
    // A space at both ends is taken away again; without it a backtick at an end would belong to the fence.
    let pad = if shown.starts_with('`') || shown.ends_with('`') || shown.trim() != shown { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// Returns the length of the longest run of one character.
pub(in crate::report) fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// Makes a text inert in markdown prose, within one line.
///
/// Backslashes do not help against what forges do after markdown: they look for mentions, issues and addresses in the
/// finished text. An empty comment within parts such a text in two.
pub fn markdown(text: &str) -> String {
    const PART: &str = "<!-- -->";
    let shown = terminal(text);
    let mut safe = String::with_capacity(shown.len() + 16);
    for (at, c) in shown.char_indices() {
        let rest = &shown[at + c.len_utf8()..];
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.extend(["@", PART]),
            '#' => safe.extend(["\\#", PART]),
            ':' if rest.starts_with("//") => safe.extend([":", PART]),
            '.' if ends_with_www(&shown[..at]) => safe.extend([PART, "."]),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' | '{' | '}' => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\{c}");
            }
            '-' | '+' | '=' | ':' if at == 0 => safe.extend(["\\", &shown[..1]]),
            // A number at the beginning would be a list.
            '.' | ')' if shown[..at].bytes().all(|b| b.is_ascii_digit()) => {
                let _ = write!(safe, "\\{c}");
            }
            c => safe.push(c),
        }
    }
    safe
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_in_a_terminal() {
        assert_eq!(terminal("plain Ünïcode 名前"), "plain Ünïcode 名前");
        assert_eq!(terminal("a\u{1b}[31mb\nc\td\re"), "a\\u{1b}[31mb\\nc\\td\\re");
        assert_eq!(terminal("x\u{202e}y\u{2066}z\u{200b}"), "x\\u{202e}y\\u{2066}z\\u{200b}");
        assert_eq!(terminal("\u{9b}31m\u{7f}\0"), "\\u{9b}31m\\u{7f}\\u{0}");
        assert_eq!(terminal("\u{e0041}\u{ad}"), "\\u{e0041}\\u{ad}");
    }

    #[test]
    fn no_markup_in_html() {
        assert_eq!(html("<b onclick='x'>\"&`"), "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;&#96;");
        assert_eq!(html("\u{202e}<"), "\\u{202e}&lt;");
    }

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(markdown_code("name"), "`name`");
        assert_eq!(markdown_code("a`b``c"), "```a`b``c```");
        assert_eq!(markdown_code("`x"), "`` `x ``");
        assert_eq!(markdown_code("a|b"), "`a\\|b`");
        assert_eq!(markdown_code(" "), "`   `");
        assert_eq!(markdown_code(""), "");
        assert_eq!(markdown_code("a\n\n# b"), "`a\\n\\n# b`");
    }

    #[test]
    fn prose_has_no_markup_mentions_or_links() {
        assert_eq!(markdown("a*b_c`d|e"), "a\\*b\\_c\\`d\\|e");
        assert_eq!(markdown("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(markdown("@team and a@b.example"), "@<!-- -->team and a@<!-- -->b.example");
        assert_eq!(markdown("https://x.example www.x.example"), "https:<!-- -->//x.example www<!-- -->.x.example");
        assert_eq!(markdown("[x](y) ![z] #12"), "\\[x\\](y) \\!\\[z\\] \\#<!-- -->12");
        assert_eq!(markdown("- x"), "\\- x");
        assert_eq!(markdown("12. x. y"), "12\\. x. y");
        assert_eq!(markdown("it is plain, isn't it: 3.5 (or 4) - yes"), "it is plain, isn't it: 3.5 (or 4) - yes");
    }
}
