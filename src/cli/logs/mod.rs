//! What `verify` and `coverage` share: the place that they read, times as people write them, formats, the key ring
//! file, errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::sync::OnceCell;

use crate::archive::{ClosedStore, FolderStore, Store};
use crate::cli::session::{Access, AwsEntry, aws_options};
use crate::cli::ui::Ui;
use crate::cli::{Common, Format};
use crate::cloud::aws::AwsOptions;
use crate::cloud::aws::NotConnected;
use crate::cloud::aws::archive::Connection;
use crate::config::Config;
use crate::config::schema::{EarlierLogs, LakeBucket, S3Place};
use crate::files::{self, Readers};
use crate::ids::{AccountId, BucketName, Region};
use crate::log_path::TOP;
use crate::logs::bundle::{BadBundle, BundlePlace, BundleStore};
use crate::logs::digest::keys::{BadKeys, KeyRing};
use crate::logs::expected::ExpectedAccount;
use crate::report::text::escape::terminal;

pub(in crate::cli) mod archive;
mod error;
pub mod evidence;
mod known;
mod places;
mod reader;
mod ring;

pub use error::LogsError;
pub use evidence::Evidence;
pub use known::ConfiguredLogs;
pub use places::LogSources;
pub use reader::{ReaderArgs, ReaderEntry};
pub use ring::Ring;

/// What a command needs to know about where it runs.
#[derive(Debug, Clone)]
pub struct LogsContext {
    /// The present.
    pub now: Timestamp,
    /// The format of the answer, where there is one only.
    pub format: Format,
    /// The width of the terminal.
    pub width: usize,
    /// Whether the output may be coloured.
    pub is_coloured: bool,
    /// Where the key ring lies unless a flag says so. `None` where the user has no data folder, so that none is kept.
    pub key_ring: Option<PathBuf>,
    /// How many accounts x regions are worked on at a time.
    pub chains_at_once: usize,
    /// The profile of the AWS configuration files. `None` for the default one.
    pub profile: Option<String>,
    /// How the logs of a configuration are entered. `None` reads them with the credentials of the environment as they
    /// are.
    pub entry: Option<LogsEntry>,
    /// The role that reads everything, whatever `entry` says. `None`: none was named.
    pub reader: Option<ReaderEntry>,
}

/// How the logs of a configuration are entered: with the member role of the account that they lie in.
#[derive(Debug, Clone)]
pub struct LogsEntry {
    /// How AWS is reached, and the name of the member role.
    pub aws: AwsOptions,
    /// The log account.
    pub log_account: AccountId,
    /// Bucket -> its account, of earlier logs in other accounts.
    pub others: BTreeMap<String, AccountId>,
    /// The lake of the configuration where orgtrail keeps its bucket, which is entered the same way. `None`: there is
    /// none, or somebody else keeps its bucket.
    pub lake: Option<S3Place>,
}

impl LogsEntry {
    /// Returns how the logs of a configuration are entered. `None` where the log account is not known: the
    /// configuration has its name only, and none of the accounts that could be read has it.
    pub(super) fn of(common: &Common, config: &Config, known: &BTreeMap<AccountId, ExpectedAccount>) -> Option<Self> {
        let account = |named: &str| {
            let by_name = || known.iter().find(|(_, account)| account.name == named).map(|(id, _)| id.clone());
            named.parse().ok().or_else(by_name)
        };
        let log_account = account(&config.accounts.log)?;
        let other =
            |earlier: &EarlierLogs| Some((earlier.bucket.to_string(), account(earlier.log_account.as_deref()?)?));
        let others = config.earlier.iter().filter_map(other).collect();
        let door = AwsEntry { home_region: &config.home_region, member_role: &config.organization.member_role };
        let lake = config.lake.as_ref().filter(|lake| lake.bucket == LakeBucket::Managed);
        let lake = lake.map(|lake| lake.place.clone());
        Some(Self { aws: aws_options(common, door, Access::ReadOnly, "orgtrail"), log_account, others, lake })
    }
}

impl LogsContext {
    /// Returns the surroundings of a command; what is printed loses its colours where they are not wanted.
    pub(super) fn of(common: &Common, ui: &Ui) -> Self {
        Self {
            now: whole_second(Timestamp::now()),
            format: Format::Human,
            width: ui.width(),
            is_coloured: true,
            key_ring: Self::usual_key_ring(),
            chains_at_once: usize::from(common.concurrency),
            profile: common.profile.clone(),
            entry: None,
            reader: None,
        }
    }

    /// Returns the surroundings of work that no person waits for.
    #[cfg(feature = "sql")]
    pub(super) fn without_terminal(common: &Common, now: Timestamp) -> Self {
        Self {
            now: whole_second(now),
            format: Format::Human,
            width: 80,
            is_coloured: false,
            key_ring: None,
            chains_at_once: usize::from(common.concurrency),
            profile: common.profile.clone(),
            entry: None,
            reader: None,
        }
    }

    /// Returns where the key ring lies by custom: in the user's data folder (XDG Base Directory Specification).
    pub fn usual_key_ring() -> Option<PathBuf> {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?;
        Some(data.join("orgtrail/keys.json"))
    }
}

/// Why the place or the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogSourceError {
    /// There is no such thing.
    #[error("{} is neither a bucket (s3://bucket/prefix) nor a folder nor an evidence bundle that exists", terminal(.0))]
    Nothing(String),
    /// The bucket's name is wrong.
    #[error(transparent)]
    Bucket(#[from] crate::ids::BadId),
    /// There is no connection to AWS.
    #[error(transparent)]
    Connection(#[from] NotConnected),
    /// The file is no bundle.
    #[error("cannot use the evidence bundle {}", shown(.file))]
    Bundle {
        /// The file.
        file: PathBuf,
        /// Why.
        source: BadBundle,
    },
    /// The keys cannot be read.
    #[error("cannot read {}", shown(.file))]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The keys cannot be used.
    #[error("cannot use the keys in {}", shown(.file))]
    Keys {
        /// The file.
        file: PathBuf,
        /// Why.
        source: BadKeys,
    },
}

/// Returns a file's name in one line, whatever it holds.
fn shown(file: &Path) -> String {
    terminal(&file.display().to_string()).into_owned()
}

/// A place that logs lie in.
pub enum LogSource {
    /// A bucket.
    Bucket(Arc<dyn Store>),
    /// A copy.
    Folder(Arc<dyn Store>),
    /// Evidence of an earlier run.
    Bundle(Arc<BundleStore>),
}

impl LogSource {
    /// Returns what is read.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            LogSource::Bucket(store) | LogSource::Folder(store) => Arc::clone(store),
            LogSource::Bundle(bundle) => Arc::new(BundlePlace::new(Arc::clone(bundle), 0)),
        }
    }
}

/// The connection to AWS, made when something needs it: a folder with its keys is proved without.
#[derive(Debug, Default)]
pub struct LazyConnection {
    profile: Option<String>,
    region: Option<Region>,
    entry: Option<LogsEntry>,
    reader: Option<ReaderEntry>,
    connection: OnceCell<Connection>,
}

impl LazyConnection {
    /// Returns a connection that is not made yet. `region` is used where the environment names none.
    pub fn new(around: &LogsContext, region: Option<Region>) -> Self {
        let LogsContext { profile, entry, reader, .. } = around.clone();
        Self { profile, region, entry, reader, connection: OnceCell::new() }
    }

    /// Returns the connection.
    ///
    /// # Errors
    /// When there is no such profile; with a configuration also where there are no credentials, or AWS does not take
    /// them.
    pub async fn connection(&self) -> Result<&Connection, NotConnected> {
        let connect = async || match (self.reader.clone(), self.entry.clone()) {
            (Some(reader), _) => Connection::as_role(reader.aws, reader.role).await,
            (None, Some(entry)) => Connection::assuming(entry.aws, entry.log_account).await,
            (None, None) => Connection::from_environment(self.profile.as_deref(), self.region.as_ref()).await,
        };
        self.connection.get_or_try_init(connect).await
    }

    /// Opens a bucket, to look below a prefix, with the role that was named or that of the account that the
    /// configuration says it lies in. Where the role cannot be assumed, the bucket answers each question with why.
    async fn bucket(&self, bucket: &BucketName, prefix: &str) -> Result<Arc<dyn Store>, LogSourceError> {
        let account = self.entry.as_ref().and_then(|entry| entry.others.get(bucket.as_str()));
        let connection = self.connection().await?;
        let opened = match &self.reader {
            Some(reader) => connection.bucket_below(bucket.as_str(), &reader.first_prefix(prefix)).await,
            None => connection.bucket(bucket.as_str(), account).await,
        };
        Ok(match opened {
            Ok(store) => Arc::new(store),
            Err(why) => Arc::new(ClosedStore::new(bucket.as_str(), why)),
        })
    }
}

/// Opens what a person named, and returns it with the prefix to look under.
///
/// # Errors
/// When there is no such thing.
pub async fn open(named: &str, aws: &LazyConnection) -> Result<(LogSource, String), LogSourceError> {
    if let Some(rest) = named.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket: BucketName = bucket.parse()?;
        let prefix = as_folder(prefix);
        let store = aws.bucket(&bucket, &prefix).await?;
        return Ok((LogSource::Bucket(store), prefix));
    }
    let path = Path::new(named);
    if path.is_dir() {
        let (root, prefix) = root_of(path);
        return Ok((LogSource::Folder(Arc::new(FolderStore::new(root))), prefix));
    }
    if !path.is_file() {
        return Err(LogSourceError::Nothing(named.to_owned()));
    }
    let file = files::open(path).map_err(|source| LogSourceError::Read { file: path.into(), source })?;
    let bundle = BundleStore::read(file).map_err(|source| LogSourceError::Bundle { file: path.into(), source })?;
    Ok((LogSource::Bundle(Arc::new(bundle)), String::new()))
}

fn as_folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

/// Splits a path that leads into a copy of the layout, so that keys begin as they do in the bucket.
fn root_of(path: &Path) -> (PathBuf, String) {
    let parts: Vec<_> = path.components().collect();
    match parts.iter().rposition(|part| part.as_os_str() == TOP) {
        Some(at) => {
            let inner: Vec<_> =
                parts[at..].iter().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            let root: PathBuf = parts[..at].iter().collect();
            let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
            (root, format!("{}/", inner.join("/")))
        }
        None => (path.to_owned(), String::new()),
    }
}

/// Reads a file of CloudTrail's answers by region, or a key ring file.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read_keys(file: &Path) -> Result<KeyRing, LogSourceError> {
    let text = files::read_text(file, files::BYTES_MAX)
        .map_err(|source| LogSourceError::Read { file: file.into(), source })?;
    let is_ring = text.contains("\"format_version\"");
    let ring = if is_ring { KeyRing::parse_file(&text) } else { KeyRing::parse(&text) };
    ring.map_err(|source| LogSourceError::Keys { file: file.into(), source })
}

/// Writes a file that a later run reads, whole or not at all, so that nobody else can read it.
///
/// # Errors
/// When its folder cannot be made or the file cannot be written.
pub(super) fn save(file: &Path, text: &str) -> Result<(), LogsError> {
    let fault = |source| LogsError::File { file: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(fault)?;
    }
    files::write(file, text.as_bytes(), Readers::Owner).map_err(fault)
}

/// Returns a moment without its fraction of a second: nobody asks for logs by less, and reports show it.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// Reads a time as people write it: `2026-11-20`, `2026-11-20T10:00` (both UTC), or with an offset.
///
/// # Errors
/// A sentence that shows the right form.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let utc = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse()
        .ok()
        .or_else(utc)
        .ok_or_else(|| format!("{text:?} is no time; write 2026-11-20 or 2026-11-20T10:00:00Z"))
}

/// Reads a duration as people write it: `3h`, `90m`, `2d`.
///
/// # Errors
/// A sentence that shows the right form.
pub fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    let wrong = || format!("{text:?} is no duration; write 90m, 3h or 2d");
    let days = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
    let told = match days {
        Some(days) => jiff::SignedDuration::from_hours(days.checked_mul(24).ok_or_else(wrong)?),
        None => text.parse().map_err(|_| wrong())?,
    };
    if told.is_negative() { Err(wrong()) } else { Ok(told) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read_as_people_write_them() {
        let at = |text| time(text).map(|time| time.to_string());
        assert_eq!(at("2026-11-20").unwrap(), "2026-11-20T00:00:00Z");
        assert_eq!(at("2026-11-20T10:30").unwrap(), "2026-11-20T10:30:00Z");
        assert_eq!(at("2026-11-20T10:30:00Z").unwrap(), "2026-11-20T10:30:00Z");
        assert_eq!(at("2026-11-20T10:30:00+02:00").unwrap(), "2026-11-20T08:30:00Z");
        assert!(at("yesterday").is_err());
        let hours = |text| duration(text).map(|time| time.as_hours());
        assert_eq!((hours("3h"), hours("2d"), hours("120m")), (Ok(3), Ok(48), Ok(2)));
        assert!(hours("-3h").is_err() && hours("soon").is_err());
    }

    #[test]
    fn a_folder_inside_the_layout_keeps_its_keys() {
        let of = |path: &str| root_of(Path::new(path));
        assert_eq!(of("/copy"), (PathBuf::from("/copy"), String::new()));
        assert_eq!(of("/copy/AWSLogs"), (PathBuf::from("/copy"), "AWSLogs/".into()));
        assert_eq!(of("AWSLogs/o-x/1/"), (PathBuf::from("."), "AWSLogs/o-x/1/".into()));
    }

    #[tokio::test]
    async fn what_does_not_exist_is_named() {
        let aws = LazyConnection::default();
        let error = open("no/such/place", &aws).await.err().unwrap();
        assert!(error.to_string().starts_with("no/such/place is neither"), "{error}");
        let error = open("no\nATTESTED: all is well\u{1b}[2J", &aws).await.err().unwrap().to_string();
        assert!(error.starts_with("no\\nATTESTED: all is well\\u{1b}[2J is neither"), "{error}");
        assert!(matches!(open("s3://No_Bucket", &aws).await.err().unwrap(), LogSourceError::Bucket(_)));
    }
}
