//! Consolidates the CloudTrail logs of an AWS organization in one log account, and keeps it that way.
//!
//! This is the map of the house. Data flows downward in this list:
//!
//! - [`ids`]: AWS identifiers, parsed once at the edge, printed one way.
//! - [`log_path`]: object keys, prefixes and patterns of CloudTrail's archive, both ways: the only maker of them.
//! - [`event`]: one CloudTrail record: its fields, who did it, what it names, its outcome; the catalog of API calls.
//! - [`decode`]: the content of a log object into its records, in pieces and in bounded memory.
//! - [`config`]: the text of `orgtrail.yaml` into a checked configuration.
//! - [`organization`]: accounts and organizational units as plain data; which accounts are selected, and why.
//! - [`policy`]: policy documents, compared by meaning, rendered from `policies/`, evaluated.
//! - [`estate`]: what exists or should exist, by address; the snapshot file.
//! - [`desire`]: configuration and organization into the desired estate.
//! - [`plan`]: desired and observed estate into ordered changes with risks and reasons.
//! - [`files`]: the one way in which files are written.
//! - [`phase`]: what a run does now, for the log.
//! - [`flow`]: how many requests are in flight, which adapts to what a service bears.
//! - [`monitoring`]: metric filters, alarms and subscribers as somebody observed them for an audit.
//! - [`observation`]: what a plan has to look at, and what has to be looked at because of what was seen.
//! - [`drift`]: what is new since the last run, and who changed it.
//! - [`cloud`]: the seam. `CloudReader` reads, `CloudWriter` executes one change; implemented by AWS and by a recorded
//!   estate.
//! - [`survey`]: discover, design, observe, plan, in one go.
//! - [`apply`]: runs a plan.
//! - [`notify`]: sends people what is new; the channels, and what each was sent.
//! - [`daemon`]: what every long-running command shares: lease, status server, metrics, history, shutdown.
//! - [`reconcile`]: the daemon that keeps the organization as configured: rounds of survey and apply, within what the
//!   configuration allows.
//! - [`archive`]: delivered objects: where they lie, listing, reading, unpacking within limits.
//! - [`decode`]: bytes of an object into records.
//! - [`columns`]: records as columns.
//! - [`lake`]: the events as Parquet, in slots.
//! - [`query`]: SQL over the events of the archive; with `columns` and `lake` the only room that knows DataFusion and
//!   Arrow.
//! - [`resource_types`]: which calls concern which resource, and where their records name it.
//! - [`detect`]: rules over records, in Sigma and two kinds of its own, and the findings that come of them.
//! - [`investigate`]: who did something, and who stands behind whoever did it: from records to answers.
//! - [`investigation`]: finds the records for it.
//! - [`logs`]: proves the consolidated logs.
//! - [`audit`]: answers the controls of security standards from an organization, an estate and a plan.
//! - [`operations`]: every call to AWS that the program can make, and the IAM actions that each needs.
//! - [`permissions`]: the IAM policies that the commands themselves need.
//! - [`report`]: turns plans, outcomes and findings into text.
//! - [`template`]: what all templates have in common.
//! - [`words`]: numbers, sizes and lists as sentences say them.
//! - [`explorer`]: a web application for one person on this machine: who may see its pages, and the socket.
//! - [`export`]: a deployment as Terraform, for teams that leave.
//! - [`init`]: a first configuration, from answers or from a trail that is there already.
//! - [`cli`]: the commands; the only module that knows the terminal, the environment and exit codes.
//!
//! **Invariants**, held by `tests/core/house.rs`: only `cloud::aws` knows the AWS SDK; everything between
//! `cloud`'s two calls is pure (no SDK, clock, environment, randomness or async); a plan cannot hold a writer.

#[cfg(test)]
extern crate self as orgtrail;

pub use orgtrail_archive::{archive, files};
pub use orgtrail_core::{
    audit, config, decode, desire, drift, estate, event, iam_actions, ids, investigate, log_path, monitoring,
    observation, operations, organization, permissions, plan, policy, recorders, resource_types, template, words,
};
pub use orgtrail_detect::detect;
#[cfg(feature = "sql")]
pub use orgtrail_query::{columns, lake, query};

pub mod apply;
pub mod cli;
pub mod cloud;
pub mod connections;
pub mod daemon;
#[cfg(feature = "sql")]
pub mod explorer;
pub mod export;
pub mod flow;
pub mod init;
#[cfg(feature = "sql")]
pub mod investigation;
pub mod logs;
pub mod memory;
pub mod notify;
pub mod phase;
pub mod reconcile;
pub mod report;
pub mod survey;
