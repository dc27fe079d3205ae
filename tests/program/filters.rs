//! Metric filters of the trail's log group and who hears of them, as `check` reads them from the emulator.

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use serde_json::Value;

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const GROUP: &str = "/orgtrail/acme";

/// What is read for audits alone.
const AUDIT_CALLS: [&str; 3] =
    ["logs:DescribeMetricFilters", "cloudwatch:DescribeAlarms", "sns:ListSubscriptionsByTopic"];

/// The verdict and the fact of a control of the CIS benchmark, and what helps.
fn control(report: &Value, id: &str) -> (String, String, Value) {
    let mut controls = report["controls"].as_array().unwrap().iter();
    let control = controls.find(|control| control["standard"] == "cis-3.0" && control["id"] == id).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(control["checks"].as_array().unwrap().len(), 1, "asked once, at the owner");
    let check = &control["checks"][0];
    (text(&control["verdict"]), text(&check["fact"]), check["elsewhere"].clone())
}

/// Runs `check` and returns what it says of disabling and deleting keys.
fn of_keys(desk: &Desk) -> (String, String, Value) {
    control(&desk.run("check --standard cis-3.0 --format json").expect_code(2).json(), "4.7")
}

#[track_caller]
fn expect(desk: &Desk, verdict: &str, words: &str, helps: &str) {
    let (found, fact, elsewhere) = of_keys(desk);
    assert_eq!(found, verdict, "{fact}");
    assert!(fact.contains(words), "{fact}");
    assert!(elsewhere.as_str().unwrap_or_default().contains(helps), "{elsewhere}");
}

/// A deployment that delivers to a log group, with a metric filter for disabling and deleting keys.
async fn deployed(emulator: &Emulator) -> (World, Desk) {
    let world = World::twelve_accounts(emulator).await;
    let desk = Desk::at(emulator, &world, &format!("    cloudwatch_logs: {{group: {GROUP}}}\n"));
    desk.run("apply --yes").expect_code(0);
    let client = aws_sdk_cloudwatchlogs::Client::new(&world.management());
    let metric = aws_sdk_cloudwatchlogs::types::MetricTransformation::builder();
    let metric = metric.metric_name("keys").metric_namespace("cis").metric_value("1").build().unwrap();
    let request =
        client.put_metric_filter().log_group_name(GROUP).filter_name("cis-keys").metric_transformations(metric);
    let pattern = "{ ($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion) }";
    request.filter_pattern(pattern).send().await.unwrap();
    (world, desk)
}

/// The alarm that the benchmark prints.
async fn put_alarm(world: &World, topic: &str) {
    let client = aws_sdk_cloudwatch::Client::new(&world.management());
    let request = client.put_metric_alarm().alarm_name("cis-keys").namespace("cis").metric_name("keys");
    let request = request.statistic(Statistic::Sum).period(300).evaluation_periods(1).threshold(1.0);
    let request = request.comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold).alarm_actions(topic);
    request.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_passes_once_somebody_hears_of_its_events() {
    let emulator = Emulator::start();
    let (world, desk) = deployed(&emulator).await;
    expect(&desk, "fail", "looks at that metric", "make an alarm of that metric");
    assert_eq!(emulator.proxy().count("cloudwatch:DescribeAlarms"), 1);

    let sns = aws_sdk_sns::Client::new(&world.management());
    let topic = sns.create_topic().name("security").send().await.unwrap().topic_arn.unwrap();
    put_alarm(&world, &topic).await;
    expect(&desk, "fail", "has no confirmed subscriber", "subscribe a person");
    let request = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("security@example.com");
    request.send().await.unwrap();
    let chain =
        format!("counts them in cis/keys; one event raises the alarm cis-keys; {topic} has 1 subscription confirmed");
    emulator.proxy().clear();
    expect(&desk, "pass", &chain, "");
    assert_eq!(AUDIT_CALLS.map(|call| emulator.proxy().count(call)), [1, 1, 1]);
    for form in ["human --verbose", "markdown", "html", "ocsf"] {
        let said = desk.run(&format!("check --standard cis-3.0 --format {form}")).expect_code(2).out;
        assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains("alarm cis-keys"), "{form}: {said}");
        assert!(!said.contains("security@example.com"), "{form} tells no address: {said}");
    }

    // Nothing but a check asks for any of it.
    emulator.proxy().clear();
    desk.run("plan").expect_code(0);
    desk.run("drift").expect_code(0);
    desk.run("snapshot --output snapshot.json").expect_code(0);
    assert_eq!(AUDIT_CALLS.map(|call| emulator.proxy().count(call)), [0, 0, 0]);
    // A snapshot does not have it either.
    let report = desk.run("check --estate snapshot.json --standard cis-3.0 --format json").expect_code(2).json();
    let (verdict, fact, _) = control(&report, "4.7");
    assert_eq!(verdict, "unknown");
    assert!(fact.contains("were not looked at"), "{fact}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_of_the_chain_is_unknown() {
    let emulator = Emulator::start();
    let (world, desk) = deployed(&emulator).await;
    let report = desk.run("check --standard cis-3.0 --format json").expect_code(2).json();
    let (verdict, fact, _) = control(&report, "4.3");
    assert_eq!(verdict, "fail");
    assert!(fact.contains("the nearest, cis-keys, lacks Root"), "{fact}");

    // The topic of an account whose role is refused.
    put_alarm(&world, &format!("arn:aws:sns:eu-central-1:{}:security", world.account("audit"))).await;
    emulator.proxy().refuse_roles_of(world.account("audit").as_str());
    expect(&desk, "unknown", "who is subscribed to", "");
    let denied = || Trouble::Error(400, "AccessDeniedException");
    emulator.proxy().trouble("cloudwatch", "DescribeAlarms", usize::MAX, denied());
    expect(&desk, "unknown", "the alarms of", "");
    emulator.proxy().trouble("logs", "DescribeMetricFilters", usize::MAX, denied());
    emulator.proxy().clear();
    expect(&desk, "unknown", "could not be read: AccessDenied", "");
    assert_eq!(emulator.proxy().count("cloudwatch:DescribeAlarms"), 0, "without a filter no alarm can listen");
}
