//! How many events raise an alarm?
//!
//! The benchmark takes any alarm of the metric. But one that no event raises is deaf, and one that is raised all the
//! time tells nobody anything: CloudWatch acts when the state of an alarm changes (CloudWatch user guide, "Alarm
//! actions").

use crate::monitoring::alarm::{AlarmTrigger, Series};
use crate::monitoring::metric_filter::Count;

/// How many events raise an alarm. Texts go on from the alarm's name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raised {
    /// Each one.
    ByOne,
    /// So many: "5 events within 300 seconds".
    BySeveral(String),
    /// None can, and why.
    Never(String),
    /// It cannot be told, and why.
    Undetermined(String),
}

/// Returns how many events raise an alarm of the values that a filter counts.
pub(super) fn raised(count: &Count, series: &Series, trigger: &AlarmTrigger) -> Raised {
    let exceeds: fn(f64, f64) -> bool = match trigger.comparison.as_str() {
        "GreaterThanOrEqualToThreshold" => |value, threshold| value >= threshold,
        "GreaterThanThreshold" => |value, threshold| value > threshold,
        "LessThanThreshold" | "LessThanOrEqualToThreshold" => {
            return Raised::Never("is raised by few events and not by many".into());
        }
        other => return Raised::Undetermined(format!("compares by {other}, which is not judged")),
    };
    let Some(threshold) = trigger.threshold else {
        return Raised::Undetermined("has no fixed threshold".into());
    };
    let quiet = Quiet { default: count.default, missing_data: &trigger.missing_data };
    if let Some(why) = quiet.spoils(|value| exceeds(value, threshold)) {
        return why;
    }
    let events = match events(count, series, |value| exceeds(value, threshold)) {
        Ok(events) => events,
        Err(other) => return other,
    };
    told(events, series, trigger)
}

/// What the alarm sees while no event happens.
struct Quiet<'a> {
    default: Option<f64>,
    missing_data: &'a str,
}

impl Quiet<'_> {
    fn spoils(&self, exceeds: impl Fn(f64) -> bool) -> Option<Raised> {
        match (self.default, self.missing_data) {
            (Some(value), _) if exceeds(value) => {
                Some(Raised::Never(format!("is raised by the {value} that is reported while nothing happens as well")))
            }
            (None, "breaching") => {
                Some(Raised::Never("is raised while nothing happens as well: missing data count as too much".into()))
            }
            (None, "ignore") => Some(Raised::Undetermined(
                "stays raised after the first event, because missing data are ignored".into(),
            )),
            _ => None,
        }
    }
}

/// Returns how many events within a period it takes.
fn events(count: &Count, series: &Series, exceeds: impl Fn(f64) -> bool) -> Result<u32, Raised> {
    let statistic = series.statistic.as_str();
    let each = match (statistic, count.value.parse::<f64>()) {
        ("SampleCount", _) if count.default.is_some() => {
            return Err(Raised::Undetermined("counts the reports that nothing happened as well".into()));
        }
        ("SampleCount", _) => 1.0,
        (_, Ok(each)) => each,
        (_, Err(_)) => return Err(Raised::Undetermined(format!("looks at values of {}, which differ", count.value))),
    };
    match statistic {
        "Sum" | "SampleCount" => summed(each, exceeds),
        "Maximum" | "Average" | "Minimum" if !exceeds(each) => Err(Raised::Never(format!(
            "looks at the {statistic}, which is never more than the {each} that an event counts"
        ))),
        "Average" | "Minimum" if count.default.is_some() => Err(Raised::Undetermined(format!(
            "looks at the {statistic}, which what is reported while nothing happens brings down"
        ))),
        "Maximum" | "Average" | "Minimum" => Ok(1),
        other => Err(Raised::Undetermined(format!("looks at the statistic {other}, which is not judged"))),
    }
}

/// More than an account has in a period; a threshold above it is never reached.
const EVENTS_MAX: u32 = 1_000_000;

fn summed(each: f64, exceeds: impl Fn(f64) -> bool) -> Result<u32, Raised> {
    let enough = |events: u32| exceeds(f64::from(events) * each);
    if each <= 0.0 || !enough(EVENTS_MAX) {
        return Err(Raised::Never(format!("is never raised: each event counts {each}")));
    }
    // The least number that is enough, by halving: more events never sum up to less.
    let (mut few, mut many) = (0, EVENTS_MAX);
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle) { many = middle } else { few = middle }
    }
    Ok(many)
}

fn told(events: u32, series: &Series, trigger: &AlarmTrigger) -> Raised {
    if events == 1 && trigger.datapoints <= 1 {
        return Raised::ByOne;
    }
    let within = format!(
        "{} within {} seconds",
        if events == 1 { "an event".into() } else { format!("{events} events") },
        series.period_s
    );
    if trigger.datapoints <= 1 {
        return Raised::BySeveral(within);
    }
    Raised::BySeveral(format!("{within}, in {} of {} such periods,", trigger.datapoints, trigger.periods))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::monitoring::metric_filter::Metric;

    fn count() -> Count {
        let metric = Metric { namespace: "cis".into(), name: "keys".into() };
        Count { metric, value: "1".into(), default: None, dimensions: BTreeSet::new(), unit: None }
    }

    fn series(statistic: &str) -> Series {
        Series {
            metric: count().metric,
            account: None,
            dimensions: BTreeSet::new(),
            unit: None,
            statistic: statistic.into(),
            period_s: 300,
        }
    }

    fn at_least(threshold: f64) -> AlarmTrigger {
        AlarmTrigger {
            comparison: "GreaterThanOrEqualToThreshold".into(),
            threshold: Some(threshold),
            periods: 1,
            datapoints: 1,
            missing_data: "missing".into(),
        }
    }

    #[track_caller]
    fn several(raised: Raised, words: &str) {
        assert_eq!(raised, Raised::BySeveral(words.to_owned()));
    }

    #[track_caller]
    fn never(raised: Raised, words: &str) {
        assert!(matches!(&raised, Raised::Never(why) if why.contains(words)), "{raised:?}");
    }

    #[track_caller]
    fn untold(raised: Raised, words: &str) {
        assert!(matches!(&raised, Raised::Undetermined(why) if why.contains(words)), "{raised:?}");
    }

    #[test]
    fn the_alarm_of_the_benchmark_is_raised_by_one_event() {
        for statistic in ["Sum", "SampleCount", "Maximum", "Average", "Minimum"] {
            assert_eq!(raised(&count(), &series(statistic), &at_least(1.0)), Raised::ByOne, "{statistic}");
        }
        let above_none = AlarmTrigger { comparison: "GreaterThanThreshold".into(), ..at_least(0.0) };
        assert_eq!(raised(&count(), &series("Sum"), &above_none), Raised::ByOne);
        let with_zeros = Count { default: Some(0.0), ..count() };
        for missing_data in ["missing", "ignore", "breaching", "notBreaching"] {
            let trigger = AlarmTrigger { missing_data: missing_data.into(), ..at_least(1.0) };
            assert_eq!(raised(&with_zeros, &series("Sum"), &trigger), Raised::ByOne, "{missing_data}");
        }
    }

    #[test]
    fn a_higher_threshold_and_several_periods_take_several_events() {
        several(raised(&count(), &series("Sum"), &at_least(5.0)), "5 events within 300 seconds");
        let above = AlarmTrigger { comparison: "GreaterThanThreshold".into(), ..at_least(1.0) };
        several(raised(&count(), &series("Sum"), &above), "2 events within 300 seconds");
        let halves = Count { value: "0.5".into(), ..count() };
        several(raised(&halves, &series("Sum"), &at_least(1.0)), "2 events within 300 seconds");
        let often = AlarmTrigger { periods: 3, datapoints: 2, ..at_least(1.0) };
        several(raised(&count(), &series("Sum"), &often), "an event within 300 seconds, in 2 of 3 such periods,");
    }

    #[test]
    fn an_alarm_that_no_event_raises_is_deaf() {
        for comparison in ["LessThanThreshold", "LessThanOrEqualToThreshold"] {
            let below = AlarmTrigger { comparison: comparison.into(), ..at_least(1.0) };
            never(raised(&count(), &series("Sum"), &below), "few events");
        }
        never(raised(&count(), &series("Maximum"), &at_least(2.0)), "never more than the 1");
        let nothing = Count { value: "0".into(), ..count() };
        never(raised(&nothing, &series("Sum"), &at_least(1.0)), "each event counts 0");
        never(raised(&count(), &series("Sum"), &at_least(1e12)), "never raised");
    }

    #[test]
    fn an_alarm_that_is_raised_all_the_time_tells_of_no_event() {
        let with_zeros = Count { default: Some(0.0), ..count() };
        never(raised(&with_zeros, &series("Sum"), &at_least(0.0)), "while nothing happens");
        let breaching = AlarmTrigger { missing_data: "breaching".into(), ..at_least(1.0) };
        never(raised(&count(), &series("Sum"), &breaching), "missing data");
    }

    #[test]
    fn what_is_not_judged_is_said() {
        let ignoring = AlarmTrigger { missing_data: "ignore".into(), ..at_least(1.0) };
        untold(raised(&count(), &series("Sum"), &ignoring), "stays raised");
        untold(raised(&count(), &series("p99"), &at_least(1.0)), "p99");
        let field = Count { value: "$.size".into(), ..count() };
        untold(raised(&field, &series("Sum"), &at_least(1.0)), "$.size");
        let band = AlarmTrigger { comparison: "GreaterThanUpperThreshold".into(), threshold: None, ..at_least(1.0) };
        untold(raised(&count(), &series("Sum"), &band), "GreaterThanUpperThreshold");
        untold(
            raised(&count(), &series("Sum"), &AlarmTrigger { threshold: None, ..at_least(1.0) }),
            "no fixed threshold",
        );
        let with_zeros = Count { default: Some(0.0), ..count() };
        untold(raised(&with_zeros, &series("Average"), &at_least(1.0)), "brings down");
        untold(raised(&with_zeros, &series("SampleCount"), &at_least(1.0)), "nothing happened");
    }
}
