//! The calls to one service of one account: how many are in flight, and how many were throttled.
//!
//! The SDK tries a throttled call again by itself, after a pause that grows and is spread by chance, and says nothing
//! of it. What lowers the number of calls in flight is therefore heard where each attempt ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryReason};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::ErrorKind;

use crate::flow::AdaptiveLimiter;

/// The calls to one service of one account.
#[derive(Debug)]
pub(super) struct ServiceLimiter {
    pub(super) flow: Arc<AdaptiveLimiter>,
    throttled: AtomicU64,
}

impl ServiceLimiter {
    /// Begins with no throttled attempt.
    pub(super) fn new(flow: Arc<AdaptiveLimiter>) -> Self {
        Self { flow, throttled: AtomicU64::new(0) }
    }

    /// Returns how many attempts were throttled.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Notes that an attempt was throttled.
    pub(super) fn was_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        self.flow.was_refused();
    }
}

/// Hears how each attempt of a client's calls ended.
#[derive(Debug)]
pub(super) struct ThrottleInterceptor(pub(super) Arc<ServiceLimiter>);

impl Intercept for ThrottleInterceptor {
    fn name(&self) -> &'static str {
        "Throttle"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.output_or_error() {
            Some(Ok(_)) => self.0.flow.went_well(),
            Some(Err(_)) => {
                let mut verdicts = components.retry_classifiers().map(|word| word.classify_retry(context.inner()));
                if verdicts.any(|verdict| is_throttle(&verdict)) {
                    self.0.was_throttled();
                }
            }
            None => {}
        }
        Ok(())
    }
}

/// Each of the SDK's classifiers knows some errors; that of AWS's codes knows those of throttling.
fn is_throttle(verdict: &RetryAction) -> bool {
    let throttle = |kind: &ErrorKind| *kind == ErrorKind::ThrottlingError;
    matches!(verdict, RetryAction::RetryIndicated(RetryReason::RetryableError { kind, .. }) if throttle(kind))
}
