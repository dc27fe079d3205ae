//! Where records are looked for: in an archive with its lake, in the event history, or in both.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::history::HistorySource;
use super::search::Search;
use crate::event::Record;
use crate::query::answer::{AnswerCoverage, Answered, Bounds, Ended};
use crate::query::engine::Engine;
use crate::query::error::QueryError;

/// The most records of one search.
const RECORDS_MAX: usize = 100_000;
/// The most bytes of the records of one search.
const BYTES_MAX: usize = 512 << 20;

/// Where records are looked for. At least one is there.
pub struct Sources {
    /// The archive. `None`: only the event history is asked.
    pub archive: Option<ArchiveSource>,
    /// The event history. `None`: only the archive is asked.
    pub history: Option<HistorySource>,
    unread: AtomicUsize,
}

/// What a record says of its event. The event history writes records as texts of its own, so that their bytes do not
/// tell what the archive has too; and the id alone does not tell whether both say the same.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gist {
    id: String,
    time: Option<Timestamp>,
    /// The call, who made it, and with which error it ended.
    texts: [Option<String>; 6],
}

impl Gist {
    fn of(record: &Record<'_>) -> Self {
        let identity = &record.user_identity;
        let texts = [
            &record.event_source,
            &record.event_name,
            &identity.arn,
            &identity.principal_id,
            &identity.access_key_id,
            &record.error_code,
        ];
        let texts = texts.map(|text| text.as_deref().map(str::to_owned));
        Self { id: record.identity().into_owned(), time: record.event_time, texts }
    }
}

impl Sources {
    /// Looks in an archive, in the event history, or in both.
    pub fn new(archive: Option<ArchiveSource>, history: Option<HistorySource>) -> Self {
        Self { archive, history, unread: AtomicUsize::new(0) }
    }

    /// Returns the records that are looked for, each once.
    ///
    /// # Errors
    /// [`QueryError`] where the archive cannot be asked. What could not be read or looked up is no error: the coverage
    /// has it.
    pub async fn search(&self, search: &Search) -> Result<Vec<String>, QueryError> {
        let mut all = match &self.archive {
            Some(archive) => archive.search(search).await?,
            None => Vec::new(),
        };
        if let Some(history) = &self.history {
            let gist = |text: &str| Some(Gist::of(&Record::read(text).ok()?));
            let mut known: BTreeSet<Gist> = all.iter().filter_map(|text| gist(text)).collect();
            let more = history.search(search).await;
            all.extend(more.into_iter().filter(|text| gist(text).is_none_or(|gist| known.insert(gist))));
        }
        Ok(all)
    }
}

impl Sources {
    /// Hands the records that are looked for to `take` as they come, in any order.
    ///
    /// # Errors
    /// As [`Sources::search`]; some may have been handed out then.
    pub async fn each(&self, search: &Search, mut take: impl FnMut(&Record<'_>)) -> Result<(), QueryError> {
        let mut known = BTreeSet::new();
        let is_twice = self.archive.is_some() && self.history.is_some();
        let unread = &self.unread;
        if let Some(archive) = &self.archive {
            archive
                .each(search, |text| match Record::read(text) {
                    Ok(record) => {
                        if is_twice {
                            known.insert(Gist::of(&record));
                        }
                        take(&record);
                    }
                    Err(_) => {
                        unread.fetch_add(1, Ordering::Relaxed);
                    }
                })
                .await?;
        }
        if let Some(history) = &self.history {
            for text in history.search(search).await {
                match Record::read(&text) {
                    Ok(record) if known.contains(&Gist::of(&record)) => {}
                    Ok(record) => take(&record),
                    Err(_) => {
                        unread.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns how many records were handed to nobody, as they cannot be read.
    pub fn unread(&self) -> usize {
        self.unread.load(Ordering::Relaxed)
    }

    /// Forgets what was found, to ask all of it again: the lake was written meanwhile.
    pub async fn forget(&self) {
        self.unread.store(0, Ordering::Relaxed);
        if let Some(archive) = &self.archive {
            archive.engine.scans().forget().await;
            archive.anywhere.scans().forget().await;
        }
    }
}

/// An archive, with its lake where there is one.
pub struct ArchiveSource {
    engine: Arc<Engine>,
    /// Looks in every account and at any time: whoever stands behind a call may have begun elsewhere and before.
    anywhere: Arc<Engine>,
    stop: Shared<BoxFuture<'static, Ended>>,
    found: Arc<AtomicUsize>,
    ended: Mutex<Option<Ended>>,
}

impl ArchiveSource {
    /// Returns the archive that an engine reads, until `stop` is done. `anywhere` reads the same without what narrows
    /// the question, to follow sessions; `found` counts records as they come.
    pub fn new(
        engine: Arc<Engine>,
        anywhere: Arc<Engine>,
        stop: Shared<BoxFuture<'static, Ended>>,
        found: Arc<AtomicUsize>,
    ) -> Self {
        Self { engine, anywhere, stop, found, ended: Mutex::new(None) }
    }

    /// Returns the records that are looked for, each once: a lake may have what the log files beside it have too.
    ///
    /// # Errors
    /// [`QueryError`] where the archive cannot be asked. Records that could not be read are no error: the coverage has
    /// them.
    pub async fn search(&self, search: &Search) -> Result<Vec<String>, QueryError> {
        if self.has_ended() {
            return Ok(Vec::new());
        }
        let bounds = Bounds { rows: RECORDS_MAX, bytes: BYTES_MAX, keeps_types: false };
        let found = search.in_sql().run(self.engine_of(search), bounds, &self.found, self.stop.clone()).await?;
        let more =
            |ended| if matches!(ended, Ended::Rows(_) | Ended::Bytes(_)) { Ended::Records(RECORDS_MAX) } else { ended };
        if let Some(ended) = found.ended.map(more) {
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        }
        let all: BTreeSet<String> = found.records.into_iter().collect();
        Ok(all.into_iter().collect())
    }

    /// Hands the records that are looked for out as they come.
    async fn each(&self, search: &Search, mut take: impl FnMut(&str)) -> Result<(), QueryError> {
        if self.has_ended() {
            return Ok(());
        }
        let each = |record: String| {
            take(&record);
            None
        };
        let ended = search.in_sql().each(self.engine_of(search), &self.found, self.stop.clone(), each).await?;
        if ended.is_some() {
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = ended;
        }
        Ok(())
    }

    fn engine_of(&self, search: &Search) -> &Arc<Engine> {
        if matches!(search, Search::Issues(_) | Search::Stacks(_)) { &self.anywhere } else { &self.engine }
    }

    /// Returns how many parts could not be read where sessions were followed beside the question, without those that
    /// the coverage of the question has.
    pub async fn unread_elsewhere(&self, answered: Answered<'_>, own: &AnswerCoverage) -> u64 {
        if Arc::ptr_eq(&self.engine, &self.anywhere) {
            return 0;
        }
        let other = AnswerCoverage::of(self.anywhere.scans(), answered, None, String::new()).await;
        let unnamed = |of: &AnswerCoverage| of.unread_count.saturating_sub(of.unread.len() as u64);
        let new = other.unread.iter().filter(|part| !own.unread.contains(part)).count() as u64;
        new + unnamed(&other).saturating_sub(unnamed(own))
    }

    /// Tells whether a search ended before its end; nothing is looked for any more.
    fn has_ended(&self) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Returns what all searches covered.
    pub async fn coverage(&self, answered: Answered<'_>, cannot_see: String) -> AnswerCoverage {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        AnswerCoverage::of(self.engine.scans(), answered, ended, cannot_see).await
    }
}
