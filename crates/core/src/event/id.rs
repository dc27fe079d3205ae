//! The id of an event as a person has it: whole, or not one at all.

use thiserror::Error;

use super::record::DIGEST_ID;

/// Hexadecimal digits of a digest of SHA-256.
const DIGEST_DIGITS: usize = 64;
/// Hexadecimal digits of the parts of a UUID.
const UUID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];

/// The id of an event that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventId {
    /// One as CloudTrail makes them, a UUID, in lower case: `12345678-1234-1234-1234-123456789012`.
    Uuid(String),
    /// That of a record without one, in lower case: `sha256:` and the digest of its bytes.
    Digest(String),
    /// Any other text. CloudTrail writes none such; a log of another make may have it.
    Other(String),
}

/// Why a text is no id of an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadEventId {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// It is several words.
    #[error("it has spaces")]
    Spaces,
    /// A part of a UUID, or one that is written in another way.
    #[error("it has hexadecimal digits as a UUID, and is no whole one")]
    CutUuid,
    /// It ends as a text that was cut for a table.
    #[error("it is cut off: it ends with …")]
    Ellipsis,
    /// It begins as a digest and has another number of digits, which stands here.
    #[error("64 hexadecimal digits follow sha256:, and there are {0}")]
    DigestLength(usize),
    /// It begins as a digest and has other characters.
    #[error("64 hexadecimal digits follow sha256:, and not all are")]
    DigestDigits,
}

impl EventId {
    /// Reads what a person typed. What no record can have, and what is only a part of an id, is refused: nothing found
    /// would look like an answer.
    ///
    /// # Errors
    /// [`BadEventId`], which says what is wrong.
    pub fn read(text: &str) -> Result<Self, BadEventId> {
        let id = text.trim();
        if id.is_empty() {
            return Err(BadEventId::Empty);
        }
        if id.chars().any(char::is_whitespace) {
            return Err(BadEventId::Spaces);
        }
        if id.ends_with('…') || id.ends_with("...") {
            return Err(BadEventId::Ellipsis);
        }
        let begin = id.get(..DIGEST_ID.len()).filter(|begin| begin.eq_ignore_ascii_case(DIGEST_ID));
        if let Some(digest) = begin.and_then(|begin| id.get(begin.len()..)) {
            return match digest.chars().count() {
                DIGEST_DIGITS if digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    Ok(Self::Digest(id.to_ascii_lowercase()))
                }
                DIGEST_DIGITS => Err(BadEventId::DigestDigits),
                other => Err(BadEventId::DigestLength(other)),
            };
        }
        if is_uuid(id) {
            return Ok(Self::Uuid(id.to_ascii_lowercase()));
        }
        let bare = id.trim_matches(['{', '}', '-', '"', '\'']);
        if bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(BadEventId::CutUuid);
        }
        Ok(Self::Other(id.to_owned()))
    }

    /// Returns it as it is looked for.
    pub fn text(&self) -> &str {
        match self {
            Self::Uuid(text) | Self::Digest(text) | Self::Other(text) => text,
        }
    }

    /// Returns the ways in which records may write it.
    pub fn spellings(&self) -> Vec<String> {
        match self {
            Self::Uuid(text) => vec![text.clone(), text.to_ascii_uppercase()],
            Self::Digest(text) | Self::Other(text) => vec![text.clone()],
        }
    }
}

/// Tells whether a text is a UUID, in whatever case.
fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part = |(length, part): (usize, Option<&str>)| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    UUID_PARTS.into_iter().all(|length| is_part((length, parts.next()))) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0123abcd-0000-4000-8000-00000000000a";

    #[test]
    fn an_id_is_the_same_in_any_case_and_between_spaces() {
        let whole = EventId::Uuid(UUID.to_owned());
        for text in [UUID.to_owned(), UUID.to_uppercase(), format!(" \t{UUID}\n"), UUID.replace('a', "A")] {
            assert_eq!(EventId::read(&text), Ok(whole.clone()), "{text:?}");
        }
        assert_eq!(whole.spellings(), [UUID.to_owned(), UUID.to_uppercase()]);
        let digest = format!("{DIGEST_ID}{}", "ab".repeat(32));
        assert_eq!(EventId::read(&digest.to_uppercase()), Ok(EventId::Digest(digest)));
        assert_eq!(EventId::read("Event-1"), Ok(EventId::Other("Event-1".to_owned())), "case may count in it");
    }

    #[test]
    fn no_part_of_an_id_is_taken_for_one() {
        for at in 1..UUID.len() {
            for part in [&UUID[..at], &UUID[at..]] {
                assert_eq!(EventId::read(part), Err(BadEventId::CutUuid), "{part}");
            }
        }
        let joined = UUID.replace('-', "");
        for odd in [joined, format!("{{{UUID}}}"), format!("{UUID}0"), format!("{UUID}-{UUID}")] {
            assert_eq!(EventId::read(&odd), Err(BadEventId::CutUuid), "{odd}");
        }
        for (odd, why) in [
            ("", BadEventId::Empty),
            (" ", BadEventId::Empty),
            ("a b", BadEventId::Spaces),
            ("0123abcd…", BadEventId::Ellipsis),
            ("0123abcd...", BadEventId::Ellipsis),
            ("sha256:", BadEventId::DigestLength(0)),
            ("SHA256:12", BadEventId::DigestLength(2)),
        ] {
            assert_eq!(EventId::read(odd), Err(why), "{odd:?}");
        }
        let digits = "g".repeat(DIGEST_DIGITS);
        assert_eq!(EventId::read(&format!("sha256:{digits}")), Err(BadEventId::DigestDigits));
    }
}
