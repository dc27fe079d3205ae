//! Who did something, and who stands behind whoever did it: from records to answers. Pure: records come in, and what is
//! asked for next goes out.
//!
//! - [`issue`]: how a session began, as one record tells it.
//! - [`history`]: the resources that a person may mean, each with what happened to it.
//! - [`timeline`]: what happened to a resource, and how it ended.
//! - `repeated`: which calls do well again though they have nothing left to do.
//! - `given_key`: whether the call that gave out a key stands behind what was signed with it.
//! - `role_path`: what records say of the path of a role.
//! - [`calls`]: what was signed with a key or in a session, and single calls.
//! - [`answer`]: all of it as plain data, for reports.
//! - [`configuration`]: what AWS Config saw change, beside the calls that may have changed it.
//! - [`stack`]: from what CloudFormation did with a role to the call on a stack that led to it.
//! - [`chain`]: from a call back to its origin, session by session, also from account to account.
//! - [`alias`]: from an alias to the keys that it stood for.
//! - [`sessions`]: from an actor on to every session that it began, so that their calls are known as its own.
//! - [`activity`]: everything that an actor did.
//! - [`last_used`]: when a role, a user or a key was used last.
//! - [`remains`]: what an actor made that still stands.
//! - [`used_actions`]: which IAM actions an actor used, and the least policy for them.

pub mod activity;
mod actor_query;
pub mod alias;
pub mod answer;
pub mod calls;
pub mod chain;
pub mod configuration;
mod given_key;
pub mod history;
pub mod issue;
pub mod last_used;
pub mod person;
pub mod remains;
mod repeated;
mod role_path;
pub mod sessions;
pub mod stack;
mod stack_operation;
mod tally;
pub mod timeline;
pub mod used_actions;

pub use tally::{Period, Ranking};

#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;
