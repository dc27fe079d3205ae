//! `orgtrail init` as people run it, without a terminal.

use crate::recorded::{Folder, LOG};
use orgtrail::estate::{Address, OWNER_TAG, Problem, Resource, Sighting, Stage};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";

const CONFIG: &str = r#"version: 1
deployment: acme
accounts:
  log: "222222222222"
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  prefix: cloudtrail
  object_lock: {mode: governance, days: 30}
  lifecycle: {archive_after_days: 90, expire_after_days: 2555}
trails:
  - name: acme-org-trail
    management_events: {exclude: [kms.amazonaws.com]}
    notify: {sns: acme-org-trail}
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 365}
"#;

/// An organization whose trail somebody made without orgtrail, with an untagged archive.
fn by_hand() -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder.must(0, &["apply", "--yes", "--allow", "costs", "--quiet"]);
    std::fs::remove_file(folder.path("orgtrail.yaml")).unwrap();
    folder.edit(|_, estate| {
        for sighting in estate.sightings.values_mut() {
            let Sighting::Present(resource) = sighting else { continue };
            match resource.as_mut() {
                Resource::Bucket(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::Key(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::Topic(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::LogGroup(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::Role(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::Policy(r) => drop(r.tags.remove(OWNER_TAG)),
                Resource::Trail(r) => drop(r.tags.as_mut().map(|tags| tags.remove(OWNER_TAG))),
                _ => {}
            }
        }
    });
    folder
}

/// A trail that is there and was not shown.
fn unread(folder: &Folder) {
    folder.edit(|_, estate| {
        let address: Address = "111111111111/us-east-1/trail/old-one".parse().unwrap();
        let problem = Problem {
            account: address.account.clone(),
            address: Some(address.clone()),
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "cloudtrail:GetTrailStatus was refused".into(),
            help: "allow it".into(),
        };
        estate.sightings.insert(address, Sighting::Unreadable(problem));
    });
}

#[test]
fn a_trail_that_could_not_be_read_is_not_called_absent() {
    let folder = Folder::new();
    unread(&folder);
    let said = folder.must(3, &["init", "--yes", "--home-region", "eu-central-1"]);
    assert!(said.contains("Could not be read, so that more may be there") && said.contains("trail/old-one"), "{said}");
    let plan = folder.must(2, &["plan"]);
    assert!(flat(&plan).contains("GetTrailStatus was refused"), "{plan}");
    folder.must(3, &["apply", "--yes", "--quiet"]);
    folder.must(3, &["drift"]);
}

#[test]
fn a_trail_that_could_not_be_read_is_not_taken_over() {
    let folder = Folder::new();
    unread(&folder);
    let arn = "arn:aws:cloudtrail:us-east-1:111111111111:trail/old-one";
    let run = folder.run(&["init", "--adopt", arn, "--deployment", "acme"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("could not be read: cloudtrail:GetTrailStatus was refused"), "{}", run.stderr);
    assert!(!folder.path("orgtrail.yaml").exists());
}

#[test]
fn a_bucket_name_that_s3_would_refuse_is_refused_at_the_question() {
    let folder = Folder::new();
    let run = folder.run(&["init", "--yes", "--home-region", "eu-central-1", "--bucket", "Bad Name"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("--bucket \"Bad Name\" cannot be used"), "{}", run.stderr);
    folder
        .must(0, &["init", "--yes", "--home-region", "eu-central-1", "--bucket", "{{deployment}}-logs-{{account.id}}"]);
}

/// A page without its line breaks.
fn flat(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_day_is_init_plan_apply() {
    let folder = Folder::new();
    let said = folder.must(0, &["init", "--yes", "--home-region", "eu-central-1", "--deployment", "acme"]);
    assert!(said.contains("4 accounts, 3 active") && said.contains("no trails were found"), "{said}");
    insta::assert_snapshot!("fresh", folder.read("orgtrail.yaml"));
    folder.must(0, &["validate"]);
    folder.must(2, &["plan"]);
    folder.must(0, &["apply", "--yes", "--allow", "costs"]);
    folder.must(0, &["plan"]);
}

#[test]
fn the_log_account_is_known_by_its_name_and_asked_for_where_it_is_not() {
    let folder = Folder::new();
    folder.must(0, &["init", "--yes", "--home-region", "eu-central-1"]);
    assert!(folder.read("orgtrail.yaml").contains(&format!("log: \"{LOG}\"    # log-archive")));
    folder.edit(|organization, _| {
        organization.accounts.get_mut(LOG).unwrap().name = "two".into();
    });
    let run = folder.run(&["init", "--yes", "--force", "--home-region", "eu-central-1"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("give --log-account"), "{}", run.stderr);
    let run = folder.run(&["init", "--yes", "--force", "--home-region", "eu-central-1", "--log-account", "old"]);
    assert!(run.stderr.contains("SUSPENDED"), "{}", run.stderr);
}

#[test]
fn where_nobody_can_be_asked_the_flags_are_named_with_their_defaults() {
    let folder = Folder::new();
    let run = folder.run(&["init"]);
    assert_eq!(run.code, 1);
    for word in ["--deployment (--yes takes main)", "--log-account (--yes takes 222222222222)", "--home-region"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(!folder.path("orgtrail.yaml").exists());
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", "mine");
    let args = ["init", "--yes", "--home-region", "eu-central-1"];
    let run = folder.run(&args);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(folder.read("orgtrail.yaml"), "mine");
    folder.must(0, &[&args[..], &["--force"]].concat());
    assert!(folder.read("orgtrail.yaml").starts_with("# How orgtrail"));
}

#[test]
fn what_is_there_is_shown_with_its_maker_and_its_cost() {
    let folder = by_hand();
    folder.edit(|_, estate| {
        let trail = estate.resources().find(|(address, _)| address.name == "acme-org-trail").unwrap();
        let (mut address, resource) = (trail.0.clone(), trail.1.clone());
        address.name = "aws-controltower-BaselineCloudTrail".into();
        estate.sightings.insert(address, Sighting::present(resource));
    });
    let said = folder.must(0, &["init", "--yes", "--deployment", "acme"]);
    assert!(flat(&said).contains("organization trail of AWS Control Tower"), "{said}");
    assert!(flat(&said).contains("2.00 USD per 100,000 events"), "{said}");
    let written = folder.read("orgtrail.yaml");
    assert!(written.contains("aws-controltower-BaselineCloudTrail"), "{written}");
    assert!(written.contains("home_region: eu-central-1"), "taken from the trail that is there: {written}");
}

#[test]
fn an_existing_trail_is_taken_over_without_a_change() {
    let folder = by_hand();
    let said = folder.must(0, &["init", "--adopt", TRAIL, "--deployment", "acme"]);
    insta::assert_snapshot!("adopt_said", said);
    insta::assert_snapshot!("adopt", folder.read("orgtrail.yaml"));
    let plan: serde_json::Value = serde_json::from_str(&folder.must(2, &["plan", "--format", "json"])).unwrap();
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!(change["action"], "adopt", "{change:#}");
        let fields = change["fields"].as_array().unwrap();
        assert!(fields.iter().all(|field| field["path"] == "tags"), "{change:#}");
    }
    folder.must(0, &["apply", "--yes", "--adopt"]);
    folder.must(0, &["plan"]);
}

#[test]
fn what_a_configuration_cannot_say_is_said_in_the_file() {
    let folder = by_hand();
    folder.edit(|_, estate| {
        for sighting in estate.sightings.values_mut() {
            let Sighting::Present(resource) = sighting else { continue };
            match resource.as_mut() {
                Resource::LogGroup(group) => group.retention_days = None,
                Resource::Bucket(bucket) => {
                    bucket.block_public_access = false;
                    bucket.lifecycle[0].transitions.push((365, "DEEP_ARCHIVE".into()));
                }
                _ => {}
            }
        }
    });
    let said = folder.must(0, &["init", "--adopt", TRAIL, "--deployment", "acme"]);
    let written = folder.read("orgtrail.yaml");
    for word in ["keeps events for ever", "DEEP_ARCHIVE after 365 days", "changes block_public_access, lifecycle of"] {
        assert!(flat(&said).contains(word), "{word}: {said}");
        assert!(written.contains(word), "{word}: {written}");
    }
}

#[test]
fn a_trail_that_cannot_be_taken_over_is_refused_with_the_reason() {
    let folder = by_hand();
    let none = folder.run(&["init", "--adopt", &TRAIL.replace("acme", "other"), "--yes"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("there is no trail at"), "{}", none.stderr);
    let bucket = folder.run(&["init", "--adopt", "arn:aws:s3:::acme", "--yes"]);
    assert!(bucket.stderr.contains("the ARN of a trail is"), "{}", bucket.stderr);
    folder.edit(|_, estate| {
        for sighting in estate.sightings.values_mut() {
            if let Sighting::Present(resource) = sighting
                && let Resource::Trail(trail) = resource.as_mut()
            {
                trail.organization = false;
            }
        }
    });
    let single = folder.run(&["init", "--adopt", TRAIL, "--yes"]);
    assert!(single.stderr.contains("is no organization trail"), "{}", single.stderr);
    assert!(!folder.path("orgtrail.yaml").exists());
}

#[test]
fn names_of_accounts_stay_in_their_comment() {
    let folder = Folder::new();
    folder.edit(|organization, _| {
        organization.accounts.get_mut(LOG).unwrap().name =
            "logs\nguard: {service_control_policy: false}\r\u{2028}x".into();
    });
    folder.must(0, &["init", "--yes", "--home-region", "eu-central-1", "--log-account", LOG]);
    folder.must(0, &["validate"]);
    assert!(!folder.read("orgtrail.yaml").lines().any(|line| line.starts_with("guard:")));
}
