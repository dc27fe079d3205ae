//! `CROSS JOIN UNNEST(resources) AS t (arn, type)`: one row for each element of a list or map of the row beside it.
//!
//! The planner makes of it a join with a part that looks at its other side, which nothing runs: here that part is laid
//! upon the other side.

use std::collections::HashMap;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{
    Column, DFSchema, NullHandling, Result, ScalarValue, TableReference, UnnestOptions, plan_err,
};
use datafusion::functions::core::expr_fn::{coalesce, get_field, greatest};
use datafusion::functions_nested::expr_fn::gen_series;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::sqlparser::ast::{
    AccessExpr, Expr as SqlExpr, Subscript, TableAlias, TableFactor, Value,
};
use datafusion::logical_expr::{
    Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, SubqueryAlias, cast, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::function::is_json;

/// Plans `UNNEST(…)` in `FROM`: a list of rows has a column for each of their fields, a map one for the key and one for
/// the value.
#[derive(Debug)]
pub(super) struct UnnestPlanner;

impl RelationPlanner for UnnestPlanner {
    fn plan_relation(&self, factor: TableFactor, context: &mut dyn RelationPlannerContext) -> Result<RelationPlanning> {
        let TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality, .. } = factor else {
            return Ok(RelationPlanning::Original(Box::new(factor)));
        };
        let name =
            alias.as_ref().map_or_else(|| "unnest".to_owned(), |alias| context.normalize_ident(alias.name.clone()));
        let mut lists = Vec::new();
        for sql in array_exprs {
            lists.push(list(sql, context)?);
        }
        if lists.is_empty() {
            return plan_err!("UNNEST takes at least one array or map");
        }
        let elements = lists.iter().map(element).collect::<Result<Vec<FieldRef>>>()?;
        if with_ordinality {
            lists.push(gen_series(lit(1_i64), longest(&lists), lit(1_i64)));
        }
        let place = |at: usize| Column::from_name(format!("unnest {name} {at}"));
        let aliased = lists.into_iter().enumerate().map(|(at, list)| list.alias(place(at).name)).collect::<Vec<_>>();
        let places: Vec<Column> = (0..aliased.len()).map(place).collect();
        let options = UnnestOptions::new().with_null_handling(NullHandling::Drop);
        let columns = columns(&elements, &places, alias.as_ref(), with_ordinality, &name);
        let plan = LogicalPlanBuilder::empty(true)
            .project(aliased)?
            .unnest_columns_with_options(places, options)?
            .project(columns)?
            .build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// Returns how many elements the longest list has; a list that is none has none.
fn longest(lists: &[Expr]) -> Expr {
    let length = datafusion::functions_nested::expr_fn::array_length;
    match lists {
        [only] => length(only.clone()),
        several => {
            let lengths = several.iter().map(|list| cast(length(list.clone()), DataType::Int64));
            greatest(lengths.map(|length| coalesce(vec![length, lit(0_i64)])).collect())
        }
    }
}

/// Returns a list: a map is one of its entries.
fn list(sql: SqlExpr, context: &mut dyn RelationPlannerContext) -> Result<Expr> {
    let nothing = DFSchema::empty();
    let expr = match context.sql_to_expr(sql.clone(), &nothing) {
        Ok(expr) => expr,
        // The planner finds a column of the other side, and not a field in it.
        Err(error) => match by_steps(sql) {
            Some(stepped) => context.sql_to_expr(stepped, &nothing).map_err(|_| error)?,
            None => return Err(error),
        },
    };
    Ok(match expr.get_type(&nothing)? {
        DataType::Map(..) => match context.context_provider().get_function_meta("map_entries") {
            Some(entries) => entries.call(vec![expr]),
            None => return plan_err!("UNNEST of a map needs map_entries"),
        },
        _ => expr,
    })
}

/// Returns `a.b.c` as `a['b']['c']`.
fn by_steps(sql: SqlExpr) -> Option<SqlExpr> {
    let SqlExpr::CompoundIdentifier(names) = sql else { return None };
    let (root, fields) = names.split_first()?;
    let step = |name: &datafusion::logical_expr::sqlparser::ast::Ident| {
        let index = SqlExpr::Value(Value::SingleQuotedString(name.value.to_lowercase()).into());
        AccessExpr::Subscript(Subscript::Index { index })
    };
    let access_chain = fields.iter().map(step).collect();
    Some(SqlExpr::CompoundFieldAccess { root: Box::new(SqlExpr::Identifier(root.clone())), access_chain })
}

fn element(list: &Expr) -> Result<FieldRef> {
    match list.get_type(&DFSchema::empty())? {
        DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) => Ok(of),
        other => plan_err!("UNNEST takes an array or a map, not {other}"),
    }
}

/// Returns the columns that there are: a row's fields each by itself, unless there is one name for all of it.
fn columns(
    elements: &[FieldRef],
    places: &[Column],
    alias: Option<&TableAlias>,
    with_ordinality: bool,
    name: &str,
) -> Vec<Expr> {
    let named = alias.map_or(0, |alias| alias.columns.len());
    let is_whole = named > 0 && named == places.len();
    let mut all = Vec::new();
    for (at, (element, place)) in elements.iter().zip(places).enumerate() {
        let column = Expr::Column(place.clone());
        let name = if at == 0 { name.to_owned() } else { format!("{name}_{at}") };
        match element.data_type() {
            DataType::Struct(fields) if !is_whole => {
                all.extend(fields.iter().map(|field| {
                    let part = get_field(column.clone(), field.name().as_str());
                    with_metadata(part, field, field.name())
                }));
            }
            _ => all.push(with_metadata(column, element, &name)),
        }
    }
    if with_ordinality && let Some(place) = places.last() {
        all.push(Expr::Column(place.clone()).alias("ordinality"));
    }
    all
}

fn with_metadata(expr: Expr, field: &FieldRef, name: &str) -> Expr {
    if !is_json(field) {
        return expr.alias(name);
    }
    expr.alias_with_metadata(name, Some(field.metadata().clone().into()))
}

/// Lays what looks at the other side of a join upon it.
#[derive(Debug)]
pub(super) struct LayLateral;

impl AnalyzerRule for LayLateral {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let laid = plan.transform_up_with_subqueries(|plan| match laid(&plan)? {
            Some(laid) => Ok(Transformed::yes(laid)),
            None => Ok(Transformed::no(plan)),
        })?;
        if !laid.transformed {
            return Ok(laid.data);
        }
        // What is above has the types of before, in its own schema.
        laid.data.recompute_schema()
    }

    fn name(&self) -> &'static str {
        "lay_lateral"
    }
}

/// Returns a join with its right side laid upon the left one. `None`: it is none whose right side looks at the left.
fn laid(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Join(join) = plan else { return Ok(None) };
    let (alias, right) = match join.right.as_ref() {
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => (Some(alias.clone()), input.as_ref()),
        other => (None, other),
    };
    let LogicalPlan::Subquery(right) = right else { return Ok(None) };
    let is_true =
        join.filter.as_ref().is_none_or(|on| matches!(on, Expr::Literal(ScalarValue::Boolean(Some(true)), _)));
    let keeps = match join.join_type {
        JoinType::Inner if join.on.is_empty() => false,
        JoinType::Left if join.on.is_empty() && is_true => true,
        _ => return Ok(None),
    };
    let upon = Upon { left: join.left.as_ref(), alias: alias.as_ref(), keeps };
    let Some(layer) = upon.lay(&right.subquery)? else { return Ok(None) };
    let mut columns: Vec<Expr> = upon.columns().collect();
    for column in right.subquery.schema().columns() {
        let name = column.name.clone();
        columns.push(qualified(layer.column(column), alias.as_ref(), &name));
    }
    let mut laid = LogicalPlanBuilder::from(layer.plan).project(columns)?;
    if let Some(on) = join.filter.as_ref().filter(|_| !is_true) {
        laid = laid.filter(on.clone())?;
    }
    laid.build().map(Some)
}

fn qualified(expr: Expr, alias: Option<&TableReference>, name: &str) -> Expr {
    match &expr {
        Expr::Column(column) if column.name == name && column.relation.as_ref() == alias => expr,
        _ => expr.alias_qualified(alias.cloned(), name),
    }
}

struct Upon<'a> {
    left: &'a LogicalPlan,
    alias: Option<&'a TableReference>,
    /// Rows whose list is none or empty stay.
    keeps: bool,
}

/// What was laid so far.
struct Layer {
    plan: LogicalPlan,
    /// Where the columns of the right side are now.
    now: HashMap<Column, Column>,
}

impl Layer {
    fn column(&self, column: Column) -> Expr {
        Expr::Column(self.now.get(&column).cloned().unwrap_or(column))
    }

    /// Returns an expression of the right side over what was laid.
    fn moved(&self, expr: Expr) -> Result<Expr> {
        let moved = expr.transform_down(|expr| {
            Ok(match expr {
                Expr::OuterReferenceColumn(_, column) => Transformed::yes(Expr::Column(column)),
                Expr::Column(column) => Transformed::yes(self.column(column)),
                other => Transformed::no(other),
            })
        })?;
        Ok(moved.data)
    }
}

impl Upon<'_> {
    fn columns(&self) -> impl Iterator<Item = Expr> {
        self.left.schema().columns().into_iter().map(Expr::Column)
    }

    /// Lays a plan. `None`: it has a part that cannot be.
    fn lay(&self, plan: &LogicalPlan) -> Result<Option<Layer>> {
        match plan {
            LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => {
                Ok(Some(Layer { plan: self.left.clone(), now: HashMap::new() }))
            }
            LogicalPlan::Projection(projection) => {
                let Some(below) = self.lay(&projection.input)? else { return Ok(None) };
                let (mut columns, mut now): (Vec<Expr>, _) = (self.columns().collect(), HashMap::new());
                for (expr, column) in projection.expr.iter().zip(projection.schema.columns()) {
                    let expr = match expr {
                        Expr::Alias(alias) if alias.metadata.is_none() => alias.expr.as_ref(),
                        other => other,
                    };
                    columns.push(qualified(below.moved(expr.clone())?, self.alias, &column.name));
                    now.insert(column.clone(), Column::new(self.alias.cloned(), column.name));
                }
                let plan = LogicalPlanBuilder::from(below.plan).project(columns)?.build()?;
                Ok(Some(Layer { plan, now }))
            }
            LogicalPlan::Unnest(unnest) => {
                let Some(below) = self.lay(&unnest.input)? else { return Ok(None) };
                let at = |column: &Column| below.now.get(column).cloned().unwrap_or_else(|| column.clone());
                let places: Vec<Column> = unnest.exec_columns.iter().map(at).collect();
                let null_handling =
                    if self.keeps { NullHandling::PreserveAndExpandEmpty } else { unnest.options.null_handling };
                let options = UnnestOptions::new().with_null_handling(null_handling);
                let plan =
                    LogicalPlanBuilder::from(below.plan).unnest_columns_with_options(places, options)?.build()?;
                let mut now = HashMap::new();
                for column in unnest.schema.columns() {
                    let (relation, _) = plan.schema().qualified_field_with_unqualified_name(&column.name)?;
                    now.insert(column.clone(), Column::new(relation.cloned(), column.name));
                }
                Ok(Some(Layer { plan, now }))
            }
            _ => Ok(None),
        }
    }
}
