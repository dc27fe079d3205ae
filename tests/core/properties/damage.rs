//! Every field of every kind of resource, damaged alone: a plan sees it, or stands on the list of what it need not see.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::estate::{Address, BucketPolicy, Estate, Kind, Sighting};
use orgtrail::organization::{Account, AccountState, Organization, Unit};
use orgtrail::plan::{Plan, PlanOptions, plan};
use orgtrail::policy::PolicyDocument;
use orgtrail::survey::Survey;

use super::{apply, wait};
use crate::worlds::damage::{Damage, Seen, damages};
use crate::worlds::{ACCESS_LOGS, Case, settled};

/// Most of what a configuration can ask for, of organization trails.
const ORGANIZATION: &str = r#"
version: 1
deployment: acme
organization: {delegated_administrators: ["333333333333"]}
accounts: {log: "222222222222"}
home_region: eu-central-1
aws_config: {}
bucket:
  name: acme-org-cloudtrail
  prefix: logs
  object_lock: {mode: governance, days: 30}
  lifecycle: {archive_after_days: 100, expire_after_days: 2555}
  access_logs: acme-access-logs
  tags: {team: security}
trails:
  - name: acme-org-trail
    insights: [ApiCallRateInsight]
    notify: {sns: acme-org-trail}
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 365}
    tags: {team: security}
readers:
  mode: roles
  attach_to: {groups: [auditors], roles: [audit]}
  require_mfa: true
  external_id: acme
guard: {service_control_policy: true}
reconcile: {wake_queue: acme-wake}
lake: {place: "s3://acme-lake/events", readers: ["arn:aws:iam::333333333333:role/analysts"]}
"#;

/// What the other one leaves out: trails of accounts, S3's own encryption, readers without roles.
const ACCOUNTS: &str = r#"
version: 1
deployment: acme
accounts: {log: "222222222222"}
home_region: eu-central-1
bucket: {name: acme-logs, encryption: s3}
trails:
  - name: acme-trail
    scope: accounts
    regions: [eu-central-1]
    global_events: false
    validation: false
readers: {mode: dynamic}
reconcile: {wake_queue: acme-wake}
"#;

/// What a hand may change without drift, and why.
const QUIET: [(&str, &str); 19] = [
    ("key.deletion_date", "it says only when, of a deletion that is told by itself"),
    ("trail.delivery.arrived", "it is asked before an earlier place is given up, and of nothing else"),
    ("bucket.access_logs.added", "a configuration that is silent on them leaves them alone"),
    ("bucket.mfa_delete", "only the root user switches it; a lifecycle that it stops is told"),
    ("bucket.object_lock.added", "a configuration that is silent on it leaves it alone: it cannot be taken back"),
    ("bucket.untouched", "it says only that a bucket without our tag is taken over without consent"),
    ("key_policy.key", "AWS answers it together with the ARN of the key, which is compared"),
    ("policy.description", "it is a label, and IAM lets nobody change it"),
    ("policy.groups.more", "whoever administers an account lets others of it read its own logs"),
    ("policy.roles.more", "whoever administers an account lets others of it read its own logs"),
    ("role.description", "it is a label"),
    ("role.max_session_s.not_wanted", "AWS gives every role a longest session; where none is asked for, any will do"),
    ("role.unique_id", "AWS gives it"),
    ("rule.targets.more", "others may have the events sent to them as well"),
    ("service_control_policy.id", "AWS gives it"),
    ("trail.delivery.asked_at", "without it nobody knows whether a delivery is late"),
    ("trail.delivery.attempt_time", "it says nothing that the latest delivery does not"),
    ("trail.delivery.started_time", "it says nothing that the latest delivery does not"),
    ("trail.delivery.stopped_time", "that it was stopped once is past"),
];

/// The same of whatever has such a field.
const ALWAYS_QUIET: [(&str, &str); 6] = [
    (".id", "the label of a policy"),
    (".sid", "the label of a statement"),
    (".version.no_variables", "the version of a policy decides only whether `${` begins a variable"),
    (".tags.more", "tags of others are theirs"),
    (".not_wanted", "an error of what the trail no longer does is old news"),
    (".well", "nothing is wrong"),
];

/// What only one of the configurations has, so that it is certain to have been tried.
const RARE: [&str; 9] = [
    "bucket.access_logs.prefix",
    "bucket.encryption.bucket_key",
    "bucket.lifecycle.other",
    "bucket.object_lock.days",
    "policy.groups",
    "queue.dead_letters.receptions_max",
    "role.inline.statements",
    "role.max_session_s",
    "rule.targets",
];

pub(super) fn organization() -> Organization {
    let path = vec!["r-ab12".to_owned(), "ou-ab12-11111111".to_owned()];
    let names = ["management", "log-archive", "security", "web"];
    let accounts = names.iter().enumerate().map(|(n, name)| {
        let id = (n + 1).to_string().repeat(12).parse().unwrap();
        let email = format!("{name}@example.com");
        let (path, tags) = (if n == 0 { path[..1].to_vec() } else { path.clone() }, Some(BTreeMap::new()));
        (id, Account { name: (*name).into(), email, state: AccountState::Active, path, tags })
    });
    let root = ("r-ab12".to_owned(), Unit { name: "Root".into(), parent: None });
    let unit = ("ou-ab12-11111111".to_owned(), Unit { name: "All".into(), parent: Some("r-ab12".into()) });
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: orgtrail::ids::Partition::Aws,
        management_account: "111111111111".parse().unwrap(),
        units: BTreeMap::from([root, unit]),
        accounts: accounts.collect(),
    }
}

/// A world in which a configuration was applied.
fn applied(config: &str) -> Survey {
    let config = orgtrail::config::parse(config, "orgtrail.yaml").map_err(|error| error.render(false)).unwrap();
    let case = Case { organization: organization(), config, room_for_roles: None };
    let mut made = None;
    wait(async {
        let cloud = case.cloud();
        cloud.edit(|_, estate| let_access_logs_in(estate)).await.unwrap();
        apply(&case.survey(&cloud, false).await.unwrap().plan, &cloud).await?;
        let survey = case.survey(&cloud, false).await.unwrap();
        settled(&survey.plan)?;
        made = Some(survey);
        Ok(())
    })
    .unwrap();
    made.unwrap()
}

/// Access logs arrive only where the policy of their bucket lets S3 write.
fn let_access_logs_in(estate: &mut Estate) {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::acme-access-logs/*"}]}"#;
    let policy = BucketPolicy { policy: PolicyDocument::parse(policy).unwrap() };
    let bucket = estate.sightings.keys().find(|address| address.name == ACCESS_LOGS).unwrap();
    estate.sightings.insert(bucket.with_kind(Kind::BucketPolicy), Sighting::present(policy));
}

/// One of each: of accounts that are alike, the last.
fn one_of_each(survey: &Survey) -> Vec<Address> {
    let mut chosen: BTreeMap<(Kind, &str, usize), Address> = BTreeMap::new();
    for (address, wanted) in &survey.desired.wanted {
        let depends_on = wanted.depends_on.len();
        chosen.insert((address.kind, wanted.reason, depends_on), address.clone());
    }
    chosen.into_values().collect()
}

fn is_told(plan: &Plan) -> bool {
    !plan.in_sync() || plan.is_partial()
}

fn is_as_said(plan: &Plan, address: &Address, seen: &Seen) -> bool {
    match seen {
        Seen::Change(path) => {
            let touches = |change: &&orgtrail::plan::Change| change.address == *address && change.touches(path);
            plan.changes.iter().any(|change| touches(&change))
        }
        Seen::Told => is_told(plan),
        Seen::Quiet => !is_told(plan),
    }
}

#[test]
fn every_field_of_every_kind_has_a_damage_and_a_plan_says_of_it_what_is_listed() {
    let surveys = [ORGANIZATION, ACCOUNTS].map(applied);
    let addresses =
        surveys.iter().flat_map(|survey| one_of_each(survey).into_iter().map(move |address| (survey, address)));
    // Each damage is a plan of its own.
    let tried: Vec<Tried> = std::thread::scope(|scope| {
        let threads: Vec<_> = addresses.map(|(survey, address)| scope.spawn(move || tried(survey, &address))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let wrong: Vec<_> = tried.iter().filter_map(|tried| tried.wrong.as_ref()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let quiet: BTreeSet<&str> = tried.iter().filter(|t| t.seen == Seen::Quiet).map(|t| t.field.as_str()).collect();
    let listed: BTreeSet<&str> = QUIET.iter().map(|(field, _)| *field).collect();
    let is_always_quiet = |field: &&str| ALWAYS_QUIET.iter().any(|(end, _)| field.ends_with(end));
    assert_eq!(
        quiet.iter().copied().filter(|f| listed.contains(f) || !is_always_quiet(f)).collect::<BTreeSet<_>>(),
        listed
    );
    assert_eq!(tried.iter().map(|tried| tried.kind).collect::<BTreeSet<_>>(), Kind::ALL.iter().copied().collect());
    let untried: Vec<&str> = RARE.iter().copied().filter(|field| !tried.iter().any(|t| t.field == *field)).collect();
    assert_eq!(untried, [""; 0]);
}

/// One damage and what a plan said of it, where that is not what is listed.
struct Tried {
    kind: Kind,
    field: String,
    seen: Seen,
    wrong: Option<String>,
}

/// Tries every damage of one resource.
fn tried(survey: &Survey, address: &Address) -> Vec<Tried> {
    let one = |damage: Damage| {
        let mut estate = survey.observed.clone();
        damage.be_done(&mut estate, address);
        let plan = plan(&survey.desired, &estate, &survey.organization, PlanOptions::default());
        let Damage { field, seen, resource: _ } = damage;
        let is_wrong = !is_as_said(&plan, address, &seen);
        let wrong = is_wrong.then(|| format!("{address}: {field} is not {seen:?}: {:?}", said(&plan)));
        Tried { kind: address.kind, field, seen, wrong }
    };
    damages(survey.observed.resource(address).unwrap()).into_iter().map(one).collect()
}

/// What a plan says, in short.
fn said(plan: &Plan) -> Vec<String> {
    let changes = plan.changes.iter().map(|change| {
        let fields: Vec<&str> = change.fields().iter().map(|field| field.path.as_str()).collect();
        format!("{} {} {}", change.action().as_str(), change.address, fields.join(","))
    });
    let findings = plan.findings.iter().map(|finding| format!("{} {}", finding.code, finding.harm));
    let open = plan.unproven.iter().map(|open| open.why.clone());
    let violations = plan.violations.iter().map(|violation| format!("{violation:?}"));
    let problems = plan.problems.iter().chain(&plan.blockers).map(|problem| problem.message.clone());
    changes.chain(findings).chain(open).chain(violations).chain(problems).collect()
}
