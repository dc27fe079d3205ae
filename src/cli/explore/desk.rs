//! Makes the pages: asks for each what it shows, within limits, over a listing of the archive that is kept for a while.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::super::asked::{self, AskedArgs, AskedLogs, RunLimits};
use super::super::failure::CliError;
use super::super::logs::time;
use super::super::query;
use super::super::who::{self, WhoArgs, WhoSource};
use super::ExploreArgs;
use crate::archive::listing::Archive;
use crate::event::{EventId, Record};
use crate::explorer::{Document, PAGES_AT_ONCE, Site};
use crate::investigation::search::Search;
use crate::lake::reading::Lake;
use crate::query::answer::{Answered, Bounds, Cell, Ended, QueryAnswer, Question};
use crate::query::engine::Engine;
use crate::query::prepared::Prepared;
use crate::report::explore::event::{self, NamedResource};
use crate::report::explore::filters::{FROM, Filters, LAST, SPANS, TO};
use crate::report::explore::search::Asked;
use crate::report::explore::{self as pages, Frame, PageError, sql, who as who_pages};
use crate::resource_types::ResourceTypes;

/// How long a listing is taken for the present. Then it is made anew: logs go on to be delivered.
const LISTED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long a page is worked on unless the user says otherwise.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(1);
/// Parts of a page that use memory at the same time: the pass over the events, and what is made of them.
const PARTS_AT_ONCE: u64 = 2;
/// How far back is looked where neither the user nor an address says it.
const LAST_SPAN: &str = "7d";
/// The same where the user says from when on: all of that.
const ALL: &str = "all";
/// How far around an event is looked for it, when its time is known.
const AROUND: SignedDuration = SignedDuration::from_secs(1);
/// The most bytes of the rows of one answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Resources of a record that are named.
const RESOURCES_MAX: usize = 50;

/// What the pages are made from.
pub(super) struct Desk {
    pub(super) asked: AskedArgs,
    /// What a page may take; its memory is that of all pages.
    pub(super) limits: RunLimits,
    pub(super) logs: AskedLogs,
    listed: Mutex<Listed>,
    prepared: Vec<Prepared>,
    types: ResourceTypes,
    scope: String,
    pub(super) last: &'static str,
}

/// The archive as it was listed.
#[derive(Clone)]
pub(super) struct Listed {
    pub archive: Arc<Archive>,
    /// The lake, which keeps what it had. `None`: log files only.
    pub lake: Option<Lake>,
    pub at: Timestamp,
}

/// What was asked for a page: the engine's options, and the time in them.
pub(super) struct Span {
    asked: AskedArgs,
    /// The first moment. `None`: from the beginning of the archive.
    pub from: Option<Timestamp>,
    /// The last moment.
    pub to: Timestamp,
    pub listed: Listed,
}

/// Why a page is not there.
pub(super) enum Failure {
    Cli(CliError),
    Page(PageError),
    Missing,
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Self::Cli(error)
    }
}

impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl Desk {
    pub(super) fn new(
        args: &ExploreArgs,
        logs: AskedLogs,
        archive: Archive,
        prepared: Vec<Prepared>,
    ) -> Result<Self, CliError> {
        let mut asked = args.asked.clone();
        asked.timeout = Some(asked.timeout.unwrap_or(TIMEOUT));
        let limits = RunLimits::of(&asked);
        let share = PAGES_AT_ONCE as u64 * PARTS_AT_ONCE;
        asked::must_have_memory(&args.asked, share)?;
        asked.max_memory = Some(limits.memory_bytes / share);
        // The window of the command itself must be one.
        asked::window(&asked, Timestamp::now())?;
        let has_time = asked.from.is_some() || asked.to.is_some() || asked.days.is_some();
        Ok(Self {
            scope: scope(&asked, &logs),
            last: if has_time { ALL } else { LAST_SPAN },
            asked,
            limits,
            listed: Mutex::new(Listed {
                archive: Arc::new(archive),
                lake: logs.lake.clone().map(Lake::keeping),
                at: logs.around.now,
            }),
            logs,
            prepared,
            types: ResourceTypes::built_in().map_err(|errors| CliError::new(errors.to_string()))?,
        })
    }

    /// Returns the archive as it was listed, and lists it anew where that is long ago or asked for.
    fn listed(&self, anew: bool) -> Listed {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        if anew || now.duration_since(listed.at) > LISTED_FOR {
            let old = &listed.archive;
            let archive = Archive::new(old.places().to_vec(), old.late()).keeping();
            let lake = self.logs.lake.clone().map(Lake::keeping);
            *listed = Listed { archive: Arc::new(archive), lake, at: now };
        }
        listed.clone()
    }

    /// Returns what is asked for an address, within what the command itself was asked for.
    pub(super) fn span(&self, filters: &Filters, default: &str) -> Result<Span, CliError> {
        let listed = self.listed(false);
        let read = |name: &str| filters.get(name).map(time).transpose().map_err(CliError::new);
        let (mut from, mut to) = (read(FROM)?, read(TO)?);
        if from.is_none() && to.is_none() {
            let last = filters.get(LAST).unwrap_or(default);
            let hours = SPANS.iter().find(|(name, ..)| *name == last).and_then(|(_, _, hours)| *hours);
            from = hours.and_then(|hours| listed.at.checked_sub(SignedDuration::from_hours(hours)).ok());
        }
        let own = asked::window(&self.asked, listed.at)?;
        from = from.into_iter().chain(own.from).max();
        to = to.into_iter().chain(own.to).min();
        let asked = AskedArgs { from, to, days: None, ..self.asked.clone() };
        asked::window(&asked, listed.at)?;
        Ok(Span { asked, from, to: to.unwrap_or(listed.at), listed })
    }

    pub(super) fn frame(&self, listed: &Listed) -> Frame {
        Frame {
            as_of: listed.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            scope: self.scope.clone(),
            last: self.last,
            ..Frame::default()
        }
    }

    pub(super) fn engine(&self, span: &Span) -> Result<Arc<Engine>, CliError> {
        let archive = Arc::clone(&span.listed.archive);
        asked::engine(&span.asked, archive, span.listed.lake.clone(), span.listed.at).map(Arc::new)
    }

    pub(super) async fn answer(&self, span: &Span, question: Question, rows: usize) -> Result<QueryAnswer, CliError> {
        let answered = Answered { now: span.listed.at, expected: self.logs.expected.as_ref() };
        let bounds = Bounds { rows, bytes: ANSWER_BYTES_MAX, keeps_types: false };
        let stop = self.limits.over();
        let found = AtomicUsize::new(0);
        let answer = QueryAnswer::of(self.engine(span)?, question, answered, bounds, &found, stop);
        answer.await.map_err(asked::failed)
    }

    async fn page_of(&self, path: &str, filters: &Filters) -> Result<String, Failure> {
        match path {
            "" => self.search(filters).await,
            "again" => {
                self.listed(true);
                self.search(filters).await
            }
            "event" => self.event(filters).await,
            "who" => self.who(filters).await,
            "sql" => self.sql(filters).await,
            _ => Err(Failure::Missing),
        }
    }

    async fn event(&self, filters: &Filters) -> Result<String, Failure> {
        let at = filters.get("at").and_then(|at| at.parse::<Timestamp>().ok());
        let around = at.and_then(|at| Some((at.checked_sub(AROUND).ok()?, at.checked_add(AROUND).ok()?)));
        let narrowed = match around {
            Some((from, to)) => Filters::default().with(FROM, &from.to_string()).with(TO, &to.to_string()),
            None => Filters::default(),
        };
        let span = self.span(&narrowed, ALL)?;
        let (unnamed, ended) = self.unnamed(&span, filters.get("id").unwrap_or_default()).await?;
        let answer = self.answer(&span, question(event::records(filters, unnamed))?, event::RECORDS_MAX).await?;
        let resources: Vec<Vec<NamedResource>> = answer.rows.iter().map(|row| self.named(row)).collect();
        let mut frame = self.frame(&span.listed);
        frame.is_whole = answer.coverage.is_whole && ended.is_none();
        frame
            .notes
            .extend(ended.map(|ended| format!("Not all records without an id were looked at: {}.", ended.text())));
        frame.coverage = Some(answer.coverage);
        Ok(event::html(&frame, filters, &answer.rows, &resources)?)
    }

    /// Returns the record without an id of its own that has an id, and why not all of them were looked at.
    async fn unnamed(&self, span: &Span, id: &str) -> Result<(Option<String>, Option<Ended>), CliError> {
        let Ok(id @ EventId::Digest(_)) = EventId::read(id) else { return Ok((None, None)) };
        let (engine, search) = (self.engine(span)?, Search::Event(id).in_sql());
        // Deliveries of the same bytes are the same event.
        let bounds = Bounds { rows: event::RECORDS_MAX, bytes: ANSWER_BYTES_MAX, keeps_types: false };
        let (found, stop) = (AtomicUsize::new(0), self.limits.over());
        let found = search.run(&engine, bounds, &found, stop).await.map_err(asked::failed)?;
        Ok((found.records.into_iter().next(), found.ended))
    }

    /// Returns the resources that a record names.
    fn named(&self, row: &[Cell]) -> Vec<NamedResource> {
        let Some(Ok(record)) = row.first().map(|cell| Record::read(cell.text())) else { return Vec::new() };
        let reader = self.types.reader();
        let all = reader.named_by(&record).into_iter().filter(|own| !own.text.is_empty()).take(RESOURCES_MAX);
        all.map(|own| NamedResource {
            text: reader.arn(&record, &own).unwrap_or(own.text),
            resource_type: own.resource_type,
        })
        .collect()
    }

    async fn who(&self, filters: &Filters) -> Result<String, Failure> {
        let span = self.span(filters, ALL)?;
        let mut frame = Frame { last: ALL, ..self.frame(&span.listed) };
        let Some(subject) = filters.get("subject") else { return Ok(who_pages::html(&frame, filters, None)?) };
        let args = who_args(filters.get("kind").unwrap_or_default(), subject, &span.asked);
        let stop: Shared<BoxFuture<'static, Ended>> = self.limits.over().boxed().shared();
        let answer = who::of_archive(self.engine(&span)?, &args, &self.logs, span.listed.at, stop).await?;
        frame.is_whole = answer.is_whole();
        frame.coverage.clone_from(&answer.coverage);
        Ok(who_pages::html(&frame, filters, Some(&answer))?)
    }

    async fn sql(&self, filters: &Filters) -> Result<String, Failure> {
        let span = self.span(&Filters::default(), ALL)?;
        let mut frame = self.frame(&span.listed);
        let answer = match filters.get(sql::ASK) {
            None => None,
            Some(_) => Some(match self.asked_in_sql(filters) {
                Ok(question) => self.answer(&span, question, sql::ROWS_MAX).await,
                Err(error) => Err(error),
            }),
        };
        let answer = answer.map(|answer| answer.map_err(|error| no_answer(&error)));
        if let Some(Ok(answer)) = &answer {
            frame.is_whole = answer.coverage.is_whole;
            frame.coverage = Some(answer.coverage.clone());
        }
        Ok(sql::html(&frame, filters, &self.prepared, answer.as_ref())?)
    }

    fn asked_in_sql(&self, filters: &Filters) -> Result<Question, CliError> {
        if let Some(name) = filters.get(sql::NAME) {
            let own = self.prepared.iter().find(|own| own.name == name);
            let own = own.ok_or_else(|| CliError::new("there is no question of this name"))?;
            let given = filters.below(sql::PARAMETER);
            let bad = |error: crate::query::prepared::ValueError| {
                CliError::new(error.to_string().replace("--param ", "")).hint("fill in the fields above")
            };
            let values = own.values(&given).map_err(bad)?;
            return Ok(Question { sql: own.sql.clone(), values, cannot_see: own.cannot_see.clone() });
        }
        query::plain(filters.whole(sql::SQL).unwrap_or_default(), &[])
            .map_err(|error| CliError { what: error.what.replace("--param ", ""), ..error })
    }

    fn failed(&self, failure: &Failure) -> Document {
        let frame = self.frame(&self.listed(false));
        let (status, page) = match failure {
            Failure::Missing => (StatusCode::NOT_FOUND, pages::message(&frame, "There is no such page.", &[], &[])),
            Failure::Page(error) => {
                tracing::error!(%error, "a page could not be written");
                let what = "The page could not be written; the terminal says why.";
                (StatusCode::INTERNAL_SERVER_ERROR, pages::message(&frame, what, &[], &[]))
            }
            Failure::Cli(error) => {
                (StatusCode::BAD_REQUEST, pages::message(&frame, &error.what, &error.causes, help(error)))
            }
        };
        Document::html(status, page.unwrap_or_else(|_| "the page could not be written".to_owned()))
    }
}

impl Site for Desk {
    fn at_hand(&self, path: &str) -> Option<Document> {
        let css = "text/css; charset=utf-8";
        let style = || Document { status: StatusCode::OK, content_type: css, body: pages::STYLE.to_owned() };
        (path == "style.css").then(style)
    }

    async fn page(&self, path: &str, query: &str) -> Document {
        let page = self.page_of(path, &Filters::of(query)).boxed().await;
        match page {
            Ok(page) => Document::html(StatusCode::OK, page),
            Err(failure) => self.failed(&failure),
        }
    }
}

/// Returns what to do next; nothing where it is not known.
fn help(error: &CliError) -> &[String] {
    if error.hint.is_empty() { &[] } else { std::slice::from_ref(&error.hint) }
}

fn no_answer(error: &CliError) -> sql::NoAnswer {
    sql::NoAnswer { what: error.what.clone(), help: error.causes.iter().chain(help(error)).cloned().collect() }
}

/// Returns a question whose values are bound.
pub(super) fn question((sql, values): Asked) -> Result<Question, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(error.to_string());
    let prepared = Prepared::of_file("the question", &sql).map_err(|error| failed(&error))?;
    let values = prepared.values(&values).map_err(|error| failed(&error))?;
    Ok(Question { sql: prepared.sql, values, cannot_see: String::new() })
}

/// Returns a question of a page as `who` takes it.
fn who_args(kind: &str, subject: &str, asked: &AskedArgs) -> WhoArgs {
    let subject = subject.to_owned();
    let mut args = WhoArgs {
        subject: Vec::new(),
        access_key: None,
        session: None,
        event: None,
        what_else: None,
        still_there: None,
        last_used: None,
        used_actions: None,
        deleted: false,
        aws_config: false,
        resources: Vec::new(),
        source: Some(WhoSource::Archive),
        asked: asked.clone(),
    };
    match kind {
        "activity" => args.what_else = Some(subject),
        "session" => args.session = Some(subject),
        "key" => args.access_key = Some(subject),
        "event" => args.event = Some(subject),
        "remains" => args.still_there = Some(subject),
        "last-used" => args.last_used = Some(subject),
        "actions" => args.used_actions = Some(subject),
        _ => args.subject = vec![subject],
    }
    args
}

/// Says where is looked.
fn scope(asked: &AskedArgs, logs: &AskedLogs) -> String {
    let lake = logs.lake.as_ref().map(|lake| format!("lake {}", lake.store.name()));
    let named = |one: &str, all: Vec<String>| (!all.is_empty()).then(|| format!("{one} {}", all.join(", ")));
    let parts = [
        lake,
        named("logs of", logs.places.clone()),
        named("account", asked.account.iter().map(ToString::to_string).collect()),
        named("region", asked.region.iter().map(ToString::to_string).collect()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
