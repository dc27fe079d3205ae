//! What an answer of Athena covers: that of the lake, as far as the table can be shown to be the lake's. Athena sees
//! the slots of the lake and no log file that came later.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Date;
use orgtrail_archive::archive::listing::Archive;
use orgtrail_archive::archive::window::Window;

use super::super::answer::{AnswerCoverage, Answered, AthenaCoverage, Ended};
use super::super::error::QueryError;
use super::super::scan::{Scans, Tally};
use super::question::TableName;
use crate::lake::layout::{EVENTS, untimed};
use crate::lake::reading::Lake;

/// What is known of a lake, before Athena is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeKnown {
    /// Where it lies: `s3://BUCKET/PREFIX/`.
    place: String,
    /// What it has of the window.
    coverage: AnswerCoverage,
    /// The first day that it has events of. `None`: it has none.
    first_day: Option<Date>,
    /// A file among its slots that is none of them. `None`: there is none.
    foreign: Option<String>,
}

/// How often a lake is read that is written meanwhile.
const ATTEMPTS: u32 = 3;

impl LakeKnown {
    /// Reads what a lake has of a window. Log files are looked for in its ledgers up to `late` behind it.
    ///
    /// # Errors
    /// Where the lake cannot be read.
    pub async fn read(
        lake: Lake,
        window: &Window,
        late: SignedDuration,
        answered: Answered<'_>,
    ) -> Result<Self, QueryError> {
        let place = lake.store.name();
        let scans = Scans {
            archive: Arc::new(Archive::new(Vec::new(), late)),
            lake: Some(lake),
            asked: window.clone(),
            bytes_max: None,
            tally: Tally::default(),
            needs: tokio::sync::Mutex::default(),
        };
        let mut attempt = 0;
        let needs = loop {
            attempt += 1;
            match scans.needs(window).await {
                Err(QueryError::Rewritten(_)) if attempt < ATTEMPTS => {}
                needs => break needs?,
            }
        };
        let mut coverage = AnswerCoverage::of(&scans, answered, None, String::new()).await;
        if let Some(lake) = &mut coverage.lake {
            lake.slots = needs.slots.len() as u64;
            lake.bytes = needs.slots.iter().map(|slot| slot.size_bytes).sum();
        }
        let first_day = needs.slots.iter().map(|slot| slot.id.day).filter(|day| *day != untimed()).min();
        let foreign = needs.lake.as_ref().and_then(|own| own.foreign.first().cloned());
        Ok(Self { place, coverage, first_day, foreign })
    }

    /// Says why a table is not shown to be this lake's, as `lake ddl --engine athena` makes it. `parameters` are what
    /// Athena says of the table. `None`: it is.
    pub fn why_not(&self, table: &TableName, parameters: &BTreeMap<String, String>) -> Option<String> {
        // Athena reads every file below a day.
        if let Some(foreign) = &self.foreign {
            let foreign = shown(foreign);
            return Some(format!(
                "{foreign} lies among the events of the lake and is none of its files: Athena reads it too"
            ));
        }
        let folder = format!("{}{EVENTS}", self.place);
        let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
        let trimmed = |text: &str| text.trim_end_matches('/').to_owned();
        // Where the days are worked out, Athena reads what the template says; the location says the same.
        if let Some(location) = parameters.get("location").filter(|own| trimmed(own) != trimmed(&folder)) {
            let location = shown(location);
            return Some(format!("the table {table} lies at {location}, and the lake's events lie at {folder}"));
        }
        let template = trimmed(parameter("storage.location.template"));
        let projected = parameter("projection.enabled").eq_ignore_ascii_case("true")
            && parameter("projection.day.type") == "date"
            && parameter("projection.day.format") == "yyyy-MM-dd"
            && matches!(parameter("projection.day.interval"), "" | "1")
            && matches!(parameter("projection.day.interval.unit"), "" | "DAYS")
            && !parameters.keys().any(|name| is_of_another_key(name))
            && template == format!("{folder}day=${{day}}");
        if !projected {
            return Some(format!(
                "Athena does not work out the days of the table {table} as those that `orgtrail lake ddl` makes, so that \
                 days may be missing"
            ));
        }
        let range = parameter("projection.day.range");
        let (first, last) = range.split_once(',').unwrap_or((range, ""));
        if last.trim() != "NOW" {
            return Some(format!("the days of the table {table} end with {}, and not today", shown(last)));
        }
        let (Ok(first), Some(own)) = (first.trim().parse::<Date>(), self.first_day) else {
            return self.first_day.map(|_| format!("the days of the table {table} begin with {}", shown(first)));
        };
        (own < first)
            .then(|| format!("the days of the table {table} begin with {first}, and those of the lake with {own}"))
    }

    /// Returns what it has of the window.
    fn into_coverage(self) -> AnswerCoverage {
        self.coverage
    }
}

/// Tells whether a parameter works out another partition key than the day, or has lines of files passed over.
fn is_of_another_key(name: &str) -> bool {
    let of_key = name.strip_prefix("projection.").filter(|rest| *rest != "enabled");
    of_key.is_some_and(|rest| !rest.starts_with("day.")) || name.starts_with("skip.")
}

/// Returns other people's text in one line, bounded.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(200).collect();
    format!("{short:?}")
}

/// Returns what an answer covers. `known`: what the lake has, where its table is all that was read, else why that is
/// not known.
pub fn of(
    athena: AthenaCoverage,
    known: Result<LakeKnown, String>,
    ended: Option<Ended>,
    cannot_see: String,
    needs_no_events: bool,
) -> AnswerCoverage {
    let (mut coverage, not_known) = match known {
        _ if needs_no_events => (AnswerCoverage { is_whole: true, ..AnswerCoverage::default() }, None),
        Ok(known) => (known.into_coverage(), None),
        Err(why) => (AnswerCoverage::default(), Some(why)),
    };
    coverage.is_whole &= ended.is_none();
    coverage.needs_no_events = needs_no_events;
    coverage.ended = ended.map(Ended::text);
    coverage.cannot_see = cannot_see;
    coverage.athena = Some(AthenaCoverage { not_known, ..athena });
    coverage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(first_day: &str) -> LakeKnown {
        let coverage = AnswerCoverage { is_whole: true, accounts: 3, ..AnswerCoverage::default() };
        let (place, first_day) = ("s3://acme-lake/p/".to_owned(), Some(first_day.parse().unwrap()));
        LakeKnown { place, coverage, first_day, foreign: None }
    }

    fn parameters(change: &[(&str, &str)]) -> BTreeMap<String, String> {
        let good = [
            ("location", "s3://acme-lake/p/events"),
            ("projection.enabled", "true"),
            ("projection.day.type", "date"),
            ("projection.day.format", "yyyy-MM-dd"),
            ("projection.day.range", "2026-11-20,NOW"),
            ("storage.location.template", "s3://acme-lake/p/events/day=${day}/"),
        ];
        good.iter().chain(change).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_table_is_the_lakes_only_where_all_of_it_says_so() {
        let table = TableName { database: "audit".to_owned(), table: "events".to_owned() };
        let why = |first: &str, change: &[(&str, &str)]| known(first).why_not(&table, &parameters(change));
        assert_eq!(why("2026-11-20", &[]), None);
        assert_eq!(why("2026-11-25", &[]), None);
        for (first, key, value, says) in [
            ("2026-11-19", "x", "", "begin with 2026-11-20, and those of the lake with 2026-11-19"),
            ("2026-11-20", "location", "s3://acme-lake/other/events\u{1b}[2J", "\\u{1b}[2J"),
            ("2026-11-20", "location", "", "lies at"),
            ("2026-11-20", "location", "s3://acme-lake/p/events-of-others", "lies at"),
            ("2026-11-20", "storage.location.template", "s3://acme-other/p/events/day=${day}/", "days may be missing"),
            ("2026-11-20", "projection.enabled", "false", "days may be missing"),
            ("2026-11-20", "projection.day.range", "2026-11-20,2026-11-21", "end with \"2026-11-21\""),
            ("2026-11-20", "projection.day.range", "NOW-3DAYS,NOW", "begin with \"NOW-3DAYS\""),
        ] {
            let why = why(first, &[(key, value)]).unwrap();
            assert!(why.contains(says) && why.contains("audit.events"), "{key} {value}: {why}");
        }
    }

    #[test]
    fn what_lies_among_the_slots_and_is_none_of_them_is_read_by_athena_and_so_not_covered() {
        let table = TableName { database: "audit".to_owned(), table: "cloudtrail_events".to_owned() };
        let key = "events/day=2026-11-20/evil.parquet".to_owned();
        let known = LakeKnown { foreign: Some(key), ..known("2026-11-20") };
        assert!(known.why_not(&table, &parameters(&[])).unwrap().contains("lies among the events of the lake"));
    }

    #[test]
    fn an_answer_is_whole_only_where_it_is_known_what_it_covers() {
        let athena = || AthenaCoverage {
            region: "eu-central-1".to_owned(),
            workgroup: "audit".to_owned(),
            execution_id: "1-2".to_owned(),
            scanned_bytes: Some(2048),
            bytes_max: 10 << 30,
            ..AthenaCoverage::default()
        };
        let whole = of(athena(), Ok(known("2026-11-20")), None, String::new(), false);
        assert!(whole.is_whole && whole.athena.as_ref().unwrap().not_known.is_none());
        let said = whole.sentences().join("\n");
        assert!(said.contains("query execution 1-2: scanned 2.0 KiB of at most 10.0 GiB."), "{said}");
        assert!(said.contains("log files that came later are not seen"), "{said}");
        let unknown = of(athena(), Err("no lake is named".to_owned()), None, "x".to_owned(), false);
        assert!(!unknown.is_whole);
        let said = unknown.sentences().join("\n");
        assert!(said.contains("What the answer covers is not known: no lake is named."), "{said}");
        assert!(said.contains("This question cannot see x.") && !said.contains("Covers"), "{said}");
        for (scanned, says) in [(None, "does not say how much"), (Some(11 << 30), "more than the limit of 10.0 GiB")] {
            let athena = AthenaCoverage { scanned_bytes: scanned, ..athena() };
            let told = of(athena, Ok(known("2026-11-20")), None, String::new(), false).sentences();
            assert!(told[0].contains(says), "{told:?}");
        }
        let stopped = of(athena(), Ok(known("2026-11-20")), Some(Ended::Stopped), String::new(), false);
        assert!(!stopped.is_whole && stopped.sentences().join("\n").contains("it was stopped"));
        let of_nothing = of(athena(), Err("no lake is named".to_owned()), None, String::new(), true);
        assert!(
            of_nothing.is_whole && of_nothing.sentences()[1].starts_with("No event was looked at"),
            "{of_nothing:?}"
        );
    }
}
