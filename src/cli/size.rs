//! Sizes as people write them on the command line.

/// Reads a size: `512MB`, `10GB`, `1048576`, `0`.
///
/// # Errors
/// A sentence that shows the right form.
pub(in crate::cli) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 512MiB or 10GB");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "T" | "TB" => 1_000_000_000_000,
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        "GIB" => 1 << 30,
        _ => return Err(wrong()),
    };
    digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!((size("0"), size("512MB"), size("10GB")), (Ok(0), Ok(512_000_000), Ok(10_000_000_000)));
        assert_eq!((size("1GiB"), size("7 kb")), (Ok(1 << 30), Ok(7_000)));
        for wrong in ["", "MB", "-1", "1.5GB", "10XB", "99999999999999TB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
