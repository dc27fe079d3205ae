//! The columns of a view: a name, a type, and where in a record the value stands.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

/// The time zone of every time.
pub const UTC: &str = "UTC";

/// A column of a view.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Where its value comes from.
    pub from: From,
    /// One line on what it holds, for `\d` and the documentation.
    pub about: &'static str,
}

/// The type of a column, and how a delivered value becomes one.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text; numbers and flags as they are written, objects and lists as their JSON. `null`: none.
    Text,
    /// The JSON as delivered, byte for byte; a text keeps its quotes. `null`: none.
    Json,
    /// `true` or `false`, also where it is written as a text. Anything else: none.
    Flag,
    /// A time in RFC 3339, in microseconds. Anything else: none.
    Time,
    /// A structure with named parts.
    Struct(&'static [Column]),
    /// A list of structures.
    List(&'static [Column]),
    /// A map of texts: the fields of an object; none where it is no object.
    Map,
    /// Every text of a list of objects at some of their fields.
    Texts(&'static [&'static str]),
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A field of the record, or of the structure that the column is part of: `userIdentity.arn`.
    Field(&'static str),
    /// The first of several fields that has a value.
    First(&'static [&'static str]),
    /// The account that the record was delivered to: whose folder the object lies in.
    Account,
    /// The region that it was delivered from: whose folder the object lies in.
    Region,
    /// The record's bytes as delivered.
    Record,
    /// The key of the object that it was delivered in.
    ObjectKey,
}

impl Column {
    /// Returns a column of a field.
    pub const fn of(name: &'static str, kind: Kind, path: &'static str, about: &'static str) -> Self {
        Self { name, kind, from: From::Field(path), about }
    }

    /// Returns a column of something else.
    pub const fn new(name: &'static str, kind: Kind, from: From, about: &'static str) -> Self {
        Self { name, kind, from, about }
    }

    /// Returns its type in Arrow.
    pub fn data_type(&self) -> DataType {
        match &self.kind {
            Kind::Text | Kind::Json => DataType::Utf8View,
            Kind::Flag => DataType::Boolean,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Kind::Struct(parts) => DataType::Struct(fields(parts)),
            Kind::List(parts) => DataType::List(item(DataType::Struct(fields(parts)))),
            Kind::Map => DataType::Map(entries(), false),
            Kind::Texts(_) => DataType::List(item(DataType::Utf8View)),
        }
    }

    /// Returns its field in Arrow. Everything may be missing.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.data_type(), true)
    }
}

/// Returns the fields of the parts of a structure.
pub fn fields(columns: &[Column]) -> Fields {
    columns.iter().map(Column::field).collect()
}

/// Returns the schema of a view.
pub fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(fields(columns)))
}

/// Returns the field of the elements of a list.
pub fn item(of: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(of, true))
}

/// Returns the fields of an entry of a map.
pub fn entry_fields() -> Fields {
    vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)].into()
}

/// Returns the field of the entries of a map.
pub fn entries() -> FieldRef {
    Arc::new(Field::new("entries", DataType::Struct(entry_fields()), false))
}
