//! What a lake had for a window, kept for questions that follow each other and mean the same lake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use orgtrail_archive::archive::window::Window;

/// Windows that are kept; with one more all are forgotten: a slot's pages and a ledger's places take room.
const WINDOWS_MAX: usize = 16;

/// What was found for windows, shared by the copies of a lake.
#[derive(Debug)]
pub(super) struct Kept<T>(Arc<Mutex<HashMap<Window, Arc<T>>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Kept<T> {
    /// Returns what was found for a window. `None`: nothing is kept.
    pub(super) fn get(&self, window: &Window) -> Option<Arc<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(window).cloned()
    }

    /// Keeps what was found for a window.
    pub(super) fn keep(&self, window: &Window, contents: &Arc<T>) {
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
