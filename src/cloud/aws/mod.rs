//! AWS itself, or an emulator of it: [`CloudReader`] and [`CloudWriter`] over the AWS SDK. One file or folder a
//! service.
//!
//! Only this folder names the SDK. A call is made through a session (`session`), which knows whose credentials it uses,
//! keeps to the limits (`rate_limits`) and turns errors into faults (`fault`) by their codes; every client holds its
//! calls to the table of operations and shows them in the log (`calls`). The logs are read through sessions of their
//! own (`archive`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region as SdkRegion;

mod account;
mod alarms;
pub mod archive;
mod arrivals;
#[cfg(feature = "sql")]
pub mod athena;
mod calls;
mod change_context;
mod cloudtrail;
mod config;
mod document;
mod events;
mod fault;
mod http;
mod iam;
#[cfg(test)]
mod impossible;
mod keys;
mod kms;
#[cfg(feature = "sql")]
pub mod lake;
mod logs;
mod named_role;
mod observe;
mod organizations;
mod part;
mod rate_limits;
mod retry;
mod s3;
mod service_limiter;
mod session;
mod settled;
mod sns;
mod sqs;
mod surroundings;
mod wake;
pub mod webhook;
mod whole;

pub use named_role::NamedRole;
pub use rate_limits::Timing;

use crate::cloud::document::ConditionalStore;
use crate::cloud::history::{HistoryLookup, HistoryPage};
use crate::cloud::queue::Queue;
use crate::cloud::{CloudFault, CloudReader, CloudWriter, DiscoverOptions, Done, Load, Progress};
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Kind, Problem, Resource};
use crate::ids::{AccountId, Arn, Region};
use crate::monitoring::alarm::{Alarms, Subscribers};
use crate::monitoring::metric_filter::MetricFilter;
use crate::observation::ObservationScope;
use crate::operations::{session_policy, sts};
use crate::organization::Organization;
use crate::plan::Change;
use crate::recorders::RegionRecorder;
use crate::recorders::item::{ItemHistory, ItemLookup};
use change_context::ChangeContext;
use session::{Identity, Roles, Session, Sessions, Speed, resolved};

/// Attempts of one call that AWS throttles or that gets no answer. The pauses between them add up to about a minute.
const ATTEMPTS_MAX: u32 = 8;

/// How long one connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// The profile of the shared configuration files; none for what the environment says.
    pub profile: Option<String>,
    /// The home region of the deployment: where trails, bucket, key and topic are.
    pub home_region: Region,
    /// An endpoint for all services, of an emulator; none for what the environment says (`AWS_ENDPOINT_URL`) or AWS.
    pub endpoint: Option<String>,
    /// Credentials to start with; none for those that the environment, the profile or the machine have.
    pub credentials: Option<StartCredentials>,
    /// The name of the role that is assumed in other accounts.
    pub member_role: String,
    /// The name that CloudTrail shows for what is done there.
    pub session_name: String,
    /// How many accounts are looked at at the same time, and how many calls one service of one account has in flight:
    /// fewer while it throttles.
    pub concurrency: usize,
    /// Nothing can be changed over this connection, and assumed sessions may only read.
    pub read_only: bool,
    /// Rates and patience; none chooses those of AWS, or of an emulator for an endpoint on this machine.
    pub tempo: Option<Timing>,
}

/// Credentials that are given instead of found: an access key and its secret.
#[derive(Clone)]
pub struct StartCredentials {
    /// The access key's id.
    pub access_key: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for StartCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartCredentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Says why there is no connection to AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("AWS does not say whose credentials these are: {message} ({code})")]
pub struct NotConnected {
    /// AWS's error code, or a word of orgtrail's own.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl NotConnected {
    /// Tells whether another try may succeed although nobody does anything: AWS did not answer, or not well.
    pub fn may_pass(&self) -> bool {
        let passing = ["NoAnswer", "Throttling", "ServiceUnavailable", "InternalFailure", "HTTP5"];
        passing.iter().any(|start| self.code.starts_with(start))
    }
}

/// A connection to AWS.
pub struct Aws {
    sessions: Arc<Sessions>,
    concurrency: usize,
}

impl Aws {
    /// Connects: finds credentials and asks AWS whose they are.
    ///
    /// # Errors
    /// [`NotConnected`] where there are no credentials, or AWS does not take them or cannot be reached.
    pub async fn connect(options: AwsOptions) -> Result<Self, NotConnected> {
        let concurrency = options.concurrency;
        let policy = if options.read_only { SessionPolicy::ReadOnly } else { SessionPolicy::Everything };
        Ok(Self { sessions: Arc::new(sessions(options, policy).await?), concurrency })
    }

    /// Returns an object in S3 through which replicas agree, of at most so many bytes. It is reached with the
    /// credentials that the connection was made with.
    pub fn document(&self, bucket: &str, key: &str, bytes_max: i64) -> Box<dyn ConditionalStore> {
        let session = self.sessions.base().in_region(self.sessions.home());
        Box::new(document::Object { session, bucket: bucket.to_owned(), key: key.to_owned(), bytes_max })
    }

    /// Returns the queue of an account in the home region, with its dead-letter queue. That they are there is seen when
    /// they are used.
    pub fn queue(&self, account: &AccountId, name: &str, dead_letters: &str) -> Box<dyn Queue> {
        Box::new(wake::Pair::new(Arc::clone(&self.sessions), account, name, dead_letters))
    }

    /// Sends a message to a topic, with the credentials that the connection was made with: the topic may be in any
    /// account that lets them. It is no change, so a connection for looking only may do it.
    ///
    /// # Errors
    /// [`CloudFault`] where the topic does not take it.
    pub async fn publish(&self, topic: &Arn, region: &Region, subject: &str, text: &str) -> Result<(), CloudFault> {
        sns::publish(&self.sessions.base().in_region(region), topic, subject, text).await
    }

    /// Returns what AWS Config recorded of a resource of an account and region; `None` where it does not know it.
    ///
    /// # Errors
    /// [`CloudFault`] where AWS Config cannot be asked.
    pub async fn configuration_items(
        &self,
        account: &AccountId,
        region: &Region,
        lookup: &ItemLookup,
    ) -> Result<Option<ItemHistory>, CloudFault> {
        config::items::items(&self.sessions.of(account).await?.in_region(region), lookup).await
    }

    /// Returns the ids of the resources of a type and a name that AWS Config knows, deleted ones too.
    ///
    /// # Errors
    /// [`CloudFault`] where AWS Config cannot be asked.
    pub async fn configured_ids(
        &self,
        account: &AccountId,
        region: &Region,
        resource_type: &str,
        name: &str,
    ) -> Result<Vec<String>, CloudFault> {
        config::items::ids(&self.sessions.of(account).await?.in_region(region), resource_type, name).await
    }

    /// Returns the account of the credentials that the connection was made with.
    pub fn account(&self) -> &AccountId {
        &self.sessions.base().account
    }
}

/// What assumed sessions may do at most, whatever their role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionPolicy {
    /// All that their role may.
    Everything,
    /// Look at the deployment.
    ReadOnly,
    /// Read the logs.
    Archive,
    /// Keep a lake of them.
    #[cfg(feature = "sql")]
    Lake,
    /// Ask Athena.
    #[cfg(feature = "sql")]
    Athena,
}

impl SessionPolicy {
    fn text(self) -> Option<String> {
        match self {
            SessionPolicy::Everything => None,
            SessionPolicy::ReadOnly => Some(session_policy::read_only()),
            SessionPolicy::Archive => Some(session_policy::archive()),
            #[cfg(feature = "sql")]
            SessionPolicy::Lake => Some(session_policy::lake()),
            #[cfg(feature = "sql")]
            SessionPolicy::Athena => Some(session_policy::athena()),
        }
    }
}

/// Finds credentials, asks AWS whose they are, and makes the sessions that begin with them.
async fn sessions(options: AwsOptions, policy: SessionPolicy) -> Result<Sessions, NotConnected> {
    http::existing_profile(options.profile.as_deref()).await?;
    let config = sdk_config(&options).await;
    // Only now the endpoint is known: it may come from the environment or the profile.
    let tempo = options.tempo.unwrap_or_else(|| Timing::for_endpoint(config.endpoint_url()));
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(tempo.first_pause);
    let http = http::client(config.endpoint_url());
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(tempo.answer_max).build();
    let config = config.into_builder().retry_config(retries).timeout_config(timeouts).http_client(http).build();
    let identity = identity(&config).await?;
    let AwsOptions { member_role, session_name, read_only, .. } = options;
    let roles = Roles { member_role, session_name, read_only, policy: policy.text() };
    let speed = Speed { tempo, in_flight_max: options.concurrency };
    Ok(Sessions::new(config, options.home_region, identity, roles, speed))
}

async fn sdk_config(options: &AwsOptions) -> SdkConfig {
    let (region, http) = (SdkRegion::new(options.home_region.to_string()), http::client(options.endpoint.as_deref()));
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region.clone()).http_client(http.clone());
    if let Some(profile) = options.profile.as_deref().filter(|profile| !profile.is_empty()) {
        loader = loader.profile_name(profile);
        loader = loader.credentials_provider(http::of_profile(profile, Some(region), http));
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(given) = &options.credentials {
        let credentials = aws_credential_types::Credentials::new(&given.access_key, &given.secret, None, None, "given");
        loader = loader.credentials_provider(credentials);
    }
    loader.load().await
}

async fn identity(config: &SdkConfig) -> Result<Identity, NotConnected> {
    let answer = session::first_sts(config).get_caller_identity().send().await;
    let answer = answer.map_err(|error| {
        let fault::Reason { code, message, help, .. } = fault::reason(&sts::GET_CALLER_IDENTITY, &error);
        NotConnected { code, message, help }
    })?;
    let odd = || NotConnected {
        code: "UnexpectedAnswer".into(),
        message: "the answer has no account or no ARN".into(),
        help: "check AWS_ENDPOINT_URL".into(),
    };
    let account = answer.account().and_then(|id| id.parse().ok()).ok_or_else(odd)?;
    let arn: Option<Arn> = answer.arn().and_then(|arn| arn.parse().ok());
    let partition = arn.as_ref().and_then(|arn| arn.partition().parse().ok()).ok_or_else(odd)?;
    Ok(Identity { account, partition, arn })
}

#[async_trait]
impl CloudReader for Aws {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
        organizations::discover::discover(self.sessions.base(), needs).await
    }

    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault> {
        self.sessions.note_operators(scope.addresses.values());
        observe::observe(&self.sessions, scope, self.concurrency, progress).await
    }

    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<DeliveryStatus, CloudFault> {
        let session = self.sessions.of(operator).await?;
        cloudtrail::status(&session, trail).await
    }

    async fn regions(&self, account: &AccountId) -> Result<Option<Vec<Region>>, CloudFault> {
        account::regions(&self.sessions, account).await.map(Some)
    }

    async fn look_up_events(
        &self,
        account: &AccountId,
        region: &Region,
        lookup: &HistoryLookup,
    ) -> Result<Option<HistoryPage>, CloudFault> {
        let session = self.sessions.of(account).await?;
        cloudtrail::events(&session.in_region(region), lookup).await.map(Some)
    }

    async fn metric_filters(&self, group: &Arn) -> Result<Option<Vec<MetricFilter>>, CloudFault> {
        logs::metric_filters(&self.sessions, group).await.map(Some)
    }

    async fn alarms(&self, account: &AccountId, region: &Region) -> Result<Option<Alarms>, CloudFault> {
        alarms::alarms(&self.sessions.of(account).await?.in_region(region)).await.map(Some)
    }

    async fn subscribers(&self, topic: &Arn) -> Result<Option<Subscribers>, CloudFault> {
        sns::subscribers(&self.sessions, topic).await.map(Some)
    }

    async fn recorder(&self, account: &AccountId, region: &Region) -> Result<Option<RegionRecorder>, CloudFault> {
        config::recorder(&self.sessions.of(account).await?.in_region(region)).await.map(Some)
    }

    fn calls(&self) -> u64 {
        self.sessions.base().calls()
    }

    fn load(&self) -> BTreeMap<&'static str, Load> {
        self.sessions.base().load()
    }
}

#[async_trait]
impl CloudWriter for Aws {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        let session = self.sessions.of(&change.operator).await?;
        execute(session, change).await
    }
}

async fn execute(session: Session, change: &Change) -> Result<Done, CloudFault> {
    let job = ChangeContext { session: session.at(&change.address), change };
    let Some(desired) = change.desired() else { return retire(&job).await };
    resolved(&session.account, &change.address, desired)?;
    let done = put(&job, desired).await?;
    settled::await_tags(&job, &done).await?;
    Ok(done)
}

async fn put(job: &ChangeContext<'_>, desired: &Resource) -> Result<Done, CloudFault> {
    match desired {
        Resource::TrustedAccess(_) => organizations::enable_trusted_access(job).await,
        Resource::DelegatedAdministrator(_) => organizations::register_delegated_administrator(job).await,
        Resource::Bucket(bucket) => s3::put(job, bucket).await,
        Resource::BucketPolicy(policy) => s3::put_policy(job, policy).await,
        Resource::Key(key) => {
            let observed = job.change.observed().and_then(|seen| match seen {
                Resource::Key(key) => Some(key),
                _ => None,
            });
            kms::put(job, key, observed).await
        }
        Resource::KeyPolicy(policy) => kms::put_policy(job, policy).await,
        Resource::Topic(topic) => sns::put(job, topic).await,
        Resource::LogGroup(group) => logs::put(job, group).await,
        Resource::Role(role) => iam::role::put(job, role, observed_role(job.change)).await,
        Resource::Policy(policy) => iam::policy::put(job, policy).await,
        Resource::Trail(trail) => cloudtrail::put(job, trail).await,
        Resource::ServiceControlPolicy(policy) => organizations::guard::put(job, policy).await,
        Resource::Queue(queue) => sqs::put(job, queue).await,
        Resource::Rule(rule) => events::put(job, rule).await,
        Resource::ConfigAggregator(aggregator) => config::aggregator::put(job, aggregator).await,
    }
}

fn observed_role(change: &Change) -> Option<&crate::estate::Role> {
    change.observed().and_then(|seen| match seen {
        Resource::Role(role) => Some(role),
        _ => None,
    })
}

/// Removes what may be removed: roles, policies, rules and earlier trails of this deployment. Nothing that holds logs
/// is.
async fn retire(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    match job.address().kind {
        Kind::Role => iam::role::retire(job, observed_role(job.change)).await,
        Kind::Policy => iam::policy::retire(job).await,
        Kind::Trail => cloudtrail::retire(job).await,
        Kind::ServiceControlPolicy => organizations::guard::retire(job).await,
        Kind::Rule => events::retire(job).await,
        Kind::TrustedAccess
        | Kind::DelegatedAdministrator
        | Kind::Bucket
        | Kind::BucketPolicy
        | Kind::Key
        | Kind::KeyPolicy
        | Kind::Topic
        | Kind::LogGroup
        | Kind::Queue
        | Kind::ConfigAggregator => job.never_removed(),
    }
}
