//! What a configuration with a lake asks for, and what it is refused.

use std::collections::BTreeMap;

use super::*;
use crate::config::parse;
use crate::desire::{ReaderStrategy, design};
use crate::estate::{EarlierPlace, Estate, Past, Sighting};
use crate::ids::Partition;
use crate::organization::{Account, AccountState, Organization};
use crate::policy::PolicyDocument;
use crate::policy::template::Templates;

const LOG: &str = "222222222222";

fn organization() -> Organization {
    let account = |(id, name): (&str, &str)| {
        let email = format!("{name}@example.com");
        let account =
            Account { name: name.into(), email, state: AccountState::Active, path: vec!["r-ab12".into()], tags: None };
        (id.parse().unwrap(), account)
    };
    let accounts = [("111111111111", "management"), (LOG, "log-archive"), ("333333333333", "web")];
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: "111111111111".parse().unwrap(),
        units: BTreeMap::new(),
        accounts: accounts.into_iter().map(account).collect(),
    }
}

fn designed_with(more: &str, strategy: ReaderStrategy, past: &Past) -> Result<Desired, String> {
    let text = format!(
        "version: 1\ndeployment: acme\naccounts: {{log: log-archive}}\nhome_region: eu-central-1\n\
         trails: [{{name: acme-org-trail}}]\n{more}\n"
    );
    designed_of(&text, strategy, past)
}

fn designed_of(text: &str, strategy: ReaderStrategy, past: &Past) -> Result<Desired, String> {
    let config = parse(text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let (organization, templates, names) = (organization(), Templates::new(&[]).unwrap(), BTreeMap::new());
    let brief = DesignInput {
        config: &config,
        organization: &organization,
        templates: &templates,
        strategy,
        earlier: &[],
        reader_names: &names,
        past,
    };
    design(&brief).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn designed(more: &str) -> Result<Desired, String> {
    designed_with(more, ReaderStrategy::Roles, &Past::default())
}

const BUCKET: &str = "bucket: {name: acme-org-cloudtrail}";

fn at(kind: Kind) -> Address {
    format!("{LOG}/eu-central-1/{}/acme-lake", kind.as_str()).parse().unwrap()
}

fn policy(desired: &Desired) -> PolicyDocument {
    desired.wanted[&at(Kind::BucketPolicy)].resource.shared_policy().unwrap().clone()
}

/// The patterns of the roles that a lake is closed to.
fn kept_out(desired: &Desired) -> Vec<String> {
    let policy = policy(desired);
    let sid = |sid: &str| policy.statements.iter().find(|statement| statement.sid.as_deref() == Some(sid)).cloned();
    sid("OrgtrailNoMemberReaders").map(|one| one.condition["ArnLike"]["aws:PrincipalArn"].clone()).unwrap_or_default()
}

#[test]
fn the_bucket_is_the_lakes_alone_and_encrypted_as_the_log_bucket_is() {
    for (encryption, algorithm) in [("kms", "aws:kms"), ("s3", "AES256")] {
        let text = format!(
            "bucket: {{name: acme-org-cloudtrail, encryption: {encryption}}}\nlake: {{place: s3://acme-lake/events}}"
        );
        let desired = designed(&text).unwrap();
        let Resource::Bucket(bucket) = &desired.wanted[&at(Kind::Bucket)].resource else { panic!() };
        let Resource::Bucket(logs) = &desired.wanted[desired.log_bucket().unwrap()].resource else { panic!() };
        assert_eq!(desired.log_bucket().unwrap().name, "acme-org-cloudtrail");
        assert_eq!(bucket.encryption, logs.encryption);
        assert_eq!(bucket.encryption.as_ref().unwrap().algorithm, algorithm);
        assert!(bucket.versioning && bucket.block_public_access && bucket.object_lock.is_none());
        let [rule] = &bucket.lifecycle[..] else { panic!("{:?}", bucket.lifecycle) };
        assert_eq!((rule.expire_after_days, rule.expire_noncurrent_after_days), (None, Some(7)), "no slot expires");
        let lake = desired.managed_lake().unwrap();
        assert_eq!((&lake.bucket, lake.folder.as_str()), (&at(Kind::Bucket), "events/"));
        assert!(desired.existing_lake().is_none());
    }
    assert!(designed(BUCKET).unwrap().lake.is_none());
}

#[test]
fn readers_are_kept_out_by_the_pattern_of_their_names_or_each_by_itself() {
    let of = |readers: &str| {
        let lake = "lake: {place: s3://acme-lake/events}";
        kept_out(&designed(&format!("{BUCKET}\nreaders: {readers}\n{lake}")).unwrap())
    };
    let role = |name: &str| format!("arn:aws:iam::{LOG}:role/{name}");
    assert_eq!(of("{}"), [role("CloudTrailReadLogs-????????????")]);
    assert_eq!(of("{role: 'logs/{{account.name}}-reader'}"), [role("logs/*-reader")]);
    // A pattern of it would keep out everyone.
    let names = ["log-archive", "management", "web"];
    assert_eq!(of("{role: '{{account.name}}'}"), names.map(role));
    // What stays of an earlier mode is kept out too.
    let text = format!("{BUCKET}\nlake: {{place: s3://acme-lake/events}}");
    let dynamic = designed_with(&text, ReaderStrategy::Dynamic, &Past::default()).unwrap();
    assert_eq!(kept_out(&dynamic), [role("CloudTrailReadLogs-????????????")]);
}

#[test]
fn a_bucket_of_others_is_not_wanted() {
    let desired = designed(&format!("{BUCKET}\nlake: {{place: s3://acme-lake/events, bucket: existing}}")).unwrap();
    assert!(desired.wanted.keys().all(|address| address.name != "acme-lake"));
    assert_eq!(desired.existing_lake().unwrap().bucket, at(Kind::Bucket));
    assert!(desired.managed_lake().is_none());
}

#[test]
fn the_lake_never_gets_a_bucket_with_logs() {
    // The name is a template's, which only the design knows.
    let same = designed("bucket: {name: '{{deployment}}-lake'}\nlake: {place: s3://acme-lake/events}").unwrap_err();
    assert!(same.contains("acme-lake is the log bucket"), "{same}");
    let place = EarlierPlace { bucket: at(Kind::Bucket), roots: Default::default(), key: None, is_configured: false };
    let past = Past { places: vec![place], ..Past::default() };
    let text = format!("{BUCKET}\nlake: {{place: s3://acme-lake/events}}");
    let earlier = designed_with(&text, ReaderStrategy::Roles, &past).unwrap_err();
    assert!(earlier.contains("a bucket with earlier logs"), "{earlier}");
}

#[test]
fn a_role_that_reads_for_one_account_and_a_strangers_role_are_no_readers_of_the_lake() {
    let fault = |reader: &str| {
        designed(&format!("{BUCKET}\nlake: {{place: s3://acme-lake/events, readers: ['{reader}']}}"))
            .map(|desired| policy(&desired).to_value().to_string())
    };
    let ok = fault("arn:aws:iam::333333333333:role/analysts").unwrap();
    assert!(ok.contains("OrgtrailLakeRead") && ok.contains("arn:aws:s3:::acme-lake/events/*"), "{ok}");
    for (reader, why) in [
        ("arn:aws:iam::222222222222:role/CloudTrailReadLogs-333333333333", "reads the logs of account 333333333333"),
        ("arn:aws:iam::222222222222:role/cloudtrailreadlogs-333333333333", "reads the logs of account 333333333333"),
        ("arn:aws:iam::888888888888:role/analysts", "is not of organization o-exampleorgid"),
        ("arn:aws-cn:iam::333333333333:role/analysts", "partition aws"),
    ] {
        let said = fault(reader).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_role_that_is_called_as_a_reader_is_none_of_the_lakes_whatever_accounts_are_selected() {
    let said = |readers: &str, reader: &str| {
        let rest = "exclude: ['name:web']";
        let text = format!(
            "version: 1\ndeployment: acme\naccounts: {{log: log-archive, {rest}}}\nhome_region: eu-central-1\n\
             trails: [{{name: acme-org-trail}}]\n{BUCKET}\nreaders: {readers}\n\
             lake: {{place: s3://acme-lake/events, readers: ['arn:aws:iam::{LOG}:role/{reader}']}}\n"
        );
        designed_of(&text, ReaderStrategy::Roles, &Past::default()).err().unwrap_or_default()
    };
    let none = "";
    for (readers, reader, why) in [
        ("{}", "CloudTrailReadLogs-333333333333", "readers.role"),
        ("{}", "cloudtrailreadlogs-333333333333", "readers.role"),
        ("{}", "CloudTrailReadLogs-999999999999", "readers.role"),
        ("{role: 'logs/{{account.name}}-reader'}", "logs/web-reader", "readers.role"),
        ("{role: 'logs/{{account.name}}-reader'}", "web-reader", none),
        ("{role: '{{account.name}}'}", "web", "readers.role"),
        ("{role: '{{account.name}}'}", "analysts", none),
        ("{}", "analysts", none),
    ] {
        let found = said(readers, reader);
        assert!(found.contains(why) && found.is_empty() == why.is_empty(), "{readers} {reader}: {found}");
    }
}

/// The past of a configuration, as the log bucket with these tags and the bucket acme-lake tell it.
fn past_of(more: &str, tags: &[(String, String)], lake: Sighting, give_up: &[&str]) -> (Past, Desired) {
    let desired = designed(&format!("{BUCKET}\n{more}")).unwrap();
    let log_bucket = desired.log_bucket().unwrap().clone();
    let Resource::Bucket(mut logs) = desired.wanted[&log_bucket].resource.clone() else { panic!() };
    logs.tags.extend(tags.iter().cloned());
    let sightings = [(log_bucket, Sighting::present(logs)), (at(Kind::Bucket), lake)];
    let estate = Estate { sightings: sightings.into(), ..Estate::default() };
    let text = format!(
        "version: 1\ndeployment: acme\naccounts: {{log: log-archive}}\nhome_region: eu-central-1\n\
         trails: [{{name: acme-org-trail}}]\n{BUCKET}\n{more}\n"
    );
    let config = parse(&text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let give_up = give_up.iter().map(ToString::to_string).collect();
    let past = crate::desire::past(&config, &desired, &estate, &organization(), &give_up).unwrap();
    let after = designed_with(&format!("{BUCKET}\n{more}"), ReaderStrategy::Roles, &past).unwrap();
    (past, after)
}

#[test]
fn the_log_bucket_remembers_a_lake_until_it_is_given_up() {
    let key = "orgtrail:lake:acme-lake";
    let noted = |desired: &Desired| {
        let Resource::Bucket(logs) = &desired.wanted[desired.log_bucket().unwrap()].resource else { panic!() };
        logs.tags.get(key).cloned()
    };
    let here = format!("{LOG}/eu-central-1");
    let first = designed(&format!("{BUCKET}\nlake: {{place: s3://acme-lake/events}}")).unwrap();
    assert_eq!(noted(&first), Some(here.clone()));
    assert_eq!(noted(&designed(BUCKET).unwrap()), None);
    let existing = designed(&format!("{BUCKET}\nlake: {{place: s3://acme-lake/events, bucket: existing}}")).unwrap();
    assert_eq!(noted(&existing), None, "what others made is theirs");

    let tags = [(key.to_owned(), here.clone())];
    let Resource::Bucket(bucket) = first.wanted[&at(Kind::Bucket)].resource.clone() else { panic!() };
    let there = || Sighting::present(bucket.clone());
    for more in ["", "lake: {place: s3://acme-lake2/events}", "lake: {place: s3://acme-lake2/events, bucket: existing}"]
    {
        let (past, after) = past_of(more, &tags, there(), &[]);
        assert_eq!(past.lakes, [at(Kind::Bucket)].into(), "{more}");
        assert!(!past.is_empty());
        assert_eq!(noted(&after), Some(here.clone()), "{more}");
        let (past, after) = past_of(more, &tags, there(), &["acme-lake"]);
        assert!(past.lakes.is_empty() && past.given_up.contains("acme-lake"), "{more}");
        assert_eq!(noted(&after).as_deref(), Some("given-up"), "{more}");
        let given_up = [(key.to_owned(), "given-up".to_owned())];
        assert!(past_of(more, &given_up, there(), &[]).0.lakes.is_empty(), "{more}");
        assert!(past_of(more, &tags, Sighting::Absent, &[]).0.lakes.is_empty(), "{more}");
    }
    // It is the lake again.
    let (past, after) = past_of("lake: {place: s3://acme-lake/events}", &tags, there(), &["acme-lake"]);
    assert!(past.lakes.is_empty() && past.given_up.is_empty());
    assert_eq!(noted(&after), Some(here));
}
