//! Holds every policy that the plan leaves behind against the requests that CloudTrail will make, and against the rule
//! that keeps an owner from locking itself out. What would be refused stands in the way of the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::effective;
use crate::estate::key::{key_reference, referenced_key};
use crate::estate::{Address, Desired, Estate, Kind, Problem, Resource, Role, Stage, Trail};
use crate::ids::{Arn, Region};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::Named;
use crate::policy::lint::{self, Rule, Subject, lint};
use crate::policy::preflight::{Delivery, Documents, LogGroup, Refusal, Topic, TopicKey, preflight};

/// Returns what stands in the way.
pub(super) fn blockers(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let planned = Planned::new(desired, observed);
    let mut problems: BTreeSet<Problem> = BTreeSet::new();
    for (address, wanted) in &desired.wanted {
        match &wanted.resource {
            Resource::Trail(trail) => problems.extend(planned.trail(address, trail)),
            Resource::BucketPolicy(_) => problems.extend(planned.lockout(address, lint::Kind::Bucket)),
            Resource::KeyPolicy(_) => problems.extend(planned.lockout(address, lint::Kind::Key)),
            _ => {}
        }
    }
    problems.into_iter().collect()
}

/// What trails deliver to, as it will be.
struct Planned<'a> {
    desired: &'a Desired,
    resources: BTreeMap<&'a Address, Resource>,
}

impl<'a> Planned<'a> {
    /// Of reader roles and member policies there may be 10,000, so only what a trail delivers to is put together.
    fn new(desired: &'a Desired, observed: &Estate) -> Self {
        let log_roles: BTreeSet<&str> = desired.wanted.values().filter_map(|w| log_role(&w.resource)).collect();
        let is_target = |address: &Address| match address.kind {
            Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic => true,
            Kind::Role => log_roles.contains(role_arn(desired, address).as_str()),
            _ => false,
        };
        let targets = desired.wanted.iter().filter(|(address, _)| is_target(address));
        let resources = targets.map(|(address, w)| (address, effective(desired, observed, address, w))).collect();
        Self { desired, resources }
    }

    fn trail(&self, address: &Address, trail: &Trail) -> Vec<Problem> {
        let Some(region) = &address.region else {
            return Vec::new();
        };
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
        preflight(&delivery, &documents).refusals.into_iter().map(|refusal| problem(address, refusal)).collect()
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
