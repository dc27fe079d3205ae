//! Records of one event that do not have the same bytes, and calls of one second.

use super::*;

/// The same event once more, with other bytes.
fn again(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{text}");
    text.replace(from, to).replace(r#""eventVersion":"1.11""#, r#""eventVersion":"1.12""#)
}

fn ids(own: &Incarnation) -> Vec<(&str, &str)> {
    own.steps.iter().map(|step| (step.event_id.as_str(), step.actor.name.rsplit('/').next().unwrap())).collect()
}

fn or_ended(own: &Incarnation) -> Vec<&str> {
    own.or_ended().into_iter().map(|at| own.steps[at].actor.name.rsplit('/').next().unwrap()).collect()
}

#[test]
fn two_records_of_one_event_with_other_bytes_are_two_steps_and_the_call_counts_once() {
    let made = event("ann", "20T10:00:00", "CreateBucket", "");
    let done = event("bob", "20T12:00:00", "DeleteBucket", "");
    // An addendum that says no more of what was done leaves it as it is.
    let late = again(&done, r#""eventID":"bob""#, r#""eventID":"bob","addendum":{"reason":"DELIVERY_DELAY"}"#);
    for events in [[made.clone(), done.clone(), late.clone()], [late.clone(), made.clone(), done.clone()]] {
        let all = told(&events);
        assert_eq!((all.len(), ids(&all[0])), (1, vec![("ann", "ann"), ("bob", "bob"), ("bob", "bob")]));
        assert_eq!((ending(&events).as_str(), or_ended(&all[0]).len()), ("done by bob", 0));
        assert!(all[0].steps.iter().all(|step| !step.is_disputed));
    }
    // The same bytes are one step, however often they come.
    assert_eq!(told(&[made.clone(), done.clone(), done.clone()])[0].steps.len(), 2);
    // It names the event that it adds to, and has an id of its own.
    let added = again(
        &done,
        r#""eventID":"bob""#,
        r#""eventID":"x","addendum":{"reason":"UPDATED_DATA","originalEventID":"bob"}"#,
    );
    let all = told(&[made, done, added]);
    assert_eq!((all.len(), all[0].steps.len(), all[0].unseen), (1, 3, None));
}

#[test]
fn where_the_records_of_a_deletion_do_not_say_the_same_none_is_taken_for_the_other() {
    let done = event("bob", "20T12:00:00", "DeleteBucket", "");
    let by_eve = again(&done, "user/bob", "user/eve");
    let all = told(&[done.clone(), by_eve]);
    // It was deleted, and who did it is not known.
    assert!(matches!(all[0].ending(), Ending::DoneBy(_)));
    let named: BTreeSet<&str> = ids(&all[0]).into_iter().map(|(_, who)| who).collect();
    assert_eq!((all.len(), named, or_ended(&all[0]).len()), (1, BTreeSet::from(["bob", "eve"]), 1));
    // Another time is no second deletion.
    let later = again(&done, "20T12:00:00", "20T13:00:00");
    let all = told(&[done.clone(), later]);
    assert_eq!((all.len(), all[0].unseen, or_ended(&all[0])), (1, None, vec!["bob"]));
    // One says that it was refused: then it is not known whether it was done.
    let refused = again(&done, r#""eventID":"bob""#, r#""eventID":"bob","errorCode":"AccessDenied""#);
    for events in [[done.clone(), refused.clone()], [refused, done]] {
        let all = told(&events);
        assert!(matches!(all[0].ending(), Ending::MaybeBy(step) if step.ended == StepOutcome::Done), "{all:#?}");
        assert_eq!(or_ended(&all[0]), ["bob"]);
    }
}

#[test]
fn where_the_records_of_a_creation_do_not_say_the_same_both_are_named() {
    let made = event("ann", "20T10:00:00", "CreateBucket", "");
    let all = told(&[made.clone(), again(&made, "user/ann", "user/eve")]);
    assert_eq!((all.len(), all[0].steps.len(), all[0].or_made().len()), (1, 2, 1));
    assert_eq!(told(&[made])[0].or_made(), Vec::<usize>::new());
}

#[test]
fn a_record_of_another_account_is_not_one_more_of_the_same_event() {
    let one = event("bob", "20T12:00:00", "DeleteBucket", r#","sharedEventID":"s""#);
    let twin = one
        .replace(r#""eventID":"bob""#, r#""eventID":"zoe""#)
        .replace("recipientAccountId\":\"1", "recipientAccountId\":\"2");
    let forged = again(&one, "user/bob", "user/eve");
    let all = told(&[one.clone(), twin.clone()]);
    assert_eq!((all[0].steps.len(), all[0].steps[0].accounts.len(), or_ended(&all[0]).len()), (1, 2, 0));
    let all = told(&[twin, forged, one]);
    assert_eq!((all[0].steps.len(), or_ended(&all[0]).len()), (2, 1), "{all:#?}");
}

#[test]
fn of_two_who_delete_in_one_second_none_is_chosen() {
    let second = |id: &str| event(id, "20T12:00:00", "DeleteBucket", "");
    let made = event("ann", "20T10:00:00", "CreateBucket", "");
    let all = told(&[made.clone(), second("bob"), second("eve")]);
    assert_eq!((all.len(), all[0].unseen, or_ended(&all[0]).len()), (1, None, 1));
    assert!(matches!(all[0].ending(), Ending::DoneBy(_)));
    // The same caller twice is no question, and neither is who was refused.
    let twice = second("bob").replace(r#""eventID":"bob""#, r#""eventID":"b2""#);
    assert_eq!(or_ended(&told(&[made.clone(), second("bob"), twice])[0]).len(), 0);
    let refused = event("eve", "20T12:00:00", "DeleteBucket", DENIED);
    assert_eq!(or_ended(&told(&[made.clone(), second("bob"), refused])[0]).len(), 0);
    // Two sessions of one name have two keys.
    let key = |id: &str| {
        let session = second(id).replace(&format!("user/{id}"), "user/same");
        session.replace(r#""accountId""#, &format!(r#""accessKeyId":"ASIA{id}","accountId""#))
    };
    assert_eq!(or_ended(&told(&[key("one"), key("two")])[0]).len(), 1);
    // Made again between the two: which one was the last is not known either.
    let between = event("cid", "20T12:00:00", "CreateBucket", "");
    let all = told(&[made, second("bob"), between, second("eve")]);
    let last = all.last().unwrap();
    assert!(matches!(last.ending(), Ending::DoneBy(step) if step.is_unordered), "{all:#?}");
    assert_eq!(all.len(), 2);
}

#[test]
fn an_attempt_before_it_was_made_is_none_to_end_it() {
    let unclear = event("eve", "20T09:00:00", "DeleteBucket", r#","errorCode":"InternalError""#);
    assert_eq!(ending(&[unclear, event("ann", "20T10:00:00", "CreateBucket", "")]), "nothing");
}

/// Of what is made and deleted in one second it is not known whether it is there, unless that can be in one order only.
#[test]
fn where_the_order_within_a_second_is_not_known_none_is_chosen() {
    let role = |id: &str, time: &str, call: &str| {
        event(id, time, call, "").replace("s3.amazonaws.com", "iam.amazonaws.com").replace("bucketName", "roleName")
    };
    let parameter = |id: &str, time: &str, call: &str| {
        event(id, time, call, "").replace("s3.amazonaws.com", "ssm.amazonaws.com").replace("bucketName", "name")
    };
    let at = "20T12:00:00";
    let (made, deleted) = (role("ann", at, "CreateRole"), role("bob", at, "DeleteRole"));
    let older = role("old", "20T10:00:00", "CreateRole");
    let (put, gone) = (parameter("ann", at, "PutParameter"), parameter("bob", at, "DeleteParameter"));
    let arn = "arn:aws:iam::111111111111:role/b";
    let parameter_arn = "arn:aws:ssm:us-east-1:111111111111:parameter/b";
    for (subject, events, expected) in [
        (arn, vec![made.clone(), deleted.clone()], "maybe by bob"),
        (arn, vec![deleted.clone(), made.clone()], "maybe by bob"),
        // It was there: first it was deleted, and then made again.
        (arn, vec![older.clone(), made.clone(), deleted.clone()], "nothing"),
        // What was made twice was deleted between the two, and what was deleted twice was made between the two.
        (arn, vec![made.clone(), deleted.clone(), role("cid", at, "CreateRole")], "nothing"),
        (arn, vec![older, deleted.clone(), role("cid", at, "DeleteRole"), made.clone()], "done by cid"),
        (parameter_arn, vec![put.clone(), gone.clone()], "maybe by bob"),
        (
            parameter_arn,
            vec![parameter("old", "20T10:00:00", "PutParameter"), put.clone(), gone.clone()],
            "maybe by bob",
        ),
        (
            parameter_arn,
            vec![
                parameter("old", "20T09:00:00", "PutParameter"),
                parameter("eve", "20T10:00:00", "DeleteParameter"),
                put,
                gone,
            ],
            "done by bob",
        ),
    ] {
        let mut events = events;
        for _ in 0..2 {
            let all = told_of(subject, &events);
            let last = all.last().unwrap();
            let is_unordered = matches!(last.ending(), Ending::DoneBy(step) if step.is_unordered);
            assert!(in_words(last.ending()) == expected || is_unordered && expected.starts_with("done"), "{all:#?}");
            events.reverse();
        }
    }
    // An id is given out once.
    let volume = |id: &str, call: &str, place: &str| {
        let text = event(id, at, call, "").replace("s3.amazonaws.com", "ec2.amazonaws.com");
        text.replace(
            r#""requestParameters":{"bucketName":"b"}"#,
            &format!(r#""{place}":{{"volumeId":"vol-0a1b2c3d"}}"#),
        )
    };
    let all = [volume("ann", "CreateVolume", "responseElements"), volume("bob", "DeleteVolume", "requestParameters")];
    assert_eq!(in_words(told_of("vol-0a1b2c3d", &all)[0].ending()), "done by bob");
    // Two who made it: none is chosen.
    let all = told_of(arn, &[made.clone(), role("cid", at, "CreateRole")]);
    assert_eq!((all.len(), all[0].or_made().len(), all[0].maker().unwrap().is_unordered), (1, 1, true));
    assert_eq!(told_of(arn, &[made]).len(), 1);
}

/// The records of a call in two accounts that name two callers contradict each other.
#[test]
fn twins_that_name_two_callers_are_both_named() {
    let one = event("bob", "20T12:00:00", "DeleteBucket", r#","sharedEventID":"s""#);
    let twin = one.replace("bob", "eve").replace("recipientAccountId\":\"1", "recipientAccountId\":\"2");
    let told = told(&[one, twin]);
    assert_eq!((told.len(), told[0].steps.len(), or_ended(&told[0]).len()), (1, 2, 1), "{told:#?}");
    assert!(told[0].steps.iter().all(|step| step.is_disputed));
}
