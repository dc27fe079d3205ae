//! Asking Athena: the workgroup, the table of the lake in AWS Glue, and where the results are written, with the
//! credentials that orgtrail is started with or those of `--role-arn`. Athena reads and writes with the permissions of
//! whoever asks; the lake's files are granted beside it (`lake`).

use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, AthenaPlace};
use crate::operations::athena as op;

/// Athena's own name of the catalog of AWS Glue.
const CATALOG: &str = "AwsDataCatalog";

/// Adds what Athena needs.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let Some(asked) = names.athena().filter(|_| names.place() != AccountKind::Member) else { return };
    let here = |service: &str, resource: &str| names.arn(service, names.here(), resource);
    let workgroup = GrantScope::on("AskAthena", [here("athena", &format!("workgroup/{}", asked.workgroup))]);
    draft.allow(&workgroup, &[op::GET_WORK_GROUP, op::START_QUERY, op::GET_QUERY, op::GET_RESULTS, op::STOP_QUERY]);
    let catalog = GrantScope::on("AthenaCatalog", [here("athena", &format!("datacatalog/{CATALOG}"))]);
    draft.allow(&catalog, &[op::GET_TABLE]);
    // Athena asks for the database `default` whatever is asked for (Athena user guide, "Configure access to databases
    // and tables in the AWS Glue Data Catalog").
    let database = here("glue", &format!("database/{}", asked.database));
    let tables = [here("glue", "catalog"), here("glue", "database/default"), database.clone()];
    draft.allow_of(&GrantScope::on("GlueDatabases", tables), &op::START_QUERY, ["glue:GetDatabase"]);
    let tables = [here("glue", "catalog"), database, here("glue", &format!("table/{}/*", asked.database))];
    let tables = GrantScope::on("GlueTables", tables);
    draft.allow_of(&tables, &op::START_QUERY, ["glue:GetTable", "glue:GetPartitions"]);
    add_results(names, &asked, draft);
}

fn add_results(names: &Names<'_>, asked: &AthenaPlace<'_>, draft: &mut PolicyBuilder) {
    let Some((bucket, prefix)) = asked.results else { return };
    let bucket = names.bucket_arn(bucket.as_str());
    let files = GrantScope::on("AthenaResults", [format!("{bucket}/{prefix}*")]);
    let writes = ["s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"];
    draft.allow_of(&files, &op::START_QUERY, writes);
    draft.allow_of(&files, &op::GET_RESULTS, ["s3:GetObject"]);
    let lists = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
    draft.allow_of(&GrantScope::on("AthenaResultBucket", [bucket]), &op::START_QUERY, lists);
    if let Some(key) = asked.results_key {
        let by_s3 = [format!("s3.{}.{}", key.region(), names.partition().dns_suffix())];
        let through_s3 =
            GrantScope::on("AthenaResultKey", [key.to_string()]).when("StringEquals", "kms:ViaService", by_s3);
        draft.allow_of(&through_s3, &op::START_QUERY, ["kms:GenerateDataKey"]);
        draft.allow_of(&through_s3, &op::GET_RESULTS, ["kms:Decrypt"]);
    }
}

/// Says what a person should know of it before using the policy.
pub(super) fn note(names: &Names<'_>) -> Vec<String> {
    let Some(asked) = names.athena() else { return Vec::new() };
    let mut notes = Vec::new();
    if names.lake().is_none() {
        notes.push(
            "the lake is not named, so that Athena may read none of its files: --lake s3://BUCKET/PREFIX adds it"
                .to_owned(),
        );
    }
    if asked.results.is_none() {
        notes.push(
            "the place of Athena's results is not named, which only a workgroup with managed query results does without: \
             --results s3://BUCKET/PREFIX adds it"
                .to_owned(),
        );
    }
    notes.push(
        "tables that AWS Lake Formation governs need lakeformation:GetDataAccess and a grant there too".to_owned(),
    );
    notes
}
