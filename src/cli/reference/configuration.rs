//! Every field of `orgtrail.yaml`, from the JSON Schema that checks it.

use super::head;
use super::schema_text::{Columns, sections};
use crate::config::json_schema;

/// The page of the configuration.
pub fn page() -> String {
    let about = "The fields of `orgtrail.yaml`. `orgtrail schema` prints this as JSON Schema, for editors; `orgtrail validate` checks a
file. An unknown field is an error. [examples](../../examples) has whole files.";
    head("Configuration", about) + &sections(&json_schema(), Columns::Defaults)
}
