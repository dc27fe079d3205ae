//! Errors of the SDK into [`CloudFault`]s, by their codes and never by their texts.
//!
//! The table says of each code what kind it is and what to do next. What is not in it is passed on as it is.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::calls::NotInTable;
use crate::cloud::{CloudFault, CloudFaultKind};
use crate::ids::AccountId;
use crate::operations::Operation;

/// What an error code means.
struct Meaning {
    codes: &'static [&'static str],
    kind: CloudFaultKind,
    help: &'static str,
}

const fn meaning(kind: CloudFaultKind, help: &'static str, codes: &'static [&'static str]) -> Meaning {
    Meaning { codes, kind, help }
}

const TABLE: &[Meaning] = &[
    meaning(
        CloudFaultKind::Absent,
        "",
        &[
            "NoSuchEntity",
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchKey",
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "NoSuchTagSet",
            "NoSuchLifecycleConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "NoSuchWebsiteConfiguration",
            "ReplicationConfigurationNotFoundError",
            "OwnershipControlsNotFoundError",
            "ObjectLockConfigurationNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError",
            "NotFoundException",
            "NotFound",
            "ResourceNotFoundException",
            "TrailNotFoundException",
            "InsightNotEnabledException",
            "PolicyNotFoundException",
            "PolicyNotAttachedException",
        ],
    ),
    meaning(
        CloudFaultKind::Throttled,
        "run it again with a lower --concurrency; other tools may use up the same quota",
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "SlowDown",
        ],
    ),
    meaning(
        CloudFaultKind::Unreachable,
        "the credentials are no longer valid: sign in again (`aws sso login`) or renew them",
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "AuthFailure",
        ],
    ),
    meaning(
        CloudFaultKind::Unreachable,
        "the clock of this machine differs from AWS's by more than AWS takes (15 minutes with S3, 5 elsewhere): set it, with \
         NTP for example, and run it again",
        &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"],
    ),
    meaning(
        CloudFaultKind::Unreachable,
        "the signature of the request is not right: either the clock of this machine differs from AWS's by more than 5 \
         minutes, then set it; or the secret key is wrong, then renew the credentials",
        &["InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "IAM changes reach other services within a minute or so; if it still fails then, a principal or a part of \
         the policy is wrong",
        &["MalformedPolicyDocument", "MalformedPolicy", "ConcurrentModification", "EntityTemporarilyUnmodifiable"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "another change of the same thing is under way; run it again in a few minutes",
        &[
            "ConflictException",
            "ConcurrentModificationException",
            "ConcurrentAccess",
            "ConcurrentAccessException",
            "OperationAborted",
            "OperationAbortedException",
            "KMSInvalidStateException",
            "FinalizingOrganizationException",
        ],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "the bucket policy must allow cloudtrail.amazonaws.com s3:GetBucketAcl on the bucket and s3:PutObject on the \
         trail's prefix, for the management account and for the organization, with this trail's ARN as aws:SourceArn",
        &["InsufficientS3BucketPolicyException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "the key policy must allow cloudtrail.amazonaws.com kms:GenerateDataKey* for this trail's ARN, kms:DescribeKey, \
         and kms:Decrypt where the bucket uses S3 Bucket Keys; a deny on encryption headers in the bucket policy has \
         the same effect",
        &["InsufficientEncryptionPolicyException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "the topic must be in the trail's region, its policy must allow cloudtrail.amazonaws.com SNS:Publish for this \
         trail's ARN, and the key of an encrypted topic must let CloudTrail use it",
        &["InsufficientSnsTopicPolicyException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "the log group and its role must be in the account that makes the trail, in the trail's region, and the role must \
         trust cloudtrail.amazonaws.com and allow logs:CreateLogStream and logs:PutLogEvents on the organization's streams",
        &["InvalidCloudWatchLogsRoleArnException", "InvalidCloudWatchLogsLogGroupArnException"],
    ),
    meaning(CloudFaultKind::NotYet, "the bucket of the trail does not exist", &["S3BucketDoesNotExistException"]),
    meaning(
        CloudFaultKind::NotYet,
        "trusted access of CloudTrail is off; it is switched on in the management account",
        &["CloudTrailAccessNotEnabledException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "the account must be a delegated administrator of AWS Config, trusted access of config.amazonaws.com must be on, and \
         the caller needs organizations:ListDelegatedAdministrators; all of it reaches AWS Config within a few minutes",
        &["OrganizationAccessDeniedException"],
    ),
    meaning(
        CloudFaultKind::NotYet,
        "AWS Config cannot assume the role of the aggregator yet; its trust policy must allow config.amazonaws.com",
        &["InvalidRoleException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the service-linked role AWSServiceRoleForCloudTrail is missing in the management account; make it there with \
         `aws iam create-service-linked-role --aws-service-name cloudtrail.amazonaws.com`",
        &["NoManagementAccountSLRExistsException", "InsufficientDependencyServiceAccessPermissionException"],
    ),
    meaning(
        CloudFaultKind::Denied,
        "the caller also needs iam:GetRole and iam:CreateServiceLinkedRole",
        &["InsufficientIAMAccessPermissionException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "this call must come from the management account of the organization",
        &["NotOrganizationMasterAccountException", "NotOrganizationManagementAccountException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the organization only shares its bill; enable all features in AWS Organizations first",
        &["OrganizationNotInAllFeaturesModeException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the account of these credentials belongs to no organization; use those of the management account",
        &["AWSOrganizationsNotInUseException", "OrganizationsNotInUseException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the management account cannot be a delegated administrator; name a member account, or leave it out",
        &["CannotDelegateManagementAccountException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "CloudTrail has its three delegated administrators already; remove one first",
        &["DelegatedAdminAccountLimitExceededException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "this account has its five trails in this region; `orgtrail plan` lists them with what they record",
        &["MaximumNumberOfTrailsExceededException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "a trail is changed in its home region only; set home_region to it",
        &["InvalidHomeRegionException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "bucket names are global: another account has this one; choose another name",
        &["BucketAlreadyExists"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the bucket is in another region than home_region",
        &["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "service control policies are not enabled in the organization; enable the policy type in AWS Organizations, or \
         leave guard.service_control_policy out",
        &["PolicyTypeNotEnabledException"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "a quota of the account is full; raise it in Service Quotas",
        &["LimitExceeded", "LimitExceededException", "TooManyBuckets", "TopicLimitExceeded"],
    ),
    meaning(
        CloudFaultKind::Refused,
        "the policy is not valid, or would lock all principals out of the key",
        &["MalformedPolicyDocumentException"],
    ),
];

/// Codes for "you may not", which get the needed actions as their help.
const DENIALS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedForDependencyException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "Forbidden",
    "OptInRequired",
];

/// Makes the fault of a call that went wrong.
pub(super) fn fault<E>(account: &AccountId, operation: &Operation, error: &SdkError<E, HttpResponse>) -> CloudFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Reason { kind, code, message, help } = reason(operation, error);
    CloudFault { kind, account: account.clone(), operation: operation.as_str().into(), code, message, help }
}

/// Why a call went wrong, wherever it was made.
pub(super) struct Reason {
    pub(super) kind: CloudFaultKind,
    /// AWS's error code, or a word of orgtrail's own where AWS did not answer.
    pub(super) code: String,
    pub(super) message: String,
    /// What to do next; empty where it is not known.
    pub(super) help: String,
}

/// Returns why a call went wrong.
pub(super) fn reason<E>(operation: &Operation, error: &SdkError<E, HttpResponse>) -> Reason
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (code, message) = code_and_message(error);
    let (kind, help) = explain(operation, &code);
    Reason { kind, code, message, help }
}

/// Returns why a request got no answer, whoever sent it.
pub(super) fn without_answer(operation: &Operation, error: &(dyn Error + 'static)) -> Reason {
    let (code, message) = (code_without_answer(error), root(error));
    let (kind, help) = explain(operation, &code);
    Reason { kind, code, message, help }
}

/// The code of a request that was sent and got no answer, or could not be sent.
pub(super) const NO_ANSWER: &str = "NoAnswer";

fn code_and_message<E>(error: &SdkError<E, HttpResponse>) -> (String, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().map_or_else(|| code_of_status(status), str::to_owned);
            (code, answer.err().message().map_or_else(|| chain(answer.err()), str::to_owned))
        }
        // An answer that cannot be read is none; its own words say why.
        other => (code_without_answer(other), root(other)),
    }
}

/// Makes a fault of orgtrail's own, for what is wrong before a call is made or after it was answered.
pub(super) fn refusal(
    account: &AccountId,
    operation: &str,
    code: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> CloudFault {
    CloudFault {
        kind: CloudFaultKind::Refused,
        account: account.clone(),
        operation: operation.into(),
        code: code.into(),
        message: message.into(),
        help: help.into(),
    }
}

/// The code where no answer came: no credentials, a call that may not be made, or no connection.
fn code_without_answer(error: &(dyn Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    let code = causes.find_map(|cause| {
        let no_credentials = cause.is::<CredentialsError>().then_some("NoCredentials");
        no_credentials.or_else(|| cause.is::<NotInTable>().then_some("NotInTable"))
    });
    code.unwrap_or(NO_ANSWER).into()
}

/// The words of the last cause, in one line: what stands before it are the SDK's own parts. None of its texts holds a
/// secret.
fn root(error: &(dyn Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| (*error).source()).last();
    let text = last.map(ToString::to_string).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// S3 answers some requests without a body, and so without a code. That something is not there is never told like this:
/// a proxy or a wrong endpoint answers 404 too.
fn code_of_status(status: u16) -> String {
    match status {
        301 => "PermanentRedirect".into(),
        403 => "AccessDenied".into(),
        other => format!("HTTP{other}"),
    }
}

/// The texts of an error and its causes. None of the SDK's texts holds a secret.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts.join(": ")
}

fn explain(operation: &Operation, code: &str) -> (CloudFaultKind, String) {
    if DENIALS.contains(&code) {
        let needs = operation.actions.join(", ");
        let help = format!(
            "allow the caller {needs}; a service control policy, a permissions boundary or the resource's own policy can \
             deny it too"
        );
        return (CloudFaultKind::Denied, help);
    }
    match code {
        "NoCredentials" => (
            CloudFaultKind::Unreachable,
            "no AWS credentials were found; sign in (`aws sso login`), or set AWS_PROFILE or --profile".into(),
        ),
        "NotInTable" => (CloudFaultKind::Other, "this is a mistake in orgtrail itself: please report it".into()),
        NO_ANSWER => (
            CloudFaultKind::Unreachable,
            "AWS could not be reached; check the network, the proxy, the region and AWS_ENDPOINT_URL".into(),
        ),
        _ if is_of_something_else(operation, code) => (CloudFaultKind::Other, String::new()),
        _ => match TABLE.iter().find(|meaning| meaning.codes.contains(&code)) {
            Some(meaning) => (meaning.kind, meaning.help.into()),
            None => (CloudFaultKind::Other, String::new()),
        },
    }
}

/// The codes with which a read says that the very thing it asks for is not there; other codes of absence say that
/// something is missing that must be there. Source: the errors of each operation in the services' API references.
const ABSENCES: &[(&str, &[&str])] = &[
    ("GetBucketVersioning", &["NoSuchBucket"]),
    ("GetBucketPolicy", &["NoSuchBucket", "NoSuchBucketPolicy"]),
    ("GetPublicAccessBlock", &["NoSuchPublicAccessBlockConfiguration"]),
    ("GetBucketOwnershipControls", &["OwnershipControlsNotFoundError"]),
    ("GetBucketEncryption", &["ServerSideEncryptionConfigurationNotFoundError"]),
    ("GetBucketLifecycleConfiguration", &["NoSuchLifecycleConfiguration"]),
    ("GetObjectLockConfiguration", &["ObjectLockConfigurationNotFoundError"]),
    ("GetBucketTagging", &["NoSuchTagSet"]),
    ("GetBucketLogging", &[]),
    ("GetBucketRequestPayment", &[]),
    ("ListObjectsV2", &[]),
    ("GetRole", &["NoSuchEntity"]),
    ("GetPolicy", &["NoSuchEntity"]),
    ("DescribeKey", &["NotFoundException"]),
    ("GetTopicAttributes", &["NotFound", "NotFoundException"]),
    ("GetInsightSelectors", &["InsightNotEnabledException"]),
    ("DescribeRule", &["ResourceNotFoundException"]),
];

/// Tells whether a code says of something else than what the operation asks for that it is not there.
fn is_of_something_else(operation: &Operation, code: &str) -> bool {
    let Some((_, codes)) = ABSENCES.iter().find(|(name, _)| *name == operation.name) else { return false };
    let is_absence =
        TABLE.iter().any(|meaning| meaning.kind == CloudFaultKind::Absent && meaning.codes.contains(&code));
    is_absence && !codes.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{ALL, Access, cloudtrail, iam, s3};

    #[test]
    fn a_denial_names_the_actions_that_are_missing() {
        let (kind, help) = explain(&iam::CREATE_ROLE, "AccessDenied");
        assert_eq!(kind, CloudFaultKind::Denied);
        assert!(help.contains("iam:CreateRole, iam:TagRole"), "{help}");
    }

    #[test]
    fn a_wrong_clock_is_named() {
        for code in ["RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch"] {
            let (kind, help) = explain(&iam::CREATE_ROLE, code);
            assert!(
                kind == CloudFaultKind::Unreachable && help.contains("the clock of this machine"),
                "{code}: {help}"
            );
        }
    }

    #[test]
    fn absence_needs_the_code_of_the_very_thing() {
        assert_eq!(code_of_status(404), "HTTP404");
        let kind = |operation: &Operation, code| explain(operation, code).0;
        assert_eq!(kind(&s3::GET_POLICY, "NoSuchBucketPolicy"), CloudFaultKind::Absent);
        assert_eq!(kind(&s3::GET_POLICY, "HTTP404"), CloudFaultKind::Other);
        assert_eq!(kind(&s3::GET_ENCRYPTION, "NoSuchBucket"), CloudFaultKind::Other);
        assert_eq!(kind(&s3::GET_TAGGING, "NoSuchKey"), CloudFaultKind::Other);
        assert_eq!(kind(&cloudtrail::GET_INSIGHT_SELECTORS, "TrailNotFoundException"), CloudFaultKind::Other);
        for (name, _) in ABSENCES {
            assert!(ALL.iter().any(|op| op.name == *name && op.access == Access::Read), "{name}");
        }
    }

    #[test]
    fn each_code_has_one_meaning() {
        let mut codes: Vec<_> = TABLE.iter().flat_map(|m| m.codes).chain(DENIALS).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn refusals_of_propagation_are_tried_again_and_final_ones_are_not() {
        let kind = |code| explain(&cloudtrail::CREATE_TRAIL, code).0;
        for code in ["InsufficientS3BucketPolicyException", "ConflictException", "CloudTrailAccessNotEnabledException"]
        {
            assert_eq!(kind(code), CloudFaultKind::NotYet, "{code}");
        }
        for code in ["MaximumNumberOfTrailsExceededException", "InvalidHomeRegionException", "LimitExceededException"] {
            assert_eq!(kind(code), CloudFaultKind::Refused, "{code}");
        }
        assert_eq!(kind("SomethingNew"), CloudFaultKind::Other);
    }
}
