//! Compares each wanted address with what was seen there.

use std::collections::{BTreeMap, BTreeSet};

use super::aws_config;
use super::change::{Begun, Change, Risk, Step};
use super::field_change::FieldChange;
use super::finding::Harm;
use super::removal::is_named;
use crate::estate::topic::is_managed_by_sns;
use crate::estate::{
    Address, Desired, Estate, Field, FieldValue, Kind, LEFT_TAG, Problem, Resource, Sighting, Stage, Wanted,
};
use crate::ids::Arn;
use crate::policy::lint::outside_grants;
use crate::policy::merge::merge;
use crate::policy::{Aliases, Statement};

/// The code of a resource in whose tag another deployment's name stands.
pub(super) const OTHER_DEPLOYMENT: &str = "OtherDeployment";

/// What came out of the comparison.
#[derive(Default)]
pub(super) struct Compared {
    pub changes: Vec<Change>,
    /// What would change where another deployment's name stands in the tag. It is not planned, only looked at for what
    /// waits for nobody.
    pub others: Vec<Change>,
    pub unchanged: usize,
    pub blockers: Vec<Problem>,
    pub problems: Vec<Problem>,
    /// Some wanted key was not seen, so that what names it may not be comparable.
    lacks_key: bool,
}

/// Compares every wanted address.
pub(super) fn compare(desired: &Desired, observed: &Estate) -> Compared {
    let aliases = observed.aliases(desired.partition);
    let unseen = |address: &Address| {
        address.kind == Kind::Key && matches!(observed.sightings.get(address), None | Some(Sighting::Unreadable(_)))
    };
    let mut compared = Compared { lacks_key: desired.wanted.keys().any(unseen), ..Compared::default() };
    for (address, wanted) in &desired.wanted {
        compare_one(desired, observed, &aliases, address, wanted, &mut compared);
    }
    let addresses: BTreeSet<Address> = compared.changes.iter().map(|change| change.address.clone()).collect();
    for change in &mut compared.changes {
        change.depends_on.retain(|address| addresses.contains(address));
    }
    compared.problems = without_repetitions(compared.problems);
    compared
}

fn compare_one(
    desired: &Desired,
    observed: &Estate,
    aliases: &Aliases,
    address: &Address,
    wanted: &Wanted,
    compared: &mut Compared,
) {
    let seen = match observed.sightings.get(address) {
        None => return compared.problems.push(not_looked_at(address)),
        Some(Sighting::Unreadable(problem)) => return compared.problems.push(problem.clone()),
        Some(Sighting::Absent) => None,
        Some(Sighting::Present(resource)) => Some(resource.as_ref()),
    };
    let resource = effective(desired, observed, address, wanted);
    if compared.lacks_key
        && let Some(problem) = unseen_key(observed, &resource)
    {
        return compared.problems.push(problem);
    }
    let mut is_other = false;
    let step = match seen {
        None => Some(Step::create(resource)),
        Some(seen) => {
            let fields = differences(&resource, seen, aliases);
            let observed = seen.clone();
            match ownership(seen, &desired.deployment) {
                Ownership::Ours => {
                    if let Some(other) = aws_config::collects_from_accounts(address, &resource, seen) {
                        compared.blockers.push(other);
                        is_other = true;
                    }
                    Step::update(resource, observed, fields)
                }
                Ownership::HalfMade => {
                    Some(Step::Create { desired: resource, begun: Some(Begun { observed, fields }) })
                }
                Ownership::Foreign => {
                    if let Some(taken) = aws_config::taken(address, seen, &fields) {
                        compared.blockers.push(taken);
                        is_other = true;
                    }
                    Some(Step::Adopt { desired: resource, observed, fields })
                }
                Ownership::Other(deployment) => {
                    compared.blockers.push(of_another(address, deployment));
                    is_other = true;
                    Some(Step::Adopt { desired: resource, observed, fields })
                }
            }
        }
    };
    let Some(step) = step else {
        compared.unchanged += 1;
        return;
    };
    let list = if is_other { &mut compared.others } else { &mut compared.changes };
    list.push(Change {
        address: address.clone(),
        operator: wanted.operator.clone(),
        step,
        risk: BTreeSet::from([Risk::Safe]),
        harm: Harm::Harmless,
        reason: wanted.reason.to_owned(),
        depends_on: wanted.depends_on.clone(),
    });
}

/// Returns a wanted resource as it would be sent: with the ARNs that are known by now, and with the statements of
/// others that stay in a shared policy.
pub fn effective(desired: &Desired, observed: &Estate, address: &Address, wanted: &Wanted) -> Resource {
    let mut resource = wanted.resource.clone();
    resource.resolve(&|key| key_arn(observed, key));
    if let Some(live) = observed.resource(address).and_then(Resource::shared_policy)
        && let Some(policy) = resource.shared_policy_mut()
    {
        *policy = merge(policy, live, |statement| keeps(desired, address, statement));
    }
    if let (Resource::Topic(wish), Some(Resource::Topic(seen))) = (&mut resource, observed.resource(address))
        && wish.key.is_none()
        && seen.key.as_deref().is_some_and(|key| is_managed_by_aws(observed, key))
    {
        // Nobody can let CloudTrail use SNS's own key, so that nobody hears of log files any more: it is taken away.
        wish.key = Some(String::new());
    }
    if let (Resource::Role(wish), Some(Resource::Role(seen))) = (&mut resource, observed.resource(address))
        && seen.tags.get(LEFT_TAG).is_some_and(|left| !left.is_empty())
    {
        // The account is back: the day on which it left says nothing of the next time.
        wish.tags.insert(LEFT_TAG.to_owned(), String::new());
    }
    resource
}

fn is_managed_by_aws(observed: &Estate, key: &str) -> bool {
    is_managed_by_sns(key) || observed.keys.get(key).is_some_and(|seen| seen.managed_by_aws)
}

/// A statement of others stays unless it opens the logs to somebody outside the organization, or a person named it.
fn keeps(desired: &Desired, address: &Address, statement: &Statement) -> bool {
    !is_named(desired, address, statement)
        && outside_grants(statement, Some(&desired.organization), &desired.known_accounts, &[]).is_none()
}

enum Ownership<'a> {
    Ours,
    HalfMade,
    Foreign,
    Other(&'a str),
}

/// Kinds that carry no tags belong to the resource that they are a part of, or to the organization.
fn ownership<'a>(seen: &'a Resource, deployment: &str) -> Ownership<'a> {
    match seen.kind() {
        Kind::TrustedAccess | Kind::DelegatedAdministrator | Kind::BucketPolicy | Kind::KeyPolicy => Ownership::Ours,
        _ => match seen.deployment() {
            Some(owner) if owner == deployment => Ownership::Ours,
            Some(owner) => Ownership::Other(owner),
            None if matches!(seen, Resource::Bucket(bucket) if bucket.untouched) => Ownership::HalfMade,
            None => Ownership::Foreign,
        },
    }
}

/// Returns the ARN of a wanted key, as far as it is known.
pub(super) fn key_arn(observed: &Estate, address: &Address) -> Option<String> {
    match observed.sightings.get(address) {
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::Key(key) => key.arn.clone(),
            _ => None,
        },
        // A key that was not seen is still the one that everything is encrypted with.
        Some(Sighting::Unreadable(_)) | None => arn_in_use(observed, address),
        Some(Sighting::Absent) => None,
    }
}

/// Returns the ARN of the key of an account and region with which a bucket or a trail encrypts.
fn arn_in_use(observed: &Estate, key: &Address) -> Option<String> {
    let arns = observed.resources().filter_map(|(_, resource)| match resource {
        Resource::Bucket(bucket) => bucket.key(),
        Resource::Trail(trail) => trail.key.as_ref(),
        _ => None,
    });
    let here = |text: &&String| {
        text.parse::<Arn>().is_ok_and(|arn| {
            arn.is_kms_key()
                && arn.account() == key.account.as_str()
                && key.region.as_ref().is_some_and(|region| region.as_str() == arn.region())
        })
    };
    arns.into_iter().find(here).cloned()
}

/// Returns the problem of a key that a resource names and that was not seen: what depends on it is not planned.
fn unseen_key(observed: &Estate, resource: &Resource) -> Option<Problem> {
    let unresolved = resource.clone().resolve(&|_| None);
    unresolved.iter().find_map(|key| match observed.sightings.get(key) {
        Some(Sighting::Unreadable(problem)) => Some(problem.clone()),
        None => Some(not_looked_at(key)),
        Some(Sighting::Present(_) | Sighting::Absent) => None,
    })
}

/// Returns the fields in which what was seen is not what is desired.
pub(super) fn differences(wish: &Resource, seen: &Resource, aliases: &Aliases) -> Vec<FieldChange> {
    let seen_fields: BTreeMap<String, FieldValue> = seen.fields().into_iter().map(|f| (f.path, f.value)).collect();
    let mut changes: Vec<FieldChange> = wish
        .wished_fields()
        .into_iter()
        .filter_map(|Field { path, value }| {
            let before = seen_fields.get(&path);
            let met = before.is_some_and(|before| value.is_met_by(before, aliases));
            (!met).then(|| FieldChange { path, before: before.cloned(), after: Some(value) })
        })
        .collect();
    changes.extend(surplus_policies(wish, &seen_fields));
    changes
}

/// An inline policy that a role has beyond the wanted ones is shown whole, because it gives rights.
fn surplus_policies(wish: &Resource, seen: &BTreeMap<String, FieldValue>) -> Vec<FieldChange> {
    let Resource::Role(role) = wish else {
        return Vec::new();
    };
    let surplus = seen
        .iter()
        .filter(|(path, _)| path.strip_prefix("inline.").is_some_and(|name| !role.inline.contains_key(name)));
    surplus.map(|(path, value)| FieldChange { path: path.clone(), before: Some(value.clone()), after: None }).collect()
}

/// Says that the recorded estate tells nothing of an address.
pub(super) fn not_looked_at(address: &Address) -> Problem {
    Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Observe,
        code: "NotRecorded".into(),
        message: "this was not looked at when the estate was recorded".into(),
        help: "record the estate again with `orgtrail snapshot` and this configuration".into(),
    }
}

fn of_another(address: &Address, deployment: &str) -> Problem {
    Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Plan,
        code: OTHER_DEPLOYMENT.into(),
        message: format!("this {} belongs to the deployment {deployment:?}", address.kind.words()),
        help: "give it another name in this configuration, or take the tag `orgtrail:deployment` off if that deployment is gone"
            .into(),
    }
}

/// An account that cannot be entered gives the same problem for each of its addresses; one is enough.
pub(super) fn without_repetitions(problems: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
    problems.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
