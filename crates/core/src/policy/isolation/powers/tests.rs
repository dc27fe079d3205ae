//! Each power by itself, and those that come from becoming somebody else.

use super::*;

const LOG: &str = "222222222222";
const BUCKET: &str = "arn:aws:s3:::acme-org-cloudtrail";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/0a1b";

fn document(statements: &str) -> PolicyDocument {
    PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn of(statements: &str, bucket_policy: Option<&str>) -> Powers {
    let own = document(statements);
    let bucket = bucket_policy.map(document);
    let account: AccountId = LOG.parse().unwrap();
    let site = ArchiveNames {
        account: &account,
        partition: "aws",
        buckets: vec![(BUCKET.into(), bucket.as_ref())],
        keys: vec![(KEY.into(), None)],
    };
    let subject = PrincipalPolicies {
        arn: format!("arn:aws:iam::{LOG}:role/x"),
        policies: vec![Named { name: "own", document: &own }],
        ..PrincipalPolicies::default()
    };
    powers(&site, &[subject]).remove(0)
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
}

#[test]
fn an_administrator_can_do_everything() {
    assert_eq!(of(&allow("*", "*"), None), Powers::all());
}

#[test]
fn each_power_is_seen_by_itself() {
    let only = |power: Power| BTreeSet::from([power]);
    let cases = [
        (allow("s3:Get*", "arn:aws:s3:::*"), only(Power::ReadsLogs)),
        (allow("s3:GetObjectVersion", &format!("{BUCKET}/*")), only(Power::ReadsLogs)),
        (allow("s3:GetObject", "arn:aws:s3:::acme-*/audit/AWSLogs/o-x/*"), only(Power::ReadsLogs)),
        (allow("s3:GetObject", &format!("{BUCKET}/AWSLogs/o-x/33333333333*")), only(Power::ReadsLogs)),
        (allow("s3:GetObject", &format!("{BUCKET}/AWSLogs/o-x/333333333333/*")), only(Power::ReadsFolders)),
        (allow("kms:Decrypt", "*"), only(Power::Decrypts)),
        (allow("kms:CreateGrant", KEY), only(Power::ChangesKey)),
        (allow("s3:PutBucketPolicy", BUCKET), only(Power::ChangesLogs)),
        (allow("s3:DeleteObjectVersion", &format!("{BUCKET}/AWSLogs/*")), only(Power::ChangesLogs)),
        (allow("iam:PutRolePolicy", "arn:aws:iam::222222222222:role/ci-*"), only(Power::BecomesOthers)),
        (allow("iam:PutRolePermissionsBoundary", "*"), only(Power::BecomesOthers)),
        (allow("iam:DetachUserPolicy", "*"), only(Power::BecomesOthers)),
        (allow("kms:Decrypt", "arn:aws:kms:*:key/*"), only(Power::Decrypts)),
        (allow("s3:GetObject", "arn:aws:s3:*:acme-org-cloudtrail/*"), only(Power::ReadsLogs)),
        (allow("s3:GetObject", "arn:aws:s3:::other/*"), BTreeSet::new()),
        (allow("kms:Decrypt", "arn:aws:kms:eu-central-1:222222222222:key/other"), BTreeSet::new()),
        (allow("s3:ListBucket", BUCKET), BTreeSet::new()),
        (allow("ec2:*", "*"), BTreeSet::new()),
    ];
    for (statement, expected) in cases {
        assert_eq!(of(&statement, None).can, expected, "{statement}");
    }
    let own = of(&allow("s3:GetObject", &format!("{BUCKET}/AWSLogs/o-x/333333333333/*")), None);
    assert_eq!(own.folders, BTreeSet::from(["333333333333".parse().unwrap()]));
}

#[test]
fn what_depends_on_something_unknown_counts() {
    let office = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#;
    assert!(of(office, None).can.contains(&Power::ReadsLogs));
    let denied = format!(r#"{},{{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#, allow("*", "*"));
    let powers = of(&denied, None);
    assert!(!powers.can.contains(&Power::ReadsLogs) && powers.can.contains(&Power::Decrypts));
}

#[test]
fn a_bucket_policy_gives_powers_to_whom_it_names() {
    let bucket = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{LOG}:role/x"}},"Action":"s3:GetObject","Resource":"{BUCKET}/*"}}"#
    );
    assert_eq!(of(&allow("ec2:*", "*"), Some(&bucket)).can, BTreeSet::from([Power::ReadsLogs]));
}

#[test]
fn whoever_becomes_a_powerful_role_is_powerful() {
    let account: AccountId = LOG.parse().unwrap();
    let site =
        ArchiveNames { account: &account, partition: "aws", buckets: vec![(BUCKET.into(), None)], keys: Vec::new() };
    let arn = |name: &str| format!("arn:aws:iam::{LOG}:role/{name}");
    let (admin, assume) = (document(&allow("*", "*")), document(&allow("sts:AssumeRole", &arn("Admin"))));
    let pass = document(&format!("{},{}", allow("iam:PassRole", "*"), allow("lambda:*", "*")));
    let (chain, nothing) = (document(&allow("sts:AssumeRole", &arn("Deployer"))), document(&allow("ec2:*", "*")));
    let root = document(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{LOG}","Service":"lambda.amazonaws.com"}},"Action":"sts:AssumeRole"}}"#
    ));
    let subject = |name: &str, document| PrincipalPolicies {
        arn: arn(name),
        policies: vec![Named { name: "own", document }],
        boundary: None,
        trust: Some(&root),
    };
    let subjects = [
        subject("Admin", &admin),
        subject("Deployer", &assume),
        subject("Passer", &pass),
        subject("Second", &chain),
        subject("Nobody", &nothing),
    ];
    let found = powers(&site, &subjects);
    assert!(found[0].can.contains(&Power::ChangesLogs));
    for n in [1, 2, 3] {
        assert_eq!(found[n].can, BTreeSet::from([Power::BecomesOthers]), "{}", subjects[n].arn);
    }
    assert!(found[4].is_empty());
}

#[test]
fn a_boundary_limits() {
    let account: AccountId = LOG.parse().unwrap();
    let site =
        ArchiveNames { account: &account, partition: "aws", buckets: vec![(BUCKET.into(), None)], keys: Vec::new() };
    let (admin, fence) = (document(&allow("*", "*")), document(&allow("ec2:*", "*")));
    let subject = PrincipalPolicies {
        arn: format!("arn:aws:iam::{LOG}:role/x"),
        policies: vec![Named { name: "own", document: &admin }],
        boundary: Some(Named { name: "boundary", document: &fence }),
        trust: None,
    };
    assert!(powers(&site, &[subject])[0].is_empty());
}

#[test]
fn filled_patterns_are_matched_by_their_pattern() {
    for pattern in ["a*b?c", "${aws:x}/*", "plain", "a$b*", "*"] {
        assert!(!filled(pattern).contains(['*', '?']), "{pattern}");
    }
    assert_eq!(filled("a${aws:PrincipalAccount}b*"), "axbx");
}

#[test]
fn whoever_has_a_service_act_as_a_role_becomes_it() {
    let reads = document(&allow("s3:GetObject", "*"));
    let trusted_by = |service: &str| {
        document(&format!(r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}"#))
    };
    let becomes = |service: &str, action: &str, resource: &str| {
        let (trust, own) = (trusted_by(service), document(&allow(action, resource)));
        let account: AccountId = LOG.parse().unwrap();
        let site = ArchiveNames {
            account: &account,
            partition: "aws",
            buckets: vec![(BUCKET.into(), None)],
            keys: Vec::new(),
        };
        let subject = |name: &str, document| PrincipalPolicies {
            arn: format!("arn:aws:iam::{LOG}:role/{name}"),
            policies: vec![Named { name: "own", document }],
            ..PrincipalPolicies::default()
        };
        let reader = PrincipalPolicies { trust: Some(&trust), ..subject("reader", &reads) };
        powers(&site, &[reader, subject("x", &own)])[1].can.contains(&Power::BecomesOthers)
    };
    let lambda = "arn:aws:lambda:eu-central-1:222222222222:function:report";
    assert!(becomes("lambda.amazonaws.com", "lambda:UpdateFunctionCode", lambda));
    assert!(becomes("lambda.amazonaws.com", "lambda:*", "*"));
    assert!(becomes("ec2.amazonaws.com", "ssm:SendCommand", "*"));
    assert!(!becomes("ec2.amazonaws.com", "lambda:UpdateFunctionCode", "*"));
    assert!(!becomes("lambda.amazonaws.com", "lambda:InvokeFunction", "*"));
}
