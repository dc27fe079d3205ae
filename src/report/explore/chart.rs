//! Events over time as bars, as numbers that a template draws. Each bar leads to its time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::filters::{FROM, Filters, LAST, TO};
use crate::words::grouped;

/// The width and the height of the chart, in its own units.
const WIDTH: u64 = 960;
/// See [`WIDTH`].
const HEIGHT: u64 = 100;
/// The most bars.
const BARS_MAX: i64 = 120;
/// How long the time of a bar may be, in seconds, with its words.
const STEPS: [(i64, &str); 11] = [
    (60, "minute"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (3_600, "hour"),
    (3 * 3_600, "3 hours"),
    (12 * 3_600, "12 hours"),
    (86_400, "day"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
    (365 * 86_400, "year"),
    (100 * 365 * 86_400, "century"),
];

/// Returns the chart of how many events there are in a time: moments, each with those that were done and all. `finest`
/// is how many seconds a moment stands for: no bar is shorter. `None`: there is none.
pub(super) fn chart(
    moments: Vec<(Timestamp, u64, u64)>,
    from: Option<Timestamp>,
    to: Timestamp,
    filters: &Filters,
    finest: i64,
) -> Option<Value> {
    let (first, last) = (moments.iter().map(|own| own.0).min()?, moments.iter().map(|own| own.0).max()?);
    let begin = from.unwrap_or(first).as_second().min(first.as_second());
    // Without a beginning the archive is shown up to its last event only: it may be a copy that is old.
    let end = if from.is_some() { to.as_second().max(last.as_second() + 1) } else { last.as_second() + 1 };
    let fits = |step: i64| (end - begin) / step < BARS_MAX;
    let (step, words) = STEPS.into_iter().find(|(step, _)| *step >= finest && fits(*step))?;
    let origin = begin.div_euclid(step) * step;
    let bars_count = u64::try_from((end - 1 - origin) / step + 1).ok()?;
    let mut counts: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for (moment, done, all) in moments {
        let own = counts.entry((moment.as_second() - origin).div_euclid(step)).or_default();
        *own = (own.0 + done, own.1 + all.saturating_sub(done));
    }
    let most = counts.values().map(|(done, other)| done + other).max().unwrap_or(1).max(1);
    // What happened must be seen, however rare it is.
    let height = |count: u64| (count * HEIGHT / most).max(u64::from(count > 0) * 3).min(HEIGHT);
    let bar = |(at, (done, other)): (&i64, &(u64, u64))| {
        let place = u64::try_from(*at).ok()?.min(bars_count - 1);
        let (x, next) = (place * WIDTH / bars_count, (place + 1) * WIDTH / bars_count);
        let (low, high) = (height(*done), height(*other));
        let low_y = HEIGHT - low.min(HEIGHT - high);
        let (since, until) = (moment(origin + at * step)?, moment(origin + (at + 1) * step)?);
        let narrowed = filters.without(LAST).with(FROM, &since.to_string()).with(TO, &until.to_string());
        Some(json!({
            "x": x, "width": (next - x).saturating_sub(1).clamp(1, 60), "low_y": low_y, "low": HEIGHT - low_y,
            "high_y": low_y - high, "high": high, "href": narrowed.address(""),
            "words": format!("{}: {} done, {} attempted", shown(since), words_of(*done), words_of(*other)),
        }))
    };
    Some(json!({
        "width": WIDTH,
        "height": HEIGHT,
        "bars": counts.iter().filter_map(bar).collect::<Vec<_>>(),
        "words": format!("Events by {words}, UTC: done below, attempted on top; the highest bar has {}", words_of(most)),
        "begin": moment(origin).map(shown),
        "end": moment(end).map(shown),
    }))
}

fn moment(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn words_of(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn bars_stand_where_their_time_is_and_lead_to_it() {
        let moments = vec![(at("2026-11-18T10:00:00Z"), 7, 8), (at("2026-11-19T23:00:00Z"), 0, 1)];
        let (from, to) = (at("2026-11-18T00:00:00Z"), at("2026-11-20T00:00:00Z"));
        let drawn = chart(moments, Some(from), to, &Filters::default(), 60).unwrap();
        let bars = drawn["bars"].as_array().unwrap();
        assert_eq!((&bars[0]["x"], &bars[1]["x"]), (&json!(200), &json!(940)));
        assert_eq!(bars[0]["low"].as_u64().unwrap() + bars[0]["high"].as_u64().unwrap(), 99);
        assert_eq!(bars[1]["href"], "./?from=2026-11-19T23%3A00%3A00Z&to=2026-11-20T00%3A00%3A00Z");
        assert_eq!(bars[0]["words"], "2026-11-18 10:00: 7 done, 1 attempted");
    }

    #[test]
    fn a_chart_has_few_bars_however_long_the_time_is() {
        for (first, last) in
            [("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"), ("2026-11-18T00:00:00Z", "2026-11-18T00:00:00Z")]
        {
            let moments = vec![(at(first), 1, 1), (at(last), 1, 2)];
            let drawn = chart(moments, None, at("2026-11-20T00:00:00Z"), &Filters::default(), 86_400).unwrap();
            assert!(drawn["bars"].as_array().unwrap().len() <= 2, "{drawn}");
        }
        assert_eq!(chart(Vec::new(), None, Timestamp::UNIX_EPOCH, &Filters::default(), 60), None);
    }
}
