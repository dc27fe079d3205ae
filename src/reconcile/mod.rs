//! The daemon: keeps the organization at its desired state, within what the configuration allows.
//!
//! A [`round`] surveys, has [`budget`] decide how much of the plan may be done, and applies that part. The rest, and
//! whatever failed, becomes [`findings`] that wait for a person. [`observe`] makes rounds cheap, [`breaker`] makes failures
//! cheap, [`fights`] ends quarrels with other tools, [`history`] is what is left of a round.
//!
//! Pure: `budget`, `breaker`, `fights`, `findings`. Time and chance come in through [`clock`].

pub mod breaker;
pub mod budget;
pub mod clock;
pub mod fights;
pub mod findings;
pub mod history;
pub mod observe;
pub mod round;
pub mod stop;
