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
    let braces = tagged.replace("'anna'", "'a}b'").replace("/*", "/${?}/*");
    let at = |resource| ask(USER, "s3:GetObject", resource).identity(&braces).without("aws:PrincipalTag/team");
    check("a brace in a default", &at("arn:aws:s3:::b/home/a}b/?/x"), "allowed");
    check("a brace in a default", &at("arn:aws:s3:::b/home/a}b/y/x"), "implicit");
    let bare = tagged.replace("'anna'", "anna");
    check("a default without quotes", &get(USER).identity(&bare).without("aws:PrincipalTag/team"), "unknown");
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

#[test]
fn a_version_of_tls_that_nobody_gave_is_none_older_than_aws_accepts() {
    let of = |operator: &str, key: &str, values: &[&str], https: &str| {
        let mut request = get(USER).request;
        request.context = Context::default().with("aws:SecureTransport", https);
        let values: Vec<String> = values.iter().map(|value| value.to_string()).collect();
        line_holds(operator, key, &values, &request).unwrap()
    };
    for (operator, value, expected) in [
        ("NumericLessThan", "1.1", Some(false)),
        ("NumericLessThan", "1.2", Some(false)),
        ("NumericLessThan", "1.3", None),
        ("NumericLessThanEquals", "1.1", Some(false)),
        ("NumericLessThanEquals", "1.2", None),
        ("NumericLessThanEquals", "1.3", None),
        ("NumericEquals", "1.1", Some(false)),
        ("NumericEquals", "1.2", None),
        ("NumericEquals", "1.3", None),
        ("NumericNotEquals", "1.1", Some(true)),
        ("NumericNotEquals", "1.2", None),
        ("NumericGreaterThan", "1.1", Some(true)),
        ("NumericGreaterThan", "1.2", None),
        ("NumericGreaterThan", "1.3", None),
        ("NumericGreaterThanEquals", "1.1", Some(true)),
        ("NumericGreaterThanEquals", "1.2", Some(true)),
        ("NumericGreaterThanEquals", "1.3", None),
        ("NumericLessThan", "old", None),
        ("StringEquals", "1.1", None),
    ] {
        assert_eq!(of(operator, "s3:TlsVersion", &[value], "true"), expected, "{operator} {value}");
        assert_eq!(of(operator, "S3:tlsversion", &[value], "true"), expected, "{operator} {value}");
    }
    assert_eq!(of("NumericLessThan", "s3:TlsVersion", &["1.1", "1.3"], "true"), None);
    assert_eq!(of("NumericLessThan", "aws:MultiFactorAuthAge", &["1"], "true"), None, "what is known is of TLS alone");
    // Without TLS there is no version; of the rest of such a request nothing is known.
    assert_eq!(of("NumericLessThan", "s3:TlsVersion", &["1.2"], "false"), Some(false));
    assert_eq!(of("NumericLessThanIfExists", "s3:TlsVersion", &["1.2"], "false"), Some(true));
    assert_eq!(of("NumericLessThan", "aws:MultiFactorAuthAge", &["1"], "false"), None);
}

#[test]
fn variables_stand_only_where_texts_are_compared() {
    let given =
        [("s3:max-keys", "10"), ("aws:CurrentTime", "2020-01-01"), ("aws:SourceIp", "10.0.0.1"), ("s3:prefix", "a")];
    let request = given.iter().fold(get(USER), |case, (key, value)| case.with(key, value)).request;
    let of = |operator: &str, key: &str| line_holds(operator, key, &[format!("${{{key}}}")], &request);
    for (operator, key) in [
        ("NumericEquals", "s3:max-keys"),
        ("DateEquals", "aws:CurrentTime"),
        ("Bool", "aws:SecureTransport"),
        ("IpAddress", "aws:SourceIp"),
    ] {
        let why = of(operator, key).unwrap_err();
        assert!(
            why.starts_with(&format!("the condition {operator} on `{key}` cannot be judged: `${{{key}}}` is")),
            "{why}"
        );
    }
    for operator in ["StringEquals", "StringEqualsIgnoreCase", "StringLike"] {
        assert_eq!(of(operator, "s3:prefix"), Ok(Some(true)), "{operator}");
    }
}

#[test]
fn an_arn_that_a_variable_stands_for_is_never_taken_for_one_that_does_not_fit() {
    let trail = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/t";
    let request = get("cloudtrail.amazonaws.com").with("aws:SourceArn", trail).with("s3:prefix", "a:b").request;
    let of = |operator: &str, value: &str| line_holds(operator, "aws:SourceArn", &[value.to_owned()], &request);
    for operator in ["ArnLike", "ArnEquals", "ArnNotLike"] {
        let why = of(operator, "${aws:SourceArn}").unwrap_err();
        assert!(why.contains("a colon in the value"), "{why}");
    }
    // A value in the last field, or without a colon, is what it is.
    assert_eq!(of("ArnLike", "arn:aws:cloudtrail:*:*:${s3:prefix}"), Ok(Some(false)));
    assert_eq!(of("ArnLike", "arn:aws:cloudtrail:*:*:trail/*"), Ok(Some(true)));
    assert_eq!(of("StringEquals", "${aws:SourceArn}"), Ok(Some(true)));
    let own = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"${aws:PrincipalArn}"}"#;
    let trust = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}"#;
    let assume = |resource| ask(ROLE, "sts:AssumeRole", resource).identity(own).resource(trust);
    check("the caller's own role", &assume(ROLE), "unknown");
    check("another role", &assume("arn:aws:iam::111111111111:role/other"), "implicit");
}
