//! Which actions recorded calls need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::event::Record;
use crate::resource_types::ResourceTypes;

fn table() -> IamActions {
    IamActions::built_in().unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

fn needs(source: &str, event: &str, asked: &Value) -> Option<Needs> {
    let record =
        json!({"eventSource": format!("{source}.amazonaws.com"), "eventName": event, "requestParameters": asked});
    table().needs(&Record::read(&record.to_string()).unwrap())
}

fn actions(source: &str, event: &str, asked: &Value) -> Vec<String> {
    needs(source, event, asked).unwrap().actions.into_iter().map(|own| own.action).collect()
}

#[test]
fn a_call_needs_the_action_that_aws_documents_for_it() {
    for (source, event, expected) in [
        ("s3", "ListObjects", "s3:ListBucket"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
        ("monitoring", "PutMetricAlarm", "cloudwatch:PutMetricAlarm"),
        ("lambda", "CreateFunction20150331", "lambda:CreateFunction"),
        ("lambda", "UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("tagging", "TagResources", "tag:TagResources"),
        ("apigateway", "CreateRestApi", "apigateway:POST"),
        ("cloudfront", "CreateDistribution2020_05_31", "cloudfront:CreateDistribution"),
        ("ec2", "DescribeInstances", "ec2:DescribeInstances"),
    ] {
        assert_eq!(actions(source, event, &Value::Null), [expected]);
    }
    assert_eq!(actions("s3", "CopyObject", &Value::Null), ["s3:PutObject", "s3:GetObject"]);
    assert_eq!(actions("kms", "ReEncrypt", &Value::Null), ["kms:ReEncryptFrom", "kms:ReEncryptTo"]);
    let tags = json!({"tagSpecificationSet": {"items": [{"resourceType": "instance"}]}});
    assert_eq!(actions("ec2", "RunInstances", &tags), ["ec2:RunInstances", "ec2:CreateTags"]);
    let empty = json!({"tagSpecificationSet": {}});
    assert_eq!(actions("ec2", "RunInstances", &empty), ["ec2:RunInstances"]);
}

#[test]
fn what_is_assumed_says_so_and_what_needs_nothing_is_told_apart() {
    let basis = |source: &str, event: &str| needs(source, event, &Value::Null).unwrap().actions[0].basis;
    assert_eq!(basis("s3", "HeadObject"), ActionBasis::Table);
    assert_eq!(basis("ec2", "DescribeInstances"), ActionBasis::Name);
    assert_eq!(basis("brandnew", "DoThings"), ActionBasis::Assumed);
    assert_eq!(needs("sts", "GetCallerIdentity", &Value::Null), Some(Needs::default()));
    assert_eq!(needs("signin", "ConsoleLogin", &Value::Null), Some(Needs::default()));
    let event = r#"{"eventSource":"kms.amazonaws.com","eventName":"RotateKey","eventType":"AwsServiceEvent"}"#;
    assert_eq!(table().needs(&Record::read(event).unwrap()), None);
    assert_eq!(table().needs(&Record::read("{}").unwrap()), None);
}

#[test]
fn a_role_that_is_handed_to_a_service_is_passed() {
    let role = "arn:aws:iam::111122223333:role/service/run";
    let passes = |source: &str, event: &str, asked: Value| needs(source, event, &asked).unwrap().passes;
    let passed = |basis| vec![PassedRole { name: role.to_owned(), is_profile: false, basis }];
    assert_eq!(passes("lambda", "CreateFunction20150331", json!({"role": role})), passed(ActionBasis::Table));
    // A call that the table does not have, by the name of the field.
    let nested = json!({"a": [{"executionRoleArn": role, "bucketArn": "arn:aws:s3:::b", "x": {"roleArn": "no role"}}]});
    assert_eq!(passes("brandnew", "CreateThing", nested), passed(ActionBasis::Name));
    assert_eq!(passes("iam", "AttachRolePolicy", json!({"roleArn": role})), []);
    assert_eq!(passes("sts", "AssumeRole", json!({"roleArn": role})), []);
    let profile = passes("ec2", "RunInstances", json!({"iamInstanceProfile": {"name": "web"}}));
    assert!(profile.len() == 1 && profile[0].is_profile && profile[0].name == "web", "{profile:?}");
    let deep = format!("{}{}{}", r#"{"roleArn":"#.repeat(50_000), "1", "}".repeat(50_000));
    let record = format!(r#"{{"eventSource":"x.amazonaws.com","eventName":"Y","requestParameters":{deep}}}"#);
    assert_eq!(table().needs(&Record::read(&record).unwrap()).unwrap().passes, []);
}

#[test]
fn the_table_fits_that_of_resource_types() {
    let (table, types) = (table(), ResourceTypes::built_in().unwrap());
    for (source, service) in &table.services {
        for kind in service.limited.keys() {
            assert!(types.named(kind).is_some(), "{source} names {kind}");
        }
        let actions: BTreeSet<&String> = service.actions.values().flatten().chain(service.verbs.values()).collect();
        assert!(actions.iter().all(|action| action.split(':').count() == 2), "{source}: {actions:?}");
    }
    let unknown = types.all().iter().map(|own| &own.source).filter(|source| !table.services.contains_key(*source));
    assert_eq!(unknown.collect::<BTreeSet<_>>(), BTreeSet::<&String>::new(), "sources without a prefix");
}
