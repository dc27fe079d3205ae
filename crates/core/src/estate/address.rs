//! `{account}/{region|global}/{kind}/{name}`: how every resource is known, printed everywhere the same way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::catalog::Target;
use crate::ids::{AccountId, Arn, Partition, Region};

/// The kinds of resources that a deployment consists of. Their order is the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Trusted access of CloudTrail or of AWS Config in the organization.
    TrustedAccess,
    /// An account that may administer CloudTrail or AWS Config for the organization.
    DelegatedAdministrator,
    /// The log bucket.
    Bucket,
    /// The log bucket's policy.
    BucketPolicy,
    /// The customer managed key, known by its alias.
    Key,
    /// The key's policy.
    KeyPolicy,
    /// A notification topic with its policy.
    Topic,
    /// A CloudWatch Logs group.
    LogGroup,
    /// An IAM role with its trust and its permissions.
    Role,
    /// A customer managed IAM policy.
    Policy,
    /// A trail with its selectors and whether it is logging.
    Trail,
    /// A service control policy with the targets that it is attached to.
    ServiceControlPolicy,
    /// A queue that wakes the daemon, or that holds the messages which could not be read.
    Queue,
    /// A rule that sends events on.
    Rule,
    /// An aggregator of AWS Config.
    ConfigAggregator,
}

impl Kind {
    /// All kinds, in the order of reports.
    pub const ALL: [Kind; 15] = [
        Kind::TrustedAccess,
        Kind::DelegatedAdministrator,
        Kind::Bucket,
        Kind::BucketPolicy,
        Kind::Key,
        Kind::KeyPolicy,
        Kind::Topic,
        Kind::LogGroup,
        Kind::Role,
        Kind::Policy,
        Kind::Trail,
        Kind::ServiceControlPolicy,
        Kind::Queue,
        Kind::Rule,
        Kind::ConfigAggregator,
    ];

    /// Returns the kind as addresses write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::TrustedAccess => "trusted_access",
            Kind::DelegatedAdministrator => "delegated_administrator",
            Kind::Bucket => "bucket",
            Kind::BucketPolicy => "bucket_policy",
            Kind::Key => "key",
            Kind::KeyPolicy => "key_policy",
            Kind::Topic => "topic",
            Kind::LogGroup => "log_group",
            Kind::Role => "role",
            Kind::Policy => "policy",
            Kind::Trail => "trail",
            Kind::ServiceControlPolicy => "service_control_policy",
            Kind::Queue => "queue",
            Kind::Rule => "rule",
            Kind::ConfigAggregator => "config_aggregator",
        }
    }

    /// Returns what calls touch that change a resource of this kind, as the catalog of calls names it.
    pub fn target(self) -> Target {
        match self {
            Kind::TrustedAccess => Target::TrustedAccess,
            Kind::DelegatedAdministrator => Target::DelegatedAdministrator,
            Kind::Bucket => Target::Bucket,
            Kind::BucketPolicy => Target::BucketPolicy,
            Kind::Key => Target::Key,
            Kind::KeyPolicy => Target::KeyPolicy,
            Kind::Topic => Target::Topic,
            Kind::LogGroup => Target::LogGroup,
            Kind::Role => Target::Role,
            Kind::Policy => Target::ManagedPolicy,
            Kind::Trail => Target::Trail,
            Kind::ServiceControlPolicy => Target::OrganizationPolicy,
            Kind::Queue => Target::Queue,
            Kind::Rule => Target::Rule,
            Kind::ConfigAggregator => Target::ConfigurationAggregator,
        }
    }

    /// Returns the kind of resource that a call changes by what it touches. `None`: no deployment consists of such.
    pub fn of_target(target: Target) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.target() == target)
    }

    /// Returns the kind as a sentence says it.
    pub fn words(self) -> &'static str {
        match self {
            Kind::TrustedAccess => "trusted access",
            Kind::DelegatedAdministrator => "delegated administrator",
            Kind::Bucket => "bucket",
            Kind::BucketPolicy => "bucket policy",
            Kind::Key => "key",
            Kind::KeyPolicy => "key policy",
            Kind::Topic => "topic",
            Kind::LogGroup => "log group",
            Kind::Role => "role",
            Kind::Policy => "managed policy",
            Kind::Trail => "trail",
            Kind::ServiceControlPolicy => "service control policy",
            Kind::Queue => "queue",
            Kind::Rule => "event rule",
            Kind::ConfigAggregator => "Config aggregator",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where one resource is.
///
/// The account of a trail is its owner in the sense of its ARN: the management account for an organization trail, also
/// when a delegated administrator made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The account that holds the resource.
    pub account: AccountId,
    /// The region, or none for what is global in the partition.
    pub region: Option<Region>,
    /// What it is.
    pub kind: Kind,
    /// Its name in AWS; an alias for keys. It may contain slashes.
    pub name: String,
}

impl Address {
    /// Makes the address of something that lives in a region.
    pub fn regional(account: &AccountId, region: &Region, kind: Kind, name: impl Into<String>) -> Self {
        Self { account: account.clone(), region: Some(region.clone()), kind, name: name.into() }
    }

    /// Makes the address of something that is global in its partition.
    pub fn global(account: &AccountId, kind: Kind, name: impl Into<String>) -> Self {
        Self { account: account.clone(), region: None, kind, name: name.into() }
    }

    /// Returns the ARN of the resource; none where the address does not tell it: AWS decides the ids of keys, of
    /// service control policies and of aggregators, and the rest are settings of something else.
    pub fn arn(&self, partition: Partition) -> Option<Arn> {
        let region = self.region.as_ref().map_or("", Region::as_str);
        let account = self.account.as_str();
        let name = &self.name;
        Some(match self.kind {
            Kind::Bucket => Arn::new(partition, "s3", "", "", name),
            Kind::Topic => Arn::new(partition, "sns", region, account, name),
            Kind::LogGroup => Arn::new(partition, "logs", region, account, &format!("log-group:{name}")),
            Kind::Role => Arn::new(partition, "iam", "", account, &format!("role/{name}")),
            Kind::Policy => Arn::new(partition, "iam", "", account, &format!("policy/{name}")),
            Kind::Trail => Arn::new(partition, "cloudtrail", region, account, &format!("trail/{name}")),
            Kind::Queue => Arn::new(partition, "sqs", region, account, name),
            Kind::Rule => Arn::new(partition, "events", region, account, &format!("rule/{name}")),
            Kind::TrustedAccess
            | Kind::DelegatedAdministrator
            | Kind::BucketPolicy
            | Kind::Key
            | Kind::KeyPolicy
            | Kind::ServiceControlPolicy
            | Kind::ConfigAggregator => return None,
        })
    }

    /// Returns the address of a trail; none where the text is not the ARN of one.
    pub fn of_trail(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        let name = arn.resource().strip_prefix("trail/").filter(|_| arn.service() == "cloudtrail")?;
        Some(Self::regional(&arn.account().parse().ok()?, &arn.region().parse().ok()?, Kind::Trail, name))
    }

    /// Returns the address of another kind at the same place with the same name: a bucket's policy, a key's policy.
    pub fn with_kind(&self, kind: Kind) -> Self {
        Self { kind, ..self.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_ref().map_or("global", Region::as_str);
        write!(f, "{}/{region}/{}/{}", self.account, self.kind, self.name)
    }
}

/// Says why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address: {why}; an address is ACCOUNT/REGION/KIND/NAME")]
pub struct BadAddress {
    text: String,
    why: String,
}

impl FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = |why: String| BadAddress { text: text.to_owned(), why };
        let mut parts = text.splitn(4, '/');
        let mut next = |what: &str| parts.next().filter(|p| !p.is_empty()).ok_or_else(|| bad(format!("no {what}")));
        let account = next("account")?.parse::<AccountId>().map_err(|e| bad(e.to_string()))?;
        let region = match next("region")? {
            "global" => None,
            code => Some(code.parse::<Region>().map_err(|e| bad(e.to_string()))?),
        };
        let word = next("kind")?;
        let kind = Kind::ALL
            .into_iter()
            .find(|k| k.as_str() == word)
            .ok_or_else(|| bad(format!("there is no kind {word:?}")))?;
        let name = next("name")?.to_owned();
        Ok(Self { account, region, kind, name })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_printed() {
        for text in [
            "111111111111/global/trusted_access/cloudtrail.amazonaws.com",
            "222222222222/eu-central-1/log_group//orgtrail/acme",
            "222222222222/eu-central-1/key/alias/orgtrail-acme",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "1/global/role/x",
            "111111111111/mars/role/x",
            "111111111111/global/rules/x",
            "111111111111/global/role/",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
