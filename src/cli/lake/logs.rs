//! The logs that a lake is made of.

use jiff::SignedDuration;

use crate::archive::find::ScopeFilter;
use crate::archive::listing::{Archive, LogPlace};
use crate::cli::failure::CliError;
use crate::cli::logs::{LazyConnection, LogSources, LogsContext, LogsError};
use crate::ids::{AccountId, Region};
use crate::logs::verify::Source;

/// Opens the places of the logs, and makes sure that there are some.
///
/// # Errors
/// Where there is no such place, none with logs, or a bundle.
pub(super) async fn archive(
    places: &[String],
    accounts: &[AccountId],
    regions: &[Region],
    around: &LogsContext,
) -> Result<Archive, CliError> {
    let aws = LazyConnection::new(around, regions.first().cloned());
    let sources = LogSources::open(places, &aws).await.map_err(LogsError::without_bundle)?;
    if sources.bundle().is_some() {
        return Err(CliError::new("an evidence bundle has digests and no log files, so that no lake is made of it")
            .hint("name the bucket or a copy of it: --place s3://BUCKET/PREFIX or a folder"));
    }
    let sought = |prefix: String| ScopeFilter {
        prefix,
        account: if let [one] = accounts { Some(one.clone()) } else { None },
        region: if let [one] = regions { Some(one.clone()) } else { None },
        ..ScopeFilter::default()
    };
    let place = |source: Source| LogPlace { store: source.store, sought: sought(source.prefix) };
    // A lake is asked by when log files were made, so that there is nothing behind a window.
    let archive = Archive::new(sources.sources().into_iter().map(place).collect(), SignedDuration::ZERO);
    archive.check().await.map_err(|(store, source)| LogsError::Listing { store, source })?;
    Ok(archive)
}
