//! A lake in a bucket: files below a prefix, replaced by conditional writes only (Amazon S3 user guide, "How to prevent
//! object overwrites with conditional writes"). Nothing here deletes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::archive::{Attempts, Failure, LogsSession, S3Store};
use crate::archive::{Fault, FaultKind, Listed, Store};
use crate::ids::AccountId;
use crate::lake::store::{Condition, LakeStore, Opened, Stored, Written, rewritten};
use crate::operations::lake as op;

mod settings;

/// How much of the end of a file is read at once: with it the footer of most slots, and most ledgers whole.
const TAIL_BYTES: u64 = 64 << 10;
/// The largest object that one PUT makes (Amazon S3 user guide, "Uploading objects").
const PUT_BYTES_MAX: u64 = 5 << 30;
/// How long a body may stay silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long the answer to a write may take beside its bytes, and how many of these pass in a second at least.
const PUT_PATIENCE: Duration = Duration::from_secs(60);
const PUT_BYTES_A_SECOND_MIN: u64 = 1 << 20;

/// The condition did not hold; another write came in between.
const LOST: [&str; 2] = ["PreconditionFailed", "ConditionalRequestConflict"];
/// What was to be replaced is not there.
const GONE: &str = "NoSuchKey";

/// A lake in a bucket.
#[derive(Clone)]
pub struct S3Lake {
    session: LogsSession,
    client: Client,
    attempts: Attempts,
    /// For listings.
    store: S3Store,
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    /// The account that the bucket must belong to. `None`: any.
    owner: Option<String>,
}

impl S3Lake {
    /// Returns the lake of a bucket below a prefix, which is empty or has a slash at its end. A bucket of another
    /// account than `owner` is neither read nor written: somebody may have taken its name.
    pub(super) async fn new(session: &LogsSession, bucket: &str, prefix: &str, owner: Option<&AccountId>) -> Self {
        let region = session.region_of(bucket).await;
        let client = session.s3_of_lake(region.as_deref());
        let store = S3Store::new(session, client.clone(), bucket);
        let attempts = Attempts::new(session, bucket);
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        let owner = owner.map(ToString::to_string);
        Self { session: session.clone(), client, attempts, store, bucket, prefix, owner }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Asks for an object or a part of it. `None`: there is no such object.
    async fn fetch(&self, key: &str, part: ObjectRange<'_>) -> Result<Option<Fetched>, Fault> {
        self.attempts.send(|| self.fetch_once(key, part)).await
    }

    async fn fetch_once(&self, key: &str, part: ObjectRange<'_>) -> Result<Option<Fetched>, Failure> {
        let request = self.client.get_object().bucket(&self.bucket).key(self.key(key));
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let request = request.set_range(part.header()).set_if_match(part.version().map(str::to_owned));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => match (error.code(), part) {
                (Some(GONE), _) => return Ok(None),
                (Some("PreconditionFailed"), ObjectRange::Of { .. }) => {
                    return Err(Failure { fault: rewritten(), is_passing: false, is_throttle: false });
                }
                _ => return Err(self.session.failure(op::GET_OBJECT, &error)),
            },
        };
        Fetched::of(answer, part).await.map(Some)
    }

    async fn put_once(&self, key: &str, bytes: &Bytes, condition: &Condition) -> Result<Written, Failure> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.key(key));
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let request = request.body(ByteStream::from(bytes.clone())).content_type(content_type(key));
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Version(version) => request.if_match(version),
        };
        let patience = PUT_PATIENCE + Duration::from_secs(bytes.len() as u64 / PUT_BYTES_A_SECOND_MIN);
        let patience = TimeoutConfig::builder().read_timeout(patience).build();
        let request = request.customize().config_override(aws_sdk_s3::config::Builder::new().timeout_config(patience));
        match Box::pin(request.send()).await {
            Ok(_) => Ok(Written::Done),
            Err(error) => match (error.code(), condition) {
                (Some(code), _) if LOST.contains(&code) => Ok(Written::Lost),
                (Some(GONE), Condition::Version(_)) => Ok(Written::Lost),
                // Where the answer has no body, its status says it.
                (_, _) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412) => {
                    Ok(Written::Lost)
                }
                _ => Err(self.session.failure(op::PUT_OBJECT, &error)),
            },
        }
    }
}

impl fmt::Debug for S3Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client, which leads to the credentials.
        f.debug_struct("S3Lake").field("bucket", &self.bucket).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Which part of an object is asked for.
#[derive(Debug, Clone, Copy)]
enum ObjectRange<'a> {
    Whole,
    /// A part of one version.
    Of {
        version: &'a str,
        from: u64,
        to: u64,
    },
}

impl<'a> ObjectRange<'a> {
    fn header(self) -> Option<String> {
        match self {
            ObjectRange::Whole => None,
            ObjectRange::Of { from, to, .. } => Some(format!("bytes={from}-{}", to.saturating_sub(1))),
        }
    }

    fn version(self) -> Option<&'a str> {
        if let ObjectRange::Of { version, .. } = self { Some(version) } else { None }
    }
}

/// An object, or a part of it.
struct Fetched {
    bytes: Bytes,
    version: String,
}

impl Fetched {
    /// Reads the answer to its end.
    async fn of(mut answer: GetObjectOutput, part: ObjectRange<'_>) -> Result<Self, Failure> {
        let version = answer.e_tag().map(str::to_owned).ok_or_else(|| passing("the answer has no entity tag"))?;
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| passing("the answer has no length"))?;
        let from = match (part, answer.content_range()) {
            (_, Some(range)) => content_range(range).ok_or_else(|| passing("the answer names no part"))?,
            (ObjectRange::Of { from: 0, to, .. }, None) if length == to => 0,
            (ObjectRange::Whole, None) => 0,
            (ObjectRange::Of { .. }, None) => return Err(passing("the answer is not the part that was asked for")),
        };
        if let ObjectRange::Of { from: asked, to, .. } = part
            && (asked, to.saturating_sub(asked)) != (from, length)
        {
            return Err(passing("the answer is not the part that was asked for"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        while let Some(piece) = timeout(SILENCE_MAX, answer.body.next()).await.map_err(broke_off)? {
            bytes.extend_from_slice(&piece.map_err(broke_off)?);
            if bytes.len() as u64 > length {
                break;
            }
        }
        if bytes.len() as u64 != length {
            return Err(passing(&format!("the body has {} bytes instead of {length}", bytes.len())));
        }
        Ok(Self { bytes: bytes.into(), version })
    }
}

/// Reads `bytes 5-9/100`: where the part begins.
fn content_range(text: &str) -> Option<u64> {
    let (part, _) = text.strip_prefix("bytes ")?.split_once('/')?;
    part.split_once('-')?.0.parse().ok()
}

fn broke_off(why: impl fmt::Display) -> Failure {
    passing(&format!("the body broke off: {why}"))
}

fn passing(why: &str) -> Failure {
    let fault = Fault::new(FaultKind::Unavailable, format!("{}: {why}", op::GET_OBJECT.name));
    Failure { fault, is_passing: true, is_throttle: false }
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        Some((_, "parquet")) => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    }
}

/// An object of which one version is read.
struct OpenObject {
    lake: S3Lake,
    key: String,
    size_bytes: u64,
    version: String,
    /// Its end, once it was read.
    tail: OnceCell<Bytes>,
}

impl OpenObject {
    async fn part(&self, from: u64, to: u64) -> Result<Bytes, Fault> {
        let part = ObjectRange::Of { version: &self.version, from, to };
        match self.lake.fetch(&self.key, part).await? {
            Some(fetched) => Ok(fetched.bytes),
            None => Err(rewritten()),
        }
    }
}

#[async_trait]
impl Opened for OpenObject {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
        if range.end > self.size_bytes || range.start > range.end {
            let why = format!("{} has {} bytes, and {range:?} were asked for", self.key, self.size_bytes);
            return Err(Fault::new(FaultKind::Unavailable, why));
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let tail_from = self.size_bytes.saturating_sub(TAIL_BYTES);
        let Some(begin) = range.start.checked_sub(tail_from) else {
            return self.part(range.start, range.end).await;
        };
        // The footer of a slot and what lies around it are asked for one after the other.
        let tail = self.tail.get_or_try_init(|| self.part(tail_from, self.size_bytes)).await?;
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        Ok(tail.slice(at(begin)..at(range.end - tail_from)))
    }
}

#[async_trait]
impl LakeStore for S3Lake {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let fetched = self.fetch(key, ObjectRange::Whole).await?;
        Ok(fetched.map(|fetched| Stored { bytes: fetched.bytes, version: fetched.version }))
    }

    fn opened(&self, listed: &Listed) -> Arc<dyn Opened> {
        Arc::new(OpenObject {
            lake: self.clone(),
            key: listed.key.clone(),
            size_bytes: listed.size_bytes,
            version: listed.tag.clone().unwrap_or_default(),
            tail: OnceCell::new(),
        })
    }

    /// Where an attempt gets no answer, the next one may find what it wrote: that is told as lost, and whoever reads
    /// again finds its own work done.
    async fn put(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Written, Fault> {
        let size = bytes.len() as u64;
        if size > PUT_BYTES_MAX {
            let why = format!("{key} has {size} bytes, and one object that is written at once has at most 5 GB");
            let help = "make another lake, with --grain hour or with more --slots";
            return Err(Fault::new(FaultKind::TooLarge, why).advising(help));
        }
        self.attempts.send(|| self.put_once(key, &bytes, condition)).await
    }

    fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let prefix = self.prefix.clone();
        let below = move |listed: Listed| match listed.key.strip_prefix(&prefix) {
            Some(key) => Listed { key: key.to_owned(), ..listed },
            None => listed,
        };
        self.store.list(&self.key(folder), "").map(move |listed| listed.map(&below)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn the_part_that_an_answer_names_is_read() {
        assert_eq!(content_range("bytes 5-9/100"), Some(5));
        for wrong in ["5-9/100", "bytes */100", "bytes x-9/100", ""] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
