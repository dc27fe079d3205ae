//! The rule of the lake: its bucket in the log account, which the log account's own people and the roles of the central
//! team read, and no member's reader.
//!
//! Slots are written again and again by conditional puts. Versioning keeps what a wrong or hostile write replaced for
//! some days, because events whose log files the lifecycle has deleted cannot be put into a lake again. An object lock
//! would only keep each of the many replaced slots, and pay for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::archive::{ABORT_UPLOAD_DAYS, LIFECYCLE_RULE, encryption, policy_keepers};
use super::naming::{account_name, reader_pattern};
use super::topology::Topology;
use super::{BadDesign, DesignInput, archive_region, one, tags};
use crate::config::schema::{LakeBucket, LakeConfig};
use crate::estate::bucket::LifecycleRule;
use crate::estate::{ACCOUNT_TAG, Address, Bucket, BucketPolicy, Desired, Kind, LakeTerms, Resource};
use crate::ids::{AccountId, Arn};
use crate::organization::selector::Glob;

/// Days that replaced slots stay: long enough to notice a wrong write after a weekend and a holiday, and short enough
/// that the slots of a day, which are written with each update, do not cost more than the lake itself.
const NONCURRENT_DAYS: u32 = 7;

/// Adds the lake's bucket where orgtrail keeps it, and says what the lake is held to.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), Vec<BadDesign>> {
    let config = brief.config;
    let Some(lake) = &config.lake else { return Ok(()) };
    let name = lake.place.bucket.to_string();
    let bucket = Address::regional(&layout.log_account, archive_region(config), Kind::Bucket, name);
    let mut faults: Vec<BadDesign> = taken(brief, layout, &bucket).into_iter().collect();
    faults.extend(lake.readers.iter().filter_map(|reader| bad_reader(brief, layout, desired, reader)));
    if !faults.is_empty() {
        return Err(faults);
    }
    let folder = format!("{}/", lake.place.key);
    desired.lake = Some(LakeTerms { bucket: bucket.clone(), folder, readers: lake.readers.clone() });
    if lake.bucket == LakeBucket::Existing {
        return Ok(());
    }
    let values = values(brief, layout, desired, lake, &bucket);
    let policy = brief.templates.render("lake.json.hbs", &values).map_err(one)?;
    let needs = if layout.makes_key(config) { vec![layout.key_alias.clone()] } else { Vec::new() };
    desired.want(bucket.clone(), wish(brief, layout), "lake", needs);
    desired.want(bucket.with_kind(Kind::BucketPolicy), BucketPolicy { policy }, "lake", vec![bucket]);
    Ok(())
}

/// The log bucket and the buckets of earlier logs have versions, retention and readers that are for logs. That a name
/// is a template's is known only here.
fn taken(brief: &DesignInput<'_>, layout: &Topology<'_>, bucket: &Address) -> Option<BadDesign> {
    let is_past = || brief.past.places.iter().any(|place| place.bucket.name == bucket.name);
    let what = match () {
        () if bucket.name == layout.bucket.name => "the log bucket",
        () if is_past() => "a bucket with earlier logs",
        () => return None,
    };
    let why = format!("{} is {what}, in which no lake may lie", bucket.name);
    Some(BadDesign::Name { field: "lake.place", account: None, why })
}

/// Returns why a role cannot be one of the central team.
fn bad_reader(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &Desired, reader: &str) -> Option<BadDesign> {
    let bad = |why: String| Some(BadDesign::Account { field: "lake.readers", text: reader.to_owned(), why });
    let Ok(arn) = reader.parse::<Arn>() else { return bad("it is not the ARN of a role".to_owned()) };
    if arn.partition() != desired.partition.as_str() {
        return bad(format!("the organization is in the partition {}", desired.partition));
    }
    let is_known = |account: AccountId| desired.known_accounts.contains(&account);
    if !arn.account().parse().is_ok_and(is_known) {
        return bad(format!(
            "its account is not of organization {}; an account outside has to be in bucket.trusted_readers",
            brief.organization.id
        ));
    }
    let of = |account: &str| format!("it reads the logs of account {account} alone");
    if let Some((_, account)) = member_readers(desired).find(|(role, _)| role.eq_ignore_ascii_case(reader)) {
        return bad(of(account));
    }
    // A reader of an account that is not selected, or not any more, may be there all the same, and is kept out.
    let patterns = reader_names_of_all(brief, layout);
    let lower = reader.to_ascii_lowercase();
    let is_called_so = |pattern: &String| Glob::new(pattern.to_ascii_lowercase()).matches(&lower);
    let why = "its name is that of a role that reads for one account (readers.role), whether or not there is one now";
    patterns.iter().any(is_called_so).then(|| bad(why.to_owned())).flatten()
}

/// Returns the ARNs of the reader roles, each with the account that it reads for.
fn member_readers(desired: &Desired) -> impl Iterator<Item = (String, &String)> {
    desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Role(role) => Some((address.arn(desired.partition)?.to_string(), role.tags.get(ACCOUNT_TAG)?)),
        _ => None,
    })
}

fn wish(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Bucket {
    let config = brief.config;
    Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: true,
        encryption: Some(encryption(config, layout)),
        lifecycle: vec![LifecycleRule {
            id: LIFECYCLE_RULE.into(),
            enabled: true,
            prefix: String::new(),
            transitions: Vec::new(),
            expire_after_days: None,
            expire_noncurrent_after_days: Some(NONCURRENT_DAYS),
            abort_upload_after_days: Some(ABORT_UPLOAD_DAYS),
            other: None,
        }],
        object_lock: None,
        access_logs: None,
        requester_pays: false,
        tags: tags(config, &config.bucket.tags),
        untouched: false,
        mfa_delete: None,
    }
}

/// The values of `lake.json.hbs`.
fn values(
    brief: &DesignInput<'_>,
    layout: &Topology<'_>,
    desired: &Desired,
    lake: &LakeConfig,
    bucket: &Address,
) -> Value {
    let keepers = policy_keepers(brief.config, layout);
    let exempt: BTreeSet<&String> = keepers.iter().chain(&lake.readers).collect();
    json!({
        "bucket": {"name": bucket.name, "arn": Arn::new(layout.partition, "s3", "", "", &bucket.name).to_string()},
        "lake_prefix": lake.place.key,
        "lake_readers": lake.readers,
        "reader_roles": reader_roles(brief, layout, desired),
        "exempt_roles": exempt,
        "break_glass_roles": brief.config.bucket.break_glass_roles,
        "policy_keepers": keepers,
    })
}

/// Returns the ARNs of the roles that read for one account, as patterns: also those that stay after their account has
/// left. Where a pattern would be one for everybody's roles, each role stands by itself.
fn reader_roles(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &Desired) -> BTreeSet<String> {
    match fixed_pattern(brief) {
        Some(pattern) => BTreeSet::from([role_arn(layout, &pattern)]),
        None => member_readers(desired).map(|(role, _)| role).collect(),
    }
}

/// Returns the ARNs of the roles that no account needs to have now: those that the template gives for any account of
/// the organization, selected or not, and those that are there. As patterns.
fn reader_names_of_all(brief: &DesignInput<'_>, layout: &Topology<'_>) -> BTreeSet<String> {
    if let Some(pattern) = fixed_pattern(brief) {
        return BTreeSet::from([role_arn(layout, &pattern)]);
    }
    let (config, organization) = (brief.config, brief.organization);
    let template = config.readers.role_template();
    let name = |id: &AccountId| account_name(config, organization, id, "readers.role", template).ok();
    let held = brief.reader_names.values().cloned();
    organization.accounts.keys().filter_map(name).chain(held).map(|name| role_arn(layout, &name)).collect()
}

/// Returns the pattern of the readers' names where it is not one for everybody's roles.
fn fixed_pattern(brief: &DesignInput<'_>) -> Option<String> {
    let is_fixed = |pattern: &String| pattern.contains(|c: char| !"*?/-_.".contains(c));
    reader_pattern(brief.config, brief.organization).filter(is_fixed)
}

fn role_arn(layout: &Topology<'_>, name: &str) -> String {
    Arn::new(layout.partition, "iam", "", layout.log_account.as_str(), &format!("role/{name}")).to_string()
}

#[cfg(test)]
mod tests;
