//! The daemon: keeps the organization at its desired state, within what the configuration allows.
//!
//! The [`daemon`] keeps to one configuration after the other (`watch`) and makes one [`round`] after another: survey, have
//! [`budget`] decide how much of the plan may be done, apply that part. The rest, and whatever failed, becomes [`findings`]
//! that wait for a person, of which [`notifier`] tells. [`observe`] makes rounds cheap, [`breaker`] makes failures cheap, [`fights`] ends quarrels with
//! other tools, [`lease`] lets one of several replicas act, [`wake`] and [`queue_listener`] hear of changes, [`history`] is what is
//! left of a round and `daemon_state` how that is kept, [`board`] what is seen of it all, over [`http`] as a page and as
//! [`metrics`].
//!
//! Pure: `budget`, `breaker`, `fights`, `findings`, the words of `notifier`, the decisions of `lease` and the reading of `wake`. Time and chance
//! come in through [`clock`].

pub mod breaker;
pub mod budget;
pub mod clock;
pub mod conflicts;
pub mod daemon;
mod daemon_state;
pub mod findings;
pub mod history;
pub mod http;
pub mod lease;
pub mod metrics;
pub mod notifier;
pub mod observe;
pub mod once;
pub mod page;
pub mod queue_listener;
pub mod round;
mod status;
pub mod status_board;
mod supervisor;
pub mod wake;

pub use daemon::{ConfigSource, Connection, Daemon, FatalError, Options, SourceError};

#[cfg(test)]
mod tests;
