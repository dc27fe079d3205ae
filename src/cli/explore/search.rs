//! The page of events: the counts are one pass over the events, and over a lake the events themselves are looked for
//! in the newest part of the time only, which the counts tell.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::asked;
use super::super::failure::CliError;
use super::desk::{Desk, Failure, Span, question};
use crate::archive::window::Window;
use crate::query::answer::{AnswerCoverage, Answered, Cell, Ended};
use crate::query::engine::Engine;
use crate::query::together::{self, TogetherAnswer, TogetherQuestion};
use crate::report::explore::filters::Filters;
use crate::report::explore::search::{self as pages, Asked, COUNTS_MAX, EVENTS_MAX, SearchFound};

/// How long it is looked for the time that the archive has logs of, where nothing is found.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the pass over all events found.
struct Counted {
    facets: Vec<Vec<Cell>>,
    times: Vec<Vec<Cell>>,
    /// The events of the page. `None`: they were not asked for with the others.
    events: Option<Vec<Vec<Cell>>>,
    coverage: AnswerCoverage,
}

impl Desk {
    /// Makes the page of events.
    pub(super) async fn search(&self, filters: &Filters) -> Result<String, Failure> {
        let span = self.span(filters, self.last)?;
        let counted = self.counted(&span, filters).await?;
        let mut frame = self.frame(&span.listed);
        frame.is_whole = counted.coverage.is_whole;
        let events = match counted.events {
            Some(events) => events,
            None => {
                let since = pages::since(&counted.times, filters);
                let answer = self.answer(&span, question(pages::events(filters, since))?, EVENTS_MAX + 1).await?;
                if let Some(ended) = &answer.coverage.ended {
                    frame.notes.push(format!("The events are not all that there are: {ended}."));
                }
                frame.is_whole &= answer.coverage.ended.is_none() && answer.coverage.unread_count == 0;
                answer.rows
            }
        };
        let outside = if events.is_empty() && filters.page() == 1 { self.outside(&span).await } else { None };
        let found = SearchFound {
            events: &events,
            facets: &counted.facets,
            times: &counted.times,
            from: span.from,
            to: span.to,
            outside: outside.as_deref(),
        };
        frame.coverage = Some(counted.coverage);
        Ok(pages::html(&frame, filters, &found)?)
    }

    /// Counts the values and the times of all events with one pass. Log files are read for the events of the page at
    /// the same time: reading them anew would take as long again.
    async fn counted(&self, span: &Span, filters: &Filters) -> Result<Counted, CliError> {
        let engine = self.engine(span)?;
        let together = |asked, rows_max| asked_together(asked, rows_max, filters.is_narrow());
        let times = pages::times(filters, span.from, span.to);
        let mut questions = vec![together(pages::facets(filters), COUNTS_MAX)?, together(times, COUNTS_MAX)?];
        if self.logs.lake.is_none() {
            questions.push(together(pages::events(filters, None), EVENTS_MAX + 1)?);
        }
        let mut answers = self.ask(&engine, questions).await?.into_iter();
        let mut next = || answers.next().map(|answer| answer.map_err(asked::failed)).transpose();
        let rows = |answer: Option<TogetherAnswer>| answer.map(|answer| answer.rows);
        let (facets, times, events) = (rows(next()?), rows(next()?), rows(next()?));
        let answered = Answered { now: span.listed.at, expected: self.logs.expected.as_ref() };
        let coverage = AnswerCoverage::of(engine.scans(), answered, None, String::new()).await;
        Ok(Counted { facets: facets.unwrap_or_default(), times: times.unwrap_or_default(), events, coverage })
    }

    async fn ask(
        &self,
        engine: &Arc<Engine>,
        questions: Vec<TogetherQuestion>,
    ) -> Result<Vec<together::Answered>, CliError> {
        tokio::select! {
            biased;
            ended = self.limits.over() => Err(too_long(ended)),
            answers = together::ask(Arc::clone(engine), questions) => answers.map_err(asked::failed),
        }
    }

    /// Says that the time lies outside of what the archive has logs of. `None`: it does not, or that is not known.
    async fn outside(&self, span: &Span) -> Option<String> {
        let (first, last) = tokio::time::timeout(PATIENCE, self.reach(span)).await.ok()??;
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        let where_it_is = match span.from {
            Some(from) if from > last => "after the last",
            _ if span.to < first => "before the first",
            _ => return None,
        };
        Some(format!(
            "The archive has logs of {} to {}: what is asked for lies {where_it_is} of them.",
            day(first),
            day(last)
        ))
    }

    /// Returns when the first and the last log file were made, or the first and the last event of a lake were.
    async fn reach(&self, span: &Span) -> Option<(Timestamp, Timestamp)> {
        let of_lake = match &self.logs.lake {
            Some(_) => span.listed.lake.as_ref()?.reach().await.ok()?,
            None => None,
        };
        let listing = match span.listed.archive.places() {
            [] => None,
            _ if of_lake.is_some() => None,
            _ => Some(span.listed.archive.list(&Window::default()).await),
        };
        let made = listing.iter().flat_map(|listing| listing.made.values().copied());
        let all: Vec<(Timestamp, Timestamp)> = made.chain(of_lake).collect();
        // A log file may lie a while behind its first event.
        let first = all.iter().map(|(first, _)| *first).min()?.checked_sub(SignedDuration::from_hours(1)).ok()?;
        Some((first, all.iter().map(|(_, last)| *last).max()?))
    }
}

fn asked_together(asked: Asked, rows_max: usize, is_of_few: bool) -> Result<TogetherQuestion, CliError> {
    Ok(TogetherQuestion {
        question: question(asked)?,
        rows_max,
        keeps_last: false,
        tally: Vec::new(),
        weight: None,
        is_of_few,
    })
}

/// Says that there is no page, as it took too long.
fn too_long(ended: Ended) -> CliError {
    CliError::new(format!("this page has no answer: {}", ended.text()))
        .hint("look at less time, at one account or region, or keep a lake (`orgtrail lake update`)")
}
