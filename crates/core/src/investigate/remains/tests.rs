//! What stands of what an actor made, against worlds of which the truth is known, and the traps.

use super::*;
use crate::investigate::worlds::{USERS, World, sessions, types, user};

fn remains(texts: &[String], who: &str) -> RemainsSummary {
    let reader = types().reader();
    let mut creations = Creations::of(sessions(texts, who), &reader);
    for text in texts {
        creations.add(&Record::read(text).unwrap());
    }
    let mut remains = creations.seen();
    for text in texts {
        remains.add(&Record::read(text).unwrap());
    }
    remains.summary()
}

#[test]
fn what_stands_is_what_was_made_and_not_deleted() {
    let (mut stood, mut unclear, mut ended) = (0, 0, 0);
    for seed in 0..16 {
        let mut world = World::new(seed);
        let all = world.delivered();
        let own: Vec<RemainsSummary> = (0..USERS).map(|by| remains(&all, &user(by))).collect();
        for (by, summary) in own.iter().enumerate() {
            let is_perhaps = |own: &Missing| matches!(own, Missing::PerhapsBegun(_));
            assert!(summary.nameless.is_empty() && summary.missing.iter().all(is_perhaps), "world {seed}");
            for remaining in &summary.stands {
                let made = world.things.iter().find(|own| own.event == remaining.made.event_id).unwrap();
                assert_eq!(
                    (made.maker, made.is_there, made.is_unclear),
                    (by, true, false),
                    "world {seed}: {remaining:#?}"
                );
            }
            let of = |wanted: fn(&Doubt) -> bool| {
                summary
                    .unclear
                    .iter()
                    .filter(|own| own.doubts.iter().any(wanted))
                    .map(|own| own.made.event_id.clone())
                    .collect::<BTreeSet<_>>()
            };
            let (maker, deletion) =
                (of(|doubt| *doubt == Doubt::Maker), of(|doubt| matches!(doubt, Doubt::Deletion(_))));
            for thing in world.things.iter().filter(|own| deletion.contains(&own.event)) {
                assert!(thing.is_there && thing.is_unclear, "world {seed}: {thing:?}");
            }
            for thing in
                world.things.iter().filter(|own| own.maker == by && own.is_there && !maker.contains(&own.event))
            {
                let stands = summary.stands.iter().any(|own| own.made.event_id == thing.event);
                assert_eq!(
                    (stands, deletion.contains(&thing.event)),
                    (!thing.is_unclear, thing.is_unclear),
                    "world {seed}: {thing:?}"
                );
            }
            stood += summary.stands.len();
            unclear += summary.unclear.len();
            ended += summary.ended.by_actor + summary.ended.by_others;
            assert_eq!((summary.ended.unrecorded, summary.ended.by_aws), (0, 0), "world {seed}");
        }
        let gone = world.things.iter().filter(|own| !own.is_there).count();
        let counted: usize = own.iter().map(|own| own.ended.by_actor + own.ended.by_others).sum();
        assert!(counted <= gone + own.iter().map(|own| own.unclear.len()).sum::<usize>(), "world {seed}");
    }
    println!("{stood} stand, {unclear} unclear, {ended} ended");
    assert!(stood > 30 && unclear > 5 && ended > 100, "{stood} {unclear} {ended}");
}

#[test]
fn where_records_are_lost_nothing_stands_for_which_a_deletion_is_left() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let all = world.delivered();
        let some: Vec<String> =
            all.iter().enumerate().filter(|(at, _)| at % 7 != 3).map(|(_, text)| text.clone()).collect();
        for by in 0..USERS {
            for own in remains(&some, &user(by)).stands {
                let later = |text: &&String| {
                    let record = Record::read(text).unwrap();
                    let is_it = own.name
                        == *record
                            .request_parameters
                            .and_then(|asked| asked.at("volumeId")?.text())
                            .unwrap_or_default();
                    is_it && Outcome::of(&record).may_be_done()
                };
                assert_eq!(some.iter().find(later), None, "world {seed}: {own:#?}");
            }
        }
    }
}

fn event(at: u32, who: &str, source: &str, call: &str, more: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-11-20T10:{at:02}:00Z","eventSource":"{source}.amazonaws.com","eventName":"{call}","eventID":"{call}{at}",
        "awsRegion":"us-east-1","recipientAccountId":"111111111111",
        "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/{who}"}}{more}}}"#
    )
}

fn of_ann(texts: &[String]) -> RemainsSummary {
    remains(texts, "arn:aws:iam::111111111111:user/ann")
}

fn names(all: &[Remaining]) -> Vec<&str> {
    all.iter().map(|own| own.name.as_str()).collect()
}

#[test]
fn a_name_that_somebody_else_takes_after_is_not_the_actors() {
    let bucket = r#","requestParameters":{"bucketName":"b"}"#;
    let texts = [
        event(1, "ann", "s3", "CreateBucket", bucket),
        event(2, "bob", "s3", "DeleteBucket", bucket),
        event(3, "bob", "s3", "CreateBucket", bucket),
    ];
    let summary = of_ann(&texts);
    assert_eq!((names(&summary.stands).len(), summary.ended.by_others), (0, 1));
    // Even where the deletion is lost: two cannot have the name. In us-east-1 the same bucket may be made again.
    let elsewhere = |text: &String| text.replace("us-east-1", "eu-central-1");
    let summary = of_ann(&[elsewhere(&texts[0]), elsewhere(&texts[2])]);
    assert_eq!((names(&summary.stands).len(), summary.ended.unrecorded), (0, 1));
    let summary = of_ann(&[
        texts[2].clone().replace("user/bob", "user/ann"),
        texts[0].replace("user/ann", "user/bob"),
        texts[1].clone(),
    ]);
    assert_eq!(names(&summary.stands), ["b"], "the second one is hers");
}

#[test]
fn a_deletion_that_is_taken_back_is_none() {
    let key = r#""keyId":"0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4""#;
    let arn = r#"[{"ARN":"arn:aws:kms:us-east-1:111111111111:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4"}]"#;
    let made = event(
        1,
        "ann",
        "kms",
        "CreateKey",
        &format!(r#","responseElements":{{"keyMetadata":{{{key}}}}},"resources":{arn}"#),
    );
    let asked = format!(r#","requestParameters":{{{key}}},"resources":{arn}"#);
    let call = |at: u32, call: &str| event(at, "bob", "kms", call, &asked);
    let mut texts = vec![made, call(2, "ScheduleKeyDeletion")];
    // It stands while its deletion waits.
    let waiting = of_ann(&texts);
    let until = waiting.stands[0].waits.as_ref().unwrap().waits.unwrap().until.unwrap();
    assert_eq!(until.to_string(), "2026-12-20T10:02:00Z");
    assert_eq!((waiting.stands.len(), waiting.ended), (1, EndedCounts::default()));
    texts.push(call(3, "CancelKeyDeletion"));
    let summary = of_ann(&texts);
    assert_eq!((summary.stands.len(), summary.ended), (1, EndedCounts::default()), "{summary:#?}");
    assert_eq!(summary.stands[0].waits, None);
    texts.push(call(4, "ScheduleKeyDeletion"));
    assert!(of_ann(&texts).stands[0].waits.is_some());
    // Behind that day it is not known without a record of it.
    let later = event(9, "bob", "s3", "CreateBucket", r#","requestParameters":{"bucketName":"x"}"#);
    let mut due = texts.clone();
    due.push(later.replace("2026-11-20", "2026-12-28"));
    assert_eq!(of_ann(&due).unclear[0].doubts, [Doubt::Due]);
    let details = format!(r#","eventType":"AwsServiceEvent","serviceEventDetails":{{{key}}},"resources":{arn}"#);
    texts.push(event(5, "aws", "kms", "DeleteKey", &details).replace("2026-11-20", "2026-12-20"));
    assert_eq!((of_ann(&texts).stands.len(), of_ann(&texts).ended.by_others), (0, 1));
}

#[test]
fn what_was_changed_behind_its_deletion_may_stand() {
    let asked = r#","requestParameters":{"roleName":"back"}"#;
    let call = |at: u32, who: &str, call: &str| event(at, who, "iam", call, asked);
    let mut texts =
        vec![call(1, "ann", "CreateRole"), call(2, "bob", "DeleteRole"), call(9, "bob", "AttachRolePolicy")];
    let doubts =
        |summary: RemainsSummary| -> Vec<Doubt> { summary.unclear.into_iter().flat_map(|own| own.doubts).collect() };
    let told = doubts(of_ann(&texts));
    assert!(matches!(told.as_slice(), [Doubt::MadeAgain(step)] if step.call == "AttachRolePolicy"), "{told:#?}");
    // In any order.
    texts.reverse();
    assert_eq!(doubts(of_ann(&texts)).len(), 1);
    // It is gone where it was deleted again; and a call before its deletion says nothing.
    texts.push(call(10, "bob", "DeleteRole"));
    assert_eq!((doubts(of_ann(&texts)).len(), of_ann(&texts).stands.len()), (0, 0));
    let before = [call(1, "ann", "CreateRole"), call(2, "bob", "AttachRolePolicy"), call(9, "bob", "DeleteRole")];
    assert_eq!((of_ann(&before).unclear.len(), of_ann(&before).ended.by_others), (0, 1));
    // Somebody else's role of this name is none of the actor's.
    let taken =
        [texts.clone(), vec![call(11, "eve", "CreateRole"), call(20, "eve", "DeleteRole"), call(30, "eve", "TagRole")]]
            .concat();
    assert_eq!(of_ann(&taken).unclear.len(), 0);
}

#[test]
fn a_deletion_that_does_not_say_when_it_was_is_a_doubt() {
    let asked = r#","requestParameters":{"bucketName":"back"}"#;
    let made = event(1, "ann", "s3", "CreateBucket", asked);
    for time in [r#""eventTime":"yesterday","#, ""] {
        let deleted =
            event(2, "bob", "s3", "DeleteBucket", asked).replace(r#""eventTime":"2026-11-20T10:02:00Z","#, time);
        let summary = of_ann(&[made.clone(), deleted.clone()]);
        let expected = Doubt::Undated { call: "DeleteBucket".into(), event_id: "DeleteBucket2".into() };
        assert_eq!((summary.stands.len(), &summary.unclear[0].doubts), (0, &vec![expected]));
        let refused = deleted.replace(r#""eventName""#, r#""errorCode":"AccessDenied","eventName""#);
        assert_eq!(of_ann(&[made.clone(), refused]).stands.len(), 1);
    }
}

#[test]
fn a_record_of_a_creation_that_another_one_contradicts_is_a_doubt() {
    let asked = r#","requestParameters":{"bucketName":"back"}"#;
    let made = event(1, "ann", "s3", "CreateBucket", asked);
    let forged = made.replace("user/ann", "user/eve");
    let summary = of_ann(&[made.clone(), forged.clone()]);
    let doubts: Vec<&Doubt> = summary.stands.iter().chain(&summary.unclear).flat_map(|own| &own.doubts).collect();
    assert!(doubts.contains(&&Doubt::Disputed), "{summary:#?}");
    assert_eq!(of_ann(&[made.clone(), made]).stands.len(), 1);
}

#[test]
fn what_cannot_be_told_is_said() {
    let asked = r#","requestParameters":{"size":"1"}"#;
    let volume =
        event(1, "ann", "ec2", "CreateVolume", &format!(r#"{asked},"responseElements":{{"volumeId":"vol-01234567"}}"#));
    let hidden = event(
        2,
        "ann",
        "ec2",
        "CreateVolume",
        &format!(r#"{asked},"responseElements":{{"omitted":true,"originalSize":1}}"#),
    );
    let lost = event(3, "ann", "ec2", "CreateVolume", asked);
    let summary = of_ann(&[volume.clone(), hidden.clone(), lost, hidden]);
    assert_eq!(names(&summary.stands), ["vol-01234567"]);
    assert_eq!(summary.nameless.iter().map(|own| own.is_withheld).collect::<Vec<_>>(), [true, false]);
    // A deletion that hides of what may be of this one.
    let delete = event(4, "bob", "ec2", "DeleteVolume", r#","requestParameters":{"omitted":true}"#);
    let unclear = of_ann(&[volume.clone(), delete.clone()]).unclear;
    assert!(
        matches!(unclear[0].doubts.as_slice(), [Doubt::Deletion(step)] if step.matched_by == MatchedBy::Withheld),
        "{unclear:#?}"
    );
    let elsewhere = delete.replace("us-east-1", "us-west-2");
    assert_eq!(of_ann(&[volume.clone(), elsewhere]).stands.len(), 1);
    // Attempts are shown, and are no deletion.
    let refused = event(
        5,
        "bob",
        "ec2",
        "DeleteVolume",
        r#","requestParameters":{"volumeId":"vol-01234567"},"errorCode":"Client.UnauthorizedOperation""#,
    );
    let stands = of_ann(&[refused, volume]).stands;
    assert_eq!(stands[0].attempts.len(), 1);
    // Several may have the name, and the record has no id.
    let api = event(
        6,
        "ann",
        "apigateway",
        "CreateRestApi",
        r#","requestParameters":{"createRestApiInput":{"name":"shop"}}"#,
    );
    assert_eq!(of_ann(&[api]).unclear[0].doubts, [Doubt::NoId]);
}

#[test]
fn objects_may_end_without_a_record_and_by_calls_that_do_not_name_them() {
    let more = |asked: &str| {
        format!(r#","managementEvent":false,"eventCategory":"Data","requestParameters":{{"bucketName":"b"{asked}}}"#)
    };
    let put = event(1, "ann", "s3", "PutObject", &more(r#","key":"a/1""#));
    assert_eq!(of_ann(std::slice::from_ref(&put)).unclear[0].doubts, [Doubt::Data]);
    let listed = r#","resources":[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"}]"#;
    let many = event(2, "bob", "s3", "DeleteObjects", &(more("") + listed));
    let doubts = of_ann(&[many.clone(), put.clone()]).unclear[0].doubts.clone();
    assert!(matches!(doubts.as_slice(), [Doubt::Deletion(_), Doubt::Data]), "{doubts:#?}");
    let other = many.replace("s3:::b/", "s3:::c/");
    assert_eq!(of_ann(&[other, put.clone()]).unclear[0].doubts, [Doubt::Data]);
    // What was read before was there before.
    let read = event(0, "bob", "s3", "GetObject", &more(r#","key":"a/1""#));
    assert_eq!(of_ann(&[read, put]).unclear[0].doubts, [Doubt::Replaced, Doubt::Data]);
}

#[test]
fn sessions_are_no_resources_that_stand() {
    let credentials = r#","responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE000000009"}},"requestParameters":{"roleArn":"arn:aws:iam::1:role/x","roleSessionName":"s"}"#;
    let summary = of_ann(&[event(1, "ann", "sts", "AssumeRole", credentials)]);
    assert_eq!((summary.stands.len(), summary.unclear.len(), summary.nameless.len()), (0, 0, 0));
}

/// What `who` and `--what-else` say of the path of a role is said of what it made too.
#[test]
fn what_a_namesake_made_is_not_the_roles_and_a_role_without_its_path_is_unsure() {
    let made = |id: &str, bucket: &str, role: &str| {
        let issuer = format!(r#""sessionIssuer":{{"type":"Role","arn":"{role}"}}"#);
        let issuer = if role.is_empty() { String::new() } else { issuer };
        format!(
            r#"{{"eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"CreateBucket","eventID":"{id}",
            "awsRegion":"us-east-1","recipientAccountId":"111111111111","requestParameters":{{"bucketName":"{bucket}"}},
            "userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/x/s","accountId":"111111111111",
            "sessionContext":{{{issuer}}}}}}}"#
        )
    };
    let (own, other) = ("arn:aws:iam::111111111111:role/a/x", "arn:aws:iam::111111111111:role/b/x");
    let texts = [made("a", "one", own), made("b", "two", other), made("c", "three", "")];
    let of = |texts: &[String]| remains(texts, own);
    let names = |summary: &RemainsSummary| summary.stands.iter().map(|own| own.name.clone()).collect::<Vec<_>>();
    let summary = of(&texts[..2]);
    assert_eq!((names(&summary), summary.missing.clone()), (vec!["one".to_owned()], vec![]), "{summary:#?}");
    assert_eq!(summary.namesakes, BTreeSet::from([other.to_owned()]));
    let summary = of(&texts);
    assert_eq!(names(&summary), ["one", "three"]);
    assert_eq!(summary.missing, [Missing::Paths(1)]);
}

/// A key of which the records do not agree leads to no maker for certain: see `given_key`.
#[test]
fn what_was_made_with_a_key_that_two_were_given_is_perhaps_the_actors() {
    let issue = |id: &str, user: &str| {
        format!(
            r#"{{"eventTime":"2026-11-20T09:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","eventID":"{id}",
            "recipientAccountId":"111111111111","userIdentity":{{"type":"IAMUser","principalId":"AIDA{user}",
            "arn":"arn:aws:iam::111111111111:user/{user}"}},"requestParameters":{{"roleArn":"arn:aws:iam::111111111111:role/x",
            "roleSessionName":"s"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIAONE"}}}}}}"#
        )
    };
    let made = r#"{"eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"CreateBucket","eventID":"m",
        "awsRegion":"us-east-1","recipientAccountId":"111111111111","requestParameters":{"bucketName":"one"},
        "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/x/s","accessKeyId":"ASIAONE",
        "sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/x"}}}}"#;
    let of = |texts: &[String]| {
        let summary = remains(texts, "arn:aws:iam::111111111111:user/ann");
        (summary.stands.len(), summary.unclear.iter().map(|own| own.doubts.clone()).collect::<Vec<_>>())
    };
    let (ann, bob) = (issue("a", "ann"), issue("b", "bob"));
    assert_eq!(of(&[ann.clone(), made.to_owned()]), (1, vec![]));
    assert_eq!(of(&[ann, bob, made.to_owned()]), (0, vec![vec![Doubt::Maker]]));
}

/// What has another name is not known to stand, nor to have ended.
#[test]
fn what_was_given_another_name_is_not_said_to_stand() {
    let event = |minute: u32, by: &str, call: &str, request: &str| {
        format!(
            r#"{{"eventTime":"2026-11-20T10:{minute:02}:00Z","eventSource":"iam.amazonaws.com","eventName":"{call}","eventID":"{call}",
            "awsRegion":"us-east-1","recipientAccountId":"111111111111","requestParameters":{{{request}}},
            "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/{by}","accountId":"111111111111"}}}}"#
        )
    };
    let made = event(1, "ann", "CreateGroup", r#""groupName":"old""#);
    let renamed = event(2, "bob", "UpdateGroup", r#""groupName":"old","newGroupName":"new""#);
    let deleted = event(3, "bob", "DeleteGroup", r#""groupName":"new""#);
    let summary = remains(&[made.clone(), renamed.clone(), deleted], "arn:aws:iam::111111111111:user/ann");
    assert_eq!((summary.stands.len(), summary.unclear.len()), (0, 1), "{summary:#?}");
    let is_renamed = |doubt: &Doubt| matches!(doubt, Doubt::Renamed(step) if step.other_name.as_deref() == Some("new"));
    assert!(summary.unclear[0].doubts.iter().any(is_renamed), "{summary:#?}");
    // Neither where the name was used again.
    let again = event(4, "cid", "CreateGroup", r#""groupName":"old""#)
        .replace(r#""eventID":"CreateGroup""#, r#""eventID":"again""#);
    let summary = remains(&[made.clone(), renamed.clone(), again], "arn:aws:iam::111111111111:user/ann");
    assert_eq!((summary.stands.len(), summary.unclear.len(), summary.ended.unrecorded), (0, 1, 0), "{summary:#?}");
    // Whoever gave it another name has made nothing.
    let summary = remains(&[made, renamed], "arn:aws:iam::111111111111:user/bob");
    assert_eq!((summary.stands.len(), summary.unclear.len()), (0, 0), "{summary:#?}");
}
