//! Who changed something: what the event history is asked, where, and what is read from its answers.
//!
//! The emulator has no event history (moto knows no `LookupEvents`), so its answers are written down here, in the shape
//! of the service model and with the records of CloudTrail's user guide.

use std::sync::Arc;

use orgtrail::cloud::CloudFault;
use orgtrail::cloud::aws::Aws;
use orgtrail::estate::{Address, Resource};
use orgtrail::event::{AuditEvent, EventHistory};
use orgtrail::ids::Partition;
use orgtrail::investigation::change;
use orgtrail::investigation::history::{Followed, HistorySource};
use orgtrail::plan::Change;
use serde_json::{Value, json};

use crate::fixture::{BUCKET, Deployment, TRAIL, connect, creation, update};
use crate::support::{Emulator, Trouble, World};

const LOOKUP: &str = "cloudtrail:LookupEvents";

/// An event at a minute of an hour, as `LookupEvents` returns it.
fn event(name: &str, minute: u32, record: Value) -> Value {
    json!({
        "EventId": format!("{minute}"), "EventName": name, "EventSource": "s3.amazonaws.com", "Username": "eve",
        // 2026-03-01T05:00:00Z and so many minutes.
        "EventTime": 1_772_341_200 + i64::from(minute) * 60,
        "ReadOnly": if record["readOnly"] == true { "true" } else { "false" },
        "CloudTrailEvent": record.to_string(),
    })
}

fn by(user: &str) -> Value {
    let arn = format!("arn:aws:iam::222222222222:user/{user}");
    json!({"userIdentity": {"type": "IAMUser", "arn": arn}, "sourceIPAddress": "203.0.113.7", "readOnly": false})
}

fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

fn answer(events: &[Value], next: Option<&str>) -> Trouble {
    Trouble::Answer(json!({"Events": events, "NextToken": next}).to_string())
}

/// What the event history has of a change.
async fn last_changes(aws: &Arc<Aws>, change: &Change) -> Result<EventHistory, CloudFault> {
    let now = "2026-03-02T00:00:00Z".parse().unwrap();
    let source = HistorySource::following(Arc::clone(aws) as _, Followed::default(), now);
    change::of_history(&source, change, Partition::Aws).await.map(|found| found.history)
}

async fn start(members: &[&str]) -> (Emulator, World, Deployment, Arc<Aws>) {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, members);
    let aws = Arc::new(connect(&emulator).await);
    (emulator, world, deployment, aws)
}

/// The first change that drifted at an address, where nothing was seen.
fn lost(deployment: &Deployment, address: &Address) -> Change {
    creation(deployment.at(address))
}

#[tokio::test]
async fn the_last_changes_are_told_and_nothing_else() {
    let (emulator, _, deployment, aws) = start(&[]).await;
    let service = json!({"userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com"}});
    let events = [
        event("GetBucketPolicy", 9, with(by("reader"), "readOnly", json!(true))),
        event("PutBucketPolicy", 8, with(by("denied"), "errorCode", json!("AccessDenied"))),
        event("PutBucketPolicy", 7, by("mallory")),
        event("PutBucketTagging", 6, service),
        // What cannot be read names the user at least.
        json!({"EventName": "PutBucketVersioning", "EventTime": 1_772_341_500, "Username": "eve", "CloudTrailEvent": "{"}),
        event("PutBucketPolicy", 4, by("too-old")),
    ];
    emulator.proxy().trouble("cloudtrail", "LookupEvents", 1, answer(&events, Some("more")));
    let EventHistory { found, gap } = last_changes(&aws, &lost(&deployment, &deployment.bucket())).await.unwrap();
    let event_of = |time: &str, actor: &str, event: &str, source: Option<&str>| AuditEvent {
        time: format!("2026-03-01T05:{time}:00Z"),
        actor: actor.into(),
        event: event.into(),
        source: source.map(str::to_owned),
        ..AuditEvent::default()
    };
    let expected = [
        event_of("07", "arn:aws:iam::222222222222:user/mallory", "PutBucketPolicy", Some("203.0.113.7")),
        event_of("06", "config.amazonaws.com", "PutBucketTagging", None),
        AuditEvent {
            doubt: Some("its record cannot be read".into()),
            ..event_of("05", "eve (user name of the event history, account not known)", "PutBucketVersioning", None)
        },
    ];
    assert_eq!(found, expected);
    assert_eq!(gap, None);
    assert_eq!(emulator.proxy().count(LOOKUP), 1, "the next page is not needed");
}

#[tokio::test]
async fn pages_of_reads_are_not_read_without_end() {
    let (emulator, _, deployment, aws) = start(&[]).await;
    let reads = [event("GetBucketAcl", 9, with(by("reader"), "readOnly", json!(true)))];
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, answer(&reads, Some("more")));
    let history = last_changes(&aws, &lost(&deployment, &deployment.bucket())).await.unwrap();
    assert_eq!(emulator.proxy().count(LOOKUP), 4);
    assert!(history.found.is_empty() && history.gap.unwrap().contains("older ones were not read"), "{history:?}");
    let bodies: Vec<Value> = lookups(&emulator).into_iter().map(|(_, body)| body).collect();
    assert!(bodies[0].get("NextToken").is_none() && bodies[1]["NextToken"] == "more");
}

#[tokio::test]
async fn what_could_not_be_read_is_never_no_change() {
    let (emulator, _, deployment, aws) = start(&[]).await;
    for body in ["{}", r#"{"Events":null}"#] {
        emulator.proxy().trouble("cloudtrail", "LookupEvents", 1, Trouble::Answer(body.into()));
        let fault = last_changes(&aws, &lost(&deployment, &deployment.bucket())).await.unwrap_err();
        assert!(fault.to_string().contains("lacks its list of events"), "{fault}");
    }
    let absent = json!({"EventName": "PutRetentionPolicy", "EventTime": 1_772_341_500, "Username": "eve"});
    let cut_off = json!({"EventName": "PutRetentionPolicy", "EventTime": 1_772_341_500, "CloudTrailEvent": "{\"a"});
    for event in [absent, cut_off] {
        let events = answer(&[event], None);
        emulator.proxy().trouble_where("cloudtrail", "LookupEvents", "PutRetention", 1, events);
        emulator.proxy().trouble("cloudtrail", "LookupEvents", 2, answer(&[], None));
        let history = last_changes(&aws, &lost(&deployment, &deployment.log_group())).await.unwrap();
        let gap = "an event in the event history that may be about it cannot be read: other changes may be there";
        assert_eq!(history, EventHistory { found: Vec::new(), gap: Some(gap) });
    }
}

/// The region and the body of each lookup.
fn lookups(emulator: &Emulator) -> Vec<(String, Value)> {
    let calls = emulator.proxy().calls().into_iter().filter(|call| call.action == "LookupEvents");
    calls.map(|call| (call.region, serde_json::from_str(&call.body).unwrap())).collect()
}

#[tokio::test]
async fn each_kind_is_asked_for_where_and_as_its_events_name_it() {
    let (emulator, world, deployment, aws) = start(&["web"]).await;
    deployment.make(&aws).await;
    let estate = deployment.look(&aws).await;
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, answer(&[], None));
    let Some(Resource::Key(key)) = estate.resource(&deployment.key()) else { panic!("no key") };
    let (key, management, log) = (key.arn.clone().unwrap(), world.account("management"), world.log());
    let web = world.account("web");
    let trail = format!("arn:aws:cloudtrail:eu-central-1:{management}:trail/{TRAIL}");
    let topic = format!("arn:aws:sns:eu-central-1:{log}:{TRAIL}");
    let policy = format!("arn:aws:iam::{web}:policy/CloudTrailReadLogs");
    let reader = deployment.reader(web);
    let cases: [(Address, &str, &str, Vec<&str>); 7] = [
        (deployment.bucket(), "eu-central-1", "ResourceName", vec![BUCKET]),
        (deployment.key(), "eu-central-1", "ResourceName", vec![&key]),
        (deployment.trail(), "eu-central-1", "ResourceName", vec![&trail, TRAIL]),
        (deployment.topic(), "eu-central-1", "ResourceName", vec![&topic, TRAIL]),
        // Events of IAM are in the global region.
        (reader.clone(), "us-east-1", "ResourceName", vec![&reader.name]),
        (Deployment::member_policy(web), "us-east-1", "ResourceName", vec![&policy, "CloudTrailReadLogs"]),
        (
            deployment.log_group(),
            "eu-central-1",
            "EventName",
            vec!["PutRetentionPolicy", "DeleteRetentionPolicy", "DeleteLogGroup"],
        ),
    ];
    for (address, region, key, values) in cases {
        emulator.proxy().clear();
        let history = last_changes(&aws, &update(deployment.at(&address), &estate, &["tags"])).await.unwrap();
        assert_eq!(history, EventHistory::default(), "{address}");
        let asked = lookups(&emulator);
        assert!(asked.iter().all(|(there, _)| there == region), "{address}: {asked:?}");
        let attributes: Vec<&Value> = asked.iter().map(|(_, body)| &body["LookupAttributes"][0]).collect();
        let expected: Vec<Value> =
            values.iter().map(|value| json!({"AttributeKey": key, "AttributeValue": value})).collect();
        assert_eq!(attributes, expected.iter().collect::<Vec<_>>(), "{address}");
        // In the account of the resource, with the credentials of its role.
        let call = emulator.proxy().calls().into_iter().find(|call| call.action == "LookupEvents").unwrap();
        assert_eq!(world.account_of(&call.access_key).await, address.account, "{address}");
    }
}

#[tokio::test]
async fn events_that_name_no_resource_are_searched_for_it() {
    let (emulator, _, deployment, aws) = start(&[]).await;
    let retention = |group: &str, user: &str, minute| {
        event("PutRetentionPolicy", minute, with(by(user), "requestParameters", json!({"logGroupName": group})))
    };
    let events = [retention("/other", "somebody", 9), retention("/orgtrail/acme", "mallory", 8)];
    emulator.proxy().trouble_where("cloudtrail", "LookupEvents", "PutRetention", 1, answer(&events, None));
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, answer(&[], None));
    let history = last_changes(&aws, &lost(&deployment, &deployment.log_group())).await.unwrap();
    let actors: Vec<&str> = history.found.iter().map(|event_of| event_of.actor.as_str()).collect();
    assert_eq!(actors, ["arn:aws:iam::222222222222:user/mallory"]);
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_looked_for_and_a_refusal_is_a_fault() {
    let (emulator, _, deployment, aws) = start(&[]).await;
    let history = last_changes(&aws, &lost(&deployment, &deployment.key())).await.unwrap();
    assert!(history.found.is_empty() && history.gap.is_some(), "{history:?}");
    assert_eq!(emulator.proxy().count(LOOKUP), 0);

    emulator.proxy().trouble("cloudtrail", "LookupEvents", 1, Trouble::Error(400, "AccessDeniedException"));
    let fault = last_changes(&aws, &lost(&deployment, &deployment.bucket())).await.unwrap_err();
    assert_eq!(fault.operation, LOOKUP);
}
