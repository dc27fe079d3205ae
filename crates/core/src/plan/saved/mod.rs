//! The JSON of a plan, version 1: one type, which `plan` and `drift` write and which `apply FILE` and the next `drift`
//! read.
//!
//! It is written out field by field, so that a change of our own types never changes it unnoticed; the same plan gives
//! the same bytes. A file is read part by part, so that an error names the part and the entry. A file comes from a
//! cache, an artifact or a hand: what contradicts itself is refused.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use read::{BadPart, BadPlan, Parts};

use super::{
    Action, Change, FieldChange, Finding, Harm, Headroom, Leftover, OtherTrail, Plan, PlanOptions, Risk, Unproven,
    Violation,
};
use crate::estate::{Address, Problem, StatementRef};
use crate::ids::{AccountId, OrganizationId, Region};
use crate::policy::isolation::Invariant;

/// The version of the JSON of plans and of all other reports. It grows when a field loses its name or its meaning, not
/// when one is added.
pub const FORMAT_VERSION: u32 = 1;

/// A plan, or what drifted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SavedPlan {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it; none where it did not say.
    #[schemars(required)]
    tool_version: Option<String>,
    /// The id of the organization that it was made for.
    #[schemars(with = "String")]
    pub organization: OrganizationId,
    /// The name of the deployment.
    pub deployment: String,
    /// What was decided when the plan was made, so that `apply` of this file decides the same.
    pub options: PlanOptions,
    /// What the plan stands on; `apply` of this file refuses where AWS changed since.
    pub fingerprint: String,
    /// Everything could be read and is as it should be: nothing to change, no finding that harms, nothing violated or
    /// unproven.
    in_sync: bool,
    /// Nothing was left out for want of access, and nothing is unproven.
    complete: bool,
    /// What the worst of all that is wrong does now; null where nothing is.
    worst_harm: Option<Harm>,
    /// How many changes of each action there are.
    summary: Summary,
    /// The changes by what their drift does, the worst first; those of one harm in the order in which they are made.
    pub changes: Vec<ChangeJson>,
    /// What the documents let happen once the plan is done, and should not.
    pub violations: Vec<ViolationJson>,
    /// What of isolation could be neither proved nor refuted.
    pub unproven: Vec<UnprovenJson>,
    /// What is wrong now and no change repairs, the worst first.
    pub findings: Vec<FindingJson>,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
    /// What stands against the plan: as long as there is one, `apply` changes nothing.
    pub blockers: Vec<Problem>,
    /// What this deployment made and does not want any more.
    #[schemars(with = "Vec<String>")]
    leftovers: Vec<Address>,
    /// The same, with the day from which each may be removed and how.
    kept: Vec<Leftover>,
    /// Trails beside the wanted ones that record the same events.
    pub other_trails: Vec<TrailJson>,
    /// How near quotas and sizes of documents are to their limits.
    headroom: Vec<Headroom>,
}

/// How many changes of each action there are, and how many resources need none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
        Self::count(plan.changes.iter().map(Change::action), plan.unchanged)
    }

    fn count(actions: impl Iterator<Item = Action>, unchanged: usize) -> Self {
        let mut summary = Self { unchanged, ..Self::default() };
        for action in actions {
            match action {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "AddressParts", try_from = "AddressParts")]
#[schemars(with = "AddressParts")]
pub struct AddressJson(pub Address);

#[derive(Serialize, Deserialize, PartialEq, JsonSchema)]
struct AddressParts {
    /// The address: `account/region/kind/name`, with `global` for what has no region.
    #[schemars(with = "String")]
    address: Address,
    /// The account id.
    #[schemars(with = "String")]
    account: AccountId,
    /// The region; null for what has none.
    #[schemars(with = "Option<String>")]
    region: Option<Region>,
    /// The kind of resource: `trail`, `bucket_policy`.
    kind: String,
    /// The name within account, region and kind.
    name: String,
}

impl From<AddressJson> for AddressParts {
    fn from(AddressJson(address): AddressJson) -> Self {
        let Address { account, region, kind, name } = address.clone();
        Self { address, account, region, kind: kind.as_str().to_owned(), name }
    }
}

impl TryFrom<AddressParts> for AddressJson {
    type Error = String;

    fn try_from(parts: AddressParts) -> Result<Self, Self::Error> {
        let read = AddressJson(parts.address.clone());
        if AddressParts::from(read.clone()) != parts {
            return Err(format!("its account, region, kind and name are not those of its address {}", parts.address));
        }
        Ok(read)
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeJson {
    /// Where.
    #[serde(flatten)]
    pub place: AddressJson,
    /// What is done.
    pub action: Action,
    /// What making the change may do.
    risk: Vec<Risk>,
    /// What the drift does now, apart from what the repair risks; not set by versions that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub harm: Option<Harm>,
    /// The part of the configuration that asks for it.
    reason: String,
    /// What differs, field by field.
    fields: Vec<FieldJson>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FieldJson {
    /// The field: `logging`, `tags.cost-center`.
    path: String,
    /// Its value now; null where it has none.
    before: Value,
    /// Its value after the change; null where it has none.
    after: Value,
}

/// A violation of isolation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViolationJson {
    /// The resource.
    #[serde(flatten)]
    pub place: AddressJson,
    /// What it does as long as it stays; not set by versions that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub harm: Option<Harm>,
    /// The invariant that does not hold.
    pub invariant: Invariant,
    /// Who can, or cannot.
    pub principal: String,
    /// The IAM action.
    pub action: String,
    /// The ARN of what it is done to.
    pub resource: String,
    /// The statement to blame, in words; null where one is missing.
    statement: Option<String>,
    /// The statement, where others wrote it and `--destroy` can take it out.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    statement_ref: Option<StatementRef>,
    /// What to do about it.
    #[serde(default)]
    repair: String,
}

/// What of isolation is not proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnprovenJson {
    /// The resource.
    #[serde(flatten)]
    pub place: AddressJson,
    /// The invariant that may not hold.
    pub invariant: Invariant,
    /// The principal or service that it is about.
    pub principal: String,
    /// Why it could not be proved.
    why: String,
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingJson {
    /// The resource.
    #[serde(flatten)]
    pub place: AddressJson,
    /// What it does now.
    pub harm: Harm,
    /// The code: see the list of findings.
    pub code: String,
    /// What is so.
    pub message: String,
    /// Since when (RFC 3339); null where it is not known.
    since: Option<String>,
    /// Until when events can be saved (RFC 3339); null where nothing is lost, or it is not known.
    until: Option<String>,
    /// What to do next.
    help: String,
    /// The statement of others that it is about, as `--destroy` takes it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    statement_ref: Option<StatementRef>,
}

/// A trail beside the wanted ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrailJson {
    /// The trail.
    #[serde(flatten)]
    pub place: AddressJson,
    /// What the trail records.
    finding: String,
    /// What the second copy costs.
    cost: String,
    /// Since when both record; not set where it is left out of a comparison, and by versions that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlap: Option<String>,
    /// The commands with which its owner ends that.
    #[serde(default)]
    commands: Vec<String>,
}

impl From<&Plan> for SavedPlan {
    fn from(plan: &Plan) -> Self {
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
            other_trails,
            headroom,
            violations,
            unproven,
            findings,
            options,
            fingerprint,
        } = plan;
        Self {
            format_version: FORMAT_VERSION,
            tool_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            organization: organization.clone(),
            deployment: deployment.clone(),
            options: options.clone(),
            fingerprint: fingerprint.clone(),
            in_sync: plan.in_sync(),
            complete: !plan.is_partial(),
            worst_harm: plan.worst_harm(),
            summary: Summary::of(plan),
            changes: by_harm(changes, |change| change.harm).into_iter().map(ChangeJson::from).collect(),
            violations: by_harm(violations, Violation::harm).into_iter().map(ViolationJson::from).collect(),
            unproven: unproven.iter().map(UnprovenJson::from).collect(),
            findings: by_harm(findings, |finding| finding.harm).into_iter().map(FindingJson::from).collect(),
            problems: problems.clone(),
            blockers: blockers.clone(),
            leftovers: leftovers.iter().map(|leftover| leftover.address.clone()).collect(),
            kept: leftovers.clone(),
            other_trails: other_trails.iter().map(TrailJson::from).collect(),
            headroom: headroom.clone(),
        }
    }
}

/// Sorts by harm, the worst first, and leaves what is of one harm in its order.
fn by_harm<T>(items: &[T], harm: impl Fn(&T) -> Harm) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_by_key(|item| harm(item));
    sorted
}

impl From<&Change> for ChangeJson {
    fn from(change: &Change) -> Self {
        // The resources themselves are not in it, nor what depends on what: that is how apply works, not what it does.
        let Change { address, operator: _, step: _, risk, harm, reason, depends_on: _ } = change;
        let field = |field: &FieldChange| FieldJson {
            path: field.path.clone(),
            before: field.before_json(),
            after: field.after_json(),
        };
        Self {
            place: AddressJson(address.clone()),
            action: change.action(),
            risk: risk.iter().copied().collect(),
            harm: Some(*harm),
            reason: reason.clone(),
            fields: change.field_changes().iter().map(field).collect(),
        }
    }
}

impl From<&Violation> for ViolationJson {
    fn from(violation: &Violation) -> Self {
        let Violation { address, invariant, principal, action, resource, statement, author: _ } = violation;
        Self {
            place: AddressJson(address.clone()),
            harm: Some(violation.harm()),
            invariant: *invariant,
            principal: principal.clone(),
            action: action.clone(),
            resource: resource.clone(),
            statement: statement.clone(),
            statement_ref: violation.of_others().cloned(),
            repair: violation.repair(),
        }
    }
}

impl From<&Unproven> for UnprovenJson {
    fn from(unproven: &Unproven) -> Self {
        let Unproven { address, invariant, principal, why } = unproven.clone();
        Self { place: AddressJson(address), invariant, principal, why }
    }
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        let Finding { harm, address, code, message, since, until, help, statement } = finding.clone();
        Self { place: AddressJson(address), harm, code, message, since, until, help, statement_ref: statement }
    }
}

impl From<&OtherTrail> for TrailJson {
    fn from(trail: &OtherTrail) -> Self {
        let OtherTrail { address, finding, cost, overlap, commands } = trail.clone();
        Self { place: AddressJson(address), finding, cost, overlap: Some(overlap), commands }
    }
}

impl TrailJson {
    /// Returns it without since when both record.
    pub fn without_overlap(&self) -> Self {
        Self { overlap: None, ..self.clone() }
    }
}

impl SavedPlan {
    /// Tells whether this version of orgtrail wrote it.
    pub fn is_of_this_version(&self) -> bool {
        self.tool_version.as_deref() == Some(env!("CARGO_PKG_VERSION"))
    }

    /// Says in what a plan that was made now is another than this one: nothing where it is the same.
    pub fn moved(&self, now: &Plan) -> Vec<String> {
        let now = Self::from(now);
        let mut moved = Vec::new();
        let mut compare = |name: &str, then: &str, now: &str| {
            if then != now {
                moved.push(format!("the plan is for {name} {then:?}, this is {now:?}"));
            }
        };
        compare("organization", self.organization.as_str(), now.organization.as_str());
        compare("deployment", &self.deployment, &now.deployment);
        if self.tool_version != now.tool_version {
            let version = self.tool_version.as_deref().unwrap_or("of an unknown version");
            moved.push(format!("it was made by orgtrail {version}, this is {}", env!("CARGO_PKG_VERSION")));
        }
        let stands = |plan: &Self| -> BTreeSet<(String, AccountId, Option<Address>)> {
            let of = |it: &Problem| (it.code.clone(), it.account.clone(), it.address.clone());
            plan.blockers.iter().map(of).collect()
        };
        if stands(self) != stands(&now) {
            moved.push("what stands against the plan is not the same".into());
        }
        moved.extend(moved_changes(&self.changes, &now.changes));
        if moved.is_empty() && (&self.fingerprint, &self.changes) != (&now.fingerprint, &now.changes) {
            moved.push("something that the plan found as wanted is not as it was then".into());
        }
        moved
    }
}

/// Says which changes are new, gone or other than in the saved plan.
fn moved_changes(then: &[ChangeJson], now: &[ChangeJson]) -> Vec<String> {
    let by_address = |list: &'_ [ChangeJson]| -> BTreeMap<Address, ChangeJson> {
        list.iter().map(|change| (change.place.0.clone(), change.clone())).collect()
    };
    let (old, new) = (by_address(then), by_address(now));
    let at = |change: &&ChangeJson, list: &BTreeMap<Address, ChangeJson>| list.contains_key(&change.place.0);
    let gone = then.iter().filter(|change| !at(change, &new));
    let other = now.iter().filter(|change| old.get(&change.place.0).is_some_and(|then| then != *change));
    let added = now.iter().filter(|change| !at(change, &old));
    gone.map(|change| format!("{} needs no change any more", change.place.0))
        .chain(other.map(|change| format!("{} is not as it was", change.place.0)))
        .chain(added.map(|change| format!("{} needs a change that is not in the plan", change.place.0)))
        .collect()
}
