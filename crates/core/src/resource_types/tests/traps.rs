//! Records that look as if they were about a resource and are not, and those that are without looking so.

use serde_json::json;

use super::super::MatchedBy;
use super::{ACCOUNT, about, mentions, record, types};

fn by(subject: &str, event: &str, parts: serde_json::Value) -> Vec<(&'static str, MatchedBy, bool)> {
    let (source, event) = event.split_once(':').unwrap();
    let found = about(subject, &format!("{source}.amazonaws.com"), event, &parts);
    found.into_iter().map(|found| (found.effect, found.by, found.certain)).collect()
}

#[test]
fn a_name_is_that_of_its_account_and_region_only() {
    let delete = |account: &str, region: &str| {
        let parts = json!({"q": {"logGroupName": "/app"}, "recipientAccountId": account, "awsRegion": region});
        by("arn:aws:logs:eu-central-1:111122223333:log-group:/app", "logs:DeleteLogGroup", parts)
    };
    assert_eq!(delete(ACCOUNT, "eu-central-1"), [("delete", MatchedBy::Name, true)]);
    assert_eq!(delete(ACCOUNT, "us-east-1"), []);
    assert_eq!(delete("999999999999", "eu-central-1"), []);
    // IAM is recorded in another region than one thinks.
    let role = json!({"q": {"roleName": "deploy"}, "awsRegion": "us-east-1"});
    let arn = "arn:aws:iam::111122223333:role/deploy";
    assert_eq!(by(arn, "iam:DeleteRole", role), [("delete", MatchedBy::Name, true)]);
    // IAM takes its names in any capitals, and has no two that differ in them alone.
    let role = json!({"q": {"roleName": "Deploy"}});
    assert_eq!(by(arn, "iam:DeleteRole", role), [("delete", MatchedBy::Name, true)]);
    // A name alone may be that of any account.
    let types = types();
    let candidates = types.candidates("role deploy").unwrap();
    let text = record("iam.amazonaws.com", "DeleteRole", &json!({"q": {"roleName": "deploy"}}));
    assert!(!mentions(types, &candidates, &text)[0].certain);
    // The name of a bucket is that of one bucket in a partition.
    let bucket = types.candidates("bucket logs").unwrap();
    let text = record("s3.amazonaws.com", "DeleteBucket", &json!({"q": {"bucketName": "logs"}}));
    assert!(mentions(types, &bucket, &text)[0].certain);
    // So is that of an object in it, whoever calls from where.
    let object = types.candidates("s3://logs/a.txt").unwrap();
    let object: Vec<_> = object.into_iter().map(|own| own.within(Some("999999999999"), Some("us-east-1"))).collect();
    let text = record("s3.amazonaws.com", "GetObject", &json!({"q": {"bucketName": "logs", "key": "a.txt"}}));
    assert!(mentions(types, &object, &text)[0].certain);
    // Zones have no region, and their calls are recorded in one.
    let zone = json!({"q": {"name": "example.com."}, "awsRegion": "us-east-1"});
    let found = by("hosted zone example.com", "route53:CreateHostedZone", zone);
    assert_eq!(found, [("create", MatchedBy::Name, false)]);
}

#[test]
fn a_call_from_another_account_names_the_arn() {
    let parts = json!({
        "q": {"roleArn": "arn:aws:iam::111122223333:role/deploy"}, "recipientAccountId": "999999999999"
    });
    let arn = "arn:aws:iam::111122223333:role/deploy";
    assert_eq!(by(arn, "sts:AssumeRole", parts.clone()), [("use", MatchedBy::Arn, true)]);
    assert_eq!(by("arn:aws-cn:iam::111122223333:role/deploy", "sts:AssumeRole", parts.clone()), []);
    assert_eq!(by("arn:aws:iam::222222222222:role/deploy", "sts:AssumeRole", parts), []);
}

#[test]
fn ids_tell_a_reused_name_apart() {
    let created = about(
        "role deploy",
        "iam.amazonaws.com",
        "CreateRole",
        &json!({"q": {"roleName": "deploy", "assumeRolePolicyDocument": "{}"},
            "r": {"role": {"roleId": "AROATFQR7NSCYGNOX4QAJ", "arn": "arn:aws:iam::111122223333:role/deploy"}}}),
    );
    let also = ["AROATFQR7NSCYGNOX4QAJ", "arn:aws:iam::111122223333:role/deploy", "deploy"];
    assert_eq!((created[0].also.as_slice(), created[0].policy), (also.map(String::from).as_slice(), true));
    let secret = |suffix: &str| format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-{suffix}");
    let parts = |suffix: &str| json!({"q": {"secretId": secret(suffix)}});
    let delete = "secretsmanager:DeleteSecret";
    assert_eq!(by(&secret("AAAAAA"), delete, parts("AAAAAA")), [("delete", MatchedBy::Arn, true)]);
    assert_eq!(by(&secret("AAAAAA"), delete, parts("BBBBBB")), []);
    // The same end of another name, at random or as a word of a partial ARN, is of another secret.
    let named = |name: &str| format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}");
    let asked = |name: &str| json!({"q": {"secretId": named(name)}});
    assert_eq!(by(&named("web-master"), delete, asked("api-master")), []);
    assert_eq!(by(&named("web-master"), delete, asked("web-master")).len(), 1);
    assert_eq!(by(&named("p/one-Qa1b2c"), delete, asked("p/two-Qa1b2c")), []);
    let stack = |id: &str| format!("arn:aws:cloudformation:eu-central-1:111122223333:stack/web/{id}");
    let parts = json!({"q": {"stackName": stack("2")}});
    assert_eq!(by(&stack("1"), "cloudformation:DeleteStack", parts.clone()), []);
    assert_eq!(by("stack web", "cloudformation:DeleteStack", parts), [("delete", MatchedBy::Name, true)]);
}

#[test]
fn a_batch_of_a_thousand_ids_is_gone_through() {
    let id = |n: usize| format!("i-{n:017x}");
    let items: Vec<_> = (0..1_000).map(|n| json!({"instanceId": id(n)})).collect();
    let parts = json!({"q": {"instancesSet": {"items": items}}});
    assert_eq!(by(&id(999), "ec2:TerminateInstances", parts.clone()), [("delete", MatchedBy::Id, true)]);
    assert_eq!(by(&id(1_000), "ec2:TerminateInstances", parts.clone()), []);
    let found = about(&id(0), "ec2.amazonaws.com", "TerminateInstances", &parts);
    assert!(found[0].also.is_empty(), "the others are no other names of it");
}

#[test]
fn a_failed_call_mentions_what_it_named_and_nothing_else() {
    let parts = json!({"q": {"bucketName": "logs"}, "errorCode": "AccessDenied"});
    assert_eq!(by("bucket logs", "s3:DeleteBucket", parts), [("delete", MatchedBy::Name, true)]);
    let parts = json!({"q": {"instancesSet": {"items": [{"imageId": "ami-01234567"}]}}, "errorCode": "x"});
    assert_eq!(by("i-01234567", "ec2:RunInstances", parts), []);
}

#[test]
fn what_a_record_hides_or_leaves_out_may_be_about_the_resource() {
    let hidden = json!({"q": {"name": "HIDDEN_DUE_TO_SECURITY_REASONS"}});
    assert_eq!(by("parameter app", "ssm:DeleteParameter", hidden), [("delete", MatchedBy::Withheld, false)]);
    let omitted = json!({"q": {}, "r": {"omitted": true, "originalSize": 164_166, "reason": "too large"}});
    assert_eq!(by("i-01234567", "ec2:RunInstances", omitted), [("create", MatchedBy::Withheld, false)]);
    let read = json!({"q": {"name": "other", "description": "HIDDEN_DUE_TO_SECURITY_REASONS"}});
    assert_eq!(by("parameter app", "ssm:DeleteParameter", read), []);
}

#[test]
fn what_the_service_lists_is_found_for_calls_that_nobody_knows() {
    let arn = "arn:aws:kms:eu-central-1:111122223333:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4";
    let list = |read_only: bool| json!({"l": [{"ARN": arn, "type": "AWS::KMS::Key"}], "readOnly": read_only});
    assert_eq!(by(arn, "kms:InventTomorrow", list(false)), [("unknown", MatchedBy::Arn, true)]);
    assert_eq!(by(arn, "kms:GetTomorrow", list(true)), [("use", MatchedBy::Arn, true)]);
    assert_eq!(by("kms key 0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4", "kms:X", list(false))[0].1, MatchedBy::Id);
    let other = "arn:aws:new:eu-central-1:111122223333:thing/x";
    let parts = json!({"l": [{"ARN": other}]});
    assert_eq!(by(other, "new:DeleteThing", parts.clone()), [("unknown", MatchedBy::Arn, true)]);
    assert_eq!(by("arn:aws:new:eu-central-1:111122223333:thing/y", "new:DeleteThing", parts), []);
}

#[test]
fn a_listed_neighbour_of_what_was_named_has_an_unknown_effect() {
    let listed = ["new.txt", "old.txt"].map(|key| json!({"ARN": format!("arn:aws:s3:::logs/{key}")}));
    let copy = json!({"q": {"bucketName": "logs", "key": "new.txt"}, "l": listed});
    assert_eq!(by("s3://logs/new.txt", "s3:CopyObject", copy.clone()), [("put", MatchedBy::Name, true)]);
    assert_eq!(by("s3://logs/old.txt", "s3:CopyObject", copy)[0].0, "unknown");
    let moved = json!({"q": {"accountId": "444455556666", "sourceParentId": "ou-ab12-aaaaaaaa",
        "destinationParentId": "ou-ab12-bbbbbbbb"}});
    let found = about("ou ou-ab12-aaaaaaaa", "organizations.amazonaws.com", "MoveAccount", &moved);
    assert!(found[0].also.is_empty(), "{found:?}");
}

#[test]
fn objects_deleted_in_a_batch_may_be_the_one_that_is_looked_for() {
    let parts = |bucket: &str| {
        json!({"q": {"bucketName": bucket, "delete": ""},
            "l": [{"type": "AWS::S3::Object", "ARNPrefix": format!("arn:aws:s3:::{bucket}/")}]})
    };
    assert_eq!(by("s3://logs/a.txt", "s3:DeleteObjects", parts("logs")), [("delete", MatchedBy::Prefix, false)]);
    assert_eq!(by("s3://logs/a.txt", "s3:DeleteObjects", parts("logs2")), []);
    // An object of the bucket is not the bucket.
    let object = json!({"q": {"bucketName": "x", "key": "k"}, "l": [{"ARN": "arn:aws:s3:::logs/a.txt"}]});
    assert_eq!(by("bucket logs", "s3:DeleteObject", object), []);
}

#[test]
fn a_service_of_another_cluster_and_a_rule_of_another_bus_are_others() {
    let arn = "arn:aws:ecs:eu-central-1:111122223333:service/prod/web";
    let delete = |cluster: serde_json::Value| json!({"q": {"cluster": cluster, "service": "web"}});
    assert_eq!(by(arn, "ecs:DeleteService", delete(json!("prod"))), [("delete", MatchedBy::Name, true)]);
    assert_eq!(by(arn, "ecs:DeleteService", delete(json!("test"))), []);
    assert_eq!(by(arn, "ecs:DeleteService", delete(json!(null))), [("delete", MatchedBy::Name, false)]);
    let rule = "arn:aws:events:eu-central-1:111122223333:rule/nightly";
    let parts = |bus: &str| json!({"q": {"name": "nightly", "eventBusName": bus}});
    assert_eq!(by(rule, "events:DeleteRule", parts("orders")), []);
    assert_eq!(by(rule, "events:DeleteRule", parts("default")), [("delete", MatchedBy::Name, true)]);
    assert_eq!(by(rule, "events:DeleteRule", json!({"q": {"name": "nightly"}})), [("delete", MatchedBy::Name, true)]);
}

#[test]
fn a_version_of_a_function_is_not_another_version() {
    let arn = |version: &str| format!("arn:aws:lambda:eu-central-1:111122223333:function:resize{version}");
    let parts = |version: &str| json!({"q": {"functionName": arn(version)}});
    let update = "lambda:UpdateFunctionCode20150331v2";
    assert_eq!(by(&arn(":1"), update, parts(":2")), []);
    assert_eq!(by(&arn(":1"), update, parts("")), [("change", MatchedBy::Arn, true)]);
    assert_eq!(by(&arn(""), update, parts(":2")), [("change", MatchedBy::Arn, true)]);
}

#[test]
fn policies_are_given_as_the_call_sets_them() {
    let text = |event: &str, parts: &serde_json::Value| record("s3.amazonaws.com", event, parts);
    let types = types();
    let bucket = types.candidates("bucket logs").unwrap();
    let put = text("PutBucketPolicy", &json!({"q": {"bucketName": "logs", "bucketPolicy": {"Version": "2012-10-17"}}}));
    let put = crate::event::Record::read(&put).unwrap();
    let policy = types.mentions(&put, &bucket)[0].policy.unwrap();
    assert_eq!(policy.as_str(), r#"{"Version":"2012-10-17"}"#);
    let delete = text("DeleteBucketPolicy", &json!({"q": {"bucketName": "logs", "policy": ""}}));
    let delete = crate::event::Record::read(&delete).unwrap();
    assert_eq!(types.mentions(&delete, &bucket)[0].policy, None);
}

#[test]
fn what_to_look_up_and_what_to_search_for_is_known_of_candidates() {
    let types = types();
    let of = |subject: &str| types.candidates(subject).unwrap();
    let names = types.event_names(&of("AKIATFQR7NSC3ZO6PKAZ"));
    let names: Vec<&str> = names.iter().map(|(_, event)| event.as_str()).collect();
    assert_eq!(names, ["CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"]);
    let sources = types.event_names(&of("i-01234567"));
    assert!(sources.contains(&("ssm.amazonaws.com".to_owned(), "SendCommand".to_owned())));
    assert_eq!(types.event_names(&of("arn:aws:new:r:1:thing/x")).len(), 0);
    let texts = |subject: &str| types.needles(&of(subject)).texts().map(|texts| texts.join(" "));
    assert_eq!(texts("arn:aws:iam::111122223333:role/a/deploy").as_deref(), Some("deploy"));
    assert_eq!(texts("s3://logs/a/long-name.txt").as_deref(), Some("long-name.txt"));
    assert_eq!(texts("rds instance Main").as_deref(), Some("main"), "capitals do not count");
    assert_eq!(texts("alarm 日本"), None, "every record has to be read");
    let needles = types.needles(&of("bucket logs"));
    let is = |text: &str| needles.may_mention(text.as_bytes());
    assert!(
        is("x logs") && is(r"\u006cogs") && is("ARNPrefix") && !is("log s") && !is("HIDDEN_DUE_TO_SECURITY_REASONS")
    );
    assert!(is("HIDDEN_DUE_TO_SECURITY_REASONS DeleteBucket") && is("omitted CreateBucket"));
    assert!(types.needles(&of("rds instance Main")).may_mention(b"the MAIN one"));
}

#[test]
fn a_secret_is_known_by_its_arn_with_and_without_its_end_and_by_its_name() {
    let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";
    // A name that ends as ARNs do, and one that does not.
    for name in ["prod/db-passwd", "prod/db", "db-passwd-passwd"] {
        let (whole, partial) = (format!("{arn}{name}-AbCdEf"), format!("{arn}{name}"));
        for subject in [whole.clone(), partial.clone(), format!("secret {name}")] {
            for own in [whole.as_str(), &partial, name] {
                let found = by(&subject, "secretsmanager:DeleteSecret", json!({"q": {"secretId": own}}));
                assert!(matches!(found.as_slice(), [("delete", _, _)]), "{subject} by {own}: {found:?}");
            }
        }
        let other = format!("{arn}{name}-ZzZzZz");
        assert_eq!(by(&whole, "secretsmanager:DeleteSecret", json!({"q": {"secretId": other}})), []);
        let other = json!({"q": {"secretId": format!("{name}2")}});
        assert_eq!(by(&whole, "secretsmanager:DeleteSecret", other), []);
    }
}

#[test]
fn a_record_that_does_not_name_its_call_in_a_text_may_be_about_what_it_names() {
    for name in [json!(5), json!(["DeleteBucket"]), json!({"a": 1}), json!(true)] {
        let parts = json!({"q": {"bucketName": "logs-1"}, "eventName": name});
        assert_eq!(by("bucket logs-1", "s3:DeleteBucket", parts.clone()), [("unknown", MatchedBy::Withheld, false)]);
        assert_eq!(by("bucket other", "s3:DeleteBucket", parts.clone()), []);
        assert_eq!(by("role logs-1", "s3:DeleteBucket", parts), []);
    }
}
