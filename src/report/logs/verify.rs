//! The report of a proof for people: a terminal, or markdown. JSON is in [`super::model`], HTML in [`super::page`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::heat::HeatMap;
use super::model::{ChainProof, Proof, ProofJson, ProofLine, Summary};
use super::next::next_step;
use super::table::Table;
use crate::logs::finding::{Code, Finding, State};
use crate::logs::verify::{Chain, ExpectedChains, MissingChain, Verification};
use crate::report::text::escape;
use crate::report::text::words::{count, grouped, size};

/// How many findings of one code and chain people see; JSON has all.
const SHOWN_MAX: usize = 5;
/// How much of a trail's name stands beside a row of the heat map.
const TRAIL_CHARS_MAX: usize = 24;
/// How many rows a heat map has at most in a terminal or in markdown.
const ROWS_MAX: usize = 60;

/// Returns the JSON of an answer, ending with a line break.
pub fn json(answer: &Verification) -> String {
    let proof = Proof::of(answer);
    let sha256 = proof.sha256();
    escape::json(&format!("{:#}\n", serde_json::json!(ProofJson { proof, sha256 }))).into_owned()
}

/// Returns the line of JSON Lines about a chain.
pub fn json_line(chain: &Chain) -> String {
    line(&ProofLine::Chain { chain: Box::new(ChainProof::of(chain)) })
}

/// Returns the last line of JSON Lines.
pub fn json_summary_line(answer: &Verification) -> String {
    let proof = Proof::of(answer);
    let sha256 = proof.sha256();
    let Proof { format_version, chains: _, findings, keys, summary } = proof;
    line(&ProofLine::Summary { format_version, summary: Box::new(summary), findings, keys, sha256 })
}

fn line(line: &ProofLine) -> String {
    escape::json(&format!("{}\n", serde_json::json!(line))).into_owned()
}

/// Returns the report for a terminal of a width. Colour only underlines what the words say.
pub fn human(answer: &Verification, width: usize, is_coloured: bool) -> String {
    let paint = |state, text: &str| if is_coloured { painted(state, text) } else { text.to_owned() };
    let mut text = headline(answer, |state| paint(state, state.as_str()));
    text.push('\n');
    for line in head(answer) {
        let _ = writeln!(text, "{}", escape::terminal(&line));
    }
    let table = table(answer);
    if !table.rows.is_empty() {
        let _ = write!(text, "\n{}", table.text(width));
    }
    if let Some(map) = heat_map(answer, width.saturating_sub(40).clamp(24, 96)) {
        text.push_str(&heat_text(&map, paint));
    }
    if !answer.findings.is_empty() {
        text.push_str("\nbeside all chains\n");
        let all: Vec<&Finding> = answer.findings.iter().collect();
        folded(all).into_iter().for_each(|(finding, more)| human_finding(&mut text, finding, more));
    }
    for chain in answer.chains.iter().filter(|chain| !chain.findings.is_empty() || !chain.notes.is_empty()) {
        let name = escape::terminal(&name(chain)).into_owned();
        let _ = write!(text, "\n{} {name}\n", paint(chain.state, chain.state.as_str()));
        for note in &chain.notes {
            let _ = writeln!(text, "  {}", escape::terminal(note));
        }
        shown(chain).into_iter().for_each(|(finding, more)| human_finding(&mut text, finding, more));
    }
    for note in &answer.notes {
        let _ = write!(text, "\nnote: {}\n", escape::terminal(note));
    }
    text.push('\n');
    for line in tail(answer) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn human_finding(text: &mut String, finding: &Finding, more: usize) {
    let _ = writeln!(text, "  {}", escape::terminal(&sentence(finding)));
    if let Some(object) = &finding.object {
        let _ = writeln!(text, "    {}", escape::terminal(object));
    }
    let _ = writeln!(text, "    next: {}", escape::terminal(&next_step(finding)));
    if more > 0 {
        let _ = writeln!(text, "    and {} more {}", grouped(more), finding.code);
    }
}

/// Returns the report as markdown.
pub fn markdown(answer: &Verification) -> String {
    let mut text = format!("## {}\n", headline(answer, |state| format!("**{state}**")));
    for line in head(answer) {
        let _ = writeln!(text, "- {}", escape::markdown(&line));
    }
    if let Some(map) = heat_map(answer, 72) {
        let _ = write!(text, "\n```text\n{}```\n", heat_text(&map, |_, text| text.to_owned()).trim_start_matches('\n'));
    }
    let table = table(answer);
    if !table.rows.is_empty() {
        let _ = write!(text, "\n{}", table.markdown());
    }
    let of_chain = |chain: &Chain| (chain.scope.account.to_string(), chain.scope.region.to_string());
    let chains = answer.chains.iter().flat_map(|chain| shown(chain).into_iter().map(move |row| (of_chain(chain), row)));
    let beside = folded(answer.findings.iter().collect());
    let rows: Vec<_> = beside.into_iter().map(|row| (Default::default(), row)).chain(chains).collect();
    if !rows.is_empty() {
        text.push_str(
            "\n| state | account | region | code | time | object | reason | next |\n|---|---|---|---|---|---|---|---|\n",
        );
    }
    for ((account, region), (finding, more)) in rows {
        let more = if more > 0 { format!(" (and {} more)", grouped(more)) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {account} | {region} | {} | {} | {} | {}{more} | {} |",
            finding.state,
            finding.code,
            time(finding),
            finding.object.as_deref().map(escape::markdown_code).unwrap_or_default(),
            escape::markdown(&finding.detail),
            escape::markdown(&next_step(finding)),
        );
    }
    let notes =
        answer.chains.iter().flat_map(|chain| chain.notes.iter().map(move |note| format!("{}: {note}", name(chain))));
    for note in notes.chain(answer.notes.iter().cloned()) {
        let _ = write!(text, "\nNote: {}\n", escape::markdown(&note));
    }
    text.push('\n');
    for line in tail(answer) {
        let _ = writeln!(text, "{}\n", escape::markdown(&line));
    }
    text
}

/// Returns the sentence that sums up an answer, and the counts.
pub(super) fn headline(answer: &Verification, word: impl Fn(State) -> String) -> String {
    let sum = Summary::of(answer);
    let number = |count: u64| grouped(usize::try_from(count).unwrap_or(usize::MAX));
    let of = |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let what = match answer.state() {
        _ if answer.chains.is_empty() => "no chain of digests was found, so that nothing is proved",
        State::Attested => "every log file is what CloudTrail delivered",
        State::Unproven => "nothing was altered as far as can be seen, but not all can be proved",
        State::Broken => "logs or digests are not what CloudTrail delivered",
    };
    let mut text = format!("{}: {what}\n\n", word(answer.state()));
    let _ = writeln!(
        text,
        "{}: {} attested, {} unproven, {} broken; {}; {} of {} attested",
        count(sum.chains, "chain"),
        sum.attested,
        sum.unproven,
        sum.broken,
        of(sum.digests, "digest"),
        number(sum.logs_attested),
        of(sum.logs + sum.logs_unlisted, "log file"),
    );
    if let Some(earlier) = nothing_new(answer) {
        let _ = writeln!(text, "{earlier}");
    }
    let _ = match &answer.expected {
        Some(ExpectedChains { said_by, unknown: Some(_), .. }) => {
            writeln!(text, "{said_by} could not be compared with what is there: the organization could not be read")
        }
        Some(ExpectedChains { said_by, missing, unknown_regions, .. }) => {
            let unknown = unknown_regions.as_ref().map(|of| (count(of.accounts.len(), "account"), of.asked));
            let unknown =
                unknown.map(|(of, asked)| format!(", and the enabled regions of {of} of {asked} are unknown"));
            let (missing, unknown) = (missing.len(), unknown.unwrap_or_default());
            writeln!(text, "compared with what should be there ({said_by}): {missing} missing{unknown}")
        }
        None => writeln!(
            text,
            "found in {} and {}; how many there should be is unknown (a configuration or --expect says it)",
            count(sum.accounts, "account"),
            count(sum.regions, "region")
        ),
    };
    if sum.logs_unlisted > 0 {
        let _ = writeln!(text, "listed by no valid digest: {}", of(sum.logs_unlisted, "log file"));
    }
    if sum.logs_read < sum.logs_attested {
        let (read, rest) = (of(sum.logs_read, "log file"), number(sum.logs_attested - sum.logs_read));
        let _ = writeln!(text, "read now: {read}; proved by earlier runs and not read again: {rest}");
    }
    if sum.logs_pending > 0 {
        let _ = writeln!(text, "waiting for a backfill digest: {}", of(sum.logs_pending, "log file"));
    }
    if sum.interrupted {
        text.push_str("the run was stopped early: this is what was known by then\n");
    }
    text
}

/// Says that no digest was new, and up to when earlier runs proved what there is: counts of nothing prove nothing.
fn nothing_new(answer: &Verification) -> Option<String> {
    let ends = || answer.chains.iter().filter_map(|chain| Some(chain.attested_to.as_ref()?.end));
    let is_nothing = answer.chains.iter().all(|chain| chain.digests == 0);
    let (first, last) = (ends().min()?, ends().max()?);
    let until = if first == last { format!("up to {last}") } else { format!("up to {first}, some up to {last}") };
    let chains = count(ends().count(), "chain");
    is_nothing.then(|| format!("no digest was new: earlier runs proved {chains} {until}"))
}

/// Returns the lines that say what was proved, when, by what, and with whose keys.
pub(super) fn head(answer: &Verification) -> Vec<String> {
    let time = |time: Option<jiff::Timestamp>, open: &str| time.map_or(open.to_owned(), |time| time.to_string());
    let organizations: BTreeSet<&str> =
        answer.chains.iter().filter_map(|chain| chain.scope.organization.as_deref()).collect();
    let delivered: BTreeSet<&str> =
        answer.chains.iter().flat_map(|chain| &chain.origins).map(|origin| origin.bucket.as_str()).collect();
    let list = |of: BTreeSet<&str>| of.into_iter().collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("place: {}", answer.store)];
    if !organizations.is_empty() {
        lines.push(format!("organization: {}", list(organizations)));
    }
    if !delivered.is_empty() {
        lines.push(format!("bucket that CloudTrail delivered to, as its digests say: {}", list(delivered)));
    }
    lines.push(format!(
        "range: {} to {}",
        time(answer.from, "the first digest"),
        time(answer.to, "the newest digest due")
    ));
    lines.push(made(answer.now));
    lines.extend(expected_and_found(answer));
    for key in &answer.keys {
        let until = time(key.valid_to, "unknown");
        lines.push(format!(
            "public key: {} {} from {}, valid {} to {until}",
            key.region,
            key.fingerprint,
            key.source.as_str(),
            time(key.valid_from, "unknown")
        ));
    }
    lines
}

/// Returns the lines that say what the words mean, and the hash of the report.
pub(super) fn tail(answer: &Verification) -> Vec<String> {
    vec![
        "A digest is CloudTrail's signed list of the log files that it delivered in an hour. It says what was delivered, not \
         what happened: events that no trail records, or that came in hours without a digest, are in no digest."
            .to_owned(),
        "ATTESTED: CloudTrail's signature covers it and nothing differs. UNPROVEN: it cannot be proved, and nothing shows that \
         it was altered. BROKEN: it differs from what CloudTrail signed, or what it signed is gone."
            .to_owned(),
        format!("sha256 of this report as JSON: {}", Proof::of(answer).sha256()),
    ]
}

/// Returns when and by what a report was made.
pub(super) fn made(now: jiff::Timestamp) -> String {
    format!("made: {} by orgtrail {}", now.strftime("%Y-%m-%dT%H:%M:%SZ"), env!("CARGO_PKG_VERSION"))
}

/// Returns the lines that say how many accounts, regions and trails there should be and are.
fn expected_and_found(answer: &Verification) -> [String; 2] {
    let named = |trails: &BTreeSet<String>| {
        let names = trails.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { names } else { format!(" ({names})") };
        format!("{}{names}", count(trails.len(), "trail"))
    };
    let expected = match &answer.expected {
        None => "expected: unknown accounts, regions and trails".to_owned(),
        Some(expected) => {
            let accounts = match &expected.unknown {
                Some(_) => "accounts not known".to_owned(),
                None => count(expected.accounts, "account"),
            };
            let regions = match expected.regions {
                0 => "regions not known".to_owned(),
                regions if expected.unknown_regions.is_some() => format!("{} or more", count(regions, "region")),
                regions => count(regions, "region"),
            };
            let trails = match expected.trails.is_empty() {
                true => "trails not known".to_owned(),
                false => named(&expected.trails),
            };
            format!("expected: {accounts}, {regions}, {trails}")
        }
    };
    let sum = Summary::of(answer);
    let (accounts, regions) = (count(sum.accounts, "account"), count(sum.regions, "region"));
    [expected, format!("found: {accounts}, {regions}, {}", named(&sum.trails))]
}

/// The columns of the table.
const COLUMNS: [&str; 9] =
    ["state", "account", "region", "trail", "from", "to", "digests", "log files attested", "bytes read"];

/// Returns one row a chain, and one for each that should be there and is not.
pub(super) fn rows(answer: &Verification) -> Vec<[(&'static str, String); 9]> {
    let missing = answer.expected.iter().flat_map(|expected| &expected.missing).map(missing_cells);
    let cells = missing.chain(answer.chains.iter().map(chain_cells));
    let named = |cells: [String; 9]| {
        let mut columns = COLUMNS.into_iter();
        cells.map(|cell| (columns.next().unwrap_or_default(), cell))
    };
    cells.map(named).collect()
}

fn chain_cells(chain: &Chain) -> [String; 9] {
    let number = |number: u64| grouped(usize::try_from(number).unwrap_or(usize::MAX));
    [
        chain.state.to_string(),
        chain.scope.account.to_string(),
        chain.scope.region.to_string(),
        chain.trail.as_ref().map_or("-".to_owned(), |(trail, _)| trail.to_string()),
        chain.hours.first().map_or("-".into(), |(window, _)| window.start.to_string()),
        chain.hours.last().map_or("-".into(), |(window, _)| window.end.to_string()),
        number(chain.digests),
        format!("{} of {}", number(chain.logs_attested), number(chain.logs + chain.logs_unlisted)),
        size(chain.bytes),
    ]
}

fn missing_cells(missing: &MissingChain) -> [String; 9] {
    let or_all = |text: String| if text.is_empty() { "every one".to_owned() } else { text };
    let regions = missing.regions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let name = missing.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    [
        State::Unproven.to_string(),
        or_all(missing.account.as_ref().map(|account| format!("{account}{name}")).unwrap_or_default()),
        or_all(regions),
        missing.trail.clone().unwrap_or_else(|| "-".to_owned()),
        "missing".to_owned(),
        "-".to_owned(),
        "0".to_owned(),
        "0 of 0".to_owned(),
        size(0),
    ]
}

fn table(answer: &Verification) -> Table {
    Table { columns: &COLUMNS, rows: rows(answer).into_iter().map(|row| row.map(|(_, cell)| cell).to_vec()).collect() }
}

/// Returns the heat map of an answer, accounts by time.
pub(super) fn heat_map(answer: &Verification, columns_max: usize) -> Option<HeatMap<State>> {
    HeatMap::of(answer.chains.iter().map(|chain| (label(chain), chain.hours.clone())), columns_max)
}

/// Returns a chain's name beside its row of the heat map, with at most so much of the trail's name as fits.
fn label(chain: &Chain) -> String {
    let trail = chain.trail.as_ref().map(|(trail, _)| trail.as_str()).unwrap_or("-");
    let short: String = trail.chars().take(TRAIL_CHARS_MAX).collect();
    format!("{} {} {short}", chain.scope.account, chain.scope.region)
}

/// Returns the findings of a chain that people see, each with the number of those folded into it.
pub(super) fn shown(chain: &Chain) -> Vec<(&Finding, usize)> {
    folded(chain.findings.iter().collect())
}

/// Returns the findings that people see of many, each with the number of those folded into it.
pub(super) fn folded(findings: Vec<&Finding>) -> Vec<(&Finding, usize)> {
    let mut by_code: BTreeMap<(std::cmp::Reverse<State>, Code), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
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
    let time = time(finding);
    let space = if time.is_empty() { "" } else { " " };
    format!("{}{space}{time}: {}", finding.code, finding.detail)
}

/// Returns the time that a finding touches, for people.
pub(super) fn time(finding: &Finding) -> String {
    finding.window.map(|window| format!("{} to {}", window.start, window.end)).unwrap_or_default()
}

/// Draws a heat map with signs that read without colour.
fn heat_text(map: &HeatMap<State>, paint: impl Fn(State, &str) -> String) -> String {
    let width = map.rows.iter().take(ROWS_MAX).map(|(label, _)| label.len()).max().unwrap_or_default();
    let mut text = format!("\n{:<width$} {}", "", map.start.strftime("%Y-%m-%d %H:%MZ"));
    let hours = map.step.as_hours();
    let _ = writeln!(text, "  one column: {}", count(usize::try_from(hours).unwrap_or_default(), "hour"));
    for (label, cells) in map.rows.iter().take(ROWS_MAX) {
        let drawn: String =
            cells.iter().map(|cell| cell.map_or(" ".into(), |state| paint(state, sign(state)))).collect();
        let _ = writeln!(text, "{label:<width$} {drawn}");
    }
    if map.rows.len() > ROWS_MAX {
        let _ = writeln!(text, "and {} more", count(map.rows.len() - ROWS_MAX, "chain"));
    }
    let _ = writeln!(text, "{:<width$} . attested  ? unproven  X broken", "");
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
