//! Amazon Athena: one workgroup is asked, with the credentials that the program was started with or those of a role
//! that a person named. What is sent was judged before (`query::athena::guard`).

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_athena::Client;
use aws_sdk_athena::types::{
    QueryExecutionContext, QueryExecutionState, ResultConfiguration, StatementType, WorkGroupConfiguration,
    WorkGroupState,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::archive::LogsSession;
use super::fault::{Reason, reason};
use crate::cloud::CloudFaultKind;
use crate::operations::{Operation, athena as op};

/// Athena's own name of the catalog of AWS Glue.
const CATALOG: &str = "AwsDataCatalog";
/// The most rows of a page (Athena API, `GetQueryResults`).
const PAGE_ROWS: i32 = 1000;

/// Why Athena did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}: {message}")]
pub struct AthenaFault {
    /// The operation, by its first IAM action.
    pub operation: &'static str,
    /// What kind it is.
    pub kind: CloudFaultKind,
    /// AWS's error code, or a word of orgtrail's own where AWS did not answer.
    pub code: String,
    /// What Athena says.
    pub message: String,
    /// What to do next; empty where it is not known.
    pub help: String,
}

/// Athena in a region.
#[derive(Clone)]
pub struct Athena {
    session: LogsSession,
    client: Client,
}

/// A workgroup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workgroup {
    /// Whether questions may be asked in it.
    pub is_enabled: bool,
    /// The bytes at which Athena ends a question. `None`: it has no limit.
    pub bytes_max: Option<u64>,
    /// Whether its settings stand above those of whoever asks.
    pub is_enforced: bool,
    /// Where results are written: `s3://BUCKET/PREFIX/`. `None`: it does not say.
    pub results: Option<String>,
    /// Whether Athena keeps the results itself.
    pub keeps_results: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaRequest {
    /// One statement.
    pub sql: String,
    /// The workgroup.
    pub workgroup: String,
    /// The database of tables that are named without one.
    pub database: String,
    /// Where results are written. `None`: where the workgroup says.
    pub results: Option<String>,
}

/// How far a question is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaProgress {
    /// What it is doing.
    pub state: AthenaState,
    /// What Athena says of that; empty: nothing.
    pub reason: String,
    /// What it has scanned, in bytes. `None`: it does not say.
    pub scanned_bytes: Option<u64>,
    /// Whether the rows begin with the names of the columns.
    pub has_header: bool,
}

/// What a question is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AthenaState {
    /// It waits for its turn.
    Queued,
    /// It is being answered.
    Running,
    /// It has an answer.
    Succeeded,
    /// It has none.
    Failed,
    /// It was ended before.
    Cancelled,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AthenaPage {
    /// The columns.
    pub columns: Vec<AthenaColumnInfo>,
    /// The rows, each with a value for every column; `None`: NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// What leads to the next part. `None`: it is the last.
    pub next: Option<String>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The digits of a decimal number.
    pub precision: i32,
    /// Those of them behind the point.
    pub scale: i32,
}

impl Athena {
    pub(super) fn new(session: LogsSession) -> Self {
        let client = session.athena();
        Self { session, client }
    }

    /// Returns the region that is asked.
    pub fn region(&self) -> &str {
        self.session.region()
    }

    /// Returns a workgroup.
    ///
    /// # Errors
    /// [`AthenaFault`] where there is none of that name, or it may not be looked at.
    pub async fn workgroup(&self, name: &str) -> Result<Workgroup, AthenaFault> {
        let answer = self.call(op::GET_WORK_GROUP, self.client.get_work_group().work_group(name).send()).await?;
        let found = answer.work_group.ok_or_else(|| odd(op::GET_WORK_GROUP, "the answer has no workgroup"))?;
        let is_enabled = found.state() != Some(&WorkGroupState::Disabled);
        let Some(configuration) = &found.configuration else {
            return Ok(Workgroup { is_enabled, ..Workgroup::default() });
        };
        Ok(Workgroup { is_enabled, ..Workgroup::of(configuration) })
    }

    /// Returns the parameters of a table: `location` and the properties that it was made with.
    ///
    /// # Errors
    /// [`AthenaFault`] where there is no such table, or it may not be looked at.
    pub async fn table(&self, database: &str, table: &str) -> Result<BTreeMap<String, String>, AthenaFault> {
        let request = self.client.get_table_metadata().catalog_name(CATALOG).database_name(database).table_name(table);
        let answer = self.call(op::GET_TABLE, request.send()).await?;
        let found = answer.table_metadata.ok_or_else(|| odd(op::GET_TABLE, "the answer has no table"))?;
        Ok(found.parameters.unwrap_or_default().into_iter().collect())
    }

    /// Begins to ask a question; returns its id.
    ///
    /// # Errors
    /// [`AthenaFault`] where Athena does not take it.
    pub async fn start(&self, asked: &AthenaRequest) -> Result<String, AthenaFault> {
        let context = QueryExecutionContext::builder().catalog(CATALOG).database(&asked.database).build();
        let results = asked.results.as_ref();
        let results = results.map(|place| ResultConfiguration::builder().output_location(place).build());
        // The SDK gives each question a token of its own, so that it is asked once, however often the call is tried.
        let request = self.client.start_query_execution().query_string(&asked.sql).work_group(&asked.workgroup);
        let request = request.query_execution_context(context).set_result_configuration(results);
        let answer = self.call(op::START_QUERY, request.send()).await?;
        answer.query_execution_id.ok_or_else(|| odd(op::START_QUERY, "the answer has no id"))
    }

    /// Returns how far a question is.
    ///
    /// # Errors
    /// [`AthenaFault`] where Athena does not say.
    pub async fn progress(&self, id: &str) -> Result<AthenaProgress, AthenaFault> {
        let answer = self.call(op::GET_QUERY, self.client.get_query_execution().query_execution_id(id).send()).await?;
        let found = answer.query_execution.ok_or_else(|| odd(op::GET_QUERY, "the answer has no query execution"))?;
        let status = found.status().ok_or_else(|| odd(op::GET_QUERY, "the answer has no status"))?;
        let state = match status.state() {
            Some(QueryExecutionState::Queued) => AthenaState::Queued,
            Some(QueryExecutionState::Running) => AthenaState::Running,
            Some(QueryExecutionState::Succeeded) => AthenaState::Succeeded,
            Some(QueryExecutionState::Failed) => AthenaState::Failed,
            Some(QueryExecutionState::Cancelled) => AthenaState::Cancelled,
            other => return Err(odd(op::GET_QUERY, &format!("the state {other:?} is none that is known"))),
        };
        let scanned = found.statistics().and_then(|statistics| statistics.data_scanned_in_bytes());
        Ok(AthenaProgress {
            state,
            reason: status.state_change_reason().unwrap_or_default().to_owned(),
            scanned_bytes: scanned.and_then(|bytes| u64::try_from(bytes).ok()),
            has_header: found.statement_type() != Some(&StatementType::Ddl),
        })
    }

    /// Returns a part of an answer; the first without what leads to it.
    ///
    /// # Errors
    /// [`AthenaFault`] where Athena does not give it.
    pub async fn page(&self, id: &str, next: Option<String>) -> Result<AthenaPage, AthenaFault> {
        let request = self.client.get_query_results().query_execution_id(id).set_next_token(next);
        let answer = self.call(op::GET_RESULTS, request.max_results(PAGE_ROWS).send()).await?;
        let next = answer.next_token.clone().filter(|token| !token.is_empty());
        let found = answer.result_set.ok_or_else(|| odd(op::GET_RESULTS, "the answer has no rows"))?;
        let columns = found.result_set_metadata.and_then(|metadata| metadata.column_info).unwrap_or_default();
        let column = |info: aws_sdk_athena::types::ColumnInfo| AthenaColumnInfo {
            precision: info.precision(),
            scale: info.scale(),
            name: info.label.unwrap_or(info.name),
            kind: info.r#type,
        };
        let row = |row: aws_sdk_athena::types::Row| {
            row.data.unwrap_or_default().into_iter().map(|datum| datum.var_char_value).collect()
        };
        let rows = found.rows.unwrap_or_default().into_iter().map(row).collect();
        Ok(AthenaPage { columns: columns.into_iter().map(column).collect(), rows, next })
    }

    /// Has a question end.
    ///
    /// # Errors
    /// [`AthenaFault`] where Athena was not told so: the question may go on.
    pub async fn stop(&self, id: &str) -> Result<(), AthenaFault> {
        self.call(op::STOP_QUERY, self.client.stop_query_execution().query_execution_id(id).send()).await.map(drop)
    }

    async fn call<T, E, F>(&self, operation: Operation, call: F) -> Result<T, AthenaFault>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let _admitted = self.session.admit(&operation).await;
        Box::pin(call).await.map_err(|error| {
            let Reason { kind, code, message, help } = reason(&operation, &error);
            let help = match kind {
                CloudFaultKind::Throttled => THROTTLED.to_owned(),
                _ => help,
            };
            AthenaFault { operation: operation.as_str(), kind, code, message, help }
        })
    }
}

/// What to do where Athena has too many questions at once.
const THROTTLED: &str = "Athena has too many calls or questions of this account at once: ask again later, or raise the \
                         quota of active queries in Service Quotas";

impl Workgroup {
    fn of(configuration: &WorkGroupConfiguration) -> Self {
        let results = configuration.result_configuration().and_then(|results| results.output_location());
        let managed = configuration.managed_query_results_configuration();
        let bytes_max = configuration.bytes_scanned_cutoff_per_query().and_then(|bytes| u64::try_from(bytes).ok());
        Self {
            is_enabled: true,
            bytes_max: bytes_max.filter(|bytes| *bytes > 0),
            is_enforced: configuration.enforce_work_group_configuration() == Some(true),
            results: results.filter(|place| !place.is_empty()).map(str::to_owned),
            keeps_results: managed.is_some_and(|managed| managed.enabled()),
        }
    }
}

/// The fault of an answer that AWS does not give.
fn odd(operation: Operation, message: &str) -> AthenaFault {
    AthenaFault {
        operation: operation.as_str(),
        kind: CloudFaultKind::Other,
        code: "UnexpectedAnswer".to_owned(),
        message: message.to_owned(),
        help: "check the region and AWS_ENDPOINT_URL, and ask again".to_owned(),
    }
}

impl fmt::Debug for Athena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client, which leads to the credentials.
        f.debug_struct("Athena").field("session", &self.session).finish_non_exhaustive()
    }
}
