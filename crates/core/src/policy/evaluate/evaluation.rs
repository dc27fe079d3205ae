//! What judging a statement needs, and the answers to a question about one.

use super::keys::{Silence, silence};
use super::request::{Fact, Request, derived};

/// Three-valued logic: a question about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown(String),
}

/// What judging a statement needs: the request, and whether variables are in force.
#[derive(Clone, Copy)]
pub(super) struct Evaluation<'a> {
    pub(super) request: &'a Request,
    pub(super) variables: bool,
    /// Whether the reasons of a miss are wanted. Most statements miss, and nobody asks why.
    pub(super) explains: bool,
}

impl Evaluation<'_> {
    /// Looks a condition key up.
    ///
    /// # Errors
    /// The reason why nothing can be said: the key is not understood.
    pub(super) fn fact(&self, key: &str) -> Result<Fact<'_>, String> {
        let key = key.to_ascii_lowercase();
        let Request { context, caller, .. } = self.request;
        if let Some(fact) = context.said(&key).or_else(|| derived(caller, &key)) {
            return Ok(fact);
        }
        let over_http = Some(Fact::Values(std::borrow::Cow::Owned(vec!["false".to_owned()])));
        if key == "s3:tlsversion" && context.said("aws:securetransport") == over_http {
            return Ok(Fact::Absent);
        }
        match silence(&key) {
            Silence::Absent => Ok(Fact::Absent),
            Silence::Unknown => Ok(Fact::Unknown),
            Silence::NotUnderstood => Err(format!("the condition key `{key}` is not understood")),
        }
    }
}
