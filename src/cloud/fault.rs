//! Why a call failed, in kinds that a caller can decide upon.

use std::fmt;

use crate::estate::{Address, Problem, Stage};
use crate::ids::AccountId;

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudFaultKind {
    /// The thing is not there.
    Absent,
    /// The caller may not.
    Denied,
    /// Too many calls; the SDK has given up trying again.
    Throttled,
    /// AWS refuses the request because something else is missing or wrong.
    Refused,
    /// AWS refuses what may succeed in a minute, because an earlier change has not reached it yet.
    NotYet,
    /// No answer: network, name resolution, time-out, credentials that cannot be had.
    Unreachable,
    /// Anything else.
    Other,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudFault {
    /// What a caller decides upon.
    pub kind: CloudFaultKind,
    /// The account in which it failed.
    pub account: AccountId,
    /// The operation, as IAM names it: `s3:PutBucketPolicy`.
    pub operation: String,
    /// AWS's error code, or a word of orgtrail's own where AWS did not answer.
    pub code: String,
    /// AWS's words, without secrets.
    pub message: String,
    /// What to do next; empty where it is not known.
    pub help: String,
}

impl CloudFault {
    /// Makes the problem that a report shows.
    pub fn problem(&self, stage: Stage, address: Option<&Address>) -> Problem {
        Problem {
            account: self.account.clone(),
            address: address.cloned(),
            stage,
            code: self.code.clone(),
            message: format!("{} failed: {}", self.operation, self.message),
            help: self.help.clone(),
        }
    }
}

impl fmt::Display for CloudFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {} ({})", self.operation, self.account, self.message, self.code)
    }
}

impl std::error::Error for CloudFault {}
