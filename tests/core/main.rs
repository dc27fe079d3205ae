//! What needs no emulator: the rules of the house, and the pure core over random worlds on the recorded cloud.

#[path = "../support/worlds/mod.rs"]
mod worlds;

mod circles;
mod event;
mod handover;
mod house;
mod lifecycle;
mod modules;
mod properties;
