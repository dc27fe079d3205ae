//! Which sessions are an actor's, against worlds of which the truth is known, and the traps.

use super::*;
use crate::investigate::worlds::{USERS, World, issues, truth, user};

#[test]
fn all_that_a_person_does_through_its_sessions_is_its_own_and_nothing_else_is() {
    let (mut found, mut unclear, mut all_own) = (0, 0, 0);
    for seed in 0..12 {
        let mut world = World::new(seed);
        let all = world.delivered();
        let (issues, truth) = (issues(&all), truth(&world));
        for by in 0..USERS {
            let mut set = SessionSet::of(ActorQuery::of(&user(by)));
            let mut sweeps = 0;
            while set.grow(&issues) {
                sweeps += 1;
                assert!(sweeps < 20, "it ends");
            }
            let needles = set.needles();
            for text in &all {
                let deed = truth[text.as_str()];
                let how = set.holds(&Record::read(text).unwrap());
                all_own += usize::from(deed.by == by);
                match how {
                    Some(Belonging::Unclear) => unclear += 1,
                    Some(_) => {
                        assert_eq!(deed.by, by, "world {seed}: {text}");
                        found += 1;
                        assert!(needles.iter().any(|needle| text.contains(needle)), "world {seed}: {text}");
                    }
                    None => {}
                }
            }
        }
    }
    println!("{found} of {all_own} found, {unclear} unclear");
    assert!(found * 100 >= all_own * 98, "{found} of {all_own}, {unclear} unclear");
}

const ANN: &str = "arn:aws:iam::1:user/ann";

/// Somebody assumes a role with a key, at a time, and gets another key until a time.
fn assumed(id: &str, caller: &str, at: &str, role: &str, key: &str, until: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-11-20T{at}Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","eventID":"{id}",
        "recipientAccountId":"1","userIdentity":{caller},
        "requestParameters":{{"roleArn":"arn:aws:iam::1:role/{role}","roleSessionName":"s"}},"responseElements":{{
        "credentials":{{"accessKeyId":"{key}","expiration":"Nov 20, 2026, {until}"}},
        "assumedRoleUser":{{"assumedRoleId":"AROA{role}:s"}}}}}}"#
    )
}

fn user_identity(name: &str) -> String {
    format!(r#"{{"type":"IAMUser","principalId":"AIDA{name}","arn":"arn:aws:iam::1:user/{name}"}}"#)
}

fn session_identity(role: &str, key: &str) -> String {
    let arn = format!("arn:aws:sts::1:assumed-role/{role}/s");
    format!(
        r#"{{"type":"AssumedRole","principalId":"AROA{role}:s","arn":"{arn}","accessKeyId":"{key}","sessionContext":{{
        "sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::1:role/{role}"}}}}}}"#
    )
}

fn grown(texts: &[String]) -> SessionSet {
    let mut set = SessionSet::of(ActorQuery::of(ANN));
    let issues = issues(texts);
    for sweep in 0.. {
        assert!(sweep < 20, "it ends");
        if !set.grow(&issues) {
            break;
        }
    }
    set
}

/// The checks of a key are those of the way back: `given_key` and `chain`.
#[test]
fn a_key_of_which_the_records_do_not_agree_is_perhaps_the_actors_and_its_sessions_are_not_followed() {
    let (ann, key) = (user_identity("ann"), "ASIAONE");
    let given = |caller: &str, role: &str| assumed("a", caller, "10:00:00", role, key, "11:00:00 AM");
    let used = |role: &str, at: &str| {
        format!(
            r#"{{"eventTime":"2026-11-20T{at}Z","eventName":"DeleteBucket","userIdentity":{}}}"#,
            session_identity(role, key)
        )
    };
    let own = given(&ann, "x");
    let other = given(&user_identity("bob"), "x").replace(r#""eventID":"a""#, r#""eventID":"b""#);
    for (texts, role, at, how) in [
        (vec![own.clone()], "x", "10:30:00", Belonging::AccessKey),
        (vec![own.clone(), other.clone()], "x", "10:30:00", Belonging::Unclear),
        (vec![other, own.clone()], "x", "10:30:00", Belonging::Unclear),
        (vec![own.clone()], "x", "09:00:00", Belonging::Unclear),
        (vec![own.clone()], "x", "11:30:00", Belonging::Unclear),
        (vec![own.clone()], "y", "10:30:00", Belonging::Unclear),
    ] {
        let mut texts = texts;
        texts.push(assumed("next", &session_identity(role, key), at, "z", "ASIATWO", "11:59:00 PM"));
        let set = grown(&texts);
        let text = used(role, at);
        assert_eq!(set.holds(&Record::read(&text).unwrap()), Some(how), "{role} {at}");
        let is_known = how == Belonging::AccessKey;
        assert_eq!((set.keys(), set.unclear()), if is_known { (2, 0) } else { (1, 1) }, "{role} {at}");
    }
}

#[test]
fn a_user_of_identity_center_and_a_subject_are_known_by_what_their_provider_says() {
    let arn = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_0123";
    let session = |role: &str, more: &str| {
        format!(
            r#"{{"eventTime":"2026-11-20T10:00:00Z","eventName":"DeleteBucket","userIdentity":{{"type":"AssumedRole",
            "arn":"arn:aws:sts::1:assumed-role/x/eve@example.com","accessKeyId":"ASIAEXAMPLE000000009"{more},
            "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{role}"}}}}}}}}"#
        )
    };
    let mut eve = SessionSet::of(ActorQuery::of("eve@example.com"));
    let holds = |set: &SessionSet, text: &str| set.holds(&Record::read(text).unwrap());
    assert_eq!(holds(&eve, &session(arn, "")), Some(Belonging::Direct));
    // Anybody may call a session so.
    let other = session("arn:aws:iam::1:role/x", "");
    assert_eq!(holds(&eve, &other), None);
    let saml = r#"{"eventTime":"2026-11-20T09:58:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML",
        "eventID":"s","userIdentity":{"type":"SAMLUser","principalId":"p","userName":"eve@example.com","identityProvider":"okta"},
        "requestParameters":{"roleArn":"arn:aws:iam::1:role/x","roleSessionName":"eve@example.com"},
        "responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE000000009"}}}"#;
    let issue = Issue::of(&Record::read(saml).unwrap()).unwrap();
    while eve.grow([&issue]) {}
    assert_eq!(holds(&eve, &other), Some(Belonging::AccessKey));
    let provider = Some("other".to_owned());
    let mut elsewhere = SessionSet::of(ActorQuery::Person { provider, name: "eve@example.com".to_owned() });
    assert!(!elsewhere.grow([&issue]), "the same name at another provider is another person");
    let federated = session(arn, r#","onBehalfOf":{"userId":"9067-1"}"#);
    assert_eq!(holds(&SessionSet::of(ActorQuery::of("9067-1")), &federated), Some(Belonging::Direct));
}
