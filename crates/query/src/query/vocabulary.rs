//! What may stand in a question, for whoever types one.

use std::collections::BTreeSet;

use datafusion::prelude::SessionContext;

use super::error::QueryError;
use super::functions;

/// Returns the names of the functions, sorted.
///
/// # Errors
/// Where they cannot be set up.
pub fn functions() -> Result<Vec<String>, QueryError> {
    let context = SessionContext::new();
    functions::register(&context)?;
    let state = context.state();
    let scalar = state.scalar_functions().keys();
    let known = scalar.chain(state.aggregate_functions().keys()).chain(state.window_functions().keys());
    // The twins of functions by which `try(…)` calls them are none of their own.
    let named = known.filter(|name| !name.starts_with("try_")).cloned();
    let all: BTreeSet<String> = named.chain(functions::rewritten_names().map(str::to_owned)).collect();
    Ok(all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_every_kind_are_known_by_their_names() {
        let all = functions().unwrap();
        for name in ["json_extract_scalar", "count", "row_number", "if", "replace", "element_at", "regexp_replace"] {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
        assert!(!all.iter().any(|name| name.starts_with("try_")));
    }
}
