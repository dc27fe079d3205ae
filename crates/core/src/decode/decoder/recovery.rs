//! What to do where the structure is lost: note the damage, look for the next start of a record, and go on there.

use super::super::defect::{Defect, DefectKind, EXCERPT_BYTES_MAX, excerpt};
use super::super::search::{Search, Start};
use super::{Damage, Decoder, Document, Held, RecordsPlace, Sink, Stage, ValuePart};

impl Decoder {
    /// Notes damage that shows at a byte of the piece, and begins a search.
    pub(super) fn broken(&mut self, at: usize, sink: &mut Sink<'_>) -> usize {
        let shows_at = self.base + at as u64;
        let held = self.hold.map(|hold| hold.start);
        let is_element = matches!(self.stage, Stage::Scan(ValuePart::Element { .. }));
        let (kind, offset) = match held {
            Some(start) if is_element || self.is_lone_record() => (DefectKind::NotJson, start),
            Some(start) => (DefectKind::Stray, start),
            None if self.stage == Stage::Between && self.outline.has_file => (DefectKind::AfterEnd, shows_at),
            None => (DefectKind::Stray, shows_at),
        };
        let record = (kind == DefectKind::NotJson).then(|| self.next_index());
        self.damage = Some(Damage { kind, offset, shows_at, record, excerpt: Vec::new(), is_doubtful: false });
        let from = self.search_from(shows_at);
        self.go_on_as();
        self.search = Search::new(from, self.is_by_line());
        self.stage = Stage::Search;
        self.rewind(from, sink)
    }

    /// Returns where a search begins: where the next record may have begun before the damage shows.
    fn search_from(&mut self, shows_at: u64) -> u64 {
        let is_kept = |start: u64| shows_at - start <= self.limits.record_bytes as u64;
        let Some(start) = self.hold.map(|hold| hold.start).filter(|start| is_kept(*start)) else { return shows_at };
        let in_list = matches!(self.stage, Stage::Scan(ValuePart::Element { .. }));
        // The bracket of `Records` may be lost. Else a lost quote may have made a text of what follows.
        let list = self.document.not_a_list.filter(|list| !in_list && *list >= start);
        let list = list.filter(|_| !std::mem::replace(&mut self.outline.has_sought_list, true));
        list.unwrap_or(if self.last_text >= start { self.last_text } else { shows_at })
    }

    /// Looks at a bracket where the order is lost: a record, or damage.
    pub(super) fn doubt(&mut self, at: usize) -> usize {
        let offset = self.base + at as u64;
        let (kind, excerpt) = (DefectKind::Stray, Vec::new());
        self.damage = Some(Damage { kind, offset, shows_at: offset, record: None, excerpt, is_doubtful: true });
        self.search = Search::new(offset, false);
        self.stage = Stage::Search;
        at
    }

    /// Looks for the next start of a record.
    pub(super) fn search(&mut self, piece: &[u8], at: usize, sink: &mut Sink<'_>) -> usize {
        let (found, taken) = self.search.feed(&piece[at..], self.base + at as u64, &self.first_key);
        if let Some(damage) = &mut self.damage {
            let room = EXCERPT_BYTES_MAX - damage.excerpt.len();
            damage.excerpt.extend(piece[at..at + taken].iter().take(room));
        }
        let start = self.search.start();
        if let (Some(found), Some(start)) = (found, start) {
            return self.resume(found, start, sink);
        }
        if start.is_none_or(|start| start >= self.base) {
            self.release();
        }
        if let Some(start) = start {
            self.hold_from(start);
        }
        at + taken
    }

    fn resume(&mut self, found: Start, start: u64, sink: &mut Sink<'_>) -> usize {
        self.close_damage(start);
        if found == Start::File || self.is_by_line() {
            self.stage = Stage::Between;
        } else {
            self.stage = Stage::NextElement;
            self.is_resumed = true;
        }
        self.rewind(start, sink)
    }

    /// Decides where the records are that a search will find: in the list that is being read, on lines, or anywhere.
    fn go_on_as(&mut self) {
        let in_list =
            matches!(self.stage, Stage::Scan(ValuePart::Element { .. }) | Stage::NextElement | Stage::BehindElement);
        if !in_list {
            self.place = RecordsPlace::Lost;
            self.document = Document::default();
        }
        self.is_resumed = false;
    }

    /// Tells whether the content is records by themselves.
    fn is_by_line(&self) -> bool {
        self.outline.has_record && !self.outline.has_file
    }

    /// Tells whether what is held is a record by itself.
    fn is_lone_record(&self) -> bool {
        let is_element = matches!(self.stage, Stage::Scan(ValuePart::Element { .. }));
        !is_element && self.document.is_event && self.document.lists == 0
    }

    fn close_damage(&mut self, end: u64) {
        let Some(damage) = self.damage.take() else { return };
        if damage.is_doubtful && damage.offset == end {
            return;
        }
        self.note(Defect {
            kind: damage.kind,
            offset: damage.offset,
            bytes: end.saturating_sub(damage.offset),
            shows_at: damage.shows_at,
            record: damage.record,
            excerpt: excerpt(&damage.excerpt),
        });
    }

    /// Judges what is open where the content ends.
    pub(super) fn end(&mut self) {
        let end = self.base;
        match self.stage {
            Stage::Search => self.close_damage(end),
            Stage::Loose => {}
            Stage::Between => {
                if !self.outline.has_any && self.decoded.losses == 0 {
                    self.defect(
                        DefectKind::NoRecords,
                        Held { start: 0, length: end, is_too_long: false, bytes: b"" },
                        0,
                        None,
                    );
                }
            }
            _ => self.cut_off(end),
        }
    }

    fn cut_off(&mut self, end: u64) {
        let is_element = matches!(self.stage, Stage::Scan(ValuePart::Element { .. }));
        let is_record = is_element || self.is_lone_record();
        let start = self.hold.map_or(end, |hold| hold.start);
        let record = is_record.then(|| self.next_index());
        let bytes = std::mem::take(&mut self.carry);
        let held = Held { start, length: end - start, is_too_long: false, bytes: &bytes };
        self.defect(DefectKind::Truncated, held, end, record);
    }
}
