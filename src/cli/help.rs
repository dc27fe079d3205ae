//! The command line as it is read and shown: the derived one, with the commands in their groups, and of the options
//! those that do something for each command.

use std::fmt::Write;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::{Arg, ArgAction, CommandFactory, value_parser};

use super::Cli;
use super::catalog::{COMMANDS, CatalogEntry, Group, Reads, Writes};
use super::format::FormatParser;

/// The options that do nothing for a command that reads no configuration.
const OF_CONFIGURATION: [&str; 1] = ["config"];
/// The options that do nothing for a command that does not read AWS.
const OF_AWS: [&str; 5] = ["estate", "policies", "allow_grant", "profile", "concurrency"];

/// Returns the command line.
pub fn command() -> clap::Command {
    let all = Cli::command();
    let globals: Vec<Arg> = all.get_arguments().cloned().collect();
    let all = COMMANDS.iter().fold(all, |all, entry| {
        let words: Vec<&str> = entry.words().collect();
        changed(all, &words, &|command| without_idle(with_output(command, entry), entry, &globals))
    });
    let template = template(&all);
    all.help_template(template)
}

/// Changes the command of these words.
fn changed(
    command: clap::Command,
    words: &[&'static str],
    change: &dyn Fn(clap::Command) -> clap::Command,
) -> clap::Command {
    match words.split_first() {
        Some((first, rest)) => command.mut_subcommand(*first, |below| changed(below, rest, change)),
        None => change(command),
    }
}

/// Returns the command of a name, which may have two words. `None` where there is none.
#[cfg(test)]
pub fn find<'a>(all: &'a clap::Command, name: &str) -> Option<&'a clap::Command> {
    name.split(' ').try_fold(all, |command, word| command.find_subcommand(word))
}

/// Returns every command that does something, by its name: one that only has commands below it does nothing.
#[cfg(test)]
pub fn leaves(all: &clap::Command) -> Vec<(String, &clap::Command)> {
    let mut found = Vec::new();
    for command in all.get_subcommands().filter(|command| command.get_name() != "help") {
        let below = leaves(command);
        match below.is_empty() {
            true => found.push((command.get_name().to_owned(), command)),
            false => found.extend(below.into_iter().map(|(name, one)| (format!("{} {name}", command.get_name()), one))),
        }
    }
    found
}

/// Gives a command its own `--format` and `--output`, which take the place of the global ones.
fn with_output(command: clap::Command, entry: &'static CatalogEntry) -> clap::Command {
    let default = if entry.name == "reconcile" { "; json needs --once" } else { "" };
    let format = Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(FormatParser(entry.formats))
        .hide(entry.formats.len() == 1)
        .help(format!("Report in this format{default}"))
        .long_help(format!(
            "Report in this format{default}. By default the one that the ending of --output names, else human. With several \
             --output it is the format of standard output"
        ));
    let output = Arg::new("output")
        .long("output")
        .short('o')
        .action(ArgAction::Append)
        .value_parser(value_parser!(PathBuf))
        .value_name(if entry.writes == Writes::Folder { "DIR" } else { "FILE" })
        .help(match (entry.writes, entry.name) {
            (Writes::Reports, _) => "Write the report to this file; - is stdout",
            (Writes::Document | Writes::Source, _) => "Write to this file; - is stdout",
            (Writes::File, _) => "Write the configuration to this file [default: that of --config]",
            (Writes::Folder, "demo") => "Write everything to this folder [default: orgtrail-demo]",
            (Writes::Folder, _) => "Write the files to this folder (required)",
        });
    let output = match entry.writes {
        Writes::Reports | Writes::Document | Writes::Source => {
            let short = output.get_help().map(ToString::to_string).unwrap_or_default();
            output.long_help(format!("{short} (can be repeated, for several formats)"))
        }
        Writes::File | Writes::Folder => output,
    };
    command.arg(format).arg(output)
}

/// Hides the global options that do nothing for a command.
fn without_idle(command: clap::Command, entry: &CatalogEntry, globals: &[Arg]) -> clap::Command {
    let is_idle = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        (id == "templates" && !entry.has_templates)
            || (entry.reads == Reads::Nothing && OF_CONFIGURATION.contains(&id))
            || (entry.reads != Reads::Aws && OF_AWS.contains(&id))
    };
    globals.iter().filter(is_idle).fold(command, |command, arg| command.arg(arg.clone().global(false).hide(true)))
}

/// Returns the help of the program itself, with its commands by group: clap knows groups of options only.
fn template(all: &clap::Command) -> String {
    let styles = Styles::styled();
    let (head, name) = (styles.get_header(), styles.get_literal());
    // Commands of a command are shown by its own help.
    let first = |entry: &CatalogEntry| entry.words().next().unwrap_or(entry.name);
    let width = COMMANDS.iter().map(|entry| first(entry).len()).max().unwrap_or_default();
    let mut shown: Vec<&str> = Vec::new();
    let mut text = "{about-with-newline}{usage-heading} {usage}\n\n".to_owned();
    for group in Group::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{head}{}:{head:#}", group.heading());
        for entry in COMMANDS.iter().filter(|entry| entry.group == group) {
            let own = first(entry);
            if shown.contains(&own) {
                continue;
            }
            shown.push(own);
            let about = all.find_subcommand(own).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {name}{own:width$}{name:#}  {about}");
        }
    }
    let _ = write!(text, "\n{head}Global options:{head:#}\n{{options}}{{after-help}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The help of a command as it is shown at a number of columns.
    fn shown(name: Option<&str>, long: bool, columns: usize) -> String {
        let mut all = command().term_width(columns);
        all.build();
        let command = name.map_or(&all, |name| find(&all, name).unwrap()).clone();
        let mut command = command.term_width(columns);
        let help = if long { command.render_long_help() } else { command.render_help() };
        help.to_string()
    }

    #[test]
    fn every_command_has_one_row_of_the_table() {
        let all = Cli::command();
        let commands: Vec<String> = leaves(&all).into_iter().map(|(name, _)| name).collect();
        for name in &commands {
            assert_eq!(COMMANDS.iter().filter(|entry| entry.name == *name).count(), 1, "{name}");
        }
        assert_eq!(commands.len(), COMMANDS.len());
        let help = shown(None, false, 80);
        for entry in COMMANDS {
            let first = entry.words().next().unwrap();
            assert_eq!(help.matches(&format!("\n  {first} ")).count(), 1, "{}\n{help}", entry.name);
            assert!(!entry.formats.is_empty());
        }
    }

    #[test]
    fn short_help_fits_one_screen() {
        let mut too_large = Vec::new();
        for name in std::iter::once(None).chain(COMMANDS.iter().map(|entry| Some(entry.name))) {
            let help = shown(name, false, 80);
            let lines = help.lines().count();
            // The program's own help has a line for each command.
            let most = if name.is_none() { 45 } else { 40 };
            if lines > most || help.lines().any(|line| line.chars().count() > 80) {
                too_large.push(format!("{name:?} has {lines} lines\n{help}"));
            }
            let own = help.find("\nOptions:").unwrap_or_default();
            assert!(help.find("\nGlobal options:").unwrap() > own, "{name:?}: its own options come first\n{help}");
        }
        assert!(too_large.is_empty(), "{}", too_large.join("\n"));
    }

    #[test]
    fn help_texts_begin_with_a_verb_and_fit_a_line() {
        // No rule tells a verb; these are the words that the texts would begin with instead.
        let nouns =
            ["The", "A", "An", "How", "Which", "What", "Where", "Only", "Also", "File", "Id", "ID", "It", "This"];
        let mut all = command();
        all.build();
        let own = all.get_subcommands().filter(|one| one.get_name() != "help");
        for command in std::iter::once(&all).chain(own).chain(leaves(&all).into_iter().map(|(_, one)| one)) {
            let of_args = command.get_arguments().map(|arg| (arg.get_id().to_string(), arg.get_help()));
            let texts = of_args.chain([("about".to_owned(), command.get_about())]);
            for (id, text) in texts {
                let of = format!("{} {id}", command.get_name());
                let text = text.map(ToString::to_string).unwrap_or_default();
                let first = text.split(' ').next().unwrap_or_default();
                assert!(first.starts_with(char::is_uppercase) && !nouns.contains(&first), "{of}: {text}");
                assert!(text.chars().count() <= 80 && !text.ends_with('.'), "{of}: {text}");
            }
            for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
                let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let repeats = matches!(arg.get_action(), ArgAction::Append) && arg.get_id() != "output";
                assert_eq!(repeats, text.contains("can be repeated") && arg.get_id() != "output", "{arg}: {text}");
            }
        }
    }

    #[test]
    fn help_has_no_refused_word() {
        let refused = include_str!("../../tests/data/refused_words.txt");
        for name in std::iter::once(None).chain(COMMANDS.iter().map(|entry| Some(entry.name))) {
            let help = shown(name, true, 100).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let words = help.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join(" ");
            for word in refused.lines() {
                assert!(!format!(" {words} ").contains(&format!(" {word} ")), "{name:?}: {word:?} in\n{help}");
            }
        }
    }
}
