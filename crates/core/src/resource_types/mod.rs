//! Which calls concern which resource, and where their records name it: the ground of "who made, changed, deleted
//! this?".
//!
//! The table is data (`data/*.yaml`); files of the user extend it. Everything here is pure.
//!
//! - [`ResourceTypes`]: the types, read from the files that are compiled in and from those of the user.
//! - [`ResourceTypes::candidates`]: what a person typed, as resources that may be meant.
//! - [`ResourceTypes::mentions`]: whether a record is about one of them, and what the call does to it.
//! - [`ResourceReader::named_by`]: every resource that a record names, without a candidate.
//! - [`ResourceTypes::event_names`], [`Needles`]: what to look up, and which records need not be read.

mod identity;
mod mention;
mod named;
mod needles;
mod pattern;
mod place;
mod read;
mod reference;
mod schema;
mod subject;
mod table;

#[cfg(test)]
mod tests;

pub use identity::ResourceIdentity;
pub use mention::{MatchedBy, ResourceMention};
pub use named::{RecordedResource, ResourceKey, ResourceReader};
pub use needles::Needles;
pub use pattern::Pattern;
pub use place::{PlacePath, RecordPart};
pub use reference::reference;
pub(crate) use schema::without_version;
pub use schema::{NameScope, ResourceCall, ResourceEffect, ResourceType, is_multi_region};
pub use subject::{BadSubject, ResourceCandidate};
pub use table::ResourceTypes;
