//! The API calls that this program knows, in one table: what each is called in CloudTrail and in IAM, what it touches,
//! and what it can do to a log.
//!
//! CloudTrail's name of a call and IAM's name of the permission differ for some: the event `PutBucketLifecycle` is
//! allowed by `s3:PutLifecycleConfiguration`. A row has both. Whoever needs a list of calls takes it from here: the
//! guard's proof, the rules that wake the daemon, the search for who changed something.
//!
//! Sources: the *Service Authorization Reference* (actions), the services' pages on logging with CloudTrail (events),
//! and records of real accounts (parameters).

mod configuration;
mod identity;
mod logging;
mod network;
mod storage;

/// What a call touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A trail, its selectors, its tags.
    Trail,
    /// A bucket's settings.
    Bucket,
    /// A bucket's policy.
    BucketPolicy,
    /// An object.
    Object,
    /// A KMS key.
    Key,
    /// A KMS key's policy.
    KeyPolicy,
    /// An SNS topic.
    Topic,
    /// A log group of CloudWatch Logs.
    LogGroup,
    /// An SQS queue.
    Queue,
    /// A rule of EventBridge.
    Rule,
    /// An IAM role.
    Role,
    /// A managed IAM policy.
    ManagedPolicy,
    /// An IAM user.
    User,
    /// An IAM group.
    Group,
    /// Who belongs to the organization, and where.
    Membership,
    /// An organizational unit.
    OrganizationalUnit,
    /// A policy of the organization, such as a service control policy.
    OrganizationPolicy,
    /// A service's trusted access in the organization.
    TrustedAccess,
    /// Who administers a service for the organization.
    DelegatedAdministrator,
    /// AWS Config's recorder.
    ConfigurationRecorder,
    /// AWS Config's delivery channel.
    DeliveryChannel,
    /// An aggregator of AWS Config.
    ConfigurationAggregator,
    /// A security group or its rules.
    SecurityGroup,
    /// A network access control list.
    NetworkAcl,
    /// A gateway of a network.
    Gateway,
    /// A route table or its routes.
    RouteTable,
    /// A VPC or its connections to others.
    Vpc,
}

/// What a call can do to a log, or to what it depends on, in the hands of somebody who means harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Events are not recorded or not delivered any more.
    Stops,
    /// Logs are deleted, or cannot be read any more.
    Loses,
    /// Others can read or write what they must not.
    Opens,
    /// Protection, supervision or ownership is weakened.
    Weakens,
}

/// Where a record of a call names what was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedAt {
    /// A path in `requestParameters`: `bucketName`.
    Request(&'static str),
    /// A path in `responseElements`: `trailARN`.
    Response(&'static str),
    /// A path in `serviceEventDetails`: `accountId`.
    Details(&'static str),
}

/// One call of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// CloudTrail's `eventName`. `None`: the permission has no call of its own (`s3:BypassGovernanceRetention`).
    pub event: Option<&'static str>,
    /// IAM's name of the permission, without the service. `None`: it is no API call, but an event of the service
    /// itself.
    pub permission: Option<&'static str>,
    /// What it touches.
    pub target: Target,
    /// What it can do to a log. Empty: nothing that the table knows.
    pub effects: &'static [Effect],
    /// Where a record names what was touched. Empty: the table does not know.
    pub names: &'static [NamedAt],
    /// The guard must deny it to members (`desire::guards`).
    pub is_guarded: bool,
    /// The daemon is woken by it (`desire::wake`).
    pub wakes: bool,
    /// `--who` looks for it by its name, as its events name no resource that `LookupEvents` finds.
    pub is_looked_up: bool,
}

/// The calls of one service. All of them write: reads are not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// CloudTrail's `eventSource`: `s3.amazonaws.com`.
    pub source: &'static str,
    /// IAM's prefix of its actions: `s3`.
    pub prefix: &'static str,
    /// Its calls.
    pub calls: &'static [Call],
}

/// All services, in the order in which rules name them.
pub const SERVICES: [Service; 11] = [
    logging::CLOUDTRAIL,
    storage::S3,
    storage::KMS,
    identity::IAM,
    identity::ORGANIZATIONS,
    logging::SNS,
    logging::LOGS,
    logging::SQS,
    logging::EVENTS,
    configuration::CONFIG,
    network::EC2,
];

impl Service {
    /// Returns a service by its event source. `None`: the table does not know it.
    pub fn of_source(source: &str) -> Option<&'static Service> {
        SERVICES.iter().find(|service| service.source == source)
    }

    /// Returns the call of an event. `None`: the table does not know it.
    pub fn call(&self, event: &str) -> Option<&'static Call> {
        self.calls.iter().find(|call| call.event == Some(event))
    }

    /// Returns IAM's actions of its calls that a test picks: `s3:PutBucketPolicy`.
    pub fn actions(&self, pick: impl Fn(&Call) -> bool) -> impl Iterator<Item = String> {
        let permissions = self.calls.iter().filter(move |call| pick(call)).filter_map(|call| call.permission);
        permissions.map(|permission| format!("{}:{permission}", self.prefix))
    }
}

/// Returns the call of an event. `None`: the table does not know it.
pub fn find(source: &str, event: &str) -> Option<&'static Call> {
    Service::of_source(source)?.call(event)
}

/// Returns IAM's actions that the guard must deny to members on some targets, in the order of the table.
pub fn guarded_actions(targets: &[Target]) -> Vec<String> {
    let of = |service: &'static Service| service.actions(|call| call.is_guarded && targets.contains(&call.target));
    SERVICES.iter().flat_map(of).collect()
}

/// Returns the names of a target's events that `--who` looks for by name, in the order of the table.
pub fn looked_up_events(target: Target) -> Vec<&'static str> {
    let calls = SERVICES.iter().flat_map(|service| service.calls);
    calls.filter(|call| call.is_looked_up && call.target == target).filter_map(|call| call.event).collect()
}

/// The calls about trails.
pub const TRAIL_SERVICE: Service = logging::CLOUDTRAIL;

/// Returns the names of the events of a service that wake the daemon.
pub fn waking_events(service: &Service) -> impl Iterator<Item = &'static str> {
    service.calls.iter().filter(|call| call.wakes).filter_map(|call| call.event)
}

/// A call whose event and permission have the same name.
const fn call(name: &'static str, target: Target, names: &'static [NamedAt]) -> Call {
    Call { permission: Some(name), ..event(name, target, names) }
}

/// An event of a service itself, and no API call.
const fn event(name: &'static str, target: Target, names: &'static [NamedAt]) -> Call {
    Call {
        event: Some(name),
        permission: None,
        target,
        effects: &[],
        names,
        is_guarded: false,
        wakes: false,
        is_looked_up: false,
    }
}

/// A permission without a call of its own.
const fn permission(name: &'static str, target: Target) -> Call {
    Call { event: None, permission: Some(name), ..event(name, target, &[]) }
}

impl Call {
    /// The permission has another name than the event.
    const fn allowed_by(self, permission: &'static str) -> Self {
        Self { permission: Some(permission), ..self }
    }

    /// It can do this to a log.
    const fn can(self, effects: &'static [Effect]) -> Self {
        Self { effects, ..self }
    }

    /// The guard must deny it.
    const fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
    }

    /// It wakes the daemon.
    const fn waking(self) -> Self {
        Self { wakes: true, ..self }
    }

    /// `--who` looks for it by its name.
    const fn looked_up(self) -> Self {
        Self { is_looked_up: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_event_and_each_permission_stands_once() {
        for service in SERVICES {
            let events: Vec<&str> = service.calls.iter().filter_map(|call| call.event).collect();
            assert_eq!(events.iter().collect::<BTreeSet<_>>().len(), events.len(), "{events:?}");
            assert!(service.source.ends_with(".amazonaws.com"));
        }
        let sources: BTreeSet<&str> = SERVICES.iter().map(|service| service.source).collect();
        assert_eq!(sources.len(), SERVICES.len());
    }

    #[test]
    fn what_the_guard_denies_can_harm_a_log_and_can_be_denied() {
        for service in SERVICES {
            for call in service.calls.iter().filter(|call| call.is_guarded) {
                assert!(!call.effects.is_empty() && call.permission.is_some(), "{call:?}");
            }
            for call in service.calls.iter().filter(|call| call.wakes || call.is_looked_up) {
                assert!(call.event.is_some() && (!call.is_looked_up || !call.names.is_empty()), "{call:?}");
            }
        }
    }

    #[test]
    fn whatever_can_harm_the_archive_through_a_setting_of_its_bucket_wakes_the_daemon() {
        let s3 = Service::of_source("s3.amazonaws.com").unwrap();
        let of_bucket = |call: &&Call| matches!(call.target, Target::Bucket | Target::BucketPolicy);
        // Cross-origin rules let nobody in whom the policy keeps out, and no plan looks at them.
        let harms = |call: &&Call| !call.effects.is_empty() && call.event != Some("PutBucketCors");
        let silent: Vec<_> = s3.calls.iter().filter(of_bucket).filter(harms).filter(|call| !call.wakes).collect();
        assert!(silent.is_empty(), "{silent:?}");
        assert!(waking_events(s3).any(|event| event == "PutBucketReplication"));
    }

    #[test]
    fn events_and_permissions_of_other_names_are_both_known() {
        let lifecycle = find("s3.amazonaws.com", "PutBucketLifecycle").unwrap();
        assert_eq!((lifecycle.permission, lifecycle.target), (Some("PutLifecycleConfiguration"), Target::Bucket));
        assert_eq!(find("s3.amazonaws.com", "PutLifecycleConfiguration"), None);
        assert_eq!(find("iam.amazonaws.com", "StopLogging"), None);
        assert!(guarded_actions(&[Target::Object]).contains(&"s3:BypassGovernanceRetention".to_owned()));
    }
}
