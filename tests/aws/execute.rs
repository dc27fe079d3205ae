//! Making every kind of resource, again and again, and seeing it.

use orgtrail::cloud::{Act, Look, Silent};
use orgtrail::estate::{Kind, Resource, Sighting};

use crate::fixture::{Deployment, connect};
use crate::support::{Emulator, World};

#[tokio::test]
async fn an_empty_world_is_absent() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);

    let estate = deployment.look(&connect(&emulator).await).await;

    assert_eq!(estate.sightings.len(), deployment.wishes.len());
    for (address, sighting) in &estate.sightings {
        assert_eq!(*sighting, Sighting::Absent, "{address}");
    }
    assert_eq!(estate.limits[world.log()].roles_quota, Some(1000));
}

#[tokio::test]
async fn what_is_made_is_seen_and_making_it_again_changes_nothing() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;

    deployment.make(&aws).await;
    let once = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&once), [""; 0]);

    deployment.make(&aws).await;
    let twice = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&twice), [""; 0]);
    let without_times = |mut estate: orgtrail::estate::Estate| {
        for sighting in estate.sightings.values_mut() {
            if let Sighting::Present(resource) = sighting
                && let Resource::Trail(trail) = resource.as_mut()
            {
                trail.delivery = None;
            }
        }
        estate
    };
    assert_eq!(without_times(once), without_times(twice));
}
