//! Quotas and size limits, checked before anything is done.

use std::collections::BTreeMap;

use super::Headroom;
use super::change::{Action, Change};
use crate::estate::{Address, Desired, Estate, Kind, Limits, Problem, Resource, Stage};
use crate::ids::AccountId;
use crate::policy::{PolicyDocument, lint};

/// Trails that may record one region of one account (CloudTrail user guide, "Quotas"). It cannot be raised.
const TRAILS_PER_REGION: u64 = 5;

/// The code of a limit that would be passed.
pub(super) const EXCEEDED: &str = "LimitExceeded";

/// Measures every limit that the plan comes near, the largest document of each kind, nearest first.
pub(super) fn headroom(desired: &Desired, observed: &Estate, changes: &[Change]) -> Vec<Headroom> {
    let mut list: Vec<Headroom> = Vec::new();
    let mut largest: BTreeMap<(AccountId, &'static str), (u64, u64)> = BTreeMap::new();
    for (address, wanted) in &desired.wanted {
        let limits = observed.limits.get(&address.account);
        for (what, used, limit) in documents(planned(address, &wanted.resource, changes), limits) {
            let what = if desired.is_lake(&address.with_kind(Kind::Bucket)) { LAKE_POLICY } else { what };
            // The members' policies differ in nothing but an account id: the log account speaks for them all.
            let account =
                if address.kind == Kind::Policy { desired.log_account.clone() } else { address.account.clone() };
            let entry = largest.entry((account, what)).or_insert((used, limit));
            if used * entry.1 > entry.0 * limit {
                *entry = (used, limit);
            }
        }
    }
    list.extend(largest.into_iter().map(|((account, what), (used, limit))| Headroom {
        account,
        what: what.to_owned(),
        used,
        limit,
    }));
    list.extend(roles(desired, observed, changes));
    list.extend(trails(desired, observed));
    list.sort_by(|a, b| (b.used * a.limit).cmp(&(a.used * b.limit)).then_with(|| a.cmp(b)));
    list
}

/// A shared policy is measured with the statements of others that stay in it.
fn planned<'a>(address: &Address, wish: &'a Resource, changes: &'a [Change]) -> &'a Resource {
    if wish.shared_policy().is_none() {
        return wish;
    }
    changes.iter().find(|change| &change.address == address).and_then(Change::desired).unwrap_or(wish)
}

fn documents(resource: &Resource, limits: Option<&Limits>) -> Vec<(&'static str, u64, u64)> {
    let size = |policy: &PolicyDocument| policy.size_bytes() as u64;
    let default = |kind: lint::Kind| lint::size_limit_bytes(kind) as u64;
    let quota = |told: Option<u32>, kind: lint::Kind| told.map_or(default(kind), u64::from);
    match resource {
        Resource::BucketPolicy(r) => vec![("bytes of the bucket policy", size(&r.policy), default(lint::Kind::Bucket))],
        Resource::KeyPolicy(r) => vec![("bytes of the key policy", size(&r.policy), default(lint::Kind::Key))],
        Resource::Topic(r) => vec![("bytes of the topic policy", size(&r.policy), default(lint::Kind::Topic))],
        Resource::ServiceControlPolicy(r) => {
            vec![("characters of the service control policy", size(&r.document), default(lint::Kind::ServiceControl))]
        }
        Resource::Role(r) => vec![
            (
                "characters of a role's trust policy",
                size(&r.trust),
                quota(limits.and_then(|l| l.trust_policy_size), lint::Kind::Trust),
            ),
            (
                "characters of a role's inline policies",
                r.inline.values().map(size).sum(),
                quota(limits.and_then(|l| l.role_policy_size), lint::Kind::RoleInline),
            ),
        ],
        Resource::Policy(r) => {
            vec![(MEMBER_POLICY, size(&r.document), quota(limits.and_then(|l| l.policy_size), lint::Kind::Managed))]
        }
        Resource::TrustedAccess(_)
        | Resource::DelegatedAdministrator(_)
        | Resource::Queue(_)
        | Resource::Rule(_)
        | Resource::ConfigAggregator(_)
        | Resource::Bucket(_)
        | Resource::Key(_)
        | Resource::LogGroup(_)
        | Resource::Trail(_) => Vec::new(),
    }
}

/// The roles of the log account once the plan is done, where the account has told its quota.
fn roles(desired: &Desired, observed: &Estate, changes: &[Change]) -> Option<Headroom> {
    let account = &desired.log_account;
    let limits = observed.limits.get(account)?;
    let of_account = |c: &&Change| c.address.kind == Kind::Role && &c.address.account == account;
    let count = |action: Action| changes.iter().filter(of_account).filter(|c| c.action() == action).count() as u64;
    Some(Headroom {
        account: account.clone(),
        what: ROLES.into(),
        used: (u64::from(limits.roles?) + count(Action::Create)).saturating_sub(count(Action::Retire)),
        limit: u64::from(limits.roles_quota?),
    })
}

/// The trails that record each home region of ours, others' included: multi-region ones count everywhere.
fn trails(desired: &Desired, observed: &Estate) -> Vec<Headroom> {
    let is_trail = |address: &&Address| address.kind == Kind::Trail;
    let mut all: Vec<(&Address, bool)> = observed
        .resources()
        .filter(|(address, _)| !desired.wanted.contains_key(address))
        .filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some((address, trail.multi_region)),
            _ => None,
        })
        .collect();
    all.extend(desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Trail(trail) => Some((address, trail.multi_region)),
        _ => None,
    }));
    let mut used: BTreeMap<(&AccountId, &Address), u64> = BTreeMap::new();
    for site in desired.wanted.keys().filter(is_trail) {
        let count =
            all.iter().filter(|(a, multi)| a.account == site.account && (*multi || a.region == site.region)).count();
        used.insert((&site.account, site), count as u64);
    }
    // With one trail in each of many accounts, the fullest account is the one that matters, and all that are over the
    // limit.
    let fullest = used.iter().max_by_key(|(_, count)| **count).map(|(site, _)| *site);
    let told = used.into_iter().filter(|(site, count)| Some(*site) == fullest || *count > TRAILS_PER_REGION);
    let room = |((account, site), count): ((&AccountId, &Address), u64)| Headroom {
        account: account.clone(),
        what: format!("{TRAILS}{}", site.region.as_ref().map_or("", |region| region.as_str())),
        used: count,
        limit: TRAILS_PER_REGION,
    };
    told.map(room).collect()
}

/// How the words for trails in a region begin.
const TRAILS: &str = "trails in ";

/// The words for roles.
const ROLES: &str = "roles in the account";

/// Tells whether a change would pass the limit of a blocker: the document that is too long is not written, and where no
/// room is left for another trail or role, none is made. Everything else goes on.
pub(super) fn concerns(blocker: &Problem, change: &Change) -> bool {
    let what = blocker.message.as_str();
    let creates = change.action() == Action::Create;
    // The log account speaks for the policies of all members.
    if what.starts_with(MEMBER_POLICY) {
        return change.address.kind == Kind::Policy;
    }
    if change.address.account != blocker.account {
        return false;
    }
    match change.address.kind {
        Kind::Trail => creates && what.starts_with(TRAILS),
        Kind::Role => what.starts_with("characters of a role") || (creates && what.starts_with(ROLES)),
        Kind::BucketPolicy if change.reason == "lake" => what.starts_with(LAKE_POLICY),
        Kind::BucketPolicy => what.starts_with("bytes of the bucket"),
        Kind::KeyPolicy => what.starts_with("bytes of the key"),
        Kind::Topic => what.starts_with("bytes of the topic"),
        Kind::ServiceControlPolicy => what.starts_with("characters of the service control"),
        _ => false,
    }
}

/// The words for the policy of the lake's bucket: one that is too long does not stop the log bucket's.
const LAKE_POLICY: &str = "bytes of the policy of the lake's bucket";

/// The words for the policies of members.
const MEMBER_POLICY: &str = "characters of a member policy";

/// Turns every limit that would be passed into a blocker, if the plan changes anything there.
pub(super) fn blockers(
    headroom: &[Headroom],
    desired: &Desired,
    observed: &Estate,
    changes: &[Change],
) -> Vec<Problem> {
    if changes.is_empty() {
        return Vec::new();
    }
    headroom
        .iter()
        .filter(|room| room.used > room.limit)
        .map(|room| Problem {
            account: room.account.clone(),
            address: None,
            stage: Stage::Plan,
            code: EXCEEDED.into(),
            message: format!("{}: {} would be used, {} are allowed", room.what, room.used, room.limit),
            help: help(room, desired, observed),
        })
        .collect()
}

fn help(room: &Headroom, desired: &Desired, observed: &Estate) -> String {
    if room.what.starts_with(TRAILS) {
        let others = observed.resources().filter(|(address, resource)| {
            matches!(resource, Resource::Trail(_))
                && !desired.wanted.contains_key(address)
                && address.account == room.account
        });
        let names: Vec<String> = others.map(|(address, _)| address.to_string()).collect();
        return format!("this quota cannot be raised; retire one of {}", names.join(", "));
    }
    if room.what.starts_with("roles") {
        return "ask AWS for a higher quota of roles (IAM, L-FE177D64), or set readers.mode to `auto` or `dynamic`"
            .into();
    }
    if room.what.contains("bucket policy") || room.what.contains("key policy") {
        return "use an organization trail instead of one trail an account, or remove statements of others".into();
    }
    if room.what.contains("service control policy") {
        return too_much_to_guard(desired);
    }
    "shorten the template that renders it".into()
}

/// Says what a guard is so long of.
fn too_much_to_guard(desired: &Desired) -> String {
    let count = |kind: Kind| desired.wanted.keys().filter(|address| address.kind == kind).count();
    let let_off = desired.own_roles.len() + desired.break_glass.len();
    format!(
        "it names {let_off} roles of organization.own_roles and bucket.break_glass_roles (twice each), {} trails, {} topics, {} log \
         groups and {} queues: name several roles by one pattern with `*`, or record with fewer trails; without room for it, \
         leave guard.service_control_policy out",
        count(Kind::Trail),
        count(Kind::Topic),
        count(Kind::LogGroup),
        count(Kind::Queue)
    )
}
