//! The message about findings: what is new, changed or gone since a channel was sent the last one. Pure.

use super::Finding;
use crate::daemon::run_id::session_prefix;
use crate::notify::Notification;
use crate::notify::ledger::{News, Notifiable, news};
use crate::plan::Harm;
use crate::report::text::message::{Quote, compose, named, shortened};
use crate::report::text::words;

impl Notifiable for Finding {
    type Key = super::Key;

    fn key(&self) -> super::Key {
        Finding::key(self)
    }
}

/// Returns the message for a channel that knows of some findings; `None` where nothing has become of them.
///
/// `link` is where more can be read, `None` where that is not set.
pub fn notification(deployment: &str, known: &[Finding], open: &[Finding], link: Option<&str>) -> Option<Notification> {
    let news = worst_first(news(known, open, |finding| without_runs(&finding.message, deployment)));
    if news.is_empty() {
        return None;
    }
    let number = |what: News| news.iter().filter(|(other, _)| *other == what).count();
    let [new, changed, gone] = [News::New, News::Changed, News::Gone].map(|what| words::grouped(number(what)));
    let tally = format!("{new} new, {changed} changed, {gone} gone");
    let head = format!("orgtrail reconcile of {deployment}: {tally}, {} open", words::grouped(open.len()));
    let subject = format!("orgtrail: findings in {deployment}: {tally}");
    let lines =
        |quote: Quote| named(&news, |(news, finding)| Some(line(*news, finding, quote)), |n| format!("- and {n} more"));
    Some(compose(subject, &head, link, lines))
}

fn line(news: News, finding: &Finding, quote: Quote) -> String {
    let place = finding.address.as_ref().map_or_else(|| finding.account.to_string(), ToString::to_string);
    let [place, what] = [&place, &format!("{}: {}", finding.code, finding.message)].map(|text| quote(&shortened(text)));
    let harm = finding.harm.filter(|harm| harm.does_harm() && news != News::Gone);
    let harm = harm.map(|harm| format!("{harm}, ")).unwrap_or_default();
    format!("- {}, {harm}{place}: {what}", news.as_str())
}

/// Puts the worst of what is new or changed first; what is gone stays last.
fn worst_first(news: Vec<(News, &Finding)>) -> Vec<(News, &Finding)> {
    let (mut open, gone): (Vec<_>, Vec<_>) = news.into_iter().partition(|(news, _)| *news != News::Gone);
    open.sort_by_key(|(_, finding)| Harm::rank(finding.harm));
    open.extend(gone);
    open
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
    use crate::report::text::message::NAMED_MAX;

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
        let told = notification("acme", &known, &open, Some("https://status.example.com/?a&b")).unwrap();
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
        assert_eq!(notification("acme", &open, &open, None), None);
    }

    #[test]
    fn the_run_in_a_refusal_makes_it_no_other_finding() {
        let refused = |run: &str| {
            let session = format!("arn:aws:sts::{ONE}:assumed-role/Member/orgtrail-acme-{run}");
            [finding(ONE, "AccessDenied", &format!("User: {session} is not authorized to perform: iam:GetRole"))]
        };
        let (before, after) = (refused("20260105T000000Z-1a2b"), refused("20260106T000000Z-3c4d"));
        assert_eq!(notification("acme", &before, &after, None), None);
        let other = [finding(ONE, "AccessDenied", &before[0].message.replace("GetRole", "GetPolicy"))];
        assert!(notification("acme", &before, &other, None).is_some());
    }

    #[test]
    fn a_message_is_short_and_hostile_text_is_inert() {
        let hostile = "<https://evil.example.com|click> `x` \u{1b}[31m\n@here".repeat(50);
        let open: Vec<Finding> = (0..500).map(|n| finding(&format!("{n:012}"), "Denied", &hostile)).collect();
        let Notification { subject, text, slack } = notification("acme", &[], &open, None).unwrap();
        assert!(subject.is_ascii() && subject.len() <= 100, "{subject}");
        assert!(text.lines().count() == NAMED_MAX + 2 && text.ends_with("- and 480 more"), "{text}");
        assert!(!text.contains('\u{1b}') && !slack.contains('<'), "{slack}");
        assert!(slack.lines().all(|line| line.matches('`').count() % 2 == 0), "{slack}");
    }

    #[test]
    fn the_worst_is_told_first() {
        let of = |code: &str, harm| Finding { harm, ..finding(ONE, code, "x") };
        let open = [of("A", None), of("B", Some(Harm::LessProtected)), of("C", Some(Harm::LogsLost))];
        let told = notification("acme", &[], &open, None).unwrap();
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
}
