//! Texts of one shape, such as the names of log files or ARNs: which of them a pattern with `*` and `?` matches
//! ([`common`]), and which none of several patterns matches ([`outside()`]).

mod outside;

pub(super) use outside::outside;

/// The patterns are too long or too many for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// A part of a shape: one character of a class, or any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShapePart {
    /// Which characters.
    pub(super) class: Class,
    /// Any number of them, none included.
    pub(super) many: bool,
}

/// Characters that may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// This one.
    Only(char),
    /// From one character to another.
    Range(char, char),
    /// What the middle of a region's name is made of.
    Region,
    /// What the rest of a file's name is made of.
    Word,
    /// What keys are made of.
    Any,
}

const LETTERS: &str = "xabcdefghijklmnopqrstuvwyz";
const REST: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Class {
    /// Returns the characters of the class, plain ones first.
    fn all(self) -> Vec<char> {
        match self {
            Class::Only(own) => vec![own],
            Class::Range(first, last) => (first..=last).collect(),
            Class::Region => LETTERS.chars().chain(['-']).collect(),
            Class::Word => LETTERS.chars().chain(REST.chars()).chain(['-', '_']).collect(),
            Class::Any => LETTERS.chars().chain(REST.chars()).chain(['-', '_', '/', '.']).collect(),
        }
    }

    fn fits(self, c: char) -> bool {
        match self {
            Class::Only(own) => c == own,
            Class::Range(first, last) => (first..=last).contains(&c),
            Class::Region => c.is_ascii_lowercase() || c == '-',
            Class::Word => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            Class::Any => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'),
        }
    }

    /// Returns a character of the class that is this one, if one is asked for.
    fn pick(self, wanted: Option<char>) -> Option<char> {
        match (wanted, self) {
            (Some(c), _) => self.fits(c).then_some(c),
            (None, Class::Only(first) | Class::Range(first, _)) => Some(first),
            (None, Class::Region | Class::Word | Class::Any) => Some('x'),
        }
    }
}

/// One character of a class.
pub(super) fn one(class: Class) -> ShapePart {
    ShapePart { class, many: false }
}

/// Any number of characters of a class.
pub(super) fn many(class: Class) -> ShapePart {
    ShapePart { class, many: true }
}

/// A text as it stands.
pub(super) fn text(text: &str) -> impl Iterator<Item = ShapePart> {
    text.chars().map(|c| one(Class::Only(c)))
}

/// One character from the first of these to the last.
pub(super) fn range(ends: &str) -> ShapePart {
    let mut ends = ends.chars();
    let first = ends.next().unwrap_or_default();
    one(Class::Range(first, ends.next().unwrap_or(first)))
}

/// Returns a text that a pattern with `*` and `?` matches and that is made of these parts, if there is one.
///
/// Both are walked side by side; each pair of places is visited once.
pub(super) fn common(pattern: &[char], parts: &[ShapePart]) -> Option<String> {
    let width = parts.len() + 1;
    let place = |p: usize, k: usize| p * width + k;
    let mut came: Vec<Option<(usize, Option<char>)>> = vec![None; (pattern.len() + 1) * width];
    let mut open = vec![(0, 0)];
    came[0] = Some((0, None));
    while let Some((p, k)) = open.pop() {
        if p == pattern.len() && k == parts.len() {
            return Some(read_back(&came, place(p, k)));
        }
        for (to, by) in steps(pattern, parts, p, k) {
            let next = &mut came[place(to.0, to.1)];
            if next.is_none() {
                *next = Some((place(p, k), by));
                open.push(to);
            }
        }
    }
    None
}

type Step = ((usize, usize), Option<char>);

/// Returns where one can go from a pair of places: past a `*` or a repeated part, or over a character that fits both.
fn steps(pattern: &[char], parts: &[ShapePart], p: usize, k: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let (own, part) = (pattern.get(p).copied(), parts.get(k).copied());
    if own == Some('*') {
        steps.push(((p + 1, k), None));
    }
    if part.is_some_and(|part| part.many) {
        steps.push(((p, k + 1), None));
    }
    if let (Some(own), Some(part)) = (own, part) {
        let wanted = Some(own).filter(|c| !matches!(c, '*' | '?'));
        if let Some(c) = part.class.pick(wanted) {
            steps.push(((p + usize::from(own != '*'), k + usize::from(!part.many)), Some(c)));
        }
    }
    steps
}

/// Returns the text on the way to a place: each place has the one before it, and the first has itself.
fn read_back(came: &[Option<(usize, Option<char>)>], end: usize) -> String {
    let mut text = Vec::new();
    let mut at = end;
    while let Some((before, by)) = came[at] {
        text.extend(by);
        if before == at {
            break;
        }
        at = before;
    }
    text.iter().rev().collect()
}
