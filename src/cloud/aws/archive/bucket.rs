//! A bucket. One GET brings an object with its metadata; there is no HEAD. Listings stream page by page.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::stream::{BoxStream, StreamExt, iter, unfold};
use jiff::Timestamp;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use super::attempts::Attempts;
use super::prepared::Prepared;
use super::{Failure, LogsSession, rules};
use crate::archive::inflate::{OBJECT_BYTES_MAX, Unpacked, hash_log};
use crate::archive::{Deletes, Fault, FaultKind, HashError, Level, Listed, Metadata, Object, Store, Version};
use crate::flow::Pages;
use crate::operations::s3 as op;

/// How many KiB of bodies are in memory at most. Most log files are small; fifty of the largest would be 2.5 GB.
const BODIES_KIB_MAX: usize = 192 << 10;
/// Bodies above this are inflated where they do not keep other requests waiting.
const INLINE_BYTES_MAX: usize = 256 << 10;
/// How long a body may stay silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// What the names of an object's own metadata begin with, among the headers of an answer.
const OWN_HEADER: &str = "x-amz-meta-";

/// How many pages of versions are read for one question: 10,000 versions.
const VERSION_PAGES_MAX: usize = 10;

/// What is answered where there are no lifecycle rules, by S3 and by what has none at all.
const NO_RULES: [&str; 3] = ["NoSuchLifecycleConfiguration", "NotImplemented", "MethodNotAllowed"];

/// A bucket of S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    session: LogsSession,
    client: Client,
    bucket: String,
    attempts: Attempts,
    memory: Arc<Semaphore>,
    /// The lifecycle rules that delete, asked once; or why they are not known.
    deletes: Arc<OnceCell<Result<Vec<Deletes>, Fault>>>,
    /// GETs that are prepared once; not set when the connection is not known.
    prepared: Option<Arc<Prepared>>,
}

/// An object's bytes, and the memory that they are allowed to take.
struct Fetched {
    object: Object,
    _memory: tokio::sync::OwnedSemaphorePermit,
}

impl S3Store {
    /// Returns the store of a bucket. The client must not retry by itself, so that refusals are seen here.
    pub(in crate::cloud::aws) fn new(session: &LogsSession, client: Client, bucket: &str) -> Self {
        let memory = Arc::new(Semaphore::new(BODIES_KIB_MAX));
        let (attempts, session, bucket) = (Attempts::new(session, bucket), session.clone(), bucket.to_owned());
        Self { session, client, bucket, attempts, memory, deletes: Arc::default(), prepared: None }
    }

    /// Returns the store with prepared GETs.
    pub(super) fn with_prepared(self, prepared: Prepared) -> Self {
        Self { prepared: Some(Arc::new(prepared)), ..self }
    }

    /// Returns the store with other delays between tries: the first one and the longest one.
    #[must_use]
    pub fn with_delays(self, first: Duration, longest: Duration) -> Self {
        Self { attempts: self.attempts.clone().with_delays(first, longest), ..self }
    }

    /// Returns how many requests may be in flight now.
    pub fn in_flight_max(&self) -> usize {
        self.attempts.in_flight_max()
    }

    async fn send<T, F>(&self, request: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.attempts.send(request).await
    }

    async fn ask_deletes(&self) -> Result<Vec<Deletes>, Fault> {
        let answer = self
            .send(|| async {
                let asked = self.client.get_bucket_lifecycle_configuration().bucket(&self.bucket).send().await;
                match asked {
                    Err(error) if error.code().is_some_and(|code| NO_RULES.contains(&code)) => Ok(None),
                    Err(error) => Err(self.session.failure(op::GET_LIFECYCLE, &error)),
                    Ok(answer) => Ok(Some(answer)),
                }
            })
            .await?;
        Ok(answer.iter().flat_map(|answer| answer.rules()).filter_map(rules::deletes).collect())
    }

    async fn fetch(&self, key: &str, version: Option<&str>) -> Result<Fetched, Fault> {
        self.send(|| self.fetch_once(key, version)).await
    }

    async fn fetch_once(&self, key: &str, version: Option<&str>) -> Result<Fetched, Failure> {
        let Some(prepared) = self.prepared.as_deref().filter(|_| version.is_none()) else {
            return self.fetch_by_sdk(key, version).await;
        };
        let is_refused = match prepared.get(key).await {
            Some(Err(error)) => return Err(self.session.unanswered(op::GET_LOG_FILE, &error)),
            Some(Ok(answer)) => match answer.status().as_u16() {
                200 => return self.whole(answer).await,
                status @ (429 | 503) => return Err(throttled(status)),
                // A part, or nothing, is no object: whoever says so may say otherwise the next time.
                status @ 201..300 => return Err(passing(format!("GetObject: status {status} instead of the object"))),
                status => status != 404,
            },
            None => false,
        };
        let fetched = self.fetch_by_sdk(key, version).await;
        if is_refused && fetched.is_ok() {
            prepared.give_up();
        }
        fetched
    }

    async fn fetch_by_sdk(&self, key: &str, version: Option<&str>) -> Result<Fetched, Failure> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.set_version_id(version.map(str::to_owned));
        let answer = request.send().await.map_err(|error| {
            let (class, failure) = (archive_class(&error), self.session.failure(op::GET_LOG_FILE, &error));
            Failure { fault: failure.fault.in_class(class), ..failure }
        })?;
        let size = u64::try_from(answer.content_length().unwrap_or_default()).unwrap_or_default();
        let pairs = answer.metadata().into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        let metadata = Metadata::from_pairs(pairs);
        self.read_body(answer.body, size, metadata).await
    }

    /// Reads an object from the answer to a prepared request.
    async fn whole(&self, answer: HttpResponse) -> Result<Fetched, Failure> {
        let size = answer.headers().get("content-length").and_then(|size| size.parse().ok()).unwrap_or_default();
        let pairs = answer.headers().iter().filter_map(|(name, value)| Some((name.strip_prefix(OWN_HEADER)?, value)));
        let metadata = Metadata::from_pairs(pairs);
        self.read_body(ByteStream::new(answer.into_body()), size, metadata).await
    }

    /// Reads a body of a size that was told, within the memory of all bodies.
    async fn read_body(&self, mut stream: ByteStream, size: u64, metadata: Metadata) -> Result<Fetched, Failure> {
        if size > OBJECT_BYTES_MAX {
            let message = format!("the object has {size} bytes, the limit of a delivered file is {OBJECT_BYTES_MAX}");
            return Err(lasting(FaultKind::TooLarge, message));
        }
        let kib = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX).clamp(1, BODIES_KIB_MAX as u32);
        let memory = Arc::clone(&self.memory).acquire_many_owned(kib).await;
        let memory = memory.map_err(|e| lasting(FaultKind::Unavailable, e.to_string()))?;
        let broke_off = |why: String| passing(format!("GetObject: the body broke off: {why}"));
        let mut body = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        while let Some(part) = timeout(SILENCE_MAX, stream.next()).await.map_err(|late| broke_off(late.to_string()))? {
            body.extend_from_slice(&part.map_err(|error| broke_off(error.to_string()))?);
            if body.len() as u64 > size {
                break;
            }
        }
        if body.len() as u64 != size {
            return Err(passing(format!("GetObject: the body has {} bytes instead of {size}", body.len())));
        }
        Ok(Fetched { object: Object { body, metadata }, _memory: memory })
    }

    async fn hash_fetched(&self, key: &str, version: Option<&str>) -> Result<Unpacked, HashError> {
        let fetched = self.fetch(key, version).await?;
        if fetched.object.body.len() <= INLINE_BYTES_MAX {
            return Ok(hash_log(&fetched.object.body)?);
        }
        let work = move || hash_log(&fetched.object.body);
        match tokio::task::spawn_blocking(work).await {
            Ok(hashed) => Ok(hashed?),
            Err(error) => Err(Fault::new(FaultKind::Unavailable, format!("hashing was stopped: {error}")).into()),
        }
    }

    /// Returns one page of a listing and where the next one starts.
    async fn page(
        &self,
        prefix: &str,
        after: &str,
        token: Option<String>,
        pages: &mut Pages,
    ) -> Result<(Vec<Listed>, Option<String>), Fault> {
        let answer = self
            .send(|| async {
                let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
                let request = match &token {
                    Some(token) => request.continuation_token(token),
                    None => request.set_start_after(Some(after.to_owned()).filter(|after| !after.is_empty())),
                };
                request.send().await.map_err(|error| self.session.failure(op::LIST_OBJECTS, &error))
            })
            .await?;
        let listed = answer.contents().iter().filter_map(|object| {
            Some(Listed {
                key: object.key()?.to_owned(),
                size_bytes: u64::try_from(object.size().unwrap_or_default()).unwrap_or_default(),
                modified: time(object.last_modified()),
                tag: object.e_tag().map(str::to_owned),
            })
        });
        Ok((listed.collect(), next_page(pages, &answer)?))
    }
}

/// Returns the class or tier that S3 names when it refuses to read what is archived.
fn archive_class(error: &SdkError<GetObjectError, HttpResponse>) -> Option<String> {
    match error.as_service_error()? {
        GetObjectError::InvalidObjectState(state) => {
            let tier = state.access_tier().map(|tier| tier.as_str().to_owned());
            tier.or_else(|| state.storage_class().map(|class| class.as_str().to_owned()))
        }
        _ => None,
    }
}

#[async_trait]
impl Store for S3Store {
    fn bucket(&self) -> Option<&str> {
        Some(&self.bucket)
    }

    fn name(&self) -> String {
        format!("s3://{}", self.bucket)
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        let mut level = Level::default();
        let mut token: Option<String> = None;
        let mut pages = Pages::default();
        loop {
            let answer = self
                .send(|| async {
                    let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).delimiter("/");
                    let request = request.set_continuation_token(token.clone());
                    request.send().await.map_err(|error| self.session.failure(op::LIST_OBJECTS, &error))
                })
                .await?;
            let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix());
            level.folders.extend(folders.map(str::to_owned));
            level.objects.extend(answer.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
            token = next_page(&mut pages, &answer)?;
            if token.is_none() {
                return Ok(level);
            }
        }
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        enum Next {
            Page(Option<String>, Pages),
            Nothing,
        }
        let (store, prefix, after) = (self.clone(), prefix.to_owned(), after.to_owned());
        let pages = unfold(Next::Page(None, Pages::default()), move |next| {
            let (store, prefix, after) = (store.clone(), prefix.clone(), after.clone());
            async move {
                let Next::Page(token, mut pages) = next else { return None };
                match store.page(&prefix, &after, token, &mut pages).await {
                    Ok((listed, next)) => {
                        let next = next.map_or(Next::Nothing, |token| Next::Page(Some(token), pages));
                        Some((listed.into_iter().map(Ok).collect::<Vec<_>>(), next))
                    }
                    Err(fault) => Some((vec![Err(fault)], Next::Nothing)),
                }
            }
        });
        pages.flat_map(iter).boxed()
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        self.deletes.get_or_init(|| self.ask_deletes()).await.clone()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        Ok(self.fetch(key, None).await?.object)
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        self.hash_fetched(key, None).await
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        let mut versions = Vec::new();
        let mut markers = VersionMarkers::default();
        let mut pages = Pages::default();
        for _ in 0..VERSION_PAGES_MAX {
            let answer = self
                .send(|| async {
                    let request = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix);
                    let VersionMarkers { key, version } = markers.clone();
                    let request = request.set_key_marker(key).set_version_id_marker(version);
                    request.send().await.map_err(|error| self.session.failure(op::LIST_VERSIONS, &error))
                })
                .await?;
            add_versions(&answer, &mut versions)?;
            match next_versions(&mut pages, &answer)? {
                Some(next) => markers = next,
                None => return Ok(versions),
            }
        }
        Err(odd_versions(format!("there are more than {VERSION_PAGES_MAX} pages of versions below {prefix}")))
    }

    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, HashError> {
        self.hash_fetched(key, Some(version)).await
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }

    fn oddities(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Returns where a listing goes on. One that would go on for ever, or breaks off in the middle, is none.
fn next_page(pages: &mut Pages, answer: &ListObjectsV2Output) -> Result<Option<String>, Fault> {
    // Of half an answer the SDK makes a short list, and what is not listed would count as deleted.
    let listed = answer.contents().len() + answer.common_prefixes().len();
    if answer.key_count().is_some_and(|count| usize::try_from(count) != Ok(listed)) {
        return Err(Fault::new(FaultKind::Unavailable, "ListObjectsV2: the answer was cut off".to_owned()));
    }
    let token = answer.next_continuation_token().map(str::to_owned);
    let next = pages.after(answer.is_truncated().unwrap_or(token.is_some()), token);
    next.map_err(|why| Fault::new(FaultKind::Unavailable, format!("ListObjectsV2: {why}")))
}

fn passing(message: String) -> Failure {
    Failure { is_passing: true, ..lasting(FaultKind::Unavailable, message) }
}

/// Returns the failure of a prepared request that there were too many for.
fn throttled(status: u16) -> Failure {
    Failure { is_throttle: true, ..passing(format!("GetObject: status {status}, too many requests")) }
}

fn lasting(kind: FaultKind, message: String) -> Failure {
    Failure { fault: Fault::new(kind, message), is_passing: false, is_throttle: false }
}

fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(time?.secs()).ok()
}

fn owner(owner: Option<&aws_sdk_s3::types::Owner>) -> Option<String> {
    let owner = owner?;
    owner.display_name().or(owner.id()).map(str::to_owned)
}

/// Where a listing of versions goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct VersionMarkers {
    key: Option<String>,
    version: Option<String>,
}

fn odd_versions(why: String) -> Fault {
    Fault::new(FaultKind::Unavailable, format!("ListObjectVersions: {why}"))
}

/// Returns where a listing of versions goes on. S3 always says whether there is more, and then where (Amazon S3 API,
/// `ListObjectVersions`): where it says neither, the answer was cut off.
fn next_versions(pages: &mut Pages, answer: &ListObjectVersionsOutput) -> Result<Option<VersionMarkers>, Fault> {
    let is_truncated = answer.is_truncated().ok_or_else(|| odd_versions("the answer was cut off".to_owned()))?;
    let (key, version) = (answer.next_key_marker(), answer.next_version_id_marker());
    let mark = key.filter(|key| !key.is_empty()).map(|key| format!("{key}\0{}", version.unwrap_or_default()));
    let next = pages.after(is_truncated, mark).map_err(|why| odd_versions(why.to_string()))?;
    Ok(next.map(|_| VersionMarkers { key: key.map(str::to_owned), version: version.map(str::to_owned) }))
}

/// Takes the versions and delete markers of one page.
fn add_versions(answer: &ListObjectVersionsOutput, versions: &mut Vec<Version>) -> Result<(), Fault> {
    let found = answer.versions().iter().map(version).chain(answer.delete_markers().iter().map(delete_marker));
    for version in found {
        versions.push(version.ok_or_else(|| odd_versions("a version has no key or no id".to_owned()))?);
    }
    Ok(())
}

fn version(version: &aws_sdk_s3::types::ObjectVersion) -> Option<Version> {
    Some(Version {
        key: version.key()?.to_owned(),
        id: version.version_id()?.to_owned(),
        modified: time(version.last_modified()),
        owner: owner(version.owner()),
        is_delete_marker: false,
        is_latest: version.is_latest().unwrap_or_default(),
    })
}

fn delete_marker(marker: &aws_sdk_s3::types::DeleteMarkerEntry) -> Option<Version> {
    Some(Version {
        key: marker.key()?.to_owned(),
        id: marker.version_id()?.to_owned(),
        modified: time(marker.last_modified()),
        owner: owner(marker.owner()),
        is_delete_marker: true,
        is_latest: marker.is_latest().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

    use super::*;

    #[test]
    fn a_listing_of_versions_that_was_cut_off_is_none() {
        let page = ListObjectVersionsOutput::builder;
        let next = |answer: ListObjectVersionsOutput| next_versions(&mut Pages::default(), &answer);
        assert_eq!(next(page().is_truncated(false).build()), Ok(None));
        let more = next(page().is_truncated(true).next_key_marker("a").next_version_id_marker("1").build());
        let markers = VersionMarkers { key: Some("a".into()), version: Some("1".into()) };
        assert_eq!(more, Ok(Some(markers)));
        for cut in [page(), page().is_truncated(true), page().is_truncated(true).next_version_id_marker("1")] {
            let fault = next(cut.build()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
        }
        let mut pages = Pages::default();
        let same = page().is_truncated(true).next_key_marker("a").build();
        assert!(next_versions(&mut pages, &same).is_ok() && next_versions(&mut pages, &same).is_err());
    }

    #[test]
    fn a_version_without_its_id_is_no_answer() {
        let page = ListObjectVersionsOutput::builder;
        let take = |answer: ListObjectVersionsOutput| add_versions(&answer, &mut Vec::new());
        assert_eq!(take(page().versions(ObjectVersion::builder().key("a").version_id("1").build()).build()), Ok(()));
        assert!(take(page().versions(ObjectVersion::builder().key("a").build()).build()).is_err());
        assert!(take(page().delete_markers(DeleteMarkerEntry::builder().version_id("1").build()).build()).is_err());
    }
}
