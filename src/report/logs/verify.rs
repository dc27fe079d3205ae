//! The report of a proof for people: a terminal, or markdown. JSON is in [`super::model`], HTML in [`super::page`].

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::heat::HeatMap;
use super::model::{ChainProof, Proof, Summary};
use crate::logs::finding::{Code, Finding, State};
use crate::logs::verify::{Answer, Chain};
use crate::report::escape;
use crate::report::words::{count, grouped};

/// How many findings of one code and chain people see; JSON has all.
const SHOWN_MAX: usize = 5;
/// How many rows a heat map has at most in a terminal or in markdown.
const ROWS_MAX: usize = 60;

/// Returns the JSON of an answer, ending with a line break.
pub fn json(answer: &Answer) -> String {
    escape::json(&format!("{:#}\n", serde_json::json!(Proof::of(answer)))).into_owned()
}

/// Returns the line of JSON Lines about a chain.
pub fn json_line(chain: &Chain) -> String {
    escape::json(&format!("{}\n", serde_json::json!({"type": "chain", "chain": ChainProof::of(chain)}))).into_owned()
}

/// Returns the last line of JSON Lines.
pub fn json_summary_line(answer: &Answer) -> String {
    let summary = serde_json::json!({"type": "summary", "format_version": 1, "summary": Summary::of(answer)});
    escape::json(&format!("{summary}\n")).into_owned()
}

/// Returns the report for a terminal of a width. Colour only underlines what the words say.
pub fn human(answer: &Answer, width: usize, is_coloured: bool) -> String {
    let paint = |state, text: &str| if is_coloured { painted(state, text) } else { text.to_owned() };
    let mut text = headline(answer, |state| paint(state, state.as_str()));
    if let Some(map) = heat_map(answer, width.saturating_sub(16).clamp(24, 96)) {
        text.push_str(&heat_text(&map, paint));
    }
    for chain in answer.chains.iter().filter(|chain| !chain.findings.is_empty()) {
        let name = escape::terminal(&name(chain)).into_owned();
        let _ = write!(text, "\n{} {name}\n", paint(chain.state, chain.state.as_str()));
        for (finding, folded) in shown(chain) {
            let _ = writeln!(text, "  {}", escape::terminal(&sentence(finding)));
            if let Some(object) = &finding.object {
                let _ = writeln!(text, "    {}", escape::terminal(object));
            }
            if folded > 0 {
                let _ = writeln!(text, "    and {} more {}", grouped(folded), finding.code);
            }
        }
    }
    for note in &answer.notes {
        let _ = write!(text, "\nnote: {}\n", escape::terminal(note));
    }
    text
}

/// Returns the report as markdown.
pub fn markdown(answer: &Answer) -> String {
    let mut text = format!("## {}", headline(answer, |state| format!("**{state}**")));
    if let Some(map) = heat_map(answer, 72) {
        let _ = write!(text, "\n```text\n{}```\n", heat_text(&map, |_, text| text.to_owned()).trim_start_matches('\n'));
    }
    let with_findings: Vec<&Chain> = answer.chains.iter().filter(|chain| !chain.findings.is_empty()).collect();
    if !with_findings.is_empty() {
        text.push_str(
            "\n| state | account | region | code | hour | object | reason |\n|---|---|---|---|---|---|---|\n",
        );
    }
    for chain in with_findings {
        for (finding, folded) in shown(chain) {
            let more = if folded > 0 { format!(" (and {} more)", grouped(folded)) } else { String::new() };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {}{more} |",
                finding.state,
                chain.scope.account,
                chain.scope.region,
                finding.code,
                finding.window.map(|window| window.hour().to_string()).unwrap_or_default(),
                finding.object.as_deref().map(escape::markdown_code).unwrap_or_default(),
                escape::markdown(&finding.detail),
            );
        }
    }
    for note in &answer.notes {
        let _ = write!(text, "\nNote: {}\n", escape::markdown(note));
    }
    text
}

/// Returns the sentence that sums up an answer, and the counts.
pub(super) fn headline(answer: &Answer, word: impl Fn(State) -> String) -> String {
    let sum = Summary::of(answer);
    let number = |count: u64| grouped(usize::try_from(count).unwrap_or(usize::MAX));
    let what = match answer.state() {
        _ if answer.chains.is_empty() => "no chain of digests was found, so that nothing is proved",
        State::Attested => "every log file is what CloudTrail delivered",
        State::Unproven => "nothing was altered as far as can be seen, but not all can be proved",
        State::Broken => "logs or digests are not what CloudTrail delivered",
    };
    let mut text = format!("{}: {what}\n\n", word(answer.state()));
    let _ = writeln!(
        text,
        "{}: {} attested, {} unproven, {} broken; {} digests; {} of {} log files attested",
        count(sum.chains, "chain"),
        sum.attested,
        sum.unproven,
        sum.broken,
        number(sum.digests),
        number(sum.logs_attested),
        number(sum.logs),
    );
    if sum.logs_pending > 0 {
        let _ = writeln!(text, "{} log files wait for a backfill digest", number(sum.logs_pending));
    }
    if sum.interrupted {
        text.push_str("the run was stopped early: this is what was known by then\n");
    }
    text
}

/// Returns the heat map of an answer, accounts by time.
pub(super) fn heat_map(answer: &Answer, columns_max: usize) -> Option<HeatMap<State>> {
    HeatMap::of(answer.chains.iter().map(|chain| (chain.scope.account.to_string(), chain.hours.clone())), columns_max)
}

/// Returns the findings of a chain that people see, each with the number of those folded into it.
pub(super) fn shown(chain: &Chain) -> Vec<(&Finding, usize)> {
    let mut by_code: BTreeMap<(std::cmp::Reverse<State>, Code), Vec<&Finding>> = BTreeMap::new();
    for finding in &chain.findings {
        by_code.entry((std::cmp::Reverse(finding.state), finding.code)).or_default().push(finding);
    }
    by_code.into_values().flat_map(fold).collect()
}

/// Keeps the first findings; the last one kept stands for the rest.
fn fold(findings: Vec<&Finding>) -> impl Iterator<Item = (&Finding, usize)> {
    let kept = findings.len().min(SHOWN_MAX);
    let folded = findings.len() - kept;
    let more = move |at| if at + 1 == kept { folded } else { 0 };
    findings.into_iter().take(kept).enumerate().map(move |(at, finding)| (finding, more(at)))
}

/// Returns a chain's name for people.
pub(super) fn name(chain: &Chain) -> String {
    let trail = chain.trail.as_ref().map_or("no trail known".to_owned(), |(trail, _)| trail.to_string());
    format!("{} {} {trail}", chain.scope.account, chain.scope.region)
}

fn sentence(finding: &Finding) -> String {
    let hour = finding.window.map(|window| format!(" {}", window.hour())).unwrap_or_default();
    format!("{}{hour}: {}", finding.code, finding.detail)
}

/// Draws a heat map with signs that read without colour.
fn heat_text(map: &HeatMap<State>, paint: impl Fn(State, &str) -> String) -> String {
    let mut text = format!("\n{:<13} {}", "", map.start.strftime("%Y-%m-%d %H:%MZ"));
    let hours = map.step.as_hours();
    let _ = writeln!(text, "  one column: {}", count(usize::try_from(hours).unwrap_or_default(), "hour"));
    for (label, cells) in map.rows.iter().take(ROWS_MAX) {
        let drawn: String =
            cells.iter().map(|cell| cell.map_or(" ".into(), |state| paint(state, sign(state)))).collect();
        let _ = writeln!(text, "{label:<13} {drawn}");
    }
    if map.rows.len() > ROWS_MAX {
        let _ = writeln!(text, "and {} more", count(map.rows.len() - ROWS_MAX, "account"));
    }
    let _ = writeln!(text, "{:<13} . attested  ? unproven  X broken", "");
    text
}

fn sign(state: State) -> &'static str {
    match state {
        State::Attested => ".",
        State::Unproven => "?",
        State::Broken => "X",
    }
}

fn painted(state: State, text: &str) -> String {
    let colour = match state {
        State::Attested => AnsiColor::Green,
        State::Unproven => AnsiColor::Yellow,
        State::Broken => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{text}{style:#}")
}
