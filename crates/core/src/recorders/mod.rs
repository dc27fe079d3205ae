//! AWS Config beside the trails: what is known of the configuration recorder and the delivery channel of each account
//! and region. Read, never made: a recorder costs money for each configuration item. What recorders recorded of a
//! resource is read too ([`item`]), and what differs between two such states ([`difference`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::estate::Problem;
use crate::ids::{AccountId, Partition, Region};

pub mod difference;
pub mod item;

/// What is known of AWS Config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recorders {
    /// It was not looked at, because nobody asked for it.
    #[default]
    NotAsked,
    /// A recorded estate was asked, which does not hold it.
    NotRecorded,
    /// It was looked at, account by account.
    Known(BTreeMap<AccountId, AccountRecorders>),
}

/// What is known of AWS Config in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountRecorders {
    /// The configuration does not select the account, so that it was not looked at.
    NotSelected,
    /// It is not known which regions are enabled, or the account cannot be entered.
    Unreadable(Problem),
    /// What is known, by enabled region.
    Regions(BTreeMap<Region, Result<RegionRecorder, Problem>>),
}

/// AWS Config in one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionRecorder {
    /// The customer managed configuration recorder; `None` where there is none. The recorders that services make for
    /// themselves deliver nothing, and are left out.
    pub recorder: Option<ConfigRecorder>,
    /// The delivery channel; `None` where there is none, or where it was not looked at because there is no recorder.
    pub channel: Option<DeliveryChannel>,
}

/// A customer managed configuration recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRecorder {
    /// Its name.
    pub name: String,
    /// The ARN of its role; `None` where AWS Config does not say.
    pub role: Option<String>,
    /// It records now.
    pub recording: bool,
    /// When it was started last; `None` where it never was.
    pub started: Option<Timestamp>,
    /// When it was stopped last; `None` where it never was.
    pub stopped: Option<Timestamp>,
    /// Why it could not record last; `None` where it could.
    pub failure: Option<String>,
    /// The types of resources that it records.
    pub types: RecordedTypes,
    /// How often it records.
    pub frequency: RecordingFrequency,
    /// The types of resources that it records at another frequency.
    pub overrides: BTreeMap<String, RecordingFrequency>,
}

/// The types of resources that a recorder records (AWS Config API, `RecordingGroup`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedTypes {
    /// Every type that is supported in the region, new ones too.
    All {
        /// The global IAM types too: users, groups, roles and customer managed policies.
        global: bool,
    },
    /// Every type but these, the global IAM types too where they are not among them.
    AllBut(BTreeSet<String>),
    /// These only.
    Only(BTreeSet<String>),
}

/// How often a recorder records a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordingFrequency {
    /// Each change when it happens.
    Continuous,
    /// The state once in 24 hours, where it differs from that of the day before.
    Daily,
}

/// Where AWS Config delivers, and how the last deliveries went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryChannel {
    /// Its name.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// All that stands before `AWSLogs/` in keys: empty, or ends with `/`.
    pub prefix: String,
    /// The last delivery of configuration history files.
    pub history: ConfigDelivery,
    /// The last delivery of a configuration snapshot.
    pub snapshot: ConfigDelivery,
}

/// How the last delivery of one kind went (AWS Config API, `ConfigExportDeliveryInfo`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigDelivery {
    /// When one succeeded last; `None` where none ever did, or AWS Config does not say.
    pub succeeded: Option<Timestamp>,
    /// Why the last one failed; `None` where it did not.
    pub failure: Option<String>,
}

/// The global IAM types, which one recorder records for the whole account (AWS Config developer guide, "Regional and
/// global resources").
pub const GLOBAL_TYPES: [&str; 4] = ["AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User"];

/// The regions that AWS Config supports since after February 2022, where it does not record the global IAM types,
/// whatever the recorder says (AWS Config developer guide, "Regional and global resources").
const WITHOUT_GLOBAL_TYPES: [&str; 12] = [
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "mx-central-1",
];

impl RecordedTypes {
    /// Tells whether all of the global IAM types are recorded, in a region where that is possible.
    fn has_global(&self) -> bool {
        match self {
            RecordedTypes::All { global } => *global,
            RecordedTypes::AllBut(types) => GLOBAL_TYPES.iter().all(|of| !types.contains(*of)),
            RecordedTypes::Only(types) => GLOBAL_TYPES.iter().all(|of| types.contains(*of)),
        }
    }
}

impl ConfigRecorder {
    /// Tells whether the recorder of a region records all of the global IAM types now.
    pub fn records_global(&self, region: &Region) -> bool {
        self.recording && self.types.has_global() && !WITHOUT_GLOBAL_TYPES.contains(&region.as_str())
    }

    /// Tells whether a type is recorded while the recorder is on. The global types of IAM may be left out.
    pub fn records(&self, resource_type: &str) -> bool {
        let is_global = GLOBAL_TYPES.contains(&resource_type);
        match &self.types {
            RecordedTypes::All { global } => *global || !is_global,
            RecordedTypes::AllBut(types) => !types.contains(resource_type),
            RecordedTypes::Only(types) => types.contains(resource_type),
        }
    }

    /// Returns the ARN of the service-linked role that AWS Config has in an account.
    pub fn service_linked_role(partition: Partition, account: &AccountId) -> String {
        format!("arn:{partition}:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
    }
}

impl DeliveryChannel {
    /// Returns why the last delivery of either kind failed, history first; `None` where neither did.
    pub fn failure(&self) -> Option<&str> {
        self.history.failure.as_deref().or(self.snapshot.failure.as_deref())
    }

    /// Returns when something was delivered last; `None` where nothing ever was, or AWS Config does not say.
    pub fn succeeded(&self) -> Option<Timestamp> {
        self.history.succeeded.max(self.snapshot.succeeded)
    }
}

impl Recorders {
    /// Returns what could not be read: one problem for each account and reason.
    pub fn problems(&self) -> Vec<Problem> {
        let Recorders::Known(accounts) = self else { return Vec::new() };
        let mut all = BTreeSet::new();
        for known in accounts.values() {
            match known {
                AccountRecorders::NotSelected => {}
                AccountRecorders::Unreadable(problem) => {
                    all.insert(problem.clone());
                }
                AccountRecorders::Regions(regions) => {
                    all.extend(regions.values().filter_map(|known| known.as_ref().err()).cloned());
                }
            }
        }
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(types: RecordedTypes) -> ConfigRecorder {
        ConfigRecorder {
            name: "default".into(),
            role: None,
            recording: true,
            started: None,
            stopped: None,
            failure: None,
            types,
            frequency: RecordingFrequency::Continuous,
            overrides: BTreeMap::new(),
        }
    }

    fn types(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn global_types_are_recorded_as_each_strategy_says() {
        let home: Region = "eu-central-1".parse().unwrap();
        let records = |types| recorder(types).records_global(&home);
        assert!(records(RecordedTypes::All { global: true }) && !records(RecordedTypes::All { global: false }));
        // `includeGlobalResourceTypes` says nothing of exclusions (AWS Config API, `RecordingGroup`).
        assert!(records(RecordedTypes::AllBut(types(&["AWS::EC2::Instance"]))));
        assert!(!records(RecordedTypes::AllBut(types(&["AWS::IAM::Role"]))));
        assert!(records(RecordedTypes::Only(types(&GLOBAL_TYPES))));
        assert!(!records(RecordedTypes::Only(types(&GLOBAL_TYPES[..3]))));
    }

    #[test]
    fn a_stopped_recorder_and_one_in_a_newer_region_record_no_global_types() {
        let all = recorder(RecordedTypes::All { global: true });
        assert!(!all.records_global(&"eu-south-2".parse().unwrap()));
        let stopped = ConfigRecorder { recording: false, ..all };
        assert!(!stopped.records_global(&"eu-central-1".parse().unwrap()));
    }
}
