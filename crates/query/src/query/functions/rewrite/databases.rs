//! Views with the name of a database before theirs, `default.cloudtrail_logs`, as queries have it that were written for
//! Athena. Here are no databases: a view is the same whatever stands before its name.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    DescribeAlias, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    ShowStatementIn, Statement, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::query::views::View;

/// What describes tables and columns; it is asked as it is.
const OF_TABLES: &str = "information_schema";
/// Where the planner finds the views, also where a query gives itself another one of the name.
const SCHEMA: &str = "public";
/// The most parts of a name before a view's: a catalog and a database.
const BEFORE_MAX: usize = 2;

/// Leaves out the names of databases before the names of views.
pub(super) fn leave_out(statement: &mut Statement) {
    let mut given = Given::default();
    let _whole = Visit::visit(statement, &mut given);
    let mut databases = Databases { given: given.0, before: HashSet::new() };
    let _whole = VisitMut::visit(statement, &mut databases);
    if !databases.before.is_empty() {
        let _whole = VisitMut::visit(statement, &mut InColumns(databases.before));
    }
}

/// `SHOW COLUMNS FROM t` is `DESCRIBE t`, as in Trino.
pub(super) fn show_columns(statement: &mut Statement) {
    if let Statement::ShowColumns { show_options, .. } = &statement
        && show_options.filter_position.is_none()
        && let Some(ShowStatementIn { parent_name: Some(table_name), .. }) = &show_options.show_in
    {
        *statement = Statement::ExplainTable {
            describe_alias: DescribeAlias::Describe,
            hive_format: None,
            has_table_keyword: false,
            table_name: table_name.clone(),
        };
    }
}

/// The names that a statement gives to queries of its own.
#[derive(Default)]
struct Given(HashSet<String>);

impl Visitor for Given {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(tables.map(|table| table.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }
}

struct Databases {
    given: HashSet<String>,
    /// What stood before names of views, in lower case.
    before: HashSet<Vec<String>>,
}

impl VisitorMut for Databases {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        let parts: Option<Vec<Ident>> = name.0.iter().map(|part| part.as_ident().cloned()).collect();
        let Some((last, before)) = parts.as_deref().and_then(<[Ident]>::split_last) else {
            return ControlFlow::Continue(());
        };
        let before: Vec<String> = before.iter().map(|name| name.value.to_lowercase()).collect();
        let is_database = (1..=BEFORE_MAX).contains(&before.len()) && before.iter().all(|name| name != OF_TABLES);
        if let Some(view) = View::named(&last.value).filter(|_| is_database) {
            let is_given = self.given.contains(view.name);
            let own = is_given.then(|| Ident::new(SCHEMA)).into_iter().chain([Ident::new(view.name)]);
            name.0 = own.map(ObjectNamePart::Identifier).collect();
            self.before.insert(before);
        }
        ControlFlow::Continue(())
    }
}

/// `default.cloudtrail_logs.eventname` is `cloudtrail_logs.eventname` where there is such a table.
struct InColumns(HashSet<Vec<String>>);

impl InColumns {
    /// Returns how many of some names stand before a view's; none where none do.
    fn before(&self, names: &[&Ident]) -> usize {
        let is_one = |count: &usize| {
            let Some((before, [view, ..])) = names.split_at_checked(*count) else { return false };
            let before: Vec<String> = before.iter().map(|name| name.value.to_lowercase()).collect();
            View::named(&view.value).is_some() && self.0.contains(&before)
        };
        (1..=BEFORE_MAX).find(is_one).unwrap_or(0)
    }
}

impl VisitorMut for InColumns {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(names) = expr {
            let count = self.before(&names.iter().collect::<Vec<_>>());
            drop(names.drain(..count));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                let names: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
                let count = names.map_or(0, |names| self.before(&names));
                drop(name.0.drain(..count));
            }
        }
        ControlFlow::Continue(())
    }
}
