//! Two estates in, ordered changes out, each with its risk and reason. Pure.
//!
//! [`plan`] works in this order: compare each wanted address with what was seen there (`diff`), find what is ours and
//! no longer wanted (`leftovers`, `handover`), judge the risks (`risk`), put the changes in an order that AWS accepts
//! (`transition`, `order`), prove who reads whose logs afterwards ([`isolation`]), judge who else does and what leads
//! out ([`mod@surroundings`]), say what the drift does now (`harm`, `loss`) and what CloudTrail says of its deliveries
//! ([`delivery`]), and look for what stands against
//! doing any of it (`limits`, [`preflight`], `guard`, `sanity`). What records beside ours is `other_trails`. What a
//! plan stands on is its `fingerprint`.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estate::{Address, Desired, Estate, Kind, Problem, StatementRef};
use crate::ids::{AccountId, OrganizationId};
use crate::organization::Organization;

pub mod adoption;
mod advice;
mod aws_config;
pub mod change;
mod close;
mod deleted_principals;
pub mod delivery;
mod diff;
pub mod earlier_lakes;
pub mod field_change;
pub mod finding;
pub mod finding_codes;
mod fingerprint;
mod guard;
mod handover;
mod harm;
pub mod isolation;
mod lake;
mod limits;
pub mod lockout;
pub mod loss;
mod order;
mod orphans;
mod other_trails;
pub mod past;
pub mod preflight;
mod proved;
mod removal;
mod retention;
mod risk;
mod sanity;
pub mod saved;
mod scope;
pub mod surroundings;
mod taken;
mod transition;
pub mod urgent;
pub mod violation;

pub use change::{Action, Begun, Change, Risk, Step};
pub use diff::effective;
pub use field_change::{Differences, FieldChange};
pub use finding::{Finding, Harm, Unproven};
pub use harm::EXPOSED;
pub use violation::{Author, Violation};

/// What would be done, and what has to be known before it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The organization that it was made for.
    pub organization: OrganizationId,
    /// The name in the ownership tag.
    pub deployment: String,
    /// The changes, each after all that it depends on.
    pub changes: Vec<Change>,
    /// The parts of the changes that wait for nothing, made before all else: see [`urgent`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urgent: Vec<Change>,
    /// How many wanted resources are already as they should be.
    pub unchanged: usize,
    /// What stands against doing all of it, mostly against one resource or in one account (see
    /// [`Plan::stands_against`]): a quota that is full, a document over its size limit, another deployment's resource.
    pub blockers: Vec<Problem>,
    /// What could not be read, so that nothing was planned there.
    pub problems: Vec<Problem>,
    /// Our trails, whose delivery is looked at after the run.
    pub trails: Vec<TrailSite>,
    /// Ours, and no longer wanted; removed only when asked to.
    pub leftovers: Vec<Leftover>,
    /// Trails beside the wanted ones that record the same events.
    pub other_trails: Vec<OtherTrail>,
    /// How near documents and quotas are to their limits, nearest first.
    pub headroom: Vec<Headroom>,
    /// What the documents let happen once the plan is done, and should not; whether the plan makes it or leaves it.
    #[serde(default)]
    pub violations: Vec<Violation>,
    /// What of isolation could be neither proved nor refuted: never taken for proved.
    #[serde(default)]
    pub unproven: Vec<Unproven>,
    /// What is wrong now and is no change of this plan, the worst first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What the person who planned has decided.
    pub options: PlanOptions,
    /// SHA-256 of everything observed that the changes stand on, in hexadecimal digits.
    pub fingerprint: String,
}

/// A trail of this deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailSite {
    /// The trail.
    pub address: Address,
    /// The account whose credentials manage it.
    pub operator: AccountId,
}

/// What this deployment made and does not want any more, and this plan leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leftover {
    /// The address.
    #[schemars(with = "String")]
    pub address: Address,
    /// The day from which `--prune` removes it (`YYYY-MM-DD`); none where there is none, or it is not known yet.
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// Until when it is kept, and with which flag it is removed, in words.
    pub how: String,
}

/// A trail that is not wanted: somebody else's, or an earlier one of this deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherTrail {
    /// The trail.
    pub address: Address,
    /// What it is and what it records, in a sentence.
    pub finding: String,
    /// What it costs, in a sentence; empty where it costs nothing more.
    pub cost: String,
    /// From when to when both record, in a sentence; empty where it records nothing that a wanted trail records.
    #[serde(default)]
    pub overlap: String,
    /// The commands with which its owner ends that. orgtrail never runs them.
    #[serde(default)]
    pub commands: Vec<String>,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headroom {
    /// The account that the limit belongs to.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// What is limited, such as `bytes of the bucket policy` or `roles in the account`.
    pub what: String,
    /// How much is used once the plan is done.
    pub used: u64,
    /// How much may be.
    pub limit: u64,
}

/// What the person who plans has decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanOptions {
    /// Remove what this deployment has and no longer configures.
    pub prune: bool,
    /// Take the statements of others out of shared policies where they break isolation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
    /// Go on although far fewer accounts are selected than have reader roles.
    pub accept_fewer_accounts: bool,
    /// The day on which it was decided to prune: what is kept until a later day stays. None removes nothing that has a
    /// day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub today: Option<Date>,
    /// Earlier places of logs that are given up, by the name of the bucket or the ARN of the key: readers do not read
    /// there and nothing watches them from then on. Nothing is deleted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub give_up: BTreeSet<String>,
    /// Earlier trails of this deployment to be deleted, each named by its ARN, or by its name for all of this name; and
    /// statements of others to be removed from a policy ([`StatementRef`]).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub destroy: BTreeSet<String>,
}

impl Plan {
    /// Tells whether everything that could be read is as it should be: nothing to change, nothing violated or unproven,
    /// no finding that harms, nothing that stands against the plan.
    pub fn in_sync(&self) -> bool {
        !self.has_findings() && self.unproven.is_empty()
    }

    /// Tells whether there is something to do or to know, for which commands end with exit code 2.
    pub fn has_findings(&self) -> bool {
        let harms = |finding: &Finding| finding.harm.does_harm();
        !self.changes.is_empty()
            || !self.violations.is_empty()
            || !self.blockers.is_empty()
            || self.findings.iter().any(harms)
    }

    /// Tells whether something could not be read or proved, for which commands end with exit code 3 if nothing was
    /// found.
    pub fn is_partial(&self) -> bool {
        !self.problems.is_empty() || !self.unproven.is_empty()
    }

    /// Tells whether a statement of others is still there once the plan is done.
    pub fn leaves(&self, statement: &StatementRef) -> bool {
        let change = self.changes.iter().find(|change| change.address == statement.address);
        let policy = change.and_then(|change| change.desired()?.shared_policy());
        policy.is_none_or(|policy| statement.is_in(policy))
    }

    /// Returns the worst harm of what drifted or was found.
    pub fn worst_harm(&self) -> Option<Harm> {
        let changes = self.changes.iter().map(|change| change.harm);
        let findings = self.findings.iter().map(|finding| finding.harm);
        let violations = self.violations.iter().map(Violation::harm);
        changes.chain(findings).chain(violations).min()
    }
}

/// Returns the changes that turn `observed` into `desired`, and everything to be known before they are made.
pub fn plan(desired: &Desired, observed: &Estate, organization: &Organization, options: PlanOptions) -> Plan {
    let again = |desired: &Desired| planned(desired, observed, organization, options.clone());
    let plan = again(desired);
    if options.close { close::closed(plan, desired, again) } else { plan }
}

fn planned(desired: &Desired, observed: &Estate, organization: &Organization, options: PlanOptions) -> Plan {
    let compared = diff::compare(desired, observed);
    let leftovers = orphans::sort(desired, observed, organization, &options);
    let mut changes = compared.changes;
    let mut blockers = compared.blockers;
    let mut findings = retention::spare_mfa_delete(&mut changes);
    let other_trails = other_trails::find(desired, observed);
    for change in &mut changes {
        change.risk = risk::of(change, &other_trails, observed);
    }
    past::judge(desired, &mut changes);
    changes.extend(leftovers.changes);
    blockers.extend(handover::misnamed(desired, observed, &options));
    transition::add_edges(&mut changes);
    let isolation::ProofOutcome { mut violations, mut unproven } =
        isolation::check(desired, observed, organization, &mut changes);
    let mut changes = order::ordered(changes);
    let around = surroundings::around(desired, observed, organization, surroundings::When::Planned);
    violations.extend(around.violations);
    unproven.extend(around.unproven.into_iter().map(|open| isolation::placed(open, desired)));
    let of_past = past::check(desired, observed, organization, &changes);
    let of_lakes = earlier_lakes::check(desired, observed, organization, &changes);
    violations.extend(of_past.violations.into_iter().chain(of_lakes.violations));
    violations.sort_by(|one, other| (one.harm(), one).cmp(&(other.harm(), other)));
    violations.dedup();
    unproven.extend(of_past.unproven.into_iter().chain(of_lakes.unproven));
    unproven.sort();
    unproven.dedup();
    harm::judge(&mut changes, desired, observed, organization);
    findings.extend(delivery::findings(desired, observed, organization));
    findings.extend(loss::findings(&changes, desired, observed));
    findings.extend(around.findings);
    findings.extend(advice::findings(desired, observed));
    findings.extend(retention::remarks(&changes));
    findings.extend(adoption::findings(desired, observed, &changes));
    findings.extend(deleted_principals::findings(desired, observed));
    findings.extend(past::findings(desired, observed, &changes));
    findings.extend(lake::findings(desired, observed));
    findings.extend(earlier_lakes::findings(desired, observed));
    findings.extend(aws_config::findings(desired, observed));
    blockers.extend(past::blockers(desired, observed, &options));
    blockers.extend(taken::blockers(observed, &changes));
    let headroom = limits::headroom(desired, observed, &changes);
    blockers.extend(limits::blockers(&headroom, desired, observed, &changes));
    let now = preflight::now(desired, observed, organization);
    findings.extend(harm::worsened(&mut changes, &now.findings));
    if !changes.is_empty() {
        blockers.extend(preflight::blockers(desired, observed, organization, &now));
        blockers.extend(guard::blockers(desired));
    }
    if !options.accept_fewer_accounts {
        blockers.extend(sanity::far_fewer_accounts(desired, observed));
    }
    findings.extend(lockout::findings(desired, observed));
    Plan {
        organization: desired.organization.clone(),
        deployment: desired.deployment.clone(),
        fingerprint: fingerprint::fingerprint(&changes, desired, observed),
        urgent: urgent::parts(desired, observed, changes.iter().chain(&compared.others)),
        changes,
        unchanged: compared.unchanged,
        blockers,
        problems: diff::without_repetitions(
            compared
                .problems
                .into_iter()
                .chain(orphans::unknown(desired, observed))
                .chain(desired.problems.clone())
                .chain(advice::problems(desired, observed))
                .chain(past::unknown(desired, observed))
                .chain(lake::unknown(desired, observed))
                .chain(earlier_lakes::unknown(desired, observed))
                .chain(aws_config::unknown(desired, observed))
                .chain(lockout::problems(desired, observed))
                .chain(around.problems)
                .chain(now.problems),
        ),
        trails: trails(desired),
        leftovers: leftovers
            .kept
            .into_iter()
            .chain(past::leftovers(desired, observed))
            .chain(earlier_lakes::leftovers(desired, observed))
            .chain(aws_config::leftovers(desired, observed))
            .collect(),
        other_trails,
        headroom,
        violations,
        unproven,
        findings: sorted(findings, now.findings),
        options,
    }
}

/// Returns all findings, the worst first.
fn sorted(mut findings: Vec<Finding>, more: Vec<Finding>) -> Vec<Finding> {
    findings.extend(more);
    findings.sort();
    findings
}

fn trails(desired: &Desired) -> Vec<TrailSite> {
    let trails = desired.wanted.iter().filter(|(address, _)| address.kind == Kind::Trail);
    trails.map(|(address, wanted)| TrailSite { address: address.clone(), operator: wanted.operator.clone() }).collect()
}
