//! Statements that others add to the policies of bucket, key and topic, each with the exact answer.
//!
//! An answer is a list of words: an invariant that is violated, one with `?` that is left open, or `kept`.

use super::world::{Mode, World};
use super::*;

mod events;
mod forms;
mod rest;

/// Where the statement is added.
#[derive(Debug, Clone, Copy)]
enum To {
    Bucket,
    Key,
    Topic,
    LogGroup,
    Queue,
}
use To::{Bucket, Key as KeyPolicy, LogGroup, Queue, Topic};

const NOBODY_OUTSIDE: &str = "nobody-outside";
const READS: &str = "reads-only-own";
const LISTS: &str = "lists-only-own";
const WRITES: &str = "writes-nothing";
const DECRYPTS: &str = "decrypts-only-logs";
const KEPT: &str = "kept";

/// `B` stands for the bucket's ARN, `R` for the root of the logs, `M` for a member, `N` for another, `L` for the log
/// account.
fn written_out(text: &str) -> String {
    let text = text
        .replace("B/", "arn:aws:s3:::acme-org-cloudtrail/")
        .replace("\"B\"", "\"arn:aws:s3:::acme-org-cloudtrail\"");
    let text = text.replace("/R/", "/audit/AWSLogs/o-exampleorgid/").replace("\"R/", "\"audit/AWSLogs/o-exampleorgid/");
    text.replace("MMM", "333333333333")
        .replace("NNN", "444444444444")
        .replace("LLL", "222222222222")
        .replace("SSS", "999999999999")
}

fn allow(principal: &str, action: &str, resource: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{{{condition}}}"#) };
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":{action},"Resource":{resource}{condition}}}"#)
}

fn with(to: To, statement: &str, mode: Mode) -> World {
    let mut world = World::new(mode);
    let document = match to {
        Bucket => &mut world.bucket,
        KeyPolicy => &mut world.key,
        Topic => &mut world.topic,
        LogGroup => &mut world.logs,
        Queue => &mut world.queue,
    };
    let added = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    document.statements.splice(0..0, PolicyDocument::parse(&added).unwrap().statements);
    world
}

/// Returns the answer on a statement in one text.
fn answer(to: To, statement: &str) -> String {
    let found = with(to, &written_out(statement), Mode::Roles).prove();
    let mut words: BTreeSet<String> = found.violations.iter().map(|one| one.invariant.to_string()).collect();
    words.extend(found.unproven.iter().map(|one| format!("?{}", one.invariant)));
    words.extend(found.kept.iter().map(|_| KEPT.to_owned()));
    words.into_iter().collect::<Vec<_>>().join(" ")
}

const ANYONE: &str = r#""*""#;
const MEMBER: &str = r#"{"AWS":"arn:aws:iam::MMM:root"}"#;
const ORG: &str = r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#;
const GET: &str = r#""s3:GetObject""#;
const ALL: &str = r#""B/*""#;

#[test]
fn every_statement_in_the_bucket_has_its_answer() {
    let own = r#""B/R/MMM/*""#;
    let cases: Vec<(&str, &str, &str, &str, &str)> = vec![
        // Strangers of all kinds.
        (ANYONE, GET, ALL, "", "nobody-outside reads-only-own"),
        (ANYONE, GET, r#""B/handbook/*""#, "", NOBODY_OUTSIDE),
        (r#"{"AWS":"SSS"}"#, GET, own, "", NOBODY_OUTSIDE),
        (r#"{"AWS":"arn:aws:iam::SSS:role/siem"}"#, r#""s3:ListBucket""#, r#""B""#, "", NOBODY_OUTSIDE),
        (r#"{"AWS":"arn:aws:sts::SSS:assumed-role/a/b"}"#, r#""s3:GetBucketLocation""#, r#""B""#, "", NOBODY_OUTSIDE),
        (r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbaced"}"#, GET, ALL, "", NOBODY_OUTSIDE),
        (r#"{"Federated":"accounts.google.com"}"#, GET, ALL, "", NOBODY_OUTSIDE),
        (
            r#"{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}"#,
            GET,
            ALL,
            "",
            NOBODY_OUTSIDE,
        ),
        (ANYONE, GET, ALL, r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, "nobody-outside reads-only-own"),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#, "nobody-outside reads-only-own"),
        (ANYONE, GET, ALL, r#""Bool":{"aws:SecureTransport":"true"}"#, "nobody-outside reads-only-own"),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgID":"o-otherorgid00"}"#, NOBODY_OUTSIDE),
        (
            ANYONE,
            GET,
            ALL,
            r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}"#,
            "nobody-outside reads-only-own",
        ),
        (ANYONE, GET, ALL, r#""StringLike":{"aws:PrincipalOrgID":"o-*"}"#, "nobody-outside reads-only-own"),
        (ANYONE, GET, ALL, r#""StringNotEquals":{"aws:PrincipalAccount":"MMM"}"#, "nobody-outside reads-only-own"),
        (
            ANYONE,
            GET,
            ALL,
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Audit*"}"#,
            "nobody-outside reads-only-own",
        ),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalTag/team":"audit"}"#, "nobody-outside reads-only-own"),
        (
            ANYONE,
            GET,
            ALL,
            r#""ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}"#,
            "nobody-outside reads-only-own",
        ),
        // The organization, or a part of it.
        (ANYONE, GET, ALL, ORG, READS),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#, READS),
        (ANYONE, GET, own, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#, READS),
        (MEMBER, GET, own, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#, KEPT),
        (MEMBER, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"SSS"}"#, KEPT),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"MMM"}"#, KEPT),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"SSS"}"#, NOBODY_OUTSIDE),
        (
            ANYONE,
            GET,
            ALL,
            r#""StringNotEquals":{"aws:PrincipalOrgMasterAccountId":"SSS"}"#,
            "nobody-outside reads-only-own",
        ),
        (
            ANYONE,
            GET,
            ALL,
            r#""StringEqualsIfExists":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#,
            "nobody-outside reads-only-own",
        ),
        (ANYONE, GET, r#""B/R/${aws:PrincipalAccount}/*""#, ORG, READS), // The log account's readers are of it.
        (
            ANYONE,
            GET,
            r#""B/R/${aws:PrincipalAccount}/*""#,
            r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"},"StringNotEquals":{"aws:PrincipalAccount":"LLL"}"#,
            KEPT,
        ),
        (ANYONE, GET, r#""B/R/${aws:PrincipalTag/account}/*""#, ORG, READS),
        (ANYONE, GET, r#""B/R/${aws:username}/*""#, ORG, READS),
        (ANYONE, GET, ALL, r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}"#, READS),
        (
            ANYONE,
            GET,
            ALL,
            r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/r-ab12/ou-ab12-11111111/*"}"#,
            READS,
        ),
        (
            ANYONE,
            GET,
            own,
            r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/r-ab12/ou-ab12-11111111/*"}"#,
            KEPT,
        ),
        (
            ANYONE,
            GET,
            ALL,
            r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/r-ab12/ou-of-nobody/*"}"#,
            KEPT,
        ),
        (ANYONE, GET, ALL, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::MMM:role/*"}"#, READS),
        (ANYONE, GET, own, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::MMM:role/*"}"#, KEPT),
        (ANYONE, GET, ALL, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::LLL:role/CloudTrailReadLogs-*"}"#, READS),
        (ANYONE, GET, ALL, r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::LLL:role/orgtrail"}"#, KEPT),
        (ANYONE, GET, ALL, r#""StringLike":{"aws:userId":"AROAREADER333333333333:*"}"#, READS),
        (
            ANYONE,
            GET,
            ALL,
            r#""StringLike":{"aws:userId":"AROAUNKNOWNROLEID0000:*"}"#,
            "?nobody-outside ?reads-only-own",
        ),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalAccount":"LLL"}"#, READS),
        (ANYONE, GET, ALL, r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#, READS),
        (r#"{"AWS":"111111111111"}"#, GET, ALL, "", READS),
        (MEMBER, GET, own, "", KEPT),
        (MEMBER, GET, r#""B/R/MMM*""#, "", READS),
        (MEMBER, GET, r#""B/R/NNN/*""#, "", READS),
        (MEMBER, GET, r#""B/AWSLogs/MMM/*""#, "", KEPT),
        (MEMBER, GET, r#""B/AWSLogs/NNN/*""#, "", READS),
        (MEMBER, GET, r#""B/old/AWSLogs/NNN/CloudTrail/*""#, "", READS),
        (MEMBER, GET, r#""B/handbook/*""#, "", KEPT),
        (MEMBER, GET, r#""arn:aws:s3:::another-bucket/*""#, "", KEPT),
        (MEMBER, GET, r#""arn:aws:s3:::acme*""#, "", READS),
        (r#"{"AWS":["MMM","NNN"]}"#, GET, r#"["B/R/MMM/*","B/R/NNN/*"]"#, "", READS),
        (r#"{"AWS":"arn:aws:sts::NNN:assumed-role/team/alice"}"#, GET, own, "", READS),
        (r#"{"AWS":"arn:aws:sts::MMM:federated-user/bob"}"#, GET, own, "", KEPT),
        (r#"{"AWS":"arn:aws:sts::MMM:federated-user/bob"}"#, GET, ALL, "", READS),
        (MEMBER, r#""s3:ListBucket""#, r#""B""#, "", LISTS),
        (MEMBER, r#""s3:ListBucketMultipartUploads""#, r#""B""#, "", LISTS),
        (MEMBER, r#""s3:ListBucket""#, r#""B""#, r#""StringLike":{"s3:prefix":"R/MMM/*"}"#, KEPT),
        (MEMBER, r#""s3:ListBucket""#, r#""B""#, r#""StringLike":{"s3:prefix":["R/MMM/*","audit/*"]}"#, LISTS),
        (MEMBER, r#""s3:ListBucket""#, r#""B""#, r#""StringLikeIfExists":{"s3:prefix":"R/MMM/*"}"#, LISTS),
        (MEMBER, r#"["s3:Get*","s3:List*"]"#, r#"["B","B/R/MMM/*"]"#, "", LISTS),
        // Changes, of one's own logs too.
        (MEMBER, r#""s3:*""#, own, "", WRITES),
        (MEMBER, r#""s3:DeleteObject""#, own, "", WRITES),
        (MEMBER, r#""s3:PutObject""#, own, "", WRITES),
        (MEMBER, r#""s3:RestoreObject""#, own, "", WRITES),
        (MEMBER, r#""s3:PutObject""#, r#""B/inbox/*""#, "", WRITES),
        (MEMBER, r#""s3:PutLifecycleConfiguration""#, r#""B""#, "", WRITES),
        (MEMBER, r#""s3:PutReplicationConfiguration""#, r#""B""#, "", WRITES),
        (MEMBER, r#""s3:PutBucketPolicy""#, r#""B""#, "", WRITES),
        (MEMBER, r#""s3:FlipObject""#, own, "", WRITES),
        (MEMBER, r#""s3:GetBucketLocation""#, r#""B""#, "", KEPT),
        // Principals of the log account.
        (r#"{"AWS":"arn:aws:iam::LLL:root"}"#, r#""s3:*""#, ALL, "", KEPT),
        (r#"{"AWS":"arn:aws:iam::LLL:role/orgtrail"}"#, r#""s3:*""#, ALL, "", KEPT),
        (r#"{"AWS":"arn:aws:iam::LLL:role/athena"}"#, GET, ALL, "", "?reads-only-own"),
        (r#"{"AWS":"arn:aws:iam::LLL:role/athena"}"#, r#""s3:DeleteObject""#, ALL, "", "?writes-nothing"),
        (r#"{"AWS":"arn:aws:iam::LLL:role/CloudTrailReadLogs-MMM"}"#, GET, own, "", KEPT),
        (r#"{"AWS":"arn:aws:iam::LLL:role/CloudTrailReadLogs-MMM"}"#, GET, r#""B/R/NNN/*""#, "", READS),
        (r#"{"AWS":"arn:aws:sts::LLL:assumed-role/CloudTrailReadLogs-MMM/alice"}"#, GET, ALL, "", READS),
        // The account of a reader's session is the log account, whatever account it reads for.
        (
            r#"{"AWS":"arn:aws:iam::LLL:role/CloudTrailReadLogs-MMM"}"#,
            GET,
            r#""B/R/${aws:PrincipalAccount}/*""#,
            "",
            READS,
        ),
        (
            r#"{"AWS":"arn:aws:sts::LLL:assumed-role/CloudTrailReadLogs-MMM/alice"}"#,
            r#""s3:ListBucket""#,
            r#""B""#,
            r#""StringLike":{"s3:prefix":"R/${aws:PrincipalAccount}/*"}"#,
            LISTS,
        ),
        (
            ANYONE,
            GET,
            r#""B/R/${aws:PrincipalAccount}/*""#,
            r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::LLL:role/CloudTrailReadLogs-MMM"}"#,
            READS,
        ),
        (r#"{"AWS":"arn:aws:iam::MMM:role/team"}"#, GET, r#""B/R/${aws:PrincipalAccount}/*""#, "", KEPT),
        (r#"{"AWS":"AROADELETEDROLE000000"}"#, GET, ALL, "", KEPT),
        (r#"{"AWS":"AROAREADER333333333333"}"#, GET, ALL, "", READS),
        // Services.
        (
            r#"{"Service":"cloudfront.amazonaws.com"}"#,
            GET,
            ALL,
            r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudfront::SSS:distribution/E1"}"#,
            NOBODY_OUTSIDE,
        ),
        (
            r#"{"Service":"cloudfront.amazonaws.com"}"#,
            GET,
            ALL,
            r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudfront::MMM:distribution/E1"}"#,
            READS,
        ),
        (r#"{"Service":"cloudfront.amazonaws.com"}"#, GET, ALL, "", NOBODY_OUTSIDE),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/AWSLogs/MMM/Config/*""#,
            r#""StringEquals":{"aws:SourceAccount":"MMM"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#"["s3:GetBucketAcl","s3:ListBucket"]"#,
            r#""B""#,
            r#""StringEquals":{"aws:SourceOrgID":"o-exampleorgid"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/AWSLogs/MMM/Config/*""#,
            "",
            NOBODY_OUTSIDE,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/R/MMM/*""#,
            r#""StringEquals":{"aws:SourceAccount":"MMM"}"#,
            WRITES,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#""s3:DeleteObject""#,
            r#""B/AWSLogs/MMM/Config/*""#,
            r#""StringEquals":{"aws:SourceAccount":"MMM"}"#,
            WRITES,
        ),
        (
            r#"{"Service":"logging.s3.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/access/*""#,
            r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::some-bucket"}"#,
            "?nobody-outside",
        ),
        (
            r#"{"Service":"logging.s3.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/access/*""#,
            r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::some-bucket"},"StringEquals":{"aws:SourceAccount":"LLL"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            r#""B/lb/AWSLogs/MMM/*""#,
            r#""StringLike":{"aws:SourceArn":"arn:aws:elasticloadbalancing:*:MMM:*"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            ALL,
            r#""StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}"#,
            NOBODY_OUTSIDE,
        ),
        (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#""s3:GetBucketAcl""#, r#""B""#, "", NOBODY_OUTSIDE),
        (
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            ALL,
            r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:SSS:trail/t"}"#,
            NOBODY_OUTSIDE,
        ),
        (
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            r#""s3:PutObject""#,
            ALL,
            r#""StringEquals":{"aws:SourceOrgID":"o-exampleorgid"}"#,
            KEPT,
        ),
        (
            ANYONE,
            r#""s3:PutObject""#,
            r#""B/AWSLogs/MMM/Config/*""#,
            r#""StringEquals":{"aws:SourceAccount":"SSS"}"#,
            NOBODY_OUTSIDE,
        ),
        // What is not understood, and what is known to be so.
        (
            ANYONE,
            GET,
            ALL,
            r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid","aws:NewKey":"x"}"#,
            "?reads-only-own",
        ),
        (
            ANYONE,
            GET,
            ALL,
            r#""StringResembles":{"aws:PrincipalOrgID":"o-exampleorgid"}"#,
            "?nobody-outside ?reads-only-own",
        ),
        (
            ANYONE,
            r#""s3:*""#,
            ALL,
            r#""StringEquals":{"s3:DataAccessPointAccount":"LLL"}"#,
            "?nobody-outside ?reads-only-own ?writes-nothing",
        ),
        (ANYONE, GET, ALL, r#""StringEquals":{"s3:ResourceAccount":"SSS"}"#, KEPT),
        (MEMBER, GET, ALL, r#""StringEquals":{"s3:ExistingObjectTag/shared":"yes"}"#, "?reads-only-own"),
        (MEMBER, GET, ALL, r#""DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}"#, "?reads-only-own"),
        (MEMBER, GET, ALL, r#""StringEquals":{"aws:PrincipalAccount":"NNN"}"#, KEPT),
    ];
    let mut wrong = Vec::new();
    assert!(cases.len() >= 90, "{}", cases.len());
    for (principal, action, resource, condition, expected) in cases {
        let statement = allow(principal, action, resource, condition);
        let found = answer(Bucket, &statement);
        if found != expected {
            wrong.push(format!("{statement}\n  expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_statement_in_the_key_has_its_answer() {
    let decrypt = r#""kms:Decrypt""#;
    let of_logs = r#""Null":{"kms:EncryptionContext:aws:cloudtrail:arn":"false"}"#;
    let cases: Vec<(&str, &str, &str, &str)> = vec![
        (ANYONE, decrypt, "", "decrypts-only-logs nobody-outside"),
        (r#"{"AWS":"SSS"}"#, decrypt, of_logs, NOBODY_OUTSIDE),
        (r#"{"AWS":"SSS"}"#, r#""kms:CreateGrant""#, "", NOBODY_OUTSIDE),
        (MEMBER, decrypt, "", DECRYPTS),
        (MEMBER, decrypt, of_logs, KEPT),
        (MEMBER, r#""kms:DescribeKey""#, "", KEPT),
        (MEMBER, r#""kms:*""#, "", "decrypts-only-logs writes-nothing"),
        (MEMBER, r#""kms:ScheduleKeyDeletion""#, "", WRITES),
        (MEMBER, r#""kms:DisableKey""#, "", WRITES),
        (MEMBER, r#""kms:CreateGrant""#, r#""Bool":{"kms:GrantIsForAWSResource":"true"}"#, WRITES),
        (MEMBER, r#""kms:ReEncrypt*""#, "", WRITES),
        (MEMBER, r#""kms:PutKeyPolicy""#, "", WRITES),
        (MEMBER, r#""kms:GenerateDataKey*""#, "", WRITES),
        (r#"{"AWS":"LLL"}"#, r#""kms:*""#, "", ""), // As the template has it.
        (r#"{"AWS":"LLL"}"#, r#"["kms:Describe*","kms:Put*"]"#, "", KEPT),
        (r#"{"AWS":"arn:aws:iam::LLL:role/admin"}"#, r#""kms:*""#, "", "?decrypts-only-logs ?writes-nothing"),
        (r#"{"AWS":"arn:aws:iam::LLL:role/orgtrail"}"#, r#""kms:*""#, "", KEPT),
        (
            r#"{"AWS":"*"}"#,
            decrypt,
            r#""StringEquals":{"kms:CallerAccount":"LLL","kms:ViaService":"s3.eu-central-1.amazonaws.com"}"#,
            DECRYPTS,
        ),
        (
            r#"{"Service":"cloudfront.amazonaws.com"}"#,
            decrypt,
            r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudfront::SSS:distribution/E1"}"#,
            NOBODY_OUTSIDE,
        ),
        (r#"{"Service":"cloudfront.amazonaws.com"}"#, decrypt, "", NOBODY_OUTSIDE),
        (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#""kms:GenerateDataKey*""#, "", NOBODY_OUTSIDE),
        (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#""kms:DescribeKey""#, "", KEPT),
        (
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            r#""kms:GenerateDataKey*""#,
            r#""StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#"["kms:Decrypt","kms:GenerateDataKey"]"#,
            r#""StringEquals":{"aws:SourceAccount":"MMM"}"#,
            KEPT,
        ),
        (
            r#"{"Service":"config.amazonaws.com"}"#,
            r#""kms:CreateGrant""#,
            r#""StringEquals":{"aws:SourceAccount":"MMM"}"#,
            WRITES,
        ),
    ];
    let found: Vec<String> =
        cases.iter().map(|(who, what, when, _)| answer(KeyPolicy, &allow(who, what, "\"*\"", when))).collect();
    let expected: Vec<&str> = cases.iter().map(|case| case.3).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_statement_in_the_topic_has_its_answer() {
    let topic = r#""arn:aws:sns:eu-central-1:LLL:acme-org-trail""#;
    let all = r#"["sns:Publish","sns:SetTopicAttributes","sns:AddPermission","sns:Subscribe"]"#;
    let cases: Vec<(&str, &str, &str, &str)> = vec![
        (ANYONE, r#""sns:Subscribe""#, "", "lists-only-own nobody-outside"),
        (MEMBER, r#""sns:Subscribe""#, "", LISTS),
        (MEMBER, r#""sns:Publish""#, "", WRITES),
        (MEMBER, r#""sns:SetTopicAttributes""#, "", WRITES),
        (MEMBER, r#""sns:AddPermission""#, "", WRITES),
        (MEMBER, r#""sns:GetTopicAttributes""#, "", KEPT),
        (r#"{"AWS":"SSS"}"#, r#""sns:GetTopicAttributes""#, "", NOBODY_OUTSIDE),
        (r#"{"AWS":"*"}"#, all, r#""StringEquals":{"AWS:SourceOwner":"LLL"}"#, "lists-only-own writes-nothing"),
        (r#"{"AWS":"LLL"}"#, all, "", KEPT),
        (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#""sns:Publish""#, "", NOBODY_OUTSIDE),
        (
            r#"{"Service":"budgets.amazonaws.com"}"#,
            r#""sns:Publish""#,
            r#""StringEquals":{"aws:SourceAccount":"LLL"}"#,
            WRITES,
        ),
    ];
    let found: Vec<String> =
        cases.iter().map(|(who, what, when, _)| answer(Topic, &allow(who, what, topic, when))).collect();
    let expected: Vec<&str> = cases.iter().map(|case| case.3).collect();
    assert_eq!(found, expected);
}
