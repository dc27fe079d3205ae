//! What `DESCRIBE` answers: the columns of a table, with the names of types that SQL has, as Trino writes them.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::Result;
use datafusion::logical_expr::sqlparser::ast::Statement as SqlStatement;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{Expr, col, lit};
use datafusion::sql::parser::Statement;

use super::views::View;

/// Returns the view that a statement describes. `None`: it is no such statement, or about another table.
pub(super) fn view(statement: &Statement) -> Option<&'static View> {
    let Statement::Statement(inner) = statement else { return None };
    let SqlStatement::ExplainTable { table_name, .. } = inner.as_ref() else { return None };
    match table_name.0.as_slice() {
        [name] => View::named(&name.as_ident()?.value),
        _ => None,
    }
}

/// Returns the plan of a statement; one that describes a table names types as SQL does, and says what columns are.
///
/// # Errors
/// DataFusion's, where a column cannot be written.
pub(super) fn in_sql(plan: LogicalPlan, view: Option<&View>) -> Result<LogicalPlan> {
    let LogicalPlan::DescribeTable(described) = &plan else { return Ok(plan) };
    let rows = rows(&described.schema, view);
    let names = ["column_name", "data_type", "comment"];
    let named = names.iter().enumerate().map(|(at, name)| col(format!("column{}", at + 1)).alias(*name));
    match rows.is_empty() {
        true => Ok(plan),
        false => LogicalPlanBuilder::values(rows)?.project(named)?.build(),
    }
}

fn rows(schema: &Schema, view: Option<&View>) -> Vec<Vec<Expr>> {
    let about = |name: &str| {
        let column = view?.columns.iter().find(|column| column.name == name)?;
        Some(column.about).filter(|about| !about.is_empty())
    };
    let row = |field: &Field| {
        let name = field.name();
        vec![lit(name.as_str()), lit(type_name(field.data_type())), lit(about(name).unwrap_or_default())]
    };
    schema.fields().iter().map(|field| row(field)).collect()
}

/// Returns the name of a type as Trino writes it (Trino documentation, "Data types"). Numbers without a sign, which
/// Trino does not have, are called as those with one.
pub(super) fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::UInt8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt16 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt32 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale) => {
            format!("decimal({digits},{scale})")
        }
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "varbinary".to_owned(),
        DataType::List(of) | DataType::LargeList(of) => format!("array({})", type_name(of.data_type())),
        DataType::Struct(parts) => {
            let parts: Vec<String> =
                parts.iter().map(|part| format!("{} {}", part.name(), type_name(part.data_type()))).collect();
            format!("row({})", parts.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| type_name(part.data_type())).collect();
                format!("map({})", parts.join(", "))
            }
            other => format!("map({})", type_name(other)),
        },
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::views::VIEWS;
    use super::*;

    #[test]
    fn every_column_of_every_view_has_a_type_that_sql_knows() {
        let of = |view: &str, column: &str| {
            let own = VIEWS.iter().find(|own| own.name == view).unwrap();
            type_name(&own.columns.iter().find(|own| own.name == column).unwrap().data_type())
        };
        assert_eq!(of("events", "event_name"), "varchar");
        assert_eq!(of("events", "event_time"), "timestamp with time zone");
        assert_eq!(of("events", "read_only"), "boolean");
        assert_eq!(of("events", "resource_arns"), "array(varchar)");
        assert_eq!(of("cloudtrail_lake", "requestparameters"), "map(varchar, varchar)");
        assert!(of("cloudtrail_lake", "resources").starts_with("array(row(accountid varchar, type varchar"));
        for column in VIEWS.iter().flat_map(|view| view.columns) {
            let name = type_name(&column.data_type());
            assert!(!["Utf8", "Int", "Struct", "List"].iter().any(|own| name.contains(own)), "{name}");
        }
    }
}
