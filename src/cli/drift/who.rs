//! Who changed what drifted: CloudTrail's event history first, then the archive of the configuration for what the
//! history does not have, and who stands behind the callers, as `who` finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::super::Common;
use super::super::asked::{self, AskedArgs, AskedLogs, RunLimits};
use super::super::failure::CliError;
use super::super::lake::open_to_ask;
use super::super::logs::LogsContext;
use super::super::logs::archive::LogPlaces;
use super::super::session::Session;
use super::super::ui::Ui;
use crate::archive::find::ScopeFilter;
use crate::cloud::Progress;
use crate::drift::{Trace, TracedChange};
use crate::estate::Stage;
use crate::ids::{AccountId, Region};
use crate::investigation::change::{self, LastChanges, People};
use crate::investigation::history::{Followed, HistorySource};
use crate::investigation::source::{ArchiveSource, Sources};
use crate::organization::Organization;
use crate::plan::{Change, Plan, Risk};
use crate::query::answer::Answered;
use crate::resource_types::ResourceTypes;

/// How many changes of one run the event history is asked for. Two calls a second are allowed in an account and region,
/// and most resources of a deployment are in one account.
const TRACES_MAX: usize = 100;
/// The most lookups of a run for the sessions behind the callers.
const SESSION_LOOKUPS_MAX: usize = 200;
/// The most answers of one of them.
const SESSION_PAGES_MAX: usize = 4;
/// The most bytes of log files, as they are stored, that a run reads in the archive.
const ARCHIVE_BYTES: u64 = 1 << 30;
/// The longest time that a run asks the archive, in minutes.
const ARCHIVE_MINUTES: i64 = 5;

/// What is asked about, and with what.
pub(super) struct Asking<'a> {
    pub(super) plan: &'a Plan,
    pub(super) organization: &'a Organization,
    pub(super) session: &'a Session,
    /// What is known from the run before is not asked again.
    pub(super) known: &'a [Trace],
    /// When the run is.
    pub(super) at: Timestamp,
    pub(super) common: &'a Common,
    pub(super) ui: &'a Ui,
}

/// A change, and what is known of it.
struct Open<'a> {
    change: &'a Change,
    found: LastChanges,
    trace: Trace,
}

/// The archive, once it was needed.
enum Archived {
    /// It was not needed yet.
    Unasked,
    /// It cannot be asked, for this reason.
    Unknown(String),
    /// It is part of the sources.
    Open(Box<AskedLogs>),
}

impl Asking<'_> {
    /// Asks who changed what drifted: what does the most harm first, then what has a risk.
    pub(super) async fn traces(&self) -> Vec<Trace> {
        let mut changes: Vec<&Change> = self.plan.changes.iter().collect();
        changes.sort_by_key(|change| (change.harm, change.risk.iter().all(|risk| *risk == Risk::Safe)));
        let remembered = |change: &Change| self.known.iter().find(|trace| trace.address == change.address);
        let open: Vec<&Change> = changes.iter().copied().filter(|change| remembered(change).is_none()).collect();
        let (asked, left) = open.split_at(open.len().min(TRACES_MAX));
        let mut traces = if asked.is_empty() { Vec::new() } else { self.ask(asked).await };
        traces.extend(changes.iter().filter_map(|change| remembered(change)).cloned());
        traces.extend(left.iter().map(|change| Trace::not_asked(&change.address, TRACES_MAX)));
        traces
    }

    async fn ask(&self, changes: &[&Change]) -> Vec<Trace> {
        let look: Arc<dyn crate::cloud::CloudReader> = self.session.cloud.clone();
        let mut sources = Sources::new(None, Some(HistorySource::following(look, self.followed(changes), self.at)));
        let mut open = self.of_history(&sources, changes).await;
        let mut archived = Archived::Unasked;
        if open.iter().any(|own| own.found.history.found.is_empty()) {
            self.of_archive(&mut sources, &mut archived, &mut open).await;
        }
        let people = self.people(&mut sources, &mut archived, &open).await;
        let unseen = unseen(&sources, &archived, self).await;
        open.into_iter().map(|own| own.told(&people, &unseen)).collect()
    }

    /// Returns where sessions are followed: in every account that can be entered, in the regions of the changes and
    /// where global services record.
    fn followed(&self, changes: &[&Change]) -> Followed {
        let home = &self.session.config.home_region;
        let global = home.partition().global_region().parse::<Region>().ok();
        let regions = changes.iter().filter_map(|change| change.address.region.clone());
        let active = self.organization.accounts.iter().filter(|(_, account)| account.state.is_active());
        Followed {
            accounts: active.map(|(id, _)| id.clone()).collect(),
            regions: regions.chain([home.clone()]).chain(global).collect(),
            lookups_max: SESSION_LOOKUPS_MAX,
            pages_max: SESSION_PAGES_MAX,
        }
    }

    async fn of_history<'a>(&self, sources: &Sources, changes: &[&'a Change]) -> Vec<Open<'a>> {
        let Some(history) = &sources.history else { return Vec::new() };
        let partition = self.session.config.home_region.partition();
        let of = |change: &'a Change| async move {
            match change::of_history(history, change, partition).await {
                Ok(found) => Open { change, trace: Trace::of(&change.address, found.history.clone(), self.at), found },
                Err(fault) => {
                    let problem = fault.problem(Stage::Observe, Some(&change.address));
                    let trace = Trace::unread(&change.address, &problem, self.at);
                    Open { change, trace, found: LastChanges::default() }
                }
            }
        };
        let mut answers =
            futures::stream::iter(changes.iter().copied()).map(of).buffered(usize::from(self.common.concurrency));
        let mut open = Vec::new();
        while let Some(own) = answers.next().await {
            open.push(own);
            self.ui.step("who changed it", open.len(), changes.len());
        }
        open
    }

    /// Asks the archive for the changes of which the event history names none.
    async fn of_archive(&self, sources: &mut Sources, archived: &mut Archived, open: &mut [Open<'_>]) {
        let Ok(types) = ResourceTypes::built_in() else { return };
        let partition = self.session.config.home_region.partition();
        let mut missing: Vec<&mut Open<'_>> =
            open.iter_mut().filter(|own| own.found.history.found.is_empty()).collect();
        let wanted: Vec<_> = missing.iter().map(|own| change::candidates(&types, own.change, partition)).collect();
        if wanted.iter().all(Vec::is_empty) {
            return;
        }
        let accounts = missing.iter().flat_map(|own| [&own.change.operator, &own.change.address.account]);
        let accounts: BTreeSet<AccountId> = accounts.cloned().collect();
        self.open(sources, archived, accounts).await;
        let found = match archived {
            Archived::Open(_) => change::of_archive(sources, &types, &wanted).await.map_err(|error| error.to_string()),
            Archived::Unknown(why) => Err(why.clone()),
            Archived::Unasked => return,
        };
        match found {
            Ok(found) => {
                for ((own, wanted), found) in missing.iter_mut().zip(&wanted).zip(found) {
                    own.in_archive(!wanted.is_empty(), found, self.at);
                }
            }
            Err(why) => {
                missing.iter_mut().for_each(|own| own.also(&why));
                *archived = Archived::Unknown(why);
                sources.archive = None;
            }
        }
    }

    /// Finds out who stands behind the callers: in the archive too for what the event history does not tell.
    async fn people(&self, sources: &mut Sources, archived: &mut Archived, open: &[Open<'_>]) -> People {
        let active = self.organization.accounts.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
        let all = || open.iter().flat_map(|own| own.found.records());
        let archive = sources.archive.take();
        // Without an archive no search fails.
        let mut people = People::behind(sources, all(), Some(&active)).await.unwrap_or_default();
        sources.archive = archive;
        let lost: Vec<&str> = all().filter(|text| people.is_open(text)).collect();
        if lost.is_empty() {
            return people;
        }
        let named = lost.iter().flat_map(|text| change::accounts(text));
        let accounts: BTreeSet<AccountId> = named.filter_map(|account| account.parse().ok()).collect();
        self.open(sources, archived, accounts).await;
        if sources.archive.is_some() {
            match People::behind(sources, lost.into_iter(), Some(&active)).await {
                Ok(more) => people.take(more),
                Err(error) => {
                    *archived = Archived::Unknown(format!("the archive cannot be asked: {error}"));
                    sources.archive = None;
                }
            }
        }
        people
    }

    /// Opens the archive, unless it is open or cannot be opened.
    async fn open(&self, sources: &mut Sources, archived: &mut Archived, accounts: BTreeSet<AccountId>) {
        if !matches!(archived, Archived::Unasked) {
            return;
        }
        if self.common.estate.is_some() {
            *archived = Archived::Unknown("a recorded estate has no archive".to_owned());
            return;
        }
        *archived = match Box::pin(self.archive(accounts)).await {
            Ok((archive, logs)) => {
                sources.archive = Some(archive);
                Archived::Open(Box::new(logs))
            }
            Err(failure) => Archived::Unknown(format!("the archive cannot be asked: {}", failure.as_cause())),
        };
    }

    async fn archive(&self, accounts: BTreeSet<AccountId>) -> Result<(ArchiveSource, AskedLogs), CliError> {
        let args = AskedArgs::of_configuration(accounts.into_iter().collect(), ARCHIVE_BYTES);
        let LogPlaces { places, organization, entry, lake } = LogPlaces::read(self.common, &[], self.ui).await?;
        let around = LogsContext { entry, now: self.at, ..LogsContext::of(self.common, self.ui) };
        let lake = open_to_ask(None, lake.as_ref(), &places, &around, self.ui).await?;
        let sought = ScopeFilter { organization, ..ScopeFilter::default() };
        let logs =
            AskedLogs { places, sought, expected: None, names: BTreeMap::new(), names_unknown: None, around, lake };
        let archive = Arc::new(asked::archive(&args, &logs).await?);
        let engine = Arc::new(asked::engine(&args, Arc::clone(&archive), logs.lake.clone(), self.at)?);
        // Sessions are followed in every account.
        let anywhere = AskedArgs::of_configuration(Vec::new(), ARCHIVE_BYTES);
        let anywhere = Arc::new(asked::engine(&anywhere, archive, logs.lake.clone(), self.at)?);
        let timeout = Some(SignedDuration::from_mins(ARCHIVE_MINUTES));
        let stop = RunLimits { timeout, ..RunLimits::of(&args) }.over().boxed().shared();
        Ok((ArchiveSource::new(engine, anywhere, stop, Arc::default()), logs))
    }
}

/// Returns what was not looked at, in sentences.
async fn unseen(sources: &Sources, archived: &Archived, asking: &Asking<'_>) -> Vec<String> {
    let history = sources.history.iter().flat_map(|own| own.coverage().gaps);
    let mut all: Vec<String> = history.map(|gap| format!("in the event history: {gap}")).collect();
    match (archived, &sources.archive) {
        (Archived::Unknown(why), _) => all.push(why.clone()),
        (Archived::Open(logs), Some(archive)) => {
            let answered = Answered { now: asking.at, expected: logs.expected.as_ref() };
            let coverage = archive.coverage(answered, String::new()).await;
            if !coverage.is_whole {
                all.extend(coverage.sentences().into_iter().map(|own| format!("in the archive: {own}")));
            }
        }
        (Archived::Unasked | Archived::Open(_), _) => {}
    }
    all
}

impl Open<'_> {
    /// Takes up what the archive says.
    fn in_archive(&mut self, is_asked: bool, found: LastChanges, at: Timestamp) {
        if !is_asked {
            return self.also("the archive is not asked for it: no record names it");
        }
        if found.history.found.is_empty() {
            return self.also(found.history.gap.unwrap_or("the archive names no change either"));
        }
        self.trace = Trace::of(&self.change.address, found.history.clone(), at);
        self.found = found;
    }

    fn also(&mut self, why: &str) {
        self.trace = self.trace.clone().also_unknown(why);
    }

    /// Returns the trace with who stands behind each change. What was not looked at counts where somebody is not known.
    fn told(self, people: &People, unseen: &[String]) -> Trace {
        let Self { found, mut trace, change: _ } = self;
        for own in &mut trace.events {
            let Some((id, person)) = found.record(&own.event).and_then(|text| people.of(text)) else { continue };
            *own = TracedChange { event_id: Some(id), person: Some(person), event: own.event.clone() };
        }
        let is_known = |own: &TracedChange| own.person.as_ref().is_some_and(|person| person.lost.is_none());
        if trace.events.is_empty() || !trace.events.iter().all(is_known) {
            let is_said = |why: &&String| trace.unknown.as_ref().is_some_and(|unknown| unknown.contains(why.as_str()));
            trace.not_looked_at = unseen.iter().filter(|why| !is_said(why)).cloned().collect();
        }
        trace
    }
}
