//! A question as Athena reads it: `events` is the table of the lake, as far as the question and the options narrow it,
//! and placeholders are values.

use std::collections::HashMap;

use datafusion::common::{ParamValues, ScalarValue, TableReference};
use datafusion::sql::resolve::resolve_table_references;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use orgtrail_archive::archive::window::Window;

use super::super::answer::Question;
use super::super::error::QueryError;
use super::guard::{self, StatementKind};
use super::tokens::{Token, TokenKind, tokens};

/// The name that the table of the lake has in questions, as in those of the local engine.
const EVENTS: &str = "events";

/// A table of Athena.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A question that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaQuestion {
    /// The statement.
    pub sql: String,
    /// What it does.
    pub kind: StatementKind,
    /// The tables that it reads. `None`: this program cannot tell.
    pub tables: Option<Vec<TableName>>,
    /// Whether it asks `events`, which the options narrow.
    pub asks_events: bool,
    /// Whether it asks other tables by their names, which they do not narrow.
    pub asks_others: bool,
}

impl AthenaQuestion {
    /// Makes a question of one that was asked. `table` is what `events` stands for, `window` what narrows it.
    ///
    /// # Errors
    /// [`QueryError`] where it is not one statement that reads, or a placeholder has no value that Athena knows.
    pub fn of(question: &Question, table: &TableName, window: &Window) -> Result<Self, QueryError> {
        let read = guard::statement(&question.sql)?;
        let sql = with_values(&read.sql, &question.values)?;
        let named = named_tables(&sql);
        let is_events = |table: &TableReference| matches!(table, TableReference::Bare { table } if table.eq_ignore_ascii_case(EVENTS));
        let asks_events = match &named {
            Some(named) => named.iter().any(is_events),
            None => names_events(&sql)?,
        };
        let asks_others = named.is_some_and(|named| !named.iter().all(is_events));
        let is_itself = table.table == EVENTS && *window == Window::default();
        let sql = match asks_events && !is_itself {
            true => with_events(&sql, &format!("{EVENTS} AS ({})", selection(table, window)))?,
            false => sql,
        };
        // What was put into it changes nothing of what it is.
        let read = guard::statement(&sql)?;
        let tables = tables(&read.sql, &table.database);
        Ok(Self { sql: read.sql, kind: read.kind, tables, asks_events, asks_others })
    }

    /// Tells whether it looks at no event.
    pub fn needs_no_events(&self) -> bool {
        self.kind != StatementKind::Rows || self.tables.as_ref().is_some_and(Vec::is_empty)
    }
}

fn read(sql: &str) -> Result<Vec<Token>, QueryError> {
    tokens(sql).map_err(|_| QueryError::Syntax("a text or a name in it has no end".to_owned()))
}

/// Puts the values of placeholders in their places, each as one literal.
fn with_values(sql: &str, values: &ParamValues) -> Result<String, QueryError> {
    let none = HashMap::new();
    let values = if let ParamValues::Map(values) = values { values } else { &none };
    let (mut text, mut from) = (String::with_capacity(sql.len()), 0);
    for token in read(sql)?.iter().filter(|token| token.kind == TokenKind::Placeholder) {
        let name = token.text(sql).trim_start_matches('$');
        let value = values.get(name).and_then(|value| literal(&value.value));
        let value = value.ok_or_else(|| QueryError::Failed(format!("the placeholder ${name} has no value")))?;
        text += &sql[from..token.at.start];
        text += &value;
        from = token.at.end;
    }
    Ok(text + &sql[from..])
}

/// Returns a value as Trino writes it. `None`: no parameter has such a value.
fn literal(value: &ScalarValue) -> Option<String> {
    Some(match value {
        ScalarValue::Int64(Some(number)) => number.to_string(),
        ScalarValue::IntervalMonthDayNano(Some(span)) if span.months == 0 && span.nanoseconds == 0 => {
            format!("INTERVAL '{}' DAY", span.days)
        }
        ScalarValue::TimestampMicrosecond(Some(at), _) => moment(Timestamp::from_microsecond(*at).ok()?),
        other => quoted(other.try_as_str().flatten()?),
    })
}

/// Returns a text as a literal: in Trino a quote is doubled, and nothing else in a text means anything.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns a name in quotes.
fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Returns a moment as a literal of the type that the table's times have: UTC without a time zone.
fn moment(at: Timestamp) -> String {
    format!("TIMESTAMP '{}'", TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S%.f"))
}

/// Returns what `events` is: the rows of the table that the window leaves.
fn selection(table: &TableName, window: &Window) -> String {
    let day = |at: Timestamp| quoted(&TimeZone::UTC.to_datetime(at).date().to_string());
    let mut all = Vec::new();
    if let Some(from) = window.from {
        // The day chooses the folders that are read, the time the rows.
        all.push(format!("day >= {} AND event_time >= {}", day(from), moment(from)));
    }
    if let Some(to) = window.to {
        all.push(format!("day <= {} AND event_time < {}", day(to), moment(to)));
    }
    for (column, values) in [("account", &window.accounts), ("region", &window.regions)] {
        if let Some(values) = values {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            all.push(format!("{column} IN ({})", values.join(", ")));
        }
    }
    let conditions = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
    format!("SELECT * FROM {}.{}{conditions}", name(&table.database), name(&table.table))
}

/// Tells whether `events` is a table of a question that this program cannot parse: it stands behind `FROM` or `JOIN`,
/// and names no database.
fn names_events(sql: &str) -> Result<bool, QueryError> {
    let all = read(sql)?;
    let is_asked = |part: &[Token]| {
        let [before, events] = part else { return false };
        (before.is_word(sql, "FROM") || before.is_word(sql, "JOIN")) && events.is_name(sql, EVENTS)
    };
    // `events.events` would be a table of another database.
    let is_database = |at: usize| all.get(at + 2).is_some_and(|next| next.is_mark(sql, "."));
    Ok(all.windows(2).enumerate().any(|(at, part)| is_asked(part) && !is_database(at)))
}

/// Puts a named query before all others of a statement.
fn with_events(sql: &str, named: &str) -> Result<String, QueryError> {
    let all = read(sql)?;
    let at = |token: &Token| token.at.start;
    // `EXPLAIN (FORMAT JSON) SELECT …`: before the query. Parentheses around all of it stay around it.
    let depth = |before: &[Token]| before.iter().filter(|token| token.is_mark(sql, "(")).count();
    let is_query = |token: &Token| ["WITH", "SELECT", "VALUES"].iter().any(|word| token.is_word(sql, word));
    let Some(first) = all.iter().position(is_query) else { return Ok(sql.to_owned()) };
    let is_explained = all.first().is_some_and(|token| token.is_word(sql, "EXPLAIN"));
    if all[first].is_word(sql, "WITH") {
        let recursive = all.get(first + 1).filter(|token| token.is_word(sql, "RECURSIVE"));
        let place = recursive.unwrap_or(&all[first]).at.end;
        return Ok(format!("{} {named},{}", &sql[..place], &sql[place..]));
    }
    let place = match is_explained || depth(&all[..first]) == 0 {
        true => at(&all[first]),
        // `(SELECT …) UNION (SELECT …)`: before the first parenthesis.
        false => all.first().map(at).unwrap_or_default(),
    };
    Ok(format!("{}WITH {named} {}", &sql[..place], &sql[place..]))
}

/// Returns the tables that a statement reads, as it names them. `None`: it has syntax that this program does not know.
fn named_tables(sql: &str) -> Option<Vec<TableReference>> {
    if hides_tables(sql) {
        return None;
    }
    let statement = super::super::functions::read_for_databases(sql).ok()?;
    Some(resolve_table_references(&statement, true).ok()?.0)
}

/// Tells whether a statement may read a table that it does not name after FROM or JOIN: `TABLE name`, a function of
/// tables (`TABLE(f(…))`), or a `WITH RECURSIVE` whose own name may mean a table.
fn hides_tables(sql: &str) -> bool {
    let Ok(tokens) = tokens(sql) else { return true };
    tokens.iter().any(|token| ["TABLE", "RECURSIVE", "LATERAL"].iter().any(|word| token.is_word(sql, word)))
}

/// Returns the tables that a statement reads. `None`: this program cannot tell.
fn tables(sql: &str, database: &str) -> Option<Vec<TableName>> {
    let named = |table: TableReference| match table {
        TableReference::Bare { table } => {
            Some(TableName { database: database.to_owned(), table: table.to_lowercase() })
        }
        TableReference::Partial { schema, table } => {
            Some(TableName { database: schema.to_lowercase(), table: table.to_lowercase() })
        }
        TableReference::Full { catalog, schema, table } => {
            // The catalog of AWS Glue, which has this name whatever its letters.
            let is_own = catalog.eq_ignore_ascii_case("awsdatacatalog");
            is_own.then(|| TableName { database: schema.to_lowercase(), table: table.to_lowercase() })
        }
    };
    named_tables(sql)?.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::prepared::Prepared;
    use super::*;

    fn table(name: &str) -> TableName {
        TableName { database: "audit".to_owned(), table: name.to_owned() }
    }

    fn asked(sql: &str, values: &[(&str, &str)], window: &Window) -> AthenaQuestion {
        let prepared = Prepared::of_file("test", sql).unwrap();
        let values = prepared.values(values).unwrap();
        let question = Question { sql: prepared.sql, values, cannot_see: String::new() };
        AthenaQuestion::of(&question, &table("cloudtrail_events"), window).unwrap()
    }

    fn plain(sql: &str) -> AthenaQuestion {
        asked(sql, &[], &Window::default())
    }

    const ALL: &str = "events AS (SELECT * FROM \"audit\".\"cloudtrail_events\")";

    #[test]
    fn events_stands_for_the_table_of_the_lake() {
        let lake = Some(vec![table("cloudtrail_events")]);
        for (sql, sent) in [
            ("SELECT count(*) FROM events", format!("WITH {ALL} SELECT count(*) FROM events")),
            (
                "SELECT 1 FROM (SELECT * FROM Events e) x",
                format!("WITH {ALL} SELECT 1 FROM (SELECT * FROM Events e) x"),
            ),
            (
                "WITH a AS (SELECT * FROM events) SELECT * FROM a",
                format!("WITH {ALL}, a AS (SELECT * FROM events) SELECT * FROM a"),
            ),
            ("EXPLAIN SELECT * FROM events", format!("EXPLAIN WITH {ALL} SELECT * FROM events")),
        ] {
            let question = plain(sql);
            assert_eq!((question.sql, question.tables), (sent, lake.clone()), "{sql}");
            assert!(question.asks_events);
        }
        let both = plain("(SELECT 1 FROM events) UNION (SELECT 2 FROM events)");
        assert!(both.sql.starts_with(&format!("WITH {ALL} (SELECT 1")), "{}", both.sql);
        for sql in [
            "SELECT count(*) FROM cloudtrail_events",
            "SELECT events FROM audit.cloudtrail_events",
            "SELECT 'FROM events' FROM \"audit\".cloudtrail_events",
            "SELECT * FROM AwsDataCatalog.audit.cloudtrail_events",
        ] {
            let question = plain(sql);
            assert_eq!((question.sql.as_str(), question.tables), (sql, lake.clone()), "{sql}");
            assert!(!question.asks_events, "{sql}");
        }
        let summed = plain("SELECT sum(events) FROM (SELECT count(*) AS events FROM cloudtrail_events)");
        assert!(!summed.asks_events && summed.asks_others && summed.sql.starts_with("SELECT sum"), "{summed:?}");
        let own = plain("WITH events AS (SELECT 1) SELECT * FROM events");
        assert_eq!((own.asks_events, own.tables), (false, Some(Vec::new())));
        let both = plain("SELECT * FROM events JOIN names ON true");
        assert!(both.asks_events && both.asks_others);
        let other = plain("SELECT * FROM events.events JOIN audit.events b ON true");
        assert_eq!((other.asks_events, other.tables.map(|all| all.len())), (false, Some(2)));
        assert!(plain("SELECT 1").needs_no_events() && plain("SHOW TABLES").needs_no_events());
        assert_eq!(plain("SELECT * FROM other.sales.orders").tables, None, "another catalog");
        for hidden in [
            "SELECT 1 UNION ALL TABLE cloudtrail_events",
            "SELECT * FROM TABLE(exclude_columns(input => TABLE(events), columns => DESCRIPTOR(record)))",
            "WITH RECURSIVE other AS (SELECT * FROM other) SELECT * FROM other",
            "SELECT * FROM events UNION ALL TABLE other",
        ] {
            let asked = plain(hidden);
            assert!(asked.tables.is_none() && !asked.needs_no_events(), "{hidden}");
        }
        assert_eq!(plain("SELECT * FROM a MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true) WHERE ?").tables, None);
    }

    #[test]
    fn a_window_narrows_the_table_and_not_the_text_of_the_question() {
        let at = |text: &str| Some(text.parse().unwrap());
        let window = Window {
            from: at("2026-11-20T10:30:00Z"),
            to: at("2026-11-22T00:00:00.5Z"),
            accounts: Some(["111111111111".to_owned()].into()),
            regions: Some(["us-east-1".to_owned(), "x' OR '1'='1".to_owned()].into()),
        };
        let question = asked("SELECT 1 FROM events", &[], &window);
        assert_eq!(
            question.sql,
            "WITH events AS (SELECT * FROM \"audit\".\"cloudtrail_events\" WHERE day >= '2026-11-20' AND event_time >= \
             TIMESTAMP '2026-11-20 10:30:00' AND day <= '2026-11-22' AND event_time < TIMESTAMP '2026-11-22 00:00:00.5' \
             AND account IN ('111111111111') AND region IN ('us-east-1', 'x'' OR ''1''=''1')) SELECT 1 FROM events"
        );
        assert_eq!(question.tables, Some(vec![table("cloudtrail_events")]));
    }

    #[test]
    fn values_are_literals_whatever_stands_in_them() {
        let hostile = "x'; DROP TABLE t; --";
        let sql = "SELECT '$who', $who FROM cloudtrail_events WHERE a$b = $who";
        let question = asked(sql, &[("who", hostile)], &Window::default());
        assert_eq!(
            question.sql,
            "SELECT '$who', 'x''; DROP TABLE t; --' FROM cloudtrail_events WHERE a$b = 'x''; DROP TABLE t; --'"
        );
        let sql = "-- title: T\n-- answers: a\n-- cannot see: b\n-- parameter n integer: n\n-- parameter d days: d\n\
                   -- parameter since time: t\nSELECT $n, $d, $since";
        let question = asked(sql, &[("n", "-5"), ("d", "30d"), ("since", "2026-11-20")], &Window::default());
        assert!(
            question.sql.ends_with("SELECT -5, INTERVAL '30' DAY, TIMESTAMP '2026-11-20 00:00:00'"),
            "{}",
            question.sql
        );
        let question = Question {
            sql: "DROP TABLE t".into(),
            values: ParamValues::Map(HashMap::new()),
            cannot_see: String::new(),
        };
        assert!(AthenaQuestion::of(&question, &table("t"), &Window::default()).is_err());
    }
}
