//! Metrics as Prometheus and OpenTelemetry collectors read them. Pure: a text is made whenever somebody asks.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The content type of the text: OpenMetrics 1.0.0.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

/// The metrics of one daemon. All names begin with `orgtrail_`.
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Begins with `orgtrail_build_info`: the deployment and the version.
    pub fn new(deployment: &str) -> Self {
        let mut registry = Registry::with_prefix("orgtrail");
        let about = vec![("deployment", word(deployment)), ("version", env!("CARGO_PKG_VERSION").to_owned())];
        registry.register("build", "The deployment and the version", Info::new(about));
        Self { registry }
    }

    /// Adds a count since the start; its name is printed with `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.registry.register(name, help, counter);
    }

    /// Adds counts since the start, told apart by one label.
    pub fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'v str, u64)>,
    ) {
        let family = Family::<Labels, Counter>::default();
        for (value, number) in values {
            family.get_or_create(&vec![(label, word(value))]).inc_by(number);
        }
        self.registry.register(name, help, family);
    }

    /// Adds a figure that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl TryInto<i64>) {
        let gauge = Gauge::<i64>::default();
        gauge.set(whole(value));
        self.registry.register(name, help, gauge);
    }

    /// Adds figures that go up and down, told apart by one label.
    pub fn gauges<'v, N: TryInto<i64>>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'v str, N)>,
    ) {
        let family = Family::<Labels, Gauge>::default();
        for (value, number) in values {
            family.get_or_create(&vec![(label, word(value))]).set(whole(number));
        }
        self.registry.register(name, help, family);
    }

    /// Adds a span in seconds.
    pub fn seconds(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Seconds::default();
        gauge.set(value);
        self.registry.register(name, help, gauge);
    }

    /// Adds a moment, in seconds since the beginning of 1970 (Unix time).
    pub fn moment(&mut self, name: &str, help: &str, time: Timestamp) {
        self.seconds(name, help, time.as_duration().as_secs_f64());
    }

    /// Returns the metrics in the format of OpenMetrics.
    ///
    /// # Errors
    /// Those of the formatter; it writes to memory and does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Makes a text a label's value. The library writes values as they are, and codes may come from anywhere.
fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.:".contains(c) { c } else { '_' }).collect()
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_figure_is_written_and_no_label_ends_its_line() {
        let mut metrics = Metrics::new("ac\"me\n");
        metrics.counter("events", "Events", 7);
        metrics.counters("alerts", "Alerts", "rule", [("a b", 1)]);
        metrics.gauge("lag", "Lag", usize::MAX);
        metrics.gauges("files", "Files", "state", [("open", 2_i64)]);
        metrics.moment("started_timestamp_seconds", "Start", Timestamp::UNIX_EPOCH);
        let text = metrics.text().unwrap();
        for line in [
            "orgtrail_build_info{deployment=\"ac_me_\",version=",
            "orgtrail_events_total 7",
            "orgtrail_alerts_total{rule=\"a_b\"} 1",
            "orgtrail_lag 9223372036854775807",
            "orgtrail_files{state=\"open\"} 2",
            "orgtrail_started_timestamp_seconds 0.0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
