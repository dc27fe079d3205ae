//! How large a question becomes: the planner puts the query of a `WITH` wherever its name stands, so that a short text
//! can be an endless plan, and what is too deep ends the program.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{Expr, ObjectName, Query, Statement, Visit, Visitor};

use super::super::error::QueryError;

/// Queries that may stand in `WITH`.
const NAMED_MAX: usize = 64;
/// Queries and tables, each counted as often as it is used.
const PARTS_MAX: usize = 1_000;
/// Queries within queries, also by their names in `WITH`.
const DEPTH_MAX: usize = 64;
/// Queries within conditions and values of queries: each takes the planner several times as long as the one before.
const CONDITIONS_MAX: usize = 8;

/// Refuses a question that is too large.
///
/// # Errors
/// [`QueryError::Syntax`], which names the limit.
pub(super) fn check(statement: &Statement) -> Result<(), QueryError> {
    let mut sizes = Sizes { frames: Vec::new(), named: 0 };
    match statement.visit(&mut sizes) {
        ControlFlow::Break(what) => Err(QueryError::Syntax(what)),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The size of a query, with all that it names.
#[derive(Debug, Clone, Copy)]
struct Size {
    parts: usize,
    depth: usize,
    conditions: usize,
}

const ONE: Size = Size { parts: 1, depth: 1, conditions: 0 };

impl Size {
    /// Adds a query or a table that stands in this one.
    fn add(&mut self, other: Self, is_condition: bool) {
        self.parts = self.parts.saturating_add(other.parts);
        self.depth = self.depth.max(other.depth + 1);
        self.conditions = self.conditions.max(other.conditions + usize::from(is_condition));
    }
}

/// A query that is being read.
struct Frame {
    size: Size,
    /// The names in its `WITH`; those of which the size is not known yet stand in `unknown`, the first last.
    named: HashMap<String, Size>,
    unknown: Vec<String>,
    /// Expressions of it that are being read.
    expressions: usize,
}

struct Sizes {
    frames: Vec<Frame>,
    named: usize,
}

impl Sizes {
    fn is_in_expression(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.expressions > 0)
    }

    fn add(&mut self, size: Size) -> ControlFlow<String> {
        let is_condition = self.is_in_expression();
        let Some(frame) = self.frames.last_mut() else { return ControlFlow::Continue(()) };
        frame.size.add(size, is_condition);
        let size = frame.size;
        let refused = |what: String| ControlFlow::Break(what);
        if size.parts > PARTS_MAX {
            return refused(format!(
                "it has more than {PARTS_MAX} tables and queries, each name in WITH counted as often as it is used"
            ));
        }
        if size.depth > DEPTH_MAX {
            return refused(format!("queries are nested more than {DEPTH_MAX} levels deep, also by names in WITH"));
        }
        if size.conditions > CONDITIONS_MAX {
            return refused(format!("queries in conditions are nested more than {CONDITIONS_MAX} levels deep"));
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Sizes {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        let unknown: Vec<String> = named.rev().map(|named| named.alias.name.value.to_lowercase()).collect();
        self.named += unknown.len();
        if self.named > NAMED_MAX {
            return ControlFlow::Break(format!("WITH may name at most {NAMED_MAX} queries"));
        }
        self.frames.push(Frame { size: ONE, named: HashMap::new(), unknown, expressions: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        let Some(done) = self.frames.pop() else { return ControlFlow::Continue(()) };
        // The queries of `WITH` are visited before all others.
        if let Some(outer) = self.frames.last_mut()
            && let Some(name) = outer.unknown.pop()
        {
            outer.named.insert(name, done.size);
            return ControlFlow::Continue(());
        }
        self.add(done.size)
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let name = match relation.0.as_slice() {
            [name] => name.as_ident().map(|name| name.value.to_lowercase()),
            _ => None,
        };
        let known = name.and_then(|name| self.frames.iter().rev().find_map(|frame| frame.named.get(&name).copied()));
        // A table is no level of its own.
        self.add(known.unwrap_or(Size { parts: 1, depth: 0, conditions: 0 }))
    }

    fn pre_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<String> {
        if let Some(frame) = self.frames.last_mut() {
            frame.expressions += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<String> {
        if let Some(frame) = self.frames.last_mut() {
            frame.expressions = frame.expressions.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }
}
