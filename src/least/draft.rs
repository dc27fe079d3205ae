//! Collects grants and makes documents of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Purpose;
use crate::cloud::aws::permissions::{Access, Operation};
use crate::policy::document::{ActionElement, Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::lint::{Kind, size_limit_bytes};

/// Operator -> condition key -> values.
pub(super) type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// On what something is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    sid: &'static str,
    resources: BTreeSet<String>,
    condition: Condition,
}

impl Bounds {
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
pub(super) struct Draft {
    purpose: Purpose,
    operations: BTreeSet<Operation>,
    grants: Vec<(Bounds, BTreeSet<&'static str>)>,
}

impl Draft {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, operations: BTreeSet::new(), grants: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Grants operations: of their actions, those of their own service. Writes are left out where nothing is changed.
    pub(super) fn allow(&mut self, bounds: &Bounds, operations: &[Operation]) {
        for operation in operations {
            let own = format!("{}:", operation.service.as_str());
            let actions = operation.actions.iter().filter(|action| action.starts_with(&own));
            self.allow_of(bounds, operation, actions.copied());
        }
    }

    /// Grants some of the actions of an operation.
    pub(super) fn allow_of(
        &mut self,
        bounds: &Bounds,
        operation: &Operation,
        actions: impl IntoIterator<Item = &'static str>,
    ) {
        let is_write = operation.access == Access::Write;
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
        for statement in self.grants.into_iter().map(statement) {
            if let Some(last) = documents.last_mut() {
                last.statements.push(statement.clone());
                if last.size_bytes() <= limit {
                    continue;
                }
                last.statements.pop();
            }
            documents.push(PolicyDocument {
                version: Some("2012-10-17".into()),
                id: None,
                statements: vec![statement],
            });
        }
        (documents, self.operations)
    }
}

fn statement((bounds, actions): (Bounds, BTreeSet<&'static str>)) -> Statement {
    Statement {
        sid: Some(bounds.sid.to_owned()),
        effect: Effect::Allow,
        principal: None,
        action: ActionElement::Is(actions.into_iter().map(str::to_owned).collect()),
        resource: Some(ResourceElement::Is(bounds.resources.into_iter().collect())),
        condition: bounds.condition,
    }
}
