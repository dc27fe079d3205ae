//! Plain data in, text out: human, JSON, markdown. A report never computes and never does I/O.

pub mod audit;
pub mod discover;
pub mod escape;
pub mod explain;
pub mod fold;
pub mod html;
pub mod human;
pub mod junit;
pub mod lines;
pub mod logs;
pub mod markdown;
pub mod model;
pub mod outcome_view;
pub mod page;
pub mod policy_diff;
pub mod rendered;
pub mod sarif;
pub mod template;
mod tree;
pub mod view;
pub mod words;

#[cfg(test)]
mod fixture;
