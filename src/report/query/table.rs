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
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| escape::terminal(cell.text()).into_owned()).collect())
        .collect();
    let names: Vec<String> = answer.columns.iter().map(|name| escape::terminal(name).into_owned()).collect();
    if !names.is_empty() {
        text += &match widths(&names, &rows, width) {
            Some(widths) => in_columns(&names, &rows, &widths),
            None => in_lines(&names, &rows),
        };
        text += &format!("({})\n", count(rows.len(), "row"));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let lines = textwrap::Options::new(width).subsequent_indent("    ");
    for sentence in answer.coverage.sentences() {
        text += &textwrap::fill(&escape::terminal(&sentence), &lines);
        text.push('\n');
    }
    text
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
