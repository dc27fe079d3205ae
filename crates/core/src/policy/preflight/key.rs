//! CloudTrail's requests to a key: encrypting under the trail's context, describing, and decrypting for Bucket Keys.

use super::diagnosis::{condition, denied_by, judge, record, refusal, right_but_for_conditions};
use super::requests::{CLOUDTRAIL, by_cloudtrail};
use super::{Cause, Preflight, PreflightTrail, Refusal, named};
use crate::policy::document::{PolicyDocument, ResourceElement};
use crate::policy::evaluate::{Denial, Failure, NearMiss, Request, misses};

const CODE: &str = "InsufficientEncryptionPolicyException";
pub(super) const NAME: &str = "key policy";

/// One request to a key, and what a denial of it means.
pub(super) struct KeyCheck<'a> {
    pub(super) name: &'a str,
    pub(super) policy: &'a PolicyDocument,
    pub(super) cause: Cause,
    pub(super) code: &'static str,
}

/// Checks the policy of the key that the trail encrypts with.
pub fn key(delivery: &PreflightTrail, policy: &PolicyDocument) -> Preflight {
    let arn = delivery.key_arn.clone().unwrap_or_else(|| this_key(delivery, policy));
    let mut result = Preflight::default();
    let check = KeyCheck { name: NAME, policy, cause: Cause::KeyNotOpen, code: CODE };
    check.run(&encrypt(delivery, &arn), &mut result);
    check.run(&by_cloudtrail(delivery, "kms:DescribeKey", &arn), &mut result);
    if delivery.bucket_key {
        let check = KeyCheck { cause: Cause::BucketKeyWithoutDecrypt, ..check };
        check.run(&decrypt(delivery, &arn), &mut result);
    }
    result
}

/// Returns what CloudTrail asks of a key.
pub(super) fn requests(delivery: &PreflightTrail, arn: &str) -> Vec<Request> {
    let mut requests = vec![encrypt(delivery, arn), by_cloudtrail(delivery, "kms:DescribeKey", arn)];
    requests.extend(delivery.bucket_key.then(|| decrypt(delivery, arn)));
    requests
}

fn encrypt(delivery: &PreflightTrail, arn: &str) -> Request {
    let mut request = by_cloudtrail(delivery, "kms:GenerateDataKey", arn);
    let object = match (delivery.bucket_key, delivery.paths().first().and_then(|path| path.objects.first())) {
        (false, Some(key)) => delivery.object_arn(key),
        // With Bucket Keys the context names the bucket (S3 user guide, "Reducing the cost of SSE-KMS").
        _ => delivery.bucket_arn(),
    };
    request.context = std::mem::take(&mut request.context)
        .with("kms:EncryptionContext:aws:cloudtrail:arn", delivery.trail_arn.as_str())
        .with("kms:EncryptionContext:aws:s3:arn", object)
        .with("kms:EncryptionContextKeys", "aws:cloudtrail:arn")
        .with("kms:EncryptionContextKeys", "aws:s3:arn");
    request
}

/// AWS shows this statement without a condition, so that nothing is known of source and context.
fn decrypt(delivery: &PreflightTrail, arn: &str) -> Request {
    let mut request = by_cloudtrail(delivery, "kms:Decrypt", arn);
    request.context = std::mem::take(&mut request.context)
        .unknown("aws:SourceArn")
        .unknown("aws:SourceAccount")
        .unknown("aws:SourceOrgID")
        .unknown("kms:EncryptionContextKeys")
        .unknown("kms:EncryptionContext:aws:s3:arn")
        .unknown("kms:EncryptionContext:aws:cloudtrail:arn");
    request
}

/// A key policy can only mean its own key: the ARN that it names, else any.
pub(super) fn this_key(delivery: &PreflightTrail, policy: &PolicyDocument) -> String {
    let mut arns = policy.statements.iter().filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list)) => list.iter().find(|arn| arn.contains(":key/") && !arn.contains('*')),
        _ => None,
    });
    let any = || {
        format!(
            "arn:{}:kms:{}:{}:key/this",
            delivery.partition(),
            delivery.trail_arn.region(),
            delivery.management_account
        )
    };
    arns.next_back().cloned().unwrap_or_else(any)
}

impl KeyCheck<'_> {
    pub(super) fn run(&self, request: &Request, result: &mut Preflight) {
        let verdict = judge(request, named(self.name, self.policy));
        record(result, self.name, request, verdict, |denial| match denial {
            Denial::Explicit(place) => Refusal { cause: self.cause, ..denied_by(place, self.code, self.name, request) },
            Denial::Implicit { .. } => self.explain(request),
        });
    }

    fn explain(&self, request: &Request) -> Refusal {
        let misses = misses(request, named(self.name, self.policy));
        if let Some(miss) = right_but_for_conditions(&misses, self.policy) {
            return condition(miss, self.cause, self.code, self.name, request);
        }
        let closest = misses.iter().find(|miss| matches!(miss.failures.as_slice(), [Failure::Principal { .. }]));
        let wrong_service = closest.and_then(service_of);
        let (statement, has) = wrong_service.map_or((None, None), |(miss, has)| (Some(miss.place.clone()), Some(has)));
        let message = match (&statement, &has) {
            (Some(place), Some(has)) => format!("{place}: {} is allowed to {has}, not to {CLOUDTRAIL}", request.action),
            _ => format!("{}: no statement allows {} to {CLOUDTRAIL}", self.name, request.action),
        };
        Refusal {
            key: statement.as_ref().map(|_| "Principal".to_owned()),
            statement,
            has,
            needs: Some(format!("{} for {CLOUDTRAIL}", request.action)),
            message,
            help: format!("add a statement that allows {CLOUDTRAIL} {}", words(&request.action)),
            ..refusal(self.cause, self.code, self.name, request)
        }
    }
}

/// Returns the service that a statement names instead of CloudTrail.
fn service_of(miss: &NearMiss) -> Option<(&NearMiss, String)> {
    let Some(Failure::Principal { policy, .. }) = miss.failures.first() else { return None };
    policy.iter().find(|name| name.contains("amazonaws.com")).map(|name| (miss, name.clone()))
}

fn words(action: &str) -> String {
    if action == "kms:GenerateDataKey" { "kms:GenerateDataKey*".into() } else { action.into() }
}
