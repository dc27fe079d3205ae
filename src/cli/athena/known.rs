//! What is known of the lake whose table Athena is asked for: read before the question is asked, so that Athena sees no
//! less than what is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::failure::CliError;
use super::super::lake;
use super::super::logs::LogsContext;
use super::super::query::QueryArgs;
use super::failure::shown;
use crate::archive::window::Window;
use crate::cloud::aws::athena::Athena;
use crate::config::schema::LakeConfig;
use crate::query::answer::Answered;
use crate::query::athena::coverage::LakeKnown;
use crate::query::athena::question::{AthenaQuestion, TableName};

/// Returns what the lake has, where all that the question reads is its table; else why that is not known.
///
/// # Errors
/// Where a lake was named that cannot be used.
pub(super) async fn known(
    args: &QueryArgs,
    configured: Option<&LakeConfig>,
    around: &LogsContext,
    athena: &Athena,
    question: &AthenaQuestion,
    window: &Window,
) -> Result<Result<LakeKnown, String>, CliError> {
    let own = || configured.map(|lake| PathBuf::from(lake.place.to_string()));
    let Some(place) = args.asked.lake.clone().or_else(own) else {
        return Ok(Err("no lake is named (--lake, or `lake:` of the configuration)".to_owned()));
    };
    let Some(tables) = &question.tables else {
        return Ok(Err("the question has syntax from which orgtrail cannot tell the tables that it reads".to_owned()));
    };
    let opened = match Box::pin(lake::open_at(&place, around)).await {
        Ok(opened) => opened,
        Err(failure) if args.asked.lake.is_some() => return Err(failure),
        Err(failure) => return Ok(Err(of_failure(&failure))),
    };
    // The configuration may tell of the organization's accounts; it is not asked for them here.
    let answered = Answered { now: around.now, expected: None };
    let read = match LakeKnown::read(opened, window, args.asked.late, answered).await {
        Ok(read) => read,
        Err(error) => return Ok(Err(format!("the lake cannot be read: {error}"))),
    };
    for table in tables {
        let parameters = match parameters(athena, table).await {
            Ok(parameters) => parameters,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(why) = read.why_not(table, &parameters) {
            return Ok(Err(why));
        }
    }
    Ok(Ok(read))
}

fn of_failure(failure: &CliError) -> String {
    let causes: String = failure.causes.iter().map(|cause| format!(": {}", shown(cause))).collect();
    format!("{}{causes}", failure.what)
}

/// Returns what Athena says of a table.
async fn parameters(athena: &Athena, table: &TableName) -> Result<BTreeMap<String, String>, String> {
    athena.table(&table.database, &table.table).await.map_err(|fault| {
        format!("Athena does not tell where the table {table} lies ({}: {})", fault.code, shown(&fault.message))
    })
}
