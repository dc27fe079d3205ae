//! Questions in SQL: a person's own, and prepared ones with their parameters.

use serde_json::{Value, json};

use super::filters::{Filters, address};
use super::{Frame, PageError, cut, line, lines, long, page, shown};
use crate::query::answer::{Cell, QueryAnswer};
use crate::query::prepared::Prepared;
use crate::report::text::escape;
use crate::words::count;

const PAGE_TEMPLATE: &str = include_str!("../../../templates/explore-sql.html.hbs");

/// Rows that are shown.
pub const ROWS_MAX: usize = 1_000;
/// The longest text of a cell that is shown, in characters.
const CELL_MAX: usize = 1_000;
/// From how many bytes on a cell wants room.
const LONG: usize = 16;
/// From how many columns on a table is too wide for paper.
const COLUMNS_MAX: usize = 7;
/// The name of SQL in addresses.
pub const SQL: &str = "sql";
/// The name of a prepared question in addresses.
pub const NAME: &str = "name";
/// How the names of values of placeholders begin in addresses.
pub const PARAMETER: &str = "p.";
/// The name in addresses by which a form says that it is to be answered.
pub const ASK: &str = "ask";

/// What stands in the field where nothing was asked yet.
const EXAMPLE: &str = "SELECT event_source, event_name, count(*) AS events\nFROM events\nWHERE read_only = false\n\
                       GROUP BY 1, 2\nORDER BY events DESC\nLIMIT 50";

/// Why there is no answer: what is wrong, and what helps.
#[derive(Debug, Clone, Default)]
pub struct NoAnswer {
    /// What is wrong.
    pub what: String,
    /// What a person can do next; each is a sentence.
    pub help: Vec<String>,
}

/// Returns the page.
///
/// # Errors
/// When the template is wrong.
pub fn html(
    frame: &Frame,
    filters: &Filters,
    prepared: &[Prepared],
    answer: Option<&Result<QueryAnswer, NoAnswer>>,
) -> Result<String, PageError> {
    let chosen = filters.get(NAME).and_then(|name| prepared.iter().find(|own| own.name == name));
    let failed = answer.and_then(|answer| answer.as_ref().err());
    let data = json!({
        "title": chosen.map_or("SQL".to_owned(), |own| shown(&own.title)),
        "sql": lines(filters.whole(SQL).unwrap_or(EXAMPLE)),
        "chosen": chosen.map(|own| of_chosen(own, filters)),
        "questions": prepared.iter().map(|own| question(own, chosen)).collect::<Vec<_>>(),
        "failed": failed.map(|own| long(&own.what)),
        "help": failed.map(|own| own.help.iter().map(|help| line(help)).collect::<Vec<_>>()),
        "answer": answer.and_then(|answer| answer.as_ref().ok()).map(table),
    });
    page(PAGE_TEMPLATE, "SQL", frame, data)
}

fn question(own: &Prepared, chosen: Option<&Prepared>) -> Value {
    json!({
        "name": shown(&own.name),
        "title": shown(&own.title),
        "href": address("sql", [(NAME, own.name.as_str())].into_iter()),
        "is_chosen": chosen.is_some_and(|chosen| chosen.name == own.name),
    })
}

fn of_chosen(own: &Prepared, filters: &Filters) -> Value {
    let parameter = |one: &crate::query::prepared::Parameter| {
        let name = format!("{PARAMETER}{}", one.name);
        let value = filters.get(&name).or(one.default.as_deref()).unwrap_or_default();
        json!({
            "id": format!("parameter-{}", shown(&one.name)),
            "name": name,
            "title": shown(&one.name),
            "kind": one.kind.name(),
            "about": shown(&one.about),
            "value": value,
            "is_needed": one.default.is_none(),
        })
    };
    json!({
        "name": own.name,
        "title": shown(&own.title),
        "answers": line(&own.answers),
        "cannot_see": line(&own.cannot_see),
        "parameters": own.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "sql": lines(&own.sql),
        "copy": address("sql", [(SQL, own.sql.as_str())].into_iter()),
    })
}

fn table(answer: &QueryAnswer) -> Value {
    let columns: Vec<String> = answer.columns.iter().map(|name| shown(name)).collect();
    let row = |row: &Vec<Cell>| {
        let cells = row.iter().zip(&columns).zip(&answer.columns).map(|((cell, column), name)| {
            let href = (name == "event_id" && !cell.text().is_empty())
                .then(|| address("event", [("id", cell.text())].into_iter()));
            let class = match cell {
                Cell::Number(_) => "number",
                cell if cell.text().len() > LONG => "long",
                _ => "",
            };
            let text = cut(&escape::terminal(cell.text()), CELL_MAX);
            json!({"text": text, "column": column, "href": href, "class": class})
        });
        cells.collect::<Vec<_>>()
    };
    json!({
        "rows_count": count(answer.rows.len(), "row"),
        "is_wide": columns.len() > COLUMNS_MAX,
        "columns": columns,
        "rows": answer.rows.iter().take(ROWS_MAX).map(row).collect::<Vec<_>>(),
    })
}
