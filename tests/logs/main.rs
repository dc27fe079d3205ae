//! The consolidated logs, proved: whole runs of verify and coverage over buckets that the tests write themselves.

#[path = "../support/bucket.rs"]
mod bucket;
mod command;
mod coverage;
mod proof;
mod properties;
mod tampering;
