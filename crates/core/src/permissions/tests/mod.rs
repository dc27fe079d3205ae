//! The printed policies, held to the table of operations, to the evaluator and to what must never be done.

use std::collections::BTreeSet;

use super::{AccountKind, KnownAccounts, Permissions, PermissionsRequest, Purpose, permissions};
use crate::config::{self, Config};
use crate::operations::{ALL, Access, CallPurpose, Operation, Service, account as account_op, of};
use crate::policy::PolicyDocument;
use crate::policy::document::{ActionElement, ResourceElement};
use crate::policy::evaluate::{self, Caller, Context, Layers, Named, evaluate};
use crate::policy::lint::{Kind, size_limit_bytes};

mod athena;
mod aws_config;
mod cases;
mod lake;
mod recorders;
mod stack;

use cases::{Case, account, case};

/// A configuration that uses everything.
const FULL: &str = "
version: 1
deployment: acme
organization: {id: o-exampleorgid, member_role: orgtrail-member, delegated_administrators: ['444444444444']}
accounts: {log: '222222222222', exclude: ['tag:team=red']}
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  prefix: audit
  object_lock: {mode: governance, days: 30}
  access_logs: acme-access-logs
trails:
  - name: acme-org-trail
    notify: {sns: acme-topic}
    cloudwatch_logs: {group: /orgtrail/acme, role: acme-writer}
  - name: acme-own-{{account.id}}
    scope: accounts
    cloudwatch_logs: {group: /orgtrail/own, role: acme-writer}
readers: {attach_to: {groups: [auditors], roles: [SecurityAudit]}}
notify: {topic: 'arn:aws:sns:eu-west-1:444444444444:acme-drift'}
guard: {service_control_policy: true}
reconcile:
  wake_queue: acme-orgtrail
  lease: s3://acme-leases/orgtrail/lease.json
  history: s3://acme-history/orgtrail
";

/// The least that can be written.
const SMALL: &str = "
version: 1
deployment: acme
accounts: {log: log-archive}
home_region: us-east-1
bucket: {name: acme-org-cloudtrail, encryption: s3}
trails: [{name: acme-org-trail}]
";

const PURPOSES: [Purpose; 5] = [Purpose::Plan, Purpose::Apply, Purpose::Reconcile, Purpose::Verify, Purpose::Query];
const PLACES: [AccountKind; 3] = [AccountKind::Management, AccountKind::Log, AccountKind::Member];

fn config(text: &str) -> Config {
    config::parse(text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

fn known() -> KnownAccounts {
    KnownAccounts { management: Some("111111111111".parse().unwrap()), log: None }
}

fn request<'a>(
    config: &'a Config,
    purpose: Purpose,
    place: AccountKind,
    known: &'a KnownAccounts,
) -> PermissionsRequest<'a> {
    let (destroy, sign, lake, athena, recorders) = (&[], None, None, None, false);
    PermissionsRequest { config, purpose, place, known, destroy, sign, lake, athena, recorders }
}

fn ask(text: &str, purpose: Purpose, place: AccountKind) -> Permissions {
    permissions(&request(&config(text), purpose, place, &known()))
}

/// Every answer there is.
fn every() -> Vec<(String, Permissions)> {
    let mut all = Vec::new();
    for (name, text) in [("full", FULL), ("small", SMALL)] {
        for purpose in PURPOSES {
            for place in PLACES {
                all.push((format!("{name} {purpose:?} {place:?}"), ask(text, purpose, place)));
            }
        }
    }
    all
}

fn actions(permissions: &Permissions) -> BTreeSet<String> {
    let statements = permissions.documents.iter().flat_map(|document| &document.statements);
    let of = |action: &ActionElement| match action {
        ActionElement::Is(list) => list.clone(),
        ActionElement::IsNot(_) => panic!("what is not listed must not be allowed"),
    };
    statements.flat_map(|statement| of(&statement.action)).collect()
}

/// Tells whether a request of the role in an account is allowed, where the resource's own policy leaves the decision to
/// the account of the role.
fn allows(permissions: &Permissions, account: &str, action: &str, resource: &str, context: Context) -> bool {
    let role = format!("arn:aws:iam::{account}:role/orgtrail-member").parse().unwrap();
    let caller = Caller::Session { role, name: "orgtrail".into() };
    let request = evaluate::Request { caller, action: action.into(), resource: resource.into(), context };
    let identity: Vec<_> = permissions.documents.iter().map(|document| Named { name: "printed", document }).collect();
    let trust = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*",
            "Principal": {{"AWS": "arn:aws:iam::{account}:root"}}}}]}}"#
    );
    let trust = PolicyDocument::parse(&trust).unwrap();
    let owner = resource.split(':').nth(4).and_then(|id| id.parse().ok());
    let layers = Layers {
        identity: &identity,
        resource: Some(Named { name: "trust", document: &trust }),
        resource_account: owner.or_else(|| account.parse().ok()),
        ..Layers::default()
    };
    evaluate(&request, &layers).is_allowed()
}

#[test]
fn every_document_is_a_policy_that_a_managed_policy_has_room_for() {
    for (name, answer) in every() {
        for document in &answer.documents {
            assert_eq!(&PolicyDocument::parse(&document.to_minified()).unwrap(), document, "{name}");
            assert!(
                document.size_bytes() <= size_limit_bytes(Kind::Managed),
                "{name}: {} bytes",
                document.size_bytes()
            );
            let sids: Vec<_> = document.statements.iter().map(|statement| &statement.sid).collect();
            assert_eq!(sids.iter().collect::<BTreeSet<_>>().len(), sids.len(), "{name}: {sids:?}");
        }
        // A role takes ten managed policies (IAM quotas), and other people's are among them.
        assert!(answer.documents.len() <= 3, "{name}: {} documents", answer.documents.len());
    }
}

#[test]
fn what_no_inline_policy_has_room_for_is_said() {
    let note = |sizes: &[usize], purpose, place| {
        let documents = sizes.iter().map(|size| {
            let empty = r#"{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":""}]}"#;
            let text = empty.replace(r#""""#, &format!("\"{}\"", "x".repeat(size - empty.len())));
            PolicyDocument::parse(&text).unwrap()
        });
        let needed = Permissions { documents: documents.collect(), operations: BTreeSet::new(), notes: Vec::new() };
        needed.too_large_inline(purpose, place)
    };
    let says = |size: usize, whose: &str, make: &str| {
        Some(format!("{size} characters are more than all inline policies of {whose} may have together: make {make}"))
    };
    use {AccountKind::*, Purpose::*};
    let managed = "it a customer managed policy";
    assert_eq!(note(&[2_048], Apply, Management), None);
    assert_eq!(note(&[2_049], Apply, Management), says(2_049, "a user (2048)", managed));
    assert_eq!(note(&[6_000], Plan, Management), says(6_000, "a user (2048) or a group (5120)", managed));
    let all = says(10_241, "a user (2048), a group (5120) or a role (10240)", "them 2 customer managed policies");
    assert_eq!(note(&[6_000, 4_241], Apply, Management), all);
    assert_eq!(note(&[6_000, 4_000], Apply, Log), None);
    let role = says(10_241, "a role (10240)", "them 2 customer managed policies");
    assert_eq!(note(&[6_000, 4_241], Reconcile, Member), role);
    assert_eq!(note(&[3_000], Verify, Log), says(3_000, "a user (2048)", managed));
}

/// Rule 1 of the design.
#[test]
fn what_must_never_be_done_is_never_printed() {
    let never = [
        "organizations:DisableAWSServiceAccess",
        "organizations:DeregisterDelegatedAdministrator",
        "cloudtrail:StopLogging",
        "cloudtrail:DeleteTrail",
        "cloudtrail:DeregisterOrganizationDelegatedAdmin",
        "kms:ScheduleKeyDeletion",
        "kms:DisableKey",
        "kms:DeleteAlias",
        "s3:DeleteBucket",
        "s3:DeleteBucketPolicy",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "sns:DeleteTopic",
        "sqs:DeleteQueue",
        "logs:DeleteLogGroup",
    ];
    for (name, answer) in every() {
        for action in actions(&answer) {
            assert!(!never.contains(&action.as_str()), "{name} has {action}");
            assert!(!action.contains('*'), "{name} has {action}, which may be anything");
        }
        let log_file = "arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333/x.json.gz";
        assert!(!allows(&answer, "111111111111", "s3:PutObject", log_file, Context::default()), "{name}");
    }
}

#[test]
fn the_daemon_may_write_its_lease_and_its_history_and_no_other_object() {
    let here = account(AccountKind::Management);
    let may = |purpose, object: &str| {
        let answer = ask(FULL, purpose, AccountKind::Management);
        allows(&answer, here, "s3:PutObject", &format!("arn:aws:s3:::{object}"), Context::default())
    };
    assert!(may(Purpose::Reconcile, "acme-leases/orgtrail/lease.json"));
    assert!(may(Purpose::Reconcile, "acme-history/orgtrail/acme.json"));
    for other in ["acme-history/orgtrail/other.json", "acme-history/x", "acme-org-cloudtrail/audit/x"] {
        assert!(!may(Purpose::Reconcile, other), "{other}");
    }
    assert!(!may(Purpose::Apply, "acme-history/orgtrail/acme.json"));
}

#[test]
fn a_trail_may_be_deleted_only_where_it_was_named() {
    let destroy = ["arn:aws:cloudtrail:eu-central-1:111111111111:trail/old".to_owned(), "older".to_owned()];
    let asked = |purpose, place| {
        let (config, known) = (config(FULL), known());
        permissions(&PermissionsRequest { destroy: &destroy, ..request(&config, purpose, place, &known) })
    };
    let delete = |answer: &Permissions, account: &str, name: &str| {
        let arn = format!("arn:aws:cloudtrail:eu-central-1:{account}:trail/{name}");
        allows(answer, account, "cloudtrail:DeleteTrail", &arn, Context::default())
    };
    let apply = asked(Purpose::Apply, AccountKind::Management);
    assert!(delete(&apply, "111111111111", "old") && delete(&apply, "111111111111", "older"));
    assert!(!delete(&apply, "111111111111", "acme-org-trail"));
    let member = asked(Purpose::Apply, AccountKind::Member);
    assert!(delete(&member, "333333333333", "older") && !delete(&member, "333333333333", "acme-org-trail"));
    for purpose in [Purpose::Plan, Purpose::Reconcile, Purpose::Verify] {
        assert!(!delete(&asked(purpose, AccountKind::Management), "111111111111", "old"), "{purpose:?}");
    }
}

#[test]
fn commands_that_look_are_given_no_action_that_writes() {
    let of = |access: Access| {
        ALL.iter().filter(move |operation| operation.access == access).flat_map(|operation| operation.actions)
    };
    let reads: BTreeSet<_> = of(Access::Read).collect();
    let writes: BTreeSet<&str> = of(Access::Write).filter(|action| !reads.contains(action)).copied().collect();
    for (name, answer) in every().iter().filter(|(name, _)| name.contains("Plan") || name.contains("Verify")) {
        for action in actions(answer) {
            assert!(!writes.contains(action.as_str()), "{name} has {action}");
        }
    }
    assert!(writes.contains("iam:PassRole") && writes.contains("s3:PutBucketPolicy"));
}

#[test]
fn a_purpose_has_no_more_than_the_next_one() {
    for place in PLACES {
        let [plan, apply, reconcile] =
            [Purpose::Plan, Purpose::Apply, Purpose::Reconcile].map(|purpose| actions(&ask(FULL, purpose, place)));
        assert!(plan.is_subset(&apply), "{place:?}: {:?}", plan.difference(&apply));
        let removals = [
            "iam:DeleteRole",
            "iam:DeletePolicy",
            "organizations:DeletePolicy",
            "iam:DetachUserPolicy",
            "events:DeleteRule",
        ];
        assert!(removals.iter().all(|action| !reconcile.contains(*action)), "{place:?}");
        assert!(apply.contains("iam:DeletePolicy"), "{place:?}");
    }
}

/// Only for an organization trail CloudTrail looks at the organization and makes its service-linked role.
fn is_needed(place: AccountKind, operation: &Operation, action: &str) -> bool {
    let of_organization = action.starts_with("organizations:") || action == "iam:CreateServiceLinkedRole";
    operation.service != Service::CloudTrail || place == AccountKind::Management || !of_organization
}

#[test]
fn what_a_command_calls_is_allowed_on_the_configured_names_and_on_no_others() {
    for purpose in PURPOSES {
        for place in PLACES {
            let answer = ask(FULL, purpose, place);
            let here = account(place);
            for operation in &answer.operations {
                for action in operation.actions.iter().filter(|action| is_needed(place, operation, action)) {
                    let Case { own, foreign, context } = case(action, here);
                    let what = format!("{purpose:?} {place:?}: {action}");
                    assert!(allows(&answer, here, action, &own, context.clone()), "{what} on {own}");
                    if let Some(foreign) = foreign {
                        assert!(!allows(&answer, here, action, &foreign, context), "{what} on {foreign}");
                    }
                }
            }
            let needed = answer.operations.iter().flat_map(|o| {
                o.actions.iter().filter(move |action| is_needed(place, o, action)).map(|action| (*action).to_owned())
            });
            assert_eq!(actions(&answer), needed.collect(), "{purpose:?} {place:?}");
        }
    }
}

/// An operation that is in the table, but that no kind of account is given, could not be called.
#[test]
fn every_operation_of_the_table_is_given_somewhere() {
    let mut given: BTreeSet<Operation> = BTreeSet::new();
    for purpose in PURPOSES {
        for place in PLACES {
            given.extend(ask(FULL, purpose, place).operations);
        }
    }
    given.extend(signing(Purpose::Verify, AccountKind::Log, SIGNING_KEY).operations);
    given.extend(lake::needed(AccountKind::Log, Some(lake::KEY)).operations);
    given.extend(athena::needed(AccountKind::Log, true).operations);
    for place in [AccountKind::Management, AccountKind::Log] {
        given.extend(aws_config::needed("{}", Purpose::Apply, place).operations);
    }
    for purpose in [Purpose::Plan, Purpose::Query] {
        given.extend(recorders::needed(purpose, AccountKind::Member).operations);
    }
    let missing: Vec<&str> = ALL.iter().filter(|o| !given.contains(o)).map(Operation::as_str).collect();
    // A configured log group always has a retention; to say who one is needs no permission (STS API,
    // `GetCallerIdentity`). What deletes a trail is given for trails that are named, and for nothing else.
    assert_eq!(missing, ["logs:DeleteRetentionPolicy", "sts:GetCallerIdentity", "cloudtrail:DeleteTrail"]);
}

#[test]
fn everything_is_granted_only_where_aws_knows_no_resource_or_a_condition_narrows_it() {
    let unnamed = [
        "EnableAWSServiceAccess",
        "LookupEvents",
        "RegisterDelegatedAdministrator",
        "RegisterOrganizationDelegatedAdmin",
        "GetAccountAuthorizationDetails",
        "GetAccountSummary",
    ];
    for (name, answer) in every() {
        for statement in answer.documents.iter().flat_map(|document| &document.statements) {
            let Some(ResourceElement::Is(resources)) = &statement.resource else { panic!("{name}") };
            let ActionElement::Is(actions) = &statement.action else { panic!("{name}") };
            if !resources.contains(&"*".to_owned()) || !statement.condition.is_empty() {
                continue;
            }
            for action in actions {
                let bare = action.split_once(':').unwrap().1;
                let reads = ["List", "Describe"].iter().any(|verb| bare.starts_with(verb));
                assert!(reads || unnamed.contains(&bare), "{name}: {action} on everything");
            }
        }
    }
}

#[test]
fn what_is_not_known_is_said() {
    let config = config(SMALL);
    let nobody = KnownAccounts::default();
    let notes = |purpose, place| permissions(&request(&config, purpose, place, &nobody)).notes;
    assert!(notes(Purpose::Apply, AccountKind::Management)[0].contains("--management"));
    assert!(notes(Purpose::Plan, AccountKind::Log)[0].contains("--log"));
    let text = SMALL.replace("trails:", "readers: {role: '{{account.name}}'}\ntrails:");
    let loose = ask(&text, Purpose::Apply, AccountKind::Log).notes;
    assert!(loose.iter().any(|note| note.contains("OrganizationAccountAccessRole")), "{loose:?}");
}

#[test]
fn a_question_needs_nothing_but_reading_the_logs() {
    let needed = actions(&ask(FULL, Purpose::Query, AccountKind::Log));
    let objects = ["s3:GetObject", "s3:GetObjectVersion"];
    let expected =
        ["account:ListRegions", "kms:Decrypt", "s3:GetBucketLocation", objects[0], objects[1], "s3:ListBucket"];
    assert_eq!(needed, expected.map(str::to_owned).into());
    let proof = actions(&ask(FULL, Purpose::Verify, AccountKind::Log));
    assert!(needed.is_subset(&proof), "{proof:?}");
}

#[test]
fn verify_enters_the_log_account_and_needs_nothing_but_reading_there() {
    let member = actions(&ask(FULL, Purpose::Verify, AccountKind::Member));
    assert_eq!(member, ["account:ListRegions".to_owned()].into());
    let entry = ask(FULL, Purpose::Verify, AccountKind::Management);
    let may_enter = |role: &str| {
        let role = format!("arn:aws:iam::222222222222:role/{role}");
        allows(&entry, "111111111111", "sts:AssumeRole", &role, Context::default())
    };
    assert!(may_enter("orgtrail-member") && !may_enter("Admin"));
    let actions = actions(&ask(FULL, Purpose::Verify, AccountKind::Log));
    for needed in ["s3:ListBucket", "s3:GetObject", "kms:Decrypt", "cloudtrail:ListPublicKeys"] {
        assert!(actions.contains(needed), "{needed}");
    }
    let mut without_kms = FULL.replace("  prefix: audit\n", "  prefix: audit\n  encryption: s3\n");
    assert!(!self::actions(&ask(&without_kms, Purpose::Verify, AccountKind::Log)).contains("kms:Decrypt"));
    let key = "arn:aws:kms:eu-central-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    without_kms = without_kms.replace("encryption: s3", &format!("encryption: {key}"));
    let through_s3 = Context::default().with("kms:ViaService", "s3.eu-central-1.amazonaws.com");
    assert!(allows(
        &ask(&without_kms, Purpose::Verify, AccountKind::Log),
        "222222222222",
        "kms:Decrypt",
        key,
        through_s3
    ));
}

const SIGNING_KEY: &str = "arn:aws:kms:eu-central-1:444444444444:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn signing(purpose: Purpose, place: AccountKind, key: &str) -> Permissions {
    let key = key.parse().unwrap();
    permissions(&PermissionsRequest { sign: Some(&key), ..request(&config(FULL), purpose, place, &known()) })
}

#[test]
fn evidence_is_signed_with_the_named_key_and_no_other() {
    let asked = signing(Purpose::Verify, AccountKind::Log, SIGNING_KEY);
    let may = |action, key| allows(&asked, "222222222222", action, key, Context::default());
    let other = SIGNING_KEY.replace("1234abcd", "00000000");
    for action in ["kms:Sign", "kms:GetPublicKey"] {
        assert!(may(action, SIGNING_KEY) && !may(action, &other), "{action}");
        let without = ask(FULL, Purpose::Verify, AccountKind::Log);
        assert!(!allows(&without, "222222222222", action, SIGNING_KEY, Context::default()), "{action}");
    }
    assert!(!may("kms:Decrypt", SIGNING_KEY), "a key that signs decrypts nothing");
}

#[test]
fn verify_reads_the_earlier_places_too() {
    let key = "arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let text = format!("{FULL}earlier: [{{bucket: acme-of-2019, prefix: old, region: eu-west-1, key: '{key}'}}]\n");
    let asked = ask(&text, Purpose::Verify, AccountKind::Log);
    let may = |action, resource| allows(&asked, "222222222222", action, resource, Context::default());
    for bucket in ["arn:aws:s3:::acme-of-2019", "arn:aws:s3:::acme-org-cloudtrail"] {
        assert!(may("s3:ListBucket", bucket), "{bucket}");
    }
    assert!(may("s3:GetObject", "arn:aws:s3:::acme-of-2019/old/AWSLogs/o-exampleorgid/x"));
    assert!(may("s3:GetObject", "arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/x"));
    assert!(!may("s3:GetObject", "arn:aws:s3:::acme-of-2019/other"));
    let through = |service: &str| Context::default().with("kms:ViaService", service);
    let decrypts = |service| allows(&asked, "222222222222", "kms:Decrypt", key, through(service));
    assert!(decrypts("s3.eu-west-1.amazonaws.com") && !decrypts("s3.eu-central-1.amazonaws.com"));
}

/// What reads the logs may call the archive's part of the table, and no more of it is given than that.
#[test]
fn verify_is_given_the_archives_part_of_the_table() {
    let given = signing(Purpose::Verify, AccountKind::Log, SIGNING_KEY).operations;
    let called = of(CallPurpose::Archive).filter(|operation| operation.service != Service::Sts);
    // Which regions an account has is asked before, with the session of every command that looks.
    assert_eq!(given, called.chain([&account_op::LIST_REGIONS]).copied().collect());
}
