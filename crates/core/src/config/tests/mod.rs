//! Whole texts through the whole of `config`.

use super::*;

mod for_editors;
mod mistakes;
mod roundtrip;
mod yaml_text;

/// A right configuration, for tests to spoil.
const GOOD: &str = r#"version: 1
deployment: acme
organization:
  id: o-exampleorgid
accounts:
  log: "222222222222"
  include: ["ou:/**"]
  exclude: ["ou:/Sandbox/**"]
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  prefix: logs
  encryption: kms
  lifecycle: {archive_after_days: 90, expire_after_days: 365}
trails:
  - name: acme-org-trail
    regions: all
    management_events: {read: true, write: true}
    insights: [ApiErrorRateInsight]
readers:
  role: Read-{{account.id}}
reconcile:
  every: 15m
  max_change: 20%
"#;

/// Returns what is found in a text.
fn findings(text: &str) -> Vec<ConfigFinding> {
    match parse(text, "orgtrail.yaml") {
        Ok(config) => panic!("this is accepted:\n{text}\n{config:?}"),
        Err(errors) => errors.findings().to_vec(),
    }
}

/// Returns the right configuration with one piece replaced.
fn spoiled(right: &str, wrong: &str) -> String {
    assert_eq!(GOOD.matches(right).count(), 1, "{right:?} must stand once in the right text");
    GOOD.replace(right, wrong)
}

#[test]
fn the_right_text_is_right() {
    let config = parse(GOOD, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(config.accounts.log, "222222222222");
    assert_eq!(config.reconcile.every.seconds(), 900);
    assert_eq!(config.reconcile.max_change.number(), 20);
}

#[test]
fn examples_are_right() {
    for text in [
        include_str!("../../../../../examples/quickstart/orgtrail.yaml"),
        include_str!("../../../../../examples/large-organization/orgtrail.yaml"),
        include_str!("../../../../../examples/daemon/orgtrail.yaml"),
        include_str!("../../../../../examples/schedule/orgtrail.yaml"),
    ] {
        parse(text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    }
}

#[test]
fn what_is_left_out_is_safe() {
    let config = parse(include_str!("../../../../../examples/quickstart/orgtrail.yaml"), "orgtrail.yaml").unwrap();
    assert_eq!(config.organization.member_role, "OrganizationAccountAccessRole");
    assert_eq!(config.accounts.include[0].to_string(), "ou:/**");
    assert_eq!(config.bucket.encryption, schema::Encryption::Kms);
    assert!(config.bucket.versioning);
    assert_eq!(config.bucket.key_alias, "alias/orgtrail-{{deployment}}");
    let trail = &config.trails[0];
    assert_eq!((trail.scope, &trail.regions), (schema::TrailScope::Organization, &schema::Regions::All));
    assert!(trail.global_events && trail.validation && trail.management_events.read && trail.management_events.write);
    assert!(trail.insights.is_empty() && trail.data_events.is_empty());
    assert_eq!(config.readers.mode, schema::ReaderMode::Auto);
    assert_eq!(config.readers.session_hours, 1);
    assert_eq!(config.guard.service_control_policy, None);
    assert_eq!(config.reconcile.allow, [schema::AllowedRisk::Safe]);
}

const NINE_MISTAKES: &str = r#"version: 1
deployment: acme corp
accounts:
  log: 222222222222
  include: ["ou:/**"]
  exclude: ["/Sandbox/**"]
home_region: eu-centrl-1
bucket:
  name: acme-org-cloudtrail
  encription: kms
  lifecycle:
    archive_after_days: 400
    archive_class: GLACIER_IR
    expire_after_days: 365
trails:
  - name: acme-{{acount.id}}
    scope: organisation
readers:
  role: CloudTrailReadLogs
"#;

#[test]
fn every_problem_is_reported_in_one_run() {
    let errors = parse(NINE_MISTAKES, "orgtrail.yaml").unwrap_err();
    insta::assert_snapshot!(errors.render(false));
}

#[test]
fn findings_are_data_for_machines() {
    let errors = parse(&spoiled("expire_after_days: 365", "expire_after_days: 30"), "orgtrail.yaml").unwrap_err();
    insta::assert_snapshot!(format!("{:#}", errors.to_json()));
}

#[test]
fn snippets_have_colour_only_where_it_is_asked_for() {
    let errors = parse("version: 2", "orgtrail.yaml").unwrap_err();
    assert!(errors.render(true).contains("\u{1b}["));
    assert!(!errors.render(false).contains("\u{1b}["));
}

#[test]
fn text_of_the_file_cannot_steer_a_terminal() {
    let text = spoiled("prefix: logs", "\"pre\\efix\": \"\\e]0;x\\a\"");
    let errors = parse(&text, "evil\u{1b}[2J.yaml").unwrap_err();
    let rendered = errors.render(false);
    assert!(!rendered.contains(['\u{1b}', '\u{7}']), "{rendered:?}");
    assert!(!errors.to_string().contains('\u{1b}'));
}

#[test]
fn a_flood_of_findings_is_cut_short() {
    let text: String = GOOD.to_owned() + &(0..20_000).map(|n| format!("field{n}: 1\n")).collect::<String>();
    let errors = parse(&text, "orgtrail.yaml").unwrap_err();
    assert_eq!(errors.findings().len(), 20_000);
    let rendered = errors.render(false);
    assert!(rendered.contains("… and 19950 more") && rendered.ends_with("orgtrail.yaml has 20000 errors\n"));
}
