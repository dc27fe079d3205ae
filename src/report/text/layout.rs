//! How a report is laid out on a terminal.
//!
//! The text has ANSI styles in it, which the command line takes out where the output is no terminal; it reads without
//! them.

use anstyle::Style;

use super::lines::Detail;
use super::page::{BAD, FAINT, GOOD, NOTICE, TAKEN};

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns.
    pub width: usize,
    /// New policies in full, all accounts of a folded change, all limits.
    pub verbose: bool,
}

impl Layout {
    /// Returns how much of a difference is shown.
    pub(in crate::report) fn detail(self) -> Detail {
        if self.verbose { Detail::Full } else { Detail::Brief }
    }

    /// Returns how many accounts of a folded change are named.
    pub(in crate::report) fn accounts(self) -> usize {
        if self.verbose { usize::MAX } else { 5 }
    }
}

/// Returns the style of the mark that a line of a difference begins with.
pub(in crate::report) fn style_of(mark: char) -> Style {
    match mark {
        '+' => GOOD,
        '~' => NOTICE,
        '!' => TAKEN,
        '-' => BAD,
        _ => FAINT,
    }
}
