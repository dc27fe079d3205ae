//! The consolidated logs, proved: whole runs of verify and coverage over buckets that the tests write themselves.

#[path = "../support/bucket.rs"]
mod bucket;
mod command;
mod coverage;
mod earlier;
mod folders;
mod interrupt;
mod over_http;
mod program;
mod proof;
mod properties;
mod regions;
#[path = "../support/s3.rs"]
mod s3;
#[path = "../support/mod.rs"]
mod support;
mod tampering;
mod whole;
