//! The seam to AWS: the traits [`CloudReader`] and [`CloudWriter`] and their two implementations.
//!
//! A plan is made from what a [`CloudReader`] returns, so it cannot hold a writer. [`aws`] speaks to AWS (or an
//! emulator), and [`simulated`] to an estate in memory or in a file. Nothing outside these two knows which one it talks
//! to.
//!
//! Beside them stand two things that a daemon needs and a plan knows nothing of: a [`document`] through which replicas
//! agree, and a [`queue`] that tells of changes.

use std::collections::BTreeMap;

use async_trait::async_trait;

use self::history::{HistoryLookup, HistoryPage};
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Problem, Resource};
use crate::ids::{AccountId, Arn, Region};
use crate::monitoring::alarm::{Alarms, Subscribers};
use crate::monitoring::metric_filter::MetricFilter;
use crate::observation::ObservationScope;
use crate::organization::Organization;
use crate::plan::Change;
use crate::recorders::RegionRecorder;

pub mod aws;
pub mod document;
pub mod fault;
pub mod fence;
pub mod history;
pub mod queue;
pub mod simulated;

pub use fault::{CloudFault, CloudFaultKind};

/// What has to be known of the organization beside its accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiscoverOptions {
    /// The names of organizational units: a selector names one, or a person wants to see the tree.
    pub unit_names: bool,
    /// The tags of accounts: a selector names one.
    pub account_tags: bool,
}

/// How a service bears the calls of a connection, over all accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Attempts that it throttled.
    pub throttled: u64,
    /// Calls that may be in flight now, where they are fewest.
    pub in_flight_max: usize,
}

/// How far a long operation has come; shown to people, never decided upon.
pub trait Progress: Send + Sync {
    /// Says that `done` of `total` steps of `what` are over.
    fn step(&self, what: &str, done: usize, total: usize);
}

/// Shows nothing.
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _what: &str, _done: usize, _total: usize) {}
}

/// Reads. It has no method that changes anything, and no default method: whoever passes calls on passes all of them on.
#[async_trait]
pub trait CloudReader: Send + Sync {
    /// Reads the organization. Problems are parts that could not be read although the rest could.
    ///
    /// # Errors
    /// [`CloudFault`] where the organization itself cannot be read.
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault>;

    /// Reads everything in scope. An account that cannot be read has its addresses as unreadable.
    ///
    /// Beyond the addresses asked for, the estate holds what was found on the way and matters: other trails that the
    /// management account shows, buckets, keys and reader roles of earlier logs, trails that our own documents let in
    /// although they are not configured, with what woke us for them, reader roles of this deployment, member policies
    /// of accounts that have such a role.
    ///
    /// # Errors
    /// [`CloudFault`] only where nothing at all can be read.
    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault>;

    /// Asks how the delivery of a trail goes now. `operator` is the account whose credentials ask.
    ///
    /// # Errors
    /// [`CloudFault`] where the trail's status cannot be read.
    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<DeliveryStatus, CloudFault>;

    /// Asks which regions are enabled in an account; nothing where that is not recorded.
    ///
    /// # Errors
    /// [`CloudFault`] where the account's regions cannot be read.
    async fn regions(&self, account: &AccountId) -> Result<Option<Vec<Region>>, CloudFault>;

    /// Looks events up in CloudTrail's event history of an account and region: one answer of at most 50 events, the
    /// newest first. `None`: no history is kept.
    ///
    /// # Errors
    /// [`CloudFault`] where the history cannot be read.
    async fn look_up_events(
        &self,
        account: &AccountId,
        region: &Region,
        lookup: &HistoryLookup,
    ) -> Result<Option<HistoryPage>, CloudFault>;

    /// Asks for the metric filters of a log group, by the ARN that a trail has; nothing where they are not recorded.
    ///
    /// # Errors
    /// [`CloudFault`] where they cannot be read.
    async fn metric_filters(&self, group: &Arn) -> Result<Option<Vec<MetricFilter>>, CloudFault>;

    /// Asks for the alarms of an account in a region; nothing where they are not recorded.
    ///
    /// # Errors
    /// [`CloudFault`] where they cannot be read.
    async fn alarms(&self, account: &AccountId, region: &Region) -> Result<Option<Alarms>, CloudFault>;

    /// Asks who is subscribed to a topic, in its own account; nothing where that is not recorded.
    ///
    /// # Errors
    /// [`CloudFault`] where it cannot be read, as with a topic of an account outside of the organization.
    async fn subscribers(&self, topic: &Arn) -> Result<Option<Subscribers>, CloudFault>;

    /// Asks for AWS Config's recorder and delivery channel in an account and region; nothing where they are not
    /// recorded.
    ///
    /// # Errors
    /// [`CloudFault`] where they cannot be read.
    async fn recorder(&self, account: &AccountId, region: &Region) -> Result<Option<RegionRecorder>, CloudFault>;

    /// Returns how many calls to AWS this connection has made so far, for the figures that people see. A world that is
    /// not asked over a network makes none.
    fn calls(&self) -> u64;

    /// Returns how each service that this connection has called bears it, by its name.
    fn load(&self) -> BTreeMap<&'static str, Load>;
}

/// What a step has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// The resource with what AWS decided, where later steps need it.
    pub resource: Option<Resource>,
}

/// Writes: one change at a time, each step of it idempotent, so that a change that was cut off can be done again.
#[async_trait]
pub trait CloudWriter: Send + Sync {
    /// Makes one change. Its references have been resolved.
    ///
    /// # Errors
    /// [`CloudFault`] with AWS's code and whether another try can help.
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault>;
}

/// Both halves of one cloud.
pub trait Cloud: CloudReader + CloudWriter {}

impl<T: CloudReader + CloudWriter> Cloud for T {}
