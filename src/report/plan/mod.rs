//! A plan, or what drifted: [`view`] lays it out, [`human`] writes it for a terminal, [`markdown`] for comments, [`html`] as
//! a page, [`sarif`] and [`junit`] for CI systems; programs read [`model`].

pub mod assessment;
pub mod drift_comparison;
#[cfg(test)]
pub(in crate::report) mod fixture;
pub mod group;
pub mod html;
pub mod human;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod other_trails;
pub mod problems;
pub mod sarif;
pub mod subject;
pub mod view;
pub mod violations;
