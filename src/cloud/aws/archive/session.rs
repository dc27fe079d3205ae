//! Whose credentials read the logs, where, and how fast: what a call to the archive needs to know beside its own
//! parameters.

use std::future::Future;
use std::sync::Arc;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Failure, Noting, failure};
#[cfg(feature = "sql")]
use crate::cloud::aws::ATTEMPTS_MAX;
use crate::cloud::aws::calls::{ARCHIVE, CallInterceptor, Destination};
#[cfg(feature = "sql")]
use crate::cloud::aws::calls::{ATHENA, LAKE};
use crate::cloud::aws::rate_limits::RateLimits;
#[cfg(feature = "sql")]
use crate::cloud::aws::rate_limits::{Admitted, Timing};
use crate::cloud::aws::service_limiter::{ServiceLimiter, ThrottleInterceptor};
use crate::cloud::aws::whole::Whole;
use crate::ids::{AccountId, Region};
use crate::operations::{CallPurpose, Operation, Service, s3};

/// Reads the logs with some credentials, in a region.
#[derive(Clone)]
pub(in crate::cloud::aws) struct LogsSession {
    config: SdkConfig,
    /// `None` where it is unknown: nobody asked whose the credentials are.
    account: Option<AccountId>,
    limits: Arc<RateLimits>,
}

impl LogsSession {
    pub(super) fn new(config: SdkConfig, account: Option<AccountId>, limits: Arc<RateLimits>) -> Self {
        Self { config, account, limits }
    }

    pub(super) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Returns the same session in another region.
    pub(super) fn in_region(&self, region: &Region) -> Self {
        let config = self.config.to_builder().region(SdkRegion::new(region.to_string())).build();
        Self { config, ..self.clone() }
    }

    pub(in crate::cloud::aws) fn region(&self) -> &str {
        self.config.region().map_or("us-east-1", AsRef::as_ref)
    }

    fn to(&self, service: Service) -> Destination {
        Destination { service, account: self.account.clone(), region: self.region().to_owned(), parts: ARCHIVE }
    }

    fn throttle(&self, service: Service) -> ThrottleInterceptor {
        ThrottleInterceptor(self.limits.lane(self.account.as_ref(), service))
    }

    pub(super) fn cloudtrail(&self) -> aws_sdk_cloudtrail::Client {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config)
            .interceptor(CallInterceptor(self.to(Service::CloudTrail)))
            .interceptor(Whole)
            .interceptor(self.throttle(Service::CloudTrail));
        aws_sdk_cloudtrail::Client::from_conf(config.build())
    }

    pub(super) fn kms(&self) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::config::Builder::from(&self.config)
            .interceptor(CallInterceptor(self.to(Service::Kms)))
            .interceptor(Whole)
            .interceptor(self.throttle(Service::Kms));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    /// Makes the client of Athena, which waits for its turn where too many questions are asked at once.
    #[cfg(feature = "sql")]
    pub(in crate::cloud::aws) fn athena(&self) -> aws_sdk_athena::Client {
        let tempo = Timing::for_endpoint(self.config.endpoint_url());
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(tempo.first_pause);
        let config = aws_sdk_athena::config::Builder::from(&self.config)
            .interceptor(CallInterceptor(Destination { parts: ATHENA, ..self.to(Service::Athena) }))
            .interceptor(Whole)
            .interceptor(self.throttle(Service::Athena))
            .retry_config(retries);
        aws_sdk_athena::Client::from_conf(config.build())
    }

    /// Waits until a call may be made. What it returns has to be held until the call is over.
    #[cfg(feature = "sql")]
    pub(in crate::cloud::aws) async fn admit(&self, operation: &Operation) -> Admitted<'_> {
        self.limits.admit(self.account.as_ref(), self.region(), operation).await
    }

    /// Says where the requests to a bucket go, which may be in another region than the session.
    pub(super) fn to_s3(&self, region: Option<&str>) -> Destination {
        let to = self.to(Service::S3);
        region.map_or_else(|| to.clone(), |region| Destination { region: region.to_owned(), ..to.clone() })
    }

    /// Makes the client of a bucket. Retries are the store's own: they have to slow down the other requests too.
    pub(super) fn s3(&self, region: Option<&str>, noting: Option<Noting>) -> aws_sdk_s3::Client {
        self.s3_for(ARCHIVE, region, noting)
    }

    /// Makes the client of a bucket that has a lake.
    #[cfg(feature = "sql")]
    pub(in crate::cloud::aws) fn s3_of_lake(&self, region: Option<&str>) -> aws_sdk_s3::Client {
        self.s3_for(LAKE, region, None)
    }

    fn s3_for(
        &self,
        parts: &'static [CallPurpose],
        region: Option<&str>,
        noting: Option<Noting>,
    ) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .interceptor(CallInterceptor(Destination { parts, ..self.to_s3(region) }))
            .interceptor(Whole)
            .retry_config(RetryConfig::disabled())
            // What CloudTrail signed is a better checksum than S3's, which would be computed beside it.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // An emulator has no host name for each bucket.
            .force_path_style(self.config.endpoint_url().is_some());
        let config = match region {
            Some(region) => config.region(SdkRegion::new(region.to_owned())),
            None => config,
        };
        let config = match noting {
            Some(noting) => config.http_client(noting),
            None => config,
        };
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Returns the region of a bucket. `None` where S3 does not tell: whoever may not ask may still be in the right
    /// region, and listing tells if not.
    pub(in crate::cloud::aws) async fn region_of(&self, bucket: &str) -> Option<String> {
        let request = self.s3(None, None).get_bucket_location().bucket(bucket);
        let place = self.read(s3::GET_LOCATION, request.send()).await.ok()?;
        let region = place.location_constraint().map(|at| at.as_str().to_owned());
        // The oldest buckets name their region in S3's first words (GetBucketLocation API).
        let region = region.map(|region| if region == "EU" { "eu-west-1".to_owned() } else { region });
        region.filter(|region| !region.is_empty())
    }

    /// Returns the region of a bucket of which only what lies below a prefix may be listed: in another region S3
    /// answers with the right one (S3 user guide, "Making requests", redirection). `None` where it does not tell.
    pub(super) async fn region_by_listing(&self, bucket: &str, prefix: &str) -> Option<String> {
        let request = self.s3(None, None).list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1);
        let _admitted = self.limits.admit(self.account.as_ref(), self.region(), &s3::LIST_OBJECTS).await;
        let error = Box::pin(request.send()).await.err()?;
        let told = error.raw_response()?.headers().get("x-amz-bucket-region").and_then(|told| told.parse().ok());
        let region: Option<Region> = told.or_else(|| expected_region(error.message()?));
        region.map(|region| region.to_string())
    }

    /// Makes a call.
    pub(super) async fn read<T, E, F>(&self, operation: Operation, call: F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let _admitted = self.limits.admit(self.account.as_ref(), self.region(), &operation).await;
        Box::pin(call).await.map_err(|error| self.failure(operation, &error))
    }

    /// Sorts what went wrong with a call.
    pub(in crate::cloud::aws) fn failure<E>(&self, operation: Operation, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        failure::failure(&operation, self.account.as_ref(), error)
    }

    /// The same for a request that got no answer and was not sent by a client.
    pub(super) fn unanswered(&self, operation: Operation, error: &(dyn std::error::Error + 'static)) -> Failure {
        failure::unanswered(&operation, self.account.as_ref(), error)
    }

    /// Returns the lane of reading the logs of a bucket.
    pub(super) fn lane(&self, bucket: &str) -> Arc<ServiceLimiter> {
        self.limits.lane_of_logs(bucket)
    }

    /// Notes a call that the lane of a bucket admitted.
    pub(super) fn count(&self) {
        self.limits.count();
    }
}

/// Returns the region that S3 expects a request to be signed for: `…; the region 'us-east-1' is wrong; expecting
/// 'eu-central-1'`.
fn expected_region(message: &str) -> Option<Region> {
    message.split("expecting '").nth(1)?.split('\'').next()?.parse().ok()
}

impl std::fmt::Debug for LogsSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the configuration, which leads to the credentials.
        f.debug_struct("LogsSession").field("account", &self.account).finish_non_exhaustive()
    }
}
