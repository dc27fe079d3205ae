//! Patterns with `*` and `?`, matched without recursion in time bounded by pattern length times text length.

/// One element of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `*`: any number of characters.
    Many,
    /// `?`: exactly one character.
    One,
    /// A colon of the policy's own text, which parts the fields of an ARN.
    Colon,
    /// A character that stands for itself.
    Char(char),
}

/// Reads a text as a pattern.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    text.chars().map(token).collect()
}

pub(super) fn token(c: char) -> Token {
    match c {
        '*' => Token::Many,
        '?' => Token::One,
        ':' => Token::Colon,
        other => Token::Char(other),
    }
}

/// Returns the text that a pattern was read from, for where `*` and `?` stand for themselves.
pub(super) fn literal(pattern: &[Token]) -> String {
    let char_of = |token: &Token| match token {
        Token::Many => '*',
        Token::One => '?',
        Token::Colon => ':',
        Token::Char(c) => *c,
    };
    pattern.iter().map(char_of).collect()
}

fn fits(token: Token, c: char) -> bool {
    match token {
        Token::Many => false,
        Token::One => true,
        Token::Colon => c == ':',
        Token::Char(own) => own == c,
    }
}

/// Tells whether the whole text follows the pattern.
pub(super) fn matches(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    follows(pattern, &text, Token::Many, fits)
}

/// Tells whether a whole text follows a pattern, where `many` stands for any number of elements.
///
/// Only the last `many` is ever tried again, which is enough because an earlier one can give nothing that the later
/// cannot.
fn follows<P: Copy + PartialEq, T: Copy>(pattern: &[P], text: &[T], many: P, fits: impl Fn(P, T) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_many: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), last_many) {
            (Some(&own), _) if own == many => {
                last_many = Some((p, t));
                p += 1;
            }
            (Some(&own), _) if fits(own, text[t]) => {
                p += 1;
                t += 1;
            }
            (_, Some((place, taken))) => {
                last_many = Some((place, taken + 1));
                p = place + 1;
                t = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|own| *own == many)
}

/// Tells whether a text follows a pattern with `*` and `?`, as in `StringLike`.
pub fn glob(pattern: &str, text: &str) -> bool {
    if pattern.is_ascii() && text.is_ascii() {
        return ascii_matches(pattern, text, |one, other| one == other);
    }
    matches(&tokens(pattern), text)
}

/// Tells whether an ARN follows a pattern of a `Resource`: field by field, or over the colons where a `*` is the last
/// character of a field, which "can expand to match beyond the colon boundaries" (IAM user guide, "IAM JSON policy
/// elements: Resource").
pub fn resource_glob(pattern: &str, arn: &str) -> bool {
    arn_glob(pattern, arn) || (pattern.contains("*:") && glob(pattern, arn))
}

/// Returns what a pattern of a `Resource` asks of the last field of an ARN; none where it means something else by the
/// first five.
pub fn last_field<'p>(pattern: &'p str, arn: &str) -> Option<&'p str> {
    let mut fields = pattern.splitn(6, ':');
    let mut own = arn.splitn(6, ':').take(5);
    if own.all(|field| fields.next().is_none_or(|pattern| glob(pattern, field))) {
        return Some(fields.next().unwrap_or("*"));
    }
    let (start, rest) = pattern.rsplit_once("*:")?;
    let (head, _) = arn.rsplit_once(':')?;
    glob(&format!("{start}*"), head).then_some(rest)
}

/// Tells whether an ARN follows a pattern field by field, as in `ArnLike`.
pub fn arn_glob(pattern: &str, arn: &str) -> bool {
    if arn.split(':').count() < 6 || !arn.starts_with("arn:") {
        return glob(pattern, arn);
    }
    pattern.splitn(6, ':').zip(arn.splitn(6, ':')).all(|(pattern, field)| glob(pattern, field))
}

/// Tells whether some text follows both of two patterns with `*` and `?`. The time is bounded by the product of their
/// lengths.
pub fn globs_meet(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // reach[n]: the part of `one` so far and the first n bytes of `other` have a common text.
    let mut reach = vec![false; other.len() + 1];
    reach[0] = true;
    for (n, byte) in other.iter().enumerate() {
        reach[n + 1] = reach[n] && *byte == b'*';
    }
    for own in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = reach[0] && *own == b'*';
        for (n, byte) in other.iter().enumerate() {
            let many = *own == b'*' || *byte == b'*';
            let fits = own == byte || *own == b'?' || *byte == b'?';
            next[n + 1] = (many && (next[n] || reach[n + 1] || reach[n])) || (fits && reach[n]);
        }
        reach = next;
    }
    reach[other.len()]
}

/// Tells whether an action follows a pattern of actions, which are compared without case.
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    if pattern.is_ascii() && action.is_ascii() {
        return ascii_matches(pattern, action, |one, other| one.eq_ignore_ascii_case(&other));
    }
    matches(&tokens(&pattern.to_ascii_lowercase()), &action.to_ascii_lowercase())
}

/// What [`matches`] does, without a copy of either text: nearly all policies are ASCII, and a proof for 10,000 readers
/// compares millions of names.
fn ascii_matches(pattern: &str, text: &str, same: impl Fn(u8, u8) -> bool) -> bool {
    follows(pattern.as_bytes(), text.as_bytes(), b'*', |own, c| own == b'?' || same(own, c))
}

/// Tells whether an ARN follows a pattern field by field: a wildcard does not reach over a colon, but in the last
/// field.
///
/// Source: IAM user guide, "IAM JSON policy elements: Resource" and "Amazon Resource Name (ARN) condition operators". A
/// pattern with fewer than six fields is completed by `*`. A text that is no ARN is compared as a whole.
pub(super) fn arn_matches(pattern: &[Token], text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    if fields.len() < 6 || fields[0] != "arn" {
        return matches(pattern, text);
    }
    let patterns: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Colon).collect();
    fields.iter().enumerate().all(|(n, field)| patterns.get(n).is_none_or(|pattern| matches(pattern, field)))
}

/// What [`resource_glob`] says, of a pattern in which variables are filled.
pub(super) fn resource_matches(pattern: &[Token], text: &str) -> bool {
    let crosses = || pattern.windows(2).any(|two| two == [Token::Many, Token::Colon]);
    arn_matches(pattern, text) || (crosses() && matches(pattern, text))
}

/// What to say where [`whichever_colons`] has no answer.
pub(super) const COLONS: &str =
    "AWS does not say whether a colon in the value of a policy variable parts the fields of an ARN";

/// Returns the answer of a comparison of ARNs that does not depend on whether the colons in the values of variables
/// part fields, as those of the policy's own text do; none where it does. A condition such as `aws:SourceArn` like
/// `${aws:SourceArn}` is either always or never met.
pub(super) fn whichever_colons(pattern: &[Token], answer: impl Fn(&[Token]) -> bool) -> Option<bool> {
    let of_text = answer(pattern);
    let of_value = Token::Char(':');
    if !pattern.contains(&of_value) {
        return Some(of_text);
    }
    let all: Vec<Token> = pattern.iter().map(|&own| if own == of_value { Token::Colon } else { own }).collect();
    (answer(&all) == of_text).then_some(of_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_of_a_field_of_a_resource_reaches_over_colons() {
        let object = "arn:aws:s3:::bucket/AWSLogs/111111111111/x";
        for pattern in ["arn:aws:s3:*:bucket/*", "arn:*:bucket/AWSLogs/*", "arn:aws:s3:::bucket/*", "*"] {
            assert!(resource_glob(pattern, object) && resource_matches(&tokens(pattern), object), "{pattern}");
        }
        for pattern in ["arn:aws:s3:*:other/*", "arn:aws:s3:*/x", "arn:aws:sqs:*:bucket/*"] {
            assert!(!resource_glob(pattern, object) && !resource_matches(&tokens(pattern), object), "{pattern}");
        }
        assert_eq!(last_field("arn:aws:s3:*:bucket/a*", "arn:aws:s3:::"), Some("bucket/a*"));
        assert_eq!(last_field("arn:aws:s3:::bucket/a*", "arn:aws:s3:::"), Some("bucket/a*"));
        assert_eq!(last_field("arn:aws:s3", "arn:aws:s3:::"), Some("*"));
        assert_eq!(last_field("*", "arn:aws:s3:::"), Some("*"));
        assert_eq!(last_field("arn:aws:sqs:*:bucket/a*", "arn:aws:s3:::"), None);
    }

    fn like(pattern: &str, text: &str) -> bool {
        matches(&tokens(pattern), text)
    }

    fn arn_like(pattern: &str, text: &str) -> bool {
        arn_matches(&tokens(pattern), text)
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [("*", ""), ("a*c", "abbc"), ("a?c", "abc"), ("*a*b*", "xxaybz"), ("a**", "a"), ("", "")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a?c", "ac"), ("a*c", "abcd"), ("?", ""), ("", "a"), ("A", "a"), ("*ab", "aba")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
        assert_eq!(literal(&tokens("a*?:b")), "a*?:b");
    }

    #[test]
    fn arns_are_compared_by_field() {
        let object = "arn:aws:s3:::bucket/AWSLogs/111111111111/x";
        assert!(arn_like("arn:aws:s3:::bucket/AWSLogs/111111111111/*", object));
        assert!(arn_like("*", object));
        assert!(arn_like("arn:aws:s3", object), "missing fields are wildcards");
        assert!(!arn_like("arn:aws:s3:*/x", object), "a star does not cross a colon");
        assert!(arn_like("arn:aws:logs:*:1:log-group:a*", "arn:aws:logs:eu-central-1:1:log-group:abc:log-stream:x"));
        assert!(!arn_like("arn:aws:s3:::bucket/AWSLogs/11111111111/*", object));
        assert!(!arn_like("arn:*:trail/x", "arn:aws:cloudtrail:eu-central-1:1:trail/x"));
    }

    #[test]
    fn a_text_that_is_no_arn_is_compared_as_a_whole() {
        for (pattern, text) in [("x*f", "x:a:b:c:d:f"), ("arn:*c", "arn:a:b:c"), ("*", "x"), ("a:?", "a:b")] {
            assert!(arn_glob(pattern, text) && arn_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("x", "x:a:b:c:d:f"), ("arn", "arn:a:b:c"), ("arn:a", "arn:a:b:c")] {
            assert!(!arn_glob(pattern, text) && !arn_like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn actions_are_compared_without_case_and_a_question_mark_is_one_character() {
        for (pattern, action) in [("S3:get*", "s3:GetObject"), ("s3:?", "s3:é"), ("s3:É?", "S3:Éa"), ("*", "é")] {
            assert!(action_matches(pattern, action), "{pattern} {action}");
        }
        for (pattern, action) in [("s3:??", "s3:é"), ("s3:e", "s3:é"), ("s3:Get", "s3:GetObject")] {
            assert!(!action_matches(pattern, action), "{pattern} {action}");
        }
    }

    #[test]
    fn texts_and_tokens_give_one_answer() {
        let pieces = ["", "a", "A", "*", "?", ":", "arn:", "b*", "é"];
        let words = |n: usize| format!("{}{}{}", pieces[n % 9], pieces[n / 9 % 9], pieces[n / 81]);
        for (pattern, text) in (0..729).flat_map(|one| (0..729).map(move |other| (words(one), words(other)))) {
            assert_eq!(glob(&pattern, &text), like(&pattern, &text), "{pattern} {text}");
            let arn = format!("arn:aws:s3:::{text}");
            let arn_pattern = format!("arn:aws:{pattern}::{pattern}");
            assert_eq!(arn_glob(&arn_pattern, &arn), arn_like(&arn_pattern, &arn), "{arn_pattern} {arn}");
        }
    }

    #[test]
    fn patterns_meet_where_some_text_follows_both() {
        for (one, other) in [
            ("a*", "*b"),
            ("a*c", "abc"),
            ("?", "*"),
            ("", "*"),
            ("*x*", "y*"),
            ("a/*", "a/b/*"),
            ("?WSLogs/*", "AWSLogs/o/*"),
        ] {
            assert!(globs_meet(one, other) && globs_meet(other, one), "{one} {other}");
        }
        for (one, other) in
            [("a*", "b*"), ("", "?"), ("a?", "a"), ("*a", "*b"), ("handbook/*", "AWSLogs/*"), ("a/b", "a/?/*")]
        {
            assert!(!globs_meet(one, other) && !globs_meet(other, one), "{one} {other}");
        }
    }

    #[test]
    fn patterns_meet_as_trying_all_short_texts_says() {
        let pieces = ["", "a", "b", "*", "?"];
        let words: Vec<String> =
            (0..125).map(|n| format!("{}{}{}", pieces[n % 5], pieces[n / 5 % 5], pieces[n / 25])).collect();
        let letters = ["", "a", "b"];
        let texts: Vec<String> =
            (0..81).map(|n| (0..4).map(|place| letters[n / 3usize.pow(place) % 3]).collect::<String>()).collect();
        for (one, other) in words.iter().flat_map(|one| words.iter().map(move |other| (one, other))) {
            let tried = texts.iter().any(|text| glob(one, text) && glob(other, text));
            assert_eq!(globs_meet(one, other), tried, "{one} {other}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_answered_in_bounded_time() {
        let pattern = "*a".repeat(5_000) + "b";
        assert!(!like(&pattern, &"a".repeat(2_000)));
    }
}
