//! `orgtrail schema`: prints the JSON Schema of `orgtrail.yaml`, with which editors complete and check.

use crate::cli::outcome::Outcome;
use crate::config::json_schema;

/// Returns the schema, indented.
pub fn run() -> (String, Outcome) {
    (format!("{:#}\n", json_schema()), Outcome::Clean)
}
