//! The daemon that keeps the organization at its desired state, within what the configuration allows.
//!
//! The [`controller`] keeps to one configuration after the other and makes one [`round`] after another: survey, have
//! [`act`] decide how much of the plan may be done, apply that part. The rest, and whatever failed, becomes
//! [`findings`] that wait for a person. [`observe`] makes rounds cheap, [`wake`] brings hints that something has
//! changed, [`history`] is what is kept of rounds, and [`status`] what is seen of it all. Lease, status server, history
//! files and shutdown are those of every daemon: [`daemon`](crate::daemon).
//!
//! Pure: `act` but for its gate, `findings`, `status` and the reading of messages in `wake`. Time and chance come in
//! through [`clock`](crate::daemon::clock).

pub mod act;
pub mod controller;
pub mod findings;
pub mod history;
pub mod lake;
pub mod observe;
pub mod round;
pub mod status;
pub mod wake;

pub use controller::source::{ConfigSource, Connection, SourceError};
pub use controller::{Controller, FatalError, Options};

#[cfg(test)]
mod tests;
