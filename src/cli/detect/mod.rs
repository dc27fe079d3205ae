//! `orgtrail detect`: rules over the events of the archive.

mod rules;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::{SignedDuration, Timestamp};

use self::rules::Rules;
use super::asked::command::Scope;
use super::asked::{self, AskedArgs, AskedLogs, RunLimits};
use super::failure::CliError;
use super::logs::LogsError;
use super::outcome::Outcome;
use super::output::json_text;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::listing::Archive;
use crate::archive::window::Window;
use crate::detect::{
    BadLevel, DetectionFinding, Engine as Detector, EngineSettings, Level, Rule, RuleKind, RuleProblem, RuleSet,
    Tallies,
};
use crate::event::Record;
use crate::phase::Phase;
use crate::query::answer::{ATTEMPTS, AnswerCoverage, Answered, Ended};
use crate::query::engine::Engine;
use crate::query::error::QueryError;
use crate::query::records::{RecordSearch, one_of, quoted};
use crate::report::detect::{self as report, Detected, ExcludedRecords, Learned};
use crate::report::text::words::count;

/// How many days are looked at unless the user says otherwise.
const DAYS: u32 = 7;
/// How many days before are learned from unless the user says otherwise: what the rules of the program need.
const LEARN_DAYS: u32 = 14;
/// The most findings that are kept.
const FINDINGS_MAX: usize = 50_000;
/// What ends just before a moment: the last moment of a time belongs to it.
const MOMENT: SignedDuration = SignedDuration::from_micros(1);
/// After so many records the findings of closed windows are taken up.
const RECORDS_BETWEEN: u64 = 10_000;

/// Say what rules find in the events of the archive: who did what, on which resource, and where.
#[derive(Debug, Clone, clap::Args)]
#[command(
    mut_arg("days", |days| days.help("Look at the events of the last days [default: 7]")),
    mut_arg("from", |from| from.help("Look at events from this time on").long_help(None)),
    mut_arg("max_bytes", |most| most.long_help(asked::MAX_BYTES))
)]
pub struct DetectArgs {
    /// Where it looks.
    #[command(flatten)]
    asked: AskedArgs,
    /// Ask the rules of this file or folder too (can be repeated)
    ///
    /// Rules of Sigma for CloudTrail, thresholds and first occurrences, in YAML: docs/guides/detections.md.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Change rules as this file says (can be repeated)
    ///
    /// Another level, an exclusion or silence for a rule, each with its reason.
    #[arg(long, value_name = "FILE")]
    overrides: Vec<PathBuf>,
    /// Ask only the rules of --rules
    #[arg(long, requires = "rules")]
    no_pack: bool,
    /// Show findings of this level and above
    #[arg(long, value_name = "LEVEL", default_value = "medium", value_parser = level)]
    level: Level,
    /// Learn from this many days before what was there already [default: 14]
    ///
    /// Rules about first occurrences ring for what is new. 0 learns nothing.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=36_500), hide_short_help = true)]
    learn_days: Option<u32>,
}

/// Reads a level, in capitals too.
fn level(text: &str) -> Result<Level, BadLevel> {
    text.to_ascii_lowercase().parse()
}

/// What rules are asked about.
struct Desk<'a> {
    args: &'a DetectArgs,
    /// The accounts and regions, and the time.
    window: Window,
    logs: AskedLogs,
    archive: Arc<Archive>,
    rules: RuleSet,
    /// Files of a folder that could not be read.
    unread_files: Vec<RuleProblem>,
    from: Timestamp,
    ui: &'a Ui,
}

/// The findings so far.
#[derive(Default)]
struct Findings {
    kept: Vec<DetectionFinding>,
    below: u64,
    further: u64,
}

/// Records on their way through the rules.
struct Taking {
    detector: Detector,
    findings: Findings,
    /// What ended before is of the time before.
    from: Timestamp,
    least: Level,
    fed: u64,
    unread: u64,
}

impl Taking {
    fn new(detector: Detector, from: Timestamp, least: Level) -> Self {
        Self { detector, findings: Findings::default(), from, least, fed: 0, unread: 0 }
    }

    /// Reads a record. `None`: it cannot be read, which is counted.
    fn read<'a>(&mut self, text: &'a str) -> Option<Record<'a>> {
        let record = Record::read(text).ok();
        self.unread += u64::from(record.is_none());
        record
    }

    fn feed(&mut self, record: &Record<'_>) {
        // A finding is taken up once its window is closed: with all of its events.
        drop(self.detector.feed(record));
        self.fed += 1;
        if self.fed.is_multiple_of(RECORDS_BETWEEN) {
            let closed = self.detector.take_closed();
            self.take_up(closed);
        }
    }

    fn take_up(&mut self, closed: Vec<DetectionFinding>) {
        for finding in closed.into_iter().filter(|finding| finding.last_event_time >= self.from) {
            if finding.level < self.least {
                self.findings.below += 1;
            } else if self.findings.kept.len() < FINDINGS_MAX {
                self.findings.kept.push(finding);
            } else {
                self.findings.further += 1;
            }
        }
    }

    /// Returns the findings, the worst first, and how many records could not be read.
    fn finish(mut self) -> (Detector, Findings, u64) {
        let closed = self.detector.finish();
        self.take_up(closed);
        let worst_first = |finding: &DetectionFinding| {
            (std::cmp::Reverse(finding.level), finding.first_event_time, finding.id.clone())
        };
        self.findings.kept.sort_by_cached_key(worst_first);
        (self.detector, self.findings, self.unread)
    }
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &DetectArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    // Read before anything is asked: a mistake in a file is known at once.
    let Rules { rules, unread_files } = rules::rules(&args.rules, &args.overrides, !args.no_pack)?;
    asked::must_have_memory(&args.asked, 1)?;
    let logs = Box::pin(asked::logs(common, &args.asked, ui)).await?;
    ui.must_be_writable()?;
    let window = asked::window(&args.asked, logs.around.now)?;
    let to = window.to.unwrap_or(logs.around.now);
    let from = window.from.unwrap_or_else(|| asked::days_before(to, DAYS));
    if to <= from {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    let archive = Arc::new(asked::archive(&args.asked, &logs).await?);
    let window = Window { from: Some(from), ..window };
    let scope = Scope::of(common, &args.asked);
    let desk = Desk { args, window, logs, archive, rules, unread_files, from, ui };
    let phase = Phase::begin("ask rules");
    let mut detected = desk.detect(to).await?;
    for finding in &mut detected.findings {
        finding.command = scope.after(&finding.command);
    }
    phase.end(format_args!("{} findings", detected.findings.len()));
    let texts = ui.render(|format| text(&detected, format, ui))?;
    let outcome = match (detected.findings.is_empty(), detected.not_whole().is_empty()) {
        (false, _) => Outcome::Finding,
        (true, false) => Outcome::Partial,
        (true, true) => Outcome::Clean,
    };
    Ok(CommandOutput::new(texts, outcome, summary(&detected)))
}

impl Desk<'_> {
    async fn detect(&self, to: Timestamp) -> Result<Detected, CliError> {
        let mut stop = std::pin::pin!(RunLimits::of(&self.args.asked).stopped());
        let mut attempt = 0;
        loop {
            attempt += 1;
            match Box::pin(self.attempt(to, stop.as_mut())).await {
                // A lake that is being updated: all that was asked is asked again.
                Err(QueryError::Rewritten(_)) if attempt < ATTEMPTS => {}
                other => return other.map_err(asked::failed),
            }
        }
    }

    async fn attempt(
        &self,
        to: Timestamp,
        mut stop: std::pin::Pin<&mut impl Future<Output = Ended>>,
    ) -> Result<Detected, QueryError> {
        let own_accounts: BTreeSet<String> = self.logs.names.keys().cloned().collect();
        let knows_accounts = !own_accounts.is_empty();
        // The events come in the order of their times: there is nothing to wait for.
        let allowed_lateness = SignedDuration::ZERO;
        let settings = EngineSettings { own_accounts, allowed_lateness, ..EngineSettings::default() };
        let mut taking = Taking::new(Detector::new(&self.rules, settings), self.from, self.args.level);
        let before = Box::pin(self.before(&mut taking, stop.as_mut())).await?;
        let engine = self.engine(self.window.clone())?;
        let ended = match before.as_ref().and_then(|(_, ended)| ended.clone()) {
            Some(ended) => Some(ended),
            None => {
                let search = RecordSearch { condition: self.condition(|_| true), test: None };
                let take = |text: String| {
                    if let Some(record) = taking.read(&text) {
                        taking.feed(&record);
                    }
                };
                self.each(&search, &engine, stop, take).await?
            }
        };
        let (detector, findings, unread_records) = taking.finish();
        let tallies = detector.tallies();
        let is_wanted =
            |id: &str| self.rules.rules().iter().any(|own| own.meta.id == id && own.meta.level >= self.args.level);
        let undecided = tallies.by_rule.iter().filter(|(id, own)| own.without_baseline > 0 && is_wanted(id));
        Ok(Detected {
            from: self.from,
            to,
            findings: findings.kept,
            further_findings: findings.further,
            level: self.args.level,
            below: findings.below,
            rules: self.rules.rules().len(),
            elsewhere: self.rules.elsewhere(),
            disabled: self.rules.disabled().to_vec(),
            excluded: excluded(&self.rules, &tallies),
            undecided: undecided.map(|(id, own)| (id.clone(), own.without_baseline)).collect(),
            problems: self.unread_files.iter().chain(self.rules.problems()).cloned().collect(),
            tallies,
            unread_records,
            knows_accounts,
            before: before.map(|(learned, _)| learned),
            coverage: self.coverage(&engine, ended).await,
        })
    }

    /// Reads the time before: rules about first occurrences learn from it, and for thresholds it is where a window may
    /// begin that ends in the time that is asked for. `None`: no rule needs it.
    async fn before(
        &self,
        taking: &mut Taking,
        stop: std::pin::Pin<&mut impl Future<Output = Ended>>,
    ) -> Result<Option<(Learned, Option<Ended>)>, QueryError> {
        let is_first = |rule: &Rule| rule.kind() == RuleKind::FirstSeen;
        let has_first = self.rules.rules().iter().any(is_first);
        let days = if has_first { self.args.learn_days.unwrap_or(LEARN_DAYS) } else { 0 };
        let longest = self.rules.rules().iter().map(Rule::looks_back).max().unwrap_or_default();
        let fed_from = self.from.checked_sub(longest).unwrap_or(Timestamp::MIN);
        let from = asked::days_before(self.from, days).min(fed_from);
        taking.detector.knows_since(self.from);
        if from >= self.from {
            return Ok(None);
        }
        // What is new in the time before is no finding, and no question that could not be decided.
        taking.detector.knows_since(Timestamp::MIN);
        let fed = format!("event_time >= from_iso8601_timestamp({})", quoted(&fed_from.to_string()));
        let learned = if days > 0 { self.condition(is_first) } else { "false".to_owned() };
        let condition = format!("({learned}) OR ({fed} AND ({}))", self.condition(|_| true));
        // What a region saw before is no reason to take something for new in another one.
        let to = self.from.checked_sub(MOMENT).unwrap_or(Timestamp::MIN);
        let window = Window { from: Some(from), to: Some(to), regions: None, ..self.window.clone() };
        let engine = self.engine(window)?;
        let mut first: Option<Timestamp> = None;
        let take = |text: String| {
            let Some(record) = taking.read(&text) else { return };
            first = first.into_iter().chain(record.event_time).min();
            let region = record.aws_region.as_deref().unwrap_or_default();
            let is_asked = self.window.regions.as_ref().is_none_or(|regions| regions.contains(region));
            if is_asked && record.event_time.is_some_and(|at| at >= fed_from) {
                taking.feed(&record);
            } else {
                taking.detector.learn(&record);
            }
        };
        let ended = self.each(&RecordSearch { condition, test: None }, &engine, stop, take).await?;
        let coverage = self.coverage(&engine, ended.clone()).await;
        // Where all of it was looked at, nothing is known to have been there; else what is known begins with an event.
        let known_since = if coverage.is_whole { Some(from) } else { first }.filter(|_| days > 0);
        taking.detector.knows_since(known_since.unwrap_or(self.from));
        Ok(Some((Learned { since: known_since, coverage }, ended)))
    }

    fn engine(&self, window: Window) -> Result<Arc<Engine>, QueryError> {
        asked::engine_of(&self.args.asked, Arc::clone(&self.archive), self.logs.lake.clone(), window).map(Arc::new)
    }

    /// Returns the condition of the events that some rules have to look at.
    fn condition(&self, is_asked: impl Fn(&Rule) -> bool) -> String {
        let asked = self.rules.rules().iter().filter(|rule| is_asked(rule));
        let names: Option<Vec<Vec<&str>>> = asked.map(Rule::event_names).collect();
        match names {
            Some(names) => one_of("lower(event_name)", names.into_iter().flatten().collect::<BTreeSet<_>>()),
            // One of them does not say which calls it is about.
            None => "true".to_owned(),
        }
    }

    async fn each(
        &self,
        search: &RecordSearch,
        engine: &Arc<Engine>,
        stop: std::pin::Pin<&mut impl Future<Output = Ended>>,
        mut take: impl FnMut(String),
    ) -> Result<Option<Ended>, QueryError> {
        let found = AtomicUsize::new(0);
        let take = |text: String| {
            take(text);
            None
        };
        asked::watched(search.each_by_time(engine, &found, stop, take), engine, &found, self.ui).await
    }

    async fn coverage(&self, engine: &Engine, ended: Option<Ended>) -> AnswerCoverage {
        let answered = Answered { now: self.logs.around.now, expected: self.logs.expected.as_ref() };
        AnswerCoverage::of(engine.scans(), answered, ended, String::new()).await
    }
}

/// Returns what overrides exclude, each with who said so and why, and how many records there were of the rule.
fn excluded(rules: &RuleSet, tallies: &Tallies) -> Vec<ExcludedRecords> {
    let of_rule = |rule: &Rule| {
        let records = tallies.by_rule.get(&rule.meta.id).map_or(0, |own| own.excluded);
        let reasons = rule.exclusions.iter().map(|own| format!("{}: {}", own.who, own.why)).collect();
        (records > 0).then(|| ExcludedRecords { rule: rule.meta.id.clone(), records, reasons })
    };
    rules.rules().iter().filter_map(of_rule).collect()
}

fn text(detected: &Detected, format: Format, ui: &Ui) -> Result<String, CliError> {
    match format {
        Format::Human => Ok(report::human(detected, ui.width())),
        Format::Markdown => Ok(report::markdown(detected)),
        Format::Json => json_text(&detected.json()),
        Format::Ocsf => json_text(&detected.ocsf()),
        other => Err(other.unknown_to("detect")),
    }
}

fn summary(detected: &Detected) -> Summary {
    let summary = Summary::new("Detect", &count(detected.findings.len(), "finding")).some(
        detected.problems.len(),
        "problem",
        "in rules",
    );
    if detected.not_whole().is_empty() { summary } else { summary.also("It is not known that nothing else rings") }
}
