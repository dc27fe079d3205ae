//! Which of the digests that a listing shows are those that an earlier run proved, or lie before what is looked at.

use std::collections::HashMap;

use crate::archive::Listed;
use crate::log_path::DigestKey;

use super::chain_mark::AsListed;
use super::chain_walk::ChainId;

/// Which digests that are listed need not be read.
#[derive(Default)]
pub(super) struct Skipped {
    /// What the listing must show, by site and key, with the number of the chain.
    pub(super) unchanged: HashMap<(usize, String), (usize, AsListed)>,
    /// The digests at which earlier runs ended, by chain and by each site that the chain went through up to there: the
    /// listing of their day shows older ones too.
    pub(super) marks: HashMap<(usize, ChainId), DigestKey>,
}

/// What is to be done with a listed digest.
pub(super) enum Need {
    /// It is read.
    Read,
    /// It is as an earlier run read it: the number of its chain.
    Skip(usize),
    /// It lies before what is looked at.
    Nothing,
}

impl Skipped {
    pub(super) fn need(&self, at: usize, listed: &Listed) -> Need {
        let unchanged = self.unchanged.get(&(at, listed.key.clone()));
        if let Some((chain, _)) = unchanged.filter(|(_, as_listed)| as_listed.is_of(listed)) {
            return Need::Skip(*chain);
        }
        let Some(key) = DigestKey::parse(&listed.key).filter(|_| !self.marks.is_empty()) else { return Need::Read };
        let mark = self.marks.get(&(at, (key.trail.clone(), key.home.clone())));
        let is_before = |mark: &DigestKey| key.end <= mark.end && key != *mark;
        if mark.is_some_and(is_before) { Need::Nothing } else { Need::Read }
    }
}
