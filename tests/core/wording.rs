//! The words of the program: what people read is in the field's words and in plain English. The list of refused words
//! is `tests/data/refused_words.txt`; comments in the code are not read.

use std::fs;
use std::path::{Path, PathBuf};

use super::house::{Source, all_sources};
use super::modules::SOURCES;

const REFUSED: &str = include_str!("../data/refused_words.txt");

/// Parts of paths of files that only tests use.
const OF_TESTS: [&str; 9] =
    ["tests", "fixture", "/cases", "mutations", "properties", "strangers", "elsewhere", "/snapshots", "confine"];

/// What is a name in a machine format, where the words would be others today: metrics keep theirs.
const KEPT: [(&str, &str); 2] = [("src/reconcile/status/metrics.rs", "told"), ("src/reconcile/history.rs", "told")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if extensions.iter().any(|extension| path.extension().is_some_and(|of| of == *extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the refused words of a text. A word within a name (`nobody-outside`) or a placeholder (`{told}`) is none.
fn refused(text: &str) -> Vec<&'static str> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "-_{}".contains(c));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let has = |word: &&str| {
        text.match_indices(*word)
            .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
    };
    REFUSED.lines().filter(has).collect()
}

/// Returns the string literals of a file of Rust with their lines, without those of its tests.
fn literals(source: &str) -> Vec<(usize, String)> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let (mut found, mut rest, mut line) = (Vec::new(), source, 1);
    while let Some(c) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(end) = raw_end(rest) {
            found.push((line, rest[..end].to_owned()));
            end
        } else if c == '"' {
            let end = string_end(rest);
            found.push((line, rest[1..end].replace("\\\n", " ")));
            end + 1
        } else {
            // The quote of a character: '"' begins no string.
            ["'\\\"'", "'\"'"].iter().find(|quote| rest.starts_with(**quote)).map_or(c.len_utf8(), |quote| quote.len())
        };
        line += rest[..taken].matches('\n').count();
        rest = &rest[taken..];
    }
    found
}

/// Returns where the string that begins here ends, at its closing quote.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len() - 1, |(at, _)| at)
}

/// Returns the length of the raw string that begins here.
fn raw_end(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('r')?.trim_start_matches('#');
    let hashes = text.len() - 1 - inner.len();
    let close = format!("\"{}", "#".repeat(hashes));
    let at = inner.strip_prefix('"')?.find(&close)?;
    Some(1 + hashes + 1 + at + close.len())
}

#[test]
fn literals_are_read() {
    let source =
        "// \"nobody\"\nlet a = \"one \\\"two\\\"\"; let b = '\"'; let c = r#\"raw \"x\" \"#;\n let d = \"three\";";
    let texts: Vec<String> = literals(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one \\\"two\\\"", "r#\"raw \"x\" \"#", "three"]);
    assert_eq!(refused("Nobody was told; nobody-outside {told} untold"), ["told", "nobody"]);
    assert_eq!(refused("so\n  many of ours"), ["of ours", "so many"]);
}

#[test]
fn what_people_read_has_no_refused_word() {
    let mut wrong = Vec::new();
    for path in SOURCES.iter().flat_map(|folder| files(&root().join(folder), &["rs"])) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if OF_TESTS.iter().any(|part| name.contains(part)) {
            continue;
        }
        for (line, text) in literals(&fs::read_to_string(&path).unwrap()) {
            let words = refused(&text);
            let kept = |word: &&str| !KEPT.contains(&(name.as_str(), word));
            wrong.extend(words.into_iter().filter(kept).map(|word| format!("{name}:{line}: {word:?} in {text:?}")));
        }
    }
    let texts = ["templates", "policies", "docs", "examples"]
        .into_iter()
        .flat_map(|folder| files(&root().join(folder), &["md", "hbs", "js", "yaml", "yml", "service", "timer"]))
        .chain(["README.md"].map(|name| root().join(name)));
    for path in texts {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            wrong.extend(refused(line).into_iter().map(|word| format!("{name}:{}: {word:?} in {line:?}", at + 1)));
        }
    }
    assert!(wrong.is_empty(), "say it in other words (tests/data/refused_words.txt):\n{}", wrong.join("\n"));
}

/// Words that say nothing without the import that goes with them: each type says whose it is (`TrailScope`), and at
/// most as many public types as stand here have the bare word.
const BARE_WORDS: &[(&str, usize)] = &[
    ("Scope", 0),
    ("Delivery", 0),
    ("Verdict", 0),
    ("Answer", 0),
    ("Subject", 0),
    ("Anchor", 0),
    ("Mark", 0),
    ("Fault", 1),
    ("Record", 1),
];

#[test]
fn a_type_says_whose_it_is() {
    let sources = all_sources();
    for (word, most) in BARE_WORDS {
        let declares = |line: &str| {
            let after =
                ["pub struct ", "pub enum ", "pub trait ", "pub type "].iter().find_map(|kind| line.strip_prefix(kind));
            after.is_some_and(|name| name.split(|c: char| !c.is_alphanumeric()).next() == Some(word))
        };
        let found: Vec<String> =
            sources.iter().filter(|source| source.text.lines().any(declares)).map(Source::named).collect();
        assert!(found.len() <= *most, "{word} is a type in {found:?}");
    }
}
