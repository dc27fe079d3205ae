//! What people are told of drift away from the report: a few lines for a topic, and the same for a chat.

use crate::drift::{Comparison, State};
use crate::estate::audit_event::AuditEvent;
use crate::plan::Harm;
use crate::report::plan::drift_comparison::{SinceEntry, TraceView, since, traces};
use crate::report::plan::subject::Subject;
use crate::report::text::escape;
use crate::report::text::words;

/// How many findings, and how many changes by others, a message names.
pub const NAMED_MAX: usize = 20;

/// How many characters of a finding are shown.
const SHOWN_MAX: usize = 300;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// One line of ASCII, at most 100 characters: what Amazon SNS takes as the subject of a mail.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as Slack and those who are compatible with it read it (`mrkdwn`): nothing in it can mention or link.
    pub slack: String,
}

/// Returns what to tell: nothing where nothing is new.
///
/// `link` is where the whole report can be read.
pub fn notice(subject: &Subject<'_>, comparison: &Comparison, link: Option<&str>) -> Option<Notification> {
    let news = comparison.news().count();
    if news == 0 {
        return None;
    }
    let (deployment, organization) = (&subject.plan.deployment, &subject.plan.organization);
    let view = since(comparison, subject.organization);
    let is_compared = subject.since.is_some();
    let what = if is_compared { view.tally } else { words::count(news, "finding") };
    let head = format!("orgtrail drift of {deployment} in {organization}: {what}");
    let new = [State::New, State::Changed].map(crate::report::plan::drift_comparison::state_words);
    let mut entries: Vec<&SinceEntry> = view.findings.iter().filter(|entry| new.contains(&entry.state)).collect();
    // The comparison has the worst first, of what is new and of what changed: a message has the worst first of both.
    let worst = |entry: &&SinceEntry| Harm::ALL.iter().position(|harm| Some(harm.as_str()) == entry.harm);
    entries.sort_by_key(|entry| worst(entry).filter(|at| *at < 3).unwrap_or(Harm::ALL.len()));
    let traces = traces(subject.traces, subject.organization);
    let known: Vec<&TraceView> = traces.iter().filter(|trace| !trace.events.is_empty()).collect();
    let lines = |quote: fn(&str) -> String, plainly: fn(&str) -> String| {
        let mut lines = vec![plainly(&head)];
        lines.extend(entries.iter().take(NAMED_MAX).map(|entry| finding(entry, is_compared, quote)));
        if entries.len() > NAMED_MAX {
            lines.push(format!("- and {} more", words::grouped(entries.len() - NAMED_MAX)));
        }
        lines.extend(known.iter().take(NAMED_MAX).filter_map(|trace| last_change(trace, quote)));
        if known.len() > NAMED_MAX {
            lines.push(format!("- and the last changes of {} more", words::grouped(known.len() - NAMED_MAX)));
        }
        lines.extend(link.map(plainly));
        lines.join("\n")
    };
    let plain = |text: &str| escape::terminal(text).into_owned();
    Some(Notification {
        subject: format!(
            "orgtrail: {} in {deployment}",
            words::count(news, if is_compared { "new finding" } else { "finding" })
        ),
        text: lines(plain, plain),
        slack: lines(escape::slack_code, escape::slack),
    })
}

/// Without a comparison nobody knows whether a finding is new.
fn finding(entry: &SinceEntry, is_compared: bool, quote: fn(&str) -> String) -> String {
    let SinceEntry { state, about, harm, what, first_seen: _, accounts } = entry;
    let many = match accounts.len() {
        0 | 1 => String::new(),
        many => format!(", the same in {}", words::count(many, "account")),
    };
    let state = if is_compared { format!("{state}, ") } else { String::new() };
    let harm = harm.map(|harm| format!("{harm}, ")).unwrap_or_default();
    format!("- {state}{harm}{about}: {}{many}", quote(&shortened(what)))
}

fn last_change(trace: &TraceView, quote: fn(&str) -> String) -> Option<String> {
    let TraceView { address, events, unknown: _, accounts: _ } = trace;
    let AuditEvent { time, actor, event, source: _ } = events.first()?;
    let [address, event, actor] = [address, event, actor].map(|text| quote(&shortened(text)));
    Some(format!("- last change of {address}: {event} by {actor} at {time}"))
}

/// Returns a text that a message has room for.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Record;
    use crate::drift::Trace;
    use crate::drift::compare::compare;
    use crate::estate::audit_event::EventHistory;
    use crate::report::plan::drift_comparison::DriftJson;
    use crate::report::plan::fixture;
    use crate::report::plan::subject::Purpose;

    fn told(
        plan: &crate::plan::Plan,
        organization: &crate::organization::Organization,
        link: Option<&str>,
    ) -> Notification {
        let subject = Subject::new(plan, organization, Purpose::Drift);
        let record = Record::of(serde_json::to_value(DriftJson::from(&subject)).unwrap()).unwrap();
        let comparison = compare(&record, "2026-03-01T06:00:00Z".parse().unwrap(), None);
        let deed = AuditEvent {
            time: "2026-03-01T05:00:00Z".into(),
            actor: format!("arn:aws:iam::111111111111:user/{}", fixture::HOSTILE),
            event: "PutBucketPolicy".into(),
            source: None,
        };
        let deeds = EventHistory { found: vec![deed], gap: None };
        let traces = [Trace::of(&plan.changes[0].address, deeds)];
        let subject = Subject { since: Some(&comparison), traces: &traces, ..subject };
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
        let subject = Subject::new(&plan, &organization, Purpose::Drift);
        let record = Record::of(serde_json::to_value(DriftJson::from(&subject)).unwrap()).unwrap();
        let at = "2026-03-01T06:00:00Z".parse().unwrap();
        let comparison = compare(&record, at, Some(&record));
        assert_eq!(notice(&subject, &comparison, None), None);
    }
}
