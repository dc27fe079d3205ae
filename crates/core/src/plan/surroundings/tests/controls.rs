//! What control policies do to readers and to the delivery, each kind with its right answer.

use super::*;

fn controls(service: bool, policy: &str) -> Surroundings {
    let open =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    let open = if service { open.replace(r#""Principal":"*","#, "") } else { open.to_owned() };
    let document = |name: &str, text: &str| {
        (name.to_owned(), ControlPolicy { name: name.into(), document: PolicyDocument::parse(text).unwrap() })
    };
    let targets = ["r-ab12", "ou-ab12-11111111", LOG];
    let mut attached: BTreeMap<String, BTreeSet<String>> =
        targets.map(|target| (target.to_owned(), BTreeSet::from(["open".to_owned()]))).into();
    attached.get_mut("r-ab12").unwrap().insert("fence".into());
    let documents = BTreeMap::from([document("open", &open), document("fence", policy)]);
    let (service, resource) = if service { (attached, BTreeMap::new()) } else { (BTreeMap::new(), attached) };
    Surroundings {
        organization: Readable::Read(ControlPolicies { documents, service, resource }),
        ..Surroundings::default()
    }
}

/// What control policies with one denial come to: violations, unproven, codes of findings, codes of problems.
fn denied(service: bool, rest: &str) -> (Vec<String>, usize, Vec<String>, Vec<String>) {
    let mut desired = with_reader_and_trail();
    desired.reading.roots = BTreeSet::from(["AWSLogs/o-exampleorgid".parse().unwrap()]);
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny",{rest}}}]}}"#);
    let result = judged_by(&desired, controls(service, &policy));
    let mut actions: Vec<String> = result.violations.into_iter().map(|violation| violation.action).collect();
    actions.dedup();
    (
        actions,
        result.unproven.len(),
        result.findings.into_iter().map(|finding| finding.code).collect(),
        result.problems.into_iter().map(|problem| problem.code).collect(),
    )
}

type Came = (Vec<String>, usize, Vec<String>, Vec<String>);

fn nothing() -> Came {
    (Vec::new(), 0, Vec::new(), Vec::new())
}

fn stopped() -> Came {
    (Vec::new(), 0, vec!["control-policy-stops-delivery".to_owned()], Vec::new())
}

fn reads(actions: &[&str]) -> Came {
    (actions.iter().map(|&action| action.to_owned()).collect(), 0, Vec::new(), Vec::new())
}

#[test]
fn control_policies_that_stop_readers_are_told() {
    let file = |below: &str| format!(r#""Resource":"arn:aws:s3:::acme-org-cloudtrail/{below}""#);
    assert_eq!(denied(true, r#""Action":"ec2:*","Resource":"*""#), nothing());
    assert_eq!(denied(true, r#""Action":"s3:GetObject","Resource":"*""#), reads(&["s3:GetObject"]));
    assert_eq!(denied(true, r#""Action":"s3:GetObjectVersion","Resource":"*""#), reads(&["s3:GetObjectVersion"]));
    assert_eq!(denied(true, r#""Action":"s3:ListBucket","Resource":"*""#), reads(&["s3:ListBucket"]));
    assert_eq!(denied(true, r#""Action":"kms:Decrypt","Resource":"*""#), reads(&["kms:Decrypt"]));
    for below in ["*Digest*", "*Insight*", "*/2025/*", "*/us-west-2/*", "*/333333333333/*"] {
        assert_eq!(denied(true, &format!(r#""Action":"s3:GetObject",{}"#, file(below))), reads(&["s3:GetObject"]));
    }
    assert_eq!(denied(true, &format!(r#""Action":"s3:GetObject",{}"#, file("*/444444444444/*"))), nothing());
    let assume = r#""Principal":"*","Action":"sts:AssumeRole","Resource":"*""#;
    assert_eq!(denied(false, assume), reads(&["sts:AssumeRole"]));
    let outsiders = format!(r#"{assume},"Condition":{{"StringNotEquals":{{"aws:PrincipalOrgID":"o-exampleorgid"}}}}"#);
    assert_eq!(denied(false, &outsiders), nothing());
    let elsewhere =
        r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1"]}}"#;
    assert_eq!(denied(true, elsewhere), nothing());
}

#[test]
fn control_policies_that_stop_the_delivery_are_told() {
    let put = |rest: &str| denied(false, &format!(r#""Principal":"*","Action":"s3:PutObject",{rest}"#));
    let fence = r#""Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}"#;
    let lets_services_off = format!(r#"{fence},"BoolIfExists":{{"aws:PrincipalIsAWSService":"false"}}}}"#);
    assert_eq!(denied(false, &lets_services_off), nothing());
    let forgets_services = r#""Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#;
    assert_eq!(put(forgets_services), stopped());
    for below in ["AWSLogs/o-exampleorgid/333333333333/*", "*Digest*", "*/us-west-2/*", "*/2027/*"] {
        assert_eq!(put(&format!(r#""Resource":"arn:aws:s3:::acme-org-cloudtrail/{below}""#)), stopped(), "{below}");
    }
    assert_eq!(put(r#""NotResource":"arn:aws:s3:::acme-org-cloudtrail/*eu-central-1*""#), stopped());
    assert_eq!(put(r#""Resource":"arn:aws:s3:::acme-org-cloudtrail/AWSLogs/o-other/*""#), nothing());
    assert_eq!(put(r#""Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), stopped());
}

#[test]
fn what_control_policies_do_on_conditions_that_are_not_known_is_no_calm() {
    let depends =
        r#""Action":"s3:GetObject","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
    assert_eq!(denied(true, depends), (Vec::new(), 1, Vec::new(), Vec::new()));
    let newest = r#""Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{"NumericLessThan":{"s3:TlsVersion":"1.3"}}"#;
    let (violations, unproven, findings, problems) = denied(false, newest);
    assert_eq!((violations.len(), unproven, findings.len()), (0, 0, 0));
    assert!(!problems.is_empty() && problems.iter().all(|code| code == "DeliveryUnproven"), "{problems:?}");
}

#[test]
fn control_policies_that_allow_less_than_everything_stop_readers() {
    let only = |rest: &str| {
        let mut desired = with_reader_and_trail();
        desired.reading.roots = BTreeSet::from(["AWSLogs/o-exampleorgid".parse().unwrap()]);
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{rest}}}]}}"#);
        let mut surroundings = controls(true, &policy);
        let Readable::Read(organization) = &mut surroundings.organization else { panic!("they were read") };
        // It stands in place of the one that allows everything.
        organization.service.insert(LOG.to_owned(), BTreeSet::from(["fence".to_owned()]));
        !judged_by(&desired, surroundings).violations.is_empty()
    };
    assert!(!only(r#""Action":"*","Resource":"*""#));
    for rest in [
        r#""NotAction":"s3:*","Resource":"*""#,
        r#""Action":"*","Resource":"arn:aws:ec2:*:*:*""#,
        r#""Action":"*","NotResource":"arn:aws:s3:::acme-org-cloudtrail/*""#,
        r#""NotAction":"kms:Decrypt","Resource":"*""#,
    ] {
        assert!(only(rest), "{rest}");
    }
}
