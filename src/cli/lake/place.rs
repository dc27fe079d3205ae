//! Where a lake lies: a bucket below a prefix, or a folder. It may not lie among the logs.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::held;
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::logs::{LogSourceError, LogsContext, LogsEntry, LogsError};
use crate::cloud::aws::archive::Connection;
use crate::cloud::aws::lake::S3Lake;
use crate::config::Config;
use crate::config::schema::{LakeBucket, LakeConfig, S3Place};
use crate::files::same_place;
use crate::ids::{BucketName, Region};
use crate::lake::folder::FolderLake;
use crate::lake::store::LakeStore;
use crate::log_path::{TOP, TOP_FOLDER};

/// A place, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamedPlace {
    /// A bucket and a prefix, which is empty or has a slash at its end.
    Bucket(BucketName, String),
    /// A folder.
    Folder(PathBuf),
}

impl NamedPlace {
    /// Reads what a person named.
    ///
    /// # Errors
    /// Where the bucket's name is wrong.
    pub(super) fn of(named: &str) -> Result<Self, CliError> {
        let Some(rest) = named.strip_prefix("s3://") else { return Ok(Self::Folder(named.into())) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = bucket.parse().map_err(|error| LogsError::from(LogSourceError::Bucket(error)))?;
        let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Ok(Self::Bucket(bucket, format!("{prefix}{slash}")))
    }

    /// Tells whether it lies in the layout of an archive.
    fn is_in_layout(&self) -> bool {
        match self {
            Self::Bucket(_, prefix) => format!("/{prefix}").contains(&format!("/{TOP_FOLDER}")),
            Self::Folder(path) => same_place(path).components().any(|part| part == Component::Normal(TOP.as_ref())),
        }
    }

    /// Tells whether another place is this one or lies in it.
    fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bucket(bucket, prefix), Self::Bucket(other, below)) => {
                bucket == other && below.starts_with(prefix.as_str())
            }
            (Self::Folder(folder), Self::Folder(other)) => same_place(other).starts_with(same_place(folder)),
            _ => false,
        }
    }

    /// Tells whether it is a place that the configuration names.
    pub(super) fn is_at(&self, place: &S3Place) -> bool {
        matches!(self, Self::Bucket(bucket, prefix)
            if *bucket == place.bucket && prefix.strip_suffix('/') == Some(place.key.as_str()))
    }

    /// Opens the lake there: that of the configuration whose bucket orgtrail keeps as its logs are entered, by the
    /// member role of the log account; any other with the credentials that orgtrail is started with.
    ///
    /// # Errors
    /// Where there is no connection to AWS, or the role cannot be assumed.
    pub(super) async fn open(
        &self,
        around: &LogsContext,
        region: Option<&Region>,
    ) -> Result<Arc<dyn LakeStore>, CliError> {
        Ok(match self {
            Self::Folder(path) => Arc::new(FolderLake::new(path)),
            Self::Bucket(bucket, prefix) => Arc::new(self.bucket(bucket, prefix, around, region).await?),
        })
    }

    /// Opens the lake there to write into it. Where it is that of the configuration, in a bucket that orgtrail keeps,
    /// the bucket must be as configured: it would else let others read what is written.
    ///
    /// # Errors
    /// As [`NamedPlace::open`], and where the bucket is not as configured or cannot be looked at.
    pub(super) async fn open_to_write(
        &self,
        around: &LogsContext,
        region: Option<&Region>,
        common: &Common,
        config: Option<&Config>,
    ) -> Result<Arc<dyn LakeStore>, CliError> {
        let Self::Bucket(bucket, prefix) = self else { return self.open(around, region).await };
        let store = self.bucket(bucket, prefix, around, region).await?;
        let kept = config.and_then(|config| Some((config, config.lake.as_ref()?)));
        let is_own = |lake: &LakeConfig| lake.bucket == LakeBucket::Managed && self.is_at(&lake.place);
        if let Some((config, lake)) = kept.filter(|(_, lake)| is_own(lake)) {
            held::must_let_nobody_in(&store, common, config, lake, around).await?;
        }
        Ok(Arc::new(store))
    }

    async fn bucket(
        &self,
        bucket: &BucketName,
        prefix: &str,
        around: &LogsContext,
        region: Option<&Region>,
    ) -> Result<S3Lake, CliError> {
        let is_own = |entry: &&LogsEntry| entry.lake.as_ref().is_some_and(|own| self.is_at(own));
        let connection = match around.entry.as_ref().filter(is_own) {
            Some(entry) => Connection::to_lake(entry.aws.clone(), entry.log_account.clone()).await?,
            None => Connection::from_environment(around.profile.as_deref(), region).await?,
        };
        let lake = connection.lake(bucket.as_str(), prefix).await;
        lake.map_err(|fault| CliError::new(fault.to_string()).hint(&*fault.help))
    }
}

/// Refuses a lake in the layout of an archive, and one that has the logs in it: what lies among the logs is deleted
/// with them, and what lies beside a lake's files is taken for one of them.
///
/// # Errors
/// Names both.
pub(super) fn must_be_apart(lake: &Path, logs: &[String]) -> Result<NamedPlace, CliError> {
    let shown = lake.display();
    let place = NamedPlace::of(&lake.to_string_lossy())?;
    let hint = "name another prefix, bucket or folder with --lake: a bucket of its own is best";
    if place.is_in_layout() {
        let what = format!("the lake {shown} would lie among the logs, in {TOP_FOLDER}");
        return Err(CliError::new(what).hint(hint));
    }
    for named in logs {
        if place.holds(&NamedPlace::of(named)?) {
            return Err(CliError::new(format!("the lake {shown} would have the logs of {named} in it")).hint(hint));
        }
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_lies_apart_from_the_logs() {
        let root = tempfile::tempdir().unwrap();
        let path = |below: &str| root.path().join(below).display().to_string();
        std::fs::create_dir_all(path("logs/AWSLogs")).unwrap();
        let refused = |lake: &str, logs: &str| must_be_apart(Path::new(lake), &[logs.to_owned()]).is_err();
        for (lake, logs) in [
            ("s3://acme-logs", "s3://acme-logs"),
            ("s3://acme-logs/", "s3://acme-logs/trail"),
            ("s3://acme-logs/trail", "s3://acme-logs/trail/"),
            ("s3://acme-logs/trail/AWSLogs/lake", "s3://acme-other"),
            ("s3://acme-lake/AWSLogs", "s3://acme-logs"),
            (&path("logs"), &path("logs")),
            (&path("logs/../logs/"), &path("logs")),
            (&path("logs/AWSLogs/lake"), "s3://acme-logs"),
            (&path(""), &path("logs")),
            ("s3://No_Bucket/x", "s3://acme-logs"),
        ] {
            assert!(refused(lake, logs), "{lake} {logs}");
        }
        for (lake, logs) in [
            ("s3://acme-lake", "s3://acme-logs"),
            ("s3://acme-logs/lake", "s3://acme-logs"),
            ("s3://acme-logs/lake", "s3://acme-logs/lake-logs"),
            (&path("lake"), &path("logs")),
            (&path("logs"), "s3://acme-logs"),
        ] {
            assert!(!refused(lake, logs), "{lake} {logs}");
        }
    }
}
