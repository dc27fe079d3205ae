//! Amazon CloudWatch: the alarms of an account in a region.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, Metric as SdkMetric, MetricAlarm, MetricDataQuery, StandardUnit,
};

use super::session::Session;
use crate::cloud::CloudFault;
use crate::monitoring::alarm::{Alarm, AlarmTrigger, Alarms, Composite, Series};
use crate::monitoring::metric_filter::Metric;
use crate::operations::cloudwatch as op;

/// How many alarms an answer may have (CloudWatch API, `DescribeAlarms`).
const PAGE_MAX: i32 = 100;

/// Asks for all alarms: by one listing, because every metric filter has a metric of its own and would cost a call.
/// Composite alarms come with it, and are only given to whoever may list every alarm.
pub(super) async fn alarms(session: &Session) -> Result<Alarms, CloudFault> {
    let client = session.cloudwatch();
    let mut found = Alarms::default();
    let mut token = None;
    let mut pages = session.pages(op::DESCRIBE_ALARMS);
    loop {
        let kinds = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm];
        let request = client.describe_alarms().set_alarm_types(Some(kinds.to_vec())).max_records(PAGE_MAX);
        let page = session.read(op::DESCRIBE_ALARMS, request.set_next_token(token).send()).await?;
        found.alarms.extend(page.metric_alarms().iter().map(alarm));
        found.composites.extend(page.composite_alarms().iter().map(composite));
        token = pages.next(page.next_token)?;
        if token.is_none() {
            found.alarms.sort_by(|one, other| one.name.cmp(&other.name));
            return Ok(found);
        }
    }
}

fn alarm(alarm: &MetricAlarm) -> Alarm {
    let series: Vec<Series> =
        own_series(alarm).into_iter().chain(alarm.metrics().iter().filter_map(queried_series)).collect();
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        arn: alarm.alarm_arn().unwrap_or_default().to_owned(),
        computed: series.len() != 1 || alarm.metrics().iter().any(|query| query.expression().is_some()),
        series,
        trigger: trigger(alarm),
        // CloudWatch's default.
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        actions: alarm.alarm_actions().to_vec(),
    }
}

fn trigger(alarm: &MetricAlarm) -> AlarmTrigger {
    let periods = alarm.evaluation_periods().unwrap_or(1);
    AlarmTrigger {
        comparison: alarm.comparison_operator().map(|operator| operator.as_str().to_owned()).unwrap_or_default(),
        threshold: alarm.threshold().filter(|_| alarm.threshold_metric_id().is_none()),
        periods,
        datapoints: alarm.datapoints_to_alarm().unwrap_or(periods),
        missing_data: alarm.treat_missing_data().unwrap_or("missing").to_owned(),
    }
}

/// The one metric that an alarm without metric math names itself.
fn own_series(alarm: &MetricAlarm) -> Option<Series> {
    let name = alarm.metric_name().filter(|name| !name.is_empty())?;
    let namespace = alarm.namespace().unwrap_or_default();
    let statistic = alarm.statistic().map(|statistic| statistic.as_str()).or(alarm.extended_statistic());
    Some(Series {
        metric: Metric { namespace: namespace.to_owned(), name: name.to_owned() },
        account: None,
        dimensions: names(alarm.dimensions()),
        unit: unit(alarm.unit()),
        statistic: statistic.unwrap_or_default().to_owned(),
        period_s: alarm.period().unwrap_or_default(),
    })
}

fn queried_series(query: &MetricDataQuery) -> Option<Series> {
    let stat = query.metric_stat()?;
    let metric = stat.metric()?;
    Some(Series {
        metric: Metric {
            namespace: metric.namespace().unwrap_or_default().to_owned(),
            name: metric.metric_name().unwrap_or_default().to_owned(),
        },
        account: query.account_id().map(str::to_owned),
        dimensions: names(SdkMetric::dimensions(metric)),
        unit: unit(stat.unit()),
        statistic: stat.stat().unwrap_or_default().to_owned(),
        period_s: stat.period().unwrap_or_default(),
    })
}

fn names(dimensions: &[Dimension]) -> BTreeSet<String> {
    dimensions.iter().filter_map(Dimension::name).map(str::to_owned).collect()
}

fn unit(unit: Option<&StandardUnit>) -> Option<String> {
    unit.map(|unit| unit.as_str().to_owned())
}

fn composite(alarm: &CompositeAlarm) -> Composite {
    Composite {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        rule: alarm.alarm_rule().unwrap_or_default().to_owned(),
        acts: alarm.actions_enabled().unwrap_or(true) && !alarm.alarm_actions().is_empty(),
    }
}
