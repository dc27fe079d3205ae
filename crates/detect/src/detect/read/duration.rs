//! Times as rules write them: `90s`, `10m`, `6h`, `90d`, `2w`.

/// Reads a time into microseconds. `None`: it is none, or longer than ten years.
pub(super) fn microseconds(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let total = i64::from(count).checked_mul(seconds)?;
    (0 < total && total <= 10 * 366 * 86_400).then_some(total * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_and_a_unit() {
        let good = [("90s", 90), ("10m", 600), ("6h", 21_600), ("90d", 7_776_000), ("2w", 1_209_600)];
        for (text, seconds) in good {
            assert_eq!(microseconds(text), Some(seconds * 1_000_000), "{text}");
        }
        for bad in ["", "10", "m", "0m", "-1m", "1.5h", "10 m", "10M", "9999999d", "99999999999s", "1é"] {
            assert_eq!(microseconds(bad), None, "{bad}");
        }
    }
}
