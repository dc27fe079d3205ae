//! Any records in any log files: the answer has each event once, byte for byte, and a window of time loses none.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::window::Window;
use proptest::prelude::*;

#[path = "support/events.rs"]
mod support;

use support::{ACCOUNTS, CONDITIONS, DAYS, Event, archive, begin, condition, events, write};

fn ask(folder: &Path, sql: &str) -> Vec<String> {
    ask_in(folder, sql, Window::default())
}

fn ask_in(folder: &Path, sql: &str, window: Window) -> Vec<String> {
    support::ask(archive(folder), None, sql, window).0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_there_once_and_byte_for_byte(events in events()) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let mut expected: Vec<String> = events.iter().flat_map(Event::records).collect();
        let mut found = ask(folder.path(), "SELECT record FROM events");
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_window_reads_every_file_that_has_one_of_its_events(
        events in events(),
        from in 0..DAYS * 24 * 60,
        length in 1..24 * 60_i64,
        view in 0..6_usize,
        account in 0..ACCOUNTS.len(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let (from, to) = (from, from + length);
        let at = |minutes: i64| begin() + SignedDuration::from_mins(minutes);
        let (a, b, own) = (at(from), at(to), ACCOUNTS[account]);
        let plain = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let sql = match view {
            0 => format!("SELECT event_id FROM events WHERE event_time >= '{a}' AND event_time < '{b}' AND account = '{own}'"),
            1 => format!("SELECT eventid FROM cloudtrail_logs WHERE eventtime >= '{a}' AND eventtime < '{b}' AND account = '{own}'"),
            2 => format!(
                "SELECT eventID FROM cloudtrail_lake WHERE eventTime >= '{}' AND eventTime < '{}' AND recipientAccountId = '{own}'",
                plain(a), plain(b)
            ),
            3 => format!("SELECT event_id FROM events WHERE '{b}' > event_time AND NOT (event_time < '{a}') AND account IN ('{own}')"),
            4 => format!(
                "WITH e AS (SELECT * FROM events WHERE account = '{own}') SELECT event_id FROM e \
                 WHERE (event_time >= timestamp '{}' OR event_name = 'X') AND event_time < timestamp '{}'",
                plain(a), plain(b)
            ),
            _ => format!(
                "SELECT event_id FROM events WHERE account = '{own}' AND \
                 CASE WHEN event_time < '{a}' THEN false ELSE event_time < '{b}' END"
            ),
        };
        let wanted = events.iter().filter(|event| {
            event.account == account && (a..b).contains(&event.time())
        });
        let expected: BTreeSet<String> = wanted.map(|event| format!("{:08}", event.id)).collect();
        let found: BTreeSet<String> = ask(folder.path(), &sql).into_iter().collect();
        prop_assert_eq!(found, expected, "{}", sql);
    }

    #[test]
    fn no_condition_leaves_out_a_file_that_the_same_condition_needs_where_it_cannot_choose_files(
        events in events(),
        form in 0..CONDITIONS.len(),
        a in 0..DAYS * 24 * 60,
        b in 0..DAYS * 24 * 60,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let (view, id, condition) = condition(form, a, b);
        let ask_sorted = |condition: &str| {
            let mut found = ask(folder.path(), &format!("SELECT {id} FROM {view} WHERE {condition}"));
            found.sort();
            found
        };
        prop_assert_eq!(ask_sorted(&condition), ask_sorted(&format!("({condition}) OR random() < -1")), "{}", condition);
    }

    #[test]
    fn the_time_that_is_asked_for_beside_a_question_is_that_of_its_rows(
        events in events(),
        from in 0..DAYS * 24 * 60,
        length in 1..24 * 60_i64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(&events, folder.path());
        let at = |minutes: i64| begin() + SignedDuration::from_mins(minutes);
        let window = Window { from: Some(at(from)), to: Some(at(from + length)), ..Window::default() };
        let inside = |event: &&Event| (at(from)..at(from + length)).contains(&event.time());
        let expected: usize = events.iter().filter(inside).map(|event| event.records().len()).sum();
        let found = ask_in(folder.path(), "SELECT record FROM events", window);
        prop_assert_eq!(found.len(), expected);
    }
}
