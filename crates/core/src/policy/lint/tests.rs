//! Each rule has a document that breaks it and nothing else.

use super::*;
use crate::log_path::Folder;

const TLS: &str = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
const ROOT: &str =
    r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"kms:*","Resource":"*"}"#;
const SOURCE: &str = r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:111111111111:trail/t"}"#;

fn rules(kind: Kind, statements: &str) -> Vec<Rule> {
    rules_of(kind, &format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
}

fn rules_of(kind: Kind, text: &str) -> Vec<Rule> {
    let document = PolicyDocument::parse(text).unwrap();
    let known = BTreeSet::from(["111111111111".parse().unwrap(), "222222222222".parse().unwrap()]);
    let (organization, account) = ("o-exampleorgid".parse().unwrap(), "222222222222".parse().unwrap());
    let subject = LintSubject {
        name: "policy",
        kind,
        partition: crate::ids::Partition::Aws,
        account: Some(&account),
        organization_id: Some(&organization),
        known_accounts: &known,
        trusted: &[],
        limit_bytes: None,
    };
    lint(&document, &subject).iter().map(|finding| finding.rule).collect()
}

fn bucket(statement: &str) -> Vec<Rule> {
    rules(Kind::Bucket, &format!("{statement},{TLS}"))
}

fn by_cloudtrail(action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"{action}","Resource":"{resource}","Condition":{{{condition}}}}}"#
    )
}

#[test]
fn sound_documents_have_no_finding() {
    let write = by_cloudtrail("s3:PutObject", "arn:aws:s3:::b/AWSLogs/111111111111/*", SOURCE);
    assert_eq!(bucket(&write), []);
    let encrypt = by_cloudtrail("kms:GenerateDataKey*", "*", SOURCE);
    assert_eq!(rules(Kind::Key, &format!("{ROOT},{encrypt},{}", by_cloudtrail("kms:Decrypt", "*", ""))), []);
}

#[test]
fn write_statements_need_a_source() {
    let write =
        |condition: &str| bucket(&by_cloudtrail("s3:PutObject", "arn:aws:s3:::b/AWSLogs/111111111111/*", condition));
    let acl = r#""StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}"#;
    assert_eq!(write(acl), [Rule::MissingSourceCondition]);
    assert_eq!(write(r#""StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}"#), [Rule::MissingSourceCondition]);
    assert_eq!(write(r#""StringLike":{"aws:SourceArn":"*"}"#), [Rule::MissingSourceCondition]);
    assert_eq!(write(r#""StringEquals":{"aws:SourceOrgID":"o-exampleorgid"}"#), []);
    assert_eq!(rules(Kind::Topic, &by_cloudtrail("SNS:Publish", "*", "")), [Rule::MissingSourceCondition]);
    assert_eq!(bucket(&by_cloudtrail("s3:GetBucketAcl", "arn:aws:s3:::b", "")), [Rule::MissingSourceCondition]);
    let config = |condition: &str| {
        bucket(&by_cloudtrail("s3:PutObject", "arn:aws:s3:::b/c/*", condition).replace("cloudtrail.a", "config.a"))
    };
    assert_eq!(config(""), [Rule::MissingSourceCondition]);
    assert_eq!(config(r#""StringEquals":{"aws:SourceAccount":"111111111111"}"#), []);
}

#[test]
fn open_buckets_are_found() {
    let get = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
    assert_eq!(bucket(get), [Rule::OutsideGrant]);
    let list = |condition: &str| {
        bucket(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},"Action":"s3:List*","Resource":"arn:aws:s3:::b","Condition":{{{condition}}}}}"#
        ))
    };
    assert_eq!(list(""), [Rule::ListWithoutPrefix]);
    assert_eq!(list(r#""StringLike":{"s3:prefix":"*"}"#), [Rule::ListWithoutPrefix]);
    assert_eq!(list(r#""StringLike":{"s3:prefix":"AWSLogs/*"}"#), []);
    let write = by_cloudtrail("s3:PutObject", "arn:aws:s3:::b/*", SOURCE);
    assert_eq!(rules(Kind::Bucket, &write), [Rule::PlainHttpAllowed]);
}

#[test]
fn statements_without_the_effect_they_look_like() {
    let put = |resource: &str, condition: &str| bucket(&by_cloudtrail("s3:PutObject", resource, condition));
    assert_eq!(put("arn:aws:s3:::b/AWSLogs/111111111111*", SOURCE), [Rule::PathWithoutSlash]);
    assert_eq!(put("arn:aws:s3:::b/AWSLogs/o-exampleorgid*", SOURCE), [Rule::PathWithoutSlash]);
    assert_eq!(put("arn:aws:s3:::b//AWSLogs/111111111111/*", SOURCE), [Rule::DoubleSlash]);
    for folder in ["CloudTrail_Digest", "CloudTrail-Insights", "Cloudtrail", "CloudTrail_NetworkActivity"] {
        let resource = format!("arn:aws:s3:::b/AWSLogs/111111111111/{folder}/*");
        assert_eq!(put(&resource, SOURCE), [Rule::MisspeltFolder], "{folder}");
    }
    for folder in Folder::ALL {
        assert_eq!(put(&format!("arn:aws:s3:::b/cloudtrail/AWSLogs/111111111111/{}/*", folder.name()), SOURCE), []);
        assert!(help(Rule::MisspeltFolder).contains(folder.name()), "{}", folder.name());
    }
    let pattern = r#""StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:*:111111111111:trail/*"}"#;
    assert_eq!(put("arn:aws:s3:::b/AWSLogs/*", pattern), [Rule::LiteralWildcard]);
    let old = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${{aws:PrincipalAccount}}/*"}},{TLS}]}}"#
    );
    assert_eq!(rules_of(Kind::Bucket, &old), [Rule::VariableWithoutVersion]);
}

#[test]
fn encryption_denials_that_do_not_do_what_they_should() {
    let deny = |resource: &str, condition: &str| {
        bucket(&format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"{resource}","Condition":{{"StringNotEquals":{{{condition}}}}}}}"#
        ))
    };
    let joined = r#""s3:x-amz-server-side-encryption":"aws:kms","s3:x-amz-server-side-encryption-aws-kms-key-id":"k""#;
    assert_eq!(deny("arn:aws:s3:::b/*", joined), [Rule::JoinedDenials]);
    let digests = "arn:aws:s3:::b/AWSLogs/*/CloudTrail-Digest/*";
    assert_eq!(deny(digests, r#""s3:x-amz-server-side-encryption":"AES256""#), [Rule::OutdatedDigestEncryption]);
    assert_eq!(deny(digests, r#""s3:x-amz-server-side-encryption":["AES256","aws:kms"]"#), []);
}

#[test]
fn keys_and_buckets_that_lock_their_owner_out() {
    let user = ROOT.replace(":root", ":role/sso-admin");
    assert_eq!(rules(Kind::Key, &user), [Rule::KeyLockout]);
    let alias = r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:CreateAlias","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"222222222222","kms:ViaService":"ec2.eu-central-1.amazonaws.com"}}}"#;
    assert_eq!(rules(Kind::Key, &format!("{ROOT},{alias}")), [Rule::LeftoverConsoleGrant]);
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::b""#;
    assert_eq!(bucket(&format!("{deny}}}")), [Rule::BucketLockout]);
    let but = r#","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/break-glass"}}"#;
    assert_eq!(bucket(&format!("{deny}{but}}}")), []);
}

#[test]
fn sizes_are_held_against_the_kind() {
    let resources: Vec<String> = (0..60).map(|n| format!(r#""arn:aws:s3:::b/AWSLogs/{n:012}/*""#)).collect();
    let read = format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":[{}]}}"#, resources.join(","));
    assert_eq!(rules(Kind::Trust, &read), [Rule::TooLarge]);
    assert_eq!(rules(Kind::RoleInline, &read), []);
}
