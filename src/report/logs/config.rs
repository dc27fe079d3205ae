//! The part of coverage that is about AWS Config: sentences, table, and its JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::table::Table;
use crate::logs::coverage::{ConfigArrival, ConfigRow};
use crate::report::text::words::{count, grouped};

/// What AWS Config delivers for one account and region.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigRowJson<'a> {
    /// The account id.
    account: &'a str,
    /// The name of the account; null where it is not known.
    name: Option<&'a str>,
    /// The region.
    region: &'a str,
    /// `arriving`, `quiet`, `unconfirmed`, `failing`, `elsewhere`, `off`, `seen` or `unread`.
    state: &'static str,
    /// Where the delivery channel leads, or where objects lie: `s3://BUCKET/PREFIX`; empty where there is none.
    place: &'a str,
    /// When the newest object of the range was written (RFC 3339); null where there is none.
    newest: Option<String>,
    /// How many objects there are on the newest day that has some.
    objects: u64,
    /// What a person should know; null where the state says it all.
    note: Option<&'a str>,
}

impl<'a> ConfigRowJson<'a> {
    /// Returns the JSON shape of a row.
    pub(super) fn of(row: &'a ConfigRow) -> Self {
        let ConfigRow { account, name, region, arrival, place, newest, objects, note } = row;
        Self {
            account: account.as_str(),
            name: name.as_deref(),
            region: region.as_str(),
            state: arrival.as_str(),
            place,
            newest: newest.map(|newest| newest.to_string()),
            objects: *objects,
            note: note.as_deref(),
        }
    }
}

/// Returns the sentence that counts the rows.
pub(super) fn headline(rows: &[ConfigRow]) -> String {
    let of = |state: ConfigArrival| rows.iter().filter(|row| row.arrival == state).count();
    let counts = ConfigArrival::ALL.map(|state| (of(state), state.as_str()));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", grouped(*number)))
        .collect();
    if counts.is_empty() {
        return "AWS Config: nothing is there, and no recorder is known".to_owned();
    }
    format!("AWS Config: {} (account x region): {}", count(rows.len(), "row"), counts.join(", "))
}

/// Returns what a person should know of each row that is not well, with the place that it is about.
pub(super) fn notes(rows: &[ConfigRow]) -> Vec<String> {
    let is_told = |row: &&ConfigRow| row.arrival.is_unknown() || row.arrival == ConfigArrival::Failing;
    let note = |row: &ConfigRow| {
        let note = row.note.as_deref().unwrap_or_default();
        format!("{}: {} {}: {note}", row.arrival.as_str(), row.account, row.region)
    };
    rows.iter().filter(is_told).map(note).collect()
}

/// The columns of the table.
pub(super) const COLUMNS: [&str; 6] = ["state", "account", "region", "place", "newest", "note"];
/// Those of a terminal, where notes stand below.
const SHORT: [&str; 5] = ["state", "account", "region", "place", "newest"];

/// Returns the table of the rows.
pub(super) fn table(rows: &[ConfigRow]) -> Table {
    Table { columns: &COLUMNS, rows: rows.iter().map(|row| cells(row).to_vec()).collect() }
}

/// Returns the table of the rows for a terminal.
pub(super) fn short_table(rows: &[ConfigRow]) -> Table {
    Table { columns: &SHORT, rows: rows.iter().map(|row| cells(row)[..SHORT.len()].to_vec()).collect() }
}

/// Returns the cells of a row, in the order of the columns.
pub(super) fn cells(row: &ConfigRow) -> [String; 6] {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let name = row.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    [
        row.arrival.as_str().to_owned(),
        format!("{}{name}", row.account),
        row.region.to_string(),
        or_none(&row.place),
        row.newest.map_or("-".to_owned(), |newest| newest.to_string()),
        or_none(row.note.as_deref().unwrap_or_default()),
    ]
}

/// Says what the words of the states mean.
pub(super) const MEANING: &str = "Of AWS Config, arriving: the newest object is less than a day old. quiet: the recorder is on, and nothing newer is \
     there or was delivered, because nothing changed. unconfirmed: AWS Config tells of a delivery that is not there. \
     failing: it cannot record or deliver. elsewhere: it delivers into a bucket that was not looked at. off: no recorder \
     is on. seen: objects are there, and whether some should be is not known. unread: it could not be asked or listed.";
