//! What went wrong with a read of the logs, in what a proof decides upon, and what a retry has to know.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::archive::{Fault, FaultKind};
use crate::cloud::CloudFaultKind;
use crate::cloud::aws::fault::{NO_ANSWER, Reason, reason, without_answer};
use crate::ids::AccountId;
use crate::operations::Operation;

/// A fault with what a retry has to know.
#[derive(Debug)]
pub(in crate::cloud::aws) struct Failure {
    pub(in crate::cloud::aws) fault: Fault,
    /// Whether the same request may go well later.
    pub(in crate::cloud::aws) is_passing: bool,
    /// Whether the service said that there were too many.
    pub(in crate::cloud::aws) is_throttle: bool,
}

/// Says where a call went: `GetObject in account 222222222222`.
fn call(operation: &Operation, account: Option<&AccountId>) -> String {
    account.map_or_else(|| operation.name.to_owned(), |account| format!("{} in account {account}", operation.name))
}

/// Returns the failure of a request that got no answer at all.
pub(super) fn unanswered(
    operation: &Operation,
    account: Option<&AccountId>,
    error: &(dyn std::error::Error + 'static),
) -> Failure {
    let Reason { code, message, help, .. } = without_answer(operation, error);
    let fault = Fault::new(FaultKind::Unavailable, format!("{}: {message}", call(operation, account))).advising(help);
    Failure { fault, is_passing: code == NO_ANSWER, is_throttle: false }
}

/// Sorts an error of the SDK by its code, or by its status where S3 gives no code (answers without a body).
pub(super) fn failure<E>(
    operation: &Operation,
    account: Option<&AccountId>,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16()).unwrap_or_default();
    if status == 0 {
        return unanswered(operation, account, error);
    }
    let Reason { kind, code, message, help } = reason(operation, error);
    let is_throttle = kind == CloudFaultKind::Throttled || code == "TooManyRequests" || matches!(status, 429 | 503);
    let kind = match code.as_str() {
        "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion" => FaultKind::Absent,
        "InvalidObjectState" => FaultKind::Archived,
        _ if matches!(status, 401 | 403) || code.contains("AccessDenied") => FaultKind::Denied,
        _ => FaultKind::Unavailable,
    };
    let is_redirect = matches!(status, 301 | 307 | 400);
    let fault = Fault::new(kind, format!("{}: {code}: {message}", call(operation, account))).advising(help);
    let is_passing = is_throttle || (kind == FaultKind::Unavailable && !is_redirect);
    Failure { fault, is_passing, is_throttle }
}
