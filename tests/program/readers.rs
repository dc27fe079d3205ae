//! Who reads whose logs, from the configuration to the program's answer, and while one way in replaces the other.

use std::collections::BTreeSet;

use crate::recorded::{Folder, LOG, MEMBER};
use orgtrail::apply::{self, ChangeResult, RunOptions};
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{CloudWriter, NoProgress};
use orgtrail::config::{self, Config};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Desired, Estate, Kind, Resource, Sighting};
use orgtrail::organization::Organization;
use orgtrail::plan::isolation::ArchivePolicies;
use orgtrail::plan::{Action, Change, PlanOptions};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::{Caller, Context, Layers, Named, Request, evaluate, full_access};
use orgtrail::policy::isolation::Invariant;
use orgtrail::policy::template::Templates;
use orgtrail::survey::{Survey, SurveyOptions, Surveyor};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const CONFIGURATION: &str = "version: 1
deployment: acme
accounts: {log: log-archive}
home_region: eu-central-1
bucket: {name: acme-org-cloudtrail, prefix: audit}
trails:
  - name: acme-org-trail
";

fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", &format!("{CONFIGURATION}{more}"));
    folder
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Works on the bucket's policy by another hand.
fn edit_policy(folder: &Folder, mut edit: impl FnMut(&mut PolicyDocument)) {
    folder.edit(|_, estate| {
        for sighting in estate.sightings.values_mut() {
            if let Sighting::Present(resource) = sighting
                && let Resource::BucketPolicy(bucket) = resource.as_mut()
            {
                edit(&mut bucket.policy);
            }
        }
    });
}

fn add_statement(folder: &Folder, statement: &Value) {
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let statement = PolicyDocument::parse(&text).unwrap().statements.remove(0);
    edit_policy(folder, |policy| policy.statements.push(statement.clone()));
}

fn bucket_policy(folder: &Folder) -> PolicyDocument {
    let mut found = None;
    edit_policy(folder, |policy| found = Some(policy.clone()));
    found.unwrap()
}

#[test]
fn isolation_is_proved_before_anything_exists_and_afterwards() {
    for mode in ["roles", "dynamic"] {
        let folder = folder(&format!("readers: {{mode: {mode}, external_id: acme-audit, require_mfa: true}}\n"));
        let planned = folder.must(0, &["access"]);
        assert!(planned.contains("Proved:") && planned.contains("3 readers, 4 accounts"), "{planned}");
        let run = folder.run(&["access", "--live"]);
        assert!(run.code == 1 && run.stderr.contains("does not exist"), "{}", run.stderr);

        folder.must(0, &["apply", "--yes"]);
        let live = json_of(&folder.must(0, &["access", "--live", "--format", "json"]));
        assert_eq!(live["proved"], true, "{live:#}");
        for row in live["tried"].as_array().unwrap() {
            assert_eq!(row["reads"], json!([row["account"]]), "{mode}");
        }
    }
}

#[test]
fn a_member_that_reads_everything_is_a_counter_example_everywhere_until_it_is_trusted() {
    let folder = folder("");
    folder.must(0, &["apply", "--yes"]);
    let reads = json!({
        "Sid": "Siem", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:role/siem", MEMBER)},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*",
    });
    add_statement(&folder, &reads);
    let live = json_of(&folder.must(2, &["access", "--live", "--format", "json"]));
    let violation = &live["violations"][0];
    assert_eq!(violation["invariant"], "reads-only-own");
    assert_eq!(violation["statement"], "bucket policy Statement[3] (Siem)", "{live:#}");

    // The plan has nothing to change, but says what it leaves.
    let plan = json_of(&folder.must(2, &["plan", "--format", "json"]));
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["violations"][0]["kind"], "bucket_policy");
    assert!(folder.must(2, &["plan", "--format", "markdown"]).contains("### Not isolated"));

    let trusted = CONFIGURATION.replace("prefix: audit", &format!("prefix: audit, trusted_readers: [\"{}\"]", MEMBER));
    folder.write("orgtrail.yaml", &trusted);
    folder.must(0, &["plan"]);
    folder.must(0, &["access", "--live"]);
}

#[test]
fn a_template_that_opens_too_much_weakens_and_needs_consent() {
    let folder = folder("");
    folder.must(0, &["apply", "--yes"]);
    std::fs::create_dir(folder.path("mine")).unwrap();
    let wide = include_str!("../../policies/reader.json.hbs").replace("{{json object_arns}}", "\"{{bucket.arn}}/*\"");
    folder.write("mine/reader.json.hbs", &wide);
    let refused = folder.run(&["plan", "--policies", "mine"]);
    assert!(refused.code == 1 && refused.stderr.contains("--allow-grant ReadOwnLogs"), "{}", refused.stderr);
    // Whoever allows it by its name still sees what it does.
    let allowed = ["--policies", "mine", "--allow-grant", "ReadOwnLogs"];
    let plan = json_of(&folder.must(2, &[&["plan", "--format", "json"], &allowed[..]].concat()));
    let roles = plan["changes"].as_array().unwrap();
    assert!(roles.iter().all(|change| change["risk"] == json!(["weakens"])), "{plan:#}");
    let violations = plan["violations"].as_array().unwrap();
    assert!(violations.iter().any(|v| v["invariant"] == "reads-only-own" && v["kind"] == "role"), "{violations:#?}");
    let refused = folder.run(&[&["apply", "--yes"], &allowed[..]].concat());
    assert!(refused.code == 1 && refused.stderr.contains("weakens"), "{}", refused.stderr);
}

#[test]
fn only_break_glass_roles_delete_logs_and_orgtrail_is_never_locked_out() {
    let folder = folder("");
    let glass = format!("arn:aws:iam::{}:role/break-glass", LOG);
    let named = format!("prefix: audit, break_glass_roles: [\"{glass}\"]");
    folder.write("orgtrail.yaml", &CONFIGURATION.replace("prefix: audit", &named));
    folder.must(0, &["apply", "--yes"]);
    folder.must(0, &["plan"]);
    folder.must(0, &["access", "--live"]);

    let policy = bucket_policy(&folder);
    let may = |role: &str, action: &str, resource: &str| {
        let role = format!("arn:aws:iam::{}:role/{role}", LOG).parse().unwrap();
        let own = full_access();
        let request = Request {
            caller: Caller::from_arn(&role).unwrap(),
            action: action.into(),
            resource: format!("arn:aws:s3:::acme-org-cloudtrail{resource}"),
            context: Context::default().with("aws:SecureTransport", "true"),
        };
        let layers = Layers {
            identity: &[Named { name: "own", document: &own }],
            resource: Some(Named { name: "bucket", document: &policy }),
            resource_account: LOG.parse().ok(),
            ..Layers::default()
        };
        evaluate(&request, &layers).is_allowed()
    };
    for (role, reads, deletes, changes) in [
        ("administrator", true, false, false),
        ("break-glass", true, true, true),
        ("OrganizationAccountAccessRole", true, false, true),
    ] {
        assert_eq!(may(role, "s3:GetObject", "/audit/AWSLogs/x"), reads, "{role}");
        assert_eq!(may(role, "s3:DeleteObjectVersion", "/audit/AWSLogs/x"), deletes, "{role}");
        assert_eq!(may(role, "s3:PutBucketPolicy", ""), changes, "{role}");
    }

    std::fs::create_dir(folder.path("mine")).unwrap();
    let closed = include_str!("../../policies/bucket.json.hbs").replace("policy_keepers", "break_glass_roles");
    folder.write("mine/bucket.json.hbs", &closed);
    let refused = folder.run(&["apply", "--yes", "--policies", "mine"]);
    assert!(refused.code == 1 && refused.stderr.contains("bucket-blocks-orgtrail"), "{}", refused.stderr);
}

#[test]
fn a_team_is_told_what_it_needs() {
    let folder = folder("readers: {external_id: acme-audit}\n");
    let pass = json_of(&folder.must(0, &["access", "shop", "--format", "json"]));
    let role = format!("arn:aws:iam::{}:role/CloudTrailReadLogs-{}", LOG, MEMBER);
    assert_eq!(pass["role_arn"], role.as_str());
    let prefix = format!("s3://acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/{}/CloudTrail/", MEMBER);
    assert_eq!(pass["prefixes"][0], prefix.as_str());
    let folders = ["", "-Aggregated", "-Digest", "-Insight", "-NetworkActivity"];
    let all = folders.map(|end| prefix.replace("/CloudTrail/", &format!("/CloudTrail{end}/")));
    assert_eq!(pass["prefixes"], json!(all));
    let text = folder.must(0, &["access", MEMBER]);
    assert!(text.contains(&format!("role_arn = {role}")) && text.contains("external_id = acme-audit"), "{text}");
    let refused = folder.run(&["access", "old"]);
    assert!(refused.code == 1 && refused.stderr.contains("SUSPENDED"), "{}", refused.stderr);
}

#[test]
fn the_policies_that_a_trail_meets_are_explained() {
    let folder = folder("");
    folder.must(2, &["explain", "--live"]);
    folder.must(0, &["apply", "--yes"]);
    folder.must(0, &["explain", "--live"]);
    let closes = json!({
        "Sid": "NoWrites", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*",
    });
    add_statement(&folder, &closes);
    let live = json_of(&folder.must(2, &["explain", "--live", "--format", "json"]));
    assert_eq!(live[0]["accepted"], false);
    assert_eq!(live[0]["refusals"][0]["statement"]["sid"], "NoWrites", "{live:#}");
}

#[test]
fn a_guard_is_proved_attached_and_repaired() {
    let folder = folder("guard: {service_control_policy: true}\n");
    let refused = folder.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("interrupts"), "{}", refused.stderr);
    folder.must(0, &["apply", "--yes", "--allow", "interrupts"]);
    folder.must(0, &["plan"]);
    let guard = |estate: &Estate| {
        let mut all = estate.resources().filter_map(|(_, resource)| match resource {
            Resource::ServiceControlPolicy(policy) => Some(policy.clone()),
            _ => None,
        });
        all.next().unwrap()
    };
    let made = guard(&folder.world().estate);
    assert_eq!(made.targets, BTreeSet::from(["r-ab12".to_owned()]));
    assert!(made.document.size_bytes() <= 5_120, "{}", made.document.size_bytes());
    let text = made.document.to_minified();
    assert!(text.contains(":key/") && !text.contains("orgtrail:key-arn"), "{text}");

    // One that binds orgtrail itself is never sent.
    std::fs::create_dir(folder.path("mine")).unwrap();
    let closed = include_str!("../../policies/guard.json.hbs")
        .replace("{{json exempt_principals}}", "\"arn:aws:iam::*:role/x\"");
    folder.write("mine/guard.json.hbs", &closed);
    let plan = json_of(&folder.must(2, &["plan", "--policies", "mine", "--format", "json"]));
    assert_eq!(plan["blockers"][0]["code"], "guard-blocks-orgtrail", "{plan:#}");
    // One that leaves trails open is not either.
    let open = include_str!("../../policies/guard.json.hbs").replace("cloudtrail:StopLogging", "cloudtrail:AddTags");
    folder.write("mine/guard.json.hbs", &open);
    let plan = json_of(&folder.must(2, &["plan", "--policies", "mine", "--format", "json"]));
    assert_eq!(plan["blockers"][0]["code"], "guard-leaves-open", "{plan:#}");

    // Switched off, it is a leftover until it is pruned, and that weakens.
    folder.write("orgtrail.yaml", &format!("{CONFIGURATION}guard: {{service_control_policy: false}}\n"));
    let plan = json_of(&folder.must(0, &["plan", "--format", "json"]));
    assert_eq!(plan["leftovers"], json!(["111111111111/global/service_control_policy/orgtrail-acme"]), "{plan:#}");
    let refused = folder.run(&["apply", "--yes", "--prune"]);
    assert!(refused.code == 1 && refused.stderr.contains("weakens"), "{}", refused.stderr);
    folder.must(0, &["apply", "--yes", "--prune", "--allow", "weakens,destroys"]);
    assert!(folder.must(0, &["plan", "--format", "json"]).contains("\"leftovers\": []"));
}

fn config_of(mode: &str) -> Config {
    config::parse(&format!("{CONFIGURATION}readers: {{mode: {mode}}}\n"), "orgtrail.yaml").unwrap()
}

async fn survey(config: &Config, cloud: &SimulatedCloud) -> Survey {
    let templates = Templates::new(&[]).unwrap();
    let surveyor = Surveyor { config, templates: &templates, look: cloud, progress: &NoProgress };
    let plan = PlanOptions { prune: true, accept_fewer_accounts: true, ..PlanOptions::default() };
    surveyor.survey(&SurveyOptions { plan, ..SurveyOptions::default() }).await.unwrap()
}

/// Fails where a member cannot read its own logs, or anybody reads more than that.
fn everybody_reads_exactly_its_own(desired: &Desired, world: &Snapshot, after: &str) {
    let Snapshot { organization, estate, .. } = world;
    let policies = ArchivePolicies::live(desired, estate, organization).unwrap();
    let (lacks, more): (Vec<_>, Vec<_>) =
        policies.prove().violations.into_iter().partition(|violation| violation.invariant == Invariant::ReadsOwn);
    assert_eq!(more, vec![], "after {after}");
    for (account, _) in organization.accounts.iter().filter(|(_, account)| account.state.is_active()) {
        let reads = policies.readers.iter().filter(|reader| reader.account == *account).any(|reader| {
            let role = reader.role.as_str();
            let may_enter = !reader.is_assumed() || member_policy(estate, account.as_str()).contains(role);
            may_enter && !lacks.iter().any(|violation| violation.principal == role || violation.resource == role)
        });
        assert!(reads, "{account} reads nothing after {after}");
    }
}

fn member_policy(estate: &Estate, account: &str) -> String {
    let mut policies = estate.resources().filter(|(a, _)| a.kind == Kind::Policy && a.account.as_str() == account);
    match policies.next() {
        Some((_, Resource::Policy(policy))) => policy.document.to_minified(),
        other => panic!("{account} has no member policy: {other:?}"),
    }
}

/// Takes a change that may be made now, as `apply` might: the choice among several is arbitrary.
fn take(left: &mut Vec<Change>, seed: usize) -> Change {
    let open: BTreeSet<Address> = left.iter().map(|change| change.address.clone()).collect();
    let others_left = left.iter().any(|change| change.action() != Action::Retire);
    let is_ready = |change: &Change| {
        !change.depends_on.iter().any(|address| open.contains(address))
            && (change.action() != Action::Retire || !others_left)
    };
    let ready: Vec<usize> = (0..left.len()).filter(|place| is_ready(&left[*place])).collect();
    left.remove(ready[seed % ready.len()])
}

#[tokio::test]
async fn one_way_in_replaces_the_other_without_a_gap() {
    let organization: Organization = Folder::new().world().organization;
    for (before, after) in [("roles", "dynamic"), ("dynamic", "roles")] {
        for seed in 0..8 {
            let cloud = SimulatedCloud::in_memory(Snapshot::whole(organization.clone(), Estate::default()));
            let first = survey(&config_of(before), &cloud).await;
            let options =
                RunOptions { concurrency: 4, gate: &orgtrail::apply::gate::Open, began: jiff::Timestamp::UNIX_EPOCH };
            let report = apply::run(&first.plan, &cloud, &NoProgress, options, &CancellationToken::new()).await;
            assert!(report.outcomes.iter().all(|outcome| outcome.result == ChangeResult::Done));
            everybody_reads_exactly_its_own(&first.desired, &cloud.snapshot(), before);

            let change = survey(&config_of(after), &cloud).await;
            assert!(!change.plan.in_sync());
            let mut left = change.plan.changes.clone();
            let mut dice = seed;
            while !left.is_empty() {
                dice = dice * 31 + 7;
                let next = take(&mut left, dice);
                cloud.execute(&next).await.unwrap();
                let made = format!("{} {}", next.action().as_str(), next.address);
                everybody_reads_exactly_its_own(&change.desired, &cloud.snapshot(), &made);
            }
            assert!(survey(&config_of(after), &cloud).await.plan.in_sync());
        }
    }
}

#[test]
fn a_statement_that_shuts_orgtrail_out_is_a_finding_of_every_run_although_nothing_changes() {
    let folder = folder("");
    folder.must(0, &["apply", "--yes"]);
    let frozen = json!({
        "Sid": "Frozen", "Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketPolicy",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail",
    });
    add_statement(&folder, &frozen);
    for command in [&["plan"][..], &["drift"], &["reconcile", "--once", "--observe"]] {
        let report = json_of(&folder.must(2, &[command, &["--format", "json"]].concat()));
        let findings = report["findings"].as_array().unwrap();
        let of_policy: Vec<&Value> = findings.iter().filter(|found| found["code"] == "blocks-orgtrail").collect();
        assert_eq!(of_policy.len(), 1, "{command:?}: {report:#}");
        assert_eq!(of_policy[0]["harm"], "less-protected");
        assert!(of_policy[0]["message"].as_str().unwrap().contains("(Frozen) denies s3:PutBucketPolicy"), "{report:#}");
    }
    assert_eq!(json_of(&folder.must(2, &["plan", "--format", "json"]))["changes"], json!([]));
}
