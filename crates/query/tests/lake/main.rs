//! A lake is a function of the log objects: whatever their order, whoever writes at the same time and whatever fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

mod cases;
mod check;
mod identity;
mod memory;
mod properties;
mod repair;
mod world;
