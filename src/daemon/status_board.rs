//! What can be seen of a daemon from outside: one value, replaced after each turn of its work.

use std::sync::{Arc, Mutex};

use super::lock;

/// Holds the status. Clones show the same one.
#[derive(Debug, Default)]
pub struct StatusBoard<S> {
    status: Arc<Mutex<Arc<S>>>,
}

impl<S> Clone for StatusBoard<S> {
    fn clone(&self) -> Self {
        Self { status: Arc::clone(&self.status) }
    }
}

impl<S: Clone> StatusBoard<S> {
    /// Returns the status as it is now.
    pub fn read(&self) -> Arc<S> {
        Arc::clone(&lock(&self.status))
    }

    /// Changes the status.
    pub fn write(&self, change: impl FnOnce(&mut S)) {
        let mut status = lock(&self.status);
        change(Arc::make_mut(&mut status));
    }
}
