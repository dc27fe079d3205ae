//! What AWS refuses, with AWS's codes: pure functions of a world and a change.
//!
//! A refusal stands where a step meets a world that is not ready for it, so that a wrong order of steps fails in a test
//! and not in a customer's organization. Of what a world does not know, nothing is refused. The codes are those of the
//! APIs' models; sizes and numbers are AWS's quotas, with their source where they stand.

use crate::cloud::{CloudFault, CloudFaultKind};
use crate::estate::snapshot::Snapshot;
use crate::estate::{Kind, OWNER_TAG, Resource};
use crate::plan::{Action, Change};

use super::world::{KnownSighting, can_enter, known, why_no_entry};

mod archive;
mod identity;
mod open;
mod organization;
mod trail;

/// A change that is tried in a world.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    world: &'a Snapshot,
    change: &'a Change,
}

/// Returns why AWS would refuse a change; nothing where it would do it.
pub fn refusal(world: &Snapshot, change: &Change) -> Option<CloudFault> {
    let attempt = Attempt { world, change };
    attempt.no_entry().or_else(|| attempt.ill_formed()).or_else(|| attempt.unresolved()).or_else(|| {
        match change.desired() {
            Some(desired) => attempt.taken_or_missing(desired).or_else(|| attempt.unwelcome(desired)),
            None => attempt.not_removable(),
        }
    })
}

impl<'a> Attempt<'a> {
    /// A refusal that no other try of the same call can overcome.
    fn refused(self, operation: &str, code: &str, message: impl Into<String>, help: &str) -> CloudFault {
        self.fault(CloudFaultKind::Refused, operation, code, message.into(), help)
    }

    fn absent(self, operation: &str, code: &str, message: impl Into<String>) -> CloudFault {
        self.fault(CloudFaultKind::Absent, operation, code, message.into(), "make a new plan: it was removed")
    }

    fn fault(self, kind: CloudFaultKind, operation: &str, code: &str, message: String, help: &str) -> CloudFault {
        CloudFault {
            kind,
            account: self.change.operator.clone(),
            operation: operation.into(),
            code: code.into(),
            message,
            help: help.into(),
        }
    }

    fn no_entry(self) -> Option<CloudFault> {
        let operator = &self.change.operator;
        if can_enter(self.world, operator) {
            return None;
        }
        let why = why_no_entry(self.world, operator);
        let help = "only active accounts of the organization can be entered";
        Some(self.fault(CloudFaultKind::Denied, "sts:AssumeRole", "AccessDenied", why, help))
    }

    /// A change that contradicts itself: a program's mistake, not AWS's refusal.
    fn ill_formed(self) -> Option<CloudFault> {
        let address = &self.change.address;
        let desired = self.change.desired().filter(|desired| desired.kind() != address.kind)?;
        let why = format!("{address} cannot hold a {}", desired.kind());
        Some(self.refused("orgtrail:Execute", "MalformedChange", why, "please report this as a fault of orgtrail"))
    }

    /// A text that stands for a key's ARN was not replaced: AWS would take it for an ARN that it does not know.
    fn unresolved(self) -> Option<CloudFault> {
        let unknown = self.change.desired()?.clone().resolve(&|_| None);
        let key = unknown.first()?;
        let message = format!("{} names the key {key} before it has an ARN", self.change.address);
        Some(self.refused(
            "orgtrail:Execute",
            "UnresolvedReference",
            message,
            "the step that makes the key comes first",
        ))
    }

    /// A creation where something stands already that another made; an update where nothing stands.
    fn taken_or_missing(self, desired: &Resource) -> Option<CloudFault> {
        let (address, action) = (&self.change.address, self.change.action());
        let words = (address.kind.words(), &address.name, &address.account);
        match (action, known(self.world, address)) {
            (Action::Create, KnownSighting::Present(there)) if !goes_on(there, desired) => {
                let (operation, code) = taken(address.kind)?;
                let message = format!("the {} {} exists in {} already", words.0, words.1, words.2);
                Some(self.refused(operation, code, message, "make a new plan, which shows it as to be adopted"))
            }
            (Action::Update | Action::Adopt, KnownSighting::Absent) => {
                let (operation, code) = missing(address.kind)?;
                Some(self.absent(operation, code, format!("there is no {} {} in {}", words.0, words.1, words.2)))
            }
            _ => None,
        }
    }

    fn unwelcome(self, desired: &Resource) -> Option<CloudFault> {
        match desired {
            Resource::TrustedAccess(_) => self.trusted_access(),
            Resource::DelegatedAdministrator(_) => self.delegated_administrator(),
            Resource::ServiceControlPolicy(policy) => self.service_control_policy(policy),
            Resource::Bucket(bucket) => self.bucket(bucket),
            Resource::BucketPolicy(policy) => self.bucket_policy(policy),
            Resource::Key(_) => None,
            Resource::KeyPolicy(policy) => self.key_policy(policy),
            Resource::Topic(topic) => self.topic(topic),
            Resource::LogGroup(_) => None,
            Resource::Role(role) => self.role(role),
            Resource::Policy(policy) => self.policy(policy),
            Resource::Trail(trail) => self.trail(trail),
            Resource::Queue(_) | Resource::Rule(_) => None,
            Resource::ConfigAggregator(aggregator) => self.aggregator(aggregator),
        }
    }

    fn not_removable(self) -> Option<CloudFault> {
        match known(self.world, &self.change.address).resource()? {
            Resource::Bucket(bucket) if !bucket.untouched => {
                let message = format!("the bucket {} is not empty", self.change.address.name);
                Some(self.refused("s3:DeleteBucket", "BucketNotEmpty", message, "orgtrail never deletes objects"))
            }
            _ => None,
        }
    }
}

/// Tells whether a creation goes on with what is there: the same deployment made it, or began to. A bucket is made
/// before it can be tagged, so an untouched one in the own account is such a beginning.
fn goes_on(there: &Resource, desired: &Resource) -> bool {
    let owner = |resource: &Resource| resource.tags().and_then(|tags| tags.get(OWNER_TAG)).cloned();
    owner(there) == owner(desired) || matches!(there, Resource::Bucket(bucket) if bucket.untouched)
}

/// The code with which a name that is taken is refused; none for what is put, not created.
fn taken(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Bucket => Some(("s3:CreateBucket", "BucketAlreadyOwnedByYou")),
        Kind::Key => Some(("kms:CreateAlias", "AlreadyExistsException")),
        Kind::Topic => Some(("sns:CreateTopic", "InvalidParameter")),
        Kind::LogGroup => Some(("logs:CreateLogGroup", "ResourceAlreadyExistsException")),
        Kind::Role => Some(("iam:CreateRole", "EntityAlreadyExists")),
        Kind::Policy => Some(("iam:CreatePolicy", "EntityAlreadyExists")),
        Kind::Trail => Some(("cloudtrail:CreateTrail", "TrailAlreadyExistsException")),
        Kind::ServiceControlPolicy => Some(("organizations:CreatePolicy", "DuplicatePolicyException")),
        Kind::Queue => Some(("sqs:CreateQueue", "QueueNameExists")),
        // A rule or an aggregator is put: whoever puts it later wins, so the adapter looks first.
        Kind::Rule => Some(("events:PutRule", "GroundMoved")),
        Kind::ConfigAggregator => Some(("config:PutConfigurationAggregator", "GroundMoved")),
        Kind::TrustedAccess | Kind::DelegatedAdministrator | Kind::BucketPolicy | Kind::KeyPolicy => None,
    }
}

/// The code with which a change of what is not there is refused; none for what is put in either case.
fn missing(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Bucket => Some(("s3:PutBucketTagging", "NoSuchBucket")),
        Kind::Key => Some(("kms:DescribeKey", "NotFoundException")),
        Kind::Topic => Some(("sns:SetTopicAttributes", "NotFound")),
        Kind::LogGroup => Some(("logs:PutRetentionPolicy", "ResourceNotFoundException")),
        Kind::Role => Some(("iam:UpdateAssumeRolePolicy", "NoSuchEntity")),
        Kind::Policy => Some(("iam:CreatePolicyVersion", "NoSuchEntity")),
        Kind::Trail => Some(("cloudtrail:UpdateTrail", "TrailNotFoundException")),
        Kind::ServiceControlPolicy => Some(("organizations:UpdatePolicy", "PolicyNotFoundException")),
        Kind::Queue => Some(("sqs:SetQueueAttributes", "QueueDoesNotExist")),
        Kind::Rule => Some(("events:PutTargets", "ResourceNotFoundException")),
        Kind::TrustedAccess
        | Kind::DelegatedAdministrator
        | Kind::BucketPolicy
        | Kind::KeyPolicy
        | Kind::ConfigAggregator => None,
    }
}
