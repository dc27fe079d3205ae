//! A part of the surroundings, as an answer of AWS makes it: what was read, or the problem for which it could not be.

use crate::cloud::CloudFault;
use crate::estate::surroundings::Readable;
use crate::estate::{Address, Stage};

/// Returns a part that is about an address.
pub(super) fn part<T>(result: Result<T, CloudFault>, address: &Address) -> Readable<T> {
    of(result, Some(address))
}

/// Returns a part that is about an account as a whole: the one that was asked.
pub(super) fn part_of_account<T>(result: Result<T, CloudFault>) -> Readable<T> {
    of(result, None)
}

fn of<T>(result: Result<T, CloudFault>, address: Option<&Address>) -> Readable<T> {
    match result {
        Ok(value) => Readable::Read(value),
        Err(fault) => Readable::Unreadable(Box::new(fault.problem(Stage::Observe, address))),
    }
}
