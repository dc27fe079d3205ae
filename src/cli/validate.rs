//! `orgtrail validate`: tells whether a configuration is right, without asking AWS. Also reads it for other commands.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::outcome::Outcome;
use crate::config::{self, Config, ConfigErrors};
use crate::files;
use crate::report::text::escape;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can be read, but something is wrong with what it says.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
}

/// Reads and checks a configuration.
///
/// # Errors
/// When the file cannot be read or is not a configuration.
pub fn load(file: &Path) -> Result<Config, LoadError> {
    Ok(review(file)?.0)
}

fn review(file: &Path) -> Result<(Config, Vec<config::ConfigFinding>), LoadError> {
    let text = read(file).map_err(|source| LoadError::Read { file: file.to_owned(), source })?;
    Ok(config::review(&text, &file.display().to_string())?)
}

/// Reads no more than it takes to see that a file is too large.
pub(super) fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    files::open(file)?.take(config::SIZE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns what the command prints about a right configuration; a wrong one is an error.
///
/// # Errors
/// When the file cannot be read or is not a configuration.
pub fn run(file: &Path) -> Result<(String, Outcome), LoadError> {
    let (config, remarks) = review(file)?;
    let trails = match config.trails.len() {
        1 => "1 trail".to_owned(),
        count => format!("{count} trails"),
    };
    let (file, deployment, region) = (file.display(), &config.deployment, &config.home_region);
    let mut text = format!("{file} is valid: deployment {deployment}, {trails}, home region {region}\n");
    for config::ConfigFinding { path, message, line, column, help, .. } in remarks {
        let help = help.map(|help| format!("\n  help: {}", escape::terminal(&help))).unwrap_or_default();
        let message = format!("{path}: {message}");
        text += &format!("{file}:{line}:{column}: remark: {}{help}\n", escape::terminal(&message));
    }
    Ok((text, Outcome::Clean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_file_is_told_in_one_line() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/orgtrail.yaml");
        let (text, outcome) = run(&file).unwrap();
        assert!(text.ends_with(" is valid: deployment acme, 1 trail, home region eu-central-1\n"), "{text}");
        assert_eq!(outcome, Outcome::Clean);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = run(Path::new("no/such/orgtrail.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the configuration no/such/orgtrail.yaml");
    }

    #[test]
    fn a_huge_file_is_refused_after_its_first_part() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# much\n".repeat(400_000)).unwrap();
        match run(file.path()).unwrap_err() {
            LoadError::Config(errors) => {
                assert!(errors.findings()[0].message.contains("more than 1048576 bytes"), "{errors:?}")
            }
            other => panic!("{other}"),
        }
    }
}
