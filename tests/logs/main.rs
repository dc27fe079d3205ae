//! The consolidated logs, proved: whole runs of verify and coverage over buckets that the tests write themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

mod asked_lake;
mod athena;
#[path = "../support/bucket.rs"]
mod bucket;
mod checkpoints;
mod command;
mod config_objects;
mod configured;
mod coverage;
mod detect;
mod earlier;
mod edges;
mod evidence;
mod expiry;
mod folders;
mod hourly;
mod interrupt;
mod lake;
mod moved;
mod over_http;
mod program;
mod proof;
mod properties;
mod query;
mod regions;
mod roles;
#[path = "../support/s3.rs"]
mod s3;
mod shell;
#[path = "../support/mod.rs"]
mod support;
mod tampering;
#[path = "../support/terminal.rs"]
mod terminal;
mod unsure;
mod who;
mod who_behind;
mod who_config;
mod who_role;
mod who_unsure;
mod whole;
