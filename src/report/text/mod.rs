//! What every report is made of: pages of a terminal and of a browser, templates, differences as lines, words; and how
//! text of others is made inert.

pub mod comment;
pub mod escape;
pub mod html;
pub mod json;
pub mod layout;
pub mod lines;
pub mod message;
pub mod page;
pub mod policy_diff;
pub mod template;
pub(in crate::report) mod tree;

pub use crate::words;
