//! `orgtrail who`: who did it, and who stands behind whoever did it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::asked::{self, AskedArgs, AskedLogs, RunLimits};
use super::failure::CliError;
use super::logs::LogsError;
use super::outcome::Outcome;
use super::output::Content;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::iam_actions::IamActions;
use crate::investigate::last_used::Looked;
use crate::investigate::sessions::ActorQuery;
use crate::investigation::actor;
use crate::investigation::history::HistorySource;
use crate::investigation::source::{ArchiveSource, Sources};
use crate::investigation::subject::{self as answers, WhoFound};
use crate::phase::Phase;
use crate::query::answer::{ATTEMPTS, Answered, Ended};
use crate::query::engine::Engine;
use crate::query::error::QueryError;
use crate::report::text::words::count;
use crate::report::who::actor::ActorAnswer;
use crate::report::who::{self as report, AccountNames, WhoAnswer};
use crate::resource_types::ResourceTypes;
use subject::{About, Subject};

mod configuration;
mod container;
mod history;
mod subject;

/// What `--from` and `--max-bytes` are here.
const FROM: &str = "Look at events from this time on [default: the beginning of the archive]\n\nThe sessions behind a call are \
                    followed at any time and in every account, whatever --from, --to, --account and --region say.";
const MAX_BYTES: &str = "Read at most this much in one search [default: 10GiB]\n\nOf the log files as they are stored, \
                         compressed; 0 is no limit.";

/// The questions that are not about a resource.
const OTHERS: [&str; 7] = ["access_key", "session", "event", "what_else", "still_there", "last_used", "used_actions"];

/// Say who made, changed or deleted a resource, or what a key, a session or an event was.
#[derive(Debug, Clone, clap::Args)]
#[command(
    mut_arg("region", |region| region.hide_short_help(true)),
    mut_arg("to", |to| to.hide_short_help(true)),
    mut_arg("from", |from| from.help("Look at events from this time on").long_help(FROM)),
    mut_arg("max_bytes", |most| most.long_help(MAX_BYTES).hide_short_help(true))
)]
pub struct WhoArgs {
    /// Ask about this: an ARN, an id, a name, or a type and a name
    ///
    /// `bucket acme-logs`, `AWS::IAM::Role deploy`, `i-0123456789abcdef0`, `s3://acme/file`. A name without a type may
    /// be that of several resources: each is answered. An access key or the ARN of a session is understood too.
    #[arg(value_name = "SUBJECT", required_unless_present_any = OTHERS, conflicts_with_all = OTHERS)]
    pub subject: Vec<String>,
    /// Ask whose this access key is, and what it did
    #[arg(long, value_name = "KEY", group = "question")]
    pub access_key: Option<String>,
    /// Ask who this session was, by its ARN
    #[arg(long, value_name = "ARN", group = "question")]
    pub session: Option<String>,
    /// Ask who made the call of this event
    #[arg(long, value_name = "ID", group = "question")]
    pub event: Option<String>,
    /// Ask what this actor did, in all its sessions
    ///
    /// An ARN of a user, role or session, an access key, a unique id (AIDA…, AROA…), or the name of a person of
    /// Identity Center or of another provider.
    #[arg(long, value_name = "ACTOR", group = "question")]
    pub what_else: Option<String>,
    /// Ask what this actor made that still stands
    #[arg(long, value_name = "ACTOR", group = "question")]
    pub still_there: Option<String>,
    /// Ask when this actor was used last
    #[arg(long, value_name = "ACTOR", group = "question")]
    pub last_used: Option<String>,
    /// Ask which IAM actions this actor used
    ///
    /// With the least policy for them: a proposal.
    #[arg(long, value_name = "ACTOR", group = "question")]
    pub used_actions: Option<String>,
    /// Leave the timeline out
    ///
    /// The answer says how the resource ended and who made it.
    #[arg(long, requires = "subject", hide_short_help = true)]
    pub deleted: bool,
    /// Know the resource types of this file too (can be repeated)
    ///
    /// Its format is that of the built-in table: docs/reference/resource-types.md.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub resources: Vec<PathBuf>,
    /// Look here [default: the archive, if one is named]
    ///
    /// The event history is CloudTrail's own, of each account and region: management events of the last 90 days, which
    /// are there within minutes. It is asked in --account and --region, with the member role of the configuration.
    /// [default there: the account of the credentials, its region and the one that global services record in]
    #[arg(long, value_name = "SOURCE", hide_possible_values = true)]
    pub source: Option<WhoSource>,
    /// Say too what changed, by AWS Config's items
    ///
    /// Each difference of two configuration items stands beside the calls between them that name the resource. AWS
    /// Config is asked in the account and region of the resource, over the same time, with the member role of the
    /// configuration.
    #[arg(long, requires = "subject", hide_short_help = true)]
    pub aws_config: bool,
    /// Which events are looked at.
    #[command(flatten)]
    pub asked: AskedArgs,
}

/// Where `who` looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WhoSource {
    /// The archive, with its lake where there is one
    Archive,
    /// CloudTrail's event history
    History,
    /// Both: what is not delivered yet, and what is older than 90 days
    Both,
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &WhoArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let types = subject::types(&args.resources)?;
    let subject = subject::subject(args, &types)?;
    if args.aws_config && !matches!(subject, Subject::Resource { .. }) {
        return Err(CliError::new("--aws-config is about a resource, and keys and sessions are none")
            .hint("leave --aws-config out, or ask about what was changed"));
    }
    let asked = asked_source(common, args)?;
    let mut logs = match asked {
        WhoSource::History => AskedLogs::none(common, ui),
        WhoSource::Archive | WhoSource::Both => Box::pin(asked::logs(common, &args.asked, ui)).await?,
    };
    // An answer may take long, and cannot be had again for nothing.
    ui.must_be_writable()?;
    let now = logs.around.now;
    let found = Arc::new(AtomicUsize::new(0));
    let stop = RunLimits::of(&args.asked).stopped().boxed().shared();
    let engines = match asked {
        WhoSource::History => None,
        WhoSource::Archive | WhoSource::Both => {
            let archive = Arc::new(asked::archive(&args.asked, &logs).await?);
            let engine = Arc::new(asked::engine(&args.asked, Arc::clone(&archive), logs.lake.clone(), now)?);
            let anywhere = match Reach::of(&args.asked) {
                Reach::Same => Arc::clone(&engine),
                Reach::AnyTime => Arc::new(asked::engine(&open(&args.asked), archive, logs.lake.clone(), now)?),
                Reach::Anywhere => Box::pin(anywhere(common, &open(&args.asked), ui)).await?,
            };
            Some((engine, anywhere))
        }
    };
    let archive = engines.as_ref().map(|(engine, anywhere)| {
        ArchiveSource::new(Arc::clone(engine), Arc::clone(anywhere), stop.clone(), Arc::clone(&found))
    });
    let history = match asked {
        WhoSource::Archive => None,
        WhoSource::History | WhoSource::Both => {
            let entry = history::connect(common, &args.asked, "the event history").await.map_err(|failure| {
                // Whoever meant an archive waits for it.
                if args.source.is_some() { failure } else { failure.hint(NO_ARCHIVE) }
            })?;
            if logs.names.is_empty() {
                match history::names(&entry).await {
                    Ok(names) => logs.names = names,
                    Err(why) => logs.names_unknown = Some(why),
                }
            }
            Some(history::source(entry, &args.asked, now)?)
        }
    };
    let configuration = match args.aws_config {
        true => Some(Box::pin(configuration::source(common, &args.asked, now)).await?),
        false => None,
    };
    let sources = Sources::new(archive, history);
    let phase = Phase::begin("look for who did it");
    let asking = answer(&sources, args, &types, &subject, &logs, now);
    let mut answer = match &engines {
        Some((engine, _)) => Box::pin(asked::watched(asking, engine, &found, ui)).await?,
        None => Box::pin(until(asking, stop)).await?,
    };
    phase.end(format_args!("{} resources", answer.resources.len()));
    if let Some(source) = &configuration {
        let phase = Phase::begin("ask AWS Config what changed");
        answer.configuration = Box::pin(configuration::ask(source, &answer.resources)).await;
        answer.conclude(AccountNames::new(logs.names.clone()));
        phase.end(format_args!("{} answers", answer.configuration.len()));
    }
    output(&answer, ui)
}

/// The most providers that a message names.
const PROVIDERS_MAX: usize = 5;

/// Refuses to put together what people of one name did.
fn of_several(name: &str, providers: &BTreeSet<String>) -> CliError {
    let named: Vec<&str> = providers.iter().take(PROVIDERS_MAX).map(String::as_str).collect();
    CliError::new(format!(
        "{name:?} is a name at {} providers, and no record says whether it is one person: {}",
        providers.len(),
        named.join("; ")
    ))
    .hint(format!("name one of them, \"{name} of PROVIDER\", or ask for all together with \"{name} of any provider\""))
}

/// Asks the sources, and says what they cover.
async fn answer(
    sources: &Sources,
    args: &WhoArgs,
    types: &ResourceTypes,
    subject: &Subject,
    logs: &AskedLogs,
    now: Timestamp,
) -> Result<WhoAnswer, CliError> {
    let answered = Answered { now, expected: logs.expected.as_ref() };
    let window = asked::window(&args.asked, answered.now)?;
    let looked = Looked { from: window.from, to: window.to.or(Some(answered.now)), has_all_data_events: None };
    let found = ask(sources, types, subject, answered.expected, &looked).await.map_err(asked::failed)?;
    if let Found::Providers(providers) = &found {
        return Err(of_several(subject.text(), providers));
    }
    let (mut coverage, mut unread) = (None, sources.unread());
    if let Some(archive) = &sources.archive {
        let own = archive.coverage(answered, subject::cannot_see(types, subject)).await;
        unread += usize::try_from(archive.unread_elsewhere(answered, &own).await).unwrap_or(usize::MAX);
        coverage = Some(own);
    }
    let history = sources.history.as_ref().map(HistorySource::coverage);
    let mut answer = WhoAnswer::new(subject.text().to_owned(), coverage, history);
    answer.unread_records = unread;
    answer.event = match subject {
        Subject::Event(id) => Some(id.clone()),
        _ => None,
    };
    answer.looked_until = looked.to;
    answer.only_data_events = !subject::is_recorded(types, subject);
    fill(&mut answer, found, args.deleted);
    if answer.is_empty() {
        answer.container =
            container::bucket(sources, types, subject, answered.expected).await.map_err(asked::failed)?;
    }
    answer.account_names_unknown.clone_from(&logs.names_unknown);
    answer.conclude(AccountNames::new(logs.names.clone()));
    Ok(answer)
}

/// What helps where the event history was not asked for by name.
const NO_ARCHIVE: &str = "no archive is named, so CloudTrail's event history was to be asked: name the logs with --place or \
                          --lake, or give credentials";

/// Where sessions are followed beside what is asked.
enum Reach {
    /// Nowhere: nothing is left out, or a reader role may read no more.
    Same,
    /// At any time, in the same logs.
    AnyTime,
    /// In every account too.
    Anywhere,
}

impl Reach {
    fn of(asked: &AskedArgs) -> Self {
        if asked.reader.role_arn.is_some() {
            return Self::Same;
        }
        if !asked.account.is_empty() || !asked.region.is_empty() {
            return Self::Anywhere;
        }
        let is_timed = asked.from.is_some() || asked.to.is_some() || asked.days.is_some();
        if is_timed { Self::AnyTime } else { Self::Same }
    }
}

/// Returns the same logs at any time and in every account.
fn open(asked: &AskedArgs) -> AskedArgs {
    AskedArgs { account: Vec::new(), region: Vec::new(), from: None, to: None, days: None, ..asked.clone() }
}

/// Returns an engine over the logs of every account.
async fn anywhere(common: &Common, open: &AskedArgs, ui: &Ui) -> Result<Arc<Engine>, CliError> {
    let logs = Box::pin(asked::logs(common, open, ui)).await?;
    let archive = Arc::new(asked::archive(open, &logs).await?);
    Ok(Arc::new(asked::engine(open, archive, logs.lake, logs.around.now)?))
}

/// Asks an archive, until `stop` is done. `now` is when the archive was looked at.
///
/// # Errors
/// A subject that cannot be asked for, and where the archive cannot be asked.
pub(super) async fn of_archive(
    engine: Arc<Engine>,
    args: &WhoArgs,
    logs: &AskedLogs,
    now: Timestamp,
    stop: Shared<BoxFuture<'static, Ended>>,
) -> Result<WhoAnswer, CliError> {
    let types = subject::types(&args.resources)?;
    let subject = subject::subject(args, &types)?;
    let archive = ArchiveSource::new(Arc::clone(&engine), engine, stop, Arc::default());
    let sources = Sources::new(Some(archive), None);
    answer(&sources, args, &types, &subject, logs, now).await
}

/// Returns where is looked: where nothing was said, in the archive if one is named or configured.
fn asked_source(common: &Common, args: &WhoArgs) -> Result<WhoSource, CliError> {
    let asked = &args.asked;
    let has_archive = !asked.place.is_empty()
        || (asked.lake.is_some() && !asked.no_lake)
        || asked.reader.role_arn.is_some()
        || common.configuration()?.is_some();
    Ok(args.source.unwrap_or(if has_archive { WhoSource::Archive } else { WhoSource::History }))
}

/// Waits for an answer, or for whoever stops the run: what is known then is nothing.
async fn until(
    asking: impl Future<Output = Result<WhoAnswer, CliError>>,
    stop: impl Future<Output = Ended>,
) -> Result<WhoAnswer, CliError> {
    tokio::select! {
        answer = asking => answer,
        ended = stop => Err(CliError::new(format!("{} before the event history was looked up", ended.text()))),
    }
}

/// What was found about what was asked.
enum Found {
    Who(Box<WhoFound>),
    Actor(Box<ActorAnswer>),
    /// The name of a person is one at several providers.
    Providers(BTreeSet<String>),
}

/// Asks, and again where a lake was written meanwhile.
async fn ask(
    sources: &Sources,
    types: &ResourceTypes,
    subject: &Subject,
    organization: Option<&BTreeSet<String>>,
    looked: &Looked,
) -> Result<Found, QueryError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match ask_once(sources, types, subject, organization, looked).await {
            Err(QueryError::Rewritten(_)) if attempt < ATTEMPTS => sources.forget().await,
            answer => return answer,
        }
    }
}

async fn ask_once(
    sources: &Sources,
    types: &ResourceTypes,
    subject: &Subject,
    organization: Option<&BTreeSet<String>>,
    looked: &Looked,
) -> Result<Found, QueryError> {
    let found = match subject {
        Subject::Resource { text, candidates } => {
            answers::resources(sources, types, candidates, text, organization).await?
        }
        Subject::AccessKey(key) => answers::access_key(sources, types, key, organization).await?,
        Subject::Session(arn) => answers::session(sources, arn, organization).await?,
        Subject::Event(id) => answers::event(sources, id, organization).await?,
        Subject::Actor { text, query, about } => {
            let providers = actor::providers(sources, text, query).await?;
            if providers.len() > 1 {
                return Ok(Found::Providers(providers));
            }
            let found = about_actor(sources, types, query.clone(), *about, looked).await?;
            return Ok(Found::Actor(Box::new(found)));
        }
    };
    Ok(Found::Who(Box::new(found)))
}

async fn about_actor(
    sources: &Sources,
    types: &ResourceTypes,
    query: ActorQuery,
    about: About,
    looked: &Looked,
) -> Result<ActorAnswer, QueryError> {
    Ok(match about {
        About::Activity => ActorAnswer::of_activity(actor::activity(sources, types, query).await?),
        About::Remains => ActorAnswer::of_remains(actor::remains(sources, types, query).await?),
        About::LastUse => ActorAnswer::of_last_use(actor::last_used(sources, types, query, looked).await?),
        About::Actions => {
            let table = IamActions::built_in().map_err(|errors| QueryError::Failed(errors.to_string()))?;
            ActorAnswer::of_used_actions(actor::used_actions(sources, types, &table, query).await?)
        }
    })
}

fn fill(answer: &mut WhoAnswer, found: Found, only_endings: bool) {
    let found = match found {
        Found::Who(found) => *found,
        Found::Actor(actor) => {
            answer.actor = Some(*actor);
            return;
        }
        // Refused before.
        Found::Providers(_) => return,
    };
    answer.resources = found.resources;
    answer.further_resources = found.further;
    answer.untraced_calls = found.untraced;
    answer.keys_of_aliases = found.keys_of_aliases;
    answer.withheld = found.withheld;
    answer.sessions = found.sessions;
    answer.calls = found.calls;
    answer.unread_records += found.unread;
    answer.only_endings = only_endings;
}

fn output(answer: &WhoAnswer, ui: &Ui) -> Result<CommandOutput, CliError> {
    let texts = ui.render(|format| {
        Ok(Content::Text(match format {
            Format::Human => report::human(answer, ui.width()),
            Format::Json => report::json(answer).map_err(|error| CliError::new(error.to_string()))?,
            Format::Markdown => report::markdown(answer),
            Format::Html => report::page(answer).map_err(|error| CliError::new(error.to_string()))?,
            _ => return Err(LogsError::Format.into()),
        }))
    })?;
    let is_whole = answer.is_whole();
    let outcome = if is_whole { Outcome::Clean } else { Outcome::Partial };
    let found = answer.resources.len() + answer.sessions.len() + answer.calls.len();
    let found = found + usize::from(answer.actor.as_ref().is_some_and(|own| !own.is_empty()));
    let summary = Summary::new("Who", &format!("{} found", count(found, "subject")));
    let summary = if is_whole { summary } else { summary.also("The answer is not known to be whole") };
    Ok(CommandOutput::new(texts, outcome, summary))
}
