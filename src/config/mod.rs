//! `orgtrail.yaml`: what a person may write, its defaults, and checks that point at line and column.

pub mod schema;

pub use schema::{Config, json_schema};
