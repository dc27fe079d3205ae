//! The page about the prepared queries.

use std::fmt::Write;

use super::{Parameter, Prepared};

const HEAD: &str = "# Prepared queries

<!-- Generated: `bash .ci/docs` writes this file. -->

`orgtrail query` with `--name` and `--param` runs one of these over the time, accounts and regions that are asked for.
Each is a file of `queries/`; a file of your own with the same header runs with `--file`.

No query sees what CloudTrail did not record or what is not in the archive: every answer ends with the hours, accounts
and regions that it covers.
";

/// Returns the page about every prepared query.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let all = Prepared::all();
    page.push_str("\n| query | what it does |\n|---|---|\n");
    for query in &all {
        line(&mut page, &format!("| [{0}](#{0}) | {1} |", query.name, cell(&query.title)));
    }
    for query in &all {
        section(&mut page, query);
    }
    page
}

fn section(page: &mut String, query: &Prepared) {
    line(page, &format!("\n## {}\n", query.name));
    line(page, &format!("{}.\n", query.title));
    line(page, &format!("- Answers: {}", query.answers));
    line(page, &format!("- Cannot see: {}", query.cannot_see));
    if query.parameters.is_empty() {
        return;
    }
    page.push_str("\n| parameter | type | default | meaning |\n|---|---|---|---|\n");
    for Parameter { name, kind, default, about } in &query.parameters {
        let default = match default.as_deref() {
            None => "must be given".to_owned(),
            Some("") => "empty".to_owned(),
            Some(text) => format!("`{text}`"),
        };
        line(page, &format!("| `{name}` | {} | {default} | {} |", kind.name(), cell(about)));
    }
}

fn line(page: &mut String, text: &str) {
    // Writing into a text does not fail.
    let _written = writeln!(page, "{text}");
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
