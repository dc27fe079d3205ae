//! Plain data in, text out, by subject. A report never computes and never does I/O.
//!
//! What is said is the same in every format that people read: a subject's `view` lays it out, its other files write it
//! in one format each. Whatever a format writes goes through [`text::escape`].

pub mod access;
pub mod apply;
pub mod audit;
#[cfg(feature = "sql")]
pub mod dashboard;
#[cfg(feature = "sql")]
pub mod detect;
pub mod discover;
pub mod explain;
#[cfg(feature = "sql")]
pub mod explore;
#[cfg(feature = "sql")]
pub mod lake;
pub mod logs;
pub mod notification;
mod person;
pub mod plan;
#[cfg(feature = "sql")]
pub mod query;
pub mod rendered;
pub mod text;
#[cfg(feature = "sql")]
pub mod who;
