//! `orgtrail export --terraform`: what is written is HCL, imports everything, and says nothing else than what is there.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::recorded::Folder;
use hcl::{Body, Expression, Structure};
use orgtrail::estate::{Resource, Sighting};
use serde_json::{Value, json};

const CONFIG: &str = r#"version: 1
deployment: acme
accounts:
  log: "222222222222"
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  object_lock: {mode: governance, days: 30}
  lifecycle: {archive_after_days: 90, expire_after_days: 2555}
trails:
  - name: acme-org-trail
    insights: [ApiErrorRateInsight]
    notify: {sns: acme-org-trail}
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 365}
    data_events:
      - field_selectors:
          - {field: eventCategory, equals: [Data]}
          - {field: resources.type, equals: ["AWS::S3::Object"]}
readers:
  mode: MODE
"#;

fn deployed(mode: &str) -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", &CONFIG.replace("MODE", mode));
    folder.must(0, &["apply", "--yes", "--allow", "costs", "--quiet"]);
    folder
}

/// Returns the labels of all blocks of a kind, as references write them.
fn labels(body: &Body, kind: &str) -> Vec<String> {
    let blocks = body.blocks().filter(|block| block.identifier() == kind);
    blocks.map(|block| block.labels().iter().map(|label| label.as_str()).collect::<Vec<_>>().join(".")).collect()
}

fn attribute(body: &Body, name: &str) -> Option<String> {
    body.attributes().find(|attribute| attribute.key() == name).map(|attribute| attribute.expr().to_string())
}

#[test]
fn everything_that_was_made_is_imported_once() {
    let text = deployed("roles").must(0, &["export", "--terraform"]);
    let body: Body = hcl::from_str(&text).unwrap();
    let resources = labels(&body, "resource");
    let unique: BTreeSet<&String> = resources.iter().collect();
    assert_eq!(unique.len(), resources.len(), "{resources:?}");
    let imported: BTreeSet<String> = body
        .blocks()
        .filter(|block| block.identifier() == "import")
        .map(|block| attribute(block.body(), "to").unwrap())
        .collect();
    assert_eq!(imported, resources.iter().cloned().collect());
    for kind in [
        "aws_cloudtrail",
        "aws_cloudwatch_log_group",
        "aws_iam_policy",
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_kms_alias",
        "aws_kms_key",
        "aws_s3_bucket",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_object_lock_configuration",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_sns_topic",
    ] {
        assert!(resources.iter().any(|label| label.starts_with(&format!("{kind}."))), "no {kind} in {resources:?}");
    }
}

#[test]
fn each_resource_names_a_provider_that_is_there() {
    let text = deployed("roles").must(0, &["export", "--terraform"]);
    let body: Body = hcl::from_str(&text).unwrap();
    let aliases: BTreeSet<String> = body
        .blocks()
        .filter(|block| block.identifier() == "provider")
        .map(|block| format!("aws.{}", attribute(block.body(), "alias").unwrap().trim_matches('"')))
        .collect();
    let used: BTreeSet<String> = body
        .blocks()
        .filter(|block| block.identifier() == "resource")
        .map(|block| attribute(block.body(), "provider").unwrap())
        .collect();
    assert_eq!(aliases, used);
}

#[test]
fn variables_of_policies_are_no_templates() {
    let text = deployed("dynamic").must(0, &["export", "--terraform"]);
    assert!(text.contains("$${aws:PrincipalAccount}"), "{text}");
    assert!(!text.replace("$${", "").contains("${"), "{text}");
    let body: Body = hcl::from_str(&text).unwrap();
    let mut policies = body.blocks().filter(|block| {
        block.identifier() == "resource" && block.labels().iter().any(|label| label.as_str() == "aws_s3_bucket_policy")
    });
    let policy = policies.next().unwrap().body().attributes().find(|attribute| attribute.key() == "policy").unwrap();
    assert!(matches!(policy.expr(), Expression::FuncCall(_)), "{policy:?}");
}

/// Holds the text to `terraform fmt`.
fn assert_formatted(text: &str) {
    let mut command = Command::new("terraform");
    let command = command.args(["fmt", "-check", "-diff", "-no-color", "-"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terraform = match piped.spawn() {
        Ok(terraform) => terraform,
        Err(error) => panic!("this test needs Terraform (https://developer.hashicorp.com/terraform/install): {error}"),
    };
    terraform.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = terraform.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}\n{text}", said(&output.stdout), said(&output.stderr));
}

#[test]
#[ignore = "needs Terraform; run with `cargo test --test program -- --ignored`"]
fn terraform_would_write_it_the_same_way() {
    for mode in ["roles", "dynamic"] {
        let folder = deployed(mode);
        folder.edit(|_, estate| {
            for sighting in estate.sightings.values_mut() {
                let Sighting::Present(resource) = sighting else { continue };
                match resource.as_mut() {
                    Resource::Topic(topic) => drop(topic.tags.insert("a \"key\" = {".into(), "${x} [".into())),
                    Resource::Role(role) => role.description = Some("Ends = [\n# \u{202e}é 日本 🦀 = {".into()),
                    Resource::Key(key) => drop(key.tags.insert("日本 = 🦀🇩🇪é".into(), "wide".into())),
                    _ => {}
                }
            }
        });
        let text = folder.must(0, &["export", "--terraform"]);
        hcl::from_str::<Body>(&text).unwrap();
        assert_formatted(&text);
    }
}

/// Everything that a configuration can ask for and Terraform has a resource for.
const ALL: &str = r#"version: 1
deployment: acme
organization: {delegated_administrators: [shop]}
accounts:
  log: "222222222222"
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  prefix: logs
  object_lock: {mode: governance, days: 30}
  lifecycle: {archive_after_days: 90, expire_after_days: 2555}
  access_logs: acme-access-logs
trails:
  - name: acme-org-trail
    insights: [ApiErrorRateInsight]
    notify: {sns: acme-org-trail}
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 365}
    data_events:
      - field_selectors:
          - {field: eventCategory, equals: [Data]}
          - {field: resources.type, equals: ["AWS::S3::Object"]}
          - {field: resources.ARN, starts_with: ["arn:aws:s3:::acme-"]}
readers:
  attach_to: {groups: [SecurityAnalysts], roles: [SecurityAudit]}
guard: {service_control_policy: true}
"#;

/// Holds a body to the arguments that the provider knows and requires.
fn assert_known(body: &Body, known: &Value, place: &str) {
    for attribute in body.attributes() {
        assert!(known[attribute.key()].is_object(), "{place} has no argument {}", attribute.key());
    }
    for block in body.blocks() {
        let inner = &known[block.identifier()]["block"];
        assert!(inner.is_object(), "{place} has no block {}", block.identifier());
        assert_known(block.body(), inner, &format!("{place}.{}", block.identifier()));
    }
    for (name, _) in known.as_object().unwrap().iter().filter(|(_, argument)| argument["required"] == true) {
        let is_there = attribute(body, name).is_some() || body.blocks().any(|block| block.identifier() == name);
        assert!(is_there, "{place} needs {name}");
    }
}

/// Exports everything.
fn everything() -> String {
    let folder = Folder::new();
    let mut world: Value = serde_json::from_str(&folder.read("estate.json")).unwrap();
    world["estate"]["sightings"]["222222222222/eu-central-1/bucket/acme-access-logs"] = json!({"present": {"bucket": {
        "block_public_access": true, "object_ownership": "BucketOwnerEnforced", "versioning": false, "encryption": null,
        "lifecycle": [], "object_lock": null, "access_logs": null, "requester_pays": false, "tags": {}, "untouched": false,
    }}});
    folder.write("estate.json", &world.to_string());
    folder.write("orgtrail.yaml", ALL);
    // The target of the access logs has no policy that lets them in, which apply says.
    folder.must(2, &["apply", "--yes", "--quiet", "--allow", "costs,interrupts"]);
    folder.must(0, &["export", "--terraform"])
}

#[test]
#[ignore = "needs Terraform; run with `cargo test --test program -- --ignored`"]
fn terraform_would_write_everything_the_same_way() {
    assert_formatted(&everything());
}

#[test]
fn the_provider_knows_every_argument_and_misses_none() {
    let known: Value = serde_json::from_str(include_str!("../data/terraform/aws.json")).unwrap();
    let body: Body = hcl::from_str(&everything()).unwrap();
    let mut written = BTreeSet::new();
    for resource in body.blocks().filter(|block| block.identifier() == "resource") {
        let kind = resource.labels()[0].as_str();
        written.insert(kind.to_owned());
        let own = |structure: &Structure| !matches!(structure, Structure::Attribute(a) if a.key() == "provider");
        let own = Body::builder().add_structures(resource.body().iter().filter(|one| own(one)).cloned()).build();
        assert_known(&own, &known[kind], kind);
    }
    let all: BTreeSet<String> = known.as_object().unwrap().keys().cloned().collect();
    assert_eq!(written, all, "the export writes all that it can");
}

#[test]
fn the_text_is_what_people_read() {
    insta::assert_snapshot!(deployed("dynamic").must(0, &["export", "--terraform"]));
}

#[test]
fn what_somebody_else_made_is_left_out_and_said() {
    let folder = deployed("roles");
    folder.edit(|_, estate| {
        for (address, sighting) in &mut estate.sightings {
            if let Sighting::Present(resource) = sighting
                && let Resource::Topic(topic) = resource.as_mut()
            {
                topic.tags.clear();
                assert_eq!(address.name, "acme-org-trail");
            }
        }
    });
    let run = folder.run(&["export", "--terraform"]);
    assert!(!run.stdout.contains("aws_sns_topic"), "{}", run.stdout);
    assert!(run.stdout.contains("topic/acme-org-trail was made by others"), "{}", run.stdout);
    assert!(run.stderr.contains("not exported"), "{}", run.stderr);
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = Folder::new();
    folder.must(0, &["man", "--output", "man"]);
    let page = folder.read("man/orgtrail-check.1");
    assert!(page.contains(".TH") && page.contains("cis\\-5.0,security\\-hub"), "{page}");
    assert!(folder.path("man/orgtrail.1").exists());
    assert_eq!(folder.run(&["man"]).code, 1, "without a folder");
}
