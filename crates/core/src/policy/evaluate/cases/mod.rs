//! Cases of AWS's documentation, each with the page it is taken from.

use super::*;
use crate::policy::PolicyDocument;

mod answers;
mod callers;
mod conditions;
mod documented;
mod properties;

/// A request with its policies, put together by a test.
#[derive(Debug, Clone)]
struct Ask {
    request: Request,
    identity: Vec<PolicyDocument>,
    boundary: Option<PolicyDocument>,
    session: Vec<PolicyDocument>,
    resource: Option<PolicyDocument>,
    scps: Vec<PolicyDocument>,
    rcps: Vec<PolicyDocument>,
    owner: Option<&'static str>,
}

fn document(statements: &str) -> PolicyDocument {
    PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn caller(text: &str) -> Caller {
    match text.parse() {
        Ok(arn) => Caller::from_arn(&arn).unwrap(),
        Err(_) if text == "anonymous" => Caller::Anonymous,
        Err(_) => Caller::Service { name: text.to_owned() },
    }
}

/// Begins a case; the resource belongs to account 111111111111 unless `owner` says otherwise.
fn ask(who: &str, action: &str, resource: &str) -> Ask {
    let (caller, context) = (caller(who), Context::default().with("aws:SecureTransport", "true"));
    let request = Request { caller, action: action.into(), resource: resource.into(), context };
    Ask {
        request,
        identity: vec![],
        boundary: None,
        session: vec![],
        resource: None,
        scps: vec![],
        rcps: vec![],
        owner: Some("111111111111"),
    }
}

impl Ask {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.request.context = self.request.context.with(key, value);
        self
    }
    fn without(mut self, key: &str) -> Self {
        self.request.context = self.request.context.without(key);
        self
    }
    fn identity(mut self, statements: &str) -> Self {
        self.identity.push(document(statements));
        self
    }
    fn boundary(mut self, statements: &str) -> Self {
        self.boundary = Some(document(statements));
        self
    }
    fn session(mut self, statements: &str) -> Self {
        self.session.push(document(statements));
        self
    }
    fn resource(mut self, statements: &str) -> Self {
        self.resource = Some(document(statements));
        self
    }
    fn scp(mut self, statements: &str) -> Self {
        self.scps.push(document(statements));
        self
    }
    fn rcp(mut self, statements: &str) -> Self {
        self.rcps.push(document(statements));
        self
    }

    fn verdict(&self) -> AccessDecision {
        let Self { identity, session, scps, rcps, .. } = self;
        let names = |name| move |document| Named { name, document };
        let identity: Vec<_> = identity.iter().map(names("identity policy")).collect();
        let session: Vec<_> = session.iter().map(names("session policy")).collect();
        let scps: Vec<Vec<_>> = scps.iter().map(|one| vec![names("service control policy")(one)]).collect();
        let rcps: Vec<Vec<_>> = rcps.iter().map(|one| vec![names("resource control policy")(one)]).collect();
        let layers = Layers {
            identity: &identity,
            boundary: self.boundary.as_ref().map(names("boundary")),
            session: &session,
            resource: self.resource.as_ref().map(names("resource policy")),
            scps: &scps,
            rcps: &rcps,
            resource_account: self.owner.map(|account| account.parse().unwrap()),
        };
        evaluate(&self.request, &layers)
    }
}

/// The answer in one word.
fn word(verdict: &AccessDecision) -> &'static str {
    match verdict {
        AccessDecision::Allowed { .. } => "allowed",
        AccessDecision::Denied(Denial::Explicit(_)) => "explicit",
        AccessDecision::Denied(Denial::Implicit { .. }) => "implicit",
        AccessDecision::Unknown { .. } => "unknown",
    }
}

fn check(source: &str, case: &Ask, expected: &str) {
    let verdict = case.verdict();
    assert_eq!(word(&verdict), expected, "{source}: {:?} {verdict:?}", case.request);
}

const USER: &str = "arn:aws:iam::111111111111:user/team/anna";
const ROLE: &str = "arn:aws:iam::111111111111:role/app";
const STRANGER: &str = "arn:aws:iam::999999999999:role/app";
const OBJECT: &str = "arn:aws:s3:::b/home/anna/x";

const ALL_S3: &str = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;

fn grant_to(who: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#
    )
}

fn get(who: &str) -> Ask {
    ask(who, "s3:GetObject", OBJECT)
}

#[test]
fn one_account() {
    let source = "IAM user guide, Policy evaluation logic, single account";
    check(source, &get(USER), "implicit");
    check(source, &get(USER).identity(ALL_S3), "allowed");
    check(source, &get(USER).resource(&grant_to(USER)), "allowed");
    check(source, &get(USER).resource(&grant_to("111111111111")), "implicit");
    check(source, &get(USER).resource(&grant_to(ROLE)), "implicit");
    check(source, &get(USER).resource(&grant_to("*")), "allowed");
    check(source, &get("arn:aws:iam::111111111111:root"), "allowed");
    let deny = r#"{"Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::b/home/*"}"#;
    check(source, &get(USER).identity(&format!("{ALL_S3},{deny}")), "explicit");
    check(
        source,
        &get(USER).identity(ALL_S3).resource(r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#),
        "explicit",
    );
    check(source, &get("arn:aws:iam::111111111111:root").scp(deny), "explicit");
}

#[test]
fn two_accounts() {
    let source = "IAM user guide, Cross-account policy evaluation logic";
    check(source, &get(STRANGER).identity(ALL_S3), "implicit");
    check(source, &get(STRANGER).resource(&grant_to(STRANGER)), "implicit");
    check(source, &get(STRANGER).identity(ALL_S3).resource(&grant_to(STRANGER)), "allowed");
    check(source, &get(STRANGER).identity(ALL_S3).resource(&grant_to("999999999999")), "allowed");
    check(source, &get(STRANGER).identity(ALL_S3).resource(&grant_to("arn:aws:iam::999999999999:root")), "allowed");
    check(
        source,
        &get(STRANGER).identity(ALL_S3).resource(&grant_to("arn:aws:iam::999999999999:role/other")),
        "implicit",
    );
    check(source, &get("arn:aws:iam::999999999999:root").resource(&grant_to("999999999999")), "allowed");
    let mut no_owner = get(USER).identity(ALL_S3);
    no_owner.owner = None;
    check("a bucket's ARN does not say whose it is", &no_owner, "unknown");
}

#[test]
fn walls_around_a_session() {
    let source = "IAM user guide, Permissions boundaries; Session policies";
    let other = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    check(source, &get(USER).identity(ALL_S3).boundary(other), "implicit");
    check(source, &get(USER).identity(ALL_S3).boundary(ALL_S3), "allowed");
    check(source, &get(USER).resource(&grant_to(USER)).boundary(other), "allowed");
    check(source, &get(ROLE).resource(&grant_to(ROLE)).boundary(other), "implicit");
    check(source, &get(ROLE).resource(&grant_to(ROLE)).session(other), "implicit");
    check(source, &get(ROLE).resource(&grant_to(ROLE)).session(ALL_S3), "allowed");
    let session = "arn:aws:sts::111111111111:assumed-role/app/session";
    check(source, &get(ROLE).resource(&grant_to(session)).session(other), "allowed");
    check(source, &get(ROLE).identity(ALL_S3).session(other), "implicit");
    check("a session by its own ARN", &get(session).resource(&grant_to(session)), "allowed");
    check("a session by its role's ARN", &get(session).resource(&grant_to(ROLE)), "allowed");
    check("not documented for a grant to anyone", &get(ROLE).resource(&grant_to("*")).session(other), "unknown");
}

#[test]
fn control_policies() {
    let full = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let source = "AWS Organizations user guide, SCP evaluation";
    check(source, &get(USER).identity(ALL_S3).scp(full), "allowed");
    check(
        source,
        &get(USER).identity(ALL_S3).scp(full).scp(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#),
        "implicit",
    );
    check(source, &get(USER).scp(full), "implicit");
    check(
        source,
        &get(USER)
            .identity(ALL_S3)
            .scp(full)
            .scp(&format!(r#"{full},{{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#)),
        "explicit",
    );
    let service =
        r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:*","Resource":"*"}"#;
    check(
        "SCPs do not reach services",
        &get("cloudtrail.amazonaws.com").resource(service).scp(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#),
        "allowed",
    );
    let source = "AWS Organizations user guide, RCP evaluation, examples";
    let full = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let perimeter = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#;
    let rcp = format!("{full},{perimeter}");
    let stranger = get(STRANGER).identity(ALL_S3).resource(&grant_to("*")).rcp(&rcp);
    check(source, &stranger.clone().with("aws:PrincipalOrgID", "o-otherorgid00"), "explicit");
    check(source, &stranger.clone().with("aws:PrincipalOrgID", "o-exampleorgid"), "allowed");
    check("whose organization is not said", &stranger, "unknown");
    check(source, &get("cloudtrail.amazonaws.com").resource(service).rcp(&rcp), "allowed");
    check(source, &get("anonymous").resource(&grant_to("*")).rcp(&rcp), "explicit");
}

#[test]
fn keys_and_roles_need_their_own_policy() {
    let key = "arn:aws:kms:eu-central-1:111111111111:key/k";
    let may = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    let to =
        |who: &str| format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"kms:*","Resource":"*"}}"#);
    let source = "KMS developer guide, Default key policy: allows access to the account and enables IAM policies";
    let decrypt = |who| ask(who, "kms:Decrypt", key);
    check(source, &decrypt(ROLE).identity(may), "implicit");
    check(source, &decrypt(ROLE).identity(may).resource(&to("arn:aws:iam::111111111111:root")), "allowed");
    check(source, &decrypt(ROLE).resource(&to("arn:aws:iam::111111111111:root")), "implicit");
    check(source, &decrypt(ROLE).resource(&to(ROLE)), "allowed");
    check(source, &decrypt("arn:aws:iam::111111111111:root"), "implicit");
    check(source, &decrypt("arn:aws:iam::111111111111:root").resource(&to(ROLE)), "implicit");
    check(source, &decrypt("arn:aws:iam::111111111111:root").resource(&to("*")), "allowed");
    check(source, &decrypt("arn:aws:iam::111111111111:root").resource(&to("111111111111")), "allowed");
    check(
        "KMS developer guide, Allowing users in other accounts",
        &decrypt(STRANGER).resource(&to("999999999999")),
        "implicit",
    );
    check(
        "KMS developer guide, Allowing users in other accounts",
        &decrypt(STRANGER).identity(may).resource(&to("999999999999")),
        "allowed",
    );

    let source = "IAM user guide, Role trust policies; blog: Announcing an update to IAM role trust policy behavior";
    let assume = |who| ask(who, "sts:AssumeRole", "arn:aws:iam::111111111111:role/reader");
    let may = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
    let trust = |who: &str| format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"sts:AssumeRole"}}"#);
    check(source, &assume(USER).identity(may), "implicit");
    check(source, &assume(USER).identity(may).resource(&trust("111111111111")), "allowed");
    check(source, &assume(USER).resource(&trust("111111111111")), "implicit");
    check(source, &assume(USER).resource(&trust(USER)), "allowed");
    check(source, &assume(STRANGER).identity(may).resource(&trust("999999999999")), "allowed");
    check(source, &assume(STRANGER).resource(&trust(STRANGER)), "implicit");
}

#[test]
fn principals() {
    let not = |effect: &str, who: &str| {
        format!(r#"{{"Effect":"{effect}","NotPrincipal":{{"AWS":[{who}]}},"Action":"s3:*","Resource":"*"}}"#)
    };
    let source = "IAM user guide, AWS JSON policy elements: NotPrincipal";
    let anna = format!(r#""{USER}","arn:aws:iam::111111111111:root""#);
    check(source, &get(USER).identity(ALL_S3).resource(&not("Deny", &anna)), "allowed");
    check(source, &get(ROLE).identity(ALL_S3).resource(&not("Deny", &anna)), "explicit");
    check(source, &get(USER).identity(ALL_S3).resource(&not("Deny", &format!(r#""{USER}""#))), "explicit");
    let app = format!(r#""{ROLE}","arn:aws:sts::111111111111:assumed-role/app/session","111111111111""#);
    check(source, &get(ROLE).identity(ALL_S3).resource(&not("Deny", &app)), "allowed");
    check(source, &get("anonymous").resource(&not("Allow", &anna)), "allowed");
    check("a part of the names", &get(ROLE).resource(&not("Allow", r#""111111111111""#)), "unknown");

    let source = "IAM user guide, AWS JSON policy elements: Principal";
    let service = r#"{"Effect":"Allow","Principal":{"Service":["sns.amazonaws.com","cloudtrail.amazonaws.com"]},"Action":"s3:*","Resource":"*"}"#;
    check(source, &get("cloudtrail.amazonaws.com").resource(service), "allowed");
    check(source, &get("config.amazonaws.com").resource(service), "implicit");
    check(source, &get(ROLE).resource(service), "implicit");
    check(source, &get("anonymous").resource(&grant_to("*")), "allowed");
    check(source, &get("anonymous").resource(&grant_to("111111111111")), "implicit");
    check("a deleted principal's id", &get(STRANGER).identity(ALL_S3).resource(&grant_to("AROAEXAMPLEID")), "implicit");
    check(
        "no wildcard inside a principal",
        &get(STRANGER).identity(ALL_S3).resource(&grant_to("arn:aws:iam::999999999999:role/*")),
        "implicit",
    );
    let owner = r#"{"Effect":"Allow","Principal":{"CanonicalUser":"79a5"},"Action":"s3:*","Resource":"*"}"#;
    check("whose a canonical id is, is not known", &get(STRANGER).identity(ALL_S3).resource(owner), "unknown");
    check("a service has no canonical id", &get("cloudtrail.amazonaws.com").resource(owner), "implicit");
}

#[test]
fn actions_and_resources() {
    let source = "IAM user guide, NotAction, NotResource, Resource";
    let cases = [
        (r#"{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}"#, "allowed"),
        (r#"{"Effect":"Allow","Action":"s3:Get?bject","Resource":"*"}"#, "allowed"),
        (r#"{"Effect":"Allow","Action":"s3:GetObject*","Resource":"arn:aws:s3:::b/home/anna/*"}"#, "allowed"),
        (r#"{"Effect":"Allow","Action":"s3:GetObjectVersion","Resource":"*"}"#, "implicit"),
        (r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#, "allowed"),
        (r#"{"Effect":"Allow","NotAction":["s3:Get*","iam:*"],"Resource":"*"}"#, "implicit"),
        (r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/home/*"}"#, "implicit"),
        (r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::other/*"}"#, "allowed"),
        (r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}"#, "implicit"),
        (r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/HOME/anna/x"}"#, "implicit"),
        (r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:::*/x"}"#, "allowed"),
        (
            r#"{"Effect":"Deny","NotAction":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}"#,
            "allowed",
        ),
        (
            r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::c/*"},{"Effect":"Allow","Action":"*","Resource":"*"}"#,
            "explicit",
        ),
        (r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#, "unknown"),
    ];
    for (statements, expected) in cases {
        check(&format!("{source}: {statements}"), &get(USER).identity(statements), expected);
    }
}
