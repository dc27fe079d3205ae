//! What became of a call: attempted and done are two things.

use super::json::JsonType;
use super::json::Text;
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
    /// The record has an error without a code, or with one that cannot be read: it may have been done.
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
        if let Some(code) = record.error_code.as_ref().filter(|code| !code.is_empty()) {
            return if is_denial(code) {
                Outcome::Denied { code: code.clone() }
            } else {
                Outcome::Failed { code: Some(code.clone()) }
            };
        }
        if record.field("errorCode").is_some_and(|code| matches!(code.kind(), JsonType::List | JsonType::Object)) {
            return Outcome::Unknown;
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
        check(r#"{"errorCode":404}"#, &failed("404"));
        check(r#"{"errorMessage":"it went wrong"}"#, &Outcome::Unknown);
        check(r#"{"errorCode":["AccessDenied"]}"#, &Outcome::Unknown);
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
