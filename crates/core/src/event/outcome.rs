//! What became of a call: attempted and done are two things.

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
        /// The code: `ThrottlingException`. `None`: a sign-in that failed without one.
        code: Option<Text<'a>>,
    },
    /// It may have been done: the record has an error without a code, one that cannot be read, or one that tells of the
    /// service and not of the call, as those of HTTP's status 5xx do (AWS, "Common errors"): `InternalFailure`.
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
            (true, Some(message)) => Outcome::Denied { code: message.clone() },
            (true, None) => Outcome::Failed { code: None },
            (false, Some(_)) => Outcome::Unknown,
            (false, None) => Outcome::Success,
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

/// A sign-in has no error code: its answer has the call's name, and `Failure` for a value (CloudTrail user guide, "AWS
/// Management Console sign-in events").
fn is_failed_sign_in(record: &Record<'_>) -> bool {
    let answer = || record.response_elements?.get(record.event_name.as_deref()?)?.text();
    answer().is_some_and(|answer| answer == "Failure")
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
}
