//! What people type.

use super::super::{BadSubject, ResourceCandidate};
use super::types;

fn kinds(text: &str) -> Vec<String> {
    let found = types().candidates(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    found.into_iter().map(|own| own.resource_type.unwrap_or_else(|| "unknown".to_owned())).collect()
}

fn one(text: &str) -> ResourceCandidate {
    let mut found = types().candidates(text).unwrap();
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

#[test]
fn arns_of_every_partition_are_read() {
    for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"] {
        let role = one(&format!("arn:{partition}:iam::111122223333:role/ci/deploy"));
        assert_eq!(role.resource_type.as_deref(), Some("AWS::IAM::Role"));
        assert_eq!(role.identity.partition.as_deref(), Some(partition));
        assert_eq!(role.identity.name.as_deref(), Some("deploy"));
        assert_eq!(kinds(&format!("arn:{partition}:s3:::logs")), ["AWS::S3::Bucket"]);
        assert_eq!(kinds(&format!("arn:{partition}:s3:::logs/a/b")), ["AWS::S3::Object"]);
        let key = format!("arn:{partition}:kms:r-1:111122223333:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4");
        assert_eq!(kinds(&key), ["AWS::KMS::Key"]);
        let group = one(&format!("arn:{partition}:logs:r-1:111122223333:log-group:/a/b:*"));
        assert_eq!(group.identity.name.as_deref(), Some("/a/b"));
        assert!(!group.arn.unwrap().ends_with('*'));
    }
    let session = one("arn:aws:sts::111122223333:assumed-role/deploy/anna@example.com");
    assert_eq!(
        (session.resource_type.as_deref(), session.identity.name.as_deref()),
        (Some("AWS::IAM::Role"), Some("deploy"))
    );
    let unknown = one("arn:aws:newservice:eu-central-1:111122223333:thing/x:*");
    assert_eq!(unknown.resource_type, None);
    assert_eq!(unknown.arn.as_deref(), Some("arn:aws:newservice:eu-central-1:111122223333:thing/x"));
}

#[test]
fn ids_name_their_type_and_names_may_name_many() {
    assert_eq!(kinds("i-0dbc91f429e48eeed"), ["AWS::EC2::Instance"]);
    assert_eq!(kinds("  sg-04cfb7a4 "), ["AWS::EC2::SecurityGroup"]);
    assert_eq!(kinds("AKIATFQR7NSC3ZO6PKAZ"), ["AWS::IAM::AccessKey"]);
    assert_eq!(kinds("ASIATFQR7NSC3ZO6PKAZ"), ["AWS::STS::Credentials"]);
    assert_eq!(kinds("444455556666"), ["AWS::Organizations::Account"]);
    assert_eq!(kinds("mrk-1234abcd12ab34cd56ef1234567890ab"), ["AWS::KMS::Key"]);
    assert!(kinds("0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4").contains(&"AWS::KMS::Key".to_owned()));
    // What looks like an id of a policy may as well be a name.
    let mixed = kinds("p-production");
    assert_eq!(mixed[0], "AWS::Organizations::Policy");
    assert!(mixed.contains(&"AWS::S3::Bucket".to_owned()) && mixed.contains(&"AWS::IAM::Role".to_owned()));
    let named = kinds("logs");
    assert!(named.len() > 40 && !named.contains(&"AWS::EC2::Instance".to_owned()), "{named:?}");
    // A name with a slash is none of what has no slashes in its name.
    let path = kinds("/app/web");
    assert!(path.contains(&"AWS::Logs::LogGroup".to_owned()) && path.contains(&"AWS::SSM::Parameter".to_owned()));
    assert!(!path.contains(&"AWS::S3::Bucket".to_owned()), "{path:?}");
}

#[test]
fn a_type_before_a_name_leaves_those_of_the_type() {
    assert_eq!(kinds("bucket logs"), ["AWS::S3::Bucket"]);
    assert_eq!(kinds("S3 Bucket  logs"), ["AWS::S3::Bucket"]);
    assert_eq!(kinds("aws::s3::bucket logs"), ["AWS::S3::Bucket"]);
    assert_eq!(kinds("bucket arn:aws:s3:::logs"), ["AWS::S3::Bucket"]);
    assert_eq!(kinds("security group web"), ["AWS::EC2::SecurityGroup"]);
    assert_eq!(kinds("load balancer web").len(), 2);
    assert_eq!(kinds("alarm CPU too high").len(), 1);
    assert_eq!(one("alarm CPU too high").identity.name.as_deref(), Some("CPU too high"));
    let object = one("s3://logs/a/b.txt");
    let (bucket, key) = (object.identity.parent.as_deref(), object.identity.name.as_deref());
    assert_eq!((bucket, key), (Some("logs"), Some("a/b.txt")));
    assert_eq!(kinds("s3://logs"), ["AWS::S3::Bucket"]);
    assert!(kinds("alias/app")[..3].contains(&"AWS::KMS::Alias".to_owned()), "what is written so comes first");
    assert_eq!(one("kms alias alias/app").identity, one("kms alias app").identity);
    let queue = one("https://sqs.eu-central-1.amazonaws.com/111122223333/jobs");
    assert_eq!(queue.identity.name.as_deref(), Some("jobs"));
}

#[test]
fn what_names_nothing_is_an_error_that_says_what_to_write() {
    let error = |text: &str| types().candidates(text).unwrap_err();
    assert_eq!(error("  "), BadSubject::Empty);
    assert_eq!(error(&"x".repeat(3_000)), BadSubject::TooLong(3_000));
    assert!(matches!(error("a\u{1b}[2Jb"), BadSubject::Control(_)));
    assert_eq!(
        error("instance web").to_string(),
        "\"web\" names no AWS::EC2::Instance: write i-{hex} or arn:{partition}:ec2:{region}:{account}:instance/{id}"
    );
    assert!(error("bucket a/b").to_string().starts_with("\"a/b\" names no AWS::S3::Bucket"));
}
