//! The words of a statement in Trino's grammar, as far as they tell one statement from another: comments, texts and
//! quoted names are found as Trino finds them (Trino, `SqlBase.g4`: `STRING`, `QUOTED_IDENTIFIER`, `SIMPLE_COMMENT`,
//! `BRACKETED_COMMENT`).

use std::ops::Range;

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it stands in the text.
    pub(super) at: Range<usize>,
}

/// What a part of a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word of letters, digits and `_`.
    Word,
    /// A name in `"` or `` ` ``.
    Quoted,
    /// A text in `'`.
    Text,
    /// `$name`: a placeholder.
    Placeholder,
    /// A comment.
    Comment,
    /// Any other character.
    Mark,
}

/// Why a text has no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadText {
    /// What begins here has no end.
    Open(&'static str),
    /// A control character stands outside of texts, names and comments.
    Control,
}

/// Splits a statement. White space is no token.
///
/// # Errors
/// Where a text, a name or a comment has no end, and at control characters.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, BadText> {
    let mut all: Vec<Token> = Vec::new();
    let mut from = 0;
    while let Some(first) = sql[from..].chars().next() {
        let rest = &sql[from..];
        let (kind, length) = match first {
            ' ' | '\t' | '\r' | '\n' => {
                from += 1;
                continue;
            }
            '\'' => (TokenKind::Text, quoted(rest, '\'').ok_or(BadText::Open("a text"))?),
            '"' | '`' => (TokenKind::Quoted, quoted(rest, first).ok_or(BadText::Open("a quoted name"))?),
            // It ends at either end of a line: a comment that went on for this program and not for Athena would hide
            // what stands behind it.
            '-' if rest.starts_with("--") => (TokenKind::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").ok_or(BadText::Open("a comment"))?;
                (TokenKind::Comment, end + 4)
            }
            '$' if is_letter(rest[1..].chars().next()) && !is_joined(&all, from) => {
                (TokenKind::Placeholder, 1 + word(&rest[1..]))
            }
            first if is_letter(Some(first)) || first.is_ascii_digit() => (TokenKind::Word, word(rest)),
            first if first.is_control() => return Err(BadText::Control),
            first => (TokenKind::Mark, first.len_utf8()),
        };
        all.push(Token { kind, at: from..from + length });
        from += length;
    }
    Ok(all)
}

fn is_letter(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphabetic() || c == '_')
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// Tells whether something stands here without a blank behind a word: `a$b` is one name.
fn is_joined(before: &[Token], from: usize) -> bool {
    before.last().is_some_and(|last| last.kind == TokenKind::Word && last.at.end == from)
}

/// Returns the length of what is quoted; a quote that is doubled ends nothing. `None`: it has no end.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut from = quote.len_utf8();
    loop {
        from += rest[from..].find(quote)? + quote.len_utf8();
        if !rest[from..].starts_with(quote) {
            return Some(from);
        }
        from += quote.len_utf8();
    }
}

impl Token {
    /// Returns its text.
    pub(super) fn text<'a>(&self, sql: &'a str) -> &'a str {
        &sql[self.at.clone()]
    }

    /// Tells whether it is this word, which is written in capitals.
    pub(super) fn is_word(&self, sql: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// Tells whether it is this character.
    pub(super) fn is_mark(&self, sql: &str, mark: &str) -> bool {
        self.kind == TokenKind::Mark && self.text(sql) == mark
    }

    /// Tells whether it is this name, quoted or not; `name` is in small letters.
    pub(super) fn is_name(&self, sql: &str, name: &str) -> bool {
        match self.kind {
            TokenKind::Word => self.text(sql).eq_ignore_ascii_case(name),
            TokenKind::Quoted => {
                let text = self.text(sql);
                text.get(1..text.len() - 1).is_some_and(|inner| inner.eq_ignore_ascii_case(name))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> Vec<(TokenKind, &str)> {
        tokens(sql).unwrap().into_iter().map(|token| (token.kind, &sql[token.at])).collect()
    }

    #[test]
    fn texts_names_comments_and_placeholders_are_found() {
        use TokenKind::*;
        assert_eq!(
            shown("SELECT 'it''s; --' || \"a\"\"b\" -- x ; 'y\n, $n/* ' */"),
            [
                (Word, "SELECT"),
                (Text, "'it''s; --'"),
                (Mark, "|"),
                (Mark, "|"),
                (Quoted, "\"a\"\"b\""),
                (Comment, "-- x ; 'y"),
                (Mark, ","),
                (Placeholder, "$n"),
                (Comment, "/* ' */"),
            ]
        );
        assert_eq!(shown("a$b $1 é"), [(Word, "a"), (Mark, "$"), (Word, "b"), (Mark, "$"), (Word, "1"), (Word, "é")]);
        assert_eq!(shown("-- x\rDROP"), [(Comment, "-- x"), (Word, "DROP")]);
    }

    #[test]
    fn what_has_no_end_has_no_tokens() {
        for open in ["SELECT 'a", "SELECT 'a''", "SELECT \"a", "`a", "SELECT 1 /* a", "/*/", "/* a *"] {
            assert!(matches!(tokens(open), Err(BadText::Open(_))), "{open}");
        }
        assert_eq!(tokens("SELECT\u{0} 1"), Err(BadText::Control));
        assert_eq!(tokens("SELECT 'a\u{1b}'").map(|all| all.len()), Ok(2));
    }
}
