//! The requests that CloudTrail makes.
//!
//! Source: CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key policies for
//! CloudTrail", "Amazon SNS topic policy for CloudTrail", "Role policy document for CloudTrail to use CloudWatch Logs".

use super::PreflightTrail;
use crate::ids::AccountId;
use crate::log_path::{LogRoot, Sample};
use crate::policy::evaluate::{Caller, Context, Request};

/// The service that delivers.
pub(super) const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// An address that belongs to AWS (`ip-ranges.json`, service AMAZON).
const ADDRESS_OF_AWS: &str = "54.240.197.233";

/// Whose logs a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The account that owns the trail.
    Own,
    /// The organization's members.
    Organization,
}

/// A path that a trail writes below.
#[derive(Debug, Clone)]
pub(super) struct WritePath {
    pub(super) owner: Owner,
    /// `[prefix/]AWSLogs/<account or organization>/`.
    pub(super) folder: String,
    /// The keys of sample objects.
    pub(super) objects: Vec<String>,
}

impl PreflightTrail {
    pub(super) fn partition(&self) -> &str {
        self.trail_arn.partition()
    }

    pub(super) fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition(), self.bucket)
    }

    pub(super) fn object_arn(&self, key: &str) -> String {
        format!("{}/{key}", self.bucket_arn())
    }

    /// Returns what the folder of a trail of one account stands in.
    pub(super) fn own_root(&self) -> LogRoot {
        LogRoot::below(&self.prefix)
    }

    /// Returns what the folders of the accounts stand in that the trail writes for.
    pub(super) fn root(&self) -> LogRoot {
        let own = self.own_root();
        self.organization_id.as_ref().map_or(own.clone(), |id| own.in_organization(id.as_str()))
    }

    /// Returns the paths of the trail, each with the keys of its owner. An organization trail also needs the path of
    /// the management account, because it may be turned into a trail of one account.
    pub(super) fn paths(&self) -> Vec<WritePath> {
        let (root, account) = (self.own_root(), &self.management_account);
        let (folder, objects) = (root.account_folder(account.as_str()), self.objects(&root, account));
        let mut paths = vec![WritePath { owner: Owner::Own, folder, objects }];
        if self.organization_id.is_some() {
            let root = self.root();
            let objects = self.objects(&root, account);
            paths.push(WritePath { owner: Owner::Organization, objects, folder: root.folder() });
        }
        paths
    }

    /// Returns one object key of each folder, in the layout that CloudTrail documents.
    pub(super) fn objects(&self, root: &LogRoot, account: &AccountId) -> Vec<String> {
        let trail = self.trail_arn.resource();
        let sample = Sample::of(account.as_str(), self.trail_arn.region());
        let sample = sample.by_trail(trail.strip_prefix("trail/").unwrap_or(trail));
        self.folders.iter().map(|folder| sample.key(root, *folder)).collect()
    }
}

/// Builds a request of the service, with the circumstances that every one of them has.
pub(super) fn by_cloudtrail(delivery: &PreflightTrail, action: &str, resource: impl Into<String>) -> Request {
    let context = Context::default()
        .with("aws:SourceArn", delivery.trail_arn.as_str())
        .with("aws:SourceAccount", delivery.management_account.as_str())
        .with("aws:SecureTransport", "true")
        // Services call from addresses of AWS, which no list of one's own networks has; where S3 does not see one, the
        // answers are the same.
        .with("aws:SourceIp", ADDRESS_OF_AWS)
        .without("aws:SourceVpc")
        .without("aws:SourceVpce");
    let context = match &delivery.organization_id {
        Some(id) => context.with("aws:SourceOrgID", id.as_str()),
        None => context,
    };
    let caller = Caller::Service { name: CLOUDTRAIL.into() };
    Request { caller, action: action.into(), resource: resource.into(), context }
}

/// How an object's encryption headers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// The check at creation writes an empty object without them.
    None,
    /// Those of a log file: the trail's key, if it has one.
    OfLogs,
    /// Digests have been written with S3's own key and are now written with the trail's: not known.
    NotKnown,
}

/// Builds the request that writes an object.
pub(super) fn put_object(delivery: &PreflightTrail, key: &str, headers: Headers) -> Request {
    const ENCRYPTION: &str = "s3:x-amz-server-side-encryption";
    const KEY_ID: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    let mut request = by_cloudtrail(delivery, "s3:PutObject", delivery.object_arn(key));
    let context = std::mem::take(&mut request.context)
        .with("s3:x-amz-acl", "bucket-owner-full-control")
        // How the service signs its requests is not told.
        .unknown("s3:x-amz-content-sha256")
        .unknown("s3:signatureage")
        .unknown("s3:signatureversion");
    request.context = match (headers, &delivery.key_arn) {
        (Headers::None, _) => context,
        (Headers::OfLogs, Some(arn)) => context.with(ENCRYPTION, "aws:kms").with(KEY_ID, arn),
        (Headers::OfLogs, None) | (Headers::NotKnown, _) => context.unknown(ENCRYPTION).unknown(KEY_ID),
    };
    request
}
