//! What is found of a lake's bucket that others keep, and of one that is gone.

use super::*;
use crate::estate::Kind;
use crate::estate::surroundings::{BucketExposure, Readable, Surroundings, Target};
use crate::plan::surroundings::tests::{bucket as log_bucket, desired, organization, plain_bucket};
use crate::plan::{PlanOptions, plan};
use crate::policy::PolicyDocument;

fn lake() -> Address {
    Address { name: "acme-lake".into(), ..log_bucket() }
}

fn with_lake() -> Desired {
    let lake = Some(LakeTerms { bucket: lake(), folder: "events/".into(), readers: Vec::new() });
    Desired { lake, ..desired() }
}

fn found(sighting: Sighting) -> Vec<(String, Harm)> {
    let estate = Estate { sightings: [(lake(), sighting)].into(), ..Estate::default() };
    findings(&with_lake(), &estate).into_iter().map(|one| (one.code, one.harm)).collect()
}

fn rule(prefix: &str, days: Option<u32>, other: Option<&str>) -> LifecycleRule {
    LifecycleRule {
        id: "theirs".into(),
        enabled: true,
        prefix: prefix.into(),
        transitions: Vec::new(),
        expire_after_days: days,
        expire_noncurrent_after_days: Some(1),
        abort_upload_after_days: None,
        other: other.map(str::to_owned),
    }
}

#[test]
fn a_bucket_of_others_that_is_missing_opened_or_deletes_the_lake_is_a_finding() {
    let bucket = plain_bucket(true);
    let of = |bucket: &Bucket| found(Sighting::present(bucket.clone()));
    let one = |code: &str, harm| vec![(code.to_owned(), harm)];
    assert_eq!(of(&bucket), []);
    assert_eq!(found(Sighting::Absent), one("lake-bucket-absent", Harm::LessProtected));
    let unversioned = Bucket { versioning: false, ..bucket.clone() };
    assert_eq!(of(&unversioned), one("lake-bucket-unversioned", Harm::Harmless));
    let both = Bucket { block_public_access: false, object_ownership: None, ..bucket.clone() };
    assert_eq!(of(&both).len(), 2);
    let with = |rule: LifecycleRule| of(&Bucket { lifecycle: vec![rule], ..bucket.clone() });
    let date = Some("an expiration on a date");
    for deleting in [
        rule("", Some(400), None),
        rule("ev", Some(1), Some("a tag filter")),
        rule("events/day=2026", Some(30), None),
        rule("events/", None, date),
    ] {
        assert_eq!(with(deleting.clone()), one("lake-bucket-expires", Harm::LogsLost), "{deleting:?}");
    }
    let off = LifecycleRule { enabled: false, ..rule("", Some(1), None) };
    for other in [rule("elsewhere/", Some(1), None), rule("events2/", Some(1), date), rule("", None, None), off] {
        assert_eq!(with(other.clone()), [], "{other:?}");
    }
}

#[test]
fn of_a_lake_that_is_gone_is_said_what_the_log_files_cannot_give_again() {
    let mut desired = with_lake();
    desired.want(lake(), plain_bucket(true), "lake", Vec::new());
    let tags = |noted: bool| LakeNote::At(lake()).tag().into_iter().filter(|_| noted).collect();
    let told = |desired: &Desired, noted: bool, sighting: Sighting| {
        let logs = Bucket { tags: tags(noted), ..plain_bucket(true) };
        let sightings = [(log_bucket(), Sighting::present(logs)), (lake(), sighting)];
        let estate = Estate { sightings: sightings.into(), ..Estate::default() };
        findings(desired, &estate)
    };
    let [one] = &told(&desired, true, Sighting::Absent)[..] else { panic!() };
    assert_eq!((one.code.as_str(), one.harm, &one.address), ("lake-bucket-gone", Harm::Harmless, &lake()));
    assert_eq!(told(&desired, false, Sighting::Absent), [], "a lake that was never made");
    assert_eq!(told(&desired, true, Sighting::present(plain_bucket(true))), []);
    let logs = Bucket { lifecycle: vec![rule("AWSLogs/", Some(2555), None)], ..plain_bucket(true) };
    desired.want(log_bucket(), logs, "bucket", Vec::new());
    let [one] = &told(&desired, true, Sighting::Absent)[..] else { panic!() };
    assert_eq!(one.harm, Harm::LessProtected);
    assert!(one.message.contains("older than 2555 days"), "{}", one.message);
}

#[test]
fn what_is_not_proved_of_the_lake_stands_at_its_own_bucket() {
    let desired = with_lake();
    let policy = lake().with_kind(Kind::BucketPolicy);
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",
        "Principal":{"AWS":"arn:aws:iam::222222222222:role/somebody"},"Resource":"arn:aws:s3:::acme-lake/events/*"}]}"#;
    let statement = crate::estate::BucketPolicy { policy: PolicyDocument::parse(document).unwrap() };
    let target = Target { bucket: "elsewhere".into(), account: None };
    let leading = BucketExposure { inventories: Readable::Read(vec![target]), ..BucketExposure::default() };
    let surroundings = Surroundings { buckets: [(lake(), leading)].into(), ..Surroundings::default() };
    let sightings = [
        (log_bucket(), Sighting::present(plain_bucket(true))),
        (log_bucket().with_kind(Kind::BucketPolicy), Sighting::Absent),
        (lake(), Sighting::present(plain_bucket(true))),
        (policy.clone(), Sighting::present(statement)),
    ];
    let estate = Estate { sightings: sightings.into(), surroundings: Some(surroundings), ..Estate::default() };
    let plan = plan(&desired, &estate, &organization(), PlanOptions::default());
    for (who, why) in [("arn:aws:iam::222222222222:role/somebody", "who can become it"), ("an inventory", "elsewhere")]
    {
        let open = plan.unproven.iter().find(|one| one.principal.contains(who) && one.why.contains(why));
        assert_eq!(open.map(|open| &open.address), Some(&policy), "{who}: {:?}", plan.unproven);
    }
}
