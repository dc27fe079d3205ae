//! Tests of all parts together.

mod real;
mod whole;
