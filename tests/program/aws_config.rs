//! AWS Config as desired state over the wire: made, found in order, put right, and never taken from others.

use std::collections::BTreeSet;

use aws_sdk_config::Client;
use aws_sdk_config::types::{OrganizationAggregationSource, Tag};
use serde_json::Value;

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const SECTION: &str = "aws_config: {}\n";
const NAME: &str = "orgtrail-acme";

/// The changes of a plan that the section asks for: kind, action, harm.
fn asked(plan: &Value) -> Vec<(String, String, String)> {
    let text = |change: &Value, field: &str| change[field].as_str().unwrap().to_owned();
    let all = plan["changes"].as_array().unwrap().iter().filter(|change| change["reason"] == "aws_config");
    all.map(|change| (text(change, "kind"), text(change, "action"), text(change, "harm"))).collect()
}

async fn of_log(world: &World) -> Client {
    Client::new(&world.hand_in("log-archive").await)
}

/// Makes or changes an aggregator of the organization in the log account, as another hand. Tags stay in AWS; moto takes
/// those of the last call.
async fn collect(world: &World, name: &str, region: Option<&str>, owner: Option<&str>) {
    let role = format!("arn:aws:iam::{}:role/theirs", world.log());
    let source = OrganizationAggregationSource::builder().role_arn(role).all_aws_regions(region.is_none());
    let source = source.set_aws_regions(region.map(|region| vec![region.to_owned()])).build().unwrap();
    let tags = owner.map(|owner| vec![Tag::builder().key("orgtrail:deployment").value(owner).build()]);
    let request = of_log(world).await.put_configuration_aggregator().configuration_aggregator_name(name).set_tags(tags);
    request.organization_aggregation_source(source).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_found_in_order_and_put_right_after_another_hand() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    let calls = || emulator.proxy().counts().into_keys().filter(|call| call.starts_with("config:")).count();
    assert_eq!(calls(), 0, "without the section AWS Config is not asked");

    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &format!("{text}{SECTION}"));
    let plan = desk.run("plan --format json").expect_code(2).json();
    let kinds = ["trusted_access", "delegated_administrator", "role", "config_aggregator"];
    let created = |kind: &str| (kind.to_owned(), "create".to_owned(), "harmless".to_owned());
    let asked_for: BTreeSet<_> = asked(&plan).into_iter().collect();
    assert_eq!(asked_for, kinds.map(created).into(), "{plan:#}");
    assert_eq!(plan["changes"].as_array().unwrap().len(), 4, "nothing else changes");
    assert!(plan["changes"].as_array().unwrap().iter().all(|change| change["risk"][0] == "safe"), "{plan:#}");

    desk.run("apply --yes").expect_code(0);
    let found = of_log(&world).await.describe_configuration_aggregators().send().await.unwrap();
    let [aggregator] = found.configuration_aggregators() else { panic!("{found:?}") };
    let source = aggregator.organization_aggregation_source().unwrap();
    assert!(source.all_aws_regions() && source.role_arn().ends_with(":role/orgtrail-acme-config"), "{source:?}");
    let again = desk.run("plan --format json").expect_code(0).json();
    assert_eq!(again["in_sync"], true, "{again:#}");

    let arn = aggregator.configuration_aggregator_arn().unwrap().to_owned();
    collect(&world, NAME, Some("eu-west-1"), Some("acme")).await;
    let drift = desk.run("drift --format json").expect_code(2).json();
    let update = ("config_aggregator".to_owned(), "update".to_owned(), "harmless".to_owned());
    assert_eq!(asked(&drift), [update], "{drift:#}");
    desk.run("apply --yes").expect_code(0);
    assert_eq!(desk.run("plan --format json").expect_code(0).json()["in_sync"], true);
    let found = of_log(&world).await.describe_configuration_aggregators().send().await.unwrap();
    assert_eq!(found.configuration_aggregators()[0].configuration_aggregator_arn(), Some(arn.as_str()));

    let exported = desk.run("export --terraform").out;
    for kind in ["aws_config_configuration_aggregator", "aws_organizations_delegated_administrator"] {
        assert!(exported.contains(&format!("resource \"{kind}\"")), "{exported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aggregator_and_the_administrator_of_others_are_said_and_stay() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let organizations = aws_sdk_organizations::Client::new(&world.management());
    let web = world.account("web").as_str();
    let register = organizations.register_delegated_administrator().account_id(web);
    register.service_principal("config.amazonaws.com").send().await.unwrap();
    collect(&world, NAME, Some("eu-west-1"), None).await;
    collect(&world, "theirs", None, None).await;
    let desk = Desk::at(&emulator, &world, SECTION);
    let before = of_log(&world).await.describe_configuration_aggregators().send().await.unwrap();

    desk.run("apply --yes --adopt");
    let plan = desk.run("plan --format json").expect_code(2).json();
    assert!(asked(&plan).is_empty(), "all but the aggregator is made: {plan:#}");
    let text = plan.to_string();
    for code in ["AggregatorTaken", "further-config-administrator", "further-aggregator"] {
        assert!(text.contains(code), "{code} is not said: {plan:#}");
    }
    let after = of_log(&world).await.describe_configuration_aggregators().send().await.unwrap();
    assert_eq!(format!("{:?}", before.configuration_aggregators()), format!("{:?}", after.configuration_aggregators()));
    let admins = organizations.list_delegated_administrators().service_principal("config.amazonaws.com").send().await;
    let admins = admins.unwrap();
    let ids: BTreeSet<&str> = admins.delegated_administrators().iter().filter_map(|admin| admin.id()).collect();
    assert!(ids.contains(web) && ids.contains(world.log().as_str()), "{ids:?}");

    // Another name leaves theirs alone, and the name of before is not removed but named once it is ours.
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace(SECTION, "aws_config: {aggregator: first}\n"));
    desk.run("apply --yes").expect_code(0);
    desk.write("orgtrail.yaml", &text.replace(SECTION, "aws_config: {aggregator: second}\n"));
    desk.run("apply --yes").expect_code(0);
    let plan = desk.run("plan").expect_code(0).out;
    assert!(plan.contains("delete-configuration-aggregator --configuration-aggregator-name first"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_after_another_account_administers_it_under_other_names_is_named_in_plan_and_drift() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let first = "aws_config: {administrator: web, aggregator: first, role: first-config}\n";
    let desk = Desk::at(&emulator, &world, first);
    desk.run("apply --yes").expect_code(0);
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let web = world.account("web").as_str();
    let left = |command: &str, names: &[String]| {
        let human = desk.run(command).expect_code(0).out;
        for name in names {
            assert!(human.contains(name), "{command}: {name} is not named: {human}");
        }
    };
    let all = |aggregator: &str, role: &str| {
        let of = [format!("{web}/eu-central-1/config_aggregator/{aggregator}"), format!("{web}/global/role/{role}")];
        [of.to_vec(), vec![format!("--configuration-aggregator-name {aggregator}"), format!("account {web}")]].concat()
    };
    // Both are renamed where it is administered now.
    desk.write("orgtrail.yaml", &text.replace(first, &first.replace("first", "second")));
    desk.run("apply --yes").expect_code(0);
    left("plan", &all("first", "first-config"));
    // Another account administers it, under the names of before or under others.
    desk.write("orgtrail.yaml", &text.replace(first, SECTION));
    desk.run("apply --yes").expect_code(0);
    let both = [all("first", "first-config"), all("second", "second-config")].concat();
    left("plan", &both);
    left("drift", &both);
    let hand = Client::new(&world.hand_in("web").await);
    let there = hand.describe_configuration_aggregators().send().await.unwrap();
    assert_eq!(there.configuration_aggregators().len(), 2, "nothing is removed");

    // Where it cannot be looked, that is said, and no account is taken for empty.
    emulator.proxy().trouble_where(
        "config",
        "DescribeConfigurationAggregators",
        "",
        1,
        Trouble::Error(400, "AccessDeniedException"),
    );
    let plan = desk.run("plan --format json").json();
    let problems = plan["problems"].to_string();
    assert!(problems.contains("AccessDenied") && problems.contains("DescribeConfigurationAggregators"), "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_management_account_as_administrator_is_refused_with_its_place_in_the_file() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let id = world.account("management").to_string();
    let desk = Desk::at(&emulator, &world, &format!("aws_config:\n  administrator: \"{id}\"\n"));
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let line = text.lines().position(|line| line.contains(&id)).unwrap() + 1;
    let said = desk.run("plan").expect_code(1).err;
    assert!(
        said.contains(&format!("aws_config.administrator says \"{id}\": this is the management account")),
        "{said}"
    );
    assert!(said.contains(&format!("aws_config.administrator is at orgtrail.yaml:{line}:3")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_policies_have_every_call_that_making_it_takes() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, SECTION);
    emulator.proxy().clear();
    desk.run("apply --yes").expect_code(0);
    let counts = emulator.proxy().counts();
    let called = counts.keys().filter(|call| call.starts_with("config:"));
    let called: BTreeSet<String> = called.cloned().collect();
    let printed = desk.run("permissions --for apply --in log").expect_code(0).out;
    assert!(called.iter().all(|call| printed.contains(call)), "{called:?} {printed}");
    assert!(called.contains("config:PutConfigurationAggregator"), "{called:?}");
    let printed = desk.run("permissions --for apply --in management").expect_code(0).out;
    assert!(printed.contains("organizations:RegisterDelegatedAdministrator"), "{printed}");
    assert!(counts.contains_key("organizations:RegisterDelegatedAdministrator"));
}
