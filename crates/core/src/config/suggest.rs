//! Guesses what somebody meant to write.

/// Below this likeness (0 to 1) a guess confuses more than it helps: `prefix` is not `refuse`.
const LIKENESS_MIN: f64 = 0.6;

/// Returns the candidate that is most like `word`, if one is like it at all. Case, `_` and `-` do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let word = bare(word);
    let mut best = None;
    let mut best_likeness = LIKENESS_MIN;
    for candidate in candidates {
        let likeness = strsim::normalized_damerau_levenshtein(&word, &bare(candidate));
        // The first of two equals wins, so that the answer does not depend on chance.
        if likeness > best_likeness {
            best = Some(candidate);
            best_likeness = likeness;
        }
    }
    best
}

/// Writes words as a list that a sentence can hold: `a`, `b`, `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_near_or_none() {
        let fields = ["home_region", "bucket", "trails", "new_regions"];
        assert_eq!(nearest("homeRegion", fields), Some("home_region"));
        assert_eq!(nearest("bukcet", fields), Some("bucket"));
        assert_eq!(nearest("trail", fields), Some("trails"));
        assert_eq!(nearest("colour", fields), None);
        assert_eq!(nearest("", fields), None);
    }

    #[test]
    fn words_are_listed_in_their_order() {
        assert_eq!(listed(["b", "a"]), "`b`, `a`");
    }
}
