//! Realistic mistakes, each made in the generated world: every one is caught by name.

use super::world::{BUCKET, LOG, MANAGEMENT, MEMBERS, Mode, ORGANIZATION, ROOT, TRAIL, World};
use super::*;
use crate::log_path::Folder;
use crate::policy::guard::{Guard, GuardedAction, check_guard};
use crate::policy::lint::{Kind, LintSubject, lint};
use crate::policy::preflight::{self, PreflightTrail};

/// The documents of a world.
#[derive(Debug, Clone, Copy)]
enum Part {
    Bucket,
    Key,
    Guard,
    ReaderPolicy,
    ReaderTrust,
}

/// A mistake: in a document, one text is replaced by another, or a statement is added where the text is `+`.
struct Mistake {
    name: &'static str,
    mode: Mode,
    part: Part,
    from: &'static str,
    to: &'static str,
    caught_as: &'static [&'static str],
}

const fn roles(
    name: &'static str,
    part: Part,
    from: &'static str,
    to: &'static str,
    as_: &'static [&'static str],
) -> Mistake {
    Mistake { name, mode: Mode::Roles, part, from, to, caught_as: as_ }
}

const fn dynamic(
    name: &'static str,
    part: Part,
    from: &'static str,
    to: &'static str,
    as_: &'static [&'static str],
) -> Mistake {
    Mistake { name, mode: Mode::Dynamic, part, from, to, caught_as: as_ }
}

/// Mistakes are made in the documents of the reader of account 333333333333.
const MISTAKES: [Mistake; 31] = [
    roles(
        "missing SourceArn",
        Part::Bucket,
        r#""aws:SourceArn":"arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail","s3:x-amz-acl""#,
        r#""s3:x-amz-acl""#,
        &["missing-source-condition", "nobody-outside"],
    ),
    roles(
        "prefix without slash",
        Part::ReaderPolicy,
        "o-exampleorgid/333333333333/*",
        "o-exampleorgid/33333333333*",
        &["reads-only-own", "lists-only-own"],
    ),
    roles(
        "resource without slash",
        Part::ReaderPolicy,
        r#"cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333/*"#,
        r#"cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333*"#,
        &["reads-only-own", "path-without-slash"],
    ),
    roles(
        "wildcard principal",
        Part::Bucket,
        "+",
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}"#,
        &["nobody-outside", "reads-only-own", "outside-grant"],
    ),
    roles(
        "ListBucket without prefix",
        Part::ReaderPolicy,
        r#","Condition":{"StringLike":{"s3:prefix":"audit/AWSLogs/o-exampleorgid/333333333333/*"}}"#,
        "",
        &["lists-only-own", "list-without-prefix"],
    ),
    roles(
        "trust to the organization",
        Part::ReaderTrust,
        r#"{"AWS":"arn:aws:iam::333333333333:root"}"#,
        r#"{"AWS":"*"}"#,
        &["assumed-only-by-its-account"],
    ),
    roles(
        "decrypt on every key",
        Part::ReaderPolicy,
        r#""arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555""#,
        r#""*""#,
        &["decrypts-only-logs"],
    ),
    roles(
        "decrypt of anything",
        Part::ReaderPolicy,
        r#","Condition":{"Null":{"kms:EncryptionContext:aws:cloudtrail:arn":"false"}}"#,
        "",
        &["decrypts-only-logs"],
    ),
    roles(
        "digest prefix missing",
        Part::ReaderPolicy,
        r#"cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333/*"#,
        r#"cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333/CloudTrail/*"#,
        &["reads-own"],
    ),
    roles(
        "StringEquals for a pattern",
        Part::ReaderPolicy,
        "StringLike",
        "StringEquals",
        &["reads-own", "literal-wildcard"],
    ),
    roles(
        "HTTP not denied",
        Part::Bucket,
        r#""aws:SecureTransport":"false""#,
        r#""aws:SecureTransport":"true""#,
        &["plain-http-refused", "plain-http-allowed", "reads-own", "denied-by-statement", "bucket-lockout"],
    ),
    roles(
        "HTTP denied on files only",
        Part::Bucket,
        r#"["arn:aws:s3:::acme-org-cloudtrail","arn:aws:s3:::acme-org-cloudtrail/*"]"#,
        r#""arn:aws:s3:::acme-org-cloudtrail/*""#,
        &["plain-http-refused"],
    ),
    roles(
        "SCP that blocks ourselves",
        Part::Guard,
        "arn:aws:iam::*:role/orgtrail",
        "arn:aws:iam::*:role/orgtrial",
        &["guard-blocks-orgtrail"],
    ),
    roles(
        "SCP that forgets an action",
        Part::Guard,
        r#""cloudtrail:UpdateTrail""#,
        r#""cloudtrail:UpdateTrails""#,
        &["guard-leaves-open"],
    ),
    roles(
        "SCP on every trail",
        Part::Guard,
        r#""Resource":"arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail""#,
        r#""Resource":"*""#,
        &["guard-blocks-members"],
    ),
    roles(
        "another account's folder",
        Part::ReaderPolicy,
        "o-exampleorgid/333333333333/*",
        "o-exampleorgid/333333333334/*",
        &["reads-own", "reads-only-own", "lists-only-own"],
    ),
    roles(
        "every action of S3",
        Part::ReaderPolicy,
        r#"["s3:GetObject","s3:GetObjectVersion"]"#,
        r#""s3:*""#,
        &["writes-nothing"],
    ),
    roles(
        "NotAction",
        Part::ReaderPolicy,
        r#""Action":["s3:GetObject","s3:GetObjectVersion"]"#,
        r#""NotAction":"s3:PutObject""#,
        &["writes-nothing"],
    ),
    roles("MFA only if it exists", Part::ReaderTrust, r#""Bool""#, r#""BoolIfExists""#, &["mfa-required"]),
    roles(
        "external id forgotten",
        Part::ReaderTrust,
        r#","sts:ExternalId":"acme-audit""#,
        "",
        &["external-id-required"],
    ),
    roles(
        "a second account trusted",
        Part::ReaderTrust,
        r#""arn:aws:iam::333333333333:root""#,
        r#"["arn:aws:iam::333333333333:root","444444444444"]"#,
        &["assumed-only-by-its-account"],
    ),
    roles(
        "the trail of another region",
        Part::Bucket,
        "arn:aws:cloudtrail:eu-central-1:",
        "arn:aws:cloudtrail:eu-west-1:",
        &["source-differs"],
    ),
    roles(
        "management path missing",
        Part::Bucket,
        r#""arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/111111111111/*","#,
        "",
        &["own-path-missing"],
    ),
    roles(
        "key without its account",
        Part::Key,
        r#""arn:aws:iam::222222222222:root""#,
        r#""arn:aws:iam::222222222222:role/admin""#,
        &["key-lockout", "reads-own"],
    ),
    roles(
        "key open to the organization",
        Part::Key,
        "+",
        r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}}"#,
        &["decrypts-only-logs"],
    ),
    roles(
        "a member may delete",
        Part::Bucket,
        "+",
        r#"{"Effect":"Allow","Principal":{"AWS":"444444444444"},"Action":"s3:Delete*","Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}"#,
        &["writes-nothing"],
    ),
    roles(
        "a stranger's account",
        Part::Bucket,
        "+",
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:role/siem"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/audit/*"}"#,
        &["nobody-outside", "outside-grant"],
    ),
    roles(
        "a reader that takes on other roles",
        Part::ReaderPolicy,
        "+",
        r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#,
        &["writes-nothing"],
    ),
    dynamic(
        "members without the organization",
        Part::Bucket,
        r#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"},"StringNotEquals""#,
        r#""Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"},"StringNotEquals""#,
        &["nobody-outside", "outside-grant"],
    ),
    dynamic(
        "members without the variable",
        Part::Bucket,
        r#"o-exampleorgid/${aws:PrincipalAccount}/*","Condition""#,
        r#"o-exampleorgid/*","Condition""#,
        &["reads-only-own"],
    ),
    dynamic(
        "variables without the version",
        Part::Bucket,
        r#""Version":"2012-10-17","#,
        "",
        &["variable-without-version", "reads-own"],
    ),
];

impl World {
    fn part(&mut self, part: Part) -> &mut PolicyDocument {
        let reader = self.readers.iter_mut().find(|reader| reader.account.as_str() == MEMBERS[0]).unwrap();
        match part {
            Part::Bucket => &mut self.bucket,
            Part::Key => &mut self.key,
            Part::Guard => &mut self.guard,
            Part::ReaderPolicy => &mut reader.policy,
            Part::ReaderTrust => reader.trust.as_mut().unwrap(),
        }
    }

    /// Returns the names of everything that is wrong.
    fn faults(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.prove().violations.iter().map(|v| v.invariant.to_string()).collect();
        let delivery = PreflightTrail {
            trail_arn: TRAIL.parse().unwrap(),
            management_account: MANAGEMENT.parse().unwrap(),
            organization_id: Some(ORGANIZATION.parse().unwrap()),
            accounts: self.accounts.iter().cloned().collect(),
            bucket: "acme-org-cloudtrail".into(),
            prefix: "audit".into(),
            folders: Folder::ALL.to_vec(),
            key_arn: Some(super::world::KEY.into()),
            bucket_key: true,
        };
        let refusals = [preflight::bucket(&delivery, Some(&self.bucket)), preflight::key(&delivery, &self.key)];
        names.extend(refusals.iter().flat_map(|result| &result.refusals).map(|refusal| refusal.cause.to_string()));
        let documents = [(Kind::Bucket, &self.bucket), (Kind::Key, &self.key), (Kind::ServiceControl, &self.guard)];
        let readers = self.readers.iter().map(|reader| (Kind::RoleInline, &reader.policy));
        for (kind, document) in documents.into_iter().chain(readers) {
            names.extend(self.lint(kind, document));
        }
        names.extend(self.guard_faults());
        names
    }

    fn lint(&self, kind: Kind, document: &PolicyDocument) -> Vec<String> {
        let (account, organization_id) = (LOG.parse().unwrap(), ORGANIZATION.parse().unwrap());
        let subject = LintSubject {
            name: "document",
            kind,
            partition: crate::ids::Partition::Aws,
            account: Some(&account),
            organization_id: Some(&organization_id),
            known_accounts: &self.accounts,
            trusted: &[],
            limit_bytes: None,
        };
        lint(document, &subject).iter().map(|finding| finding.rule.to_string()).collect()
    }

    fn guard_faults(&self) -> Vec<String> {
        let guarded = |action: &str, resource: &str| GuardedAction { action: action.into(), resource: resource.into() };
        let own_trail = "arn:aws:cloudtrail:eu-central-1:333333333333:trail/of-the-team";
        let violations = check_guard(&Guard {
            policy: &self.guard,
            partition: crate::ids::Partition::Aws,
            members: &[MEMBERS[0].parse().unwrap()],
            own_roles: &["arn:aws:iam::333333333333:role/orgtrail".parse().unwrap()],
            protected: &[
                guarded("cloudtrail:StopLogging", TRAIL),
                guarded("cloudtrail:DeleteTrail", TRAIL),
                guarded("cloudtrail:UpdateTrail", TRAIL),
            ],
            needed: &[
                guarded("cloudtrail:DeleteTrail", own_trail),
                guarded("s3:GetObject", &format!("{BUCKET}/{ROOT}/x")),
            ],
        });
        violations.iter().map(|violation| violation.fault.to_string()).collect()
    }
}

#[test]
fn the_world_without_a_mistake_has_no_fault() {
    assert_eq!(World::new(Mode::Roles).faults(), BTreeSet::new());
    assert_eq!(World::new(Mode::Dynamic).faults(), BTreeSet::new());
}

#[test]
fn every_mistake_is_caught_by_name() {
    let mut wrong = Vec::new();
    for mistake in &MISTAKES {
        let mut world = World::new(mistake.mode);
        let document = world.part(mistake.part);
        let text = document.to_minified();
        let changed = if mistake.from == "+" {
            text.replacen(r#""Statement":["#, &format!(r#""Statement":[{},"#, mistake.to), 1)
        } else {
            text.replace(mistake.from, mistake.to)
        };
        assert_ne!(text, changed, "{} changes nothing", mistake.name);
        *document = PolicyDocument::parse(&changed).unwrap();
        let expected: BTreeSet<String> = mistake.caught_as.iter().map(|name| (*name).to_owned()).collect();
        let found = world.faults();
        if found != expected {
            wrong.push((mistake.name, expected, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
