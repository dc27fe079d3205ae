//! How large texts may grow: each function gives a little more than it is given, and `WITH` and calls within calls
//! could double it sixty times.

use datafusion::common::{Result, exec_err};

/// Bytes that one text may have which is longer than what it was made of.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of such texts that are made at a time.
pub(super) const AT_A_TIME_BYTES_MAX: usize = 256 << 20;

/// Looks at the texts that a function makes of the rows of one batch.
pub(super) struct Growth<'a> {
    function: &'a str,
    all: usize,
}

impl<'a> Growth<'a> {
    /// Begins a batch.
    pub(super) fn of(function: &'a str) -> Self {
        Self { function, all: 0 }
    }

    /// Refuses a text of `made` bytes that is too long. `longest` is the size of the longest text it is made of: what
    /// does not grow is never refused, however long the records are.
    ///
    /// # Errors
    /// Where it is, or where all of the batch are.
    pub(super) fn check(&mut self, made: usize, longest: usize) -> Result<()> {
        if made <= longest {
            return Ok(());
        }
        self.all = self.all.saturating_add(made);
        if made > TEXT_BYTES_MAX {
            return exec_err!("{} would give a text of {made} bytes, the most is {TEXT_BYTES_MAX}", self.function);
        }
        if self.all > AT_A_TIME_BYTES_MAX {
            let all = self.all;
            return exec_err!(
                "{} would give texts of {all} bytes at a time, the most is {AT_A_TIME_BYTES_MAX}",
                self.function
            );
        }
        Ok(())
    }
}
