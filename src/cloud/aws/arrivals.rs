//! Whether logs have arrived where the trails deliver now. What CloudTrail tells of its deliveries does not begin anew
//! when a trail is led to another bucket or prefix; what lies there does.

use std::collections::BTreeMap;

use super::s3;
use super::session::Sessions;
use crate::cloud::CloudFault;
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Kind, Resource, Sighting};
use crate::ids::AccountId;
use crate::log_path::LogRoot;
use crate::observation::ObservationScope;

/// Looks into the bucket of each wanted trail. What cannot be looked at has not been seen to arrive.
pub(super) async fn look(sessions: &Sessions, scope: &ObservationScope, estate: &mut Estate) {
    let trails: Vec<(Address, String, String)> = estate
        .resources()
        .filter(|(address, _)| scope.addresses.contains_key(*address))
        .filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some((address.clone(), trail.bucket.clone(), trail.prefix.clone())),
            _ => None,
        })
        .collect();
    // Trails of many accounts deliver to one place.
    let mut asked: BTreeMap<(String, String), bool> = BTreeMap::new();
    for (address, bucket, prefix) in trails {
        if let Some(arrived) = asked.get(&(bucket.clone(), prefix.clone())) {
            note(estate, &address, *arrived);
            continue;
        }
        let place = (bucket.clone(), prefix.clone());
        let mut buckets = scope.addresses.iter().filter(|(at, _)| at.kind == Kind::Bucket && at.name == bucket);
        let Some((bucket, operator)) = buckets.next() else { continue };
        let arrived = has_logs(sessions, bucket, operator, &prefix).await.unwrap_or_else(|fault| {
            tracing::warn!(%address, %fault, "whether logs have arrived could not be looked at");
            false
        });
        asked.insert(place, arrived);
        note(estate, &address, arrived);
    }
}

async fn has_logs(
    sessions: &Sessions,
    bucket: &Address,
    operator: &AccountId,
    prefix: &str,
) -> Result<bool, CloudFault> {
    let session = sessions.of(operator).await?.at(bucket);
    s3::has_logs(&session, &bucket.name, &LogRoot::below(prefix).folder()).await
}

fn note(estate: &mut Estate, address: &Address, arrived: bool) {
    if let Some(Sighting::Present(resource)) = estate.sightings.get_mut(address)
        && let Resource::Trail(trail) = resource.as_mut()
    {
        trail.delivery.get_or_insert_with(DeliveryStatus::default).arrived = Some(arrived);
    }
}
