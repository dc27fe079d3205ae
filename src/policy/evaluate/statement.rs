//! One statement in one request: it applies, it does not and why, or it cannot be told.

use std::fmt;

use super::keys::{Silence, silence};
use super::pattern::{action_matches, arn_matches};
use super::principal::{self, About, Grant};
use super::request::{Caller, Context, Fact, Request};
use super::variables::{Expanded, expand};
use super::{condition, condition_words};
use crate::policy::document::{ActionElement, Effect, ResourceElement, Statement};

/// Three-valued logic: a question about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No(Failure),
    Unknown(String),
}

/// Why a statement does not apply to a request: what the policy says, and what the request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The statement is about others.
    Principal {
        /// Whom the statement names.
        policy: Vec<String>,
        /// Who asks.
        request: String,
    },
    /// The statement is about other actions.
    Action {
        /// The statement's actions.
        policy: Vec<String>,
        /// The request's action.
        request: String,
    },
    /// The statement is about other resources.
    Resource {
        /// The statement's resources.
        policy: Vec<String>,
        /// The request's resource.
        request: String,
    },
    /// A condition does not hold.
    Condition {
        /// The operator.
        operator: String,
        /// The condition key, as the policy writes it.
        key: String,
        /// The values that the policy has.
        policy: Vec<String>,
        /// The values that the request has; none where the key is absent.
        request: Vec<String>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Principal { policy, request } => {
                write!(f, "the principal is {}, the caller is {request}", policy.join(", "))
            }
            Failure::Action { policy, request } => {
                write!(f, "the action is {}, the request is {request}", policy.join(", "))
            }
            Failure::Resource { policy, request } => {
                write!(f, "the resource is {}, the request is for {request}", policy.join(", "))
            }
            Failure::Condition { operator, key, policy, request } => {
                write!(f, "{}", condition_words(operator, key, policy, request))
            }
        }
    }
}

/// What judging a statement needs: the request with all its keys, and whether variables are in force.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) request: &'a Request,
    pub(super) context: &'a Context,
    pub(super) variables: bool,
}

impl Scope<'_> {
    /// Looks a condition key up.
    ///
    /// # Errors
    /// The reason why nothing can be said: the key is not understood.
    pub(super) fn fact(&self, key: &str) -> Result<Fact<'_>, String> {
        let key = key.to_ascii_lowercase();
        match (self.context.said(&key), silence(&key)) {
            (Some(fact), _) => Ok(fact),
            (None, Silence::Absent) => Ok(Fact::Absent),
            (None, Silence::Unknown) => Ok(Fact::Unknown),
            (None, Silence::NotUnderstood) => Err(format!("the condition key `{key}` is not understood")),
        }
    }
}

/// What kind of document a statement stands in: it decides whether it must have a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Identity, boundary, session and organization policies.
    Caller,
    /// Resource, key and trust policies, and resource control policies.
    Resource,
}

/// The judgement of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) grant: Grant,
    pub(super) failures: Vec<Failure>,
    pub(super) doubts: Vec<String>,
}

impl Judged {
    /// Returns the answer: one definite failure is enough for no, whatever else is in doubt.
    pub(super) fn applies(&self) -> Option<bool> {
        if !self.failures.is_empty() {
            return Some(false);
        }
        self.doubts.is_empty().then_some(true)
    }

    /// How far the statement is from applying: a foreign action or principal weighs more than a wrong condition.
    pub(super) fn distance(&self) -> usize {
        let weight = |failure: &Failure| match failure {
            Failure::Action { .. } => 1_000,
            Failure::Principal { .. } => 300,
            Failure::Resource { .. } => 100,
            Failure::Condition { .. } => 1,
        };
        self.failures.iter().map(weight).sum()
    }

    fn add(&mut self, truth: Truth) {
        match truth {
            Truth::Yes => {}
            Truth::No(failure) => self.failures.push(failure),
            Truth::Unknown(why) => self.doubts.push(why),
        }
    }
}

/// Judges a statement; every element is looked at, so that a miss can say all that is missing.
pub(super) fn judge(statement: &Statement, side: Side, scope: &Scope) -> Judged {
    let mut judged = Judged { grant: Grant::Anyone, failures: Vec::new(), doubts: Vec::new() };
    judge_principal(statement, side, &scope.request.caller, &mut judged);
    judged.add(action(statement, &scope.request.action));
    judged.add(resource(statement.resource.as_ref(), scope));
    for (operator, by_key) in &statement.condition {
        for (key, values) in by_key {
            judged.add(condition::judge(operator, key, values, scope));
        }
    }
    judged
}

fn judge_principal(statement: &Statement, side: Side, caller: &Caller, judged: &mut Judged) {
    match (side, &statement.principal) {
        (Side::Caller, None) => {}
        (Side::Caller, Some(_)) => judged.doubts.push("an identity policy has no principal; AWS refuses it".into()),
        (Side::Resource, None) => judged.doubts.push("a resource policy needs a principal; AWS refuses it".into()),
        (Side::Resource, Some(element)) => match principal::judge(element, caller, statement.effect == Effect::Deny) {
            About::Yes(grant) => judged.grant = grant,
            About::No(failure) => judged.failures.push(failure),
            About::Unknown(why) => judged.doubts.push(why),
        },
    }
}

/// Tells whether a statement is about an action.
pub fn covers_action(statement: &Statement, action: &str) -> bool {
    match &statement.action {
        ActionElement::Is(list) => list.iter().any(|pattern| action_matches(pattern, action)),
        ActionElement::IsNot(list) => !list.iter().any(|pattern| action_matches(pattern, action)),
    }
}

fn action(statement: &Statement, request: &str) -> Truth {
    if covers_action(statement, request) {
        return Truth::Yes;
    }
    let (list, wanted) = match &statement.action {
        ActionElement::Is(list) => (list, true),
        ActionElement::IsNot(list) => (list, false),
    };
    let policy = if wanted { list.clone() } else { vec![format!("all but {}", list.join(", "))] };
    Truth::No(Failure::Action { policy, request: request.to_owned() })
}

/// A statement without the element, as in trust policies, is about the resource that it is attached to.
fn resource(element: Option<&ResourceElement>, scope: &Scope) -> Truth {
    let (list, wanted) = match element {
        None => return Truth::Yes,
        Some(ResourceElement::Is(list)) => (list, true),
        Some(ResourceElement::IsNot(list)) => (list, false),
    };
    let mut doubt = None;
    let mut found = false;
    for text in list {
        match expand(text, true, scope) {
            Expanded::Pattern(pattern) => found |= arn_matches(&pattern, &scope.request.resource),
            Expanded::Nothing => {}
            Expanded::Unknown(why) => doubt = Some(why),
        }
    }
    match (found, doubt) {
        (false, Some(why)) => Truth::Unknown(why),
        (found, _) if found == wanted => Truth::Yes,
        _ => {
            let policy = if wanted { list.clone() } else { vec![format!("all but {}", list.join(", "))] };
            Truth::No(Failure::Resource { policy, request: scope.request.resource.clone() })
        }
    }
}
