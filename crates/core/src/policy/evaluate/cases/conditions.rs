//! Conditions, policy variables, and what must stay unknown.

use super::*;

const ORDER: &str = "IAM user guide, Condition operators";

/// An identity policy that allows everything under one condition.
fn under(condition: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#)
}

/// Judges a condition on the multi-valued key `aws:TagKeys` and the single-valued `s3:prefix`.
fn with_values(condition: &str, tags: &[&str], prefix: Option<&str>) -> &'static str {
    let mut case = ask(USER, "s3:ListBucket", "arn:aws:s3:::b").identity(&under(condition));
    for tag in tags {
        case = case.with("aws:TagKeys", tag);
    }
    if let Some(prefix) = prefix {
        case = case.with("s3:prefix", prefix);
    }
    word(&case.verdict())
}

#[test]
fn a_missing_key() {
    let cases = [
        (r#""StringEquals":{"s3:prefix":"a"}"#, "implicit"),
        (r#""StringEqualsIfExists":{"s3:prefix":"a"}"#, "allowed"),
        (r#""StringNotEquals":{"s3:prefix":"a"}"#, "allowed"),
        (r#""StringNotEqualsIfExists":{"s3:prefix":"a"}"#, "allowed"),
        (r#""StringLike":{"s3:prefix":"*"}"#, "implicit"),
        (r#""StringNotLike":{"s3:prefix":"*"}"#, "allowed"),
        (r#""ArnLike":{"aws:SourceArn":"*"}"#, "implicit"),
        (r#""ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::b"}"#, "allowed"),
        (r#""NumericLessThan":{"s3:max-keys":"10"}"#, "implicit"),
        (r#""NumericLessThanIfExists":{"s3:max-keys":"10"}"#, "allowed"),
        (r#""Null":{"s3:prefix":"true"}"#, "allowed"),
        (r#""Null":{"s3:prefix":"false"}"#, "implicit"),
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a"]}"#, "allowed"),
        (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}"#, "implicit"),
        (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}"#, "implicit"),
        (r#""ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":["a"]}"#, "allowed"),
    ];
    for (condition, expected) in cases {
        assert_eq!(with_values(condition, &[], None), expected, "{ORDER}, IfExists and Null: {condition}");
    }
}

#[test]
fn sets_of_values() {
    let source = "IAM user guide, Multivalued context keys, evaluation table";
    let cases: [(&str, &[&str], &str); 12] = [
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &["a"], "allowed"),
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "b"], "allowed"),
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "c"], "implicit"),
        (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "c"], "allowed"),
        (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#, &["c"], "implicit"),
        (r#""ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, &["c", "d"], "allowed"),
        (r#""ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "d"], "implicit"),
        (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "d"], "allowed"),
        (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, &["a", "b"], "implicit"),
        (r#""ForAnyValue:StringLike":{"aws:TagKeys":"te*"}"#, &["team"], "allowed"),
        (r#""Null":{"aws:TagKeys":"false"}"#, &["team", "x"], "allowed"),
        (r#""StringEquals":{"aws:TagKeys":["a"]}"#, &["a", "b"], "unknown"),
    ];
    for (condition, tags, expected) in cases {
        assert_eq!(with_values(condition, tags, None), expected, "{source}: {condition} {tags:?}");
    }
}

#[test]
fn several_keys_and_values() {
    let source = "IAM user guide, Conditions with multiple context keys or values";
    let cases = [
        (r#""StringEquals":{"s3:prefix":["a","b"]}"#, "allowed"),
        (r#""StringNotEquals":{"s3:prefix":["b","c"]}"#, "implicit"),
        (r#""StringNotEquals":{"s3:prefix":["a","c"]}"#, "allowed"),
        (r#""StringEquals":{"S3:PREFIX":"b"}"#, "allowed"),
        (r#""StringEquals":{"s3:prefix":"b","s3:delimiter":"/"}"#, "implicit"),
        (r#""StringEquals":{"s3:prefix":"b"},"Null":{"s3:delimiter":"true"}"#, "allowed"),
        (r#""StringEquals":{"s3:prefix":[]}"#, "implicit"),
        (r#""BinaryEquals":{"s3:prefix":"b"}"#, "allowed"),
    ];
    for (condition, expected) in cases {
        assert_eq!(with_values(condition, &[], Some("b")), expected, "{source}: {condition}");
    }
}

#[test]
fn circumstances_that_nobody_gave() {
    let case = |condition: &str| ask(USER, "s3:ListBucket", "arn:aws:s3:::b").identity(&under(condition));
    let unknown = [
        r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#,
        r#""NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}"#,
        r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#,
        r#""StringEquals":{"aws:PrincipalTag/team":"a"}"#,
        r#""Null":{"aws:MultiFactorAuthPresent":"true"}"#,
        r#""StringEquals":{"aws:SomethingNew":"a"}"#,
        r#""Null":{"aws:SomethingNew":"true"}"#,
        r#""StringMatches":{"s3:prefix":"a"}"#,
        r#""DateLessThan":{"aws:CurrentTime":"soon"}"#,
    ];
    for condition in unknown {
        check("not understood or not given", &case(condition), "unknown");
    }
    check("a given circumstance", &case(unknown[0]).with("aws:SourceIp", "203.0.113.9"), "allowed");
    check("a given circumstance", &case(unknown[2]).with("aws:PrincipalOrgID", "o-exampleorgid"), "allowed");
    check("a circumstance that is not there", &case(unknown[2]).without("aws:PrincipalOrgID"), "implicit");
    check(
        "a definite miss decides",
        &ask(USER, "ec2:Run", "*").identity(&format!(
            r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{{}}}}}"#,
            unknown[5]
        )),
        "implicit",
    );
    let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    check("a definite deny decides", &case(unknown[5]).identity(deny), "explicit");
    let maybe_deny =
        format!(r#"{ALL_S3},{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{{}}}}}"#, unknown[5]);
    check("a deny in doubt", &ask(USER, "s3:ListBucket", "arn:aws:s3:::b").identity(&maybe_deny), "unknown");
    check("a deny in doubt where nothing allows", &ask(USER, "ec2:Run", "*").identity(&maybe_deny), "implicit");
}

#[test]
fn policy_variables() {
    let source = "IAM user guide, IAM policy elements: variables and tags";
    let home = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/home/${aws:username}/*"}"#;
    check(source, &get(USER).identity(home), "allowed");
    check(source, &get("arn:aws:iam::111111111111:user/bob").identity(home), "implicit");
    check("a role has no user name", &get(ROLE).identity(home), "implicit");
    let tagged =
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/home/${aws:PrincipalTag/team, 'anna'}/*"}"#;
    check(
        "a default counts when the key is absent",
        &get(USER).identity(tagged).without("aws:PrincipalTag/team"),
        "allowed",
    );
    check("and not when it is there", &get(USER).identity(tagged).with("aws:PrincipalTag/team", "ops"), "implicit");
    check("nor when nobody knows", &get(USER).identity(tagged), "unknown");
    let not = r#"{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/home/${aws:username}/*"}"#;
    check("no value is equal to nothing", &get(ROLE).identity(ALL_S3).identity(not), "explicit");
    let star = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/home/${*}/*"}"#;
    check("an escaped star", &get(USER).identity(star), "implicit");
    check("an escaped star", &ask(USER, "s3:GetObject", "arn:aws:s3:::b/home/*/x").identity(star), "allowed");
    let value = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${s3:prefix}/x"}"#;
    check("wildcards of a value do not count", &get(USER).identity(value).with("s3:prefix", "*"), "implicit");
    let condition = under(r#""StringLike":{"s3:prefix":"logs/${aws:PrincipalAccount}/*"}"#);
    let list = |prefix| ask(USER, "s3:ListBucket", "arn:aws:s3:::b").identity(&condition).with("s3:prefix", prefix);
    check(source, &list("logs/111111111111/x"), "allowed");
    check(source, &list("logs/1111111111110/x"), "implicit");
    check(
        "several values",
        &get(USER)
            .identity(&value.replace("s3:prefix", "aws:TagKeys"))
            .with("aws:TagKeys", "a")
            .with("aws:TagKeys", "b"),
        "unknown",
    );
    check("a variable without an end", &get(USER).identity(&value.replace("prefix}", "prefix")), "unknown");
}

#[test]
fn variables_are_plain_text_in_the_older_version() {
    let mut case =
        get(USER).identity(r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/home/${aws:username}/*"}"#);
    case.identity[0].version = Some("2008-10-17".into());
    check("IAM user guide, Version", &case, "implicit");
    case.identity[0].version = None;
    check("IAM user guide, Version", &case, "implicit");
}

#[test]
fn a_miss_says_what_is_missing() {
    let condition = under(r#""StringEquals":{"s3:prefix":"a"}"#);
    let far = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    let case =
        ask(USER, "s3:ListBucket", "arn:aws:s3:::b").identity(&format!("{far},{condition}")).with("s3:prefix", "b");
    let AccessDecision::Denied(Denial::Implicit { layer: LayerKind::Identity, nearest: Some(miss) }) = case.verdict()
    else {
        panic!("{:?}", case.verdict());
    };
    assert_eq!(miss.place.to_string(), "identity policy Statement[1]");
    let words: Vec<_> = miss.failures.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["StringEquals on s3:prefix has `a`, the request has `b`"]);
}
