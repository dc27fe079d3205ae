//! Break-glass roles open, orgtrail stays let in, and nobody else comes in: evaluated under the guard and the policies
//! of every configuration in `examples/`; and the guard of the largest configurations.

use std::fs;
use std::path::Path;

use orgtrail::cloud::NoProgress;
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::config::{self, Config};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Kind, Resource};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::{Caller, Context, Layers, Named, Request, evaluate, full_access};
use orgtrail::policy::template::Templates;
use orgtrail::survey::{Survey, SurveyOptions, Surveyor};
use serde_json::json;

use crate::examples::{files, organization};
use crate::run::Desk;

/// What nobody but a break-glass role does: below the bucket, and to it.
const TO_OBJECTS: [&str; 5] = [
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:BypassGovernanceRetention",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
];
/// What break-glass roles and orgtrail do.
const TO_BUCKET: [&str; 5] = [
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutReplicationConfiguration",
];
const TO_KEY: [&str; 3] = ["kms:PutKeyPolicy", "kms:EnableKey", "kms:ScheduleKeyDeletion"];
const TO_TRAIL: [&str; 4] =
    ["cloudtrail:UpdateTrail", "cloudtrail:StartLogging", "cloudtrail:PutEventSelectors", "cloudtrail:AddTags"];

/// Looks at a world in which nothing was made, and designs.
fn survey(text: &str, estate: &str) -> (Config, Survey) {
    let config = config::parse(text, "orgtrail.yaml").map_err(|error| error.render(false)).unwrap();
    let cloud = SimulatedCloud::in_memory(Snapshot::parse(estate).unwrap());
    let templates = Templates::new(&[]).unwrap();
    let surveyor = Surveyor { config: &config, templates: &templates, look: &cloud, progress: &NoProgress };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let survey = runtime.block_on(surveyor.survey(&SurveyOptions::default())).unwrap();
    (config, survey)
}

/// The policies that stand between somebody and the archive.
struct ArchiveNames {
    management: String,
    guard: Option<PolicyDocument>,
    bucket: (Address, PolicyDocument),
    key: Option<(Address, PolicyDocument)>,
}

impl ArchiveNames {
    fn of(survey: &Survey) -> Self {
        let document = |kind: Kind| {
            survey.desired.wanted.iter().find(|(address, _)| address.kind == kind).map(|(address, wanted)| {
                let document = match &wanted.resource {
                    Resource::ServiceControlPolicy(policy) => policy.document.clone(),
                    other => other.shared_policy().unwrap().clone(),
                };
                (address.clone(), document)
            })
        };
        Self {
            management: survey.organization.management_account.to_string(),
            guard: document(Kind::ServiceControlPolicy).map(|(_, guard)| guard),
            bucket: document(Kind::BucketPolicy).unwrap(),
            key: document(Kind::KeyPolicy),
        }
    }

    /// Whether a role that its own account lets do everything may.
    fn may(&self, role: &str, action: &str, resource: &str, policy: Option<&(Address, PolicyDocument)>) -> bool {
        let full = full_access();
        let named = |name, document| Named { name, document };
        let arn: orgtrail::ids::Arn = role.parse().unwrap();
        let binding: Vec<Vec<Named>> = match &self.guard {
            Some(guard) if arn.account() != self.management => {
                vec![vec![named("FullAWSAccess", &full), named("guard", guard)]]
            }
            _ => Vec::new(),
        };
        let request = Request {
            caller: Caller::from_arn(&arn).unwrap(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: Context::default().with("aws:SecureTransport", "true"),
        };
        let layers = Layers {
            identity: &[named("own", &full)],
            scps: &binding,
            resource: policy.map(|(_, document)| named("policy", document)),
            // A delegated administrator manages the trails of the organization as those of its own account.
            resource_account: policy.map(|(address, _)| address.account.clone()).or_else(|| arn.account().parse().ok()),
            ..Layers::default()
        };
        evaluate(&request, &layers).is_allowed()
    }

    /// Whether a role may do everything of a list to what lies in the log account, or nothing of it.
    fn all_or_nothing(&self, role: &str, expected: bool, actions: &[&str], resource: &str) {
        let policy = if resource.starts_with("arn:aws:kms") { self.key.as_ref() } else { Some(&self.bucket) };
        for action in actions {
            assert_eq!(self.may(role, action, resource, policy), expected, "{role} {action} {resource}");
        }
    }
}

/// Returns a role that a pattern means.
fn one_of(pattern: &str) -> String {
    pattern.replace('*', "x")
}

#[test]
fn in_every_example_break_glass_roles_open_and_orgtrail_stays_let_in_and_nobody_else_comes_in() {
    let mut opened = Vec::new();
    for path in files().into_iter().filter(|path| path.file_name().is_some_and(|name| name == "orgtrail.yaml")) {
        let text = fs::read_to_string(&path).unwrap();
        let own = fs::read_to_string(path.with_file_name("estate.json"));
        let (config, survey) = survey(&text, &own.unwrap_or_else(|_| organization(12).to_string()));
        let site = ArchiveNames::of(&survey);
        let (log, desired) = (survey.desired.log_account.clone(), &survey.desired);
        let bucket = site.bucket.0.with_kind(Kind::Bucket).arn(desired.partition).unwrap().to_string();
        let object = format!("{bucket}/{}/AWSLogs/x.json.gz", config.bucket.prefix);
        let key = site.key.as_ref().map(|(at, _)| format!("arn:aws:kms:{}:{log}:key/any", at.region.as_ref().unwrap()));
        let glass: Vec<String> = config.bucket.break_glass_roles.iter().map(|role| one_of(role)).collect();
        let ours: Vec<String> = config.organization.own_roles.iter().map(|role| one_of(role)).collect();

        for role in &glass {
            site.all_or_nothing(role, true, &TO_OBJECTS, &object);
            site.all_or_nothing(role, true, &TO_BUCKET, &bucket);
        }
        let own_role = desired.own_role.to_string();
        for role in ours.iter().chain([&own_role]).filter(|role| role.contains(log.as_str())) {
            site.all_or_nothing(role, true, &TO_BUCKET, &bucket);
            key.iter().for_each(|key| site.all_or_nothing(role, true, &TO_KEY, key));
        }
        let administrator = format!("arn:aws:iam::{log}:role/administrator");
        if !glass.is_empty() {
            site.all_or_nothing(&administrator, false, &TO_OBJECTS, &object);
            site.all_or_nothing(&administrator, false, &TO_BUCKET, &bucket);
        }
        // Where a trail is managed from another account than the management account, that account's start role is let
        // off.
        for (address, wanted) in desired.wanted.iter().filter(|(address, _)| address.kind == Kind::Trail) {
            let arn = address.arn(desired.partition).unwrap().to_string();
            let may = |role: &str| TO_TRAIL.iter().all(|action| site.may(role, action, &arn, None));
            if wanted.operator == survey.organization.management_account {
                continue;
            }
            let starts: Vec<&String> = ours.iter().filter(|role| role.contains(wanted.operator.as_str())).collect();
            if site.guard.is_some() {
                assert!(!starts.is_empty(), "{}: no role of orgtrail's in {}", path.display(), wanted.operator);
            }
            assert!(starts.iter().all(|role| may(role)), "{}", path.display());
            assert!(may(&own_role.replace(log.as_str(), wanted.operator.as_str())), "{}", path.display());
            let other = format!("arn:aws:iam::{}:role/administrator", wanted.operator);
            assert!(site.guard.is_none() || !may(&other), "{}", path.display());
        }
        if !glass.is_empty() {
            opened.push(folder(&path));
        }
    }
    assert!(opened.contains(&"large-organization".to_owned()), "{opened:?}");
}

fn folder(path: &Path) -> String {
    path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}

/// Names as long as AWS takes them, and as many of everything as five trails in each region of one account allow.
fn largest(roles: usize, pattern: bool) -> String {
    let role = |n: usize| match pattern {
        true => "arn:aws:iam::222222222222:role/break-glass-*".to_owned(),
        false => format!("arn:aws:iam::222222222222:role/{}{n:04}", "b".repeat(60)),
    };
    let roles: Vec<String> = (0..roles).map(role).take(if pattern { 1 } else { usize::MAX }).collect();
    let trail = |n: usize| {
        json!({"name": format!("{}{n}", "t".repeat(127)), "notify": {"sns": format!("{}{n}", "s".repeat(255))},
               "cloudwatch_logs": {"group": format!("{}{n}", "g".repeat(511)), "retention_days": 30,
                                   "role": format!("{}{n}", "r".repeat(63))}})
    };
    json!({
        "version": 1, "deployment": "acme", "accounts": {"log": "222222222222"}, "home_region": "eu-central-1",
        "organization": {"own_roles": roles},
        "bucket": {"name": "b".repeat(63), "break_glass_roles": roles}, "trails": (0..5).map(trail).collect::<Vec<_>>(),
        "guard": {"service_control_policy": true},
        "reconcile": {"wake_queue": "q".repeat(80)},
    })
    .to_string()
}

#[test]
fn the_guard_of_the_largest_configuration_fits_or_the_plan_says_what_does_not() {
    let desk = Desk::offline();
    desk.write("estate.json", &organization(12).to_string());
    for (roles, pattern) in [(1, true), (40, false)] {
        let text = largest(roles, pattern);
        let (_, survey) = survey(&text, &organization(12).to_string());
        let guard = ArchiveNames::of(&survey).guard.unwrap();
        let said: Vec<_> = survey.plan.blockers.iter().filter(|blocker| blocker.code == "LimitExceeded").collect();
        let size = guard.size_bytes();
        let named: Vec<_> = said
            .iter()
            .filter(|blocker| blocker.message.starts_with("characters of the service control policy"))
            .collect();
        assert_eq!(size > 5_120, !named.is_empty(), "{size} {said:#?}");
        // Never cut: everything that is to be guarded is in it.
        let text = guard.to_value().to_string();
        let trails = survey.desired.wanted.keys().filter(|address| address.kind == Kind::Trail);
        assert!(trails.into_iter().all(|trail| text.contains(&trail.name)));
        for blocker in named {
            assert!(
                blocker.message.contains(&format!("{size} would be used, 5120 are allowed")),
                "{}",
                blocker.message
            );
            assert!(blocker.help.contains("5 trails, 5 topics, 5 log groups and 2 queues"), "{}", blocker.help);
        }
        desk.write("orgtrail.yaml", &largest(roles, pattern));
        let plan = desk.run("plan --estate estate.json").expect_code(2).out;
        assert_eq!(plan.contains("of the service control policy"), size > 5_120, "{plan}");
    }
}
