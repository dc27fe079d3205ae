//! Answers of questions, in every format, each with what it covers.

mod page;
mod table;

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::text::escape;
use crate::query::answer::{AnswerCoverage, Cell, QueryAnswer};
use crate::query::prepared::{Parameter, Prepared};

pub use page::page;
pub use table::{Grid, grid, markdown, said_of_cut, table};

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// The form of an answer in JSON. It is written cell by cell, so that numbers keep all their digits.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the schema is made of it")]
pub struct AnswerJson {
    /// The version of this format.
    format_version: u32,
    /// The names of the columns.
    columns: Vec<String>,
    /// The rows, each a list with a value for every column: a text, a number, a flag, a list, an object, or null.
    rows: Vec<Vec<Value>>,
    /// What the answer covers.
    coverage: AnswerCoverage,
}

/// Returns the answer as one JSON document: `columns`, `rows` as lists, `coverage`.
///
/// Cells are written as they are: a number keeps all its digits.
pub fn json_text(answer: &QueryAnswer) -> String {
    let mut text = format!(
        "{{\n  \"format_version\": {FORMAT_VERSION},\n  \"columns\": {},\n  \"rows\": [",
        json!(answer.columns)
    );
    for (at, row) in answer.rows.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let cells: Vec<String> = row.iter().map(Cell::json).collect();
        text += &format!("{comma}\n    [{}]", cells.join(", "));
    }
    let end = if answer.rows.is_empty() { "" } else { "\n  " };
    text += &format!("{end}],\n  \"coverage\": {}\n}}\n", coverage(answer));
    escape::json(&text).into_owned()
}

/// Returns the answer as lines of JSON: an object for each row, by the names of its columns, and last one with
/// `coverage`. Of two columns of one name the second is called `name_2`.
pub fn json_lines(answer: &QueryAnswer) -> String {
    let names = distinct(&answer.columns);
    let mut text = String::new();
    for row in &answer.rows {
        let fields: Vec<String> = names
            .iter()
            .zip(row)
            .map(|(name, cell)| format!("{}:{}", Value::from(name.as_str()), cell.json()))
            .collect();
        text += &format!("{{{}}}\n", fields.join(","));
    }
    text += &format!("{{\"coverage\":{}}}\n", coverage(answer));
    escape::json(&text).into_owned()
}

/// Returns the answer as CSV (RFC 4180) for spreadsheets: what would be taken for a formula is made a text by a quote
/// before it. What it covers stands in lines at the end that begin with `#`.
pub fn csv(answer: &QueryAnswer) -> String {
    let mut text = line(answer.columns.iter().map(|name| csv_cell(name, true)));
    for row in &answer.rows {
        text += &line(row.iter().map(|cell| csv_cell(cell.text(), !matches!(cell, Cell::Number(_)))));
    }
    for sentence in answer.coverage.sentences() {
        text += &line(std::iter::once(quoted(&format!("# {sentence}"))));
    }
    text
}

/// Returns the prepared questions for a person: each with its title and its parameters, and how to see the whole of
/// one.
pub fn prepared(all: &[Prepared]) -> String {
    let mut text = String::new();
    for one in all {
        text += &format!("{}\n    {}\n{}", escape::terminal(&one.name), escape::terminal(&one.title), parameters(one));
    }
    text + "\n`orgtrail query --list --name NAME` says what one answers and cannot see, and shows its SQL.\n"
}

/// Returns the whole of one prepared question for a person.
pub fn prepared_whole(one: &Prepared, width: usize) -> String {
    let filled = |what: &str, text: &str| {
        let first = format!("    {what}: ");
        let options = textwrap::Options::new(width).initial_indent(&first).subsequent_indent("        ");
        textwrap::fill(&escape::terminal(text), &options) + "\n"
    };
    let mut text =
        format!("{}\n    {}\n{}", escape::terminal(&one.name), escape::terminal(&one.title), parameters(one));
    text += &filled("answers", &one.answers);
    text += &filled("cannot see", &one.cannot_see);
    text.push('\n');
    for line in one.sql.lines() {
        text += &escape::terminal(line);
        text.push('\n');
    }
    text
}

fn parameters(one: &Prepared) -> String {
    let line = |Parameter { name, default, about, .. }: &Parameter| {
        let default = default.as_ref().map(|value| format!(" [default: {value}]")).unwrap_or_default();
        format!("    --param {name}=…  {}\n", escape::terminal(&format!("{about}{default}")))
    };
    one.parameters.iter().map(line).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

/// Makes a text inert in a spreadsheet and in CSV. Control characters would act in a terminal that shows the file.
fn csv_cell(text: &str, is_text: bool) -> String {
    let shown = escape::terminal(text);
    let acts = is_text && shown.trim_start().starts_with(ACTS);
    let quote = if acts { "'" } else { "" };
    if acts || shown.contains(['"', ',', ';', '\'']) {
        return quoted(&format!("{quote}{shown}"));
    }
    shown.into_owned()
}

/// What a cell must not begin with: what spreadsheets take for a formula, also in its wide forms, and what readers of
/// CSV take for a remark.
const ACTS: [char; 11] = ['=', '+', '-', '@', '|', '%', '#', '＝', '＋', '－', '＠'];

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn coverage(answer: &QueryAnswer) -> Value {
    // The shape has no map with keys that are no texts, so that it can be written.
    serde_json::to_value(&answer.coverage).unwrap_or_default()
}

/// Returns names of which none is there twice.
fn distinct(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        let mut own = name.clone();
        let mut number = 2;
        while all.contains(&own) {
            own = format!("{name}_{number}");
            number += 1;
        }
        all.push(own);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: Vec<Vec<Cell>>) -> QueryAnswer {
        let columns = vec!["name".to_owned(), "n".to_owned()];
        QueryAnswer { columns, rows, batches: None, coverage: AnswerCoverage::default() }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn formulas_and_control_characters_do_not_act() {
        let hostile = ["=HYPERLINK(\"http://x\")", "+1", "@SUM(A1)", "-1+2", " =1", "a\u{1b}[2Jb", "two\nlines", "a,b"];
        let rows = hostile.iter().map(|one| vec![text(one), Cell::Number("-5".into())]).collect();
        let csv = csv(&answer(rows));
        assert!(csv.contains("\"'=HYPERLINK(\"\"http://x\"\")\",-5\r\n"), "{csv}");
        assert!(
            csv.contains("a\\u{1b}[2Jb,-5") && csv.contains("two\\nlines,-5") && csv.contains("\"a,b\",-5"),
            "{csv}"
        );
        assert!(csv.lines().all(|line| !line.starts_with(['=', '+', '@', '-'])), "{csv}");
        let table = table(&answer(vec![vec![text("a\u{1b}[2J"), Cell::Null]]), 80);
        assert!(table.contains("\\u{1b}[2J") && !table.contains('\u{1b}'), "{table}");
        let markdown = markdown(&answer(vec![vec![text("a|b <img> @all"), Cell::Null]]));
        assert!(markdown.contains("a\\|b &lt;img&gt;"), "{markdown}");
    }

    #[test]
    fn numbers_keep_their_digits_and_every_line_is_json() {
        let rows = vec![vec![text("a\"b"), Cell::Number("9007199254740993".into())], vec![Cell::Null, Cell::Null]];
        let answer = answer(rows);
        let whole: Value = serde_json::from_str(&json_text(&answer)).unwrap();
        assert_eq!(whole["rows"][0][1].to_string(), "9007199254740993");
        assert_eq!(whole["coverage"]["is_whole"], false);
        let lines = json_lines(&answer);
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({"name": "a\"b", "n": 9_007_199_254_740_993_u64}));
        assert_eq!(lines.len(), 3);
        assert!(lines[2]["coverage"].is_object());
    }

    #[test]
    fn two_columns_of_one_name_are_told_apart() {
        assert_eq!(distinct(&["a".into(), "a".into(), "a_2".into()]), ["a", "a_2", "a_2_2"]);
    }
}
