//! Where reading can go on after the structure was lost: the next place that looks like the start of a record.
//!
//! A start is `{`, a key that records begin with, and a colon, blanks between them or not. It does not count behind a
//! colon: that is a field of something, as an event is which a caller put into a request.

use memchr::memchr;

use super::scanner::is_blank;

/// Keys that a record of CloudTrail begins with; those from `eventTime` on, where a tool has sorted them.
const FIRST_KEYS: [&[u8]; 8] = [
    b"eventVersion",
    b"eventID",
    b"eventId",
    b"eventTime",
    b"awsRegion",
    b"additionalEventData",
    b"apiVersion",
    b"eventCategory",
];

/// The key that has the records of a log file.
pub const LIST_KEY: &str = "Records";

/// The longest key that is looked at, in bytes.
pub const KEY_BYTES_MAX: usize = 64;

/// The most blanks between a bracket and its first key, and between that and its colon.
const BLANKS_MAX: usize = 64;

/// The most bytes of a start, which have to be kept while it is looked at.
pub const START_BYTES_MAX: usize = 2 * BLANKS_MAX + KEY_BYTES_MAX + 4;

/// What a place is the start of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A record.
    Record,
    /// An object that has records.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Looks for a bracket.
    Seek,
    /// Behind the bracket, before the key.
    Bracket,
    /// In the key.
    Key,
    /// Behind the key, before the colon.
    Colon,
}

/// A search of which a part is done.
#[derive(Debug)]
pub struct Search {
    from: u64,
    /// Lines begin with records, whatever their first key.
    by_line: bool,
    phase: Phase,
    /// The last byte passed over that is not blank.
    before: u8,
    /// The last byte passed over ends a line.
    at_line: bool,
    /// Where the start that is looked at begins.
    start: u64,
    starts_line: bool,
    key: Vec<u8>,
    blanks: usize,
}

impl Search {
    /// Begins a search at an offset. What stands there first separates, whatever it is.
    pub fn new(from: u64, by_line: bool) -> Self {
        Self {
            from,
            by_line,
            phase: Phase::Seek,
            before: b',',
            at_line: false,
            start: 0,
            starts_line: false,
            key: Vec::new(),
            blanks: 0,
        }
    }

    /// Returns where the start begins that is looked at. `None`: none is.
    pub fn start(&self) -> Option<u64> {
        (self.phase != Phase::Seek).then_some(self.start)
    }

    /// Reads on in a piece that begins at an offset. Returns what it found, which begins at [`Self::start`], and how
    /// much of the piece it has read.
    pub fn feed(&mut self, bytes: &[u8], offset: u64, learned: &[u8]) -> (Option<Start>, usize) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.phase == Phase::Seek {
                at += self.seek(&bytes[at..], offset + at as u64);
                continue;
            }
            match self.step(byte, learned) {
                Ok(None) => at += 1,
                Ok(found) => return (found, at + 1),
                // The byte may begin a start itself.
                Err(()) => (self.phase, self.before, self.at_line) = (Phase::Seek, b'"', false),
            }
        }
        (None, at)
    }

    /// Passes over what stands before the next bracket, and over the bracket.
    fn seek(&mut self, bytes: &[u8], offset: u64) -> usize {
        let bracket = memchr(b'{', bytes);
        let passed = &bytes[..bracket.unwrap_or(bytes.len())];
        self.at_line = passed.last().map_or(self.at_line, |byte| *byte == b'\n');
        let judged = if offset == self.from { passed.get(1..).unwrap_or_default() } else { passed };
        self.before = judged.iter().rfind(|byte| !is_blank(**byte)).copied().unwrap_or(self.before);
        let Some(bracket) = bracket else { return bytes.len() };
        if self.before == b':' {
            (self.before, self.at_line) = (b'{', false);
        } else {
            (self.phase, self.start, self.starts_line) = (Phase::Bracket, offset + bracket as u64, self.at_line);
            (self.blanks, self.at_line) = (0, false);
            self.key.clear();
        }
        bracket + 1
    }

    /// Reads a byte of a start; `Err` where it is none.
    fn step(&mut self, byte: u8, learned: &[u8]) -> Result<Option<Start>, ()> {
        match (self.phase, byte) {
            (Phase::Bracket, b'"') => (self.phase, self.blanks) = (Phase::Key, 0),
            (Phase::Key, b'"') => self.phase = Phase::Colon,
            (Phase::Key, _) if self.key.len() < KEY_BYTES_MAX => self.key.push(byte),
            (Phase::Colon, b':') => return self.judge(learned).map(Some).ok_or(()),
            (Phase::Bracket | Phase::Colon, _) if is_blank(byte) && self.blanks < BLANKS_MAX => self.blanks += 1,
            _ => return Err(()),
        }
        Ok(None)
    }

    fn judge(&self, learned: &[u8]) -> Option<Start> {
        let key = self.key.as_slice();
        if key == LIST_KEY.as_bytes() {
            return Some(Start::File);
        }
        let is_record = FIRST_KEYS.contains(&key) || !key.is_empty() && key == learned;
        (is_record || self.by_line && self.starts_line).then_some(Start::Record)
    }
}
