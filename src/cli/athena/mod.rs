//! `orgtrail query --engine athena`: the question is answered by Amazon Athena, over the table that `lake ddl --engine
//! athena` makes, and printed as the local engine's answers are.

mod ask;
mod failure;
mod known;
mod limit;

use super::asked;
use super::failure::CliError;
use super::logs::LogsContext;
use super::query::{self, QueryArgs};
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::find::ScopeFilter;
use crate::archive::window::Window;
use crate::cloud::aws::archive::Connection;
use crate::cloud::aws::athena::{Athena, AthenaRequest, Workgroup};
use crate::config::Config;
use crate::phase::Phase;
use crate::query::answer::{AthenaCoverage, QueryAnswer, Question};
use crate::query::athena::coverage;
use crate::query::athena::prepared;
use crate::query::athena::question::AthenaQuestion;
use crate::query::athena::value;

use ask::{Asking, Got};
use limit::ScanLimit;

/// Asks Athena.
///
/// # Errors
/// Where the question is none that is sent, Athena cannot be asked or has no answer, and where a limit was reached.
pub(super) async fn run(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    must_fit(args)?;
    let question = &query::question(args)?;
    let around = LogsContext::of(common, ui);
    let window = asked::window(&args.asked, around.now)?;
    let asked = asked(args, question, &window)?;
    let Some(workgroup) = args.athena.workgroup.as_deref() else {
        return Err(CliError::new("--engine athena needs a workgroup")
            .hint("name one that has a limit of bytes a question: --workgroup NAME"));
    };
    let config = common.configuration()?;
    let athena = connect(common, args, config.as_ref()).await?;
    let found = athena.workgroup(workgroup).await;
    let found = found.map_err(|fault| failure::no_workgroup(&fault, workgroup, athena.region()))?;
    must_be_usable(workgroup, &found, args)?;
    let limit = ScanLimit::of(workgroup, &found, args.asked.max_bytes)?;
    // A question may take long and costs, and its answer cannot be had again for nothing.
    ui.must_be_writable()?;
    let lake = config.as_ref().and_then(|config| config.lake.as_ref());
    let known = match asked.needs_no_events() {
        true => Err(String::new()),
        false => Box::pin(known::known(args, lake, &around, &athena, &asked, &window)).await?,
    };
    ui.note(&limit.sentence(workgroup));
    let request = AthenaRequest {
        sql: asked.sql.clone(),
        workgroup: workgroup.to_owned(),
        database: args.athena.database().to_owned(),
        results: args.athena.results.clone(),
    };
    let phase = Phase::begin("ask Athena");
    let (rows_max, bytes_max) = (args.max_rows as usize, query::ANSWER_BYTES_MAX);
    let asking = Asking { athena: &athena, request: &request, limit, rows_max, bytes_max, ui };
    let got = Box::pin(asking.ask(asked::RunLimits::of(&args.asked).stopped())).await;
    ui.end_progress();
    let got = got?;
    phase.end(format_args!("{} rows", got.rows.len()));
    let of_athena = AthenaCoverage {
        region: athena.region().to_owned(),
        workgroup: request.workgroup.clone(),
        database: request.database.clone(),
        execution_id: got.id.clone(),
        scanned_bytes: got.scanned_bytes,
        bytes_max: limit.bytes(),
        tables: asked.tables.as_ref().map(|all| all.iter().map(ToString::to_string).collect()),
        not_known: None,
    };
    let Got { columns, rows, ended, .. } = got;
    let coverage = coverage::of(of_athena, known, ended, question.cannot_see.clone(), asked.needs_no_events());
    let keeps_types = ui.outputs().has(Format::Parquet);
    let answer: QueryAnswer = value::answer(&columns, rows, keeps_types, coverage).map_err(asked::failed)?;
    query::output(&answer, &asked.sql, ui)
}

/// Refuses options that Athena has no use for.
fn must_fit(args: &QueryArgs) -> Result<(), CliError> {
    if args.is_without_question() {
        return Err(CliError::new("the shell asks the local engine")
            .hint("give a question with --engine athena, or leave it out for the shell"));
    }
    let reads_no_logs = "Athena asks the table of a lake and reads no log files";
    let given = [
        ("--place", !args.asked.place.is_empty(), reads_no_logs),
        ("--no-lake", args.asked.no_lake, reads_no_logs),
        ("--max-memory", args.asked.max_memory.is_some(), "Athena decides by itself how much memory it uses"),
    ];
    match given.iter().find(|(_, is_given, _)| *is_given) {
        Some((option, _, why)) => Err(CliError::new(format!("{option} does nothing with --engine athena: {why}"))
            .hint(format!("leave {option} out, or ask the local engine"))),
        None => Ok(()),
    }
}

/// Returns the question as it is sent.
fn asked(args: &QueryArgs, question: &Question, window: &Window) -> Result<AthenaQuestion, CliError> {
    if let Some(name) = &args.name {
        prepared::check(name, &question.sql).map_err(asked::failed)?;
    }
    let asked = AthenaQuestion::of(question, &args.athena.events(), window).map_err(asked::failed)?;
    if (!asked.asks_events || asked.asks_others) && *window != Window::default() {
        return Err(CliError::new(
            "--from, --to, --days, --account and --region narrow `events`, and this question asks other tables",
        )
        .hint("ask FROM events, which stands for the table, or leave them out and name days in the question"));
    }
    Ok(asked)
}

async fn connect(common: &Common, args: &QueryArgs, config: Option<&Config>) -> Result<Athena, CliError> {
    let reader = args.asked.reader.entry(common, config, ScopeFilter::default())?;
    let connection = match reader {
        Some(reader) => Connection::as_role_in_athena(reader.aws, reader.role).await?,
        None => {
            let home = config.map(|config| &config.home_region);
            Connection::from_environment(common.profile.as_deref(), home).await?
        }
    };
    connection.athena().await.map_err(|fault| {
        let help = fault.help.clone();
        CliError::new("Athena cannot be asked with this role").because(fault).hint(&*help)
    })
}

/// Refuses a workgroup in which nothing can be asked, and results in a place that it does not take.
fn must_be_usable(name: &str, workgroup: &Workgroup, args: &QueryArgs) -> Result<(), CliError> {
    if !workgroup.is_enabled {
        return Err(CliError::new(format!("the workgroup {name} of Athena is disabled")).hint(format!(
            "name another, or enable it: `aws athena update-work-group --work-group {name} --state ENABLED`"
        )));
    }
    let decides = workgroup.keeps_results || (workgroup.is_enforced && workgroup.results.is_some());
    match (&args.athena.results, decides) {
        (Some(_), true) => Err(CliError::new(format!("the workgroup {name} decides where results are written"))
            .hint("leave --results out")),
        (None, false) if workgroup.results.is_none() => {
            Err(CliError::new(format!("the workgroup {name} does not say where results are written"))
                .hint("name a place: --results s3://BUCKET/PREFIX/, or set one in the workgroup"))
        }
        _ => Ok(()),
    }
}
