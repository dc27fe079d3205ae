//! What is read of records, over their shapes and wrappings.

use serde_json::{Value, json};

use super::*;

fn actor(identity: Value) -> Actor {
    Actor::of(&Record::read(&json!({ "userIdentity": identity }).to_string()).unwrap())
}

const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Admin_1a2b/eve@example.com";
const ROLE: &str = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1a2b";

fn session() -> Value {
    json!({
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:eve@example.com", "arn": SESSION,
        "accountId": "111111111111", "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "arn": ROLE, "accountId": "111111111111"},
            "attributes": {"creationDate": "2026-01-05T00:00:00Z", "mfaAuthenticated": "false"}
        }
    })
}

#[test]
fn each_kind_of_identity_has_a_name_and_a_kind() {
    let user = "arn:aws:iam::111111111111:user/eve";
    let cases = [
        (
            json!({"type": "Root", "arn": "arn:aws:iam::1:root", "principalId": "1"}),
            ActorKind::Root,
            "arn:aws:iam::1:root",
        ),
        (
            json!({"type": "Root", "arn": "arn:aws:iam::1:root", "sessionContext": {"assumedRoot": "true"}}),
            ActorKind::AssumedRoot,
            "arn:aws:iam::1:root",
        ),
        (json!({"type": "IAMUser", "arn": user, "userName": "eve"}), ActorKind::User, user),
        (
            json!({"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "principalId": ""}),
            ActorKind::User,
            "HIDDEN_DUE_TO_SECURITY_REASONS",
        ),
        (session(), ActorKind::Role, SESSION),
        (
            json!({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/x"}),
            ActorKind::FederatedUser,
            "arn:aws:sts::1:federated-user/x",
        ),
        (
            json!({"type": "IdentityCenterUser", "accountId": "1", "onBehalfOf": {"userId": "9067-1"}}),
            ActorKind::IdentityCenterUser,
            "Identity Center user 9067-1",
        ),
        (
            json!({"type": "WebIdentityUser", "userName": "system:serviceaccount:a:b", "identityProvider": "oidc"}),
            ActorKind::ExternalUser,
            "system:serviceaccount:a:b",
        ),
        (
            json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"}),
            ActorKind::Service,
            "config.amazonaws.com",
        ),
        // An event of a service itself.
        (
            json!({"accountId": "1", "invokedBy": "organizations.amazonaws.com"}),
            ActorKind::Service,
            "organizations.amazonaws.com",
        ),
        (
            json!({"type": "AWSAccount", "principalId": "AIDA1", "accountId": "2"}),
            ActorKind::Account,
            "AIDA1 of account 2",
        ),
        (json!({"type": "AWSAccount", "accountId": "2"}), ActorKind::Account, "2"),
        (
            json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}),
            ActorKind::Anonymous,
            "anonymous",
        ),
        (json!({"type": "Unknown"}), ActorKind::Unknown, "Unknown"),
        (json!({"type": "SomethingNew", "arn": user}), ActorKind::User, user),
        (json!({}), ActorKind::Unknown, "unknown"),
        (Value::Null, ActorKind::Unknown, "unknown"),
        (json!("eve"), ActorKind::Unknown, "unknown"),
        (json!({"arn": ["x"], "type": {"a": 1}}), ActorKind::Unknown, "unknown"),
    ];
    for (identity, kind, name) in cases {
        let found = actor(identity.clone());
        assert_eq!((found.kind, found.name.as_str()), (kind, name), "{identity}");
    }
}

#[test]
fn the_name_of_a_session_is_a_claim_and_a_source_identity_is_none() {
    let mut identity = session();
    let claimed = actor(identity.clone());
    assert_eq!(claimed.behind(), Behind::Claimed("eve@example.com"));
    assert_eq!((claimed.role.as_deref(), claimed.role_name()), (Some(ROLE), Some("AWSReservedSSO_Admin_1a2b")));
    assert_eq!(claimed.access_key.as_deref(), Some("ASIAEXAMPLE"));
    identity["sessionContext"]["sourceIdentity"] = "mallory".into();
    identity["invokedBy"] = "cloudformation.amazonaws.com".into();
    let proven = actor(identity);
    assert_eq!(proven.behind(), Behind::Proven("mallory"));
    assert_eq!(proven.through.as_deref(), Some("cloudformation.amazonaws.com"));
    let user = actor(json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/eve"}));
    assert_eq!(user.behind(), Behind::Proven("arn:aws:iam::1:user/eve"));
    assert_eq!(actor(json!({})).behind(), Behind::Unknown);
}

#[test]
fn a_second_factor_that_is_not_recorded_is_not_missing() {
    let mfa = |record: Value| Actor::of(&Record::read(&record.to_string()).unwrap()).mfa;
    assert_eq!(mfa(json!({ "userIdentity": session() })), Mfa::NotUsed);
    assert_eq!(mfa(json!({"userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAEXAMPLE"}})), Mfa::NotRecorded);
    assert_eq!(mfa(json!({"additionalEventData": {"MFAUsed": "Yes"}})), Mfa::Used);
    assert_eq!(mfa(json!({"additionalEventData": {"MFAUsed": "No"}})), Mfa::NotUsed);
    assert_eq!(mfa(json!({"additionalEventData": "MFAUsed"})), Mfa::NotRecorded);
}

#[test]
fn a_record_is_read_as_far_as_it_can_be() {
    let text = json!({
        "eventVersion": "1.42", "eventTime": "yesterday", "eventName": 7, "readOnly": "true", "managementEvent": 1,
        "userIdentity": {"arn": "a", "sessionContext": {"attributes": ["x"]}}, "resources": {"ARN": "b"},
        "requestParameters": "text", "tomorrow": {"new": 1}
    })
    .to_string();
    let record = Record::read(&text).unwrap();
    let unread: Vec<&str> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
    let expected = ["eventTime", "managementEvent", "userIdentity.sessionContext.attributes", "resources"];
    assert_eq!(unread, expected);
    assert_eq!((record.event_name.as_deref(), record.read_only), (Some("7"), Some(true)));
    assert_eq!(record.request_parameters.unwrap().as_str(), "\"text\"");
    assert_eq!(record.field("tomorrow.new").unwrap().as_str(), "1");
    assert_eq!(
        (record.is_version(1, 11), record.is_version(1, 43), record.is_version(2, 0)),
        (Some(true), Some(false), Some(false))
    );
    let twice = Record::read(r#"{"eventName":"a","eventName":"b"}"#).unwrap();
    assert_eq!((twice.event_name.as_deref(), twice.unread.len()), (Some("b"), 1));
}

#[test]
fn what_is_no_record_is_refused_and_what_is_too_long_is_not_read() {
    assert!(matches!(Record::read(""), Err(BadRecord::NotJson(_))));
    assert!(matches!(Record::read("{} {}"), Err(BadRecord::NotJson(_))));
    assert_eq!(Record::read("[1]"), Err(BadRecord::NotAnObject));
    assert_eq!(Record::read(&" ".repeat(RECORD_BYTES_MAX + 1)), Err(BadRecord::TooLong(RECORD_BYTES_MAX + 1)));
    let many = format!(r#"{{"resources":[{}{{}}]}}"#, "{},".repeat(10_000));
    let record = Record::read(&many).unwrap();
    assert_eq!((record.resources.len(), record.unread.len()), (1_000, 1));
    let odd: Vec<String> = (0..1_000).map(|n| format!(r#""x":{n}"#)).collect();
    assert!(Record::read(&format!("{{{}}}", odd.join(","))).unwrap().unread.len() <= 32);
}

#[test]
fn aggregated_and_insight_records_have_their_id_and_account() {
    let aggregated =
        Record::read(r#"{"eventVersion":"1.0","eventId":"e","accountId":"1","eventCategory":"Aggregated"}"#);
    let aggregated = aggregated.unwrap();
    assert_eq!((aggregated.event_id.as_deref(), aggregated.recipient_account_id.as_deref()), (Some("e"), Some("1")));
    let insight = r#"{"eventID":"e","sharedEventID":"s","insightDetails":{"state":"Start"},"eventCategory":"Insight"}"#;
    let insight = Record::read(insight).unwrap();
    assert_eq!(insight.shared_event_id.as_deref(), Some("s"));
    assert_eq!(insight.field("insightDetails.state").unwrap().text().as_deref(), Some("Start"));
}

/// Records that CloudTrail wrote.
fn real() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/logs/invictus");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let records = logs.flat_map(|path| {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        file["Records"].as_array().unwrap().clone()
    });
    records.collect()
}

#[test]
fn records_of_a_real_account_are_read_whole() {
    let all = real();
    assert!(all.len() > 10, "{}", all.len());
    for value in &all {
        let text = value.to_string();
        let record = Record::read(&text).unwrap();
        assert_eq!(record.unread, [], "{text}");
        assert!(record.event_time.is_some() && record.event_id.is_some() && record.event_source.is_some(), "{text}");
        assert_eq!(record.event_name.as_deref(), value["eventName"].as_str());
        let actor = Actor::of(&record);
        assert!(actor.name != UNKNOWN && actor.kind != ActorKind::Unknown, "{text}");
        assert_eq!(Outcome::of(&record).may_be_done(), value.get("errorCode").is_none(), "{text}");
        // What the catalog knows of a call that was done, the record has.
        let source = record.event_source.as_deref().unwrap_or_default();
        let call = catalog::find(source, record.event_name.as_deref().unwrap_or_default());
        if let Some(call) = call.filter(|call| Outcome::of(&record).may_be_done() && !call.names.is_empty()) {
            assert_eq!(record.read_only, Some(false), "{text}");
            assert!(resource::named(&record).iter().any(|named| named.target == Some(call.target)), "{text}");
        }
    }
}

/// The three ways in which one event comes: an element of a log file, EventBridge's detail, a text in the event
/// history.
#[test]
fn the_same_event_is_the_same_record_and_the_same_who_in_every_wrapping() {
    let mut own = vec![json!({
        "eventVersion": "1.11", "eventTime": "2026-01-05T00:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy", "readOnly": false, "userIdentity": session(), "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"bucketName": "acme", "text": "a \"quoted\" \u{1F600} \\ text"}
    })];
    own.extend(real());
    for value in own {
        let file = json!({ "Records": [value] }).to_string();
        let element = Json::parse(&file).unwrap().at("Records[0]").unwrap();
        let delivered = Record::read(element.as_str()).unwrap();
        let envelope = json!({
            "version": "0", "detail-type": "AWS API Call via CloudTrail", "account": "111111111111",
            "region": "eu-central-1", "detail": value
        });
        let envelope = envelope.to_string();
        let sent = EventBridgeEvent::read(&envelope).unwrap().record;
        let answer = json!({"Events": [{"CloudTrailEvent": value.to_string()}]}).to_string();
        let text = Json::parse(&answer).unwrap().at("Events[0].CloudTrailEvent").unwrap().text().unwrap();
        let looked_up = Record::read(&text).unwrap();
        assert_eq!(delivered, sent);
        assert_eq!(delivered, looked_up);
        let history = HistoryEvent { record: Some(&text), username: Some("somebody else"), ..HistoryEvent::default() };
        assert_eq!(history.change(None), Ok(AuditEvent::of(&sent)));
        if let Ok(Some(event)) = history.change(None) {
            assert_eq!(event.actor, Actor::of(&sent).name);
        }
    }
}

const TIME: &str = "2026-01-05T00:00:00Z";

fn of_history(record: Option<&str>) -> HistoryEvent<'_> {
    let time = TIME.parse().ok();
    HistoryEvent { record, name: Some("StopLogging"), time, username: Some("eve"), is_read: false }
}

const EVE: &str = "eve (user name of the event history, account not known)";

#[test]
fn an_event_of_the_history_whose_record_cannot_be_read_names_its_user_but_no_resource() {
    let long = " ".repeat(RECORD_BYTES_MAX + 1);
    for record in [Some("{"), Some(""), Some("[]"), Some(long.as_str()), None] {
        let event = of_history(record);
        let change = event.change(None).unwrap().unwrap();
        assert_eq!((change.actor.as_str(), change.event.as_str(), change.time.as_str()), (EVE, "StopLogging", TIME));
        assert_eq!(change.doubt.as_deref(), Some("its record cannot be read"));
        assert_eq!(event.change(Some((catalog::Target::Trail, "acme"))), Err(UnreadEvent));
        assert_eq!(HistoryEvent { is_read: true, ..event }.change(None), Ok(None));
        assert_eq!(HistoryEvent { time: None, ..event }.change(None), Err(UnreadEvent));
    }
    assert_eq!(HistoryEvent { time: None, ..of_history(Some("{}")) }.change(None), Err(UnreadEvent));
}

#[test]
fn what_an_event_is_about_is_not_known_without_its_request() {
    let about = |parts: &str| {
        let text = format!(
            r#"{{"eventSource":"logs.amazonaws.com","eventName":"DeleteLogGroup"{parts},"eventTime":"{TIME}"}}"#
        );
        of_history(Some(&text)).change(Some((catalog::Target::LogGroup, "/acme"))).map(|event| event.is_some())
    };
    let request = |request: &str| about(&format!(r#","requestParameters":{request}"#));
    assert_eq!(request(r#"{"logGroupName":"/acme"}"#), Ok(true));
    assert_eq!(request(r#"{"logGroupName":"/other"}"#), Ok(false));
    for request in ["null", "7", "{}", r#"{"omitted":true,"originalSize":300000,"reason":"limit"}"#] {
        let unread = about(&format!(r#","requestParameters":{request}"#));
        assert_eq!(unread, Err(UnreadEvent), "{request}");
    }
    assert_eq!(about(""), Err(UnreadEvent));
    // A call that was refused has no request, and changed nothing; one of another service is about something else.
    assert_eq!(about(r#","errorCode":"AccessDenied""#), Ok(false));
    assert_eq!(about(r#","eventSource":"other.amazonaws.com""#), Ok(false));
}

#[test]
fn a_call_that_may_not_have_been_done_says_why() {
    let doubt = |parts: &str| {
        let text = format!(r#"{{"eventTime":"{TIME}"{parts}}}"#);
        of_history(Some(&text)).change(None).unwrap().map(|event| event.doubt)
    };
    assert_eq!(doubt(""), Some(None));
    assert_eq!(doubt(r#","errorCode":"AccessDenied""#), None);
    assert_eq!(doubt(r#","errorCode":"InternalFailure""#), Some(Some("InternalFailure".into())));
    assert_eq!(doubt(r#","errorMessage":"it went wrong""#), Some(Some("it went wrong".into())));
    assert_eq!(doubt(r#","errorCode":["x"]"#), Some(Some("its error cannot be read".into())));
}

#[test]
fn the_user_name_of_the_history_is_taken_where_the_record_names_nobody() {
    let actor = |identity: Value| {
        let text = json!({"eventTime": TIME, "userIdentity": identity}).to_string();
        of_history(Some(&text)).change(None).unwrap().unwrap().actor
    };
    let of_account = "eve (user name of the event history, account 222222222222)";
    for (identity, name) in [
        (json!({}), EVE),
        (json!("eve"), EVE),
        (json!({"type": "IAMUser"}), EVE),
        (json!({"type": "IAMUser", "arn": ["x"], "accountId": "222222222222"}), of_account),
        (json!({"type": "IAMUser", "userName": "bob"}), "bob"),
        (json!({"type": "AWSAccount", "accountId": "2"}), "2"),
        (json!({"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"}), "anonymous"),
    ] {
        assert_eq!(actor(identity.clone()), name, "{identity}");
    }
}

#[test]
fn no_text_of_an_identity_is_longer_than_an_arn() {
    let long = "x".repeat(1 << 16);
    let identity = json!({
        "type": "AssumedRole", "arn": format!("arn:aws:sts::1:assumed-role/a/{long}"), "accountId": long,
        "accessKeyId": long, "invokedBy": long,
        "sessionContext": {"sourceIdentity": long, "sessionIssuer": {"arn": long}}
    });
    let text = json!({"eventTime": TIME, "eventName": long, "sourceIPAddress": long, "userIdentity": identity});
    let event = AuditEvent::of(&Record::read(&text.to_string()).unwrap()).unwrap();
    let AuditEvent { time: _, actor, event, source, role, source_identity, through, doubt } = event;
    assert_eq!(doubt, None);
    for text in [Some(actor), Some(event), source, role, source_identity, through] {
        assert_eq!(text.unwrap().len(), 2_048 + "…".len());
    }
    let account = actor_of_account(&long);
    assert!(account.len() < 2 * 2_100, "{}", account.len());
}

fn actor_of_account(long: &str) -> String {
    actor(json!({"type": "AWSAccount", "principalId": long, "accountId": long})).name
}

#[test]
fn the_newest_changes_are_told_by_their_times_each_once() {
    let at = |time: &str| AuditEvent { time: time.into(), ..AuditEvent::default() };
    let by = |time: &str| AuditEvent { actor: "eve".into(), ..at(time) };
    let (whole, half, next) = ("2026-01-05T00:00:00Z", "2026-01-05T00:00:00.5Z", "2026-01-05T00:00:01Z");
    let found = vec![at(whole), by(whole), at(whole), at(next), at(half), by(whole)];
    let newest = |most| EventHistory { found: found.clone(), gap: Some("gap") }.newest(most);
    assert_eq!(newest(9), EventHistory { found: vec![at(next), at(half), at(whole), by(whole)], gap: Some("gap") });
    assert_eq!(newest(2).found, [at(next), at(half)]);
}
