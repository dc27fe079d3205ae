//! The codes of findings, with what each means: what reports, metrics, SARIF rules and people's filters know them by.

/// A code of a finding and its meaning.
pub type FindingCode = (&'static str, &'static str);

/// Every code that a [`Finding`](super::Finding) may have, in alphabetical order. A code keeps its meaning in all
/// versions of a format.
pub const FINDING_CODES: &[FindingCode] = &[
    ("access-logs-stopped", "Access logs of the bucket do not arrive in the bucket that is to hold them."),
    ("acl-grant", "The access control list of the bucket gives access to another account or a group."),
    ("archived-logs-must-be-restored", "Logs move to a class in which they cannot be read before they are restored."),
    ("blocks-orgtrail", "A policy denies orgtrail's own role what it needs."),
    ("boundary-may-stop-log-group", "The permissions boundary of the log group's role could not be read."),
    ("boundary-stops-log-group", "A permissions boundary keeps events from the log group."),
    ("break-glass-shut", "A policy denies something to a break-glass role."),
    ("bucket-gone", "The bucket is gone, and nothing can be delivered."),
    ("bucket-policy-gone", "The bucket has no policy, and CloudTrail is refused."),
    ("change-refused", "CloudTrail would refuse every change of the trail because of a policy."),
    ("control-policy-stops-delivery", "A service or resource control policy keeps CloudTrail from delivering."),
    ("control-policy-stops-log-group", "A service control policy keeps events from the log group."),
    ("deleted-principal", "A statement names a user or role that was deleted."),
    ("delivery-fails", "CloudTrail reports that log files cannot be delivered to the bucket."),
    ("delivery-refused", "A policy of the bucket or the key refuses CloudTrail."),
    ("delivery-stale", "Nothing has arrived for too long, and CloudTrail reports no error."),
    ("delivery-unproven", "A condition that cannot be judged may refuse CloudTrail; applying the plan ends it."),
    ("digest-delivery-fails", "CloudTrail reports that digest files cannot be delivered to the bucket."),
    ("digest-delivery-stale", "No digest file has arrived for too long, and CloudTrail reports no error."),
    ("earlier-bucket-gone", "A bucket with earlier logs is gone."),
    ("earlier-bucket-has-acls", "A bucket with earlier logs has access control lists."),
    ("earlier-bucket-unblocked", "A bucket with earlier logs does not block public access."),
    ("earlier-bucket-unversioned", "A bucket with earlier logs has no versioning."),
    ("earlier-key-unusable", "A key of earlier logs is disabled or scheduled for deletion."),
    ("earlier-lake-has-acls", "A bucket with an earlier lake has access control lists."),
    ("earlier-lake-unblocked", "A bucket with an earlier lake does not block public access."),
    ("earlier-logs", "Earlier logs lie in another place, which stays readable and watched."),
    ("earlier-logs-expire", "A lifecycle rule deletes earlier logs sooner than the configuration keeps logs."),
    ("encrypted-elsewhere", "Log files until now are encrypted with a key of another account."),
    ("further-administrator", "A delegated administrator of CloudTrail is not in the configuration."),
    ("further-aggregator", "Another aggregator of AWS Config collects from the organization beside the wanted one."),
    ("further-config-administrator", "A further account administers AWS Config for the organization."),
    ("key-disabled", "The key of the archive is disabled."),
    ("key-pending-deletion", "The key of the archive is scheduled for deletion."),
    ("key-unusable", "The key with which a trail encrypts cannot be used."),
    ("lake-bucket-absent", "The bucket of the lake, which others are to keep, is not there."),
    ("lake-bucket-expires", "A lifecycle rule deletes what lies in the lake, in a bucket that others keep."),
    ("lake-bucket-gone", "The bucket of the lake is gone, with the events whose log files are deleted already."),
    ("lake-bucket-has-acls", "A bucket with the lake, which others keep, has access control lists."),
    ("lake-bucket-unblocked", "A bucket with the lake, which others keep, does not block public access."),
    ("lake-bucket-unversioned", "A bucket with the lake, which others keep, has no versioning."),
    ("lock-outlasts-expiry", "Logs are hidden by the lifecycle, and locked for longer."),
    (
        "log-account-by-its-bucket",
        "The log account is known by the bucket that it has, because its name fits several accounts.",
    ),
    ("log-group-delivery-fails", "CloudTrail reports that events cannot be delivered to CloudWatch Logs."),
    ("log-group-delivery-stale", "Events reach the bucket, and CloudWatch Logs no more."),
    ("log-group-refused", "A policy keeps CloudTrail out of the log group."),
    ("logs-deleted-too-soon", "A lifecycle rule deletes logs sooner than configured."),
    (
        "mfa-delete-refuses-lifecycle",
        "The bucket needs multi-factor authentication to delete, so S3 refuses a lifecycle.",
    ),
    ("notification-fails", "CloudTrail reports that the topic cannot be notified."),
    ("notification-refused", "A policy of the topic or its key refuses CloudTrail."),
    (
        "organization-copied-elsewhere",
        "An organization trail of others copies the events into a bucket that is not known.",
    ),
    ("policy-exposes-logs", "A policy lets in readers or writers that were not meant."),
    ("second-key", "A second key carries the tag of this deployment."),
    ("second-key-unknown", "Whether a second key carries the tag of this deployment could not be looked at."),
    ("selector-matches-nothing", "A selector of the configuration matches no account and no unit."),
    ("selector-wildcard", "An event selector has `*` or `?`, which CloudTrail takes literally."),
    ("small-objects-stay", "S3 does not move objects under 128 KB to another class by default."),
    ("taken-away", "An adoption ends something that others have now."),
    ("trail-records-itself", "The trail records the data events of its own bucket."),
    ("unknown-principal", "A statement names a user or role that could not be found."),
    ("website", "The bucket is served as a website: a browser reads whatever its policy opens to anyone."),
];

/// Tells whether a code is in the table.
pub fn is_known(code: &str) -> bool {
    FINDING_CODES.binary_search_by_key(&code, |(code, _)| code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_sorted_and_each_means_something_else() {
        assert!(FINDING_CODES.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(is_known("delivery-fails") && !is_known("delivery-fail"));
        for (code, meaning) in FINDING_CODES {
            assert!(meaning.ends_with('.') && meaning.len() > 20, "{code}");
        }
    }
}
