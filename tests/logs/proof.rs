//! Runs a proof over a bucket of the tests, and what tests ask about its answer.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use orgtrail::archive::Store;
use orgtrail::archive::find::ScopeFilter;
use orgtrail::cli::Format;
use orgtrail::cli::logs::LogsContext;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Chain, KeyFinder, Source, Verification, Verifier, VerifyRequest};

use crate::bucket::{Bucket, MemoryStore};

/// Long after every bucket of the tests, so that all grace is over.
pub fn later() -> Timestamp {
    "2026-12-24T00:00:00Z".parse().unwrap()
}

/// Returns what a command finds around it in these tests: no terminal, no profile.
pub fn around(now: Timestamp, format: Format, key_ring: Option<PathBuf>) -> LogsContext {
    LogsContext {
        now,
        format,
        width: 100,
        is_coloured: false,
        key_ring,
        chains_at_once: 4,
        profile: None,
        entry: None,
        reader: None,
    }
}

/// Returns a request for all of a bucket up to the end of its hours.
pub fn request(bucket: &Bucket) -> VerifyRequest {
    VerifyRequest { to: Some(bucket.layout.end()), ..VerifyRequest::all(later()) }
}

pub async fn verify(bucket: &Bucket) -> Verification {
    verify_store(MemoryStore::of(bucket), bucket, request(bucket)).await
}

pub async fn verify_store(store: impl Store + 'static, bucket: &Bucket, request: VerifyRequest) -> Verification {
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    verify_with(Arc::new(store), ring, request).await
}

pub async fn verify_with(store: Arc<dyn Store>, ring: KeyRing, request: VerifyRequest) -> Verification {
    let keys = Arc::new(KeyFinder::new(ring, None));
    Verifier::new(store, keys).run(&request, |_| {}).await.unwrap()
}

/// Returns the only chain of an answer.
pub fn only(answer: &Verification) -> &Chain {
    assert_eq!(answer.chains.len(), 1, "{answer:#?}");
    &answer.chains[0]
}

/// Returns what was found, one line each: state, code, hour, object's file name.
pub fn findings(chain: &Chain) -> Vec<String> {
    let line = |finding: &orgtrail::logs::finding::Finding| {
        let hour = finding.window.map_or("-".into(), |window| window.hour().strftime("%d %H:%M").to_string());
        let object = finding.object.as_deref().and_then(|object| object.rsplit('/').next()).unwrap_or("-");
        let short = object.split('_').skip(3).collect::<Vec<_>>().join("_");
        format!("{} {} {hour} {short}", finding.state, finding.code).trim_end().to_owned()
    };
    chain.findings.iter().map(line).collect()
}

/// Returns the hours of a chain that are in a state, as joined spans.
pub fn hours(chain: &Chain, state: State) -> Vec<String> {
    let own = chain.hours.iter().filter(|(_, of)| *of == state);
    own.map(|(window, _)| format!("{}-{}", window.start.strftime("%H:%M"), window.end.strftime("%H:%M"))).collect()
}

/// Returns what a listing of a bucket shows, seen half an hour after the end of its hours.
pub async fn survey(bucket: &Bucket) -> orgtrail::logs::coverage::Survey {
    let now = bucket.layout.end() + jiff::SignedDuration::from_mins(30);
    let range = orgtrail::logs::finding::TimeRange { start: bucket.layout.start, end: now };
    let sources = [Source { store: Arc::new(MemoryStore::of(bucket)), prefix: String::new() }];
    orgtrail::logs::coverage::survey(&sources, &ScopeFilter::default(), range, now).await.unwrap()
}
