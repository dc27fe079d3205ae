//! What became of a call: attempted and done are two things.
//!
//! Most records of what failed have an error code. Some have their failure in what else they say; all of these are
//! judged here. Sources: CloudTrail user guide, "AWS Management Console sign-in events"; IAM Identity Center user
//! guide, "Understanding IAM Identity Center sign-in events"; Organizations API, `CreateAccountStatus` (`State`,
//! `FailureReason`) and user guide, "Logging AWS Organizations API calls with AWS CloudTrail" (`CreateAccountResult`,
//! `CloseAccountResult`); Control Tower user guide, "Lifecycle events" (`createManagedAccountStatus`, …, each with a
//! `state`); EC2 API (`return`: "Is true if the request succeeds, and an error otherwise").

use super::json::{Json, JsonType, Text};
use super::record::Record;

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It was done.
    Success,
    /// The caller was not allowed to.
    Denied {
        /// The code: `AccessDenied`. For a failed sign-in the message stands for it.
        code: Text<'a>,
    },
    /// It failed for another reason.
    Failed {
        /// The code: `ThrottlingException`; of a service event the reason that it gives: `EMAIL_ALREADY_EXISTS`.
        /// `None`: it has none, as a sign-in that failed.
        code: Option<Text<'a>>,
    },
    /// It may have been done: the record has an error without a code, one that cannot be read, an answer that says no
    /// (`"_return": false`) and no error, a service event that is not at its end, or a code that tells of the service
    /// and not of the call, as those of HTTP's status 5xx do (AWS, "Common errors"): `InternalFailure`.
    Unknown,
}

/// How codes end that say that a caller was not allowed to. Services put words before and behind:
/// `Client.UnauthorizedOperation`, `AccessDeniedException`.
const DENIALS: [&str; 8] = [
    "AccessDenied",
    "UnauthorizedOperation",
    "UnauthorizedAccess",
    "Unauthorized",
    "AuthorizationError",
    "NotAuthorized",
    "Forbidden",
    "AuthFailure",
];

impl<'a> Outcome<'a> {
    /// Returns what became of the call of a record.
    pub fn of(record: &Record<'a>) -> Self {
        let is_unread = |code: &Json<'_>| !matches!(code.kind(), JsonType::Text | JsonType::Null);
        let is_twice = record.unread.iter().any(|unread| unread.field == "errorCode");
        if is_twice || record.field("errorCode").as_ref().is_some_and(is_unread) {
            return Outcome::Unknown;
        }
        if let Some(code) = record.error_code.as_ref().filter(|code| !code.is_empty()) {
            return match code {
                code if is_denial(code) => Outcome::Denied { code: code.clone() },
                code if is_of_service(code) => Outcome::Unknown,
                code => Outcome::Failed { code: Some(code.clone()) },
            };
        }
        let message = record.error_message.as_ref().filter(|message| !message.is_empty());
        match (is_failed_sign_in(record), message) {
            (true, Some(message)) => return Outcome::Denied { code: message.clone() },
            (true, None) => return Outcome::Failed { code: None },
            (false, _) => {}
        }
        match states(record).find(|(state, _)| *state != State::Done) {
            Some((State::Failed, reason)) => Outcome::Failed { code: reason.or_else(|| message.cloned()) },
            None if message.is_none() && !has_no(record) => Outcome::Success,
            _ => Outcome::Unknown,
        }
    }

    /// Tells whether the call was done, or may have been.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Outcome::Success | Outcome::Unknown)
    }
}

fn is_denial(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    DENIALS.iter().any(|denial| code.ends_with(denial))
}

/// Tells whether a code says that the service failed, and nothing of what it had done by then. Services write it in
/// many ways: `InternalFailure`, `InternalServerError`, `KMSInternalException`, `ServiceUnavailable`,
/// `ServiceException`, `DependencyTimeoutException`, `Server.InternalError`, `503`. A request that was too much is one
/// of them where S3 says so (`SlowDown`), but not what is refused before anything is done (`ThrottlingException`).
fn is_of_service(code: &str) -> bool {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let words = ["exception", "error", "failure", "fault"];
    let mut base = plain.as_str();
    while let Some(shorter) = words.iter().find_map(|word| base.strip_suffix(word)) {
        base = shorter;
    }
    let is_status = |text: &str| text.len() == 3 && text.starts_with('5') && text.bytes().all(|b| b.is_ascii_digit());
    let is_refused = ["invalid", "malformed", "unsupported"].iter().any(|start| base.starts_with(start));
    let ends = ["unavailable", "timeout", "timedout", "slowdown", "gateway"];
    is_status(base)
        || matches!(base, "" | "service" | "server" | "unknown")
        || code.starts_with("Server.")
        || base.contains("internal")
        || !is_refused && ends.iter().any(|end| base.ends_with(end))
}

/// A sign-in has no error code: its answer has the call's name, and `Failure` for a value; Identity Center has that in
/// the details of a service event.
fn is_failed_sign_in(record: &Record<'_>) -> bool {
    let name = record.event_name.as_deref().unwrap_or_default();
    let parts = [record.response_elements, record.service_event_details];
    parts
        .into_iter()
        .flatten()
        .any(|part| part.get(name).and_then(|json| json.text()).is_some_and(|text| text == "Failure"))
}

/// How far something is that a service tells of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Failed,
    /// It is not at its end, or the word is not known.
    Open,
}

/// Returns how far each thing is that a record tells the state of, with the reason that it gives.
fn states<'a>(record: &Record<'a>) -> impl Iterator<Item = (State, Option<Text<'a>>)> {
    let details = record.service_event_details;
    let is_status = |name: &str| name.to_ascii_lowercase().ends_with(STATUS);
    let inner = details.into_iter().flat_map(Json::fields).filter(move |(name, _)| is_status(name));
    let of_event =
        inner.map(|(_, value)| (value, Place::Status)).chain(details.map(|details| (details, Place::Details)));
    let answer = record.response_elements.and_then(|answer| answer.get(ASKED)).map(|value| (value, Place::Answer));
    of_event.chain(answer).filter_map(|(part, place)| {
        let state = part.get("state")?.text()?;
        let state = match (state.to_ascii_uppercase().as_str(), place) {
            ("FAILED" | "FAILURE" | "ERROR" | "ABORTED" | "CANCELLED", _) => State::Failed,
            ("SUCCEEDED" | "SUCCESS" | "COMPLETED", _) => State::Done,
            // What is asked for is not done yet when it is answered; other details may call anything their state.
            (_, Place::Answer | Place::Details) => State::Done,
            (_, Place::Status) => State::Open,
        };
        let reason = REASONS.iter().find_map(|name| part.get(name)?.text());
        Some((state, reason.filter(|reason| !reason.is_empty())))
    })
}

/// Where a state stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In an object of the details of a service event whose name ends with `Status`.
    Status,
    /// In these details themselves.
    Details,
    /// In the answer to a call that asks for an account.
    Answer,
}

/// What the answer to `CreateAccount` and `CreateGovCloudAccount` has its state in.
const ASKED: &str = "createAccountStatus";
/// How the names of objects end that have a state.
const STATUS: &str = "status";
/// What says why something failed.
const REASONS: [&str; 3] = ["failureReason", "message", "statusMessage"];

/// Tells whether the answer says no, and the record has no error: EC2 writes `"_return": false`.
fn has_no(record: &Record<'_>) -> bool {
    let answer = || record.response_elements?.get("_return")?.scalar();
    answer().is_some_and(|answer| answer.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &str, expected: &Outcome<'_>) {
        assert_eq!(&Outcome::of(&Record::read(record).unwrap()), expected, "{record}");
    }

    #[test]
    fn what_was_done_denied_and_failed_is_told_apart() {
        let denied = |code: &'static str| Outcome::Denied { code: code.into() };
        let failed = |code: &'static str| Outcome::Failed { code: Some(code.into()) };
        for done in ["{}", r#"{"errorCode":null}"#, r#"{"errorCode":"","errorMessage":""}"#] {
            check(done, &Outcome::Success);
        }
        for code in ["AccessDenied", "Client.UnauthorizedOperation", "AccessDeniedException", "UnauthorizedException"] {
            check(&format!(r#"{{"errorCode":"{code}"}}"#), &denied(code));
        }
        check(r#"{"errorCode":"NoSuchBucketPolicy"}"#, &failed("NoSuchBucketPolicy"));
        for code in ["ThrottlingException", "InvalidTimeout", "NoSuchEntity", "ConcurrentModificationException", "404"]
        {
            check(&format!(r#"{{"errorCode":"{code}"}}"#), &failed(code));
        }
        check(r#"{"errorMessage":"it went wrong"}"#, &Outcome::Unknown);
    }

    #[test]
    fn what_a_service_failed_at_may_be_done() {
        for code in [
            "InternalFailure",
            "InternalError",
            "InternalServerError",
            "InternalServerException",
            "InternalServiceError",
            "KMSInternalException",
            "Server.InternalError",
            "Server.Oops",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "Service Unavailable",
            "ServiceException",
            "ServiceFailure",
            "RequestTimeout",
            "RequestTimeoutException",
            "DependencyTimeoutException",
            "RequestTimedOut",
            "SlowDown",
            "BadGateway",
            "UnknownError",
            "Exception",
            "503",
        ] {
            check(&format!(r#"{{"errorCode":"{code}"}}"#), &Outcome::Unknown);
        }
    }

    #[test]
    fn a_code_that_cannot_be_read_tells_nothing() {
        for code in [r#"["AccessDenied"]"#, r#"{"code":"AccessDenied"}"#, "404", "false", "true"] {
            check(&format!(r#"{{"errorCode":{code}}}"#), &Outcome::Unknown);
        }
        check(r#"{"errorCode":"AccessDenied","errorCode":"NoSuchBucket"}"#, &Outcome::Unknown);
        check(r#"{"errorCode":null,"errorMessage":null}"#, &Outcome::Success);
    }

    #[test]
    fn a_failed_sign_in_is_none() {
        let login = |answer: &str, more: &str| {
            format!(r#"{{"eventName":"ConsoleLogin","responseElements":{{"ConsoleLogin":"{answer}"}}{more}}}"#)
        };
        check(&login("Success", ""), &Outcome::Success);
        check(&login("Failure", ""), &Outcome::Failed { code: None });
        let message = r#","errorMessage":"Failed authentication""#;
        check(&login("Failure", message), &Outcome::Denied { code: "Failed authentication".into() });
        let other = r#"{"eventName":"GetX","responseElements":{"ConsoleLogin":"Failure"}}"#;
        check(other, &Outcome::Success);
    }

    #[test]
    fn what_a_record_says_of_its_failure_in_its_body_is_no_success() {
        let failed = |code: &'static str| Outcome::Failed { code: Some(code.into()) };
        let event = |details: &str| format!(r#"{{"eventType":"AwsServiceEvent","serviceEventDetails":{details}}}"#);
        let answer = |answer: &str| format!(r#"{{"responseElements":{answer}}}"#);
        for (record, expected) in [
            (
                event(r#"{"createAccountStatus":{"state":"FAILED","failureReason":"EMAIL_ALREADY_EXISTS"}}"#),
                failed("EMAIL_ALREADY_EXISTS"),
            ),
            (event(r#"{"createAccountStatus":{"state":"SUCCEEDED","accountId":"1"}}"#), Outcome::Success),
            (event(r#"{"closeAccountStatus":{"accountId":"1","state":"FAILED"}}"#), Outcome::Failed { code: None }),
            (event(r#"{"closeAccountStatus":{"accountId":"1","state":"SUCCEEDED"}}"#), Outcome::Success),
            (
                event(r#"{"createManagedAccountStatus":{"state":"FAILED","message":"it did not work"}}"#),
                failed("it did not work"),
            ),
            (event(r#"{"updateManagedAccountStatus":{"state":"FAILED"}}"#), Outcome::Failed { code: None }),
            (event(r#"{"createManagedAccountStatus":{"state":"IN_PROGRESS"}}"#), Outcome::Unknown),
            (event(r#"{"state":"FAILED","statusMessage":"no"}"#), failed("no")),
            (event(r#"{"keyId":"k"}"#), Outcome::Success),
            (
                r#"{"eventName":"CredentialVerification","serviceEventDetails":{"CredentialVerification":"Failure"}}"#
                    .to_owned(),
                Outcome::Failed { code: None },
            ),
            // What is only asked for is asked for well, whatever becomes of it.
            (answer(r#"{"createAccountStatus":{"state":"IN_PROGRESS"}}"#), Outcome::Success),
            (
                answer(r#"{"createAccountStatus":{"state":"FAILED","failureReason":"INTERNAL_FAILURE"}}"#),
                failed("INTERNAL_FAILURE"),
            ),
            (answer(r#"{"volume":{"state":"error"}}"#), Outcome::Success),
            (answer(r#"{"_return":true}"#), Outcome::Success),
            (answer(r#"{"_return":false}"#), Outcome::Unknown),
            (answer(r#"{"_return":"false"}"#), Outcome::Unknown),
        ] {
            check(&record, &expected);
        }
    }
}
