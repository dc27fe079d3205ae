//! What becomes of an element of a list, and of a record by itself.

use super::super::Slice;
use super::super::defect::DefectKind;
use super::super::search::KEY_BYTES_MAX;
use super::grammar::is_event;
use super::{Decoder, Held, RecordsPlace, Sink, Stage};

impl Decoder {
    /// Judges an element, which ends where the piece does.
    pub(super) fn element_ended(&mut self, is_object: bool, piece: &[u8], sink: &mut Sink<'_>) {
        self.stage = if self.place == RecordsPlace::Lost { Stage::Loose } else { Stage::BehindElement };
        self.with_held(piece, |decoder, held| {
            if is_object {
                decoder.record(held, sink);
            } else {
                let index = decoder.next_index();
                decoder.defect(DefectKind::NotAnObject, held, held.start, Some(index));
            }
        });
    }

    /// Hands out an object, if it can be.
    pub(super) fn record(&mut self, held: Held<'_>, sink: &mut Sink<'_>) {
        let is_resumed = std::mem::take(&mut self.is_resumed);
        let index = self.next_index();
        if held.is_too_long {
            self.defect(DefectKind::TooLong, held, held.start, Some(index));
            return;
        }
        let text = match std::str::from_utf8(held.bytes) {
            Ok(text) => text,
            Err(e) => {
                let shows_at = held.start + e.valid_up_to() as u64;
                self.defect(DefectKind::NotUtf8, held, shows_at, Some(index));
                return;
            }
        };
        if is_resumed && !is_event(text) {
            self.defect(DefectKind::NotAnEvent, held, held.start, Some(index));
            return;
        }
        if self.first_key.is_empty() {
            self.first_key.extend_from_slice(first_key(text));
        }
        self.decoded.records += 1;
        sink(Slice { text, index, offset: held.start });
    }

    pub(super) fn next_index(&mut self) -> u64 {
        self.index += 1;
        self.index - 1
    }
}

/// Returns the first key of an object as it is written; empty where it has none, or one that is too long.
fn first_key(object: &str) -> &[u8] {
    let key = object.get(1..).unwrap_or_default().trim_start().strip_prefix('"');
    let key = key.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    if key.len() <= KEY_BYTES_MAX { key.as_bytes() } else { b"" }
}
