//! Cases of AWS's documentation, each with the page it is taken from.

use super::*;
use crate::policy::PolicyDocument;

fn statement_document(statements: &str) -> PolicyDocument {
    PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}
