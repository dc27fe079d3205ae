//! A plan, or what drifted: [`view`] lays it out, [`human`] writes it for a terminal, [`markdown`] for comments,
//! [`html`] as a page, [`sarif`] and [`junit`] for CI systems; what programs read is [`crate::plan::saved`].

pub mod account;
pub mod assessment;
pub mod drift_comparison;
#[cfg(test)]
pub(crate) mod fixture;
pub mod group;
pub mod html;
pub mod human;
#[cfg(test)]
mod json_tests;
pub mod junit;
pub mod markdown;
pub mod other_trails;
pub mod problems;
pub mod sarif;
#[cfg(test)]
mod saved_tests;
pub mod subject;
pub mod view;
pub mod violations;
