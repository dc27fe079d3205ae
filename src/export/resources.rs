//! Which of Terraform's resources stand for one of ours, with their settings and the ids that they are imported by.
//!
//! Source: the pages of the resources in the documentation of the provider `hashicorp/aws`, sections "Argument
//! Reference" and "Import".

use super::block::{Block, block, tags};
use super::hcl::{Item, set, set_if};
use super::roles;
use crate::estate::bucket::LifecycleRule;
use crate::estate::trail::EventSelector;
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::estate::{
    Address, Bucket, ConfigAggregator, Estate, Key, Kind, LogGroup, Resource, ServiceControlPolicy, Topic, Trail,
};
use crate::ids::Partition;

/// Returns the resources that stand for one of ours; none for what is a setting of something else.
pub(super) fn blocks(partition: Partition, estate: &Estate, address: &Address, resource: &Resource) -> Vec<Block> {
    let name = &address.name;
    match resource {
        Resource::Bucket(found) => bucket(name, found),
        Resource::BucketPolicy(found) => {
            let policy = Item::Json("policy", found.policy.to_value());
            vec![block("aws_s3_bucket_policy", name, name, vec![set("bucket", name.as_str()), policy])]
        }
        Resource::Key(found) => key(estate, address, found),
        Resource::Topic(found) => topic(partition, address, found),
        Resource::LogGroup(found) => vec![log_group(name, found)],
        Resource::Role(found) => roles::role(name, found),
        Resource::Policy(found) => roles::policy(partition, address, found),
        Resource::Trail(found) => trail(partition, address, found),
        Resource::ServiceControlPolicy(found) => guard(name, found),
        Resource::ConfigAggregator(found) => vec![aggregator(name, found)],
        Resource::DelegatedAdministrator(_) if address.service_principal() == Some(CONFIG_PRINCIPAL) => {
            let account = address.administrator().unwrap_or(name);
            let body = vec![set("account_id", account), set("service_principal", CONFIG_PRINCIPAL)];
            let id = format!("{account}/{CONFIG_PRINCIPAL}");
            vec![block("aws_organizations_delegated_administrator", account, &id, body)]
        }
        Resource::DelegatedAdministrator(_) => {
            let body = vec![set("account_id", name.as_str())];
            vec![block("aws_cloudtrail_organization_delegated_admin_account", name, name, body)]
        }
        // A key's own block has its policy; trusted access is a line of `aws_organizations_organization`.
        Resource::KeyPolicy(_) | Resource::TrustedAccess(_) => Vec::new(),
        // They wake the daemon, and a team that leaves has none.
        Resource::Queue(_) | Resource::Rule(_) => Vec::new(),
    }
}

/// Says why there are no [`blocks`] for one of ours.
pub(super) fn why_none(kind: Kind) -> &'static str {
    match kind {
        Kind::Queue | Kind::Rule => "only wakes orgtrail's daemon: delete it when the daemon is gone",
        Kind::TrustedAccess => "is no resource of its own in Terraform, but a line of aws_organizations_organization",
        _ => "cannot be imported: the id that AWS gave it is not known",
    }
}

fn aggregator(name: &str, found: &ConfigAggregator) -> Block {
    let regions = match &found.regions {
        None => set("all_regions", true),
        Some(regions) => set("regions", regions.iter().map(ToString::to_string).collect::<Vec<_>>()),
    };
    let mut source = vec![regions];
    source.extend(set_if("role_arn", found.role.as_deref()));
    let body = vec![set("name", name), Item::Block("organization_aggregation_source", source), tags(&found.tags)];
    block("aws_config_configuration_aggregator", name, name, body)
}

fn bucket(name: &str, found: &Bucket) -> Vec<Block> {
    let Bucket {
        block_public_access,
        object_ownership,
        versioning,
        encryption,
        lifecycle,
        object_lock,
        access_logs,
        requester_pays: _,
        tags: bucket_tags,
        untouched: _,
        mfa_delete: _,
    } = found;
    let part = |kind, body: Vec<Item>| {
        let body = std::iter::once(set("bucket", name)).chain(body).collect();
        block(kind, name, name, body)
    };
    let mut own = vec![set("bucket", name)];
    own.extend(object_lock.as_ref().map(|_| set("object_lock_enabled", true)));
    own.push(tags(bucket_tags));
    let switches = ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"];
    let mut blocks = vec![block("aws_s3_bucket", name, name, own)];
    if *block_public_access {
        let switches = switches.into_iter().map(|switch| set(switch, true)).collect();
        blocks.push(part("aws_s3_bucket_public_access_block", switches));
    }
    if let Some(ownership) = object_ownership {
        let rule = Item::Block("rule", vec![set("object_ownership", ownership.as_str())]);
        blocks.push(part("aws_s3_bucket_ownership_controls", vec![rule]));
    }
    if *versioning {
        let status = Item::Block("versioning_configuration", vec![set("status", "Enabled")]);
        blocks.push(part("aws_s3_bucket_versioning", vec![status]));
    }
    if let Some(encryption) = encryption {
        let mut by_default = vec![set("sse_algorithm", encryption.algorithm.as_str())];
        by_default.extend(set_if("kms_master_key_id", encryption.key.as_deref()));
        let rule = vec![
            set("bucket_key_enabled", encryption.bucket_key),
            Item::Block("apply_server_side_encryption_by_default", by_default),
        ];
        blocks.push(part("aws_s3_bucket_server_side_encryption_configuration", vec![Item::Block("rule", rule)]));
    }
    if !lifecycle.is_empty() {
        let rules = lifecycle.iter().map(lifecycle_rule).collect();
        blocks.push(part("aws_s3_bucket_lifecycle_configuration", rules));
    }
    if let Some(lock) = object_lock {
        let retention = vec![set("mode", lock.mode.as_str()), set("days", lock.days)];
        let rule = Item::Block("rule", vec![Item::Block("default_retention", retention)]);
        blocks.push(part("aws_s3_bucket_object_lock_configuration", vec![rule]));
    }
    if let Some(target) = access_logs {
        let body = vec![set("target_bucket", target.bucket.as_str()), set("target_prefix", target.prefix.as_str())];
        blocks.push(part("aws_s3_bucket_logging", body));
    }
    blocks
}

fn lifecycle_rule(rule: &LifecycleRule) -> Item {
    let LifecycleRule {
        id,
        enabled,
        prefix,
        transitions,
        expire_after_days,
        expire_noncurrent_after_days,
        abort_upload_after_days,
        other: _,
    } = rule;
    let status = if *enabled { "Enabled" } else { "Disabled" };
    let mut body = vec![set("id", id.as_str()), set("status", status)];
    body.push(Item::Block("filter", vec![set("prefix", prefix.as_str())]));
    for (days, class) in transitions {
        body.push(Item::Block("transition", vec![set("days", *days), set("storage_class", class.as_str())]));
    }
    body.extend(expire_after_days.map(|days| Item::Block("expiration", vec![set("days", days)])));
    let noncurrent = expire_noncurrent_after_days;
    body.extend(
        noncurrent.map(|days| Item::Block("noncurrent_version_expiration", vec![set("noncurrent_days", days)])),
    );
    let abort = abort_upload_after_days;
    let abort =
        abort.map(|days| Item::Block("abort_incomplete_multipart_upload", vec![set("days_after_initiation", days)]));
    body.extend(abort);
    Item::Block("rule", body)
}

/// A key is imported by its id, which only its ARN tells.
fn key(estate: &Estate, address: &Address, found: &Key) -> Vec<Block> {
    let Some((_, id)) = found.arn.as_deref().and_then(|arn| arn.rsplit_once("key/")) else {
        return Vec::new();
    };
    let mut body =
        vec![set("is_enabled", found.enabled), set("enable_key_rotation", found.rotation), tags(&found.tags)];
    if let Some(Resource::KeyPolicy(policy)) = estate.resource(&address.with_kind(Kind::KeyPolicy)) {
        body.push(Item::Json("policy", policy.policy.to_value()));
    }
    let alias = vec![set("name", address.name.as_str()), set("target_key_id", id)];
    vec![block("aws_kms_key", &address.name, id, body), block("aws_kms_alias", &address.name, &address.name, alias)]
}

fn topic(partition: Partition, address: &Address, found: &Topic) -> Vec<Block> {
    let Topic { policy, key, tags: topic_tags } = found;
    let Some(arn) = address.arn(partition) else {
        return Vec::new();
    };
    let mut body = vec![set("name", address.name.as_str())];
    body.extend(set_if("kms_master_key_id", key.as_deref()));
    body.extend([tags(topic_tags), Item::Json("policy", policy.to_value())]);
    vec![block("aws_sns_topic", &address.name, arn.as_str(), body)]
}

fn log_group(name: &str, found: &LogGroup) -> Block {
    let mut body = vec![set("name", name)];
    body.extend(set_if("retention_in_days", found.retention_days));
    body.push(tags(&found.tags));
    block("aws_cloudwatch_log_group", name, name, body)
}

fn trail(partition: Partition, address: &Address, found: &Trail) -> Vec<Block> {
    let Trail {
        bucket,
        prefix,
        topic,
        global_events,
        multi_region,
        organization,
        validation,
        key,
        log_group,
        log_role,
        logging,
        selectors,
        insights,
        tags: trail_tags,
        delivery: _,
    } = found;
    let Some(arn) = address.arn(partition) else {
        return Vec::new();
    };
    let mut body = vec![set("name", address.name.as_str()), set("s3_bucket_name", bucket.as_str())];
    body.extend(set_if("s3_key_prefix", Some(prefix.as_str()).filter(|prefix| !prefix.is_empty())));
    body.extend(set_if("sns_topic_name", topic.as_deref()));
    body.extend([
        set("include_global_service_events", *global_events),
        set("is_multi_region_trail", *multi_region),
        set("is_organization_trail", *organization),
        set("enable_log_file_validation", *validation),
        set("enable_logging", *logging),
    ]);
    body.extend(set_if("kms_key_id", key.as_deref()));
    body.extend(set_if("cloud_watch_logs_group_arn", log_group.as_deref()));
    body.extend(set_if("cloud_watch_logs_role_arn", log_role.as_deref()));
    body.extend(trail_tags.as_ref().map(tags));
    body.extend(selectors.iter().map(selector));
    body.extend(insights.iter().map(|kind| Item::Block("insight_selector", vec![set("insight_type", kind.as_str())])));
    vec![block("aws_cloudtrail", &address.name, arn.as_str(), body)]
}

fn selector(selector: &EventSelector) -> Item {
    let operator = |operator: &str| match operator {
        "equals" => Some("equals"),
        "not_equals" => Some("not_equals"),
        "starts_with" => Some("starts_with"),
        "not_starts_with" => Some("not_starts_with"),
        "ends_with" => Some("ends_with"),
        "not_ends_with" => Some("not_ends_with"),
        _ => None,
    };
    let fields = selector.0.iter().map(|(field, by_operator)| {
        let values = by_operator
            .iter()
            .filter_map(|(word, values)| Some(set(operator(word)?, values.iter().cloned().collect::<Vec<String>>())));
        Item::Block("field_selector", std::iter::once(set("field", field.as_str())).chain(values).collect())
    });
    Item::Block("advanced_event_selector", fields.collect())
}

fn guard(name: &str, found: &ServiceControlPolicy) -> Vec<Block> {
    let ServiceControlPolicy { id, document, targets, tags: policy_tags } = found;
    let Some(id) = id else {
        return Vec::new();
    };
    let body = vec![
        set("name", name),
        set("type", "SERVICE_CONTROL_POLICY"),
        tags(policy_tags),
        Item::Json("content", document.to_value()),
    ];
    let attachment = |target: &String| {
        let body = vec![set("policy_id", id.as_str()), set("target_id", target.as_str())];
        block("aws_organizations_policy_attachment", &format!("{name}_{target}"), &format!("{target}:{id}"), body)
    };
    let attachments = targets.iter().map(attachment);
    std::iter::once(block("aws_organizations_policy", name, id, body)).chain(attachments).collect()
}
