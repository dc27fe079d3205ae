//! Why a statement does not apply, in words.

use std::fmt;

use super::condition_words;

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
