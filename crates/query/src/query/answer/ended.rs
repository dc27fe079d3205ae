//! Why an answer ended before its end.

use std::time::Duration;

use orgtrail_core::words::size;

use crate::query::engine::Limits;
use crate::query::error::QueryError;

/// How DataFusion says that more was put on disk than may be.
const ON_DISK: &str = "disk space";

/// Why an answer ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A person stopped it.
    Stopped,
    /// It took longer than it may.
    Time(Duration),
    /// The program had more memory in use than it may, in bytes.
    Memory(u64),
    /// A part of it needed more memory than there is for questions, in bytes, and what it keeps cannot be put on disk.
    Needs(u64),
    /// It put more on disk than it may, in bytes.
    Disk(u64),
    /// There are more rows than it may have.
    Rows(usize),
    /// A search found more records than it may.
    Records(usize),
    /// Its rows have more bytes than they may have.
    Bytes(usize),
}

impl Ended {
    /// Returns why an answer that had begun ended with an error: where it needed more than it may have, what is known
    /// is an answer. `None`: it is none.
    pub(in crate::query) fn of(error: &QueryError, limits: &Limits) -> Option<Self> {
        match error {
            QueryError::Memory(why) if why.contains(ON_DISK) => Some(Self::Disk(limits.temporary_bytes)),
            QueryError::Memory(_) => Some(Self::Needs(limits.memory_bytes as u64)),
            _ => None,
        }
    }

    /// Says why, in words behind "The answer is not whole: ".
    pub fn text(self) -> String {
        match self {
            Self::Stopped => "it was stopped".to_owned(),
            Self::Time(limit) => format!("it took longer than {} s (--timeout)", limit.as_secs()),
            Self::Memory(limit) => {
                format!("it took much more memory than {} (narrow it, or pass --max-memory)", size(limit))
            }
            Self::Needs(limit) => {
                format!("it needs more memory than {} (narrow it, or pass --max-memory)", size(limit))
            }
            Self::Disk(limit) => {
                format!("it put more than {} on disk (narrow it, or select fewer columns)", size(limit))
            }
            Self::Rows(limit) => format!("there are more than {limit} rows (--max-rows)"),
            Self::Records(limit) => {
                format!("more than {limit} records are about it (narrow --from, --to, --account or --region)")
            }
            Self::Bytes(limit) => {
                format!("its rows have more than {} (select fewer columns or rows)", size(limit as u64))
            }
        }
    }
}
