//! What CloudTrail is refused now: the policies that are there, tried with the requests that it makes for the trails
//! that are there. Somebody else's statement that keeps it out loses logs, whoever wrote it and whatever it was meant
//! for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Delivered, Targets, unknown};
use crate::estate::{Address, Desired, Estate, Kind, Problem, Resource, SeenKey, Stage, StatementRef, Trail};
use crate::organization::Organization;
use crate::plan::effective;
use crate::plan::finding::{Finding, Harm};
use crate::policy::preflight::{Doubt, RESOURCE_POLICY, Refusal, Refuser};

/// What is wrong with the deliveries of now.
#[derive(Default)]
pub(in crate::plan) struct Now {
    /// What is refused, each once.
    pub findings: Vec<Finding>,
    /// What cannot be told.
    pub problems: Vec<Problem>,
    /// What is refused, so that a plan that leaves it is not taken to make it.
    refused: BTreeSet<(Address, String, String)>,
}

impl Now {
    /// Tells whether a trail is refused this already.
    pub(super) fn has(&self, trail: &Address, refusal: &Refusal) -> bool {
        self.refused.contains(&(trail.clone(), refusal.action.clone(), refusal.resource.clone()))
    }
}

/// One fault: where it is, and what refuses.
type Fault = (Address, Option<String>, String);

/// Tries every trail that is there.
pub(in crate::plan) fn now(desired: &Desired, observed: &Estate, organization: &Organization) -> Now {
    let there = |address: &Address, _: &_| observed.resource(address).cloned();
    let targets = Targets::new(desired, observed, organization, &there);
    let unknown = unknown(desired, observed);
    let mut now = Now::default();
    let mut faults: BTreeMap<Fault, (Finding, usize)> = BTreeMap::new();
    let mut doubts = Doubts::new();
    for (address, trail) in trails(desired, observed) {
        let Some(Delivered { preflight, .. }) = targets.deliver(address, trail, &unknown) else { continue };
        for refusal in preflight.refusals {
            now.refused.insert((address.clone(), refusal.action.clone(), refusal.resource.clone()));
            let at = targets.place(address, trail, refusal.part());
            let statement = refusal.statement.as_ref().map(ToString::to_string);
            let what = if statement.is_some() { String::new() } else { refusal.message.clone() };
            let fault = (at.clone(), statement, format!("{}{what}", refusal.action));
            let (_, count) = faults.entry(fault).or_insert_with(|| (finding(&targets, at, refusal), 0));
            *count += 1;
        }
        for doubt in preflight.doubts {
            let at = targets.place(address, trail, doubt.part());
            // What could not be read is a problem already.
            if doubt.action != super::DELIVER {
                doubts.entry((at.clone(), doubt.why.clone())).or_insert_with(|| problem(at, &doubt));
            }
        }
    }
    let (ended, open) = ended_by_plan(desired, observed, organization, doubts);
    now.findings = faults.into_values().map(with_count).chain(ended).collect();
    now.findings.extend(trails(desired, observed).filter_map(|(at, trail)| key_that_fails(observed, at, trail)));
    now.findings.extend(second_keys(desired, observed));
    now.findings.sort();
    now.problems = open;
    now
}

/// What cannot be told of one place, by the reasons.
type Doubts = BTreeMap<(Address, Vec<String>), Problem>;

/// Divides doubts into those that the plan ends, because it replaces what cannot be judged, and those that stay.
fn ended_by_plan(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    doubts: Doubts,
) -> (Vec<Finding>, Vec<Problem>) {
    if doubts.is_empty() {
        return Default::default();
    }
    let planned = |address: &Address, wanted: &_| Some(effective(desired, observed, address, wanted));
    let targets = Targets::new(desired, observed, organization, &planned);
    let mut after = BTreeSet::new();
    for (address, trail) in trails(desired, observed) {
        let delivered = targets.deliver(address, trail, &[]).into_iter();
        for doubt in delivered.flat_map(|delivered| delivered.preflight.doubts) {
            after.insert((targets.place(address, trail, doubt.part()), doubt.why));
        }
    }
    let (stay, ended): (Doubts, Doubts) = doubts.into_iter().partition(|(doubt, _)| after.contains(doubt));
    let finding = |((at, _), problem): ((Address, Vec<String>), Problem)| {
        let help = "apply the plan: it replaces what cannot be judged";
        Finding::new(Harm::LessProtected, &at, "delivery-unproven", problem.message, help)
    };
    (ended.into_iter().map(finding).collect(), stay.into_values().collect())
}

fn trails<'a>(desired: &'a Desired, observed: &'a Estate) -> impl Iterator<Item = (&'a Address, &'a Trail)> {
    let wanted = desired.wanted.keys().filter(|address| address.kind == Kind::Trail);
    wanted.filter_map(|address| match observed.resource(address) {
        Some(Resource::Trail(seen)) => Some((address, seen)),
        _ => None,
    })
}

/// A key of others that the logs are encrypted with and that cannot be used. That of a wanted key is a change.
fn key_that_fails(observed: &Estate, at: &Address, trail: &Trail) -> Option<Finding> {
    let name = trail.key.as_ref()?;
    let key = observed.keys.get(name).filter(|key| !key.enabled && key.problem.is_none())?;
    let what = if key.arn.is_some() { "is disabled or waits for its deletion" } else { "does not exist" };
    Some(Finding::new(
        Harm::LogsLost,
        at,
        "key-unusable",
        format!("the key {name}, with which the trail encrypts, {what}: nothing can be delivered or read"),
        "cancel its deletion and enable it (`aws kms cancel-key-deletion`, `aws kms enable-key`)",
    ))
}

/// Names keys of this deployment beside the one that is in use.
fn second_keys(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let Some(address) = desired.wanted.keys().find(|address| address.kind == Kind::Key) else { return Vec::new() };
    let used = match observed.resource(address) {
        Some(Resource::Key(key)) => key.arn.as_ref(),
        _ => None,
    };
    let ours = observed.keys.values().filter(|key| key.deployment.as_ref() == Some(&desired.deployment));
    let others = ours.filter_map(|key| key.arn.as_ref()).filter(|arn| Some(*arn) != used);
    let finding = |arn: &String| {
        Finding::new(
            Harm::Harmless,
            address,
            "second-key",
            format!(
                "{arn} carries the tag of this deployment too, and is not the key that the logs are encrypted with"
            ),
            "keep it as long as objects may be encrypted with it; take its tag `orgtrail:deployment` off if none is",
        )
    };
    let not_looked_at = |key: &SeenKey| {
        let problem = key.problem.as_ref().filter(|problem| problem.code == SeenKey::NOT_LOOKED_AT)?;
        let message = format!("whether there is a second key of this deployment is not known: {}", problem.message);
        let help = "look at the keys of the account that carry the tag `orgtrail:deployment`";
        Some(Finding::new(Harm::Harmless, address, "second-key-unknown", message, help))
    };
    others.map(finding).chain(observed.keys.values().filter_map(not_looked_at)).collect()
}

fn with_count((mut finding, refusals): (Finding, usize)) -> Finding {
    if refusals > 1 {
        finding.message.push_str(&format!(" (and {} more requests)", refusals - 1));
    }
    finding
}

/// The check that CloudTrail makes when a trail is made or changed writes an object without encryption headers; what is
/// delivered has them.
fn hinders_changes_only(refusal: &Refusal) -> bool {
    refusal.part() == Refuser::Bucket && refusal.resource.ends_with('/')
}

fn finding(targets: &Targets, at: Address, refusal: Refusal) -> Finding {
    let (harm, code, what) = match refusal.part() {
        _ if hinders_changes_only(&refusal) => {
            (Harm::LessProtected, "change-refused", "CloudTrail would refuse every change of the trail")
        }
        Refuser::Bucket | Refuser::Key => (Harm::LogsLost, "delivery-refused", "CloudTrail is refused"),
        Refuser::Topic | Refuser::TopicKey => {
            (Harm::LessProtected, "notification-refused", "no notification of new log files: CloudTrail is refused")
        }
        Refuser::LogGroup if refusal.document.starts_with(RESOURCE_POLICY) => {
            (Harm::LessProtected, "log-group-refused", "CloudTrail is to be kept out of the log group")
        }
        Refuser::LogGroup => {
            (Harm::LessProtected, "log-group-refused", "nothing arrives in the log group: CloudTrail is refused")
        }
    };
    let statement = of_others(targets, &at, &refusal);
    let message = format!("{what}: {}", refusal.message);
    Finding::new(harm, &at, code, message, help(statement.as_ref(), refusal.help)).about(statement)
}

/// Returns the statement of others that refuses, where one does.
fn of_others(targets: &Targets, at: &Address, refusal: &Refusal) -> Option<StatementRef> {
    let place = refusal.statement.as_ref().filter(|_| refusal.is_denied())?;
    let policy = targets.resources.get(at).and_then(Resource::shared_policy)?;
    StatementRef::of(at, policy.statements.get(place.index)?)
}

/// A statement of others that refuses is removed by naming it.
fn help(statement: Option<&StatementRef>, otherwise: String) -> String {
    match statement {
        Some(statement) => {
            format!("remove it with `orgtrail apply --destroy '{statement}' --allow weakens,destroys`, or {otherwise}")
        }
        None => otherwise,
    }
}

fn problem(at: Address, doubt: &Doubt) -> Problem {
    Problem {
        account: at.account.clone(),
        stage: Stage::Plan,
        code: "DeliveryUnproven".into(),
        message: format!(
            "{}: it is unknown whether CloudTrail may {} on {}: {}",
            doubt.document,
            doubt.action,
            doubt.resource,
            doubt.why.join("; ")
        ),
        help: "let the statement leave AWS services out (Bool aws:PrincipalIsAWSService false), or remove it".into(),
        address: Some(at),
    }
}
