//! Which files a run reads and which it writes: none that it writes may be one that it reads, or that it writes for
//! something else, and nothing is written among the logs that it proves. Checked before anything is done.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::catalog::CatalogEntry;
use super::failure::CliError;
use crate::files::{is_same, same_place};

/// How a file or folder is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is read.
    Reads,
    /// It may be a folder, and all that is in it is read.
    ReadsAll,
    /// It is written.
    Writes,
    /// It is read and written: what an earlier run kept there is gone on with.
    Keeps,
}

impl Use {
    fn writes(self) -> bool {
        matches!(self, Self::Writes | Self::Keeps)
    }
}

/// The argument of the reports.
const OUTPUT: &str = "output";

/// Every argument that names files: the command (empty: every command), the argument's id, its name for people, and its
/// use. A test holds it to the arguments that there are.
pub(super) const USES: &[(&str, &str, &str, Use)] = &[
    ("", "config", "--config", Use::Reads),
    ("", "estate", "--estate", Use::Reads),
    ("", "policies", "--policies", Use::ReadsAll),
    ("", "templates", "--templates", Use::ReadsAll),
    ("", OUTPUT, "--output", Use::Writes),
    ("plan", "against", "--against", Use::Reads),
    ("apply", "plan", "PLAN", Use::Reads),
    ("apply", "record", "--record", Use::Writes),
    ("drift", "since", "--since", Use::Reads),
    ("drift", "record", "--record", Use::Writes),
    ("reconcile", "token_file", "--token-file", Use::Reads),
    ("reconcile", "history", "--history", Use::Keeps),
    ("verify", "places", "PLACE", Use::ReadsAll),
    ("verify", "keys", "--keys", Use::Reads),
    ("verify", "key_ring", "--key-ring", Use::Keeps),
    ("verify", "expect", "--expect", Use::Reads),
    ("verify", "sign", "--sign", Use::Reads),
    ("verify", "signed_by", "--signed-by", Use::Reads),
    ("verify", "checkpoint", "--checkpoint", Use::Keeps),
    ("verify", "bundle", "--bundle", Use::Writes),
    #[cfg(feature = "sql")]
    ("verify", "seal", "--seal", Use::ReadsAll),
    ("coverage", "places", "PLACE", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("query", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("query", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("query", "file", "--file", Use::Reads),
    #[cfg(feature = "sql")]
    ("dashboard", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("dashboard", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("detect", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("detect", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("detect", "rules", "--rules", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("detect", "overrides", "--overrides", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("who", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("who", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("who", "resources", "--resources", Use::Reads),
    #[cfg(feature = "sql")]
    ("explore", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("explore", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("explore", "queries", "--queries", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake update", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake update", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake status", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake ddl", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake ddl", "place", "--place", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake check", "lake", "--lake", Use::ReadsAll),
    #[cfg(feature = "sql")]
    ("lake check", "place", "--place", Use::ReadsAll),
    ("explain", "bucket_policy", "BUCKET_POLICY", Use::Reads),
    ("explain", "key_policy", "--key-policy", Use::Reads),
    ("explain", "topic_policy", "--topic-policy", Use::Reads),
    ("explain", "topic_key_policy", "--topic-key-policy", Use::Reads),
];

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileUse {
    id: &'static str,
    shown: &'static str,
    how: Use,
    /// As it was named.
    path: PathBuf,
}

/// The files of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileUses(Vec<FileUse>);

impl FileUses {
    /// Takes the files from the arguments of a command.
    pub(super) fn of(entry: &CatalogEntry, matches: &ArgMatches) -> Self {
        let of_command = USES.iter().filter(|(command, ..)| command.is_empty() || *command == entry.name);
        // What a command fills or makes by itself is no report, and it looks itself whether something is there.
        let is_report = |id: &str| id != OUTPUT || entry.reports_to_output();
        let named = of_command.filter(|(_, id, ..)| is_report(id)).flat_map(|&(_, id, shown, how)| {
            let values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
            let is_named = move |value: &&std::ffi::OsStr| *value == "-" && id != OUTPUT && how.writes();
            let values = values.filter(move |value| is_named(value) || !is_elsewhere(value.as_encoded_bytes()));
            values.map(move |value| FileUse { id, shown, how, path: PathBuf::from(value) })
        });
        Self(named.collect())
    }

    /// Refuses a file with two uses of which one would destroy what the other needs or has written, and `-` for what is
    /// kept: only a report goes to standard output.
    ///
    /// # Errors
    /// Names the file and both uses.
    pub(super) fn check(&self) -> Result<(), CliError> {
        if let Some(used) = self.0.iter().find(|used| used.path == Path::new("-")) {
            return Err(CliError::new(format!(
                "{} needs a file: - is standard output, which has the report",
                used.shown
            ))
            .hint(format!("name a file with {}; ./- is a file of that name", used.shown)));
        }
        for (at, written) in self.0.iter().enumerate().filter(|(_, used)| used.how.writes()) {
            let others = self.0.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
            for other in others.filter(|other| !is_agreed(written, other)) {
                refuse(written, other)?;
            }
        }
        Ok(())
    }
}

/// `-`, and what is no file: buckets, keys of KMS.
fn is_elsewhere(value: &[u8]) -> bool {
    value == b"-" || value.starts_with(b"s3://") || value.starts_with(b"arn:")
}

/// Two reports for one file have their own error, and `drift` goes on from its own report or record.
fn is_agreed(one: &FileUse, other: &FileUse) -> bool {
    let ids = [one.id, other.id];
    ids == [OUTPUT, OUTPUT] || ids.contains(&"since")
}

fn refuse(written: &FileUse, other: &FileUse) -> Result<(), CliError> {
    let (what, path) = (written.shown, written.path.display());
    let is_one = is_same(&written.path, &other.path);
    let is_among = other.how == Use::ReadsAll && is_in(&written.path, &other.path);
    if !is_one && !is_among {
        return Ok(());
    }
    let failure = match other.how {
        _ if !is_one => CliError::new(format!("{what} {path} lies in {}, which the run reads", other.path.display()))
            .hint(format!("name a file outside of it with {what}")),
        Use::Writes | Use::Keeps => CliError::new(format!("{what} and {} name one file, {path}", other.shown))
            .hint("name a file of its own for each"),
        Use::Reads | Use::ReadsAll if written.id == OUTPUT => {
            CliError::new(format!("the report would replace {}, which it is made from", other.path.display()))
                .hint("name another file with --output")
        }
        Use::Reads | Use::ReadsAll => CliError::new(format!(
            "{what} would replace {}, which the run reads ({})",
            other.path.display(),
            other.shown
        ))
        .hint(format!("name another file with {what}")),
    };
    Err(failure)
}

fn is_in(path: &Path, folder: &Path) -> bool {
    folder.is_dir() && same_place(path).starts_with(same_place(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::CommandFactory;

    use super::*;

    fn uses(folder: &Path, named: &[(&'static str, &'static str, Use, &str)]) -> FileUses {
        let used = |&(id, shown, how, path): &(_, _, _, &str)| FileUse { id, shown, how, path: folder.join(path) };
        FileUses(named.iter().map(used).collect())
    }

    #[test]
    fn every_argument_that_names_a_file_is_in_the_table() {
        let known = |command: &str, id: &str| {
            USES.iter().any(|(of, named, ..)| (*of == command || of.is_empty()) && *named == id)
        };
        let mut read = 0;
        for (name, command) in crate::cli::help::leaves(&crate::cli::Cli::command()) {
            for argument in command.get_arguments() {
                let values = argument.get_value_names().unwrap_or_default().iter();
                let names_file = values.map(|name| name.as_str()).any(|name| {
                    ["FILE", "DIR", "PLACE", "PLAN", "POLICY", "ACCOUNTS"].iter().any(|word| name.contains(word))
                });
                let id = argument.get_id().as_str();
                let is_list = name != "verify" && id == "accounts";
                if names_file && argument.get_action().takes_values() && !is_list {
                    assert!(known(&name, id), "{name} {id}");
                    read += 1;
                }
            }
        }
        assert!(read >= 18, "{read}");
    }

    #[test]
    fn what_is_kept_needs_a_file_and_a_report_may_go_to_standard_output() {
        let check = |line: &str| {
            let words = std::iter::once("orgtrail").chain(line.split(' '));
            let matches = crate::cli::Cli::command().try_get_matches_from(words).unwrap();
            let (name, of_command) = matches.subcommand().unwrap();
            FileUses::of(CatalogEntry::of(name).unwrap(), of_command).check().map_err(|failure| failure.what)
        };
        for line in
            ["apply --record -", "drift --since f --record -", "reconcile --history -", "verify s3://b --checkpoint -"]
        {
            let refused = check(line).unwrap_err();
            assert!(refused.contains(" needs a file: - is standard output"), "{refused}");
        }
        for line in ["plan --output -", "apply --record ./-", "apply - --record r.jsonl"] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn no_file_is_written_that_is_read_or_written_for_something_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("keys.json"), "keys").unwrap();
        fs::hard_link(folder.path().join("keys.json"), folder.path().join("same.json")).unwrap();
        fs::create_dir_all(folder.path().join("logs/AWSLogs")).unwrap();
        let output = |path| ("output", "--output", Use::Writes, path);
        let bundle = |path| ("bundle", "--bundle", Use::Writes, path);
        let keys = ("keys", "--keys", Use::Reads, "keys.json");
        let place = ("places", "PLACE", Use::ReadsAll, "logs");
        let refused: [(&[_], &str); 6] = [
            (&[output("./keys.json"), keys], "the report would replace "),
            (&[output("logs/../same.json"), keys], "the report would replace "),
            (&[bundle("same.json"), keys], "--bundle would replace "),
            (&[bundle("x.json"), output("logs/../x.json")], "--bundle and --output name one file, "),
            (&[place, output("logs/AWSLogs/a.json.gz")], "--output "),
            (
                &[("checkpoint", "--checkpoint", Use::Keeps, "c"), bundle("./c")],
                "--checkpoint and --bundle name one file",
            ),
        ];
        for (named, says) in refused {
            let failure = uses(folder.path(), named).check().unwrap_err();
            assert!(failure.what.starts_with(says), "{}", failure.what);
        }
        let fine: [&[_]; 3] = [
            &[output("report.json"), keys, place, bundle("b.otb")],
            &[("since", "--since", Use::Reads, "last.json"), ("record", "--record", Use::Writes, "last.json")],
            &[output("/dev/null"), bundle("/dev/null")],
        ];
        for named in fine {
            uses(folder.path(), named).check().unwrap();
        }
    }
}
