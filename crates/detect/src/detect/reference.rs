//! The page about the rules of the pack: what each rings for, how bad that is, and what to do.

use std::fmt::Write as _;

use super::level::Level;
use super::pack;
use super::rule::{Rule, RuleMeta};
use super::ruleset::RuleSet;

const BEGINNING: &str = "# Rules

Written by the program from `rules/`: run `bash .ci/docs` after a change. How rules are written, and what findings say, is in
[detections](../guides/detections.md).
";

/// Returns the page.
pub fn reference() -> String {
    let rules = pack::rules();
    let mut page = BEGINNING.to_owned();
    let counts = Level::ALL.iter().rev().map(|level| {
        let count = rules.rules().iter().filter(|rule| rule.meta.level == *level).count();
        format!("{count} {level}")
    });
    let counts: Vec<String> = counts.collect();
    line(&mut page, &format!("\nThe pack has {} rules: {}.", rules.rules().len(), counts.join(", ")));
    for (file, _) in pack::FILES {
        chapter(&mut page, &rules, file);
    }
    page
}

fn chapter(page: &mut String, rules: &RuleSet, file: &str) {
    let name = file.trim_start_matches("rules/").trim_end_matches(".yaml");
    line(page, &format!("\n## {name}\n\n| rule | level | rings for | technique |\n|---|---|---|---|"));
    let of_file: Vec<&Rule> = rules.rules().iter().filter(|rule| rule.file == file).collect();
    for Rule { meta, .. } in &of_file {
        line(page, &format!("| `{}` | {} | {} | {} |", meta.id, meta.level, meta.title, techniques(meta)));
    }
    for rule in of_file {
        section(page, rule);
    }
}

fn section(page: &mut String, rule: &Rule) {
    let meta = &rule.meta;
    line(
        page,
        &format!("\n### `{}`\n\n{} ({}, {}).", meta.id, one_line(&meta.title), meta.level, rule.kind().as_str()),
    );
    line(page, &format!("\n{}", one_line(&meta.description)));
    line(page, &format!("\n- False positives: {}", one_line(&meta.false_positives.join("; "))));
    line(page, &format!("- Next step: {}", one_line(&meta.next_step)));
    if !meta.references.is_empty() {
        line(page, &format!("- References: {}", meta.references.join(", ")));
    }
}

fn techniques(meta: &RuleMeta) -> String {
    let of_tag = |tag: &String| tag.strip_prefix("attack.t").map(|technique| format!("T{}", technique.to_uppercase()));
    meta.tags.iter().filter_map(of_tag).collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(page: &mut String, text: &str) {
    // Writing into a text does not fail.
    let _written = writeln!(page, "{text}");
}
