//! Text of a configuration as errors may show it: nothing in it acts in a terminal, and nothing in it is a secret.

use std::borrow::Cow;

/// Tells whether a character changes what is around it, or is not seen at all.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen; the marks and embeddings of the bidirectional algorithm (UAX #9); invisible operators.
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Letters and marks without a shape: fillers of Hangul, the blank of Braille, the joiner of graphemes,
            // vowels of Khmer that are not written, and variation selectors (Unicode, `Default_Ignorable_Code_Point`).
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}'
            // No characters at all; XML 1.0 forbids them.
            | '\u{fffe}' | '\u{ffff}'
            // Tags: a second, invisible alphabet.
            | '\u{e0000}'..='\u{e0fff}')
}

/// Shows characters that act as `\u{202e}`; line ends stay.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c != '\n' && acts(c);
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Puts marks in the place of characters that act, each of the same number of bytes: places in the text stay what they
/// are. Line ends and tabs stay.
pub(super) fn in_place(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.len_utf8() {
            _ if matches!(c, '\n' | '\r' | '\t') || !acts(c) => shown.push(c),
            1 => shown.push('?'),
            2 => shown.push_str("??"),
            3 => shown.push('\u{fffd}'),
            _ => shown.push_str("\u{fffd}?"),
        }
    }
    shown
}

/// The fields whose values may be a secret that was written there by mistake.
const SECRET_FIELDS: [&str; 2] = ["url_env", "webhook"];

/// Puts stars in the place of what may be a secret: what follows the host of a URL, and the value of a field that holds
/// or leads to one, unless it is the name of a variable or a mapping. The text keeps its length in bytes.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in urls(text).into_iter().chain(values(text)) {
        let kept = |byte: &&mut u8| !byte.is_ascii_whitespace();
        bytes[range].iter_mut().filter(kept).for_each(|byte| *byte = b'*');
    }
    // Whole characters were replaced, so that it is text still.
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | ']' | '<' | '>')
}

/// The parts of URLs that follow the host, and what stands before an `@` in it.
fn urls(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let host = from + at + 3;
        let end = text[host..].find(ends_word).map_or(text.len(), |length| host + length);
        let path = text[host..end].find(['/', '?', '#']).map_or(end, |length| host + length);
        if let Some(user) = text[host..path].rfind('@') {
            found.push(host..host + user);
        }
        if path + 1 < end {
            found.push(path + 1..end);
        }
        from = end.max(host);
    }
    found
}

/// The values of secret fields on their lines.
fn values(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for field in SECRET_FIELDS {
        for (at, _) in text.match_indices(field) {
            let after = &text[at + field.len()..];
            let after_quote = after.trim_start_matches(['"', '\'', ' ']);
            let Some(value) = after_quote.strip_prefix(':') else {
                continue;
            };
            let line = value.split('\n').next().unwrap_or_default();
            let start = text.len() - (text.len() - at - field.len()) + (after.len() - value.len());
            let written = line.trim();
            let bare = written.trim_end_matches(['}', ' ', ',']).trim_matches(['"', '\'']);
            let is_name = bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name && !written.starts_with(['{', '#']) {
                let begin = start + (line.len() - line.trim_start().len());
                found.push(begin..start + line.trim_end().len());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown_and_places_stay() {
        for (text, shown) in [
            ("url_env: https://hooks.example.com/T0/B0/secret", "*******"),
            ("  webhook: {url_env: \"https://u:pass@h.example/x\"}", "{url_env: "),
            ("webhook: https://hooks.example.com/T0/B0/secret # x", "webhook: *"),
            ("link: https://ci.example.com/?token=secret", "https://ci.example.com/************"),
            ("  url_env: xoxb-12-secret-", "  url_env: *********"),
            ("  url_env: 'my secret'", "url_env: *"),
        ] {
            let masked = masked(text);
            assert_eq!(masked.len(), text.len(), "{masked}");
            assert!(!masked.contains("secret") && !masked.contains("pass"), "{masked}");
            assert!(masked.contains(shown), "{masked}");
        }
        for text in [
            "url_env: ORGTRAIL_WEBHOOK",
            "webhook: {url_env: ORGTRAIL_WEBHOOK}",
            "webhook:\n  url_env: A",
            "# about url_env, and webhook",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn what_acts_is_shown_in_as_many_bytes() {
        let text = "a\u{9b}b\u{202e}c\u{e0041}d\u{1b}\u{2028}\n";
        let shown = in_place(text);
        assert_eq!(shown.len(), text.len());
        assert!(!shown.chars().any(|c| c != '\n' && acts(c)), "{shown:?}");
        assert_eq!(escaped("a\u{202e}\n"), "a\\u{202e}\n");
    }

    #[test]
    fn what_is_not_seen_acts() {
        for c in
            "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b5}\u{180e}\u{200b}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{e0100}"
                .chars()
        {
            assert!(acts(c), "{c:?}");
        }
        for c in "a Z\u{e9}\u{4e00}\u{1100}\u{3131}\u{3000}\u{2801}\u{1f600}".chars() {
            assert!(!acts(c), "{c:?}");
        }
    }
}
