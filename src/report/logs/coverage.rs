//! The report of coverage.
