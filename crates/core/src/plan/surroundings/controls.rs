//! What service and resource control policies do to readers and to the delivery: they only ever take away, so that they
//! open nothing, and close what should be open.

use std::collections::{BTreeMap, BTreeSet};

use super::{Around, Judge, open};
use crate::estate::surroundings::{ControlPolicies, Readable, Surroundings};
use crate::estate::{ACCOUNT_TAG, Address, Kind, Problem, Resource, Role, Stage, Trail};
use crate::ids::{AccountId, Arn};
use crate::plan::preflight::{active, delivery};
use crate::plan::{Finding, Harm, Violation};
use crate::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, covers_action, evaluate, full_access,
};
use crate::policy::isolation::{Invariant, Unproven, files_apart};
use crate::policy::preflight::requests;
use crate::policy::{PolicyDocument, Statement};

/// The levels that bind an account.
struct Bound<'a> {
    service: Vec<Vec<Named<'a>>>,
    resource: Vec<Vec<Named<'a>>>,
}

impl Judge<'_> {
    pub(super) fn controls(&self, surroundings: &Surroundings, result: &mut Around) {
        let controls = match &surroundings.organization {
            Readable::Read(controls) => controls,
            Readable::Unreadable(problem) => {
                let who = "service and resource control policies".to_owned();
                result.unproven.push(open(Invariant::ReadsOwn, who, problem));
                return;
            }
        };
        let log = self.bound(controls, &self.desired.log_account);
        if log.touches(&["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "kms:Decrypt", "sts:AssumeRole"]) {
            self.readers(&log, result);
        }
        for (address, wanted) in &self.desired.wanted {
            if let Resource::Trail(trail) = &wanted.resource
                && trail.bucket == self.bucket.name
            {
                self.delivery(&log, address, trail, result);
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
        let is_reader = |role: &Role| role.tags.contains_key(ACCOUNT_TAG);
        let readers = self.desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
            Resource::Role(role) if address.account == self.desired.log_account && is_reader(role) => {
                Some((address, role.tags.get(ACCOUNT_TAG)?))
            }
            _ => None,
        });
        let own = full_access();
        let identity = [Named { name: "the reader's policies", document: &own }];
        let open = for_anyone();
        let resource = Some(Named { name: "the resource's policy", document: &open });
        let resource_account = Some(self.desired.log_account.clone());
        // Whether a member lets its people go into their reader is the member's to see.
        let entering = Layers { identity: &identity, resource, rcps: &log.resource, ..Layers::default() };
        let entering = Layers { resource_account: resource_account.clone(), ..entering };
        let reading = Layers { scps: &log.service, ..entering.clone() };
        let together = log.statements();
        let mut doubts = BTreeMap::new();
        for (address, account) in readers {
            let Some(arn) = address.arn(self.desired.partition) else { continue };
            let Some(caller) = Caller::from_arn(&arn) else { continue };
            let Ok(account) = account.parse::<AccountId>() else { continue };
            let asked = self.of_reader(&caller, &account, &together, &mut doubts);
            let enters = self.enters(&arn, &account).into_iter().map(|request| (request, &entering));
            for (request, layers) in asked.into_iter().map(|request| (request, &reading)).chain(enters) {
                match evaluate(&request, layers) {
                    AccessDecision::Allowed { .. } => {}
                    AccessDecision::Denied(denial) => result.violations.push(Violation {
                        address: address.clone(),
                        invariant: Invariant::ReadsOwn,
                        principal: if request.caller == caller {
                            arn.to_string()
                        } else {
                            format!("account {account}")
                        },
                        action: request.action,
                        resource: request.resource,
                        statement: place(&denial),
                        author: None,
                    }),
                    AccessDecision::Unknown { why } => {
                        let why = why.join("; ");
                        doubts.entry((request.action, why)).or_insert_with(|| arn.to_string());
                    }
                }
            }
        }
        // One reader of those to which the same applies is enough: there may be 10,000.
        for ((action, why), principal) in doubts {
            let why = format!("whether control policies let it {action} depends on more: {why}");
            result.unproven.push(Unproven { invariant: Invariant::ReadsOwn, principal, why, lake: None });
        }
    }

    /// Returns what a reader asks for: to list its folders, to read files of each kind and each that the policies treat
    /// otherwise than most, and to decrypt.
    pub(super) fn of_reader(
        &self,
        caller: &Caller,
        account: &AccountId,
        policies: &PolicyDocument,
        doubts: &mut BTreeMap<(String, String), String>,
    ) -> Vec<Request> {
        let region = self.bucket.region.as_ref().map_or("", |region| region.as_str());
        let bucket = self.bucket.arn(self.desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let key = format!("arn:{}:kms:{region}:{}:key/any", self.desired.partition, self.desired.log_account);
        let request = |action: &str, resource: &str| Request {
            caller: caller.clone(),
            action: action.into(),
            resource: resource.into(),
            context: self.in_log_account(region, &self.desired.log_account),
        };
        let decrypt = request("kms:Decrypt", &key);
        let via = decrypt.context.clone().with("kms:ViaService", format!("s3.{region}.amazonaws.com"));
        let via = via.with("kms:CallerAccount", self.desired.log_account.as_str());
        let mut all = vec![Request { context: via, ..decrypt }];
        for root in &self.desired.reading.roots {
            let list = request("s3:ListBucket", &bucket);
            all.push(Request {
                context: list.context.clone().with("s3:prefix", root.account_folder(account.as_str())),
                ..list
            });
            let (files, too_many) = files_apart(&bucket, root, account, region, policies);
            if too_many {
                let why = "their patterns are too long or too many to try a file on each side of them".to_owned();
                doubts.entry(("s3:GetObject".into(), why)).or_insert_with(|| caller.to_string());
            }
            for file in files {
                all.extend(
                    ["s3:GetObject", "s3:GetObjectVersion"].map(|action| request(action, &format!("{bucket}/{file}"))),
                );
            }
        }
        all
    }

    /// Returns the request of somebody of an account who becomes its reader; who that is, is the account's to say.
    fn enters(&self, reader: &Arn, account: &AccountId) -> Option<Request> {
        let arn = format!("arn:{}:iam::{account}:role/any", self.desired.partition).parse().ok()?;
        let context = self.in_log_account("", account).unknown("aws:PrincipalArn").unknown("aws:RequestedRegion");
        let context =
            if self.desired.reading.require_mfa { context.with("aws:MultiFactorAuthPresent", "true") } else { context };
        let context = match &self.desired.reading.external_id {
            Some(id) => context.with("sts:ExternalId", id),
            None => context,
        };
        let caller = Caller::from_arn(&arn)?;
        Some(Request { caller, action: "sts:AssumeRole".into(), resource: reader.to_string(), context })
    }

    /// The circumstances of a request of a principal of one of our accounts to something of the log account.
    fn in_log_account(&self, region: &str, of: &AccountId) -> Context {
        let account = self.desired.log_account.as_str();
        let organization = self.desired.organization.as_str();
        Context::default()
            .with("aws:SecureTransport", "true")
            .with("aws:RequestedRegion", region)
            .with("aws:PrincipalOrgID", organization)
            .with("aws:PrincipalOrgMasterAccountId", self.organization.management_account.as_str())
            .with("aws:PrincipalOrgPaths", self.path_of(of))
            .with("aws:ResourceOrgID", organization)
            .with("aws:ResourceOrgPaths", self.path_of(&self.desired.log_account))
            .with("aws:ResourceAccount", account)
            .with("s3:ResourceAccount", account)
    }

    fn path_of(&self, account: &AccountId) -> String {
        let path = self.organization.accounts.get(account).map(|found| found.path.join("/")).unwrap_or_default();
        format!("{}/{path}/", self.organization.id)
    }

    /// Resource control policies bind services too, unless they let them off (AWS Organizations user guide, "Resource
    /// control policies").
    fn delivery(&self, log: &Bound, at: &Address, trail: &Trail, result: &mut Around) {
        const ACTIONS: [&str; 5] =
            ["s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"];
        let restricts = |level: &Vec<Named>| level.iter().any(|named| restricts(named.document, &ACTIONS));
        let closed = |level: &Vec<Named>| !level.iter().any(|named| opens(named.document));
        let Some(trail_region) = at.region.as_ref() else { return };
        if !log.resource.iter().any(|level| restricts(level) || closed(level)) {
            return;
        }
        let region = self.bucket.region.as_ref().map_or("", |region| region.as_str());
        let some_key = || format!("arn:{}:kms:{region}:{}:key/any", self.desired.partition, self.desired.log_account);
        let delivery = delivery(self.desired, active(self.organization), at, trail_region, trail);
        let key = trail.key.as_ref().map(|_| delivery.key_arn.clone().unwrap_or_else(some_key));
        let statements = PolicyDocument { statements: log.of(&log.resource), ..full_access() };
        let asked = requests(&delivery, key.as_deref(), &statements);
        let open = for_anyone();
        let layers = Layers {
            resource: Some(Named { name: "the resource's policy", document: &open }),
            rcps: &log.resource,
            resource_account: Some(self.desired.log_account.clone()),
            ..Layers::default()
        };
        let mut stopped: BTreeSet<(String, String)> = BTreeSet::new();
        for mut request in asked.requests {
            request.context = std::mem::take(&mut request.context)
                .with("aws:SourceOrgPaths", self.path_of(&at.account))
                .with("aws:RequestedRegion", region)
                .with("aws:ResourceAccount", self.desired.log_account.as_str())
                .with("s3:ResourceAccount", self.desired.log_account.as_str())
                .with("aws:ResourceOrgID", self.desired.organization.as_str())
                .with("aws:ResourceOrgPaths", self.path_of(&self.desired.log_account));
            match evaluate(&request, &layers) {
                AccessDecision::Allowed { .. } => {}
                AccessDecision::Denied(denial) => {
                    let by = place(&denial).unwrap_or_default();
                    if stopped.insert((request.action.clone(), by)) {
                        result.findings.push(stops_delivery(at, &request, &denial));
                    }
                }
                AccessDecision::Unknown { why } => result.problems.push(unproven(at, &request.action, &why.join("; "))),
            }
        }
        if asked.too_many {
            let why = "their patterns are too long or too many to try a file on each side of them";
            result.problems.push(unproven(at, "s3:PutObject", why));
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
                .with("aws:PrincipalOrgPaths", self.path_of(&owner))
                .with("aws:ResourceOrgID", self.desired.organization.as_str())
                .with("aws:ResourceAccount", owner.as_str());
            let request = Request { caller: role.clone(), action: action.into(), resource: group.clone(), context };
            let layers = Layers {
                identity: &identity,
                scps: &bound.service,
                rcps: &bound.resource,
                resource_account: Some(owner.clone()),
                ..Layers::default()
            };
            match evaluate(&request, &layers) {
                AccessDecision::Allowed { .. } => {}
                AccessDecision::Denied(denial) => result.findings.push(Finding::new(
                    Harm::LessProtected,
                    &Address { kind: Kind::Trail, ..address.clone() },
                    "control-policy-stops-log-group",
                    format!(
                        "a control policy denies the log group's role {action}{}: events do not reach the log group",
                        place(&denial).map(|place| format!(" ({place})")).unwrap_or_default()
                    ),
                    "let that role off in the policy",
                )),
                AccessDecision::Unknown { why } => result.problems.push(unproven(address, action, &why.join("; "))),
            }
        }
    }
}

/// Says that a resource control policy keeps CloudTrail out. The check that it makes when a trail is changed writes an
/// empty object that is named like a folder.
fn stops_delivery(trail: &Address, request: &Request, denial: &Denial) -> Finding {
    let place = place(denial).map(|place| format!(" ({place})")).unwrap_or_default();
    let (harm, what) = if request.resource.ends_with('/') {
        (Harm::LessProtected, "every change of the trail is refused")
    } else {
        (Harm::LogsLost, "logs do not arrive")
    };
    let (action, resource) = (&request.action, &request.resource);
    Finding::new(
        harm,
        trail,
        "control-policy-stops-delivery",
        format!("a resource control policy denies CloudTrail {action} on {resource}{place}: {what}"),
        "let services off in that policy, with `aws:PrincipalIsAWSService` or with `aws:SourceOrgID` of the organization",
    )
}

/// What cannot be told of a delivery.
fn unproven(trail: &Address, action: &str, why: &str) -> Problem {
    Problem {
        account: trail.account.clone(),
        address: Some(trail.clone()),
        stage: Stage::Plan,
        code: "DeliveryUnproven".into(),
        message: format!("it is unknown whether control policies let CloudTrail {action}: {why}"),
        help: "let the policy leave AWS services out (Bool aws:PrincipalIsAWSService false), or change its condition"
            .into(),
    }
}

impl Bound<'_> {
    fn of(&self, levels: &[Vec<Named>]) -> Vec<Statement> {
        levels.iter().flatten().flat_map(|named| named.document.statements.iter().cloned()).collect()
    }

    /// Returns what all policies deny, as one document: it tells files apart and decides nothing.
    fn statements(&self) -> PolicyDocument {
        let mut statements = self.of(&self.service);
        statements.extend(self.of(&self.resource));
        PolicyDocument { statements, ..full_access() }
    }

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
        let everything = matches!(&statement.action, ActionElement::Is(list) if list.iter().any(|one| one == "*"));
        let everywhere = match &statement.resource {
            Some(ResourceElement::Is(list)) => list.iter().any(|one| one == "*"),
            Some(ResourceElement::IsNot(_)) => false,
            None => true,
        };
        statement.effect == Effect::Allow && statement.condition.is_empty() && everything && everywhere
    })
}

/// A policy that leaves the decision to the others.
pub(super) fn for_anyone() -> PolicyDocument {
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
