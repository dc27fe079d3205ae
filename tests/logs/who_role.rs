//! Roles as actors: which of them a record means.

use serde_json::{Value, json};

use crate::bucket::ACCOUNT;
use crate::who::{WHOLE, archive, bucket_call, call, run, who};

#[test]
fn a_role_is_told_from_one_of_the_same_name_with_another_path_and_an_unsaid_path_is_unsure() {
    let arn = |path: &str| format!("arn:aws:iam::{ACCOUNT}:role/{path}x");
    // A call of a session of the role: without a path the record has no issuer.
    let call_of = |hour: u32, id: &str, path: Option<&str>| {
        let mut identity = json!({"type": "AssumedRole", "principalId": "AROAX:s", "accountId": ACCOUNT,
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/x/s")});
        if let Some(path) = path {
            identity["sessionContext"] = json!({"sessionIssuer": {"type": "Role", "arn": arn(path)}});
        }
        bucket_call(hour, id, "PutBucketTagging", "", &json!({"userIdentity": identity}))
    };
    let assumed = |hour: u32, id: &str, user: &str, path: &str| {
        let asked = json!({"roleArn": arn(path), "roleSessionName": "s"});
        call(hour, id, "sts", "AssumeRole", user, &json!({"requestParameters": asked}))
    };
    let said = vec![
        assumed(0, "assumed-a", "ann", "a/"),
        assumed(0, "assumed-b", "bob", "b/"),
        call_of(1, "done-a", Some("a/")),
        call_of(2, "done-b", Some("b/")),
    ];
    let unsaid: Vec<Value> = said.iter().cloned().chain([call_of(3, "unsaid", None)]).collect();
    for question in ["--what-else", "--last-used", "--used-actions"] {
        let (code, answer) = who(&archive(&said), &[question, &arn("a/")]);
        let own = &answer["actor"];
        assert_eq!(
            (code, &own["calls"], &own["namesakes"]),
            (0, &json!(1), &json!([arn("b/")])),
            "{question} {answer:#}"
        );
        if question == "--last-used" {
            let callers = own["callers"].as_array().unwrap();
            assert!(callers.len() == 1 && callers[0]["caller"].as_str().unwrap().ends_with("user/ann"), "{answer:#}");
            assert_eq!(own["last_done"]["event_id"], "done-a");
        }
        let (code, answer) = who(&archive(&unsaid), &[question, &arn("a/")]);
        let why = answer["not_whole"]
            .as_array()
            .unwrap()
            .iter()
            .any(|why| why.as_str().unwrap().contains("without its path"));
        assert_eq!((code, &answer["actor"]["calls"], why), (3, &json!(2), true), "{question} {answer:#}");
        // Whoever leaves the path out is shown the whole ARNs.
        let (_, answer) = who(&archive(&said), &[question, &arn("")]);
        let own = &answer["actor"];
        assert_eq!((&own["calls"], &own["namesakes"]), (&json!(0), &json!([arn("a/"), arn("b/")])), "{answer:#}");
    }
    let home = tempfile::tempdir().unwrap();
    archive(&unsaid).write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy", "--last-used", &arn("a/")], &WHOLE[..]].concat());
    let text = String::from_utf8(done.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("1 records name the role without its path") && text.contains(&arn("b/")), "{text}");
}
