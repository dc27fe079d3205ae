//! Pauses that grow with each failure. Pure: chance comes in.

use std::time::Duration;

/// The pause after the first failure of something that is tried again.
const RETRY_FIRST: Duration = Duration::from_secs(5);

/// Returns the pause after `failures` in a row: twice as long each time, at most `longest`, and up to half of it taken
/// away by `jitter` (0 to 1), so that many who failed together do not come back together.
pub fn pause(failures: u32, first: Duration, longest: Duration, jitter: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(20)));
    doubled.min(longest).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

/// Returns the pause after `failures` in a row of a turn of work, a connection or a queue: five seconds at first, and
/// never more than `longest`, which is the time between two turns.
pub fn retry_pause(failures: u32, longest: Duration, jitter: f64) -> Duration {
    pause(failures, RETRY_FIRST, longest, jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread() {
        let longest = Duration::from_secs(60);
        let pauses: Vec<u64> = (1..=6).map(|n| retry_pause(n, longest, 0.0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
        assert_eq!(retry_pause(6, longest, 1.0).as_secs(), 30);
        assert_eq!(retry_pause(u32::MAX, longest, 0.5).as_secs(), 45);
    }
}
