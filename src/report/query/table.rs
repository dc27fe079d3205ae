//! Answers as tables in a terminal and in markdown.

use unicode_segmentation::UnicodeSegmentation;

use crate::query::answer::QueryAnswer;
use crate::report::text::escape;
use crate::report::text::words::count;

/// What stands between two columns.
const SPACE: &str = "  ";
/// The narrowest that a column is made.
const COLUMN_MIN: usize = 8;

/// Returns the answer as a table of a width, cells cut with `…` where they do not fit; where there are so many columns
/// that nothing could be read, each row as lines `column value`.
pub fn table(answer: &QueryAnswer, width: usize) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> =
        answer.rows.iter().map(|row| row.iter().map(|cell| cell.text().to_owned()).collect()).collect();
    let mut cut = 0;
    if !answer.columns.is_empty() {
        let grid = grid(&answer.columns, &rows, width);
        text += &grid.text;
        cut = grid.cut;
        text += &format!("({})\n", count(rows.len(), "row"));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let lines = textwrap::Options::new(width).subsequent_indent("    ");
    for sentence in said_of_cut(cut, "--format json or --format csv").into_iter().chain(answer.coverage.sentences()) {
        text += &textwrap::fill(&escape::terminal(&sentence), &lines);
        text.push('\n');
    }
    text
}

/// Rows as a table in a terminal.
pub struct Grid {
    /// The table.
    pub text: String,
    /// How many cells were cut to fit.
    pub cut: usize,
}

/// Returns rows as a table of a width, as [`table`] does.
pub fn grid(columns: &[String], rows: &[Vec<String>], width: usize) -> Grid {
    let shown = |text: &String| escape::terminal(text).into_owned();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    let names: Vec<String> = columns.iter().map(shown).collect();
    match widths(&names, &rows, width) {
        Some(widths) => {
            Grid { text: in_columns(&names, &rows, &widths), cut: rows.iter().map(|row| cut_in(row, &widths)).sum() }
        }
        None => Grid { text: in_lines(&names, &rows), cut: 0 },
    }
}

/// Returns how many cells of a row do not fit into their columns.
fn cut_in(row: &[String], widths: &[usize]) -> usize {
    row.iter().zip(widths).filter(|(cell, width)| length(cell) > **width).count()
}

/// Says that values were cut. `None`: none was.
pub fn said_of_cut(cut: usize, whole: &str) -> Option<String> {
    let said = |verb| format!("{} {verb} cut to the width (…): {whole} has them whole.", count(cut, "value"));
    match cut {
        0 => None,
        1 => Some(said("is")),
        _ => Some(said("are")),
    }
}

/// Returns the answer as a markdown table.
pub fn markdown(answer: &QueryAnswer) -> String {
    let mut text = String::new();
    if !answer.columns.is_empty() {
        let names: Vec<String> = answer.columns.iter().map(|name| escape::markdown(name)).collect();
        text += &format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for row in &answer.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape::markdown(cell.text())).collect();
            text += &format!("| {} |\n", cells.join(" | "));
        }
        text += &format!("\n**{}**\n\n", count(answer.rows.len(), "row"));
    }
    for sentence in answer.coverage.sentences() {
        text += &format!("{}\n\n", escape::markdown(&sentence));
    }
    text
}

fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { textwrap::core::display_width(text) }
}

/// Returns how wide each column is made; none where that would leave nothing to read.
fn widths(names: &[String], rows: &[Vec<String>], width: usize) -> Option<Vec<usize>> {
    let wanted: Vec<usize> = (0..names.len())
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).chain(names.get(at)).map(|cell| length(cell)).max().unwrap_or(0)
        })
        .collect();
    let spaces = SPACE.len() * names.len().saturating_sub(1);
    let mut widths = wanted;
    let mut over = (widths.iter().sum::<usize>() + spaces).saturating_sub(width);
    while over > 0 {
        let widest = *widths.iter().max()?;
        if widest <= COLUMN_MIN {
            return None;
        }
        let next = widths.iter().copied().filter(|one| *one < widest).max().unwrap_or(0).max(COLUMN_MIN);
        let number = widths.iter().filter(|one| **one == widest).count();
        let less = (widest - next).min(over.div_ceil(number));
        widths.iter_mut().filter(|one| **one == widest).for_each(|one| *one -= less);
        over = over.saturating_sub(less * number);
    }
    Some(widths)
}

fn in_columns(names: &[String], rows: &[Vec<String>], widths: &[usize]) -> String {
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| padded(cell, *width)).collect();
        padded.join(SPACE).trim_end().to_owned() + "\n"
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(names) + &rule.join(SPACE) + "\n";
    rows.iter().for_each(|row| text += &line(row));
    text
}

fn padded(cell: &str, width: usize) -> String {
    let is_cut = length(cell) > width;
    let mut shown = String::new();
    let mut used = 0;
    for part in cell.graphemes(true) {
        let own = length(part);
        if used + own > width - usize::from(is_cut) {
            break;
        }
        shown.push_str(part);
        used += own;
    }
    if is_cut {
        shown.push('…');
        used += 1;
    }
    shown + &" ".repeat(width.saturating_sub(used))
}

fn in_lines(names: &[String], rows: &[Vec<String>]) -> String {
    let widest = names.iter().map(|name| length(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text += &format!("-- row {} --\n", number + 1);
        for (name, cell) in names.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            text += &format!("{}{SPACE}{cell}\n", padded(name, widest));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::answer::{AnswerCoverage, Cell};

    fn shown(value: &str, width: usize) -> String {
        let columns = vec!["name".to_owned(), "n".to_owned()];
        let rows = vec![vec![Cell::Text(value.to_owned()), Cell::Number("1".into())]];
        table(&QueryAnswer { columns, rows, batches: None, coverage: AnswerCoverage::default() }, width)
    }

    #[test]
    fn a_value_that_is_cut_is_said_with_what_shows_it_whole() {
        let long = "x".repeat(100);
        let cut = shown(&long, 80);
        assert!(cut.contains("x…  1\n") && cut.contains("\n1 value is cut to the width (…): --format json"), "{cut}");
        for whole in [shown(&long, 200), shown("ü", 80), shown(&"ü".repeat(77), 80)] {
            assert!(!whole.contains("cut to"), "{whole}");
        }
    }
}
