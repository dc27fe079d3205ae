//! What an answer says beside its word: by which statements, whose fault, what came nearest, and what is not known.

use super::*;

fn blamed(case: &Ask) -> (LayerKind, Option<usize>) {
    match case.verdict() {
        AccessDecision::Denied(Denial::Implicit { layer, nearest }) => (layer, nearest.map(|miss| miss.place.index)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_certain_in_one_direction_at_most() {
    let allowed = get(USER).identity(ALL_S3).verdict();
    let denied = get(USER).verdict();
    let unknown = get(USER).identity(r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#).verdict();
    let certain = |verdict: &AccessDecision| (verdict.is_allowed(), verdict.is_denied());
    assert_eq!(
        [allowed, denied, unknown].map(|verdict| certain(&verdict)),
        [(true, false), (false, true), (false, false)]
    );
}

#[test]
fn full_access_allows_everything_and_no_more_than_the_others_let_it() {
    let mut case = ask(USER, "iam:CreateUser", "arn:aws:iam::111111111111:user/x");
    case.identity.push(full_access());
    check("AdministratorAccess", &case, "allowed");
    check("AdministratorAccess", &case.scp(r#"{"Effect":"Deny","Action":"iam:*","Resource":"*"}"#), "explicit");
}

#[test]
fn whose_the_resource_is_does_not_matter_where_both_cases_have_one_answer() {
    let of_anybody = |case: Ask| Ask { owner: None, ..case };
    let both = get(USER).identity(ALL_S3).resource(&grant_to(USER));
    check("both sides allow", &of_anybody(both.clone()), "allowed");
    check("no side allows", &of_anybody(get(USER)), "implicit");
    check("only the caller's", &of_anybody(get(USER).identity(ALL_S3)), "unknown");
    check("only the resource's", &of_anybody(get(USER).resource(&grant_to(USER))), "unknown");
    // An ARN with an account says whose it is.
    let queue = "arn:aws:sqs:eu-central-1:111111111111:q";
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    check("its own account", &of_anybody(ask(USER, "sqs:SendMessage", queue).identity(all)), "allowed");
    check("another account", &of_anybody(ask(STRANGER, "sqs:SendMessage", queue).identity(all)), "implicit");
}

#[test]
fn an_allowed_request_names_a_statement_of_each_policy_that_had_to_allow_it() {
    let full = r#"{"Sid":"Full","Effect":"Allow","Action":"*","Resource":"*"}"#;
    let case = get(STRANGER).identity(ALL_S3).boundary(full).session(full).scp(full).resource(&grant_to(STRANGER));
    let AccessDecision::Allowed { by } = case.verdict() else { panic!("{:?}", case.verdict()) };
    let mut by: Vec<_> = by.iter().map(ToString::to_string).collect();
    by.sort();
    let full = |name: &str| format!("{name} Statement[0] (Full)");
    assert_eq!(
        by,
        [
            full("boundary"),
            "identity policy Statement[0]".into(),
            "resource policy Statement[0]".into(),
            full("service control policy"),
            full("session policy")
        ]
    );
}

#[test]
fn the_first_policy_that_does_not_allow_is_to_blame_limits_before_grants() {
    let other = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    let other_rcp = r#"{"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"*"}"#;
    let nothing = get(USER);
    assert_eq!(blamed(&nothing), (LayerKind::Identity, None));
    assert_eq!(blamed(&nothing.clone().identity(other)), (LayerKind::Identity, Some(0)));
    let session = nothing.identity(other).session(other);
    assert_eq!(blamed(&session), (LayerKind::Session, Some(0)));
    assert_eq!(blamed(&session.clone().boundary(other)).0, LayerKind::Boundary);
    assert_eq!(blamed(&session.clone().boundary(other).scp(other)).0, LayerKind::ServiceControl);
    assert_eq!(blamed(&session.boundary(other).scp(other).rcp(other_rcp)).0, LayerKind::ResourceControl);
    // The caller's own policies allow it: the resource's do not.
    assert_eq!(blamed(&get(STRANGER).identity(ALL_S3)), (LayerKind::Resource, None));
    assert_eq!(blamed(&get(STRANGER).resource(&grant_to(STRANGER))), (LayerKind::Identity, None));
    // Keys, roles and callers without an account: their policy comes first, because nothing else opens them.
    let key = "arn:aws:kms:eu-central-1:111111111111:key/k";
    for who in [USER, "anonymous", "cloudtrail.amazonaws.com"] {
        assert_eq!(blamed(&ask(who, "kms:Decrypt", key)).0, LayerKind::Resource, "{who}");
    }
    assert_eq!(blamed(&get("anonymous")).0, LayerKind::Resource);
    for action in ["sts:AssumeRoleWithSAML", "STS:TagSession", "sts:SetSourceIdentity"] {
        assert_eq!(blamed(&ask(USER, action, "arn:aws:iam::111111111111:role/r")).0, LayerKind::Resource, "{action}");
    }
    assert_eq!(blamed(&ask(USER, "sts:GetCallerIdentity", "*")).0, LayerKind::Identity);
}

#[test]
fn the_nearest_statement_is_the_one_that_misses_least_and_the_first_of_equals() {
    let action = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    let resource = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}"#;
    let condition =
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"}}}"#;
    let both = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a","s3:delimiter":"/"}}}"#;
    let nearest = |statements: &[&str]| blamed(&get(USER).identity(&statements.join(","))).1;
    assert_eq!(nearest(&[action, resource, both, condition]), Some(3));
    assert_eq!(nearest(&[condition, both, resource, action]), Some(0));
    assert_eq!(nearest(&[resource, action]), Some(0));
    assert_eq!(nearest(&[action, resource]), Some(1));
    assert_eq!(nearest(&[action, condition, condition]), Some(1));
    // Whom a statement names weighs more than what it is about, and less than what may be done.
    let of = |who: &str, action: &str, resource: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"{action}","Resource":"{resource}"}}"#)
    };
    let (who, what) = (of(STRANGER, "s3:*", "*"), of(USER, "ec2:*", "*"));
    let place = of(USER, "s3:*", "arn:aws:s3:::other/*");
    let nearest = |statements: &[&String]| {
        let all: Vec<&str> = statements.iter().map(|text| text.as_str()).collect();
        blamed(&get("anonymous").resource(&all.join(",").replace(USER, "*"))).1
    };
    assert_eq!(nearest(&[&what, &who, &place]), Some(2));
    assert_eq!(nearest(&[&what, &who]), Some(1));
}

#[test]
fn every_reason_of_a_miss_is_said_in_words() {
    let text = r#"{"Effect":"Allow","NotPrincipal":{"AWS":["111111111111","arn:aws:iam::111111111111:user/team/anna"]},
        "NotAction":["s3:Get*","s3:List*"],"NotResource":["arn:aws:s3:::b/*","arn:aws:s3:::c"],
        "Condition":{"StringEquals":{"s3:prefix":["a","b"]}}}"#;
    let policy = document(text);
    let named = Named { name: "bucket policy of b", document: &policy };
    let words = |request: &Request| {
        let misses = misses(request, named);
        misses.iter().map(|miss| miss.failures.iter().map(ToString::to_string).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(
        words(&get(USER).request),
        [[
            "the principal is anyone but 111111111111, arn:aws:iam::111111111111:user/team/anna, the caller is \
             arn:aws:iam::111111111111:user/team/anna",
            "the action is all but s3:Get*, s3:List*, the request is s3:GetObject",
            "the resource is all but arn:aws:s3:::b/*, arn:aws:s3:::c, the request is for arn:aws:s3:::b/home/anna/x",
            "StringEquals on s3:prefix has `a`, `b`, the request has no value",
        ]]
    );
    let plain = document(
        r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"},
           {"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":["ec2:*","iam:*"],"Resource":"x"},
           {"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#,
    );
    let named = Named { name: "p", document: &plain };
    let [miss] = &misses(&get("anonymous").request, named)[..] else { panic!() };
    assert_eq!(miss.place.index, 1, "a denial is no miss, and what applies is none");
    let words: Vec<_> = miss.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "the principal is s3.amazonaws.com, the caller is an anonymous caller",
            "the action is ec2:*, iam:*, the request is s3:GetObject",
            "the resource is x, the request is for arn:aws:s3:::b/home/anna/x",
        ]
    );
}

#[test]
fn what_is_not_known_is_said_once_each_with_its_statement() {
    let doubt = r#"{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"v"}}}"#;
    let deny = doubt.replace("Allow", "Deny").replace("\"A\"", "\"B\"");
    let AccessDecision::Unknown { why } = get(USER).identity(doubt).identity(doubt).identity(&deny).verdict() else {
        panic!()
    };
    let said = |sid: &str| {
        format!("identity policy Statement[0] ({sid}): the value of `aws:SourceVpc` in this request is not known")
    };
    assert_eq!(why, [said("A"), said("B")]);
}

#[test]
fn at_worst_a_denial_in_doubt_does_not_help_and_one_that_is_certain_does() {
    let doubt = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"v"}}}"#;
    let certain = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    let worst = |statements: &str| {
        let policy = document(statements);
        let identity = [Named { name: "p", document: &policy }];
        let layers = Layers { identity: &identity, resource_account: "111111111111".parse().ok(), ..Layers::default() };
        word(&evaluate_at_worst(&get(USER).request, &layers))
    };
    assert_eq!(worst(ALL_S3), "allowed");
    assert_eq!(worst(&format!("{ALL_S3},{doubt}")), "allowed");
    assert_eq!(worst(&format!("{ALL_S3},{certain}")), "explicit");
    assert_eq!(worst(doubt), "implicit");
}
