//! The rule of the log archive: bucket, bucket policy, key and key policy in the log account.

use serde_json::{Value, json};

use super::topology::{Topology, logs_root};
use super::{DesignInput, ReaderStrategy, archive_region, tags};
use crate::config::Config;
use crate::config::schema::{LakeBucket, LakeConfig, LockMode, OldVersions};
use crate::estate::bucket::{AccessLogs, BucketEncryption, LifecycleRule, ObjectLock};
use crate::estate::{Address, Bucket, BucketPolicy, Desired, Key, KeyPolicy, Kind, LakeNote, Tags};
use crate::ids::Arn;
use crate::policy::template::BadTemplate;

/// The id of our lifecycle rule.
pub(super) const LIFECYCLE_RULE: &str = "orgtrail";

/// Days that overwritten or deleted log files stay, where versioning keeps them: long enough to notice and restore.
const NONCURRENT_DAYS: u32 = 90;

/// Days until parts of an upload that was never completed are removed.
pub(super) const ABORT_UPLOAD_DAYS: u32 = 7;

/// Adds the archive's resources.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let config = brief.config;
    let mut before_bucket = Vec::new();
    if layout.makes_key(config) {
        let key = Key {
            arn: None,
            has_alias: true,
            enabled: true,
            pending_deletion: false,
            deletion_date: None,
            rotation: true,
            tags: tags(config, &Default::default()),
        };
        desired.want(layout.key_alias.clone(), key, "bucket.encryption", Vec::new());
        let policy = brief.templates.render("key.json.hbs", &key_values(brief, layout))?;
        let needs = vec![layout.key_alias.clone()];
        let address = layout.key_alias.with_kind(Kind::KeyPolicy);
        desired.want(address, KeyPolicy { policy, key: None }, "bucket.encryption", needs);
        before_bucket.push(layout.key_alias.clone());
    }
    desired.want(layout.bucket.clone(), bucket(brief, layout), "bucket", before_bucket);
    let policy = brief.templates.render("bucket.json.hbs", &bucket_values(brief, layout))?;
    let needs = vec![layout.bucket.clone()];
    desired.want(layout.bucket.with_kind(Kind::BucketPolicy), BucketPolicy { policy }, "bucket", needs);
    Ok(())
}

/// Returns how a bucket of the log account is encrypted: with the key of the configuration, or by S3 where it has none.
pub(super) fn encryption(config: &Config, layout: &Topology<'_>) -> BucketEncryption {
    let key = layout.key(config);
    let algorithm = if key.is_some() { "aws:kms" } else { "AES256" };
    BucketEncryption { algorithm: algorithm.into(), bucket_key: key.is_some(), key }
}

/// Returns the roles that may change a bucket's policy where only break-glass roles may delete, as ARNs in which `*`
/// stands for any text.
pub(super) fn policy_keepers(config: &Config, layout: &Topology<'_>) -> Vec<String> {
    let own_role = layout.own_role(config, layout.log_account.as_str());
    let glass = config.bucket.break_glass_roles.iter().cloned();
    glass.chain([own_role.to_string()]).chain(config.organization.own_roles.iter().cloned()).collect()
}

fn bucket(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Bucket {
    let config = brief.config;
    let wish = &config.bucket;
    let mut tags = tags(config, &wish.tags);
    tags.extend(lake_notes(brief, layout));
    Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: wish.versioning,
        encryption: Some(encryption(config, layout)),
        lifecycle: lifecycle(config).into_iter().collect(),
        object_lock: wish.object_lock.as_ref().map(|lock| ObjectLock {
            mode: match lock.mode {
                LockMode::Governance => "GOVERNANCE".into(),
                LockMode::Compliance => "COMPLIANCE".into(),
            },
            days: lock.days,
        }),
        access_logs: wish
            .access_logs
            .as_ref()
            .map(|target| AccessLogs { bucket: target.to_string(), prefix: format!("{}/", layout.bucket.name) }),
        requester_pays: false,
        tags,
        untouched: false,
        mfa_delete: None,
    }
}

/// Returns the tags that remember the lake of today, where orgtrail keeps its bucket, and those of before.
fn lake_notes(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Tags {
    let config = brief.config;
    let managed = config.lake.iter().filter(|lake| lake.bucket == LakeBucket::Managed);
    let address = |lake: &LakeConfig| {
        let name = lake.place.bucket.to_string();
        Address::regional(&layout.log_account, archive_region(config), Kind::Bucket, name)
    };
    let given_up = brief.past.lakes_given_up.iter().cloned().map(LakeNote::GivenUp);
    let there = managed.map(address).chain(brief.past.lakes.iter().cloned()).map(LakeNote::At);
    given_up.chain(there).filter_map(|note| note.tag()).collect()
}

fn lifecycle(config: &Config) -> Option<LifecycleRule> {
    let wish = config.bucket.lifecycle.as_ref()?;
    let class = wish.archive_class.as_str();
    Some(LifecycleRule {
        id: LIFECYCLE_RULE.into(),
        enabled: true,
        prefix: logs_root(config).folder(),
        transitions: wish.archive_after_days.iter().map(|&days| (days, class.to_owned())).collect(),
        expire_after_days: wish.expire_after_days,
        expire_noncurrent_after_days: match wish.expire_old_versions_after_days {
            Some(OldVersions::Days(days)) => Some(days),
            Some(OldVersions::Never) => None,
            None => wish.expire_after_days.filter(|_| config.bucket.versioning).map(|_| NONCURRENT_DAYS),
        },
        abort_upload_after_days: Some(ABORT_UPLOAD_DAYS),
        other: None,
    })
}

/// The values of `bucket.json.hbs`.
fn bucket_values(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Value {
    let config = brief.config;
    let arn = layout.bucket_arn();
    let organization = &brief.organization.id;
    let written = layout.written_patterns(config, brief.organization);
    let write: Vec<String> = written.iter().map(|pattern| format!("{arn}/{pattern}")).collect();
    let mut roots = layout.read_roots(config, organization);
    // Logs of before below another prefix of this bucket stay readable; what lies elsewhere has a policy of its own.
    let places = brief.past.places.iter().filter(|place| place.bucket == layout.bucket);
    roots.extend(places.flat_map(|place| place.roots.iter().cloned()));
    // S3 puts the caller's account in the place of the variable.
    let own: Vec<String> = roots.iter().map(|root| root.account_pattern("${aws:PrincipalAccount}")).collect();
    json!({
        "bucket": {"name": layout.bucket.name, "arn": arn},
        "trail_arns": layout.trail_arns(config, &layout.bucket.with_kind(Kind::BucketPolicy)),
        "break_glass_roles": config.bucket.break_glass_roles,
        "policy_keepers": policy_keepers(config, layout),
        // Of the log account, every reader role would be let in to that account's logs. Its own people need no
        // statement: their member policy is enough within one account.
        "log_account": layout.log_account,
        "write_resources": write,
        "dynamic_readers": brief.strategy == ReaderStrategy::Dynamic,
        "member_prefixes": own,
        "member_resources": own.iter().map(|prefix| format!("{arn}/{prefix}")).collect::<Vec<_>>(),
        "organization": {"id": organization},
    })
}

/// The values of `key.json.hbs`.
fn key_values(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Value {
    let config = brief.config;
    let partition = layout.partition;
    let document = layout.key_alias.with_kind(Kind::KeyPolicy);
    let earlier = layout.earlier.iter().filter(|trail| trail.through.contains(&document));
    let mut owners: Vec<&str> = layout.trails.iter().map(|trail| trail.address.account.as_str()).collect();
    owners.extend(earlier.map(|trail| trail.address.account.as_str()));
    owners.sort();
    owners.dedup();
    let context = |owner: &&str| format!("arn:{partition}:cloudtrail:*:{owner}:trail/*");
    let lake = config.lake.as_ref().filter(|lake| lake.bucket == LakeBucket::Managed);
    json!({
        "partition": partition,
        "log_account": layout.log_account,
        "trail_arns": layout.trail_arns(config, &document),
        "encryption_contexts": owners.iter().map(context).collect::<Vec<_>>(),
        "dynamic_readers": brief.strategy == ReaderStrategy::Dynamic,
        "organization": {"id": brief.organization.id},
        "lake_readers": lake.map_or(&[][..], |lake| lake.readers.as_slice()),
        "lake_arns": lake.map(|lake| lake_arns(layout, lake)).unwrap_or_default(),
        "s3_service": format!("s3.{}.{}", archive_region(config), partition.dns_suffix()),
    })
}

/// Returns the encryption contexts of a lake's files: the bucket with S3 Bucket Keys, else the object (Amazon S3 user
/// guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
fn lake_arns(layout: &Topology<'_>, lake: &LakeConfig) -> [String; 2] {
    let bucket = Arn::new(layout.partition, "s3", "", "", lake.place.bucket.as_str()).to_string();
    let objects = format!("{bucket}/{}/*", lake.place.key);
    [bucket, objects]
}
