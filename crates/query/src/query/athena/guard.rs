//! What is sent to Athena: one statement that reads. Athena itself runs whatever it is sent: `INSERT`, `UNLOAD`,
//! `CREATE TABLE AS`, `MSCK REPAIR TABLE`, `DROP TABLE`.
//!
//! Trino's syntax goes beyond what this program parses, so that the statement is judged by its words. What is sent has
//! no comments any more, so that no comment ends in another place for Athena than it does here.

use super::super::error::{QueryError, SQL_BYTES_MAX};
use super::tokens::{BadText, Token, TokenKind, tokens};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// It reads rows: `SELECT`, `WITH`, `VALUES`, or `EXPLAIN ANALYZE` of one of them.
    Rows,
    /// It says how Athena would read rows: `EXPLAIN`.
    Plan,
    /// It tells of tables: `SHOW`, `DESCRIBE`.
    Tables,
}

/// One statement that reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text without comments and without `;` at its end; lines and columns are as they were.
    pub sql: String,
    /// What it does.
    pub kind: StatementKind,
}

/// The words that a statement may begin with whose rows are read.
const ROWS: [&str; 3] = ["SELECT", "WITH", "VALUES"];
/// Those of statements about tables.
const TABLES: [&str; 3] = ["SHOW", "DESCRIBE", "DESC"];

/// Reads a text that must be one statement that reads.
///
/// # Errors
/// [`QueryError`] where it is none, several, or something that would change something.
pub fn statement(sql: &str) -> Result<Statement, QueryError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(QueryError::TooLong(sql.len()));
    }
    let all = tokens(sql).map_err(|bad| {
        QueryError::Syntax(match bad {
            BadText::Open(what) => format!("{what} in it has no end"),
            BadText::Control => "it has a control character outside of texts".to_owned(),
        })
    })?;
    let mut words: Vec<&Token> = all.iter().filter(|token| token.kind != TokenKind::Comment).collect();
    let ends = words.iter().rev().take_while(|token| token.is_mark(sql, ";")).count();
    let end = words.len() - ends;
    words.truncate(end);
    if words.is_empty() {
        return Err(QueryError::Empty);
    }
    if words.iter().any(|token| token.is_mark(sql, ";")) {
        return Err(QueryError::Several);
    }
    let kind = kind(sql, &words)?;
    refuse_writing(sql, &words)?;
    refuse_passing_through(sql, &words)?;
    Ok(Statement { sql: without_comments(sql, &all), kind })
}

fn kind(sql: &str, words: &[&Token]) -> Result<StatementKind, QueryError> {
    let first = words.iter().position(|token| !token.is_mark(sql, "(")).unwrap_or_default();
    let is_one_of =
        |at: usize, names: &[&str]| words.get(at).is_some_and(|word| names.iter().any(|one| word.is_word(sql, one)));
    if is_one_of(first, &ROWS) {
        return Ok(StatementKind::Rows);
    }
    if is_one_of(0, &TABLES) {
        return Ok(StatementKind::Tables);
    }
    if is_one_of(0, &["EXPLAIN"]) {
        return explained(sql, &words[1..]);
    }
    Err(not_a_question(sql, words))
}

/// Judges what is explained: `EXPLAIN ANALYZE` runs it.
fn explained(sql: &str, words: &[&Token]) -> Result<StatementKind, QueryError> {
    let mut rest = words;
    let mut kind = StatementKind::Plan;
    for (word, becomes) in [("ANALYZE", StatementKind::Rows), ("VERBOSE", StatementKind::Rows)] {
        if let Some((first, more)) = rest.split_first()
            && first.is_word(sql, word)
        {
            (rest, kind) = (more, becomes);
        }
    }
    // `(FORMAT JSON, TYPE DISTRIBUTED)`; a query in parentheses begins with another word.
    if rest.first().is_some_and(|token| token.is_mark(sql, "("))
        && rest.get(1).is_some_and(|token| ["FORMAT", "TYPE"].iter().any(|word| token.is_word(sql, word)))
    {
        let end = rest.iter().position(|token| token.is_mark(sql, ")"));
        rest = end.and_then(|end| rest.get(end + 1..)).unwrap_or_default();
    }
    let first = rest.iter().find(|token| !token.is_mark(sql, "("));
    match first.is_some_and(|token| ROWS.iter().any(|word| token.is_word(sql, word))) {
        true => Ok(kind),
        false => Err(not_a_question(sql, words)),
    }
}

fn not_a_question(sql: &str, words: &[&Token]) -> QueryError {
    let shown: Vec<&str> = words.iter().take(2).map(|token| token.text(sql)).collect();
    QueryError::NotAQuestion(shown.join(" ").chars().take(40).collect())
}

/// Words that Trino reserves and that no statement which only reads has outside of quotes: wherever one stands, the
/// statement would write, or run what is not seen here (Trino, "Reserved keywords"; Athena user guide, the same).
const WRITING: [&str; 9] = ["ALTER", "CREATE", "DEALLOCATE", "DELETE", "DROP", "EXECUTE", "INSERT", "INTO", "PREPARE"];
/// Those that Trino does not reserve, by what follows them in a statement that writes or is not seen here.
const WRITING_BEFORE: [(&str, &[&str]); 6] = [
    ("MERGE", &["INTO"]),
    ("UNLOAD", &["("]),
    ("MSCK", &["REPAIR"]),
    ("WITH", &["FUNCTION"]),
    ("DESCRIBE", &["INPUT", "OUTPUT"]),
    ("OVERWRITE", &["TABLE", "DIRECTORY", "LOCAL"]),
];

/// Refuses a statement that begins as one that reads and goes on as one that writes. `SHOW CREATE` reads.
fn refuse_writing(sql: &str, words: &[&Token]) -> Result<(), QueryError> {
    let is_before = |at: usize, next: &[&str]| {
        let follows =
            |word: &&str| words.get(at + 1).is_some_and(|token| token.is_word(sql, word) || token.is_mark(sql, word));
        next.iter().any(follows)
    };
    let is_shown = |at: usize| at == 1 && words[0].is_word(sql, "SHOW");
    let writes = |(at, token): &(usize, &&Token)| {
        WRITING.iter().any(|word| token.is_word(sql, word)) && !is_shown(*at)
            || WRITING_BEFORE.iter().any(|(word, next)| token.is_word(sql, word) && is_before(*at, next))
    };
    match words.iter().enumerate().find(writes) {
        Some((at, _)) => Err(not_a_question(sql, &words[at..])),
        None => Ok(()),
    }
}

/// Refuses a table function that hands a text to another database as it is (Athena user guide, "Use federated
/// passthrough queries"): nothing here can say what that text does.
fn refuse_passing_through(sql: &str, words: &[&Token]) -> Result<(), QueryError> {
    // Whatever the function is called: a name may be written in letters that are not seen here.
    let passes = words.windows(2).any(|part| {
        let [system, dot] = part else { return false };
        system.is_name(sql, "system") && dot.is_mark(sql, ".")
    });
    match passes {
        true => Err(QueryError::NotAQuestion(
            "a function of the schema `system`, which may hand a text to another database,".to_owned(),
        )),
        false => Ok(()),
    }
}

/// Puts blanks in the place of comments and of `;`. Lines stay lines, so that Athena's errors name the right one.
fn without_comments(sql: &str, all: &[Token]) -> String {
    let mut plain = String::with_capacity(sql.len());
    let mut from = 0;
    for token in all.iter().filter(|token| token.kind == TokenKind::Comment || token.is_mark(sql, ";")) {
        plain += &sql[from..token.at.start];
        plain.extend(token.text(sql).chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        from = token.at.end;
    }
    plain += &sql[from..];
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_that_reads_is_sent_without_its_comments() {
        for (sql, sent, kind) in [
            ("SELECT 1", "SELECT 1", StatementKind::Rows),
            ("  select ';' ; -- end\n", "  select ';'", StatementKind::Rows),
            (
                "-- a\nWITH x AS (SELECT 1) SELECT * FROM x;;",
                "    \nWITH x AS (SELECT 1) SELECT * FROM x",
                StatementKind::Rows,
            ),
            ("((SELECT 1) UNION (SELECT 2))", "((SELECT 1) UNION (SELECT 2))", StatementKind::Rows),
            ("VALUES 1, 2", "VALUES 1, 2", StatementKind::Rows),
            ("SELECT/*a\nb*/1", "SELECT   \n   1", StatementKind::Rows),
            ("EXPLAIN SELECT 1", "EXPLAIN SELECT 1", StatementKind::Plan),
            ("EXPLAIN (FORMAT JSON) SELECT 1", "EXPLAIN (FORMAT JSON) SELECT 1", StatementKind::Plan),
            ("EXPLAIN ANALYZE VERBOSE SELECT 1", "EXPLAIN ANALYZE VERBOSE SELECT 1", StatementKind::Rows),
            ("EXPLAIN ANALYZE (FORMAT JSON) WITH a AS (SELECT 1) SELECT * FROM a", "", StatementKind::Rows),
            ("SHOW PARTITIONS cloudtrail_events", "", StatementKind::Tables),
            ("describe `cloudtrail_events`", "", StatementKind::Tables),
            ("SELECT 'DROP TABLE x; INSERT' AS \"a;b\"", "", StatementKind::Rows),
        ] {
            let read = statement(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(read.kind, kind, "{sql}");
            assert!(sent.is_empty() || read.sql == sent, "{sql}: {:?}", read.sql);
            // What is sent says the same, and hides nothing.
            assert_eq!(statement(&read.sql).unwrap(), read, "{sql}");
        }
    }

    #[test]
    fn whatever_would_change_something_is_not_sent() {
        for sql in [
            "DROP TABLE events",
            "-- SELECT\nDROP TABLE events",
            "-- x\rINSERT INTO t\nSELECT 1",
            "/* SELECT */ INSERT INTO t SELECT 1",
            "/* /* */ DELETE FROM t -- */",
            "INSERT INTO t SELECT * FROM u",
            "(INSERT INTO t SELECT 1)",
            "CREATE TABLE t AS SELECT 1",
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            "UNLOAD (SELECT * FROM t) TO 's3://b/p/' WITH (format = 'PARQUET')",
            "MSCK REPAIR TABLE t",
            "ALTER TABLE t ADD PARTITION (day = 'x')",
            "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
            "UPDATE t SET a = 1",
            "TRUNCATE TABLE t",
            "VACUUM t",
            "OPTIMIZE t REWRITE DATA USING BIN_PACK",
            "PREPARE p FROM SELECT 1",
            "EXECUTE p",
            "CALL system.x()",
            "USING EXTERNAL FUNCTION f(a VARCHAR) RETURNS VARCHAR LAMBDA 'x' SELECT f('a')",
            "SET SESSION a = 1",
            "TABLE t",
            "EXPLAIN DROP TABLE t",
            "EXPLAIN ANALYZE INSERT INTO t SELECT 1",
            "EXPLAIN ANALYZE",
            "EXPLAIN (FORMAT JSON)",
            "EXPLAIN (FORMAT JSON) CREATE TABLE t AS SELECT 1",
            "EXPLAIN EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE VERBOSE (DELETE FROM t)",
            "ＳＥＬＥＣＴ 1",
            "\u{a0}SELECT 1",
            "'SELECT' 1",
            "\"SELECT\" 1",
            "SELECTED 1",
            "SELECT * FROM TABLE(system.query('DROP TABLE t'))",
            "SELECT * FROM TABLE(\"pg\".\"System\".\"query\" (query => 'x'))",
            "SELECT * FROM TABLE(pg.system /**/ . query/**/(query => 'x'))",
        ] {
            let refused = statement(sql);
            assert!(matches!(refused, Err(QueryError::NotAQuestion(_))), "{sql}: {refused:?}");
        }
    }

    #[test]
    fn a_statement_that_begins_as_one_that_reads_and_writes_is_not_sent() {
        for sql in [
            "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
            "(WITH x AS (SELECT 1) DELETE FROM t)",
            "WITH x AS (SELECT 1) FROM x INSERT OVERWRITE TABLE u SELECT *",
            "WITH x AS (SELECT 1) MERGE INTO t USING x ON true WHEN MATCHED THEN UPDATE SET a = 1",
            "SELECT 1 INTO OUTFILE t",
            "WITH FUNCTION f() RETURNS bigint RETURN 1 SELECT f()",
            "SELECT * FROM TABLE(a.system.U&\"\\0071uery\"(query => 'DROP TABLE t'))",
            "SELECT * FROM TABLE(a.\"SYSTEM\".other(1))",
            "DESCRIBE INPUT p",
            "SELECT * FROM (EXECUTE p)",
        ] {
            assert!(matches!(statement(sql), Err(QueryError::NotAQuestion(_))), "{sql}");
        }
        for sql in [
            "SELECT \"insert\", 'DROP TABLE t', merge, replace(a, 'into', '') FROM events",
            "SHOW CREATE TABLE cloudtrail_events",
            "SELECT system FROM events",
        ] {
            assert!(statement(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn more_than_one_statement_none_and_what_has_no_end_are_not_sent() {
        for sql in [
            "SELECT 1; DROP TABLE t",
            "SELECT 1;;SELECT 2",
            "; SELECT 1",
            "SELECT ';'; -- x\nDELETE FROM t",
            "SELECT 'a\\'; DROP TABLE t; --",
        ] {
            assert!(matches!(statement(sql), Err(QueryError::Several)), "{sql}");
        }
        for sql in ["", "  \n", "-- SELECT 1", "/* SELECT 1 */", ";"] {
            assert!(matches!(statement(sql), Err(QueryError::Empty)), "{sql}");
        }
        for sql in ["SELECT 'a", "SELECT 1 /* a", "SELECT \"a", "SELECT\u{0}1"] {
            assert!(matches!(statement(sql), Err(QueryError::Syntax(_))), "{sql}");
        }
        let long = format!("SELECT '{}'", "a".repeat(SQL_BYTES_MAX));
        assert!(matches!(statement(&long), Err(QueryError::TooLong(_))));
    }
}
