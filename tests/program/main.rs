//! The whole program, run as a user runs it: against an emulator of AWS over the wire, and on recorded estates.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/recorded.rs"]
mod recorded;
#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod audit;
mod aws_config;
mod bad_input;
mod break_glass;
mod cases;
mod daemon;
mod dashboard;
mod dashboard_page;
mod delivery;
mod demo;
mod documents;
mod drift_who;
mod examples;
mod explore;
mod explore_page;
mod export;
mod filters;
mod first_day;
mod init;
mod interrupted;
mod json_formats;
mod lake;
mod late;
mod lifecycle;
mod main_job;
mod migration;
mod outputs;
mod permissions;
mod plan_page;
mod readers;
mod recorders;
mod reports;
mod run;
mod schedule;
mod status_page;
mod verbosity;
mod who_page;
