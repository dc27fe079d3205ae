//! Logs of before: earlier trails, buckets, regions and log accounts.

use serde_json::{Value, json};

use super::folder::Case;

#[test]
fn a_deployment_that_lets_members_read_earlier_logs_is_proved() {
    let case = Case::open("17");
    let said = case.must(0, "access --estate estate.json");
    assert!(said.contains("Proved"), "{said}");
    case.must(0, "drift --estate estate.json");
    let with_foreign_folder = case.read("estate.json").replace(
        "\"arn:aws:s3:::acme-org-cloudtrail/AWSLogs/111111111111/*\"",
        "\"arn:aws:s3:::acme-org-cloudtrail/AWSLogs/333333333333/*\"",
    );
    case.write("foreign.json", &with_foreign_folder);
    let said = case.must(2, "access --live --estate foreign.json");
    assert!(said.contains("reads-only-own"), "{said}");
}

/// The rows of a plan that a JSON report has under a name.
fn plan(case: &Case, code: i32, words: &str) -> Value {
    serde_json::from_str(&case.must(code, words)).unwrap()
}

fn list<'a>(plan: &'a Value, name: &str) -> Vec<&'a Value> {
    plan[name].as_array().unwrap().iter().collect()
}

fn leftovers(plan: &Value) -> Vec<String> {
    list(plan, "leftovers").iter().map(|left| left.as_str().unwrap().to_owned()).collect()
}

/// Everybody may read the bucket, by a statement that somebody else wrote.
fn open_to_everybody(text: &str, bucket: &str) -> String {
    let mut estate: Value = serde_json::from_str(text).unwrap();
    let at = format!("222222222222/eu-central-1/bucket_policy/{bucket}");
    let policy = &mut estate["estate"]["sightings"][at]["present"]["bucket_policy"]["policy"];
    let statement = json!({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{bucket}/*")});
    policy["Statement"].as_array_mut().unwrap().push(statement);
    estate.to_string()
}

const JSON: &str = "--format json --estate estate.json";

#[test]
fn a_bucket_with_a_new_name_leaves_the_old_one_readable_and_watched() {
    let case = Case::open("04");
    let first = plan(&case, 2, &format!("plan {JSON}"));
    assert_eq!(leftovers(&first), [OLD_BUCKET, OLD_BUCKET_POLICY], "{first:#}");
    assert!(list(&first, "findings").iter().any(|f| f["code"] == "earlier-logs"), "{first:#}");
    // Nothing is taken away from the readers: their policies only grow.
    let readers = list(&first, "changes").into_iter().filter(|change| change["kind"] == "role").collect::<Vec<_>>();
    assert_eq!(readers.len(), 3);
    for reader in readers {
        let text = reader.to_string();
        assert!(
            text.contains("acme-org-cloudtrail/AWSLogs") && text.contains("acme-org-cloudtrail-2/AWSLogs"),
            "{text}"
        );
        assert_eq!(reader["risk"], json!(["safe"]));
    }
    case.must(0, "apply --yes --allow interrupts --estate estate.json");
    // Afterwards all is in sync, and the old place is still known.
    let second = plan(&case, 0, &format!("drift {JSON}"));
    assert_eq!(leftovers(&second), [OLD_BUCKET, OLD_BUCKET_POLICY]);
    case.must(0, "access --live --estate estate.json");
    // What somebody opens there is seen.
    case.write("open.json", &open_to_everybody(&case.read("estate.json"), "acme-org-cloudtrail"));
    let opened = plan(&case, 2, "drift --format json --estate open.json");
    assert!(list(&opened, "violations").iter().any(|v| v["address"] == OLD_BUCKET_POLICY), "{opened:#}");
    case.must(2, "access --live --estate open.json");
    // It is given up by name only, as a risk, and once the new place was seen to receive logs.
    let early = plan(&case, 2, &format!("plan --give-up acme-org-cloudtrail {JSON}"));
    assert!(list(&early, "blockers").iter().any(|b| b["code"] == "NotGivenUp"), "{early:#}");
    let before = case.read("estate.json");
    let refused = case.run("apply --yes --allow weakens --give-up acme-org-cloudtrail --estate estate.json");
    assert!(refused.code == 1 && refused.stderr.contains("not yet seen to deliver"), "{}", refused.stderr);
    assert_eq!(case.read("estate.json"), before, "nothing was changed");
    // A rule that deletes what lies there is a finding, and so is what keeps no old versions.
    let shorter = json!([{"id": "tidy", "enabled": true, "prefix": "", "transitions": [], "expire_after_days": 1,
        "expire_noncurrent_after_days": 1, "abort_upload_after_days": null}]);
    case.write("expiring.json", &with_field(&before, OLD_BUCKET, "lifecycle", shorter));
    let expiring = plan(&case, 2, "drift --format json --estate expiring.json");
    let expires = |finding: &&&Value| finding["code"] == "earlier-logs-expire" && finding["harm"] == "logs-lost";
    assert_eq!(list(&expiring, "findings").iter().filter(expires).count(), 1, "{expiring:#}");
    case.write("unversioned.json", &with_field(&before, OLD_BUCKET, "versioning", json!(false)));
    let unversioned = plan(&case, 2, "drift --format json --estate unversioned.json");
    assert!(
        list(&unversioned, "findings").iter().any(|f| f["code"] == "earlier-bucket-unversioned"),
        "{unversioned:#}"
    );
    let delivered = with_delivery(&case.read("estate.json"), "eu-central-1");
    case.write("estate.json", &delivered);
    // A time of CloudTrail may be from before the move; that nothing lies there says more.
    case.write("estate.json", &delivered.replace("\"latest_time\":", "\"arrived\":false,\"latest_time\":"));
    let moved = plan(&case, 2, &format!("plan --give-up acme-org-cloudtrail {JSON}"));
    assert!(list(&moved, "blockers").iter().any(|b| b["code"] == "NotGivenUp"), "{moved:#}");
    case.write("estate.json", &delivered);
    let given_up = plan(&case, 2, &format!("plan --give-up acme-org-cloudtrail {JSON}"));
    assert_eq!(given_up["blockers"], json!([]));
    assert!(list(&given_up, "changes").iter().all(|c| c["risk"] == json!(["weakens"])), "{given_up:#}");
    case.must(0, "apply --yes --allow weakens --give-up acme-org-cloudtrail --estate estate.json");
    case.must(0, "drift --estate estate.json");
    let unknown = plan(&case, 2, &format!("plan --give-up no-such-bucket {JSON}"));
    assert!(list(&unknown, "blockers").iter().any(|b| b["code"] == "NotGivenUp"), "{unknown:#}");
}

const OLD_BUCKET: &str = "222222222222/eu-central-1/bucket/acme-org-cloudtrail";
const OLD_BUCKET_POLICY: &str = "222222222222/eu-central-1/bucket_policy/acme-org-cloudtrail";
const OLD_KEY: &str = "222222222222/eu-central-1/key/alias/orgtrail-acme";

/// The estate with another value in one field of a resource.
fn with_field(text: &str, address: &str, field: &str, value: Value) -> String {
    let mut estate: Value = serde_json::from_str(text).unwrap();
    let sighting = &mut estate["estate"]["sightings"][address];
    let resource = find_field(sighting, field).unwrap_or_else(|| panic!("{address} has no {field}"));
    *resource = value;
    estate.to_string()
}

fn find_field<'v>(value: &'v mut Value, field: &str) -> Option<&'v mut Value> {
    let object = value.as_object_mut()?;
    if object.contains_key(field) {
        return object.get_mut(field);
    }
    object.values_mut().find_map(|inner| find_field(inner, field))
}

/// The organization trail has delivered.
fn with_delivery(text: &str, region: &str) -> String {
    let mut estate: Value = serde_json::from_str(text).unwrap();
    let at = format!("111111111111/{region}/trail/acme-org-trail");
    estate["estate"]["sightings"][at]["present"]["trail"]["delivery"] = json!({"latest_time": "2026-11-20T10:00:00Z",
        "latest_error": null, "digest_error": null, "notification_error": null, "log_group_error": null, "stopped_time": null});
    estate.to_string()
}

#[test]
fn a_place_that_the_configuration_names_is_watched_although_no_reader_tells_of_it() {
    let case = Case::open("04");
    let old = case.read("orgtrail.yaml").replace("acme-org-cloudtrail-2", "acme-org-cloudtrail");
    // Another deployment of before, whose bucket has no tag of ours.
    let config =
        old.replace("trails:", "earlier:\n  - {bucket: logs-of-2019, prefix: audit, region: eu-central-1}\ntrails:");
    case.write("orgtrail.yaml", &config);
    case.must(0, "validate");
    let found = plan(&case, 2, &format!("drift {JSON}"));
    assert!(list(&found, "findings").iter().any(|f| f["code"] == "earlier-bucket-gone"), "{found:#}");
    assert!(found.to_string().contains("arn:aws:s3:::logs-of-2019/audit/AWSLogs/o-exampleorgid/333333333333/*"));
}

#[test]
fn another_home_region_is_refused_before_anything_is_done() {
    let case = Case::open("05");
    let before = case.read("estate.json");
    let plan = plan(&case, 2, &format!("plan {JSON}"));
    let mut codes: Vec<&str> = list(&plan, "blockers").iter().map(|b| b["code"].as_str().unwrap()).collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, ["BucketNameTaken", "TrailNameTaken"], "{plan:#}");
    case.must(1, "apply --yes --allow costs,interrupts --estate estate.json");
    assert_eq!(case.read("estate.json"), before);
}

#[test]
fn another_home_region_with_new_names_takes_nothing_away() {
    let case = Case::open("05");
    let config = case.read("orgtrail.yaml").replace("name: acme-org-cloudtrail,", "name: acme-us-cloudtrail,");
    case.write("orgtrail.yaml", &config.replace("name: acme-org-trail", "name: acme-us-trail"));
    let plan = plan(&case, 2, &format!("plan {JSON}"));
    assert_eq!(plan["blockers"], json!([]));
    case.must(0, "apply --yes --allow costs --estate estate.json");
    let drift: Value = self::plan(&case, 0, &format!("drift {JSON}"));
    let left = leftovers(&drift);
    for address in [OLD_BUCKET, OLD_BUCKET_POLICY, OLD_KEY] {
        assert!(left.iter().any(|one| one == address), "{address} of {left:?}");
    }
    let reader = case.read("estate.json");
    assert!(reader.contains("ReadOwnLogsEarlier") && reader.contains("key/97f33b33-f182-5b82-009a-8afdecbddef2"));
    case.must(0, "access --live --estate estate.json");
}

#[test]
fn a_new_log_account_leaves_the_old_one_readable_and_watched() {
    let case = Case::open("14");
    let first = plan(&case, 2, &format!("plan {JSON}"));
    let left = leftovers(&first);
    for address in [OLD_BUCKET, OLD_BUCKET_POLICY, OLD_KEY, "222222222222/global/role/CloudTrailReadLogs-333333333333"]
    {
        assert!(left.iter().any(|one| one == address), "{address} of {left:?}");
    }
    case.must(0, "apply --yes --allow costs,interrupts --estate estate.json");
    let second = plan(&case, 0, &format!("drift {JSON}"));
    assert_eq!(leftovers(&second), left);
    // Each member may still assume its reader role in the old account, also after a prune.
    case.must(0, "apply --yes --prune --estate estate.json");
    let estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
    let policy = &estate["estate"]["sightings"]["333333333333/global/policy/CloudTrailReadLogs"];
    for account in ["222222222222", "444444444444"] {
        let role = format!("arn:aws:iam::{account}:role/CloudTrailReadLogs-333333333333");
        assert!(policy.to_string().contains(&role), "{policy:#}");
    }
    case.must(0, "access --live --estate estate.json");
    case.write("open.json", &open_to_everybody(&case.read("estate.json"), "acme-org-cloudtrail"));
    case.must(2, "drift --estate open.json");
    // With the name of the old bucket it cannot be done, and that is said first.
    let case = Case::open("14");
    case.write("orgtrail.yaml", &case.read("orgtrail.yaml").replace("acme-org-cloudtrail-2026", "acme-org-cloudtrail"));
    let plan = plan(&case, 2, &format!("plan {JSON}"));
    assert!(list(&plan, "blockers").iter().any(|b| b["code"] == "BucketNameTaken"), "{plan:#}");
    case.must(1, "apply --yes --allow costs,interrupts --estate estate.json");
}
