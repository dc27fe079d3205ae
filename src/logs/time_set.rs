//! A set of times, kept as joined spans. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finding::TimeRange;

/// Spans of time that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeSet(BTreeMap<Timestamp, Timestamp>);

impl TimeSet {
    /// Adds a span.
    pub fn add(&mut self, window: TimeRange) {
        let mut joined = window;
        if let Some((&start, &end)) = self.0.range(..=window.start).next_back()
            && end >= window.start
        {
            joined = TimeRange { start, end: end.max(window.end) };
        }
        while let Some((&start, &end)) = self.0.range(joined.start..=joined.end).next() {
            joined.end = joined.end.max(end);
            self.0.remove(&start);
        }
        self.0.insert(joined.start, joined.end);
    }

    /// Tells whether one span holds all of a window.
    pub fn hold(&self, window: TimeRange) -> bool {
        self.0.range(..=window.start).next_back().is_some_and(|(_, &end)| end >= window.end)
    }

    /// Returns where the first span starts.
    pub fn start(&self) -> Option<Timestamp> {
        self.0.keys().next().copied()
    }

    /// Returns where the last span ends.
    pub fn end(&self) -> Option<Timestamp> {
        self.0.values().next_back().copied()
    }

    /// Returns the spans, in order.
    pub fn iter(&self) -> impl Iterator<Item = TimeRange> {
        self.0.iter().map(|(&start, &end)| TimeRange { start, end })
    }

    /// Returns what of a window no span holds, in order.
    pub fn gaps(&self, within: TimeRange) -> Vec<TimeRange> {
        let mut gaps = Vec::new();
        let mut start = within.start;
        for span in self.iter().filter(|span| span.end > within.start && span.start < within.end) {
            if span.start > start {
                gaps.push(TimeRange { start, end: span.start });
            }
            start = start.max(span.end);
        }
        if start < within.end {
            gaps.push(TimeRange { start, end: within.end });
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(start: i64, end: i64) -> TimeRange {
        let at = |second| Timestamp::from_second(second).unwrap();
        TimeRange { start: at(start), end: at(end) }
    }

    fn spans(of: &[(i64, i64)]) -> TimeSet {
        let mut spans = TimeSet::default();
        of.iter().for_each(|&(start, end)| spans.add(window(start, end)));
        spans
    }

    #[test]
    fn spans_are_joined_in_any_order() {
        assert_eq!(spans(&[(4, 6), (0, 2), (2, 4)]).iter().collect::<Vec<_>>(), [window(0, 6)]);
        assert_eq!(spans(&[(0, 2), (4, 6)]).gaps(window(1, 8)), [window(2, 4), window(6, 8)]);
        assert!(spans(&[(0, 4)]).hold(window(1, 4)) && !spans(&[(0, 2), (3, 4)]).hold(window(1, 4)));
        assert_eq!(spans(&[]).gaps(window(1, 2)), [window(1, 2)]);
    }

    proptest! {
        #[test]
        fn spans_and_gaps_part_a_window(of in proptest::collection::vec((0i64..50, 1i64..9), 0..12)) {
            let of: Vec<_> = of.into_iter().map(|(start, length)| (start, start + length)).collect();
            let spans = spans(&of);
            let gaps = spans.gaps(window(0, 60));
            for second in 0..60 {
                let moment = window(second, second + 1);
                let is_held = of.iter().any(|&(start, end)| start <= second && second < end);
                prop_assert_eq!(spans.hold(moment), is_held);
                prop_assert_eq!(gaps.iter().any(|gap| gap.start <= moment.start && moment.end <= gap.end), !is_held);
            }
        }
    }
}
