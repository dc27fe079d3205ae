//! What decides an answer beside the statement itself: its name, denials, what is known of the organization, who is
//! trusted.

use super::*;

#[test]
fn principals_that_were_looked_at_elsewhere_stay() {
    let athena = r#"{"AWS":"arn:aws:iam::LLL:role/athena"}"#;
    let world = with(Bucket, &written_out(&allow(athena, GET, ALL, "")), Mode::Roles);
    let known = ["arn:aws:iam::222222222222:role/athena".to_owned()];
    let found = world.with_archive(|archive| {
        prove(&Archive { facts: Facts { known_principals: &known, ..archive.facts }, ..archive.clone() })
    });
    assert!(found.is_proved() && found.kept.len() == 1, "{found:?}");
}

#[test]
fn a_forged_name_makes_no_statement_ours() {
    let forged = r#"{"Sid":"OrgtrailMemberGet","Effect":"Allow","Principal":{"AWS":"MMM"},"Action":"s3:GetObject","Resource":"B/*"}"#;
    assert_eq!(answer(Bucket, forged), READS);
}

#[test]
fn everybody_but_a_few_is_everybody() {
    let but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"SSS"},"Action":"s3:GetObject","Resource":"B/*"}"#;
    assert_eq!(answer(Bucket, but), "nobody-outside reads-only-own");
    let not = r#"{"Effect":"Allow","Principal":{"AWS":"MMM"},"NotAction":"s3:PutObject","NotResource":"B/R/NNN/*"}"#;
    assert_eq!(answer(Bucket, not), "lists-only-own reads-only-own writes-nothing");
}

#[test]
fn denials_take_nothing_from_the_proof_but_what_readers_lose() {
    let deny = |condition: &str| {
        format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["B","B/*"],"Condition":{{{condition}}}}}"#
        )
    };
    assert_eq!(answer(Bucket, &deny(r#""NumericLessThan":{"s3:TlsVersion":"1.2"}"#)), KEPT);
    assert_eq!(answer(Bucket, &deny(r#""NumericLessThan":{"s3:TlsVersion":"1.3"}"#)), "?reads-own kept");
    // Whether a team comes from there nobody knows; that it reads no more than its own stays proved.
    assert_eq!(answer(Bucket, &deny(r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#)), "?reads-own kept");
    assert_eq!(answer(Bucket, &deny(r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#)), "?reads-own kept");
    assert_eq!(answer(Bucket, &deny(r#""StringNotEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#)), KEPT);
    let of_organization =
        |management: &str| deny(&format!(r#""StringNotEquals":{{"aws:PrincipalOrgMasterAccountId":"{management}"}}"#));
    assert_eq!(answer(Bucket, &of_organization("111111111111")), KEPT);
    // The management account of another organization: no reader of ours gets in any more.
    assert_eq!(answer(Bucket, &of_organization("SSS")), "kept reads-own");
}

#[test]
fn who_manages_the_organization_is_a_question_where_nobody_says() {
    let statement = allow(MEMBER, GET, ALL, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#);
    let world = with(Bucket, &written_out(&statement), Mode::Roles);
    let found = world.with_archive(|archive| {
        prove(&Archive { facts: Facts { management: None, ..archive.facts }, ..archive.clone() })
    });
    assert_eq!(found.violations, []);
    assert!(found.unproven.iter().any(|one| one.why.contains("manages the organization")), "{found:?}");
}

#[test]
fn without_the_organization_its_paths_are_a_question() {
    let statement = allow(ANYONE, GET, ALL, r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}"#);
    let mut world = with(Bucket, &written_out(&statement), Mode::Roles);
    world.paths = None;
    let found = world.prove();
    assert_eq!(found.violations, []);
    assert!(found.unproven.iter().any(|one| one.why.contains("in the organization is not known")), "{found:?}");
}

#[test]
fn trusted_readers_read_and_change_nothing() {
    let stranger = r#"{"AWS":"arn:aws:iam::SSS:role/siem"}"#;
    let trusting = |to, action: &str, resource: &str| {
        let mut world = with(to, &written_out(&allow(stranger, action, resource, "")), Mode::Roles);
        world.trusted.push("999999999999".into());
        world
    };
    for (to, action, resource) in
        [(Bucket, r#"["s3:Get*","s3:List*"]"#, r#"["B","B/*"]"#), (KeyPolicy, r#""kms:Decrypt""#, r#""*""#)]
    {
        let world = trusting(to, action, resource);
        let found = world.prove();
        assert!(found.is_proved(), "{found:?}");
        assert!(found.kept[0].why.contains("trusted reader"), "{found:?}");
    }
    let reads = trusting(Bucket, GET, ALL).with_archive(trusted_reads);
    assert!(reads["999999999999"].values().all(|answer| *answer == Some(true)), "{reads:?}");
    let found = trusting(Bucket, r#""s3:*""#, ALL).prove();
    assert_eq!(found.violations[0].invariant, Invariant::WritesNothing, "{found:?}");
}

#[test]
fn every_answer_names_who_what_and_which_statement() {
    let statement = allow(ANYONE, GET, ALL, ORG).replacen('{', r#"{"Sid":"Analytics","#, 1);
    let found = with(Bucket, &written_out(&statement), Mode::Roles).prove();
    let said: Vec<String> = found.violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "reads-only-own: account 111111111111 can s3:GetObject on arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/222222222222/CloudTrail/eu-central-1/2026/01/31/222222222222_CloudTrail_eu-central-1_20260131T0000Z_sample.json.gz, because of bucket policy Statement[0] (Analytics)",
            "reads-only-own: arn:aws:iam::222222222222:role/CloudTrailReadLogs-111111111111 can s3:GetObject on arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/222222222222/CloudTrail/eu-central-1/2026/01/31/222222222222_CloudTrail_eu-central-1_20260131T0000Z_sample.json.gz, because of bucket policy Statement[0] (Analytics)",
        ]
    );
}
