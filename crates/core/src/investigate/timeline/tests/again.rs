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
