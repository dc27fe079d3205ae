//! Why an answer ended before its end.

use std::time::Duration;

use orgtrail_core::words::size;

/// Why an answer ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A person stopped it.
    Stopped,
    /// It took longer than it may.
    Time(Duration),
    /// The program had more memory in use than it may, in bytes.
    Memory(u64),
    /// There are more rows than it may have.
    Rows(usize),
    /// A search found more records than it may.
    Records(usize),
    /// Its rows have more bytes than they may have.
    Bytes(usize),
}

impl Ended {
    /// Says why, in words behind "The answer is not whole: ".
    pub fn text(self) -> String {
        match self {
            Self::Stopped => "it was stopped".to_owned(),
            Self::Time(limit) => format!("it took longer than {} s (--timeout)", limit.as_secs()),
            Self::Memory(limit) => {
                format!("it took much more memory than {} (narrow it, or pass --max-memory)", size(limit))
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
