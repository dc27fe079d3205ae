//! Who stands behind a call: stacks, records without an id, and what an answer says of accounts and of what is missing.

use serde_json::{Value, json};

use crate::bucket::ACCOUNT;
use crate::who::{OTHER, WHOLE, archive, bucket_call, call, run, stolen, who};

/// What CloudFormation does with a service role, and whoever worked on a stack then.
fn stack_events(callers: &[(&str, &str)]) -> Vec<Value> {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/Stacks");
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Stacks/AWSCloudFormation");
    let mut events: Vec<Value> = callers
        .iter()
        .map(|(user, stack)| {
            let more = json!({"requestParameters": {"stackName": stack, "roleARN": role}});
            call(1, &format!("of-{user}"), "cloudformation", "UpdateStack", user, &more)
        })
        .collect();
    let issued = json!({
        "userIdentity": {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"},
        "requestParameters": {"roleArn": role, "roleSessionName": "AWSCloudFormation"},
        "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLESTACK0001"},
            "assumedRoleUser": {"assumedRoleId": "AROAS:AWSCloudFormation", "arn": arn}},
    });
    events.push(call(2, "assumed", "sts", "AssumeRole", "", &issued));
    let identity = json!({"type": "AssumedRole", "principalId": "AROAS:AWSCloudFormation", "arn": arn, "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLESTACK0001", "invokedBy": "cloudformation.amazonaws.com",
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAS", "arn": role, "accountId": ACCOUNT},
            "attributes": {"creationDate": "2026-11-20T02:20:00Z"}}});
    events.push(bucket_call(2, "deleted", "DeleteBucket", "", &json!({"userIdentity": identity})));
    events
}

#[test]
fn what_a_stack_did_with_its_role_leads_on_to_whoever_worked_on_the_stack() {
    let (code, answer) = who(&archive(&stack_events(&[("ann", "files")])), &["bucket", "acme-files"]);
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    // Nothing ties the two together: it is never said as if it were known.
    assert_eq!((code, &person["origin"]), (3, &json!(format!("arn:aws:iam::{ACCOUNT}:user/ann"))), "{answer:#}");
    assert!(person["lost"].as_str().unwrap().contains("likely"), "{answer:#}");
    assert!(answer["not_whole"][0].as_str().unwrap().contains("DeleteBucket"), "{answer:#}");
    assert_eq!((&person["is_proven"], &person["hops"][1]["stack"]), (&json!(false), &json!("files")), "{answer:#}");
    // Two people worked on stacks then: both are named, and neither is the answer.
    let (code, answer) = who(&archive(&stack_events(&[("ann", "web"), ("bob", "queues")])), &["bucket", "acme-files"]);
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    let lost = person["lost"].as_str().unwrap();
    assert_eq!((code, &person["origin"]), (3, &Value::Null), "{answer:#}");
    assert!(lost.contains("user/ann") && lost.contains("user/bob") && lost.contains("queues"), "{lost}");
    // Without any it is the service, and what is missing is said.
    let (code, answer) = who(&archive(&stack_events(&[])), &["bucket", "acme-files"]);
    let lost = answer["resources"][0]["incarnations"][0]["steps"][0]["person"]["lost"].to_string();
    assert!(code == 3 && lost.contains("AWS CloudFormation did it"), "{code} {lost}");
    assert!(answer["not_whole"][0].as_str().unwrap().contains("DeleteBucket"), "{answer:#}");
}

#[test]
fn a_record_without_an_id_is_traced_and_stands_all_the_same() {
    let mut events = stolen();
    events[3].as_object_mut().unwrap().remove("eventID");
    let mut made = events[3].clone();
    made["eventName"] = json!("CreateBucket");
    made["requestParameters"] = json!({"bucketName": "acme-kept"});
    events.push(made);
    let bucket = archive(&events);
    let (code, answer) = who(&bucket, &["bucket", "acme-files"]);
    let step = &answer["resources"][0]["incarnations"][0]["steps"][0];
    let id = step["event_id"].as_str().unwrap();
    assert!(id.starts_with("sha256:") && id.len() == 71, "{answer:#}");
    let mallory = format!("arn:aws:iam::{ACCOUNT}:user/mallory");
    assert_eq!((code, &step["person"]["origin"]), (0, &json!(mallory)), "{answer:#}");
    let (code, answer) = who(&bucket, &["--event", id]);
    assert_eq!((code, &answer["calls"][0]["person"]["origin"]), (0, &json!(mallory)), "{answer:#}");
    let (_, answer) = who(&bucket, &["--still-there", &mallory]);
    assert_eq!(answer["actor"]["stands"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert!(answer["actor"]["stands"][0]["name"].as_str().unwrap().contains("acme-kept"), "{answer:#}");
}

#[test]
fn what_is_missing_is_said_in_words_with_accounts_and_days() {
    let mut bucket = archive(&stolen());
    let digests: Vec<String> =
        bucket.objects.keys().filter(|key| key.contains("CloudTrail-Digest") && key.contains("T03")).cloned().collect();
    assert!(!digests.is_empty());
    digests.iter().for_each(|key| drop(bucket.objects.remove(key)));
    let (code, answer) = who(&bucket, &["bucket", "acme-files"]);
    let why = answer["not_whole"][0].as_str().unwrap();
    assert_eq!(code, 3);
    assert!(why.contains("no digest is there") && why.contains("111111111111 us-east-1 2026-11-20"), "{why}");
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let outputs = ["--output", "who.txt", "--output", "who.md", "--output", "who.html"];
    let done = run(home.path(), &[&["--place", "copy", "bucket", "acme-files"], &WHOLE[..], &outputs].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    for file in ["who.txt", "who.md", "who.html"] {
        let text = std::fs::read_to_string(home.path().join(file)).unwrap();
        let text = text.replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("us-east-1 2026-11-20"), "{file} {text}");
    }
}

#[test]
fn accounts_have_their_names_beside_their_ids_and_a_hostile_name_does_not_act() {
    let home = tempfile::tempdir().unwrap();
    archive(&stolen()).write_to(&home.path().join("copy"));
    let examples = format!("{}/examples/demo", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(format!("{examples}/orgtrail.yaml"), home.path().join("orgtrail.yaml")).unwrap();
    let estate = std::fs::read_to_string(format!("{examples}/estate.json")).unwrap();
    let mut estate: Value = serde_json::from_str(&estate).unwrap();
    let long = "x".repeat(300);
    estate["organization"]["accounts"][OTHER]["name"] = json!(format!("<b>shop</b>\u{1b}[2J{long}"));
    std::fs::write(home.path().join("estate.json"), estate.to_string()).unwrap();
    let arguments = ["--config", "orgtrail.yaml", "--estate", "estate.json", "--place", "copy", "bucket", "acme-files"];
    let outputs = ["--output", "who.txt", "--output", "who.md", "--output", "who.html", "--output", "who.json"];
    let done = run(home.path(), &[&arguments[..], &WHOLE, &outputs].concat());
    let read = |file: &str| std::fs::read_to_string(home.path().join(file)).unwrap_or_else(|_| panic!("{done:?}"));
    let answer: Value = serde_json::from_str(&read("who.json")).unwrap();
    let names = answer["account_names"].as_object().unwrap();
    assert!(names[OTHER].as_str().unwrap().chars().count() == 51, "{names:?}");
    for file in ["who.txt", "who.md", "who.html"] {
        let text = read(file);
        assert!(text.contains("shop") && !text.contains('\u{1b}') && !text.contains(&long), "{file} {text}");
        assert!(file == "who.txt" || !text.contains("<b>shop"), "{file} {text}");
    }
}
