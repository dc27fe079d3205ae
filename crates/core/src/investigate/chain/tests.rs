//! Chains of which the records contradict each other, or do not name who began them.

use super::*;
use crate::investigate::person::Person;

const ROLE: &str = "arn:aws:iam::1:role/x";

/// Somebody gets a key for a role.
fn given(id: &str, call: &str, identity: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-11-20T10:00:00Z","eventSource":"sts.amazonaws.com","eventName":"{call}","eventID":"{id}",
        "recipientAccountId":"1","userIdentity":{identity},"requestParameters":{{"roleArn":"{ROLE}","roleSessionName":"s"}},
        "responseElements":{{"credentials":{{"accessKeyId":"ASIAONE","expiration":"Nov 20, 2026, 11:00:00 AM"}}}}}}"#
    )
}

fn user(name: &str) -> String {
    format!(r#"{{"type":"IAMUser","principalId":"AIDA{name}","arn":"arn:aws:iam::1:user/{name}"}}"#)
}

/// A call of a session of a role with that key, at an hour.
fn deed(role: &str, hour: u32) -> String {
    format!(
        r#"{{"eventTime":"2026-11-20T{hour:02}:30:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","eventID":"d{hour}",
        "userIdentity":{{"type":"AssumedRole","principalId":"AROAX:s","arn":"arn:aws:sts::1:assumed-role/x/s","accessKeyId":"ASIAONE",
        "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{role}"}}}}}}}}"#
    )
}

fn behind(deed: &str, issues: &[String]) -> Chain {
    let mut tracer = Tracer::of(&Record::read(deed).unwrap(), None);
    let issues: Vec<Issue> = issues.iter().filter_map(|text| Issue::of(&Record::read(text).unwrap())).collect();
    while tracer.wanted().is_some() {
        tracer.found(issues.clone());
    }
    tracer.chain()
}

#[test]
fn records_of_a_key_that_contradict_each_other_are_no_proof_and_all_are_named() {
    let ann = given("a", "AssumeRole", &user("ann"));
    let chain = behind(&deed(ROLE, 10), std::slice::from_ref(&ann));
    assert!(chain.is_proven() && chain.end == Ok(Origin::User("arn:aws:iam::1:user/ann".to_owned())), "{chain:#?}");
    let twice = behind(&deed(ROLE, 10), &[ann.clone(), given("b", "AssumeRole", &user("bob"))]);
    let person = Person::of(&twice);
    let why = person.lost.unwrap();
    assert!(person.origin.is_none() && why.contains("user/ann") && why.contains("user/bob"), "{why}");
    // So are the two records of one call that name two callers.
    let shared =
        |id: &str, name: &str| given(id, "AssumeRole", &user(name)).replacen('{', r#"{"sharedEventID":"s","#, 1);
    let twins = behind(&deed(ROLE, 10), &[shared("a", "ann"), shared("b", "bob")]);
    assert!(matches!(twins.end, Err(Lost::Several { calls: 2, .. })), "{twins:#?}");
    for (role, hour, doubt) in [
        (ROLE, 9, KeyDoubt::Later),
        (ROLE, 12, KeyDoubt::Expired),
        ("arn:aws:iam::1:role/path/x", 10, KeyDoubt::OtherRole),
    ] {
        let other = deed(role, hour);
        let own = behind(&other, std::slice::from_ref(&ann));
        // The calls of one session are traced once, and judged each.
        let of_call = chain.of_call(&Record::read(&other).unwrap());
        for chain in [own, of_call] {
            let is_it =
                matches!(&chain.end, Err(Lost::Key { why, given, .. }) if *why == doubt && given.contains("user/ann"));
            assert!(is_it && !chain.is_proven() && Person::of(&chain).lost.is_some(), "{chain:#?}");
        }
    }
}

#[test]
fn a_session_without_a_name_is_of_nobody_that_is_known() {
    let provider = "token.actions.example.com";
    let web = |more: &str| {
        let identity = format!(r#"{{"type":"WebIdentityUser","identityProvider":"{provider}"{more}}}"#);
        Person::of(&behind(&deed(ROLE, 10), &[given("w", "AssumeRoleWithWebIdentity", &identity)]))
    };
    let named = web(r#","userName":"repo:shop","principalId":"p:a:repo:shop""#);
    assert_eq!((named.origin.as_deref(), named.lost), (Some("repo:shop, as token.actions.example.com says"), None));
    assert_eq!(web(r#","principalId":"p:a:s""#).origin.as_deref(), Some("p:a:s, as token.actions.example.com says"));
    let unnamed = web("");
    let why = unnamed.lost.unwrap();
    assert!(unnamed.origin.is_none() && why.contains(provider) && why.contains(ROLE), "{why}");
    // A caller that its own record does not name.
    for identity in [
        r#"{"type":"WebIdentityUser"}"#,
        r#"{"type":"IAMUser","accountId":"1"}"#,
        r#"{"type":"IdentityCenterUser","accountId":"1"}"#,
    ] {
        let text = format!(
            r#"{{"eventTime":"2026-11-20T10:30:00Z","eventName":"DeleteBucket","eventID":"d","userIdentity":{identity}}}"#
        );
        let person = Person::of(&behind(&text, &[]));
        assert!(person.origin.is_none() && person.lost.is_some(), "{identity}: {person:#?}");
    }
}
