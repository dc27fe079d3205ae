//! Who did something, and who stands behind whoever did it: from records to answers. Pure: records come in, and what is
//! asked for next goes out.
//!
//! - [`issue`]: how a session began, as one record tells it.
//! - [`timeline`]: what happened to a resource, and how it ended.
//! - [`chain`]: from a call back to its origin, session by session, also from account to account.

pub mod chain;
pub mod issue;
pub mod timeline;

#[cfg(test)]
mod stories;
