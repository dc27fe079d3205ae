//! What came of a plan: [`view`] lays it out, [`human`] writes it for a terminal, [`markdown`] for comments; programs
//! read [`model`].

pub mod human;
pub mod markdown;
pub mod model;
pub mod view;
