//! Whatever a person writes and a record holds: an answer or an error, and the program goes on.

use std::sync::LazyLock;

use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use proptest::sample::select;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "CAST(",
    "AS",
    "array(json)",
    "map(varchar,",
    "json",
    "try(",
    "if(",
    "max_by(",
    "concat(",
    "x ->",
    "(a, b) ->",
    "UNNEST(",
    "CROSS JOIN",
    "t(a, b)",
    "WITH ORDINALITY",
    "timestamp",
    "'2026/01/01'",
    "=",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "useridentity",
    "arn",
    "cloudtrail_logs",
    "1",
    "'a'",
    "||",
    "*",
    "BETWEEN",
    "interval '1' day",
    "EXTRACT(DOW FROM",
    "AT TIME ZONE",
    "\"eventName\"",
    "DISTINCT",
    "ORDER BY",
    "FETCH FIRST 1 ROW ONLY",
    "listagg(a)",
    "WITHIN GROUP (ORDER BY a)",
    "substr(a, -1)",
    "approx_percentile(a, ARRAY[1])",
    "timestamp '2026 x:'",
];

static CONTEXT: LazyLock<SessionContext> = LazyLock::new(|| {
    let context = SessionContext::new();
    super::register(&context).unwrap();
    context
});

async fn evaluate(sql: &str) -> Option<usize> {
    let context = &*CONTEXT;
    let plan = context.state().statement_to_plan(super::read(sql).ok()?).await.ok()?;
    Some(context.execute_logical_plan(plan).await.ok()?.collect().await.ok()?.len())
}

fn run(sql: &str) -> Option<usize> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(evaluate(sql))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What patterns, paths and formats are made of.
const PATTERN: &str = "[-%$.*a-zA-Z0-9'\\[\\](){}+?|\\\\\" ]{0,12}";

/// Each case plans twenty questions.
fn fewer() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.div_ceil(8), ..config }
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(select(WORDS), 1..30)) {
        if let Ok(statement) = super::read(&words.join(" ")) {
            prop_assert!(!statement.to_string().is_empty());
        }
        let _read = super::read(&format!("SELECT {}", words.join(" ")));
    }

    #[test]
    fn any_text_is_taken_by_every_function_of_texts(a in ".{0,20}", b in PATTERN, n in any::<i64>()) {
        let (a, b) = (quoted(&a), quoted(&b));
        for call in [
            format!("json_extract({a}, {b})"),
            format!("json_extract_scalar({b}, {a})"),
            format!("json_array_get({b}, {n})"),
            format!("try(CAST(json_parse({b}) AS map(varchar, array(row(a bigint, b json)))))"),
            format!("date_parse({a}, {b})"),
            format!("date_format(from_unixtime({n}), {b})"),
            format!("parse_datetime({a}, {b})"),
            format!("format_datetime(from_unixtime({n}), {b})"),
            format!("date_add({b}, {n}, now())"),
            format!("date_add('month', {n}, date '2026-01-31')"),
            format!("date_diff('month', from_unixtime({n}), now())"),
            format!("from_iso8601_timestamp({b})"),
            format!("at_timezone(now(), {b})"),
            format!("regexp_extract({a}, {b}, {n})"),
            format!("regexp_replace({a}, {b}, {a})"),
            format!("split({a}, {b}, {n})"),
            format!("split_part({a}, {b}, {n})"),
            format!("url_decode({b})"),
            format!("from_hex({b})"),
            format!("element_at(ARRAY[1, 2], {n})"),
        ] {
            let _answer = run(&format!("SELECT {call}"));
        }
    }
}
