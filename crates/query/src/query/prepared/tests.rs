//! The table of queries against the folder, headers that are wrong, and values that do not fit.

use std::fs;
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::sqlparser::ast::{
    Expr, GroupByExpr, OrderByKind, Select, SelectItem, SetExpr, Statement as SqlStatement, TableFactor,
};
use datafusion::sql::parser::Statement;

use super::header::Problem;
use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_file_of_the_folder_is_in_the_table_and_can_be_read() {
    let mut files: Vec<String> = fs::read_dir(root().join("queries"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".sql").unwrap_or_else(|| panic!("queries/{name} is no .sql")).to_owned())
        .collect();
    files.sort();
    let names: Vec<&str> = table::TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, names);
    for (name, text) in table::TABLE {
        Prepared::of_file(name, text).unwrap();
        let is_kebab = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(is_kebab, "{name} is no kebab-case name");
    }
    assert!(files.len() >= 35);
}

#[test]
fn every_query_is_described_and_has_one_order() {
    for query in Prepared::all() {
        let Prepared { name, title, answers, cannot_see, sql, .. } = &query;
        assert!(title.starts_with(char::is_uppercase) && !title.ends_with('.'), "{name}: {title}");
        let first = title.split(' ').next().unwrap();
        assert!(["Show", "Count", "Find", "Follow"].contains(&first), "{name}: {title} is no imperative");
        assert!(!answers.is_empty() && !cannot_see.is_empty(), "{name}");
        assert!(sql.starts_with("SELECT") || sql.starts_with("WITH"), "{name}");
        assert!(sql.contains("\nORDER BY "), "{name} has no order");
        assert!(!sql.contains("now()") && !sql.contains("current_"), "{name} depends on the present");
    }
}

/// Calls that give one value for all rows of a group.
const AGGREGATES: [&str; 8] =
    ["count(", "min(", "max(", "sum(", "approx_percentile_cont(", "array_agg(", "first_value(", "avg("];

/// Returns the columns that tell the rows of a query in FROM apart: those it groups by. `None` where FROM is a table,
/// or a query that does not group by plain columns and expressions.
fn keys_of_from(select: &Select) -> Option<Vec<String>> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Derived { subquery, .. } = &from.relation else { return None };
    let SetExpr::Select(inner) = subquery.body.as_ref() else { return None };
    let GroupByExpr::Expressions(groups, _) = &inner.group_by else { return None };
    let column_of = |group: &Expr| {
        let group = group.to_string();
        let item = match group.parse::<usize>() {
            Ok(place) => inner.projection.get(place.checked_sub(1)?)?,
            Err(_) => inner.projection.iter().find(|item| match item {
                SelectItem::UnnamedExpr(expr) => expr.to_string() == group,
                SelectItem::ExprWithAlias { expr, alias } => alias.value == group || expr.to_string() == group,
                _ => false,
            })?,
        };
        match item {
            SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            _ => None,
        }
    };
    let keys: Option<Vec<String>> = groups.iter().map(column_of).collect();
    keys.filter(|keys| !keys.is_empty() && from.joins.is_empty())
}

#[test]
fn the_rows_of_every_query_have_one_order_only() {
    for query in Prepared::all() {
        let name = &query.name;
        let Statement::Statement(statement) = super::super::functions::read(&query.sql).unwrap() else {
            panic!("{name} is no query");
        };
        let SqlStatement::Query(asked) = *statement else { panic!("{name} is no query") };
        let SetExpr::Select(select) = asked.body.as_ref() else { panic!("{name} is not one SELECT") };
        let order = asked.order_by.unwrap();
        let OrderByKind::Expressions(order) = order.kind else { panic!("{name} orders by everything") };
        let order: Vec<String> = order.iter().map(|by| by.expr.to_string()).collect();
        let GroupByExpr::Expressions(groups, _) = &select.group_by else { panic!("{name} groups by everything") };
        let is_grouped = !groups.is_empty() || select.having.is_some();
        let keys = keys_of_from(select).filter(|keys| !is_grouped && keys.iter().all(|key| order.contains(key)));
        if keys.is_some() {
            continue;
        }
        let mut shown = Vec::new();
        for item in &select.projection {
            let (column, expr) = match item {
                SelectItem::UnnamedExpr(expr) => (expr.to_string(), expr.to_string()),
                SelectItem::ExprWithAlias { expr, alias } => (alias.value.clone(), expr.to_string()),
                other => panic!("{name} shows {other}"),
            };
            // What is one value for a whole group tells no two groups apart.
            let is_of_group = !groups.is_empty() && AGGREGATES.iter().any(|call| expr.contains(call));
            assert!(is_of_group || order.contains(&column), "{name} may give rows of different {column} in any order");
            shown.extend([column, expr, (shown.len() / 3 + 1).to_string()]);
        }
        let is_set = |group: &&Expr| matches!(group, Expr::GroupingSets(_));
        for group in groups.iter().filter(|group| !is_set(group)) {
            let group = group.to_string();
            let is_told_apart = shown.contains(&group) || order.contains(&group);
            assert!(is_told_apart, "{name} groups by {group}, and neither shows it nor orders by it");
        }
    }
}

#[test]
fn every_line_of_a_header_keeps_to_the_width() {
    for (name, text) in table::TABLE {
        let long = text.lines().find(|line| line.starts_with("--") && line.chars().count() > 120);
        assert_eq!(long, None, "{name}");
    }
}

#[test]
fn the_page_about_them_is_what_the_table_says() {
    let (page, text) = (root().join("docs/reference/queries.md"), reference());
    if std::env::var_os("ORGTRAIL_WRITE_REFERENCE").is_some() {
        fs::write(&page, &text).unwrap();
        return;
    }
    let there = fs::read_to_string(&page).unwrap_or_default();
    let difference = there.lines().zip(text.lines()).find(|(there, wanted)| there != wanted);
    assert!(
        there == text,
        "docs/reference/queries.md is not what the queries say; run `bash .ci/docs`\n{difference:?}"
    );
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let error = Prepared::named("root-usage").unwrap_err();
    assert_eq!(error.near.first().map(String::as_str), Some("root-use"));
    assert!(error.to_string().starts_with("there is no prepared query \"root-usage\"; did you mean"), "{error}");
    assert_eq!(
        Prepared::named("xyzzy\u{1b}[2J").unwrap_err().to_string(),
        r#"there is no prepared query "xyzzy\u{1b}[2J""#
    );
}

const GOOD: &str = "-- title: Show calls\n-- answers: rows\n-- cannot see: much,\n--   and more\n\
    -- parameter who text: who called\n-- parameter since time default 2026-01-02T00:00:00Z: from when\n\
    SELECT 1 FROM events WHERE user_arn = $who AND event_time > $since ORDER BY 1\n";

#[test]
fn a_header_is_read_with_its_continued_lines() {
    let query = Prepared::of_file("mine", GOOD).unwrap();
    assert_eq!((query.title.as_str(), query.cannot_see.as_str()), ("Show calls", "much, and more"));
    let [who, since] = query.parameters.as_slice() else { panic!("{:?}", query.parameters) };
    assert_eq!((who.kind, who.default.as_deref(), who.about.as_str()), (ParameterKind::Text, None, "who called"));
    assert_eq!((since.kind, since.default.as_deref()), (ParameterKind::Time, Some("2026-01-02T00:00:00Z")));
    assert!(query.sql.starts_with("SELECT 1 FROM") && query.sql.ends_with("ORDER BY 1"));
    let windows = Prepared::of_file("mine", &format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).unwrap();
    assert_eq!((windows.title, windows.parameters), (query.title, query.parameters));
}

#[test]
fn a_file_without_a_header_is_a_query_whose_placeholders_are_texts() {
    let query = Prepared::of_file("mine", "-- my note: of today\n\nSELECT $who, '$no' FROM events").unwrap();
    assert_eq!((query.title.as_str(), query.sql.as_str()), ("", "SELECT $who, '$no' FROM events"));
    let [who] = query.parameters.as_slice() else { panic!("{:?}", query.parameters) };
    assert_eq!((who.name.as_str(), who.kind), ("who", ParameterKind::Text));
}

#[track_caller]
fn problem(from: &str, to: &str) -> (Option<usize>, Problem) {
    assert!(GOOD.contains(from));
    let error = Prepared::of_file("mine", &GOOD.replacen(from, to, 1)).unwrap_err();
    assert!(error.to_string().starts_with("mine"), "{error}");
    (error.line, error.problem)
}

#[test]
fn what_is_wrong_with_a_header_is_said_with_its_line() {
    let text = str::to_owned;
    assert_eq!(problem("-- answers", "-- anwsers"), (Some(2), Problem::UnknownLine(text("anwsers: rows"))));
    assert_eq!(problem("--   and", "-- and"), (Some(4), Problem::UnknownLine(text("and more"))));
    assert_eq!(problem("-- answers", "-- title"), (Some(2), Problem::Twice(text("title"))));
    assert_eq!(problem("-- answers: rows\n", ""), (None, Problem::Missing("answers")));
    assert_eq!(problem("Show calls", &"x".repeat(80)), (None, Problem::LongTitle(80)));
    assert_eq!(problem("who text: who called", "who: who"), (Some(5), Problem::NoParameter(text("who: who"))));
    assert_eq!(problem("who text: who called", "who text:"), (Some(5), Problem::NoParameter(text("who text:"))));
    assert_eq!(problem("who text", "Who text"), (Some(5), Problem::BadName(text("Who"))));
    assert_eq!(problem("who text", "who string"), (Some(5), Problem::BadKind(text("string"))));
    assert_eq!(problem("since time", "who time"), (Some(6), Problem::Twice(text("parameter who"))));
    let bad = problem("2026-01-02T00:00:00Z", "yesterday");
    assert!(matches!(&bad, (Some(6), Problem::BadDefault { value, .. }) if value == "yesterday"), "{bad:?}");
    assert_eq!(problem("= $who", "= 'x'"), (None, Problem::Unused(text("who"))));
    assert_eq!(problem("= $who", "= $who OR $other"), (None, Problem::Undescribed(text("other"))));
    assert_eq!(
        problem("SELECT 1 FROM events WHERE user_arn = $who AND event_time > $since ORDER BY 1", ""),
        (None, Problem::NoSql)
    );
}

#[track_caller]
fn bound(values: ParamValues, name: &str) -> ScalarValue {
    values.get_placeholders_with_values(&format!("${name}")).unwrap().value
}

#[test]
fn values_have_the_types_of_their_parameters() {
    let kinds = "-- title: Show x\n-- answers: x\n-- cannot see: x\n-- parameter a text: x\n-- parameter b integer: x\n\
        -- parameter c days: x\n-- parameter d account: x\n-- parameter e time: x\n-- parameter f text default '': x\n\
        SELECT $a, $b, $c, $d, $e, $f ORDER BY 1";
    let query = Prepared::of_file("kinds", kinds).unwrap();
    let given = [("a", "x' OR 1=1 --"), ("b", "-7"), ("c", "30d"), ("d", "111122223333"), ("e", "2026-11-20")];
    let values = query.values(&given).unwrap();
    assert_eq!(bound(values.clone(), "a"), ScalarValue::from("x' OR 1=1 --"));
    assert_eq!(bound(values.clone(), "b"), ScalarValue::from(-7i64));
    let days = IntervalMonthDayNano::new(0, 30, 0);
    assert_eq!(bound(values.clone(), "c"), ScalarValue::IntervalMonthDayNano(Some(days)));
    assert_eq!(bound(values.clone(), "d"), ScalarValue::from("111122223333"));
    let midnight = ScalarValue::TimestampMicrosecond(Some(1_795_132_800_000_000), Some("UTC".into()));
    assert_eq!(bound(values.clone(), "e"), midnight);
    assert_eq!(bound(values, "f"), ScalarValue::from(""));
    for (name, bad) in [("b", "seven"), ("c", "-1"), ("c", "30h"), ("d", "1111-2222-3333"), ("e", "today")] {
        let with_bad = given.map(|(own, value)| if own == name { (own, bad) } else { (own, value) });
        let error = query.values(&with_bad).unwrap_err();
        assert!(
            matches!(&error, ValueError::BadValue { name: n, value, .. } if n == name && value == bad),
            "{error:?}"
        );
    }
}

#[test]
fn missing_unknown_and_repeated_values_are_refused_with_what_helps() {
    let query = Prepared::of_file("mine", GOOD).unwrap();
    let none: [(&str, &str); 0] = [];
    assert_eq!(query.values(&none).unwrap_err().to_string(), "mine needs --param who=TEXT (who called)");
    let unknown = query.values(&[("sinec", "2026-01-01")]).unwrap_err();
    assert_eq!(unknown.to_string(), "mine has no parameter \"sinec\"; did you mean since?");
    let far = query.values(&[("zzz", "1")]).unwrap_err();
    assert_eq!(far.to_string(), "mine has no parameter \"zzz\"; it has who, since");
    let twice = query.values(&[("who", "a"), ("who", "b")]).unwrap_err();
    assert_eq!(twice, ValueError::Twice("who".to_owned()));
    assert_eq!(assignment("who=a=b").unwrap(), ("who", "a=b"));
    assert_eq!(assignment("who").unwrap_err().to_string(), "\"who\" is no parameter: write NAME=VALUE");
}
