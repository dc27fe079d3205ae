//! What policies allow: AWS's policy evaluation for one request, without asking AWS.
//!
//! The answer has three values. An operator, a key or a value that is not understood makes it
//! [`AccessDecision::Unknown`], unless something definite decides: a statement that fails for another reason, or an
//! explicit deny.
//! Source: IAM user guide, "Policy evaluation logic" and "How AWS enforcement code logic evaluates requests".

use std::collections::BTreeMap;
use std::fmt;

use super::document::{ActionElement, Effect, PolicyDocument, ResourceElement, Statement};
use crate::ids::AccountId;

mod condition;
mod decide;
mod evaluation;
mod failure;
mod keys;
mod layer;
mod operator;
mod pattern;
mod principal;
mod request;
mod statement;
mod variables;

pub use decide::{evaluate, evaluate_at_worst};
pub use failure::Failure;
pub use layer::misses;
pub use pattern::{arn_glob, glob, globs_meet, last_field, resource_glob};
pub use request::{Caller, Context, Request};
pub use statement::covers_action;

/// A policy document and what people call it ("bucket policy of acme-logs").
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The name that answers show.
    pub name: &'a str,
    /// The document.
    pub document: &'a PolicyDocument,
}

/// Every policy that has a say in a request. What is left empty does not limit.
#[derive(Debug, Clone, Default)]
pub struct Layers<'a> {
    /// The caller's own policies, inline and managed.
    pub identity: &'a [Named<'a>],
    /// The caller's permissions boundary; none where there is none.
    pub boundary: Option<Named<'a>>,
    /// The session policies that the caller's session was started with.
    pub session: &'a [Named<'a>],
    /// The policy of the resource: bucket, key, topic, queue or trust policy; none where it has none.
    pub resource: Option<Named<'a>>,
    /// Service control policies by level, from the root of the organization to the caller's account.
    pub scps: &'a [Vec<Named<'a>>],
    /// Resource control policies by level, from the root of the organization to the resource's account.
    pub rcps: &'a [Vec<Named<'a>>],
    /// Whose the resource is. Without it the account in the resource's ARN is taken, if there is one.
    pub resource_account: Option<AccountId>,
}

/// Where a statement stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementPlace {
    /// The document's name.
    pub document: String,
    /// The statement's number, from zero.
    pub index: usize,
    /// The statement's own name; none where it has none.
    pub sid: Option<String>,
}

impl fmt::Display for StatementPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Statement[{}]", self.document, self.index)?;
        match &self.sid {
            Some(sid) => write!(f, " ({sid})"),
            None => Ok(()),
        }
    }
}

/// Which of the policies did not allow a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// The caller's own policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// The session policies.
    Session,
    /// The resource's policy.
    Resource,
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
}

/// The allow statement that came nearest to a request, and why it does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub place: StatementPlace,
    /// What keeps it from applying; never empty.
    pub failures: Vec<Failure>,
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it.
    Explicit(StatementPlace),
    /// No statement of a policy that would have to allow it does.
    Implicit {
        /// The kind of that policy.
        layer: LayerKind,
        /// The statement that came nearest; none where no statement allows anything.
        nearest: Option<NearMiss>,
    },
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessDecision {
    /// The request is allowed, by these statements together.
    Allowed {
        /// One statement of each policy that had to allow it.
        by: Vec<StatementPlace>,
    },
    /// The request is denied.
    Denied(Denial),
    /// It cannot be told.
    Unknown {
        /// What is not understood or not known, each once and sorted.
        why: Vec<String>,
    },
}

impl AccessDecision {
    /// Tells whether the request is certainly allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, AccessDecision::Allowed { .. })
    }

    /// Tells whether the request is certainly denied.
    pub fn is_denied(&self) -> bool {
        matches!(self, AccessDecision::Denied(_))
    }
}

/// Returns an identity policy that allows everything (AWS's `AdministratorAccess`, `FullAWSAccess`): it stands for the
/// policies of callers who are not ours to know, and leaves the decision to the others.
pub fn full_access() -> PolicyDocument {
    let statement = Statement {
        sid: None,
        effect: Effect::Allow,
        principal: None,
        action: ActionElement::Is(vec!["*".into()]),
        resource: Some(ResourceElement::Is(vec!["*".into()])),
        condition: BTreeMap::new(),
    };
    PolicyDocument { version: Some("2012-10-17".into()), id: None, statements: vec![statement] }
}

/// Returns whether one line of a `Condition` holds for a request; none where that depends on a value that nobody gave.
/// Policy variables are in force.
///
/// # Errors
/// What is not understood: the operator, the key, or a value of the policy.
pub fn line_holds(operator: &str, key: &str, policy: &[String], request: &Request) -> Result<Option<bool>, String> {
    condition::answer(operator, key, policy, &evaluation::Evaluation { request, variables: true, explains: false })
}

/// Says in one line what a failed condition has and needs.
fn condition_words(operator: &str, key: &str, policy: &[String], request: &[String]) -> String {
    let has = if request.is_empty() { "no value".to_owned() } else { format!("`{}`", request.join("`, `")) };
    format!("{operator} on {key} has `{}`, the request has {has}", policy.join("`, `"))
}

#[cfg(test)]
mod cases;
