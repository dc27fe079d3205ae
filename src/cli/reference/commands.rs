//! Commands and exit codes, from clap.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

use super::{cell, head};
use crate::cli::{EXIT_CODES, help};

/// The page of the exit codes.
pub fn exit_codes() -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for line in EXIT_CODES.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once("  ") {
            Some((code, meaning)) if code.len() == 1 => rows.push((code.to_owned(), meaning.trim().to_owned())),
            _ => rows.last_mut().unwrap().1 += &format!(" {line}"),
        }
    }
    assert_eq!(rows.len(), 4, "{rows:?}");
    let mut text = head("Exit codes", "Every command ends with one of these:");
    text.push_str("\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in rows {
        let _ = writeln!(text, "| {code} | {} |", cell(&meaning));
    }
    text.push_str("\nA run that is both 2 and 3 ends with 2, and its report says that it is partial too.\n");
    text
}

/// The page of the commands.
pub fn commands() -> String {
    let mut cli = help::command();
    cli.build();
    let mut text = head("Commands", &format!("{}.", cli.get_about().unwrap().to_string().trim_end_matches('.')));
    text.push_str(
        "\n## Options of every command\n\nWhere one of them does nothing, `-h` of the command leaves it out. A command that writes one \
         folder, or one file beside its report, takes `--output` once.\n",
    );
    options(&mut text, cli.get_arguments().filter(|arg| arg.is_global_set()));
    for (name, command) in help::leaves(&cli) {
        one(&mut text, &name, command);
    }
    text
}

fn one(text: &mut String, name: &str, command: &Command) {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    let _ = write!(text, "\n## orgtrail {name}\n\n{}\n", sentence(&about));
    let _ = write!(text, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim());
    options(text, command.get_arguments().filter(|arg| !arg.is_global_set()));
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut examples: Vec<&str> = after.lines().skip_while(|line| !line.starts_with("Examples:")).skip(1).collect();
    examples.retain(|line| !line.trim().is_empty());
    let examples: Vec<&str> = examples.iter().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    if !examples.is_empty() {
        let _ = write!(text, "\n```sh\n{}\n```\n", examples.join("\n"));
    }
}

/// A help text as a sentence of a page.
fn sentence(help: &str) -> String {
    format!("{}.", help.trim().trim_end_matches('.'))
}

fn options<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let rows: Vec<String> = arguments.filter(shown).map(row).collect();
    if !rows.is_empty() {
        let _ = write!(text, "\n| option | meaning |\n|---|---|\n{}", rows.concat());
    }
}

fn row(arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let takes_value = arg.get_action().takes_values();
    let values = if takes_value { values.join(" ") } else { String::new() };
    let optional = takes_value && arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    let values = if optional { format!("[{values}]") } else { values };
    let names: Vec<String> =
        [arg.get_long().map(|long| format!("--{long}")), arg.get_short().map(|short| format!("-{short}"))]
            .into_iter()
            .flatten()
            .collect();
    let name =
        if names.is_empty() { values.clone() } else { format!("{} {values}", names.join(", ")).trim().to_owned() };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let (first, more) = help.split_once("\n\n").unwrap_or((&help, ""));
    let mut meaning = sentence(first);
    if !more.is_empty() {
        let _ = write!(meaning, " {}", sentence(more));
    }
    // Values of a flag without a value are yes and no.
    let possible: Vec<String> = if takes_value {
        arg.get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect()
    } else {
        Vec::new()
    };
    if !possible.is_empty() {
        let _ = write!(meaning, " Values: {}.", possible.join(", "));
    }
    if takes_value && !arg.get_default_values().is_empty() && !arg.is_hide_default_value_set() {
        let defaults: Vec<String> =
            arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
        let _ = write!(meaning, " Default: {}.", defaults.join(", "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(meaning, " Environment: `{}`.", variable.to_string_lossy());
    }
    let repeats = matches!(arg.get_action(), ArgAction::Append) && !arg.is_positional();
    if repeats && !help.contains("repeated") {
        meaning.push_str(" Can be repeated.");
    }
    if arg.is_required_set() {
        meaning.push_str(" Required.");
    }
    format!("| `{}` | {} |\n", name.replace('|', "\\|"), cell(&meaning))
}
