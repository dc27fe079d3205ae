//! Plain data in, text out: human, JSON, markdown. A report never computes and never does I/O.

pub mod escape;
pub mod logs;
pub mod policy_diff;
pub mod words;
