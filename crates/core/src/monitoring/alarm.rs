//! Alarms of CloudWatch, and who is subscribed to the topics that they publish to. Read for audits, never managed.

use std::collections::BTreeSet;

use super::metric_filter::Metric;
use crate::policy::PolicyDocument;

/// The alarms of an account in a region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alarms {
    /// Alarms of metrics.
    pub alarms: Vec<Alarm>,
    /// Alarms of other alarms.
    pub composites: Vec<Composite>,
}

/// An alarm of a metric, or of what is computed from several.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it looks at.
    pub series: Vec<Series>,
    /// It looks at what an expression makes of the series.
    pub computed: bool,
    /// When it is raised.
    pub trigger: AlarmTrigger,
    /// Its actions are carried out.
    pub actions_enabled: bool,
    /// What is done when it is raised, by ARN.
    pub actions: Vec<String>,
}

/// A metric over time, as an alarm looks at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric.
    pub metric: Metric,
    /// The account of the metric; nothing for the account of the alarm.
    pub account: Option<String>,
    /// The names of the dimensions that are looked at.
    pub dimensions: BTreeSet<String>,
    /// Only values of this unit are looked at; nothing for values of any.
    pub unit: Option<String>,
    /// `Sum`, `Maximum`, `p99`.
    pub statistic: String,
    /// The length of a period in seconds.
    pub period_s: i32,
}

/// When an alarm is raised: `datapoints` of the last `periods` compare so.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmTrigger {
    /// In CloudWatch's words: `GreaterThanOrEqualToThreshold`.
    pub comparison: String,
    /// The threshold; nothing where it is computed.
    pub threshold: Option<f64>,
    /// How many periods are looked at.
    pub periods: i32,
    /// How many of them have to compare so.
    pub datapoints: i32,
    /// What a period without a value counts as, in CloudWatch's words: `missing`, `ignore`, `breaching`,
    /// `notBreaching`.
    pub missing_data: String,
}

/// An alarm that is raised by what its rule says of other alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Its name.
    pub name: String,
    /// Its rule, such as `ALARM("one") OR ALARM("other")`.
    pub rule: String,
    /// It has actions, and they are carried out.
    pub acts: bool,
}

/// Who is subscribed to a topic, and who may publish to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subscribers {
    /// The protocols of the confirmed subscriptions, one each.
    pub confirmed: Vec<String>,
    /// How many subscriptions wait for their confirmation.
    pub pending: usize,
    /// The key that encrypts the topic, by the name that it was given; none where it is not encrypted.
    pub key: Option<String>,
    /// The topic's policy; none for a topic that is gone.
    pub policy: Option<PolicyDocument>,
}

impl Alarm {
    /// Returns how the alarm looks at a metric of an account, or that it does not.
    pub fn series_of(&self, metric: &Metric, account: &str) -> Option<&Series> {
        let same = |of: &&Series| of.metric == *metric && of.account.as_deref().is_none_or(|other| other == account);
        self.series.iter().find(same)
    }

    /// Returns the topics that it publishes to.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str).filter(|action| action.split(':').nth(2) == Some("sns"))
    }
}

impl Composite {
    /// Tells whether its rule names an alarm.
    pub fn names(&self, alarm: &Alarm) -> bool {
        let forms = [alarm.arn.clone(), format!("\"{}\"", alarm.name), format!("({})", alarm.name)];
        forms.iter().any(|form| !form.is_empty() && self.rule.contains(form))
    }
}
