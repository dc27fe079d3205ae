//! The partitions of tables that people make over their logs: `timestamp` (`2026/09/15`), or `year`, `month` and `day`,
//! as Athena's documentation has them. Here they are parts of the event's own time, so that a day is the day of the
//! event.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, SelectItem, Statement, Value, Visit, Visitor,
};

use super::templates::{expression, replaced};

/// A partition, and what it is.
const PARTITIONS: [(&str, &str); 4] = [
    ("timestamp", "replace(substr(p1, 1, 10), '-', '/')"),
    ("year", "substr(p1, 1, 4)"),
    ("month", "substr(p1, 6, 2)"),
    ("day", "substr(p1, 9, 2)"),
];

/// The table that has them.
const TABLE: &str = "cloudtrail_logs";

/// The names that are partitions in a question.
pub(super) struct Partitions(HashSet<&'static str>);

impl Partitions {
    /// Returns those of a question over the one table, without the names that it gives itself.
    pub(super) fn of(statement: &Statement) -> Self {
        let mut found = PartitionColumn::default();
        let _whole = statement.visit(&mut found);
        if !found.has_table || found.has_other {
            return Self(HashSet::new());
        }
        Self(PARTITIONS.iter().map(|(name, _)| *name).filter(|name| !found.given.contains(*name)).collect())
    }

    /// Returns the time that a partition is of, and its name. `None`: it is none.
    fn time(&self, expr: &Expr) -> Option<(&'static str, Expr)> {
        let (name, table) = match expr {
            Expr::Identifier(name) => (name, None),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [table, name] => (name, Some(table)),
                _ => return None,
            },
            _ => return None,
        };
        let name = self.0.get(name.value.to_lowercase().as_str())?;
        let time = Ident::new("eventtime");
        Some((
            name,
            match table {
                Some(table) => Expr::CompoundIdentifier(vec![table.clone(), time]),
                None => Expr::Identifier(time),
            },
        ))
    }

    /// Returns what a partition is. `None`: it is none.
    pub(super) fn meant(&self, expr: &Expr) -> Option<Expr> {
        let (name, time) = self.time(expr)?;
        let (_, template) = PARTITIONS.iter().find(|(own, _)| *own == name)?;
        Some(replaced(expression(template)?, &[time]))
    }

    /// Returns what a condition on `timestamp` means for the time, so that no file is read in vain. `None`: it is none.
    pub(super) fn compared(&self, expr: &Expr) -> Option<Expr> {
        let (first, last, time) = match expr {
            Expr::BinaryOp { left, op, right } => {
                let (name, time) = self.time(left)?;
                let day = day(right).filter(|_| name == "timestamp")?;
                match op {
                    BinaryOperator::Eq => (Some(day.clone()), Some(day), time),
                    BinaryOperator::GtEq => (Some(day), None, time),
                    BinaryOperator::LtEq => (None, Some(day), time),
                    _ => return None,
                }
            }
            Expr::Between { expr, negated: false, low, high } => {
                let (name, time) = self.time(expr)?;
                (Some(day(low)?), Some(day(high).filter(|_| name == "timestamp")?), time)
            }
            _ => return None,
        };
        let text = |text: String| Expr::Value(Value::SingleQuotedString(text).into());
        let compared = |op, value| Expr::BinaryOp { left: Box::new(time.clone()), op, right: Box::new(text(value)) };
        let first = first.map(|day| compared(BinaryOperator::GtEq, format!("{day}T00:00:00Z")));
        let last = last.map(|day| compared(BinaryOperator::LtEq, format!("{day}T23:59:59Z")));
        Some(Expr::Nested(Box::new(match (first, last) {
            (Some(first), Some(last)) => {
                Expr::BinaryOp { left: Box::new(first), op: BinaryOperator::And, right: Box::new(last) }
            }
            (one, other) => one.or(other)?,
        })))
    }
}

/// Returns `2026/09/15` as `2026-09-15`. `None`: it is something else.
fn day(expr: &Expr) -> Option<String> {
    let Expr::Value(value) = expr else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    let day = text.replace('/', "-");
    let is_day = text.len() == "YYYY/MM/DD".len() && text.matches('/').count() == 2;
    day.parse::<jiff::civil::Date>().ok().filter(|_| is_day).map(|_| day)
}

#[derive(Default)]
struct PartitionColumn {
    has_table: bool,
    has_other: bool,
    /// The names that the question gives.
    given: HashSet<String>,
}

impl Visitor for PartitionColumn {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
        match super::super::super::views::View::named(&name.unwrap_or_default()) {
            Some(view) if view.name == TABLE => self.has_table = true,
            Some(_) => self.has_other = true,
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &datafusion::logical_expr::sqlparser::ast::Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.given.insert(alias.value.to_lowercase());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(
        &mut self,
        factor: &datafusion::logical_expr::sqlparser::ast::TableFactor,
    ) -> ControlFlow<()> {
        use datafusion::logical_expr::sqlparser::ast::TableFactor::{Derived, Table, UNNEST};
        if let Derived { alias: Some(alias), .. }
        | Table { alias: Some(alias), .. }
        | UNNEST { alias: Some(alias), .. } = factor
        {
            self.given.extend(alias.columns.iter().map(|column| column.name.value.to_lowercase()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &datafusion::logical_expr::sqlparser::ast::Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.given.extend(table.alias.columns.iter().map(|column| column.name.value.to_lowercase()));
        }
        ControlFlow::Continue(())
    }
}
