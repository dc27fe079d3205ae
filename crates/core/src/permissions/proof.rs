//! What reads and proves the logs: reading them, their key, CloudTrail's public keys, and the accounts that should
//! deliver. The member role of the log account reads them; nothing is written.

use std::collections::BTreeSet;

use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, Purpose, organization};
use crate::config::schema::Encryption;
use crate::ids::Region;
use crate::log_path::LogRoot;
use crate::operations::{account, cloudtrail, kms, s3};

/// Adds what reads the logs, in the log account, and for `coverage` what tells whose logs should be there.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if let Some(key) = names.signing_key().filter(|_| names.place() == AccountKind::Log) {
        draft.allow(&GrantScope::on("SignEvidence", [key.to_string()]), &[kms::GET_PUBLIC_KEY, kms::SIGN]);
    }
    match names.place() {
        AccountKind::Management => {
            organization::add_discovery(names, draft, &GrantScope::everything("ReadOrganization"));
            organization::add_entry(names, draft);
            add_regions(draft);
        }
        AccountKind::Log => {
            add_logs(names, draft);
            add_regions(draft);
        }
        AccountKind::Member => add_regions(draft),
    }
}

/// The management account may ask for every account, where the organization trusts `account.amazonaws.com`; otherwise
/// each account is asked through its member role.
fn add_regions(draft: &mut PolicyBuilder) {
    draft.allow(&GrantScope::everything("ReadRegions"), &[account::LIST_REGIONS]);
}

pub(super) fn add_logs(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let config = names.config();
    let today = (names.bucket_arn(&names.bucket()), config.bucket.prefix.as_str());
    let earlier = config.earlier.iter().map(|place| (names.bucket_arn(place.bucket.as_str()), place.prefix.as_str()));
    let places: BTreeSet<(String, &str)> = [today].into_iter().chain(earlier).collect();
    let buckets: BTreeSet<String> = places.iter().map(|(bucket, _)| bucket.clone()).collect();
    let listing = GrantScope::on("ListLogs", buckets);
    draft.allow(&listing, &[s3::LIST_OBJECTS, s3::GET_LOCATION]);
    let proves = names.purpose() == Purpose::Verify;
    if proves {
        draft.allow(&listing, &[s3::GET_LIFECYCLE, s3::LIST_VERSIONS]);
    }
    let objects = places.iter().map(|(bucket, prefix)| format!("{bucket}/{}", LogRoot::below(prefix).pattern()));
    draft.allow(&GrantScope::on("ReadLogs", objects.collect::<BTreeSet<_>>()), &[s3::GET_LOG_FILE]);
    if proves {
        let keys = GrantScope::everything("PublicKeys");
        draft.allow(&keys, &[cloudtrail::LIST_PUBLIC_KEYS, cloudtrail::DESCRIBE_TRAILS]);
        let trails = names.arn_in("*", "cloudtrail", "*", "trail/*");
        draft.allow(&GrantScope::on("TrailStatus", [trails]), &[cloudtrail::GET_TRAIL_STATUS]);
    }
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
    allow_decrypting(draft, &decrypting, by_s3);
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
        allow_decrypting(draft, &decrypting, services);
    }
}

/// Grants what S3 needs to decrypt: it uses the permissions of whoever reads.
fn allow_decrypting(draft: &mut PolicyBuilder, keys: &GrantScope, services: impl IntoIterator<Item = String>) {
    let through_s3 = keys.clone().when("StringEquals", "kms:ViaService", services);
    draft.allow_of(&through_s3, &s3::GET_LOG_FILE, ["kms:Decrypt"]);
}
