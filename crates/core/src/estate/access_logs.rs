//! Whether the server access logs of a bucket can arrive where they are sent.
//!
//! S3 delivers them late or never, and says nothing: into a bucket of another account or region, with a default
//! retention, with default encryption by a KMS key, or whose policy does not let S3's logging service in (S3 user
//! guide, "Enabling Amazon S3 server access logging", "Troubleshoot server access logging").

use super::bucket::AccessLogs;
use super::{Address, Bucket, Estate, Kind, Resource, Sighting};
use crate::ids::Partition;
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{AccessDecision, Caller, Context, Denial, Layers, Named, Request, evaluate};

/// Who delivers access logs.
const LOGGING: &str = "logging.s3.amazonaws.com";

/// Whether access logs arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing stops them.
    Open,
    /// They never arrive: why, and what helps.
    Stopped {
        /// What stops them, in a sentence.
        why: String,
        /// What to do.
        help: String,
    },
    /// It cannot be told, and why.
    Unknown(String),
}

impl Arrival {
    fn stopped(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Stopped { why: why.into(), help: help.into() }
    }
}

/// Returns the address at which the target of a bucket's access logs must be: the bucket's own account and region.
pub fn target_address(bucket: &Address, target: &str) -> Address {
    Address { name: target.to_owned(), ..bucket.with_kind(Kind::Bucket) }
}

/// Judges whether the access logs of `bucket` arrive at `target`, by what was seen there.
pub fn arrival(partition: Partition, estate: &Estate, bucket: &Address, target: &AccessLogs) -> Arrival {
    let name = &target.bucket;
    if *name == bucket.name {
        return Arrival::stopped(
            format!("{name} would log the delivery of its own access logs, again and again"),
            "name another bucket in bucket.access_logs",
        );
    }
    let at = target_address(bucket, name);
    match estate.sightings.get(&at) {
        Some(Sighting::Absent) => Arrival::stopped(
            format!("the bucket {name} does not exist"),
            format!("make it in account {} and {}, or name another in bucket.access_logs", at.account, region(&at)),
        ),
        Some(Sighting::Unreadable(problem)) => Arrival::Unknown(format!(
            "the bucket {name} could not be read as one of account {} in {} ({}); only there S3 delivers access logs",
            at.account,
            region(&at),
            problem.code
        )),
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::Bucket(found) => {
                settings(found, name).unwrap_or_else(|| policy(partition, estate, bucket, &at, found, target))
            }
            _ => Arrival::Unknown(format!("the bucket {name} was not looked at")),
        },
        None => Arrival::Unknown(format!("the bucket {name} was not looked at")),
    }
}

fn region(address: &Address) -> &str {
    address.region.as_ref().map_or("its region", |region| region.as_str())
}

fn settings(found: &Bucket, name: &str) -> Option<Arrival> {
    if let Some(lock) = &found.object_lock {
        let why = format!(
            "{name} has a default retention ({} of {} days), and S3 delivers no access logs into such a bucket",
            lock.mode, lock.days
        );
        return Some(Arrival::stopped(why, format!("take the default retention off {name}, or name another bucket")));
    }
    let encryption = found.encryption.as_ref().filter(|encryption| encryption.algorithm != "AES256")?;
    let why = format!(
        "{name} encrypts with {} by default, and S3 delivers access logs only into buckets with SSE-S3",
        encryption.algorithm
    );
    Some(Arrival::stopped(
        why,
        format!("set the default encryption of {name} to SSE-S3 (AES256), or name another bucket"),
    ))
}

fn policy(
    partition: Partition,
    estate: &Estate,
    source: &Address,
    at: &Address,
    found: &Bucket,
    target: &AccessLogs,
) -> Arrival {
    let name = &at.name;
    let document = match estate.sightings.get(&at.with_kind(Kind::BucketPolicy)) {
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::BucketPolicy(found) => found.policy.clone(),
            _ => return Arrival::Unknown(format!("the policy of {name} was not looked at")),
        },
        Some(Sighting::Absent) => PolicyDocument::default(),
        Some(Sighting::Unreadable(_)) | None => return Arrival::Unknown(format!("the policy of {name} was not read")),
    };
    let object = format!("arn:{partition}:s3:::{name}/{}2026-01-31-00-00-00-SAMPLE", target.prefix);
    let context = Context::default()
        .with("aws:SourceArn", format!("arn:{partition}:s3:::{}", source.name))
        .with("aws:SourceAccount", source.account.as_str())
        .with("aws:SecureTransport", "true")
        .without("aws:SourceVpc")
        .without("aws:SourceVpce");
    let caller = Caller::Service { name: LOGGING.into() };
    let request = Request { caller, action: "s3:PutObject".into(), resource: object.clone(), context };
    let resource = Some(Named { name: "the bucket policy", document: &document });
    let help = format!(
        "add a statement to the policy of {name} that lets {LOGGING} do s3:PutObject on {} with aws:SourceArn \
         arn:{partition}:s3:::{} and aws:SourceAccount {}",
        object.trim_end_matches("2026-01-31-00-00-00-SAMPLE").to_owned() + "*",
        source.name,
        source.account
    );
    match evaluate(&request, &Layers { resource, ..Layers::default() }) {
        AccessDecision::Allowed { .. } => Arrival::Open,
        AccessDecision::Denied(Denial::Explicit(by)) => {
            Arrival::stopped(format!("{by} of {name} keeps {LOGGING} out"), help)
        }
        AccessDecision::Denied(_) if found.object_ownership.as_deref() != Some("BucketOwnerEnforced") => {
            let why = format!(
                "the policy of {name} does not let {LOGGING} in; whether its access control list does is not read"
            );
            Arrival::Unknown(why)
        }
        AccessDecision::Denied(_) => Arrival::stopped(format!("the policy of {name} does not let {LOGGING} in"), help),
        _ => Arrival::Unknown(format!("it is unknown whether the policy of {name} allows {LOGGING}")),
    }
}
