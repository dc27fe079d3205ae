//! What is asked: which places, which lake, which time, accounts and regions, and within which limits. Every command
//! that looks for events takes it.

pub(in crate::cli) mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::failure::CliError;
use super::logs::archive::Archive as ConfiguredLogs;
use super::logs::{LazyConnection, LogSources, LogsContext, LogsError, ReaderArgs, duration, time};
use super::size::size as size_of;
use super::ui::Ui;
use super::{Common, signal};
use crate::archive::find::ScopeFilter;
use crate::archive::listing::{Archive, LogPlace};
use crate::archive::window::Window;
use crate::archive::{Fault, FaultKind};
use crate::ids::{AccountId, Region};
use crate::lake::reading::Lake;
use crate::log_path::{TOP_FOLDER, owner};
use crate::query::answer::Ended;
use crate::query::engine::{Engine, Limits, MEMORY_BYTES_MIN};
use crate::query::error::QueryError;
use crate::query::scan::Looked;
use crate::report::text::words::{count, size};

/// Where questions put what does not fit into memory: a folder of this run, which only its user reads. A question that
/// is ended in the middle does not take its files away itself.
static TEMPORARY: Mutex<Option<TempDir>> = Mutex::new(None);

/// Returns the folder for what does not fit into memory. `None`: it cannot be made, so that the system's is taken.
fn temporary_folder() -> Option<PathBuf> {
    let mut own = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
    if own.is_none() {
        *own = tempfile::Builder::new().prefix("orgtrail-").tempdir().ok();
    }
    own.as_ref().map(|folder| folder.path().to_owned())
}

/// Takes away what questions put on disk; none is asked any more.
pub(super) fn clear_temporary() {
    drop(TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// What is read at most, and how much memory is used, unless the user says otherwise.
const READ_BYTES: u64 = 10 << 30;
pub(super) const MEMORY_BYTES: u64 = 512 << 20;
/// What `--max-bytes` is of a command that reads a time and days before it, and asks nothing but log files and a lake.
pub(super) const MAX_BYTES: &str = "Read at most this much in one reading [default: 10GiB]\n\nOf the log files as they \
                                    are stored, compressed; 0 is no limit. The days before are a second reading.";
/// What the program has in use beside what a question may use, in bytes.
const OWN_MEMORY_BYTES: u64 = 128 << 20;
/// How often it is looked how much memory is in use.
const MEMORY_LOOKED_AT: Duration = Duration::from_millis(20);
/// How far behind the end of the time deliveries are looked for unless the user says otherwise.
const LATE: &str = "24h";

/// Which events are looked at.
#[derive(Debug, Clone, clap::Args)]
pub struct AskedArgs {
    /// Ask this bucket or folder (can be repeated)
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(long, value_name = "PLACE")]
    pub place: Vec<String>,
    /// Ask this lake, and log files that are not in it yet
    ///
    /// s3://BUCKET/PREFIX, or a folder. [default: `lake.place` of the configuration] [env: ORGTRAIL_LAKE]
    #[arg(long, value_name = "LAKE", env = "ORGTRAIL_LAKE", hide_env = true)]
    pub lake: Option<PathBuf>,
    /// Read log files only, although there is a lake
    ///
    /// Also where --lake or ORGTRAIL_LAKE names one.
    #[arg(long, hide_short_help = true)]
    pub no_lake: bool,
    /// The role that reads.
    #[command(flatten)]
    pub reader: ReaderArgs,
    /// Look at events from this time on
    ///
    /// By default, and as far as the question itself does not say, from the beginning of the archive.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Look at events up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Look at the events of the last days
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Look only at this account (can be repeated)
    #[arg(long, value_name = "ID")]
    pub account: Vec<AccountId>,
    /// Look only at this region (can be repeated)
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
    /// Look for deliveries up to this long behind the end of the time
    ///
    /// CloudTrail delivers within minutes as a rule, and tries again for up to 30 days where it cannot.
    #[arg(long, value_name = "DURATION", default_value = LATE, value_parser = duration, hide_short_help = true)]
    pub late: SignedDuration,
    /// Read at most this much [default: 10GiB]
    ///
    /// Of the log files as they are stored, compressed; 0 is no limit. With --engine athena, stop the question once
    /// Athena says that it has scanned more. [default there: the limit of the workgroup]
    #[arg(long, value_name = "SIZE", value_parser = size_of)]
    pub max_bytes: Option<u64>,
    /// Use at most this much memory to sort, group and join [default: 512MiB]
    ///
    /// What goes beyond is put on disk where that can be done. A question that has a third more in use is ended.
    /// At least 24MiB; `dashboard` takes 48MiB and `explore` 96MiB at least.
    #[arg(long, value_name = "SIZE", value_parser = size_of, hide_short_help = true)]
    pub max_memory: Option<u64>,
    /// Stop after this long
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub timeout: Option<SignedDuration>,
}

impl AskedArgs {
    /// Returns what asks the logs and the lake of the configuration for all that some accounts did, and reads at most
    /// so many bytes.
    pub(super) fn of_configuration(account: Vec<AccountId>, max_bytes: u64) -> Self {
        Self {
            place: Vec::new(),
            lake: None,
            no_lake: false,
            reader: ReaderArgs::default(),
            from: None,
            to: None,
            days: None,
            account,
            region: Vec::new(),
            late: SignedDuration::from_hours(24),
            max_bytes: Some(max_bytes),
            max_memory: None,
            timeout: None,
        }
    }
}

/// The logs that are asked, and how they are entered.
pub(super) struct AskedLogs {
    /// Where they lie.
    pub(super) places: Vec<String>,
    /// What is looked for in each place.
    pub(super) sought: ScopeFilter,
    /// Accounts that should have logs. `None`: unknown.
    pub(super) expected: Option<BTreeSet<String>>,
    /// What the accounts of the organization are called, by id: untrusted text. Empty: it is not known.
    pub(super) names: BTreeMap<String, String>,
    /// Why they are not known although they were asked for. `None`: they are, or were not asked for.
    pub(super) names_unknown: Option<String>,
    /// How AWS is entered, and when the command began.
    pub(super) around: LogsContext,
    /// The lake that is asked first. `None`: log files only.
    pub(super) lake: Option<Lake>,
}

impl AskedLogs {
    /// Returns those of a question that is not about logs.
    pub(super) fn none(common: &Common, ui: &Ui) -> Self {
        let around = LogsContext::of(common, ui);
        let (sought, names) = (ScopeFilter::default(), BTreeMap::new());
        Self { places: Vec::new(), sought, expected: None, names, names_unknown: None, around, lake: None }
    }
}

/// Finds out which logs are asked, and how they are entered.
pub(super) async fn logs(common: &Common, args: &AskedArgs, ui: &Ui) -> Result<AskedLogs, CliError> {
    let mut around = LogsContext::of(common, ui);
    let only = if let [one] = args.account.as_slice() { Some(one) } else { None };
    let configured = match &args.reader.role_arn {
        Some(_) => ConfiguredLogs::of_reader(common, &args.place, only)?,
        None => Box::pin(ConfiguredLogs::read(common, &args.place, only, ui)).await?,
    };
    let mut sought = sought(args);
    sought.organization = configured.as_ref().and_then(|logs| logs.expected.organization.clone());
    let config = configured.as_ref().map(|logs| &logs.config);
    around.reader = args.reader.entry(common, config, sought.clone())?;
    let (mut of_configuration, mut names) = (None, BTreeMap::new());
    let (places, expected) = match configured {
        None => (args.place.clone(), None),
        Some(ConfiguredLogs { config, places, expected, entry }) => {
            // The lake of a configuration is that of its own logs, and no reader role reads it.
            of_configuration = config.lake.filter(|_| args.place.is_empty() && args.reader.role_arn.is_none());
            around.entry = entry;
            let accounts = &expected.accounts;
            names = accounts.iter().map(|(id, account)| (id.to_string(), account.name.clone())).collect();
            let active = accounts.iter().filter(|(_, account)| account.is_active).map(|(id, _)| id.to_string());
            (places, Some(active.collect::<BTreeSet<_>>()).filter(|all| !all.is_empty()))
        }
    };
    if places.is_empty() && (args.lake.is_none() || args.no_lake) {
        return Err(LogsError::no_place());
    }
    if args.reader.role_arn.is_some() && !places.iter().any(|place| place.starts_with("s3://")) {
        return Err(CliError::new("--role-arn does nothing here: no place is a bucket")
            .hint("name a bucket (--place s3://BUCKET/PREFIX), or leave --role-arn out"));
    }
    let lake = match args.no_lake {
        true => None,
        false => {
            let (named, configured) = (args.lake.as_deref(), of_configuration.as_ref());
            super::lake::open_to_ask(named, configured, &places, &around, ui).await?
        }
    };
    if lake.is_some() {
        args.place.iter().try_for_each(|place| must_not_be_narrower(place, args))?;
    }
    Ok(AskedLogs { places, sought, expected, names, names_unknown: None, around, lake })
}

/// Refuses a place beside a lake that is the folder of one account, or lies in it: the lake has the events of all.
fn must_not_be_narrower(place: &str, args: &AskedArgs) -> Result<(), CliError> {
    let folder = format!("{}/", place.trim_end_matches('/'));
    let Some(owner) = owner(&folder).filter(|owner| owner.account.parse::<AccountId>().is_ok()) else { return Ok(()) };
    let is_whole = folder.ends_with(&format!("/{}/", owner.account));
    if is_whole && matches!(args.account.as_slice(), [one] if one.as_str() == owner.account) {
        return Ok(());
    }
    let what = if is_whole { "the folder of one account" } else { "a part of the folder of one account" };
    let options = if is_whole { "--account" } else { "--account, --region, --from and --to" };
    Err(CliError::new(format!("{place} is {what}, and the lake has the events of all accounts"))
        .hint(format!("name the folder of all accounts and narrow the question with {options}, or pass --no-lake")))
}

/// Returns what is looked for in every place.
fn sought(args: &AskedArgs) -> ScopeFilter {
    let account = if let [one] = args.account.as_slice() { Some(one.clone()) } else { None };
    let region = if let [one] = args.region.as_slice() { Some(one.clone()) } else { None };
    ScopeFilter { account, region, ..ScopeFilter::default() }
}

/// Opens the places, and makes sure that there is something to ask.
pub(super) async fn archive(args: &AskedArgs, logs: &AskedLogs) -> Result<Archive, CliError> {
    let aws = LazyConnection::new(&logs.around, args.region.first().cloned());
    let sources = LogSources::open(&logs.places, &aws).await.map_err(LogsError::without_bundle)?;
    if sources.bundle().is_some() {
        return Err(CliError::new("an evidence bundle has digests and no log files, so that it answers no question")
            .hint("name the bucket or a copy of it: --place s3://BUCKET/PREFIX or a folder"));
    }
    let place = |source: crate::logs::verify::Source| LogPlace {
        store: source.store,
        sought: match &logs.around.reader {
            Some(reader) => reader.sought_below(source.prefix),
            None => ScopeFilter { prefix: source.prefix, ..logs.sought.clone() },
        },
    };
    let archive = Archive::new(sources.sources().into_iter().map(place).collect(), args.late);
    archive.check().await.map_err(|(store, source)| not_listed(args, store, source))?;
    Ok(archive)
}

/// Returns the engine that answers within the limits of the arguments, for a command that asks several times.
///
/// # Errors
/// Where its memory and its temporary files cannot be set up.
pub(super) fn engine_of(
    args: &AskedArgs,
    archive: Arc<Archive>,
    lake: Option<Lake>,
    window: Window,
) -> Result<Engine, QueryError> {
    let limits = Limits {
        memory_bytes: usize::try_from(args.max_memory.unwrap_or(MEMORY_BYTES)).unwrap_or(usize::MAX),
        temporary_folder: temporary_folder(),
        read_bytes: Some(args.max_bytes.unwrap_or(READ_BYTES)).filter(|bytes| *bytes > 0),
        ..Limits::default()
    };
    Engine::new(archive, lake, window, &limits)
}

/// Returns the engine that answers within the limits of the arguments.
pub(super) fn engine(
    args: &AskedArgs,
    archive: Arc<Archive>,
    lake: Option<Lake>,
    now: Timestamp,
) -> Result<Engine, CliError> {
    must_have_memory(args, 1)?;
    engine_of(args, archive, lake, window(args, now)?).map_err(failed)
}

/// Refuses a limit of memory with which the engine cannot work. What a question gets is one of so many parts of it.
pub(super) fn must_have_memory(args: &AskedArgs, parts: u64) -> Result<(), CliError> {
    let least = MEMORY_BYTES_MIN as u64 * parts;
    match args.max_memory {
        Some(given) if given < least => {
            Err(CliError::new(format!("--max-memory {} is too little: a question could not be sorted", size(given)))
                .hint(format!("allow at least {}", size(least))))
        }
        _ => Ok(()),
    }
}

/// Says that a place cannot be listed, and with a role what it may list.
fn not_listed(args: &AskedArgs, store: String, source: Fault) -> CliError {
    // Where the role cannot be assumed, its fault says what to do.
    let is_refused = source.kind == FaultKind::Denied && source.message.starts_with("ListObjectsV2");
    let failure: CliError = LogsError::Listing { store, source }.into();
    match args.reader.role_arn {
        Some(_) if is_refused => failure.hint(format!(
            "a reader role may list its own account only: name the account (--account ID) and its folder (--place \
             s3://BUCKET/{TOP_FOLDER}o-…/ID/), as `orgtrail access ID` prints it"
        )),
        _ => failure,
    }
}

/// Returns the moment some days before another.
pub(super) fn days_before(at: Timestamp, days: u32) -> Timestamp {
    at.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

pub(super) fn window(args: &AskedArgs, now: Timestamp) -> Result<Window, CliError> {
    let since = args.days.map(|days| days_before(args.to.unwrap_or(now), days));
    let (from, to) = (args.from.or(since), args.to);
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    let set = |all: Vec<String>| (!all.is_empty()).then(|| all.into_iter().collect());
    let accounts = set(args.account.iter().map(ToString::to_string).collect());
    let regions = set(args.region.iter().map(ToString::to_string).collect());
    Ok(Window { from, to, accounts, regions })
}

/// Shows how far a question is while it is answered.
pub(super) async fn watched<T>(answer: impl Future<Output = T>, engine: &Engine, found: &AtomicUsize, ui: &Ui) -> T {
    let mut answer = std::pin::pin!(answer);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => {
                ui.end_progress();
                return answer;
            }
            _ = beat.tick() => show(&engine.scans().tally.looked(), found.load(Ordering::Relaxed), ui),
        }
    }
}

/// How often it is shown how far a question is.
const BEAT: Duration = Duration::from_millis(200);

fn show(looked: &Looked, rows: usize, ui: &Ui) {
    // Nothing is known before the archive was listed.
    if looked.files_listed == 0 {
        return;
    }
    let more = format!("{} of {}, {}", size(looked.bytes), size(looked.bytes_listed), count(rows, "row"));
    ui.step_with("log files", looked.files, looked.files_listed, &more);
}

/// What a run may take before it is ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunLimits {
    /// `None`: any time.
    pub timeout: Option<SignedDuration>,
    /// What all its questions may use, in bytes.
    pub memory_bytes: u64,
}

impl RunLimits {
    /// Returns the limits of the options.
    pub(super) fn of(args: &AskedArgs) -> Self {
        Self { timeout: args.timeout, memory_bytes: args.max_memory.unwrap_or(MEMORY_BYTES) }
    }

    /// Ends when a person stops the run, or it took more than it may.
    pub(super) async fn stopped(self) -> Ended {
        tokio::select! {
            ended = self.over() => ended,
            () = signal::told_to_stop() => Ended::Stopped,
        }
    }

    /// Ends when it took more time or memory than it may.
    pub(super) async fn over(self) -> Ended {
        let time = async {
            match self.timeout.map(SignedDuration::unsigned_abs) {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    Ended::Time(limit)
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = time => ended,
            () = self.memory_is_used() => Ended::Memory(self.memory_bytes),
        }
    }

    /// Ends when a third more is in use than all questions may have: not all that they do is put on disk in time, and
    /// some of it cannot be.
    async fn memory_is_used(self) {
        let most = (self.memory_bytes / 3).saturating_add(self.memory_bytes).saturating_add(OWN_MEMORY_BYTES);
        while (crate::memory::in_use() as u64) < most {
            tokio::time::sleep(MEMORY_LOOKED_AT).await;
        }
    }
}

pub(super) fn failed(error: QueryError) -> CliError {
    let hint = error.help();
    let failure = CliError::new(error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
