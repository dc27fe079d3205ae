//! The consolidated logs: store, digests, verify and coverage.
//!
//! - [`finding`]: states, codes and findings.
//! - [`inflate`]: gzip bodies, hashed within limits.
//! - [`store`]: where objects lie: a bucket, a folder, an evidence bundle.
//! - [`digest`]: what digests say, who signed them, how they hang together.
//! - [`find`]: which accounts and regions there are; [`expected`]: which there should be, and where trails deliver.
//! - [`verify`]: proves a store.
//! - [`coverage`]: whether logs arrive, by account, region and kind.
//! - [`time_set`]: sets of times.
//! - [`bundle`]: evidence that can be checked again without the bucket.
//! - [`checkpoint`]: what earlier runs proved.
//!
//! **Invariants**: nothing here writes to a store; buckets of AWS are read by `cloud::aws::archive`; `inflate` and
//! `digest` are pure.

pub mod bundle;
pub mod checkpoint;
pub mod coverage;
pub mod digest;
pub mod expected;
pub mod find;
pub mod finding;
pub mod inflate;
pub mod store;
pub mod time_set;
pub mod verify;
