//! What could not be had is said once for each reason: an archive that is closed to the caller has a million files.

use std::collections::BTreeMap;

use crate::logs::finding::{Code, Finding, State, TimeRange};

/// The objects of one chain that could not be had, by their kind and the reason.
#[derive(Debug, Default)]
pub(super) struct UnreadObjects(BTreeMap<(Code, String), SameReason>);

#[derive(Debug)]
struct SameReason {
    /// The finding of the first object, in the order of keys.
    first: Finding,
    /// The last object; not set where no object is named.
    last: Option<String>,
    count: usize,
    window: Option<TimeRange>,
}

impl UnreadObjects {
    /// Tells whether a finding says that an object could not be had: nothing shows that it was altered.
    pub(super) fn takes(finding: &Finding) -> bool {
        matches!(finding.code, Code::LogUnreadable | Code::DigestUnreadable) && finding.state == State::Unproven
    }

    /// Notes the finding of one object.
    pub(super) fn note(&mut self, finding: Finding) {
        let reason = (finding.code, reason(&finding.detail).to_owned());
        let Some(found) = self.0.get_mut(&reason) else {
            let (last, window) = (finding.object.clone(), finding.window);
            self.0.insert(reason, SameReason { first: finding, last, count: 1, window });
            return;
        };
        found.count += 1;
        found.window = match (found.window, finding.window) {
            (Some(a), Some(b)) => Some(TimeRange { start: a.start.min(b.start), end: a.end.max(b.end) }),
            (a, b) => a.or(b),
        };
        if finding.object > found.last {
            found.last.clone_from(&finding.object);
        }
        if finding.object < found.first.object {
            found.first = finding;
        }
    }

    /// Returns one finding for each kind of object and reason.
    pub(super) fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.0.into_values().map(|SameReason { first, last, count, window }| {
            if count == 1 {
                return first;
            }
            let what = if first.code == Code::LogUnreadable { "log files" } else { "digests" };
            let last = last.map(|last| format!(", the last of which is {last}")).unwrap_or_default();
            let detail =
                format!("{}; {count} {what} of the chain could not be read for this reason{last}", first.detail);
            Finding { detail, window, ..first }
        })
    }
}

/// Returns what a failure has in common with those of other objects: the call and AWS's code (`GetObject:
/// AccessDenied`) without the message, which may name the object.
fn reason(detail: &str) -> &str {
    let end = detail.match_indices(": ").nth(1).map_or(detail.len(), |(at, _)| at);
    &detail[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, object: &str, hour: i8, detail: &str) -> Finding {
        let end = format!("2026-11-20T{:02}:00:00Z", hour + 1).parse().unwrap();
        let (object, window) = (Some(object.to_owned()), Some(TimeRange::hour_until(end)));
        Finding { code, state: State::Unproven, object, window, detail: detail.into(), next: None }
    }

    #[test]
    fn a_reason_is_said_once_with_how_many_objects_it_keeps_from_us() {
        let mut unread = UnreadObjects::default();
        unread.note(finding(Code::LogUnreadable, "b", 3, "GetObject in account 1: AccessDenied: no to b"));
        unread.note(finding(Code::LogUnreadable, "a", 2, "GetObject in account 1: AccessDenied: no to a"));
        unread.note(finding(Code::LogUnreadable, "c", 5, "GetObject in account 1: AccessDenied: no to c"));
        unread.note(finding(Code::LogUnreadable, "d", 5, "GetObject in account 1: SlowDown: later"));
        unread.note(finding(Code::DigestUnreadable, "e", 1, "GetObject in account 1: AccessDenied: no to e"));
        let told: Vec<Finding> = unread.into_findings().collect();
        let details: Vec<&str> = told.iter().map(|finding| finding.detail.as_str()).collect();
        let all = "GetObject in account 1: AccessDenied: no to a; 3 log files of the chain could not be read for this \
                   reason, the last of which is c";
        let single = ["GetObject in account 1: SlowDown: later", "GetObject in account 1: AccessDenied: no to e"];
        assert_eq!(details, [all, single[0], single[1]]);
        let window = told[0].window.unwrap();
        assert_eq!(window.start.to_string(), "2026-11-20T02:00:00Z");
        assert_eq!(window.end.to_string(), "2026-11-20T06:00:00Z");
    }

    #[test]
    fn what_was_altered_is_said_of_each_object() {
        let broken = Finding { state: State::Broken, ..finding(Code::LogUnreadable, "a", 1, "no gzip file") };
        assert!(!UnreadObjects::takes(&broken));
        assert!(!UnreadObjects::takes(&finding(Code::LogMissing, "a", 1, "gone")));
    }
}
