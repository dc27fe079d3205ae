//! A heat map: rows of labels, columns of equal times, a cell where they meet. Of several cells in one place the
//! greatest wins: the worst state, the poorest presence.

use jiff::{SignedDuration, Timestamp};

use crate::logs::finding::TimeRange;

/// The columns' possible widths, from an hour to a quarter of a year.
const STEPS_HOURS: [i64; 8] = [1, 3, 6, 24, 3 * 24, 7 * 24, 30 * 24, 90 * 24];

/// A heat map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatMap<T> {
    /// Where the first column starts.
    pub start: Timestamp,
    /// How much time a column spans.
    pub step: SignedDuration,
    /// Labels with the cell of each column; nothing where nothing is known.
    pub rows: Vec<(String, Vec<Option<T>>)>,
}

impl<T: Copy + Ord> HeatMap<T> {
    /// Returns the map of labelled hours in at most `columns_max` columns. Rows of one label are joined. Without any
    /// hour there is no map.
    pub fn of(hours: impl IntoIterator<Item = (String, Vec<(TimeRange, T)>)>, columns_max: usize) -> Option<Self> {
        let mut labelled: Vec<(String, Vec<(TimeRange, T)>)> = Vec::new();
        for (label, hours) in hours {
            match labelled.iter_mut().find(|(of, _)| *of == label) {
                Some((_, all)) => all.extend(hours),
                None => labelled.push((label, hours)),
            }
        }
        let all = || labelled.iter().flat_map(|(_, hours)| hours);
        let start = all().map(|(window, _)| window.start).min()?;
        // A begun hour at the end belongs to the hour before it, as in `cells`.
        let end = all().map(|(window, _)| full_hour(window.end).max(window.start)).max()?;
        let start = TimeRange { start, end }.hour();
        let hours = (end.as_second() - start.as_second()).div_euclid(3600).max(1);
        let columns = i64::try_from(columns_max.max(1)).unwrap_or(i64::MAX);
        let fits = |step: &i64| hours <= step * columns;
        let step = STEPS_HOURS.into_iter().find(fits).unwrap_or_else(|| hours.div_euclid(columns) + 1);
        let step = SignedDuration::from_hours(step);
        let rows = labelled.into_iter().map(|(label, hours)| (label, cells(start, end, step, &hours))).collect();
        Some(Self { start, step, rows })
    }

    /// Returns where a column starts.
    pub fn time_of(&self, column: usize) -> Timestamp {
        let seconds = self.step.as_secs().saturating_mul(i64::try_from(column).unwrap_or(i64::MAX));
        self.start.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.start)
    }

    /// Returns how many columns there are.
    pub fn columns(&self) -> usize {
        self.rows.first().map_or(0, |(_, cells)| cells.len())
    }
}

fn cells<T: Copy + Ord>(
    start: Timestamp,
    end: Timestamp,
    step: SignedDuration,
    hours: &[(TimeRange, T)],
) -> Vec<Option<T>> {
    let column = |at: Timestamp| {
        usize::try_from((at.as_second() - start.as_second()).div_euclid(step.as_secs())).unwrap_or_default()
    };
    let just_before = |at: Timestamp| at.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(at);
    let mut cells = vec![None; column(just_before(end).max(start)) + 1];
    for (window, state) in hours {
        let (first, last) =
            (column(window.start), column(just_before(full_hour(window.end))).max(column(window.start)));
        for cell in cells.iter_mut().take(last + 1).skip(first) {
            *cell = (*cell).max(Some(*state));
        }
    }
    cells
}

/// Returns the full hour before a moment. Digests end at any minute, and an hour is drawn where it starts.
fn full_hour(at: Timestamp) -> Timestamp {
    TimeRange { start: at, end: at }.hour()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::finding::State;

    fn span(from: &str, to: &str, state: State) -> (TimeRange, State) {
        let at = |time: &str| format!("2026-11-20T{time}:00Z").parse().unwrap();
        (TimeRange { start: at(from), end: at(to) }, state)
    }

    fn drawn(map: &HeatMap<State>) -> Vec<String> {
        let sign = |cell: &Option<State>| match cell {
            None => '-',
            Some(State::Attested) => 'a',
            Some(State::Unproven) => 'u',
            Some(State::Broken) => 'b',
        };
        map.rows
            .iter()
            .map(|(label, cells)| format!("{label} {}", cells.iter().map(sign).collect::<String>()))
            .collect()
    }

    #[test]
    fn rows_of_one_label_are_joined_and_the_worst_state_wins() {
        let first = vec![span("00:00", "04:00", State::Attested)];
        let second = vec![span("02:00", "03:00", State::Broken)];
        let other = vec![span("05:00", "06:00", State::Unproven)];
        let rows = [("1".to_owned(), first), ("1".to_owned(), second), ("2".to_owned(), other)];
        let map = HeatMap::of(rows, 60).unwrap();
        assert_eq!(drawn(&map), ["1 aaba--", "2 -----u"]);
        assert_eq!(map.time_of(2), "2026-11-20T02:00:00Z".parse().unwrap());
    }

    #[test]
    fn an_hour_is_drawn_where_it_starts() {
        let hours = vec![span("00:31", "01:31", State::Attested), span("01:31", "02:31", State::Broken)];
        assert_eq!(drawn(&HeatMap::of([("1".to_owned(), hours)], 8).unwrap()), ["1 ab"]);
    }

    #[test]
    fn much_time_makes_wide_columns() {
        let hours = [span("00:31", "20:31", State::Attested), span("20:31", "21:31", State::Broken)];
        let map = HeatMap::of([("1".to_owned(), hours.to_vec())], 8).unwrap();
        assert_eq!(map.step, SignedDuration::from_hours(3));
        assert_eq!(drawn(&map), ["1 aaaaaab"]);
        assert_eq!(HeatMap::<State>::of([("1".to_owned(), vec![])], 8), None);
    }
}
