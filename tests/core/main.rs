//! What needs no emulator: the rules of the house, and the pure core over random worlds on the recorded cloud.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "../support/worlds/mod.rs"]
mod worlds;

mod circles;
mod event;
mod handover;
mod house;
mod imports;
mod lifecycle;
mod modules;
mod properties;
mod traits;
mod wording;
