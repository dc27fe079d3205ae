//! One statement in one request: it applies, it does not and why, or it cannot be told.

use super::condition;
use super::evaluation::{Evaluation, Truth};
use super::failure::Failure;
use super::pattern::{COLONS, action_matches, resource_glob, resource_matches, whichever_colons};
use super::principal::{self, About, Grant};
use super::variables::{Expanded, expand, is_plain};
use crate::policy::document::{ActionElement, Effect, ResourceElement, Statement};

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
    /// How far the statement is from applying; zero where nothing stands against it. A foreign action or principal
    /// weighs more than a wrong condition.
    pub(super) distance: usize,
    /// What stands against it, where that was asked for.
    pub(super) failures: Vec<Failure>,
    pub(super) doubts: Vec<String>,
}

impl Judged {
    /// Returns the answer: one definite failure is enough for no, whatever else is in doubt.
    pub(super) fn applies(&self) -> Option<bool> {
        if self.distance > 0 {
            return Some(false);
        }
        self.doubts.is_empty().then_some(true)
    }

    fn add(&mut self, truth: Truth, weight: usize, explains: bool, failure: impl FnOnce() -> Failure) {
        match truth {
            Truth::Yes => {}
            Truth::No => {
                self.distance += weight;
                if explains {
                    self.failures.push(failure());
                }
            }
            Truth::Unknown(why) => self.doubts.push(why),
        }
    }
}

/// Judges a statement; every element is looked at, so that a miss can say all that is missing.
pub(super) fn judge(statement: &Statement, side: Side, evaluation: &Evaluation) -> Judged {
    let mut judged = Judged { grant: Grant::Anyone, distance: 0, failures: Vec::new(), doubts: Vec::new() };
    let (request, explains) = (evaluation.request, evaluation.explains);
    judge_principal(statement, side, evaluation, &mut judged);
    let action = if covers_action(statement, &request.action) { Truth::Yes } else { Truth::No };
    judged.add(action, 1_000, explains, || action_failure(&statement.action, &request.action));
    if let Some(element) = &statement.resource {
        judged.add(resource(element, evaluation), 100, explains, || resource_failure(element, &request.resource));
    }
    for (operator, by_key) in &statement.condition {
        for (key, values) in by_key {
            let truth = condition::judge(operator, key, values, evaluation);
            judged.add(truth, 1, explains, || condition::failure(operator, key, values, evaluation));
        }
    }
    judged
}

fn judge_principal(statement: &Statement, side: Side, evaluation: &Evaluation, judged: &mut Judged) {
    let element = match (side, &statement.principal) {
        (Side::Caller, None) => return,
        (Side::Caller, Some(_)) => {
            return judged.doubts.push("an identity policy has no principal; AWS refuses it".into());
        }
        (Side::Resource, None) => {
            return judged.doubts.push("a resource policy needs a principal; AWS refuses it".into());
        }
        (Side::Resource, Some(element)) => element,
    };
    let caller = &evaluation.request.caller;
    let truth = match principal::judge(element, caller, statement.effect == Effect::Deny) {
        About::Yes(grant) => {
            judged.grant = grant;
            Truth::Yes
        }
        About::No => Truth::No,
        About::Unknown(why) => Truth::Unknown(why),
    };
    judged.add(truth, 300, evaluation.explains, || principal::failure(element, caller));
}

/// Tells whether a statement is about an action.
pub fn covers_action(statement: &Statement, action: &str) -> bool {
    match &statement.action {
        ActionElement::Is(list) => list.iter().any(|pattern| action_matches(pattern, action)),
        ActionElement::IsNot(list) => !list.iter().any(|pattern| action_matches(pattern, action)),
    }
}

fn action_failure(element: &ActionElement, request: &str) -> Failure {
    let policy = match element {
        ActionElement::Is(list) => list.clone(),
        ActionElement::IsNot(list) => all_but(list),
    };
    Failure::Action { policy, request: request.to_owned() }
}

fn resource_failure(element: &ResourceElement, request: &str) -> Failure {
    let policy = match element {
        ResourceElement::Is(list) => list.clone(),
        ResourceElement::IsNot(list) => all_but(list),
    };
    Failure::Resource { policy, request: request.to_owned() }
}

fn all_but(list: &[String]) -> Vec<String> {
    vec![format!("all but {}", list.join(", "))]
}

/// A statement without the element, as in trust policies, is about the resource that it is attached to.
fn resource(element: &ResourceElement, evaluation: &Evaluation) -> Truth {
    let (list, wanted) = match element {
        ResourceElement::Is(list) => (list, true),
        ResourceElement::IsNot(list) => (list, false),
    };
    let mut doubt = None;
    let mut found = false;
    for text in list {
        if is_plain(text, evaluation) {
            found |= resource_glob(text, &evaluation.request.resource);
            continue;
        }
        match expand(text, evaluation) {
            Expanded::Pattern(pattern) => {
                match whichever_colons(&pattern, |pattern| resource_matches(pattern, &evaluation.request.resource)) {
                    Some(fits) => found |= fits,
                    None => doubt = Some(COLONS.to_owned()),
                }
            }
            Expanded::Nothing => {}
            Expanded::Unknown(why) => doubt = Some(why),
        }
    }
    match (found, doubt) {
        (false, Some(why)) => Truth::Unknown(why),
        (found, _) if found == wanted => Truth::Yes,
        _ => Truth::No,
    }
}
