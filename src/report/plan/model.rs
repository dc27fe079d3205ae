//! The JSON shapes that other programs read, version 1: written out field by field, so that a change of our own types
//! never changes them unnoticed. The same input gives the same bytes.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::estate::{Address, Problem, Stage, StatementRef};
use crate::plan::{
    Action, Change, Evidence, FieldChange, Finding, Harm, Headroom, Leftover, Plan, PlanOptions, Risk, Unproven,
    Violation,
};
use crate::report::text::json::FORMAT_VERSION;

/// A plan, or what drifted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The id of the organization.
    organization: &'a str,
    /// The name of the deployment.
    deployment: &'a str,
    /// What was decided when the plan was made, so that `apply` of this file decides the same.
    options: &'a PlanOptions,
    /// What the plan stands on; `apply` of this file refuses other ground.
    fingerprint: &'a str,
    /// Everything could be read and is as it should be: nothing to change, no finding that harms, nothing violated or unproven.
    in_sync: bool,
    /// Nothing was left out for want of access, and nothing is unproven.
    complete: bool,
    /// What the worst of all that is wrong does now; null where nothing is.
    worst_harm: Option<&'static str>,
    /// How many changes of each action there are.
    summary: Summary,
    /// The changes by what their drift does, the worst first; those of one harm in the order in which they are made.
    changes: Vec<ChangeJson<'a>>,
    /// What the documents let happen once the plan is done, and should not.
    violations: Vec<ViolationJson<'a>>,
    /// What of isolation could be neither proved nor refuted.
    unproven: Vec<UnprovenJson<'a>>,
    /// What is wrong now and no change repairs, the worst first.
    findings: Vec<FindingJson<'a>>,
    /// What could not be read, and why.
    problems: Vec<ProblemJson<'a>>,
    /// What stands against the plan: as long as there is one, `apply` changes nothing.
    blockers: Vec<ProblemJson<'a>>,
    /// Ours, and no longer wanted.
    leftovers: Vec<String>,
    /// The same, with the day from which each may be removed and how.
    kept: Vec<LeftoverJson<'a>>,
    /// Trails of others that record the same events.
    evidence: Vec<EvidenceJson<'a>>,
    /// How near quotas and sizes of documents are to their limits.
    headroom: Vec<HeadroomJson<'a>>,
}

/// How many changes of each action there are, and how many resources need none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// To create.
    pub create: usize,
    /// To update.
    pub update: usize,
    /// To take over.
    pub adopt: usize,
    /// To remove.
    pub retire: usize,
    /// As they should be.
    pub unchanged: usize,
}

impl Summary {
    /// Counts the changes of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut summary = Self { unchanged: plan.unchanged, ..Self::default() };
        for change in &plan.changes {
            match change.action {
                Action::Create => summary.create += 1,
                Action::Update => summary.update += 1,
                Action::Adopt => summary.adopt += 1,
                Action::Retire => summary.retire += 1,
            }
        }
        summary
    }
}

/// Where something is: the address whole and in parts, so that a reader need not take it apart.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::report) struct Place<'a> {
    /// The address: `account/region/kind/name`, with `global` for what has no region.
    address: String,
    /// The account id.
    account: &'a str,
    /// The region; null for what has none.
    region: Option<&'a str>,
    /// The kind of resource: `trail`, `bucket_policy`.
    kind: &'static str,
    /// The name within account, region and kind.
    name: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChangeJson<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// `create`, `update`, `adopt` or `retire`.
    action: &'static str,
    /// What making the change may do: `safe`, `weakens`, `interrupts`, `destroys`, `costs`.
    risk: Vec<&'static str>,
    /// What the drift does now, apart from what the repair risks.
    harm: &'static str,
    /// The part of the configuration that asks for it.
    reason: &'a str,
    /// What differs, field by field.
    fields: Vec<FieldJson>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FieldJson {
    /// The field: `logging`, `tags.cost-center`.
    path: String,
    /// Its value now; null where it has none.
    before: Value,
    /// Its value after the change; null where it has none.
    after: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::report) struct ProblemJson<'a> {
    /// The account id.
    account: &'a str,
    /// The address, where it is about one resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// What was being done: `discover`, `observe`, `execute` or another stage.
    stage: &'static str,
    /// The error code of AWS, or one of orgtrail.
    code: &'a str,
    /// What failed.
    message: &'a str,
    /// What to do next.
    help: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LeftoverJson<'a> {
    /// The address.
    address: String,
    /// The day from which `--prune` removes it (`YYYY-MM-DD`); null where it has none.
    until: Option<String>,
    /// How it is removed.
    how: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EvidenceJson<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// What the trail records.
    finding: &'a str,
    /// What the second copy costs.
    cost: &'a str,
    /// Since when both record.
    overlap: &'a str,
    /// The commands with which its owner ends that.
    commands: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
struct ViolationJson<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// What it does as long as it stays.
    harm: &'static str,
    /// The invariant that does not hold.
    invariant: &'static str,
    /// Who can, or cannot.
    principal: &'a str,
    /// The IAM action.
    action: &'a str,
    /// The ARN of what it is done to.
    resource: &'a str,
    /// The statement to blame, in words; null where one is missing.
    statement: Option<&'a str>,
    /// The statement, where others wrote it and `--destroy` can take it out.
    #[schemars(with = "Option<String>")]
    statement_ref: Option<&'a StatementRef>,
    /// What to do about it.
    repair: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UnprovenJson<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// The invariant that may not hold.
    invariant: &'static str,
    /// The principal or service that it is about.
    principal: &'a str,
    /// Why it could not be proved.
    why: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::report) struct FindingJson<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// What it does now.
    harm: &'static str,
    /// The code: see the list of findings.
    code: &'a str,
    /// What is so.
    message: &'a str,
    /// Since when (RFC 3339); null where it is not known.
    since: Option<&'a str>,
    /// Until when events can be saved (RFC 3339); null where nothing is lost, or it is not known.
    until: Option<&'a str>,
    /// What to do next.
    help: &'a str,
    /// The statement of others that it is about, as `--destroy` takes it.
    #[schemars(with = "Option<String>")]
    statement_ref: Option<&'a StatementRef>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HeadroomJson<'a> {
    /// The account id.
    account: &'a str,
    /// What is counted.
    what: &'a str,
    /// How much of it is used once the plan is applied.
    used: u64,
    /// The limit of AWS.
    limit: u64,
}

impl<'a> From<&'a Plan> for PlanJson<'a> {
    fn from(plan: &'a Plan) -> Self {
        let Plan {
            organization,
            deployment,
            changes,
            urgent: _,
            unchanged: _,
            blockers,
            problems,
            trails: _,
            leftovers,
            evidence,
            headroom,
            violations,
            unproven,
            findings,
            options,
            fingerprint,
        } = plan;
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            organization: organization.as_str(),
            deployment,
            options,
            fingerprint,
            in_sync: plan.in_sync(),
            complete: !plan.is_partial(),
            worst_harm: plan.worst_harm().map(Harm::as_str),
            summary: Summary::of(plan),
            changes: by_harm(changes, |change| change.harm).into_iter().map(ChangeJson::from).collect(),
            violations: by_harm(violations, Violation::harm).into_iter().map(ViolationJson::from).collect(),
            unproven: unproven.iter().map(UnprovenJson::from).collect(),
            findings: by_harm(findings, |finding| finding.harm).into_iter().map(FindingJson::from).collect(),
            problems: problems.iter().map(ProblemJson::from).collect(),
            blockers: blockers.iter().map(ProblemJson::from).collect(),
            leftovers: leftovers.iter().map(|leftover| leftover.address.to_string()).collect(),
            kept: leftovers.iter().map(LeftoverJson::from).collect(),
            evidence: evidence.iter().map(EvidenceJson::from).collect(),
            headroom: headroom.iter().map(HeadroomJson::from).collect(),
        }
    }
}

/// Sorts by harm, the worst first, and leaves what is of one harm in its order.
fn by_harm<T>(items: &[T], harm: impl Fn(&T) -> Harm) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_by_key(|item| harm(item));
    sorted
}

impl<'a> From<&'a Address> for Place<'a> {
    fn from(address: &'a Address) -> Self {
        let Address { account, region, kind, name } = address;
        Self {
            address: address.to_string(),
            account: account.as_str(),
            region: region.as_ref().map(|region| region.as_str()),
            kind: kind.as_str(),
            name,
        }
    }
}

impl<'a> From<&'a Change> for ChangeJson<'a> {
    fn from(change: &'a Change) -> Self {
        // The resources themselves are in the saved plan; what depends on what is how apply works, not what it does.
        let Change { address, operator: _, action, risk, harm, reason, .. } = change;
        let field = |FieldChange { path, before, after }: FieldChange| FieldJson { path, before, after };
        Self {
            place: address.into(),
            action: action.as_str(),
            risk: risk.iter().copied().map(Risk::as_str).collect(),
            harm: harm.as_str(),
            reason,
            fields: change.field_changes().into_owned().into_iter().map(field).collect(),
        }
    }
}

impl<'a> From<&'a Problem> for ProblemJson<'a> {
    fn from(problem: &'a Problem) -> Self {
        let Problem { account, address, stage, code, message, help } = problem;
        Self {
            account: account.as_str(),
            address: address.as_ref().map(Address::to_string),
            stage: stage_word(*stage),
            code,
            message,
            help,
        }
    }
}

/// Returns the word that reports use.
pub fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Discover => "discover",
        Stage::Observe => "observe",
        Stage::Plan => "plan",
        Stage::Apply => "apply",
        Stage::Delivery => "delivery",
    }
}

impl<'a> From<&'a Leftover> for LeftoverJson<'a> {
    fn from(leftover: &'a Leftover) -> Self {
        let Leftover { address, until, how } = leftover;
        Self { address: address.to_string(), until: until.map(|day| day.to_string()), how }
    }
}

impl<'a> From<&'a Evidence> for EvidenceJson<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let Evidence { address, finding, cost, overlap, commands } = evidence;
        Self { place: address.into(), finding, cost, overlap, commands }
    }
}

impl<'a> From<&'a Violation> for ViolationJson<'a> {
    fn from(violation: &'a Violation) -> Self {
        let Violation { address, invariant, principal, action, resource, statement, author: _ } = violation;
        let (place, harm) = (address.into(), violation.harm().as_str());
        let (invariant, statement) = (invariant.as_str(), statement.as_deref());
        let (repair, statement_ref) = (violation.repair(), violation.of_others());
        Self { repair, place, harm, invariant, principal, action, resource, statement, statement_ref }
    }
}

impl<'a> From<&'a Unproven> for UnprovenJson<'a> {
    fn from(unproven: &'a Unproven) -> Self {
        let Unproven { address, invariant, principal, why } = unproven;
        Self { place: address.into(), invariant: invariant.as_str(), principal, why }
    }
}

impl<'a> From<&'a Finding> for FindingJson<'a> {
    fn from(finding: &'a Finding) -> Self {
        let Finding { harm, address, code, message, since, until, help, statement } = finding;
        let (since, until) = (since.as_deref(), until.as_deref());
        let statement_ref = statement.as_ref();
        Self { place: address.into(), harm: harm.as_str(), code, message, since, until, help, statement_ref }
    }
}

impl<'a> From<&'a Headroom> for HeadroomJson<'a> {
    fn from(headroom: &'a Headroom) -> Self {
        let Headroom { account, what, used, limit } = headroom;
        Self { account: account.as_str(), what, used: *used, limit: *limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::apply::model::ApplyJson;
    use crate::report::plan::fixture;
    use crate::report::text::json::text;

    fn versionless(shape: &impl Serialize) -> String {
        text(shape).unwrap().replace(concat!('"', env!("CARGO_PKG_VERSION"), '"'), "\"VERSION\"")
    }

    #[test]
    fn the_json_of_a_plan_and_of_a_run() {
        insta::assert_snapshot!("plan_json_of_1_account", versionless(&PlanJson::from(&fixture::plan(1))));
        insta::assert_snapshot!("plan_json_of_12_accounts", versionless(&PlanJson::from(&fixture::plan(12))));
        // Each of a thousand changes has some twenty lines: the first and the last show what they are like.
        let mut large = serde_json::to_value(PlanJson::from(&fixture::plan(500))).unwrap();
        large["changes"].as_array_mut().unwrap().drain(1..997);
        insta::assert_snapshot!("plan_json_of_500_accounts", versionless(&large));
        insta::assert_snapshot!("apply_json", versionless(&ApplyJson::from(&fixture::apply_report(3))));
    }

    #[test]
    fn every_change_is_there() {
        let json: Value = serde_json::from_str(&text(&PlanJson::from(&fixture::plan(500))).unwrap()).unwrap();
        assert_eq!(json["changes"].as_array().unwrap().len(), 998);
        assert_eq!(json["summary"]["create"], 994);
        assert_eq!(json["in_sync"], false);
        assert_eq!(json["complete"], false);
    }

    #[test]
    fn hostile_text_comes_back_as_it_was() {
        let (plan, _) = fixture::hostile();
        let text = text(&PlanJson::from(&plan)).unwrap();
        assert!(!text.contains('\u{1b}'));
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["problems"][0]["message"], fixture::HOSTILE);
    }
}
