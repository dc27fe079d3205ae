//! What is typed into the shell: statements that end with `;`, and commands that begin with `\`.

/// One thing that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// End the shell.
    Quit,
    /// Show the commands.
    Help,
    /// Show the tables, or the columns of one.
    Describe(Option<String>),
    /// Show how long questions take, or no longer.
    Timing,
    /// Look at the archive anew.
    Refresh,
    /// Ask a prepared question, with values of its placeholders; `None`: list them.
    Ask(Option<String>, Vec<String>),
    /// Ask this.
    Question(String),
    /// There is no such command.
    Unknown(String),
}

/// The commands, as they are completed and shown: each with what stands behind it and what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 6] = [
    ("\\d", "[TABLE]", "show the tables, or the columns of one"),
    ("\\ask", "[NAME [PARAM=VALUE ...]]", "list the prepared questions, or ask one"),
    ("\\refresh", "", "look at the archive anew: what was delivered since then"),
    ("\\timing", "", "show how long questions take, or no longer"),
    ("\\?", "", "show this"),
    ("\\q", "", "end the shell (also Ctrl-D)"),
];

/// Tells whether nothing more has to be typed: a command, or statements that are ended.
pub(super) fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.is_empty() || is_command(trimmed) || parts(text).1.trim().is_empty()
}

/// Returns what was typed, one after the other.
pub(super) fn inputs(text: &str) -> Vec<Input> {
    let trimmed = text.trim();
    if is_command(trimmed) {
        return vec![command(trimmed)];
    }
    let (statements, rest) = parts(text);
    let all = statements.into_iter().chain([rest]).map(str::trim).filter(|text| !text.is_empty());
    all.map(|text| Input::Question(text.to_owned())).collect()
}

/// What people type who do not know the commands yet.
const WORDS: [(&str, Input); 3] = [("quit", Input::Quit), ("exit", Input::Quit), ("help", Input::Help)];

fn is_command(text: &str) -> bool {
    text.starts_with('\\') || WORDS.iter().any(|(word, _)| text.eq_ignore_ascii_case(word))
}

fn command(text: &str) -> Input {
    if let Some((_, input)) = WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)) {
        return input.clone();
    }
    let text = text.trim_end_matches(';');
    let mut words = words(text).into_iter();
    let first = words.next().unwrap_or_default();
    match first.as_str() {
        "\\q" => Input::Quit,
        "\\?" => Input::Help,
        "\\d" => Input::Describe(words.next()),
        "\\timing" => Input::Timing,
        "\\refresh" => Input::Refresh,
        "\\ask" => Input::Ask(words.next(), words.collect()),
        _ => Input::Unknown(first),
    }
}

/// Splits at blanks, except within quotes: `user='a b'` is one word, without its quotes.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => all.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// Returns the statements that are ended by `;`, and what stands behind the last. A `;` within a text, a name or a
/// comment ends nothing.
fn parts(text: &str) -> (Vec<&str>, &str) {
    let (mut ended, mut begin) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match c {
            // A quote that is doubled begins another text at once, which is the same.
            '\'' | '"' => while chars.next().is_some_and(|(_, inner)| inner != c) {},
            '-' if next == Some('-') => while chars.next().is_some_and(|(_, inner)| inner != '\n') {},
            '/' if next == Some('*') => {
                chars.next();
                let mut before = ' ';
                for (_, inner) in chars.by_ref() {
                    if before == '*' && inner == '/' {
                        break;
                    }
                    before = inner;
                }
            }
            ';' => {
                ended.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    (ended, &text[begin..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Input {
        Input::Question(text.to_owned())
    }

    #[test]
    fn a_statement_ends_with_a_semicolon_outside_of_texts_names_and_comments() {
        for text in ["SELECT 1;", "", "  ", "\\d", "SELECT ';';", "SELECT 1; ", "select 1 -- a;b\n;", "quit", "a; b;"] {
            assert!(is_complete(text), "{text:?}");
        }
        for text in ["SELECT 1", "SELECT ';'", "SELECT 1 -- ;", "SELECT /* ; */ 1", "SELECT \";", "a; b", "SELECT '''"]
        {
            assert!(!is_complete(text), "{text:?}");
        }
        assert_eq!(inputs("SELECT ';', 1 ;\nSELECT 2; "), [question("SELECT ';', 1"), question("SELECT 2")]);
        assert_eq!(inputs(" ; ;"), []);
        assert_eq!(inputs("SELECT /* *;/ */ 1;"), [question("SELECT /* *;/ */ 1")]);
    }

    #[test]
    fn commands_are_told_from_questions() {
        assert_eq!(inputs("\\q"), [Input::Quit]);
        assert_eq!(inputs("Exit"), [Input::Quit]);
        assert_eq!(inputs("\\d"), [Input::Describe(None)]);
        assert_eq!(inputs(" \\d events; "), [Input::Describe(Some("events".into()))]);
        assert_eq!(inputs("\\drop"), [Input::Unknown("\\drop".into())]);
        let values = ["user=a b".to_owned(), "days=3".to_owned()].to_vec();
        assert_eq!(inputs("\\ask root-use user='a b'  days=3"), [Input::Ask(Some("root-use".into()), values)]);
    }
}
