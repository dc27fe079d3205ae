//! What is as Trino has it or is refused: no silent other answer, no plan and no value without end.

use super::tests::{fails, holds, rows};

#[tokio::test]
async fn conditions_beside_is_distinct_from_are_their_own() {
    holds(&[
        ("false IS DISTINCT FROM false OR true", "true"),
        ("true IS DISTINCT FROM true AND false", "false"),
        ("true IS NOT DISTINCT FROM false OR true", "true"),
        ("false IS NOT DISTINCT FROM true AND false", "false"),
        ("NOT 1 IS DISTINCT FROM 1", "true"),
        ("1 IS DISTINCT FROM NULL AND 2 IS NOT DISTINCT FROM 1 + 1", "true"),
        ("3 IS NOT DISTINCT FROM 1 + 2, 'ab' IS NOT DISTINCT FROM 'a' || 'b' AND true", "true true"),
        ("CASE WHEN 1 IS DISTINCT FROM 2 THEN 'a' END, 1 IS NULL, 1 IS NOT NULL", r#""a" false true"#),
    ])
    .await;
}

#[tokio::test]
async fn queries_that_use_each_other_end_no_program() {
    let with = |count: usize, step: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (1..count).map(|at| format!("c{at} AS ({})", step(at - 1))).collect();
        format!("WITH c0 AS (SELECT 1 AS v), {} SELECT v FROM C{}", all.join(", "), count - 1)
    };
    let chain = |at: usize| format!("SELECT v FROM c{at}");
    assert_eq!(rows(&with(60, &chain)).await.unwrap(), ["1"]);
    assert_eq!(rows(&with(4, &|at| format!("SELECT a.v + b.v AS v FROM c{at} a, c{at} b"))).await.unwrap(), ["8"]);
    let exists =
        |count| (0..count).fold("SELECT 1".to_owned(), |inner, _| format!("SELECT 1 AS v WHERE EXISTS ({inner})"));
    assert_eq!(rows(&exists(8)).await.unwrap(), ["1"]);
    for (sql, why) in [
        (with(800, &chain), "WITH may name at most 64"),
        (with(15, &|at| format!("SELECT a.v + b.v v FROM c{at} a, c{at} b")), "more than 1000 tables"),
        (with(15, &|at| format!("SELECT v FROM c{at} UNION ALL SELECT v FROM \"c{at}\"")), "more than 1000 tables"),
        (with(15, &|at| format!("SELECT 1 AS v WHERE EXISTS (SELECT v FROM c{at})")), "8 levels"),
        (with(64, &|at| format!("SELECT v FROM (SELECT v FROM c{at})")), "64 levels"),
        (exists(9), "8 levels"),
        (exists(20), "8 levels"),
    ] {
        let error = rows(&sql).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn no_function_makes_a_value_without_end() {
    holds(&[
        ("repeat('ab', 2), repeat('x', NULL), lpad('a', 3, 'b'), rpad('a', 3)", r#""abab" null "bba" "a  ""#),
        ("array_repeat(1, 2), array_resize(ARRAY[1], 2, 0)", "[1,1] [1,0]"),
        ("length(repeat('x', 65536)), cardinality(sequence(1, 10000)), range(3)", "65536 10000 [0,1,2]"),
        (
            "sequence(5, 1, -2), cardinality(sequence(date '2026-01-01', date '2026-12-31', interval '1' day))",
            "[5,3,1] 365",
        ),
    ])
    .await;
    fails(&[
        ("array_repeat(1, 2000000000)", "would give 2000000000 elements, the most is 10000"),
        ("array_repeat(array_repeat(1, 10000), 10000)", "would give 100000000 elements"),
        ("array_repeat(1, 6000) || array_repeat(1, 6000)", "would give 12000 elements"),
        ("concat(array_repeat(1, 6000), array_repeat(1, 6000))", "would give 12000 elements"),
        ("list_repeat(1, 2000000000)", "the most is 10000"),
        ("array_resize(ARRAY[1], 2000000000, 0)", "the most is 10000"),
        ("list_resize(ARRAY[1], 2000000000, 0)", "the most is 10000"),
        ("repeat('x', 1000000000)", "would give 1000000000 characters, the most is 65536"),
        ("lpad('a', 2000000000, 'b')", "the most is 65536"),
        ("rpad('a', 2000000000, 'b')", "the most is 65536"),
        ("sequence(1, 1000000000)", "the most is 10000"),
        ("sequence(1000000000, 1, -1)", "the most is 10000"),
        ("sequence(-9223372036854775807, 9223372036854775807)", "the most is 10000"),
        ("generate_series(1, 1000000000)", "the most is 10000"),
        ("range(1000000000)", "the most is 10000"),
        ("sequence(date '1970-01-01', date '2026-01-01', interval '1' day)", "the most is 10000"),
        ("sequence(timestamp '2026-01-01 00:00:00', timestamp '2026-02-01 00:00:00', interval '1' second)", "is 10000"),
        ("sum(length(repeat('x', 60000 + v))) FROM generate_series(1, 5000) AS t(v)", "in 5000 rows"),
    ])
    .await;
    assert_eq!(rows("SELECT count(*) FROM generate_series(1, 20000)").await.unwrap(), ["20000"]);
}

#[tokio::test]
async fn the_greatest_of_something_and_none_is_none() {
    holds(&[
        ("greatest(1, NULL, 3), least(1, NULL), greatest(1, 3, 2), least('b', 'a')", r#"null null 3 "a""#),
        ("greatest(v, 2), least(v, w) FROM (VALUES (3, 1)) AS t(v, w)", "3 1"),
    ])
    .await;
    let found = rows("SELECT greatest(v, 2) FROM (VALUES (3), (NULL), (1)) AS t(v)").await.unwrap();
    assert_eq!(found, ["3", "null", "2"]);
}

#[tokio::test]
async fn patterns_have_no_escape_but_the_one_that_is_named() {
    holds(&[
        (r"'CORP\alice' LIKE 'CORP\a%', 'a\b' LIKE 'a\b', 'a\b' LIKE 'a\_', 'ab' LIKE 'a\b'", "true true true false"),
        (r"'a\b' NOT LIKE 'a\b', 'A\B' ILIKE 'a\b', 'a\' LIKE '%\', 'a\%' LIKE '%\%'", "false true true true"),
        (
            r"'50%' LIKE '50#%' ESCAPE '#', '505' LIKE '50#%' ESCAPE '#', 'a#b' LIKE 'a##_' ESCAPE '#'",
            "true false true",
        ),
        (
            r"'50%' LIKE '50\%' ESCAPE '\', '505' LIKE '50\%' ESCAPE '\', 'a\b' LIKE 'a\\b' ESCAPE '\'",
            "true false true",
        ),
        (r"'a\%' LIKE 'a\#%' ESCAPE '#', 'a_' LIKE 'a__' ESCAPE '_', 'ab' LIKE NULL", "true true null"),
        (
            r"'a_c' LIKE 'a!_c' ESCAPE '!', 'abc' LIKE 'a!_c' ESCAPE '!', 'abc' LIKE 'a' || '_' || 'c'",
            "true false true",
        ),
    ])
    .await;
    let table = r"(VALUES ('CORP\alice', 'CORP\a%'), ('a#b', '%##%'), ('x', NULL)) AS t(v, p)";
    let found = rows(&format!("SELECT v LIKE p, v LIKE p ESCAPE '#' FROM {table}")).await.unwrap();
    assert_eq!(found, ["true true", "false true", "null null"]);
    let found = rows(&format!(r"SELECT v FROM {table} WHERE v LIKE 'CORP\%'")).await.unwrap();
    assert_eq!(found, [r#""CORP\\alice""#]);
    fails(&[
        ("'a' LIKE 'a' ESCAPE 'ab'", "ESCAPE must be one character"),
        ("'a' LIKE 'a' ESCAPE ''", "ESCAPE must be one character"),
        ("'a' LIKE '#a' ESCAPE '#'", "may stand before %, _ and itself only"),
        ("'a' LIKE concat('a', '#') ESCAPE '#'", "may stand before %, _ and itself only"),
    ])
    .await;
}

#[tokio::test]
async fn casts_cut_and_round_as_trino_does() {
    holds(&[
        ("CAST('abcdef' AS varchar(3)), CAST('ab' AS varchar(3)), CAST(12345 AS varchar(2))", r#""abc" "ab" "12""#),
        ("TRY_CAST('abcdef' AS varchar(3)), CAST(NULL AS varchar(3)), 'äöü'::varchar(2)", r#""abc" null "äö""#),
        (r#"CAST(json_parse('"abcdef"') AS varchar(3)), CAST('abc' AS varchar)"#, r#""abc" "abc""#),
        ("CAST(2.5 AS bigint), CAST(-2.5 AS bigint), CAST(2.4 AS integer), CAST(1e0 AS bigint)", "3 -3 2 1"),
        ("TRY_CAST(2.5 AS integer), CAST(CAST('2.5' AS decimal(3, 1)) AS bigint), 7 / 2", "3 3 3"),
        ("CAST(v AS bigint) FROM (VALUES (1.5)) AS t(v)", "2"),
        ("TRY_CAST(1e300 AS bigint), TRY_CAST('x' AS bigint)", "null null"),
    ])
    .await;
    fails(&[
        ("CAST('a' AS char(3))", "cast to varchar"),
        ("CAST(1e300 AS bigint)", "cast"),
        ("1 FROM (VALUES (1)) AS t(v) TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE is not supported"),
        ("1 FROM t TABLESAMPLE SYSTEM (10)", "TABLESAMPLE is not supported"),
    ])
    .await;
}

#[tokio::test]
async fn times_may_be_far_away() {
    holds(&[
        ("timestamp '9999-12-31 00:00:00' > now(), now() < timestamp '9999-12-31 00:00:00 UTC'", "true true"),
        ("timestamp '9999-12-31 00:00:00', timestamp '0001-01-01'", r#""9999-12-31T00:00:00" "0001-01-01T00:00:00""#),
        (
            "CAST('9999-12-31' AS timestamp), CAST('1600-01-01' AS timestamp)",
            r#""9999-12-31T00:00:00" "1600-01-01T00:00:00""#,
        ),
        ("CAST(date '9999-12-31' AS timestamp) > CAST(now() AS timestamp)", "true"),
    ])
    .await;
    let table = "(SELECT from_iso8601_timestamp('2026-01-01T00:00:00Z') AS v) AS t";
    for condition in [
        "v < timestamp '9999-12-31 00:00:00'",
        "v < '9999-12-31'",
        "v < date '9999-12-31'",
        "v BETWEEN timestamp '1600-01-01' AND timestamp '3000-01-01'",
        "v = timestamp '2026-01-01 00:00:00'",
        "v BETWEEN '1600-01-01' AND date '9999-12-31'",
        "date '9999-12-31' > v AND v IN ('2026-01-01T00:00:00Z', '9999-12-31')",
    ] {
        let found = rows(&format!("SELECT 1 FROM {table} WHERE {condition}")).await;
        assert_eq!(found.map_err(|error| error.to_string()), Ok(vec!["1".to_owned()]), "{condition}");
    }
}

#[tokio::test]
async fn whole_numbers_that_do_not_fit_are_refused() {
    holds(&[
        (
            "9223372036854775806 + 1, -9223372036854775807 - 1, 3 * -4, 1 + NULL",
            "9223372036854775807 -9223372036854775808 -12 null",
        ),
        (
            "1 + 1.5, CAST(1 AS integer) + CAST(2 AS integer), date '2026-01-01' + interval '1' day",
            r#"2.5 3 "2026-01-02""#,
        ),
        ("sum(v), sum(v + 1), sum(DISTINCT v), sum(v * 0.5) FROM (VALUES (1), (2), (NULL), (2)) AS t(v)", "5 8 3 2.5"),
        (
            "sum(v), sum(v) FILTER (WHERE v > 9) FROM (VALUES (9223372036854775807), (1), (-1)) AS t(v)",
            "9223372036854775807 9223372036854775807",
        ),
        (
            "sum(v), sum(CAST(w AS integer)), sum(CAST(x AS double)) FROM (VALUES (1, 1, 1)) AS t(v, w, x) WHERE v > 1",
            "null null null",
        ),
    ])
    .await;
    let table = "(VALUES ('a', 1), ('b', 2), ('a', 3)) AS t(k, v)";
    let found = rows(&format!("SELECT k, sum(v), v + 1 FROM {table} GROUP BY k, v + 1 ORDER BY 1, 3")).await.unwrap();
    assert_eq!(found, [r#""a" 1 2"#, r#""a" 3 4"#, r#""b" 2 3"#]);
    let window = "sum(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), sum(v) OVER ()";
    let found = rows(&format!("SELECT {window} FROM {table} ORDER BY v")).await.unwrap();
    assert_eq!(found, ["1 6", "3 6", "5 6"]);
    let many = rows("SELECT v % 2, sum(v) FROM generate_series(1, 20000) AS t(v) GROUP BY 1 ORDER BY 1").await.unwrap();
    assert_eq!(many, ["0 100010000", "1 100000000"]);
    fails(&[
        ("9223372036854775807 + 1", "is larger than a bigint"),
        ("v - 2 FROM (VALUES (-9223372036854775807)) AS t(v)", "is larger than a bigint"),
        ("v * 2 FROM (VALUES (9223372036854775807)) AS t(v)", "is larger than a bigint"),
        ("sum(v) FROM (VALUES (9223372036854775807), (1)) AS t(v)", "the sum is 9223372036854775808"),
        ("k, sum(v) FROM (VALUES ('a', 9223372036854775807), ('a', 1)) AS t(k, v) GROUP BY k", "the sum is 92233"),
    ])
    .await;
}

#[tokio::test]
async fn joined_texts_have_a_bound() {
    holds(&[
        ("'a' || 'b' || 'c', 'a' || NULL, 'a' || 1, 'x' || ('y' || 'z')", r#""abc" null "a1" "xyz""#),
        ("ARRAY[1] || ARRAY[2], v || '-' || w FROM (VALUES ('a', 1)) AS t(v, w)", r#"[1,2] "a-1""#),
    ])
    .await;
    let doubled: Vec<String> = (1..30).map(|at| format!("c{at} AS (SELECT v || v AS v FROM c{})", at - 1)).collect();
    let sql = format!("WITH c0 AS (SELECT 'x' AS v), {} SELECT length(v) FROM c29", doubled.join(", "));
    let error = rows(&sql).await.unwrap_err().to_string();
    assert!(error.contains("the most is 1048576"), "{error}");
}

#[tokio::test]
async fn texts_and_lists_that_grow_with_each_name_or_call_have_a_bound() {
    holds(&[
        ("replace('banana', 'a', 'oo'), replace('ab', '', '-'), replace('ab', 'x', 'y')", r#""boonoonoo" "ab" "ab""#),
        (
            "concat_ws('-', 'a', NULL, 'b'), concat_ws('', 'a'), array_join(ARRAY['a', 'b'], '--')",
            r#""a-b" "a" "a--b""#,
        ),
        (
            "regexp_replace('aXbX', '[X]', '$0$0'), regexp_replace('ab', '', '-'), regexp_replace('a', 'b')",
            r#""aXXbXX" "-a-b-" "a""#,
        ),
        ("regexp_replace('aXbX', 'x', 'y', 'gi'), overlay('abc' PLACING 'X' FROM 2 FOR 1)", r#""ayby" "aXc""#),
        ("to_hex('ab'), encode('ab', 'hex'), ARRAY[ARRAY[1], ARRAY[2, 3]]", r#""6162" "6162" [[1],[2,3]]"#),
        ("length(replace(repeat('x', 65536), 'x', 'yyyyyyyyyyyyyyyy'))", "1048576"),
    ])
    .await;
    let grown = |first: &str, step: &str| {
        let all: Vec<String> = (1..60).map(|at| format!("c{at} AS (SELECT {} AS v FROM c{})", step, at - 1)).collect();
        format!("WITH c0 AS (SELECT {first} AS v), {} SELECT v FROM c59", all.join(", "))
    };
    for (first, step) in [
        ("'x'", "replace(v, 'x', 'xx')"),
        ("'x'", "replace(v, 'x', v || v)"),
        ("'x'", "regexp_replace(v, 'x', 'xx')"),
        ("'x'", "regexp_replace(v, '.+', '$0$0$0')"),
        ("'x'", "regexp_replace(v, 'x', 'xx', 'g')"),
        ("'x'", "concat_ws('', v, v)"),
        ("'x'", "concat_ws(v, 'a', 'b', 'c')"),
        ("'x'", "concat(v, v)"),
        ("'x'", "overlay(v PLACING v FROM 1 FOR 0)"),
        ("'x'", "encode(v, 'hex')"),
        ("'x'", "to_hex(v)"),
        ("'x'", "array_join(ARRAY[v, v], '')"),
        ("'x'", "array_join(ARRAY['a', 'b', 'c'], v)"),
        ("'x'", "json_format(CAST(ARRAY[v, v] AS json))"),
        ("ARRAY[1]", "ARRAY[v, v]"),
        ("ARRAY[1]", "array_repeat(v, 2)"),
        ("ARRAY[1]", "map(ARRAY['a', 'b'], ARRAY[v, v])"),
    ] {
        let error = rows(&grown(first, step)).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("the most is"), "{step}: {error}");
    }
    for step in ["struct(v, v)", "named_struct('a', v, 'b', v)", "ROW(v, v)"] {
        let error = rows(&grown("'x'", step)).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("more than 1000 fields"), "{step}: {error}");
    }
    fails(&[
        ("array_repeat(repeat('x', 60000), 10000)", "would give 600000000 bytes"),
        ("array_resize(ARRAY['a'], 10000, repeat('x', 60000))", "bytes, the most is"),
        ("array_repeat(array_repeat(repeat('x', 60000), 100), 100)", "would give 600000000 bytes"),
    ])
    .await;
}

#[tokio::test]
async fn a_query_in_place_of_a_value_that_finds_nothing_gives_none() {
    holds(&[
        ("(SELECT v FROM (VALUES (1)) AS t(v) WHERE v > 5)", "null"),
        ("(SELECT 1 WHERE false)", "null"),
        ("(SELECT max(v) FROM (VALUES (1)) AS t(v) WHERE v > 5)", "null"),
        ("w, (SELECT v FROM (VALUES (1)) AS t(v) WHERE v > 5) FROM (VALUES (2)) AS u(w)", "2 null"),
        ("w, (SELECT v FROM (VALUES (1)) AS t(v) WHERE v = w) FROM (VALUES (2)) AS u(w)", "2 null"),
        ("(SELECT event_name FROM (SELECT 'a' AS event_name) AS t WHERE false) || 'x'", "null"),
        ("coalesce((SELECT 1 WHERE false), 7) + 1", "8"),
    ])
    .await;
}
