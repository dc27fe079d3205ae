//! What is new since the last run, and who changed it, as programs and as people read it. The texts are not escaped;
//! each format does that for itself.

use jiff::Timestamp;
use serde::Serialize;

use crate::drift::{Comparison, Entry, FindingKind, FindingState, Tally, Trace};
use crate::event::AuditEvent;
use crate::ids::AccountId;
use crate::investigate::answer::Person;
use crate::organization::Organization;
use crate::plan::Harm;
use crate::report::person;
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::group::{self, Own, group_by};
use crate::report::text::page::{BAD, FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// A run beside the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinceView {
    /// `first run`, or when the last one was.
    pub last_run: String,
    /// `1 new, 0 changed, 3 still there, 2 gone`.
    pub tally: String,
    /// The findings of both.
    pub findings: Vec<SinceEntry>,
}

/// A finding, or many that are the same but for the account that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinceEntry {
    /// `new`, `changed`, `still there`, `not seen this time`, `gone`.
    pub state: &'static str,
    /// `wrong`, `drift`, `not isolated`, `not proved`, `trail of others`, `could not be read`, `stands in the way`.
    pub about: &'static str,
    /// What it does now; none where it is harmless or not known.
    pub harm: Option<&'static str>,
    /// What it says, with `<account>` in it where it stands for many.
    pub what: String,
    /// When a run saw it first; none where that is not known, and for what is new.
    pub first_seen: Option<String>,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

/// Who changed something last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceView {
    /// The address, with `<account>` in it where it stands for many.
    pub address: String,
    /// The changes, the newest first.
    pub events: Vec<TracedEvent>,
    /// Why no actor is named; none where one is.
    pub unknown: Option<String>,
    /// What else is to be known of the answer: when it was looked up, where that was in an earlier run, and why there
    /// may be other changes.
    pub notes: Vec<String>,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

/// A change, and who stands behind its actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TracedEvent {
    /// The change.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// What the actor's name does not tell.
    pub behind: Vec<Behind>,
    /// The sessions behind the caller and where they began, line by line, with what is only claimed. Empty: the caller
    /// is the person, or it was not traced.
    pub person: Vec<String>,
}

/// Who stands behind an actor, or calls for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// `role`, `source identity`, `through` or `may not have been done:`.
    pub label: &'static str,
    /// The ARN of the role, the source identity, the service or the reason.
    pub name: String,
}

/// Lays out a comparison.
pub fn since(comparison: &Comparison, organization: &Organization) -> SinceView {
    let Comparison { at: _, previous_at, first_run, summary, findings } = comparison;
    let last_run = match (first_run, previous_at) {
        (true, _) => "this is the first run".to_owned(),
        (false, Some(time)) => format!("the last run was at {time}"),
        (false, None) => "the last run did not note when it was".to_owned(),
    };
    SinceView { last_run, tally: tally(*summary), findings: entries(findings, organization) }
}

fn tally(tally: Tally) -> String {
    let Tally { new, changed, still, unseen, gone } = tally;
    let count = |number: usize, words: &str| format!("{} {words}", words::grouped(number));
    let mut parts = vec![count(new, "new"), count(changed, "changed"), count(still, "still there")];
    if unseen > 0 {
        parts.push(count(unseen, "not seen this time"));
    }
    parts.push(count(gone, "gone"));
    parts.join(", ")
}

#[derive(PartialEq, Eq, Hash)]
struct Words {
    state: FindingState,
    kind: FindingKind,
    harm: Option<Harm>,
    what: String,
    first_seen: Option<String>,
}

fn entries(findings: &[Entry], organization: &Organization) -> Vec<SinceEntry> {
    let words = |entry: &Entry, hide: &dyn Fn(&str) -> String| {
        let Entry { state, kind, account: _, address: _, what, harm, first_seen, key: _, content: _ } = entry;
        let first_seen = first_seen.filter(|_| *state != FindingState::New).map(|time| time.to_string());
        Words { state: *state, kind: *kind, harm: *harm, what: hide(what), first_seen }
    };
    let key = |entry: &Entry| words(entry, &|text| Own::of(&subject(entry, organization), organization).hide(text));
    let views = group_by(findings, key).into_iter().map(|(folded, members)| {
        let Words { state, kind, harm, what, first_seen } = match members.as_slice() {
            [only] => words(only, &str::to_owned),
            _ => folded,
        };
        let accounts = members.iter().map(|entry| account(&subject(entry, organization), organization)).collect();
        let harm = harm.filter(|harm| harm.does_harm() && state != FindingState::Gone).map(Harm::as_str);
        SinceEntry { state: state_words(state), about: about(kind), harm, what, first_seen, accounts }
    });
    views.collect()
}

fn subject(entry: &Entry, organization: &Organization) -> AccountId {
    match &entry.address {
        Some(address) => group::subject_of_address(address, organization),
        None => entry.account.clone(),
    }
}

/// Returns the state as a sentence says it.
pub fn state_words(state: FindingState) -> &'static str {
    match state {
        FindingState::New => "new",
        FindingState::Changed => "changed",
        FindingState::Still => "still there",
        FindingState::Unseen => "not seen this time",
        FindingState::Gone => "gone",
    }
}

/// Returns the kind of a finding as a sentence says it.
pub fn about(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Finding => "wrong",
        FindingKind::Change => "drift",
        FindingKind::Violation => "not isolated",
        FindingKind::Unproven => "not proved",
        FindingKind::Trail => "trail of others",
        FindingKind::Problem => "could not be read",
        FindingKind::Blocker => "stands in the way",
    }
}

/// Lays out who changed what. `run` is when this run was, where it may have taken something from an earlier one.
pub fn traces(traces: &[Trace], organization: &Organization, run: Option<Timestamp>) -> Vec<TraceView> {
    let subject = |trace: &Trace| group::subject_of_address(&trace.address, organization);
    let key = |trace: &Trace| {
        let subject = subject(trace);
        let hide = |text: &str| Own::of(&subject, organization).hide(text);
        let unknown = trace.unknown.as_deref().map(hide);
        let earlier = run.and_then(|run| trace.asked_before(run));
        let notes: Vec<String> = earlier.into_iter().chain(trace.gap.clone()).collect();
        let unseen = trace.not_looked_at.iter().map(|own| format!("not looked at {own}"));
        let events: Vec<_> = trace.events.iter().map(|own| (own.event.clone(), own.person.clone())).collect();
        let notes: Vec<String> = notes.into_iter().chain(unseen).collect();
        (hide(&trace.address.to_string()), events, unknown, notes)
    };
    let views = group_by(traces, key).into_iter().map(|((folded, events, unknown, notes), members)| {
        let address = match members.as_slice() {
            [only] => only.address.to_string(),
            _ => folded,
        };
        let accounts = members.iter().map(|trace| account(&subject(trace), organization)).collect();
        let events = events.into_iter().map(|(event, person)| TracedEvent::of(event, person.as_ref())).collect();
        TraceView { address, events, unknown, notes, accounts }
    });
    views.collect()
}

/// Writes what is new since the last run.
pub(in crate::report) fn write_since(page: &mut Page, since: &SinceView, accounts_max: usize) {
    let SinceView { last_run, tally, findings } = since;
    page.heading(&[Span(STRONG, "Since the last run"), Span(PLAIN, ": "), Span(PLAIN, tally)]);
    page.line(2, &[Span(FAINT, last_run)]);
    for SinceEntry { state, about, harm, what, first_seen, accounts } in findings {
        let style = match *state {
            "new" | "changed" => NOTICE,
            "gone" => GOOD,
            _ => FAINT,
        };
        let since = first_seen.as_ref().map(|time| format!(", since {time}")).unwrap_or_default();
        let harm = harm.map(|harm| format!("  {harm}")).unwrap_or_default();
        let (about, what) = (format!("  {about}: "), what.as_str());
        let spans = [Span(style, state), Span(BAD, &harm), Span(FAINT, &about), Span(PLAIN, what), Span(FAINT, &since)];
        page.line(2, &spans);
        write_accounts(page, accounts, accounts_max);
    }
}

/// Writes who changed what; nothing where it was not asked for.
pub(in crate::report) fn write_traces(page: &mut Page, traces: &[TraceView], accounts_max: usize) {
    if traces.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Who changed it last"), Span(FAINT, ", as CloudTrail recorded it")]);
    for TraceView { address, events, unknown, notes, accounts } in traces {
        page.line(2, &[Span(PLAIN, address)]);
        write_accounts(page, accounts, accounts_max);
        for TracedEvent { event: AuditEvent { time, actor, event, source, .. }, behind, person } in events {
            let from = source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
            let behind: Vec<String> = behind.iter().map(|Behind { label, name }| format!("{label} {name}")).collect();
            let behind = if behind.is_empty() { String::new() } else { format!(" ({})", behind.join(", ")) };
            let from = format!("{from}{behind}");
            let head = format!("{time}  ");
            page.line(
                6,
                &[Span(FAINT, &head), Span(STRONG, event), Span(PLAIN, " by "), Span(PLAIN, actor), Span(FAINT, &from)],
            );
            person.iter().for_each(|line| page.line(8, &[Span(PLAIN, line)]));
        }
        if let Some(why) = unknown {
            page.line(6, &[Span(BAD, "unknown"), Span(PLAIN, ": "), Span(PLAIN, why)]);
        }
        for note in notes {
            page.line(6, &[Span(FAINT, note)]);
        }
    }
}

impl TracedEvent {
    fn of(event: AuditEvent, person: Option<&Person>) -> Self {
        // The ARN of a session has its role's name, but not the path.
        let tells = |arn: &&String| arn.split_once(":role/").is_some_and(|(_, name)| name.contains('/'));
        let named = |label: &'static str, name: Option<&String>| Some(Behind { label, name: name?.clone() });
        let behind = [
            named("role", event.role.as_ref().filter(tells)),
            named("source identity", event.source_identity.as_ref()),
            named("through", event.through.as_ref()),
            named("may not have been done:", event.doubt.as_ref()),
        ];
        let mut lines = person.map(person::behind).unwrap_or_default();
        if !lines.is_empty() {
            lines.extend(person.and_then(person::claim));
        }
        Self { behind: behind.into_iter().flatten().collect(), event, person: lines }
    }
}

fn write_accounts(page: &mut Page, accounts: &[AccountView], most: usize) {
    if accounts.len() > 1 {
        let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
        let many = format!("the same in {}: {}", words::count(accounts.len(), "account"), words::some(&ids, most));
        page.line(6, &[Span(FAINT, &many)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::DriftRecord;
    use crate::drift::compare::compare;
    use crate::event::EventHistory;
    use crate::plan::Plan;
    use crate::report::plan::fixture::{self, DrawChange};
    use crate::report::plan::html;
    use crate::report::plan::human;
    use crate::report::plan::markdown;
    use crate::report::plan::subject::{Purpose, ReportSubject};
    use crate::report::text::layout::Layout;
    use crate::report::text::template::Templates;

    /// Yesterday the bucket, a role and a topic had drifted; today it is the plan of so many accounts.
    fn compared(plan: &Plan) -> Comparison {
        let mut yesterday = fixture::plan(3);
        yesterday.changes.push(fixture::role_change(crate::plan::Action::Retire, 6));
        yesterday.changes[0] =
            fixture::change(crate::plan::Action::Adopt, 2, crate::estate::Kind::Bucket, "acme-org-cloudtrail")
                .risks(&[crate::plan::Risk::Safe], "bucket.name");
        let day = |n: u32| format!("2026-03-0{n}T06:00:00Z").parse().unwrap();
        let first = compare(&DriftRecord::of(&yesterday), day(1), None);
        let mut previous = DriftRecord::of(&yesterday);
        previous.comparison = Some(first);
        compare(&DriftRecord::of(plan), day(2), Some(&previous))
    }

    fn run() -> Timestamp {
        "2026-03-02T06:00:00Z".parse().unwrap()
    }

    fn traced(plan: &Plan) -> Vec<Trace> {
        let event_of = |event: &str| AuditEvent {
            time: "2026-03-01T05:00:00Z".into(),
            actor: format!("arn:aws:iam::111111111111:user/{}", fixture::HOSTILE),
            event: event.into(),
            source: Some("203.0.113.7".into()),
            ..AuditEvent::default()
        };
        let roles = plan.changes.iter().filter(|change| change.address.name.contains("ReadLogs"));
        let mut traces: Vec<Trace> =
            roles.map(|change| Trace::of(&change.address, EventHistory::default(), run())).collect();
        let found = vec![event_of("PutBucketPolicy"), event_of("PutBucketTagging")];
        traces.insert(0, Trace::of(&plan.changes[1].address, EventHistory { found, gap: None }, run()));
        traces
    }

    /// The report in the three forms that people read.
    fn reports(plan: &Plan, organization: &Organization) -> [String; 3] {
        let (comparison, traces) = (compared(plan), traced(plan));
        let subject = ReportSubject::new(plan, organization, Purpose::Drift);
        let subject = ReportSubject { since: Some(&comparison), traces: &traces, ..subject };
        let templates = Templates::new(&[]).unwrap();
        let human = human::plan(&subject, Layout { width: 160, verbose: false });
        let human = anstream::adapter::strip_str(&human).to_string();
        [human, markdown::plan(&subject, &templates).unwrap(), html::plan(&subject, &templates).unwrap()]
    }

    /// The parts of a text from a heading to the next.
    fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        text.split_once(from).unwrap().1.split_once(to).unwrap().0
    }

    #[test]
    fn twelve_accounts_since_yesterday() {
        let [human, markdown, _] = reports(&fixture::plan(12), &fixture::organization(12));
        insta::assert_snapshot!("human_since", part(&human, "deployment acme", "Wrong now"));
        insta::assert_snapshot!("markdown_since", part(&markdown, "### Since", "### Stands"));
        insta::assert_snapshot!("markdown_who", part(&markdown, "### Who", "### Other trails"));
    }

    #[test]
    fn who_stands_behind_an_actor_is_told_in_every_form() {
        let (plan, organization) = (fixture::plan(3), fixture::organization(3));
        let event = AuditEvent {
            actor: "arn:aws:sts::111111111111:assumed-role/Admin/eve".into(),
            role: Some("arn:aws:iam::111111111111:role/platform/Admin".into()),
            source_identity: Some("mallory".into()),
            through: Some("cloudformation.amazonaws.com".into()),
            doubt: Some("InternalFailure".into()),
            ..AuditEvent::default()
        };
        // Without a path the role's ARN tells nothing that the session's does not.
        let plain = AuditEvent { role: Some("arn:aws:iam::111111111111:role/Bare".into()), ..event.clone() };
        let found = vec![event, plain];
        let yesterday = "2026-03-01T06:00:00Z".parse().unwrap();
        let history = EventHistory { found, gap: Some("one could not be read") };
        let traces = [Trace::of(&plan.changes[0].address, history, yesterday)];
        let comparison = compared(&plan);
        let subject = ReportSubject::new(&plan, &organization, Purpose::Drift);
        let subject = ReportSubject { traces: &traces, since: Some(&comparison), ..subject };
        let templates = Templates::new(&[]).unwrap();
        let human = human::plan(&subject, Layout { width: 400, verbose: false });
        let human = anstream::adapter::strip_str(&human).to_string();
        let page = html::plan(&subject, &templates).unwrap();
        for report in [human, markdown::plan(&subject, &templates).unwrap(), page] {
            for told in [
                "role/platform/Admin",
                "source identity",
                "mallory",
                "through",
                "cloudformation.amazonaws.com",
                "may not have been done:",
                "InternalFailure",
                "looked up at 2026-03-01T06:00:00Z",
                "one could not be read",
            ] {
                assert!(report.contains(told), "{told}: {report}");
            }
            assert!(!report.contains("role/Bare"), "{report}");
        }
    }

    #[test]
    fn a_large_organization_is_as_short_as_a_small_one() {
        let [small, ..] = reports(&fixture::plan(12), &fixture::organization(12));
        let [large, markdown, page] = reports(&fixture::plan(500), &fixture::organization(500));
        assert_eq!(small.lines().count(), large.lines().count());
        assert!(markdown.len() <= crate::report::text::comment::LIMIT_BYTES && !markdown.contains("left out here"));
        assert!(page.len() < 450_000, "{}", page.len());
    }

    #[test]
    fn hostile_text_is_inert_and_shown() {
        let (plan, organization) = fixture::hostile();
        for report in reports(&plan, &organization) {
            fixture::assert_nothing_acts(&report);
            assert!(report.contains("alert(1)"));
        }
        let page = &reports(&plan, &organization)[2];
        assert_eq!(page.matches("<script").count(), 1);
    }
}
