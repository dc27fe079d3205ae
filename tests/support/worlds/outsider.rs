//! What an outsider adds to an estate, one statement, setting or role at a time, and the promise that it breaks: told
//! by evaluating requests, which shares nothing with the proof of isolation.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::estate::role::Boundary;
use orgtrail::estate::surroundings::{Principal, Readable};
use orgtrail::estate::{ACCOUNT_TAG, Address, Estate, Kind, Resource, Sighting, Surroundings};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::Named;
use orgtrail::policy::isolation::powers::{ArchiveNames, PrincipalPolicies, powers};
use orgtrail::survey::Survey;
use serde_json::{Value, json};

use super::requests::{Asked, Place, Policies, STRANGER};
use super::rerender::Dice;

/// What was added.
pub struct Added {
    /// The kind of what it was added to; a policy for what a reader gets more.
    pub kind: Kind,
    /// Where, and what.
    pub what: String,
    /// A promise that it breaks; none where it breaks none.
    pub broken: Option<String>,
}

/// Adds one thing to an estate as it was observed.
pub fn add(survey: &Survey, observed: &mut Estate, dice: &mut Dice) -> Option<Added> {
    let place = Place::of(survey, observed)?;
    let writer = Writer { place: &place };
    let kinds = [Kind::BucketPolicy, Kind::KeyPolicy, Kind::Topic, Kind::Queue, Kind::LogGroup, Kind::Role];
    match dice.below(11) {
        picked @ 0..=5 => {
            let kind = kinds[[0, 0, 0, 1, 2, 3][picked]];
            let address = one(observed, dice, |address, _| address.kind == kind)?;
            to_shared(&place, &writer, observed, &address, dice)
        }
        6 | 10 => {
            let group = one(observed, dice, |address, _| address.kind == Kind::LogGroup)?;
            to_log_group(&place, &writer, observed, &group, dice)
        }
        7 => {
            let is_reader = |resource: &Resource| match resource {
                Resource::Role(role) => role.tags.contains_key(ACCOUNT_TAG),
                _ => false,
            };
            let reader = one(observed, dice, |_, resource| is_reader(resource))?;
            to_reader(&place, &writer, observed, &reader, dice)
        }
        _ => foreign_role(survey, &place, &writer, observed, dice),
    }
}

/// Picks one of the resources that fit.
fn one(observed: &Estate, dice: &mut Dice, fits: impl Fn(&Address, &Resource) -> bool) -> Option<Address> {
    let found: Vec<&Address> = observed
        .resources()
        .filter(|(address, resource)| fits(address, resource))
        .map(|(address, _)| address)
        .collect();
    (!found.is_empty()).then(|| found[dice.below(found.len())].clone())
}

fn edit(observed: &mut Estate, address: &Address, edit: impl FnOnce(&mut Resource)) {
    if let Some(Sighting::Present(resource)) = observed.sightings.get_mut(address) {
        edit(resource);
    }
}

fn parsed(statements: &[Value]) -> PolicyDocument {
    PolicyDocument::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

/// A statement in the policy of a bucket, key, topic or queue.
fn to_shared(
    place: &Place,
    writer: &Writer,
    observed: &mut Estate,
    address: &Address,
    dice: &mut Dice,
) -> Option<Added> {
    let service = match address.kind {
        Kind::BucketPolicy => "s3",
        Kind::KeyPolicy => "kms",
        Kind::Topic => "sns",
        _ => "sqs",
    };
    let arn = place.arn_of(observed, address)?;
    let statement = writer.statement(service, &arn, true, dice);
    let more = parsed(std::slice::from_ref(&statement)).statements;
    edit(observed, address, |resource| {
        match resource {
            Resource::Queue(queue) => queue.policy.get_or_insert_with(|| parsed(&[])).statements.extend(more),
            other => other.shared_policy_mut().unwrap().statements.extend(more),
        };
    });
    let policy = match observed.resource(address)? {
        Resource::Queue(queue) => queue.policy.clone()?,
        other => other.shared_policy()?.clone(),
    };
    let asked = Asked { service, arn: &arn, owner: address.account.clone(), policy: Some(&policy) };
    Some(Added { kind: address.kind, what: format!("{address}: {statement}"), broken: place.broken(observed, &asked) })
}

/// A resource policy of CloudWatch Logs.
fn to_log_group(
    place: &Place,
    writer: &Writer,
    observed: &mut Estate,
    group: &Address,
    dice: &mut Dice,
) -> Option<Added> {
    let arn = group.arn(place.partition)?.to_string();
    let statement = writer.statement("logs", &arn, true, dice);
    let policy = parsed(std::slice::from_ref(&statement));
    let all = observed.surroundings.get_or_insert_with(Surroundings::default);
    let exposure = all.log_groups.entry(group.clone()).or_default();
    exposure.policies = Readable::Read(BTreeMap::from([("theirs".to_owned(), policy.clone())]));
    let asked = Asked { service: "logs", arn: &arn, owner: group.account.clone(), policy: Some(&policy) };
    Some(Added { kind: Kind::LogGroup, what: format!("{group}: {statement}"), broken: place.broken(observed, &asked) })
}

/// More for a reader: a statement, a policy, somebody who may assume it, a boundary.
fn to_reader(
    place: &Place,
    writer: &Writer,
    observed: &mut Estate,
    reader: &Address,
    dice: &mut Dice,
) -> Option<Added> {
    let service = ["s3", "kms", "sns", "lake"][dice.below(4)];
    let arn = place.arns.get(service).or_else(|| place.arns.get("s3"))?.clone();
    let service = if service == "lake" { "s3" } else { service };
    let own = writer.statement(service, &arn, false, dice);
    let trust = writer.trust(dice);
    let what = dice.below(5);
    edit(observed, reader, |resource| {
        let Resource::Role(role) = resource else { return };
        let more = parsed(std::slice::from_ref(&own));
        match what {
            0 => role.inline.values_mut().next().unwrap().statements.extend(more.statements),
            1 => drop(role.inline.insert("Theirs".into(), more)),
            2 => role.trust.statements.extend(parsed(std::slice::from_ref(&trust)).statements),
            3 => drop(role.attached.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".into())),
            _ => {
                let arn = "arn:aws:iam::222222222222:policy/fence".to_owned();
                role.boundary = Some(Box::new(Boundary { arn, document: Some(more) }));
            }
        }
    });
    let broken = match what {
        2 => place.assumed(observed, reader),
        3 => Some("what an attached policy lets a reader do is promised to nobody".to_owned()),
        4 => place.reads_no_more(observed, reader),
        _ => place.reader_does(observed, reader),
    };
    Some(Added { kind: Kind::Policy, what: format!("{reader} ({what}): {own} {trust}"), broken })
}

/// A role in the log account that nobody knows, as the listing of that account shows it.
fn foreign_role(
    survey: &Survey,
    place: &Place,
    writer: &Writer,
    observed: &mut Estate,
    dice: &mut Dice,
) -> Option<Added> {
    let name = ["vendor", "SecurityAudit"][dice.below(2)];
    let service = ["s3", "s3", "kms"][dice.below(3)];
    let arn = place.arns.get(service)?.clone();
    let (trust, own) = (writer.trust(dice), writer.statement(service, &arn, false, dice));
    let (trust, document) = (parsed(std::slice::from_ref(&trust)), parsed(std::slice::from_ref(&own)));
    let role = format!("arn:{}:iam::{}:role/{name}", place.partition, place.log);
    let policies = [Named { name: "own", document: &document }];
    let subject =
        PrincipalPolicies { arn: role.clone(), policies: policies.to_vec(), boundary: None, trust: Some(&trust) };
    let log_bucket = survey.desired.log_bucket()?.name.clone();
    let policy = |kind| {
        let is_of = |address: &Address| kind != Kind::BucketPolicy || address.name == log_bucket;
        let mut found = observed.resources().filter(|(address, _)| address.kind == kind && is_of(address));
        found.next().and_then(|(_, resource)| resource.shared_policy())
    };
    let site = ArchiveNames {
        account: &place.log,
        partition: place.partition.as_str(),
        buckets: place.arns.get("s3").map(|arn| (arn.clone(), policy(Kind::BucketPolicy))).into_iter().collect(),
        keys: place.arns.get("kms").map(|arn| (arn.clone(), policy(Kind::KeyPolicy))).into_iter().collect(),
    };
    let powers = powers(&site, &[subject]).pop()?;
    let is_named = survey.desired.reading.administrators.iter().any(|known| known == name);
    let broken = if is_named { None } else { place.abused(observed, &role, &policies, &trust) };
    let what = format!("{role}: {} {own}", trust.to_minified());
    if !powers.is_empty() {
        let principal = Principal { arn: role, powers, trust: Some(trust), unknown: Vec::new() };
        let all = observed.surroundings.get_or_insert_with(Surroundings::default);
        all.principals = Readable::Read(vec![principal]);
    }
    Some(Added { kind: Kind::Role, what, broken })
}

/// Writes statements about a deployment.
struct Writer<'a> {
    place: &'a Place,
}

impl Writer<'_> {
    fn statement(&self, service: &str, arn: &str, has_principal: bool, dice: &mut Dice) -> Value {
        let mut statement =
            json!({"Sid": "OrgtrailForged", "Effect": if dice.below(5) == 0 { "Deny" } else { "Allow" }});
        if has_principal {
            // AWS refuses NotPrincipal for everybody, and of a denial it is seldom what is meant.
            let principal = self.principal(dice);
            let is_not = dice.below(12) == 0 && principal.get("AWS").is_some_and(|who| who != "*");
            statement[if is_not { "NotPrincipal" } else { "Principal" }] = principal;
        }
        let actions: Vec<&str> = (0..=dice.below(2)).map(|_| action(service, dice)).collect();
        statement[if dice.below(12) == 0 { "NotAction" } else { "Action" }] = json!(actions);
        let resources: Vec<String> = (0..=dice.below(2)).map(|_| self.resource(service, arn, dice)).collect();
        statement[if dice.below(12) == 0 { "NotResource" } else { "Resource" }] = json!(resources);
        self.conditions(&mut statement, dice);
        statement
    }

    fn trust(&self, dice: &mut Dice) -> Value {
        let action = ["sts:AssumeRole", "sts:*", "*", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"][dice.below(5)];
        let mut statement = json!({"Effect": "Allow", "Principal": self.principal(dice), "Action": action});
        self.conditions(&mut statement, dice);
        statement
    }

    fn conditions(&self, statement: &mut Value, dice: &mut Dice) {
        let lines = self.lines(dice);
        for _ in 0..[0, 1, 1, 2][dice.below(4)] {
            let (operator, key, value) = lines[dice.below(lines.len())].clone();
            statement["Condition"][operator][key] = value;
        }
    }

    fn principal(&self, dice: &mut Dice) -> Value {
        let Place { log, partition, .. } = self.place;
        let member = self.place.member(dice);
        let root = |account: &str| format!("arn:{partition}:iam::{account}:root");
        let reader = self.place.readers.first().map_or_else(|| root(log.as_str()), |(arn, ..)| arn.clone());
        let all = [
            json!("*"),
            json!({"AWS": "*"}),
            json!({"AWS": STRANGER}),
            json!({"AWS": root(STRANGER)}),
            json!({"AWS": format!("arn:{partition}:iam::{STRANGER}:role/team")}),
            json!({"AWS": root(member.as_str())}),
            json!({"AWS": [member.as_str(), log.as_str()]}),
            json!({"AWS": format!("arn:{partition}:sts::{member}:assumed-role/team/alice")}),
            json!({"AWS": root(log.as_str())}),
            json!({"AWS": reader}),
            json!({"AWS": format!("arn:{partition}:iam::{log}:role/nobody-looked-at")}),
            json!({"Service": "cloudtrail.amazonaws.com"}),
            json!({"Service": "cloudfront.amazonaws.com"}),
            json!({"Service": ["config.amazonaws.com", "delivery.logs.amazonaws.com"]}),
            json!({"Federated": "accounts.google.com"}),
        ];
        all[dice.below(all.len())].clone()
    }

    fn resource(&self, service: &str, arn: &str, dice: &mut Dice) -> String {
        let (root, member) = (&self.place.root, self.place.member(dice));
        let mut all = vec!["*".to_owned(), arn.to_owned(), format!("{arn}*"), format!("{arn}:*"), format!("{arn}/*")];
        if service == "s3" {
            all.extend([
                format!("{arn}/handbook/*"),
                format!("{arn}/{root}/{member}/*"),
                format!("{arn}/{root}/{member}*"),
                format!("{arn}/{root}/*/CloudTrail/*"),
                format!("{arn}/{root}/${{aws:PrincipalAccount}}/*"),
                format!("{arn}/{root}/${{aws:PrincipalTag/team}}/*"),
                format!("{arn}/?WSLogs/*"),
                format!("{arn}/events/*"),
                format!("{arn}/*.parquet"),
            ]);
        }
        all[dice.below(all.len())].clone()
    }

    fn lines(&self, dice: &mut Dice) -> Vec<(&'static str, &'static str, Value)> {
        let Place { log, partition, management, root, .. } = self.place;
        let member = self.place.member(dice);
        let paths = "aws:PrincipalOrgPaths";
        vec![
            ("StringEquals", "aws:PrincipalOrgID", json!("o-exampleorgid")),
            ("StringNotEquals", "aws:PrincipalOrgID", json!("o-exampleorgid")),
            ("StringEquals", "aws:PrincipalOrgID", json!("o-anotherorganization")),
            ("StringLike", "aws:PrincipalOrgID", json!("o-*")),
            ("StringEqualsIfExists", "aws:PrincipalOrgID", json!("o-exampleorgid")),
            ("StringEquals", "aws:PrincipalOrgMasterAccountId", json!(management)),
            ("StringNotEquals", "aws:PrincipalOrgMasterAccountId", json!(management)),
            ("StringEquals", "aws:PrincipalAccount", json!(member)),
            ("StringEquals", "aws:PrincipalAccount", json!(log)),
            ("StringNotEquals", "aws:PrincipalAccount", json!(log)),
            ("ForAnyValue:StringLike", paths, json!("o-exampleorgid/*")),
            ("ForAnyValue:StringLike", paths, json!("o-exampleorgid/r-ab12/ou-ab12-11111111/*")),
            ("ForAllValues:StringLike", paths, json!("o-exampleorgid/*")),
            ("ArnLike", "aws:PrincipalArn", json!(format!("arn:{partition}:iam::*:role/t*"))),
            ("ArnLike", "aws:PrincipalArn", json!(format!("arn:{partition}:iam::{log}:role/*"))),
            ("ArnNotLike", "aws:PrincipalArn", json!(format!("arn:{partition}:iam::{log}:role/*"))),
            ("StringEquals", "aws:PrincipalTag/team", json!("audit")),
            ("StringEquals", "aws:SourceAccount", json!(member)),
            ("StringEquals", "aws:SourceAccount", json!(STRANGER)),
            ("StringEquals", "aws:SourceOrgID", json!("o-exampleorgid")),
            ("ArnLike", "aws:SourceArn", json!("arn:*:cloudtrail:*:*:trail/*")),
            ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24")),
            ("Bool", "aws:SecureTransport", json!("true")),
            ("Bool", "aws:SecureTransport", json!("false")),
            ("Bool", "aws:MultiFactorAuthPresent", json!("true")),
            ("BoolIfExists", "aws:MultiFactorAuthPresent", json!("false")),
            ("Bool", "aws:PrincipalIsAWSService", json!("false")),
            ("Null", "kms:EncryptionContext:aws:cloudtrail:arn", json!("false")),
            ("StringLike", "s3:prefix", json!(format!("{root}/{member}/*"))),
            ("StringLike", "s3:prefix", json!("*")),
            ("StringEquals", "kms:CallerAccount", json!(log)),
            ("StringEquals", "sts:ExternalId", json!("theirs")),
            ("StringEquals", "aws:NewKey", json!("x")),
        ]
    }
}

fn action(service: &str, dice: &mut Dice) -> &'static str {
    let all: &[&str] = match service {
        "s3" => &[
            "*",
            "s3:*",
            "s3:Get*",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:List*",
            "s3:ListBucket",
            "s3:Put*",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:PutBucketPolicy",
            "s3:PutLifecycleConfiguration",
            "s3:GetBucketAcl",
            "iam:*",
        ],
        "kms" => &[
            "*",
            "kms:*",
            "kms:Decrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
            "kms:CreateGrant",
            "kms:PutKeyPolicy",
            "kms:DescribeKey",
        ],
        "sns" => &["*", "sns:*", "SNS:Publish", "sns:Subscribe", "sns:GetTopicAttributes", "sns:SetTopicAttributes"],
        "sqs" => &["*", "sqs:*", "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:GetQueueAttributes"],
        _ => &["*", "logs:*", "logs:FilterLogEvents", "logs:Get*", "logs:PutLogEvents", "logs:DeleteLogGroup"],
    };
    all[dice.below(all.len())]
}

impl Place {
    /// Tells what a foreign role lets somebody do who is not of its account.
    fn abused(&self, observed: &Estate, role: &str, policies: &[Named], trust: &PolicyDocument) -> Option<String> {
        let taken = self.who_assumes(role, trust);
        let by: BTreeSet<&str> = taken.iter().map(|(who, _)| who.as_str()).collect();
        let reads = taken.first().map(|(_, reads)| reads.clone())?;
        let reads = if taken.iter().all(|(_, other)| *other == reads) { reads } else { String::new() };
        let does = self.role_does(observed, role, &Policies { own: policies, boundary: None }, &reads)?;
        Some(format!("{} become {role}: {does}", by.into_iter().collect::<Vec<_>>().join(", ")))
    }
}
