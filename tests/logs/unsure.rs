//! What `who` must not take for known: each with a small archive.

use serde_json::{Value, json};

use crate::bucket::ACCOUNT;
use crate::who::{archive, bucket_call, call, ended, pair, run, stolen, who};

#[test]
fn what_is_not_known_is_never_taken_for_known() {
    // A topic that is made again while it is there is the one that was made first.
    let topic = |hour, id: &str, user: &str| {
        let arn = format!("arn:aws:sns:us-east-1:{ACCOUNT}:alerts");
        let more = json!({"requestParameters": {"name": "alerts"}, "responseElements": {"topicArn": arn}});
        call(hour, id, "sns", "CreateTopic", user, &more)
    };
    let (code, answer) = who(&archive(&[topic(0, "one", "ann"), topic(1, "two", "bob")]), &["topic", "alerts"]);
    let all = answer["resources"][0]["incarnations"].as_array().unwrap();
    assert_eq!((code, all.len(), &all[0]["steps"][0]["event_id"]), (0, 1, &json!("one")), "{answer:#}");
    // A call that did well for some of its resources says nothing certain of one.
    let endpoint = "vpce-0123456789abcdef0";
    let failed = json!({"requestParameters": {"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"content": endpoint, "tag": 1}}},
        "responseElements": {"DeleteVpcEndpointsResponse": {"unsuccessful": {"item": {"resourceId": endpoint,
            "error": {"code": "InvalidParameter"}}}}}});
    let (code, answer) = who(&archive(&[call(1, "e", "ec2", "DeleteVpcEndpoints", "ann", &failed)]), &[endpoint]);
    assert_eq!((code, ended(&answer).0.as_str()), (3, "maybe_deleted"), "{answer:#}");
    // Within a second, nothing can be made while it is there.
    let group = |id: &str, name: &str| {
        let more = json!({"requestParameters": {"logGroupName": "/x"}, "eventTime": "2026-11-20T03:00:00Z"});
        call(3, id, "logs", name, "bob", &more)
    };
    let first = call(0, "a", "logs", "CreateLogGroup", "ann", &json!({"requestParameters": {"logGroupName": "/x"}}));
    let (_, answer) =
        who(&archive(&[first, group("b", "CreateLogGroup"), group("c", "DeleteLogGroup")]), &["log group", "/x"]);
    let endings: Vec<&str> = answer["resources"][0]["incarnations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|own| own["ending"].as_str())
        .collect();
    assert_eq!(endings, ["nothing", "deleted"], "{answer:#}");
    // A name that is used again and again: the newest deletion is traced before older ones, and a deletion of which
    // nobody is traced is not whole.
    let mut events = stolen();
    for number in 0..60 {
        let (hour, minute) = (number / 30, number % 30);
        for (name, second) in [("CreateBucket", 0), ("DeleteBucket", 30)] {
            let mut event = bucket_call(hour, &format!("{name}-{number}"), name, "ann", &json!({}));
            event["eventTime"] = json!(format!("2026-11-20T0{hour}:{minute:02}:{second:02}Z"));
            events.push(event);
        }
    }
    let mut last = bucket_call(1, "last-made", "CreateBucket", "ann", &json!({}));
    last["eventTime"] = json!("2026-11-20T01:40:00Z");
    events.push(last);
    let (_, answer) = who(&archive(&events), &["bucket", "acme-files"]);
    let newest = &answer["resources"][0]["incarnations"][0];
    let end = &newest["steps"][usize::try_from(newest["ended"].as_u64().unwrap()).unwrap()];
    assert_eq!(end["person"]["origin"], format!("arn:aws:iam::{ACCOUNT}:user/mallory"), "{end:#}");
    // Parameters that are a text may name it.
    let text = json!({"requestParameters": "{\"bucketName\":\"acme-fi"});
    let (code, answer) =
        who(&archive(&[call(1, "cut", "s3", "DeleteBucket", "ann", &text)]), &["bucket", "acme-files"]);
    assert_eq!((code, &answer["withheld"][0]["event_id"]), (3, &json!("cut")), "{answer:#}");
    // Nothing of one partition is in another.
    let china = json!({"awsRegion": "cn-north-1"});
    let both =
        [bucket_call(0, "made", "CreateBucket", "ann", &json!({})), bucket_call(1, "li", "DeleteBucket", "li", &china)];
    let (_, answer) = who(&archive(&both), &["arn:aws:s3:::acme-files"]);
    assert_eq!((answer["resources"].as_array().unwrap().len(), ended(&answer)), (1, pair("nothing", "")), "{answer:#}");
}

#[test]
fn sessions_are_followed_before_the_time_that_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    archive(&stolen()).write_to(&home.path().join("copy"));
    let time = ["--from", "2026-11-20T02:00:00Z", "--to", "2026-11-20T05:59:59Z"];
    let done =
        run(home.path(), &[&["--place", "copy", "--format", "json", "bucket", "acme-files"], &time[..]].concat());
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error} {done:?}"));
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    assert_eq!(person["origin"], format!("arn:aws:iam::{ACCOUNT}:user/mallory"), "{answer:#}");
}
