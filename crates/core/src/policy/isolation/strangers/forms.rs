//! Forms in which a condition or a resource hides whom it lets in: without case, negated, over colons.

use super::*;

const CLOUDFRONT: &str = r#"{"Service":"cloudfront.amazonaws.com"}"#;

#[test]
fn what_is_compared_without_case_is_found_however_it_is_written() {
    let source = r#""StringEqualsIgnoreCase":{"aws:SourceArn":"arn:AWS:cloudfront::SSS:distribution/E1"}"#;
    assert_eq!(answer(Bucket, &allow(CLOUDFRONT, GET, ALL, source)), NOBODY_OUTSIDE);
    let decrypts = r#"["kms:Decrypt","kms:CreateGrant"]"#;
    assert_eq!(answer(KeyPolicy, &allow(CLOUDFRONT, decrypts, r#""*""#, source)), NOBODY_OUTSIDE);
    let who = format!(r#"{ORG},"StringEqualsIgnoreCase":{{"aws:PrincipalArn":"ARN:AWS:IAM::MMM:ROLE/ADMIN"}}"#);
    assert_eq!(
        answer(Bucket, &allow(ANYONE, r#"["s3:GetObject","s3:DeleteObject"]"#, ALL, &who)),
        "reads-only-own writes-nothing"
    );
    let delivery = allow(
        r#"{"Service":"cloudtrail.amazonaws.com"}"#,
        r#""s3:PutObject""#,
        r#""B/R/MMM/*""#,
        r#""StringEqualsIgnoreCase":{"aws:SourceArn":"arn:aws:cloudtrail:EU-central-1:SSS:trail/theirs"}"#,
    );
    assert_eq!(answer(Bucket, &delivery), NOBODY_OUTSIDE);
    let stranger = r#""StringNotEqualsIgnoreCase":{"aws:PrincipalArn":"ARN:aws:iam::SSS:role/x"}"#;
    assert_eq!(answer(Bucket, &allow(r#"{"AWS":"SSS"}"#, GET, ALL, stranger)), NOBODY_OUTSIDE);
    for (prefix, expected) in [
        ("AUDIT/awslogs/o-exampleorgid/NNN/", LISTS),
        ("AUDIT/awslogs/o-exampleorgid/", LISTS),
        ("audit/AWSLogs/o-exampleorgid/MMM/", KEPT),
        ("Handbook/", KEPT),
    ] {
        let condition = format!(r#""StringEqualsIgnoreCase":{{"s3:prefix":"{prefix}"}}"#);
        assert_eq!(answer(Bucket, &allow(MEMBER, r#""s3:ListBucket""#, r#""B""#, &condition)), expected, "{prefix}");
    }
}

#[test]
fn all_but_some_roles_are_users_and_roots_too() {
    let negated = [
        r#""ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}"#,
        r#""StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}"#,
        r#""ArnNotLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}"#,
        r#""ForAllValues:ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/any"}"#,
        r#""StringNotLike":{"aws:userid":["AROA*"]}"#,
    ];
    for line in negated {
        let condition = format!("{ORG},{line}");
        assert_eq!(answer(Bucket, &allow(ANYONE, GET, ALL, &condition)), READS, "{line}");
        assert_eq!(answer(Bucket, &allow(MEMBER, r#""s3:PutObject""#, ALL, line)), WRITES, "{line}");
        assert_eq!(answer(Bucket, &allow(r#"{"AWS":"SSS"}"#, GET, ALL, line)), NOBODY_OUTSIDE, "{line}");
        assert_eq!(answer(KeyPolicy, &allow(r#"{"AWS":"SSS"}"#, r#""kms:Decrypt""#, r#""*""#, line)), NOBODY_OUTSIDE);
    }
    let nobody = r#""ArnNotLike":{"aws:PrincipalArn":"*"}"#;
    assert_eq!(answer(Bucket, &allow(MEMBER, GET, ALL, nobody)), KEPT);
}

#[test]
fn a_resource_reaches_over_colons_where_a_star_ends_a_field() {
    let over = r#""arn:aws:s3:*:acme-org-cloudtrail/*""#;
    assert_eq!(answer(Bucket, &allow(MEMBER, GET, over, "")), READS);
    assert_eq!(answer(Bucket, &allow(r#"{"AWS":"SSS"}"#, GET, over, "")), NOBODY_OUTSIDE);
    assert_eq!(
        answer(
            Bucket,
            &allow(MEMBER, GET, r#""arn:aws:s3:*:acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/MMM/*""#, "")
        ),
        KEPT
    );
    let deny = |resource: &str| {
        format!(r#"{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":{resource}}}"#)
    };
    assert_eq!(answer(Bucket, &deny(over)), "kept reads-own");
    assert_eq!(answer(Bucket, &deny(r#""arn:aws:s3:*:acme-org-cloudtrail/*/us-east-1/2024/*""#)), "kept reads-own");
    let group = allow(r#"{"AWS":"SSS"}"#, r#""logs:GetLogEvents""#, r#""arn:aws:logs:*:log-group:/orgtrail/*""#, "");
    assert_ne!(answer(LogGroup, &group), KEPT);
}

#[test]
fn readers_lose_older_versions_as_they_lose_files() {
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObjectVersion","Resource":"B/*"}"#;
    assert_eq!(answer(Bucket, deny), "kept reads-own");
}

#[test]
fn load_balancers_deliver_with_accounts_of_aws() {
    let delivers =
        |resource: &str| allow(r#"{"AWS":"arn:aws:iam::054676820928:root"}"#, r#""s3:PutObject""#, resource, "");
    assert_eq!(answer(Bucket, &delivers(r#""B/elb/AWSLogs/MMM/*""#)), KEPT);
    assert_eq!(answer(Bucket, &delivers(r#""B/elb/AWSLogs/SSS/*""#)), NOBODY_OUTSIDE);
    assert_eq!(
        answer(Bucket, &delivers(r#""B/R/MMM/*""#)),
        NOBODY_OUTSIDE,
        "the organization's folder is no account's"
    );
    assert_eq!(answer(Bucket, &delivers(r#""B/*""#)), NOBODY_OUTSIDE);
}

#[test]
fn any_partition_is_this_one() {
    let condition = r#""ArnLike":{"aws:PrincipalArn":"arn:*:iam::LLL:role/athena"}"#;
    let exact = r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::LLL:role/athena"}"#;
    assert_eq!(answer(Bucket, &allow(ANYONE, GET, ALL, condition)), answer(Bucket, &allow(ANYONE, GET, ALL, exact)));
}
