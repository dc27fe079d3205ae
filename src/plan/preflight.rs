//! Holds every policy that the plan leaves behind against the requests that CloudTrail will make, and against the rule
//! that keeps an owner from locking itself out. What would be refused stands in the way of the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{effective, lockout};
use crate::estate::key::{key_reference, referenced_key};
use crate::estate::{Address, Desired, Estate, Kind, Problem, Resource, Role, Sighting, Stage, Trail, Wanted};
use crate::ids::{Arn, Region};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::Named;
use crate::policy::lint::{self, Rule, Subject, lint};
use crate::policy::preflight::{Delivery, Documents, Doubt, LogGroup, Preflight, Refusal, Topic, TopicKey, preflight};

/// Returns what stands in the way.
pub(super) fn blockers(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let planned = Targets::new(desired, &|address, wanted| Some(effective(desired, observed, address, wanted)));
    let mut problems: BTreeSet<Problem> = BTreeSet::new();
    for (address, wanted) in &desired.wanted {
        match &wanted.resource {
            Resource::Trail(trail) => problems.extend(planned.trail(address, trail)),
            Resource::BucketPolicy(_) => {
                problems.extend(planned.lockout(address, lint::Kind::Bucket));
                problems.extend(planned.locks_out(address));
            }
            Resource::KeyPolicy(_) => {
                problems.extend(planned.lockout(address, lint::Kind::Key));
                problems.extend(planned.locks_out(address));
            }
            Resource::Topic(_) => problems.extend(planned.locks_out(address)),
            _ => {}
        }
    }
    problems.into_iter().collect()
}

/// What CloudTrail would make of a trail with the policies that there are now.
pub struct Delivered<'a> {
    /// The trail.
    pub arn: Arn,
    /// What would be refused, and what cannot be told.
    pub preflight: Preflight,
    /// The policies that were looked at, each with the resource that has it.
    pub documents: Vec<(&'a Address, PolicyDocument)>,
}

/// Tries the delivery of every trail of ours with the policies that were observed. A trail that does not exist yet is
/// tried as it will be.
pub fn live<'a>(desired: &'a Desired, observed: &'a Estate) -> Vec<Delivered<'a>> {
    let there = |address: &Address, _: &_| observed.resource(address).cloned();
    let targets = Targets::new(desired, &there);
    let unknown = unknown(desired, observed);
    let trails =
        desired.wanted.iter().filter_map(|(address, wanted)| match (&wanted.resource, observed.resource(address)) {
            (_, Some(Resource::Trail(seen))) => Some((address, seen)),
            (Resource::Trail(wish), _) => Some((address, wish)),
            _ => None,
        });
    let shared = |(address, resource): (&&'a Address, &Resource)| Some((*address, resource.shared_policy()?.clone()));
    let deliver = |(address, trail)| {
        let (arn, mut preflight) = targets.deliver(address, trail)?;
        if !unknown.is_empty() {
            // What is not known is not refused: it may well be there.
            preflight.refusals.retain(|refusal| !unknown.iter().any(|doubt| doubt.document == refusal.document));
            preflight.doubts.extend(unknown.iter().cloned());
        }
        Some(Delivered { arn, preflight, documents: targets.resources.iter().filter_map(shared).collect() })
    };
    trails.filter_map(deliver).collect()
}

/// Returns a doubt for each policy of the archive that could not be read.
fn unknown(desired: &Desired, observed: &Estate) -> Vec<Doubt> {
    let doubt = |address: &Address| {
        let why = match observed.sightings.get(address) {
            Some(Sighting::Unreadable(problem)) => format!("it could not be read: {}", problem.message),
            None => "it was not looked at when the estate was recorded".to_owned(),
            Some(Sighting::Present(_) | Sighting::Absent) => return None,
        };
        let (document, resource) = (address.kind.words().to_owned(), address.to_string());
        Some(Doubt { document, action: "deliver".into(), resource, why: vec![why] })
    };
    let shared = |address: &&Address| matches!(address.kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic);
    desired.wanted.keys().filter(shared).filter_map(doubt).collect()
}

/// What trails deliver to.
struct Targets<'a> {
    desired: &'a Desired,
    resources: BTreeMap<&'a Address, Resource>,
}

impl<'a> Targets<'a> {
    /// Of reader roles and member policies there may be 10,000, so only what a trail delivers to is put together.
    fn new(desired: &'a Desired, find: &dyn Fn(&Address, &Wanted) -> Option<Resource>) -> Self {
        let log_roles: BTreeSet<&str> = desired.wanted.values().filter_map(|w| log_role(&w.resource)).collect();
        let is_target = |address: &Address| match address.kind {
            Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic => true,
            Kind::Role => log_roles.contains(role_arn(desired, address).as_str()),
            _ => false,
        };
        let targets = desired.wanted.iter().filter(|(address, _)| is_target(address));
        let resources = targets.filter_map(|(address, wanted)| Some((address, find(address, wanted)?))).collect();
        Self { desired, resources }
    }

    fn trail(&self, address: &Address, trail: &Trail) -> Vec<Problem> {
        let refusals = self.deliver(address, trail).map(|(_, preflight)| preflight.refusals).unwrap_or_default();
        refusals.into_iter().map(|refusal| problem(address, refusal)).collect()
    }

    fn deliver(&self, address: &Address, trail: &Trail) -> Option<(Arn, Preflight)> {
        let region = address.region.as_ref()?;
        let delivery = self.delivery(address, region, trail);
        let topic = trail.topic.as_deref().and_then(|arn| self.topic(arn));
        let log_group = self.log_target(trail);
        let policies: Vec<Named> = log_group.iter().flat_map(LogTarget::policies).collect();
        let documents = Documents {
            bucket: self.find(Kind::BucketPolicy, &trail.bucket).and_then(Resource::shared_policy),
            key: trail.key.as_deref().and_then(|key| self.key_policy(key)),
            topic: topic.as_ref().map(|(arn, policy)| Topic { arn, policy: Some(policy), key: TopicKey::None }),
            log_group: log_group.as_ref().map(|target| LogGroup {
                arn: &target.group,
                role_arn: &target.role,
                trust: &target.resource.trust,
                policies: &policies,
            }),
        };
        let preflight = preflight(&delivery, &documents);
        Some((delivery.trail_arn, preflight))
    }

    fn delivery(&self, address: &Address, region: &Region, trail: &Trail) -> Delivery {
        let resource = format!("trail/{}", address.name);
        let account = address.account.as_str();
        Delivery {
            trail_arn: Arn::new(self.desired.partition, "cloudtrail", region.as_str(), account, &resource),
            management_account: address.account.clone(),
            organization_id: trail.organization.then(|| self.desired.organization.clone()),
            accounts: Vec::new(),
            bucket: trail.bucket.clone(),
            prefix: trail.prefix.clone(),
            // A key that is still to be made has no ARN; its own policy can only mean itself.
            key_arn: trail.key.clone().filter(|key| referenced_key(key).is_none()),
            bucket_key: trail.key.is_some(),
        }
    }

    fn find(&self, kind: Kind, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|(address, _)| address.kind == kind && address.name == name).map(|(_, r)| r)
    }

    /// The policy of a key of ours; that of somebody else's key is not ours to know.
    fn key_policy(&self, key: &str) -> Option<&PolicyDocument> {
        let mut policies = self.resources.iter().filter(|(address, _)| address.kind == Kind::KeyPolicy);
        let (_, policy) = policies.find(|(address, _)| key_reference(&address.with_kind(Kind::Key)) == key)?;
        policy.shared_policy()
    }

    fn topic(&self, arn: &str) -> Option<(Arn, &PolicyDocument)> {
        let arn: Arn = arn.parse().ok()?;
        let policy = self.resources.iter().find_map(|(address, resource)| match resource {
            Resource::Topic(topic)
                if address.name == arn.resource()
                    && address.account.as_str() == arn.account()
                    && address.region.as_ref().is_some_and(|region| region.as_str() == arn.region()) =>
            {
                Some(&topic.policy)
            }
            _ => None,
        })?;
        Some((arn, policy))
    }

    fn log_target(&self, trail: &Trail) -> Option<LogTarget<'_>> {
        let group = trail.log_group.as_ref()?.parse().ok()?;
        let role: Arn = trail.log_role.as_ref()?.parse().ok()?;
        let resource = self.resources.iter().find_map(|(address, resource)| match resource {
            Resource::Role(found) if role_arn(self.desired, address) == role.as_str() => Some(found),
            _ => None,
        })?;
        Some(LogTarget { group, role, resource })
    }

    /// A policy that keeps orgtrail itself from its work could be repaired only by hand, and one that leaves a break-glass role
    /// shut would be found out when it is needed.
    fn locks_out(&self, address: &Address) -> Vec<Problem> {
        let Some(document) = self.resources.get(address).and_then(Resource::shared_policy) else { return Vec::new() };
        let mut problems = lockout::shut_glass(self.desired, address, document);
        if let Some((role, place, action)) = lockout::shut_out(self.desired, address, document) {
            problems.push(Problem {
                account: address.account.clone(),
                address: Some(address.clone()),
                stage: Stage::Plan,
                code: format!("{}-{}", words(address), lockout::BLOCKS_ORGTRAIL),
                message: format!(
                    "{place} would keep {role}, which orgtrail works with, from {action}: nobody but a person could ever \
                     repair it again"
                ),
                help: "let this role off in the statement, or remove it".into(),
            });
        }
        problems
    }

    /// A document after which its own account could not change it any more is refused by AWS, or worse, accepted.
    fn lockout(&self, address: &Address, kind: lint::Kind) -> Vec<Problem> {
        let Some(policy) = self.resources.get(address).and_then(Resource::shared_policy) else {
            return Vec::new();
        };
        let subject = Subject {
            name: address.kind.words(),
            kind,
            account: Some(&address.account),
            organization_id: Some(&self.desired.organization),
            known_accounts: &self.desired.known_accounts,
            trusted: &[],
            limit_bytes: None,
        };
        let findings = lint(policy, &subject).into_iter();
        let lockouts = findings.filter(|f| matches!(f.rule, Rule::KeyLockout | Rule::BucketLockout));
        lockouts
            .map(|finding| Problem {
                account: address.account.clone(),
                address: Some(address.clone()),
                stage: Stage::Plan,
                code: finding.rule.to_string(),
                message: finding.message,
                help: finding.help.to_owned(),
            })
            .collect()
    }
}

fn words(address: &Address) -> &'static str {
    match address.kind {
        Kind::BucketPolicy => "bucket",
        Kind::KeyPolicy => "key",
        _ => "topic",
    }
}

/// A log group with the role that writes to it.
struct LogTarget<'a> {
    group: Arn,
    role: Arn,
    resource: &'a Role,
}

impl LogTarget<'_> {
    fn policies(&self) -> impl Iterator<Item = Named<'_>> {
        self.resource.inline.iter().map(|(name, document)| Named { name, document })
    }
}

fn log_role(resource: &Resource) -> Option<&str> {
    match resource {
        Resource::Trail(trail) => trail.log_role.as_deref(),
        _ => None,
    }
}

fn role_arn(desired: &Desired, address: &Address) -> String {
    let resource = format!("role/{}", address.name);
    Arn::new(desired.partition, "iam", "", address.account.as_str(), &resource).to_string()
}

fn problem(trail: &Address, refusal: Refusal) -> Problem {
    Problem {
        account: trail.account.clone(),
        address: Some(trail.clone()),
        stage: Stage::Plan,
        code: refusal.code.to_owned(),
        message: format!("CloudTrail would refuse the trail: {}", refusal.message),
        help: refusal.help,
    }
}
