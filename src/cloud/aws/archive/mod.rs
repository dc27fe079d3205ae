//! The logs' side of the door to AWS: buckets, CloudTrail's public keys, the state of trails, signatures of KMS.
//! Nothing here writes: its clients call what the archive's part of the table has, and nothing else. A lake, which is
//! written too, has clients of its own (`cloud::aws::lake`).

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::archive::{Fault, FaultKind};
use crate::cloud::CloudFault;
#[cfg(feature = "sql")]
use crate::cloud::aws::athena::Athena;
#[cfg(feature = "sql")]
use crate::cloud::aws::lake::S3Lake;
use crate::cloud::aws::rate_limits::{RateLimits, Timing};
use crate::cloud::aws::session::Sessions;
use crate::cloud::aws::{AwsOptions, CONNECT_TIMEOUT, NamedRole, NotConnected, SessionPolicy, http, sessions};
use crate::ids::{AccountId, Region};
use crate::logs::expected::TrailStatus;

mod attempts;
mod bucket;
mod credentials;
mod failure;
mod prepared;
mod public_keys;
mod rules;
mod session;
mod sign;
mod trail_status;

#[cfg(feature = "sql")]
pub(in crate::cloud::aws) use attempts::Attempts;
pub use bucket::S3Store;
use credentials::{Reader, RoleCredentials};
pub(in crate::cloud::aws) use failure::Failure;
use prepared::{Noting, Prepared};
pub use public_keys::PublicKeys;
pub(in crate::cloud::aws) use session::LogsSession;

/// Calls in flight to one service beside the reads of a bucket.
const IN_FLIGHT_MAX: usize = 16;

/// A connection to the logs.
#[derive(Clone)]
pub struct Connection {
    way: Way,
    /// The address that is asked instead of AWS's own; `None` where it is AWS.
    endpoint: Option<String>,
}

/// Whose credentials read the logs.
#[derive(Clone)]
enum Way {
    /// Those that the program was started with, whosever they are.
    AsStarted(Box<LogsSession>),
    /// Those of the member role in the log account, and in the accounts of earlier logs.
    MemberRole { sessions: Arc<Sessions>, log_account: AccountId },
    /// Those of a role that a person named, wherever the logs lie.
    NamedRole { sessions: Arc<Sessions>, role: NamedRole },
}

impl Connection {
    /// Reads credentials, endpoint and region from the environment, or from a profile of the configuration files.
    /// `region` is used where they name none. No role is assumed.
    ///
    /// # Errors
    /// [`NotConnected`] where there is no such profile.
    pub async fn from_environment(profile: Option<&str>, region: Option<&Region>) -> Result<Self, NotConnected> {
        let profile = http::existing_profile(profile).await?;
        let client = http::client(None);
        let timeouts = aws_smithy_types::timeout::TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(Timing::AWS.answer_max)
            .build();
        let found =
            aws_config::defaults(BehaviorVersion::latest()).http_client(client.clone()).timeout_config(timeouts);
        let home = region.map(|region| SdkRegion::new(region.to_string()));
        let found = match profile {
            Some(profile) => {
                found.profile_name(profile).credentials_provider(http::of_profile(profile, home.clone(), client))
            }
            None => found,
        };
        let config = found.load().await;
        // Only now the endpoint is known: one on this machine is reached without a proxy.
        let client = http::client(config.endpoint_url());
        let region = config.region().cloned().or(home).unwrap_or_else(|| SdkRegion::new("us-east-1"));
        Ok(Self::new(config.into_builder().region(region).http_client(client).build()))
    }

    /// Connects as the commands do that look at a deployment: logs are read with the member role of the account that
    /// they lie in, by sessions that can do nothing but read logs.
    ///
    /// # Errors
    /// [`NotConnected`] where there are no credentials, or AWS does not take them or cannot be reached.
    pub async fn assuming(options: AwsOptions, log_account: AccountId) -> Result<Self, NotConnected> {
        let sessions = Arc::new(sessions(options, SessionPolicy::Archive).await?);
        let endpoint = sessions.base().config().endpoint_url().map(str::to_owned);
        Ok(Self { way: Way::MemberRole { sessions, log_account }, endpoint })
    }

    /// Connects to a lake whose bucket orgtrail keeps: with the member role of the log account, by sessions that can do
    /// nothing but read and write the files of a lake.
    ///
    /// # Errors
    /// [`NotConnected`] where there are no credentials, or AWS does not take them or cannot be reached.
    #[cfg(feature = "sql")]
    pub async fn to_lake(options: AwsOptions, log_account: AccountId) -> Result<Self, NotConnected> {
        let sessions = Arc::new(sessions(options, SessionPolicy::Lake).await?);
        let endpoint = sessions.base().config().endpoint_url().map(str::to_owned);
        Ok(Self { way: Way::MemberRole { sessions, log_account }, endpoint })
    }

    /// Connects as a team does that reads its own logs: everything is read with a role that a person named, by sessions
    /// that can do nothing but read logs. That the role cannot be assumed is said by what is read with it.
    ///
    /// # Errors
    /// [`NotConnected`] where there are no credentials, or AWS does not take them or cannot be reached.
    pub async fn as_role(options: AwsOptions, role: NamedRole) -> Result<Self, NotConnected> {
        Self::with_role(options, role, SessionPolicy::Archive).await
    }

    /// Connects to ask Athena with a role that a person named, by sessions that can do nothing else.
    ///
    /// # Errors
    /// [`NotConnected`] where there are no credentials, or AWS does not take them or cannot be reached.
    #[cfg(feature = "sql")]
    pub async fn as_role_in_athena(options: AwsOptions, role: NamedRole) -> Result<Self, NotConnected> {
        Self::with_role(options, role, SessionPolicy::Athena).await
    }

    async fn with_role(options: AwsOptions, role: NamedRole, policy: SessionPolicy) -> Result<Self, NotConnected> {
        let sessions = Arc::new(sessions(options, policy).await?);
        let endpoint = sessions.base().config().endpoint_url().map(str::to_owned);
        Ok(Self { way: Way::NamedRole { sessions, role }, endpoint })
    }

    /// Returns the connection of settings that were made elsewhere.
    pub fn new(config: SdkConfig) -> Self {
        let endpoint = config.endpoint_url().map(str::to_owned);
        let limits = RateLimits::new(Timing::for_endpoint(endpoint.as_deref()), IN_FLIGHT_MAX);
        Self { way: Way::AsStarted(Box::new(LogsSession::new(config, None, limits))), endpoint }
    }

    /// Returns the store of a bucket, in whichever region it lies. `account` is the account whose member role reads it,
    /// where it is not the log account.
    ///
    /// # Errors
    /// [`Fault`] where the member role cannot be assumed.
    pub async fn bucket(&self, bucket: &str, account: Option<&AccountId>) -> Result<S3Store, Fault> {
        let session = self.session(account).await?;
        let region = session.region_of(bucket).await;
        Ok(Self::store(&session, bucket, region.as_deref()))
    }

    /// Returns the store of a bucket of which only what lies below a prefix may be listed: nothing else is asked to
    /// know in which region it lies.
    ///
    /// # Errors
    /// [`Fault`] where the role cannot be assumed.
    pub async fn bucket_below(&self, bucket: &str, prefix: &str) -> Result<S3Store, Fault> {
        let session = self.session(None).await?;
        let region = session.region_by_listing(bucket, prefix).await;
        Ok(Self::store(&session, bucket, region.as_deref()))
    }

    fn store(session: &LogsSession, bucket: &str, region: Option<&str>) -> S3Store {
        let noting = session.config().http_client().map(Noting::new);
        let sdk = session.s3(region, noting.clone());
        let to = session.to_s3(region);
        let store = S3Store::new(session, sdk.clone(), bucket);
        match noting {
            Some(noting) => store.with_prepared(Prepared::new(bucket, sdk, session.config().clone(), noting, to)),
            None => store,
        }
    }

    /// Returns the lake of a bucket below a prefix (empty, or with a slash at its end), in whichever region it lies.
    ///
    /// # Errors
    /// [`Fault`] where the member role cannot be assumed.
    #[cfg(feature = "sql")]
    pub async fn lake(&self, bucket: &str, prefix: &str) -> Result<S3Lake, Fault> {
        // The lake that is entered by the member role is in the log account.
        let owner = if let Way::MemberRole { log_account, .. } = &self.way { Some(log_account) } else { None };
        Ok(S3Lake::new(&self.session(None).await?, bucket, prefix, owner).await)
    }

    /// Returns Athena in the connection's region.
    ///
    /// # Errors
    /// [`Fault`] where the role cannot be assumed.
    #[cfg(feature = "sql")]
    pub async fn athena(&self) -> Result<Athena, Fault> {
        Ok(Athena::new(self.session(None).await?))
    }

    /// Returns the source of CloudTrail's public keys.
    pub fn public_keys(&self) -> PublicKeys {
        PublicKeys::new(self.clone())
    }

    /// Returns the status of every trail that delivers to a bucket and can be seen in a region, or in the connection's
    /// own.
    ///
    /// # Errors
    /// When the trails may not be listed. A trail whose status may not be read is left out.
    pub async fn trail_status(&self, region: Option<&Region>, bucket: &str) -> Result<Vec<TrailStatus>, Fault> {
        trail_status::trail_status(&self.regional(region).await?, bucket).await
    }

    /// Tells that a key of KMS can sign evidence, before there is any.
    ///
    /// # Errors
    /// When KMS refuses (`kms:GetPublicKey` is needed), or the key signs neither with ECDSA P-256 nor with RSA.
    pub async fn can_sign(&self, key_arn: &str) -> Result<(), Fault> {
        sign::can_sign(&self.session(None).await?, key_arn).await
    }

    /// Signs a text with the key of an ARN, in its own region. Returns the algorithm's name and the signature.
    ///
    /// # Errors
    /// When KMS refuses (`kms:GetPublicKey` and `kms:Sign` are needed), or the key signs neither with ECDSA P-256 nor
    /// with RSA.
    pub async fn sign(&self, key_arn: &str, text: &str) -> Result<(String, Vec<u8>), Fault> {
        sign::sign(&self.session(None).await?, key_arn, text).await
    }

    /// Returns the address that is asked instead of AWS's own; nothing when it is AWS.
    pub fn stranger(&self) -> Option<String> {
        let of_service = std::env::var("AWS_ENDPOINT_URL_CLOUDTRAIL").ok().filter(|url| !url.is_empty());
        let url = of_service.or_else(|| self.endpoint.clone())?;
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or_default();
        let is_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
        (!is_aws).then_some(url)
    }

    async fn regional(&self, region: Option<&Region>) -> Result<LogsSession, Fault> {
        let session = self.session(None).await?;
        Ok(region.map_or_else(|| session.clone(), |region| session.in_region(region)))
    }

    /// Returns the session that reads in an account, or in the log account.
    async fn session(&self, account: Option<&AccountId>) -> Result<LogsSession, Fault> {
        let (sessions, reader) = match &self.way {
            Way::AsStarted(session) => return Ok(session.as_ref().clone()),
            Way::MemberRole { sessions, log_account } => {
                (sessions, Reader::Member(account.unwrap_or(log_account).clone()))
            }
            Way::NamedRole { sessions, role } => (sessions, Reader::Named(role.clone())),
        };
        let base = sessions.base();
        // What is wrong with the role is said before anything is read, and once.
        let session = reader.session(sessions).await.map_err(|fault| not_assumed(fault, &reader))?;
        let home = SdkRegion::new(sessions.home().to_string());
        let config = base.config().to_builder().region(home);
        let config = match &reader {
            Reader::Member(account) if *account == base.account => config,
            // A proof may last longer than the credentials of a role.
            _ => config.credentials_provider(SharedCredentialsProvider::new(RoleCredentials::new(
                Arc::clone(sessions),
                reader,
            ))),
        };
        Ok(LogsSession::new(config.build(), Some(session.account.clone()), base.limits()))
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the configuration, which leads to the credentials.
        f.debug_struct("Connection").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The logs cannot be read where the role cannot be assumed.
fn not_assumed(fault: CloudFault, reader: &Reader) -> Fault {
    let CloudFault { account, operation, code, message, help, .. } = fault;
    let help = match reader {
        Reader::Member(_) => format!(
            "{help}; or name the place of the logs (s3://BUCKET/PREFIX), which is then read with your own credentials and no \
             role"
        ),
        Reader::Named(_) => help,
    };
    Fault::new(FaultKind::Denied, format!("{operation} in account {account}: {code}: {message}")).advising(help)
}
