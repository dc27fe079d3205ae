//! What service and resource control policies do to readers and to the delivery: they only ever take away, so that they open
//! nothing, and close what should be open.

use super::{Around, Judge, open};
use crate::estate::surroundings::{ControlPolicies, Part, Surroundings};
use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource, Role, Trail};
use crate::ids::AccountId;
use crate::plan::{Finding, Harm, Violation};
use crate::policy::PolicyDocument;
use crate::policy::document::{Effect, PrincipalElement, Principals};
use crate::policy::evaluate::{
    Caller, Context, Denial, Layers, Named, Request, Verdict, covers_action, evaluate, full_access,
};
use crate::policy::isolation::Invariant;

/// The levels that bind an account.
struct Bound<'a> {
    service: Vec<Vec<Named<'a>>>,
    resource: Vec<Vec<Named<'a>>>,
}

impl Judge<'_> {
    pub(super) fn controls(&self, surroundings: &Surroundings, result: &mut Around) {
        let controls = match &surroundings.organization {
            Part::Read(controls) => controls,
            Part::Unreadable(problem) => {
                let who = "service and resource control policies".to_owned();
                result.unproven.push(open(Invariant::ReadsOwn, who, problem));
                return;
            }
        };
        let log = self.bound(controls, &self.desired.log_account);
        if log.touches(&["s3:GetObject", "kms:Decrypt", "s3:ListBucket"]) {
            self.readers(&log, result);
        }
        for (address, wanted) in &self.desired.wanted {
            if let Resource::Trail(trail) = &wanted.resource
                && trail.bucket == self.bucket.name
            {
                self.delivery(&log, address, result);
                self.log_group_delivery(controls, address, trail, result);
            }
        }
    }

    /// Returns what binds an account. Nothing binds the management account.
    fn bound<'c>(&self, controls: &'c ControlPolicies, account: &AccountId) -> Bound<'c> {
        let path = self.organization.accounts.get(account).map(|found| found.path.as_slice()).unwrap_or_default();
        let is_management = *account == self.organization.management_account;
        let levels = |attached: &'c std::collections::BTreeMap<String, std::collections::BTreeSet<String>>| {
            let targets = path.iter().map(String::as_str).chain([account.as_str()]).filter(|_| !is_management);
            let ids = targets.filter_map(|target| attached.get(target));
            ids.map(|ids| {
                let found = ids.iter().filter_map(|id| controls.documents.get(id));
                found.map(|policy| Named { name: &policy.name, document: &policy.document }).collect()
            })
            .collect()
        };
        Bound { service: levels(&controls.service), resource: levels(&controls.resource) }
    }

    fn readers(&self, log: &Bound, result: &mut Around) {
        let region = self.bucket.region.as_ref().map_or("", |region| region.as_str());
        let is_reader = |role: &Role| role.tags.contains_key(ACCOUNT_TAG);
        let readers = self.desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
            Resource::Role(role) if address.account == self.desired.log_account && is_reader(role) => {
                Some((address, role.tags.get(ACCOUNT_TAG)?))
            }
            _ => None,
        });
        let key = format!("arn:{}:kms:{region}:{}:key/any", self.desired.partition, self.desired.log_account);
        let own = full_access();
        let identity = [Named { name: "the reader's policies", document: &own }];
        let open = for_anyone();
        let mut doubts = std::collections::BTreeSet::new();
        for (address, account) in readers {
            let Some(arn) = address.arn(self.desired.partition) else { continue };
            let Some(caller) = Caller::from_arn(&arn) else { continue };
            let object = self.file_of(account);
            for (action, resource) in [("s3:GetObject", &object), ("kms:Decrypt", &key)] {
                let context = self.of_reader(region);
                let request =
                    Request { caller: caller.clone(), action: action.into(), resource: resource.clone(), context };
                let layers = Layers {
                    identity: &identity,
                    resource: Some(Named { name: "the resource's policy", document: &open }),
                    scps: &log.service,
                    rcps: &log.resource,
                    resource_account: Some(self.desired.log_account.clone()),
                    ..Layers::default()
                };
                match evaluate(&request, &layers) {
                    Verdict::Allowed { .. } => {}
                    Verdict::Denied(denial) => result.violations.push(Violation {
                        address: address.clone(),
                        invariant: Invariant::ReadsOwn,
                        principal: arn.to_string(),
                        action: action.into(),
                        resource: resource.clone(),
                        statement: place(&denial),
                        author: None,
                    }),
                    Verdict::Unknown { why } => doubts.extend(why),
                }
            }
        }
        if !doubts.is_empty() {
            let doubts: Vec<String> = doubts.into_iter().take(5).collect();
            result.findings.push(harmless(
                self.bucket,
                "control-policy-may-stop-readers",
                format!("whether control policies let readers read depends on more: {}", doubts.join("; ")),
            ));
        }
    }

    fn of_reader(&self, region: &str) -> Context {
        let account = self.desired.log_account.as_str();
        let organization = self.desired.organization.as_str();
        Context::default()
            .with("aws:SecureTransport", "true")
            .with("aws:RequestedRegion", region)
            .with("aws:PrincipalOrgID", organization)
            .with("aws:PrincipalOrgMasterAccountId", self.organization.management_account.as_str())
            .with("aws:PrincipalOrgPaths", self.path_of(&self.desired.log_account))
            .with("aws:ResourceOrgID", organization)
            .with("aws:ResourceOrgPaths", self.path_of(&self.desired.log_account))
            .with("aws:ResourceAccount", account)
            .with("s3:ResourceAccount", account)
    }

    fn path_of(&self, account: &AccountId) -> String {
        let path = self.organization.accounts.get(account).map(|found| found.path.join("/")).unwrap_or_default();
        format!("{}/{path}/", self.organization.id)
    }

    /// Resource control policies bind services too, unless they let them off (AWS Organizations user guide, "Resource control
    /// policies").
    fn delivery(&self, log: &Bound, trail: &Address, result: &mut Around) {
        const ACTIONS: [&str; 4] = ["s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey", "kms:Decrypt"];
        let restricts = |level: &Vec<Named>| level.iter().any(|named| restricts(named.document, &ACTIONS));
        if !log.resource.iter().any(restricts) {
            return;
        }
        let bucket = self.bucket.arn(self.desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let region = self.bucket.region.as_ref().map_or("", |region| region.as_str());
        let key = format!("arn:{}:kms:{region}:{}:key/any", self.desired.partition, self.desired.log_account);
        let object = self.file_of(trail.account.as_str());
        let source = trail.arn(self.desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let open = for_anyone();
        for action in ACTIONS {
            let resource = match action {
                "s3:PutObject" => &object,
                "s3:GetBucketAcl" => &bucket,
                _ => &key,
            };
            let context = Context::default()
                .with("aws:SecureTransport", "true")
                .with("aws:SourceArn", source.as_str())
                .with("aws:SourceAccount", trail.account.as_str())
                .with("aws:SourceOrgID", self.desired.organization.as_str())
                .with("aws:SourceOrgPaths", self.path_of(&trail.account))
                .with("aws:RequestedRegion", region)
                .with("aws:ResourceAccount", self.desired.log_account.as_str())
                .with("aws:ResourceOrgID", self.desired.organization.as_str())
                .without("aws:PrincipalOrgID")
                .without("aws:PrincipalAccount")
                .without("aws:SourceVpc")
                .without("aws:SourceVpce");
            let caller = Caller::Service { name: "cloudtrail.amazonaws.com".into() };
            let request = Request { caller, action: action.into(), resource: resource.clone(), context };
            let layers = Layers {
                resource: Some(Named { name: "the resource's policy", document: &open }),
                rcps: &log.resource,
                resource_account: Some(self.desired.log_account.clone()),
                ..Layers::default()
            };
            match evaluate(&request, &layers) {
                Verdict::Allowed { .. } => {}
                Verdict::Denied(denial) => result.findings.push(Finding::new(
                    Harm::LogsLost,
                    trail,
                    "control-policy-stops-delivery",
                    format!(
                        "a resource control policy denies CloudTrail {action}{}: logs do not arrive",
                        place(&denial).map(|place| format!(" ({place})")).unwrap_or_default()
                    ),
                    "let services off in that policy, with `aws:PrincipalIsAWSService` or with `aws:SourceOrgID` of \
                           the organization",
                )),
                Verdict::Unknown { why } => result.findings.push(harmless(
                    trail,
                    "control-policy-may-stop-delivery",
                    format!(
                        "whether a resource control policy lets CloudTrail {action} depends on more: {}",
                        why.join("; ")
                    ),
                )),
            }
        }
    }

    /// The role that writes to the log group is bound by what binds the account that owns the trail.
    fn log_group_delivery(&self, controls: &ControlPolicies, address: &Address, trail: &Trail, result: &mut Around) {
        const ACTIONS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
        let (Some(role), Some(group)) = (&trail.log_role, &trail.log_group) else { return };
        let Some(role) = role.parse().ok().as_ref().and_then(Caller::from_arn) else { return };
        let owner = role.account().and_then(|account| account.parse().ok());
        let Some(owner) = owner else { return };
        let bound = self.bound(controls, &owner);
        if !bound.touches(&ACTIONS) {
            return;
        }
        let own = full_access();
        let identity = [Named { name: "the role's policies", document: &own }];
        let region = address.region.as_ref().map_or("", |region| region.as_str());
        for action in ACTIONS {
            let context = Context::default()
                .with("aws:SecureTransport", "true")
                .with("aws:RequestedRegion", region)
                .with("aws:PrincipalOrgID", self.desired.organization.as_str())
                .with("aws:PrincipalOrgMasterAccountId", self.organization.management_account.as_str())
                .with("aws:PrincipalOrgPaths", self.path_of(&owner));
            let request = Request { caller: role.clone(), action: action.into(), resource: group.clone(), context };
            let layers = Layers {
                identity: &identity,
                scps: &bound.service,
                rcps: &bound.resource,
                resource_account: Some(owner.clone()),
                ..Layers::default()
            };
            if let Verdict::Denied(denial) = evaluate(&request, &layers) {
                result.findings.push(Finding::new(
                    Harm::LessProtected,
                    &Address { kind: Kind::Trail, ..address.clone() },
                    "control-policy-stops-log-group",
                    format!(
                        "a control policy denies the log group's role {action}{}: events do not reach the log group",
                        place(&denial).map(|place| format!(" ({place})")).unwrap_or_default()
                    ),
                    "let that role off in the policy",
                ));
            }
        }
    }
}

impl Bound<'_> {
    /// Tells whether some policy says anything about one of the actions but that everything is allowed.
    fn touches(&self, actions: &[&str]) -> bool {
        let levels = self.service.iter().chain(&self.resource);
        levels.flatten().any(|named| restricts(named.document, actions))
            || self.service.iter().chain(&self.resource).any(|level| !level.iter().any(|named| opens(named.document)))
    }
}

fn restricts(document: &PolicyDocument, actions: &[&str]) -> bool {
    let denies = document.statements.iter().filter(|statement| statement.effect == Effect::Deny);
    denies.into_iter().any(|statement| actions.iter().any(|action| covers_action(statement, action)))
}

/// Tells whether a document allows everything.
fn opens(document: &PolicyDocument) -> bool {
    document.statements.iter().any(|statement| {
        statement.effect == Effect::Allow && statement.condition.is_empty() && covers_action(statement, "any:Action")
    })
}

/// A policy that leaves the decision to the others.
fn for_anyone() -> PolicyDocument {
    let mut open = full_access();
    for statement in &mut open.statements {
        statement.principal = Some(PrincipalElement::Is(Principals::Anyone));
    }
    open
}

fn place(denial: &Denial) -> Option<String> {
    match denial {
        Denial::Explicit(place) => Some(place.to_string()),
        Denial::Implicit { nearest, .. } => nearest.as_ref().map(|miss| miss.place.to_string()),
    }
}

fn harmless(address: &Address, code: &str, message: String) -> Finding {
    Finding::new(Harm::Harmless, address, code, message, String::new())
}
