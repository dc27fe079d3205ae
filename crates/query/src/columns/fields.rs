//! Which fields of a record the columns need, and their values: one pass over the record, which passes over the rest.

use jiff::Timestamp;
use orgtrail_core::event::Json;

use super::column::{Column, From};

/// Where a column's value is found once a record was passed over.
#[derive(Debug)]
pub(super) enum Source {
    /// The first of these that has a value.
    Slots(Vec<usize>),
    Account,
    Region,
    Record,
    ObjectKey,
}

/// The fields of a record that are needed, as a tree by name.
#[derive(Debug, Default)]
pub(super) struct FieldPlan {
    root: Node,
    slots: usize,
    pub(super) sources: Vec<Source>,
    /// Where the event's time goes, where it was asked for.
    time: Vec<usize>,
}

/// Where a record has its time; an aggregated one the time when its window began.
const TIME: [&str; 2] = ["eventTime", "timeWindow.windowStart"];

#[derive(Debug, Default)]
struct Node {
    /// Where the value of this field goes.
    slot: Option<usize>,
    /// The fields below it. There are few, so that a list is as quick as a map.
    below: Vec<(&'static str, Node)>,
}

impl FieldPlan {
    /// Returns how the columns are found in a record, or in a structure.
    pub(super) fn new(columns: &[Column]) -> Self {
        let mut plan = Self::default();
        for column in columns {
            let source = match column.from {
                From::Field(path) => Source::Slots(vec![plan.slot(path)]),
                From::First(paths) => Source::Slots(paths.iter().map(|path| plan.slot(path)).collect()),
                From::Account => Source::Account,
                From::Region => Source::Region,
                From::Record => Source::Record,
                From::ObjectKey => Source::ObjectKey,
            };
            plan.sources.push(source);
        }
        plan
    }

    /// Returns the same, which finds the event's time too.
    pub(super) fn with_time(mut self) -> Self {
        self.time = TIME.map(|path| self.slot(path)).into();
        self
    }

    /// Returns the event's time, from the values of a record. `None`: it has none that can be read.
    pub(super) fn time(&self, values: &[Option<Json<'_>>]) -> Option<Timestamp> {
        let value = self.time.iter().find_map(|slot| values.get(*slot).copied().flatten())?;
        value.scalar()?.parse().ok()
    }

    /// Returns where the value of a path goes: every column that asks for it shares it.
    fn slot(&mut self, path: &'static str) -> usize {
        let mut node = &mut self.root;
        for name in path.split('.') {
            let at = match node.below.iter().position(|(own, _)| *own == name) {
                Some(at) => at,
                None => {
                    node.below.push((name, Node::default()));
                    node.below.len() - 1
                }
            };
            node = &mut node.below[at].1;
        }
        let next = self.slots;
        *node.slot.get_or_insert_with(|| {
            self.slots += 1;
            next
        })
    }

    /// Returns the value of each slot; of a field that is there twice the last, as most readers do. `null` is none.
    pub(super) fn values<'a>(&self, object: Json<'a>) -> Vec<Option<Json<'a>>> {
        let mut values = vec![None; self.slots];
        if self.slots > 0 {
            fill(&self.root, object, &mut values);
        }
        values
    }

    /// Returns the slots of a column of a structure.
    pub(super) fn slots(&self, column: usize) -> &[usize] {
        match self.sources.get(column) {
            Some(Source::Slots(slots)) => slots,
            _ => &[],
        }
    }
}

fn fill<'a>(node: &Node, object: Json<'a>, values: &mut [Option<Json<'a>>]) {
    for (name, value) in object.fields() {
        let Some((_, below)) = node.below.iter().find(|(own, _)| *own == name) else { continue };
        if let Some(place) = below.slot.and_then(|slot| values.get_mut(slot)) {
            *place = (!value.is_null()).then_some(value);
        }
        if !below.below.is_empty() {
            fill(below, value, values);
        }
    }
}
