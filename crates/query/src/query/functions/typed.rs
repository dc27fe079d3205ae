//! Types as Trino has them: times as texts, JSON beside texts, texts beside dates, lists in functions of texts.

use datafusion::prelude::{SessionConfig, SessionContext};

use super::super::cell::Cell;
use super::tests::{fails, holds, rows};

const TIME: &str = "from_iso8601_timestamp('2026-09-14T05:00:00Z')";

#[tokio::test]
async fn times_are_cast_to_the_texts_of_trino() {
    let of = |template: &str| template.replace("TIME", TIME);
    for (template, expected) in [
        ("CAST(TIME AS varchar)", r#""2026-09-14 05:00:00.000 UTC""#),
        ("TRY_CAST(TIME AS varchar), TIME::varchar", r#""2026-09-14 05:00:00.000 UTC" "2026-09-14 05:00:00.000 UTC""#),
        ("CAST(CAST(TIME AS timestamp) AS varchar)", r#""2026-09-14 05:00:00.000""#),
        ("CAST(TIME AS varchar(13)), CAST(date(TIME) AS varchar)", r#""2026-09-14 05" "2026-09-14""#),
        ("CAST(TIME AS varchar) LIKE '2026-09-14 05%', CAST(TIME AS varchar) LIKE '%T05%'", "true false"),
        ("CAST(TIME AS varchar) >= '2026-09-14 05:00:00', CAST(TIME AS varchar) < '2026-09-14 06:00:00'", "true true"),
        ("CAST(TIME AS varchar) > '2026-09-14 05:00:01'", "false"),
        (
            "'at ' || TIME || '!', concat('at ', TIME)",
            r#""at 2026-09-14 05:00:00.000 UTC!" "at 2026-09-14 05:00:00.000 UTC""#,
        ),
        ("CAST(at_timezone(TIME, 'Europe/Berlin') AS varchar)", r#""2026-09-14 07:00:00.000 Europe/Berlin""#),
        ("CAST(CAST(CAST(TIME AS varchar) AS timestamp) AS varchar)", r#""2026-09-14 05:00:00.000""#),
        ("CAST(timestamp '2026-09-14 05:00:00.123456' AS varchar)", r#""2026-09-14 05:00:00.123456""#),
        ("CAST(timestamp '2026-09-14 05:00:00.12' AS varchar)", r#""2026-09-14 05:00:00.120""#),
        ("CAST(CAST(NULL AS timestamp) AS varchar), TIME", r#"null "2026-09-14T05:00:00Z""#),
    ] {
        holds(&[(&of(template), expected)]).await;
    }
    let found = rows("SELECT CAST(v AS varchar) FROM (VALUES (timestamp '2026-01-01'), (NULL)) AS t(v)").await.unwrap();
    assert_eq!(found, [r#""2026-01-01 00:00:00.000""#, "null"]);
}

#[tokio::test]
async fn json_is_compared_with_json_only() {
    let extracted = r#"json_extract('{"a":"x","n":1}', '$.a')"#;
    let of = |template: &str| template.replace("JSON", extracted);
    for condition in [
        "JSON = 'x'",
        "'x' <> JSON",
        "JSON < 'x'",
        "JSON = 1",
        "JSON IN ('x', 'y')",
        "JSON NOT IN ('x')",
        "JSON BETWEEN 'a' AND 'z'",
        "JSON IS DISTINCT FROM 'x'",
        "CASE JSON WHEN 'x' THEN 1 END",
        "nullif(JSON, 'x')",
        "coalesce(JSON, json_parse('1')) = 'x'",
        "CASE WHEN 1 = 1 THEN JSON END = 'x'",
        "json_parse('1') = '1'",
        "json_array_get('[1]', 0) = '1'",
        "CAST('x' AS json) = 'x'",
        "JSON IN (SELECT 'x')",
        "CAST(json_parse('{}') AS map(varchar, json))['a'] = 'x'",
        "element_at(CAST(json_parse('{}') AS map(varchar, json)), 'a') = 'x'",
        "CAST(json_parse('[]') AS array(json))[1] = 'x'",
        "contains(CAST(json_parse('[]') AS array(json)), 'x')",
        "j = 'x' FROM (SELECT JSON AS j) AS t",
        "1 FROM (SELECT JSON AS j) AS t JOIN (SELECT 'x' AS v) AS u ON j = v",
    ] {
        fails(&[(&of(condition), "json cannot be compared with")]).await;
        fails(&[(&of(condition), "json_extract_scalar")]).await;
    }
    for (call, function) in [
        ("JSON LIKE 'x%'", "LIKE"),
        ("JSON || 'x'", "||"),
        ("concat('x', JSON)", "||"),
        ("lower(JSON)", "lower"),
        ("split(JSON, ',')", "split"),
        ("regexp_like(JSON, 'x')", "regexp_like"),
    ] {
        fails(&[(&of(call), &format!("{function} takes a text, not json"))]).await;
    }
    for (condition, expected) in [
        ("JSON = json_parse('\"x\"'), JSON <> json_parse('1'), JSON IN (json_parse('1'))", "true true false"),
        ("JSON IS NULL, JSON IS NOT NULL, JSON = NULL, coalesce(JSON, json_parse('1'))", r#"false true null "\"x\"""#),
        (
            "CAST(JSON AS varchar) = 'x', json_format(JSON) = '\"x\"', TRY_CAST(JSON AS varchar) LIKE 'x'",
            "true true true",
        ),
        ("CAST(json_extract('[7]', '$[0]') AS bigint) > 5, json_array_length(json_parse('[1]')) = 1", "true true"),
        ("contains(CAST(json_parse('[1]') AS array(json)), json_parse('1'))", "true"),
        ("contains(CAST(json_parse('[\"x\"]') AS array(varchar)), 'x')", "true"),
        ("json_extract_scalar(JSON, '$') = 'x', is_json_scalar(JSON), json_array_contains('[1]', 1)", "true true true"),
    ] {
        holds(&[(&of(condition), expected)]).await;
    }
}

#[tokio::test]
async fn a_text_beside_a_date_is_a_time_and_the_date_its_midnight() {
    holds(&[
        (
            "v >= date '2026-09-14', v > date '2026-09-14', \
             v = date '2026-09-14' FROM (VALUES ('2026-09-14T05:00:00Z')) AS t(v)",
            "true true false",
        ),
        ("v < date '2026-09-15', v <= date '2026-09-14' FROM (VALUES ('2026-09-14T05:00:00Z')) AS t(v)", "true false"),
        ("v BETWEEN date '2026-09-14' AND date '2026-09-14' FROM (VALUES ('2026-09-14T05:00:00Z')) AS t(v)", "false"),
        ("v BETWEEN date '2026-09-14' AND date '2026-09-14' FROM (VALUES ('2026-09-14T00:00:00Z')) AS t(v)", "true"),
        ("date '2026-09-14' = v, v IN (date '2026-09-14') FROM (VALUES ('2026-09-14')) AS t(v)", "true true"),
        ("date '2026-09-14' = '2026-09-14', date '2026-09-14' < '2026-09-14T05:00:00Z'", "true true"),
        (
            "date(v) = '2026-09-14', date(v) = date '2026-09-14' FROM (VALUES ('2026-09-14T05:00:00Z')) AS t(v)",
            "true true",
        ),
    ])
    .await;
}

#[tokio::test]
async fn functions_of_texts_take_no_lists() {
    holds(&[
        (
            "reverse(ARRAY['a', 'b']), reverse(ARRAY[1, NULL, 3]), reverse('äb'), reverse(NULL)",
            r#"["b","a"] [3,null,1] "bä" null"#,
        ),
        ("reverse(slice(v, 2, 2)) FROM (VALUES (ARRAY[1, 2, 3]), (NULL), (ARRAY[4])) AS t(v)", "[3,2]\nnull\n[]"),
        ("length('abc'), concat_ws('-', 'a', 'b')", r#"3 "a-b""#),
        ("length('äö'), length(to_utf8('äö')), length(NULL), length(json_format(json_parse('[1]')))", "2 4 null 3"),
    ])
    .await;
    fails(&[
        ("length(ARRAY['a'])", "length takes a text, not array(varchar); cardinality"),
        ("length(map(ARRAY['a'], ARRAY[1]))", "length takes a text, not map(varchar, bigint); cardinality"),
        ("concat_ws(',', ARRAY['a', 'b'])", "array_join"),
        ("reverse(map(ARRAY['a'], ARRAY[1]))", "reverse takes a text"),
        ("reverse(12)", "reverse takes a text or an array"),
        ("starts_with(ARRAY['a'], 'a')", "starts_with"),
        ("replace(ARRAY['a'], 'a', 'b')", "replace"),
        ("strpos(ARRAY['a'], 'a')", "strpos"),
        ("upper(ARRAY['a'])", "upper"),
    ])
    .await;
}

#[tokio::test]
async fn lists_of_columns_become_rows() {
    let table = "(VALUES ('x', 'y', ARRAY[1, 2]), ('z', 'z', NULL)) AS t(k, w, l)";
    for (unnested, columns, expected) in [
        ("UNNEST(ARRAY[k, w]) AS u(b)", "b", vec![r#""x""#, r#""y""#, r#""z""#, r#""z""#]),
        ("UNNEST(ARRAY[t.k, lower(t.w)]) AS u(b)", "b", vec![r#""x""#, r#""y""#, r#""z""#, r#""z""#]),
        ("UNNEST(array_distinct(ARRAY[k, w])) AS u(b)", "k, b", vec![r#""x" "x""#, r#""x" "y""#, r#""z" "z""#]),
        (
            "UNNEST(ARRAY[k, w]) WITH ORDINALITY AS u(b, n)",
            "b, n",
            vec![r#""x" 1"#, r#""y" 2"#, r#""z" 1"#, r#""z" 2"#],
        ),
        (
            "UNNEST(map(ARRAY['k', 'w'], ARRAY[k, w])) AS u(name, b)",
            "name, b",
            vec![r#""k" "x""#, r#""w" "y""#, r#""k" "z""#, r#""w" "z""#],
        ),
        (
            "UNNEST(ARRAY[k, w], ARRAY[1]) AS u(b, c)",
            "b, c",
            vec![r#""x" 1"#, r#""y" null"#, r#""z" 1"#, r#""z" null"#],
        ),
        (
            "UNNEST(ARRAY[k], l) WITH ORDINALITY AS u(b, c, n)",
            "b, c, n",
            vec![r#""x" 1 1"#, "null 2 2", r#""z" null 1"#],
        ),
        ("UNNEST(ARRAY[k, 'c']) AS u(b)", "b", vec![r#""x""#, r#""c""#, r#""z""#, r#""c""#]),
    ] {
        let found = rows(&format!("SELECT {columns} FROM {table} CROSS JOIN {unnested}")).await;
        assert_eq!(
            found.map_err(|error| error.to_string()),
            Ok(expected.iter().map(ToString::to_string).collect()),
            "{unnested}"
        );
    }
    holds(&[
        ("transform(ARRAY[1, 2], e -> ARRAY[e, 0])", "[[1,0],[2,0]]"),
        ("ARRAY[v, 2], approx_percentile(v, ARRAY[0.0, 1.0]) FROM (VALUES (1)) AS t(v) GROUP BY v", "[1,2] [1.0,1.0]"),
    ])
    .await;
}

#[tokio::test]
async fn of_a_key_that_is_in_json_twice_the_last_counts() {
    let twice = r#"json_parse('{"a":1,"b":3,"a":2}')"#;
    let of = |template: &str| template.replace("JSON", twice);
    for (template, expected) in [
        ("element_at(CAST(JSON AS map(varchar, json)), 'a')", r#""2""#),
        ("CAST(JSON AS map(varchar, bigint)), cardinality(CAST(JSON AS map(varchar, bigint)))", r#"{"a":2,"b":3} 2"#),
        (
            "CAST(JSON AS row(a bigint, b bigint)).a, json_extract_scalar(JSON, '$.a'), json_size(JSON, '$')",
            r#"2 "2" 2"#,
        ),
    ] {
        holds(&[(&of(template), expected)]).await;
    }
}

#[tokio::test]
async fn parts_of_texts_are_counted_as_trino_counts_them() {
    holds(&[
        ("substr('hello', 0), substr('hello', -10), substr('hello', 9), substr('hello', 6)", r#""" "" "" """#),
        (
            "substr('hello', 2), substr('hello', -2), substr('hello', -5), substring('hello', -4, 2)",
            r#""ello" "lo" "hello" "el""#,
        ),
        (
            "substring('hello' FROM 2 FOR 3), substr('äöü', 2, 1), substr('hello', 2, 0), substr('a', 1, -1)",
            r#""ell" "ö" "" """#,
        ),
        ("substr(v, 2, 3), substr(v, -2) FROM (VALUES ('hello'), (NULL)) AS t(v)", "\"ell\" \"lo\"\nnull null"),
        ("strpos('abcabc', 'b', 2), strpos('abcabc', 'b', -1), strpos('abc', 'x', 1), strpos('äbc', 'b')", "5 5 0 2"),
        (
            "regexp_position('a1b2', '[0-9]'), regexp_position('a1b2', '[0-9]', 3), regexp_position('a1b2', \
             '[0-9]', 1, 2)",
            "2 4 4",
        ),
        ("regexp_position('abc', '[0-9]')", "-1"),
        (
            "url_extract_parameter('https://a/b?x=1&y=a%20b&x=2#z', 'y'), url_extract_parameter('https://a?x=1', 'x')",
            r#""a b" "1""#,
        ),
        ("url_extract_parameter('https://a/b', 'x')", "null"),
        ("to_base64(to_utf8('a')), from_utf8(from_base64('YQ==')), from_utf8(from_base64('YQ'))", r#""YQ==" "a" "a""#),
        (
            "to_hex(md5(to_utf8('a'))), lower(substr(to_hex(sha256(to_utf8('a'))), 1, 8))",
            r#""0CC175B9C0F1B6A831C399E269772661" "ca978112""#,
        ),
        ("lower(substr(to_hex(sha512(to_utf8('a'))), 1, 8))", r#""1f40fc92""#),
    ])
    .await;
    fails(&[
        ("split_part('a/b', '/', 0)", "counted from 1"),
        ("split_part('a/b', '/', -1)", "counted from 1"),
        ("strpos('a', 'a', 0)", "counts from 1"),
        ("regexp_position('a', 'a', 0)", "counts from 1"),
    ])
    .await;
}

#[tokio::test]
async fn lists_and_maps_are_combined_as_trino_does() {
    holds(&[
        (
            "array_max(ARRAY[1, NULL]), array_min(ARRAY[NULL, 1]), array_max(ARRAY[1, 3]), array_min(ARRAY['b', 'a'])",
            r#"null null 3 "a""#,
        ),
        ("array_max(v) FROM (VALUES (ARRAY[1, 2]), (NULL), (ARRAY[2, NULL])) AS t(v)", "2\nnull\nnull"),
        (
            "arrays_overlap(ARRAY[1, NULL], ARRAY[2]), arrays_overlap(ARRAY[1, NULL], ARRAY[1]), \
             arrays_overlap(ARRAY[1], ARRAY[2])",
            "null true false",
        ),
        ("arrays_overlap(ARRAY['a'], v) FROM (VALUES (ARRAY['a', 'b']), (NULL)) AS t(v)", "true\nnull"),
        ("map_concat(map(ARRAY['a', 'b'], ARRAY[1, 2]), map(ARRAY['b', 'c'], ARRAY[3, 4]))", r#"{"a":1,"b":3,"c":4}"#),
        ("split_to_map('a=1,b=2', ',', '='), split_to_map('', ',', '=')", r#"{"a":"1","b":"2"} {}"#),
        (
            "zip_with(ARRAY[1, 3], ARRAY[2, 4], (x, y) -> x + y), zip_with(ARRAY['a'], ARRAY['d', 'e'], (X, \
             y) -> coalesce(x, '-') || y)",
            r#"[3,7] ["ad","-e"]"#,
        ),
        ("max(v, 2), min(v, 2), variance(v) FROM (VALUES (1), (2), (3), (NULL)) AS t(v)", "[3,2] [1,2] 1.0"),
        ("try(split_to_map('a', ',', '='))", "null"),
    ])
    .await;
    fails(&[
        ("split_to_map('a=1,a=2', ',', '=')", "twice"),
        ("split_to_map('a', ',', '=')", "has no"),
        ("map_concat(map(ARRAY['a'], ARRAY[1]), ARRAY[1])", "takes maps"),
    ])
    .await;
}

#[tokio::test]
async fn narrow_whole_numbers_that_do_not_fit_are_refused() {
    holds(&[
        ("CAST(2 AS integer) * CAST(3 AS integer), CAST(7 AS smallint) - CAST(8 AS smallint)", "6 -1"),
        ("v + v FROM (SELECT CAST(1 AS integer) AS v) AS t", "2"),
    ])
    .await;
    fails(&[
        ("CAST(2147483647 AS integer) * CAST(2 AS integer)", "4294967294"),
        ("v + CAST(1 AS integer) FROM (SELECT CAST(2147483647 AS integer) AS v) AS t", "2147483648"),
    ])
    .await;
}

#[tokio::test]
async fn types_have_the_names_of_sql() {
    let types = [
        ("'a'", "varchar"),
        ("1", "bigint"),
        ("true", "boolean"),
        ("from_unixtime(1)", "timestamp with time zone"),
        ("ARRAY['a']", "array(varchar)"),
        ("map(ARRAY['a'], ARRAY[1])", "map(varchar, bigint)"),
        ("CAST(json_parse('[1]') AS row(a bigint, b varchar))", "row(a bigint, b varchar)"),
    ];
    for (value, name) in types {
        holds(&[(&format!("typeof({value})"), &format!("{name:?}"))]).await;
    }
    let context = SessionContext::new_with_config(SessionConfig::new().with_information_schema(true));
    super::register(&context).unwrap();
    let made = types.map(|(value, _)| value.to_owned()).join(", ");
    let statement = super::read(&format!("SELECT {made}")).unwrap();
    let plan = context.state().statement_to_plan(statement).await.unwrap();
    let view = context.execute_logical_plan(plan).await.unwrap().into_view();
    context.register_table("made", view).unwrap();
    for table in ["information_schema.columns", "Information_Schema.COLUMNS AS c"] {
        let asked = format!("SELECT data_type FROM {table} WHERE table_name = 'made' ORDER BY ordinal_position");
        let plan = context.state().statement_to_plan(super::read(&asked).unwrap()).await.unwrap();
        let found = context.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        let names: Vec<String> = found
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| Cell::of(batch.column(0).as_ref(), row).json()))
            .collect();
        assert_eq!(names, types.map(|(_, name)| format!("{name:?}")), "{table}");
    }
}
