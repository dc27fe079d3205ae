//! One question of Athena, from its beginning to its rows: it is stopped where a person says so, where its time is over
//! and where it scans too much.

use std::pin::{Pin, pin};
use std::time::Duration;

use super::super::failure::CliError;
use super::super::ui::Ui;
use super::failure::{cancelled, failed, too_much, unasked};
use super::limit::ScanLimit;
use crate::cloud::aws::athena::{Athena, AthenaFault, AthenaPage, AthenaProgress, AthenaRequest, AthenaState};
use crate::query::answer::{Cell, Ended};
use crate::query::athena::value::{self, AthenaColumn};
use crate::report::text::words::{count, size};

/// The pause before Athena is asked again how far a question is, and the longest one.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often it is looked whether a question that was stopped has ended.
const LOOKS_AFTER_STOP: u32 = 10;

/// What is asked, and how much of an answer is taken.
pub(super) struct Asking<'a> {
    pub(super) athena: &'a Athena,
    pub(super) request: &'a AthenaRequest,
    pub(super) limit: ScanLimit,
    /// The most rows.
    pub(super) rows_max: usize,
    /// The most bytes of their cells, about.
    pub(super) bytes_max: usize,
    pub(super) ui: &'a Ui,
}

/// What Athena answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Got {
    /// Athena's id of the question.
    pub(super) id: String,
    /// What it scanned, in bytes. `None`: Athena did not say.
    pub(super) scanned_bytes: Option<u64>,
    /// Whether its rows may begin with the names of the columns.
    has_header: bool,
    pub(super) columns: Vec<AthenaColumn>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Why it ended before its end. `None`: these are all rows.
    pub(super) ended: Option<Ended>,
}

impl Asking<'_> {
    /// Asks until there is an answer, or `stop` is done.
    ///
    /// # Errors
    /// Where Athena does not take the question or has no answer, and where the limit was reached.
    pub(super) async fn ask(&self, stop: impl Future<Output = Ended>) -> Result<Got, CliError> {
        let mut stop = pin!(stop);
        let (id, mut ended) = self.start(stop.as_mut()).await?;
        let mut got = Got { id, ..Got::default() };
        if ended.is_none() {
            ended = self.wait(&mut got, stop.as_mut()).await?;
        }
        match ended {
            Some(why) => {
                got.scanned_bytes = self.stop(&got.id).await.or(got.scanned_bytes);
                got.ended = Some(why);
            }
            None => self.collect(&mut got, stop).await?,
        }
        Ok(got)
    }

    /// Begins. Where a person stops it meanwhile, its id is waited for: without it nobody can end the question.
    async fn start(
        &self,
        mut stop: Pin<&mut impl Future<Output = Ended>>,
    ) -> Result<(String, Option<Ended>), CliError> {
        let mut start = pin!(self.athena.start(self.request));
        let refused = |fault: AthenaFault| unasked(&fault, &self.request.workgroup);
        tokio::select! {
            biased;
            why = stop.as_mut() => Ok((start.await.map_err(refused)?, Some(why))),
            id = &mut start => Ok((id.map_err(refused)?, None)),
        }
    }

    /// Waits until there is an answer. Returns why it is not waited for any more.
    async fn wait(
        &self,
        got: &mut Got,
        mut stop: Pin<&mut impl Future<Output = Ended>>,
    ) -> Result<Option<Ended>, CliError> {
        let mut pause = PAUSE;
        loop {
            let progress = tokio::select! {
                biased;
                why = stop.as_mut() => return Ok(Some(why)),
                progress = self.athena.progress(&got.id) => progress,
            };
            let progress = match progress {
                Ok(progress) => progress,
                Err(fault) => {
                    // Whoever cannot look at it any more cannot hold it to a limit.
                    self.stop(&got.id).await;
                    return Err(unasked(&fault, &self.request.workgroup));
                }
            };
            got.scanned_bytes = progress.scanned_bytes.or(got.scanned_bytes);
            match progress.state {
                AthenaState::Succeeded => {
                    got.has_header = progress.has_header;
                    return Ok(None);
                }
                AthenaState::Failed => return Err(failed(&progress, &got.id, self.request)),
                AthenaState::Cancelled => return Err(cancelled(&progress, &got.id, self.request, self.limit)),
                AthenaState::Queued | AthenaState::Running => {}
            }
            self.show(&progress);
            if self.limit.own.is_some_and(|max| got.scanned_bytes.is_some_and(|scanned| scanned > max)) {
                let scanned = self.stop(&got.id).await.or(got.scanned_bytes);
                return Err(too_much(scanned, self.limit.bytes(), "--max-bytes", &got.id));
            }
            tokio::select! {
                biased;
                why = stop.as_mut() => return Ok(Some(why)),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 3 / 2).min(PAUSE_MAX);
        }
    }

    fn show(&self, progress: &AthenaProgress) {
        let what = match progress.state {
            AthenaState::Queued => "queued in Athena",
            _ => "bytes scanned by Athena",
        };
        let scanned = progress.scanned_bytes.unwrap_or_default();
        let more = format!("{} of at most {}", size(scanned), size(self.limit.bytes()));
        self.ui.step_with(what, scanned, self.limit.bytes(), &more);
    }

    /// Has a question end, and waits a little for that. Returns what it scanned, as far as Athena says.
    async fn stop(&self, id: &str) -> Option<u64> {
        self.ui.end_progress();
        if let Err(fault) = self.athena.stop(id).await {
            self.ui.note(&format!(
                "Athena did not take the call to stop ({}): the question may go on and cost. Stop it with `aws athena \
                 stop-query-execution --query-execution-id {id}`.",
                fault.code
            ));
            return None;
        }
        let mut pause = PAUSE;
        let mut scanned = None;
        for _ in 0..LOOKS_AFTER_STOP {
            let Ok(progress) = self.athena.progress(id).await else { break };
            scanned = progress.scanned_bytes.or(scanned);
            if !matches!(progress.state, AthenaState::Queued | AthenaState::Running) {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(PAUSE_MAX);
        }
        scanned
    }

    /// Takes the rows.
    async fn collect(&self, got: &mut Got, mut stop: Pin<&mut impl Future<Output = Ended>>) -> Result<(), CliError> {
        let (mut next, mut bytes, mut pages) = (None, 0, crate::flow::Pages::default());
        let mut is_first = true;
        loop {
            let page = tokio::select! {
                biased;
                why = stop.as_mut() => {
                    got.ended = Some(why);
                    return Ok(());
                }
                page = self.athena.page(&got.id, next) => page.map_err(|fault| unasked(&fault, &self.request.workgroup))?,
            };
            self.ui.end_progress();
            if is_first {
                got.columns = columns(&page);
            }
            let header = usize::from(is_first && got.has_header && begins_with_header(&page));
            is_first = false;
            for row in page.rows.iter().skip(header) {
                if got.rows.len() >= self.rows_max {
                    got.ended = Some(Ended::Rows(self.rows_max));
                    return Ok(());
                }
                let cells = cells(&got.columns, row);
                bytes += cells.iter().map(Cell::size_bytes).sum::<usize>();
                if bytes > self.bytes_max {
                    got.ended = Some(Ended::Bytes(self.bytes_max));
                    return Ok(());
                }
                got.rows.push(cells);
            }
            next = pages.next(page.next).map_err(|why| {
                CliError::new("Athena's answer has no end").because(why).hint("ask again; where it stays so, report it")
            })?;
            if next.is_none() {
                return Ok(());
            }
            self.ui.step_with("rows", got.rows.len() as u64, self.rows_max as u64, &count(got.rows.len(), "row"));
        }
    }
}

fn columns(page: &AthenaPage) -> Vec<AthenaColumn> {
    let own = |info: &crate::cloud::aws::athena::AthenaColumnInfo| AthenaColumn {
        name: info.name.clone(),
        kind: info.kind.clone(),
        precision: info.precision,
        scale: info.scale,
    };
    page.columns.iter().map(own).collect()
}

/// Tells whether the first row has the names of the columns, as the first page of a SELECT does (Athena API,
/// `GetQueryResults`).
fn begins_with_header(page: &AthenaPage) -> bool {
    let names = page.columns.iter().map(|column| Some(column.name.as_str()));
    page.rows.first().is_some_and(|row| names.eq(row.iter().map(Option::as_deref)))
}

/// Returns the values of a row, one for each column; what Athena leaves out at its end is NULL.
fn cells(columns: &[AthenaColumn], row: &[Option<String>]) -> Vec<Cell> {
    let value = |at: usize| row.get(at).and_then(Option::as_deref);
    columns.iter().enumerate().map(|(at, column)| value::cell(&column.kind, value(at))).collect()
}
