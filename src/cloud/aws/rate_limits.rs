//! How fast the adapter calls: token buckets by account, region and service, one caller at a time where AWS wants it,
//! and fewer calls in flight where AWS throttles all the same.
//!
//! The rates keep a run below AWS's limits, so that throttling is the exception: other tools use up the same quotas. A
//! throttled call is the SDK's to try again; each account and service has a flow of its own, so that one that is
//! throttled slows down none of the others.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Jitter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::http::is_local;
use super::service_limiter::ServiceLimiter;
use crate::cloud::Load;
use crate::flow::{AdaptiveLimiter, Permit};
use crate::ids::AccountId;
use crate::operations::{Access, Operation, Service, cloudtrail};

/// How patient and how fast the adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Calls keep below AWS's rates.
    pub limited: bool,
    /// The first pause before a change is tried again that AWS was not ready for. Ten tries, each pause twice as long
    /// as the one before and at most fifteen times the first: from one second on, that is about two minutes.
    pub first_pause: Duration,
    /// How long an answer may stay silent.
    pub answer_max: Duration,
}

/// A message is waited for 20 seconds; a connection that the other end has forgotten would otherwise hold a daemon for
/// ever.
const ANSWER_MAX: Duration = Duration::from_secs(60);

impl Timing {
    /// The tempo for AWS itself.
    pub const AWS: Timing = Timing { limited: true, first_pause: Duration::from_secs(1), answer_max: ANSWER_MAX };

    /// The tempo for an emulator, which has no rates and nothing to wait for.
    pub const EMULATOR: Timing =
        Timing { limited: false, first_pause: Duration::from_millis(5), answer_max: ANSWER_MAX };

    /// Returns the tempo for an endpoint: an emulator's if the endpoint is on this machine.
    pub fn for_endpoint(endpoint: Option<&str>) -> Self {
        if is_local(endpoint) { Self::EMULATOR } else { Self::AWS }
    }
}

/// `None` where the account of the credentials is unknown.
type Key = (Option<AccountId>, String);

/// What has a flow of its own: one service of one account, or the logs of one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum LaneKey {
    Service(Option<AccountId>, Service),
    Logs(String),
}

impl LaneKey {
    fn service(&self) -> Service {
        match self {
            LaneKey::Service(_, service) => *service,
            LaneKey::Logs(_) => Service::S3,
        }
    }
}

/// What has a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// One operation.
    Operation(Operation),
    /// All other reads or writes of a service.
    Service(Service, Access),
}

impl Of {
    fn has(self, operation: &Operation) -> bool {
        match self {
            Of::Operation(own) => own == *operation,
            Of::Service(service, access) => (service, access) == (operation.service, operation.access),
        }
    }
}

/// One bucket of tokens for each account and region, for one class of operations.
struct Class {
    of: Of,
    buckets: DefaultKeyedRateLimiter<Key>,
}

/// The rates that are kept.
pub(super) struct RateLimits {
    classes: Vec<Class>,
    organizations: Semaphore,
    lanes: Mutex<HashMap<LaneKey, Arc<ServiceLimiter>>>,
    /// Calls in flight to one service of one account, as long as it throttles none.
    in_flight_max: usize,
    /// Calls that were let through.
    admitted: AtomicU64,
}

/// The permission to make one call, until it is dropped.
pub(super) struct Admitted<'a> {
    _turn: Permit,
    _organizations: Option<SemaphorePermit<'a>>,
}

/// How many reads of a bucket's logs are in flight at first, and at most. S3 serves 5,500 reads a second and partition,
/// and splits partitions slowly (Amazon S3 user guide, "Best practices design patterns").
const LOGS_START: usize = 32;
const LOGS_MAX: usize = 256;

/// Calls in a second, and how many may come at once.
const RATES: [(Of, u32, u32); 16] = [
    // CloudTrail user guide, "Quotas": 2 a second for LookupEvents, for each account and region. It comes before the
    // rest.
    (Of::Operation(cloudtrail::LOOKUP_EVENTS), 2, 2),
    // CloudTrail user guide, "Quotas": reads 10 a second, "all other APIs" 1 a second, for each account and region.
    (Of::Service(Service::CloudTrail, Access::Read), 10, 10),
    (Of::Service(Service::CloudTrail, Access::Write), 1, 1),
    // Organizations throttles the whole organization together, and refuses some concurrent calls outright.
    (Of::Service(Service::Organizations, Access::Read), 8, 8),
    (Of::Service(Service::Organizations, Access::Write), 2, 2),
    // Account Management reference, "Quotas": 5 ListRegions requests a second for each account.
    (Of::Service(Service::Account, Access::Read), 5, 5),
    // CloudWatch user guide, "Service quotas": 9 DescribeAlarms requests a second for each account and region.
    (Of::Service(Service::CloudWatch, Access::Read), 9, 9),
    // AWS publishes no rates for the others; these are modest.
    (Of::Service(Service::Iam, Access::Read), 20, 20),
    (Of::Service(Service::Iam, Access::Write), 10, 10),
    (Of::Service(Service::S3, Access::Read), 50, 50),
    (Of::Service(Service::S3, Access::Write), 10, 10),
    (Of::Service(Service::Kms, Access::Read), 15, 15),
    (Of::Service(Service::Kms, Access::Write), 5, 5),
    (Of::Service(Service::Logs, Access::Write), 5, 5),
    (Of::Service(Service::Config, Access::Read), 10, 10),
    // STS API: 600 AssumeRole requests a second for each account and region; a burst of them is no use.
    (Of::Service(Service::Sts, Access::Read), 50, 50),
];

impl RateLimits {
    pub(super) fn new(tempo: Timing, in_flight_max: usize) -> Arc<Self> {
        let rates = if tempo.limited { &RATES[..] } else { &[] };
        let classes = rates.iter().filter_map(|&(of, rate, burst)| {
            let quota = Quota::per_second(NonZeroU32::new(rate)?).allow_burst(NonZeroU32::new(burst)?);
            Some(Class { of, buckets: RateLimiter::keyed(quota) })
        });
        Arc::new(Self {
            classes: classes.collect(),
            organizations: Semaphore::new(1),
            lanes: Mutex::default(),
            in_flight_max,
            admitted: AtomicU64::new(0),
        })
    }

    /// Returns the lane of the calls to one service of one account.
    pub(super) fn lane(&self, account: Option<&AccountId>, service: Service) -> Arc<ServiceLimiter> {
        let new = || Arc::new(ServiceLimiter::new(AdaptiveLimiter::new(self.in_flight_max, self.in_flight_max)));
        Arc::clone(self.lanes().entry(LaneKey::Service(account.cloned(), service)).or_insert_with(new))
    }

    /// Returns the lane of reading the logs of a bucket.
    pub(super) fn lane_of_logs(&self, bucket: &str) -> Arc<ServiceLimiter> {
        let new = || Arc::new(ServiceLimiter::new(AdaptiveLimiter::new(LOGS_START, LOGS_MAX)));
        Arc::clone(self.lanes().entry(LaneKey::Logs(bucket.to_owned())).or_insert_with(new))
    }

    /// Notes a call that was admitted by a lane of its own.
    pub(super) fn count(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how each service that was called bears it, over all accounts.
    pub(super) fn load(&self) -> BTreeMap<&'static str, Load> {
        let mut load: BTreeMap<&'static str, Load> = BTreeMap::new();
        for (key, lane) in self.lanes().iter() {
            let in_flight_max = lane.flow.limit();
            let of = load.entry(key.service().as_str()).or_insert(Load { throttled: 0, in_flight_max });
            of.throttled += lane.throttled();
            of.in_flight_max = of.in_flight_max.min(in_flight_max);
        }
        load
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<LaneKey, Arc<ServiceLimiter>>> {
        // A lane is added in one step, so a panic elsewhere leaves the map whole.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many calls were let through.
    pub(super) fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// Waits until the call may be made. What it returns has to be held until the call is over.
    pub(super) async fn admit(&self, account: Option<&AccountId>, region: &str, operation: &Operation) -> Admitted<'_> {
        let organizations = match operation.service {
            // The semaphore is never closed, so there is always a permit.
            Service::Organizations => self.organizations.acquire().await.ok(),
            _ => None,
        };
        if let Some(class) = self.classes.iter().find(|class| class.of.has(operation)) {
            let key = (account.cloned(), region.to_owned());
            class.buckets.until_key_ready_with_jitter(&key, Jitter::up_to(Duration::from_millis(20))).await;
        }
        let turn = self.lane(account, operation.service).flow.admit().await;
        self.count();
        Admitted { _turn: turn, _organizations: organizations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{cloudtrail, organizations};

    fn place() -> (AccountId, &'static str) {
        ("111111111111".parse().unwrap(), "eu-central-1")
    }

    #[test]
    fn an_endpoint_on_this_machine_is_an_emulator() {
        assert_eq!(Timing::for_endpoint(None), Timing::AWS);
        assert_eq!(
            Timing::for_endpoint(Some("https://vpce-1.cloudtrail.eu-central-1.vpce.amazonaws.com")),
            Timing::AWS
        );
        for local in ["http://127.0.0.1:5000", "http://localhost:4566"] {
            assert_eq!(Timing::for_endpoint(Some(local)), Timing::EMULATOR);
        }
    }

    #[tokio::test]
    async fn organizations_has_one_caller_at_a_time() {
        let (account, region) = place();
        let pace = RateLimits::new(Timing::EMULATOR, 8);
        let first = pace.admit(Some(&account), region, &organizations::LIST_ROOTS).await;
        assert_eq!(pace.organizations.available_permits(), 0);
        drop(first);
        assert_eq!(pace.organizations.available_permits(), 1);
    }

    #[test]
    fn an_operation_with_a_rate_of_its_own_is_not_counted_with_the_others() {
        let pace = RateLimits::new(Timing::AWS, 8);
        let class = |operation| pace.classes.iter().find(|class| class.of.has(operation)).map(|class| class.of);
        assert_eq!(class(&cloudtrail::LOOKUP_EVENTS), Some(Of::Operation(cloudtrail::LOOKUP_EVENTS)));
        assert_eq!(class(&cloudtrail::GET_TRAIL), Some(Of::Service(Service::CloudTrail, Access::Read)));
        assert!(RATES.contains(&(Of::Operation(cloudtrail::LOOKUP_EVENTS), 2, 2)));
    }

    #[tokio::test]
    async fn a_throttled_service_of_one_account_slows_down_no_other() {
        let ((account, _), other) = (place(), "222222222222".parse().unwrap());
        let pace = RateLimits::new(Timing::EMULATOR, 8);
        pace.lane(Some(&account), Service::Iam).was_throttled();
        let limit = |account, service| pace.lane(Some(account), service).flow.limit();
        assert_eq!(
            [limit(&account, Service::Iam), limit(&account, Service::Kms), limit(&other, Service::Iam)],
            [4, 8, 8]
        );
        let load = |throttled, in_flight_max| Load { throttled, in_flight_max };
        assert_eq!(pace.load(), BTreeMap::from([("iam", load(1, 4)), ("kms", load(0, 8))]));
    }

    #[tokio::test]
    async fn writes_to_trails_are_one_a_second_and_each_account_has_its_own() {
        let (account, region) = place();
        let pace = RateLimits::new(Timing::AWS, 8);
        pace.admit(Some(&account), region, &cloudtrail::START_LOGGING).await;
        let writes = pace.classes.iter().find(|c| c.of == Of::Service(Service::CloudTrail, Access::Write)).unwrap();
        assert!(writes.buckets.check_key(&(Some(account), region.to_owned())).is_err());
        assert!(writes.buckets.check_key(&(Some("222222222222".parse().unwrap()), region.to_owned())).is_ok());
    }
}
