//! Plain data in, text out. A report never computes and never does I/O.
//!
//! What is told is the same in every format that people read: [`view`] and [`outcome_view`] lay it out, [`human`] writes it
//! for a terminal, [`markdown`] and [`html`] through the [`template`]s, [`sarif`] and [`junit`] for CI systems. Programs read
//! [`model`] and [`run_model`]. Whatever a format writes goes through [`escape`].

pub mod access;
pub mod apply_view;
pub mod assessment;
pub mod audit;
pub mod discover;
pub mod drift_comparison;
pub mod escape;
pub mod explain;
pub mod group;
pub mod html;
pub mod human;
pub mod junit;
pub mod lines;
pub mod logs;
pub mod markdown;
pub mod model;
pub mod notification;
pub mod other_trails;
pub mod page;
pub mod policy_diff;
pub mod reader_guide;
pub mod rendered;
pub mod run_model;
pub mod sarif;
pub mod subject;
pub mod template;
mod tree;
pub mod view;
pub mod violations;
pub mod words;

#[cfg(test)]
mod fixture;
