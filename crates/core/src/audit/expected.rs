//! The estate as the plan would leave it, and what its answers say about a fix.

use super::answer::LEAVES_OUT;
use super::{AuditSubject, Check, CheckVerdict, Fix, Question};
use crate::estate::{Estate, Kind, Resource, Sighting};
use crate::ids::AccountId;
use crate::plan::{Change, Plan};

/// Returns what would be there if every change of the plan were made.
pub(super) fn estate(plan: &Plan, observed: &Estate) -> Estate {
    let mut estate = observed.clone();
    for change in &plan.changes {
        let sighting = match change.desired() {
            Some(desired) => Sighting::present(completed(desired.clone(), change)),
            None => Sighting::Absent,
        };
        estate.sightings.insert(change.address.clone(), sighting);
    }
    forget_errors(plan, &mut estate);
    estate
}

/// What the last delivery was refused says nothing any more once what refused it is changed.
fn forget_errors(plan: &Plan, estate: &mut Estate) {
    let refusing = |kind: Kind| matches!(kind, Kind::Bucket | Kind::BucketPolicy | Kind::Key | Kind::KeyPolicy);
    let changed: Vec<&Change> = plan.changes.iter().filter(|change| refusing(change.address.kind)).collect();
    let keys: Vec<String> = changed
        .iter()
        .filter_map(|change| match estate.resource(&change.address.with_kind(Kind::Key)) {
            Some(Resource::Key(key)) => key.arn.clone(),
            _ => None,
        })
        .collect();
    for sighting in estate.sightings.values_mut() {
        if let Sighting::Present(resource) = sighting
            && let Resource::Trail(trail) = resource.as_mut()
        {
            let of_bucket = changed.iter().any(|change| change.address.name == trail.bucket);
            let of_key = trail.key.as_ref().is_some_and(|key| keys.contains(key));
            if let (true, Some(delivery)) = (of_bucket || of_key, &mut trail.delivery) {
                delivery.latest_error = None;
                delivery.digest_error = None;
            }
        }
    }
}

/// A wish says nothing of what it leaves alone, nor of what AWS decides.
fn completed(mut desired: Resource, change: &Change) -> Resource {
    match (&mut desired, change.observed()) {
        (Resource::Bucket(wish), Some(Resource::Bucket(seen))) => {
            wish.access_logs = wish.access_logs.take().or_else(|| seen.access_logs.clone());
            wish.mfa_delete = seen.mfa_delete;
            wish.object_lock = wish.object_lock.take().or_else(|| seen.object_lock.clone());
        }
        (Resource::Key(wish), Some(Resource::Key(seen))) => wish.arn = seen.arn.clone(),
        (Resource::Trail(wish), Some(Resource::Trail(seen))) if wish.key == seen.key => {
            wish.delivery = seen.delivery.clone();
        }
        _ => {}
    }
    desired
}

/// The answers in the estate as the plan would leave it.
pub(super) struct Then<'a> {
    pub checks: &'a [Check],
    pub subjects: &'a [AuditSubject],
    pub plan: &'a Plan,
}

/// Adds to each answer what would make it a pass.
pub(super) fn with_fixes(question: Question, now: Vec<Check>, then: &Then<'_>) -> Vec<Check> {
    let fix = |check: &Check| match check.verdict {
        CheckVerdict::Pass | CheckVerdict::NotApplicable => Fix::None,
        CheckVerdict::Fail | CheckVerdict::Unknown(_) if then.passes(check) => Fix::Plan,
        CheckVerdict::Unknown(_) => Fix::None,
        // What knows better says so itself.
        CheckVerdict::Fail if check.fix != Fix::None => check.fix.clone(),
        CheckVerdict::Fail => other_fix(question, check, then.plan),
    };
    now.into_iter().map(|check| Check { fix: fix(&check), ..check }).collect()
}

impl Then<'_> {
    /// Tells whether the same resource passes, or, of an account as a whole, everything that then speaks for it.
    fn passes(&self, check: &Check) -> bool {
        let speaks = |other: &&Check| match &check.address {
            Some(_) => other.address == check.address,
            None => self.speaks_for(&other.account, &check.account),
        };
        let mut others = self.checks.iter().filter(speaks).peekable();
        others.peek().is_some() && others.all(|other| other.verdict == CheckVerdict::Pass)
    }

    fn speaks_for(&self, speaker: &AccountId, account: &AccountId) -> bool {
        speaker == account || self.subjects.iter().any(|s| &s.account == speaker && s.members.contains(account))
    }
}

const NOT_OURS: &str = "another owner made this trail: ask them, or take it over with `orgtrail init --adopt`";

fn other_fix(question: Question, check: &Check, plan: &Plan) -> Fix {
    let is_trail = check.address.as_ref().is_some_and(|address| address.kind == Kind::Trail);
    let ours = |address| plan.trails.iter().any(|site| &site.address == address);
    if is_trail && !check.address.as_ref().is_some_and(ours) {
        return Fix::Elsewhere(NOT_OURS);
    }
    match question {
        Question::Recording | Question::BedrockEvents => Fix::Setting("trails.management_events"),
        Question::EveryRegion => Fix::Setting("trails.regions"),
        Question::ManagementEvents => Fix::Setting("trails.management_events and trails.regions"),
        Question::AllManagementEvents => Fix::Setting("trails.management_events.exclude and trails.regions"),
        Question::ObjectWrites | Question::ObjectReads if check.fact.contains(LEAVES_OUT) => {
            Fix::Elsewhere("leave out the log buckets only, in the resources.ARN conditions of trails.data_events")
        }
        Question::ObjectWrites | Question::ObjectReads => Fix::Setting("trails.data_events"),
        Question::Validation => Fix::Setting("trails.validation"),
        Question::Encryption => Fix::Setting("bucket.encryption"),
        Question::KeyRotation => Fix::Elsewhere("the owner of the key can switch its rotation on"),
        Question::LogGroup | Question::LogGroupDelivery => Fix::Setting("trails.cloudwatch_logs"),
        Question::Insights => Fix::Setting("trails.insights"),
        Question::Tags => Fix::Setting("trails.tags"),
        Question::AccessLogs => Fix::Setting("bucket.access_logs"),
        Question::NotPublic => Fix::Elsewhere("the owner of the bucket can switch Block Public Access on"),
        Question::MfaDelete => Fix::Elsewhere(
            "only the root user of the log account can switch MFA Delete on, and S3 takes no lifecycle rules beside it",
        ),
        Question::LakeEncryption => Fix::Elsewhere("orgtrail does not manage CloudTrail Lake"),
        Question::Recorder(_) => Fix::None,
        Question::Filter(_) => Fix::Elsewhere(
            "set trails.cloudwatch_logs, then make the metric filter on that log group and an alarm of its metric",
        ),
    }
}
