//! Plain data in, text out: human, JSON, markdown. A report never computes and never does I/O.

pub mod apply;
pub mod escape;
pub mod fold;
pub mod model;
pub mod policy_diff;
pub mod words;

#[cfg(test)]
mod fixture;
