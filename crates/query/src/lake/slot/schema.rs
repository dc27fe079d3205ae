//! The columns in the file: those of `events`, each with a number of its own, so that other engines can adopt the files
//! (Apache Iceberg, "Column Projection": by field id).

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::columns::column::{Column, item};
use crate::columns::events::COLUMNS;

/// Returns the number of the elements of the one list: the next behind the columns. So Iceberg numbers a table that is
/// made with these columns, and it finds columns by their numbers alone. The number behind it is kept free for the day,
/// which is in the name of a slot's folder; a column that is added later takes the next.
fn element() -> usize {
    COLUMNS.len() + 1
}

/// Returns the columns of a slot.
pub fn columns() -> &'static [Column] {
    COLUMNS
}

/// Returns the schema of a slot, with the number of each column.
pub fn slot_schema() -> SchemaRef {
    let fields: Vec<Field> = COLUMNS.iter().enumerate().map(|(at, column)| field(column, at + 1)).collect();
    Arc::new(Schema::new(fields))
}

fn field(column: &Column, number: usize) -> Field {
    let plain = column.field();
    let own = match plain.data_type() {
        DataType::List(element) => {
            let element = item(element.data_type().clone()).as_ref().clone();
            let element = element.with_metadata(numbered(self::element()));
            plain.with_data_type(DataType::List(Arc::new(element)))
        }
        _ => plain,
    };
    own.with_metadata(numbered(number))
}

fn numbered(number: usize) -> HashMap<String, String> {
    HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), number.to_string())])
}
