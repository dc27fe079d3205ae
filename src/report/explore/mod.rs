//! The pages of `orgtrail explore`: what is asked for them, and how they look. Every text is escaped by the template
//! engine, and bounded.
//!
//! - [`filters`]: what an address asks for.
//! - [`search`]: events, how often each value occurs, and when.
//! - [`event`]: one event.
//! - [`who`]: what is known of a resource, a person, a session or a key.
//! - [`sql`]: questions in SQL.

mod chart;
pub mod event;
pub mod filters;
mod pretty;
pub mod search;
pub mod sql;
pub mod who;

use serde_json::{Value, json};

use super::text::escape;
pub use super::text::html::PageError;
use super::text::html::render;
use crate::event::Record;
use crate::query::answer::AnswerCoverage;
use filters::{FROM, Filters, LAST, SPANS, TO};

/// The style of every page.
pub const STYLE: &str =
    concat!(include_str!("../../../templates/explore.css"), include_str!("../../../templates/pictures.css"));
const MESSAGE: &str = include_str!("../../../templates/explore-message.html.hbs");

/// The longest text of a record that is shown in a line, in characters.
const TEXT_MAX: usize = 300;

/// Tells, in SQL, that a record has no id.
pub const WITHOUT_ID: &str = "coalesce(event_id, '') = ''";

/// Returns the id by which an event is found: its own, else that of its bytes. `None`: it has none, and its record
/// cannot be read.
pub fn identity(event_id: &str, record: &str) -> Option<String> {
    if !event_id.is_empty() {
        return Some(event_id.to_owned());
    }
    Record::read(record).ok().map(|record| record.identity().into_owned())
}

/// What every page says beside its answer.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// When the archive was listed, RFC 3339.
    pub as_of: String,
    /// Where is looked: places, lake, accounts and regions that the program was started with.
    pub scope: String,
    /// How far back is looked where an address does not say, by the names of [`SPANS`].
    pub last: &'static str,
    /// What the answer covers. `None`: nothing was asked.
    pub coverage: Option<AnswerCoverage>,
    /// Whether all is known that was asked.
    pub is_whole: bool,
    /// What the answer covers beside the archive, and why there may be more.
    pub notes: Vec<String>,
}

/// Returns a page that says why there is no answer.
///
/// # Errors
/// When the template is wrong.
pub fn message(frame: &Frame, what: &str, causes: &[String], help: &[String]) -> Result<String, PageError> {
    let data = json!({
        "title": "No answer",
        "what": long(what),
        "causes": causes.iter().map(|cause| line(cause)).collect::<Vec<_>>(),
        "help": help.iter().map(|help| line(help)).collect::<Vec<_>>(),
    });
    page(MESSAGE, "", frame, data)
}

/// The longest message that is shown, in characters.
const MESSAGE_MAX: usize = 4_000;

/// Returns a message as it is shown, which has lines.
fn long(text: &str) -> Vec<String> {
    lines(&cut(text, MESSAGE_MAX))
}

/// Returns the lines of a text that has some: within a value that a template writes, a line end is shown as such.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| escape::terminal(line).into_owned()).collect()
}

/// Renders a page with what all pages have in common. `here` is its place in the navigation.
fn page(template: &str, here: &str, frame: &Frame, mut data: Value) -> Result<String, PageError> {
    let mut sentences: Vec<String> = frame.notes.clone();
    sentences.extend(frame.coverage.iter().flat_map(AnswerCoverage::sentences));
    let links = [("", "Events"), ("who", "Who did it"), ("sql", "SQL")];
    let link = |(name, title): &(&str, &str)| {
        let href = if name.is_empty() { "./" } else { name };
        json!({"href": href, "title": title, "is_here": *title == here})
    };
    let common = json!({
        "links": links.iter().map(link).collect::<Vec<_>>(),
        "version": env!("CARGO_PKG_VERSION"),
        "as_of": frame.as_of,
        "scope": shown(&frame.scope),
        "was_asked": frame.coverage.is_some(),
        "is_whole": frame.is_whole,
        "sentences": sentences.iter().map(|text| cut(&escape::terminal(text), MESSAGE_MAX)).collect::<Vec<_>>(),
    });
    if let (Value::Object(data), Value::Object(common)) = (&mut data, common) {
        data.extend(common);
    }
    render(template, &data)
}

/// Returns the fields of a form about the time.
fn time_fields(filters: &Filters, frame: &Frame) -> Value {
    let has_range = filters.get(FROM).is_some() || filters.get(TO).is_some();
    let last = filters.get(LAST).unwrap_or(frame.last);
    let span = |(name, words, _): &(&str, &str, Option<i64>)| json!({"name": name, "words": words, "is_chosen": !has_range && *name == last});
    json!({
        "spans": SPANS.iter().map(span).collect::<Vec<_>>(),
        "from": filters.get(FROM).unwrap_or_default(),
        "to": filters.get(TO).unwrap_or_default(),
    })
}

/// Returns a message as it is shown in a paragraph.
fn line(text: &str) -> String {
    cut(&escape::terminal(text), MESSAGE_MAX)
}

/// Returns a text as it is shown in a line.
fn shown(text: &str) -> String {
    cut(&escape::terminal(text), TEXT_MAX)
}

/// Cuts a text off behind some characters, and says so.
fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
