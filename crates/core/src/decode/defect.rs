//! What of an object's content could not be read as a record, and where that is.

use std::fmt;

/// The most bytes of an excerpt.
pub const EXCERPT_BYTES_MAX: usize = 80;

/// A place of the content that is not as CloudTrail writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// What is wrong.
    pub kind: DefectKind,
    /// Where it begins, in bytes of the inflated content.
    pub offset: u64,
    /// How many bytes from there on were not read as records.
    pub bytes: u64,
    /// Where it shows, in bytes of the inflated content: the byte that may not stand where it stands.
    pub shows_at: u64,
    /// The place in the order of records, counted as [`super::Slice::index`] is. `None`: it is not in a record.
    pub record: Option<u64>,
    /// At most 80 bytes of the content, with control characters and all that is not printable escaped. It is
    /// still text that others wrote.
    pub excerpt: String,
}

/// What is wrong with a place of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefectKind {
    /// An element of the list is JSON, but no object.
    NotAnObject,
    /// A record is no JSON. Reading went on at the next place that looks like the start of one.
    NotJson,
    /// A record is not UTF-8.
    NotUtf8,
    /// A record has more bytes than are allowed.
    TooLong,
    /// An object is none that records an event, though one was expected there, as where reading went on.
    NotAnEvent,
    /// Something stands where nothing of the kind may: between records, or before and behind their list.
    Stray,
    /// The content ends in the middle.
    Truncated,
    /// Text stands behind the end.
    AfterEnd,
    /// Another file stands behind the end of the first, and was read too.
    AnotherFile,
    /// `Records` is there more than once, and each was read.
    RecordsTwice,
    /// `Records` is no list.
    RecordsNotAList,
    /// It is neither an event nor a list of events: an object without `Records`, or nothing at all.
    NoRecords,
}

impl DefectKind {
    /// Tells whether something was not read as a record that may be one.
    pub fn is_loss(self) -> bool {
        !matches!(self, Self::AnotherFile | Self::RecordsTwice)
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnObject => "an element of the list is not an object",
            Self::NotJson => "a record is not valid JSON",
            Self::NotUtf8 => "a record is not UTF-8",
            Self::TooLong => "a record is longer than allowed",
            Self::NotAnEvent => "an object is not an event",
            Self::Stray => "unexpected text",
            Self::Truncated => "the content is cut off",
            Self::AfterEnd => "text follows the end",
            Self::AnotherFile => "another file follows the end, and was read",
            Self::RecordsTwice => "`Records` is there more than once, and each was read",
            Self::RecordsNotAList => "`Records` is not a list",
            Self::NoRecords => "there is neither an event nor a list of events",
        })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        if let Some(record) = self.record {
            write!(f, " (record {record})")?;
        }
        if self.shows_at != self.offset {
            write!(f, ", which shows at byte {}", self.shows_at)?;
        }
        if self.kind.is_loss() {
            write!(f, "; {} bytes were not read", self.bytes)?;
        }
        if self.excerpt.is_empty() { Ok(()) } else { write!(f, ": {}", self.excerpt) }
    }
}

/// Returns the beginning of some content as text.
pub fn excerpt(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(EXCERPT_BYTES_MAX)];
    let text = String::from_utf8_lossy(bytes);
    // Quotes and backslashes stay: JSON is full of them.
    let keeps = |c: char| matches!(c, '"' | '\'' | '\\');
    text.chars().fold(String::new(), |mut escaped, c| {
        if keeps(c) {
            escaped.push(c);
        } else {
            escaped.extend(c.escape_debug());
        }
        escaped
    })
}
