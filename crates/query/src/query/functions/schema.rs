//! `information_schema.columns` with the names of types that SQL has, as `DESCRIBE` and `typeof` have them.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::sqlparser::ast::{Ident, ObjectName, TableFactor};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::super::describe;
use super::function::{Args, Function, Kind, Returns};

const FUNCTION: &str = "type_name";

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new(FUNCTION, &[Kind::Text], 1, Returns::Type(|| DataType::Utf8View), type_name)]
}

/// Names a type of Arrow as SQL does; what is none stays.
fn type_name(args: &Args<'_>) -> Result<ArrayRef> {
    let names = args.texts(0)?;
    args.to_texts(|row| {
        let name = names.value(row);
        Ok(Some(name.parse().map_or_else(|_| name.into(), |kind: DataType| describe::type_name(&kind).into())))
    })
}

/// Plans `information_schema.columns`.
#[derive(Debug)]
pub(super) struct TypesOfColumns;

impl RelationPlanner for TypesOfColumns {
    fn plan_relation(&self, factor: TableFactor, context: &mut dyn RelationPlannerContext) -> Result<RelationPlanning> {
        let TableFactor::Table { name, alias, args: None, .. } = &factor else {
            return Ok(RelationPlanning::Original(Box::new(factor)));
        };
        let Some(function) = context.context_provider().get_function_meta(FUNCTION).filter(|_| is_columns(name)) else {
            return Ok(RelationPlanning::Original(Box::new(factor)));
        };
        let (reference, alias) = (context.object_name_to_table_reference(name.clone())?, alias.clone());
        let source = context.context_provider().get_table_source(reference.clone())?;
        let scan = LogicalPlanBuilder::scan(reference.clone(), source, None)?;
        let named = |column: Column| match column.name.as_str() {
            "data_type" => {
                let called = function.call(vec![Expr::Column(column)]);
                called.alias_qualified(Some(reference.clone()), "data_type")
            }
            _ => Expr::Column(column),
        };
        let columns: Vec<Expr> = scan.schema().columns().into_iter().map(named).collect();
        let plan = scan.project(columns)?.build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn is_columns(name: &ObjectName) -> bool {
    let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let is = |name: &Ident, wanted: &str| name.value.eq_ignore_ascii_case(wanted);
    matches!(parts.as_deref(), Some([.., schema, table]) if is(schema, "information_schema") && is(table, "columns"))
}
