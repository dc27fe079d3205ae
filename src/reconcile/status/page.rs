//! The status as a page: plain values for `templates/status.html.hbs`. Pure.

use handlebars::Handlebars;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::lake::LakeStatus;
use super::{AccountHealth, AccountStatus, PendingChange, Status};
use crate::daemon::clock::between;
use crate::daemon::lease::Leadership;
use crate::ids::AccountId;
use crate::plan::Harm;
use crate::reconcile::findings::Finding;
use crate::reconcile::history::{RoundRecord, RoundResult};
use crate::report::text::{escape, words};

/// The style of the page.
pub const STYLE: &str = include_str!("../../../templates/status.css");

const TEMPLATE: &str = include_str!("../../../templates/status.html.hbs");

/// How often the page renews itself.
const REFRESH_S: u32 = 30;

/// Findings, changes and accounts that the first page shows; the rest is a number.
const ROWS_MAX: usize = 50;

/// Rounds in the chart: one day at one every quarter of an hour.
const BARS_MAX: usize = 96;

/// The units of the chart: a bar is as wide as this, with a gap of one.
const BAR_WIDTH: usize = 9;
const CHART_HEIGHT: usize = 60;

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What matters now.
    Status,
    /// Every account.
    Accounts,
}

/// Returns the page as HTML.
///
/// # Errors
/// A template that cannot be rendered; a test renders it.
pub fn html(status: &Status, view: View, now: Timestamp) -> Result<String, handlebars::RenderError> {
    let mut engine = Handlebars::new();
    engine.register_escape_fn(escape::html);
    engine.render_template(TEMPLATE, &values(status, view, now))
}

fn values(status: &Status, view: View, now: Timestamp) -> Value {
    let all = view == View::Accounts;
    let (accounts, accounts_more) = accounts(status, all, now);
    let more = |count: usize, shown: usize, what: &str| {
        (count > shown).then(|| format!("{} more; `orgtrail plan` shows them all", words::count(count - shown, what)))
    };
    json!({
        // A page that somebody reads through is not taken away.
        "refresh_s": (!all).then_some(REFRESH_S),
        "all": all,
        "deployment": status.deployment,
        "version": env!("CARGO_PKG_VERSION"),
        "run": status.run,
        "now": second(now),
        "mode": mode(status),
        "working": status.working_since.is_some(),
        "headline": headline(status),
        "bad_config": status.bad_config,
        "last": status.rounds.last().map(|round| last(round, now)),
        "next": status.next.map(|next| json!({"time": second(next), "words": in_words(next, now)})),
        "lake": status.lake.as_ref().map(|lake| lake_row(lake, now)),
        "findings": findings(status, now),
        "findings_count": status.findings.len(),
        "findings_more": more(status.findings.len(), ROWS_MAX, "finding"),
        "waiting": waiting(status),
        "waiting_count": status.rounds.last().map_or(0, |round| round.held),
        "waiting_more": more(status.rounds.last().map_or(0, |round| round.held), ROWS_MAX.min(status.waiting.len()), "change"),
        "bars": bars(&status.rounds),
        "chart": chart(&status.rounds),
        "tally": tally(status),
        "accounts": accounts,
        "accounts_more": accounts_more,
    })
}

fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn ago(time: Timestamp, now: Timestamp) -> String {
    words::span(between(time, now).as_secs())
}

fn in_words(next: Timestamp, now: Timestamp) -> String {
    if next <= now { "due now".into() } else { format!("in {}", words::span(between(now, next).as_secs())) }
}

fn mode(status: &Status) -> String {
    let manner = if status.observe { "observes only" } else { "repairs what the configuration allows" };
    match &status.leadership {
        Some(Leadership::Standby { owner }) if owner.is_empty() => "stands by for another replica".into(),
        Some(Leadership::Standby { owner }) => format!("stands by for {owner}"),
        Some(Leadership::Unknown(why)) => format!("may not act: {why}"),
        Some(Leadership::Leader) | None => manner.into(),
    }
}

fn headline(status: &Status) -> Value {
    if let Some(harm) = worst(status) {
        return json!({"class": "bad", "mark": "✗", "words": sentence(harm.meaning())});
    }
    let (class, mark, words) = match status.rounds.last().map(|round| round.result) {
        _ if matches!(status.leadership, Some(Leadership::Standby { .. })) => ("good", "✓", "Standing by"),
        None => ("notice", "…", "Starting"),
        Some(RoundResult::Failed) => ("bad", "✗", "The last round failed"),
        Some(RoundResult::Partial) => ("bad", "✗", "Something could not be read, changed or proved"),
        Some(RoundResult::Waiting) => ("notice", "!", "Something needs approval"),
        Some(RoundResult::Repaired) => ("good", "✓", "Repaired"),
        Some(RoundResult::InSync) => ("good", "✓", "In sync"),
        Some(RoundResult::Stopped) => ("notice", "…", "Stopping"),
    };
    json!({"class": class, "mark": mark, "words": words})
}

/// Returns the worst harm, where it is one that has to be the first thing that anybody reads.
fn worst(status: &Status) -> Option<Harm> {
    let harms = status.findings.iter().filter_map(|finding| finding.harm);
    harms.min().filter(|harm| *harm <= Harm::LogsExposed)
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn last(round: &RoundRecord, now: Timestamp) -> Value {
    json!({
        "words": round.result.words(),
        "time": second(round.ended),
        "ago": ago(round.ended, now),
        "took": words::span(between(round.started, round.ended).as_secs()),
        "calls": words::count(usize::try_from(round.calls).unwrap_or(usize::MAX), "call"),
        "error": round.error,
    })
}

fn lake_row(lake: &LakeStatus, now: Timestamp) -> Value {
    let files = |count: u64| words::count(usize::try_from(count).unwrap_or(usize::MAX), "log file");
    let missing = lake.last.missing;
    let words = match lake.fresh_as_of {
        _ if !lake.last.why.is_empty() => lake.last.why.clone(),
        _ if missing > 0 => format!("{} could not be put in, wholly or in part", files(missing)),
        Some(_) => format!("{} added by the last update", files(lake.last.added)),
        None => "not updated yet".to_owned(),
    };
    json!({
        "class": if lake.last.is_whole() { "good" } else { "bad" },
        "words": words,
        "time": lake.fresh_as_of.map(second),
        "ago": lake.fresh_as_of.map(|fresh| ago(fresh, now)),
    })
}

/// The worst first, and of one harm the oldest: they have waited longest.
fn findings(status: &Status, now: Timestamp) -> Vec<Value> {
    let mut findings: Vec<_> = status.findings.iter().collect();
    findings.sort_by_key(|finding| (Harm::rank(finding.harm), finding.since));
    let row = |finding: &&Finding| {
        let place = finding.address.as_ref().map_or_else(|| finding.account.to_string(), ToString::to_string);
        json!({
            "since": second(finding.since),
            "age": ago(finding.since, now),
            "place": place,
            "harm": finding.harm.filter(|harm| harm.does_harm()).map(Harm::as_str),
            "message": finding.message,
            "code": finding.code,
            "help": finding.help,
        })
    };
    findings.iter().take(ROWS_MAX).map(row).collect()
}

fn waiting(status: &Status) -> Vec<Value> {
    let row = |waiting: &PendingChange| {
        json!({
            "action": waiting.action,
            "address": waiting.address,
            "fields": words::some(&waiting.fields, 5),
            "why": waiting.why,
        })
    };
    status.waiting.iter().take(ROWS_MAX).map(row).collect()
}

fn class(result: RoundResult) -> &'static str {
    match result {
        RoundResult::InSync | RoundResult::Repaired => "good",
        RoundResult::Waiting | RoundResult::Stopped => "notice",
        RoundResult::Partial | RoundResult::Failed => "bad",
    }
}

fn shown(rounds: &[RoundRecord]) -> &[RoundRecord] {
    &rounds[rounds.len().saturating_sub(BARS_MAX)..]
}

/// One bar a round, as high as its drift. A round without drift is a line at the bottom, so that it can be seen.
fn bars(rounds: &[RoundRecord]) -> Vec<Value> {
    let rounds = shown(rounds);
    let most = rounds.iter().map(|round| round.drifted).max().unwrap_or_default().max(1);
    let bar = |(n, round): (usize, &RoundRecord)| {
        let high = if round.result == RoundResult::Failed { CHART_HEIGHT } else { round.drifted * CHART_HEIGHT / most };
        let height = high.max(2);
        let drifted = words::count(round.drifted, "difference");
        json!({
            "class": class(round.result),
            "x": n * (BAR_WIDTH + 1),
            "y": CHART_HEIGHT - height,
            "width": BAR_WIDTH,
            "height": height,
            "words": format!("{}: {}, {drifted}", second(round.ended), round.result.words()),
        })
    };
    rounds.iter().enumerate().map(bar).collect()
}

fn chart(rounds: &[RoundRecord]) -> Value {
    let rounds = shown(rounds);
    let most = rounds.iter().map(|round| round.drifted).max().unwrap_or_default();
    let drifted = rounds.iter().filter(|round| round.drifted > 0).count();
    let words = format!(
        "The last {}: {drifted} with drift, at most {} in one",
        words::count(rounds.len(), "round"),
        words::count(most, "difference"),
    );
    json!({"width": BARS_MAX * (BAR_WIDTH + 1), "height": CHART_HEIGHT, "words": words})
}

fn account_class(state: AccountHealth) -> &'static str {
    match state {
        AccountHealth::Failing => "bad",
        AccountHealth::Paused | AccountHealth::Waiting => "notice",
        AccountHealth::InSync => "good",
        AccountHealth::NotSelected => "",
    }
}

fn tally(status: &Status) -> Vec<Value> {
    let count = |state| status.accounts.values().filter(|account| account.state == state).count();
    let row =
        |state: AccountHealth| json!({"class": account_class(state), "count": count(state), "words": state.words()});
    AccountHealth::ALL.into_iter().filter(|state| count(*state) > 0).map(row).collect()
}

/// The worst first. The first page shows those that need a look.
fn accounts(status: &Status, all: bool, now: Timestamp) -> (Vec<Value>, Option<String>) {
    let needs_a_look = |state| !matches!(state, AccountHealth::InSync | AccountHealth::NotSelected);
    let mut accounts: Vec<_> =
        status.accounts.iter().filter(|(_, account)| all || needs_a_look(account.state)).collect();
    accounts.sort_by_key(|(id, account)| (account.state, *id));
    let most = if all { accounts.len() } else { ROWS_MAX };
    let more = (accounts.len() > most)
        .then(|| format!("{} more on the page of all accounts", words::count(accounts.len() - most, "account")));
    let row = |(id, account): &(&AccountId, &AccountStatus)| {
        json!({
            "id": id,
            "name": account.name,
            "class": account_class(account.state),
            "words": account.state.words(),
            "time": account.looked_at.map(second),
            "ago": account.looked_at.map(|at| ago(at, now)),
        })
    };
    (accounts.iter().take(most).map(row).collect(), more)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::STYLE;

    /// The colours that a block of the style names, as they shine: 0 is black, 1 is white.
    fn colours(block: &str) -> BTreeMap<&str, f64> {
        let lines = block.split(';').filter_map(|line| line.split_once(": #"));
        let channel = |value: f64| match value / 255.0 {
            dark if dark <= 0.04045 => dark / 12.92,
            light => ((light + 0.055) / 1.055).powf(2.4),
        };
        let shines = |hex: &str| -> f64 {
            let hex = hex.trim_end_matches(['}', ' ', '\n']);
            let wide = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
            let part = |at: usize| channel(f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()));
            // WCAG 2.2, "relative luminance".
            0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
        };
        lines.map(|(name, hex)| (name.rsplit("--").next().unwrap(), shines(hex))).collect()
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_colour_can_be_read_on_every_ground_in_the_light_and_in_the_dark() {
        let (light, rest) = STYLE.split_once('}').unwrap();
        let (dark, _) = rest.split_once("} }").unwrap();
        for block in [light, dark] {
            let colours = colours(block);
            for text in ["text", "faint", "good", "notice", "bad", "link"] {
                for ground in ["ground", "panel"] {
                    let ratio = contrast(colours[text], colours[ground]);
                    // WCAG 2.2, 1.4.3 at level AA.
                    assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
                }
            }
        }
        // No other colour is named, so no other pair is possible.
        assert_eq!(STYLE.matches('#').count(), 18);
    }

    #[test]
    fn the_contrast_of_black_on_white_is_as_defined() {
        let colours = colours(":root { --black: #000; --white: #ffffff; }");
        assert!((contrast(colours["black"], colours["white"]) - 21.0).abs() < 1e-9);
    }
}
