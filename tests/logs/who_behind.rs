//! Who stands behind a call: stacks, records without an id, and what an answer says of accounts and of what is missing.

use serde_json::{Value, json};

use crate::bucket::ACCOUNT;
use crate::who::{OTHER, WHOLE, archive, bucket_call, call, ended, pair, run, stolen, who};

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

#[test]
fn of_two_deletions_the_last_is_the_end_and_what_must_be_missing_is_said() {
    let bucket = archive(&[
        bucket_call(0, "made", "CreateBucket", "ann", &json!({})),
        bucket_call(1, "first", "DeleteBucket", "bob", &json!({})),
        bucket_call(3, "second", "DeleteBucket", "cid", &json!({})),
    ]);
    let (code, answer) = who(&bucket, &["bucket", "acme-files"]);
    let all = answer["resources"][0]["incarnations"].as_array().unwrap();
    assert_eq!((code, ended(&answer), all.len()), (3, pair("deleted", "second"), 2), "{answer:#}");
    assert_eq!((&all[0]["unseen"], &all[1]["unseen"]), (&json!("made_again"), &Value::Null), "{answer:#}");
    let why = answer["not_whole"].to_string();
    assert!(why.contains("must have been made again before DeleteBucket of 2026-11-20T03:20:00Z"), "{why}");
    // A topic may be deleted although there is none: the first call is the end, and nothing is missing.
    let topic = json!({"requestParameters": {"topicArn": format!("arn:aws:sns:us-east-1:{ACCOUNT}:news")}});
    let twice =
        [call(1, "first", "sns", "DeleteTopic", "bob", &topic), call(3, "second", "sns", "DeleteTopic", "cid", &topic)];
    let subject = format!("arn:aws:sns:us-east-1:{ACCOUNT}:news");
    let (code, answer) = who(&archive(&twice), &[&subject]);
    assert_eq!((code, ended(&answer)), (0, pair("deleted", "first")), "{answer:#}");
    // Of a table it depends on how far the first deletion is: both are said, in every format.
    let table = json!({"requestParameters": {"tableName": "orders"}});
    let twice = [
        call(1, "first", "dynamodb", "DeleteTable", "bob", &table),
        call(3, "second", "dynamodb", "DeleteTable", "cid", &table),
    ];
    let bucket = archive(&twice);
    let (code, answer) = who(&bucket, &["table", "orders"]);
    let last = &answer["resources"][0]["incarnations"][0];
    assert_eq!((code, ended(&answer)), (3, pair("deleted", "second")), "{answer:#}");
    assert_eq!((&last["unseen"], &last["ended_before"]), (&json!("either"), &json!(0)), "{answer:#}");
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    for format in ["human", "markdown", "html"] {
        let done =
            run(home.path(), &[&["--place", "copy", "--format", format, "table", "orders"], &WHOLE[..]].concat());
        let text = String::from_utf8(done.stdout).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("was done too") && text.contains("user/bob"), "{format}: {text}");
    }
}

#[test]
fn an_id_that_no_event_can_have_is_refused() {
    let bucket = archive(&[bucket_call(1, "0123abcd-0000-4000-8000-00000000000a", "DeleteBucket", "bob", &json!({}))]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let digest = "ab".repeat(32);
    let cut = format!("sha256:{}", &digest[1..]);
    let other = format!("sha256:{}g", &digest[1..]);
    let parts =
        ["0123abcd", "0123abcd-0000-4000", "00000000000a", "0123abcd-0000-4000-8000-00000000000", "0123abcd-0000…"];
    for id in ["sha256:", &cut, &other, "", " ", "two words", "a\u{1}b"].into_iter().chain(parts) {
        let done = run(home.path(), &[&["--place", "copy", "--event", id], &WHOLE[..]].concat());
        let text = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{id:?}: {text}");
        assert!(text.contains("this is not the id of an event"), "{id:?}: {text}");
        assert!(text.contains("12345678-1234-1234-1234-123456789012") || id.trim().is_empty() || id.contains('\u{1}'));
    }
    // Capitals are those of another program, wherever they are.
    let capitals = bucket_call(1, "0123ABCD-0000-4000-8000-00000000000A", "DeleteBucket", "bob", &json!({}));
    for bucket in [&bucket, &archive(&[capitals])] {
        for id in ["0123ABCD-0000-4000-8000-00000000000A", " 0123abcd-0000-4000-8000-00000000000a\n"] {
            let (code, answer) = who(bucket, &["--event", id]);
            assert_eq!((code, answer["calls"].as_array().map(Vec::len)), (0, Some(1)), "{answer:#}");
        }
    }
    let mut without = bucket_call(1, "", "DeleteBucket", "bob", &json!({}));
    without.as_object_mut().unwrap().remove("eventID");
    let bucket = archive(&[without]);
    let (_, answer) = who(&bucket, &["bucket", "acme-files"]);
    let id = answer["resources"][0]["incarnations"][0]["steps"][0]["event_id"].as_str().unwrap().to_uppercase();
    let (code, answer) = who(&bucket, &["--event", &id]);
    assert_eq!((code, answer["calls"].as_array().map(Vec::len)), (0, Some(1)), "{answer:#}");
}

#[test]
fn that_no_record_has_an_event_is_said_with_the_hours_and_is_only_an_answer_where_all_of_them_are_there() {
    let bucket = archive(&[bucket_call(1, "0123abcd-0000-4000-8000-00000000000a", "DeleteBucket", "bob", &json!({}))]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let other = "0123abcd-0000-4000-8000-00000000000b";
    let done = run(home.path(), &[&["--place", "copy", "--event", other], &WHOLE[..]].concat());
    let text = String::from_utf8(done.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(text.contains("from 2026-11-20T00:00:00Z to 2026-11-20T05:59:59Z. It is no proof"), "{text}");
    // Another id than CloudTrail's own may be a part of one.
    let (code, answer) = who(&bucket, &["--event", "sought"]);
    assert!(code == 3 && answer["not_whole"][0].as_str().unwrap().contains("sought"), "{code} {answer:#}");
    let mut cut = bucket;
    let key = cut.layout.log(ACCOUNT, "us-east-1", 3, 0);
    cut.objects.remove(&key);
    let digests: Vec<String> = cut.objects.keys().filter(|key| key.contains("CloudTrail-Digest")).cloned().collect();
    digests.iter().for_each(|key| drop(cut.objects.remove(key)));
    let (code, answer) = who(&cut, &["--event", other]);
    assert_eq!((code, answer["not_whole"].as_array().map(Vec::is_empty)), (3, Some(false)), "{answer:#}");
    // The end of what was asked for is open: hours of now have no digest yet.
    let done = run(home.path(), &["--place", "copy", "--event", other, "--from", "2026-11-20T00:00:00Z"]);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
}

/// A change of a bucket in a session of its own, of which the call that began it is not recorded.
fn in_session(number: u32) -> Value {
    let name = format!("s{number}");
    let identity = json!({"type": "AssumedRole", "principalId": format!("AROAX:{name}"), "accountId": ACCOUNT,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/X/{name}"), "accessKeyId": format!("ASIAEXAMPLE0000{number:05}"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{ACCOUNT}:role/X")},
            "attributes": {"creationDate": "2026-11-20T01:00:00Z"}}});
    bucket_call(2, &format!("session-{number}"), "PutBucketTagging", "", &json!({"userIdentity": identity}))
}

#[test]
fn all_callers_that_a_record_names_are_known_and_the_sessions_that_were_not_looked_for_are_counted() {
    let user = |number: u32| {
        let more = json!({"userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/u{number}"),
            "userName": format!("u{number}"), "accountId": ACCOUNT, "principalId": format!("AIDAEXAMPLE{number}")}});
        bucket_call(1, &format!("user-{number}"), "PutBucketTagging", "", &more)
    };
    let made = bucket_call(0, "made", "CreateBucket", "ann", &json!({}));
    let mut events: Vec<Value> = std::iter::once(made).chain((0..150).map(user)).collect();
    let (code, answer) = who(&archive(&events), &["bucket", "acme-files"]);
    let steps = answer["resources"][0]["incarnations"][0]["steps"].as_array().unwrap();
    let unknown = |steps: &[Value]| steps.iter().filter(|step| step["person"]["origin"].is_null()).count();
    assert_eq!((code, steps.len(), unknown(steps)), (0, 151, 0), "{:#}", answer["not_whole"]);
    events.extend((0..130).map(in_session));
    let (code, answer) = who(&archive(&events), &["bucket", "acme-files"]);
    let steps = answer["resources"][0]["incarnations"][0]["steps"].as_array().unwrap();
    let untraced = steps.iter().filter(|step| step["person"].is_null()).count();
    assert_eq!((code, unknown(steps), untraced, &answer["untraced_calls"]), (3, 130, 30, &json!(30)), "{answer:#}");
    assert!(answer["not_whole"].to_string().contains("30 calls was not looked for"), "{:#}", answer["not_whole"]);
}

#[test]
fn a_damaged_log_file_is_named_once() {
    let mut cut = archive(&stolen());
    let key = cut.layout.log(ACCOUNT, "us-east-1", 3, 0);
    let body = &mut cut.objects.get_mut(&key).unwrap().body;
    body.truncate(body.len() / 2);
    for more in [&[][..], &["--account", ACCOUNT][..]] {
        let (code, answer) = who(&cut, &[&["bucket", "acme-files"], more].concat());
        let all = answer["not_whole"].as_array().unwrap();
        let said: Vec<&str> = all.iter().filter_map(|why| why.as_str()).collect();
        assert_eq!((code, said.join(" ").matches(key.as_str()).count()), (3, 1), "{said:#?}");
        assert!(!said.iter().any(|why| why.contains("may be about it could not be read")), "{said:#?}");
    }
}

#[test]
fn an_alias_is_answered_with_the_key_that_it_stood_for() {
    let id = "12345678-1234-1234-1234-123456789012";
    let asked = |more: Value| json!({"requestParameters": more});
    let bucket = archive(&[
        call(0, "made", "kms", "CreateKey", "ann", &json!({"responseElements": {"keyMetadata": {"keyId": id}}})),
        call(1, "named", "kms", "CreateAlias", "ann", &asked(json!({"aliasName": "alias/app", "targetKeyId": id}))),
        call(2, "ended", "kms", "ScheduleKeyDeletion", "bob", &asked(json!({"keyId": id}))),
    ]);
    let (code, answer) = who(&bucket, &["kms", "alias", "app"]);
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}");
    assert_eq!((code, &answer["keys_of_aliases"]), (0, &json!({"alias/app": [arn]})), "{answer:#}");
    let of_key = &answer["resources"][1]["incarnations"][0];
    assert_eq!((&answer["resources"][1]["name"], &of_key["ending"]), (&json!(arn), &json!("waiting")), "{answer:#}");
    assert_eq!(of_key["steps"][2]["actor"], format!("arn:aws:iam::{ACCOUNT}:user/bob"), "{answer:#}");
}

#[test]
fn a_record_whose_call_is_no_text_is_not_lost() {
    for name in [json!(5), json!(["DeleteBucket"]), json!({"a": 1}), json!(true)] {
        let odd = bucket_call(1, "odd", "DeleteBucket", "bob", &json!({"eventName": name}));
        let (code, answer) = who(&archive(&[odd]), &["bucket", "acme-files"]);
        assert_eq!((code, &answer["withheld"][0]["event_id"]), (3, &json!("odd")), "{name} {answer:#}");
        assert!(answer["not_whole"].to_string().contains("may be about it"), "{name} {answer:#}");
    }
}

#[test]
fn what_two_people_of_one_name_did_is_not_put_together() {
    let signed_in = |id: &str, provider: &str, key: &str| {
        let more = json!({
            "userIdentity": {"type": "SAMLUser", "userName": "dora", "identityProvider": provider},
            "requestParameters": {"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/X"), "roleSessionName": "dora"},
            "responseElements": {"credentials": {"accessKeyId": key}}});
        call(0, id, "sts", "AssumeRoleWithSAML", "", &more)
    };
    let did = |id: &str, key: &str| {
        let identity = json!({"type": "AssumedRole", "principalId": "AROAX:dora", "accountId": ACCOUNT, "accessKeyId": key,
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/X/dora"), "sessionContext": {"sessionIssuer":
            {"type": "Role", "arn": format!("arn:aws:iam::{ACCOUNT}:role/X")}}});
        bucket_call(1, id, "DeleteBucket", "", &json!({"userIdentity": identity}))
    };
    let (one, two) = ("ASIAEXAMPLE000000001", "ASIAEXAMPLE000000002");
    let bucket = archive(&[
        signed_in("a", "one.example", one),
        signed_in("b", "two.example", two),
        did("c", one),
        did("d", two),
    ]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy", "--what-else", "dora"], &WHOLE[..]].concat());
    let text = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.code() != Some(0) && text.contains("one.example; two.example"), "{text}");
    for (actor, deleted) in [("dora of one.example", 1), ("dora of any provider", 2)] {
        let (_, answer) = who(&bucket, &["--what-else", actor]);
        let calls = answer["actor"]["activity"].as_array().unwrap();
        let own = calls.iter().find(|line| line["call"] == "DeleteBucket").unwrap();
        assert_eq!(own["done"], deleted, "{actor} {answer:#}");
    }
}
