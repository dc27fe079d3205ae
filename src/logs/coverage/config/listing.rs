//! Lists the objects of AWS Config: of each account and region the newest day of the range that has some.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{StreamExt, iter};
use jiff::Timestamp;

use crate::archive::{Fault, Store};
use crate::ids::{AccountId, Region};
use crate::log_path::{ConfigScope, LogRoot, config_folder};
use crate::logs::coverage::Survey;
use crate::logs::verify::Source;
use crate::recorders::{AccountRecorders, Recorders};

/// How many accounts x regions are listed at a time.
const PLACES_AT_ONCE: usize = 32;

/// What is there of AWS Config for one account and region, in one layout of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigListing {
    /// The place, as a person would name it.
    pub place: String,
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// When the newest object of the range was written, or the time in its name in a copy; `None` where there is none.
    pub newest: Option<Timestamp>,
    /// How many objects there are on the newest day that has some.
    pub objects: u64,
    /// Why the listing is not whole; `None` where it is.
    pub problem: Option<String>,
}

/// A place and where AWS Config delivers in it.
type Place = (usize, ConfigScope);

/// Lists what AWS Config delivered into some places: where delivery channels lead into one of their buckets, and
/// wherever the survey met a folder of AWS Config. Returns what could not be listed, as sentences, beside.
pub async fn list(sources: &[Source], survey: &Survey, recorders: &Recorders) -> (Vec<ConfigListing>, Vec<String>) {
    let (found, unread) = found_places(sources, survey).await;
    let mut places: BTreeMap<(String, ConfigScope), Place> = BTreeMap::new();
    for (number, scope) in expected_places(sources, recorders).into_iter().chain(found) {
        let is_sought = survey.sought.account.as_ref().is_none_or(|only| *only == scope.account)
            && survey.sought.region.as_ref().is_none_or(|only| *only == scope.region);
        if is_sought {
            // What lies in two places, because one lies within the other, counts once.
            places.insert((sources[number].store.name(), scope.clone()), (number, scope));
        }
    }
    let latest = survey.range.end.min(survey.now);
    let listings = iter(places.into_values())
        .map(|(number, scope)| async move {
            let source = &sources[number];
            one(source.store.as_ref(), &scope, survey.range.start, latest).await
        })
        .buffered(PLACES_AT_ONCE)
        .collect()
        .await;
    (listings, unread)
}

/// Returns where delivery channels lead, as far as it is one of the buckets that are looked at.
fn expected_places(sources: &[Source], recorders: &Recorders) -> Vec<Place> {
    let Recorders::Known(accounts) = recorders else { return Vec::new() };
    let mut places = Vec::new();
    for (account, known) in accounts {
        let AccountRecorders::Regions(regions) = known else { continue };
        for (region, known) in regions {
            let Some(channel) = known.as_ref().ok().and_then(|known| known.channel.as_ref()) else { continue };
            let number = sources.iter().position(|source| source.store.bucket() == Some(&channel.bucket));
            let Some(number) = number else { continue };
            let root = LogRoot::at(&channel.prefix, None);
            places.push((number, ConfigScope { root, account: account.clone(), region: region.clone() }));
        }
    }
    places
}

/// Returns the regions of the folders that the survey met.
async fn found_places(sources: &[Source], survey: &Survey) -> (Vec<Place>, Vec<String>) {
    let mut levels = iter(&survey.config)
        .map(|(number, root, account)| async move {
            let folder = config_folder(root, account);
            let level = sources[*number].store.level(&folder).await;
            (*number, root, account, folder, level)
        })
        .buffered(PLACES_AT_ONCE);
    let (mut places, mut unread) = (Vec::new(), BTreeSet::new());
    while let Some((number, root, account, folder, level)) = levels.next().await {
        match level {
            Ok(level) => {
                let names = level.folders.iter().filter_map(|child| child.strip_prefix(&folder));
                let regions = names.filter_map(|name| name.trim_end_matches('/').parse::<Region>().ok());
                places.extend(
                    regions
                        .map(|region| (number, ConfigScope { root: root.clone(), account: account.clone(), region })),
                );
            }
            Err(fault) => {
                unread.insert(format!("{folder} could not be listed: {fault}"));
            }
        }
    }
    (places, unread.into_iter().collect())
}

async fn one(store: &dyn Store, scope: &ConfigScope, first: Timestamp, last: Timestamp) -> ConfigListing {
    let (account, region) = (scope.account.clone(), scope.region.clone());
    let place = format!("{}/{}", store.name(), scope.root.prefix()).trim_end_matches('/').to_owned();
    let mut found = ConfigListing { place, account, region, newest: None, objects: 0, problem: None };
    for prefix in scope.day_prefixes(first, last) {
        if let Err(fault) = found.day(store, scope, &prefix, first, last).await {
            found.problem = Some(fault.message);
        }
        if found.objects > 0 || found.problem.is_some() {
            break;
        }
    }
    found
}

impl ConfigListing {
    /// Lists a day.
    async fn day(
        &mut self,
        store: &dyn Store,
        scope: &ConfigScope,
        prefix: &str,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<(), Fault> {
        let is_original = store.bucket().is_some();
        let mut listed = store.list(prefix, "");
        while let Some(listed) = listed.next().await {
            let listed = listed?;
            let Some(object) = scope.parse(&listed.key).filter(|_| listed.size_bytes > 0) else { continue };
            // A copy's times say nothing.
            let written = listed.modified.filter(|_| is_original).unwrap_or(object.time());
            // A name of the future shows no delivery.
            if object.time() > last || written < first {
                continue;
            }
            self.objects += 1;
            self.newest = self.newest.max(Some(written));
        }
        Ok(())
    }
}
