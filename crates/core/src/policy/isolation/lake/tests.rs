//! What a lake's bucket may say, and what is found of everything else.

use serde_json::{Value, json};

use super::super::world::{LOG, MEMBERS, Mode, World};
use super::super::{Facts, Isolation, Shared, prove};
use super::*;
use crate::policy::template::Templates;

const LAKE: &str = "arn:aws:s3:::acme-lake";
const ANALYSTS: &str = "arn:aws:iam::222222222222:role/analysts";
const AUDITORS: &str = "arn:aws:iam::444444444444:role/auditors";

/// The policy that the template writes, with more statements.
fn policy(more: &[Value]) -> PolicyDocument {
    let values = json!({
        "bucket": {"name": "acme-lake", "arn": LAKE},
        "lake_prefix": "events",
        "lake_readers": [ANALYSTS, AUDITORS],
        "reader_roles": [format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-????????????")],
        "exempt_roles": [format!("arn:aws:iam::{LOG}:role/orgtrail"), ANALYSTS.to_owned(), AUDITORS.to_owned()],
        "break_glass_roles": [],
        "policy_keepers": [format!("arn:aws:iam::{LOG}:role/orgtrail")],
    });
    let mut document = Templates::new(&[]).unwrap().render("lake.json.hbs", &values).unwrap();
    let more = json!({"Version": "2012-10-17", "Statement": more}).to_string();
    document.statements.extend(PolicyDocument::parse(&more).unwrap().statements);
    document
}

fn proved_with(world: &World, policy: &PolicyDocument, whole_bucket: bool) -> Isolation {
    let readers = [ANALYSTS.to_owned(), AUDITORS.to_owned()];
    world.with_archive(|archive| {
        let name = "policy of bucket acme-lake";
        let shared = Shared { kind: SharedKind::Lake, name, arn: LAKE, policy, written: None };
        let more: Vec<Shared> = archive.facts.more.iter().copied().chain([shared]).collect();
        let lake = Some(Lake { arn: LAKE, folder: "events/", whole_bucket, policy: Some(policy) });
        let facts = Facts { more: &more, lake, lake_readers: &readers, ..archive.facts };
        prove(&Archive { facts, ..archive.clone() })
    })
}

fn proved(more: &[Value]) -> Isolation {
    proved_with(&World::new(Mode::Roles), &policy(more), true)
}

fn allow(principal: Value, action: &str, resource: &str, condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, "Condition": condition})
}

#[test]
fn the_compiled_policy_lets_in_the_central_team_and_nobody_else() {
    for mode in [Mode::Roles, Mode::Dynamic] {
        let result = proved_with(&World::new(mode), &policy(&[]), true);
        assert!(result.is_proved(), "{:?} {:?}", result.violations, result.unproven);
    }
}

#[test]
fn whoever_else_a_statement_lets_in_is_a_violation() {
    let member = json!({"AWS": format!("arn:aws:iam::{}:root", MEMBERS[0])});
    let everything = format!("{LAKE}/*");
    let own = format!("{LAKE}/AWSLogs/${{aws:PrincipalAccount}}/*");
    let organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}});
    let trail = json!({"Service": "cloudtrail.amazonaws.com"});
    for (invariant, statement) in [
        (Invariant::NobodyOutside, allow(json!("*"), "s3:GetObject", &everything, json!({}))),
        (Invariant::NobodyOutside, allow(json!({"AWS": "888888888888"}), "s3:ListBucket", LAKE, json!({}))),
        (Invariant::NobodyOutside, allow(json!({"AWS": "888888888888"}), "s3:GetBucketPolicy", LAKE, json!({}))),
        (Invariant::ReadsOnlyOwn, allow(member.clone(), "s3:GetObject", &everything, json!({}))),
        (Invariant::ReadsOnlyOwn, allow(json!("*"), "s3:GetObject", &own, organization.clone())),
        (Invariant::ListsOnlyOwn, allow(json!("*"), "s3:ListBucket", LAKE, organization)),
        (Invariant::WritesNothing, allow(member.clone(), "s3:PutObject", &everything, json!({}))),
        (Invariant::WritesNothing, allow(member, "s3:PutBucketPolicy", LAKE, json!({}))),
        (Invariant::WritesNothing, allow(json!({"AWS": AUDITORS}), "s3:DeleteObject", &everything, json!({}))),
        (Invariant::NobodyOutside, allow(trail, "s3:PutObject", &everything, json!({}))),
    ] {
        let result = proved(std::slice::from_ref(&statement));
        let found = result.violations.iter().find(|one| one.invariant == invariant);
        let place = found.and_then(|one| one.statement.as_ref()).map(|place| place.document.as_str());
        assert_eq!(place, Some("policy of bucket acme-lake"), "{statement}: {:?}", result.violations);
    }
}

#[test]
fn what_the_central_team_and_the_log_account_read_is_meant_and_a_role_there_is_a_question() {
    let everything = format!("{LAKE}/*");
    for principal in
        [ANALYSTS, AUDITORS, &format!("arn:aws:iam::{LOG}:root"), &format!("arn:aws:iam::{LOG}:role/orgtrail")]
    {
        let result = proved(&[allow(json!({"AWS": principal}), "s3:GetObject", &everything, json!({}))]);
        assert!(result.is_proved(), "{principal}: {:?} {:?}", result.violations, result.unproven);
    }
    let role = json!({"AWS": format!("arn:aws:iam::{LOG}:role/somebody")});
    let result = proved(&[allow(role, "s3:GetObject", &everything, json!({}))]);
    assert!(result.violations.is_empty() && !result.unproven.is_empty(), "{:?}", result.violations);
}

#[test]
fn a_reader_whose_own_policy_reaches_the_lake_is_told_whatever_the_bucket_denies() {
    let mut world = World::new(Mode::Roles);
    let more = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Lake","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],
            "Resource":["{LAKE}","{LAKE}/*"]}}]}}"#
    );
    let reader = world.readers.iter_mut().find(|reader| reader.account.as_str() == MEMBERS[1]).unwrap();
    reader.policy.statements.extend(PolicyDocument::parse(&more).unwrap().statements);
    let role = reader.role.to_string();
    let denied = proved_with(&world, &policy(&[]), true);
    assert!(denied.violations.is_empty(), "{:?}", denied.violations);
    assert!(denied.unproven.iter().any(|open| open.principal == role), "{:?}", denied.unproven);
    let mut open = policy(&[]);
    open.statements.retain(|statement| statement.sid.as_deref() != Some("OrgtrailNoMemberReaders"));
    let result = proved_with(&world, &open, true);
    for invariant in [Invariant::ReadsOnlyOwn, Invariant::ListsOnlyOwn] {
        let found = result.violations.iter().filter(|one| one.invariant == invariant && one.principal == role);
        assert_eq!(found.count(), 1, "{invariant}: {:?}", result.violations);
    }
}

#[test]
fn in_a_bucket_of_others_only_the_lake_is_looked_at() {
    let member = || json!({"AWS": format!("arn:aws:iam::{}:root", MEMBERS[0])});
    let result = |statement: Value| proved_with(&World::new(Mode::Roles), &policy(&[statement]), false);
    let listing = |prefix: &str| allow(member(), "s3:ListBucket", LAKE, json!({"StringLike": {"s3:prefix": prefix}}));
    for harmless in
        [allow(member(), "s3:GetObject", &format!("{LAKE}/reports/*"), json!({})), listing("reports/*"), listing("x")]
    {
        let result = result(harmless.clone());
        assert!(result.is_proved(), "{harmless}: {:?} {:?}", result.violations, result.unproven);
    }
    for open in [
        allow(member(), "s3:GetObject", &format!("{LAKE}/*"), json!({})),
        allow(member(), "s3:GetObject", &format!("{LAKE}/ev*"), json!({})),
        allow(member(), "s3:ListBucket", LAKE, json!({})),
        listing("*"),
        listing("ev"),
        listing("events/events/*"),
    ] {
        assert!(!result(open.clone()).violations.is_empty(), "{open}");
    }
}

#[test]
fn a_lake_that_takes_plain_http_is_told() {
    let mut open = policy(&[]);
    open.statements.retain(|statement| statement.sid.as_deref() != Some("OrgtrailTlsOnly"));
    let result = proved_with(&World::new(Mode::Roles), &open, true);
    let [found] = &result.violations[..] else { panic!("{:?}", result.violations) };
    assert_eq!(
        (found.invariant, found.resource.as_str()),
        (Invariant::PlainHttpRefused, "arn:aws:s3:::acme-lake/events/lake.json")
    );
}
