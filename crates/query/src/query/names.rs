//! Names that are not there, with the nearest that are.

use std::collections::BTreeSet;

use datafusion::common::{DataFusionError, SchemaError};

use super::error::{NO_FUNCTION, QueryError};
use super::views::VIEWS;
use crate::columns::column::{Column, Kind};
use crate::lake::store::REWRITTEN;

/// How many names are suggested.
const NEAR_MAX: usize = 3;

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
                Ok(own) => *own,
                Err(other) => Self::Failed(other.to_string()),
            },
            DataFusionError::Context(_, inner) => Self::from(*inner),
            DataFusionError::Diagnostic(_, inner) => Self::from(*inner),
            DataFusionError::ResourcesExhausted(why) => Self::Memory(why),
            DataFusionError::SchemaError(inner, _) => unknown(*inner),
            other if other.to_string().contains(REWRITTEN) => Self::Rewritten(REWRITTEN.to_owned()),
            DataFusionError::Shared(inner) => match inner.find_root() {
                DataFusionError::ResourcesExhausted(why) => Self::Memory(why.clone()),
                _ => Self::Failed(inner.strip_backtrace()),
            },
            other => unknown_function(other.strip_backtrace()),
        }
    }
}

/// Returns the error for a name that no table has.
pub fn unknown(error: SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|column| column.name.clone());
            let near = nearest(&field.name, known);
            QueryError::Unknown { what: format!("there is no column {:?}", bounded(&field.name)), near }
        }
        other => QueryError::Failed(other.to_string()),
    }
}

/// Returns the error that a message of the planner stands for.
pub fn unknown_function(message: String) -> QueryError {
    let plain = message.trim_start_matches("Error during planning: ").to_owned();
    if let Some(name) = plain.strip_prefix("table '").and_then(|rest| rest.split('\'').next()) {
        let name = name.rsplit('.').next().unwrap_or(name);
        let near = nearest(name, VIEWS.iter().map(|view| view.name.to_owned()));
        let near = if near.is_empty() { VIEWS.iter().map(|view| view.name.to_owned()).collect() } else { near };
        return QueryError::Unknown { what: format!("there is no table {:?}", bounded(name)), near };
    }
    if let Some(rest) = plain.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or(rest);
        let near = rest.split("Did you mean '").nth(1).and_then(|near| near.split('\'').next());
        // The planner knows the functions that it has, and not the calls that become something else.
        let known = near.map(|near| near.trim_start_matches("try_").to_owned()).into_iter();
        let near = nearest(name, known.chain(super::functions::rewritten_names().map(str::to_owned)));
        return QueryError::Unknown { what: format!("{NO_FUNCTION} {:?}", bounded(name)), near };
    }
    if let Some((name, _)) = plain.split_once(" not found in struct") {
        let name = name.rsplit(' ').next().unwrap_or(name);
        let mut known = BTreeSet::new();
        VIEWS.iter().for_each(|view| fields_of(view.columns, &mut known));
        let near = nearest(name, known.into_iter().map(str::to_owned));
        return QueryError::Unknown { what: format!("there is no field {:?}", bounded(name)), near };
    }
    QueryError::Failed(plain)
}

/// Collects the names of the fields in columns.
fn fields_of(columns: &[Column], known: &mut BTreeSet<&'static str>) {
    for column in columns {
        if let Kind::Struct(parts) | Kind::List(parts) = &column.kind {
            known.extend(parts.iter().map(|part| part.name));
            fields_of(parts, known);
        }
    }
}

/// Returns the names that are nearest to one, the best first.
pub fn nearest(name: &str, known: impl Iterator<Item = String>) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut rated: Vec<(f64, String)> =
        known.map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known)).collect();
    rated.retain(|(rate, _)| *rate > 0.75);
    rated.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    rated.dedup_by(|a, b| a.1 == b.1);
    rated.into_iter().take(NEAR_MAX).map(|(_, name)| name).collect()
}

fn bounded(name: &str) -> String {
    name.chars().take(100).collect()
}
