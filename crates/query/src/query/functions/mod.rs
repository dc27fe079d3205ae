//! The functions of Trino that people's questions use and DataFusion lacks or means otherwise, and the syntax that they
//! are written in.
//!
//! - [`read`]: a text into a question, as Trino means it.
//! - [`register`]: the functions.
//!
//! What stays different from Trino, and which functions of Trino there are not: docs/guides/query.md, "What differs
//! from Athena", lists both. In short: a key that a map lacks gives none with `m['k']`, and `a[9]` none beyond the
//! end, where Trino fails; patterns are those of Rust, without look-around; times have microseconds; a text beside a
//! time or a date is read as a time, where Trino refuses it; `approx_percentile` of whole numbers may lie between two
//! of them; of a field that is in JSON twice the last counts; `format` knows the places that are used for texts and
//! numbers.
//!
//! What has a bound: a list that a function makes has at most 10,000 elements (`sequence`, `array_repeat`), a text
//! 65,536 characters (`repeat`, `lpad`, `rpad`), and any text that is longer than what it is made of 1 MiB; `WITH`
//! names at most 64 queries. Whole numbers that do not fit are an error with `+`, `-`, `*` and `sum`; with
//! `sum(DISTINCT …)` they are not looked at, and `try` does not give none for them. `repeat` gives a text, where Trino
//! gives a list.

mod absent;
mod aggregate;
mod bounded;
mod casts;
mod collection;
mod compare;
mod depth;
mod dialect;
mod distinct;
mod formatted;
mod function;
mod growth;
#[cfg(test)]
mod hostile;
mod join;
mod json;
mod maps;
mod places;
mod reduce;
mod refused;
mod rewrite;
mod schema;
mod size;
#[cfg(test)]
mod strict;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod times;
#[cfg(test)]
mod typed;
mod unnest;
mod whole;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;

use super::error::QueryError;
use super::guard;
use aggregate::{MapOf, Values};
use casts::JsonCasts;
use function::Function;
use rewrite::DatabaseNames;

/// Reads a text that must be one question, in Trino's syntax or DataFusion's.
///
/// # Errors
/// [`QueryError`] where it is none, several, or something that would change something.
pub fn read(sql: &str) -> std::result::Result<Statement, QueryError> {
    read_with(sql, DatabaseNames::LeftOut)
}

/// Reads a text that must be one question to an engine that has databases: names of tables stay as they are.
///
/// # Errors
/// As [`read`].
pub fn read_for_databases(sql: &str) -> std::result::Result<Statement, QueryError> {
    read_with(sql, DatabaseNames::Kept)
}

fn read_with(sql: &str, databases: DatabaseNames) -> std::result::Result<Statement, QueryError> {
    depth::check(sql, &dialect::Trino)?;
    let mut statement = guard::question(sql, &dialect::Trino)?;
    rewrite::rewrite(&mut statement, databases)?;
    Ok(statement)
}

fn functions() -> Vec<Function> {
    let of_values = [json::functions(), collection::functions(), maps::functions(), time::functions()];
    let of_texts = [text::functions(), places::functions(), schema::functions(), vec![formatted::function()]];
    of_values.into_iter().chain(of_texts).flatten().collect()
}

/// The names of our scalar functions.
static OWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let name = |function: Function| datafusion::logical_expr::ScalarUDFImpl::name(&function).to_owned();
    functions().into_iter().map(name).collect()
});

/// Tells whether a scalar function is ours: it then has a twin for `try`.
fn is_own(name: &str) -> bool {
    OWN.contains(name)
}

/// Returns the names that Trino has and that become something else before they are looked up.
pub fn rewritten_names() -> impl Iterator<Item = &'static str> {
    let others = ["try", "concat", "all_match", "none_match", "listagg", "zip_with"];
    rewrite::call_names().chain(others)
}

/// Adds the functions to a session.
///
/// # Errors
/// DataFusion's, where something cannot be added.
pub fn register(context: &SessionContext) -> Result<()> {
    depth::make_room();
    let bounded = bounded::functions(context)?;
    for function in &bounded {
        context.register_udf(function.clone());
    }
    for function in functions() {
        context.register_udf(ScalarUDF::from(function.lenient()));
        context.register_udf(ScalarUDF::from(function));
    }
    context.register_udaf(AggregateUDF::from(MapOf::new(Values::Counts)));
    context.register_udaf(AggregateUDF::from(MapOf::new(Values::First)));
    context.register_relation_planner(Arc::new(unnest::UnnestPlanner))?;
    context.register_relation_planner(Arc::new(schema::TypesOfColumns))?;
    context.add_analyzer_rule(Arc::new(unnest::LayLateral));
    let state = context.state_ref();
    let mut state = state.write();
    let casts =
        JsonCasts { cast: state.udf("json_cast")?, try_cast: state.udf("try_json_cast")?, round: state.udf("round")? };
    let written = times::WrittenTimes { text: state.udf("time_text")? };
    state.register_function_rewrite(Arc::new(refused::DifferentTypes))?;
    state.register_function_rewrite(Arc::new(written))?;
    state.register_function_rewrite(Arc::new(absent::AbsentValues))?;
    state.register_function_rewrite(Arc::new(casts))?;
    state.register_function_rewrite(Arc::new(times::ComparedTimes))?;
    state.register_function_rewrite(Arc::new(whole::CheckedNumbers))?;
    state.register_function_rewrite(Arc::new(join::JoinedTexts))?;
    let bounded = bounded.into_iter().map(Arc::new).collect();
    state.register_function_rewrite(Arc::new(bounded::BoundedCalls(bounded)))?;
    let sum = AggregateUDF::from(whole::Sum::over(state.udaf("sum")?));
    state.register_udaf(Arc::new(sum))?;
    let count = AggregateUDF::from(distinct::Count::over(state.udaf("count")?));
    state.register_udaf(Arc::new(count))?;
    state.register_higher_order_function(Arc::new(HigherOrderUDF::new_from_impl(reduce::Reduce::new())))?;
    state.register_expr_planner(Arc::new(compare::FlagsAndTexts))?;
    state.config_mut().options_mut().sql_parser.default_null_ordering = "nulls_last".to_owned();
    Ok(())
}
