//! The AWS adapter against an emulator of AWS, over the wire.
//!
//! One binary, so that it is linked once. Every test has its own emulator: nothing that one does is seen by another.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "../support/mod.rs"]
mod support;

mod administrator;
mod alarms;
mod config;
mod discover;
mod document;
mod drift;
mod execute;
mod fixture;
mod keys;
mod lookup;
mod observe;
mod surroundings;
mod trouble;
