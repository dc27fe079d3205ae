//! The rules that `detect` asks: those of the program and those of files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::failure::CliError;
use crate::detect::{Overrides, RuleProblem, RuleSet, pack};
use crate::files;

/// The most bytes of one file of rules.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most files of rules; SigmaHQ has about 4,000.
const FILES_MAX: usize = 20_000;
/// How deep folders are searched.
const DEPTH_MAX: usize = 32;

/// The rules, and files of folders that could not be read.
pub(super) struct Rules {
    /// The rules, with what is wrong with others.
    pub rules: RuleSet,
    /// Files of a folder that could not be read: the others are asked all the same.
    pub unread_files: Vec<RuleProblem>,
}

/// Returns the rules of the program, unless they are not wanted, and of files and folders, changed as overrides say.
/// What is wrong with a rule is among the problems of what is returned.
///
/// # Errors
/// Where a file or a folder that was named cannot be read, or there is no rule at all.
pub(super) fn rules(named: &[PathBuf], overrides: &[PathBuf], with_pack: bool) -> Result<Rules, CliError> {
    let mut unread_files = Vec::new();
    let own = all_texts(named, &mut unread_files)?;
    let pack = if with_pack { pack::FILES } else { &[] };
    let files = pack.iter().copied().chain(own.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let overrides = texts(overrides.iter().cloned())?;
    let overrides = Overrides::read(overrides.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let rules = RuleSet::read(files).with_overrides(&overrides);
    if rules.rules().is_empty() {
        return Err(no_rule(&rules, &unread_files));
    }
    Ok(Rules { rules, unread_files })
}

fn no_rule(rules: &RuleSet, unread_files: &[RuleProblem]) -> CliError {
    let error = CliError::new("there is no rule that could ring");
    let problems = || rules.problems().iter().chain(unread_files);
    match problems().next() {
        Some(problem) => error.hint(format!("correct the first of {}: {problem}", problems().count())),
        None => error.hint("name a file or folder with rules for CloudTrail (--rules), or leave --no-pack out"),
    }
}

/// Returns the texts of files, and of the files with rules in folders, in the order of their names.
fn all_texts(named: &[PathBuf], unread: &mut Vec<RuleProblem>) -> Result<Vec<(String, String)>, CliError> {
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = named.iter().partition(|path| path.is_dir());
    let mut found = BTreeSet::new();
    for path in folders {
        let before = found.len();
        search(path, 0, &mut found)?;
        if found.len() == before {
            return Err(CliError::new(format!("no file in {} ends with .yml or .yaml", path.display()))
                .hint("name the folder that the rules lie in"));
        }
    }
    let mut all = texts(files.into_iter().cloned())?;
    for path in found {
        let file = path.display().to_string();
        match files::read_text(&path, FILE_BYTES_MAX) {
            Ok(text) => all.push((file, text)),
            Err(error) => {
                let message = format!("the file cannot be read: {error}");
                unread.push(RuleProblem { file, line: 1, rule: None, message });
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn texts(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<(String, String)>, CliError> {
    let text = |path: PathBuf| {
        let text = files::read_text(&path, FILE_BYTES_MAX).map_err(|error| cannot_read(&path, error))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(text).collect()
}

fn search(folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> Result<(), CliError> {
    if depth > DEPTH_MAX {
        return Err(CliError::new(format!("{} lies more than {DEPTH_MAX} folders deep", folder.display())));
    }
    for entry in std::fs::read_dir(folder).map_err(|error| cannot_read(folder, error))? {
        let entry = entry.map_err(|error| cannot_read(folder, error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| cannot_read(folder, error))?);
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_rule = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
        // A link to a file is read as the file; a link to a folder may lead in a circle.
        if kind.is_dir() {
            search(&path, depth + 1, found)?;
        } else if is_rule {
            found.insert(path);
        }
        if found.len() > FILES_MAX {
            return Err(CliError::new(format!("there are more than {FILES_MAX} files in {}", folder.display()))
                .hint("name the folder with the rules for CloudTrail"));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, error: std::io::Error) -> CliError {
    CliError::new(format!("cannot read {}", path.display()))
        .because(error)
        .hint("name a file with rules in YAML, or a folder of such files")
}
