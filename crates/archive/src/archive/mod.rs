//! Delivered objects: where they lie, how they are listed and read, and how they are unpacked within limits.
//!
//! - [`Store`]: the trait, what it answers, and how it fails. A store never writes.
//! - [`FolderStore`]: a copy of a bucket in a folder; [`ClosedStore`]: a bucket that cannot be entered.
//! - [`find`]: which accounts and regions a store holds.
//! - [`listing`], [`window`]: which log files a time, some accounts and regions need.
//! - [`inflate`]: gzip bodies, hashed within limits.
//!
//! Buckets of AWS are read by `cloud::aws::archive`, evidence bundles by `logs::bundle`.
//!
//! **Invariants**: nothing here writes to a store; `inflate` is pure.

mod closed;
pub mod find;
mod folder;
pub mod inflate;
pub mod listing;
mod store;
pub mod window;

pub use closed::ClosedStore;
pub use folder::FolderStore;
pub use store::{
    Deletes, Fault, FaultKind, HashError, Level, Listed, Metadata, Object, Store, UNKNOWN_CLASS, Version, When,
};
