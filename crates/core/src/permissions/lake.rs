//! A lake in a bucket: its files below one prefix. One whose bucket orgtrail keeps is entered with the member role of
//! the log account, any other with the credentials that orgtrail is started with.

use super::names::{LakeKey, NamedLake, Names};
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, Purpose, proof};
use crate::operations::{lake, s3};

/// Adds reading the lake, and writing it for the commands that do: these look first whom a bucket of ours lets in.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let Some(place) = names.lake().filter(|place| is_entered_here(names, place)) else { return };
    let bucket = names.bucket_arn(&place.bucket);
    let files = GrantScope::on("LakeFiles", [format!("{bucket}/{}*", place.prefix)]);
    draft.allow(&files, &[lake::GET_OBJECT, lake::PUT_OBJECT]);
    // Without a condition on the prefix: where there is one, S3 does not say of a missing object that it is missing.
    draft.allow(&GrantScope::on("ListLake", [bucket]), &[s3::LIST_OBJECTS, s3::GET_LOCATION]);
    if place.is_kept && names.purpose().writes() {
        let settings = [s3::GET_TAGGING, s3::GET_PUBLIC_ACCESS_BLOCK, s3::GET_OWNERSHIP_CONTROLS, s3::GET_POLICY];
        draft.allow(&GrantScope::on("LakeBucket", [names.bucket_arn(&place.bucket)]), &settings);
    }
    if let Some(key) = key(names, &place) {
        draft.allow_of(&key, &lake::GET_OBJECT, ["kms:Decrypt"]);
        draft.allow_of(&key, &lake::PUT_OBJECT, ["kms:GenerateDataKey"]);
    }
}

/// Adds what the daemon needs to bring the lake of the configuration up to date: reading the logs, and the lake.
pub(super) fn add_updates(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if names.purpose() != Purpose::Reconcile || names.lake().is_none() {
        return;
    }
    if names.place() == AccountKind::Log {
        proof::add_logs(names, draft);
    }
    add(names, draft);
}

/// Tells whether the lake is entered from the account whose policy this is.
fn is_entered_here(names: &Names<'_>, place: &NamedLake) -> bool {
    match names.place() {
        AccountKind::Log => place.is_kept || names.purpose().reads_logs(),
        AccountKind::Management => !place.is_kept,
        AccountKind::Member => false,
    }
}

/// S3 encrypts and decrypts with the permissions of whoever writes and reads.
fn key(names: &Names<'_>, place: &NamedLake) -> Option<GrantScope> {
    let (scope, region) = match &place.key {
        LakeKey::None => return None,
        LakeKey::Of(arn) => (GrantScope::on("LakeKey", [arn.to_string()]), arn.region().to_owned()),
        LakeKey::Archive => {
            let keys = [names.arn("kms", names.here(), "key/*")];
            let scope = GrantScope::on("LakeKey", keys);
            let alias = [names.key_alias()];
            let region = names.config().home_region.to_string();
            (scope.when("ForAnyValue:StringLike", "kms:ResourceAliases", alias), region)
        }
    };
    let by_s3 = [format!("s3.{region}.{}", names.partition().dns_suffix())];
    Some(scope.when("StringEquals", "kms:ViaService", by_s3))
}

/// Says what a person should know of a lake before using the policy.
pub(super) fn note(names: &Names<'_>) -> Option<String> {
    Some(match names.lake() {
        None => "the lake is not named, so that the policy only reads logs: `lake` in the configuration or --lake \
                 s3://BUCKET/PREFIX adds it; one in a folder needs nothing"
            .to_owned(),
        Some(place) if place.is_kept => return None,
        Some(_) if names.place() == AccountKind::Log => {
            "LakeFiles, ListLake and LakeKey are for whoever starts orgtrail, which assumes no role for the lake: leave \
             them out of a member role"
                .to_owned()
        }
        Some(_) => return None,
    })
}
