//! What the bytes of a record must have for it to mention a resource: most records of an archive are passed over
//! without being read.

use std::collections::BTreeSet;

use memchr::memmem;

use super::place::{HIDDEN, OMITTED, is_unreserved};
use super::subject::ResourceCandidate;
use super::table::ResourceTypes;

/// Texts of which a record has one, if it mentions one of some candidates.
///
/// A text is the longest part of a name or id that JSON and URLs write as it is. JSON can write any letter as `\u0061`,
/// so a record with such an escape is never passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needles {
    exact: BTreeSet<String>,
    ignoring_case: BTreeSet<String>,
    /// The calls whose records may hide what they are about.
    events: BTreeSet<String>,
    /// A candidate has no such text: every record has to be read.
    is_all: bool,
}

impl ResourceTypes {
    /// Returns the calls that concern the types of some candidates: event source and event name, as `LookupEvents` and
    /// columns have them. Calls that the table does not know may mention a candidate too, in `resources`.
    pub fn event_names(&self, candidates: &[ResourceCandidate]) -> BTreeSet<(String, String)> {
        let types: BTreeSet<&str> = candidates.iter().filter_map(|own| own.resource_type.as_deref()).collect();
        self.calls_of(|own| types.contains(own.name.as_str()))
    }

    /// Returns what a record's bytes must have for [`ResourceTypes::mentions`] to find one of some candidates.
    pub fn needles(&self, candidates: &[ResourceCandidate]) -> Needles {
        let mut needles = Needles::default();
        for candidate in candidates {
            let kind = candidate.resource_type.as_deref().and_then(|name| self.named(name));
            let ignores_case = kind.is_some_and(|kind| kind.ignores_case);
            let own = &candidate.identity;
            let texts = [own.id.as_deref(), own.name.as_deref()].into_iter().flatten();
            let texts: Vec<&str> =
                if kind.is_some() { texts.collect() } else { candidate.arn.iter().map(AsRef::as_ref).collect() };
            for text in texts {
                match longest_plain(text) {
                    "" => needles.is_all = true,
                    plain if ignores_case => {
                        needles.ignoring_case.insert(plain.to_ascii_lowercase());
                    }
                    plain => {
                        needles.exact.insert(plain.to_owned());
                    }
                }
            }
        }
        needles.events = self.event_names(candidates).into_iter().map(|(_, event)| event).collect();
        needles
    }
}

impl Needles {
    /// Tells whether a record may mention one of the candidates. False: it does not.
    pub fn may_mention(&self, record: &[u8]) -> bool {
        let has = |text: &str| memmem::find(record, text.as_bytes()).is_some();
        // Parameters as a text, which may be cut.
        let is_text = || has(r#""requestParameters":""#) || has(r#""requestParameters": ""#);
        let hides = || has(HIDDEN) || has(OMITTED) || is_text();
        self.is_all
            || self.exact.iter().any(|text| has(text))
            || self.ignoring_case.iter().any(|text| has_ignoring_case(record, text.as_bytes()))
            || has("\\u")
            || has("ARNPrefix")
            || hides() && self.events.iter().any(|event| has(event))
    }

    /// Returns the texts of which a record has one, for a reader that searches itself. Beside them it must keep records
    /// with `\u` and `ARNPrefix`, and those that hide what they are about. `None`: every record has to be read.
    pub fn texts(&self) -> Option<Vec<&str>> {
        let texts = self.exact.iter().chain(&self.ignoring_case).map(String::as_str);
        (!self.is_all).then(|| texts.collect())
    }
}

/// Returns the longest part of a text that JSON and URLs write as it is.
fn longest_plain(text: &str) -> &str {
    let parts = text.split(|c: char| !u8::try_from(c).is_ok_and(|byte| c.is_ascii() && is_unreserved(byte)));
    parts.max_by_key(|part| part.len()).unwrap_or_default()
}

/// Finds a text of small letters.
fn has_ignoring_case(bytes: &[u8], text: &[u8]) -> bool {
    let Some(&first) = text.first() else { return true };
    let starts = memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes);
    starts.into_iter().any(|at| bytes.get(at..at + text.len()).is_some_and(|own| own.eq_ignore_ascii_case(text)))
}
