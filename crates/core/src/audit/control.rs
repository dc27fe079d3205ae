//! The table of controls: which standard asks which question under which id.
//!
//! Sources: CIS Amazon Web Services Foundations Benchmark 3.0.0 and 5.0.0, sections 3 and 4; AWS Security Hub user
//! guide, "Security Hub CSPM controls for AWS CloudTrail"; the checks of Prowler's service `cloudtrail`. Left out are
//! controls of the same sections that are about other services (AWS Config, VPC flow logs, Security Hub itself) and
//! checks that read the recorded events (Prowler's `cloudtrail_threat_detection_*`). Titles are ours.

use std::fmt;

/// Where a control comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// CIS AWS Foundations Benchmark 3.0.0.
    Cis30,
    /// CIS AWS Foundations Benchmark 5.0.0.
    Cis50,
    /// The controls of AWS Security Hub, by their consolidated ids.
    SecurityHub,
    /// Prowler's checks.
    Prowler,
}

impl Standard {
    /// All of them, in the order of reports.
    pub const ALL: [Standard; 4] = [Standard::Cis30, Standard::Cis50, Standard::SecurityHub, Standard::Prowler];

    /// Returns the word by which people choose it.
    pub fn as_str(self) -> &'static str {
        match self {
            Standard::Cis30 => "cis-3.0",
            Standard::Cis50 => "cis-5.0",
            Standard::SecurityHub => "security-hub",
            Standard::Prowler => "prowler",
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Standard::Cis30 | Standard::Cis50 => "CIS AWS Foundations Benchmark",
            Standard::SecurityHub => "AWS Security Hub controls",
            Standard::Prowler => "Prowler",
        }
    }

    /// Returns the version of it that the table was made from. Security Hub gives its controls no version; their ids
    /// keep their meaning ("Consolidated control findings").
    pub fn version(self) -> &'static str {
        match self {
            Standard::Cis30 => "3.0.0",
            Standard::Cis50 => "5.0.0",
            Standard::SecurityHub => "consolidated",
            Standard::Prowler => "5",
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a failed control matters, in our judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to have.
    Low,
    /// Evidence may be missing where it is needed.
    Medium,
    /// Evidence is missing, or can be lost unnoticed.
    High,
    /// Strangers can read the logs.
    Critical,
}

impl Severity {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Does a trail record?
    Recording,
    /// Does a trail of all regions record?
    EveryRegion,
    /// Does a trail of all regions record management events that read and that write?
    ManagementEvents,
    /// As [`Question::ManagementEvents`], and without leaving a source out?
    AllManagementEvents,
    /// Does any trail record the calls of Amazon Bedrock?
    BedrockEvents,
    /// Does a trail of all regions record writes to the objects of every bucket?
    ObjectWrites,
    /// Does a trail of all regions record reads of the objects of every bucket?
    ObjectReads,
    /// Does the trail write digests?
    Validation,
    /// Does the trail encrypt with a KMS key that can be used?
    Encryption,
    /// Is that key rotated?
    KeyRotation,
    /// Does the trail name a log group of CloudWatch Logs, without an error?
    LogGroup,
    /// Have events reached CloudWatch Logs within a day?
    LogGroupDelivery,
    /// Does the trail look for unusual activity?
    Insights,
    /// Has the trail tags?
    Tags,
    /// Does the bucket log who accesses it?
    AccessLogs,
    /// Is the bucket closed to the public?
    NotPublic,
    /// Does deleting from the bucket need multi-factor authentication?
    MfaDelete,
    /// Are the event data stores of CloudTrail Lake encrypted with a KMS key?
    LakeEncryption,
    /// Does somebody hear of these events by a metric filter and an alarm?
    Filter(Filter),
    /// Does AWS Config record?
    Recorder(RecorderQuestion),
}

/// What is asked of AWS Config in every enabled region of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecorderQuestion {
    /// Is the recorder on, without a failure?
    On,
    /// Is it on, does it record all types, one region the global ones, and does the delivery work?
    EveryType,
    /// As [`RecorderQuestion::EveryType`], as far as Security Hub needs the types, and with the service-linked role?
    ServiceLinked,
    /// Has every recorder that is on the service-linked role?
    ServiceRole,
}

impl RecorderQuestion {
    /// Tells whether the recorded types and the delivery matter, and not only that the recorder is on.
    pub fn asks_types(self) -> bool {
        matches!(self, RecorderQuestion::EveryType | RecorderQuestion::ServiceLinked)
    }
}

/// The events that section 4 of the CIS benchmark wants an alarm for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the events, and `Filter::words` says them")]
pub enum Filter {
    UnauthorizedCalls,
    ConsoleWithoutMfa,
    RootUse,
    IamPolicies,
    CloudTrailSettings,
    ConsoleFailures,
    KeyDeletion,
    BucketPolicies,
    ConfigSettings,
    SecurityGroups,
    SecurityGroupRules,
    NetworkAcls,
    NetworkGateways,
    RouteTables,
    Vpcs,
    Organizations,
}

impl Filter {
    /// Returns the events as a sentence says them.
    pub fn words(self) -> &'static str {
        match self {
            Filter::UnauthorizedCalls => "refused API calls",
            Filter::ConsoleWithoutMfa => "console logins without multi-factor authentication",
            Filter::RootUse => "use of the root user",
            Filter::IamPolicies => "changes of IAM policies",
            Filter::CloudTrailSettings => "changes of CloudTrail's settings",
            Filter::ConsoleFailures => "failed console logins",
            Filter::KeyDeletion => "disabling or deleting customer managed keys",
            Filter::BucketPolicies => "changes of bucket policies",
            Filter::ConfigSettings => "changes of AWS Config's settings",
            Filter::SecurityGroups => "changes of security groups",
            Filter::SecurityGroupRules => "changes of security groups and their rules",
            Filter::NetworkAcls => "changes of network access control lists",
            Filter::NetworkGateways => "changes of network gateways",
            Filter::RouteTables => "changes of route tables",
            Filter::Vpcs => "changes of VPCs",
            Filter::Organizations => "changes of AWS Organizations",
        }
    }

    /// Tells whether single ones of the events happen every day, so that an alarm may well wait for several.
    pub fn is_everyday(self) -> bool {
        matches!(self, Filter::UnauthorizedCalls | Filter::ConsoleFailures)
    }
}

impl Question {
    /// Returns what a pass means.
    pub fn title(self) -> String {
        let text = match self {
            Question::Recording => "a trail is recording",
            Question::EveryRegion => "a trail records every region",
            Question::ManagementEvents => "a trail records management events of every region, reads and writes",
            Question::AllManagementEvents => {
                "a trail records management events of every region, reads and writes, without leaving a source out"
            }
            Question::BedrockEvents => "a trail records the calls of Amazon Bedrock",
            Question::ObjectWrites => "writes to the objects of every bucket are recorded",
            Question::ObjectReads => "reads of the objects of every bucket are recorded",
            Question::Validation => "log files can be validated",
            Question::Encryption => "logs are encrypted with a KMS key",
            Question::KeyRotation => "the key of the logs is rotated",
            Question::LogGroup => "the trail delivers to CloudWatch Logs",
            Question::LogGroupDelivery => "events have reached CloudWatch Logs within a day",
            Question::Insights => "CloudTrail looks for unusual activity",
            Question::Tags => "the trail has tags",
            Question::AccessLogs => "access to the log bucket is logged",
            Question::NotPublic => "the log bucket is closed to the public",
            Question::MfaDelete => "deleting from the log bucket needs multi-factor authentication",
            Question::LakeEncryption => "event data stores of CloudTrail Lake are encrypted with a KMS key",
            Question::Filter(filter) => return format!("an alarm notifies of {}", filter.words()),
            Question::Recorder(RecorderQuestion::On) => "AWS Config's recorder is on in every region",
            Question::Recorder(RecorderQuestion::EveryType) => {
                "AWS Config records all types in every region, and the global ones in one"
            }
            Question::Recorder(RecorderQuestion::ServiceLinked) => {
                "AWS Config records in every region, with its service-linked role"
            }
            Question::Recorder(RecorderQuestion::ServiceRole) => "AWS Config's recorder has its service-linked role",
        };
        text.to_owned()
    }

    /// Tells whether members that an organization trail records inherit the answer. AWS Config records every account
    /// by itself.
    pub fn is_inherited(self) -> bool {
        !matches!(self, Question::Recorder(_))
    }

    /// Returns how much a fail matters.
    pub fn severity(self) -> Severity {
        match self {
            Question::NotPublic => Severity::Critical,
            Question::Recording
            | Question::EveryRegion
            | Question::ManagementEvents
            | Question::AllManagementEvents
            | Question::BedrockEvents
            | Question::Validation => Severity::High,
            Question::Encryption
            | Question::KeyRotation
            | Question::AccessLogs
            | Question::LakeEncryption
            | Question::MfaDelete
            | Question::Recorder(_)
            | Question::Filter(_) => Severity::Medium,
            Question::ObjectWrites
            | Question::ObjectReads
            | Question::LogGroup
            | Question::LogGroupDelivery
            | Question::Insights
            | Question::Tags => Severity::Low,
        }
    }
}

/// One control of one standard.
#[derive(Debug, PartialEq, Eq)]
pub struct Control {
    /// The standard.
    pub standard: Standard,
    /// Its id there.
    pub id: &'static str,
    /// What it asks.
    pub question: Question,
}

const fn control(standard: Standard, id: &'static str, question: Question) -> Control {
    Control { standard, id, question }
}

/// Every control, by standard and id.
pub const CONTROLS: &[Control] = &table();

/// Sections 3 and 4 are the same in both versions of the benchmark, but for the events of 4.10.
const fn cis(security_groups: Filter) -> [(&'static str, Question); 23] {
    [
        ("3.1", Question::ManagementEvents),
        ("3.2", Question::Validation),
        ("3.3", Question::Recorder(RecorderQuestion::EveryType)),
        ("3.4", Question::AccessLogs),
        ("3.5", Question::Encryption),
        ("3.6", Question::KeyRotation),
        ("3.8", Question::ObjectWrites),
        ("3.9", Question::ObjectReads),
        ("4.1", Question::Filter(Filter::UnauthorizedCalls)),
        ("4.2", Question::Filter(Filter::ConsoleWithoutMfa)),
        ("4.3", Question::Filter(Filter::RootUse)),
        ("4.4", Question::Filter(Filter::IamPolicies)),
        ("4.5", Question::Filter(Filter::CloudTrailSettings)),
        ("4.6", Question::Filter(Filter::ConsoleFailures)),
        ("4.7", Question::Filter(Filter::KeyDeletion)),
        ("4.8", Question::Filter(Filter::BucketPolicies)),
        ("4.9", Question::Filter(Filter::ConfigSettings)),
        ("4.10", Question::Filter(security_groups)),
        ("4.11", Question::Filter(Filter::NetworkAcls)),
        ("4.12", Question::Filter(Filter::NetworkGateways)),
        ("4.13", Question::Filter(Filter::RouteTables)),
        ("4.14", Question::Filter(Filter::Vpcs)),
        ("4.15", Question::Filter(Filter::Organizations)),
    ]
}

/// There is no CloudTrail.8.
const SECURITY_HUB: [(&str, Question); 10] = [
    ("CloudTrail.1", Question::AllManagementEvents),
    ("CloudTrail.2", Question::Encryption),
    ("CloudTrail.3", Question::Recording),
    ("CloudTrail.4", Question::Validation),
    ("CloudTrail.5", Question::LogGroup),
    ("CloudTrail.6", Question::NotPublic),
    ("CloudTrail.7", Question::AccessLogs),
    ("CloudTrail.9", Question::Tags),
    ("CloudTrail.10", Question::LakeEncryption),
    ("Config.1", Question::Recorder(RecorderQuestion::ServiceLinked)),
];

const PROWLER: [(&str, Question); 14] = [
    ("cloudtrail_bedrock_logging_enabled", Question::BedrockEvents),
    ("cloudtrail_bucket_requires_mfa_delete", Question::MfaDelete),
    ("cloudtrail_cloudwatch_logging_enabled", Question::LogGroupDelivery),
    ("cloudtrail_insights_exist", Question::Insights),
    ("cloudtrail_kms_encryption_enabled", Question::Encryption),
    ("cloudtrail_log_file_validation_enabled", Question::Validation),
    ("cloudtrail_logs_s3_bucket_access_logging_enabled", Question::AccessLogs),
    ("cloudtrail_logs_s3_bucket_is_not_publicly_accessible", Question::NotPublic),
    ("cloudtrail_multi_region_enabled", Question::EveryRegion),
    ("cloudtrail_multi_region_enabled_logging_management_events", Question::ManagementEvents),
    ("cloudtrail_s3_dataevents_read_enabled", Question::ObjectReads),
    ("cloudtrail_s3_dataevents_write_enabled", Question::ObjectWrites),
    ("config_recorder_all_regions_enabled", Question::Recorder(RecorderQuestion::On)),
    ("config_recorder_using_aws_service_role", Question::Recorder(RecorderQuestion::ServiceRole)),
];

const CIS_3: [(&str, Question); 23] = cis(Filter::SecurityGroups);

const CIS_5: [(&str, Question); 23] = cis(Filter::SecurityGroupRules);

const COUNT: usize = CIS_3.len() + CIS_5.len() + SECURITY_HUB.len() + PROWLER.len();

const fn table() -> [Control; COUNT] {
    let mut all = [const { control(Standard::Cis30, "", Question::Recording) }; COUNT];
    let mut at = 0;
    at = fill(&mut all, at, Standard::Cis30, &CIS_3);
    at = fill(&mut all, at, Standard::Cis50, &CIS_5);
    at = fill(&mut all, at, Standard::SecurityHub, &SECURITY_HUB);
    fill(&mut all, at, Standard::Prowler, &PROWLER);
    all
}

const fn fill(all: &mut [Control; COUNT], from: usize, standard: Standard, some: &[(&'static str, Question)]) -> usize {
    let mut at = 0;
    while at < some.len() {
        all[from + at] = control(standard, some[at].0, some[at].1);
        at += 1;
    }
    from + at
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(standard: Standard) -> Vec<(&'static str, Question)> {
        CONTROLS
            .iter()
            .filter(|control| control.standard == standard)
            .map(|control| (control.id, control.question))
            .collect()
    }

    #[test]
    fn the_versions_of_the_benchmark_differ_in_one_control() {
        let (older, newer) = (of(Standard::Cis30), of(Standard::Cis50));
        let differing = older.iter().zip(&newer).filter(|(one, other)| one != other);
        assert_eq!(differing.map(|(one, other)| (one.0, other.0)).collect::<Vec<_>>(), [("4.10", "4.10")]);
        let filters = older.iter().filter(|(_, question)| matches!(question, Question::Filter(_))).count();
        assert_eq!((older.len(), filters), (23, 15));
    }

    #[test]
    fn an_id_is_there_once_in_a_standard() {
        for standard in Standard::ALL {
            let ids: BTreeSet<&str> = of(standard).into_iter().map(|(id, _)| id).collect();
            assert_eq!(ids.len(), of(standard).len(), "{standard}");
        }
        assert_eq!(of(Standard::SecurityHub).iter().find(|(id, _)| *id == "CloudTrail.8"), None);
    }
}
