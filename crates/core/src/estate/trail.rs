//! Trails: what they record, where they write, and whether they are logging.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Field, FieldValue, Tags};
use crate::log_path::{Folder, LogKind};

/// A trail. It is known by its ARN: owner account, home region, name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The bucket that it writes to.
    pub bucket: String,
    /// The key prefix before `AWSLogs`; empty for none.
    pub prefix: String,
    /// The topic's ARN; none where no notifications are sent. Names are "no longer in use" (CloudTrail API, `Trail`),
    /// so they are never compared.
    pub topic: Option<String>,
    /// Events of IAM, STS and other global services are recorded.
    pub global_events: bool,
    /// It records every region that an account has enabled.
    pub multi_region: bool,
    /// It records every account of the organization.
    pub organization: bool,
    /// Digest files are written.
    pub validation: bool,
    /// The key's ARN; none for SSE-S3.
    pub key: Option<String>,
    /// The CloudWatch Logs group's ARN, ending in `:*`; none where events are not sent to CloudWatch Logs.
    pub log_group: Option<String>,
    /// The ARN of the role with which it writes there; none where it does not.
    pub log_role: Option<String>,
    /// It is recording now.
    pub logging: bool,
    /// Which events it records.
    pub selectors: BTreeSet<EventSelector>,
    /// `ApiCallRateInsight`, `ApiErrorRateInsight`.
    pub insights: BTreeSet<String>,
    /// The tags; none where they could not be read, as with trails of other accounts.
    pub tags: Option<Tags>,
    /// Observed: how the delivery goes. None in what is desired, and where the status was not asked for or not
    /// recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryStatus>,
}

impl Trail {
    /// Returns the folders that it may write to, by what it records. Insights can be switched on at any
    /// time, and whether data events are summarised is not read (`GetEventConfiguration`), so that both count.
    pub fn folders(&self) -> Vec<Folder> {
        let of =
            |selector: &EventSelector, category| selector.values("eventCategory", "equals").any(|it| it == category);
        let records = |category| self.selectors.iter().any(|selector| of(selector, category));
        let may_write = |folder: &Folder| match folder {
            Folder::Logs(LogKind::NetworkActivity) => records("NetworkActivity"),
            Folder::Logs(LogKind::Aggregated) => records("Data"),
            Folder::Logs(LogKind::CloudTrail | LogKind::Insight) | Folder::Digests => true,
        };
        Folder::ALL.into_iter().filter(may_write).collect()
    }
}

#[cfg(test)]
impl Trail {
    /// An organization trail with nothing but defaults, from which tests make their own.
    pub(crate) fn sample() -> Self {
        Self {
            bucket: "logs".into(),
            prefix: String::new(),
            topic: None,
            global_events: true,
            multi_region: true,
            organization: true,
            validation: true,
            key: None,
            log_group: None,
            log_role: None,
            logging: true,
            selectors: BTreeSet::from([EventSelector::management(ReadWrite::All, &[])]),
            insights: BTreeSet::new(),
            tags: None,
            delivery: None,
        }
    }
}

/// One advanced event selector: field -> operator -> values. All fields must hold. Its name has no meaning.
///
/// Basic selectors are read as the advanced ones that mean the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventSelector(pub BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// What `GetTrailStatus` says of the delivery in the home region. Times are as RFC 3339 writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryStatus {
    /// When a log file last reached the bucket; none where none ever did, or CloudTrail does not say.
    pub latest_time: Option<String>,
    /// Why the last one did not, as CloudTrail's error code; none where it did.
    pub latest_error: Option<String>,
    /// Why the last digest did not, as an error code; none where it did.
    pub digest_error: Option<String>,
    /// Why the last notification was not sent, as an error code; none where it was, or the trail has no topic.
    pub notification_error: Option<String>,
    /// Why the last events did not reach CloudWatch Logs, in words; none where they did, or none are sent there.
    pub log_group_error: Option<String>,
    /// When events last reached CloudWatch Logs; none where none ever did, or it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group_time: Option<String>,
    /// When logging was last started; none where it never was, or it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_time: Option<String>,
    /// When logging was last stopped; none where it never was.
    pub stopped_time: Option<String>,
    /// When a digest file last reached the bucket; none where it was not recorded, or none ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_time: Option<String>,
    /// When CloudTrail last tried to deliver a log file; none where it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_time: Option<String>,
    /// When the status was asked for; none where it was not recorded: then it is not known whether a delivery is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<String>,
    /// Whether a log or digest file lies below the prefix of the trail in its bucket. CloudTrail's own times go on from
    /// where the trail delivered before. None where it was not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<bool>,
}

/// Which management events are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadWrite {
    /// Reads and writes.
    All,
    /// Reads only.
    ReadOnly,
    /// Writes only.
    WriteOnly,
}

impl EventSelector {
    /// Makes the selector of management events, without those of the excluded event sources.
    pub fn management(which: ReadWrite, exclude: &[String]) -> Self {
        let mut selector = Self(BTreeMap::new()).with("eventCategory", "equals", ["Management"]);
        match which {
            ReadWrite::All => {}
            ReadWrite::ReadOnly => selector = selector.with("readOnly", "equals", ["true"]),
            ReadWrite::WriteOnly => selector = selector.with("readOnly", "equals", ["false"]),
        }
        if !exclude.is_empty() {
            selector = selector.with("eventSource", "not_equals", exclude.iter().map(String::as_str));
        }
        selector
    }

    /// Adds values to one operator of one field.
    pub fn with<'a>(mut self, field: &str, operator: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let set = self.0.entry(field.to_owned()).or_default().entry(operator.to_owned()).or_default();
        set.extend(values.into_iter().map(str::to_owned));
        self
    }

    /// Tells whether it records management events.
    pub fn is_management(&self) -> bool {
        self.values("eventCategory", "equals").any(|category| category == "Management")
    }

    /// Tells whether it records at least the events that `other` does, as far as the selectors' words show it: every
    /// restriction of this one is one of the other as well.
    pub fn covers(&self, other: &EventSelector) -> bool {
        self.0.iter().all(|(field, by_operator)| {
            by_operator.iter().all(|(operator, values)| {
                let theirs = other.0.get(field).and_then(|by| by.get(operator));
                theirs.is_some_and(|theirs| match operator.starts_with("not_") {
                    true => values.is_subset(theirs),
                    false => theirs.is_subset(values),
                })
            })
        })
    }

    /// Returns the values of one operator of one field.
    pub fn values<'a>(&'a self, field: &str, operator: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(field).and_then(|by| by.get(operator)).into_iter().flatten().map(String::as_str)
    }
}

impl Trail {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {
            bucket,
            prefix,
            topic,
            global_events,
            multi_region,
            organization,
            validation,
            key,
            log_group,
            log_role,
            logging,
            selectors,
            insights,
            tags,
            delivery: _,
        } = self;
        let selectors: Vec<Value> = selectors.iter().map(|selector| json!(selector)).collect();
        let mut fields = vec![
            Field::plain("bucket", bucket.clone()),
            Field::plain("prefix", prefix.clone()),
            Field::plain("topic", topic.clone()),
            Field::plain("global_events", *global_events),
            Field::plain("multi_region", *multi_region),
            Field::plain("organization", *organization),
            Field::plain("validation", *validation),
            Field::plain("key", key.clone()),
            Field::plain("log_group", log_group.clone()),
            Field::plain("log_role", log_role.clone()),
            Field::plain("logging", *logging),
            Field::plain("selectors", selectors),
            Field { path: "insights".into(), value: FieldValue::Exactly(insights.clone()) },
        ];
        fields.extend(tags.as_ref().map(Field::tags));
        fields
    }

    /// Tells whether it records any management events.
    pub fn records_management_events(&self) -> bool {
        self.selectors.iter().any(EventSelector::is_management)
    }
}
