//! `docs/reference/`, made from the program: what a page says of a field, an option or a code is what the code says.
//!
//! `bash .ci/docs` writes the pages; the test here fails where one is not what the program would write.

use std::fs;
use std::path::{Path, PathBuf};

mod codes;
mod commands;
mod configuration;
mod json;
mod schema_text;
mod templates;

/// The pages that the packages `orgtrail-query` and `orgtrail-core` write, and hold to their prepared questions and
/// their table of resource types.
const OF_PACKAGES: [&str; 3] = ["queries.md", "resource-types.md", "rules.md"];

/// The variable that has the pages written instead of compared.
const WRITE: &str = "ORGTRAIL_WRITE_REFERENCE";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference")
}

/// Every page and schema, by its name below `docs/reference/`.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![
        ("commands.md".to_owned(), commands::commands()),
        ("exit-codes.md".to_owned(), commands::exit_codes()),
        ("configuration.md".to_owned(), configuration::page()),
        ("findings.md".to_owned(), codes::page()),
        ("json.md".to_owned(), json::page()),
    ];
    pages.extend(json::schemas().into_iter().map(|(name, text)| (format!("schemas/{name}.json"), text)));
    pages
}

/// The first lines of a page.
fn head(title: &str, about: &str) -> String {
    format!("# {title}\n\n<!-- Generated: `bash .ci/docs` writes this file. -->\n\n{about}\n")
}

/// Documentation without the links that only rustdoc follows: of `[Name](path)` and `[Name]` the name stays.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        out.extend([before, "`", name, "`"]);
        let path = after.strip_prefix('(').and_then(|path| path.split_once(')'));
        rest = path.map_or(after, |(_, after)| after);
    }
    out + rest
}

#[test]
fn only_the_name_of_a_link_stays() {
    assert_eq!(
        without_links("of a [`Plan`](crate::plan::Plan), or [`Risk`]; `x[0]`"),
        "of a `Plan`, or `Risk`; `x[0]`"
    );
    assert_eq!(without_links("a [link](https://example.com)"), "a [link](https://example.com)");
}

/// Text as it stands in a cell of a table.
fn cell(text: &str) -> String {
    without_links(text).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn files() -> Vec<PathBuf> {
    let folders = [folder(), folder().join("schemas")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file() && !OF_PACKAGES.iter().any(|name| path.ends_with(name))).collect()
}

#[test]
fn the_reference_is_what_the_program_says() {
    let pages = pages();
    let known: Vec<PathBuf> = pages.iter().map(|(name, _)| folder().join(name)).collect();
    if std::env::var_os(WRITE).is_some() {
        for (path, (_, text)) in known.iter().zip(&pages) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        files().iter().filter(|path| !known.contains(path)).for_each(|path| fs::remove_file(path).unwrap());
        return;
    }
    for (path, (name, text)) in known.iter().zip(&pages) {
        let there = fs::read_to_string(path).unwrap_or_default();
        let difference = there.lines().zip(text.lines()).find(|(there, wanted)| there != wanted);
        assert!(
            there == *text,
            "docs/reference/{name} is not what the program says; run `bash .ci/docs` and look at the difference\n{difference:?}"
        );
    }
    let foreign: Vec<PathBuf> = files().into_iter().filter(|path| !known.contains(path)).collect();
    assert!(foreign.is_empty(), "`bash .ci/docs` does not write {foreign:?}");
}
