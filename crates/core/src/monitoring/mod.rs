//! Who hears of events in log groups: what is known of metric filters, of the alarms of their metrics, and of the
//! subscribers of the alarms' topics. Read for audits, never managed; nothing where nobody looked.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::Problem;
use crate::ids::{AccountId, Arn, Region};

pub mod alarm;
pub mod metric_filter;

use alarm::{Alarms, Subscribers};
use metric_filter::MetricFilter;

/// Where the metrics of a log group are.
pub type MetricPlace = (AccountId, Region);

/// What is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Monitoring {
    /// The metric filters of log groups, by the ARN that the trail has.
    pub filters: BTreeMap<String, Result<Vec<MetricFilter>, Problem>>,
    /// The alarms of an account and region.
    pub alarms: BTreeMap<MetricPlace, Result<Alarms, Problem>>,
    /// The subscribers of topics, by ARN.
    pub topics: BTreeMap<String, Result<Subscribers, Problem>>,
}

/// Returns the account and region of a log group; nothing where its ARN does not tell them.
pub fn place(group: &str) -> Option<MetricPlace> {
    let arn: Arn = group.parse().ok()?;
    Some((arn.account().parse().ok()?, arn.region().parse().ok()?))
}

impl Monitoring {
    /// Returns where there are metric filters, so that alarms can listen to them.
    pub fn counted(&self) -> BTreeSet<MetricPlace> {
        self.filters_found().map(|(place, _)| place).collect()
    }

    /// Returns the topics of the alarms that listen to the filters.
    pub fn listened(&self) -> BTreeSet<String> {
        let mut topics = BTreeSet::new();
        for (place, filter) in self.filters_found() {
            let Some(Ok(found)) = self.alarms.get(&place) else { continue };
            let listens = |alarm: &&alarm::Alarm| {
                filter.counts.iter().any(|count| alarm.series_of(&count.metric, place.0.as_str()).is_some())
            };
            topics.extend(found.alarms.iter().filter(listens).flat_map(|a| a.topics()).map(str::to_owned));
        }
        topics
    }

    fn filters_found(&self) -> impl Iterator<Item = (MetricPlace, &MetricFilter)> {
        let found = self.filters.iter().filter_map(|(group, filters)| Some((place(group)?, filters.as_ref().ok()?)));
        found.flat_map(|(place, filters)| filters.iter().map(move |filter| (place.clone(), filter)))
    }
}
