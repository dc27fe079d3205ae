//! Where hours are that have no digest: of which accounts and regions, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// Accounts and regions that are named.
const NAMED_MAX: usize = 100;

/// Hours of an account in a region that have no digest: nothing says whether logs are missing there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoursGap {
    /// The account's id.
    pub account: String,
    /// The region.
    pub region: String,
    /// How many hours they are.
    pub hours: u64,
    /// When the first one begins, RFC 3339 in UTC.
    pub first: String,
    /// When the last one begins.
    pub last: String,
}

impl HoursGap {
    /// Returns the days of the first and of the last hour: `2026-11-20`.
    pub fn days(&self) -> (&str, &str) {
        let day = |text| str::get(text, ..10).unwrap_or(text);
        (day(&self.first), day(&self.last))
    }
}

/// The gaps that were found so far: of each account and region how many hours, the first and the last.
#[derive(Debug, Default)]
pub(super) struct Gaps(BTreeMap<(String, String), (u64, i64, i64)>);

impl Gaps {
    /// Notes an hour, as the number of hours since 1970.
    pub(super) fn note(&mut self, account: &str, region: &str, hour: i64) {
        let own = self.0.entry((account.to_owned(), region.to_owned())).or_insert((0, hour, hour));
        *own = (own.0 + 1, own.1.min(hour), own.2.max(hour));
    }

    /// Returns the first hundred: those with most hours first.
    pub(super) fn named(self) -> Vec<HoursGap> {
        let text = |hour: i64| Timestamp::from_second(hour * 3600).map(|at| at.to_string()).unwrap_or_default();
        let mut all: Vec<HoursGap> = self
            .0
            .into_iter()
            .map(|((account, region), (hours, first, last))| HoursGap {
                account,
                region,
                hours,
                first: text(first),
                last: text(last),
            })
            .collect();
        // Stable: those with as many stay in the order of their names.
        all.sort_by_key(|gap| std::cmp::Reverse(gap.hours));
        all.truncate(NAMED_MAX);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_with_most_hours_are_named_first() {
        let mut gaps = Gaps::default();
        for (account, hour) in [("1", 490_000), ("2", 490_003), ("2", 490_001)] {
            gaps.note(account, "us-east-1", hour);
        }
        (0..200).for_each(|at| gaps.note(&format!("9{at:03}"), "us-east-1", 490_000));
        let named = gaps.named();
        assert_eq!((named.len(), named[0].account.as_str(), named[0].hours), (NAMED_MAX, "2", 2));
        assert_eq!((named[0].first.as_str(), named[0].last.as_str()), ("2025-11-24T17:00:00Z", "2025-11-24T19:00:00Z"));
    }
}
