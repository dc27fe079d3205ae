//! The bar at the top: which share of the hours is proven, looked at, pending or missing.

use serde::Serialize;

use crate::query::answer::{AnswerCoverage, Hours};
use crate::report::text::words::grouped;

/// The width of the bar, in its own units.
const WIDTH: u64 = 1000;

/// A part of the bar.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// The class of the page's style.
    pub class: &'static str,
    /// What it means.
    pub word: &'static str,
    /// How many hours of accounts and regions it is.
    pub hours: String,
    /// The same as a share, with its sign.
    pub share: String,
    /// Where it begins and how wide it is, in units of which the bar has a thousand.
    pub x: u64,
    /// See `x`.
    pub width: u64,
}

/// Returns the parts of the bar. Empty: there are no hours at all.
pub(super) fn parts(coverage: &AnswerCoverage) -> Vec<Part> {
    let Hours { all, with_digest, attested, pending, without_digest } = coverage.hours;
    let of_all = [
        ("proven", "proven: attested when the lake was sealed", attested),
        ("seen", "looked at: with a digest that was not verified here", with_digest.saturating_sub(attested)),
        ("pending", "pending: logs or digests may still come", pending),
        ("missing", "missing a digest: whether logs are missing is not known", without_digest),
    ];
    let mut before = 0;
    let mut parts = Vec::new();
    for (class, word, hours) in of_all {
        let x = scaled(before, all);
        before += hours;
        // What is there must be seen, however small its share is.
        let width = scaled(before, all).saturating_sub(x).max(u64::from(hours > 0) * 4);
        let hours_text = grouped(usize::try_from(hours).unwrap_or(usize::MAX));
        parts.push(Part { class, word, hours: hours_text, share: share(hours, all), x: x.min(WIDTH - 4), width });
    }
    if all == 0 { Vec::new() } else { parts }
}

fn scaled(hours: u64, all: u64) -> u64 {
    u64::try_from(u128::from(hours) * u128::from(WIDTH) / u128::from(all.max(1))).unwrap_or(WIDTH)
}

/// Returns a share in percent, never rounded to none or to all.
pub(super) fn share(some: u64, all: u64) -> String {
    let tenths = u128::from(some) * 1000 / u128::from(all.max(1));
    match (some, tenths) {
        (0, _) => "0 %".to_owned(),
        (_, 0) => "< 0.1 %".to_owned(),
        (some, _) if some == all => "100 %".to_owned(),
        (_, tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_what_is_not_whole_is_never_all() {
        let hours = Hours { all: 100_000, with_digest: 99_999, attested: 50_000, pending: 0, without_digest: 1 };
        let parts = parts(&AnswerCoverage { hours, ..AnswerCoverage::default() });
        let shown: Vec<(&str, &str, u64)> =
            parts.iter().map(|part| (part.class, part.share.as_str(), part.width)).collect();
        let expected =
            [("proven", "50.0 %", 500), ("seen", "49.9 %", 499), ("pending", "0 %", 0), ("missing", "< 0.1 %", 4)];
        assert_eq!(shown, expected);
        assert!(super::parts(&AnswerCoverage::default()).is_empty());
    }
}
