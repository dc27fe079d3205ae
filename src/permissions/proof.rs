//! What proves the logs: reading them, their key, CloudTrail's public keys, and the accounts that should deliver. Nothing is
//! assumed and nothing written.

use std::collections::BTreeSet;

use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, organization};
use crate::cloud::aws::permissions::{Access, Operation, Service, account, cloudtrail, s3};
use crate::config::schema::Encryption;
use crate::ids::Region;
use crate::log_path::LogRoot;

const fn read(service: Service, name: &'static str, actions: &'static [&'static str]) -> Operation {
    Operation { service, name, access: Access::Read, actions }
}

/// What `logs::aws` calls beyond the table of the adapter; a test holds this list to the source of `logs::aws`.
pub(super) const GET_OBJECT: Operation = read(Service::S3, "GetObject", &["s3:GetObject", "s3:GetObjectVersion"]);
pub(super) const LIST_VERSIONS: Operation = read(Service::S3, "ListObjectVersions", &["s3:ListBucketVersions"]);
pub(super) const GET_LOCATION: Operation = read(Service::S3, "GetBucketLocation", &["s3:GetBucketLocation"]);
pub(super) const LIST_PUBLIC_KEYS: Operation =
    read(Service::CloudTrail, "ListPublicKeys", &["cloudtrail:ListPublicKeys"]);
/// What `--sign` with a key of KMS takes. It changes nothing.
pub(super) const SIGNING: [Operation; 2] =
    [read(Service::Kms, "GetPublicKey", &["kms:GetPublicKey"]), read(Service::Kms, "Sign", &["kms:Sign"])];
/// S3 decrypts with the permissions of whoever reads.
pub(super) const DECRYPT: Operation = read(Service::Kms, "Decrypt", &["kms:Decrypt"]);

/// Adds what reads the logs, in the log account, and for `coverage` what tells whose logs should be there.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if let Some(key) = names.signing_key().filter(|_| names.place() == AccountKind::Log) {
        draft.allow(&GrantScope::on("SignEvidence", [key.to_string()]), &SIGNING);
    }
    match names.place() {
        AccountKind::Management => {
            organization::add_discovery(names, draft, &GrantScope::everything("ReadOrganization"));
            draft.allow(&GrantScope::everything("ReadRegions"), &[account::LIST_REGIONS]);
        }
        AccountKind::Log => add_logs(names, draft),
        AccountKind::Member => {}
    }
}

fn add_logs(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let config = names.config();
    let today = (names.bucket_arn(&names.bucket()), config.bucket.prefix.as_str());
    let earlier = config.earlier.iter().map(|place| (names.bucket_arn(place.bucket.as_str()), place.prefix.as_str()));
    let places: BTreeSet<(String, &str)> = [today].into_iter().chain(earlier).collect();
    let buckets: BTreeSet<String> = places.iter().map(|(bucket, _)| bucket.clone()).collect();
    let listing = GrantScope::on("ListLogs", buckets);
    draft.allow(&listing, &[s3::LIST_OBJECTS, s3::GET_LIFECYCLE, LIST_VERSIONS, GET_LOCATION]);
    let objects = places.iter().map(|(bucket, prefix)| format!("{bucket}/{}", LogRoot::below(prefix).pattern()));
    draft.allow(&GrantScope::on("ReadLogs", objects.collect::<BTreeSet<_>>()), &[GET_OBJECT]);
    draft.allow(&GrantScope::everything("PublicKeys"), &[LIST_PUBLIC_KEYS, cloudtrail::DESCRIBE_TRAILS]);
    let trails = names.arn_in("*", "cloudtrail", "*", "trail/*");
    draft.allow(&GrantScope::on("TrailStatus", [trails]), &[cloudtrail::GET_TRAIL_STATUS]);
    add_earlier_keys(names, draft);
    let by_s3 = [format!("s3.{}.{}", config.home_region, names.partition().dns_suffix())];
    let decrypting = match &config.bucket.encryption {
        Encryption::S3 => return,
        Encryption::KeyArn(arn) => GrantScope::on("Decrypt", [arn.to_string()]),
        Encryption::Kms => {
            let keys = [names.arn("kms", names.here(), "key/*")];
            GrantScope::on("Decrypt", keys).when("ForAnyValue:StringLike", "kms:ResourceAliases", [names.key_alias()])
        }
    };
    draft.allow(&decrypting.when("StringEquals", "kms:ViaService", by_s3), &[DECRYPT]);
}

/// Adds the keys of earlier logs, through S3 in the regions of their buckets.
fn add_earlier_keys(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let config = names.config();
    let by_s3 = |region: &Region| format!("s3.{region}.{}", names.partition().dns_suffix());
    let encrypted = config.earlier.iter().filter_map(|place| {
        let region = place.region.as_ref().unwrap_or(&config.home_region);
        Some((place.key.clone()?, by_s3(region)))
    });
    let (keys, services): (BTreeSet<String>, BTreeSet<String>) = encrypted.unzip();
    if !keys.is_empty() {
        let decrypting = GrantScope::on("DecryptEarlier", keys);
        draft.allow(&decrypting.when("StringEquals", "kms:ViaService", services), &[DECRYPT]);
    }
}
