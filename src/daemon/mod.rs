//! What every long-running command shares, whatever its work is.
//!
//! A daemon is a command that works in turns until it is told to stop, alone or as one of several replicas. What it
//! needs for that is here, and none of it knows what the work is:
//!
//! - [`clock`]: time and chance, handed in. [`backoff`] and [`circuit_breaker`]: what keeps failing is tried less
//!   often.
//! - [`lease`]: one of several replicas leads, and its [`Fence`](lease::Fence) tells whether it still may write.
//! - [`history`]: what a daemon keeps across restarts, in a file of this machine or in an object that replicas share.
//! - [`status_board`]: the one value that is seen from outside. [`status_server`] shows it over HTTP: health,
//!   [`metrics`] and the pages that a daemon brings as a [`StatusSite`](status_server::StatusSite).
//! - [`run_id`]: the name of one start of the program.
//! - [`shutdown`]: how long work may go on after the daemon was told to stop, by a
//!   [`CancellationToken`](tokio_util::sync::CancellationToken).
//!
//! `orgtrail reconcile` is built on it. Another daemon has a record of its own for the history, a status of its own
//! with its metrics and pages, and a place of its own for the lease; `tests` makes one.

pub mod backoff;
pub mod circuit_breaker;
pub mod clock;
pub mod history;
pub mod lease;
pub mod metrics;
pub mod run_id;
pub mod shutdown;
pub mod status_board;
pub mod status_server;
mod sync;

pub(crate) use sync::lock;

#[cfg(test)]
pub(crate) mod tests;
