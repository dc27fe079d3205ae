//! A metric filter of a log group: it counts the events that fit a pattern. Read for audits, never managed.

use std::collections::BTreeSet;
use std::fmt;

/// A metric filter.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFilter {
    /// Its name.
    pub name: String,
    /// The pattern, in the syntax of CloudWatch Logs.
    pub pattern: String,
    /// What it asks of the system fields beside the pattern, such as `@aws.account`; nothing for every event.
    pub criteria: Option<String>,
    /// Where it counts what fits.
    pub counts: Vec<Count>,
}

/// A metric of CloudWatch, in the account and region of whoever names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// What a filter reports of each event that fits: a metric transformation.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    /// The metric.
    pub metric: Metric,
    /// What one event counts: a number, or a field of the event.
    pub value: String,
    /// What is reported while no event fits; nothing for no report.
    pub default: Option<f64>,
    /// The names of the dimensions that the values get.
    pub dimensions: BTreeSet<String>,
    /// The unit of the values; nothing for none.
    pub unit: Option<String>,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
