//! The log side's only files that know the AWS SDK: reading a bucket, and CloudTrail's public keys. Nothing here writes.

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::cloud::aws::{http_client, of_profile};
use crate::ids::Region;
use crate::logs::store::{Fault, FaultKind};

mod prepared;
mod public_keys;
mod rules;
mod s3;
mod sign;
mod trail_status;

use prepared::{Noting, Prepared};
pub use public_keys::PublicKeys;
pub use s3::S3Store;
pub use sign::{can_sign, sign};
pub use trail_status::trail_status;

/// How long one connection may take, and one answer may stay silent.
const CONNECT_TIMEOUT_S: u64 = 10;
const READ_TIMEOUT_S: u64 = 60;

/// The credentials and settings of the environment, as AWS's own tools read them.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
}

impl Connection {
    /// Reads credentials, endpoint and region from the environment, or from a profile of the configuration files. `region`
    /// is used where they name none.
    pub async fn from_environment(profile: Option<&str>, region: Option<&Region>) -> Self {
        let http = http_client(None);
        let seconds = std::time::Duration::from_secs;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(seconds(CONNECT_TIMEOUT_S))
            .read_timeout(seconds(READ_TIMEOUT_S))
            .build();
        let found = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).timeout_config(timeouts);
        let home = region.map(|region| SdkRegion::new(region.to_string()));
        let found = match profile {
            Some(profile) => found.profile_name(profile).credentials_provider(of_profile(profile, home, http)),
            None => found,
        };
        let config = found.load().await;
        let region = config.region().cloned().or_else(|| region.map(|region| SdkRegion::new(region.to_string())));
        // Only now the endpoint is known: one on this machine is reached without a proxy.
        let http = http_client(config.endpoint_url());
        let region = region.or_else(|| Some(SdkRegion::new("us-east-1")));
        Self { config: config.into_builder().region(region).http_client(http).build() }
    }

    /// Returns the connection of settings that were made elsewhere.
    pub fn new(config: SdkConfig) -> Self {
        Self { config }
    }

    /// Returns the store of a bucket, in whichever region it lies.
    pub async fn bucket(&self, bucket: &str) -> S3Store {
        let here = self.s3(None, None);
        let place = here.get_bucket_location().bucket(bucket).send().await;
        // Whoever may not ask for the place may still be in the right region; listing tells if not.
        let region = place.ok().and_then(|place| place.location_constraint().map(|at| at.as_str().to_owned()));
        // The oldest buckets name their region in S3's first words (GetBucketLocation API).
        let region = region.map(|region| if region == "EU" { "eu-west-1".to_owned() } else { region });
        let noting = self.config.http_client().map(Noting::new);
        let sdk = self.s3(region.filter(|region| !region.is_empty()), noting.clone());
        let store = S3Store::new(sdk.clone(), bucket);
        match noting {
            Some(noting) => store.with_prepared(Prepared::new(bucket, sdk, self.config.clone(), noting)),
            None => store,
        }
    }

    /// Returns the source of CloudTrail's public keys.
    pub fn public_keys(&self) -> PublicKeys {
        PublicKeys::new(self.config.clone())
    }

    /// Returns the address that is asked instead of AWS's own; nothing when it is AWS.
    pub fn stranger(&self) -> Option<String> {
        let of_service = std::env::var("AWS_ENDPOINT_URL_CLOUDTRAIL").ok().filter(|url| !url.is_empty());
        let url = of_service.or_else(|| self.config.endpoint_url().map(str::to_owned))?;
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or_default();
        let is_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
        (!is_aws).then_some(url)
    }

    /// Returns the settings.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    fn s3(&self, region: Option<String>, noting: Option<Noting>) -> aws_sdk_s3::Client {
        // Retries are ours: they have to slow down the other requests too.
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            // What CloudTrail signed is a better checksum than S3's, which would be computed beside it.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // An emulator has no host name for each bucket.
            .force_path_style(self.config.endpoint_url().is_some());
        let config = match region {
            Some(region) => config.region(SdkRegion::new(region)),
            None => config,
        };
        let config = match noting {
            Some(noting) => config.http_client(noting),
            None => config,
        };
        aws_sdk_s3::Client::from_conf(config.build())
    }
}

/// Returns the failure of a request that got no answer at all.
fn unanswered(error: &(dyn std::error::Error + 'static), what: &str) -> Failure {
    let fault = Fault::new(FaultKind::Unavailable, format!("{what}: {}", no_answer(error)));
    Failure { fault, is_passing: true, is_throttle: false }
}

/// Says why no answer came. None of the SDK's texts holds a secret.
fn no_answer(error: &(dyn std::error::Error + 'static)) -> String {
    let causes: Vec<_> = std::iter::successors(Some(error), |error| error.source()).collect();
    let said = causes.last().map(ToString::to_string).unwrap_or_default();
    if causes.iter().any(|cause| cause.is::<CredentialsError>()) {
        return format!(
            "no AWS credentials were found ({said}); sign in (`aws sso login`), or set AWS_PROFILE or --profile"
        );
    }
    format!("AWS could not be reached ({said}); check the network, the proxy, the region and AWS_ENDPOINT_URL")
}

/// A fault with what a retry has to know.
#[derive(Debug)]
struct Failure {
    fault: Fault,
    /// Whether the same request may go well later.
    is_passing: bool,
    /// Whether the service said that there were too many.
    is_throttle: bool,
}

/// Sorts an error of the SDK by its code, or by its status where S3 gives no code (answers without a body).
fn failure<E>(error: &SdkError<E, HttpResponse>, what: &str) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.code().unwrap_or_default();
    let status = error.raw_response().map(|response| response.status().as_u16()).unwrap_or_default();
    let is_throttle = matches!(code, "SlowDown" | "Throttling" | "ThrottlingException" | "TooManyRequests")
        || matches!(status, 429 | 503);
    let kind = match code {
        "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion" => FaultKind::Absent,
        "InvalidObjectState" => FaultKind::Archived,
        _ if matches!(status, 401 | 403) || code.contains("AccessDenied") => FaultKind::Denied,
        _ => FaultKind::Unavailable,
    };
    let is_redirect = matches!(status, 301 | 307 | 400);
    let message = match (code, error.message()) {
        ("", _) if status == 0 => format!("{what}: {}", no_answer(error)),
        ("", _) => format!("{what}: status {status}"),
        (code, Some(message)) => format!("{what}: {code}: {message}"),
        (code, None) => format!("{what}: {code}"),
    };
    let is_passing = is_throttle || (kind == FaultKind::Unavailable && !is_redirect);
    Failure { fault: Fault::new(kind, message), is_passing, is_throttle }
}
