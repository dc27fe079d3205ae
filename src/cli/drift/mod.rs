//! `orgtrail drift`: what has changed, since when, who did it; and telling people. It changes nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::failure::CliError;
use super::notify::{self, Sent};
use super::plan::{outcome, text};
use super::session::{Access, AwsEntry, Session, aws_options};
use super::ui::Ui;
use super::{CommandOutput, Common, Format, summary};
use crate::config::Config;
use crate::config::schema::WebLink;
use crate::drift::compare::compare;
use crate::drift::{Comparison, DriftRecord, Trace};
use crate::files::{self, same_place};
use crate::notify::Channels;
use crate::report::notification::notice;
use crate::report::plan::subject::{Purpose, ReportSubject};
use crate::report::text::json;
use crate::survey::SurveyOptions;

#[cfg(feature = "sql")]
mod who;

/// The arguments of `drift`.
#[derive(Debug, clap::Args)]
pub struct DriftArgs {
    /// Look for the selected accounts' own trails too (one more call for each)
    #[arg(long)]
    member_trails: bool,
    /// Compare with the JSON report of an earlier run
    ///
    /// Says what is new, what is still there and since when, and what is gone.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Write the JSON report here too, for --since of the next run
    ///
    /// With the same FILE in both, a missing one is no error but the first run.
    #[arg(long, value_name = "FILE", requires = "since")]
    record: Option<PathBuf>,
    /// Look up who changed it, and who stands behind the caller (slow)
    ///
    /// CloudTrail's event history is asked first, which goes back 90 days, for 100 changes at most; the archive of the
    /// configuration or its lake for what the history does not have: at most 1 GiB of log files and 5 minutes.
    #[cfg(feature = "sql")]
    #[arg(long)]
    who: bool,
    /// Notify `notify.topic` and `notify.webhook` of drift
    ///
    /// With --since of what is new or different. Where a notification fails, the report is written all the same, and
    /// the exit code is 1.
    #[arg(long)]
    notify: bool,
    /// Link to the full report in notifications [default: `notify.link`]
    #[arg(long, value_name = "URL", hide_env_values = true, env = "ORGTRAIL_LINK")]
    link: Option<WebLink>,
}

impl DriftArgs {
    /// Reads the run to compare with: nothing where there was none yet.
    fn previous(&self, common: &Common) -> Result<Option<DriftRecord>, CliError> {
        let Some(file) = &self.since else { return Ok(None) };
        let failed = || CliError::new(format!("cannot compare with the run in {}", file.display()));
        let made = "`orgtrail drift --since FILE --record FILE` makes such a file at its first run";
        match files::read_text(file, files::BYTES_MAX) {
            Ok(text) => DriftRecord::parse(&text).map(Some).map_err(|error| failed().because(error).hint(made)),
            Err(error) if error.kind() == ErrorKind::NotFound && self.writes(common, file) => Ok(None),
            Err(error) => Err(failed().because(error).hint(made)),
        }
    }

    /// Refuses one file for two things, of which the second would replace the first.
    fn must_not_mix(&self, common: &Common, ui: &Ui) -> Result<(), CliError> {
        let refused = |what: &str| {
            Err(CliError::new(what).hint("name another file; --output FILE.json alone is read by the next --since too"))
        };
        let is_output = |file: &Option<PathBuf>| file.as_ref().is_some_and(|file| is_among(&common.output, file));
        if is_output(&self.record) {
            return refused("the report and the record cannot be one file");
        }
        let format = self.since.as_deref().and_then(|file| ui.outputs().format_of(file));
        if format.is_some_and(|format| format != Format::Json) {
            return refused("the report would replace the run that it is compared with, and is not JSON");
        }
        Ok(())
    }

    /// Tells whether this run writes its JSON into a file, so that the next one finds it.
    fn writes(&self, common: &Common, file: &Path) -> bool {
        is_among(self.record.iter().chain(&common.output), file)
    }
}

fn is_among<'a>(files: impl IntoIterator<Item = &'a PathBuf>, file: &Path) -> bool {
    files.into_iter().any(|other| same_place(other) == same_place(file))
}

/// Runs `drift`.
pub async fn run(common: &Common, args: &DriftArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    args.must_not_mix(common, ui)?;
    let previous = args.previous(common)?;
    let session = Session::open(common, Access::ReadOnly).await?;
    let link = args.link.as_ref().or(session.config.notify.link.as_ref()).map(WebLink::as_str);
    let channels = args.notify.then(|| channels(common, &session.config)).transpose()?;
    let options = SurveyOptions { member_trails: args.member_trails, ..SurveyOptions::default() };
    let survey = session.surveyor(ui).survey(&options).await?;
    let plain = ReportSubject::new(&survey.plan, &survey.organization, Purpose::Drift);
    let comparison = comparison(&plain, args.since.as_deref(), previous.as_ref())?;
    let before = previous.as_ref().map(|record| record.unsent.clone()).unwrap_or_default();
    #[cfg(feature = "sql")]
    let traces = match args.who {
        true => {
            let known = Trace::still_true(previous.map(|record| record.who).unwrap_or_default(), &comparison);
            let (plan, organization, at) = (&survey.plan, &survey.organization, comparison.at);
            let asking = who::Asking { plan, organization, session: &session, known: &known, at, common, ui };
            Box::pin(asking.traces()).await
        }
        false => Vec::new(),
    };
    #[cfg(not(feature = "sql"))]
    let traces: Vec<Trace> = Vec::new();
    ui.end_progress();
    let subject = ReportSubject { since: args.since.is_some().then_some(&comparison), traces: &traces, ..plain };
    let sent = match &channels {
        Some(channels) => {
            let message = |channel: &str| notice(&subject, &before.comparison_for(channel, &comparison), link);
            notify::send(channels, message).await
        }
        None => Sent::default(),
    };
    let unsent = before.after(&comparison, &sent.failed, args.notify);
    let subject = ReportSubject { unsent: Some(&unsent), ..subject };
    let mut answer = CommandOutput::new(
        ui.render(|format| text(format, common, &subject, ui))?,
        outcome(&survey.plan),
        summary::plan("Drift", &survey.plan),
    );
    if let Some(failure) = sent.failure.as_ref().filter(|_| !sent.is_partial) {
        // No channel was sent it: what is new must be new again in the next run.
        ui.print_without(&answer.texts, args.since.as_deref())?;
        return Err(failure.clone());
    }
    if let Some(file) = &args.record {
        let json = json::text(&subject.record());
        let json = json.map_err(|error| CliError::new("cannot write the report").because(error))?;
        answer.record = Some((file.clone(), json));
    }
    answer.failure = sent.failure;
    Ok(answer)
}

/// Returns the channels of the configuration.
fn channels(common: &Common, config: &Config) -> Result<Channels, CliError> {
    let door = AwsEntry { home_region: &config.home_region, member_role: &config.organization.member_role };
    notify::channels(&config.notify, aws_options(common, door, Access::ReadOnly, "orgtrail"))
}

fn comparison(
    now: &ReportSubject<'_>,
    file: Option<&Path>,
    previous: Option<&DriftRecord>,
) -> Result<Comparison, CliError> {
    let now = DriftRecord::of(now.plan);
    if let (Some(file), Some(before)) = (file, previous)
        && (&before.plan.organization, &before.plan.deployment) != (&now.plan.organization, &now.plan.deployment)
    {
        let run =
            |record: &DriftRecord| format!("deployment {} in {}", record.plan.deployment, record.plan.organization);
        return Err(CliError::new(format!("{} is a report of {}", file.display(), run(before)))
            .hint(format!("this run is of {}; give each deployment a file of its own", run(&now))));
    }
    let at = Timestamp::now();
    Ok(compare(&now, Timestamp::from_second(at.as_second()).unwrap_or(at), previous))
}
