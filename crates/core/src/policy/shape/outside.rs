//! Texts that none of several patterns matches.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, ShapePart, TooMany, read_back};

/// How many characters are tried against patterns before the answer is [`TooMany`].
const TRIES_MAX: usize = 4_000_000;

/// Where one can be in a pattern after a text, in order; none anywhere where the pattern cannot match any more.
///
/// Places before the last `*` that was reached are left out: what could follow there can follow that `*` too.
type Places = Vec<usize>;

/// Returns a text that is made of these parts and that no pattern matches, if there is one.
///
/// # Errors
/// The patterns are too many to tell.
pub(in crate::policy) fn outside(patterns: &[Vec<char>], parts: &[ShapePart]) -> Result<Option<String>, TooMany> {
    let asked: BTreeSet<char> = patterns.iter().flatten().copied().collect();
    let mut letters: BTreeMap<Class, Vec<char>> = BTreeMap::new();
    let start: Vec<Places> = patterns.iter().map(|pattern| settled(pattern, vec![0])).collect();
    let mut seen: BTreeSet<(usize, Vec<Places>)> = BTreeSet::from([(0, start.clone())]);
    let mut came = vec![Some((0, None))];
    let mut open = vec![(0, start, 0)];
    let mut tries = 0;
    while let Some((k, places, at)) = open.pop() {
        let Some(part) = parts.get(k) else {
            if !patterns.iter().zip(&places).any(|(pattern, places)| places.last() == Some(&pattern.len())) {
                return Ok(Some(read_back(&came, at)));
            }
            continue;
        };
        let mut next: Vec<(usize, Vec<Places>, Option<char>)> = Vec::new();
        let letters = letters.entry(part.class).or_insert_with(|| telling(part.class, &asked));
        // What was put in last is looked at first: characters that no pattern has, and the end of what repeats.
        for &c in letters.iter().rev() {
            tries += patterns.len() + 1;
            if tries > TRIES_MAX {
                return Err(TooMany);
            }
            if let Some(places) = after(patterns, &places, c) {
                next.push((k + usize::from(!part.many), places, Some(c)));
            }
        }
        if part.many {
            next.push((k + 1, places, None));
        }
        for (k, places, by) in next {
            if seen.insert((k, places.clone())) {
                came.push(Some((at, by)));
                open.push((k, places, came.len() - 1));
            }
        }
    }
    Ok(None)
}

/// Returns the characters of a class that matter: one that no pattern has, and all that some pattern has.
fn telling(class: Class, asked: &BTreeSet<char>) -> Vec<char> {
    let all = class.all();
    let other = all.iter().find(|c| !asked.contains(c)).copied();
    other.into_iter().chain(all.into_iter().filter(|c| asked.contains(c))).collect()
}

/// Returns the places in each pattern after one more character; none where some pattern matches whatever follows.
fn after(patterns: &[Vec<char>], places: &[Places], c: char) -> Option<Vec<Places>> {
    let mut all = Vec::with_capacity(places.len());
    for (pattern, places) in patterns.iter().zip(places) {
        let mut next = Vec::new();
        for &place in places {
            match pattern.get(place) {
                Some('*') => next.push(place),
                Some(own) if *own == '?' || *own == c => next.push(place + 1),
                _ => {}
            }
        }
        let next = settled(pattern, next);
        let takes_all = |place: &usize| pattern[*place..].iter().all(|c| *c == '*') && *place < pattern.len();
        if next.first().is_some_and(takes_all) {
            return None;
        }
        all.push(next);
    }
    Some(all)
}

/// Adds the places past each `*`, and leaves out those before the last one.
fn settled(pattern: &[char], mut places: Places) -> Places {
    let mut n = 0;
    while let Some(&place) = places.get(n) {
        if pattern.get(place) == Some(&'*') {
            places.push(place + 1);
        }
        n += 1;
    }
    places.sort_unstable();
    places.dedup();
    if let Some(last) = places.iter().rposition(|place| pattern.get(*place) == Some(&'*')) {
        places.drain(..last);
    }
    places
}
