//! What a trail's status shows when a policy or a key no longer lets CloudTrail in.

use super::*;

fn delivery_after(kind: Kind, edit: impl FnOnce(&mut Resource)) -> DeliveryStatus {
    let mut world = made_without(&[]);
    let Some(Sighting::Present(resource)) = world.estate.sightings.get_mut(&address(kind)) else { panic!("{kind}") };
    edit(resource);
    look::delivery(&world, &address(Kind::Trail), &account(MANAGEMENT)).unwrap()
}

fn denied() -> Option<String> {
    Some("AccessDenied".to_owned())
}

#[test]
fn a_closed_bucket_stops_logs_and_digests() {
    let delivery = delivery_after(Kind::BucketPolicy, |resource| {
        let Some(policy) = resource.shared_policy_mut() else { panic!() };
        policy.statements.retain(|statement| statement.sid.as_deref() != Some("OrgtrailCloudTrailWrite"));
    });
    assert_eq!((delivery.latest_error, delivery.digest_error), (denied(), denied()));
    let other_organization = delivery_after(Kind::BucketPolicy, |resource| {
        *resource = BucketPolicy { policy: bucket_policy("o-otherorgid") }.into();
    });
    assert_eq!(other_organization.latest_error, denied());
}

#[test]
fn a_disabled_key_stops_logs() {
    let delivery = delivery_after(Kind::Key, |resource| {
        let Resource::Key(key) = resource else { panic!() };
        key.enabled = false;
    });
    assert_eq!(delivery.latest_error, denied());
    assert_eq!(delivery.notification_error, None);
}

#[test]
fn a_closed_topic_stops_only_notifications() {
    let delivery = delivery_after(Kind::Topic, |resource| {
        let Some(policy) = resource.shared_policy_mut() else { panic!() };
        policy.statements.clear();
    });
    assert_eq!((delivery.notification_error, delivery.latest_error), (denied(), None));
}

#[test]
fn a_role_without_streams_stops_only_the_log_group() {
    let delivery = delivery_after(Kind::Role, |resource| {
        let Resource::Role(role) = resource else { panic!() };
        role.inline.clear();
    });
    assert_eq!((delivery.log_group_error, delivery.latest_error), (denied(), None));
}

#[test]
fn a_bucket_that_is_gone_is_told_by_name() {
    let mut world = made_without(&[]);
    world.estate.sightings.remove(&address(Kind::Bucket));
    let delivery = look::delivery(&world, &address(Kind::Trail), &account(MANAGEMENT)).unwrap();
    assert_eq!(delivery.latest_error.as_deref(), Some("NoSuchBucket"));
}

#[test]
fn the_status_of_a_trail_that_is_not_there_is_a_fault() {
    let fault = look::delivery(&empty(), &address(Kind::Trail), &account(MANAGEMENT)).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Absent, "TrailNotFoundException"));
    let fault = look::delivery(&empty(), &address(Kind::Trail), &account(SUSPENDED)).unwrap_err();
    assert_eq!((fault.kind, fault.operation.as_str()), (CloudFaultKind::Denied, "sts:AssumeRole"));
}
