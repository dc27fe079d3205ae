//! Reads what lies in the folder of digests.

use std::sync::Arc;

use crate::logs::digest::chain::{Content, Seen, Unread};
use crate::logs::digest::document::Digest;
use crate::logs::finding::{Code, State};
use crate::logs::inflate::{DIGEST_INFLATED_BYTES_MAX, inflate};
use crate::logs::key::{Key, Scope};
use crate::logs::store::{Fault, FaultKind, Listed, Object, Store};

use super::track::Held;

/// What a key in the folder of digests turned out to be.
pub(super) enum Met {
    Digest(Box<Held>),
    /// It ends as a digest does and is not named as one of this folder's.
    Stray(usize, String),
    Fault(usize, Fault),
}

/// Reads what a key in the folder of digests names.
pub(super) async fn meet(at: usize, store: Arc<dyn Store>, scope: Scope, listed: Result<Listed, Fault>) -> Met {
    let (object, bytes) = match listed {
        Ok(listed) => (listed.key, listed.size_bytes),
        Err(fault) => return Met::Fault(at, fault),
    };
    let Some(Key::Digest(key)) =
        Key::parse(&object).filter(|key| matches!(key, Key::Digest(key) if key.scope == scope))
    else {
        return Met::Stray(at, object);
    };
    let content = read(store.as_ref(), &object, bytes).await;
    Met::Digest(Box::new(Held { at, seen: Seen::new(key, object, content) }))
}

async fn read(store: &dyn Store, object: &str, bytes: u64) -> Result<Content, Unread> {
    let Object { body, metadata } = store.get(object).await.map_err(|fault| unread(fault, bytes))?;
    let broken = |reason: String| Unread { code: Code::DigestUnreadable, state: State::Broken, reason, archived: None };
    let (bytes, unpacked) = inflate(&body, DIGEST_INFLATED_BYTES_MAX).map_err(|e| broken(e.to_string()))?;
    let digest = Digest::parse(&bytes).map_err(|e| broken(e.to_string()))?;
    Ok(Content { digest, sha256: unpacked.sha256, metadata, trailing: unpacked.trailing })
}

fn unread(fault: Fault, bytes: u64) -> Unread {
    let (code, state) = match fault.kind {
        FaultKind::Absent => (Code::DigestMissing, State::Broken),
        FaultKind::TooLarge => (Code::DigestUnreadable, State::Broken),
        FaultKind::Archived => (Code::DigestArchived, State::Unproven),
        FaultKind::Denied | FaultKind::Unavailable => (Code::DigestUnreadable, State::Unproven),
    };
    let archived = fault.archived().map(|class| (class, bytes));
    Unread { code, state, reason: fault.message, archived }
}
