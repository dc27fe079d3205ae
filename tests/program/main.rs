//! The whole program, run as a user runs it: against an emulator of AWS over the wire, and on recorded estates.

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod bad_input;
mod break_glass;
mod daemon;
mod delivery;
mod examples;
mod filters;
mod first_day;
mod late;
mod lifecycle;
mod main_job;
mod migration;
mod permissions;
mod run;
mod schedule;
