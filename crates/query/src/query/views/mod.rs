//! The three views of the same events: our own names, those of Athena's documentation, and those of CloudTrail Lake.

use crate::columns::athena;
use crate::columns::column::{Column, Kind};

mod lake;

/// A table over the events.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
    /// The column of the event's time, typed or as text: what a window of time is read from.
    pub time: &'static str,
    /// The column of the account whose folder a log file lies in. `None`: it has none, so that no condition of a
    /// question says which folders it needs.
    pub account: Option<&'static str>,
    /// The column of the region whose folder it lies in. `None`: it has none.
    pub region: Option<&'static str>,
    /// Whose names these are.
    pub about: &'static str,
}

/// Every view.
pub const VIEWS: [View; 3] = [
    View {
        name: "events",
        columns: crate::columns::events::COLUMNS,
        time: "event_time",
        account: Some("account"),
        region: Some("region"),
        about: "one row an event, with typed columns and the record as delivered",
    },
    View {
        name: "cloudtrail_logs",
        columns: athena::COLUMNS,
        time: "eventtime",
        account: Some("account"),
        region: Some("region"),
        about: "the columns of the table in Athena's documentation, lower case, times and parameters as text",
    },
    View {
        name: "cloudtrail_lake",
        columns: lake::COLUMNS,
        time: "eventtime",
        account: None,
        region: None,
        about: "the columns of an event data store of CloudTrail Lake",
    },
];

impl View {
    /// Returns the view of a name, in any case.
    pub fn named(name: &str) -> Option<&'static View> {
        VIEWS.iter().find(|view| view.name.eq_ignore_ascii_case(name))
    }

    /// Tells whether the time is a text.
    pub fn has_text_time(&self) -> bool {
        self.columns.iter().any(|column| column.name == self.time && matches!(column.kind, Kind::Text))
    }
}
