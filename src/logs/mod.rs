//! The consolidated logs, proved: digests, verify and coverage.
//!
//! - [`finding`]: states, codes and findings.
//! - [`digest`]: what digests say, who signed them, how they hang together.
//! - [`expected`]: which accounts and regions there should be, and where trails deliver.
//! - [`verify`]: proves a store.
//! - [`sealed`]: which days a verification proves whole.
//! - [`coverage`]: whether logs arrive, by account, region and kind.
//! - [`time_set`]: sets of times.
//! - [`bundle`]: evidence that can be checked again without the bucket.
//! - [`checkpoint`]: what earlier runs proved.
//!
//! **Invariants**: nothing here writes to a store; `digest` is pure.

pub mod bundle;
pub mod checkpoint;
pub mod coverage;
pub mod digest;
pub mod expected;
pub mod finding;
pub mod sealed;
pub mod time_set;
pub mod verify;
