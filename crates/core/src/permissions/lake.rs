//! A lake in a bucket: its files below one prefix, with the credentials that orgtrail is started with.

use super::AccountKind;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::operations::{lake, s3};

/// Adds reading and writing the lake, for whoever starts orgtrail.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let Some(place) = names.lake().filter(|_| names.place() != AccountKind::Member) else { return };
    let bucket = names.bucket_arn(place.bucket.as_str());
    let files = GrantScope::on("LakeFiles", [format!("{bucket}/{}*", place.prefix)]);
    draft.allow(&files, &[lake::GET_OBJECT, lake::PUT_OBJECT]);
    // Without a condition on the prefix: where there is one, S3 does not say of a missing object that it is missing.
    draft.allow(&GrantScope::on("ListLake", [bucket]), &[s3::LIST_OBJECTS, s3::GET_LOCATION]);
    if let Some(key) = place.key {
        let by_s3 = [format!("s3.{}.{}", key.region(), names.partition().dns_suffix())];
        let through_s3 = GrantScope::on("LakeKey", [key.to_string()]).when("StringEquals", "kms:ViaService", by_s3);
        draft.allow_of(&through_s3, &lake::GET_OBJECT, ["kms:Decrypt"]);
        draft.allow_of(&through_s3, &lake::PUT_OBJECT, ["kms:GenerateDataKey"]);
    }
}

/// Says what a person should know of a lake before using the policy.
pub(super) fn note(names: &Names<'_>) -> Option<String> {
    Some(match (names.lake(), names.place()) {
        (None, _) => {
            "the lake is not named, so that the policy only reads logs: --lake s3://BUCKET/PREFIX adds it; one in \
                      a folder needs nothing"
                .to_owned()
        }
        (Some(_), AccountKind::Log) => {
            "LakeFiles, ListLake and LakeKey are for whoever starts orgtrail, which assumes no \
                                        role for the lake: leave them out of a member role"
                .to_owned()
        }
        (Some(_), _) => return None,
    })
}
