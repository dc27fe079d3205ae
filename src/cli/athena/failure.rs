//! What went wrong with a question of Athena, for the person who asked it.

use super::super::failure::CliError;
use super::limit::ScanLimit;
use crate::cloud::CloudFaultKind;
use crate::cloud::aws::athena::{AthenaFault, AthenaProgress, AthenaRequest};
use crate::report::text::words::size;

/// The longest text of Athena that is shown, in characters.
const SHOWN_MAX: usize = 1000;
/// How Athena says that a question reached the limit of its workgroup, beside what it scanned.
const LIMIT_REACHED: &str = "Bytes scanned limit";

/// Returns Athena's words in one line, bounded; they may have parts of the question and of the data in them.
pub(super) fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(SHOWN_MAX).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

/// Says that a call was not answered.
pub(super) fn unasked(fault: &AthenaFault, workgroup: &str) -> CliError {
    let AthenaFault { operation, code, message, .. } = fault;
    let mut failure = CliError::new(format!("Athena cannot be asked in the workgroup {workgroup}"));
    failure.causes.push(format!("{operation}: {code}: {}", shown(message)));
    let help = match fault.kind {
        CloudFaultKind::Denied => {
            format!("{}; `orgtrail permissions --for query --workgroup {workgroup} …` prints the policy", fault.help)
        }
        _ => fault.help.clone(),
    };
    failure.hint(help)
}

/// Says that there is no such workgroup, or that it cannot be looked at.
pub(super) fn no_workgroup(fault: &AthenaFault, workgroup: &str, region: &str) -> CliError {
    let failure = unasked(fault, workgroup);
    match fault.kind {
        CloudFaultKind::Other | CloudFaultKind::Refused => failure.hint(format!(
            "check its name and the region ({region}; AWS_REGION or the profile chooses another): `aws athena \
             list-work-groups` shows all"
        )),
        _ => failure,
    }
}

/// Says why Athena has no answer.
pub(super) fn failed(progress: &AthenaProgress, id: &str, request: &AthenaRequest) -> CliError {
    let mut failure = CliError::new(format!("Athena has no answer to the question (query execution {id})"));
    failure.causes.push(match progress.reason.as_str() {
        "" => "it says no reason".to_owned(),
        reason => shown(reason),
    });
    failure.hint(hint(&progress.reason, request))
}

/// Returns what a person can do next, by the name of the error that Athena's words begin with.
fn hint(reason: &str, request: &AthenaRequest) -> String {
    let name = reason.split(':').next().unwrap_or_default().trim();
    match name {
        "TABLE_NOT_FOUND" | "SCHEMA_NOT_FOUND" => format!(
            "make the table in the database {} with the statement that `orgtrail lake ddl --engine athena` prints, or name \
             it with --database and --table",
            request.database
        ),
        "COLUMN_NOT_FOUND" => {
            "ask \"DESCRIBE cloudtrail_events\" for the columns; those of `events` are the same".to_owned()
        }
        "SYNTAX_ERROR" | "FUNCTION_NOT_FOUND" | "TYPE_MISMATCH" => {
            "Athena reads Trino's SQL; without --engine athena the local engine answers".to_owned()
        }
        "PERMISSION_DENIED" => permissions(request),
        _ if reason.contains("Access Denied") || reason.contains("AccessDenied") => permissions(request),
        _ => String::new(),
    }
}

fn permissions(request: &AthenaRequest) -> String {
    format!(
        "`orgtrail permissions --for query --in log --workgroup {} --database {} --lake S3_URL --results S3_URL` prints \
         what it takes; a policy of the bucket or the key, or AWS Lake Formation, can deny it too",
        request.workgroup, request.database
    )
}

/// Says why a question was ended that this program did not stop.
pub(super) fn cancelled(progress: &AthenaProgress, id: &str, request: &AthenaRequest, limit: ScanLimit) -> CliError {
    let is_over = limit.workgroup.is_some_and(|max| progress.scanned_bytes.is_some_and(|scanned| scanned >= max));
    if let Some(max) = limit.workgroup.filter(|_| is_over || progress.reason.contains(LIMIT_REACHED)) {
        return too_much(progress.scanned_bytes, max, &format!("the limit of the workgroup {}", request.workgroup), id);
    }
    let mut failure = CliError::new(format!("the question was ended in Athena by others (query execution {id})"));
    if !progress.reason.is_empty() {
        failure.causes.push(shown(&progress.reason));
    }
    failure.hint("ask again; who stopped it is in CloudTrail: StopQueryExecution")
}

/// Says that a question scanned more than it may.
pub(super) fn too_much(scanned: Option<u64>, max: u64, whose: &str, id: &str) -> CliError {
    let scanned = scanned.map_or_else(|| "an unknown size".to_owned(), size);
    CliError::new(format!(
        "the question was ended: it scanned {scanned}, and {} are allowed by {whose} (query execution {id}); it is billed all \
         the same",
        size(max)
    ))
    .hint("narrow it: name days (day >= '2026-11-01'), --from, --to or --days with `events`, and fewer columns; or raise the limit")
}
