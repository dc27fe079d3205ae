//! Numbers and lists as sentences say them.

/// Returns the number with its noun: `1 account`, `12 accounts`, `0 policies`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {}", grouped(number), plural(noun)) }
}

/// Returns the plural of a regular noun; only its last word changes.
pub fn plural(noun: &str) -> String {
    let vowel_before_y = ["ay", "ey", "oy", "uy"].iter().any(|end| noun.ends_with(end));
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Returns the number with a comma between thousands: `65,536`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Joins items as a sentence does: `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

/// Joins the first `most` items and says how many more there are: `a, b, … and 410 more`.
pub fn some<T: AsRef<str>>(items: &[T], most: usize) -> String {
    match items.get(..most) {
        // "and 1 more" would be as long as the item itself.
        Some(first) if items.len() > most + 1 => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{}, … and {} more", first.join(", "), grouped(items.len() - most))
        }
        _ => list(items),
    }
}

/// Returns a size in binary units: `812 bytes`, `19.5 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") };
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10 * 1024 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Returns a span of time in its two largest units: `42 s`, `3 min 5 s`, `2 h`, `3 d 4 h`.
pub fn span(seconds: u64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2).filter(|(number, _)| *number > 0 || seconds == 0);
    shown.map(|(number, unit)| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

/// Returns how much of a limit is used, in whole percent, rounded down; 100 where nothing is allowed.
pub fn percent(used: u64, limit: u64) -> u64 {
    let hundredfold = u128::from(used) * 100;
    hundredfold.checked_div(u128::from(limit)).map_or(100, |part| u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(count(1, "account"), "1 account");
        assert_eq!(count(0, "policy"), "0 policies");
        assert_eq!(count(1234, "key"), "1,234 keys");
        assert_eq!(count(2, "trusted access"), "2 trusted accesses");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(some(&["a", "b", "c"], 2), "a, b and c");
        assert_eq!(some(&["a", "b", "c", "d"], 2), "a, b, … and 2 more");
    }

    #[test]
    fn sizes_and_spans_have_units() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(20_480), "20.0 KiB");
        assert_eq!(size(5 * 1024 * 1024), "5.0 MiB");
        assert_eq!(span(0), "0 s");
        assert_eq!(span(185), "3 min 5 s");
        assert_eq!(span(7200), "2 h");
        assert_eq!(span(3 * 86_400 + 4 * 3600 + 59), "3 d 4 h");
        assert_eq!(percent(61, 100), 61);
        assert_eq!(percent(1, 0), 100);
    }
}
