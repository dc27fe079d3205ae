//! The decoder: where in the content it is, what it keeps of it, and the pieces that it takes.
//!
//! Every byte is read once; what begins in one piece and ends in another is put together in `carry`. Only where the
//! structure is lost the last text is read again, because a record may begin in what a lost quote made one of.

mod elements;
mod grammar;
mod recovery;

use std::mem;

use super::defect::{Defect, DefectKind, EXCERPT_BYTES_MAX, excerpt};
use super::scanner::{Scan, Scanner};
use super::search::{START_BYTES_MAX, Search};
use super::{Decoded, Limits, Slice};

/// What takes the records.
type Sink<'a> = dyn FnMut(Slice<'_>) + 'a;

/// What may stand at the next byte that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A file, a list or a record by itself.
    Between,
    FirstKey,
    NextKey,
    Colon,
    Value,
    BehindValue,
    FirstElement,
    NextElement,
    BehindElement,
    /// Anything that stands between or behind records, whose order is not known any more.
    Loose,
    /// The rest of something that is one JSON value.
    Scan(ValuePart),
    /// Anything until the next start of a record.
    Search,
}

/// What a value is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValuePart {
    /// A key of the outermost object.
    Key,
    /// A value of the outermost object.
    Value,
    /// An element of the list of records.
    Element {
        /// It may be a record.
        is_object: bool,
    },
}

/// Where the elements that are read stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordsPlace {
    /// In the `Records` of a file.
    File,
    /// In a list by itself.
    List,
    /// It is not known any more.
    Lost,
}

/// Content that is kept because it may be handed out, or have to be read again: from `start` on.
#[derive(Debug, Clone, Copy)]
struct Hold {
    start: u64,
    /// It has become too long: only its beginning is kept.
    is_cut: bool,
}

/// The outermost object that is being read.
#[derive(Debug, Default)]
struct Document {
    lists: u64,
    is_event: bool,
    /// Where a `Records` stands that is no list.
    not_a_list: Option<u64>,
}

/// What was read so far on the outermost level.
#[derive(Debug, Default)]
struct Outline {
    /// A file or a list.
    has_file: bool,
    /// A record by itself.
    has_record: bool,
    /// Any object or list.
    has_any: bool,
    said_another: bool,
    /// A `Records` without its bracket was gone into. It is once: objects in one another would be read once a level.
    has_sought_list: bool,
}

/// Damage that is being passed over.
#[derive(Debug)]
struct Damage {
    kind: DefectKind,
    offset: u64,
    shows_at: u64,
    record: Option<u64>,
    excerpt: Vec<u8>,
    /// It is none if a record begins right there.
    is_doubtful: bool,
}

/// Reads records from content that comes in pieces.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// Where the piece at hand begins.
    base: u64,
    stage: Stage,
    place: RecordsPlace,
    scanner: Scanner,
    /// Where the value began that the scanner reads.
    value_at: u64,
    /// Where the last text began that was read.
    last_text: u64,
    hold: Option<Hold>,
    /// What is held and was in earlier pieces.
    carry: Vec<u8>,
    key: Vec<u8>,
    document: Document,
    outline: Outline,
    /// The first key of the first record.
    first_key: Vec<u8>,
    search: Search,
    damage: Option<Damage>,
    /// The element at hand begins where a search led to.
    is_resumed: bool,
    index: u64,
    mark_bytes: u64,
    decoded: Decoded,
}

impl Decoder {
    /// Makes a decoder of one object's content.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            base: 0,
            stage: Stage::Between,
            place: RecordsPlace::Lost,
            scanner: Scanner::new(limits.record_bytes),
            value_at: 0,
            last_text: 0,
            hold: None,
            carry: Vec::new(),
            key: Vec::new(),
            document: Document::default(),
            outline: Outline::default(),
            first_key: Vec::new(),
            search: Search::new(0, false),
            damage: None,
            is_resumed: false,
            index: 0,
            mark_bytes: 0,
            decoded: Decoded::default(),
        }
    }

    /// Takes the next piece of the content, and hands out the records that end in it. A record that lies in the piece
    /// is not copied.
    pub fn push(&mut self, piece: &[u8], sink: &mut impl FnMut(Slice<'_>)) {
        self.run(piece, sink);
    }

    /// Ends the content, and says what it had.
    pub fn finish(mut self) -> Decoded {
        self.end();
        self.decoded.bytes = self.base;
        self.decoded
    }

    /// Returns how many bytes are kept of pieces that were pushed, and for the structure of what is being read: at most
    /// [`Limits::record_bytes`] and an eighth of it, and some 300 bytes.
    pub fn buffered(&self) -> usize {
        let damage = self.damage.as_ref().map_or(0, |damage| damage.excerpt.len());
        self.carry.len() + self.scanner.bytes() + self.key.len() + damage
    }

    fn run(&mut self, piece: &[u8], sink: &mut Sink<'_>) {
        let mut at = 0;
        while at < piece.len() {
            at = match self.stage {
                Stage::Scan(part) => self.scan(part, piece, at, sink),
                Stage::Search => self.search(piece, at, sink),
                _ => self.step(piece, at, sink),
            };
        }
        self.keep(piece);
        self.base += piece.len() as u64;
    }

    /// Reads on in a value. As all that follow, it returns where in the piece reading goes on.
    fn scan(&mut self, part: ValuePart, piece: &[u8], at: usize, sink: &mut Sink<'_>) -> usize {
        let scan = self.scanner.feed(&piece[at..]);
        let end = match scan {
            Scan::More => piece.len(),
            Scan::Ended(taken) | Scan::Broken(taken) => at + taken,
        };
        if part == ValuePart::Key {
            // One byte more, so that a key that is too long differs from one that is not.
            let room = (super::search::KEY_BYTES_MAX + 1).saturating_sub(self.key.len());
            self.key.extend(piece[at..end].iter().take(room));
        }
        if scan == Scan::More {
            return end;
        }
        self.last_text = self.value_at + self.scanner.last_text();
        if matches!(scan, Scan::Broken(_)) {
            return self.broken(end, sink);
        }
        match part {
            ValuePart::Key => self.stage = Stage::Colon,
            ValuePart::Value => self.value_ended(),
            ValuePart::Element { is_object } => self.element_ended(is_object, &piece[..end], sink),
        }
        end
    }

    /// Begins a value at a byte of the piece, and holds it.
    fn begin(&mut self, part: ValuePart, at: usize) {
        self.value_at = self.base + at as u64;
        self.scanner.restart();
        self.hold_from(self.value_at);
        self.stage = Stage::Scan(part);
    }

    /// Holds what follows, if nothing is held already.
    fn hold_from(&mut self, start: u64) {
        self.hold.get_or_insert(Hold { start, is_cut: false });
    }

    fn release(&mut self) {
        self.hold = None;
        self.carry.clear();
    }

    /// Keeps of a piece what is held.
    fn keep(&mut self, piece: &[u8]) {
        let Some(hold) = &mut self.hold else { return };
        let new = &piece[hold.start.saturating_sub(self.base) as usize..];
        let most = self.limits.record_bytes.max(START_BYTES_MAX);
        hold.is_cut |= self.carry.len() + new.len() > most;
        if hold.is_cut {
            self.carry.truncate(EXCERPT_BYTES_MAX);
            let room = EXCERPT_BYTES_MAX - self.carry.len();
            self.carry.extend(new.iter().take(room));
        } else {
            self.carry.extend_from_slice(new);
        }
    }

    /// Hands the held content, which ends where the piece does, to a function, and releases it.
    fn with_held(&mut self, piece: &[u8], then: impl FnOnce(&mut Self, Held<'_>)) {
        let Some(hold) = self.hold.take() else { return };
        let mut carry = mem::take(&mut self.carry);
        let length = self.base + piece.len() as u64 - hold.start;
        let is_too_long = length > self.limits.record_bytes as u64;
        let new = &piece[hold.start.saturating_sub(self.base) as usize..];
        let bytes = if carry.is_empty() {
            new
        } else {
            let missing = if is_too_long { EXCERPT_BYTES_MAX.saturating_sub(carry.len()) } else { new.len() };
            carry.extend(new.iter().take(missing));
            &carry
        };
        then(self, Held { start: hold.start, length, is_too_long, bytes });
        carry.clear();
        self.carry = carry;
    }

    /// Goes back to a place that is held or in the piece.
    fn rewind(&mut self, to: u64, sink: &mut Sink<'_>) -> usize {
        let start = self.hold.take().map_or(to, |hold| hold.start);
        let mut carry = mem::take(&mut self.carry);
        if to >= self.base {
            carry.clear();
            self.carry = carry;
            return (to - self.base) as usize;
        }
        carry.drain(..(to - start) as usize);
        // What is held from now on is in these bytes: going back again is going back in them.
        self.base = to;
        self.run(&carry, sink);
        0
    }

    fn defect(&mut self, kind: DefectKind, held: Held<'_>, shows_at: u64, record: Option<u64>) {
        let text = excerpt(held.bytes);
        self.note(Defect { kind, offset: held.start, bytes: held.length, shows_at, record, excerpt: text });
    }

    fn note(&mut self, defect: Defect) {
        if defect.kind.is_loss() {
            self.decoded.losses += 1;
            self.decoded.bytes_not_read += defect.bytes;
        }
        if self.decoded.defects.len() < self.limits.defects {
            self.decoded.defects.push(defect);
        } else {
            self.decoded.further_defects += 1;
        }
    }
}

/// Content that was held.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    start: u64,
    length: u64,
    /// It has more bytes than a record may have.
    is_too_long: bool,
    /// All of it; of what is too long at least the beginning.
    bytes: &'a [u8],
}
