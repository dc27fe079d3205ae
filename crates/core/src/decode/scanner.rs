//! Where one JSON value ends, and whether it is one: a strict reader of the grammar (RFC 8259) that takes the value in
//! pieces of any size, looks at each byte once and keeps no text.
//!
//! It takes what [`Json::parse`](crate::event::Json::parse) takes, but does not look whether texts are UTF-8.

use super::nesting::Nesting;

/// How far a value goes in a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// To the end of the piece, and perhaps on.
    More,
    /// It ends before this byte of the piece.
    Ended(usize),
    /// At this byte of the piece it is no JSON any more.
    Broken(usize),
}

/// What may stand at the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value.
    Value,
    /// The first element of a list, or its end.
    FirstElement,
    /// The first key of an object, or its end.
    FirstKey,
    Key,
    Colon,
    /// What stands behind a value: a comma or the end.
    Behind,
    Text,
    Escape,
    /// So many more digits of `\u`.
    Hex(u8),
    /// The rest of `true`, `false` or `null`.
    Word,
    /// A number, behind: the sign, a leading zero, digits, the point, digits of the fraction, `e`, its sign, its
    /// digits.
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// A value of which a part was read.
#[derive(Debug)]
pub struct Scanner {
    state: State,
    nesting: Nesting,
    depth_max: usize,
    /// The text at hand is a key.
    is_key: bool,
    word: &'static [u8],
    /// Bytes of the value before the piece at hand.
    seen: u64,
    last_text: u64,
}

impl Scanner {
    /// Makes one that calls a value broken where more than this many brackets are open.
    pub fn new(depth_max: usize) -> Self {
        let nesting = Nesting::default();
        Self { state: State::Value, nesting, depth_max, is_key: false, word: b"", seen: 0, last_text: 0 }
    }

    /// Begins another value.
    pub fn restart(&mut self) {
        self.nesting.clear();
        (self.state, self.seen, self.last_text) = (State::Value, 0, 0);
    }

    /// Returns where in the value the last text began, in bytes; 0 where there was none.
    pub fn last_text(&self) -> u64 {
        self.last_text
    }

    /// Returns the memory that it takes beside itself, in bytes.
    pub fn bytes(&self) -> usize {
        self.nesting.bytes()
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) -> Scan {
        let (mut at, mut state) = (0, self.state);
        let scan = loop {
            let Some(&byte) = bytes.get(at) else { break Scan::More };
            match self.step(state, byte, bytes, &mut at) {
                Ok(next) => state = next,
                Err(scan) => break scan,
            }
        };
        (self.state, self.seen) = (state, self.seen + at as u64);
        scan
    }

    /// Reads a byte, and what surely belongs to it; `Err` says where the value ends.
    #[inline(always)]
    fn step(&mut self, state: State, byte: u8, bytes: &[u8], at: &mut usize) -> Result<State, Scan> {
        match (state, byte) {
            (State::Text, _) => return self.text(bytes, at),
            (State::Key | State::FirstKey, b'"') => return Ok(self.open_text(true, at)),
            (State::Colon, b':') => {
                *at += 1;
                return Ok(State::Value);
            }
            (State::Behind, b',') => {
                *at += 1;
                return Ok(if self.nesting.is_object() { State::Key } else { State::Value });
            }
            (State::Behind, b'}') if self.nesting.is_object() => return self.close(at),
            (State::Behind, b']') if !self.nesting.is_object() => return self.close(at),
            (State::FirstKey, b'}') | (State::FirstElement, b']') => return self.close(at),
            (State::Value | State::FirstElement, _) if !is_blank(byte) => return self.value(byte, bytes, at),
            (State::Escape, _) => return self.escape(byte, at),
            (State::Hex(left), _) if byte.is_ascii_hexdigit() => {
                *at += 1;
                return Ok(if left > 1 { State::Hex(left - 1) } else { State::Text });
            }
            (State::Hex(_), _) => return Err(Scan::Broken(*at)),
            (State::Word, _) => return self.word(byte, at),
            (State::Value | State::FirstElement | State::FirstKey | State::Key | State::Colon | State::Behind, _) => {}
            _ => return self.number(state, byte, bytes, at),
        }
        if !is_blank(byte) {
            return Err(Scan::Broken(*at));
        }
        *at += 1;
        Ok(state)
    }

    #[inline(always)]
    fn open_text(&mut self, is_key: bool, at: &mut usize) -> State {
        self.is_key = is_key;
        self.last_text = self.seen + *at as u64;
        *at += 1;
        State::Text
    }

    /// Reads a text to its end, an escape, or what may not stand in one.
    #[inline(always)]
    fn text(&mut self, bytes: &[u8], at: &mut usize) -> Result<State, Scan> {
        *at += plain(&bytes[*at..]);
        match bytes.get(*at) {
            None => Ok(State::Text),
            Some(b'"') => {
                *at += 1;
                if self.is_key { Ok(State::Colon) } else { self.behind(*at) }
            }
            Some(b'\\') => {
                *at += 1;
                Ok(State::Escape)
            }
            Some(_) => Err(Scan::Broken(*at)),
        }
    }

    fn escape(&mut self, byte: u8, at: &mut usize) -> Result<State, Scan> {
        let next = match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::Text,
            b'u' => State::Hex(4),
            _ => return Err(Scan::Broken(*at)),
        };
        *at += 1;
        Ok(next)
    }

    /// Returns what follows a value that ends before a byte of the piece.
    #[inline(always)]
    fn behind(&self, end: usize) -> Result<State, Scan> {
        if self.nesting.depth() == 0 { Err(Scan::Ended(end)) } else { Ok(State::Behind) }
    }

    #[inline(always)]
    fn close(&mut self, at: &mut usize) -> Result<State, Scan> {
        self.nesting.close();
        *at += 1;
        self.behind(*at)
    }

    fn open(&mut self, is_object: bool, at: &mut usize) -> Result<State, Scan> {
        if self.nesting.depth() >= self.depth_max {
            return Err(Scan::Broken(*at));
        }
        self.nesting.open(is_object);
        *at += 1;
        Ok(if is_object { State::FirstKey } else { State::FirstElement })
    }

    #[inline(always)]
    fn value(&mut self, byte: u8, bytes: &[u8], at: &mut usize) -> Result<State, Scan> {
        let number = match byte {
            b'"' => return Ok(self.open_text(false, at)),
            b'{' | b'[' => return self.open(byte == b'{', at),
            b't' => return self.open_word(b"true", bytes, at),
            b'f' => return self.open_word(b"false", bytes, at),
            b'n' => return self.open_word(b"null", bytes, at),
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Digits,
            _ => return Err(Scan::Broken(*at)),
        };
        *at += 1;
        Ok(number)
    }

    fn open_word(&mut self, word: &'static [u8], bytes: &[u8], at: &mut usize) -> Result<State, Scan> {
        if bytes[*at..].starts_with(word) {
            *at += word.len();
            return self.behind(*at);
        }
        self.word = &word[1..];
        *at += 1;
        Ok(State::Word)
    }

    fn word(&mut self, byte: u8, at: &mut usize) -> Result<State, Scan> {
        let Some((_, rest)) = self.word.split_first().filter(|(first, _)| **first == byte) else {
            return Err(Scan::Broken(*at));
        };
        self.word = rest;
        *at += 1;
        if rest.is_empty() { self.behind(*at) } else { Ok(State::Word) }
    }

    /// Reads on in a number. Behind one, the byte at hand is not taken: it belongs to what follows.
    fn number(&mut self, state: State, byte: u8, bytes: &[u8], at: &mut usize) -> Result<State, Scan> {
        let next = match (state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') => State::Digits,
            (State::Digits, b'0'..=b'9') => State::Digits,
            (State::Zero | State::Digits, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Zero | State::Digits | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => State::ExponentDigits,
            (State::Zero, b'0'..=b'9') => return Err(Scan::Broken(*at)),
            (State::Zero | State::Digits | State::Fraction | State::ExponentDigits, _) => return self.behind(*at),
            _ => return Err(Scan::Broken(*at)),
        };
        *at += 1;
        if matches!(next, State::Digits | State::Fraction | State::ExponentDigits) {
            *at += bytes[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        Ok(next)
    }
}

/// Tells what JSON takes for blank.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns how many bytes stand before the first that means something in a text: a quote, a backslash, or a control
/// character, which may not stand there.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let found = special(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    at + bytes[at..].iter().position(is_special).unwrap_or(bytes.len() - at)
}

/// Marks the special bytes of eight, the lowest of the marks being right: the highest bit of each byte that borrows
/// when one is taken from it ("Bit Twiddling Hacks", haszero).
#[inline(always)]
fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let high = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = is_zero(eight ^ (ONES * b'"' as u64));
    let backslash = is_zero(eight ^ (ONES * b'\\' as u64));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (quote | backslash | control) & high
}
