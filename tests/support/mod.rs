//! What the tests need that is not the program: an emulator of AWS, a proxy that makes trouble, an organization.
//!
//! `Emulator::start()` gives a fresh AWS for one test; `World::twelve_accounts(&emulator)` fills it.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

pub mod moto;
pub mod proxy;
pub mod world;

pub use moto::Emulator;
pub use proxy::{Call, Trouble};
pub use world::World;
