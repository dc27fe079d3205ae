//! What the tests of the adapter share: a connection, and a small deployment with every kind of resource.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::cloud::aws::{Aws, AwsOptions, StartCredentials};
use orgtrail::cloud::{CloudFault, CloudReader, CloudWriter, NoProgress};
use orgtrail::estate::bucket::{BucketEncryption, LifecycleRule, ObjectLock};
use orgtrail::estate::key::key_reference;
use orgtrail::estate::trail::{EventSelector, ReadWrite};
use orgtrail::estate::{
    ACCOUNT_TAG, Address, Bucket, BucketPolicy, Estate, Key, KeyPolicy, Kind, LogGroup, OWNER_TAG, Policy, Resource,
    Role, ServiceControlPolicy, Tags, Topic, Trail, TrustedAccess,
};
use orgtrail::ids::{AccountId, Partition, Region};
use orgtrail::observation::ObservationScope;
use orgtrail::plan::{Change, FieldChange, Harm, Step};
use orgtrail::policy::PolicyDocument;

use crate::support::world::{HOME, MEMBER_ROLE};
use crate::support::{Emulator, World};

pub const DEPLOYMENT: &str = "acme";
pub const BUCKET: &str = "acme-org-cloudtrail";
pub const TRAIL: &str = "acme-org-trail";
pub const MEMBER_POLICY: &str = "CloudTrailReadLogs";

pub fn options(emulator: &Emulator) -> AwsOptions {
    AwsOptions {
        profile: None,
        home_region: HOME.parse().unwrap(),
        endpoint: Some(emulator.endpoint().to_owned()),
        credentials: Some(World::start_credentials()),
        member_role: MEMBER_ROLE.into(),
        session_name: "orgtrail-test".into(),
        concurrency: 16,
        read_only: false,
        tempo: None,
    }
}

pub async fn connect(emulator: &Emulator) -> Aws {
    Aws::connect(options(emulator)).await.unwrap()
}

pub async fn connect_as(emulator: &Emulator, credentials: StartCredentials) -> Aws {
    Aws::connect(AwsOptions { credentials: Some(credentials), ..options(emulator) }).await.unwrap()
}

/// A wish: what shall be at an address, and who makes it.
#[derive(Clone)]
pub struct Wish {
    pub address: Address,
    pub operator: AccountId,
    pub resource: Resource,
}

/// A deployment: its wishes in an order in which they can be made.
pub struct Deployment {
    pub wishes: Vec<Wish>,
    management: AccountId,
    log: AccountId,
    members: Vec<AccountId>,
}

pub fn tags() -> Tags {
    Tags::from([(OWNER_TAG.to_owned(), DEPLOYMENT.to_owned())])
}

pub fn policy(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap()
}

/// A policy of one statement.
pub fn allow(rest: &str) -> PolicyDocument {
    policy(&format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{rest}}}]}}"#))
}

pub fn reader_name(member: &AccountId) -> String {
    format!("CloudTrailReadLogs-{member}")
}

impl Deployment {
    /// Makes the deployment for some members of an organization, by their names.
    pub fn new(world: &World, members: &[&str]) -> Self {
        let members = members.iter().map(|name| world.account(name).clone()).collect();
        let (management, log) = (world.account("management").clone(), world.log().clone());
        let mut deployment = Self { wishes: Vec::new(), management, log, members };
        deployment.in_the_log_account();
        deployment.readers();
        deployment.in_the_management_account(world);
        deployment
    }

    fn wish(&mut self, address: Address, operator: &AccountId, resource: impl Into<Resource>) {
        self.wishes.push(Wish { address, operator: operator.clone(), resource: resource.into() });
    }

    pub fn home() -> Region {
        HOME.parse().unwrap()
    }

    pub fn key(&self) -> Address {
        Address::regional(&self.log, &Self::home(), Kind::Key, "alias/orgtrail-acme")
    }

    pub fn bucket(&self) -> Address {
        Address::regional(&self.log, &Self::home(), Kind::Bucket, BUCKET)
    }

    pub fn trail(&self) -> Address {
        Address::regional(&self.management, &Self::home(), Kind::Trail, TRAIL)
    }

    pub fn topic(&self) -> Address {
        Address::regional(&self.log, &Self::home(), Kind::Topic, TRAIL)
    }

    pub fn log_group(&self) -> Address {
        Address::regional(&self.management, &Self::home(), Kind::LogGroup, "/orgtrail/acme")
    }

    pub fn reader(&self, member: &AccountId) -> Address {
        Address::global(&self.log, Kind::Role, reader_name(member))
    }

    pub fn member_policy(member: &AccountId) -> Address {
        Address::global(member, Kind::Policy, MEMBER_POLICY)
    }

    fn in_the_log_account(&mut self) {
        let log = self.log.clone();
        let (key, bucket, topic) = (self.key(), self.bucket(), self.topic());
        let wish = Key {
            arn: None,
            has_alias: true,
            enabled: true,
            pending_deletion: false,
            deletion_date: None,
            rotation: true,
            tags: tags(),
        };
        self.wish(key.clone(), &log, wish);
        let owner = format!(r#""Principal":{{"AWS":"arn:aws:iam::{log}:root"}},"Action":"kms:*","Resource":"*""#);
        self.wish(key.with_kind(Kind::KeyPolicy), &log, KeyPolicy { policy: allow(&owner), key: None });
        self.wish(bucket.clone(), &log, wished_bucket(&key));
        let check = format!(
            r#""Sid":"OrgtrailCloudTrailAclCheck","Principal":{{"Service":"cloudtrail.amazonaws.com"}},
               "Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::{BUCKET}""#
        );
        self.wish(bucket.with_kind(Kind::BucketPolicy), &log, BucketPolicy { policy: allow(&check) });
        let publish = format!(
            r#""Sid":"OrgtrailPublish","Principal":{{"Service":"cloudtrail.amazonaws.com"}},
               "Action":"SNS:Publish","Resource":"arn:aws:sns:{HOME}:{log}:{TRAIL}""#
        );
        let topic_wish = Topic { policy: allow(&publish), key: Some(key_reference(&key)), tags: tags() };
        self.wish(topic, &log, topic_wish);
    }

    fn readers(&mut self) {
        let log = self.log.clone();
        let key = self.key();
        for member in self.members.clone() {
            let mut role_tags = tags();
            role_tags.insert(ACCOUNT_TAG.into(), member.to_string());
            let read = format!(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/AWSLogs/o-x/{member}/*""#);
            let decrypt = format!(r#""Action":"kms:Decrypt","Resource":"{}""#, key_reference(&key));
            let trust = format!(r#""Principal":{{"AWS":"arn:aws:iam::{member}:root"}},"Action":"sts:AssumeRole""#);
            let role = Role {
                trust: allow(&trust),
                inline: BTreeMap::from([("Read".to_owned(), allow(&read)), ("Decrypt".to_owned(), allow(&decrypt))]),
                attached: BTreeSet::new(),
                boundary: None,
                max_session_s: Some(7200),
                description: Some("Reads the logs of one account".into()),
                unique_id: None,
                tags: role_tags,
            };
            self.wish(self.reader(&member), &log, role);
            let assume =
                format!(r#""Action":"sts:AssumeRole","Resource":"arn:aws:iam::{log}:role/{}""#, reader_name(&member));
            let policy = Policy {
                document: allow(&assume),
                description: Some("May read the account's own logs".into()),
                groups: BTreeSet::new(),
                roles: BTreeSet::new(),
                tags: tags(),
            };
            self.wish(Self::member_policy(&member), &member, policy);
        }
    }

    fn in_the_management_account(&mut self, world: &World) {
        let management = self.management.clone();
        let access = Address::global(&management, Kind::TrustedAccess, "cloudtrail.amazonaws.com");
        self.wish(access, &management, TrustedAccess {});
        let group = LogGroup { retention_days: Some(365), tags: tags() };
        self.wish(self.log_group(), &management, group);
        let writer = Address::global(&management, Kind::Role, "orgtrail-acme-logs");
        self.wish(writer, &management, log_group_role());
        self.wish(self.trail(), &management, self.wished_trail());
        let guard = ServiceControlPolicy {
            id: None,
            document: policy(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"cloudtrail:StopLogging","Resource":"*"}]}"#,
            ),
            targets: BTreeSet::from([world.units["Root"].clone()]),
            tags: tags(),
        };
        self.wish(Address::global(&management, Kind::ServiceControlPolicy, "orgtrail-acme"), &management, guard);
    }

    fn wished_trail(&self) -> Trail {
        Trail {
            bucket: BUCKET.into(),
            prefix: String::new(),
            topic: Some(format!("arn:aws:sns:{HOME}:{}:{TRAIL}", self.log)),
            global_events: true,
            multi_region: true,
            organization: true,
            validation: true,
            key: Some(key_reference(&self.key())),
            log_group: Some(format!("arn:aws:logs:{HOME}:{}:log-group:/orgtrail/acme:*", self.management)),
            log_role: Some(format!("arn:aws:iam::{}:role/orgtrail-acme-logs", self.management)),
            logging: true,
            selectors: BTreeSet::from([
                EventSelector::management(ReadWrite::All, &["kms.amazonaws.com".to_owned()]),
                EventSelector(BTreeMap::new())
                    .with("eventCategory", "equals", ["Data"])
                    .with("resources.type", "equals", ["AWS::S3::Object"])
                    .with("resources.ARN", "starts_with", ["arn:aws:s3:::important/"]),
            ]),
            insights: BTreeSet::from(["ApiCallRateInsight".to_owned(), "ApiErrorRateInsight".to_owned()]),
            tags: Some(tags()),
            delivery: None,
        }
    }

    /// Returns the scope in which all wishes are looked at.
    pub fn scope(&self) -> ObservationScope {
        ObservationScope {
            deployment: DEPLOYMENT.into(),
            partition: Partition::Aws,
            log_account: self.log.clone(),
            management_account: self.management.clone(),
            home_region: Self::home(),
            accounts: self.members.iter().chain([&self.log, &self.management]).cloned().collect(),
            addresses: self.wishes.iter().map(|wish| (wish.address.clone(), wish.operator.clone())).collect(),
            member_policies: self.members.iter().map(|member| (member.clone(), MEMBER_POLICY.to_owned())).collect(),
            control_targets: BTreeSet::new(),
            member_trails: BTreeSet::new(),
            wakes: false,
            attachments: false,
            keys: BTreeSet::new(),
            further_keys: true,
            arrivals: false,
        }
    }

    /// Returns a wish by its address.
    pub fn at(&self, address: &Address) -> &Wish {
        self.wishes.iter().find(|wish| wish.address == *address).unwrap()
    }

    /// Makes everything, one wish after the other, as `apply` does: what a step makes is known to the next.
    pub async fn make(&self, aws: &Aws) {
        let mut made = BTreeMap::new();
        for wish in &self.wishes {
            self.make_one(aws, wish, &mut made).await.unwrap_or_else(|fault| panic!("{}: {fault}", wish.address));
        }
    }

    /// Makes one wish; `made` gets what it made.
    pub async fn make_one(
        &self,
        aws: &Aws,
        wish: &Wish,
        made: &mut BTreeMap<Address, Resource>,
    ) -> Result<(), CloudFault> {
        let mut change = creation(wish);
        let arn = |address: &Address| match made.get(address) {
            Some(Resource::Key(key)) => key.arn.clone(),
            _ => None,
        };
        change.desired_mut().unwrap().resolve(&arn);
        if let Some(resource) = aws.execute(&change).await?.resource {
            made.insert(wish.address.clone(), resource);
        }
        Ok(())
    }

    /// Looks at everything.
    pub async fn look(&self, aws: &Aws) -> Estate {
        aws.observe(&self.scope(), &NoProgress).await.unwrap()
    }

    /// Returns the fields that are not as wished, as `address field`.
    pub fn differences(&self, estate: &Estate) -> Vec<String> {
        let aliases = estate.aliases(orgtrail::ids::Partition::Aws);
        let key = |address: &Address| match estate.resource(address) {
            Some(Resource::Key(key)) => key.arn.clone(),
            _ => None,
        };
        let mut differences = Vec::new();
        for wish in &self.wishes {
            let mut wanted = wish.resource.clone();
            wanted.resolve(&key);
            let Some(seen) = estate.resource(&wish.address) else {
                differences.push(format!("{} is {:?}", wish.address, estate.sightings.get(&wish.address)));
                continue;
            };
            let seen: BTreeMap<_, _> = seen.fields().into_iter().map(|field| (field.path, field.value)).collect();
            for field in wanted.wished_fields() {
                if !seen.get(&field.path).is_some_and(|value| field.value.is_met_by(value, &aliases)) {
                    differences.push(format!("{} {}", wish.address, field.path));
                }
            }
        }
        differences
    }
}

/// The change that makes a wish where nothing is.
pub fn creation(wish: &Wish) -> Change {
    Change {
        address: wish.address.clone(),
        operator: wish.operator.clone(),
        step: Step::create(wish.resource.clone()),
        risk: BTreeSet::new(),
        harm: Harm::Harmless,
        reason: "test".into(),
        depends_on: Vec::new(),
    }
}

/// The change of some fields of what was observed.
pub fn update(wish: &Wish, estate: &Estate, fields: &[&str]) -> Change {
    let field = |path: &&str| FieldChange { path: (*path).into(), before: None, after: None };
    let key = |address: &Address| match estate.resource(address) {
        Some(Resource::Key(key)) => key.arn.clone(),
        _ => None,
    };
    let observed = estate.resource(&wish.address).cloned().unwrap();
    let step = Step::update(wish.resource.clone(), observed, fields.iter().map(field).collect()).unwrap();
    let mut change = Change { step, ..creation(wish) };
    change.desired_mut().unwrap().resolve(&key);
    change
}

/// The change that removes what was observed.
pub fn retirement(address: &Address, operator: &AccountId, estate: &Estate) -> Change {
    let observed = estate.resource(address).cloned().unwrap();
    let wish = Wish { address: address.clone(), operator: operator.clone(), resource: observed.clone() };
    Change { step: Step::Retire { observed }, ..creation(&wish) }
}

fn wished_bucket(key: &Address) -> Bucket {
    Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: true,
        encryption: Some(BucketEncryption {
            algorithm: "aws:kms".into(),
            key: Some(key_reference(key)),
            bucket_key: true,
        }),
        lifecycle: vec![LifecycleRule {
            id: "orgtrail".into(),
            enabled: true,
            prefix: "AWSLogs/".into(),
            transitions: vec![(90, "GLACIER_IR".into())],
            expire_after_days: Some(2555),
            expire_noncurrent_after_days: Some(30),
            abort_upload_after_days: Some(7),
            other: None,
        }],
        object_lock: Some(ObjectLock { mode: "GOVERNANCE".into(), days: 365 }),
        access_logs: None,
        requester_pays: false,
        tags: tags(),
        untouched: false,
        mfa_delete: None,
    }
}

fn log_group_role() -> Role {
    Role {
        trust: allow(r#""Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole""#),
        inline: BTreeMap::from([(
            "Write".to_owned(),
            allow(r#""Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*""#),
        )]),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: None,
        description: None,
        unique_id: None,
        tags: tags(),
    }
}
