//! Who a caller is: read from an ARN, by its names, and by the condition keys that follow from it.

use super::*;
use crate::policy::evaluate::request::{Fact, derived};

const ROOT: &str = "arn:aws:iam::111111111111:root";
const SERVICE: &str = "cloudtrail.amazonaws.com";

#[test]
fn a_caller_is_read_from_the_arn_of_a_root_user_a_user_a_role_or_its_session() {
    for (arn, principal, session) in [
        (ROOT, ROOT, None),
        ("arn:aws-cn:iam::111111111111:root", "arn:aws-cn:iam::111111111111:root", None),
        ("arn:aws-us-gov:iam::111111111111:root", "arn:aws-us-gov:iam::111111111111:root", None),
        (USER, USER, None),
        (
            "arn:aws:iam::111111111111:role/team/app",
            "arn:aws:iam::111111111111:role/team/app",
            Some("arn:aws:sts::111111111111:assumed-role/app/session"),
        ),
        (
            "arn:aws-cn:sts::111111111111:assumed-role/app/run",
            "arn:aws-cn:iam::111111111111:role/app",
            Some("arn:aws-cn:sts::111111111111:assumed-role/app/run"),
        ),
    ] {
        let caller = Caller::from_arn(&arn.parse().unwrap()).unwrap();
        assert_eq!(caller.principal_arn().as_deref(), Some(principal), "{arn}");
        assert_eq!(caller.session_arn().as_deref(), session, "{arn}");
        assert_eq!((caller.account(), caller.to_string().as_str()), (Some("111111111111"), principal), "{arn}");
    }
    for arn in [
        "arn:aws:iam::111111111111:group/admins",
        "arn:aws:iam::111111111111:policy/user",
        "arn:aws:sns:eu-central-1:111111111111:topic",
        "arn:aws:sts::111111111111:assumed-role/app",
    ] {
        assert_eq!(Caller::from_arn(&arn.parse().unwrap()), None, "{arn}");
    }
    assert_eq!(caller("anonymous").to_string(), "an anonymous caller");
    assert_eq!(caller(SERVICE).to_string(), SERVICE);
    assert_eq!((caller("anonymous").principal_arn(), caller(SERVICE).principal_arn()), (None, None));
}

/// What follows for a key: its value, `-` where the caller does not have it, `?` where that is not known.
fn of(who: &str, key: &str) -> String {
    match derived(&caller(who), key) {
        Some(Fact::Values(values)) => values.join(","),
        Some(Fact::Absent) => "-".into(),
        Some(Fact::Unknown) | None => "?".into(),
    }
}

#[test]
fn what_a_caller_is_tells_the_keys_about_it() {
    // IAM user guide, "AWS global condition context keys": what is in every request, and whose requests have it.
    let callers = ["anonymous", SERVICE, ROOT, USER, ROLE];
    let account = "111111111111";
    for (key, expected) in [
        ("aws:viaawsservice", ["false", "false", "false", "false", "false"]),
        ("aws:principalisawsservice", ["false", "true", "false", "false", "false"]),
        ("aws:principalarn", ["-", "-", ROOT, USER, ROLE]),
        ("aws:principalaccount", ["anonymous", "-", account, account, account]),
        ("aws:principaltype", ["Anonymous", "-", "Account", "User", "AssumedRole"]),
        ("aws:username", ["-", "-", "-", "anna", "-"]),
        ("aws:userid", ["anonymous", "-", account, "?", "?"]),
        ("aws:principalservicename", ["-", SERVICE, "-", "-", "-"]),
        ("aws:principalservicenameslist", ["-", SERVICE, "-", "-", "-"]),
        ("aws:principalorgid", ["-", "-", "?", "?", "?"]),
        ("aws:principalorgmasteraccountid", ["-", "-", "?", "?", "?"]),
        ("aws:principalorgpaths", ["-", "-", "?", "?", "?"]),
        ("aws:multifactorauthpresent", ["-", "-", "?", "?", "?"]),
        ("aws:multifactorauthage", ["-", "-", "?", "?", "?"]),
        ("aws:sourcearn", ["-", "?", "-", "-", "-"]),
        ("aws:sourceaccount", ["-", "?", "-", "-", "-"]),
        ("aws:sourceorgid", ["-", "?", "-", "-", "-"]),
        ("aws:sourceorgpaths", ["-", "?", "-", "-", "-"]),
        ("aws:sourceip", ["?", "?", "?", "?", "?"]),
    ] {
        assert_eq!(callers.map(|who| of(who, key)), expected, "{key}");
    }
}

#[test]
fn what_a_request_says_of_a_key_counts_whatever_the_case_of_its_name() {
    let said = Context::default().with("AWS:TagKeys", "a").with("aws:tagkeys", "b");
    let values = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(said.said("aws:tagkeys"), Some(Fact::Values(values.into())));
    assert_eq!(said.clone().without("aws:TagKeys").said("aws:tagkeys"), Some(Fact::Absent));
    assert_eq!(said.unknown("aws:TagKeys").said("aws:tagkeys"), Some(Fact::Unknown));
    assert_eq!(Context::default().said("aws:tagkeys"), None);
}
