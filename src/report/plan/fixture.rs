//! Organizations and changes for the tests of reports: account 1 manages, account 2 holds the logs, the rest are
//! members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::apply::outcome::{ApplyReport, Because, ChangeOutcome, ChangeResult, DeliveryState, TrailDelivery};
use crate::estate::{Address, FieldValue, Kind, Problem, Resource, Stage, StatementRef, TrustedAccess};
use crate::ids::{AccountId, Partition};
use crate::organization::{Account, AccountState, Organization, Unit};
use crate::plan::{
    Action, Author, Begun, Change, Differences, FieldChange, Finding, Harm, Headroom, Leftover, OtherTrail, Plan,
    PlanOptions, Risk, Step, Unproven, Violation,
};
use crate::policy::isolation::Invariant;

/// What an attacker may call an account: ANSI escapes, markup, table pipes, mentions, links, right-to-left marks.
pub const HOSTILE: &str =
    "\u{1b}[2J\u{9b}31m|`<script>alert(1)</script>`\n# @admin\r\u{202e}[x](javascript:x) https://evil.example -->\"'";

pub fn account_id(number: usize) -> AccountId {
    format!("{:012}", 100_000_000_000 + number).parse().unwrap()
}

/// Makes an organization of so many accounts in up to four units.
pub fn organization(accounts: usize) -> Organization {
    let unit = |name: &str, parent: Option<&str>| Unit { name: name.into(), parent: parent.map(str::to_owned) };
    let units = BTreeMap::from([
        ("r-ab12".to_owned(), unit("Root", None)),
        ("ou-ab12-security".to_owned(), unit("Security", Some("r-ab12"))),
        ("ou-ab12-workloads".to_owned(), unit("Workloads", Some("r-ab12"))),
        ("ou-ab12-prod".to_owned(), unit("Prod", Some("ou-ab12-workloads"))),
        ("ou-ab12-empty".to_owned(), unit("Empty", Some("r-ab12"))),
    ]);
    let path = |number: usize| match number {
        1 => vec!["r-ab12".to_owned()],
        2 => vec!["r-ab12".into(), "ou-ab12-security".into()],
        n if n % 2 == 0 => vec!["r-ab12".into(), "ou-ab12-workloads".into()],
        _ => vec!["r-ab12".into(), "ou-ab12-workloads".into(), "ou-ab12-prod".into()],
    };
    let account = |number: usize| Account {
        name: match number {
            1 => "acme-management".into(),
            2 => "acme-log".into(),
            n => format!("team-{n:03}"),
        },
        email: format!("aws+{number}@example.com"),
        state: if number == 6 { AccountState::Suspended } else { AccountState::Active },
        path: path(number),
        tags: None,
    };
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: account_id(1),
        units,
        accounts: (1..=accounts).map(|n| (account_id(n), account(n))).collect(),
    }
}

/// Makes a plan in which every text that others decide is hostile.
pub fn hostile() -> (Plan, Organization) {
    let mut organization = organization(12);
    let account = organization.accounts.get_mut(&account_id(7)).unwrap();
    account.name = HOSTILE.into();
    organization.units.get_mut("ou-ab12-prod").unwrap().name = HOSTILE.into();
    let mut plan = plan(1);
    let statement = json!({"Sid": HOSTILE, "Effect": "Allow", "Action": HOSTILE, "Resource": HOSTILE});
    plan.changes.push(
        change(Action::Update, 7, Kind::LogGroup, HOSTILE)
            .risks(&[Risk::Weakens], HOSTILE)
            .field("tags", json!({"a": "b"}), json!({ HOSTILE: HOSTILE }))
            .field("policy", Value::Null, json!({"Statement": [statement]})),
    );
    let address = Some(plan.changes[0].address.clone());
    let text = || HOSTILE.to_owned();
    plan.problems = vec![Problem { code: text(), message: text(), help: text(), address, ..unreadable(7) }];
    plan.blockers = vec![Problem { code: text(), message: text(), help: text(), ..unreadable(7) }];
    plan.other_trails[0].finding = text();
    plan.other_trails[0].cost = text();
    plan.other_trails[0].overlap = text();
    plan.other_trails[0].commands = vec![text()];
    plan.leftovers = vec![Leftover { address: plan.other_trails[0].address.clone(), until: None, how: text() }];
    plan.leftovers[0].address.name = text();
    plan.other_trails[0].address.name = text();
    plan.headroom[0].what = text();
    let violation = &mut plan.violations[0];
    (violation.principal, violation.resource, violation.statement) = (text(), text(), Some(text()));
    (plan, organization)
}

/// Fails where a character of this text would be obeyed instead of shown.
pub fn assert_nothing_acts(text: &str) {
    let acting = text.chars().find(|c| c.is_control() && *c != '\n' || ('\u{200b}'..'\u{2070}').contains(c));
    assert_eq!(acting, None, "in {text:?}");
}

pub fn change(action: Action, account: usize, kind: Kind, name: &str) -> Change {
    let account = account_id(account);
    let address = match kind {
        Kind::Role | Kind::Policy | Kind::TrustedAccess => Address::global(&account, kind, name),
        _ => Address::regional(&account, &"eu-central-1".parse().unwrap(), kind, name),
    };
    Change {
        address,
        operator: account,
        step: step(action, Vec::new()),
        risk: BTreeSet::from([Risk::Safe]),
        harm: Harm::Harmless,
        reason: "trails[0]".into(),
        depends_on: Vec::new(),
    }
}

/// What an update differs in as long as [`Change::field`] has not said it.
const NOTHING_YET: &str = "nothing-yet";

/// Reports print the fields, not the resources: one that says nothing stands for each.
fn step(action: Action, fields: Vec<FieldChange>) -> Step {
    let (desired, observed) = (Resource::from(TrustedAccess {}), Resource::from(TrustedAccess {}));
    match action {
        Action::Create => Step::Create { desired, begun: Some(Begun { observed, fields }) },
        Action::Update => {
            let nothing_yet = || vec![FieldChange { path: NOTHING_YET.into(), before: None, after: None }];
            let fields = Differences::of(fields).or_else(|| Differences::of(nothing_yet())).unwrap();
            Step::Update { desired, observed, fields }
        }
        Action::Adopt => Step::Adopt { desired, observed, fields },
        Action::Retire => Step::Retire { observed },
    }
}

/// How a change of a test is drawn, part by part.
pub trait DrawChange {
    /// Adds a field that differs.
    fn field(self, path: &str, before: Value, after: Value) -> Self;
    /// Says what making it risks, and why it is wanted.
    fn risks(self, risks: &[Risk], reason: &str) -> Self;
}

impl DrawChange for Change {
    fn field(mut self, path: &str, before: Value, after: Value) -> Self {
        let value = |value: Value| (!value.is_null()).then_some(FieldValue::Plain(value));
        let said = self.fields().iter().filter(|field| field.path != NOTHING_YET).cloned();
        let field = FieldChange { path: path.into(), before: value(before), after: value(after) };
        self.step = step(self.action(), said.chain([field]).collect());
        self
    }

    fn risks(mut self, risks: &[Risk], reason: &str) -> Self {
        self.risk = risks.iter().copied().collect();
        self.reason = reason.into();
        self
    }
}

fn trust(accounts: &[&str]) -> Value {
    let roots: Vec<String> = accounts.iter().map(|id| format!("arn:aws:iam::{id}:root")).collect();
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": roots}, "Action": "sts:AssumeRole"}]})
}

/// Makes a change of the reader role of this account in the log account.
pub fn role_change(action: Action, reader: usize) -> Change {
    let id = account_id(reader);
    let role = change(action, 2, Kind::Role, &format!("CloudTrailReadLogs-{id}")).risks(&[Risk::Safe], "readers.role");
    let objects = format!("arn:aws:s3:::acme-org-cloudtrail/AWSLogs/o-exampleorgid/{id}/*");
    let reads = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "ReadOwnLogs", "Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": objects},
        {"Sid": "DecryptLogs", "Effect": "Allow", "Action": "kms:Decrypt",
         "Resource": format!("orgtrail:key-arn:{}/eu-central-1/key/alias/orgtrail-acme", account_id(2))}]});
    role.field("trust", Value::Null, trust(&[id.as_str()]))
        .field("inline.ReadOwnLogs", Value::Null, reads)
        .field("max_session_s", Value::Null, json!(3600))
        .field("tags", Value::Null, json!({"orgtrail:account": id.as_str(), "orgtrail:deployment": "acme"}))
}

fn member_policy(account: usize) -> Change {
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Resource": format!("arn:aws:iam::{}:role/CloudTrailReadLogs-{}", account_id(2), account_id(account))}]});
    change(Action::Create, account, Kind::Policy, "CloudTrailReadLogs")
        .risks(&[Risk::Safe], "readers.member_policy")
        .field("document", Value::Null, document)
}

fn bucket_policy() -> Change {
    let write = |condition: Value| {
        json!({"Sid": "OrgtrailCloudTrailWrite", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/AWSLogs/*", "Condition": condition})
    };
    let tls = json!({"Sid": "OrgtrailTlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    let open = json!({"Sid": "Everyone", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"});
    let arn = |name: &str| format!("arn:aws:cloudtrail:eu-central-1:{}:trail/{name}", account_id(1));
    let before = json!({"Version": "2012-10-17", "Statement": [
        write(json!({"StringEquals": {"aws:SourceArn": arn("old")}})), open]});
    let after = json!({"Version": "2012-10-17", "Statement": [
        write(json!({"StringEquals": {"aws:SourceArn": arn("acme-org-trail")}})), tls]});
    change(Action::Update, 2, Kind::BucketPolicy, "acme-org-cloudtrail")
        .risks(&[Risk::Interrupts, Risk::Weakens], "bucket")
        .field("policy", before, after)
}

/// Makes a plan with every action, risk and section for an organization of so many accounts.
pub fn plan(accounts: usize) -> Plan {
    let mut changes = vec![
        change(Action::Adopt, 2, Kind::Bucket, "acme-org-cloudtrail")
            .risks(&[Risk::Safe], "bucket.name")
            .field("versioning", json!(false), json!(true))
            .field(
                "encryption.key",
                json!(null),
                json!(format!("orgtrail:key-arn:{}/eu-central-1/key/alias/x", account_id(2))),
            )
            .field("tags", json!({"team": "old"}), json!({"team": "old", "orgtrail:deployment": "acme"}))
            .field("lifecycle", json!([{"id": "a", "prefix": "", "transitions": [[90, "GLACIER"]]}]), json!([])),
        bucket_policy(),
    ];
    let members = || (3..=accounts).filter(|n| *n != 6);
    changes.extend(members().map(|n| role_change(Action::Create, n)));
    changes.extend(members().map(member_policy));
    changes.push(
        change(Action::Update, 1, Kind::Trail, "acme-org-trail")
            .risks(&[Risk::Costs], "trails[0].management_events")
            .field("logging", json!(false), json!(true))
            .field("insights", json!(["ApiCallRateInsight"]), json!(["ApiCallRateInsight", "ApiErrorRateInsight"])),
    );
    changes.push(change(Action::Retire, 2, Kind::Topic, "old-topic").risks(&[Risk::Destroys], "trails[0].notify"));
    Plan {
        organization: "o-exampleorgid".parse().unwrap(),
        deployment: "acme".into(),
        changes,
        urgent: Vec::new(),
        unchanged: 812,
        blockers: vec![Problem {
            account: account_id(2),
            address: None,
            stage: Stage::Plan,
            code: "RoleQuota".into(),
            message: "the roles do not fit: 1,020 of 1,000".into(),
            help: "ask for a higher quota, or set readers.mode to dynamic".into(),
        }],
        problems: (3..=accounts.min(5)).map(unreadable).collect(),
        options: PlanOptions::default(),
        trails: Vec::new(),
        leftovers: Vec::new(),
        other_trails: vec![OtherTrail {
            address: change(Action::Create, 1, Kind::Trail, "aws-controltower-BaselineCloudTrail").address,
            finding: "a trail of AWS Control Tower records all management events".into(),
            cost: "the second copy costs 2.00 USD for 100,000 events".into(),
            overlap: "both record since 2026-01-01T00:00:00Z, until it is retired".into(),
            commands: vec!["aws cloudtrail stop-logging --name x --region eu-central-1".into()],
        }],
        headroom: vec![
            headroom("bytes of the bucket policy", 18_432, 20_480),
            headroom("roles in the account", 12, 1000),
        ],
        violations: vec![violation()],
        unproven: Vec::new(),
        findings: Vec::new(),
        fingerprint: "00".into(),
    }
}

/// Adds to a plan a finding of each harm, a stopped trail, and what is not proved.
pub fn assessed(mut plan: Plan, text: &str) -> Plan {
    let trail = change(Action::Update, 1, Kind::Trail, "acme-org-trail").address;
    let finding = |harm: Harm, code: &str| Finding {
        harm,
        address: trail.clone(),
        code: code.into(),
        message: format!("{text} says {code}"),
        since: Some("2026-03-01T12:00:00Z".into()),
        until: (harm == Harm::LogsLost).then(|| "2026-03-31T12:00:00Z".into()),
        help: format!("look at {text}"),
        statement: None,
    };
    plan.findings =
        vec![finding(Harm::LessProtected, "digest-delivery-fails"), finding(Harm::LogsLost, "delivery-fails")];
    for change in &mut plan.changes {
        change.harm = match change.address.kind {
            Kind::Trail => Harm::NothingRecorded,
            Kind::BucketPolicy => Harm::LogsExposed,
            Kind::Bucket | Kind::Role => Harm::LessProtected,
            _ => Harm::Harmless,
        };
    }
    plan.unproven = vec![Unproven {
        address: bucket_policy().address,
        invariant: Invariant::NobodyOutside,
        principal: text.into(),
        why: format!("the meaning of {text} is not known"),
    }];
    plan
}

fn violation() -> Violation {
    Violation {
        address: bucket_policy().address,
        invariant: Invariant::NobodyOutside,
        principal: "arn:aws:iam::999999999999:role/vendor".into(),
        action: "s3:GetObject".into(),
        resource: format!("arn:aws:s3:::acme-org-cloudtrail/AWSLogs/o-exampleorgid/{}/x", account_id(1)),
        statement: Some("bucket policy Statement[3] (Vendor)".into()),
        author: Some(Author::Others(StatementRef { address: bucket_policy().address, name: "Vendor".into() })),
    }
}

fn headroom(what: &str, used: u64, limit: u64) -> Headroom {
    Headroom { account: account_id(2), what: what.into(), used, limit }
}

pub fn unreadable(account: usize) -> Problem {
    let id = account_id(account);
    Problem {
        message: format!(
            "sts:AssumeRole failed: not allowed to assume arn:aws:iam::{id}:role/OrganizationAccountAccessRole"
        ),
        account: id,
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        help: "let the role trust the management account".into(),
    }
}

/// Makes the outcome of [`plan`]: the bucket policy and one role failed, the trail was skipped, one change was not
/// needed.
pub fn apply_report(accounts: usize) -> ApplyReport {
    let plan = plan(accounts);
    let failed = |message: &str, account: usize| {
        ChangeResult::Failed(Problem {
            stage: Stage::Apply,
            code: "MalformedPolicy".into(),
            message: message.into(),
            help: "look at the policy with `orgtrail render`".into(),
            ..unreadable(account)
        })
    };
    let bucket_policy = plan.changes[1].address.clone();
    let result = |change: &Change| match change.address.kind {
        Kind::BucketPolicy => failed("s3:PutBucketPolicy failed: invalid principal", 2),
        Kind::Trail => ChangeResult::Skipped(Because::Of(bucket_policy.clone())),
        Kind::Topic => ChangeResult::Skipped(Because::Reason("destroys was not allowed".into())),
        Kind::Bucket => ChangeResult::TakenBack(Problem {
            stage: Stage::Delivery,
            message: "CloudTrail cannot deliver to the bucket: AccessDenied".into(),
            ..unreadable(2)
        }),
        _ => ChangeResult::Done,
    };
    let outcome = |change: &Change| ChangeOutcome {
        address: change.address.clone(),
        action: change.action(),
        result: result(change),
    };
    let trail = |name: &str, state: DeliveryState| TrailDelivery {
        trail: change(Action::Update, 1, Kind::Trail, name).address,
        state,
    };
    ApplyReport {
        organization: plan.organization.clone(),
        deployment: plan.deployment.clone(),
        began: jiff::Timestamp::UNIX_EPOCH,
        plan: plan.fingerprint.clone(),
        outcomes: plan.changes.iter().map(outcome).collect(),
        urgent: Vec::new(),
        unchanged: plan.unchanged,
        problems: plan.problems,
        blockers: Vec::new(),
        delivery: vec![
            trail("acme-org-trail", DeliveryState::Arrives("2026-03-01T12:00:00Z".into())),
            trail("acme-new-trail", DeliveryState::Waiting),
            trail("acme-old-trail", DeliveryState::Fails(Problem { stage: Stage::Delivery, ..unreadable(1) })),
        ],
        findings: Vec::new(),
    }
}
