//! Every function against the values that Trino's documentation gives, or that follow from what it says.

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::prelude::SessionContext;

use super::super::cell::Cell;
use super::super::error::QueryError;

pub(super) async fn rows(sql: &str) -> Result<Vec<String>, QueryError> {
    let context = SessionContext::new();
    super::register(&context)?;
    let plan = context.state().statement_to_plan(super::read(sql)?).await?;
    let batches: Vec<RecordBatch> = context.execute_logical_plan(plan).await?.collect().await?;
    let row = |batch: &RecordBatch, at: usize| {
        let cells: Vec<String> = batch.columns().iter().map(|column| Cell::of(column.as_ref(), at).json()).collect();
        cells.join(" ")
    };
    Ok(batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect())
}

pub(super) async fn holds(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expression, expected) in cases {
        match rows(&format!("SELECT {expression}")).await {
            Ok(rows) if rows.join("\n") == *expected => {}
            Ok(rows) => wrong.push(format!("{expression} is {}, not {expected}", rows.join("\n"))),
            Err(error) => wrong.push(format!("{expression} fails: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(super) async fn fails(cases: &[(&str, &str)]) {
    for (expression, why) in cases {
        let error = rows(&format!("SELECT {expression}")).await.expect_err(expression).to_string();
        assert!(error.contains(why), "{expression}: {error}");
    }
}

#[tokio::test]
async fn json_is_read_as_trino_reads_it() {
    holds(&[
        (r#"json_extract('{"a":{"b":"c"}}', '$.a')"#, r#""{\"b\":\"c\"}""#),
        (r#"json_extract('{"a":"b"}', '$.a')"#, r#""\"b\"""#),
        (r#"json_extract('{"a":null}', '$.a')"#, r#""null""#),
        (r#"json_extract('{"a":[{"x-y":1}]}', '$.a[0][''x-y'']')"#, r#""1""#),
        (r#"json_extract('{"a":[{"b":1},{"b":2}]}', '$.a[*].b')"#, r#""[1,2]""#),
        ("json_extract('no json', '$.a')", "null"),
        ("json_extract(NULL, '$.a')", "null"),
        ("json_extract_scalar('[1, 2, 3]', '$[2]')", r#""3""#),
        (r#"json_extract_scalar('{"a":"b"}', '$.a')"#, r#""b""#),
        (r#"json_extract_scalar('{"a":{"b":1}}', '$.a')"#, "null"),
        (r#"json_extract_scalar('{"a":null}', '$.a')"#, "null"),
        (r#"json_extract_scalar('{"a":true}', '$.b')"#, "null"),
        (r#"json_extract_scalar(json_parse('{"a":9007199254740993}'), '$.a')"#, r#""9007199254740993""#),
        (r#"json_value('{"a":1}', 'lax $.a')"#, r#""1""#),
        (r#"json_exists('{"a":1}', 'lax $.b')"#, "false"),
        ("json_array_contains('[1, 2, 3]', 2)", "true"),
        ("json_array_contains('[1, 2.5]', 2.5)", "true"),
        (r#"json_array_contains('["a"]', 'b')"#, "false"),
        ("json_array_contains('[true]', true)", "true"),
        ("json_array_contains('{}', 1)", "null"),
        (r#"json_array_get('["a", [3, 9], "c"]', 0)"#, r#""\"a\"""#),
        (r#"json_array_get('["a", [3, 9], "c"]', 1)"#, r#""[3, 9]""#),
        ("json_array_get('[]', 0)", "null"),
        (r#"json_array_get('["c", "b", "a"]', -1)"#, r#""\"a\"""#),
        (r#"json_array_get('["c", "b", "a"]', -4)"#, "null"),
        ("json_array_length('[1, 2, 3]')", "3"),
        ("json_array_length('{}')", "null"),
        (r#"json_size('{"x": {"a": 1, "b": 2}}', '$.x')"#, "2"),
        (r#"json_size('{"x": [1, 2, 3]}', '$.x')"#, "3"),
        (r#"json_size('{"x": {"a": 1, "b": 2}}', '$.x.a')"#, "0"),
        ("is_json_scalar('1'), is_json_scalar('[1, 2, 3]')", "true false"),
        (r#"json_format(json_parse('[1,2]'))"#, r#""[1,2]""#),
    ])
    .await;
    fails(&[("json_parse('not_json')", "this is no JSON"), ("json_extract('{}', 'a')", "invalid JSON path")]).await;
}

#[tokio::test]
async fn hostile_json_is_passed_over() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    holds(&[
        (&format!("json_array_length('{deep}')"), "1"),
        (&format!("json_extract_scalar('{{\"a\":{deep},\"b\":1}}', '$.b')"), r#""1""#),
        (&format!("length(CAST(json_parse('{deep}') AS varchar))"), "200000"),
    ])
    .await;
    let path = format!("json_extract('{{}}', '${}')", ".a".repeat(50_000));
    holds(&[(&path, "null")]).await;
    fails(&[(&format!("json_cast('[]', '{}bigint{}')", "array(".repeat(50), ")".repeat(50)), "nested")]).await;
}

#[tokio::test]
async fn json_is_cast_to_and_from_other_types() {
    holds(&[
        (r#"CAST(json_extract('{"a":"b"}', '$.a') AS varchar)"#, r#""b""#),
        ("CAST(json_parse('1.7') AS bigint)", "2"),
        (r#"CAST(json_parse('"12"') AS integer)"#, "12"),
        ("CAST(json_parse('true') AS boolean)", "true"),
        ("CAST(json_parse('null') AS varchar)", "null"),
        ("CAST(json_parse('[1,23,456]') AS array(integer))", "[1,23,456]"),
        (r#"CAST(json_parse('["a",null]') AS array(varchar))"#, r#"["a",null]"#),
        (r#"CAST(json_parse('{"k1":1,"k2":23}') AS map(varchar, integer))"#, r#"{"k1":1,"k2":23}"#),
        (r#"CAST(json_parse('{"v1":123,"v2":"abc"}') AS row(v1 bigint, v2 varchar))"#, r#"{"v1":123,"v2":"abc"}"#),
        (r#"CAST(json_parse('[123,"abc"]') AS row(v1 bigint, v2 varchar(3))).v2"#, r#""abc""#),
        (r#"CAST(json_parse('{"a":{"b":[1]}}') AS map(varchar, map(varchar, array(bigint))))['a']['b'][1]"#, "1"),
        ("TRY_CAST(json_parse('{}') AS array(varchar))", "null"),
        ("CAST(ARRAY['a', 'b'] AS json)", r#""[\"a\",\"b\"]""#),
        ("CAST('a' AS json)", r#""\"a\"""#),
        ("json_format(CAST(1 AS json))", r#""1""#),
        ("try(CAST('x' AS bigint))", "null"),
        ("try(json_parse('x'))", "null"),
        ("try(1 / 0)", "null"),
    ])
    .await;
    fails(&[
        ("CAST(json_parse('{}') AS array(varchar))", "this JSON cannot be cast"),
        ("CAST(json_parse('\"a\"') AS bigint)", "this JSON cannot be cast"),
        ("CAST(json_parse('1') AS array(point))", "cannot be cast to"),
    ])
    .await;
}

#[tokio::test]
async fn elements_of_lists_and_maps_are_found() {
    holds(&[
        ("element_at(ARRAY[1, 2, 3], 1), element_at(ARRAY[1, 2, 3], -1), element_at(ARRAY[1, 2, 3], 4)", "1 3 null"),
        ("element_at(ARRAY[1, 2, 3], -4), element_at(CAST(NULL AS bigint[]), 1)", "null null"),
        ("element_at(map(ARRAY['a', 'b'], ARRAY[1, 2]), 'b'), element_at(map(ARRAY['a'], ARRAY[1]), 'z')", "2 null"),
        ("element_at(map(ARRAY[1, 2], ARRAY['x', 'y']), 2)", r#""y""#),
        ("map(ARRAY['a', 'b'], ARRAY[1, 2])['a'], ARRAY[5, 6][1]", "1 5"),
        ("map_keys(map(ARRAY['a'], ARRAY[1])), map_values(map(ARRAY['a'], ARRAY[1]))", r#"["a"] [1]"#),
        ("cardinality(ARRAY[1, 2]), cardinality(ARRAY[ARRAY[1, 2], ARRAY[3]])", "2 2"),
        ("cardinality(map(ARRAY['a', 'b'], ARRAY[1, 2]))", "2"),
        ("contains(ARRAY[1, 2], 2), contains(ARRAY[1, 2], 3), contains(ARRAY[1, NULL], 3)", "true false null"),
        ("contains(ARRAY['a'], 'a'), contains('abc', 'bc')", "true true"),
        ("array_join(ARRAY[1, 2, NULL], ','), array_join(ARRAY[1, NULL], ',', '-')", r#""1,2" "1,-""#),
        ("array_distinct(ARRAY[1, 1, 2]), array_position(ARRAY[1, 2], 2), array_position(ARRAY[1], 9)", "[1,2] 2 0"),
        (
            "array_max(ARRAY[1, 3, 2]), arrays_overlap(ARRAY[1, 2], ARRAY[2]), array_remove(ARRAY[1, 2, 1], 1)",
            "3 true [2]",
        ),
        ("sequence(1, 3), slice(ARRAY[1, 2, 3, 4], 2, 2), flatten(ARRAY[ARRAY[1], ARRAY[2]])", "[1,2,3] [2,3] [1,2]"),
        ("ARRAY[1] || ARRAY[2], concat(ARRAY[1], ARRAY[2], ARRAY[3])", "[1,2] [1,2,3]"),
    ])
    .await;
    fails(&[
        ("element_at(ARRAY[1], 0)", "counted from 1"),
        ("element_at('a', 1)", "element_at takes an element of an array or a map"),
        ("cardinality('a')", "counts the elements"),
    ])
    .await;
}

#[tokio::test]
async fn lambdas_are_applied() {
    holds(&[
        ("filter(ARRAY[5, -6, NULL, 7], x -> x > 0), transform(ARRAY[5, 6], x -> x + 1)", "[5,7] [6,7]"),
        ("transform(filter(ARRAY['x', 'abc', 'z'], x -> length(x) > 1), (x) -> x || '0')", r#"["abc0"]"#),
        ("any_match(ARRAY[1, 2], x -> x = 2), all_match(ARRAY[1, 2], x -> x > 1)", "true false"),
        ("none_match(ARRAY[1, 2], x -> x = 3), all_match(ARRAY[2], x -> x > 1 OR x = 9)", "true true"),
        ("find_first(ARRAY[1, 2, 3], x -> x > 1)", "2"),
    ])
    .await;
}

#[tokio::test]
async fn a_list_is_reduced_to_a_value() {
    holds(&[
        ("reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", "75"),
        ("reduce(ARRAY[5, 20, NULL, 50], 0, (s, x) -> s + coalesce(x, 0), (s) -> s * 2)", "150"),
        ("reduce(ARRAY[5, NULL], 0, (s, x) -> s + x, s -> s)", "null"),
        ("reduce(CAST(ARRAY[] AS bigint[]), 7, (s, x) -> s + x, s -> s + 1)", "8"),
        ("reduce(CAST(NULL AS bigint[]), 7, (s, x) -> s + x, s -> 1)", "null"),
        ("reduce(ARRAY['a', 'b'], '', (S, X) -> S || X, s -> upper(s))", r#""AB""#),
        ("reduce(ARRAY[3, 9, 4], NULL, (s, x) -> IF(s IS NULL OR x > s, x, s), s -> s)", "9"),
        ("reduce(ARRAY[1, 2], 0, (s, x) -> s + x * 0.5, s -> s > 1)", "true"),
        ("reduce(sequence(1, 1000), 0, (s, x) -> s + x, s -> s)", "500500"),
        ("reduce(ARRAY[ARRAY[1, 2], ARRAY[3]], 0, (s, l) -> s + reduce(l, 0, (a, x) -> a + x, a -> a), s -> s)", "6"),
    ])
    .await;
    let rows = "SELECT array_join(array_agg(CAST(reduce(l, n, (s, x) -> s + x * n, s -> s - n) AS varchar) ORDER BY n), ' ', '-') \
                FROM (VALUES (ARRAY[1, 2, 3], 1), (CAST(NULL AS bigint[]), 2), (CAST(ARRAY[] AS bigint[]), 3), (ARRAY[1], 10)) AS t(l, n)";
    holds(&[(&format!("({rows})"), r#""6 - 0 10""#)]).await;
    fails(&[
        ("reduce(ARRAY[1], 0, (s, x) -> s + x)", "reduce"),
        ("reduce(1, 0, (s, x) -> s + x, s -> s)", "reduce takes an array"),
        ("reduce(sequence(1, 40), 'x', (s, x) -> s || s, s -> length(s))", "the most is"),
        ("reduce(ARRAY[9223372036854775807], 1, (s, x) -> s + x, s -> s)", "overflow"),
        ("array_sort(ARRAY[1, 2], (a, b) -> a - b)", "array_agg(x ORDER BY"),
    ])
    .await;
}

#[tokio::test]
async fn times_are_read_and_written() {
    holds(&[
        ("from_iso8601_timestamp('2020-05-11')", r#""2020-05-11T00:00:00Z""#),
        ("from_iso8601_timestamp('2020-05-11T11:15:05')", r#""2020-05-11T11:15:05Z""#),
        ("from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00')", r#""2020-05-11T10:15:05.055Z""#),
        ("from_iso8601_date('2020-05-11')", r#""2020-05-11""#),
        ("to_iso8601(timestamp '2020-05-11 11:15:05')", r#""2020-05-11T11:15:05.000""#),
        ("to_iso8601(from_iso8601_timestamp('2020-05-11T11:15:05Z'))", r#""2020-05-11T11:15:05.000Z""#),
        ("to_iso8601(date '2020-05-11')", r#""2020-05-11""#),
        (
            "to_iso8601(at_timezone(from_iso8601_timestamp('2020-05-11T11:15:05Z'), 'Europe/Berlin'))",
            r#""2020-05-11T13:15:05.000+02:00""#,
        ),
        ("from_unixtime(1600000000), to_unixtime(from_unixtime(1.5))", r#""2020-09-13T12:26:40Z" 1.5"#),
        ("date_parse('2022/10/20/05', '%Y/%m/%d/%H')", r#""2022-10-20T05:00:00""#),
        ("date_parse('Oct 2, 22 3:04:05 PM', '%b %e, %y %l:%i:%s %p')", r#""2022-10-02T15:04:05""#),
        ("date_parse('2026-09-15T01:02:03.25Z', '%Y-%m-%dT%T.%fZ')", r#""2026-09-15T01:02:03.25""#),
        ("date_format(timestamp '2022-10-20 05:10:00', '%m-%d-%Y %H')", r#""10-20-2022 05""#),
        (
            "date_format(timestamp '2022-01-02 15:04:05.6', '%W %a %M %b %c %e %k %l %h %p %y %j %f %T %r %v %x %%')",
            r#""Sunday Sun January Jan 1 2 15 3 03 PM 22 002 600000 15:04:05 03:04:05 PM 52 2021 %""#,
        ),
        ("parse_datetime('1960/01/22 3:04', 'yyyy/MM/dd H:mm')", r#""1960-01-22T03:04:00Z""#),
        ("parse_datetime('2026-09-15T10:00:00+0200', 'yyyy-MM-dd''T''HH:mm:ssZ')", r#""2026-09-15T08:00:00Z""#),
        (
            "format_datetime(timestamp '2026-09-15 01:02:03.045', 'EEE, d MMMM yyyy h:mm:ss.SSS a')",
            r#""Tue, 15 September 2026 1:02:03.045 AM""#,
        ),
        ("timestamp '2026-01-01 00:00:00', date '2026-01-01'", r#""2026-01-01T00:00:00" "2026-01-01""#),
        ("try(date_parse('x', '%Y'))", "null"),
    ])
    .await;
    fails(&[
        ("date_parse('x', '%Y')", "is no time of the format"),
        ("date_parse('2022-13-01', '%Y-%m-%d')", "is no time of the format"),
        ("date_format(timestamp '2022-10-20 05:10:00', '%w')", "not supported"),
        ("from_iso8601_timestamp('soon')", "ISO 8601"),
        ("from_unixtime(1e300)", "out of range"),
    ])
    .await;
}

#[tokio::test]
async fn times_are_reckoned_with() {
    holds(&[
        ("date_add('second', 86, timestamp '2020-03-01 00:00:00')", r#""2020-03-01T00:01:26""#),
        ("date_add('hour', 9, timestamp '2020-03-01 00:00:00')", r#""2020-03-01T09:00:00""#),
        ("date_add('day', -1, timestamp '2020-03-01 00:00:00 UTC')", r#""2020-02-29T00:00:00Z""#),
        ("date_add('month', 1, date '2020-01-31')", r#""2020-02-29""#),
        ("date_add('quarter', 1, date '2020-01-31')", r#""2020-04-30""#),
        ("date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')", "86400"),
        ("date_diff('day', timestamp '2020-03-01 00:00:00 UTC', timestamp '2020-03-02 00:00:00 UTC')", "1"),
        ("date_diff('day', date '2020-03-01', date '2020-03-02')", "1"),
        ("date_diff('week', date '2020-03-15', date '2020-03-01')", "-2"),
        ("date_diff('month', date '2020-01-31', date '2020-02-29')", "0"),
        ("date_diff('year', date '2019-03-01', date '2020-02-29')", "0"),
        ("hour(timestamp '2026-09-15 01:02:03'), minute(timestamp '2026-09-15 01:02:03')", "1 2"),
        ("second(timestamp '2026-09-15 01:02:03.9'), last_day_of_month(date '2026-02-03')", r#"3 "2026-02-28""#),
        ("date_trunc('week', date '2026-09-15')", r#""2026-09-14T00:00:00""#),
        ("day_of_week(date '2026-09-13'), dow(date '2026-09-14'), extract(dow FROM date '2026-09-13')", "7 1 7"),
        (
            "year(date '2026-09-15'), quarter(date '2026-09-15'), month(date '2026-09-15'), day(date '2026-09-15')",
            "2026 3 9 15",
        ),
        ("week(date '2026-09-15'), day_of_year(date '2026-02-01'), year_of_week(date '2027-01-01')", "38 32 2026"),
        ("hour(timestamp '2026-09-15 01:02:03 UTC' AT TIME ZONE 'America/New_York')", "21"),
        ("timestamp '2012-08-08 01:00:00' + interval '29' hour", r#""2012-08-09T06:00:00""#),
        ("timestamp '2012-10-31 01:00:00' - interval '1' month", r#""2012-09-30T01:00:00""#),
        ("current_timestamp - interval '7' day < now(), current_date > date '2020-01-01'", "true true"),
        ("date(timestamp '2026-09-15 01:02:03'), date('2026-09-15T01:02:03Z')", r#""2026-09-15" "2026-09-15""#),
    ])
    .await;
    fails(&[("date_diff('fortnight', now(), now())", "there is no unit")]).await;
}

#[tokio::test]
async fn texts_are_taken_apart() {
    holds(&[
        ("regexp_extract('1a 2b 14m', '\\d+'), regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", r#""1" "a""#),
        ("regexp_extract('abc', '(x)?abc', 1), regexp_extract('abc', 'z')", "null null"),
        ("regexp_extract_all('1a 2b 14m', '\\d+')", r#"["1","2","14"]"#),
        ("regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')", r#"["1","2","14",""]"#),
        ("split('a/b/c', '/'), split('a/b/c', '/', 2)", r#"["a","b","c"] ["a","b/c"]"#),
        ("split_part('a/b/c', '/', 2), split_part('a/b', '/', 3)", r#""b" null"#),
        ("strpos('abc', 'c'), position('b' IN 'abc'), substr('abcdef', 2, 3)", r#"3 2 "bcd""#),
        ("substr('abcdef', -3), substr('abcdef', -3, 2)", r#""def" "de""#),
        ("url_extract_host('https://u@example.com:8080/x?y#z')", r#""example.com""#),
        ("url_extract_path('https://example.com/x/y?z')", r#""/x/y""#),
        ("regexp_like('1a 2b 14m', '\\d+b'), regexp_replace('1a 2b 14m', '\\d+[ab] ')", r#"true "14m""#),
        ("regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", r#""3ca 3cb 14m""#),
        ("regexp_replace('a1', '([a-z])(\\d)', '$2x$1\\$')", r#""1xa$""#),
        ("concat('a', 'b', 'c'), concat('a', NULL), 'a' || NULL, concat_ws('-', 'a', 'b')", r#""abc" null null "a-b""#),
        ("replace('abc', 'b'), lower('ABC'), upper('abc'), trim(' a '), length('äb')", r#""ac" "abc" "ABC" "a" 2"#),
        ("url_decode('a%2Fb+c%3D'), url_encode('a/b c')", r#""a/b c=" "a%2Fb+c""#),
        ("to_hex(to_utf8('az')), from_utf8(from_hex('617A')), to_hex(255)", r#""617A" "az" "ff""#),
        ("levenshtein_distance('kitten', 'sitting'), starts_with('abc', 'a'), reverse('abc')", r#"3 true "cba""#),
        ("if(1 > 2, 'a', 'b'), if(1 > 2, 'a'), coalesce(NULL, 1), nullif(1, 1)", r#""b" null 1 null"#),
        ("7 / 2, mod(7, 2), 7 % 2, bitwise_and(6, 3), truncate(1.7), ceiling(1.2)", "3 1 1 2 1.0 2.0"),
    ])
    .await;
    fails(&[
        ("regexp_extract('a', '(')", "no pattern"),
        ("regexp_extract('a', 'a', 1)", "has 0 groups"),
        ("regexp_extract('a', '(((a{1000}){1000}){1000})')", "no pattern that can be used"),
        ("split('a', '')", "may not be empty"),
        ("url_decode('%zz')", "no encoded text"),
        ("split(1, 'a')", "argument 1 of split must be a text"),
        ("split('a')", "takes 2 to 3 arguments, not 1"),
    ])
    .await;
}

const TABLE: &str = "(VALUES ('a', 1, 10), ('b', 2, 20), ('b', 3, NULL), (NULL, 4, 5)) AS t(k, v, w)";

#[tokio::test]
async fn aggregates_count_as_trino_does() {
    let cases = [
        ("count_if(v > 1), count_if(v > 9)", "3 0"),
        ("max_by(v, w), min_by(v, w), max_by(v, w) FILTER (WHERE v < 2)", "2 4 1"),
        ("max_by(v, w) FILTER (WHERE w IS NULL)", "null"),
        ("max_by(v, w, 2), min_by(v, w, 2)", "[2,1] [4,1]"),
        ("approx_distinct(k), approx_distinct(k, 0.01), arbitrary(1), every(v > 0)", "2 2 1 true"),
        ("approx_percentile(v, 0.5)", "2.5"),
        ("approx_percentile(v, ARRAY[0.0, 1.0])", "[1.0,4.0]"),
        ("histogram(k), map_agg(k, v)", r#"{"a":1,"b":2} {"a":1,"b":2}"#),
        ("histogram(k) FILTER (WHERE v > 9)", "null"),
        (
            "array_agg(k ORDER BY v), set_agg(1), listagg(k, ',') WITHIN GROUP (ORDER BY v DESC)",
            r#"["a","b","b",null] [1] "b,b,a""#,
        ),
        ("array_sort(array_agg(DISTINCT k)), bool_or(v > 3)", r#"["a","b",null] true"#),
    ];
    for (expression, expected) in cases {
        let found = rows(&format!("SELECT {expression} FROM {TABLE}")).await.unwrap();
        assert_eq!(found, [expected], "{expression}");
    }
}

#[tokio::test]
async fn lists_beside_a_row_become_rows() {
    let table = "(VALUES ('x', ARRAY[1, 2]), ('y', ARRAY[3]), ('z', CAST(NULL AS bigint[]))) AS t(k, list)";
    let found = rows(&format!("SELECT k, v FROM {table} CROSS JOIN UNNEST(list) AS u(v) WHERE v > 1")).await.unwrap();
    assert_eq!(found, [r#""x" 2"#, r#""y" 3"#]);
    let found =
        rows(&format!("SELECT k, v FROM {table}, UNNEST(t.list) AS u(v) ORDER BY v DESC LIMIT 1")).await.unwrap();
    assert_eq!(found, [r#""y" 3"#]);
    let found =
        rows(&format!("SELECT k, v, n FROM {table} LEFT JOIN UNNEST(list) WITH ORDINALITY AS u(v, n) ON TRUE")).await;
    assert_eq!(found.unwrap(), [r#""x" 1 1"#, r#""x" 2 2"#, r#""y" 3 1"#, r#""z" null null"#]);
    let map = "(SELECT map(ARRAY['a', 'b'], ARRAY[1, 2]) AS m)";
    let found = rows(&format!("SELECT key, n FROM {map} AS t CROSS JOIN UNNEST(m) AS u(key, n)")).await.unwrap();
    assert_eq!(found, [r#""a" 1"#, r#""b" 2"#]);
    let found = rows("SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t(a, b)").await.unwrap();
    assert_eq!(found, [r#"1 "x""#, "2 null"]);
    let wide = "(SELECT CAST(json_parse('[{\"a\":1,\"b\":\"x\"}]') AS array(row(a bigint, b varchar))) AS r)";
    for (alias, columns) in [("u(a, b)", "a, b"), ("u", "u.a, u.b"), ("u(e)", "e.a, e.b")] {
        let found = rows(&format!("SELECT {columns} FROM {wide} AS t CROSS JOIN UNNEST(r) AS {alias}")).await.unwrap();
        assert_eq!(found, [r#"1 "x""#], "{alias}");
    }
    let twice = "SELECT i, j FROM (SELECT ARRAY[ARRAY[1], ARRAY[2, 3]] AS l) AS t
        CROSS JOIN UNNEST(l) AS a(i) CROSS JOIN UNNEST(i) AS b(j)";
    assert_eq!(rows(twice).await.unwrap(), ["[1] 1", "[2,3] 2", "[2,3] 3"]);
}

#[tokio::test]
async fn rows_without_a_value_come_last_in_both_orders() {
    let sorted = |order: &str| format!("SELECT w FROM {TABLE} ORDER BY w {order}");
    assert_eq!(rows(&sorted("DESC")).await.unwrap(), ["20", "10", "5", "null"]);
    assert_eq!(rows(&sorted("ASC")).await.unwrap(), ["5", "10", "20", "null"]);
}

#[tokio::test]
async fn columns_are_called_as_they_were_written() {
    let context = SessionContext::new();
    super::register(&context).unwrap();
    let statement =
        super::read("SELECT count_if(v > 1), date(max(w)), max(w) FROM (VALUES (1, '2026-01-01')) AS t(v, w)").unwrap();
    let plan = context.state().statement_to_plan(statement).await.unwrap();
    let names: Vec<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["count_if(v > 1)", "date(max(w))", "max(w)"]);
}

#[tokio::test]
async fn what_would_grow_without_end_is_refused() {
    let nested = (0..20).fold("1".to_owned(), |inner, _| format!("max_by(1, {inner})"));
    let error = rows(&format!("SELECT {nested}")).await.unwrap_err().to_string();
    assert!(error.contains("too long") || error.contains("levels deep"), "{error}");
}

#[tokio::test]
async fn a_long_chain_of_conditions_ends_no_program() {
    let chain = |count: usize| ["1=2"].repeat(count).join(" OR ");
    assert_eq!(rows(&format!("SELECT {}", chain(2_000))).await.unwrap(), ["false"]);
    for (op, count) in [("AND", 300), ("OR", 2_000)] {
        let each: Vec<String> = (0..count).map(|at| format!("v + 0 <> {at}0001")).collect();
        let sql = format!("SELECT v FROM {TABLE} WHERE {}", each.join(&format!(" {op} ")));
        let found = rows(&sql).await.unwrap();
        assert_eq!(found.len(), if op == "AND" { 3 } else { 4 }, "{op}");
    }
    let sum = ["1"].repeat(201).join("+");
    assert_eq!(rows(&format!("SELECT {sum}")).await.unwrap(), ["201"]);
    let many = ["'x'"].repeat(5_000).join(", ");
    assert_eq!(rows(&format!("SELECT 'a' IN ({many})")).await.unwrap(), ["false"]);
    let nested = (0..60).fold("1".to_owned(), |inner, _| format!("({}+{inner})", ["1"].repeat(100).join("+")));
    for deep in [
        chain(30_000),
        format!("{} )", chain(30_000)),
        ["1"].repeat(100_000).join("+"),
        ["NOT"; 60_000].join(" "),
        nested,
        "- ".repeat(100_000),
    ] {
        let error = rows(&format!("SELECT {deep}")).await.unwrap_err();
        assert!(matches!(error, QueryError::TooDeep(_)), "{error}");
    }
    let unions = ["SELECT 1"].repeat(20_000).join(" UNION ALL ");
    assert!(matches!(rows(&unions).await.unwrap_err(), QueryError::TooDeep(_)));
}
