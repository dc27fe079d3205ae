//! CloudTrail's requests to the bucket: reading its ACL, and writing below each of the trail's paths.

use super::diagnosis::{
    condition, denied_by, judge, names_cloudtrail, outdated, record, refusal, right_but_for_conditions,
};
use super::keys::told_apart;
use super::requests::{CLOUDTRAIL, Headers, Owner, WritePath, by_cloudtrail, put_object};
use super::{Asked, Cause, Doubt, Preflight, PreflightTrail, Refusal, named};
use crate::log_path::{Folder, folder_of};
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{AccessDecision, Denial, Failure, NearMiss, Request, StatementPlace, misses};

const CODE: &str = "InsufficientS3BucketPolicyException";
const ENCRYPTION_CODE: &str = "InsufficientEncryptionPolicyException";

/// A bucket's policy on trial.
struct Bucket<'a> {
    delivery: &'a PreflightTrail,
    policy: &'a PolicyDocument,
    name: String,
}

/// Checks a bucket's policy; none means that the bucket has no policy.
pub fn bucket(delivery: &PreflightTrail, policy: Option<&PolicyDocument>) -> Preflight {
    let empty = PolicyDocument::default();
    let name = format!("bucket policy of {}", delivery.bucket);
    let bucket = Bucket { delivery, policy: policy.unwrap_or(&empty), name };
    let mut result = Preflight::default();
    bucket.check_acl(&mut result);
    let mut paths = delivery.paths();
    if let Some(widest) = paths.last_mut() {
        let more = told_apart(delivery, bucket.policy, &widest.objects);
        widest.objects.extend(more.keys);
        if more.too_many {
            result.doubt(bucket.too_many(widest));
        }
    }
    // What refuses log files refuses the check too, and is told for the worse of both.
    for (path, key) in paths.iter().flat_map(|path| path.objects.iter().map(move |key| (path, key))) {
        bucket.check_write(path, key, &mut result);
    }
    paths.iter().for_each(|path| bucket.check_creation(path, &mut result));
    result
}

/// Returns what CloudTrail asks of a bucket, as far as the statements of a policy tell log files apart.
pub(super) fn requests(delivery: &PreflightTrail, policy: &PolicyDocument) -> Asked {
    let mut requests = vec![by_cloudtrail(delivery, "s3:GetBucketAcl", delivery.bucket_arn())];
    let mut paths = delivery.paths();
    let mut too_many = false;
    if let Some(widest) = paths.last_mut() {
        let more = told_apart(delivery, policy, &widest.objects);
        widest.objects.extend(more.keys);
        too_many = more.too_many;
    }
    let keys = paths.iter().flat_map(|path| &path.objects);
    requests.extend(keys.map(|key| put_object(delivery, key, headers(key))));
    // The check that is made when a trail is changed comes last: what refuses log files too is told for them.
    requests.extend(paths.iter().map(|path| put_object(delivery, &path.folder, Headers::None)));
    Asked { requests, too_many }
}

fn headers(key: &str) -> Headers {
    if folder_of(key) == Some(Folder::Digests) { Headers::NotKnown } else { Headers::OfLogs }
}

impl Bucket<'_> {
    fn verdict(&self, request: &Request) -> AccessDecision {
        judge(request, named(&self.name, self.policy))
    }

    fn check_write(&self, path: &WritePath, key: &str, result: &mut Preflight) {
        let request = put_object(self.delivery, key, headers(key));
        record(result, &self.name, &request, self.verdict(&request), |denial| {
            self.explain_write(path, &request, denial)
        });
    }

    fn too_many(&self, path: &WritePath) -> Doubt {
        Doubt {
            document: self.name.clone(),
            action: "s3:PutObject".into(),
            resource: self.delivery.object_arn(&format!("{}*", path.folder)),
            why: vec![
                "the patterns of its statements are too long or too many to try a file on each side of them".into(),
            ],
        }
    }

    fn misses(&self, request: &Request) -> Vec<NearMiss> {
        misses(request, named(&self.name, self.policy))
            .into_iter()
            .filter(|miss| names_cloudtrail(miss, self.policy) && concerns(miss))
            .collect()
    }

    fn check_acl(&self, result: &mut Preflight) {
        let request = by_cloudtrail(self.delivery, "s3:GetBucketAcl", self.delivery.bucket_arn());
        record(result, &self.name, &request, self.verdict(&request), |denial| match denial {
            Denial::Explicit(place) => denied_by(place, CODE, &self.name, &request),
            Denial::Implicit { .. } => self.explain_acl(&request),
        });
    }

    /// Explains by CloudTrail's old accounts, where the policy names them.
    fn outdated(&self, request: &Request) -> Option<Refusal> {
        let misses = misses(request, named(&self.name, self.policy));
        outdated(&misses, self.policy, &self.delivery.trail_arn, CODE, &self.name, request)
    }

    fn explain_acl(&self, request: &Request) -> Refusal {
        if let Some(refusal) = self.outdated(request) {
            return refusal;
        }
        let misses = self.misses(request);
        if let Some(miss) = right_but_for_conditions(&misses, self.policy) {
            return condition(miss, Cause::ConditionDiffers, CODE, &self.name, request);
        }
        let needs = self.delivery.bucket_arn();
        let base = refusal(Cause::AclCheckMissing, CODE, &self.name, request);
        let help = format!("allow {} s3:GetBucketAcl on {needs}", CLOUDTRAIL);
        match misses.first().map(|miss| (miss, resources(miss))) {
            Some((miss, has)) if !has.is_empty() => Refusal {
                message: format!(
                    "{}: the ACL check is allowed on {}, it must be on the bucket {needs}",
                    miss.place,
                    has.join(", ")
                ),
                statement: Some(miss.place.clone()),
                key: Some("Resource".into()),
                has: Some(has.join(", ")),
                needs: Some(needs),
                help,
                ..base
            },
            _ => Refusal {
                message: format!("{}: no statement lets CloudTrail read the ACL of the bucket", self.name),
                needs: Some(needs),
                help,
                ..base
            },
        }
    }

    /// While a trail is created or changed, CloudTrail writes an empty object without encryption headers, so that a
    /// statement that denies by these headers, or by this name, refuses the trail although its log files would pass.
    fn check_creation(&self, path: &WritePath, result: &mut Preflight) {
        let request = put_object(self.delivery, &path.folder, Headers::None);
        match self.verdict(&request) {
            AccessDecision::Denied(Denial::Explicit(place)) if self.denies_by_encryption(&place) => {
                result.refuse(self.encryption_denied(place, &request));
            }
            AccessDecision::Denied(Denial::Explicit(place)) => {
                result.refuse(denied_by(place, CODE, &self.name, &request));
            }
            _ => {}
        }
    }

    fn denies_by_encryption(&self, place: &StatementPlace) -> bool {
        let Some(statement) = self.policy.statements.get(place.index) else { return false };
        let mut keys = statement.condition.values().flat_map(|by_key| by_key.keys());
        keys.any(|key| key.to_ascii_lowercase().starts_with("s3:x-amz-server-side-encryption"))
    }

    fn encryption_denied(&self, place: StatementPlace, request: &Request) -> Refusal {
        let code = if self.delivery.key_arn.is_some() { ENCRYPTION_CODE } else { CODE };
        let message =
            format!("{place} denies objects by their encryption headers, which CloudTrail's check does not send");
        let base = refusal(Cause::EncryptionDenied, code, &self.name, request);
        Refusal {
            statement: Some(place),
            denied: true,
            key: Some("s3:x-amz-server-side-encryption".into()),
            message,
            help: "remove the statement and set the bucket's default encryption instead".into(),
            ..base
        }
    }

    fn explain_write(&self, path: &WritePath, request: &Request, denial: Denial) -> Refusal {
        match denial {
            Denial::Explicit(place) if self.denies_by_encryption(&place) => self.encryption_denied(place, request),
            Denial::Explicit(place) => denied_by(place, CODE, &self.name, request),
            Denial::Implicit { .. } => self.explain_closed(path, request),
        }
    }

    fn explain_closed(&self, path: &WritePath, request: &Request) -> Refusal {
        if let Some(refusal) = self.outdated(request) {
            return refusal;
        }
        let misses = self.misses(request);
        if let Some(miss) = right_but_for_conditions(&misses, self.policy) {
            return condition(miss, Cause::ConditionDiffers, CODE, &self.name, request);
        }
        let needs = self.delivery.object_arn(&format!("{}*", path.folder));
        let near = self.nearest_path(path, &misses);
        let (cause, miss, has) = near.unwrap_or((missing(path.owner), misses.first(), None));
        let place = miss.map(|miss| miss.place.clone());
        let where_at = place.as_ref().map_or_else(|| self.name.clone(), StatementPlace::to_string);
        let allowed = || miss.map(resources).unwrap_or_default().join(", ");
        let has = has.or_else(|| Some(allowed()).filter(|text| !text.is_empty()));
        let message = match (&has, cause) {
            (None, _) => format!("{where_at}: no statement lets CloudTrail write to {needs}"),
            (Some(has), Cause::WildcardMissing) => format!("{where_at}: {has} ends without `/*`, it must be {needs}"),
            (Some(has), Cause::PrefixDiffers) => {
                format!("{where_at}: {has} has another prefix than the trail, it must be {needs}")
            }
            (Some(has), _) => format!("{where_at}: writing is allowed on {has}, but not on {needs}"),
        };
        let help = match &place {
            Some(_) => format!("add {needs} to the resources that CloudTrail may write to"),
            None => format!("allow {CLOUDTRAIL} s3:PutObject on {needs} for aws:SourceArn {}", self.delivery.trail_arn),
        };
        Refusal {
            statement: place,
            key: Some("Resource".into()),
            has,
            help,
            needs: Some(needs),
            message,
            ..refusal(cause, CODE, &self.name, request)
        }
    }

    /// Finds a resource that was meant for this path: the same path without `/*`, or below another prefix.
    fn nearest_path<'m>(
        &self,
        path: &WritePath,
        misses: &'m [NearMiss],
    ) -> Option<(Cause, Option<&'m NearMiss>, Option<String>)> {
        let start = format!("{}/", self.delivery.bucket_arn());
        let root = self.delivery.own_root();
        let tail = path.folder.strip_prefix(root.prefix())?;
        let all = || misses.iter().flat_map(|miss| resources(miss).into_iter().map(move |resource| (miss, resource)));
        let below = |resource: &str| resource.strip_prefix(&start).map(str::to_owned);
        let bare = all().find(|(_, resource)| {
            below(resource).is_some_and(|key| format!("{}/", key.trim_end_matches('/')) == path.folder)
        });
        if let Some((miss, resource)) = bare {
            return Some((Cause::WildcardMissing, Some(miss), Some(resource)));
        }
        let moved = all().find(|(_, resource)| {
            below(resource)
                .is_some_and(|key| format!("/{key}").contains(&format!("/{tail}")) && !key.starts_with(&path.folder))
        });
        moved.map(|(miss, resource)| (Cause::PrefixDiffers, Some(miss), Some(resource)))
    }
}

fn missing(owner: Owner) -> Cause {
    match owner {
        Owner::Own => Cause::OwnPathMissing,
        Owner::Organization => Cause::OrganizationPathMissing,
    }
}

/// Tells whether a statement is about CloudTrail and the action at all.
fn concerns(miss: &NearMiss) -> bool {
    !miss.failures.iter().any(|failure| matches!(failure, Failure::Principal { .. } | Failure::Action { .. }))
}

/// Returns the resources of a statement that does not name the right one.
fn resources(miss: &NearMiss) -> Vec<String> {
    let resource = |failure: &Failure| match failure {
        Failure::Resource { policy, .. } => policy.clone(),
        _ => Vec::new(),
    };
    miss.failures.iter().flat_map(resource).collect()
}
