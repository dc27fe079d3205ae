//! A metric filter of a log group: it counts the events that fit a pattern. Read for audits, never managed.

use std::collections::BTreeMap;

use super::Problem;

/// A metric filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricFilter {
    /// Its name.
    pub name: String,
    /// The pattern, in the syntax of CloudWatch Logs.
    pub pattern: String,
    /// The metrics that it counts in, as `namespace/name`.
    pub metrics: Vec<String>,
}

/// What is known of the metric filters of log groups, by the ARN that the trail has: nothing where nobody looked.
pub type MetricFilters = BTreeMap<String, Result<Vec<MetricFilter>, Problem>>;
