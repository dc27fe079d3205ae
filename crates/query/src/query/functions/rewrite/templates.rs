//! Calls of Trino that are another expression here: a table of templates, in which `p1`, `p2` and so on stand for the
//! arguments.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::logical_expr::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, visit_expressions_mut,
};
use datafusion::logical_expr::sqlparser::parser::Parser;

use super::super::dialect::Trino;

/// A call by its name and the number of its arguments, and what it is.
const TEMPLATES: &[(&str, usize, &str)] = &[
    // Conditions.
    ("if", 2, "CASE WHEN p1 THEN p2 END"),
    ("if", 3, "CASE WHEN p1 THEN p2 ELSE p3 END"),
    ("typeof", 1, "type_name(arrow_typeof(p1))"),
    // Times.
    ("date", 1, "CAST(p1 AS DATE)"),
    ("year", 1, "date_part('year', p1)"),
    ("quarter", 1, "date_part('quarter', p1)"),
    ("month", 1, "date_part('month', p1)"),
    ("week", 1, "date_part('week', p1)"),
    ("week_of_year", 1, "date_part('week', p1)"),
    ("day", 1, "date_part('day', p1)"),
    ("day_of_month", 1, "date_part('day', p1)"),
    ("day_of_year", 1, "date_part('doy', p1)"),
    ("doy", 1, "date_part('doy', p1)"),
    ("dow", 1, "day_of_week(p1)"),
    ("yow", 1, "year_of_week(p1)"),
    ("hour", 1, "date_part('hour', p1)"),
    ("minute", 1, "date_part('minute', p1)"),
    ("second", 1, "CAST(floor(date_part('second', p1)) AS BIGINT)"),
    // Of the time now there are microseconds, as of all times: nanoseconds could not be compared with the year 9999.
    ("localtimestamp", 0, "CAST(now() AS TIMESTAMP(6))"),
    ("now", 0, "arrow_cast(now(), 'Timestamp(Microsecond, Some(\"UTC\"))')"),
    ("current_timestamp", 0, "arrow_cast(now(), 'Timestamp(Microsecond, Some(\"UTC\"))')"),
    ("current_timestamp", 1, "arrow_cast(now(), 'Timestamp(Microsecond, Some(\"UTC\"))')"),
    ("current_timezone", 0, "'UTC'"),
    // Aggregates. A row without something to compare does not count.
    ("count_if", 1, "count(CASE WHEN p1 THEN 1 END)"),
    ("max_by", 2, "first_value(p1 ORDER BY p2 DESC NULLS LAST) FILTER (WHERE p2 IS NOT NULL)"),
    ("min_by", 2, "first_value(p1 ORDER BY p2 ASC NULLS LAST) FILTER (WHERE p2 IS NOT NULL)"),
    ("max_by", 3, "array_slice(array_agg(p1 ORDER BY p2 DESC) FILTER (WHERE p2 IS NOT NULL), 1, p3)"),
    ("min_by", 3, "array_slice(array_agg(p1 ORDER BY p2 ASC) FILTER (WHERE p2 IS NOT NULL), 1, p3)"),
    ("max", 2, "array_slice(array_agg(p1 ORDER BY p1 DESC) FILTER (WHERE p1 IS NOT NULL), 1, p2)"),
    ("min", 2, "array_slice(array_agg(p1 ORDER BY p1 ASC) FILTER (WHERE p1 IS NOT NULL), 1, p2)"),
    ("variance", 1, "var_samp(p1)"),
    ("arbitrary", 1, "any_value(p1)"),
    ("every", 1, "bool_and(p1)"),
    ("set_agg", 1, "array_agg(DISTINCT p1)"),
    ("approx_distinct", 2, "approx_distinct(p1)"),
    ("approx_percentile", 2, "approx_percentile_cont(p1, p2)"),
    ("approx_percentile", 3, "approx_percentile_cont_with_weight(p1, p2, p3)"),
    // Texts.
    ("replace", 2, "replace(p1, p2, '')"),
    ("regexp_replace", 2, "regexp_replace_all(p1, p2)"),
    ("regexp_replace", 3, "regexp_replace_all(p1, p2, p3)"),
    ("levenshtein_distance", 2, "levenshtein(p1, p2)"),
    ("to_base64", 1, "encode(p1, 'base64pad')"),
    ("from_base64", 1, "decode(p1, 'base64')"),
    ("url_extract_protocol", 1, "regexp_extract(p1, '^([A-Za-z][A-Za-z0-9+.-]*):', 1)"),
    ("url_extract_host", 1, "regexp_extract(p1, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1)"),
    ("url_extract_path", 1, "regexp_extract(p1, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)', 1)"),
    ("url_extract_query", 1, "regexp_extract(p1, '[?]([^#]*)', 1)"),
    // Numbers.
    ("mod", 2, "(p1 % p2)"),
    ("ceiling", 1, "ceil(p1)"),
    ("truncate", 1, "trunc(p1)"),
    ("sign", 1, "signum(p1)"),
    ("rand", 0, "random()"),
    ("is_nan", 1, "isnan(p1)"),
    ("bitwise_and", 2, "(p1 & p2)"),
    ("bitwise_or", 2, "(p1 | p2)"),
    // Lists.
    ("array_join", 2, "array_to_string(p1, p2)"),
    ("array_join", 3, "array_to_string(p1, p2, p3)"),
    ("array_sort", 1, "array_sort(p1, 'ASC', 'NULLS LAST')"),
    ("array_position", 2, "coalesce(array_position(p1, p2), 0)"),
    ("array_remove", 2, "array_remove_all(p1, p2)"),
    ("sequence", 2, "generate_series(p1, p2)"),
    ("sequence", 3, "generate_series(p1, p2, p3)"),
    ("slice", 3, "array_slice(p1, p2, p2 + p3 - 1)"),
    ("zip", 2, "arrays_zip(p1, p2)"),
    ("filter", 2, "array_filter(p1, p2)"),
    ("transform", 2, "array_transform(p1, p2)"),
    ("any_match", 2, "array_any_match(p1, p2)"),
    ("find_first", 2, "array_first(p1, p2)"),
];

/// The templates, read.
static READ: LazyLock<HashMap<(&'static str, usize), Expr>> = LazyLock::new(|| {
    let read = |(name, count, text): &(&'static str, usize, &str)| Some(((*name, *count), expression(text)?));
    TEMPLATES.iter().filter_map(read).collect()
});

/// Reads an expression of ours. `None`: it is none, which a test excludes.
pub(super) fn expression(text: &str) -> Option<Expr> {
    Parser::new(&Trino).try_with_sql(text).ok()?.parse_expr().ok()
}

/// The names of the calls that have a template.
pub(in super::super) fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, ..)| *name)
}

/// Returns what a call is, by its template. `None`: it has none.
pub(super) fn filled(name: &str, arguments: &[Expr], call: &Function) -> Option<Expr> {
    let template = READ.iter().find(|((of, count), _)| *of == name && *count == arguments.len())?.1;
    let mut made = replaced(template.clone(), arguments);
    hand_on(call, &mut made);
    Some(made)
}

/// Puts the arguments into a template.
pub(super) fn replaced(mut made: Expr, arguments: &[Expr]) -> Expr {
    let _whole: ControlFlow<()> = visit_expressions_mut(&mut made, |part| {
        let at = match part {
            Expr::Identifier(name) => name.value.strip_prefix('p').and_then(|at| at.parse::<usize>().ok()),
            _ => None,
        };
        if let Some(argument) = at.and_then(|at| arguments.get(at.checked_sub(1)?)) {
            *part = Expr::Nested(Box::new(argument.clone()));
        }
        ControlFlow::Continue(())
    });
    unnest_arguments(&mut made);
    made
}

/// Takes the brackets off arguments of calls: a lambda in brackets is none.
fn unnest_arguments(made: &mut Expr) {
    let Expr::Function(call) = made else { return };
    for argument in arguments_mut(call) {
        if let Expr::Nested(inner) = argument {
            *argument = inner.as_ref().clone();
        }
        unnest_arguments(argument);
    }
}

/// Returns the arguments of a call that are expressions.
pub(super) fn arguments_mut(call: &mut Function) -> impl Iterator<Item = &mut Expr> {
    let list = match &mut call.args {
        FunctionArguments::List(list) => list.args.as_mut_slice(),
        _ => &mut [],
    };
    list.iter_mut().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => Some(argument),
        _ => None,
    })
}

/// Gives what an aggregate was told beside its arguments to the one that takes its place.
fn hand_on(call: &Function, made: &mut Expr) {
    let Expr::Function(made) = made else { return };
    if made.name.to_string() == "array_slice" {
        if let Some(inner) = arguments_mut(made).next() {
            hand_on(call, inner);
        }
        return;
    }
    made.over.clone_from(&call.over);
    made.null_treatment = call.null_treatment;
    made.filter = match (made.filter.take(), &call.filter) {
        (Some(own), Some(told)) => Some(Box::new(Expr::BinaryOp {
            left: own,
            op: datafusion::logical_expr::sqlparser::ast::BinaryOperator::And,
            right: Box::new(Expr::Nested(told.clone())),
        })),
        (own, told) => own.or_else(|| told.clone()),
    };
    if let (FunctionArguments::List(told), FunctionArguments::List(own)) = (&call.args, &mut made.args)
        && told.duplicate_treatment == Some(DuplicateTreatment::Distinct)
    {
        own.duplicate_treatment = told.duplicate_treatment;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_an_expression_that_uses_each_argument() {
        for (name, count, text) in TEMPLATES {
            assert!(expression(text).is_some(), "{name}: {text}");
            let uses = (1..=*count).all(|at| text.contains(&format!("p{at}")));
            assert!(uses || matches!(*name, "approx_distinct" | "current_timestamp"), "{name}: {text}");
        }
    }
}
