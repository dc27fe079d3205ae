//! The connections that a small server of this machine has open at the same time: bounded, and never full of those that
//! say nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

/// Connections that are open, the oldest first. They end with it.
#[derive(Debug)]
pub struct OpenConnections {
    most: usize,
    open: VecDeque<Connection>,
}

/// A connection that was taken.
#[derive(Debug)]
struct Connection {
    asked: Asked,
    task: AbortHandle,
}

/// Whether a request has arrived whole on a connection.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Says that it has.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl OpenConnections {
    /// Begins without any. `most` are open at the same time.
    pub fn new(most: usize) -> Self {
        Self { most, open: VecDeque::new() }
    }

    /// Serves another connection. Where there are as many as there may be, one ends: the oldest that has asked nothing,
    /// else the oldest. Whoever asks at once is answered, however many others are silent.
    pub fn serve<F: Future<Output = ()> + Send + 'static>(&mut self, connection: impl FnOnce(Asked) -> F) {
        self.open.retain(|connection| !connection.task.is_finished());
        while self.open.len() >= self.most.max(1) {
            let silent = self.open.iter().position(|connection| !connection.asked.has());
            if let Some(connection) = self.open.remove(silent.unwrap_or(0)) {
                connection.task.abort();
            }
        }
        let asked = Asked::default();
        let task = tokio::spawn(connection(asked.clone())).abort_handle();
        self.open.push_back(Connection { asked, task });
    }
}

impl Drop for OpenConnections {
    fn drop(&mut self) {
        self.open.iter().for_each(|connection| connection.task.abort());
    }
}
