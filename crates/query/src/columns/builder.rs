//! Builders of arrays, one for each kind of column.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanBuilder, ListArray, MapArray, NullBufferBuilder, StringBuilder, StringViewArray,
    StringViewBuilder, StructArray, TimestampMicrosecondBuilder,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::DataType;
use jiff::Timestamp;
use orgtrail_core::event::{Json, JsonType, Text};

use super::column::{Column, Kind, UTC, entries, entry_fields, fields, item};
use super::fields::FieldPlan;

/// Builds the array of one column.
pub(super) enum Builder {
    Text(StringViewBuilder),
    Json(StringViewBuilder),
    Flag(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Struct(Parts),
    List { lengths: Lengths, parts: Parts },
    Map { lengths: Lengths, keys: StringBuilder, values: StringBuilder },
    Texts { names: &'static [&'static str], lengths: Lengths, texts: StringViewBuilder },
}

/// The columns of a structure.
pub(super) struct Parts {
    columns: &'static [Column],
    plan: FieldPlan,
    builders: Vec<Builder>,
    valid: NullBufferBuilder,
}

/// How long each list of a column is, and whether there is one.
pub(super) struct Lengths {
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

/// Rows that a builder is made for.
const ROWS: usize = 1024;

impl Builder {
    pub(super) fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringViewBuilder::new()),
            Kind::Json => Self::Json(StringViewBuilder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            Kind::Struct(columns) => Self::Struct(Parts::new(columns)),
            Kind::List(columns) => Self::List { lengths: Lengths::new(), parts: Parts::new(columns) },
            Kind::Map => {
                Self::Map { lengths: Lengths::new(), keys: StringBuilder::new(), values: StringBuilder::new() }
            }
            Kind::Texts(names) => Self::Texts { names, lengths: Lengths::new(), texts: StringViewBuilder::new() },
        }
    }

    /// Adds a value, or none; returns about how many bytes it takes.
    pub(super) fn append(&mut self, value: Option<Json<'_>>) -> usize {
        let value = value.filter(|value| !value.is_null());
        match self {
            Self::Text(builder) => {
                let text = value.map(as_text);
                builder.append_option(text.as_deref());
                text.map_or(0, |text| text.len())
            }
            Self::Json(builder) => {
                builder.append_option(value.map(Json::as_str));
                value.map_or(0, |json| json.as_str().len())
            }
            Self::Flag(builder) => {
                builder.append_option(value.and_then(Json::flag));
                1
            }
            Self::Time(builder) => {
                builder.append_option(value.and_then(as_time));
                8
            }
            Self::Struct(parts) => parts.append(value),
            Self::List { lengths, parts } => {
                let list = value.filter(|value| value.kind() == JsonType::List);
                let elements = list.map(Json::elements).into_iter().flatten().take(LIST_MAX);
                let (mut count, mut bytes) = (0, 0);
                for element in elements {
                    bytes += parts.append(Some(element));
                    count += 1;
                }
                lengths.push(count, list.is_some());
                bytes
            }
            Self::Map { lengths, keys, values } => append_map(value, lengths, keys, values),
            Self::Texts { names, lengths, texts } => append_texts(value, names, lengths, texts),
        }
    }

    /// Adds a text that was found elsewhere.
    pub(super) fn append_text(&mut self, text: &str) -> usize {
        match self {
            Self::Text(builder) | Self::Json(builder) => builder.append_value(text),
            _ => return self.append(None),
        }
        text.len()
    }

    /// Returns the array, and begins anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) | Self::Json(builder) => Arc::new(texts(builder)),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Struct(parts) => Arc::new(parts.finish()),
            Self::List { lengths, parts } => {
                let (offsets, valid) = lengths.finish();
                let element = DataType::Struct(fields(parts.columns));
                Arc::new(ListArray::new(item(element), offsets, Arc::new(parts.finish()), valid))
            }
            Self::Map { lengths, keys, values } => {
                let (offsets, valid) = lengths.finish();
                let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), Arc::new(values.finish())];
                let rows = StructArray::new(entry_fields(), columns, None);
                Arc::new(MapArray::new(entries(), offsets, rows, valid, false))
            }
            Self::Texts { lengths, texts, .. } => {
                let (offsets, valid) = lengths.finish();
                Arc::new(ListArray::new(item(DataType::Utf8View), offsets, Arc::new(self::texts(texts)), valid))
            }
        }
    }
}

/// Returns the texts of a builder, and begins anew. Its last block is larger than what is in it, and is kept for as
/// long as one of its texts is.
fn texts(builder: &mut StringViewBuilder) -> StringViewArray {
    let mut array = builder.finish();
    array.shrink_to_fit();
    array
}

/// Elements of one list that are taken; AWS documents no limit, a record has at most 256 KB.
const LIST_MAX: usize = 100_000;

impl Parts {
    fn new(columns: &'static [Column]) -> Self {
        let builders = columns.iter().map(|column| Builder::new(&column.kind)).collect();
        Self { columns, plan: FieldPlan::new(columns), builders, valid: NullBufferBuilder::new(ROWS) }
    }

    /// Adds a structure; none where the value is no object.
    fn append(&mut self, value: Option<Json<'_>>) -> usize {
        let object = value.filter(|value| value.kind() == JsonType::Object);
        let values = object.map(|object| self.plan.values(object)).unwrap_or_default();
        self.valid.append(object.is_some());
        let mut bytes = 1;
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let value = self.plan.slots(at).iter().find_map(|slot| values.get(*slot).copied().flatten());
            bytes += builder.append(value);
        }
        bytes
    }

    fn finish(&mut self) -> StructArray {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        StructArray::new(fields(self.columns), arrays, self.valid.finish())
    }
}

impl Lengths {
    fn new() -> Self {
        Self { offsets: vec![0], valid: NullBufferBuilder::new(ROWS) }
    }

    fn push(&mut self, count: i32, is_there: bool) {
        let last = self.offsets.last().copied().unwrap_or_default();
        self.offsets.push(last.saturating_add(count));
        self.valid.append(is_there);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<datafusion::arrow::buffer::NullBuffer>) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        (OffsetBuffer::new(offsets.into()), self.valid.finish())
    }
}

fn append_map(
    value: Option<Json<'_>>,
    lengths: &mut Lengths,
    keys: &mut StringBuilder,
    values: &mut StringBuilder,
) -> usize {
    let object = value.filter(|value| value.kind() == JsonType::Object);
    let fields: Vec<(Text<'_>, Json<'_>)> = object.map(Json::fields).into_iter().flatten().collect();
    // A map has each key once: the last counts, as most readers do.
    let last: HashMap<&str, usize> = fields.iter().enumerate().map(|(at, (name, _))| (name.as_ref(), at)).collect();
    let (mut bytes, mut count) = (4, 0);
    for (at, (name, value)) in fields.iter().enumerate() {
        if last.get(name.as_ref()) != Some(&at) {
            continue;
        }
        keys.append_value(name);
        let text = (!value.is_null()).then(|| as_text(*value));
        values.append_option(text.as_deref());
        bytes += name.len() + text.map_or(0, |text| text.len());
        count += 1;
    }
    lengths.push(count, object.is_some());
    bytes
}

fn append_texts(
    value: Option<Json<'_>>,
    names: &[&str],
    lengths: &mut Lengths,
    texts: &mut StringViewBuilder,
) -> usize {
    let list = value.filter(|value| value.kind() == JsonType::List);
    let (mut count, mut bytes) = (0, 4);
    for element in list.map(Json::elements).into_iter().flatten().take(LIST_MAX) {
        let text = names.iter().find_map(|name| element.get(name)?.scalar());
        if let Some(text) = text {
            texts.append_value(&text);
            bytes += text.len();
            count += 1;
        }
    }
    lengths.push(count, list.is_some());
    bytes
}

/// Returns a text without its quotes and escapes; anything else, also half a surrogate pair, as its JSON.
fn as_text(value: Json<'_>) -> Text<'_> {
    value.scalar().unwrap_or_else(|| value.as_str().into())
}

fn as_time(value: Json<'_>) -> Option<i64> {
    let text = value.scalar()?;
    Some(text.parse::<Timestamp>().ok()?.as_microsecond())
}
