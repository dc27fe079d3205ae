//! Why nothing is written into a lake's bucket: it is not as configured, so that others could read what lies there, or
//! it is somebody else's.

use crate::archive::FaultKind;
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::logs::LogsContext;
use crate::cli::session::templates;
use crate::cloud::aws::lake::S3Lake;
use crate::config::Config;
use crate::config::schema::LakeConfig;
use crate::desire::lake_bucket_faults;

/// Refuses to write into the lake's bucket where it is not as configured, as far as the bucket itself tells.
///
/// # Errors
/// Says what is wrong with it; also where it is not there, or cannot be looked at.
pub(super) async fn must_let_nobody_in(
    store: &S3Lake,
    common: &Common,
    config: &Config,
    lake: &LakeConfig,
    around: &LogsContext,
) -> Result<(), CliError> {
    let bucket = &lake.place.bucket;
    let seen = store.settings().await.map_err(|fault| match fault.kind {
        FaultKind::Absent => CliError::new(format!("the lake's bucket {bucket} is not there"))
            .because(fault)
            .hint("`orgtrail plan` shows it, and `orgtrail apply` makes it"),
        _ => CliError::new(format!("nothing is written to the lake's bucket {bucket}: its settings cannot be read"))
            .because(fault)
            .hint("`orgtrail permissions --for lake --in log` prints what that takes"),
    })?;
    let log_account = around.entry.as_ref().map(|entry| entry.log_account.clone());
    let log_account = log_account.or_else(|| config.accounts.log.parse().ok());
    let faults = lake_bucket_faults(config, lake, &templates(common)?, log_account.as_ref(), &seen)
        .map_err(|error| CliError::new("a policy template cannot be used").because(error))?;
    match faults.as_slice() {
        [] => Ok(()),
        some => Err(CliError::new(format!(
            "nothing is written to the lake's bucket {bucket} while it is not as configured: {}",
            some.join("; ")
        ))
        .hint(
            "`orgtrail plan` shows what is different, and `orgtrail apply` (with --adopt for a bucket that is there \
             already) sets it right; a bucket that others keep is `bucket: existing` in `lake`",
        )),
    }
}
