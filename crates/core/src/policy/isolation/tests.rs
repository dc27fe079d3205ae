//! The generated worlds are proved; what is not known stays unproven.

use super::world::{BUCKET, Mode, World};
use super::*;

#[test]
fn generated_worlds_are_proved() {
    for mode in [Mode::Roles, Mode::Dynamic] {
        let result = World::new(mode).prove();
        assert_eq!(result, Isolation::default(), "{mode:?}");
    }
}

#[test]
fn an_attached_policy_that_is_not_known_is_not_taken_for_harmless() {
    let mut world = World::new(Mode::Roles);
    world.readers[0].unknown.push("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
    let result = world.prove();
    assert_eq!(result.violations, []);
    assert!(matches!(&result.unproven[..], [one] if one.why.contains("ReadOnlyAccess")), "{result:?}");
}

#[test]
fn a_reach_that_is_denied_elsewhere_is_unproven_and_not_right() {
    let mut world = World::new(Mode::Roles);
    let policy = world.readers[0].policy.to_minified();
    let wide = policy.replacen("/111111111111/*\"", "/*\"", 1);
    let deny = r#""Statement":[{"Effect":"Deny","Action":"s3:GetObject*","NotResource":"arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/111111111111/*"},"#;
    world.readers[0].policy = PolicyDocument::parse(&wide.replacen(r#""Statement":["#, deny, 1)).unwrap();
    let result = world.prove();
    assert_eq!(result.violations, []);
    assert!(result.unproven.iter().any(|one| one.invariant == Invariant::ReadsOnlyOwn), "{result:?}");
}

#[test]
fn a_condition_that_cannot_be_judged_is_unproven() {
    let mut world = World::new(Mode::Roles);
    let text = world.bucket.to_minified();
    let deny = r#""Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},"#;
    world.bucket = PolicyDocument::parse(&text.replacen(r#""Statement":["#, deny, 1)).unwrap();
    let result = world.prove();
    assert_eq!(result.violations, []);
    assert!(result.unproven.iter().any(|one| one.invariant == Invariant::ReadsOwn), "{result:?}");
}

#[test]
fn trusted_principals_may_read_more() {
    let siem = "arn:aws:iam::333333333333:role/siem";
    let grant = format!(
        r#""Statement":[{{"Sid":"Siem","Effect":"Allow","Principal":{{"AWS":"{siem}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}},"#
    );
    let mut world = World::new(Mode::Roles);
    world.bucket = PolicyDocument::parse(&world.bucket.to_minified().replacen(r#""Statement":["#, &grant, 1)).unwrap();
    let found = world.prove();
    let violation = &found.violations[0];
    assert_eq!(violation.invariant, Invariant::ReadsOnlyOwn);
    assert_eq!(violation.principal, siem);
    assert!(!violation.resource.contains("/333333333333/"), "{violation}");
    assert_eq!(violation.statement.as_ref().and_then(|place| place.sid.as_deref()), Some("Siem"));
    world.trusted.push(siem.into());
    assert_eq!(world.prove().violations, []);
}

#[test]
fn what_is_not_a_log_is_no_concern_of_the_readers() {
    let mut world = World::new(Mode::Roles);
    let extra = r#""Statement":[{"Effect":"Allow","Action":["s3:GetObject","logs:*"],"Resource":["arn:aws:s3:::acme-org-cloudtrail/handbook/*","arn:aws:s3:::another-bucket/*"]},"#;
    let text = world.readers[0].policy.to_minified();
    world.readers[0].policy = PolicyDocument::parse(&text.replacen(r#""Statement":["#, extra, 1)).unwrap();
    assert_eq!(world.prove(), Isolation::default());
}

/// Gives the reader of account 333333333333 one folder more, to read and to list.
fn with_folder(folder: &str) -> Isolation {
    let mut world = World::new(Mode::Roles);
    let reader = world.readers.iter_mut().find(|reader| reader.account.as_str() == "333333333333").unwrap();
    let own = "audit/AWSLogs/o-exampleorgid/333333333333/*";
    let both = |start: &str| format!("[\"{start}{own}\",\"{start}{folder}\"]");
    let text = reader.policy.to_minified();
    let text = text.replace(&format!("\"{own}\""), &both(""));
    let text = text.replace(&format!("\"{BUCKET}/{own}\""), &both(&format!("{BUCKET}/")));
    reader.policy = PolicyDocument::parse(&text).unwrap();
    world.prove()
}

#[test]
fn an_account_has_a_folder_in_both_layouts_and_below_each_prefix() {
    for own in ["audit/AWSLogs/333333333333/*", "AWSLogs/o-exampleorgid/333333333333/*", "older/AWSLogs/333333333333/*"]
    {
        assert_eq!(with_folder(own), Isolation::default(), "{own}");
    }
}

#[test]
fn the_folder_of_another_account_is_a_violation_in_both_layouts_and_below_each_prefix() {
    let others =
        ["audit/AWSLogs/444444444444/*", "older/AWSLogs/444444444444/*", "AWSLogs/o-exampleorgid/444444444444/*"];
    let tricks =
        ["AWSLogs/444444444444/AWSLogs/333333333333/*", "audit/AWSLogs/333333333333*", "*/AWSLogs/333333333333/*"];
    for foreign in others.into_iter().chain(tricks) {
        let found = with_folder(foreign);
        assert!(found.violations.iter().any(|v| v.invariant == Invariant::ReadsOnlyOwn), "{foreign}: {found:?}");
    }
}

#[test]
fn the_matrix_has_one_account_a_reader() {
    let mut world = World::new(Mode::Roles);
    let text = world.readers[1].policy.to_minified();
    world.readers[1].policy =
        PolicyDocument::parse(&text.replacen("/222222222222/*\"", "/33333333333?/*\"", 1)).unwrap();
    let read = |n: usize| {
        world.with_archive(|archive| {
            let answers = accounts_read(archive, &archive.readers[n]);
            let yes = answers.into_iter().filter(|(_, answer)| *answer == Some(true));
            yes.map(|(account, _)| account.to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(read(0), ["111111111111"]);
    assert_eq!(read(1), ["333333333333", "333333333334"]);
}

/// Proves a world of roles with one more statement in the bucket's policy.
fn with_statement(statement: &str) -> Isolation {
    let mut world = World::new(Mode::Roles);
    let text = world.bucket.to_minified().replacen(r#""Statement":["#, &format!(r#""Statement":[{statement},"#), 1);
    world.bucket = PolicyDocument::parse(&text).unwrap();
    world.prove()
}

fn invariants(found: &Isolation) -> Vec<Invariant> {
    let mut all: Vec<Invariant> = found.violations.iter().map(|violation| violation.invariant).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn string_like_reads_a_source_over_the_colons_and_arn_like_by_field() {
    let judge = |service: &str, action: &str, operator: &str, pattern: &str| {
        let found = with_statement(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"{service}.amazonaws.com"}},"Action":"{action}","Resource":"arn:aws:s3:::acme-org-cloudtrail/*","Condition":{{"{operator}":{{"aws:SourceArn":"{pattern}"}}}}}}"#
        ));
        invariants(&found)
    };
    for pattern in [
        "*:trail/acme-org-trail",
        "arn:*trail/acme-org-trail",
        "*trail*",
        "arn:aws:cloudtrail*",
        "*:*:*",
        "arn:aws:s3*",
    ] {
        assert_eq!(judge("cloudtrail", "s3:PutObject", "StringLike", pattern), [Invariant::NobodyOutside], "{pattern}");
    }
    let reads = judge("cloudfront", "s3:GetObject", "StringLike", "*distribution/E1");
    assert!(reads.contains(&Invariant::NobodyOutside), "{reads:?}");
    // The name of a resource of somebody else may have a number between colons.
    let anywhere = |operator| judge("cloudtrail", "s3:PutObject", operator, "*:111111111111:*");
    assert_eq!(anywhere("StringLike"), [Invariant::NobodyOutside]);
    assert_eq!(anywhere("ArnLike"), []);
    for pattern in ["*:111111111111:trail/acme-org-trail", "arn:aws:cloudtrail:*:111111111111:trail/*"] {
        for operator in ["StringLike", "ArnLike"] {
            let found = judge("cloudtrail", "s3:PutObject", operator, pattern);
            assert_eq!(found, [], "{operator} {pattern}");
        }
    }
    for pattern in ["*:trail/acme-org-trail", "arn:*trail/acme-org-trail", "*distribution/E1"] {
        assert_eq!(judge("cloudtrail", "s3:PutObject", "ArnLike", pattern), [], "{pattern}");
        assert_eq!(judge("cloudtrail", "s3:PutObject", "StringEquals", pattern), [], "{pattern}");
    }
    // `ArnLike` completes what is missing.
    assert_eq!(judge("cloudtrail", "s3:PutObject", "ArnLike", "arn:aws:cloudtrail"), [Invariant::NobodyOutside]);
}

#[test]
fn string_like_reads_a_principal_over_the_colons() {
    let judge = |operator: &str, pattern: &str| {
        invariants(&with_statement(&format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*","Condition":{{"{operator}":{{"aws:PrincipalArn":"{pattern}"}}}}}}"#
        )))
    };
    for pattern in ["*role/Admin", "*:role/Admin", "arn:aws:iam*", "*Admin*", "*:root"] {
        assert!(judge("StringLike", pattern).contains(&Invariant::NobodyOutside), "{pattern}");
    }
    assert!(!judge("ArnLike", "*role/Admin").contains(&Invariant::NobodyOutside));
}

#[test]
fn a_denial_of_some_of_its_files_keeps_a_reader_from_reading() {
    let denied = |element: &str, below: &str| {
        invariants(&with_statement(&format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","{element}":"arn:aws:s3:::acme-org-cloudtrail/{below}"}}"#
        )))
    };
    for below in ["*/2025/*", "*/us-west-2/*", "*/31/*", "*/333333333333/*", "*CloudTrail-Digest*"] {
        assert_eq!(denied("Resource", below), [Invariant::ReadsOwn], "{below}");
        assert_eq!(denied("NotResource", below), [Invariant::ReadsOwn], "{below}");
    }
    for (element, below) in [("Resource", "other/*"), ("NotResource", "audit/*"), ("NotResource", "*.json.gz")] {
        assert_eq!(denied(element, below), [], "{element} {below}");
    }
}
