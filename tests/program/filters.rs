//! Metric filters of the trail's log group, as `check` reads them from the emulator.

use serde_json::Value;

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const GROUP: &str = "/orgtrail/acme";

/// The verdict and the evidence of a control of the CIS benchmark.
fn control(report: &Value, id: &str) -> (String, String) {
    let mut controls = report["controls"].as_array().unwrap().iter();
    let control = controls.find(|control| control["standard"] == "cis-3.0" && control["id"] == id).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(control["checks"].as_array().unwrap().len(), 1, "asked once, at the owner");
    (text(&control["verdict"]), text(&control["checks"][0]["evidence"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_names_the_events_leaves_only_the_alarm_open() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, &format!("    cloudwatch_logs: {{group: {GROUP}}}\n"));
    desk.run("apply --yes").expect_code(0);
    let client = aws_sdk_cloudwatchlogs::Client::new(&world.management());
    let metric = aws_sdk_cloudwatchlogs::types::MetricTransformation::builder();
    let metric = metric.metric_name("keys").metric_namespace("cis").metric_value("1").build().unwrap();
    let request =
        client.put_metric_filter().log_group_name(GROUP).filter_name("cis-keys").metric_transformations(metric);
    let pattern = "{ ($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion) }";
    request.filter_pattern(pattern).send().await.unwrap();

    let report = desk.run("check --standard cis-3.0 --format json").expect_code(2).json();
    let (verdict, evidence) = control(&report, "4.7");
    assert_eq!(verdict, "unknown");
    assert!(
        evidence.contains("the metric filter cis-keys of ") && evidence.contains("alarm of cis/keys"),
        "{evidence}"
    );
    let (verdict, evidence) = control(&report, "4.3");
    assert_eq!(verdict, "fail");
    assert!(evidence.contains("the nearest, cis-keys, lacks Root"), "{evidence}");

    emulator.proxy().trouble("logs", "DescribeMetricFilters", usize::MAX, Trouble::Error(400, "AccessDeniedException"));
    let report = desk.run("check --standard cis-3.0 --format json").expect_code(2).json();
    let (verdict, evidence) = control(&report, "4.7");
    assert_eq!(verdict, "unknown");
    assert!(evidence.contains("could not be read: AccessDenied"), "{evidence}");
}
