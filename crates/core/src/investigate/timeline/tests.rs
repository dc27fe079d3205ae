//! What ends a resource, and what only seems to.

use super::*;
use crate::resource_types::ResourceTypes;

fn event(id: &str, time: &str, call: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-{time}Z","eventSource":"s3.amazonaws.com","eventName":"{call}",
        "awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"111111111111","requestParameters":{{"bucketName":"b"}},
        "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/{id}","accountId":"111111111111"}}{more}}}"#
    )
}

fn told(events: &[String]) -> Vec<Incarnation> {
    told_of("arn:aws:s3:::b", events)
}

fn told_of(subject: &str, events: &[String]) -> Vec<Incarnation> {
    let types = ResourceTypes::built_in().unwrap();
    let wanted = types.candidates(subject).unwrap();
    let step = |event: &String| {
        let record = Record::read(event).unwrap();
        let mention = types.mentions(&record, &wanted).into_iter().next()?;
        Step::of(&record, &mention)
    };
    incarnations(events.iter().filter_map(step).collect())
}

fn ending(events: &[String]) -> String {
    let all = told(events);
    in_words(all.last().map(Incarnation::ending).unwrap_or(Ending::Nothing))
}

fn in_words(last: Ending<'_>) -> String {
    let word = |step: &Step| step.event_id.clone();
    match last {
        Ending::DoneBy(step) => format!("done by {}", word(step)),
        Ending::EndedByAws(step) => format!("ended by AWS in {}", word(step)),
        Ending::Waits(step) => format!("waits by {}", word(step)),
        Ending::RenamedBy(step) => format!("renamed by {}", word(step)),
        Ending::MaybeBy(step) => format!("maybe by {}", word(step)),
        Ending::AttemptedBy(step) => format!("attempted by {}", word(step)),
        Ending::Nothing => "nothing".to_owned(),
    }
}

const DENIED: &str = r#","errorCode":"AccessDenied""#;

#[test]
fn a_failed_attempt_before_somebody_elses_success_is_no_deed() {
    let events = [
        event("ann", "20T10:00:00", "CreateBucket", ""),
        event("eve", "20T11:00:00", "DeleteBucket", DENIED),
        event("bob", "20T12:00:00", "DeleteBucket", ""),
        event("eve2", "20T13:00:00", "DeleteBucket", r#","errorCode":"NoSuchBucket""#),
    ];
    assert_eq!(ending(&events), "done by bob");
    let all = told(&events);
    let attempts: Vec<&str> = all[0].attempts().map(|step| step.event_id.as_str()).collect();
    assert_eq!((all.len(), attempts), (1, vec!["eve", "eve2"]));
    assert_eq!(all[0].maker().unwrap().event_id, "ann");
    assert_eq!(ending(&events[..2]), "attempted by eve");
    assert_eq!(ending(&events[..1]), "nothing");
    assert_eq!(
        ending(&[event("bob", "20T12:00:00", "DeleteBucket", r#","errorCode":"InternalError""#)]),
        "maybe by bob"
    );
}

#[test]
fn a_deletion_that_was_taken_back_ended_nothing() {
    let types = ResourceTypes::built_in().unwrap();
    let wanted = types.candidates("arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef").unwrap();
    let told = |calls: &[(&str, &str)]| {
        let steps = calls.iter().filter_map(|(id, call)| {
            let text = event(id, &format!("20T10:0{}:00", id.len()), call, "")
                .replace("s3.amazonaws.com", "secretsmanager.amazonaws.com")
                .replace(
                    r#""bucketName":"b""#,
                    r#""secretId":"arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef""#,
                );
            let record = Record::read(&text).unwrap();
            Step::of(&record, &types.mentions(&record, &wanted).into_iter().next()?)
        });
        let all = incarnations(steps.collect());
        match all.last().map(Incarnation::ending) {
            Some(Ending::DoneBy(step)) => format!("done by {}", step.event_id),
            Some(Ending::Waits(step)) => format!("waits by {}", step.event_id),
            other => format!("{other:?}"),
        }
    };
    let (one, two, three) = (("a", "DeleteSecret"), ("aa", "RestoreSecret"), ("aaa", "DeleteSecret"));
    assert_eq!(told(&[one]), "waits by a");
    assert_eq!(told(&[one, two]), "Some(Nothing)");
    assert_eq!(told(&[one, two, three]), "waits by aaa");
    // What is taken back is a rotation here, and the deletion waits all the same.
    assert_eq!(told(&[one, ("aa", "CancelRotateSecret")]), "waits by a");
}

#[test]
fn a_name_that_is_used_again_is_another_resource_with_an_end_of_its_own() {
    let events = [
        event("ann", "20T10:00:00", "CreateBucket", ""),
        event("bob", "20T12:00:00", "DeleteBucket", ""),
        event("cid", "21T10:00:00", "CreateBucket", ""),
        event("dan", "21T12:00:00", "PutBucketPolicy", ""),
        event("eve", "22T12:00:00", "DeleteBucket", ""),
    ];
    let all = told(&events);
    let ends: Vec<&str> = all
        .iter()
        .map(|own| if let Ending::DoneBy(step) = own.ending() { step.event_id.as_str() } else { "" })
        .collect();
    assert_eq!(ends, ["bob", "eve"]);
    assert_eq!(all.iter().map(|own| own.steps.len()).collect::<Vec<_>>(), [2, 3]);
    // What is lost between them does not make one of two.
    let without = [events[0].clone(), events[2].clone(), events[4].clone()];
    // In us-east-1 a bucket's owner may make it again while it is there.
    assert_eq!(told(&without).len(), 1);
    let without = without.map(|text| text.replace("us-east-1", "eu-central-1"));
    assert_eq!(told(&without).len(), 2);
    assert_eq!(told(&without)[0].ending(), Ending::Nothing);
}

#[test]
fn what_aws_ends_by_itself_has_no_person_behind_it_and_what_it_does_for_somebody_has() {
    let of_service = r#","eventType":"AwsServiceEvent""#;
    let events = [event("s", "20T10:00:00", "DeleteBucket", of_service)];
    assert_eq!(ending(&events), "ended by AWS in s");
    let through = events[0]
        .replace(of_service, "")
        .replace(r#""accountId""#, r#""invokedBy":"cloudformation.amazonaws.com","accountId""#);
    assert_eq!(ending(&[through]), "done by s");
    let linked = event("l", "20T10:00:00", "DeleteBucket", "").replace(
        r#"{"type":"IAMUser""#,
        r#"{"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/X"}},"type":"AssumedRole""#,
    );
    assert_eq!(ending(&[linked]), "ended by AWS in l");
}

#[test]
fn a_call_between_accounts_and_one_that_is_delivered_twice_are_one_step() {
    let one = event("x", "20T10:00:00", "DeleteBucket", r#","sharedEventID":"s""#);
    let other =
        one.replace(r#""eventID":"x""#, r#""eventID":"y""#).replace(r#"Id":"111111111111""#, r#"Id":"222222222222""#);
    let all = told(&[one.clone(), other, one]);
    assert_eq!((all.len(), all[0].steps.len()), (1, 1));
    assert_eq!(all[0].steps[0].accounts.len(), 2);
}

/// The same calls on something else.
fn ends_of(subject: &str, calls: &[(&str, &str, &str, &str)]) -> Vec<(String, Option<Unseen>, Option<String>)> {
    let types = ResourceTypes::built_in().unwrap();
    let wanted = types.candidates(subject).unwrap();
    let steps = calls.iter().enumerate().filter_map(|(at, (id, source, call, asked))| {
        let text = event(id, &format!("20T10:{at:02}:00"), call, "")
            .replace("s3.amazonaws.com", source)
            .replace(r#"{"bucketName":"b"}"#, asked);
        let record = Record::read(&text).unwrap();
        Step::of(&record, &types.mentions(&record, &wanted).into_iter().next()?)
    });
    let id = |step: &Step| step.event_id.clone();
    let end = |own: &Incarnation| match own.ending() {
        Ending::DoneBy(step) | Ending::EndedByAws(step) | Ending::Waits(step) => id(step),
        other => format!("{other:?}"),
    };
    incarnations(steps.collect()).iter().map(|own| (end(own), own.unseen, own.ended_before().map(id))).collect()
}

#[test]
fn two_deletions_without_a_creation_between_them_are_the_ends_of_two_resources() {
    let events = [
        event("ann", "20T10:00:00", "CreateBucket", ""),
        event("bob", "20T12:00:00", "DeleteBucket", ""),
        event("cid", "20T13:00:00", "PutBucketPolicy", ""),
        event("dan", "20T13:30:00", "DeleteBucket", DENIED),
        event("eve", "20T14:00:00", "DeleteBucket", ""),
    ];
    assert_eq!(ending(&events), "done by eve");
    let all = told(&events);
    let ids = |own: &Incarnation| own.steps.iter().map(|step| step.event_id.clone()).collect::<Vec<_>>();
    assert_eq!(all.iter().map(ids).collect::<Vec<_>>(), [vec!["ann", "bob"], vec!["cid", "dan", "eve"]]);
    assert_eq!((all[0].unseen, all[1].unseen), (None, Some(Unseen::MadeAgain)));
    assert_eq!(all[1].maker(), None);
    // Records of one second are of one call, as of old ones that have no id in common.
    let twin = event("twin", "20T14:00:00", "DeleteBucket", "");
    assert_eq!(told(&[&events[..], &[twin]].concat()).len(), 2);
    // Without the first deletion nothing is missing.
    assert_eq!(told(&[events[0].clone(), events[4].clone()])[0].unseen, None);
}

#[test]
fn of_two_deletions_the_second_of_which_needs_nothing_the_first_is_the_end() {
    let twice = |source: &'static str, call: &'static str, asked: &'static str| {
        [("one", source, call, asked), ("two", source, call, asked)]
    };
    let one = |id: &str| vec![(id.to_owned(), None, None)];
    let topic = "arn:aws:sns:us-east-1:111111111111:news";
    let asked = r#"{"topicArn":"arn:aws:sns:us-east-1:111111111111:news"}"#;
    assert_eq!(ends_of(topic, &twice("sns.amazonaws.com", "DeleteTopic", asked)), one("one"));
    let rule = "arn:aws:events:us-east-1:111111111111:rule/nightly";
    assert_eq!(ends_of(rule, &twice("events.amazonaws.com", "DeleteRule", r#"{"name":"nightly"}"#)), one("one"));
    let asked = r#"{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0"}]}}"#;
    assert_eq!(ends_of("i-0123456789abcdef0", &twice("ec2.amazonaws.com", "TerminateInstances", asked)), one("one"));
    let secret = "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef";
    let asked = r#"{"secretId":"arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef","forceDeleteWithoutRecovery":true}"#;
    assert_eq!(ends_of(secret, &twice("secretsmanager.amazonaws.com", "DeleteSecret", asked)), one("one"));
    // A service carries out what was asked for, with another call.
    let (key, id) = ("arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012", "keyId");
    let asked = format!(r#"{{"{id}":"12345678-1234-1234-1234-123456789012"}}"#);
    let twice = [
        ("one", "kms.amazonaws.com", "ScheduleKeyDeletion", asked.as_str()),
        ("two", "kms.amazonaws.com", "ScheduleKeyDeletion", asked.as_str()),
    ];
    let taken_back = (String::from("two"), Some(Unseen::TakenBack), Some("one".to_owned()));
    assert_eq!(ends_of(key, &twice), [taken_back]);
}

#[test]
fn what_was_changed_behind_its_deletion_was_made_again_and_is_there_until_it_is_deleted() {
    let (sns, topic) = ("sns.amazonaws.com", "arn:aws:sns:us-east-1:111111111111:news");
    let call = |id, call| (id, sns, call, r#"{"topicArn":"arn:aws:sns:us-east-1:111111111111:news"}"#);
    let [one, same, set, two] =
        [("one", "DeleteTopic"), ("same", "GetTopicAttributes"), ("set", "SetTopicAttributes"), ("two", "DeleteTopic")]
            .map(|(id, name)| call(id, name));
    let end = |id: &str, unseen| (id.to_owned(), unseen, None);
    // The second minute is behind the first deletion by more than what is told late.
    assert_eq!(ends_of(topic, &[one, same, set, two]), [end("one", None), end("two", Some(Unseen::MadeAgain))]);
    assert_eq!(ends_of(topic, &[one, same, set]), [end("one", None), end("Nothing", Some(Unseen::MadeAgain))]);
    assert_eq!(ends_of(topic, &[one, set]), [end("one", None)], "within a minute it may still do well");
    let (iam, role) = ("iam.amazonaws.com", "arn:aws:iam::111111111111:role/back");
    let role_call = |id, call| (id, iam, call, r#"{"roleName":"back"}"#);
    let all = [role_call("one", "DeleteRole"), role_call("same", "GetRole"), role_call("attached", "AttachRolePolicy")];
    assert_eq!(ends_of(role, &all), [end("one", None), end("Nothing", Some(Unseen::MadeAgain))]);
}

#[test]
fn a_version_that_is_deleted_ends_nothing() {
    let (source, function) = ("lambda.amazonaws.com", "arn:aws:lambda:us-east-1:111111111111:function:f");
    let delete = |asked| ("one", source, "DeleteFunction20150331", asked);
    let nothing = [("Nothing".to_owned(), None, None)];
    assert_eq!(ends_of(function, &[delete(r#"{"functionName":"f","qualifier":"3"}"#)]), nothing);
    let versioned = r#"{"functionName":"arn:aws:lambda:us-east-1:111111111111:function:f:3"}"#;
    assert!(ends_of(function, &[delete(versioned)]).iter().all(|end| end.0 == "Nothing"));
    assert_eq!(ends_of(function, &[delete(r#"{"functionName":"f","qualifier":null}"#)])[0].0, "one");
    assert_eq!(ends_of(function, &[delete(r#"{"functionName":"f"}"#)])[0].0, "one");
}

#[test]
fn where_it_is_not_known_what_a_second_deletion_needs_both_are_said() {
    let (source, table) = ("dynamodb.amazonaws.com", "arn:aws:dynamodb:us-east-1:111111111111:table/orders");
    let call = |id, call| (id, source, call, r#"{"tableName":"orders"}"#);
    let all = [call("one", "DeleteTable"), call("two", "DeleteTable"), call("three", "DeleteTable")];
    let either = (String::from("three"), Some(Unseen::Either), Some("one".to_owned()));
    assert_eq!(ends_of(table, &all), [either]);
    let all = [call("one", "DeleteTable"), call("made", "CreateTable"), call("two", "DeleteTable")];
    assert_eq!(ends_of(table, &all).last(), Some(&("two".to_owned(), None, None)));
}

mod again;
mod asked;
