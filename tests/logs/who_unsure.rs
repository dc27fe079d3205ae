//! Where records contradict each other, or do not say enough: `who` names all who may have done it, and never one
//! of them alone.

use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket};
use crate::who::{WHOLE, archive, bucket_call, call, ended, pair, run, who};

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// What a person reads.
fn read(bucket: &Bucket, subject: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy"], &WHOLE[..], subject].concat());
    String::from_utf8(done.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn not_whole(answer: &Value) -> String {
    answer["not_whole"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

const BUCKET: [&str; 2] = ["bucket", "acme-files"];

#[test]
fn two_records_of_one_event_are_shown_as_two_each_with_its_own_caller_time_and_outcome() {
    let made = bucket_call(0, "made", "CreateBucket", "ann", &json!({}));
    let done = bucket_call(2, "done", "DeleteBucket", "bob", &json!({}));
    let mut forged = bucket_call(3, "done", "DeleteBucket", "eve", &json!({}));
    let bucket = archive(&[made.clone(), done.clone(), forged.clone()]);
    let (code, answer) = who(&bucket, &BUCKET);
    let last = &answer["resources"][0]["incarnations"][0];
    let told = |at: usize| {
        let step = &last["steps"][at];
        (step["time"].as_str().unwrap().to_owned(), step["person"]["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!((code, ended(&answer)), (3, pair("deleted", "done")), "{answer:#}");
    assert_eq!(told(1), ("2026-11-20T02:20:00Z".to_owned(), user("bob")));
    assert_eq!(told(2), ("2026-11-20T03:20:00Z".to_owned(), user("eve")));
    assert_eq!((&last["ended_or"], &last["steps"][1]["is_disputed"]), (&json!([2]), &json!(true)));
    assert!(not_whole(&answer).contains("The records of event done do not say the same"), "{answer:#}");
    let text = read(&bucket, &BUCKET);
    assert!(text.contains(&format!("by {} or by {}", user("bob"), user("eve"))), "{text}");
    // By its id both are there too.
    let (_, answer) = who(&bucket, &["--event", "done"]);
    let people: Vec<&str> =
        answer["calls"].as_array().unwrap().iter().filter_map(|own| own["person"]["origin"].as_str()).collect();
    assert_eq!(people, [user("bob"), user("eve")]);
    // One says that it was refused: whether it was done is not known.
    forged["errorCode"] = json!("AccessDenied");
    let (code, answer) = who(&archive(&[made.clone(), done.clone(), forged]), &BUCKET);
    assert_eq!((code, ended(&answer)), (3, pair("maybe_deleted", "done")), "{answer:#}");
    // What adds nothing to who did what changes no answer.
    let mut late = done.clone();
    late["addendum"] = json!({"reason": "DELIVERY_DELAY"});
    let (code, answer) = who(&archive(&[made, done, late]), &BUCKET);
    assert_eq!((code, ended(&answer)), (0, pair("deleted", "done")), "{answer:#}");
    assert_eq!(answer["resources"][0]["incarnations"][0]["steps"].as_array().unwrap().len(), 3);
}

#[test]
fn a_session_whose_beginning_two_records_tell_otherwise_has_nobody_for_certain_behind_it() {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/Deploy");
    let assume = |by: &str| {
        call(
            0,
            "assumed",
            "sts",
            "AssumeRole",
            by,
            &json!({
                "requestParameters": {"roleArn": role, "roleSessionName": "x"},
                "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLEEXAMPLE01"}},
            }),
        )
    };
    let session = json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROADEPLOY:x", "accountId": ACCOUNT,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/x"), "accessKeyId": "ASIAEXAMPLEEXAMPLE01",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}, "attributes": {"creationDate": "2026-11-20T00:20:00Z"}}}});
    let deleted = bucket_call(2, "done", "DeleteBucket", "x", &session);
    let (code, answer) = who(&archive(&[assume("bob"), deleted.clone()]), &BUCKET);
    let origin = |answer: &Value| answer["resources"][0]["incarnations"][0]["steps"][0]["person"]["origin"].clone();
    assert_eq!((code, origin(&answer)), (0, json!(user("bob"))), "{answer:#}");
    let (code, answer) = who(&archive(&[assume("bob"), assume("eve"), deleted]), &BUCKET);
    assert_eq!((code, origin(&answer)), (3, Value::Null), "{answer:#}");
}

#[test]
fn of_two_who_deleted_it_in_one_second_both_are_named() {
    let made = bucket_call(0, "made", "CreateBucket", "ann", &json!({}));
    let one = bucket_call(2, "one", "DeleteBucket", "bob", &json!({}));
    let two = bucket_call(2, "two", "DeleteBucket", "eve", &json!({}));
    for events in [[made.clone(), one.clone(), two.clone()], [two, one, made]] {
        let bucket = archive(&events);
        let (code, answer) = who(&bucket, &BUCKET);
        let last = &answer["resources"][0]["incarnations"][0];
        assert_eq!((code, &last["ending"], &last["ended_or"]), (3, &json!("deleted"), &json!([2])), "{answer:#}");
        let text = read(&bucket, &BUCKET);
        assert!(text.contains(&format!("by {} or by {}", user("bob"), user("eve"))), "{text}");
        assert!(text.contains("which call was the last is not known"), "{text}");
        assert!(not_whole(&answer).contains("of those who did it in the second 2026-11-20T02:20:00Z"), "{answer:#}");
    }
}

#[test]
fn what_waits_for_its_deletion_is_said_to_wait_with_who_scheduled_it() {
    let secret = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db-abcdef");
    let delete = |hour: u32, id: &str, by: &str, more: Value| {
        let mut asked = json!({"secretId": secret});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(hour, id, "secretsmanager", "DeleteSecret", by, &json!({"requestParameters": asked}))
    };
    let bob = delete(1, "bob", "bob", json!({"recoveryWindowInDays": 7}));
    let bucket = archive(std::slice::from_ref(&bob));
    let (code, answer) = who(&bucket, &[&secret]);
    assert_eq!((code, ended(&answer)), (0, pair("waiting", "bob")), "{answer:#}");
    let step = &answer["resources"][0]["incarnations"][0]["steps"][0];
    assert_eq!(step["waits_until"], "2026-11-27T01:20:00Z");
    let text = read(&bucket, &[&secret]);
    let expected = format!(
        "It waits for its deletion until 2026-11-27T01:20:00Z, scheduled 2026-11-20T01:20:00Z by {}.",
        user("bob")
    );
    assert!(text.contains(&expected) && !text.contains("Deleted "), "{text}");
    // Whoever deletes it at once ends it.
    let eve = delete(2, "eve", "eve", json!({"forceDeleteWithoutRecovery": true}));
    let bucket = archive(&[bob.clone(), eve]);
    let (code, answer) = who(&bucket, &[&secret]);
    assert_eq!((code, ended(&answer)), (0, pair("deleted", "eve")), "{answer:#}");
    let text = read(&bucket, &[&secret]);
    assert!(
        text.contains("it asked for a deletion in some days, and the later call ended the resource at once"),
        "{text}"
    );
    let restored =
        call(2, "ann", "secretsmanager", "RestoreSecret", "ann", &json!({"requestParameters": {"secretId": secret}}));
    assert_eq!(who(&archive(&[bob, restored]), &[&secret]).1["resources"][0]["incarnations"][0]["ending"], "nothing");
}

/// Asks at any time: where a time is asked for, a record without one is only counted.
fn at_any_time(bucket: &Bucket, more: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy"], &BUCKET[..], more].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_deletion_that_does_not_say_when_it_was_is_said_to_be_there() {
    let json_of =
        |bucket: &Bucket| -> Value { serde_json::from_str(&at_any_time(bucket, &["--format", "json"])).unwrap() };
    let made = bucket_call(0, "made", "CreateBucket", "ann", &json!({}));
    let deleted = bucket_call(2, "done", "DeleteBucket", "bob", &json!({"eventTime": "2026-11-20T02:soon"}));
    let bucket = archive(&[made.clone(), deleted.clone()]);
    let answer = json_of(&bucket);
    let own = &answer["resources"][0];
    assert_eq!(
        (&own["undated"][0]["event_id"], &own["undated"][0]["time"]),
        (&json!("done"), &Value::Null),
        "{answer:#}"
    );
    assert_eq!((&own["undated"][0]["person"]["origin"], ended(&answer).0), (&json!(user("bob")), "nothing".to_owned()));
    assert!(not_whole(&answer).contains("is not recorded"), "{answer:#}");
    for format in ["human", "markdown", "html"] {
        let text = at_any_time(&bucket, &["--format", format]).split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = "was done too, and its record does not say when";
        assert!(text.contains(expected) && text.contains("user/bob"), "{format}: {text}");
    }
    // Alone it is an answer too.
    assert_eq!(json_of(&archive(std::slice::from_ref(&deleted)))["resources"][0]["undated"][0]["event_id"], "done");
    // Where a time is asked for it cannot be known to be of it, and that there is one is said.
    let (code, answer) = who(&archive(&[made.clone(), deleted]), &BUCKET);
    assert!(code == 3 && not_whole(&answer).contains("1 record in the archive does not say when it was"), "{answer:#}");
    // What was refused did nothing at any time.
    let refused = json!({"eventTime": "2026-11-20T02:soon", "errorCode": "AccessDenied"});
    let answer = json_of(&archive(&[made, bucket_call(2, "no", "DeleteBucket", "eve", &refused)]));
    assert_eq!(answer["resources"][0]["undated"], json!([]));
}

#[test]
fn what_a_service_deleted_after_somebody_is_a_deletion_of_its_own() {
    let linked = json!({"userIdentity": {"type": "AssumedRole", "accountId": ACCOUNT, "principalId": "AROAX:config",
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/config"),
        "sessionContext": {"sessionIssuer": {"type": "Role",
            "arn": format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForX")}}}});
    let events = [
        bucket_call(0, "made", "CreateBucket", "ann", &json!({})),
        bucket_call(1, "done", "DeleteBucket", "bob", &json!({})),
        bucket_call(3, "aws", "DeleteBucket", "x", &linked),
    ];
    let (code, answer) = who(&archive(&events), &BUCKET);
    assert_eq!((code, ended(&answer)), (3, pair("ended_by_aws", "aws")), "{answer:#}");
    assert!(not_whole(&answer).contains("must have been made again"), "{answer:#}");
}
