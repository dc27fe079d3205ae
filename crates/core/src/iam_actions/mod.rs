//! From what CloudTrail records to the IAM actions that allow it: `ListObjects` needs `s3:ListBucket`.
//!
//! The table is data (`data/actions.yaml`) and has the exceptions; a call that it does not have is taken to need the
//! action of its name, and that is said.

mod read;
mod table;

#[cfg(test)]
mod tests;

pub use table::{ActionBasis, IamActions, NeededAction, Needs, PassedRole};
