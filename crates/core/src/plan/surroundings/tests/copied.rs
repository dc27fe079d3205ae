//! Trails that copy everything elsewhere, what keeps events from a log group, and what lets readers into one.

use super::*;
use crate::estate::Sighting;
use crate::estate::role::Boundary;
use crate::plan::Harm;

#[test]
fn an_organization_trail_of_others_that_copies_everything_elsewhere_is_a_finding() {
    let other = at(Kind::Trail, MANAGEMENT, "siem");
    let found = |change: &dyn Fn(&mut Trail), desired: &Desired, seen: &[Address]| {
        let mut trail = Trail { bucket: "their-copy".into(), organization: true, logging: true, ..Trail::sample() };
        change(&mut trail);
        let mut estate = Estate { surroundings: Some(Surroundings::default()), ..Estate::default() };
        estate.sightings.insert(other.clone(), Sighting::present(trail));
        estate.sightings.extend(seen.iter().map(|address| (address.clone(), Sighting::present(plain_bucket(true)))));
        let result = around(desired, &estate, &organization(), When::Planned);
        result.findings.into_iter().map(|finding| (finding.code, finding.harm)).collect::<Vec<_>>()
    };
    let copied = vec![("organization-copied-elsewhere".to_owned(), Harm::LogsExposed)];
    let plain = desired();
    assert_eq!(found(&|_| {}, &plain, &[]), copied);
    let by_another_deployment =
        |trail: &mut Trail| trail.tags = Some([(crate::estate::OWNER_TAG.to_owned(), "other".to_owned())].into());
    assert_eq!(found(&by_another_deployment, &plain, &[]), copied);
    assert_eq!(found(&|_| {}, &plain, &[at(Kind::Bucket, STRANGER, "their-copy")]), copied);
    assert_eq!(found(&|_| {}, &plain, &[at(Kind::Bucket, MEMBER, "their-copy")]), []);
    assert_eq!(found(&|trail| trail.logging = false, &plain, &[]), []);
    assert_eq!(found(&|trail| trail.organization = false, &plain, &[]), []);
    assert_eq!(found(&|trail| trail.bucket = BUCKET.into(), &plain, &[]), []);
    let mut named = desired();
    named.reading.known_buckets.insert("their-copy".into());
    assert_eq!(found(&|_| {}, &named, &[]), []);
}

#[test]
fn a_boundary_that_keeps_events_from_the_log_group_is_a_finding() {
    let name = "orgtrail-acme-org-trail";
    let role = Address::global(&account(MANAGEMENT), Kind::Role, name);
    let mut desired = with_reader_and_trail();
    for wanted in desired.wanted.values_mut() {
        if let Resource::Trail(trail) = &mut wanted.resource {
            trail.log_role = Some(format!("arn:aws:iam::{MANAGEMENT}:role/{name}"));
            trail.log_group = Some(format!("arn:aws:logs:eu-central-1:{MANAGEMENT}:log-group:/orgtrail/acme:*"));
        }
    }
    let found = |document: Option<&str>, when: When| {
        let boundary = Boundary {
            arn: format!("arn:aws:iam::{MANAGEMENT}:policy/fence"),
            document: document.map(|text| PolicyDocument::parse(text).unwrap()),
        };
        let seen = Role {
            trust: PolicyDocument::default(),
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            boundary: Some(Box::new(boundary)),
            max_session_s: None,
            description: None,
            unique_id: None,
            tags: BTreeMap::new(),
        };
        let mut estate = Estate { surroundings: Some(Surroundings::default()), ..Estate::default() };
        estate.sightings.insert(role.clone(), Sighting::present(seen));
        let result = around(&desired, &estate, &organization(), when);
        result.findings.into_iter().map(|finding| (finding.code, finding.harm)).collect::<Vec<_>>()
    };
    let policy = |action: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
    };
    for when in [When::Planned, When::Now] {
        let code = |code: &str| vec![(code.to_owned(), Harm::LessProtected)];
        assert_eq!(found(Some(&policy("s3:*")), when), code("boundary-stops-log-group"));
        assert_eq!(found(Some(&policy("logs:CreateLogStream")), when), code("boundary-stops-log-group"));
        assert_eq!(found(None, when), code("boundary-may-stop-log-group"));
        assert_eq!(found(Some(&policy("logs:*")), when), []);
    }
}

#[test]
fn a_boundary_that_keeps_a_reader_from_any_of_its_files_is_a_violation() {
    let mut desired = with_reader_and_trail();
    desired.reading.roots = BTreeSet::from(["AWSLogs/o-exampleorgid".parse().unwrap()]);
    let address = Address::global(&account(LOG), Kind::Role, "reader");
    let Some(Resource::Role(wish)) = desired.wanted.get(&address).map(|wanted| wanted.resource.clone()) else {
        panic!("the reader is wanted")
    };
    let found = |statements: &str| {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document = Some(PolicyDocument::parse(&document).unwrap());
        let boundary = Some(Box::new(Boundary { arn: format!("arn:aws:iam::{LOG}:policy/fence"), document }));
        let mut estate = Estate { surroundings: Some(Surroundings::default()), ..Estate::default() };
        estate.sightings.insert(address.clone(), Sighting::present(Role { boundary, ..wish.clone() }));
        let result = around(&desired, &estate, &organization(), When::Now);
        let actions: Vec<String> = result.violations.into_iter().map(|violation| violation.action).collect();
        let doubts = result.unproven.into_iter().filter(|open| open.why.contains("permissions boundary")).count();
        (actions, doubts)
    };
    let violated = |action: &str| (vec![action.to_owned()], 0);
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    assert_eq!(found(all), (Vec::new(), 0));
    let deny = |rest: &str| found(&format!(r#"{all},{{"Effect":"Deny",{rest}}}"#));
    assert_eq!(
        deny(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*/CloudTrail-Digest/*""#),
        violated("s3:GetObject")
    );
    assert_eq!(
        deny(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*/us-east-1/2024/*""#),
        violated("s3:GetObject")
    );
    assert_eq!(deny(r#""Action":"kms:Decrypt","Resource":"*""#), violated("kms:Decrypt"));
    assert_eq!(deny(r#""Action":"s3:ListBucket","Resource":"*""#), violated("s3:ListBucket"));
    assert_eq!(deny(r#""Action":"s3:PutObject","Resource":"*""#), (Vec::new(), 0));
    let elsewhere =
        r#""Action":"s3:GetObject","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
    assert!(deny(elsewhere).1 > 0, "{:?}", deny(elsewhere));
}
