//! The pages of a listing: a service that goes on for ever is an error, not a run that never ends.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// More pages than any listing has: of log files, a page has 1,000.
const PAGES_MAX: usize = 2_000_000;

/// Says why a listing cannot be trusted to end, or to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPages {
    /// A page was given as the next one that has been read already.
    #[error("the listing goes round in circles: a page that has been read is given as the next one")]
    Repeated,
    /// There are too many pages.
    #[error("the listing has more than {PAGES_MAX} pages")]
    TooMany,
    /// It is said that there is more, and not where.
    #[error("the listing says that there is more, and not where it goes on")]
    NoMark,
}

/// Where a listing goes on, page by page.
#[derive(Debug, Default)]
pub struct Pages {
    /// Hashes of the marks that were followed: two different marks with the same 64 bits end a listing of a million
    /// pages once in thirty million times, with an error.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Pages {
    /// Takes the mark of the next page; none, or an empty one, is the end.
    ///
    /// # Errors
    /// [`BadPages`] where the mark has been followed already, or there are too many.
    pub fn next(&mut self, mark: Option<String>) -> Result<Option<String>, BadPages> {
        let Some(mark) = mark.filter(|mark| !mark.is_empty()) else { return Ok(None) };
        if !self.seen.insert(self.hasher.hash_one(&mark)) {
            return Err(BadPages::Repeated);
        }
        if self.seen.len() > PAGES_MAX {
            return Err(BadPages::TooMany);
        }
        Ok(Some(mark))
    }

    /// The same for services that say apart whether there is more.
    ///
    /// # Errors
    /// [`BadPages`], also where there is more and no mark.
    pub fn after(&mut self, is_truncated: bool, mark: Option<String>) -> Result<Option<String>, BadPages> {
        match (is_truncated, mark.filter(|mark| !mark.is_empty())) {
            (false, _) => Ok(None),
            (true, None) => Err(BadPages::NoMark),
            (true, mark) => self.next(mark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_or_fails() {
        let mut pages = Pages::default();
        let mark = |text: &str| Some(text.to_owned());
        assert_eq!(pages.next(mark("a")), Ok(mark("a")));
        assert_eq!(pages.next(mark("b")), Ok(mark("b")));
        assert_eq!(pages.next(None), Ok(None));
        assert_eq!(pages.next(mark("")), Ok(None));
        assert_eq!(pages.next(mark("a")), Err(BadPages::Repeated));
        assert_eq!(pages.after(true, None), Err(BadPages::NoMark));
        assert_eq!(pages.after(false, mark("a")), Ok(None));
    }
}
