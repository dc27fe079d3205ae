//! Every call to AWS that the program can make: the operations, whether they change anything, and the IAM actions that
//! each needs. Pure.
//!
//! What is not in the `table` cannot be called: an [`Operation`] is made nowhere else, a session takes one with every
//! call, and the adapter refuses to send a request whose name is not here. `orgtrail permissions` and the session
//! policies ([`session_policy`]) are made from it.

pub mod session_policy;
mod table;

pub use table::*;

/// The services that the adapter speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS Organizations.
    Organizations,
    /// AWS Account Management.
    Account,
    /// AWS CloudTrail.
    CloudTrail,
    /// Amazon S3.
    S3,
    /// AWS KMS.
    Kms,
    /// Amazon SNS.
    Sns,
    /// Amazon SQS.
    Sqs,
    /// Amazon EventBridge.
    Events,
    /// Amazon CloudWatch.
    CloudWatch,
    /// Amazon CloudWatch Logs.
    Logs,
    /// AWS IAM.
    Iam,
    /// AWS STS.
    Sts,
    /// Amazon Athena.
    Athena,
    /// AWS Config.
    Config,
}

impl Service {
    /// Returns the prefix of the service's IAM actions.
    pub fn as_str(self) -> &'static str {
        match self {
            Service::Organizations => "organizations",
            Service::Account => "account",
            Service::CloudTrail => "cloudtrail",
            Service::S3 => "s3",
            Service::Kms => "kms",
            Service::Sns => "sns",
            Service::Sqs => "sqs",
            Service::Events => "events",
            Service::CloudWatch => "cloudwatch",
            Service::Logs => "logs",
            Service::Iam => "iam",
            Service::Sts => "sts",
            Service::Athena => "athena",
            Service::Config => "config",
        }
    }
}

/// Whether an operation can change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It cannot.
    Read,
    /// It can.
    Write,
    /// It changes nothing, and sends a notification.
    Publish,
}

/// What an operation is called for, which decides whose policy has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallPurpose {
    /// The trails, their archive and their readers: what commands plan, apply and look at.
    Deployment,
    /// The logs themselves, their public keys and signatures over them: `verify` and `coverage`.
    Archive,
    /// A daemon's lease and history, each one object and never a log. A policy that gave these on every object would
    /// let log files be written.
    Document,
    /// The files of a lake: slots, ledgers and what stands beside them, below one prefix. They are read and replaced
    /// under conditions, and never deleted.
    Lake,
    /// What `query --engine athena` calls. Athena runs whatever it is sent: what is sent is judged by its words before.
    Athena,
    /// What `apply --destroy` deletes because a person named it. No policy that is printed without naming it gives it.
    Destroy,
}

/// One operation of one service. Only the table makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Whose it is.
    pub service: Service,
    /// Its name in the service's API: `ListObjectsV2`.
    pub name: &'static str,
    /// Whether it can change anything.
    pub access: Access,
    /// The IAM actions that it needs, the one that it is named after first. Source: Service Authorization Reference.
    pub actions: &'static [&'static str],
    /// What it is called for. It is not public, so that no other module can make an operation.
    parts: &'static [CallPurpose],
}

impl Operation {
    /// Returns the name by which reports know the operation: its first action.
    pub fn as_str(&self) -> &'static str {
        self.actions.first().copied().unwrap_or(self.name)
    }

    /// Tells whether it is called for a part.
    pub fn is_for(&self, part: CallPurpose) -> bool {
        self.parts.contains(&part)
    }
}

/// Up to this many roles of an account are looked at one by one; more cost less with `GetAccountAuthorizationDetails`.
pub const ROLES_ONE_BY_ONE_MAX: usize = 5;

/// Returns the operations that are called for a part.
pub fn of(part: CallPurpose) -> impl Iterator<Item = &'static Operation> {
    ALL.iter().filter(move |operation| operation.is_for(part))
}

/// Tells whether an operation, by its name in the service's API, may be called for one of these parts.
pub fn may_call(service: Service, name: &str, parts: &[CallPurpose]) -> bool {
    ALL.iter().any(|operation| {
        operation.service == service && operation.name == name && parts.iter().any(|part| operation.is_for(*part))
    })
}

/// Returns the actions of a part's operations with this access, sorted, each once.
pub fn actions(part: CallPurpose, access: Access) -> Vec<&'static str> {
    let mut actions: Vec<_> =
        of(part).filter(|operation| operation.access == access).flat_map(|o| o.actions).copied().collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 1 of the design: what the published policy does not contain cannot happen.
    #[test]
    fn nothing_that_ends_a_trail_or_deletes_logs_can_be_called() {
        for forbidden in [
            "organizations:DisableAWSServiceAccess",
            "cloudtrail:StopLogging",
            "cloudtrail:DeleteTrail",
            "cloudtrail:DeregisterOrganizationDelegatedAdmin",
            "kms:ScheduleKeyDeletion",
            "kms:DisableKey",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:PutObject",
            "sns:DeleteTopic",
            "logs:DeleteLogGroup",
        ] {
            assert!(of(CallPurpose::Deployment).all(|o| !o.actions.contains(&forbidden)), "{forbidden}");
        }
    }

    /// What the plan tries with the documents that there are is what can be called.
    #[test]
    fn every_call_that_changes_bucket_key_or_topic_is_tried_for_a_lockout() {
        use crate::plan::lockout::{BUCKET_WORK, KEY_WORK, TOPIC_WORK};
        let made = ["s3:CreateBucket", "kms:CreateKey", "sns:CreateTopic"];
        let called = |service: Service| {
            let writes = of(CallPurpose::Deployment).filter(|o| o.service == service && o.access == Access::Write);
            let actions = writes.flat_map(|o| o.actions).copied().filter(|action| !made.contains(action));
            actions.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(called(Service::S3), BUCKET_WORK.into());
        assert_eq!(called(Service::Kms), KEY_WORK.into());
        assert_eq!(called(Service::Sns), TOPIC_WORK.into());
    }

    #[test]
    fn each_action_is_of_the_form_service_and_name() {
        for operation in ALL {
            let own = format!("{}:", operation.service.as_str());
            assert!(operation.as_str().starts_with(&own), "{operation:?}");
        }
    }

    #[test]
    fn each_operation_stands_in_the_table_once_a_part() {
        let mut seen = std::collections::BTreeSet::new();
        for operation in ALL {
            for part in operation.parts {
                assert!(seen.insert((operation.service, operation.name, part)), "{operation:?} twice");
            }
        }
    }

    #[test]
    fn what_reads_the_logs_changes_nothing_and_plans_read_no_object() {
        assert!(of(CallPurpose::Archive).all(|operation| operation.access == Access::Read));
        assert!(may_call(Service::S3, "GetObject", &[CallPurpose::Archive]));
        assert!(!may_call(Service::S3, "GetObject", &[CallPurpose::Deployment]));
        assert!(!may_call(
            Service::S3,
            "DeleteObject",
            &[CallPurpose::Deployment, CallPurpose::Archive, CallPurpose::Document]
        ));
    }

    #[test]
    fn athena_is_asked_stopped_and_nothing_is_changed_in_it() {
        let names: Vec<&str> = of(CallPurpose::Athena).map(|operation| operation.name).collect();
        let reads = ["GetWorkGroup", "GetTableMetadata", "GetQueryExecution", "GetQueryResults"];
        assert_eq!(names, [&reads[..], &["StartQueryExecution", "StopQueryExecution"]].concat());
        let actions: Vec<&str> = of(CallPurpose::Athena).flat_map(|operation| operation.actions).copied().collect();
        let changes = |action: &&str| ["Delete", "Create", "Update"].iter().any(|word| action.contains(word));
        assert!(!actions.iter().any(changes), "{actions:?}");
    }

    #[test]
    fn a_lake_is_looked_at_listed_read_and_written_and_nothing_else() {
        let names: Vec<&str> = of(CallPurpose::Lake).map(|operation| operation.name).collect();
        let settings = ["GetPublicAccessBlock", "GetBucketOwnershipControls", "GetBucketTagging", "GetBucketPolicy"];
        let files = ["ListObjectsV2", "GetBucketLocation", "GetObject", "PutObject"];
        assert_eq!(names, [settings, files].concat());
    }
}
