//! The invariants of the house, read from its source: who may use whom, what stays pure, what every file says.

use std::fs;
use std::path::{Path, PathBuf};

use super::imports::MAY_USE;
use super::modules::{SOURCES, library};

/// How many columns a line may have.
const WIDTH_MAX: usize = 120;

/// Modules that neither wait, nor look at the clock, the environment or the disk, nor roll dice.
const PURE: &[&str] = &[
    "ids",
    "log_path",
    "event",
    "decode",
    "config",
    "organization",
    "policy",
    "estate",
    "desire",
    "plan",
    "report",
    "operations",
    "permissions",
    "drift",
    "monitoring",
    "observation",
    "recorders",
    "audit",
    "export",
    "template",
    "words",
    "resource_types",
    "iam_actions",
    "investigate",
    "detect",
];

/// What a pure module must not say.
const IMPURE_WORDS: &[&str] =
    &["async fn", "std::fs", "std::env::", "std::net::Tcp", "SystemTime::now", "Timestamp::now", "tokio::"];

/// A file that is longer is split by subject.
const LINES_MAX: usize = 500;

pub(super) struct Source {
    path: PathBuf,
    pub(super) text: String,
}

impl Source {
    /// The top module: `estate` for `src/estate/key.rs`.
    fn module(&self) -> String {
        let inside = SOURCES.iter().find_map(|folder| self.path.strip_prefix(root().join(folder)).ok()).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    }

    /// The text without its tests: they may use anything.
    fn without_tests(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap()
    }

    fn is_test(&self) -> bool {
        let path = self.path.display().to_string();
        ["/tests/", "/tests.rs", "/fixture", "/cases.rs"].iter().any(|part| path.contains(part))
    }

    pub(super) fn named(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the sources of all packages.
pub(super) fn all_sources() -> Vec<Source> {
    SOURCES.iter().flat_map(|folder| sources(folder)).collect()
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source { text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no source");
    found
}

/// Returns the modules that the map of the house declares.
fn declared() -> Vec<String> {
    let maps = SOURCES.map(|folder| fs::read_to_string(root().join(folder).join("lib.rs")).unwrap());
    let lines = maps.iter().flat_map(|map| map.lines());
    lines.filter_map(|line| Some(line.strip_prefix("pub mod ")?.trim_end_matches(';').to_owned())).collect()
}

/// Returns the modules of ours that a source uses, each with a line that shows it: by its path (`crate::plan::…`), or
/// in a tree (`use crate::{ids, plan::Plan};`).
fn used(source: &Source, modules: &[String]) -> Vec<(String, String)> {
    let code: Vec<&str> = source.without_tests().lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(tree) => top_names(tree),
            None => vec![rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()],
        };
        let line =
            code[..at].lines().last().unwrap_or_default().trim().to_owned() + rest.lines().next().unwrap_or_default();
        found.extend(
            names
                .into_iter()
                .filter(|name| modules.iter().any(|own| own == name))
                .map(|name| (name.to_owned(), line.clone())),
        );
    }
    found
}

/// Returns the first names of the branches of a tree of imports, from behind its first bracket.
fn top_names(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, letter) in tree.char_indices() {
        match letter {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                let branch = tree[start..at].trim();
                names.push(branch.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap());
                start = at + 1;
                if letter == '}' {
                    return names;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

#[test]
fn the_names_of_a_tree_of_imports_are_read() {
    assert_eq!(top_names("ids, plan::{Plan, Risk}, report::text};"), ["ids", "plan", "report"]);
}

#[test]
fn modules_use_only_what_they_may() {
    let modules = declared();
    let listed: Vec<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    assert!(modules.iter().all(|module| listed.contains(&module.as_str())), "{modules:?} are not all in the table");
    let mut broken = Vec::new();
    for source in all_sources().iter().filter(|source| !source.is_test()) {
        let own = source.module();
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == own) else { continue };
        let not_allowed =
            used(source, &modules).into_iter().filter(|(used, _)| *used != own && !allowed.contains(&used.as_str()));
        broken.extend(not_allowed.map(|(used, line)| format!("{} must not use {used}: {line}", source.named())));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_adapters_know_the_sdk() {
    for source in all_sources() {
        let adapter = source.named().starts_with("src/cloud/aws/");
        // `aws_config` alone is a section of the configuration.
        let entries =
            ["use aws_config::", "aws_config::defaults", "aws_config::BehaviorVersion", "aws_config::SdkConfig"];
        let crates = ["aws_sdk_", "aws_smithy", "aws_types", "aws_credential"];
        let word: Vec<&str> = crates.into_iter().chain(entries).collect();
        let found = word.iter().find(|word| source.text.contains(**word));
        assert!(adapter || found.is_none(), "{} names {found:?}", source.named());
    }
}

/// The rooms that may know it.
const ENGINE: [&str; 3] = ["columns", "lake", "query"];

#[test]
fn only_query_the_lake_and_the_columns_know_the_engine_of_sql() {
    for source in all_sources().iter().filter(|source| !ENGINE.contains(&source.module().as_str())) {
        let found = ["datafusion", "arrow::", "parquet::"].iter().find(|word| source.text.contains(**word));
        assert!(found.is_none(), "{} names {found:?}", source.named());
    }
}

#[test]
fn only_the_conditions_of_sigma_know_its_engine() {
    for source in all_sources().iter().filter(|source| !source.named().starts_with("crates/detect/src/detect/sigma/")) {
        let found = ["rsigma_parser::", "rsigma_eval::"].iter().find(|word| source.text.contains(**word));
        assert!(found.is_none(), "{} names {found:?}", source.named());
    }
}

#[test]
fn what_is_built_without_the_sdk_is_pure() {
    let core = fs::read_to_string(root().join("crates/core/src/lib.rs")).unwrap();
    let rooms: Vec<&str> = core.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(rooms.len() > 10 && rooms.iter().all(|room| PURE.contains(room)), "{rooms:?}");
    let manifest = fs::read_to_string(root().join("crates/core/Cargo.toml")).unwrap();
    for heavy in ["aws-", "tokio", "reqwest", "hyper", "clap", "datafusion"] {
        assert!(!manifest.contains(heavy), "crates/core needs {heavy}");
    }
}

#[test]
fn what_is_pure_stays_pure() {
    for source in all_sources().iter().filter(|source| PURE.contains(&source.module().as_str()) && !source.is_test()) {
        for word in IMPURE_WORDS {
            assert!(!source.without_tests().contains(word), "{} says `{word}`", source.named());
        }
    }
}

#[test]
fn only_log_path_names_the_folders_of_the_archive() {
    // Comments, tests, documents and templates may show what keys look like, and one help text lists the folders.
    let names =
        ["AWSLogs", "CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated"];
    let is_free = |module: &str| module.starts_with("log_path") || module == "policy::lint";
    let mut found = Vec::new();
    for (module, code) in library().iter().filter(|(module, _)| !is_free(module)) {
        let lines = code.lines().filter(|line| names.iter().any(|name| line.contains(name)));
        found.extend(lines.map(|line| format!("{module}: {}", line.trim())));
    }
    assert!(found.is_empty(), "take them from log_path:\n{}", found.join("\n"));
}

#[test]
fn every_file_says_what_belongs_there_and_can_be_read_at_one_sitting() {
    for folder in SOURCES.into_iter().chain(["tests", "benches"]) {
        for source in sources(folder) {
            assert!(source.text.starts_with("//!"), "{} does not begin with what it is for", source.named());
            let lines = source.text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", source.named());
        }
    }
}

#[test]
fn the_program_cannot_do_what_it_must_never_do() {
    // Rule 1 of the design: not even linked.
    let never = [
        "disable_aws_service_access",
        "stop_logging()",
        "schedule_key_deletion",
        "delete_bucket()",
        "delete_object",
        "bypass_policy_lockout",
    ];
    for source in all_sources() {
        for call in never {
            assert!(!source.text.contains(&format!(".{call}")), "{} calls {call}", source.named());
        }
        // An earlier trail that a person named, and nothing else, is deleted: in one place.
        let deletes = source.text.contains(".delete_trail()");
        assert!(!deletes || source.named() == "src/cloud/aws/cloudtrail/put.rs", "{} calls it", source.named());
    }
}

#[test]
fn comments_keep_to_the_width_of_a_line() {
    let folders = SOURCES.into_iter().chain(["tests", "benches"]);
    let too_wide = folders.flat_map(sources).flat_map(|source| {
        let lines = source.text.lines().enumerate();
        let wide = lines.filter(|(_, line)| line.trim_start().starts_with("//") && line.chars().count() > WIDTH_MAX);
        wide.map(|(n, _)| format!("{}:{}", source.named(), n + 1)).collect::<Vec<_>>()
    });
    // rustfmt does not wrap comments.
    assert_eq!(too_wide.collect::<Vec<_>>(), Vec::<String>::new(), "have more than {WIDTH_MAX} columns");
}

/// The words by which a sentence says what `None` means.
const OF_NONE: [&str; 12] = [
    "none",
    "None",
    "not set",
    "empty",
    "nothing",
    "null",
    "where",
    "if",
    "unless",
    "without",
    "Without",
    "by default",
];

#[test]
fn what_may_be_none_says_what_that_means() {
    let says = |text: &str| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != ' ').collect();
        let words = words.join(" ");
        OF_NONE.iter().any(|word| format!(" {words} ").contains(&format!(" {word} ")))
    };
    let mut silent = Vec::new();
    for source in all_sources().iter().filter(|source| !source.is_test()) {
        let (mut doc, mut of_type, mut is_flag) = (String::new(), String::new(), false);
        for (at, line) in source.without_tests().lines().map(str::trim).enumerate() {
            if line.starts_with("#[") {
                // The docstring of a flag is its help, which shows a default where there is one.
                is_flag |= line.starts_with("#[arg(");
            } else if let Some(text) = line.strip_prefix("///") {
                doc += text;
            } else if line.starts_with("pub struct ") {
                of_type = std::mem::take(&mut doc);
            } else {
                let is_optional = line.starts_with("pub ") && line.contains(": Option<") && !line.contains('(');
                if is_optional && !is_flag && !says(&doc) && !of_type.contains("`None`") {
                    silent.push(format!("{}:{}", source.named(), at + 1));
                }
                doc.clear();
                is_flag = false;
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "say what None means there");
}
