//! The JSON formats, from the types that are written.

use std::fmt::Write;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::schema_text::{Columns, sections};
use super::{head, without_links};
use crate::apply::record::RecordLine;
use crate::drift::DriftRecord;
use crate::estate::snapshot::Snapshot;
use crate::reconcile::status::once::OnceJson;
use crate::report::access::IsolationJson;
use crate::report::access::reader_guide::ReaderGuide;
use crate::report::apply::model::ApplyJson;
use crate::report::audit::AuditJson;
use crate::report::discover::DiscoverJson;
use crate::report::explain::ExplanationJson;
use crate::report::logs::coverage_model::{CoverageJson, CoverageLine};
use crate::report::logs::model::{ProofJson, ProofLine};

/// A format: the name of its schema, the commands that write it, and what it is.
struct Form {
    name: &'static str,
    written_by: &'static str,
    schema: Value,
}

fn forms() -> Vec<Form> {
    vec![
        form::<DriftRecord>(
            "plan",
            "`orgtrail plan` and `orgtrail drift` with `--format json`; read by `orgtrail apply plan.json` and by `drift --since`",
        ),
        form::<ApplyJson<'static>>("apply", "`orgtrail apply --format json`"),
        form::<RecordLine<'static>>("apply-record", "`orgtrail apply` with `--record`, one object a line"),
        form::<Snapshot>("snapshot", "`orgtrail snapshot`; read by `--estate`"),
        form::<DiscoverJson<'static>>("discover", "`orgtrail discover --format json`"),
        form::<IsolationJson<'static>>("access", "`orgtrail access --format json`"),
        form::<ReaderGuide>("access-account", "`orgtrail access ACCOUNT --format json`"),
        form::<AuditJson<'static>>("check", "`orgtrail check --format json`"),
        form::<ExplanationJson<'static>>(
            "explain",
            "`orgtrail explain` with `--format json`; `--live` writes a list of these",
        ),
        form::<OnceJson<'static>>("reconcile-once", "`orgtrail reconcile --once --format json`"),
        form::<ProofJson>("verify", "`orgtrail verify --format json`"),
        form::<ProofLine>("verify-lines", "`orgtrail verify --format jsonl`, one object a line"),
        form::<CoverageJson<'static>>("coverage", "`orgtrail coverage --format json`"),
        form::<CoverageLine<'static>>("coverage-lines", "`orgtrail coverage --format jsonl`, one object a line"),
        #[cfg(feature = "sql")]
        form::<crate::report::lake::update::LakeUpdateJson<'static>>(
            "lake-update",
            "`orgtrail lake update --format json`",
        ),
        #[cfg(feature = "sql")]
        form::<crate::report::lake::status::LakeStatusJson<'static>>(
            "lake-status",
            "`orgtrail lake status --format json`",
        ),
        #[cfg(feature = "sql")]
        form::<crate::report::lake::check::LakeCheckJson<'static>>("lake-check", "`orgtrail lake check --format json`"),
        #[cfg(feature = "sql")]
        form::<crate::report::query::AnswerJson>("query", "`orgtrail query` with `--format json`"),
        #[cfg(feature = "sql")]
        form::<crate::report::who::WhoAnswer>("who", "`orgtrail who` with `--format json`"),
        #[cfg(feature = "sql")]
        form::<crate::report::detect::DetectJson<'static>>("detect", "`orgtrail detect --format json`"),
        #[cfg(feature = "sql")]
        form::<crate::report::dashboard::DashboardJson<'static>>("dashboard", "`orgtrail dashboard --format json`"),
    ]
}

fn form<T: JsonSchema>(name: &'static str, written_by: &'static str) -> Form {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    plain(&mut schema);
    schema["title"] = format!("orgtrail {name}").into();
    Form { name, written_by, schema }
}

/// Takes the links of rustdoc out of every description.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = without_links(text);
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// The schemas, by name.
pub fn schemas() -> Vec<(&'static str, String)> {
    forms().into_iter().map(|form| (form.name, format!("{:#}\n", form.schema))).collect()
}

/// Formats whose form is not ours, or is for this program alone.
const OTHERS: &str = "
Formats that others define are written as they say:

| format | written by | form |
|---|---|---|
| SARIF | `plan`, `drift` with `--format sarif` | OASIS SARIF 2.1.0, `sarif-schema-2.1.0.json` |
| JUnit | `plan`, `drift` with `--format junit` | the XML that Jenkins, GitLab and GitHub Actions read: `testsuites`, `testsuite`, `testcase`, `failure` |
| OCSF | `check --format ocsf` | OCSF 1.3.0, Compliance Finding (class 2003) |
| ASFF | `check --format asff` | AWS Security Finding Format, `SchemaVersion` 2018-10-08 |
| policy | `permissions`, `render` | IAM policy documents, version 2012-10-17 |
| Parquet | `query --format parquet`, slots of a lake | Apache Parquet; coverage in the key `orgtrail.coverage` of the footer, a slot's footer in `orgtrail.slot` |

The file of `snapshot` is read by `--estate` only: a `format_version` that is not this one, and fields that are not known, are refused.
";

/// The page of the formats.
pub fn page() -> String {
    let about = "Machine output goes to standard output, or to the file of `--output`, and has the same bytes for the same content. Each format has
a `format_version`: it grows when a field loses its name or its meaning, not when one is added, so a reader has to ignore fields
that it does not know. Times are RFC 3339 in UTC.";
    let mut text = head("JSON formats", about);
    text.push_str("\n| format | written by | schema |\n|---|---|---|\n");
    for Form { name, written_by, .. } in forms() {
        let _ = writeln!(text, "| [{name}](#{name}) | {written_by} | [schemas/{name}.json](schemas/{name}.json) |");
    }
    text.push_str(OTHERS);
    for Form { name, written_by, schema } in forms() {
        let _ = write!(text, "\n## {name}\n\nWritten by {written_by}.\n");
        text.push_str(&sections(&schema, Columns::Plain).replace("\n## ", "\n### "));
    }
    text
}
