//! The page of an answer, rendered from `templates/query.html.hbs`. Every text is escaped by the template engine.

use serde_json::json;

use crate::query::answer::{Cell, QueryAnswer};
use crate::report::text::escape;
use crate::report::text::html::{PageError, render};

const PAGE: &str = include_str!("../../../templates/query.html.hbs");

/// Returns the answer as a page that needs nothing else. `sql` is the question.
///
/// # Errors
/// When the template is wrong.
pub fn page(answer: &QueryAnswer, sql: &str) -> Result<String, PageError> {
    let row = |row: &Vec<Cell>| -> Vec<String> {
        row.iter().map(|cell| escape::terminal(cell.text()).into_owned()).collect()
    };
    let data = json!({
        "sql": sql,
        "columns": answer.columns,
        "rows": answer.rows.iter().map(row).collect::<Vec<_>>(),
        "coverage": answer.coverage.sentences(),
        "is_whole": answer.coverage.is_whole,
    });
    render(PAGE, &data)
}
