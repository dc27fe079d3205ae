//! Deletions that a call asks for and AWS does later, and what a service deletes for itself.

use super::*;
use crate::resource_types::ResourceCandidate;

const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-abcdef";

/// A call on a key or a secret in November or December: the day, its id, the call and what else it asks for.
fn call(of: &str, day: u32, id: &str, name: &str, more: &str) -> String {
    let (service, field) = if of == KEY { ("kms", "keyId") } else { ("secretsmanager", "secretId") };
    let time = if day <= 30 { format!("{day:02}T10:00:00") } else { format!("{:02}T10:00:00", day - 30) };
    let month = if day <= 30 { "2026-11-" } else { "2026-12-" };
    event(id, &time, name, "")
        .replace("2026-11-", month)
        .replace("s3.amazonaws.com", &format!("{service}.amazonaws.com"))
        .replace(r#""bucketName":"b""#, &format!(r#""{field}":"{of}"{more}"#))
}

/// What the service records of what was asked for.
fn done(of: &str, day: u32, id: &str, name: &str) -> String {
    let details = format!(r#"{{"keyId":"{of}"}},"additionalEventData":{{"ARN":"{of}"}},"eventType":"AwsServiceEvent""#);
    let text = call(of, day, id, name, "");
    let (head, _) = text.split_once(r#","requestParameters""#).unwrap();
    format!(
        r#"{head},"serviceEventDetails":{details},"userIdentity":{{"accountId":"111111111111","invokedBy":"AWS Internal"}}}}"#
    )
}

fn of(subject: &str, events: &[String]) -> Vec<Incarnation> {
    let types = ResourceTypes::built_in().unwrap();
    let within = |own: ResourceCandidate| own.within(Some("111111111111"), Some("us-east-1"));
    let wanted: Vec<ResourceCandidate> = types.candidates(subject).unwrap().into_iter().map(within).collect();
    let step = |text: &String| {
        let record = Record::read(text).unwrap();
        Step::of(&record, &types.mentions(&record, &wanted).into_iter().next()?)
    };
    incarnations(events.iter().filter_map(step).collect())
}

/// How the last one ended, what is missing, and what AWS did of it.
fn end(subject: &str, events: &[String]) -> (String, Option<Unseen>, Option<String>) {
    let all = of(subject, events);
    let last = all.last().unwrap();
    let word = match last.ending() {
        Ending::Waits(step) => format!("waits by {} until {}", step.event_id, step.waits.unwrap().until.unwrap()),
        Ending::DoneBy(step) => format!("done by {}", step.event_id),
        Ending::EndedByAws(step) => format!("ended by AWS in {}", step.event_id),
        other => format!("{other:?}"),
    };
    (word, last.unseen, last.carried_out.map(|at| last.steps[at].event_id.clone()))
}

fn plain(word: &str) -> (String, Option<Unseen>, Option<String>) {
    (word.to_owned(), None, None)
}

#[test]
fn a_key_waits_for_its_deletion_until_it_is_done_or_taken_back() {
    let ask = |day, id: &str, days| call(KEY, day, id, "ScheduleKeyDeletion", days);
    let bob = ask(10, "bob", r#","pendingWindowInDays":7"#);
    assert_eq!(end(KEY, std::slice::from_ref(&bob)), plain("waits by bob until 2026-11-17T10:00:00Z"));
    assert_eq!(end(KEY, &[ask(10, "bob", "")]), plain("waits by bob until 2026-12-10T10:00:00Z"));
    let taken_back = call(KEY, 12, "eve", "CancelKeyDeletion", "");
    assert_eq!(end(KEY, &[bob.clone(), taken_back.clone()]), plain("Nothing"));
    // Where the record does not tell whether it was taken back, that is not known.
    let perhaps = taken_back.replace(r#""eventID""#, r#""errorCode":"InternalFailure","eventID""#);
    let all = of(KEY, &[bob.clone(), perhaps]);
    assert!(matches!(all[0].ending(), Ending::MaybeBy(step) if step.event_id == "bob"), "{all:#?}");
    let again = ask(13, "cid", "");
    assert_eq!(end(KEY, &[bob.clone(), taken_back, again]), plain("waits by cid until 2026-12-13T10:00:00Z"));
    let deleted = done(KEY, 17, "aws", "DeleteKey");
    let carried_out = ("done by bob".to_owned(), None, Some("aws".to_owned()));
    assert_eq!(end(KEY, &[bob.clone(), deleted.clone()]), carried_out);
    // Long behind the day that was asked for it is another request that AWS did, and no record says whose.
    let late = done(KEY, 40, "aws", "DeleteKey");
    assert_eq!(end(KEY, &[bob, late]), ("ended by AWS in aws".to_owned(), Some(Unseen::TakenBack), None));
    // AWS never does it by itself.
    assert_eq!(end(KEY, &[deleted]), ("ended by AWS in aws".to_owned(), Some(Unseen::Asked), None));
    // Of a key that waits for its replicas the day is not known.
    let first = ask(10, "bob", "");
    let replicas =
        format!(r#"{},"responseElements":{{"keyState":"PendingReplicaDeletion"}}}}"#, &first[..first.len() - 1]);
    let all = of(KEY, &[replicas]);
    assert!(matches!(all[0].ending(), Ending::Waits(step) if step.waits == Some(Wait { until: None })), "{all:#?}");
}

#[test]
fn a_secret_that_waits_is_ended_by_whoever_deletes_it_at_once() {
    let ask = |day, id: &str, more| call(SECRET, day, id, "DeleteSecret", more);
    let bob = ask(10, "bob", r#","recoveryWindowInDays":7"#);
    let eve = |day| ask(day, "eve", r#","forceDeleteWithoutRecovery":true"#);
    let taken_back = call(SECRET, 11, "ann", "RestoreSecret", "");
    assert_eq!(end(SECRET, std::slice::from_ref(&bob)), plain("waits by bob until 2026-11-17T10:00:00Z"));
    assert_eq!(end(SECRET, &[bob.clone(), taken_back.clone()]), plain("Nothing"));
    assert_eq!(end(SECRET, &[bob.clone(), eve(12)]), plain("done by eve"));
    let both = [
        bob.clone(),
        eve(12),
        done(SECRET, 12, "start", "StartSecretVersionDelete"),
        done(SECRET, 12, "stop", "EndSecretVersionDelete"),
    ];
    assert_eq!(end(SECRET, &both), ("done by eve".to_owned(), None, Some("stop".to_owned())));
    let all = of(SECRET, &both);
    assert_eq!(all[0].ended_before().unwrap().event_id, "bob");
    // In the same second too: what is gone cannot be asked for.
    assert_eq!(end(SECRET, &[bob.clone(), eve(10)]).0, "done by eve");
    let deleted = done(SECRET, 18, "stop", "EndSecretVersionDelete");
    assert_eq!(end(SECRET, &[bob.clone(), deleted]), ("done by bob".to_owned(), None, Some("stop".to_owned())));
    // Without the call that asked, AWS's own events are one deletion.
    let parts =
        [done(SECRET, 18, "start", "StartSecretVersionDelete"), done(SECRET, 19, "stop", "EndSecretVersionDelete")];
    assert_eq!(end(SECRET, &parts), ("ended by AWS in start".to_owned(), Some(Unseen::Asked), None));
    // Behind that day it may be gone: it does well all the same.
    assert_eq!(end(SECRET, &[bob.clone(), eve(19)]).1, Some(Unseen::Either));
    assert_eq!(end(SECRET, &[bob, taken_back, ask(14, "cid", "")]).0, "waits by cid until 2026-12-14T10:00:00Z");
}

#[test]
fn where_a_name_is_used_again_what_had_it_waits_no_more() {
    let by_name = |day, id: &str, call_name: &str, more: &str| {
        let field = if call_name == "CreateSecret" { "name" } else { "secretId" };
        call(SECRET, day, id, call_name, more)
            .replace(&format!(r#""secretId":"{SECRET}""#), &format!(r#""{field}":"db""#))
    };
    let asked = by_name(10, "bob", "DeleteSecret", r#","recoveryWindowInDays":7"#);
    let subject = "secret db";
    let all = of(subject, &[asked.clone(), by_name(20, "ann", "CreateSecret", "")]);
    assert!(matches!(all[0].ending(), Ending::DoneBy(step) if step.event_id == "bob"));
    assert_eq!((all.len(), all[0].unseen, all[1].ending()), (2, None, Ending::Nothing));
    // Before that day a call must have ended it at once.
    let all = of(subject, &[asked, by_name(12, "ann", "CreateSecret", "")]);
    assert_eq!((all.len(), all[0].unseen, all[1].ending()), (2, Some(Unseen::EndedEarly), Ending::Nothing));
    // What AWS says of the one before is not said of the one after.
    let forced = by_name(10, "bob", "DeleteSecret", r#","forceDeleteWithoutRecovery":true"#);
    let events = [forced, by_name(11, "ann", "CreateSecret", ""), done(SECRET, 12, "stop", "EndSecretVersionDelete")];
    let all = of(subject, &events);
    assert_eq!((all.len(), all[0].carried_out, all[1].ending()), (2, Some(1), Ending::Nothing));
}

#[test]
fn what_a_service_deletes_behind_somebody_is_its_own_deletion() {
    let linked = |id: &str, time: &str| {
        event(id, time, "DeleteBucket", "").replace(
            r#"{"type":"IAMUser""#,
            r#"{"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/aws-service-role/config.amazonaws.com/X"}},"type":"AssumedRole""#,
        )
    };
    let bob = event("bob", "20T12:00:00", "DeleteBucket", "");
    // What is not there cannot be deleted: it was made again.
    let all = told(&[bob.clone(), linked("aws", "20T13:00:00")]);
    assert_eq!((all.len(), all[1].unseen), (2, Some(Unseen::MadeAgain)));
    assert!(matches!(all[1].ending(), Ending::EndedByAws(_)));
    // Where the service does not say what a second deletion needs, both are said.
    let table = |text: String| {
        text.replace("s3.amazonaws.com", "dynamodb.amazonaws.com")
            .replace("DeleteBucket", "DeleteTable")
            .replace("bucketName\":\"b", "tableName\":\"t")
    };
    let all = of(
        "arn:aws:dynamodb:us-east-1:111111111111:table/t",
        &[table(bob.clone()), table(linked("aws", "20T13:00:00"))],
    );
    assert_eq!((all.len(), all[0].unseen), (1, Some(Unseen::Either)));
    assert_eq!(all[0].ended_before().unwrap().event_id, "bob");
    // In one second neither is chosen.
    let all = told(&[bob, linked("aws", "20T12:00:00")]);
    assert_eq!((all.len(), all[0].or_ended().len()), (1, 1));
}
