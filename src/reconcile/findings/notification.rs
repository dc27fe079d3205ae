//! Telling people of findings away from the page: what is new, other or gone since somebody was told last.
//!
//! What each recipient knows is kept with the history, so that one who cannot be reached is told later, and nobody is told
//! twice of the same: not after a restart, not when another replica takes over. It is kept after the telling, so a daemon
//! that is killed between the two tells again; the other way round it would tell never.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Finding;
use crate::daemon::run_id::session_prefix;
use crate::plan::Harm;
use crate::report::notification::{NAMED_MAX, Notification, shortened};
use crate::report::text::escape;
use crate::report::text::words;

/// Somebody who is told.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Returns the word under which it is kept what it knows.
    fn name(&self) -> &'static str;

    /// Tells it.
    ///
    /// # Errors
    /// Why it could not be told, for the log: without anything secret.
    async fn send(&self, notice: &Notification) -> Result<(), String>;
}

/// What each recipient knows: the findings that were open when it was told last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NotifiedFindings(BTreeMap<String, Vec<Finding>>);

impl NotifiedFindings {
    /// Takes up what an earlier run of the daemon told.
    pub fn resume(told: BTreeMap<String, Vec<Finding>>) -> Self {
        Self(told)
    }

    /// Returns it, to be kept.
    pub fn record(&self) -> BTreeMap<String, Vec<Finding>> {
        self.0.clone()
    }

    /// Returns the findings that a recipient knows.
    pub fn of(&self, recipient: &str) -> &[Finding] {
        self.0.get(recipient).map_or(&[], Vec::as_slice)
    }

    /// Notes what a recipient was told.
    pub fn sent(&mut self, recipient: &str, open: Vec<Finding>) {
        self.0.insert(recipient.to_owned(), open);
    }
}

/// What has become of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Changed,
    Gone,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            State::New => "new",
            State::Changed => "changed",
            State::Gone => "gone",
        }
    }
}

/// Returns what to tell somebody who knows of some findings; nothing where nothing has become of them.
///
/// `link` is where more can be read.
pub fn notice(deployment: &str, known: &[Finding], open: &[Finding], link: Option<&str>) -> Option<Notification> {
    let news = news(deployment, known, open);
    if news.is_empty() {
        return None;
    }
    let number = |state: State| news.iter().filter(|(other, _)| *other == state).count();
    let [new, changed, gone] = [State::New, State::Changed, State::Gone].map(|state| words::grouped(number(state)));
    let tally = format!("{new} new, {changed} changed, {gone} gone");
    let head = format!("orgtrail reconcile of {deployment}: {tally}, {} open", words::grouped(open.len()));
    let lines = |quote: fn(&str) -> String, plainly: fn(&str) -> String| {
        let mut lines = vec![plainly(&head)];
        lines.extend(news.iter().take(NAMED_MAX).map(|(state, finding)| line(*state, finding, quote)));
        if news.len() > NAMED_MAX {
            lines.push(format!("- and {} more", words::grouped(news.len() - NAMED_MAX)));
        }
        lines.extend(link.map(plainly));
        lines.join("\n")
    };
    let plain = |text: &str| escape::terminal(text).into_owned();
    Some(Notification {
        subject: format!("orgtrail: findings in {deployment}: {tally}"),
        text: lines(plain, plain),
        slack: lines(escape::slack_code, escape::slack),
    })
}

fn line(state: State, finding: &Finding, quote: fn(&str) -> String) -> String {
    let place = finding.address.as_ref().map_or_else(|| finding.account.to_string(), ToString::to_string);
    let [place, what] = [&place, &format!("{}: {}", finding.code, finding.message)].map(|text| quote(&shortened(text)));
    let harm = finding.harm.filter(|harm| *harm != Harm::Harmless && state != State::Gone);
    let harm = harm.map(|harm| format!("{harm}, ")).unwrap_or_default();
    format!("- {}, {harm}{place}: {what}", state.words())
}

/// Compares what is known with what is open: what is new or says something else first, the worst at the top, then what is gone.
fn news<'f>(deployment: &str, known: &'f [Finding], open: &'f [Finding]) -> Vec<(State, &'f Finding)> {
    let before: BTreeMap<_, &Finding> = known.iter().map(|finding| (finding.key(), finding)).collect();
    let now: BTreeMap<_, &Finding> = open.iter().map(|finding| (finding.key(), finding)).collect();
    let says = |finding: &Finding| without_runs(&finding.message, deployment);
    let fresh = now.iter().filter_map(|(key, finding)| match before.get(key) {
        None => Some((State::New, *finding)),
        Some(known) if says(known) != says(finding) => Some((State::Changed, *finding)),
        Some(_) => None,
    });
    let mut fresh: Vec<(State, &Finding)> = fresh.collect();
    fresh.sort_by_key(|(_, finding)| Harm::rank(finding.harm));
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key)).map(|(_, finding)| (State::Gone, *finding));
    fresh.into_iter().chain(gone).collect()
}

/// Returns a message without our run ids, of which AWS's refusals name one: it is another one after each restart.
fn without_runs(message: &str, deployment: &str) -> String {
    let own = session_prefix(deployment);
    let mut parts = message.split(own.as_str());
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(account: &str, code: &str, message: &str) -> Finding {
        Finding {
            account: account.parse().unwrap(),
            address: None,
            code: code.into(),
            message: message.into(),
            harm: None,
            about: String::new(),
            help: String::new(),
            since: "2026-01-05T00:00:00Z".parse().unwrap(),
        }
    }

    const ONE: &str = "111111111111";

    #[test]
    fn new_changed_and_gone_are_told_and_what_stays_is_not() {
        let known = [finding(ONE, "Stays", "x"), finding(ONE, "Changes", "one"), finding(ONE, "Goes", "y")];
        let open = [finding(ONE, "Stays", "x"), finding(ONE, "Changes", "two"), finding(ONE, "Comes", "z")];
        let told = notice("acme", &known, &open, Some("https://status.example.com/?a&b")).unwrap();
        assert_eq!(told.subject, "orgtrail: findings in acme: 1 new, 1 changed, 1 gone");
        let lines: Vec<&str> = told.text.lines().collect();
        assert_eq!(
            lines,
            [
                "orgtrail reconcile of acme: 1 new, 1 changed, 1 gone, 3 open",
                "- changed, 111111111111: Changes: two",
                "- new, 111111111111: Comes: z",
                "- gone, 111111111111: Goes: y",
                "https://status.example.com/?a&b",
            ]
        );
        assert!(told.slack.ends_with("https://status.example.com/?a&amp;b"), "{}", told.slack);
        assert_eq!(notice("acme", &open, &open, None), None);
    }

    #[test]
    fn the_run_in_a_refusal_makes_it_no_other_finding() {
        let refused = |run: &str| {
            let session = format!("arn:aws:sts::{ONE}:assumed-role/Member/orgtrail-acme-{run}");
            [finding(ONE, "AccessDenied", &format!("User: {session} is not authorized to perform: iam:GetRole"))]
        };
        let (before, after) = (refused("20260105T000000Z-1a2b"), refused("20260106T000000Z-3c4d"));
        assert_eq!(notice("acme", &before, &after, None), None);
        let other = [finding(ONE, "AccessDenied", &before[0].message.replace("GetRole", "GetPolicy"))];
        assert!(notice("acme", &before, &other, None).is_some());
    }

    #[test]
    fn a_message_is_short_and_hostile_text_is_inert() {
        let hostile = "<https://evil.example.com|click> `x` \u{1b}[31m\n@here".repeat(50);
        let open: Vec<Finding> = (0..500).map(|n| finding(&format!("{n:012}"), "Denied", &hostile)).collect();
        let Notification { subject, text, slack } = notice("acme", &[], &open, None).unwrap();
        assert!(subject.is_ascii() && subject.len() <= 100, "{subject}");
        assert!(text.lines().count() == NAMED_MAX + 2 && text.ends_with("- and 480 more"), "{text}");
        assert!(!text.contains('\u{1b}') && !slack.contains('<'), "{slack}");
        assert!(slack.lines().all(|line| line.matches('`').count() % 2 == 0), "{slack}");
    }

    #[test]
    fn the_worst_is_told_first() {
        let of = |code: &str, harm| Finding { harm, ..finding(ONE, code, "x") };
        let open = [of("A", None), of("B", Some(Harm::LessProtected)), of("C", Some(Harm::LogsLost))];
        let told = notice("acme", &[], &open, None).unwrap();
        let lines: Vec<&str> = told.text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "- new, logs-lost, 111111111111: C: x",
                "- new, 111111111111: A: x",
                "- new, less-protected, 111111111111: B: x",
            ]
        );
    }

    #[test]
    fn each_recipient_knows_what_it_was_told() {
        let mut known = NotifiedFindings::default();
        known.sent("topic", vec![finding(ONE, "A", "x")]);
        let known = NotifiedFindings::resume(known.record());
        assert_eq!((known.of("topic").len(), known.of("webhook").len()), (1, 0));
    }
}
