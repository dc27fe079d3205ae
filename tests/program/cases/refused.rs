//! What keeps CloudTrail out: statements that others wrote, keys that it may not use, principals of long ago.

use serde_json::{Value, json};

use super::folder::Case;

/// An organization of the partition `aws` in which the configuration of a case has been applied.
fn applied(number: &str) -> Case {
    let case = Case::open(number);
    case.write("estate.json", &Case::open("02").read("estate.json").replace("aws-us-gov", "aws"));
    case.must(0, "apply --yes --estate estate.json");
    case.must(0, "drift --estate estate.json");
    case
}

fn edit(case: &Case, change: impl FnOnce(&mut Value)) {
    let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
    change(&mut estate);
    case.write("estate.json", &estate.to_string());
}

/// Finds the resource of a kind; there is one.
fn resource<'a>(estate: &'a mut Value, kind: &str) -> &'a mut Value {
    let sightings = estate["estate"]["sightings"].as_object_mut().unwrap();
    let (_, sighting) = sightings.iter_mut().find(|(address, _)| address.contains(&format!("/{kind}/"))).unwrap();
    let (_, resource) = sighting["present"].as_object_mut().unwrap().iter_mut().next().unwrap();
    resource
}

fn add(case: &Case, kind: &str, statement: Value) {
    edit(case, |estate| {
        resource(estate, kind)["policy"]["Statement"].as_array_mut().unwrap().push(statement);
    });
}

#[test]
fn a_statement_that_keeps_cloudtrail_out_is_drift_until_somebody_names_it() {
    let bucket = "arn:aws:s3:::acme-org-cloudtrail";
    let deny = |action: &str, resource: String, condition: Value| {
        json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource,
            "Condition": condition})
    };
    let below = |path: &str| format!("{bucket}/AWSLogs/o-exampleorgid/{path}");
    let cases = [
        ("bucket_policy", deny("s3:PutObject", format!("{bucket}/*"), json!({}))),
        ("bucket_policy", deny("s3:PutObject", below("333333333333/*"), json!({}))),
        ("bucket_policy", deny("s3:PutObject", below("*/CloudTrail-Digest/*"), json!({}))),
        ("bucket_policy", deny("s3:Put*", below("222222222222/CloudTrail-Insight/us-west-2/*"), json!({}))),
        ("bucket_policy", deny("s3:GetBucketAcl", bucket.into(), json!({}))),
        (
            "bucket_policy",
            deny("s3:*", format!("{bucket}/*"), json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})),
        ),
        ("bucket_policy", deny("s3:*", format!("{bucket}/*"), json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))),
        (
            "bucket_policy",
            deny("s3:*", format!("{bucket}/*"), json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}})),
        ),
        ("key_policy", deny("kms:*", "*".into(), json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}))),
        ("key_policy", deny("kms:GenerateDataKey", "*".into(), json!({}))),
    ];
    let case = applied("13");
    let clean = case.read("estate.json");
    for (kind, statement) in cases {
        case.write("estate.json", &clean);
        add(&case, kind, statement.clone());
        let drift: Value = serde_json::from_str(&case.must(2, "drift --estate estate.json --format json")).unwrap();
        assert_eq!(drift["in_sync"], false, "{statement}");
        let mut findings = drift["findings"].as_array().unwrap().iter();
        let finding = findings.find(|finding| finding["code"] == "delivery-refused").expect("it is a finding");
        assert_eq!(finding["harm"], "logs-lost", "{statement}");
        let help = finding["help"].as_str().unwrap();
        let named = help.split('\'').nth(1).unwrap();
        assert!(named.ends_with("#Theirs"), "{help}");
        case.must(0, &format!("apply --yes --estate estate.json --destroy {named} --allow weakens,destroys"));
        case.must(0, "drift --estate estate.json");
        assert!(!case.read("estate.json").contains("Theirs"), "{statement}");
    }
}

#[test]
fn a_statement_that_cannot_be_judged_is_not_in_sync() {
    let case = applied("13");
    let condition = json!({"StringEquals": {"aws:SomethingNew": "x"}});
    let statement = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*", "Condition": condition});
    add(&case, "bucket_policy", statement);
    let drift: Value = serde_json::from_str(&case.must(3, "drift --estate estate.json --format json")).unwrap();
    assert!(drift["problems"].to_string().contains("DeliveryUnproven"), "{drift}");
}

#[test]
fn what_leaves_services_out_is_no_drift() {
    let case = applied("13");
    let conditions = [
        json!({"Bool": {"aws:PrincipalIsAWSService": "false"}, "StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}),
        json!({"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ];
    for condition in conditions {
        let statement = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::acme-org-cloudtrail", "arn:aws:s3:::acme-org-cloudtrail/*"], "Condition": condition});
        add(&case, "bucket_policy", statement);
        let report = case.must(0, "explain --live --estate estate.json");
        assert!(report.contains("would be let in"), "{report}");
    }
}

#[test]
fn the_managed_key_of_a_topic_is_drift_that_apply_repairs() {
    let case = applied("13");
    edit(&case, |estate| resource(estate, "topic")["key"] = json!("alias/aws/sns"));
    let drift: Value = serde_json::from_str(&case.must(2, "drift --estate estate.json --format json")).unwrap();
    assert_eq!(drift["changes"][0]["kind"], "topic");
    let mut findings = drift["findings"].as_array().unwrap().iter();
    assert!(findings.any(|finding| finding["code"] == "notification-refused"), "{drift}");
    case.must(2, "explain --live --estate estate.json");
    case.must(0, "apply --yes --estate estate.json");
    case.must(0, "drift --estate estate.json");
}

#[test]
fn cloudtrails_old_accounts_are_recognized() {
    let case = Case::open("18");
    let run = case.must(
        2,
        "explain bucket-policy.json --topic-policy topic-policy.json --organization o-exampleorgid --trail \
         arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail",
    );
    assert!(run.contains("outdated-principals"), "{run}");
    assert!(run.contains("eu-central-1, eu-west-1, sa-east-1, us-east-1, us-west-1, us-west-2"), "{run}");
    assert!(run.contains("aws:SourceArn"), "{run}");
    assert!(!run.contains("PrincipalOrgID") && !run.contains("outside"), "{run}");
}

#[test]
fn a_key_that_cannot_be_read_changes_nothing() {
    let case = applied("13");
    edit(&case, |estate| {
        let sightings = estate["estate"]["sightings"].as_object_mut().unwrap();
        for kind in ["key", "key_policy"] {
            let address = sightings.keys().find(|address| address.contains(&format!("/{kind}/"))).unwrap().clone();
            sightings[&address] = json!({"unreadable": {"account": "222222222222", "address": address, "stage": "observe",
                "code": "AccessDenied", "message": "kms:DescribeKey was denied", "help": "allow it"}});
        }
    });
    let drift: Value = serde_json::from_str(&case.must(3, "drift --estate estate.json --format json")).unwrap();
    assert_eq!(drift["changes"], json!([]));
    assert!(!drift.to_string().contains("key-arn"), "{drift}");
}

#[test]
fn the_topics_key_is_explained_from_its_name_or_its_policy() {
    let case = Case::open("18");
    let service = r#"{"Service":"cloudtrail.amazonaws.com"}"#;
    case.write(
        "topic.json",
        &format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{service},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-central-1:222222222222:acme-org-trail","Condition":{{"StringEquals":{{"aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail"}}}}}}]}}"#
        ),
    );
    let explain = |code: i32, more: &str| {
        case.must(
            code,
            &format!(
                "explain bucket-policy.json --topic-policy topic.json --organization o-exampleorgid {more} --trail \
                 arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail"
            ),
        )
    };
    assert!(explain(2, "--topic-key alias/aws/sns").contains("alias/aws/sns"));
    assert!(explain(3, "--topic-key alias/theirs").contains("--topic-key-policy"));
    let open = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{service},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*","Condition":{{"StringEquals":{{"aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail"}}}}}}]}}"#
    );
    case.write("key.json", &open);
    explain(0, "--topic-key alias/theirs --topic-key-policy key.json");
    case.write("key.json", &open.replace("kms:Decrypt", "kms:Encrypt"));
    assert!(explain(2, "--topic-key-policy key.json").contains("kms:Decrypt"));
}

/// What breaks isolation is named in JSON, and taken out alike by `--close` and by its name; a denial goes by its name
/// alone.
#[test]
fn a_statement_of_others_has_one_name_and_goes_one_way() {
    let case = applied("13");
    let member = json!({"AWS": "arn:aws:iam::333333333333:root"});
    add(
        &case,
        "bucket_policy",
        json!({"Effect": "Allow", "Principal": member, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"}),
    );
    add(
        &case,
        "key_policy",
        json!({"Sid": "Theirs", "Effect": "Allow", "Principal": member, "Action": "kms:*", "Resource": "*"}),
    );
    edit(&case, |estate| {
        let statements = resource(estate, "topic")["policy"]["Statement"].as_array_mut().unwrap();
        let topic = statements[0]["Resource"].clone();
        statements
            .push(json!({"Sid": "Theirs", "Effect": "Allow", "Principal": member, "Action": "sns:SetTopicAttributes",
            "Resource": topic}));
    });
    let readers = "arn:aws:iam::222222222222:role/CloudTrailReadLogs-333333333333";
    add(
        &case,
        "bucket_policy",
        json!({"Sid": "NotThem", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::acme-org-cloudtrail/*", "Condition": {"ArnEquals": {"aws:PrincipalArn": readers}}}),
    );
    let plan = |more: &str| -> Value {
        serde_json::from_str(&case.must(2, &format!("plan --estate estate.json --format json {more}"))).unwrap()
    };
    let violations = plan("")["violations"].clone();
    let mut open: Vec<&str> = Vec::new();
    let mut shut: Vec<&str> = Vec::new();
    for violation in violations.as_array().unwrap() {
        let list = if violation["invariant"] == "reads-own" { &mut shut } else { &mut open };
        list.extend(violation["statement_ref"].as_str());
    }
    open.sort_unstable();
    open.dedup();
    let kinds: Vec<&str> = open.iter().map(|named| named.split('/').nth(2).unwrap()).collect();
    assert_eq!(kinds, ["bucket_policy", "key_policy", "topic"], "{violations:#}");
    assert!(shut.iter().all(|named| named.ends_with("#NotThem")) && !shut.is_empty(), "{violations:#}");

    let closing = plan("--close");
    let named: String = open.iter().map(|named| format!(" --destroy {named}")).collect();
    assert_eq!(plan(&named)["changes"], closing["changes"]);
    let left = closing["violations"].as_array().unwrap();
    assert!(left.iter().all(|violation| violation["invariant"] == "reads-own"), "{closing:#}");
    // What still keeps a reader out weakens, whatever else the change does.
    case.must(2, "apply --yes --close --allow weakens,destroys --estate estate.json");
    assert!(case.read("estate.json").contains("NotThem") && !case.read("estate.json").contains("Theirs"));
    case.must(0, &format!("apply --yes --destroy {} --allow weakens,destroys --estate estate.json", shut[0]));
    case.must(0, "drift --estate estate.json");
}

/// The role of a statement was deleted: AWS shows its unique id. The statement is named, with the command that takes it
/// out.
#[test]
fn a_statement_for_one_role_that_is_gone_is_named_with_what_removes_it() {
    let file = "arn:aws:s3:::acme-org-cloudtrail/*";
    let gone = json!({"AWS": "AROADELETEDROLE000000"});
    let user_id = json!({"StringLike": {"aws:userId": "AROADELETEDROLE000000:*"}});
    let cases = [
        (
            json!({"Sid": "Siem", "Effect": "Allow", "Principal": gone, "Action": "s3:GetObject", "Resource": file}),
            0,
            "deleted-principal",
            "#Siem",
            "destroys",
        ),
        (
            json!({"Effect": "Deny", "Principal": gone, "Action": "s3:GetObject", "Resource": file}),
            0,
            "deleted-principal",
            "#",
            "weakens,destroys",
        ),
        (
            json!({"Sid": "One", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:root"}, "Action": "s3:GetObject", "Resource": file,
            "Condition": user_id}),
            3,
            "unknown-principal",
            "#One",
            "destroys",
        ),
    ];
    let case = applied("13");
    let clean = case.read("estate.json");
    for (statement, code, expected, name, allow) in cases {
        case.write("estate.json", &clean);
        add(&case, "bucket_policy", statement.clone());
        let drift: Value = serde_json::from_str(&case.must(code, "drift --estate estate.json --format json")).unwrap();
        let mut findings = drift["findings"].as_array().unwrap().iter();
        let finding = findings.find(|finding| finding["code"] == expected).unwrap_or_else(|| panic!("{drift:#}"));
        let named = finding["statement_ref"].as_str().unwrap();
        assert!(named.contains(name), "{finding}");
        assert!(finding["message"].as_str().unwrap().contains("AROADELETEDROLE000000"), "{finding}");
        let command = format!("--destroy '{named}' --allow {allow}`");
        assert!(finding["help"].as_str().unwrap().contains(&command), "{finding}");
        case.must(0, &format!("apply --yes --estate estate.json --destroy {named} --allow {allow}"));
        let after: Value = serde_json::from_str(&case.must(0, "drift --estate estate.json --format json")).unwrap();
        assert!(!after["findings"].to_string().contains(expected), "{after:#}");
    }
    case.write("estate.json", &clean);
    let beside = json!({"AWS": ["AROADELETEDROLE000000", "arn:aws:iam::222222222222:root"]});
    add(
        &case,
        "bucket_policy",
        json!({"Sid": "Two", "Effect": "Allow", "Principal": beside, "Action": "s3:GetObject",
        "Resource": file}),
    );
    let drift = case.run("drift --estate estate.json --format json").stdout;
    assert!(drift.contains("take the id out of the statement"), "{drift}");
}
