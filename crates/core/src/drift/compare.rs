//! Marks each finding of a run: new, changed, still there, gone, or not to be seen this time.

use jiff::Timestamp;

use super::entry::{Comparison, Entry, FindingState, Tally};
use super::record::DriftRecord;

/// Compares a run with the one before, if there was one.
pub fn compare(now: &DriftRecord, at: Timestamp, previous: Option<&DriftRecord>) -> Comparison {
    let mut before = previous.map(DriftRecord::standing).unwrap_or_default();
    let mut findings = Vec::new();
    for (key, finding) in now.findings() {
        let (state, first_seen) = match before.remove(&key) {
            None => (FindingState::New, Some(at)),
            Some(old) if old.content != finding.content => (FindingState::Changed, old.first_seen),
            Some(old) => (FindingState::Still, old.first_seen),
        };
        findings.push(Entry::new(state, &key, finding, first_seen));
    }
    let blind = now.blind();
    for old in before.into_values() {
        let hidden = blind.iter().any(|blind| blind.hides(&old));
        findings.push(Entry { state: if hidden { FindingState::Unseen } else { FindingState::Gone }, ..old });
    }
    let mut comparison = Comparison {
        at,
        previous_at: previous.and_then(|previous| previous.comparison.as_ref()).map(|comparison| comparison.at),
        first_run: previous.is_none(),
        summary: Tally::default(),
        findings,
    };
    comparison.sort();
    comparison
}
