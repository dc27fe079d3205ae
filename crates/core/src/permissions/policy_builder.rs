//! Collects grants and makes documents of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Purpose;
use crate::operations::{Access, CallPurpose, Operation};
use crate::policy::document::{ActionElement, Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::lint::{Kind, size_limit_bytes};

/// Operator -> condition key -> values.
pub(super) type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// On what something is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GrantScope {
    sid: &'static str,
    resources: BTreeSet<String>,
    condition: Condition,
}

impl GrantScope {
    /// On resources.
    pub(super) fn on(sid: &'static str, resources: impl IntoIterator<Item = String>) -> Self {
        Self { sid, resources: resources.into_iter().collect(), condition: Condition::new() }
    }

    /// On everything, because AWS has no resource for the actions, or decides on one that nobody knows before.
    pub(super) fn everything(sid: &'static str) -> Self {
        Self::on(sid, ["*".to_owned()])
    }

    /// Only where a condition holds.
    pub(super) fn when(mut self, operator: &str, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.condition.entry(operator.into()).or_default().insert(key.into(), values.into_iter().collect());
        self
    }
}

/// A policy in the making.
pub(super) struct PolicyBuilder {
    purpose: Purpose,
    operations: BTreeSet<Operation>,
    grants: Vec<(GrantScope, BTreeSet<&'static str>)>,
}

impl PolicyBuilder {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, operations: BTreeSet::new(), grants: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Grants operations: of their actions, those of their own service. Writes are left out where nothing is changed.
    pub(super) fn allow(&mut self, bounds: &GrantScope, operations: &[Operation]) {
        for operation in operations {
            let own = format!("{}:", operation.service.as_str());
            let actions = operation.actions.iter().filter(|action| action.starts_with(&own));
            self.allow_of(bounds, operation, actions.copied());
        }
    }

    /// Grants some of the actions of an operation.
    pub(super) fn allow_of(
        &mut self,
        bounds: &GrantScope,
        operation: &Operation,
        actions: impl IntoIterator<Item = &'static str>,
    ) {
        // Athena is sent what reads, and writes no more than the results: where a workgroup is named, all of it.
        let is_write = operation.access == Access::Write && !operation.is_for(CallPurpose::Athena);
        if bounds.resources.is_empty() || (is_write && !self.purpose.writes()) {
            return;
        }
        self.operations.insert(*operation);
        let granted = match self.grants.iter_mut().find(|(known, _)| known == bounds) {
            Some((_, granted)) => granted,
            None => {
                self.grants.push((bounds.clone(), BTreeSet::new()));
                let Some((_, granted)) = self.grants.last_mut() else { return };
                granted
            }
        };
        granted.extend(actions);
    }

    /// Makes the documents, no larger than a managed policy may be, and tells for which operations.
    pub(super) fn finish(self) -> (Vec<PolicyDocument>, BTreeSet<Operation>) {
        let limit = size_limit_bytes(Kind::Managed);
        let mut documents: Vec<PolicyDocument> = Vec::new();
        for statement in self.grants.into_iter().map(statement).flat_map(|statement| fitting(statement, limit)) {
            if let Some(last) = documents.last_mut() {
                last.statements.push(statement.clone());
                if last.size_bytes() <= limit {
                    continue;
                }
                last.statements.pop();
            }
            documents.push(document(vec![statement]));
        }
        (documents, self.operations)
    }
}

/// Splits a statement that alone is larger than a policy may be, by its resources, or else by its actions. The parts
/// have names of their own, because two of them may stand in one document.
fn fitting(statement: Statement, limit: usize) -> Vec<Statement> {
    let mut parts = vec![statement];
    while let Some(at) = parts.iter().position(|part| document(vec![part.clone()]).size_bytes() > limit) {
        let Some([one, other]) = halves(&parts[at]) else { break };
        parts.splice(at..=at, [one, other]);
    }
    for (number, part) in parts.iter_mut().enumerate().skip(1) {
        part.sid = part.sid.as_ref().map(|sid| format!("{sid}{}", number + 1));
    }
    parts
}

fn halves(statement: &Statement) -> Option<[Statement; 2]> {
    fn split(list: &[String]) -> Option<[Vec<String>; 2]> {
        let (one, other) = list.split_at(list.len() / 2);
        (!one.is_empty()).then(|| [one.to_vec(), other.to_vec()])
    }
    if let Some(ResourceElement::Is(list)) = &statement.resource
        && let Some(halves) = split(list)
    {
        return Some(halves.map(|list| Statement { resource: Some(ResourceElement::Is(list)), ..statement.clone() }));
    }
    let ActionElement::Is(list) = &statement.action else { return None };
    Some(split(list)?.map(|list| Statement { action: ActionElement::Is(list), ..statement.clone() }))
}

fn document(statements: Vec<Statement>) -> PolicyDocument {
    PolicyDocument { version: Some("2012-10-17".into()), id: None, statements }
}

fn statement((bounds, actions): (GrantScope, BTreeSet<&'static str>)) -> Statement {
    Statement {
        sid: Some(bounds.sid.to_owned()),
        effect: Effect::Allow,
        principal: None,
        action: ActionElement::Is(actions.into_iter().map(str::to_owned).collect()),
        resource: Some(ResourceElement::Is(bounds.resources.into_iter().collect())),
        condition: bounds.condition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_too_large_alone_is_split_and_loses_nothing() {
        let names = |count: usize| (0..count).map(|n| format!("arn:aws:iam::222222222222:role/reader-{n:04}"));
        let sizes = |count: usize| {
            let bounds = GrantScope::on("Readers", names(count));
            let parts = fitting(statement((bounds, BTreeSet::from(["iam:GetRole", "iam:PutRolePolicy"]))), 6_144);
            let list = |part: &Statement| match &part.resource {
                Some(ResourceElement::Is(list)) => list.clone(),
                _ => Vec::new(),
            };
            let all: Vec<String> = parts.iter().flat_map(list).collect();
            assert_eq!(all, names(count).collect::<Vec<_>>());
            assert!(parts.iter().all(|part| document(vec![part.clone()]).size_bytes() <= 6_144));
            parts.into_iter().map(|part| part.sid.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(100), ["Readers"]);
        assert_eq!(sizes(200), ["Readers", "Readers2"]);
        assert_eq!(sizes(400), ["Readers", "Readers2", "Readers3", "Readers4"]);
    }
}
