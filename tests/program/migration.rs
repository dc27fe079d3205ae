//! From older trails of the deployment to a new one on an emulated organization. After each call that changes
//! something, a client looks whether every account is recorded by a trail that is logging and that the bucket lets in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use orgtrail::permissions::{KnownAccounts, PermissionsRequest, Purpose, permissions};
use serde_json::{Value, json};

use crate::permissions::{FREE, called};
use crate::run::Desk;
use crate::support::{Call, Emulator, Trouble, World};

const BUCKET: &str = "acme-org-cloudtrail";
const MANAGEMENT: &str = "123456789012";

/// Where a test looks past the proxy: the log account and every account that has to be recorded.
struct Eyes {
    organization: String,
    log: SdkConfig,
    accounts: BTreeMap<String, SdkConfig>,
    /// Only one look at a time, so that each sees one state.
    gaps: tokio::sync::Mutex<Vec<String>>,
    looks: Mutex<usize>,
}

impl Eyes {
    async fn open(world: &World) -> Arc<Self> {
        let mut accounts = BTreeMap::from([(MANAGEMENT.to_owned(), world.management())]);
        for (name, id) in
            world.accounts.iter().filter(|(name, _)| !["management", "sandbox-old"].contains(&name.as_str()))
        {
            accounts.insert(id.to_string(), world.hand_in(name).await);
        }
        let organization = world.organization.to_string();
        let log = world.hand_in("log-archive").await;
        Arc::new(Self { organization, log, accounts, gaps: Default::default(), looks: Mutex::new(0) })
    }

    /// Watches from now on.
    fn watch(self: &Arc<Self>, emulator: &Emulator) {
        let eyes = Arc::clone(self);
        emulator.proxy().watch(Arc::new(move |call| {
            let eyes = Arc::clone(&eyes);
            Box::pin(async move { eyes.look(&call).await })
        }));
    }

    async fn look(&self, call: &Call) {
        if ["Get", "List", "Describe", "Head", "AssumeRole"].iter().any(|verb| call.action.starts_with(verb)) {
            return;
        }
        let mut gaps = self.gaps.lock().await;
        let recorded = self.recorded().await;
        gaps.extend(
            recorded
                .iter()
                .filter(|(_, trails)| trails.is_empty())
                .map(|(account, _)| format!("after {}:{} nothing records {account}", call.service, call.action)),
        );
        *self.looks.lock().unwrap() += 1;
    }

    /// The trails that record each account: logging, and let in by the bucket policy.
    async fn recorded(&self) -> BTreeMap<String, Vec<String>> {
        let policy = aws_sdk_s3::Client::new(&self.log).get_bucket_policy().bucket(BUCKET).send().await;
        let policy: Value = policy.map(|answer| answer.policy.unwrap().parse().unwrap()).unwrap_or_default();
        let organization = logging(&self.accounts[MANAGEMENT]).await;
        let for_all = organization
            .into_iter()
            .filter(|(arn, is_organization)| *is_organization && lets_in(&policy, arn, &self.organization));
        let for_all: Vec<String> = for_all.map(|(arn, _)| arn).collect();
        let mut recorded = BTreeMap::new();
        for (account, hand) in &self.accounts {
            let own = logging(hand).await.into_iter();
            let own = own.filter(|(arn, is_organization)| {
                !is_organization && arn.contains(account.as_str()) && lets_in(&policy, arn, account)
            });
            let trails = for_all.iter().cloned().chain(own.map(|(arn, _)| arn)).collect();
            recorded.insert(account.clone(), trails);
        }
        recorded
    }

    /// Fails where an account was not recorded at some time, or nobody looked.
    async fn saw_no_gap(&self) {
        assert_eq!(*self.gaps.lock().await, Vec::<String>::new());
        assert!(*self.looks.lock().unwrap() > 0, "nobody looked");
    }
}

/// The trails that log, each with whether it records the organization.
async fn logging(account: &SdkConfig) -> Vec<(String, bool)> {
    let client = aws_sdk_cloudtrail::Client::new(account);
    let mut trails = Vec::new();
    for trail in client.describe_trails().send().await.unwrap().trail_list.unwrap_or_default() {
        let arn = trail.trail_arn.unwrap();
        // Another trail may have been deleted in between.
        let status = client.get_trail_status().name(&arn).send().await;
        if status.is_ok_and(|status| status.is_logging == Some(true)) {
            trails.push((arn, trail.is_organization_trail == Some(true)));
        }
    }
    trails
}

fn lets_in(policy: &Value, trail: &str, folder: &str) -> bool {
    let has = |value: &Value, text: &str| match value {
        Value::Array(list) => list.iter().any(|one| one == text),
        one => one == text,
    };
    let object = format!("arn:aws:s3:::{BUCKET}/AWSLogs/{folder}/*");
    policy["Statement"].as_array().into_iter().flatten().any(|statement| {
        statement["Effect"] == "Allow"
            && statement["Principal"]["Service"] == "cloudtrail.amazonaws.com"
            && has(&statement["Action"], "s3:PutObject")
            && has(&statement["Resource"], &object)
            && has(&statement["Condition"]["StringEquals"]["aws:SourceArn"], trail)
    })
}

fn kept(plan: &Value) -> Vec<&str> {
    plan["kept"].as_array().unwrap().iter().map(|kept| kept["address"].as_str().unwrap()).collect()
}

fn kinds(plan: &Value) -> Vec<(&str, Vec<&str>)> {
    let risks = |change: &'_ Value| change["risk"].as_array().unwrap().len();
    let of = |change| -> (&str, Vec<&str>) {
        let change: &Value = change;
        assert_eq!(risks(change), 1, "{change:#}");
        (change["kind"].as_str().unwrap(), vec![change["risk"][0].as_str().unwrap()])
    };
    plan["changes"].as_array().unwrap().iter().map(of).collect()
}

fn rewrite(desk: &Desk, from: &str, to: &str) {
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    assert!(text.contains(from), "{text}");
    desk.write("orgtrail.yaml", &text.replace(from, to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_organization_trail_is_handed_over_without_a_gap() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "    notify: {sns: acme-org-trail}\n");
    desk.run("apply --yes").expect_code(0);
    rewrite(&desk, "- name: acme-org-trail", "- name: acme-trail-2");
    let eyes = Eyes::open(&world).await;
    eyes.watch(&emulator);

    let plan = desk.run("plan --format json").expect_code(2).json();
    let old = &plan["other_trails"][0];
    assert!(
        old["finding"].as_str().unwrap().starts_with("an earlier organization trail of this deployment"),
        "{old:#}"
    );
    assert!(old["cost"].as_str().unwrap().contains("2.00 USD per 100,000 events"), "{old:#}");
    assert!(old["overlap"].as_str().unwrap().contains("from the apply that starts acme-trail-2 until"), "{old:#}");
    desk.run("apply --yes").expect_code(1);
    desk.run("apply --yes --allow costs").expect_code(0);

    // Nothing is left but the old trail, which both the bucket and the key still let in.
    let plan = desk.run("plan --format json").expect_code(0).json();
    let old_trail = "123456789012/eu-central-1/trail/acme-org-trail";
    assert_eq!(kept(&plan), [old_trail], "{plan:#}");
    assert!(plan["other_trails"][0]["overlap"].as_str().unwrap().starts_with("both record since 20"), "{plan:#}");
    let both = eyes.recorded().await;
    assert!(both.values().all(|trails| trails.len() == 2), "{both:?}");

    // The new trail does not deliver: the old one stays.
    let failing = json!({"IsLogging": true, "LatestDeliveryError": "AccessDenied"}).to_string();
    let new = "trail/acme-trail-2";
    emulator.proxy().trouble_where("cloudtrail", "GetTrailStatus", new, usize::MAX, Trouble::Answer(failing));
    let destroy = "apply --yes --destroy acme-org-trail --allow destroys --format json";
    // The failing delivery is a finding, which counts more than what was left out.
    let report = desk.run(destroy).expect_code(2).json();
    let outcome = &report["outcomes"][0];
    assert_eq!((&outcome["action"], &outcome["result"]), (&json!("retire"), &json!("skipped")), "{report:#}");
    assert!(outcome["because"].as_str().unwrap().contains("its last delivery failed: AccessDenied"), "{report:#}");
    assert_eq!(emulator.proxy().count("cloudtrail:DeleteTrail"), 0);
    emulator.proxy().calm();

    let report = desk.run(&format!("{destroy} --record record.jsonl")).expect_code(0).json();
    assert_eq!(report["retired"], json!([old_trail]));
    let record = std::fs::read_to_string(desk.path("record.jsonl")).unwrap();
    let lines: Vec<Value> = record.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["result"]).collect::<Vec<_>>(), ["begun", "done"], "{record}");
    for line in lines {
        assert_eq!(line["address"], old_trail);
        assert_eq!(line["removed"]["trail"]["bucket"], BUCKET, "{line:#}");
    }

    // Only now the documents forget it, which is no risk any more.
    let plan = desk.run("plan --format json").expect_code(2).json();
    let documents = ["bucket_policy", "key_policy", "topic"];
    assert_eq!(kinds(&plan), documents.map(|kind| (kind, vec!["safe"])), "{plan:#}");
    desk.run("apply --yes").expect_code(0);
    let plan = desk.run("plan --format json").expect_code(0).json();
    assert_eq!(kept(&plan), Vec::<&str>::new());
    assert_eq!(plan["other_trails"], json!([]));
    eyes.saw_no_gap().await;
    let again = desk.run("apply --yes --destroy acme-org-trail").expect_code(1);
    assert!(again.err.contains("there is no such trail"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn trails_of_accounts_are_handed_over_to_an_organization_trail_without_a_gap() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "    scope: accounts\n");
    desk.run("apply --yes").expect_code(0);
    rewrite(&desk, "- name: acme-org-trail\n    scope: accounts", "- name: acme-trail-2");
    let eyes = Eyes::open(&world).await;
    eyes.watch(&emulator);
    emulator.proxy().clear();
    assert!(eyes.recorded().await.values().all(|trails| trails.len() == 1));

    // The old trails are found although nothing but the bucket policy tells of them.
    let plan = desk.run("plan --format json").expect_code(2).json();
    assert_eq!(kept(&plan).len(), 11, "{plan:#}");
    desk.run("apply --yes --allow costs").expect_code(0);
    let plan = desk.run("plan --format json").expect_code(0).json();
    assert_eq!(kept(&plan).len(), 11, "{plan:#}");
    assert!(eyes.recorded().await.values().all(|trails| trails.len() == 2));

    // One by its ARN, then the rest by their name.
    let web = format!("arn:aws:cloudtrail:eu-central-1:{}:trail/acme-org-trail", world.account("web"));
    desk.run(&format!("apply --yes --destroy {web} --allow destroys")).expect_code(0);
    let plan = desk.run("plan --format json --destroy acme-org-trail").expect_code(2).json();
    assert_eq!(plan["summary"]["retire"], 10, "{plan:#}");
    desk.run("apply --yes --destroy acme-org-trail --allow destroys").expect_code(0);
    desk.run("apply --yes").expect_code(0);
    let plan = desk.run("plan --format json").expect_code(0).json();
    assert_eq!(kept(&plan), Vec::<&str>::new());
    eyes.saw_no_gap().await;
    assert_eq!(emulator.proxy().count("cloudtrail:DeleteTrail"), 11);
    assert_eq!(emulator.proxy().count("cloudtrail:StopLogging"), 0);

    // What was called is what `permissions --destroy` prints.
    let config = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let config = orgtrail::config::parse(&config, "orgtrail.yaml").unwrap();
    for (place, called) in called(&emulator, &world).await {
        let (known, destroy) = (KnownAccounts::default(), ["acme-org-trail".to_owned()]);
        let ask = PermissionsRequest {
            config: &config,
            purpose: Purpose::Apply,
            place,
            known: &known,
            destroy: &destroy,
            sign: None,
            lake: None,
            athena: None,
            recorders: false,
        };
        let given = permissions(&ask).operations;
        let given: BTreeSet<String> =
            given.iter().map(|operation| format!("{}:{}", operation.service.as_str(), operation.name)).collect();
        let missing: Vec<&String> = called.difference(&given).filter(|call| *call != FREE).collect();
        assert!(missing.is_empty(), "{place:?} is not given {missing:?}");
    }
}

#[test]
fn a_trail_that_keeps_its_name_becomes_the_organizations_and_the_others_go_by_that_name() {
    let desk = Desk::offline();
    desk.write("estate.json", include_str!("../../examples/demo/estate.json"));
    let configure = |scope: &str| {
        desk.write(
            "orgtrail.yaml",
            &format!(
                "version: 1\ndeployment: acme\naccounts: {{log: log-archive}}\nhome_region: eu-central-1\n\
                 bucket: {{name: acme-org-cloudtrail}}\ntrails: [{{name: acme-trail, scope: {scope}}}]\n"
            ),
        );
    };
    let run = |command: &str, code| desk.run(&format!("{command} --estate estate.json")).expect_code(code);
    configure("accounts");
    run("apply --yes --allow costs", 0);
    configure("organization");
    let refused = run("apply --yes", 1);
    assert!(refused.err.contains("--allow costs is needed for 111111111111/"), "{}", refused.err);
    run("apply --yes --allow costs", 0);
    let plan = run("plan", 0).out;
    assert!(plan.contains("orgtrail apply --destroy acme-trail --allow destroys"), "{plan}");

    let mut world: Value = serde_json::from_str(&std::fs::read_to_string(desk.path("estate.json")).unwrap()).unwrap();
    let trail = &mut world["estate"]["sightings"]["111111111111/eu-central-1/trail/acme-trail"]["present"]["trail"];
    assert_eq!(trail["organization"], true);
    trail["delivery"]["latest_time"] = "2026-03-02T06:12:41Z".into();
    desk.write("estate.json", &world.to_string());
    run("apply --yes --destroy acme-trail --allow destroys", 0);
    let text = std::fs::read_to_string(desk.path("estate.json")).unwrap();
    let trails = serde_json::from_str::<Value>(&text).unwrap()["estate"]["sightings"].as_object().unwrap().clone();
    let trails =
        trails.iter().filter(|(address, sighting)| address.contains("/trail/") && sighting["present"].is_object());
    let trails: Vec<&String> = trails.map(|(address, _)| address).collect();
    assert_eq!(
        trails,
        ["111111111111/eu-central-1/trail/acme-trail", "111111111111/us-east-1/trail/management-events"],
        "what took over stays, and so does what others made"
    );
    let again = run("apply --yes --destroy acme-trail", 1);
    assert!(again.err.contains("is configured"), "{}", again.err);
}

/// The policies of a reader role of the log account, as IAM has them.
async fn reading(world: &World, role: &str) -> String {
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let mut all = String::new();
    for name in iam.list_role_policies().role_name(role).send().await.unwrap().policy_names {
        let policy = iam.get_role_policy().role_name(role).policy_name(name).send().await.unwrap();
        all.push_str(&policy.policy_document);
    }
    all.replace("%2F", "/").replace("%3A", ":").replace("%2A", "*")
}

/// To another bucket and prefix: members read on in both, and the old place is not given up before a log file lies in
/// the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_bucket_and_prefix_keeps_members_in_their_earlier_logs() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    rewrite(&desk, "  name: acme-org-cloudtrail", "  name: acme-org-cloudtrail-2\n  prefix: audit");
    desk.run("apply --yes --allow interrupts").expect_code(0);

    let web = world.account("web");
    let organization = &world.organization;
    let policies = reading(&world, &format!("CloudTrailReadLogs-{web}")).await;
    for place in ["acme-org-cloudtrail/AWSLogs", "acme-org-cloudtrail-2/audit/AWSLogs"] {
        assert!(policies.contains(&format!("arn:aws:s3:::{place}/{organization}/{web}/*")), "{place} of {policies}");
    }
    desk.run("access --live").expect_code(0);
    let leftovers = desk.run("plan --format json").json()["leftovers"].to_string();
    assert!(leftovers.contains("bucket/acme-org-cloudtrail\""), "{leftovers}");

    // CloudTrail still tells the time of a delivery to the old place.
    let status = r#"{"IsLogging":true,"LatestDeliveryTime":1790000000}"#;
    emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 1, Trouble::Answer(status.into()));
    let plan = desk.run("plan --give-up acme-org-cloudtrail --format json").expect_code(2).json();
    let blockers = plan["blockers"].to_string();
    assert!(blockers.contains("NotGivenUp"), "nothing has arrived in the new place: {blockers}");
}
