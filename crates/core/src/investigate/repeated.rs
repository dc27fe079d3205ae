//! Which calls do well again though they have nothing left to do: creations of what is there, and deletions of what is
//! not. A second one of another kind tells that a record is missing.
//!
//! Sources: the API references of the services, of which the sentence is named at each call. A call of which neither
//! is documented is [`WhenAbsent::Unknown`].

use crate::event::Record;
use crate::resource_types::MatchedBy;

/// What a secret that is deleted at once is asked for with.
const FORCED: &str = "forceDeleteWithoutRecovery";

/// What a deletion does where what it deletes is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenAbsent {
    /// It does well, so that a second one says nothing.
    Succeeds,
    /// It is refused, so that a second one that did well had something to delete.
    Refused,
    /// It asks for a deletion after some days, and is refused while that waits: the first one was taken back.
    RefusedWhileWaiting,
    /// AWS does not document it, or it depends on how far the first deletion is.
    Unknown,
}

/// Deletions that do well where nothing is there, by service and call.
const SUCCEEDING: [(&str, &[&str]); 11] = [
    // "Deleting a topic that does not exist does not result in an error."
    ("sns.amazonaws.com", &["DeleteTopic"]),
    // "If you call delete rule multiple times for the same rule, all calls will succeed."
    ("events.amazonaws.com", &["DeleteRule"]),
    // "If the object specified in the request isn't found, Amazon S3 confirms the deletion by returning the result as
    // deleted." In a bucket with versions each call adds a delete marker.
    ("s3.amazonaws.com", &["DeleteObject", "DeleteObjects"]),
    // The call names no error for a stack that is not there, and starts nothing then.
    ("cloudformation.amazonaws.com", &["DeleteStack"]),
    // "If you specify any incorrect alarm names, the alarms you specify with correct names are still deleted."
    ("monitoring.amazonaws.com", &["DeleteAlarms"]),
    // "If the load balancer does not exist or has already been deleted, the call succeeds."
    ("elasticloadbalancing.amazonaws.com", &["DeleteLoadBalancer"]),
    // "It does not fail or return an error if you call the operation for a provider that does not exist."
    ("iam.amazonaws.com", &["DeleteOpenIDConnectProvider"]),
    // "If the job definition is not found, no exception is thrown."
    ("glue.amazonaws.com", &["DeleteJob"]),
    // A revision is deregistered first and deleted then; its number is given out once.
    ("ecs.amazonaws.com", &["DeregisterTaskDefinition", "DeleteTaskDefinitions"]),
    // Its number is given out once, and the call names no error for one that is not there.
    ("lambda.amazonaws.com", &["DeleteLayerVersion"]),
    // "For a default VPC, if the values you specify do not match the existing rule's values, no error is returned."
    ("ec2.amazonaws.com", &["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"]),
];

/// Deletions that are refused where nothing is there, and while it is being deleted: each names such an error.
const REFUSED: [(&str, &[&str]); 14] = [
    // `NoSuchEntity`. A service-linked role is deleted later, and a second call gives the task of the first.
    (
        "iam.amazonaws.com",
        &[
            "DeleteRole",
            "DeleteUser",
            "DeleteGroup",
            "DeletePolicy",
            "DeleteInstanceProfile",
            "DeleteLoginProfile",
            "DeleteSAMLProvider",
            "DeleteVirtualMFADevice",
        ],
    ),
    // `NoSuchBucket`.
    ("s3.amazonaws.com", &["DeleteBucket"]),
    // `ResourceNotFoundException`.
    ("lambda.amazonaws.com", &["DeleteFunction"]),
    ("logs.amazonaws.com", &["DeleteLogGroup"]),
    // `NotFoundException`.
    ("kms.amazonaws.com", &["DeleteAlias"]),
    // `ParameterNotFound`, `InvalidDocument`.
    ("ssm.amazonaws.com", &["DeleteParameter", "DeleteDocument"]),
    // `RepositoryNotFoundException`.
    ("ecr.amazonaws.com", &["DeleteRepository"]),
    // `TrailNotFoundException`.
    ("cloudtrail.amazonaws.com", &["DeleteTrail"]),
    // `NoSuchConfigurationRecorderException`, `NoSuchDeliveryChannelException`.
    ("config.amazonaws.com", &["DeleteConfigurationRecorder", "DeleteDeliveryChannel"]),
    // `EntityNotFoundException`.
    ("glue.amazonaws.com", &["DeleteDatabase", "DeleteTable"]),
    // `ResourceNotFoundException`.
    ("backup.amazonaws.com", &["DeleteBackupVault"]),
    // `…NotFound`, and `Invalid…State` while it is being deleted.
    ("rds.amazonaws.com", &["DeleteDBInstance", "DeleteDBCluster", "DeleteDBSnapshot", "DeleteDBClusterSnapshot"]),
    ("elasticache.amazonaws.com", &["DeleteCacheCluster", "DeleteReplicationGroup"]),
    // `ClusterNotFound`, and `InvalidClusterState` while it is being deleted.
    ("redshift.amazonaws.com", &["DeleteCluster"]),
];

/// Deletions that wait for some days, in which they can be taken back and are not to be asked for again:
/// `KMSInvalidStateException`, `InvalidRequestException`, `InactiveEventDataStoreException`. Service, call, what the
/// request calls the days, and how many they are where it has none.
const WAITING: [(&str, &str, &str, i64); 3] = [
    ("kms.amazonaws.com", "ScheduleKeyDeletion", "pendingWindowInDays", 30),
    ("secretsmanager.amazonaws.com", "DeleteSecret", "recoveryWindowInDays", 30),
    ("cloudtrail.amazonaws.com", "DeleteEventDataStore", "", 7),
];

impl WhenAbsent {
    /// Returns what the call of a record does where what it deletes is not there. An id is given out once: whoever
    /// names a resource by it cannot mean one that was made since.
    pub(super) fn of(record: &Record<'_>, matched_by: MatchedBy) -> Self {
        let source = record.event_source.as_deref().unwrap_or_default();
        let call = record.event_name.as_deref().unwrap_or_default();
        let is_among = |table: &[(&str, &[&str])]| {
            table.iter().any(|(own, calls)| *own == source && calls.iter().any(|one| is_call(call, one)))
        };
        // "If you forcibly delete an already deleted or nonexistent secret, the operation does not return
        // ResourceNotFoundException" (Secrets Manager API, `DeleteSecret`).
        let is_forced = || is_forced(record);
        match () {
            () if is_among(&SUCCEEDING) || is_forced() => Self::Succeeds,
            () if waiting_days(source, call).is_some() => Self::RefusedWhileWaiting,
            () if matched_by == MatchedBy::Id => Self::Succeeds,
            // All that can be named by the id alone, and instances: "if you terminate an instance more than once, each
            // call succeeds" (EC2 API, `TerminateInstances`).
            () if source == EC2 && !NAMED_IN_EC2.contains(&call) => Self::Succeeds,
            () if is_among(&REFUSED) => Self::Refused,
            () => Self::Unknown,
        }
    }
}

const EC2: &str = "ec2.amazonaws.com";
/// Deletions of what EC2 lets be named by a name, which may be used again.
const NAMED_IN_EC2: [&str; 4] =
    ["DeleteKeyPair", "DeleteLaunchTemplate", "DeleteSecurityGroup", "DeletePlacementGroup"];

/// Tells whether a call is one of a name, with the version of the API behind it or without: `DeleteFunction20150331`.
fn is_call(call: &str, name: &str) -> bool {
    call.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_'))
}

/// Tells whether a call does well again while what it makes is there (Amazon SNS, SQS, S3 and ECS API references:
/// `CreateTopic`, `CreateQueue`, `CreateBucket` in us-east-1, `CreateCluster`).
pub(super) fn is_repeatable(call: &str, region: Option<&str>) -> bool {
    match call {
        "CreateTopic" | "CreateQueue" | "CreateCluster" => true,
        "CreateBucket" => region == Some("us-east-1"),
        _ => false,
    }
}

/// Returns what the request of a deletion that waits calls the days, and how many they are where it has none. `None`:
/// the call asks for no such deletion.
pub(super) fn waiting_days(source: &str, call: &str) -> Option<(&'static str, i64)> {
    let found = WAITING.iter().find(|(own, name, ..)| *own == source && is_call(call, name));
    found.map(|(.., field, days)| (*field, *days))
}

/// Tells whether a record asks for a deletion at once.
pub(super) fn is_forced(record: &Record<'_>) -> bool {
    let asked = record.request_parameters.and_then(|asked| asked.at(FORCED));
    asked.is_some_and(|flag| flag.as_str().trim_matches('"') == "true")
}
