//! Alarms and the subscribers of topics, as they come over the wire.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::StandardUnit;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Metric, MetricDataQuery, MetricStat, Statistic};
use orgtrail::cloud::aws::Aws;
use orgtrail::cloud::{CloudFaultKind, CloudReader};
use orgtrail::ids::Region;
use orgtrail::monitoring::alarm::{Alarm, AlarmTrigger, Alarms, Composite, Series, Subscribers};

use crate::fixture::connect;
use crate::support::world::HOME;
use crate::support::{Emulator, Trouble, World};

async fn alarms(aws: &Aws, world: &World, region: &str) -> Alarms {
    let region: Region = region.parse().unwrap();
    aws.alarms(world.account("management"), &region).await.unwrap().unwrap()
}

fn keys() -> orgtrail::monitoring::metric_filter::Metric {
    orgtrail::monitoring::metric_filter::Metric { namespace: "cis".into(), name: "keys".into() }
}

/// The metric as metric math names it.
fn query() -> MetricDataQuery {
    let metric = Metric::builder().namespace("cis").metric_name("keys").build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Sum").build();
    MetricDataQuery::builder().id("m1").metric_stat(stat).build()
}

#[tokio::test]
async fn alarms_of_every_form_are_read() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = aws_sdk_cloudwatch::Client::new(&world.management());
    let put = |name: &str| {
        let request = client.put_metric_alarm().alarm_name(name).evaluation_periods(3).datapoints_to_alarm(2);
        request.comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold).threshold(1.5)
    };
    let topic = "arn:aws:sns:eu-central-1:123456789012:security";
    let plain = put("a-plain").namespace("cis").metric_name("keys").statistic(Statistic::Sum).period(300);
    let plain = plain.dimensions(Dimension::builder().name("Host").value("one").build()).unit(StandardUnit::Count);
    plain.alarm_actions(topic).actions_enabled(false).treat_missing_data("notBreaching").send().await.unwrap();
    put("b-query").metrics(query()).send().await.unwrap();
    let sum = MetricDataQuery::builder().id("e1").expression("m1 * 2").build();
    put("c-math").metrics(query()).metrics(sum).send().await.unwrap();

    let aws = connect(&emulator).await;
    let found = alarms(&aws, &world, HOME).await;
    assert_eq!(emulator.proxy().count("cloudwatch:DescribeAlarms"), 1);
    let [plain, one_query, math] = &found.alarms[..] else { panic!("{found:#?}") };
    let series = Series {
        metric: keys(),
        account: None,
        dimensions: BTreeSet::from(["Host".to_owned()]),
        unit: Some("Count".into()),
        statistic: "Sum".into(),
        period_s: 300,
    };
    let trigger = AlarmTrigger {
        comparison: "GreaterThanOrEqualToThreshold".into(),
        threshold: Some(1.5),
        periods: 3,
        datapoints: 2,
        missing_data: "notBreaching".into(),
    };
    let expected = Alarm {
        name: "a-plain".into(),
        arn: "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a-plain".into(),
        series: vec![series.clone()],
        computed: false,
        trigger,
        actions_enabled: false,
        actions: vec![topic.into()],
    };
    assert_eq!(*plain, expected);
    let queried = Series { dimensions: BTreeSet::new(), unit: None, period_s: 60, ..series };
    assert_eq!((&one_query.series[..], one_query.computed), (&[queried.clone()][..], false));
    assert!(one_query.actions_enabled && one_query.trigger.missing_data == "missing", "{one_query:?}");
    assert_eq!((&math.series[..], math.computed), (&[queried][..], true));
    assert_eq!(alarms(&aws, &world, "us-east-1").await, Alarms::default(), "another region has its own alarms");
}

#[tokio::test]
async fn every_page_and_kind_of_alarms_is_read_and_a_refusal_is_a_fault() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    let page = |name: &str, next: &str| {
        let alarm = format!("<member><AlarmName>{name}</AlarmName></member>");
        // The emulator knows no composite alarms.
        let of_both = format!("<AlarmName>of-{name}</AlarmName><AlarmRule>ALARM(\"{name}\")</AlarmRule>");
        let acts = "<ActionsEnabled>true</ActionsEnabled><AlarmActions><member>arn:x</member></AlarmActions>";
        let composite = format!("<CompositeAlarms><member>{of_both}{acts}</member></CompositeAlarms>");
        Trouble::Answer(format!(
            "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms>{alarm}</MetricAlarms>{composite}{next}\
             </DescribeAlarmsResult></DescribeAlarmsResponse>"
        ))
    };
    let proxy = emulator.proxy();
    proxy.trouble_where("cloudwatch", "DescribeAlarms", "NextToken=more", 1, page("one", ""));
    proxy.trouble("cloudwatch", "DescribeAlarms", 1, page("two", "<NextToken>more</NextToken>"));
    let found = alarms(&aws, &world, HOME).await;
    let names: Vec<&str> = found.alarms.iter().map(|alarm| alarm.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    let named = |composite: &Composite| composite.acts && composite.names(&found.alarms[1]);
    let of_two: Vec<bool> = found.composites.iter().map(named).collect();
    assert_eq!(of_two, [true, false], "{:?}", found.composites);
    let asked = proxy.calls().into_iter().find(|call| call.action == "DescribeAlarms").unwrap().body;
    assert!(asked.contains("MetricAlarm") && asked.contains("CompositeAlarm"), "{asked}");

    proxy.trouble("cloudwatch", "DescribeAlarms", 1, Trouble::Error(403, "AccessDenied"));
    let fault = aws.alarms(world.account("management"), &HOME.parse().unwrap()).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation.as_str()), (CloudFaultKind::Denied, "cloudwatch:DescribeAlarms"));
}

#[tokio::test]
async fn subscribers_are_asked_for_in_the_account_of_the_topic() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = aws_sdk_sns::Client::new(&world.hand_in("web").await);
    let topic = client.create_topic().name("security").attributes("KmsMasterKeyId", "alias/aws/sns").send().await;
    let topic = topic.unwrap().topic_arn.unwrap();
    for (protocol, endpoint) in [("https", "https://example.com/hook"), ("email", "security@example.com")] {
        client.subscribe().topic_arn(&topic).protocol(protocol).endpoint(endpoint).send().await.unwrap();
    }
    let aws = connect(&emulator).await;
    let arn = topic.parse().unwrap();
    let found = aws.subscribers(&arn).await.unwrap().unwrap();
    let confirmed = vec!["email".to_owned(), "https".to_owned()];
    assert!(found.policy.is_some(), "{found:?}");
    assert_eq!(found, Subscribers { confirmed, pending: 0, key: Some("alias/aws/sns".into()), ..found.clone() });
    let calls = emulator.proxy().calls();
    let call = calls.iter().find(|call| call.action == "ListSubscriptionsByTopic").unwrap();
    assert_eq!(world.account_of(&call.access_key).await, *world.account("web"));

    let gone = topic.replace("security", "gone").parse().unwrap();
    assert_eq!(
        aws.subscribers(&gone).await.unwrap(),
        Some(Subscribers::default()),
        "nobody hears of a topic that is gone"
    );
}

#[tokio::test]
async fn what_is_not_confirmed_is_counted_apart_and_a_foreign_account_is_a_fault() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let client = aws_sdk_sns::Client::new(&world.management());
    let topic = client.create_topic().name("security").send().await.unwrap().topic_arn.unwrap();
    let page = |arn: &str, next: &str| {
        let one = format!("<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>email</Protocol></member>");
        Trouble::Answer(format!(
            "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>{one}</Subscriptions>{next}\
             </ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>"
        ))
    };
    let proxy = emulator.proxy();
    let list = "ListSubscriptionsByTopic";
    proxy.trouble_where("sns", list, "NextToken=2", 1, page("Deleted", "<NextToken>3</NextToken>"));
    proxy.trouble_where("sns", list, "NextToken=3", 1, page(&format!("{topic}:1"), ""));
    proxy.trouble("sns", list, 1, page("PendingConfirmation", "<NextToken>2</NextToken>"));
    let aws = connect(&emulator).await;
    let found = aws.subscribers(&topic.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found, Subscribers { confirmed: vec!["email".into()], pending: 1, key: None, ..found.clone() });

    proxy.refuse_roles_of(world.account("web").as_str());
    let foreign = topic.replace(world.account("management").as_str(), world.account("web").as_str());
    let fault = aws.subscribers(&foreign.parse().unwrap()).await.unwrap_err();
    assert_eq!(fault.kind, CloudFaultKind::Denied);
}
