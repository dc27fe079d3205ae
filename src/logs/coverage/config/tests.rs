//! What AWS Config says against what is there.

use std::collections::BTreeMap;

use super::*;
use crate::estate::{Problem, Stage};
use crate::recorders::{ConfigDelivery, ConfigRecorder, RecordedTypes, RecordingFrequency};

const ACCOUNT: &str = "222222222222";
const BUCKET: &str = "acme-org-cloudtrail";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn range() -> TimeRange {
    TimeRange { start: at("2026-11-01T00:00:00Z"), end: at("2026-11-08T00:00:00Z") }
}

fn recorder() -> ConfigRecorder {
    ConfigRecorder {
        name: "default".into(),
        role: None,
        recording: true,
        started: None,
        stopped: None,
        failure: None,
        types: RecordedTypes::All { global: true },
        frequency: RecordingFrequency::Continuous,
        overrides: BTreeMap::new(),
    }
}

fn channel(succeeded: Option<&str>) -> DeliveryChannel {
    let history = ConfigDelivery { succeeded: succeeded.map(at), failure: None };
    DeliveryChannel { bucket: BUCKET.into(), history, ..DeliveryChannel::default() }
}

fn listing(newest: Option<&str>) -> ConfigListing {
    ConfigListing {
        place: format!("s3://{BUCKET}"),
        account: ACCOUNT.parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        newest: newest.map(at),
        objects: u64::from(newest.is_some()),
        problem: None,
    }
}

fn region(recorder: Option<ConfigRecorder>, channel: Option<DeliveryChannel>) -> Recorders {
    let regions = BTreeMap::from([("eu-central-1".parse().unwrap(), Ok(RegionRecorder { recorder, channel }))]);
    Recorders::Known(BTreeMap::from([(ACCOUNT.parse().unwrap(), AccountRecorders::Regions(regions))]))
}

fn rows(recorders: Recorders, listings: &[ConfigListing]) -> Vec<ConfigRow> {
    let expected = Expected { recorders, ..Expected::default() };
    assess(listings, &expected, range(), &[BUCKET])
}

#[track_caller]
fn one(recorders: Recorders, listings: &[ConfigListing]) -> (ConfigArrival, String) {
    let [row] = &rows(recorders, listings)[..] else { panic!("one row") };
    (row.arrival, row.note.clone().unwrap_or_default())
}

#[test]
fn objects_of_the_last_day_arrive_and_older_ones_are_quiet_where_nothing_was_delivered_since() {
    let known = |told| region(Some(recorder()), Some(channel(told)));
    let new = [listing(Some("2026-11-07T18:00:00Z"))];
    assert_eq!(one(known(Some("2026-11-07T18:03:00Z")), &new).0, ConfigArrival::Arriving);
    let old = [listing(Some("2026-11-03T18:00:00Z"))];
    assert_eq!(one(known(Some("2026-11-03T18:10:00Z")), &old).0, ConfigArrival::Quiet);
    let (arrival, note) = one(known(Some("2026-10-03T18:10:00Z")), &[listing(None)]);
    assert_eq!(arrival, ConfigArrival::Quiet, "a delivery before the range says nothing of the range");
    assert!(note.ends_with("AWS Config tells of the last one at 2026-10-03T18:10:00Z"), "{note}");
    assert!(one(known(None), &[listing(None)]).1.ends_with("tells of no delivery"));
}

#[test]
fn a_delivery_that_is_told_of_and_not_there_is_not_quiet() {
    let known = || region(Some(recorder()), Some(channel(Some("2026-11-07T18:03:00Z"))));
    let note = "AWS Config tells of a delivery at 2026-11-07T18:03:00Z, and no object of that time is there";
    for newest in [None, Some("2026-11-06T18:00:00Z")] {
        assert_eq!(one(known(), &[listing(newest)]), (ConfigArrival::Unconfirmed, note.to_owned()), "{newest:?}");
    }
    assert!(ConfigArrival::Unconfirmed.is_unknown());
}

#[test]
fn what_cannot_record_or_deliver_fails_wherever_it_leads() {
    let failing = ConfigDelivery { succeeded: None, failure: Some("AccessDenied".into()) };
    let refused = DeliveryChannel { snapshot: failing, bucket: "other".into(), ..channel(None) };
    assert_eq!(
        one(region(Some(recorder()), Some(refused)), &[]),
        (ConfigArrival::Failing, "the delivery fails: AccessDenied".to_owned())
    );
    let broken = ConfigRecorder { failure: Some("InsufficientPermissions".into()), ..recorder() };
    assert_eq!(one(region(Some(broken), Some(channel(None))), &[]).0, ConfigArrival::Failing);
    assert_eq!(one(region(Some(recorder()), None), &[]).1, "there is no delivery channel");
}

#[test]
fn a_recorder_that_is_off_or_absent_and_one_that_delivers_elsewhere_are_said() {
    assert_eq!(one(region(None, None), &[]).0, ConfigArrival::Off);
    let stopped = Some(at("2026-11-02T00:00:00Z"));
    let off = ConfigRecorder { recording: false, stopped, ..recorder() };
    let since = "the configuration recorder is off since 2026-11-02T00:00:00Z";
    assert_eq!(one(region(Some(off), Some(channel(None))), &[]), (ConfigArrival::Off, since.to_owned()));
    let elsewhere = DeliveryChannel { bucket: "acme-config".into(), prefix: "audit/".into(), ..channel(None) };
    let [row] = &rows(region(Some(recorder()), Some(elsewhere)), &[])[..] else { panic!("one row") };
    assert_eq!((row.arrival, row.place.as_str()), (ConfigArrival::Elsewhere, "s3://acme-config/audit"));
}

#[test]
fn what_could_not_be_read_is_never_fine_and_an_account_without_any_answer_is_named() {
    let problem = Problem {
        account: ACCOUNT.parse().unwrap(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "sts:AssumeRole failed: denied".into(),
        help: String::new(),
    };
    let account = |known| Recorders::Known(BTreeMap::from([(ACCOUNT.parse().unwrap(), known)]));
    let denied = || account(AccountRecorders::Unreadable(problem.clone()));
    assert_eq!(rows(denied(), &[]), []);
    let sentence = "AWS Config of account 222222222222 could not be asked: sts:AssumeRole failed: denied";
    assert_eq!(unasked(&denied()), [sentence]);
    let there = [listing(Some("2026-11-07T18:00:00Z"))];
    assert_eq!(one(denied(), &there).0, ConfigArrival::Unread);
    let region_denied = BTreeMap::from([("eu-central-1".parse().unwrap(), Err(problem.clone()))]);
    assert_eq!(one(account(AccountRecorders::Regions(region_denied)), &there).0, ConfigArrival::Unread);
    let unlisted = ConfigListing { problem: Some("AccessDenied".into()), ..listing(None) };
    let known = region(Some(recorder()), Some(channel(None)));
    let why = "it could not be listed: AccessDenied".to_owned();
    assert_eq!(one(known, std::slice::from_ref(&unlisted)), (ConfigArrival::Unread, why.clone()));
    assert_eq!(one(Recorders::NotAsked, &[unlisted]), (ConfigArrival::Unread, why));
    assert_eq!(unasked(&Recorders::NotRecorded).len(), 1);
}

#[test]
fn without_knowing_the_recorders_objects_are_seen_and_nothing_is_missed() {
    let there = [listing(Some("2026-11-03T18:00:00Z"))];
    let [row] = &rows(Recorders::NotAsked, &there)[..] else { panic!("one row") };
    assert_eq!((row.arrival, row.place.as_str()), (ConfigArrival::Seen, "s3://acme-org-cloudtrail"));
    assert_eq!((row.newest, row.objects), (Some(at("2026-11-03T18:00:00Z")), 1));
    assert_eq!(rows(Recorders::NotAsked, &[]), []);
}
