//! Holds every policy that the plan leaves behind against the requests that CloudTrail will make, and against the rule
//! that keeps an owner from locking itself out. What the plan would make CloudTrail be refused stands in its way; what
//! is refused already is a finding (`now`).

use std::collections::{BTreeMap, BTreeSet};

use super::{effective, lockout};
use crate::estate::key::{key_reference, referenced_key};
use crate::estate::surroundings::Surroundings;
use crate::estate::topic::is_managed_by_sns;
use crate::estate::{
    self, Address, Desired, Estate, Kind, Problem, Resource, Role, SeenKey, Sighting, Stage, Trail, Wanted,
};
use crate::ids::{AccountId, Arn, Region};
use crate::organization::Organization;
use crate::policy::PolicyDocument;
use crate::policy::evaluate::Named;
use crate::policy::lint::{self, LintSubject, Rule, lint};
use crate::policy::preflight::{
    Documents, Doubt, LogGroup, Preflight, PreflightTrail, RESOURCE_POLICY, Refusal, Refuser, Topic, TopicKey,
    preflight,
};

mod now;

pub(super) use now::{Now, now};

/// The action of a doubt about a policy that could not be read.
const DELIVER: &str = "deliver";

/// Returns what stands in the way.
pub(super) fn blockers(desired: &Desired, observed: &Estate, organization: &Organization, now: &Now) -> Vec<Problem> {
    let find = |address: &Address, wanted: &_| Some(effective(desired, observed, address, wanted));
    let planned = Targets::new(desired, observed, organization, &find);
    let mut problems: BTreeSet<Problem> = BTreeSet::new();
    for (address, wanted) in &desired.wanted {
        match &wanted.resource {
            Resource::Trail(trail) => problems.extend(planned.trail(address, trail, now)),
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

/// Tries the delivery of every trail of this deployment with the policies that were observed. A trail that does not
/// exist yet is tried as it will be.
pub fn live<'a>(desired: &'a Desired, observed: &'a Estate, organization: &Organization) -> Vec<Delivered<'a>> {
    let there = |address: &Address, _: &_| observed.resource(address).cloned();
    let targets = Targets::new(desired, observed, organization, &there);
    let unknown = unknown(desired, observed);
    let trails =
        desired.wanted.iter().filter_map(|(address, wanted)| match (&wanted.resource, observed.resource(address)) {
            (_, Some(Resource::Trail(seen))) => Some((address, seen)),
            (Resource::Trail(wish), _) => Some((address, wish)),
            _ => None,
        });
    let shared = |(address, resource): (&&'a Address, &Resource)| Some((*address, resource.shared_policy()?.clone()));
    let deliver = |(address, trail)| {
        let documents = targets.resources.iter().filter_map(shared).collect();
        Some(Delivered { documents, ..targets.deliver(address, trail, &unknown)? })
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
        Some(Doubt { document, action: DELIVER.into(), resource, why: vec![why] })
    };
    let shared = |address: &&Address| matches!(address.kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic);
    desired.wanted.keys().filter(shared).filter_map(doubt).collect()
}

/// What trails deliver to.
struct Targets<'a> {
    desired: &'a Desired,
    /// The accounts that an organization trail writes for.
    accounts: Vec<AccountId>,
    /// The documents that are wanted.
    addresses: Vec<&'a Address>,
    /// Those that are there, or will be.
    resources: BTreeMap<&'a Address, Resource>,
    /// Keys of others, by the names under which trails and topics call them.
    keys: &'a BTreeMap<String, SeenKey>,
    /// What surrounds the archive; none where it was not looked at.
    surroundings: Option<&'a Surroundings>,
}

impl<'a> Targets<'a> {
    /// Of reader roles and member policies there may be 10,000, so only what a trail delivers to is put together.
    fn new(
        desired: &'a Desired,
        observed: &'a Estate,
        organization: &Organization,
        find: &dyn Fn(&Address, &Wanted) -> Option<Resource>,
    ) -> Self {
        let log_roles: BTreeSet<&str> = desired.wanted.values().filter_map(|w| log_role(&w.resource)).collect();
        let is_target = |address: &Address| match address.kind {
            Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic => true,
            Kind::Role => log_roles.contains(role_arn(desired, address).as_str()),
            _ => false,
        };
        let targets = desired.wanted.iter().filter(|(address, _)| is_target(address));
        let addresses = targets.clone().map(|(address, _)| address).collect();
        let resources = targets.filter_map(|(address, wanted)| Some((address, find(address, wanted)?))).collect();
        let (accounts, surroundings) = (active(organization), observed.surroundings.as_ref());
        Self { desired, accounts, addresses, resources, keys: &observed.keys, surroundings }
    }

    /// Returns what would be refused after the plan. What is refused already is not the plan's doing, and no reason to
    /// leave the rest undone.
    fn trail(&self, address: &Address, trail: &Trail, now: &Now) -> Vec<Problem> {
        let delivered = self.deliver(address, trail, &[]);
        let refusals = delivered.map(|delivered| delivered.preflight.refusals).unwrap_or_default();
        let made = refusals.into_iter().filter(|refusal| !now.has(address, refusal));
        made.map(|refusal| problem(address, refusal)).collect()
    }

    /// Tries a trail's requests; `unknown` are the policies that could not be read.
    fn deliver(&self, address: &Address, trail: &Trail, unknown: &[Doubt]) -> Option<Delivered<'a>> {
        let region = address.region.as_ref()?;
        let delivery = delivery(self.desired, self.accounts.clone(), address, region, trail);
        let topic = trail.topic.as_deref().and_then(|arn| self.topic(arn));
        let log_group = self.log_target(trail);
        let policies: Vec<Named> = log_group.iter().flat_map(LogTarget::policies).collect();
        let resource_policies =
            log_group.as_ref().map(|target| self.resource_policies(&target.group)).unwrap_or_default();
        let resource_policies: Vec<Named> =
            resource_policies.iter().map(|(name, document)| Named { name, document }).collect();
        let documents = Documents {
            bucket: self.find(Kind::BucketPolicy, &trail.bucket).and_then(Resource::shared_policy),
            key: trail.key.as_deref().and_then(|key| self.key_policy(key)),
            topic: topic.as_ref().map(|(arn, seen)| Topic {
                arn,
                policy: Some(&seen.policy),
                key: self.topic_key(seen),
            }),
            log_group: log_group.as_ref().map(|target| LogGroup {
                arn: &target.group,
                role_arn: &target.role,
                trust: &target.resource.trust,
                policies: &policies,
                resource_policies: &resource_policies,
            }),
        };
        let mut preflight = preflight(&delivery, &documents);
        // What is not known is not refused: it may well be there. Somebody else's bucket is not looked at.
        let mut known = |part: Refuser, known: bool| {
            if !known {
                preflight.refusals.retain(|refusal| refusal.part() != part);
            }
        };
        unknown.iter().for_each(|doubt| known(doubt.part(), false));
        known(Refuser::Bucket, self.wants(Kind::BucketPolicy, &trail.bucket));
        preflight.doubts.extend(unknown.iter().cloned());
        preflight.doubts.extend(self.unread_keys(trail));
        Some(Delivered { arn: delivery.trail_arn, preflight, documents: Vec::new() })
    }

    fn wants(&self, kind: Kind, name: &str) -> bool {
        self.addresses.iter().any(|address| address.kind == kind && address.name == name)
    }

    /// Returns the address of the document that a refusal is about, or of the trail where it is none of ours.
    fn place(&self, address: &Address, trail: &Trail, part: Refuser) -> Address {
        let mut wanted = self.addresses.iter().copied();
        let found = match part {
            Refuser::Bucket => wanted.find(|at| at.kind == Kind::BucketPolicy && at.name == trail.bucket),
            Refuser::Key => wanted.find(|at| at.kind == Kind::KeyPolicy),
            Refuser::Topic | Refuser::TopicKey => trail.topic.as_deref().and_then(|arn| self.topic_at(arn)),
            Refuser::LogGroup => None,
        };
        found.unwrap_or(address).clone()
    }

    fn topic_key(&self, topic: &estate::Topic) -> TopicKey<'_> {
        let Some(key) = topic.key.as_deref().filter(|key| !key.is_empty()) else { return TopicKey::None };
        let is_managed = is_managed_by_sns(key) || self.keys.get(key).is_some_and(|seen| seen.managed_by_aws);
        match self.key_policy(key) {
            _ if is_managed => TopicKey::AwsManaged,
            Some(policy) => TopicKey::Customer(policy),
            None => TopicKey::None,
        }
    }

    fn topic_at(&self, arn: &str) -> Option<&'a Address> {
        let arn: Arn = arn.parse().ok()?;
        self.addresses.iter().copied().find(|address| {
            address.kind == Kind::Topic
                && address.name == arn.resource()
                && address.account.as_str() == arn.account()
                && address.region.as_ref().is_some_and(|region| region.as_str() == arn.region())
        })
    }

    fn find(&self, kind: Kind, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|(address, _)| address.kind == kind && address.name == name).map(|(_, r)| r)
    }

    /// The policy of a key of this deployment, as the plan or as AWS names it, or of one of others as far as it could
    /// be read.
    fn key_policy(&self, key: &str) -> Option<&PolicyDocument> {
        let is_it = |address: &Address, resource: &Resource| match resource {
            Resource::KeyPolicy(policy) => {
                key_reference(&address.with_kind(Kind::Key)) == key || policy.key.as_deref() == Some(key)
            }
            _ => false,
        };
        match self.resources.iter().find(|(address, resource)| is_it(address, resource)) {
            Some((_, resource)) => resource.shared_policy(),
            None => self.keys.get(key)?.policy.as_ref(),
        }
    }

    /// Returns doubts about the keys of others that could not be read, or were not looked at. That the key of the logs
    /// was not looked at leaves isolation open already.
    fn unread_keys(&self, trail: &Trail) -> Vec<Doubt> {
        let topic = trail.topic.as_deref().and_then(|arn| self.topic(arn)).and_then(|(_, topic)| topic.key.clone());
        let topic = topic.filter(|key| !key.is_empty() && !is_managed_by_sns(key));
        let doubt = |name: String, document: &str, why: String| Doubt {
            document: document.to_owned(),
            action: "kms:GenerateDataKey".into(),
            resource: name,
            why: vec![why],
        };
        let of = |name: String, document: &str| {
            let why = match self.keys.get(&name) {
                Some(key) => format!("the key could not be read: {}", key.problem.as_ref()?.message),
                None if Some(&name) == trail.key.as_ref() || self.key_policy(&name).is_some() => return None,
                None => "the key was not looked at when the estate was recorded".to_owned(),
            };
            Some(doubt(name, document, why))
        };
        let named = [(trail.key.clone(), "key policy"), (topic, "key policy of the topic")];
        named.into_iter().filter_map(|(name, document)| of(name?, document)).collect()
    }

    fn topic(&self, arn: &str) -> Option<(Arn, &estate::Topic)> {
        let arn: Arn = arn.parse().ok()?;
        match self.resources.get(self.topic_at(arn.as_str())?)? {
            Resource::Topic(topic) => Some((arn, topic)),
            _ => None,
        }
    }

    /// Returns the resource policies of CloudWatch Logs where a log group is, by what people call them. That they could
    /// not be read is an open question of `surroundings`.
    fn resource_policies(&self, group: &Arn) -> Vec<(String, &'a PolicyDocument)> {
        let name = group.resource().strip_prefix("log-group:").unwrap_or_default().trim_end_matches(":*");
        let is_it = |address: &Address| {
            address.name == name
                && address.account.as_str() == group.account()
                && address.region.as_ref().is_some_and(|region| region.as_str() == group.region())
        };
        let groups = self.surroundings.into_iter().flat_map(|all| &all.log_groups);
        let policies =
            groups.filter(|(address, _)| is_it(address)).filter_map(|(_, exposure)| exposure.policies.read());
        policies.flatten().map(|(name, policy)| (format!("{RESOURCE_POLICY}{name}"), policy)).collect()
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

    /// A policy that keeps orgtrail itself from its work could be repaired only by hand, and one that leaves a
    /// break-glass role shut would be found out when it is needed.
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
                    "{place} would keep {role}, which orgtrail works with, from {action}: only a person could ever \
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
        let subject = LintSubject {
            name: address.kind.words(),
            kind,
            partition: self.desired.partition,
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

/// Returns the accounts that an organization trail writes for.
pub(super) fn active(organization: &Organization) -> Vec<AccountId> {
    let active = organization.accounts.iter().filter(|(_, account)| account.state.is_active());
    active.map(|(id, _)| id.clone()).collect()
}

/// Returns what a trail delivers, and where to.
pub(super) fn delivery(
    desired: &Desired,
    accounts: Vec<AccountId>,
    address: &Address,
    region: &Region,
    trail: &Trail,
) -> PreflightTrail {
    let resource = format!("trail/{}", address.name);
    let account = address.account.as_str();
    PreflightTrail {
        trail_arn: Arn::new(desired.partition, "cloudtrail", region.as_str(), account, &resource),
        management_account: address.account.clone(),
        organization_id: trail.organization.then(|| desired.organization.clone()),
        accounts: if trail.organization { accounts } else { Vec::new() },
        bucket: trail.bucket.clone(),
        prefix: trail.prefix.clone(),
        folders: trail.folders(),
        // A key that is still to be made has no ARN; its own policy can only mean itself.
        key_arn: trail.key.clone().filter(|key| referenced_key(key).is_none()),
        bucket_key: trail.key.is_some(),
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
