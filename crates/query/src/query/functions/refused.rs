//! What Trino refuses because the types differ, and DataFusion would answer with something else: JSON beside a text,
//! which has quotes in it and so is never the same, and functions of texts over lists, maps, rows and JSON, which would
//! see how these are written.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{InList, InSubquery, Like};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, Operator};

use super::super::describe::type_name;
use super::function::is_json;
use super::times::is_comparison;

/// Refuses what Trino refuses.
#[derive(Debug)]
pub(super) struct DifferentTypes;

/// Functions whose arguments are texts and numbers.
const OF_TEXTS: &[&str] = &[
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "concat_ws",
    "ends_with",
    "initcap",
    "instr",
    "left",
    "length",
    "levenshtein",
    "lower",
    "lpad",
    "ltrim",
    "octet_length",
    "overlay",
    "regexp_count",
    "regexp_extract",
    "regexp_extract_all",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_position",
    "regexp_replace",
    "regexp_replace_all",
    "regexp_split",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split",
    "split_part",
    "split_to_map",
    "starts_with",
    "strpos",
    "substr",
    "substr_index",
    "to_utf8",
    "translate",
    "upper",
    "url_decode",
    "url_encode",
];

impl FunctionRewrite for DifferentTypes {
    fn name(&self) -> &'static str {
        "different_types"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        match &expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => compared(left, right, schema)?,
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                for one in [left, right] {
                    as_text("||", one, schema)?;
                }
            }
            Expr::Like(Like { expr, .. }) | Expr::SimilarTo(Like { expr, .. }) => as_text("LIKE", expr, schema)?,
            Expr::Between(between) => {
                compared(&between.expr, &between.low, schema)?;
                compared(&between.expr, &between.high, schema)?;
            }
            Expr::InList(InList { expr, list, .. }) => {
                list.iter().try_for_each(|one| compared(expr, one, schema))?;
            }
            Expr::InSubquery(InSubquery { expr, subquery, .. }) if is_json_value(expr, schema) => {
                let found = subquery.subquery.schema().fields().first().cloned();
                if let Some(found) = found.filter(|found| !is_json(found)) {
                    return unlike(found.data_type());
                }
            }
            Expr::Case(Case { expr: Some(expr), when_then_expr, .. }) => {
                when_then_expr.iter().try_for_each(|(when, _)| compared(expr, when, schema))?;
            }
            Expr::ScalarFunction(call) => called(call.name(), &call.args, schema)?,
            _ => {}
        }
        Ok(Transformed::no(expr))
    }
}

fn called(name: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    match (name, args) {
        ("nullif", [one, other]) => compared(one, other, schema),
        ("contains" | "array_position" | "array_remove_all", [list, sought]) if holds_json(list, schema) => {
            as_json(sought, schema)
        }
        _ if OF_TEXTS.contains(&name) => args.iter().try_for_each(|arg| in_text(name, arg, schema)),
        _ => Ok(()),
    }
}

/// Refuses JSON beside what is none.
fn compared(one: &Expr, other: &Expr, schema: &DFSchema) -> Result<()> {
    match (is_json_value(one, schema), is_json_value(other, schema)) {
        (true, false) => as_json(other, schema),
        (false, true) => as_json(one, schema),
        _ => Ok(()),
    }
}

/// Refuses what is compared with JSON and is none.
fn as_json(other: &Expr, schema: &DFSchema) -> Result<()> {
    match other.get_type(schema) {
        Ok(kind) if !kind.is_null() && !is_json_value(other, schema) => unlike(&kind),
        _ => Ok(()),
    }
}

fn unlike<T>(kind: &DataType) -> Result<T> {
    plan_err!(
        "json cannot be compared with {}: a text in JSON has its quotes; use json_extract_scalar in place of \
         json_extract, or CAST(… AS {})",
        type_name(kind),
        type_name(kind)
    )
}

/// Refuses JSON where a text is taken.
fn as_text(what: &str, given: &Expr, schema: &DFSchema) -> Result<()> {
    if !is_json_value(given, schema) {
        return Ok(());
    }
    plan_err!(
        "{what} takes a text, not json: a text in JSON has its quotes; use json_extract_scalar in place of \
         json_extract, or CAST(… AS varchar), or json_format(…) for the JSON itself"
    )
}

/// Refuses lists, maps, rows and JSON as an argument of a function of texts. `reverse` is one of lists, too.
fn in_text(name: &str, given: &Expr, schema: &DFSchema) -> Result<()> {
    as_text(name, given, schema)?;
    let Ok(kind) = given.get_type(schema) else { return Ok(()) };
    if !kind.is_nested() || (name == "reverse" && matches!(kind, DataType::List(_))) {
        return Ok(());
    }
    let instead = if name == "concat_ws" { "; array_join joins the elements of an array" } else { "" };
    plan_err!("{name} takes a text, not {}{instead}", type_name(&kind))
}

/// Tells whether an expression gives JSON: by its field, or by what it chooses from.
fn is_json_value(expr: &Expr, schema: &DFSchema) -> bool {
    let is = |expr: &Expr| is_json_value(expr, schema);
    match expr {
        Expr::Alias(alias) => is(&alias.expr),
        Expr::Case(case) => {
            case.when_then_expr.iter().any(|(_, then)| is(then)) || case.else_expr.as_deref().is_some_and(is)
        }
        Expr::ScalarFunction(call) => match (call.name(), call.args.as_slice()) {
            ("coalesce" | "nullif", args) => args.iter().any(is),
            ("get_field" | "array_element", [of, ..]) if holds_json(of, schema) => true,
            _ => has_json_field(expr, schema),
        },
        _ => has_json_field(expr, schema),
    }
}

fn has_json_field(expr: &Expr, schema: &DFSchema) -> bool {
    expr.to_field(schema).is_ok_and(|(_, field)| is_json(&field))
}

/// Tells whether an expression gives a list or a map of JSON.
fn holds_json(expr: &Expr, schema: &DFSchema) -> bool {
    match expr.get_type(schema) {
        Ok(DataType::List(of)) => is_json(&of),
        Ok(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(parts) => parts.last().is_some_and(|values| is_json(values)),
            _ => false,
        },
        _ => false,
    }
}
