//! AWS Config's recorders and delivery channels, as they come over the wire.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_config::Client;
use aws_sdk_config::types::{
    ConfigurationRecorder, DeliveryChannel as SdkChannel, ExclusionByResourceTypes, RecordingGroup, RecordingStrategy,
    RecordingStrategyType, ResourceType,
};
use orgtrail::cloud::aws::Aws;
use orgtrail::cloud::{CloudFaultKind, CloudReader, NoProgress};
use orgtrail::ids::Region;
use orgtrail::recorders::{
    AccountRecorders, ConfigDelivery, ConfigRecorder, DeliveryChannel, RecordedTypes, Recorders, RecordingFrequency,
    RegionRecorder,
};
use orgtrail::survey::RecorderSurvey;
use serde_json::{Value, json};

use crate::fixture::connect;
use crate::support::world::HOME;
use crate::support::{Emulator, Proxy, Trouble, World};

const ROLE: &str = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";

async fn recorder(aws: &Aws, world: &World, account: &str) -> RegionRecorder {
    let region: Region = HOME.parse().unwrap();
    aws.recorder(world.account(account), &region).await.unwrap().unwrap()
}

async fn put(client: &Client, group: RecordingGroup) {
    let recorder = ConfigurationRecorder::builder().name("default").role_arn(ROLE).recording_group(group).build();
    client.put_configuration_recorder().configuration_recorder(recorder).send().await.unwrap();
}

async fn deliver(client: &Client) {
    let channel = SdkChannel::builder().name("default").s3_bucket_name("acme-config").s3_key_prefix("audit").build();
    client.put_delivery_channel().delivery_channel(channel).send().await.unwrap();
}

/// Moto does not know the status of a channel.
fn channel_status(proxy: &Proxy, history: &Value) {
    let status = json!({"DeliveryChannelsStatus": [{"name": "default", "configHistoryDeliveryInfo": history,
        "configSnapshotDeliveryInfo": {"lastStatus": "Success", "lastSuccessfulTime": 1_764_500_000}}]});
    proxy.trouble("config", "DescribeDeliveryChannelStatus", usize::MAX, Trouble::Answer(status.to_string()));
}

fn everything() -> RecordingGroup {
    RecordingGroup::builder().all_supported(true).include_global_resource_types(true).build()
}

#[tokio::test]
async fn a_recorder_is_read_with_its_state_its_types_and_its_channel() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = Client::new(&world.management());
    put(&client, everything()).await;
    deliver(&client).await;
    channel_status(
        emulator.proxy(),
        &json!({"lastStatus": "Failure", "lastErrorCode": "AccessDenied",
        "lastErrorMessage": "Access Denied"}),
    );
    let aws = connect(&emulator).await;
    let found = recorder(&aws, &world, "management").await;
    let expected = ConfigRecorder {
        name: "default".into(),
        role: Some(ROLE.into()),
        recording: false,
        started: None,
        stopped: None,
        failure: None,
        types: RecordedTypes::All { global: true },
        frequency: RecordingFrequency::Continuous,
        overrides: BTreeMap::new(),
    };
    assert_eq!(found.recorder, Some(expected.clone()));
    let channel = DeliveryChannel {
        name: "default".into(),
        bucket: "acme-config".into(),
        prefix: "audit/".into(),
        history: ConfigDelivery { succeeded: None, failure: Some("AccessDenied: Access Denied".into()) },
        snapshot: ConfigDelivery { succeeded: Some("2025-11-30T10:53:20Z".parse().unwrap()), failure: None },
    };
    assert_eq!(found.channel, Some(channel));

    client.start_configuration_recorder().configuration_recorder_name("default").send().await.unwrap();
    let on = recorder(&aws, &world, "management").await.recorder.unwrap();
    assert!(on.recording && on.started.is_some() && on.failure.is_none(), "{on:?}");
    client.stop_configuration_recorder().configuration_recorder_name("default").send().await.unwrap();
    let off = recorder(&aws, &world, "management").await.recorder.unwrap();
    assert!(!off.recording && off.stopped.is_some(), "{off:?}");
}

#[tokio::test]
async fn each_way_to_choose_types_is_read_as_it_is_meant() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = Client::new(&world.management());
    let aws = connect(&emulator).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let only =
        |of| RecordingGroup::builder().all_supported(false).include_global_resource_types(false).resource_types(of);
    let strategy = RecordingStrategy::builder().use_only(RecordingStrategyType::ExclusionByResourceTypes).build();
    let left_out = ExclusionByResourceTypes::builder().resource_types(ResourceType::Bucket).build();
    let but = RecordingGroup::builder().recording_strategy(strategy).exclusion_by_resource_types(left_out).build();
    for (group, types) in [
        (RecordingGroup::builder().all_supported(true).build(), RecordedTypes::All { global: false }),
        (only(ResourceType::Role).build(), RecordedTypes::Only(names(&["AWS::IAM::Role"]))),
        (but, RecordedTypes::AllBut(names(&["AWS::S3::Bucket"]))),
    ] {
        put(&client, group).await;
        assert_eq!(recorder(&aws, &world, "management").await.recorder.unwrap().types, types);
    }
}

#[tokio::test]
async fn a_region_without_a_recorder_costs_one_call_and_those_of_services_are_left_out() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    assert_eq!(recorder(&aws, &world, "web").await, RegionRecorder::default());
    let of_service = json!({"ConfigurationRecorders": [{"name": "AWSConfigurationRecorderForSecurityHub",
        "servicePrincipal": "securityhub.amazonaws.com", "recordingScope": "INTERNAL"}]});
    let proxy = emulator.proxy();
    proxy.trouble("config", "DescribeConfigurationRecorders", 1, Trouble::Answer(of_service.to_string()));
    assert_eq!(recorder(&aws, &world, "web").await, RegionRecorder::default());
    let asked = proxy.calls().into_iter().filter(|call| call.service == "config");
    let asked: Vec<_> = asked.map(|call| (call.action, call.access_key)).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(world.account_of(&asked[0].1).await, *world.account("web"), "it is asked in its own account");
}

#[tokio::test]
async fn how_often_is_recorded_and_why_not_is_read_and_a_cut_answer_is_a_fault() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    let proxy = emulator.proxy();
    let answer = |action, answer: Value| proxy.trouble("config", action, 1, Trouble::Answer(answer.to_string()));
    let mode = json!({"recordingFrequency": "DAILY", "recordingModeOverrides":
        [{"resourceTypes": ["AWS::IAM::Role"], "recordingFrequency": "CONTINUOUS"}]});
    let recorders = json!({"ConfigurationRecorders": [{"name": "own", "roleARN": ROLE, "recordingMode": mode,
        "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": false}}]});
    let failing = json!({"ConfigurationRecordersStatus": [{"name": "own", "recording": true, "lastStatus": "FAILURE",
        "lastErrorCode": "InsufficientPermissions", "lastErrorMessage": "x".repeat(1_000)}]});
    answer("DescribeConfigurationRecorders", recorders.clone());
    answer("DescribeConfigurationRecorderStatus", failing);
    let found = recorder(&aws, &world, "management").await;
    assert_eq!(found.channel, None);
    let found = found.recorder.unwrap();
    assert_eq!(found.frequency, RecordingFrequency::Daily);
    assert_eq!(found.overrides, BTreeMap::from([("AWS::IAM::Role".to_owned(), RecordingFrequency::Continuous)]));
    let why = found.failure.unwrap();
    assert!(why.starts_with("InsufficientPermissions: x") && why.len() == 300, "{why}");

    let region: Region = HOME.parse().unwrap();
    let fails = async || aws.recorder(world.account("management"), &region).await.unwrap_err();
    answer("DescribeConfigurationRecorders", json!({}));
    assert_eq!(fails().await.code, "UnexpectedAnswer", "no list is not an empty list");
    answer("DescribeConfigurationRecorders", recorders);
    answer("DescribeConfigurationRecorderStatus", json!({"ConfigurationRecordersStatus": []}));
    assert_eq!(fails().await.code, "UnexpectedAnswer", "a recorder without a status is not off");
    proxy.trouble("config", "DescribeConfigurationRecorders", 1, Trouble::Error(400, "AccessDeniedException"));
    let fault = fails().await;
    assert_eq!((fault.kind, &*fault.operation), (CloudFaultKind::Denied, "config:DescribeConfigurationRecorders"));
}

#[tokio::test]
async fn every_enabled_region_of_every_account_is_asked_and_what_one_refuses_is_its_own() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = Client::new(&world.management());
    put(&client, everything()).await;
    deliver(&client).await;
    let proxy = emulator.proxy();
    channel_status(proxy, &json!({"lastStatus": "Success"}));
    let regions = [HOME, "eu-west-1"].map(|name| json!({"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"}));
    let regions = Trouble::Answer(json!({"Regions": regions}).to_string());
    proxy.trouble("account", "ListRegions", usize::MAX, regions);
    proxy.refuse_roles_of(world.account("web").as_str());
    let aws = connect(&emulator).await;
    let survey = RecorderSurvey { look: &aws, at_once: 4, region: None, progress: &NoProgress };
    let accounts = ["management", "log-archive", "web"].map(|name| world.account(name).clone());
    let Recorders::Known(known) = survey.recorders(accounts.map(|account| (account, None))).await else {
        panic!("nothing is known")
    };
    let of = |name: &str| match &known[world.account(name)] {
        AccountRecorders::Regions(regions) => regions,
        other => panic!("{other:?}"),
    };
    let (home, other): (Region, Region) = (HOME.parse().unwrap(), "eu-west-1".parse().unwrap());
    let on = |name: &str, region: &Region| of(name)[region].as_ref().map(|known| known.recorder.is_some());
    assert_eq!((on("management", &home), on("management", &other)), (Ok(true), Ok(false)));
    assert_eq!((on("log-archive", &home), on("log-archive", &other)), (Ok(false), Ok(false)));
    for region in [home, other] {
        let problem = of("web")[&region].as_ref().unwrap_err();
        assert_eq!((&problem.account, problem.code.as_str()), (world.account("web"), "AccessDenied"));
    }
    assert_eq!(Recorders::Known(known).problems().len(), 1, "one account is one problem");
}
