//! Reports of `verify` and `coverage`: human, JSON, JSON Lines, markdown and HTML with a heat map.

pub mod config;
pub mod coverage;
pub mod coverage_model;
pub mod heat;
pub mod model;
pub mod next;
pub mod page;
mod table;
pub mod verify;
