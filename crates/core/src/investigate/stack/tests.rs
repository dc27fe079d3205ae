//! Which call on a stack stands behind what CloudFormation did.

use super::super::chain::{Chain, Lost, Origin, Tracer};
use super::*;

const ROLE: &str = "arn:aws:iam::111111111111:role/Stacks";

fn event(id: &str, time: &str, source: &str, call: &str, identity: &str, asked: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-11-20T{time}Z","eventSource":"{source}.amazonaws.com","eventName":"{call}","eventID":"{id}",
        "awsRegion":"eu-central-1","recipientAccountId":"111111111111","userIdentity":{identity},"requestParameters":{asked}}}"#
    )
}

fn user(name: &str) -> String {
    let arn = format!("arn:aws:iam::111111111111:user/{name}");
    format!(r#"{{"type":"IAMUser","principalId":"AIDA{name}","arn":"{arn}","accountId":"111111111111"}}"#)
}

/// What CloudFormation does with a service role.
fn deed(asked: &str) -> String {
    let arn = "arn:aws:sts::111111111111:assumed-role/Stacks/AWSCloudFormation";
    let identity = format!(
        r#"{{"type":"AssumedRole","principalId":"AROAS:AWSCloudFormation","arn":"{arn}","accountId":"111111111111",
        "invokedBy":"cloudformation.amazonaws.com","accessKeyId":"ASIAEXAMPLESTACK0001",
        "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{ROLE}"}}}}}}"#
    );
    event("deed", "10:05:00", "sqs", "DeleteQueue", &identity, asked)
}

fn stack(id: &str, time: &str, call: &str, by: &str, name: &str, more: &str) -> String {
    let asked = format!(r#"{{"stackName":"{name}"{more}}}"#);
    event(id, time, "cloudformation", call, &user(by), &asked)
}

fn trace(deed: &str, calls: &[String]) -> Chain {
    let mut tracer = Tracer::of(&Record::read(deed).unwrap(), None);
    while let Some(wanted) = tracer.wanted() {
        assert!(wanted.access_key.is_some());
        tracer.found(Vec::new());
    }
    assert!(tracer.wanted_stack().is_some());
    tracer.found_stack_calls(calls.iter().filter_map(|text| Issue::of_stack(&Record::read(text).ok()?)).collect());
    tracer.chain()
}

#[test]
fn one_call_on_a_stack_leads_to_its_caller_and_is_not_proven() {
    let with_role = format!(r#","roleARN":"{ROLE}""#);
    let other = r#","roleARN":"arn:aws:iam::111111111111:role/Other""#;
    let calls = [
        stack("ann", "10:00:00", "UpdateStack", "ann", "queues", &with_role),
        stack("bob", "10:01:00", "UpdateStack", "bob", "other", other),
        stack("cid", "10:02:00", "CreateStack", "cid", "plain", ""),
        stack("late", "10:06:00", "DeleteStack", "eve", "late", ""),
        stack("early", "19:00:00", "DeleteStack", "eve", "early", "").replace("11-20", "11-19"),
    ];
    let chain = trace(&deed("{}"), &calls);
    assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
    assert_eq!((chain.hops.len(), chain.is_proven()), (1, false));
    assert_eq!(chain.hops[0].issue.stack.as_deref(), Some("queues"));
}

#[test]
fn a_role_of_any_name_may_be_that_of_a_stack_set_whose_call_names_it() {
    let set = |by: &str, role: &str| {
        let asked = format!(r#"{{"stackSetName":"base","administrationRoleARN":"{role}"}}"#);
        event(by, "10:00:00", "cloudformation", "UpdateStackSet", &user(by), &asked)
    };
    let other = set("bob", "arn:aws:iam::111111111111:role/Other");
    let chain = trace(&deed("{}"), &[set("ann", ROLE), other.clone()]);
    assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
    assert!(matches!(trace(&deed("{}"), &[other]).end, Err(Lost::NoStack(_))));
    // The name of a field is no name of a stack.
    let calls = [
        stack("ann", "10:00:00", "UpdateStack", "ann", "web", ""),
        stack("eve", "10:01:00", "UpdateStack", "eve", "queueUrl", ""),
    ];
    let end = trace(&deed(r#"{"queueUrl":"https://q/1/x"}"#), &calls).end;
    assert!(matches!(end, Err(Lost::Stacks { .. })), "{end:?}");
}

#[test]
fn several_callers_are_all_named_unless_the_call_names_a_stack() {
    let calls = [
        stack("ann", "10:00:00", "UpdateStack", "ann", "queues", ""),
        stack("bob", "10:01:00", "ExecuteChangeSet", "bob", "arn:aws:cloudformation:eu-central-1:1:stack/web/1-2", ""),
    ];
    match trace(&deed(r#"{"queueUrl":"https://q/1/x"}"#), &calls).end {
        Err(Lost::Stacks { calls, more: 0 }) => {
            assert!(calls[0].contains("web by") && calls[0].contains("bob") && calls[1].contains("ann"), "{calls:?}");
        }
        other => panic!("{other:?}"),
    }
    let named = trace(&deed(r#"{"queueName":"queues-Work-ABC"}"#), &calls);
    assert_eq!(named.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
    // Twice the same caller is one person.
    let twice = [calls[0].clone(), calls[0].replace("\"ann\"", "\"again\"")];
    assert!(trace(&deed("{}"), &twice).end.is_ok());
    assert!(matches!(trace(&deed("{}"), &[]).end, Err(Lost::NoStack(_))));
}

const MEMBER: &str = "222222222222";

/// What CloudFormation does in a member with a role of a stack set, at a time.
fn deed_of_set(role: &str, service: &str, time: &str, asked: &str) -> String {
    let arn = format!("arn:aws:sts::{MEMBER}:assumed-role/{role}/stack-of-set");
    let identity = format!(
        r#"{{"type":"AssumedRole","principalId":"AROAX:stack-of-set","arn":"{arn}","accountId":"{MEMBER}",
        "invokedBy":"{service}","accessKeyId":"ASIAEXAMPLESTACK0002",
        "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::{MEMBER}:role/{role}"}}}}}}"#
    );
    event("deed", time, "sqs", "DeleteQueue", &identity, asked)
        .replace(r#"Id":"111111111111""#, r#"Id":"222222222222""#)
}

fn set_call(id: &str, time: &str, call: &str, more: &str) -> String {
    event(id, time, "cloudformation", call, &user(id), &format!(r#"{{"stackSetName":"base"{more}}}"#))
}

#[test]
fn behind_a_service_managed_stack_set_is_a_call_in_any_account() {
    for (role, service) in [
        ("stacksets-exec-899a82a2cb437e970934262f85c7628a", CLOUDFORMATION),
        ("stacksets-exec-899a82a2cb437e970934262f85c7628a", "member.org.stacksets.cloudformation.amazonaws.com"),
    ] {
        let deed = deed_of_set(role, service, "10:05:00", "{}");
        let calls = [
            set_call("ann", "10:00:00", "UpdateStackInstances", r#","callAs":"SELF""#),
            // In the member itself nothing is done on the stack set, and its own stacks are others'.
            stack("bob", "10:01:00", "UpdateStack", "bob", "web", "").replace("Id\":\"111", "Id\":\"222"),
            // This one has permissions of its own.
            set_call(
                "cid",
                "10:02:00",
                "UpdateStackSet",
                r#","administrationRoleARN":"arn:aws:iam::111111111111:role/A""#,
            ),
        ];
        let chain = trace(&deed, &calls);
        assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())), "{service}");
        let two = [calls[0].clone(), set_call("dan", "10:03:00", "DeleteStackInstances", "")];
        assert!(matches!(trace(&deed, &two).end, Err(Lost::Stacks { .. })));
    }
}

#[test]
fn behind_the_roles_of_other_stack_sets_is_a_call_in_the_account_of_the_administration() {
    let execution = deed_of_set("AWSCloudFormationStackSetExecutionRole", CLOUDFORMATION, "10:05:00", "{}");
    let call = set_call("ann", "10:00:00", "CreateStackInstances", "");
    let ann = Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into()));
    assert_eq!(trace(&execution, std::slice::from_ref(&call)).end, ann);
    let role = "AWSCloudFormationStackSetAdministrationRole";
    let administration = deed_of_set(role, CLOUDFORMATION, "10:05:00", "{}");
    // It is the role of another account's stack sets.
    assert!(matches!(trace(&administration, std::slice::from_ref(&call)).end, Err(Lost::NoStack(_))));
    let own = administration.replace(MEMBER, "111111111111");
    assert_eq!(trace(&own, std::slice::from_ref(&call)).end, ann);
    let other =
        set_call("eve", "10:01:00", "UpdateStackSet", r#","administrationRoleARN":"arn:aws:iam::111111111111:role/A""#);
    assert_eq!(trace(&own, &[call, other]).end, ann);
}

#[test]
fn each_deed_of_a_session_that_served_two_stacks_looks_at_its_own_time() {
    let assumed = |by: &str| {
        format!(
            r#"{{"eventTime":"2026-11-20T09:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","eventID":"assumed",
            "awsRegion":"eu-central-1","recipientAccountId":"111111111111","userIdentity":{{"type":"AWSService","invokedBy":"{by}"}},
            "requestParameters":{{"roleArn":"{ROLE}","roleSessionName":"AWSCloudFormation"}},
            "responseElements":{{"credentials":{{"accessKeyId":"ASIAEXAMPLESTACK0001"}}}}}}"#
        )
    };
    let calls = [
        stack("ann", "08:59:00", "UpdateStack", "ann", "queues", ""),
        stack("bob", "09:30:00", "UpdateStack", "bob", "web", ""),
    ];
    let end = |deed: &str| {
        let mut tracer = Tracer::of(&Record::read(deed).unwrap(), None);
        tracer.found(vec![Issue::of(&Record::read(&assumed(CLOUDFORMATION)).unwrap()).unwrap()]);
        let wanted = tracer.wanted_stack().unwrap().clone();
        tracer.found_stack_calls(calls.iter().filter_map(|text| Issue::of_stack(&Record::read(text).ok()?)).collect());
        (wanted.to.to_string(), tracer.chain().end)
    };
    let (to, of_web) = end(&deed(r#"{"queueName":"web-Work-ABC"}"#));
    assert_eq!(
        (to.as_str(), of_web),
        ("2026-11-20T10:05:00Z", Ok(Origin::User("arn:aws:iam::111111111111:user/bob".into())))
    );
    let first = deed(r#"{"queueName":"queues-Work-ABC"}"#).replace("10:05:00", "09:05:00");
    assert_eq!(end(&first).1, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
}

#[test]
fn what_names_a_stack_is_read_once_and_means_the_same() {
    let asked = Asked::of(
        r#"{"queueName": "queues-Work-ABC", "web": "x", "web-key" : 1, "tags":["plain","a-b-c"],
        "policy":"{\"Resource\":\"inner-Topic-1\"}","arn":"arn:aws:cloudformation:eu-central-1:1:stack/app/12-34","cut":"half-na"#,
    );
    for stack in ["queues", "queues-Work", "plain", "a", "a-b", "inner", "app", "half"] {
        assert!(asked.names(stack), "{stack}");
    }
    for stack in ["", "queue", "web", "web-key", "b", "queues-Work-ABC-", "queueName", "stack"] {
        assert!(!asked.names(stack), "{stack}");
    }
}

#[test]
fn thousands_of_calls_on_stacks_are_held_against_a_request_as_long_as_they_get() {
    // 50,000 comparisons with a request of 60 KB: a search through it for each would read 9 GB.
    let values: String = (0..4_000).map(|n| format!(r#","k{n}":"v{n}-a""#)).collect();
    let asked = Asked::of(&format!(r#"{{"queueName":"stack-49999-Work"{values}}}"#));
    let named: Vec<usize> = (0..50_000).filter(|n| asked.names(&format!("stack-{n}"))).collect();
    assert_eq!(named, [49_999]);
}

const OLD: &str = "arn:aws:cloudformation:eu-central-1:111111111111:stack/web/11111111-1111-1111-1111-111111111111";
const NEW: &str = "arn:aws:cloudformation:eu-central-1:111111111111:stack/web/22222222-2222-2222-2222-222222222222";

fn created(id: &str, time: &str, by: &str, arn: &str) -> String {
    let with_role = format!(r#","roleARN":"{ROLE}""#);
    let mut text = stack(id, time, "CreateStack", by, "web", &with_role);
    text.truncate(text.len() - 1);
    format!(r#"{text},"responseElements":{{"stackId":"{arn}"}}}}"#)
}

#[test]
fn a_deletion_of_a_stack_is_not_behind_the_deletion_of_what_it_retains() {
    let retains =
        |list: &str| stack("bob", "10:00:00", "DeleteStack", "bob", "web", &format!(r#","retainResources":{list}"#));
    let none = |chain: Chain| assert!(matches!(chain.end, Err(Lost::NoStack(_))), "{chain:#?}");
    let bob = |chain: Chain| assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/bob".into())));
    let url = r#"{"queueUrl":"https://sqs.eu-central-1.amazonaws.com/111111111111/web-Work-ABC"}"#;
    none(trace(&deed(url), &[retains(r#"["Other","Work"]"#)]));
    none(trace(&deed(url), &[retains(r#"{"member":["Work"]}"#)]));
    // Buckets have the name in lower case.
    none(trace(&deed(r#"{"bucketName":"web-work-abc"}"#), &[retains(r#"["Work"]"#)]));
    bob(trace(&deed(url), &[retains(r#"["Wor","Other"]"#)]));
    bob(trace(&deed(url), &[retains("null")]));
    // What it makes is no deletion, and the caller who kept nothing is left.
    bob(trace(&deed(url).replace("DeleteQueue", "SetQueueAttributes"), &[retains(r#"["Work"]"#)]));
    let update = stack("ann", "09:00:00", "UpdateStack", "ann", "web", "");
    let end = trace(&deed(url), &[retains(r#"["Work"]"#), update]).end;
    assert_eq!(end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
    // Where a resource that cannot be deleted stays, this one was.
    let forced = stack("bob", "10:00:00", "DeleteStack", "bob", "web", r#","deletionMode":"FORCE_DELETE_STACK""#);
    bob(trace(&deed(url), &[forced]));
    // What was made stays where the creation fails, and a rollback deletes it otherwise.
    let with_role = format!(r#","roleARN":"{ROLE}""#);
    let make = |more: &str| stack("bob", "10:00:00", "CreateStack", "bob", "web", &format!("{with_role}{more}"));
    none(trace(&deed(url), &[make(r#","disableRollback":true"#)]));
    none(trace(&deed(url), &[make(r#","onFailure":"DO_NOTHING""#)]));
    bob(trace(&deed(url), &[make(r#","retainExceptOnCreate":true"#)]));
    bob(trace(&deed(url).replace("DeleteQueue", "CreateQueue"), &[make(r#","disableRollback":true"#)]));
}

#[test]
fn stacks_that_leave_a_stack_set_and_stay_lose_nothing() {
    let of_set = deed_of_set("AWSCloudFormationStackSetExecutionRole", CLOUDFORMATION, "10:05:00", "{}");
    let leave = |kept: bool| set_call("ann", "10:00:00", "DeleteStackInstances", &format!(r#","retainStacks":{kept}"#));
    let deletes = of_set.replace("CreateQueue", "DeleteQueue").replace("CreateTopic", "DeleteTopic");
    assert!(deletes.contains(r#""eventName":"Delete"#), "{deletes}");
    assert!(matches!(trace(&deletes, &[leave(true)]).end, Err(Lost::NoStack(_))));
    assert_eq!(trace(&deletes, &[leave(false)]).end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
}

#[test]
fn a_deletion_by_the_id_of_an_earlier_stack_is_not_behind_what_the_one_of_now_loses() {
    let delete = |id: &str, time: &str, by: &str, stack_name: &str| stack(id, time, "DeleteStack", by, stack_name, "");
    let now = deed(r#"{"queueName":"web-Work-ABC"}"#);
    let user = |by: &str| Ok(Origin::User(format!("arn:aws:iam::111111111111:user/{by}")));
    let made = created("made", "09:00:00", "ann", NEW);
    // Eve names what is gone; whoever is left worked on the stack of now.
    let old = delete("old", "10:00:00", "eve", OLD);
    assert_eq!(trace(&now, &[made.clone(), old.clone()]).end, user("ann"));
    let bob = delete("bob", "10:01:00", "bob", NEW);
    let both = [made.clone().replace("/ann", "/bob").replace("AIDAann", "AIDAbob"), old.clone(), bob];
    assert_eq!(trace(&now, &both).end, user("bob"));
    // An update shows that the other one is there too.
    let mut update = stack("up", "09:30:00", "UpdateStack", "ann", "web", "");
    update.truncate(update.len() - 1);
    let update = format!(r#"{update},"responseElements":{{"stackId":"{NEW}"}}}}"#);
    assert_eq!(trace(&now, &[update, old.clone()]).end, user("ann"));
    // The one that it names was made after, or in another region, or nothing says that there are two.
    let later = created("later", "09:59:00", "eve", OLD);
    assert!(matches!(trace(&now, &[made.clone(), later, old.clone()]).end, Err(Lost::Stacks { .. })));
    let elsewhere = made.replace(r#""awsRegion":"eu-central-1""#, r#""awsRegion":"us-east-1""#);
    assert_eq!(trace(&now, &[elsewhere, old.clone()]).end, user("eve"));
    assert_eq!(trace(&now, std::slice::from_ref(&old)).end, user("eve"));
    // What CloudFormation asks for has the id of the stack in it.
    let told = deed(&format!(r#"{{"queueName":"x","tags":{{"aws:cloudformation:stack-id":"{NEW}"}}}}"#));
    assert!(matches!(trace(&told, &[old]).end, Err(Lost::NoStack(_))));
}
