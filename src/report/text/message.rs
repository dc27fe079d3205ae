//! Puts messages for people away from the report together: one text for mails and pagers, and the same for chats.

use super::{escape, words};
use crate::notify::Notification;

/// How many entries of a list a message names.
pub const NAMED_MAX: usize = 20;

/// How many characters of an entry are shown.
const SHOWN_MAX: usize = 300;

/// Makes a text of others inert for one form of a message.
pub type Quote = fn(&str) -> String;

/// Puts a message together: `subject` is one line of ASCII, `head` the first line of the text, and `lines` the others,
/// in which everything that others wrote goes through the quote. `link` is where more can be read, `None` where that is
/// not set.
pub fn compose(subject: String, head: &str, link: Option<&str>, lines: impl Fn(Quote) -> Vec<String>) -> Notification {
    let form = |quote: Quote, plainly: Quote| {
        let mut all = vec![plainly(head)];
        all.extend(lines(quote));
        all.extend(link.map(plainly));
        all.join("\n")
    };
    let plain: Quote = |text| escape::terminal(text).into_owned();
    Notification { subject, text: form(plain, plain), slack: form(escape::slack_code, escape::slack) }
}

/// Returns a line for each of the first entries, and one that says how many `more` there are.
pub fn named<T>(
    entries: &[T],
    line: impl FnMut(&T) -> Option<String>,
    more: impl FnOnce(String) -> String,
) -> Vec<String> {
    let mut lines: Vec<String> = entries.iter().take(NAMED_MAX).filter_map(line).collect();
    if entries.len() > NAMED_MAX {
        lines.push(more(words::grouped(entries.len() - NAMED_MAX)));
    }
    lines
}

/// Returns a text that a message has room for.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
