//! Questions as Trino means them, in the words of DataFusion: a statement in, a statement out.

mod balance;
mod casts;
mod databases;
mod like;
mod names;
mod partition;
mod templates;
mod zip;

use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CastKind, DateTimeField, Expr, Fetch, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, LambdaFunction, LimitClause, ObjectName,
    OrderByKind, Query, Select, SelectItem, SetExpr, Subscript, TableFactor, UnaryOperator, Value, VisitMut,
    VisitorMut, visit_expressions_mut,
};
use datafusion::sql::parser::Statement;

use super::super::error::QueryError;
use names::Aliases;
use partition::Partitions;
pub(super) use templates::names as call_names;

/// Bytes of an argument that stands in its place more than once.
const REPEATED_BYTES_MAX: usize = 16 << 10;

/// Bytes of what a column without a name is called; what is longer is called by the planner.
const NAME_BYTES_MAX: usize = 120;

/// What becomes of the names of databases before those of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseNames {
    /// They are left out: here are none.
    LeftOut,
    /// They stay, for an engine that has databases.
    Kept,
}

/// Rewrites a statement.
///
/// # Errors
/// Where it would become far larger than it is.
pub(super) fn rewrite(statement: &mut Statement, databases: DatabaseNames) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => {
            // First of all: what is deep is walked by nobody else.
            let _whole: ControlFlow<()> = VisitMut::visit(inner, &mut Flatter);
            super::size::check(inner)?;
            if databases == DatabaseNames::LeftOut {
                databases::show_columns(inner);
                databases::leave_out(inner);
            }
            let (aliases, partitions) = (Aliases::of(inner), Partitions::of(inner));
            let mut rewriter = Rewriter { databases, aliases, partitions, shown: Vec::new() };
            match VisitMut::visit(inner, &mut rewriter) {
                ControlFlow::Break(error) => Err(error),
                ControlFlow::Continue(()) => Ok(()),
            }
        }
        Statement::Explain(explain) => rewrite(&mut explain.statement, databases),
        _ => Ok(()),
    }
}

struct Flatter;

impl VisitorMut for Flatter {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        balance::balance(expr);
        ControlFlow::Continue(())
    }
}

struct Rewriter {
    databases: DatabaseNames,
    aliases: Aliases,
    partitions: Partitions,
    /// How the columns of each `SELECT` that is being read are written, those without a name.
    shown: Vec<Vec<Option<String>>>,
}

impl VisitorMut for Rewriter {
    type Break = QueryError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        self.aliases.name_fields(select);
        let text = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.clone()),
            SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
            _ => None,
        };
        self.shown.push(select.projection.iter().map(text).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        // A column is called as it was written, not as what it became.
        let texts = self.shown.pop().unwrap_or_default();
        let is_once = |text: &str| texts.iter().flatten().filter(|other| *other == text).count() == 1;
        for (item, text) in select.projection.iter_mut().zip(&texts) {
            let Some(text) = text.as_ref().filter(|text| text.len() <= NAME_BYTES_MAX && is_once(text)) else {
                continue;
            };
            if let SelectItem::UnnamedExpr(expr) = &*item
                && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_))
            {
                let alias = Ident::with_quote('"', text.replace('"', ""));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        fetch_as_limit(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        order_by_names(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        if let TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } = factor {
            let why = "TABLESAMPLE is not supported: every row would be taken; use LIMIT or WHERE random() < 0.1";
            return ControlFlow::Break(QueryError::Syntax(why.to_owned()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        if let Some(meant) = self.partitions.compared(expr).or_else(|| self.partitions.meant(expr)) {
            *expr = meant;
        }
        match expr {
            Expr::Lambda(lambda) => step_into_parameters(lambda),
            Expr::Function(call) if is_named(call, "try") => try_inside(call),
            Expr::Identifier(name) => self.aliases.lower(name),
            Expr::CompoundIdentifier(names) => {
                names.iter_mut().for_each(|name| self.aliases.lower(name));
                if let Some(stepped) = names::by_steps(names) {
                    *expr = stepped;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        let made = match expr {
            Expr::Function(call) => match called(call, self.databases) {
                Ok(made) => made,
                Err(error) => return ControlFlow::Break(error),
            },
            Expr::Cast { kind, expr, data_type, .. } => match casts::cast(kind, expr, data_type) {
                Ok(made) => made,
                Err(error) => return ControlFlow::Break(error),
            },
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                if let Err(error) = like::without_escape(pattern, escape_char) {
                    return ControlFlow::Break(error);
                }
                None
            }
            Expr::Extract { field, expr, .. } => extracted(field, expr),
            Expr::Array(list) => made_of_columns(list),
            Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let length = substring_for.as_deref();
                let all = [expr.as_ref(), from.as_ref()].into_iter().chain(length).cloned();
                Some(function("substr", all.collect()))
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                Some(function("at_timezone", vec![timestamp.as_ref().clone(), time_zone.as_ref().clone()]))
            }
            Expr::TypedString(literal) => casts::moment(literal),
            Expr::CompoundFieldAccess { access_chain, .. } => {
                access_chain.iter_mut().for_each(step);
                None
            }
            _ => None,
        };
        if let Some(made) = made {
            *expr = made;
        }
        ControlFlow::Continue(())
    }
}

fn is_named(call: &Function, name: &str) -> bool {
    call.name.0.len() == 1 && call.name.to_string().eq_ignore_ascii_case(name)
}

/// `FETCH FIRST 10 ROWS ONLY` is `LIMIT 10`.
fn fetch_as_limit(query: &mut Query) {
    let is_limit = |fetch: &mut Fetch| !fetch.with_ties && !fetch.percent;
    let offset = match &query.limit_clause {
        None => None,
        Some(LimitClause::LimitOffset { limit: None, offset, limit_by }) if limit_by.is_empty() => offset.clone(),
        Some(_) => return,
    };
    if let Some(fetch) = query.fetch.take_if(is_limit) {
        let one = Expr::Value(Value::Number("1".to_owned(), false).into());
        let limit = Some(fetch.quantity.unwrap_or(one));
        query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: Vec::new() });
    }
}

/// `SELECT DISTINCT a.b … ORDER BY a.b`: what is shown is ordered by its name, since nothing else is left.
fn order_by_names(query: &mut Query) {
    let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &mut query.order_by) else { return };
    let (Some(_), OrderByKind::Expressions(order)) = (&select.distinct, &mut order.kind) else { return };
    for by in order {
        let named = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if *expr == by.expr => Some(alias.clone()),
            _ => None,
        });
        if let Some(name) = named {
            by.expr = Expr::Identifier(name);
        }
    }
}

/// `a[1].arn` is `a[1]['arn']`.
fn step(access: &mut AccessExpr) {
    if let AccessExpr::Dot(Expr::Identifier(name)) = access {
        *access = field(&name.value.to_lowercase());
    }
}

fn field(name: &str) -> AccessExpr {
    AccessExpr::Subscript(Subscript::Index { index: text(name) })
}

fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

/// `r -> r.arn LIKE …`: a field of a parameter is found step by step.
fn step_into_parameters(lambda: &mut LambdaFunction) {
    let parameters: Vec<String> = lambda.params.iter().map(|parameter| parameter.name.value.to_lowercase()).collect();
    let _whole: ControlFlow<()> = visit_expressions_mut(&mut lambda.body, |part| {
        if let Expr::CompoundIdentifier(names) = part
            && let Some((root, fields)) = names.split_first()
            && parameters.contains(&root.value.to_lowercase())
        {
            let access_chain = fields.iter().map(|name| field(&name.value.to_lowercase())).collect();
            let root = Box::new(Expr::Identifier(root.clone()));
            *part = Expr::CompoundFieldAccess { root, access_chain };
        }
        ControlFlow::Continue(())
    });
}

/// In `try(…)` what fails gives none: casts, our functions, and division by zero.
fn try_inside(call: &mut Function) {
    for argument in templates::arguments_mut(call) {
        let _whole: ControlFlow<()> = visit_expressions_mut(argument, |part| {
            match part {
                Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
                Expr::Function(inner) => {
                    let name = inner.name.to_string().to_lowercase();
                    if super::is_own(&name) {
                        inner.name = ObjectName::from(vec![Ident::new(format!("try_{name}"))]);
                    }
                }
                Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => {
                    let zero = Expr::Value(Value::Number("0".to_owned(), false).into());
                    **right = function("nullif", vec![right.as_ref().clone(), zero]);
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
}

/// Returns a call.
fn function(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).collect();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Returns what a call of Trino is here. `None`: it is the same.
fn called(call: &mut Function, databases: DatabaseNames) -> Result<Option<Expr>, QueryError> {
    if call.name.0.len() != 1 {
        return Ok(None);
    }
    let name = call.name.to_string().to_lowercase();
    let arguments: Vec<Expr> = templates::arguments_mut(call).map(|argument| argument.clone()).collect();
    if matches!(name.as_str(), "max" | "min" | "max_by" | "min_by" | "slice") {
        let is_long = arguments.iter().any(|argument| argument.to_string().len() > REPEATED_BYTES_MAX);
        if is_long {
            return Err(QueryError::Syntax(format!("the arguments of {name} are too long")));
        }
    }
    Ok(match (name.as_str(), arguments.as_slice()) {
        ("try", [argument]) => Some(argument.clone()),
        ("concat", [_, _, ..]) => joined(&arguments),
        ("all_match", [list, Expr::Lambda(lambda)]) => {
            Some(not(function("array_any_match", vec![list.clone(), Expr::Lambda(negated(lambda))])))
        }
        ("none_match", [list, lambda]) => Some(not(function("array_any_match", vec![list.clone(), lambda.clone()]))),
        ("approx_percentile", [of, Expr::Array(wanted)]) => {
            let each =
                |percentile: &Expr| templates::filled("approx_percentile", &[of.clone(), percentile.clone()], call);
            let all: Option<Vec<Expr>> = wanted.elem.iter().map(each).collect();
            all.map(|all| function("make_array", all))
        }
        ("zip_with", [one, other, Expr::Lambda(lambda)]) => zip::with(one, other, lambda),
        // Athena knows it.
        ("array_sort", [_, Expr::Lambda(_)]) if databases == DatabaseNames::LeftOut => {
            let why = "array_sort with a lambda is not supported: take the array apart with CROSS JOIN UNNEST(…) AS t(x), \
                       sort with ORDER BY, and put it together with array_agg(x ORDER BY …)";
            return Err(QueryError::Syntax(why.to_owned()));
        }
        ("listagg", _) => {
            listagg(call);
            None
        }
        _ => templates::filled(&name, &arguments, call),
    })
}

/// `concat` of something and none is none, as `||` has it. The tree is as flat as can be.
fn joined(arguments: &[Expr]) -> Option<Expr> {
    if let [one] = arguments {
        return Some(Expr::Nested(Box::new(one.clone())));
    }
    let (left, right) = arguments.split_at_checked(arguments.len() / 2)?;
    let (left, right) = (Box::new(joined(left)?), Box::new(joined(right)?));
    Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right })))
}

fn not(expr: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }))
}

fn negated(lambda: &LambdaFunction) -> LambdaFunction {
    let body = Expr::Nested(lambda.body.clone());
    LambdaFunction { body: Box::new(not(body)), ..lambda.clone() }
}

/// `ARRAY[region, account]` is a call: the planner looks for the elements of a list neither beside a lateral `UNNEST`
/// nor among the parameters of a lambda. `None`: it is made of no column.
fn made_of_columns(list: &mut Array) -> Option<Expr> {
    let find = |part: &mut Expr| match part {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let has_columns = visit_expressions_mut(&mut list.elem, find).is_break();
    has_columns.then(|| function("make_array", std::mem::take(&mut list.elem)))
}

/// `listagg(x, ',') WITHIN GROUP (ORDER BY y)`.
fn listagg(call: &mut Function) {
    call.name = ObjectName::from(vec![Ident::new("string_agg")]);
    let order = std::mem::take(&mut call.within_group);
    if let FunctionArguments::List(list) = &mut call.args {
        if list.args.len() == 1 {
            list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text(""))));
        }
        list.clauses.retain(|clause| !matches!(clause, FunctionArgumentClause::OnOverflow(_)));
        if !order.is_empty() {
            list.clauses.push(FunctionArgumentClause::OrderBy(order));
        }
    }
}

/// `EXTRACT(DOW FROM x)`: the week begins with Monday, which is 1.
fn extracted(field: &DateTimeField, expr: &Expr) -> Option<Expr> {
    let name = match field.to_string().to_lowercase().as_str() {
        "day_of_week" | "dayofweek" | "dow" => "day_of_week",
        "year_of_week" | "yow" => "year_of_week",
        "day_of_year" | "dayofyear" => return Some(function("date_part", vec![text("doy"), expr.clone()])),
        "day_of_month" => return Some(function("date_part", vec![text("day"), expr.clone()])),
        _ => return None,
    };
    Some(function(name, vec![expr.clone()]))
}
