//! What is a question: one statement that reads. Nothing here writes a file, makes a table or changes a setting.

use datafusion::common::DataFusionError;
use datafusion::logical_expr::sqlparser::ast::Statement as SqlStatement;
use datafusion::logical_expr::sqlparser::dialect::Dialect;
use datafusion::sql::parser::{DFParserBuilder, Statement};

use super::error::{QueryError, SQL_BYTES_MAX};

/// How deep a question may be nested.
const DEPTH_MAX: usize = 64;

/// Reads a text that must be one question.
///
/// # Errors
/// [`QueryError`] where it is none, several, or something that would change something.
pub fn question(sql: &str, dialect: &dyn Dialect) -> Result<Statement, QueryError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(QueryError::TooLong(sql.len()));
    }
    let parsed = DFParserBuilder::new(sql).with_dialect(dialect).with_recursion_limit(DEPTH_MAX).build();
    let mut statements = parsed.and_then(|mut parser| parser.parse_statements()).map_err(not_read)?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(if sql.trim().is_empty() { QueryError::Empty } else { QueryError::Several });
    };
    refuse_what_writes(&statement)?;
    Ok(statement)
}

fn not_read(error: DataFusionError) -> QueryError {
    let text = error.strip_backtrace();
    if text.contains("RecursionLimitExceeded") || text.contains("recursion limit") {
        return QueryError::TooDeep(DEPTH_MAX);
    }
    QueryError::Syntax(text.trim_start_matches("SQL error: ").to_owned())
}

fn refuse_what_writes(statement: &Statement) -> Result<(), QueryError> {
    let refused = |what: &str| Err(QueryError::NotAQuestion(what.to_owned()));
    match statement {
        Statement::CreateExternalTable(_) => refused("CREATE EXTERNAL TABLE"),
        Statement::CopyTo(_) => refused("COPY"),
        Statement::Reset(_) => refused("RESET"),
        Statement::Explain(explain) => refuse_what_writes(&explain.statement),
        Statement::Statement(statement) => match statement.as_ref() {
            SqlStatement::Query(_)
            | SqlStatement::ExplainTable { .. }
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. } => Ok(()),
            SqlStatement::Explain { statement, .. } => refuse_what_writes(&Statement::Statement(statement.clone())),
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                let begin: String = words.join(" ").chars().take(40).collect();
                if words.first() == Some(&"SHOW") {
                    return Err(QueryError::OnlyInAthena(begin));
                }
                refused(&begin)
            }
        },
    }
}
