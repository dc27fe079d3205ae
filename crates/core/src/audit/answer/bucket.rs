//! Questions about each bucket that trails write to.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{AuditSubject, Check, CheckVerdict, Fix, Question};
use super::{Answer, about, fail, not_read, outside, pass, unreadable};
use crate::estate::access_logs::{Arrival, arrival};
use crate::estate::{Address, Bucket, Estate, Kind, Resource, Sighting, Trail};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::policy::PolicyDocument;
use crate::policy::lint::outside_grants;

/// What helps where access logs are configured and none arrives.
const MEND_TARGET: &str = "correct the bucket that receives the access logs, or name another in bucket.access_logs";

/// Answers once for each bucket, however many trails write to it.
pub(super) fn answers(
    question: Question,
    organization: &Organization,
    estate: &Estate,
    subjects: &[AuditSubject],
) -> Vec<Check> {
    let mut users: BTreeMap<&str, &AuditSubject> = BTreeMap::new();
    for subject in subjects {
        // Prowler asks it for trails that record (`cloudtrail_bucket_requires_mfa_delete`).
        let asked = |trail: &Trail| question != Question::MfaDelete || trail.logging;
        for (_, trail) in subject.read(estate).filter(|(_, trail)| asked(trail)) {
            users.entry(trail.bucket.as_str()).or_insert(subject);
        }
    }
    let check = |(name, subject): (&str, &AuditSubject)| match find(estate, name) {
        Some(address) => {
            let check = about(subject, address, answer(question, organization, estate, address));
            let logs = match estate.resource(address) {
                Some(Resource::Bucket(bucket)) => bucket.access_logs.is_some(),
                _ => false,
            };
            let in_vain = question == Question::AccessLogs && logs && check.verdict == CheckVerdict::Fail;
            if in_vain { Check { fix: Fix::Elsewhere(MEND_TARGET), ..check } } else { check }
        }
        None => {
            let (verdict, fact) = unreadable(format!("the bucket {name} was not looked at"));
            Check { account: subject.account.clone(), address: None, verdict, fact, fix: Fix::None }
        }
    };
    users.into_iter().map(check).collect()
}

/// Bucket names are unique in a partition, so the name is enough.
fn find<'a>(estate: &'a Estate, name: &str) -> Option<&'a Address> {
    let mut buckets = estate.sightings.iter().filter(|(address, _)| address.kind == Kind::Bucket);
    buckets
        .find(|(address, seen)| address.name == name && !matches!(seen, Sighting::Absent))
        .map(|(address, _)| address)
}

fn answer(question: Question, organization: &Organization, estate: &Estate, address: &Address) -> Answer {
    let Some(Resource::Bucket(bucket)) = estate.resource(address) else {
        return not_read(estate, address);
    };
    match question {
        Question::AccessLogs => match &bucket.access_logs {
            Some(target) => match arrival(organization.partition, estate, address, target) {
                Arrival::Open => pass(format!("access is logged into {}", target.bucket)),
                Arrival::Stopped { why, help } => {
                    fail(format!("access is logged into {}, where no log can arrive: {why}; {help}", target.bucket))
                }
                Arrival::Unknown(why) => unreadable(format!(
                    "access is logged into {}, and whether logs arrive is not known: {why}",
                    target.bucket
                )),
            },
            None => fail("access is not logged"),
        },
        Question::NotPublic => not_public(organization, estate, address, bucket),
        Question::MfaDelete => match bucket.mfa_delete {
            Some(true) => pass("MFA Delete is on"),
            Some(false) => fail("MFA Delete is off"),
            None => outside("MFA Delete was not recorded"),
        },
        _ => outside("this is no question about a bucket"),
    }
}

fn not_public(organization: &Organization, estate: &Estate, address: &Address, bucket: &Bucket) -> Answer {
    if bucket.block_public_access {
        return pass("all four switches of Block Public Access are on");
    }
    let at = address.with_kind(Kind::BucketPolicy);
    match estate.sightings.get(&at) {
        Some(Sighting::Present(_)) | Some(Sighting::Absent) => {}
        _ => return not_read(estate, &at),
    }
    if let Some(Resource::BucketPolicy(found)) = estate.resource(&at)
        && let Some(opening) = open_statement(organization, &found.policy)
    {
        return fail(format!("Block Public Access is not fully on, and {opening}"));
    }
    match bucket.object_ownership.as_deref() {
        Some("BucketOwnerEnforced") => pass("the policy lets no stranger in, and access control lists are off"),
        _ => outside("Block Public Access is not fully on, and access control lists, which are in force, are not read"),
    }
}

/// Finds a statement that lets anyone in.
fn open_statement(organization: &Organization, policy: &PolicyDocument) -> Option<String> {
    let known: BTreeSet<AccountId> = organization.accounts.keys().cloned().collect();
    policy.statements.iter().find_map(|statement| {
        let grant = outside_grants(statement, Some(&organization.id), &known, &[])?;
        let sid = statement.sid.as_deref().unwrap_or("without a name");
        let open = grant.principal.starts_with("anyone");
        open.then(|| format!("the statement {sid} lets {} {}", grant.principal, grant.action))
    })
}
