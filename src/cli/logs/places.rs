//! Several places that are proved together.

use std::sync::Arc;

use super::{LazyConnection, LogSource, LogsError, open};
use crate::archive::Store;
use crate::logs::bundle::BundleStore;
use crate::logs::verify::Source;

/// The places of a run: buckets and folders together, or one evidence bundle alone.
pub struct LogSources(Vec<(LogSource, String)>);

impl LogSources {
    /// Opens what a person named.
    ///
    /// # Errors
    /// When there is no such thing, or a bundle stands among others.
    pub async fn open(named: &[String], aws: &LazyConnection) -> Result<Self, LogsError> {
        let mut places = Vec::new();
        for name in named {
            places.push(open(name, aws).await?);
        }
        let has_bundle = places.iter().any(|(place, _)| matches!(place, LogSource::Bundle(_)));
        if has_bundle && places.len() > 1 { Err(LogsError::BundleAmongPlaces) } else { Ok(Self(places)) }
    }

    /// Returns the bundle, when one is checked.
    pub fn bundle(&self) -> Option<&Arc<BundleStore>> {
        self.0.iter().find_map(|(place, _)| match place {
            LogSource::Bundle(bundle) => Some(bundle),
            LogSource::Bucket(_) | LogSource::Folder(_) => None,
        })
    }

    /// Returns what is read.
    pub fn sources(&self) -> Vec<Source> {
        if let Some(bundle) = self.bundle() {
            return bundle.sources();
        }
        let source = |(place, prefix): &(LogSource, String)| Source { store: place.store(), prefix: prefix.clone() };
        self.0.iter().map(source).collect()
    }

    /// Returns the places as a person would name them, with the prefixes that are looked below.
    pub fn shown(&self) -> String {
        self.sources().iter().map(Source::shown).collect::<Vec<_>>().join(" ")
    }

    /// Returns the names of the places, without prefixes: what a checkpoint knows them by.
    pub fn name(&self) -> String {
        self.sources().iter().map(|source| Store::name(source.store.as_ref())).collect::<Vec<_>>().join(" ")
    }
}
