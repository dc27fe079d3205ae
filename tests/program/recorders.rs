//! `orgtrail check --aws-config` over the wire: the recorders of an organization, and what reading them needs.

use std::collections::BTreeSet;

use aws_sdk_config::Client;
use aws_sdk_config::types::{ConfigurationRecorder, DeliveryChannel, RecordingGroup};
use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

/// Makes a recorder of everything that is on, with the service-linked role.
async fn record(world: &World, account: &str) {
    let config = if account == "management" { world.management() } else { world.hand_in(account).await };
    let client = Client::new(&config);
    let role = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
    let role = format!("arn:aws:iam::{}:role/{role}", world.account(account));
    let group = RecordingGroup::builder().all_supported(true).include_global_resource_types(true).build();
    let recorder = ConfigurationRecorder::builder().name("default").role_arn(role).recording_group(group).build();
    client.put_configuration_recorder().configuration_recorder(recorder).send().await.unwrap();
    let channel = DeliveryChannel::builder().name("default").s3_bucket_name("acme-config").build();
    client.put_delivery_channel().delivery_channel(channel).send().await.unwrap();
    client.start_configuration_recorder().configuration_recorder_name("default").send().await.unwrap();
}

/// Answers what moto does not know: the enabled regions, and the status of a delivery channel.
fn answers(emulator: &Emulator) {
    let regions = json!({"Regions": [{"RegionName": "eu-central-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}]});
    emulator.proxy().trouble("account", "ListRegions", usize::MAX, Trouble::Answer(regions.to_string()));
    let status = json!({"DeliveryChannelsStatus": [{"name": "default"}]});
    let status = Trouble::Answer(status.to_string());
    emulator.proxy().trouble("config", "DescribeDeliveryChannelStatus", usize::MAX, status);
}

/// The verdict and the fact of a control for an account.
#[track_caller]
fn told<'a>(report: &'a Value, standard: &str, id: &str, account: &str) -> (&'a str, &'a str) {
    let mut controls = report["controls"].as_array().unwrap().iter();
    let control = controls.find(|control| control["standard"] == standard && control["id"] == id).unwrap();
    let mut checks = control["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["account"] == account).unwrap_or_else(|| panic!("{control:#}"));
    (check["verdict"].as_str().unwrap(), check["fact"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_account_answers_for_itself_and_nothing_is_asked_without_the_flag() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    answers(&emulator);
    record(&world, "management").await;
    record(&world, "log-archive").await;
    let [management, log, web] = ["management", "log-archive", "web"].map(|name| world.account(name).as_str());
    let asked = || emulator.proxy().calls().into_iter().filter(|call| call.service == "config").count();

    emulator.proxy().clear();
    let report = desk.run("check --format json").json();
    let (verdict, fact) = told(&report, "cis-5.0", "3.3", management);
    assert_eq!((verdict, fact, asked()), ("unknown", "AWS Config was not looked at; use --aws-config", 0));

    let report = desk.run("check --aws-config --format json").expect_code(2).json();
    assert_eq!(asked(), 4 + 4 + 1);
    let whole = "the configuration recorder is on with all types in 1 enabled region, the global types in eu-central-1";
    for (standard, id) in [("cis-3.0", "3.3"), ("cis-5.0", "3.3"), ("security-hub", "Config.1")] {
        for account in [management, log] {
            assert_eq!(told(&report, standard, id, account), ("pass", whole), "{standard} {id}");
        }
        let (verdict, fact) = told(&report, standard, id, web);
        assert_eq!(verdict, "fail");
        assert!(fact.contains("in eu-central-1: there is no configuration recorder"), "{fact}");
    }
    assert_eq!(told(&report, "prowler", "config_recorder_all_regions_enabled", web).0, "fail");
    assert_eq!(told(&report, "prowler", "config_recorder_using_aws_service_role", web).0, "pass");
    // A finding in Security Hub is of one account, and nobody inherits it.
    let findings = desk.run("check --aws-config --standard security-hub --format asff").json();
    let fields = |finding: &Value| finding["ProductFields"].clone();
    let of_config = findings.as_array().unwrap().iter().filter(|f| fields(f)["orgtrail/Control"] == "Config.1");
    let of_config: Vec<_> =
        of_config.map(|f| (&f["AwsAccountId"], fields(f)["orgtrail/InheritedByAccounts"].clone())).collect();
    assert_eq!(of_config.len(), 3);
    assert!(of_config.iter().all(|(_, inherited)| inherited == "0"), "{of_config:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_entered_is_unknown_and_one_that_is_not_selected_is_said() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    answers(&emulator);
    emulator.proxy().refuse_roles_of(world.account("web").as_str());
    let web = world.account("web").as_str();
    let report = desk.run("check --aws-config --format json").expect_code(2).json();
    let (verdict, fact) = told(&report, "cis-5.0", "3.3", web);
    assert!(verdict == "unknown" && fact.contains("it could not be read: AccessDenied"), "{fact}");
    assert_eq!(report["complete"], false);
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace("  log: log-archive", "  log: log-archive\n  exclude: ['name:web']"));
    let report = desk.run("check --aws-config --format json").expect_code(2).json();
    let (verdict, fact) = told(&report, "cis-5.0", "3.3", web);
    assert_eq!((verdict, fact), ("unknown", "the configuration does not select this account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_policy_has_what_is_called_and_no_more_of_aws_config() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    answers(&emulator);
    record(&world, "web").await;
    emulator.proxy().clear();
    desk.run("check --aws-config --format json").expect_code(2);
    let called = emulator.proxy().calls().into_iter().filter(|call| call.service == "config");
    let called: BTreeSet<String> = called.map(|call| format!("config:{}", call.action)).collect();
    for arguments in ["--for plan --in member", "--for verify --in member", "--for apply --in log"] {
        let printed = desk.run(&format!("permissions {arguments} --aws-config")).expect_code(0).json();
        let text = printed.to_string();
        let of_config: BTreeSet<String> =
            text.split('"').filter(|word| word.starts_with("config:")).map(str::to_owned).collect();
        assert_eq!(of_config, called, "{arguments}");
        let without = desk.run(&format!("permissions {arguments}")).expect_code(0).out;
        assert!(!without.contains("\"config:"), "{without}");
    }
    assert!(
        desk.run("permissions --for plan --cloudformation --aws-config").expect_code(0).out.contains("config:Describe")
    );
    // `who --aws-config` asks for what was recorded, too.
    let printed = desk.run("permissions --for query --in member --aws-config").expect_code(0).out;
    assert!(printed.contains("config:GetResourceConfigHistory"), "{printed}");
    let refused = desk.run("permissions --for lake --in log --lake s3://acme-lake/l --aws-config").expect_code(1).err;
    assert!(refused.contains("--aws-config belongs to --for plan, apply, reconcile, verify and query"), "{refused}");
}
