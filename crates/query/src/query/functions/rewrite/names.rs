//! Names in quotes, and names of fields: to Trino a column is the same in any case, and `useridentity.arn` is called
//! `arn`.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::logical_expr::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, Statement, Visit, Visitor};

use super::super::super::views::VIEWS;
use crate::columns::column::{Column, Kind};

/// The names of every column and field.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut known = HashSet::new();
    VIEWS.iter().for_each(|view| note(view.columns, &mut known));
    known
});

/// The names of the columns and fields that have fields.
static STRUCTURES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut known = HashSet::new();
    VIEWS.iter().for_each(|view| note_structures(view.columns, &mut known));
    known
});

fn note(columns: &[Column], known: &mut HashSet<String>) {
    for column in columns {
        known.insert(column.name.to_owned());
        if let Kind::Struct(parts) | Kind::List(parts) = &column.kind {
            note(parts, known);
        }
    }
}

fn note_structures(columns: &[Column], known: &mut HashSet<String>) {
    for column in columns {
        if let Kind::Struct(parts) = &column.kind {
            known.insert(column.name.to_owned());
            note_structures(parts, known);
        }
    }
}

/// The names in quotes that a question gives itself; they stay as they are.
pub(super) struct Aliases(HashSet<String>);

impl Aliases {
    /// Returns the names that a question gives.
    pub(super) fn of(statement: &Statement) -> Self {
        let mut found = CollectedNames(HashSet::new());
        let _whole = statement.visit(&mut found);
        Self(found.0)
    }

    /// Writes a name in quotes in lower case where it is a column's in another case.
    pub(super) fn lower(&self, name: &mut Ident) {
        if name.quote_style.is_some() && !self.0.contains(&name.value) {
            let lower = name.value.to_lowercase();
            if lower != name.value && KNOWN.contains(&lower) {
                name.value = lower;
            }
        }
    }

    /// Names the columns of a `SELECT` that are fields after the field, where that is clear.
    pub(super) fn name_fields(&self, select: &mut Select) {
        let mut taken: HashSet<String> = select.projection.iter().filter_map(plain_name).collect();
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) = item else { continue };
            let Some((last, before)) = names.split_last() else { continue };
            if !before.iter().any(|name| STRUCTURES.contains(&name.value.to_lowercase())) {
                continue;
            }
            let mut shown = last.value.to_lowercase();
            if !taken.insert(shown.clone()) {
                let parts: Vec<String> = names.iter().map(|name| name.value.to_lowercase()).collect();
                shown = parts.join(".");
                if !taken.insert(shown.clone()) {
                    continue;
                }
            }
            let expr = Expr::CompoundIdentifier(names.clone());
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', shown) };
        }
    }
}

/// Returns `e.useridentity.arn` as `e.useridentity['arn']`: of a table outside of a subquery the planner finds a column
/// and no field in it. `None`: it is something else.
pub(super) fn by_steps(names: &[Ident]) -> Option<Expr> {
    let (table, column, fields) = match names {
        [table, column, fields @ ..] if !fields.is_empty() => (table, column, fields),
        _ => return None,
    };
    let is_structure = |name: &Ident| STRUCTURES.contains(&name.value.to_lowercase());
    if is_structure(table) || !is_structure(column) {
        return None;
    }
    let access_chain = fields.iter().map(|name| super::field(&name.value.to_lowercase())).collect();
    let root = Box::new(Expr::CompoundIdentifier(vec![table.clone(), column.clone()]));
    Some(Expr::CompoundFieldAccess { root, access_chain })
}

/// Returns the name of a column that is plainly one.
fn plain_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_lowercase()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.to_lowercase()),
        _ => None,
    }
}

struct CollectedNames(HashSet<String>);

impl Visitor for CollectedNames {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && alias.quote_style.is_some()
            {
                self.0.insert(alias.value.clone());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.extend(table.alias.columns.iter().map(|column| column.name.value.clone()));
        }
        ControlFlow::Continue(())
    }
}
