//! One event: its fields, what it leads to, and the record as it was delivered.

use serde_json::{Value, json};

use super::filters::{ACTOR, Filters, OUTCOME};
use super::pretty::pretty;
use super::{Frame, PageError, WITHOUT_ID, lines, page, shown};
use crate::event::EventId;
use crate::query::answer::Cell;

const PAGE_TEMPLATE: &str = include_str!("../../../templates/explore-event.html.hbs");

/// The most records of one id: deliveries of the same record, and those of other accounts.
pub const RECORDS_MAX: usize = 10;
/// How much of a record is shown, in bytes. CloudTrail's own have at most 256 KB.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// A field that is shown: its column in SQL, its title, and the name of the facet that it leads to; empty: none.
type Shown = (&'static str, &'static str, &'static str);

/// The fields, behind the record.
const FIELDS: [Shown; 24] = [
    ("event_time", "Time", ""),
    (OUTCOME, "Outcome", "outcome"),
    ("error_code", "Error", "error"),
    ("error_message", "Message", ""),
    ("event_source", "Service", "service"),
    ("event_name", "Event", "event"),
    ("event_type", "Kind", ""),
    ("event_category", "Category", ""),
    ("account", "Account", "account"),
    ("region", "Region", "region"),
    (ACTOR, "Actor", "actor"),
    ("identity_type", "Kind of actor", ""),
    ("user_arn", "Caller", ""),
    ("access_key_id", "Access key", ""),
    ("mfa_authenticated", "MFA", ""),
    ("source_identity", "Source identity", ""),
    ("session_created", "Session began", ""),
    ("invoked_by", "Invoked by", ""),
    ("source_ip", "Source", "source"),
    ("user_agent", "Program (a claim)", ""),
    ("tls_version", "TLS", ""),
    ("shared_event_id", "Shared event id", ""),
    ("event_id", "Event id", ""),
    ("object_key", "Log file", ""),
];

/// Returns the question for the records of an id. `unnamed` is the record without an id of its own that has this one;
/// `None`: the id is that of a record, or no record has it.
pub fn records(filters: &Filters, unnamed: Option<String>) -> super::search::Asked {
    let columns = FIELDS.map(|(sql, ..)| sql).join(", ");
    let id = filters.get("id").unwrap_or_default();
    let (condition, values) = match (unnamed, EventId::read(id)) {
        (Some(record), _) => (format!("{WITHOUT_ID} AND record = $record"), vec![("record", record)]),
        (None, Ok(EventId::Uuid(lower))) => {
            let upper = lower.to_ascii_uppercase();
            ("event_id IN ($lower, $upper)".to_owned(), vec![("lower", lower), ("upper", upper)])
        }
        (None, _) => ("event_id = $id".to_owned(), vec![("id", id.to_owned())]),
    };
    (format!("SELECT record, {columns} FROM events WHERE {condition} LIMIT {RECORDS_MAX}"), values)
}

/// A resource that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// Its ARN, else its id, else its name.
    pub text: String,
}

/// Returns the page. `resources` has those that each record names.
///
/// # Errors
/// When the template is wrong.
pub fn html(
    frame: &Frame,
    filters: &Filters,
    rows: &[Vec<Cell>],
    resources: &[Vec<NamedResource>],
) -> Result<String, PageError> {
    let id = filters.get("id").unwrap_or_default();
    let is_digest = matches!(EventId::read(id), Ok(EventId::Digest(_)));
    let none = Vec::new();
    let all = rows.iter().enumerate().map(|(at, row)| record(row, id, at + 1, resources.get(at).unwrap_or(&none)));
    let data = json!({
        "title": "Event",
        "id": shown(id),
        "records": all.collect::<Vec<_>>(),
        "has_several": rows.len() > 1 && !is_digest,
        "is_unnamed": !rows.is_empty() && is_digest,
        // A time of the address that is wrong must not hide the event.
        "everywhere": filters.get("at").map(|_| Filters::default().with("id", id).address("event")),
    });
    page(PAGE_TEMPLATE, "", frame, data)
}

fn record(row: &[Cell], id: &str, number: usize, resources: &[NamedResource]) -> Value {
    let text = |title: &str| {
        let at = FIELDS.iter().position(|(_, own, _)| *own == title)?;
        row.get(at + 1).map(Cell::text).filter(|text| !text.is_empty())
    };
    let field = |(at, (_, title, facet)): (usize, &Shown)| {
        let value = row.get(at + 1).map(Cell::text).filter(|text| !text.is_empty())?;
        let href = (!facet.is_empty()).then(|| Filters::default().with(facet, value).address(""));
        Some(json!({"title": title, "value": shown(value), "href": href}))
    };
    let who = |kind: &str, subject: &str| Filters::default().with("kind", kind).with("subject", subject).address("who");
    let caller = text("Caller").filter(|arn| arn.contains(":assumed-role/"));
    let mut leads = Vec::new();
    let mut lead = |title: &str, href: String| leads.push(json!({"title": title, "href": href}));
    lead("Who stands behind this call", who("event", id));
    if let Some(arn) = caller {
        lead("What this session did, and who it was", who("session", arn));
    }
    if let Some(key) = text("Access key") {
        lead("What was signed with this key, and whose it is", who("key", key));
    }
    if let Some(actor) = text("Actor") {
        lead("What else this actor did", who("activity", actor));
    }
    let delivered = row.first().map_or("", Cell::text);
    let (pretty, is_cut) = pretty(delivered, RECORD_BYTES_MAX);
    json!({
        "number": number,
        "name": shown(text("Event").unwrap_or("not recorded")),
        "outcome": text("Outcome").unwrap_or_default(),
        "fields": FIELDS.iter().enumerate().filter_map(field).collect::<Vec<_>>(),
        "leads": leads,
        "resources": resources.iter().map(|own| {
            let subject = if own.text.starts_with("arn:") { own.text.clone() } else { format!("{} {}", own.resource_type, own.text) };
            json!({"type": own.resource_type, "text": shown(&own.text), "href": who("resource", &subject)})
        }).collect::<Vec<_>>(),
        "record": lines(&pretty),
        "is_cut": is_cut,
        "bytes": crate::words::size(delivered.len() as u64),
    })
}
