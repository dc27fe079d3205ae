//! What leads out of the archive beside the bucket: the log group, the grants of the key, the queue.

use serde_json::{Value, json};

use super::folder::Case;

const CONFIG: &str = r#"
version: 1
deployment: acme
organization: {id: o-exampleorgid}
accounts: {log: "222222222222", include: ["ou:/**"]}
home_region: eu-central-1
bucket: {name: acme-org-cloudtrail, encryption: kms, trusted_readers: ["555555555555"]}
trails:
  - name: acme-org-trail
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 90}
reconcile: {wake_queue: acme-wake}
"#;
const BUCKET: &str = "222222222222/eu-central-1/bucket/acme-org-cloudtrail";
const KEY: &str = "222222222222/eu-central-1/key/alias/orgtrail-acme";
const GROUP: &str = "111111111111/eu-central-1/log_group//orgtrail/acme";
const GROUP_ARN: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme";
const QUEUE: &str = "222222222222/eu-central-1/queue/acme-wake";

/// A deployment, and its snapshot.
struct Deployed {
    case: Case,
    estate: Value,
}

impl Deployed {
    fn new() -> Self {
        let case = Case::open("22");
        case.write("orgtrail.yaml", CONFIG);
        case.must(0, "apply --yes --estate estate.json");
        let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
        let nothing = json!({"read": []});
        estate["estate"]["surroundings"] = json!({
            "principals": nothing,
            "buckets": {BUCKET: {
                "acl": nothing, "website": {"read": false}, "replication": nothing, "inventories": nothing,
                "notifications": nothing,
            }},
            "keys": {KEY: nothing},
            "topics": {},
            "log_groups": {GROUP: {"subscriptions": nothing, "policies": {"read": {}}}},
            "delegated_administrators": nothing,
            "organization": {"read": {}},
        });
        Self { case, estate }
    }

    /// Runs drift on the snapshot with one change; returns the report.
    fn drift(&self, code: i32, change: impl FnOnce(&mut Value)) -> Value {
        self.run("drift", code, change)
    }

    fn run(&self, command: &str, code: i32, change: impl FnOnce(&mut Value)) -> Value {
        let mut estate = self.estate.clone();
        change(&mut estate["estate"]);
        self.case.write("estate.json", &estate.to_string());
        let report = self.case.must(code, &format!("{command} --estate estate.json --format json"));
        serde_json::from_str(&report).unwrap()
    }

    /// Runs drift with one statement in a resource policy of CloudWatch Logs.
    fn with_logs_statement(&self, code: i32, statement: &Value) -> Value {
        let policy = json!({"p": {"Version": "2012-10-17", "Statement": [statement]}});
        self.drift(code, |estate| estate["surroundings"]["log_groups"][GROUP]["policies"] = json!({"read": policy}))
    }

    fn with_grant(&self, code: i32, grantee: &str, operations: &[&str]) -> Value {
        let grant = json!({"id": "0123", "grantee": grantee, "operations": operations});
        self.drift(code, |estate| estate["surroundings"]["keys"][KEY] = json!({"read": [grant]}))
    }
}

fn violation(report: &Value) -> [&str; 3] {
    let one = &report["violations"][0];
    ["address", "invariant", "action"].map(|field| one[field].as_str().unwrap_or("none"))
}

#[test]
fn a_resource_policy_of_the_logs_that_reaches_the_group_is_judged_whole() {
    let deployed = Deployed::new();
    assert_eq!(deployed.drift(0, |_| {})["in_sync"], true);
    let to = |principal: Value, action: Value, resource: &str| json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource});
    let stranger = || json!({"AWS": "999999999999"});
    let streams = "arn:aws:logs:*:*:log-group:/orgtrail/acme:log-stream:111111111111_CloudTrail*";
    let read = deployed.with_logs_statement(2, &to(stranger(), json!("logs:GetLogEvents"), streams));
    assert_eq!(violation(&read), [GROUP, "nothing-leads-out", "logs:GetLogEvents"]);
    assert_eq!(read["violations"][0]["resource"], GROUP_ARN);
    assert_eq!(read["violations"][0]["statement"], "resource policy p Statement[0]");
    let forged = to(stranger(), json!(["logs:PutLogEvents", "logs:CreateLogStream"]), "*");
    assert_eq!(violation(&deployed.with_logs_statement(2, &forged)), [GROUP, "writes-nothing", "logs:PutLogEvents"]);
    let open = to(json!({"Service": "es.amazonaws.com"}), json!("logs:*"), "*");
    assert_eq!(violation(&deployed.with_logs_statement(2, &open)), [GROUP, "nothing-leads-out", "logs:GetLogEvents"]);
    // What AWS documents for Route 53, into its own group.
    let mut route53 = to(
        json!({"Service": "route53.amazonaws.com"}),
        json!(["logs:PutLogEvents", "logs:CreateLogStream"]),
        "arn:aws:logs:eu-central-1:*:log-group:/aws/route53/*",
    );
    assert_eq!(deployed.with_logs_statement(0, &route53)["violations"], json!([]));
    route53["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "111111111111"}});
    route53["Resource"] = json!("*");
    assert_eq!(deployed.with_logs_statement(0, &route53)["violations"], json!([]));
    route53["Condition"] = json!({"StringEquals": {"aws:StarSign": "leo"}});
    let open = deployed.with_logs_statement(3, &route53);
    assert!(open["unproven"].to_string().contains("`aws:starsign` is not understood"), "{open:#}");
}

#[test]
fn a_resource_policy_that_denies_cloudtrails_writing_is_a_finding() {
    let deployed = Deployed::new();
    let deny = |action: &str, resource: &str| json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource});
    let stream = |name: &str| format!("{GROUP_ARN}:log-stream:{name}");
    for (action, resource) in [
        ("logs:PutLogEvents", "*".to_owned()),
        ("logs:CreateLogStream", format!("{GROUP_ARN}:*")),
        ("logs:*", stream("o-exampleorgid_333333333333_*")),
        ("logs:Put*", stream("*_eu-west-?")),
    ] {
        let report = deployed.with_logs_statement(2, &deny(action, &resource));
        let [one] = &report["findings"].as_array().unwrap()[..] else { panic!("{action} {resource}: {report:#}") };
        assert_eq!((&one["code"], &one["harm"]), (&json!("log-group-refused"), &json!("less-protected")), "{resource}");
        let message = one["message"].as_str().unwrap();
        let start = "CloudTrail is to be kept out of the log group: resource policy p Statement[0] denies logs:";
        assert!(message.starts_with(start), "{message}");
    }
    for (action, resource) in
        [("logs:GetLogEvents", "*".to_owned()), ("logs:PutLogEvents", stream("another-*")), ("logs:*", stream("x"))]
    {
        assert_eq!(deployed.with_logs_statement(0, &deny(action, &resource))["findings"], json!([]), "{resource}");
    }
    let mut depends = deny("logs:PutLogEvents", "*");
    depends["Condition"] = json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    assert_eq!(deployed.with_logs_statement(3, &depends)["problems"][0]["code"], "DeliveryUnproven");
}

#[test]
fn a_grant_gives_a_trusted_reader_no_more_than_reading_and_a_member_nothing() {
    let deployed = Deployed::new();
    let trusted = "arn:aws:iam::555555555555:role/siem";
    let reader = "arn:aws:iam::222222222222:role/CloudTrailReadLogs-333333333333";
    let session = "arn:aws:sts::222222222222:assumed-role/CloudTrailReadLogs-333333333333/x";
    for (grantee, operations) in [
        (trusted, &["Decrypt", "DescribeKey"][..]),
        (reader, &["DescribeKey"][..]),
        ("arn:aws:iam::333333333333:role/x", &["DescribeKey"][..]),
        ("arn:aws:iam::222222222222:role/forensics", &["CreateGrant", "Decrypt"][..]),
    ] {
        assert_eq!(deployed.with_grant(0, grantee, operations)["violations"], json!([]), "{grantee}");
    }
    for (grantee, operations) in [
        (trusted, &["CreateGrant", "Decrypt", "ReEncryptFrom"][..]),
        (trusted, &["Encrypt"][..]),
        (reader, &["CreateGrant"][..]),
        (reader, &["Decrypt"][..]),
        (session, &["Decrypt"][..]),
        ("arn:aws:iam::333333333333:role/x", &["Decrypt"][..]),
        ("arn:aws:iam::999999999999:root", &["Decrypt"][..]),
    ] {
        let report = deployed.with_grant(2, grantee, operations);
        let action = format!("kms:{}", operations.join(", kms:"));
        assert_eq!(violation(&report), [KEY, "nothing-leads-out", &action], "{grantee}");
        assert_eq!(report["violations"][0]["statement"], "grant 0123");
    }
}

#[test]
fn a_queue_policy_that_others_changed_is_drift_and_a_violation_of_now() {
    let deployed = Deployed::new();
    let add = |statement: Value| {
        move |estate: &mut Value| {
            let policy = &mut estate["sightings"][QUEUE]["present"]["queue"]["policy"];
            policy["Statement"].as_array_mut().unwrap().push(statement);
        }
    };
    let open = json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"});
    assert_eq!(deployed.drift(2, add(open.clone()))["changes"][0]["address"], QUEUE);
    let access = deployed.run("access --live", 2, add(open));
    assert_eq!(violation(&access)[1..], ["nothing-leads-out", "sqs:ReceiveMessage"]);
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"});
    let report = deployed.drift(2, add(deny));
    assert_eq!(report["changes"][0]["address"], QUEUE);
}
