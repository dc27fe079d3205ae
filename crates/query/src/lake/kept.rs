//! What a lake had for a window, kept for questions that follow each other and mean the same lake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use orgtrail_archive::archive::window::Window;

use super::reading::Contents;

/// Windows that are kept; with one more all are forgotten: a slot's pages and a ledger's places take room.
const WINDOWS_MAX: usize = 16;

/// What was found for windows, shared by the copies of a lake.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<HashMap<Window, Arc<Contents>>>>);

impl Kept {
    /// Returns what was found for a window. `None`: nothing is kept.
    pub(super) fn get(&self, window: &Window) -> Option<Arc<Contents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(window).cloned()
    }

    /// Keeps what was found for a window.
    pub(super) fn keep(&self, window: &Window, contents: &Arc<Contents>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= WINDOWS_MAX {
            all.clear();
        }
        all.insert(window.clone(), Arc::clone(contents));
    }

    /// Forgets everything.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
