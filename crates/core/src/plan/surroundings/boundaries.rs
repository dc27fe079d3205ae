//! Permissions boundaries that somebody gave roles of this deployment: they take away from readers and from the
//! delivery to log groups. That they are there is drift.

use std::collections::BTreeMap;

use super::controls::for_anyone;
use super::{Around, Judge, When};
use crate::estate::role::Boundary;
use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource, Trail};
use crate::ids::AccountId;
use crate::plan::{Finding, Harm, Violation};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{AccessDecision, Caller, Context, Layers, Named, Request, evaluate, full_access};
use crate::policy::isolation::{Invariant, Unproven};

impl Judge<'_> {
    /// A permissions boundary that somebody gave a reader is drift; as long as it is there it may keep the reader from
    /// reading.
    pub(super) fn boundaries(&self, result: &mut Around) {
        if self.when == When::Planned {
            return;
        }
        for (address, resource) in self.observed.resources().filter(|(address, _)| address.kind == Kind::Role) {
            let Resource::Role(role) = resource else { continue };
            let wanted = self.desired.wanted.get(address).and_then(|wanted| match &wanted.resource {
                Resource::Role(wish) => wish.tags.get(ACCOUNT_TAG),
                _ => None,
            });
            let (Some(boundary), Some(account)) = (&role.boundary, wanted) else { continue };
            let (Some(arn), Ok(account)) = (address.arn(self.desired.partition), account.parse()) else { continue };
            let Some(document) = &boundary.document else {
                let why = format!("what its permissions boundary {} says could not be read", boundary.arn);
                let (invariant, principal) = (Invariant::ReadsOwn, arn.to_string());
                result.unproven.push(Unproven { invariant, principal, why, lake: None });
                continue;
            };
            let Some(caller) = Caller::from_arn(&arn) else { continue };
            self.reader_boundary((address, &boundary.arn), document, &caller, &account, result);
        }
    }

    /// Tries with a boundary all that its reader asks for. What it denies is one violation, the first one.
    fn reader_boundary(
        &self,
        (address, boundary): (&Address, &str),
        document: &PolicyDocument,
        caller: &Caller,
        account: &AccountId,
        result: &mut Around,
    ) {
        let (own, open) = (full_access(), for_anyone());
        let layers = Layers {
            identity: &[Named { name: "the reader's policies", document: &own }],
            resource: Some(Named { name: "the resource's policy", document: &open }),
            boundary: Some(Named { name: "permissions boundary", document }),
            resource_account: Some(self.desired.log_account.clone()),
            ..Layers::default()
        };
        let mut doubts = BTreeMap::new();
        let principal = || address.arn(self.desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        for request in self.of_reader(caller, account, document, &mut doubts) {
            match evaluate(&request, &layers) {
                AccessDecision::Allowed { .. } => {}
                AccessDecision::Denied(_) => {
                    return result.violations.push(Violation {
                        address: address.clone(),
                        invariant: Invariant::ReadsOwn,
                        principal: principal(),
                        action: request.action,
                        resource: request.resource,
                        statement: Some(format!("the permissions boundary {boundary}")),
                        author: None,
                    });
                }
                AccessDecision::Unknown { why } => drop(doubts.insert((request.action, why.join("; ")), principal())),
            }
        }
        for ((action, why), principal) in doubts {
            let why = format!("whether its permissions boundary lets it {action} depends on more: {why}");
            result.unproven.push(Unproven { invariant: Invariant::ReadsOwn, principal, why, lake: None });
        }
    }

    /// Says where the boundary of the role that writes to a log group keeps events from it.
    pub(super) fn log_role_boundaries(&self, result: &mut Around) {
        for wanted in self.desired.wanted.values() {
            let Resource::Trail(trail) = &wanted.resource else { continue };
            let roles = self.observed.resources().filter_map(|(address, resource)| match resource {
                Resource::Role(role) => Some((address, role.boundary.as_ref()?)),
                _ => None,
            });
            let is_its = |address: &Address| {
                let arn = address.arn(self.desired.partition);
                arn.is_some_and(|arn| trail.log_role.as_deref() == Some(arn.as_str()))
            };
            for (address, boundary) in roles.filter(|(address, _)| is_its(address)) {
                result.findings.extend(self.log_role_boundary(address, boundary, trail));
            }
        }
    }

    fn log_role_boundary(&self, address: &Address, boundary: &Boundary, trail: &Trail) -> Option<Finding> {
        let says = |code: &str, message: String| {
            let help = "`orgtrail apply` takes the boundary away";
            Some(Finding::new(Harm::LessProtected, address, code, message, help))
        };
        let Some(document) = &boundary.document else {
            let message = format!(
                "what the permissions boundary {} of the log group's role says could not be read: it may keep events from \
                 the log group",
                boundary.arn
            );
            return says("boundary-may-stop-log-group", message);
        };
        let group = trail.log_group.clone()?;
        let caller = Caller::from_arn(&address.arn(self.desired.partition)?)?;
        let own = full_access();
        let denied = ["logs:CreateLogStream", "logs:PutLogEvents"].into_iter().find(|action| {
            let context = Context::default().with("aws:SecureTransport", "true");
            let (caller, action, resource) = (caller.clone(), (*action).to_owned(), group.clone());
            let layers = Layers {
                identity: &[Named { name: "the role's policies", document: &own }],
                boundary: Some(Named { name: "permissions boundary", document }),
                resource_account: Some(address.account.clone()),
                ..Layers::default()
            };
            evaluate(&Request { caller, action, resource, context }, &layers).is_denied()
        })?;
        let message = format!(
            "the permissions boundary {} denies the log group's role {denied}: events do not reach the log group",
            boundary.arn
        );
        says("boundary-stops-log-group", message)
    }
}
