//! `orgtrail coverage` of a configuration: in which regions of which accounts something should arrive.
//!
//! The organization is moto's. Moto does not know `ListRegions`: the proxy answers it, in the API's words.

use serde_json::{Value, json};

use crate::bucket::{Bucket, Layout, REGION};
use crate::program::{orgtrail, upload};
use crate::support::{Emulator, Trouble, World};

/// An organization of which one account has delivered six hours in one region.
async fn delivered(emulator: &Emulator) -> (World, Bucket) {
    let world = World::twelve_accounts(emulator).await;
    let accounts = vec![world.account("web").to_string()];
    let bucket = Layout { organization: Some(world.organization.to_string()), accounts, ..Layout::default() }.write();
    upload(emulator, &bucket).await;
    (world, bucket)
}

fn coverage(emulator: &Emulator, world: &World, bucket: &Bucket) -> (Vec<Value>, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "version: 1
deployment: acme
accounts: {{log: log-archive}}
home_region: eu-central-1
organization: {{id: {}}}
bucket: {{name: {}}}
trails: [{{name: org-trail}}]
",
        world.organization, bucket.layout.bucket
    );
    std::fs::write(home.path().join("orgtrail.yaml"), text).unwrap();
    let (from, to) = (bucket.layout.start.to_string(), bucket.layout.end().to_string());
    let done = orgtrail(emulator, home.path(), &["coverage", "--from", &from, "--to", &to, "--format", "json"]);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    let list = |field: &str| answer[field].as_array().unwrap().clone();
    (list("not_known"), list("rows"))
}

/// Regions with the state of their row, of one account.
fn of<'a>(rows: &'a [Value], account: &str) -> Vec<(&'a str, &'a str)> {
    let rows = rows.iter().filter(|row| row["account"] == account);
    rows.map(|row| (row["region"].as_str().unwrap(), row["state"].as_str().unwrap())).collect()
}

fn region(name: &str, status: &str) -> Value {
    json!({"RegionName": name, "RegionOptStatus": status})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enabled_region_without_any_key_is_missed_and_no_other() {
    let emulator = Emulator::start();
    let (world, bucket) = delivered(&emulator).await;
    let web = world.account("web").as_str();
    let proxy = emulator.proxy();
    let first = [region(REGION, "ENABLED_BY_DEFAULT"), region("ap-east-1", "DISABLED")];
    let rest = [region("eu-south-1", "ENABLED"), region("af-south-1", "DISABLING"), region("me-south-1", "ENABLING")];
    let rest = Trouble::Answer(json!({"Regions": rest}).to_string());
    proxy.trouble_where("account", "ListRegions", "\"NextToken\":\"more\"", 1, rest);
    let first = Trouble::Answer(json!({"Regions": first, "NextToken": "more"}).to_string());
    proxy.trouble_where("account", "ListRegions", web, 1, first);
    proxy.trouble("account", "ListRegions", usize::MAX, Trouble::Error(403, "AccessDeniedException"));

    let (unknown, rows) = coverage(&emulator, &world, &bucket);
    assert_eq!(of(&rows, web), [("eu-south-1", "nothing"), (REGION, "arriving")]);
    let missed = rows.iter().find(|row| row["region"] == "eu-south-1").unwrap();
    assert_eq!(missed["gaps"][0]["reason"], "nothing is there although the region is enabled: no trail covers it");
    // Where nobody may ask, the regions of the accounts that deliver stand for those of the account.
    assert_eq!(of(&rows, world.account("api").as_str()), [(REGION, "nothing")]);
    let [said] = unknown.as_slice() else { panic!("{unknown:?}") };
    let said = said.as_str().unwrap();
    let first = "the enabled regions of 10 of 11 accounts are unknown, so that a region of which nothing is there is not missed: ";
    assert!(said.starts_with(first) && said.contains("AccessDeniedException"), "{said}");
    assert!(said.contains("; next: allow account:ListRegions to the management account, "), "{said}");
    let old = world.account("sandbox-old").as_str();
    assert!(proxy.calls().iter().all(|call| call.action != "ListRegions" || !call.body.contains(old)));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_asked_through_their_role_where_the_management_account_may_not() {
    let emulator = Emulator::start();
    let (world, bucket) = delivered(&emulator).await;
    let proxy = emulator.proxy();
    let refused = Trouble::Error(403, "AccessDeniedException");
    proxy.trouble_where("account", "ListRegions", "AccountId", usize::MAX, refused);
    let answer = json!({"Regions": [region("eu-central-1", "ENABLED")]}).to_string();
    proxy.trouble("account", "ListRegions", usize::MAX, Trouble::Answer(answer));

    let (unknown, rows) = coverage(&emulator, &world, &bucket);
    let missed = rows.iter().filter(|row| row["region"] == "eu-central-1" && row["state"] == "nothing");
    assert_eq!(missed.count(), 11);
    let web = rows.iter().find(|row| row["region"] == REGION && row["state"] == "arriving").unwrap();
    assert_eq!(web["expected"], false, "the region is not enabled any more");
    assert_eq!(unknown, [json!(null); 0]);
    // Each of the ten members twice, the account of the credentials once.
    assert_eq!(proxy.count("account:ListRegions"), 21);
}
