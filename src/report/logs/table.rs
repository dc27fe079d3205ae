//! Tables of proofs and coverage: columns in a terminal as wide as it is, else a few lines a row; and markdown.

use crate::report::text::escape;
use crate::report::text::words::count;

/// How many rows people see; JSON has all.
const ROWS_MAX: usize = 60;
/// What stands between two columns.
const SPACE: &str = "  ";

/// A table: names of columns, and rows of as many cells. Cells may hold anything; they are made harmless when they are
/// shown.
pub(super) struct Table {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns the table for a terminal of a width: aligned columns where they fit, else each row as lines of its own.
    pub(super) fn text(&self, width: usize) -> String {
        let rows: Vec<Vec<String>> =
            self.shown().map(|row| row.iter().map(|cell| escape::terminal(cell).into_owned()).collect()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = rows.iter().map(|row| row[at].chars().count());
                cells.chain([self.columns[at].len()]).max().unwrap_or_default()
            })
            .collect();
        let whole = widths.iter().sum::<usize>() + SPACE.len() * widths.len().saturating_sub(1);
        let mut text = String::new();
        if whole <= width {
            let line = |cells: &mut dyn Iterator<Item = &str>| {
                let padded: Vec<String> = cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
                padded.join(SPACE).trim_end().to_owned() + "\n"
            };
            text.push_str(&line(&mut self.columns.iter().copied()));
            rows.iter().for_each(|row| text.push_str(&line(&mut row.iter().map(String::as_str))));
        } else {
            for row in &rows {
                let named = self.columns.iter().zip(row).map(|(column, cell)| format!("{column} {cell}"));
                text.push_str(&wrapped(named, width));
            }
        }
        text.push_str(&self.rest());
        text
    }

    /// Returns the table as markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("| {} |\n|{}\n", self.columns.join(" | "), "---|".repeat(self.columns.len()));
        for row in self.shown() {
            let cells: Vec<String> = row.iter().map(|cell| escape::markdown(cell)).collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        let rest = self.rest();
        if rest.is_empty() { text } else { format!("{text}\n{rest}") }
    }

    fn shown(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter().take(ROWS_MAX)
    }

    fn rest(&self) -> String {
        match self.rows.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
            Some(more) => format!("and {}\n", count(more, "more row")),
            None => String::new(),
        }
    }
}

/// Returns parts with commas between them in lines of a width, the second and later ones indented.
fn wrapped(parts: impl Iterator<Item = String>, width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for part in parts {
        let joined = if line.is_empty() { part.clone() } else { format!("{line}, {part}") };
        if joined.chars().count() < width || line.is_empty() {
            line = joined;
        } else {
            text.push_str(&format!("{line},\n"));
            line = format!("  {part}");
        }
    }
    format!("{text}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Table {
        let row = |at: usize| vec![format!("a{at}"), "eu-west-1".into(), "x|\u{1b}".into()];
        Table { columns: &["account", "region", "state"], rows: (0..rows).map(row).collect() }
    }

    #[test]
    fn columns_are_aligned_where_they_fit() {
        let wide = "account  region     state\na0       eu-west-1  x|\\u{1b}\n";
        assert_eq!(table(1).text(80), wide);
        assert_eq!(table(1).text(24), "account a0,\n  region eu-west-1,\n  state x|\\u{1b}\n");
        assert!(table(62).text(80).ends_with("\nand 2 more rows\n"));
    }

    #[test]
    fn markdown_holds_no_stray_columns() {
        let text = table(1).markdown();
        assert!(text.starts_with("| account | region | state |\n|---|---|---|\n| a0 | eu-west-1 | x\\|"), "{text}");
    }
}
