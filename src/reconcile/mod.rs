//! The daemon: keeps the organization at its desired state, within what the configuration allows.
//!
//! The [`daemon`] keeps to one configuration after the other (`watch`) and makes one [`round`] after another: survey, have
//! [`budget`] decide how much of the plan may be done, apply that part. The rest, and whatever failed, becomes [`findings`]
//! that wait for a person, of which [`herald`] tells. [`observe`] makes rounds cheap, [`breaker`] makes failures cheap, [`fights`] ends quarrels with
//! other tools, [`lease`] lets one of several replicas act, [`wake`] and [`ears`] hear of changes, [`history`] is what is
//! left of a round and `life` how that is kept, [`board`] what is seen of it all, over [`http`] as a page and as
//! [`metrics`].
//!
//! Pure: `budget`, `breaker`, `fights`, `findings`, the words of `herald`, the decisions of `lease` and the reading of `wake`. Time and chance
//! come in through [`clock`].

pub mod board;
pub mod breaker;
pub mod budget;
pub mod clock;
pub mod daemon;
pub mod ears;
pub mod fights;
pub mod findings;
pub mod herald;
pub mod history;
pub mod http;
pub mod lease;
mod life;
pub mod metrics;
pub mod observe;
pub mod once;
pub mod page;
mod portrait;
pub mod round;
pub mod stop;
pub mod wake;
mod watch;

pub use daemon::{Connection, Daemon, Hopeless, Options, Refused, Source};

#[cfg(test)]
mod tests;
