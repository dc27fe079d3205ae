//! Why `verify` and `coverage` have no answer.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{LogSourceError, shown};
use crate::archive::Fault;
use crate::cli::failure::{CliError, remedy};
use crate::logs::bundle::BadBundle;
use crate::logs::checkpoint::BadCheckpoint;
use crate::report::text::escape::terminal;
use crate::report::text::html::PageError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// There is nothing to look at.
    #[error("name a bucket (s3://bucket/prefix) or a folder, or give a configuration that has one")]
    NoPlace,
    /// The place or the keys cannot be used.
    #[error(transparent)]
    LogSource(#[from] LogSourceError),
    /// There is neither such a bucket nor such a folder, where nothing else can be looked at.
    #[error("{} is neither a bucket (s3://bucket/prefix) nor a folder that exists", terminal(.0))]
    NoLogs(String),
    /// A bundle holds no whole listing.
    #[error("an evidence bundle does not show what arrives; name the bucket or a copy of it")]
    Bundle,
    /// The range is empty.
    #[error("the range is empty: it ends at {to}, which is not after its start {from}")]
    EmptyRange {
        /// Its start.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
    },
    /// What should be there cannot be read.
    #[error(
        "{word:?} is neither a list of account ids nor a file with them, nor a checkpoint or bundle of an earlier run"
    )]
    Expect {
        /// What was given.
        word: String,
    },
    /// A bundle is proved alone.
    #[error("an evidence bundle is checked alone: name it as the only place")]
    BundleAmongPlaces,
    /// The evidence would take the place of what is proved.
    #[error("{} is what is proved; name another file for the evidence", shown(.file))]
    BundleOverPlace {
        /// The file.
        file: PathBuf,
    },
    /// KMS does not sign the evidence.
    #[error("cannot sign the evidence with {key}")]
    NotSigned {
        /// The ARN of the key.
        key: String,
        /// Why.
        source: Fault,
    },
    /// Evidence cannot be signed or its signature not be checked.
    #[error("{0}")]
    Signature(String),
    /// A lake could not be sealed.
    #[error("the lake was not sealed: {0}")]
    Seal(String),
    /// The checkpoint cannot be used.
    #[error("cannot use the checkpoint {}", shown(.file))]
    Checkpoint {
        /// The file.
        file: PathBuf,
        /// Why.
        source: BadCheckpoint,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", shown(.file))]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The store cannot be listed.
    #[error("cannot list {}, so that it is not known what is there", terminal(.store))]
    Listing {
        /// The store.
        store: String,
        /// Why.
        source: Fault,
    },
    /// The report does not exist in this format.
    #[error("there is no such format of this report; the formats are human, json, jsonl, markdown and html")]
    Format,
    /// The answer cannot be written.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
    /// The page cannot be rendered.
    #[error(transparent)]
    Page(#[from] PageError),
}

impl LogsError {
    /// Returns the error of a command that takes places with `--place`, and names none.
    #[cfg(feature = "sql")]
    pub(in crate::cli) fn no_place() -> CliError {
        CliError::from(Self::NoPlace)
            .hint("name it with --place s3://BUCKET/PREFIX or --place FOLDER; `orgtrail init` writes a configuration")
    }

    /// Returns the error of a command that looks at no bundle, and so offers none.
    pub(in crate::cli) fn without_bundle(self) -> Self {
        match self {
            LogsError::LogSource(LogSourceError::Nothing(named)) => LogsError::NoLogs(named),
            LogsError::LogSource(LogSourceError::Bundle { file, .. }) => LogsError::NoLogs(file.display().to_string()),
            other => other,
        }
    }

    /// Returns what to do next; empty where the message says it, and where it is not known.
    fn help(&self) -> &str {
        match self {
            LogsError::Listing { source, .. } | LogsError::NotSigned { source, .. } => &source.help,
            LogsError::NoPlace => {
                "write it behind the command: s3://BUCKET/PREFIX or a folder; `orgtrail init` writes a configuration"
            }
            LogsError::NoLogs(_) => "check the path; a bucket is written s3://BUCKET or s3://BUCKET/PREFIX",
            LogsError::LogSource(error) => error.help(),
            LogsError::File { source, .. } => of_file(source),
            LogsError::EmptyRange { .. } => "give --from a time before the end of the range, or --to a later one",
            LogsError::Expect { .. } => {
                "write account ids of 12 digits with commas between them, or check the path of the file"
            }
            _ => "",
        }
    }
}

impl LogSourceError {
    fn help(&self) -> &str {
        match self {
            LogSourceError::Nothing(_) => "check the path; a bucket is written s3://BUCKET or s3://BUCKET/PREFIX",
            LogSourceError::Bundle { source: BadBundle::Form(_) | BadBundle::Read(_), .. } => {
                "name a file that `orgtrail verify --bundle FILE` wrote, or the bucket or folder of the logs"
            }
            LogSourceError::Bundle { .. } => {
                "ask whoever made the bundle for it once more, or prove the logs themselves"
            }
            LogSourceError::Keys { .. } => {
                "give a file of CloudTrail's answers to ListPublicKeys by region, or a key ring that orgtrail wrote"
            }
            LogSourceError::Read { source, .. } => of_file(source),
            LogSourceError::Bucket(_) | LogSourceError::Connection(_) => "",
        }
    }
}

/// Returns what to do about what the system says of a file.
fn of_file(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path: there is no such file or folder",
        kind => remedy(kind),
    }
}

impl From<LogsError> for CliError {
    fn from(error: LogsError) -> Self {
        match error {
            LogsError::LogSource(LogSourceError::Connection(error)) => error.into(),
            error => CliError::from_chain(&error).hint(error.help()),
        }
    }
}
