//! Reads what lies in the folder of digests.

use std::sync::Arc;

use tokio::task::JoinError;

use crate::archive::inflate::inflate_digest;
use crate::archive::{Fault, FaultKind, Listed, Object, Store};
use crate::log_path::{ChainScope, FILE_ENDING, ObjectKey};
use crate::logs::digest::chain::{DigestContent, ReadDigest, ReadError};
use crate::logs::digest::document::Digest;
use crate::logs::finding::{Code, State};

/// A digest that was read, and the site that it lies at.
#[derive(Debug)]
pub(super) struct HeldDigest {
    pub(super) at: usize,
    pub(super) seen: ReadDigest,
    pub(super) listed: Listed,
}

/// What a key in the folder of digests turned out to be.
pub(super) enum FolderEntry {
    Digest(Box<HeldDigest>),
    /// It is listed as an earlier run read it: the number of its chain.
    Skipped(usize, Listed),
    /// It is so large that it is read when its turn has come.
    Big(usize, Listed),
    /// It ends as a digest does and is not named as one of this folder's.
    Stray(usize, String),
    /// It is none at all.
    Odd(usize, String),
    Fault(usize, Fault),
}

impl FolderEntry {
    /// Returns what is found where the reading itself was stopped.
    pub(super) fn stopped(at: usize, error: &JoinError) -> Self {
        Self::Fault(at, Fault::new(FaultKind::Unavailable, format!("the reading of a digest was stopped: {error}")))
    }
}

/// Reads what a key in the folder of digests names.
pub(super) async fn read_entry(at: usize, store: Arc<dyn Store>, scope: ChainScope, listed: Listed) -> FolderEntry {
    let Some(ObjectKey::Digest(key)) =
        ObjectKey::parse(&listed.key).filter(|key| matches!(key, ObjectKey::Digest(key) if key.scope == scope))
    else {
        return if listed.key.ends_with(FILE_ENDING) {
            FolderEntry::Stray(at, listed.key)
        } else {
            FolderEntry::Odd(at, listed.key)
        };
    };
    let content = read(store.as_ref(), &listed.key, listed.size_bytes).await;
    FolderEntry::Digest(Box::new(HeldDigest { at, seen: ReadDigest::new(key, listed.key.clone(), content), listed }))
}

async fn read(store: &dyn Store, object: &str, bytes: u64) -> Result<DigestContent, ReadError> {
    let Object { body, metadata } = store.get(object).await.map_err(|fault| unread(fault, bytes))?;
    let broken =
        |reason: String| ReadError { code: Code::DigestUnreadable, state: State::Broken, reason, archived: None };
    let (bytes, unpacked) = inflate_digest(&body).map_err(|e| broken(e.to_string()))?;
    let digest = Digest::parse(&bytes).map_err(|e| broken(e.to_string()))?;
    Ok(DigestContent { digest, sha256: unpacked.sha256, metadata, trailing: unpacked.trailing })
}

fn unread(fault: Fault, bytes: u64) -> ReadError {
    let (code, state) = match fault.kind {
        FaultKind::Absent => (Code::DigestMissing, State::Broken),
        FaultKind::TooLarge => (Code::DigestUnreadable, State::Broken),
        FaultKind::Archived => (Code::DigestArchived, State::Unproven),
        FaultKind::Denied | FaultKind::Unavailable => (Code::DigestUnreadable, State::Unproven),
    };
    let archived = fault.archived().map(|class| (class, bytes));
    ReadError { code, state, reason: fault.message, archived }
}
