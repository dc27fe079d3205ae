//! The page of an answer, rendered from `templates/query.html.hbs`. Every text is escaped by the template engine.

use serde_json::json;

use crate::query::answer::{Cell, QueryAnswer};
use crate::report::text::escape;
use crate::template;

const PAGE: &str = include_str!("../../../templates/query.html.hbs");
const STYLE: &str = include_str!("../../../templates/style.html.hbs");

/// Says that a page could not be rendered, which means that its template is wrong.
#[derive(Debug, thiserror::Error)]
#[error("cannot render the page")]
pub struct PageError(#[source] Box<dyn std::error::Error + Send + Sync>);

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
    let mut pages = template::engine(escape::html);
    for (name, template) in [("style", STYLE), ("query", PAGE)] {
        pages.register_template_string(name, template).map_err(|e| PageError(e.into()))?;
    }
    pages.render("query", &data).map_err(|e| PageError(e.into()))
}
