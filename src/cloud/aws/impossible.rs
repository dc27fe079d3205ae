//! Answers that are none: whatever a proxy, a wrong endpoint or a cut connection makes of an answer, nothing of it is
//! ever taken for "it is not there" or "it is switched off".

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::retry::RetryConfig;
use aws_types::region::Region as SdkRegion;
use hyper::Response;

use super::session::{Identity, Roles, Session, Sessions, Speed};
use super::{Timing, cloudtrail, config, events, iam, kms, logs, organizations, s3, sns};
use crate::cloud::{CloudFault, CloudFaultKind};
use crate::estate::{Address, Kind, Sighting};
use crate::ids::{AccountId, Partition, Region};

mod around;

const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-central-1";
const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:222222222222:trail/acme";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/k";

type Answers = BTreeMap<&'static str, (u16, String)>;

/// What AWS answers where all is well, by operation.
fn good() -> Answers {
    let policy = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}"#;
    let trail = format!(
        r#"{{"Name":"acme","S3BucketName":"logs","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,"TrailARN":"{TRAIL}","LogFileValidationEnabled":true,"IsOrganizationTrail":false,"HomeRegion":"{REGION}"}}"#
    );
    let texts = [
        ("DescribeTrails", format!(r#"{{"trailList":[{trail}]}}"#)),
        ("GetTrailStatus", r#"{"IsLogging":true}"#.into()),
        ("GetEventSelectors", r#"{"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true}]}"#.into()),
        ("GetInsightSelectors", r#"{"InsightSelectors":[]}"#.into()),
        ("ListTags", format!(r#"{{"ResourceTagList":[{{"ResourceId":"{TRAIL}","TagsList":[]}}]}}"#)),
        ("DescribeKey", format!(r#"{{"KeyMetadata":{{"KeyId":"k","Arn":"{KEY}","Enabled":true,"KeyState":"Enabled"}}}}"#)),
        ("ListResourceTags", r#"{"Tags":[],"Truncated":false}"#.into()),
        ("GetKeyRotationStatus", r#"{"KeyRotationEnabled":true}"#.into()),
        ("GetKeyPolicy", format!(r#"{{"Policy":"{policy}"}}"#)),
        ("ListAWSServiceAccessForOrganization", r#"{"EnabledServicePrincipals":[]}"#.into()),
        ("ListDelegatedAdministrators", r#"{"DelegatedAdministrators":[]}"#.into()),
        ("ListPolicies", r#"{"Policies":[]}"#.into()),
        (
            "ListRoots",
            r#"{"Roots":[{"Id":"r-ab12","PolicyTypes":[{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"}]}]}"#.into(),
        ),
        ("DescribeRule", r#"{"Name":"acme","State":"ENABLED","EventPattern":"{}"}"#.into()),
        ("ListTargetsByRule", r#"{"Targets":[]}"#.into()),
        ("DescribeLogGroups", r#"{"logGroups":[{"logGroupName":"acme"}]}"#.into()),
        ("ListTagsForResource", r#"{"tags":{},"Tags":[]}"#.into()),
        ("versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>".into()),
        ("policy", policy.replace('\\', "")),
        ("publicAccessBlock", block("true")),
        ("ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>".into()),
        ("encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>".into()),
        ("lifecycle", "<LifecycleConfiguration><Rule><ID>x</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>".into()),
        ("object-lock", "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>".into()),
        ("logging", "<BucketLoggingStatus/>".into()),
        ("requestPayment", "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>".into()),
        ("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>".into()),
        ("GetTopicAttributes", topic("<entry><key>Policy</key><value>{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}</value></entry>")),
        ("GetRole", role("%7B%22Statement%22%3A%5B%5D%7D")),
        ("ListRolePolicies", "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames/><IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>".into()),
        ("ListAttachedRolePolicies", "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies/><IsTruncated>false</IsTruncated></ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>".into()),
    ];
    texts.into_iter().map(|(operation, text)| (operation, (200, text))).collect()
}

fn block(value: &str) -> String {
    let switches = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let switches: String = switches.iter().map(|name| format!("<{name}>{value}</{name}>")).collect();
    format!("<PublicAccessBlockConfiguration>{switches}</PublicAccessBlockConfiguration>")
}

fn topic(entries: &str) -> String {
    format!(
        "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>{entries}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>"
    )
}

fn role(document: &str) -> String {
    format!(
        "<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>acme</RoleName><RoleId>AROA</RoleId><Arn>arn:aws:iam::222222222222:role/acme</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"
    )
}

/// Returns the operation of a request: the header of JSON services, the body of query services, the sub-resource of S3.
fn operation(target: Option<&str>, body: &str, query: &str) -> String {
    if let Some(target) = target {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    if let Some((_, rest)) = body.split_once("Action=") {
        return rest.split('&').next().unwrap_or_default().to_owned();
    }
    query.split(['&', '=']).next().unwrap_or_default().to_owned()
}

async fn session(answers: Answers) -> Session {
    let answers = Arc::new(answers);
    let client = infallible_client_fn(move |request| {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let operation = operation(target, &body, request.uri().query().unwrap_or_default());
        let (status, text) = answers.get(operation.as_str()).cloned().unwrap_or((500, String::new()));
        Response::builder().status(status).body(text).unwrap()
    });
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(SdkRegion::new(REGION))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(client)
        .load()
        .await;
    let identity = Identity { account: ACCOUNT.parse().unwrap(), partition: Partition::Aws, arn: None };
    let roles = Roles { member_role: "orgtrail".into(), session_name: "test".into(), read_only: true, policy: None };
    let speed = Speed { tempo: Timing::EMULATOR, in_flight_max: 4 };
    let home: Region = REGION.parse().unwrap();
    Sessions::new(config, home.clone(), identity, roles, speed).base().in_region(&home)
}

fn at(kind: Kind, name: &str) -> Address {
    let account: AccountId = ACCOUNT.parse().unwrap();
    Address::regional(&account, &REGION.parse().unwrap(), kind, name)
}

/// Looks at everything of one kind.
async fn look(session: &Session, kind: Kind) -> Result<Sighting, CloudFault> {
    let name = if kind == Kind::Key || kind == Kind::KeyPolicy { "alias/acme" } else { "acme" };
    let address = at(kind, name);
    match kind {
        Kind::Trail => {
            let mut seen = cloudtrail::look(session, &[&address], false).await?;
            Ok(seen.remove(0).1)
        }
        Kind::Bucket => s3::look(session, &address).await,
        Kind::BucketPolicy => s3::look_policy(session, &address).await,
        Kind::Key => kms::look(session, &address, "acme").await,
        Kind::KeyPolicy => kms::look_policy(session, &address).await,
        Kind::Topic => sns::look(session, &address).await,
        Kind::Role => iam::role::look(session, &address).await,
        Kind::Rule => events::look(session, &address).await,
        Kind::LogGroup => logs::look(session, &address).await,
        Kind::TrustedAccess => organizations::look_trusted_access(session, &address).await,
        Kind::DelegatedAdministrator => organizations::look_delegated_administrator(session, &address).await,
        Kind::ServiceControlPolicy => organizations::guard::look(session, &address).await,
        Kind::ConfigAggregator => {
            let mut seen = config::aggregator::look(session, &address).await?;
            Ok(seen.remove(0).1)
        }
        Kind::Queue | Kind::Policy => unreachable!(),
    }
}

#[tokio::test]
async fn what_is_no_answer_is_unreadable() {
    let same = good();
    let without = |operation: &str, part: &str| same[operation].1.replace(part, "");
    let no_switch = |name: &str| without("DescribeTrails", &format!(r#""{name}":true,"#));
    let impossible: Vec<(Kind, &'static str, u16, String)> = vec![
        (Kind::Trail, "DescribeTrails", 200, "{}".into()),
        (Kind::Trail, "DescribeTrails", 200, without("DescribeTrails", &format!(r#""TrailARN":"{TRAIL}","#))),
        (Kind::Trail, "DescribeTrails", 200, without("DescribeTrails", r#""S3BucketName":"logs","#)),
        (Kind::Trail, "DescribeTrails", 200, no_switch("IsMultiRegionTrail")),
        (Kind::Trail, "DescribeTrails", 200, no_switch("LogFileValidationEnabled")),
        (Kind::Trail, "DescribeTrails", 404, String::new()),
        (Kind::Trail, "GetTrailStatus", 200, "{}".into()),
        (Kind::Trail, "GetEventSelectors", 200, "{}".into()),
        (Kind::Trail, "GetEventSelectors", 200, r#"{"EventSelectors":[],"AdvancedEventSelectors":[]}"#.into()),
        (Kind::Trail, "GetInsightSelectors", 404, String::new()),
        (Kind::Trail, "ListTags", 200, "{}".into()),
        (Kind::Key, "DescribeKey", 200, "{}".into()),
        (Kind::Key, "DescribeKey", 404, String::new()),
        (Kind::Key, "DescribeKey", 200, without("DescribeKey", r#","KeyState":"Enabled""#)),
        (Kind::KeyPolicy, "GetKeyPolicy", 200, "{}".into()),
        (Kind::TrustedAccess, "ListAWSServiceAccessForOrganization", 200, "{}".into()),
        (Kind::DelegatedAdministrator, "ListDelegatedAdministrators", 200, "{}".into()),
        (Kind::ServiceControlPolicy, "ListPolicies", 200, "{}".into()),
        (Kind::ConfigAggregator, "DescribeConfigurationAggregators", 200, "{}".into()),
        (Kind::ConfigAggregator, "DescribeConfigurationAggregators", 404, String::new()),
        (Kind::Rule, "DescribeRule", 200, "{}".into()),
        (Kind::Rule, "ListTargetsByRule", 200, "{}".into()),
        (Kind::LogGroup, "DescribeLogGroups", 200, "{}".into()),
        (Kind::BucketPolicy, "policy", 200, String::new()),
        (Kind::BucketPolicy, "policy", 200, "{}".into()),
        (Kind::BucketPolicy, "policy", 404, String::new()),
        (Kind::BucketPolicy, "policy", 404, "<html>not found</html>".into()),
        (Kind::Bucket, "versioning", 404, String::new()),
        (Kind::Bucket, "versioning", 200, "<VersioningConfiguration><Sta".into()),
        (Kind::Bucket, "publicAccessBlock", 404, String::new()),
        (Kind::Bucket, "publicAccessBlock", 200, "<PublicAccessBlockConf".into()),
        (Kind::Bucket, "ownershipControls", 200, "<OwnershipControls/>".into()),
        (Kind::Bucket, "encryption", 404, String::new()),
        (Kind::Bucket, "encryption", 200, "<ServerSideEncryptionConfiguration/>".into()),
        (Kind::Bucket, "lifecycle", 200, "<LifecycleConfiguration/>".into()),
        (Kind::Bucket, "object-lock", 404, String::new()),
        (Kind::Bucket, "requestPayment", 200, "<RequestPaymentConfiguration/>".into()),
        (Kind::Bucket, "tagging", 404, error("NoSuchBucket")),
        (Kind::Topic, "GetTopicAttributes", 404, String::new()),
        (Kind::Topic, "GetTopicAttributes", 200, topic("")),
        (Kind::Role, "GetRole", 404, String::new()),
        (Kind::Role, "GetRole", 200, role("")),
        (Kind::Role, "GetRole", 200, "<GetRoleResponse><GetRoleResult/></GetRoleResponse>".into()),
        (Kind::Role, "ListRolePolicies", 200, same["ListRolePolicies"].1.replace("false", "true")),
    ];
    for (kind, operation, status, text) in impossible {
        let session = session(good().with(operation, status, &text)).await;
        match look(&session, kind).await {
            Err(fault) => assert_ne!(fault.kind, CloudFaultKind::Absent, "{operation} {status} {text}"),
            Ok(sighting) => panic!("{operation} {status} {text} was taken for {sighting:?}"),
        }
    }
}

#[tokio::test]
async fn absence_is_told_by_the_code_of_the_very_thing() {
    let absent = [
        (Kind::Bucket, "versioning", 404, error("NoSuchBucket")),
        (Kind::BucketPolicy, "policy", 404, error("NoSuchBucketPolicy")),
        (Kind::TrustedAccess, "ListPolicies", 200, r#"{"Policies":[]}"#.into()),
        (Kind::ServiceControlPolicy, "ListPolicies", 200, r#"{"Policies":[]}"#.into()),
        (Kind::LogGroup, "DescribeLogGroups", 200, r#"{"logGroups":[]}"#.into()),
        (Kind::Trail, "DescribeTrails", 200, r#"{"trailList":[]}"#.into()),
    ];
    for (kind, operation, status, text) in absent {
        let session = session(good().with(operation, status, &text)).await;
        assert_eq!(look(&session, kind).await.ok(), Some(Sighting::Absent), "{operation} {status} {text}");
    }
    let session = session(good()).await;
    for kind in [Kind::Trail, Kind::Bucket, Kind::BucketPolicy, Kind::Key, Kind::KeyPolicy, Kind::LogGroup, Kind::Rule]
    {
        let seen = look(&session, kind).await;
        assert!(matches!(seen, Ok(Sighting::Present(_))), "{kind:?} {seen:?}");
    }
}

#[tokio::test]
async fn a_listing_that_goes_round_in_circles_ends_with_an_error() {
    let circles = [
        (
            Kind::TrustedAccess,
            "ListAWSServiceAccessForOrganization",
            r#"{"EnabledServicePrincipals":[],"NextToken":"x"}"#,
        ),
        (Kind::ServiceControlPolicy, "ListPolicies", r#"{"Policies":[],"NextToken":"x"}"#),
        (Kind::LogGroup, "DescribeLogGroups", r#"{"logGroups":[],"nextToken":"x"}"#),
        (Kind::Key, "ListResourceTags", r#"{"Tags":[],"Truncated":true,"NextMarker":"x"}"#),
        (Kind::Rule, "ListTargetsByRule", r#"{"Targets":[],"NextToken":"x"}"#),
    ];
    for (kind, operation, text) in circles {
        let session = session(good().with(operation, 200, text)).await;
        let fault = look(&session, kind).await.unwrap_err();
        assert!(fault.message.contains("goes round in circles"), "{operation} {fault}");
    }
}

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>x</Message></Error>")
}

trait With {
    fn with(self, operation: &'static str, status: u16, text: &str) -> Self;
}

impl With for Answers {
    fn with(mut self, operation: &'static str, status: u16, text: &str) -> Self {
        self.insert(operation, (status, text.to_owned()));
        self
    }
}
