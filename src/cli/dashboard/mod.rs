//! `orgtrail dashboard`: what happened in some days, on one page, with what it covers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::{SignedDuration, Timestamp};

use super::asked::command::{Scope, known};
use super::asked::{self, AskedArgs, AskedLogs, MEMORY_BYTES, RunLimits};
use super::failure::CliError;
use super::logs::LogsError;
use super::outcome::Outcome;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::listing::Archive;
use crate::phase::Phase;
use crate::query::answer::{AnswerCoverage, Answered, Ended, Question};
use crate::query::engine::Engine;
use crate::query::prepared::Prepared;
use crate::query::together::{self, TogetherAnswer, TogetherQuestion};
use crate::report::dashboard::panels::{BY_HOUR, BYTES, Counted, FIRST_SEEN, PANELS, PanelSpec, ROLES};
use crate::report::dashboard::{self as report, Dashboard, Found, Panel};
use crate::report::text::words::{count, size};

/// How many days are looked at unless the user says otherwise.
const DAYS: u32 = 30;
/// How much memory is used unless the user says otherwise.
/// Rows that are kept of each panel, for JSON; the page shows fewer.
const ROWS_MAX: usize = 100;
/// Rows that are kept of what is drawn as a chart: an hour each.
const HOURS_MAX: usize = 20_000;
/// The longest text of a tallied outcome.
const OUTCOME_CHARS: usize = 20;

/// Show what happened, and what the numbers cover: one page that needs nothing else.
#[derive(Debug, Clone, clap::Args)]
#[command(
    mut_arg("days", |days| days.help("Look at the events of the last days [default: 30]")),
    mut_arg("from", |from| from.help("Look at events from this time on").long_help(None)),
    mut_arg("max_bytes", |most| most.long_help(asked::MAX_BYTES))
)]
pub struct DashboardArgs {
    /// Where it looks.
    #[command(flatten)]
    asked: AskedArgs,
    /// Compare with this many days before [default: as many as asked]
    ///
    /// Principals without a call in these days are new.
    ///
    /// 0 leaves the panel out. These days are read too, but only for who called in them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    compare_days: Option<u32>,
    /// Show the use of this role or user, for emergencies (can be repeated)
    ///
    /// An ARN in which `*` stands for any text, or the bare name of roles and users in every account.
    /// [default: `bucket.break_glass_roles` of the configuration]
    #[arg(long, value_name = "ARN|NAME")]
    break_glass: Vec<String>,
    /// Show what fills the archive by bytes too
    ///
    /// Over a lake this reads every record; over log files it is always shown.
    #[arg(long)]
    bytes: bool,
}

/// The first event of all, which is asked together with new principals.
const BASELINE: &str = "SELECT min(event_time) AS first_time FROM events";

/// The time that a pass over the events is about.
#[derive(Clone, Copy)]
struct Period {
    from: Timestamp,
    now: Timestamp,
    /// A question for one time, which is asked beside the panels. `None`: there is none.
    beside: Option<&'static str>,
}

/// What a pass over the events found beside the answers of panels.
struct Asked {
    coverage: AnswerCoverage,
    /// Whether there was a panel to ask.
    is_asked: bool,
    /// The answer beside the panels. `None`: nothing was asked, or there is no such time.
    beside: Option<Timestamp>,
}

/// What a dashboard is made from.
struct Desk<'a> {
    args: &'a DashboardArgs,
    /// The options, with the time that they mean.
    asked: AskedArgs,
    scope: Scope,
    logs: AskedLogs,
    archive: Arc<Archive>,
    from: Timestamp,
    /// Roles and users for emergencies, as the prepared question takes them.
    roles: Vec<String>,
    ui: &'a Ui,
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &DashboardArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let mut asked = args.asked.clone();
    asked::must_have_memory(&asked, 2)?;
    // Half of it is for the passes over the events, half for the questions.
    asked.max_memory = Some(asked.max_memory.unwrap_or(MEMORY_BYTES) / 2);
    let logs = Box::pin(asked::logs(common, &asked, ui)).await?;
    ui.must_be_writable()?;
    let now = logs.around.now;
    let to = asked.to.unwrap_or(now);
    let from = asked.from.unwrap_or_else(|| asked::days_before(to, asked.days.unwrap_or(DAYS)));
    if to <= from {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    (asked.from, asked.days) = (Some(from), None);
    let archive = Arc::new(asked::archive(&asked, &logs).await?);
    let roles = match args.break_glass.is_empty() {
        true => common.configuration()?.map(|config| config.bucket.break_glass_roles).unwrap_or_default(),
        false => args.break_glass.clone(),
    };
    let roles = roles.iter().map(|name| emergency(name)).collect::<Result<_, _>>()?;
    let desk = Desk { args, asked, scope: Scope::of(common, &args.asked), logs, archive, from, roles, ui };
    let phase = Phase::begin("ask for the dashboard");
    let dashboard = desk.dashboard(now).await?;
    phase.end(format_args!("{} panels", dashboard.panels.len()));
    let texts = ui.render(|format| text(&dashboard, format, ui))?;
    let outcome = if dashboard.is_whole() { Outcome::Clean } else { Outcome::Partial };
    Ok(CommandOutput::new(texts, outcome, summary(&dashboard)))
}

/// Returns a role or user for emergencies as one of a list with commas. What the question would leave out or take for
/// something else is in no name and no ARN.
fn emergency(name: &str) -> Result<String, CliError> {
    if name.is_empty() || name.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        let what = format!("{name:?} is no role or user: blanks and backslashes are in no name and no ARN");
        return Err(CliError::new(what).hint("write --break-glass ARN or --break-glass NAME, once for each"));
    }
    Ok(name.replace(',', "\\,"))
}

impl Desk<'_> {
    async fn dashboard(&self, now: Timestamp) -> Result<Dashboard, CliError> {
        let stop = std::pin::pin!(RunLimits::of(&self.args.asked).stopped());
        let mut stop = stop;
        let to = self.asked.to.unwrap_or(now);
        let (since, earlier_from) = self.earlier(to);
        let mut panels = Vec::new();
        for spec in &PANELS {
            panels.push(self.panel(spec, since)?);
        }
        let is_earlier = |panel: &Panel| panel.spec.query == FIRST_SEEN;
        let period = Period { from: self.from, now, beside: None };
        let first = self.answer(&mut panels, |panel| !is_earlier(panel), period, stop.as_mut()).await?;
        let (mut earlier, mut baseline) = (None, None);
        if let Some(from) = earlier_from {
            let period = Period { from, now, beside: Some(BASELINE) };
            let asked = self.answer(&mut panels, is_earlier, period, stop.as_mut()).await?;
            earlier = asked.is_asked.then_some((from, asked.coverage));
            baseline = asked.beside.filter(|at| *at < self.from);
            if baseline.is_none() {
                panels.iter_mut().filter(|panel| is_earlier(panel)).for_each(|panel| self.without_baseline(panel));
            }
        }
        let (scope, baseline) = (self.scope_words(), baseline.map(|at| at.to_string()));
        Ok(Dashboard { from: self.from, to, made: now, scope, coverage: first.coverage, earlier, baseline, panels })
    }

    /// Says of the panel of new principals that it has nothing to compare with: everyone would be new.
    fn without_baseline(&self, panel: &mut Panel) {
        let Found::Answer(answer) = &panel.found else { return };
        let all = count(usize::try_from(answer.rows_count).unwrap_or(usize::MAX), "principal");
        panel.found = Found::NoBaseline(format!(
            "There is no baseline: no event before {} was found, so it is not known who is new. {all} called since then. \
             Look at days that more of the archive lies before, or pass more days to --compare-days.",
            self.from
        ));
    }

    /// Returns from when a principal is new, and from when it is looked for. `None`: it is not looked for.
    fn earlier(&self, to: Timestamp) -> (Timestamp, Option<Timestamp>) {
        let seconds = to.duration_since(self.from).as_secs();
        let days = self.args.compare_days.map_or(seconds, |days| i64::from(days) * 86_400);
        let from = self.from.checked_sub(SignedDuration::from_secs(days)).unwrap_or(Timestamp::MIN);
        (self.from, Some(from).filter(|_| days > 0))
    }

    /// Returns a panel that was not asked yet, as left out where it is not to be asked.
    fn panel(&self, spec: &'static PanelSpec, since: Timestamp) -> Result<Panel, CliError> {
        let prepared = Prepared::named(spec.query).map_err(|error| CliError::new(error.to_string()))?;
        let from = match spec.query {
            FIRST_SEEN => self.earlier(self.asked.to.unwrap_or(self.logs.around.now)).1.unwrap_or(self.from),
            _ => self.from,
        };
        let values = known(&prepared.parameters, &self.values(since));
        let to = self.asked.to.map(|to| to.to_string());
        Ok(Panel {
            spec,
            options: self.scope.options(&from.to_string(), to.as_deref()),
            command: self.scope.command(spec.query, &values, &from.to_string(), to.as_deref()),
            sql: prepared.sql,
            cannot_see: prepared.cannot_see,
            found: match self.left_out(spec) {
                Some(why) => Found::LeftOut(why.to_owned()),
                None => Found::Answer(TogetherAnswer::default()),
            },
        })
    }

    /// Says why a panel is not asked. `None`: it is.
    fn left_out(&self, spec: &PanelSpec) -> Option<&'static str> {
        match spec.query {
            FIRST_SEEN if self.args.compare_days == Some(0) => {
                Some("--compare-days 0 leaves it out: name how many days before are looked at.")
            }
            ROLES if self.roles.is_empty() => Some(
                "No role for emergencies is known: name them in bucket.break_glass_roles of the configuration, or with \
                 --break-glass ARN or --break-glass NAME.",
            ),
            BYTES if self.logs.lake.is_some() && !self.args.bytes => {
                Some("Over a lake this reads every record: pass --bytes where it should.")
            }
            _ => None,
        }
    }

    fn values(&self, since: Timestamp) -> Vec<(&'static str, String)> {
        vec![("since", since.to_string()), ("roles", self.roles.join(","))]
    }

    /// Asks some panels with one pass over the events of a period, and puts the answers in.
    async fn answer(
        &self,
        panels: &mut [Panel],
        is_asked: impl Fn(&Panel) -> bool,
        period: Period,
        stop: impl Future<Output = Ended>,
    ) -> Result<Asked, CliError> {
        let Period { from, now, beside } = period;
        let asked = AskedArgs { from: Some(from), ..self.asked.clone() };
        let engine = Arc::new(asked::engine(&asked, Arc::clone(&self.archive), self.logs.lake.clone(), now)?);
        let mut open: Vec<&mut Panel> =
            panels.iter_mut().filter(|panel| is_asked(panel) && matches!(panel.found, Found::Answer(_))).collect();
        let mut questions: Vec<TogetherQuestion> =
            open.iter().map(|panel| self.question(panel)).collect::<Result<_, _>>()?;
        if let (Some(sql), false) = (beside, open.is_empty()) {
            questions.push(beside_them(sql)?);
        }
        let mut answers = self.ask(&engine, questions, stop).await?;
        let beside = answers.split_off(open.len().min(answers.len())).pop().and_then(Result::ok);
        for (panel, answer) in open.iter_mut().zip(answers) {
            panel.found = match answer {
                Ok(answer) => Found::Answer(answer),
                Err(error) => Found::Failed(error.to_string()),
            };
        }
        let answered = Answered { now, expected: self.logs.expected.as_ref() };
        let coverage = AnswerCoverage::of(engine.scans(), answered, None, String::new()).await;
        let beside = beside.and_then(|own| own.rows.first()?.first()?.text().parse().ok());
        Ok(Asked { coverage, is_asked: !open.is_empty(), beside })
    }

    async fn ask(
        &self,
        engine: &Arc<Engine>,
        questions: Vec<TogetherQuestion>,
        stop: impl Future<Output = Ended>,
    ) -> Result<Vec<together::Answered>, CliError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let asked = async {
            tokio::select! {
                biased;
                ended = stop => Err(ended),
                answers = together::ask(Arc::clone(engine), questions) => Ok(answers),
            }
        };
        match asked::watched(asked, engine, &AtomicUsize::new(0), self.ui).await {
            Err(ended) => Err(stopped(&ended)),
            Ok(answers) => answers.map_err(asked::failed),
        }
    }

    fn question(&self, panel: &Panel) -> Result<TogetherQuestion, CliError> {
        let prepared = Prepared::named(panel.spec.query).map_err(|error| CliError::new(error.to_string()))?;
        let values = known(&prepared.parameters, &self.values(self.from));
        let values = prepared.values(&values).map_err(|error| CliError::new(error.to_string()))?;
        let spec = panel.spec;
        let (tally, weight) = match spec.counted {
            Counted::Events(_) => (vec![("event_time", 10), ("outcome", OUTCOME_CHARS)], None),
            Counted::Sum(column, _) => (vec![("outcome", OUTCOME_CHARS)], Some(column)),
            Counted::Rows(_) => (Vec::new(), None),
        };
        Ok(TogetherQuestion {
            question: Question { sql: prepared.sql, values, cannot_see: String::new() },
            rows_max: if spec.query == BY_HOUR { HOURS_MAX } else { ROWS_MAX },
            // Of events the newest matter most.
            keeps_last: matches!(spec.counted, Counted::Events(_)),
            tally,
            weight,
            is_of_few: spec.is_of_few,
        })
    }

    /// Says what was asked, beside the time.
    fn scope_words(&self) -> String {
        let lake = self.logs.lake.as_ref().map(|lake| format!("lake {}", lake.store.name()));
        let named = |one: &str, all: Vec<String>| match all.as_slice() {
            [] => None,
            all => Some(format!("{one} {}", all.join(", "))),
        };
        let accounts: BTreeSet<String> = self.asked.account.iter().map(ToString::to_string).collect();
        let parts = [
            lake,
            named("logs of", self.logs.places.clone()),
            named("account", accounts.into_iter().collect()),
            named("region", self.asked.region.iter().map(ToString::to_string).collect()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Returns a question whose answer is one cell.
fn beside_them(sql: &str) -> Result<TogetherQuestion, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(error.to_string());
    let prepared = Prepared::of_file("the question", sql).map_err(|error| failed(&error))?;
    let values = prepared.values::<&str, &str>(&[]).map_err(|error| failed(&error))?;
    Ok(TogetherQuestion {
        question: Question { sql: prepared.sql, values, cannot_see: String::new() },
        rows_max: 1,
        keeps_last: false,
        tally: Vec::new(),
        weight: None,
        is_of_few: false,
    })
}

/// Says that there is no page, as it was ended.
fn stopped(ended: &Ended) -> CliError {
    match ended {
        Ended::Time(limit) => {
            CliError::new(format!("the dashboard took longer than {} s (--timeout)", limit.as_secs()))
                .hint("look at fewer days, at one account or region, or keep a lake (`orgtrail lake update`)")
        }
        Ended::Memory(limit) => {
            CliError::new(format!("the dashboard took much more memory than {} (--max-memory)", size(*limit)))
                .hint("look at fewer days, or at one account or region")
        }
        Ended::Stopped | Ended::Needs(_) | Ended::Disk(_) | Ended::Rows(_) | Ended::Records(_) | Ended::Bytes(_) => {
            CliError::new("stopped: there is no dashboard, and no file was written")
        }
    }
}

fn text(dashboard: &Dashboard, format: Format, ui: &Ui) -> Result<String, CliError> {
    Ok(match format {
        Format::Human => report::human(dashboard, ui.width()),
        Format::Json => report::json(dashboard),
        Format::Html => report::page(dashboard).map_err(|error| CliError::new(error.to_string()))?,
        Format::Jsonl
        | Format::Csv
        | Format::Markdown
        | Format::Parquet
        | Format::Sarif
        | Format::Junit
        | Format::Ocsf
        | Format::Asff => return Err(LogsError::Format.into()),
    })
}

fn summary(dashboard: &Dashboard) -> Summary {
    let failed = dashboard.panels.iter().filter(|panel| matches!(panel.found, Found::Failed(_))).count();
    let unread = usize::try_from(dashboard.coverage.unread_count).unwrap_or(usize::MAX);
    let summary = Summary::new("Dashboard", &count(dashboard.panels.len(), "panel"))
        .some(failed, "panel", "without an answer")
        .some(unread, "part", "unread");
    if dashboard.is_whole() { summary } else { summary.also("The answers are not known to be whole") }
}
