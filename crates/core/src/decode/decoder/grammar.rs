//! The outer structure: files, lists and records by themselves, and what may stand between them.

use crate::event::Json;

use super::super::defect::{Defect, DefectKind};
use super::super::scanner::is_blank;
use super::super::search::{KEY_BYTES_MAX, LIST_KEY};
use super::{Decoder, Document, Held, RecordsPlace, Sink, Stage, ValuePart};

/// A byte order mark.
const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl Decoder {
    /// Reads the next byte that is not blank.
    pub(super) fn step(&mut self, piece: &[u8], at: usize, sink: &mut Sink<'_>) -> usize {
        let blanks = piece[at..].iter().take_while(|byte| is_blank(**byte)).count();
        let at = at + blanks;
        let Some(&byte) = piece.get(at) else { return at };
        let next = match (self.stage, byte) {
            (Stage::Between, _) => return self.between(byte, at, sink),
            (Stage::Loose, b'{') => return self.doubt(at),
            (Stage::Loose, b',' | b']' | b'}') => Stage::Loose,
            (Stage::FirstKey | Stage::NextKey, b'"') => return self.begin_key(at),
            (Stage::FirstKey | Stage::BehindValue, b'}') => {
                self.document_ended(&piece[..=at], sink);
                Stage::Between
            }
            (Stage::Colon, b':') => Stage::Value,
            (Stage::Value, _) => return self.begin_value(byte, at),
            (Stage::BehindValue, b',') => Stage::NextKey,
            (Stage::FirstElement | Stage::BehindElement, b']') => self.list_ended(),
            (Stage::NextElement, b']') => {
                self.comma_too_many(at);
                self.list_ended()
            }
            (Stage::FirstElement | Stage::NextElement, _) => {
                self.begin(ValuePart::Element { is_object: byte == b'{' }, at);
                return at;
            }
            (Stage::BehindElement, b',') => Stage::NextElement,
            _ => return self.broken(at, sink),
        };
        self.stage = next;
        at + 1
    }

    fn between(&mut self, byte: u8, at: usize, sink: &mut Sink<'_>) -> usize {
        let offset = self.base + at as u64;
        if offset == self.mark_bytes && MARK.get(self.mark_bytes as usize) == Some(&byte) {
            self.mark_bytes += 1;
            return at + 1;
        }
        let is_half_mark = matches!(self.mark_bytes, 1 | 2);
        match byte {
            b'{' if !is_half_mark => {
                self.document = Document::default();
                self.hold_from(offset);
                self.stage = Stage::FirstKey;
                self.outline.has_any = true;
            }
            b'[' if !is_half_mark => {
                self.outline.has_any = true;
                self.begin_list(RecordsPlace::List, at);
            }
            _ => {
                self.mark_bytes = MARK.len() as u64;
                return self.broken(at, sink);
            }
        }
        at + 1
    }

    fn begin_key(&mut self, at: usize) -> usize {
        self.key.clear();
        self.begin(ValuePart::Key, at);
        at
    }

    fn begin_value(&mut self, byte: u8, at: usize) -> usize {
        let is_records = self.is_key(LIST_KEY);
        if is_records && byte == b'[' {
            self.document.lists += 1;
            self.release();
            self.begin_list(RecordsPlace::File, at);
            return at + 1;
        }
        if is_records {
            self.document.not_a_list = Some(self.base + at as u64);
        }
        self.document.is_event |= ["eventVersion", "eventID", "eventId"].iter().any(|key| self.is_key(key));
        self.begin(ValuePart::Value, at);
        at
    }

    /// Tells whether the last key is this one, with escapes or without.
    fn is_key(&self, key: &str) -> bool {
        let inner = self.key.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\""));
        if inner == Some(key.as_bytes()) {
            return true;
        }
        self.key.len() <= KEY_BYTES_MAX
            && self.key.contains(&b'\\')
            && serde_json::from_slice::<String>(&self.key).is_ok_and(|text| text == key)
    }

    pub(super) fn value_ended(&mut self) {
        self.stage = Stage::BehindValue;
        if self.document.lists > 0 {
            self.release();
        }
    }

    fn begin_list(&mut self, place: RecordsPlace, at: usize) {
        let offset = self.base + at as u64;
        if place == RecordsPlace::File && self.document.lists > 1 {
            self.remark(DefectKind::RecordsTwice, offset);
        } else if (self.outline.has_file || self.outline.has_record) && !self.outline.said_another {
            self.outline.said_another = true;
            self.remark(DefectKind::AnotherFile, offset);
        }
        self.outline.has_file = true;
        self.place = place;
        self.stage = Stage::FirstElement;
    }

    /// Returns what follows the list at hand.
    fn list_ended(&mut self) -> Stage {
        match self.place {
            RecordsPlace::File => Stage::BehindValue,
            RecordsPlace::List => Stage::Between,
            RecordsPlace::Lost => Stage::Loose,
        }
    }

    /// Judges the outermost object, which ends where the piece does.
    fn document_ended(&mut self, piece: &[u8], sink: &mut Sink<'_>) {
        let document = std::mem::take(&mut self.document);
        if document.lists > 0 {
            self.release();
            if let Some(offset) = document.not_a_list {
                self.remark(DefectKind::RecordsNotAList, offset);
            }
            return;
        }
        self.with_held(piece, |decoder, held: Held<'_>| {
            if document.is_event {
                decoder.remark_record_behind_file(held.start);
                decoder.record(held, sink);
                return;
            }
            let kind = document.not_a_list.map_or(DefectKind::NoRecords, |_| DefectKind::RecordsNotAList);
            decoder.defect(kind, held, document.not_a_list.unwrap_or(held.start), None);
        });
    }

    fn remark_record_behind_file(&mut self, offset: u64) {
        if self.outline.has_file && !self.outline.said_another {
            self.outline.said_another = true;
            self.remark(DefectKind::AnotherFile, offset);
        }
        self.outline.has_record = true;
    }

    fn comma_too_many(&mut self, at: usize) {
        self.remark(DefectKind::Stray, self.base + at as u64);
    }

    /// Notes a defect that no content is lost by.
    fn remark(&mut self, kind: DefectKind, offset: u64) {
        self.note(Defect { kind, offset, bytes: 0, shows_at: offset, record: None, excerpt: String::new() });
    }
}

/// Tells whether an object records an event: it has a version or an id of one.
pub(super) fn is_event(text: &str) -> bool {
    let is_key = |name: &str| matches!(name, "eventVersion" | "eventID" | "eventId");
    Json::parse(text).is_ok_and(|json| json.fields().any(|(name, _)| is_key(&name)))
}
