//! A lake's bucket that the configuration does not name any more.

use std::collections::BTreeSet;

use super::*;
use crate::estate::{BucketPolicy, Past, Stage};
use crate::plan::surroundings::tests::{bucket as log_bucket, desired, organization, plain_bucket};
use crate::plan::{Plan, PlanOptions, plan};
use crate::policy::PolicyDocument;

fn old() -> Address {
    Address { name: "acme-lake".into(), ..log_bucket() }
}

fn at(name: &str) -> Address {
    Address { name: name.into(), ..log_bucket() }
}

/// The configuration has no lake, another one that orgtrail keeps, or one that others keep.
fn after(lake: Option<(&str, bool)>) -> Desired {
    let mut desired = desired();
    desired.past = Past { lakes: [old()].into(), ..Past::default() };
    if let Some((name, managed)) = lake {
        desired.lake = Some(LakeTerms { bucket: at(name), folder: "events/".into(), readers: Vec::new() });
        if managed {
            desired.want(at(name), plain_bucket(true), "lake", Vec::new());
        }
    }
    desired
}

fn policy(more: &str) -> Sighting {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::acme-lake","arn:aws:s3:::acme-lake/*"],
        "Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}{more}]}}"#
    );
    Sighting::present(BucketPolicy { policy: PolicyDocument::parse(&text).unwrap() })
}

fn planned(desired: &Desired, bucket: Sighting, policy: Sighting) -> Plan {
    let mut estate = Estate::default();
    estate.sightings.extend([(old(), bucket), (old().with_kind(Kind::BucketPolicy), policy)]);
    for name in ["aaa-lake", "acme-org-cloudtrail", "other-lake"] {
        estate.sightings.insert(at(name), Sighting::present(plain_bucket(true)));
        estate.sightings.insert(at(name).with_kind(Kind::BucketPolicy), Sighting::Absent);
    }
    plan(desired, &estate, &organization(), PlanOptions::default())
}

fn at_old(plan: &Plan) -> Vec<&Address> {
    let all = plan.violations.iter().map(|one| &one.address).filter(|address| address.name == "acme-lake");
    let each: BTreeSet<&Address> = all.collect();
    each.into_iter().collect()
}

#[test]
fn whoever_opens_a_lake_of_before_is_found_whatever_the_configuration_says_now() {
    let open = r#",{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lake/*"}"#;
    let address = old().with_kind(Kind::BucketPolicy);
    for lake in [None, Some(("aaa-lake", true)), Some(("other-lake", true)), Some(("aaa-lake", false))] {
        let desired = after(lake);
        let there = || Sighting::present(plain_bucket(true));
        let closed = planned(&desired, there(), policy(""));
        assert_eq!(at_old(&closed), [&address; 0], "{lake:?}");
        let left: Vec<&Address> = closed.leftovers.iter().map(|left| &left.address).collect();
        assert!(left.contains(&&old()) && left.contains(&&address), "{lake:?} {left:?}");
        let opened = planned(&desired, there(), policy(open));
        assert_eq!(at_old(&opened), [&address], "{lake:?} {:?}", opened.violations);
        assert!(opened.has_findings());
        // Without its policy, plain HTTP is open.
        assert_eq!(at_old(&planned(&desired, there(), Sighting::Absent)), [&address], "{lake:?}");
        let mut unblocked = plain_bucket(false);
        unblocked.block_public_access = false;
        let told = planned(&desired, Sighting::present(unblocked), policy(""));
        for code in ["earlier-lake-unblocked", "earlier-lake-has-acls"] {
            assert!(told.findings.iter().any(|one| one.code == code && one.address == old()), "{code}");
        }
    }
}

#[test]
fn who_reads_a_lake_of_before_is_said_beside_what_it_breaks() {
    let desired = after(Some(("aaa-lake", true)));
    let role = "arn:aws:iam::333333333333:role/analysts";
    let open = format!(
        r#",{{"Sid":"Old","Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::acme-lake/*"}}"#
    );
    let mut estate = Estate::default();
    for (name, policy) in [("acme-lake", policy(&open)), ("acme-org-cloudtrail", policy("")), ("aaa-lake", policy(""))]
    {
        estate.sightings.insert(at(name), Sighting::present(plain_bucket(true)));
        estate.sightings.insert(at(name).with_kind(Kind::BucketPolicy), policy);
    }
    for changes in [None, Some(&[][..])] {
        let found = reads(&desired, &estate, &organization(), changes);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&one.bucket, one.reads.as_ref().unwrap().get(role)), (&old(), Some(&Some(true))));
        let here = |violation: &BrokenInvariant| violation.resource.starts_with("arn:aws:s3:::acme-lake");
        assert!(!one.isolation.violations.is_empty() && one.isolation.violations.iter().all(here), "{one:?}");
    }
}

#[test]
fn a_lake_of_before_that_cannot_be_read_is_not_fine() {
    let problem = Problem {
        account: old().account,
        address: Some(old()),
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "it may not be read".into(),
        help: String::new(),
    };
    let unread = || Sighting::Unreadable(problem.clone());
    let plan = planned(&after(None), unread(), unread());
    assert!(plan.problems.contains(&problem) && plan.is_partial(), "{:?}", plan.problems);
    let address = old().with_kind(Kind::BucketPolicy);
    assert!(plan.unproven.iter().any(|one| one.address == address), "{:?}", plan.unproven);
    assert_eq!(at_old(&plan), [&address; 0], "what is not known is not refuted");
}
