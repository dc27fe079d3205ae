//! What people are told of drift away from the report: a few lines for a topic, and the same for a chat.

use crate::drift::{Comparison, FindingState};
use crate::event::AuditEvent;
use crate::notify::Notification;
use crate::plan::Harm;
use crate::report::plan::drift_comparison::{SinceEntry, TraceView, since, traces};
use crate::report::plan::subject::ReportSubject;
use crate::report::text::message::{Quote, compose, named, shortened};
use crate::report::text::words;

/// Returns what to tell: nothing where nothing is new.
///
/// `link` is where the whole report can be read.
pub fn notice(subject: &ReportSubject<'_>, comparison: &Comparison, link: Option<&str>) -> Option<Notification> {
    let news = comparison.news().count();
    if news == 0 {
        return None;
    }
    let (deployment, organization) = (&subject.plan.deployment, &subject.plan.organization);
    let view = since(comparison, subject.organization);
    let is_compared = subject.since.is_some();
    let what = if is_compared { view.tally } else { words::count(news, "finding") };
    let head = format!("orgtrail drift of {deployment} in {organization}: {what}");
    let new = [FindingState::New, FindingState::Changed].map(crate::report::plan::drift_comparison::state_words);
    let mut entries: Vec<&SinceEntry> = view.findings.iter().filter(|entry| new.contains(&entry.state)).collect();
    // The comparison has the worst first, of what is new and of what changed: a message has the worst first of both.
    let worst = |entry: &&SinceEntry| Harm::ALL.iter().position(|harm| Some(harm.as_str()) == entry.harm);
    entries.sort_by_key(|entry| worst(entry).filter(|at| *at < 3).unwrap_or(Harm::ALL.len()));
    let traces = traces(subject.traces, subject.organization, subject.since.map(|since| since.at));
    let known: Vec<&TraceView> = traces.iter().filter(|trace| !trace.events.is_empty()).collect();
    let lines = |quote: Quote| {
        let mut lines =
            named(&entries, |entry| Some(finding(entry, is_compared, quote)), |count| format!("- and {count} more"));
        let more = |count| format!("- and the last changes of {count} more");
        lines.extend(named(&known, |trace| last_change(trace, quote), more));
        lines
    };
    let subject = format!(
        "orgtrail: {} in {deployment}",
        words::count(news, if is_compared { "new finding" } else { "finding" })
    );
    Some(compose(subject, &head, link, lines))
}

/// Without a comparison nobody knows whether a finding is new.
fn finding(entry: &SinceEntry, is_compared: bool, quote: Quote) -> String {
    let SinceEntry { state, about, harm, what, first_seen: _, accounts } = entry;
    let many = match accounts.len() {
        0 | 1 => String::new(),
        many => format!(", the same in {}", words::count(many, "account")),
    };
    let state = if is_compared { format!("{state}, ") } else { String::new() };
    let harm = harm.map(|harm| format!("{harm}, ")).unwrap_or_default();
    format!("- {state}{harm}{about}: {}{many}", quote(&shortened(what)))
}

fn last_change(trace: &TraceView, quote: Quote) -> Option<String> {
    let TraceView { address, events, unknown: _, notes, accounts: _ } = trace;
    let newest = events.first()?;
    let AuditEvent { time, actor, event, doubt, .. } = &newest.event;
    // The first line says who began it, or that it is not known.
    let behind = newest.person.first();
    let doubt = doubt.iter().map(|doubt| format!("may not have been done: {doubt}"));
    let notes: String = behind
        .cloned()
        .into_iter()
        .chain(doubt)
        .chain(notes.iter().cloned())
        .map(|note| format!(", {}", quote(&shortened(&note))))
        .collect();
    let [address, event, actor] = [address, event, actor].map(|text| quote(&shortened(text)));
    Some(format!("- last change of {address}: {event} by {actor} at {time}{notes}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::DriftRecord;
    use crate::drift::Trace;
    use crate::drift::compare::compare;
    use crate::event::EventHistory;
    use crate::report::plan::fixture;
    use crate::report::plan::subject::Purpose;

    fn told(
        plan: &crate::plan::Plan,
        organization: &crate::organization::Organization,
        link: Option<&str>,
    ) -> Notification {
        let subject = ReportSubject::new(plan, organization, Purpose::Drift);
        let record = DriftRecord::of(plan);
        let comparison = compare(&record, "2026-03-01T06:00:00Z".parse().unwrap(), None);
        let event = AuditEvent {
            time: "2026-03-01T05:00:00Z".into(),
            actor: format!("arn:aws:iam::111111111111:user/{}", fixture::HOSTILE),
            event: "PutBucketPolicy".into(),
            ..AuditEvent::default()
        };
        let history = EventHistory { found: vec![event], gap: None };
        let traces = [Trace::of(&plan.changes[0].address, history, comparison.at)];
        let subject = ReportSubject { since: Some(&comparison), traces: &traces, ..subject };
        notice(&subject, &comparison, link).unwrap()
    }

    #[test]
    fn a_message_is_short_whatever_the_size_of_the_organization() {
        let notice = told(&fixture::plan(500), &fixture::organization(500), Some("https://ci.example.com/1?a=b&c=d"));
        insta::assert_snapshot!(notice.text.replace(fixture::HOSTILE, "HOSTILE"));
        assert_eq!(notice.subject, "orgtrail: 1,004 new findings in acme");
        assert!(notice.text.ends_with("\nhttps://ci.example.com/1?a=b&c=d"));
        assert!(notice.slack.ends_with("\nhttps://ci.example.com/1?a=b&amp;c=d"));
        assert!(notice.slack.len() < 5000);
    }

    #[test]
    fn hostile_text_is_inert() {
        let (plan, organization) = fixture::hostile();
        let Notification { subject, text, slack } = told(&plan, &organization, None);
        assert!(subject.is_ascii() && subject.len() <= 100);
        [&text, &slack].into_iter().for_each(|text| fixture::assert_nothing_acts(text));
        assert!(!slack.contains('<') && !slack.contains('>'), "{slack}");
        assert!(slack.contains("&lt;script&gt;"), "it is shown");
        // Each code span closes in its line.
        assert!(slack.lines().all(|line| line.matches('`').count() % 2 == 0), "{slack}");
    }

    #[test]
    fn nothing_new_is_not_told() {
        let (plan, organization) = (fixture::plan(3), fixture::organization(3));
        let subject = ReportSubject::new(&plan, &organization, Purpose::Drift);
        let record = DriftRecord::of(&plan);
        let at = "2026-03-01T06:00:00Z".parse().unwrap();
        let comparison = compare(&record, at, Some(&record));
        assert_eq!(notice(&subject, &comparison, None), None);
    }
}
