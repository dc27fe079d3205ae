//! Amazon S3: the log bucket's settings, lifecycle and policy.
//!
//! Every call names the expected owner: bucket names are shared by everybody, and somebody else's bucket of the same
//! name must never be read as ours.

pub(super) mod exposure;
mod lifecycle;
mod look;
mod put;

pub(super) use look::{has_logs, look, look_policy, tags};
pub(super) use put::{put, put_policy};

use crate::operations::s3 as op;
