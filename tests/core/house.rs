//! The invariants of the house, read from its source: who may use whom, what stays pure, and that every file says what
//! belongs into it.

use std::fs;
use std::path::{Path, PathBuf};

/// Module -> the other modules of ours that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("organization", &["ids"]),
    ("template", &[]),
    ("policy", &["ids", "template"]),
    ("estate", &["ids", "organization", "policy"]),
    ("config", &["ids", "organization"]),
    ("desire", &["config", "organization", "estate", "policy", "ids"]),
    ("plan", &["organization", "estate", "policy", "ids"]),
    ("flow", &[]),
    ("cloud", &["flow", "organization", "estate", "policy", "plan", "ids"]),
    ("survey", &["cloud", "config", "desire", "estate", "ids", "organization", "plan", "policy"]),
    ("drift", &["estate", "plan", "ids"]),
    ("apply", &["plan", "estate", "cloud", "ids"]),
    (
        "reconcile",
        &["apply", "cloud", "config", "desire", "estate", "ids", "organization", "plan", "policy", "report", "survey"],
    ),
    ("logs", &["cloud", "flow", "ids", "organization"]),
    ("least", &["cloud", "config", "desire", "estate", "ids", "organization", "policy", "template"]),
];

/// Modules that neither wait, nor look at the clock, the environment or the disk, nor roll dice.
const PURE: &[&str] =
    &["ids", "config", "organization", "policy", "estate", "desire", "plan", "report", "least", "drift", "template"];

/// What a pure module must not say.
const IMPURE_WORDS: &[&str] =
    &["async fn", "std::fs", "std::env::", "std::net::Tcp", "SystemTime::now", "Timestamp::now", "tokio::"];

/// A file that is longer is split by subject.
const LINES_MAX: usize = 500;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The top module: `estate` for `src/estate/key.rs`.
    fn module(&self) -> String {
        let inside = self.path.strip_prefix(root().join("src")).unwrap();
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

    fn named(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

#[test]
fn modules_use_only_what_they_may() {
    let modules: Vec<&str> = MAY_USE.iter().map(|(module, _)| *module).chain(["report", "cli", "reconcile"]).collect();
    let mut broken = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let own = source.module();
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == own) else { continue };
        for used in modules.iter().filter(|used| **used != own && !allowed.contains(used)) {
            let line = source
                .without_tests()
                .lines()
                .find(|line| !line.trim_start().starts_with("//") && line.contains(&format!("crate::{used}::")));
            broken.extend(line.map(|line| format!("{} must not use {used}: {}", source.named(), line.trim())));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_adapters_know_the_sdk() {
    for source in sources("src") {
        let adapter = ["src/cloud/aws/", "src/logs/aws/"].iter().any(|folder| source.named().starts_with(folder));
        let word = ["aws_sdk_", "aws_config", "aws_smithy", "aws_types", "aws_credential"];
        let found = word.iter().find(|word| source.text.contains(**word));
        assert!(adapter || found.is_none(), "{} names {found:?}", source.named());
    }
}

#[test]
fn what_is_pure_stays_pure() {
    for source in sources("src").iter().filter(|source| PURE.contains(&source.module().as_str()) && !source.is_test()) {
        for word in IMPURE_WORDS {
            assert!(!source.without_tests().contains(word), "{} says `{word}`", source.named());
        }
    }
}

#[test]
fn every_file_says_what_belongs_there_and_can_be_read_at_one_sitting() {
    for folder in ["src", "tests", "benches"] {
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
    for source in sources("src") {
        for call in never {
            assert!(!source.text.contains(&format!(".{call}")), "{} calls {call}", source.named());
        }
        // An earlier trail that a person named, and nothing else, is deleted: in one place.
        let deletes = source.text.contains(".delete_trail()");
        assert!(!deletes || source.named() == "src/cloud/aws/cloudtrail/put.rs", "{} calls it", source.named());
    }
}
