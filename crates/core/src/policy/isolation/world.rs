//! A generated world for tests: the policies that the templates render for an organization of a few accounts.

use serde_json::json;

use super::*;
use crate::policy::PolicyDocument;
use crate::policy::template::Templates;

pub(super) const MANAGEMENT: &str = "111111111111";
pub(super) const LOG: &str = "222222222222";
/// Accounts whose ids are alike: the second begins as the first does.
pub(super) const MEMBERS: [&str; 3] = ["333333333333", "333333333334", "444444444444"];
pub(super) const ORGANIZATION: &str = "o-exampleorgid";
pub(super) const BUCKET: &str = "arn:aws:s3:::acme-org-cloudtrail";
pub(super) const ROOT: &str = "audit/AWSLogs/o-exampleorgid";
pub(super) const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";
pub(super) const TOPIC: &str = "arn:aws:sns:eu-central-1:222222222222:acme-org-trail";
pub(super) const GROUP: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme";
pub(super) const QUEUE: &str = "arn:aws:sqs:eu-central-1:222222222222:acme-wake";
pub(super) const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";

/// One reader and its documents.
#[derive(Debug, Clone)]
pub(super) struct OwnedReader {
    pub(super) account: AccountId,
    pub(super) role: Arn,
    pub(super) trust: Option<PolicyDocument>,
    pub(super) policy: PolicyDocument,
    pub(super) unknown: Vec<String>,
}

/// The documents of a world, each of which a test may change.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) accounts: BTreeSet<AccountId>,
    pub(super) bucket: PolicyDocument,
    pub(super) key: PolicyDocument,
    pub(super) guard: PolicyDocument,
    pub(super) readers: Vec<OwnedReader>,
    pub(super) require_mfa: bool,
    pub(super) external_id: Option<String>,
    pub(super) trusted: Vec<String>,
    pub(super) topic: PolicyDocument,
    pub(super) written_topic: PolicyDocument,
    /// A resource policy of CloudWatch Logs, in the management account.
    pub(super) logs: PolicyDocument,
    pub(super) queue: PolicyDocument,
    pub(super) written_queue: PolicyDocument,
    /// The policies of bucket and key as they were rendered.
    pub(super) written: (PolicyDocument, PolicyDocument),
    /// Where the accounts are in the organization.
    pub(super) paths: Option<BTreeMap<AccountId, String>>,
}

/// How readers get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Roles,
    Dynamic,
}

impl World {
    pub(super) fn new(mode: Mode) -> Self {
        let templates = Templates::new(&[]).unwrap();
        let dynamic = mode == Mode::Dynamic;
        let bucket = json!({
            "bucket": {"arn": BUCKET, "name": "acme-org-cloudtrail"},
            "trail_arns": [TRAIL],
            "log_account": LOG,
            "write_resources": [format!("{BUCKET}/audit/AWSLogs/{MANAGEMENT}/*"), format!("{BUCKET}/{ROOT}/*")],
            "dynamic_readers": dynamic,
            "member_prefixes": [format!("{ROOT}/${{aws:PrincipalAccount}}/*")],
            "member_resources": [format!("{BUCKET}/{ROOT}/${{aws:PrincipalAccount}}/*")],
            "organization": {"id": ORGANIZATION},
        });
        let key = json!({
            "partition": "aws",
            "log_account": LOG,
            "trail_arns": [TRAIL],
            "encryption_contexts": [format!("arn:aws:cloudtrail:*:{MANAGEMENT}:trail/*")],
            "dynamic_readers": dynamic,
            "organization": {"id": ORGANIZATION},
            "s3_service": "s3.eu-central-1.amazonaws.com",
        });
        let guard = json!({
            "trail_arns": [TRAIL],
            "identity_arns": ["arn:aws:iam::*:policy/CloudTrailReadLogs", "arn:aws:iam::*:role/orgtrail"],
            "archive_arns": [BUCKET.to_owned(), format!("{BUCKET}/audit/AWSLogs/*"), KEY.to_owned()],
            "exempt_principals": ["arn:aws:iam::*:role/orgtrail"],
        });
        let accounts: BTreeSet<AccountId> =
            [MANAGEMENT, LOG].iter().chain(&MEMBERS).map(|id| id.parse().unwrap()).collect();
        let bucket = templates.render("bucket.json.hbs", &bucket).unwrap();
        let key = templates.render("key.json.hbs", &key).unwrap();
        let path = |account: &AccountId| {
            let unit = if account.as_str() == MEMBERS[0] { "ou-ab12-11111111/" } else { "" };
            (account.clone(), format!("{ORGANIZATION}/r-ab12/{unit}"))
        };
        let topic =
            templates.render("topic.json.hbs", &json!({"topic": {"arn": TOPIC}, "trail_arns": [TRAIL]})).unwrap();
        let queue = json!({
            "partition": "aws",
            "queue": {"arn": QUEUE},
            "rule": {"arn": format!("arn:aws:events:eu-central-1:{LOG}:rule/orgtrail-acme-wake")},
            "role": {"arn": format!("arn:aws:iam::{MANAGEMENT}:role/orgtrail-acme-wake")},
            "management_account": MANAGEMENT,
            "member_role_arns": ["arn:aws:iam::*:role/orgtrail-acme-wake"],
            "organization": {"id": ORGANIZATION},
        });
        let queue = templates.render("queue.json.hbs", &queue).unwrap();
        Self {
            logs: PolicyDocument::parse(r#"{"Version":"2012-10-17","Statement":[]}"#).unwrap(),
            queue: queue.clone(),
            written_queue: queue,
            topic: topic.clone(),
            written_topic: topic,
            written: (bucket.clone(), key.clone()),
            paths: Some(accounts.iter().map(path).collect()),
            bucket,
            key,
            guard: templates.render("guard.json.hbs", &guard).unwrap(),
            readers: accounts.iter().map(|account| reader(&templates, account, mode)).collect(),
            accounts,
            require_mfa: mode == Mode::Roles,
            external_id: (mode == Mode::Roles).then(|| "acme-audit".to_owned()),
            trusted: Vec::new(),
        }
    }

    pub(super) fn prove(&self) -> Isolation {
        self.with_archive(prove)
    }

    /// Runs a function on the world's archive.
    pub(super) fn with_archive<R>(&self, run: impl FnOnce(&Archive) -> R) -> R {
        let (bucket_arn, account) = (BUCKET.parse().unwrap(), LOG.parse().unwrap());
        let management: AccountId = MANAGEMENT.parse().unwrap();
        let organization_id = ORGANIZATION.parse().unwrap();
        let id = |reader: &OwnedReader| (format!("AROAREADER{}", reader.account), reader.role.to_string());
        let unique_ids: Aliases = self.readers.iter().map(id).collect();
        let policies: Vec<[Named; 1]> =
            self.readers.iter().map(|r| [Named { name: "reader policy", document: &r.policy }]).collect();
        let readers: Vec<Reader> = self.readers.iter().zip(&policies).map(|(r, p)| self.reader(r, p)).collect();
        run(&Archive {
            bucket_arn: &bucket_arn,
            region: "eu-central-1",
            account: &account,
            organization_id: &organization_id,
            bucket_policy: Some(&self.bucket),
            key: Some(Key { arn: KEY, policy: &self.key }),
            roots: &[ROOT.parse().unwrap()],
            accounts: &self.accounts,
            trusted: &self.trusted,
            readers: &readers,
            facts: Facts {
                management: Some(&management),
                more: &[
                    Shared {
                        kind: SharedKind::Topic,
                        name: "topic policy",
                        arn: TOPIC,
                        policy: &self.topic,
                        written: Some(&self.written_topic),
                    },
                    Shared {
                        kind: SharedKind::LogGroup,
                        name: "resource policy p",
                        arn: GROUP,
                        policy: &self.logs,
                        written: None,
                    },
                    Shared {
                        kind: SharedKind::Queue,
                        name: "queue policy",
                        arn: QUEUE,
                        policy: &self.queue,
                        written: Some(&self.written_queue),
                    },
                ],
                unique_ids: Some(&unique_ids),
                written_bucket: Some(&self.written.0),
                written_key: Some(&self.written.1),
                paths: self.paths.as_ref(),
                own_principals: &[format!("arn:aws:iam::{LOG}:role/orgtrail")],
                ..Facts::default()
            },
        })
    }

    fn reader<'a>(&'a self, reader: &'a OwnedReader, policies: &'a [Named<'a>]) -> Reader<'a> {
        Reader {
            account: &reader.account,
            role: &reader.role,
            trust: reader.trust.as_ref(),
            policies,
            unknown_policies: &reader.unknown,
            require_mfa: self.require_mfa,
            external_id: self.external_id.as_deref(),
        }
    }
}

fn reader(templates: &Templates, account: &AccountId, mode: Mode) -> OwnedReader {
    let reading = json!({
        "bucket": {"arn": BUCKET},
        "object_arns": [format!("{BUCKET}/{ROOT}/{account}/*")],
        "prefixes": [format!("{ROOT}/{account}/*")],
        "key_arn": KEY,
    });
    let condition = json!({
        "StringEquals": {"aws:PrincipalOrgID": ORGANIZATION, "sts:ExternalId": "acme-audit"},
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
    });
    let trust = json!({"partition": "aws", "account": {"id": account}, "condition": condition});
    let (role, template) = match mode {
        Mode::Roles => (format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{account}"), "reader.json.hbs"),
        Mode::Dynamic => (format!("arn:aws:iam::{account}:role/team"), "member-dynamic.json.hbs"),
    };
    OwnedReader {
        account: account.clone(),
        role: role.parse().unwrap(),
        trust: (mode == Mode::Roles).then(|| templates.render("reader-trust.json.hbs", &trust).unwrap()),
        policy: templates.render(template, &reading).unwrap(),
        unknown: Vec::new(),
    }
}
