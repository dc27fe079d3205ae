//! Identifiers of AWS, parsed once at the edge and printed one way.
//!
//! What belongs here: account and organization ids, partitions, regions, bucket and trail names and the ARNs that are
//! made of them. A value of one of these types is well formed; whether the thing exists is somebody else's question.
//! Nothing here knows any other module.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod regions;

pub use regions::KNOWN_REGIONS;

/// Says why a text is not a well-formed identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {why}")]
pub struct BadId {
    /// The text as given.
    pub text: String,
    /// What it should have been, with its article ("an AWS account id").
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: String,
}

fn bad(text: &str, what: &'static str, why: impl Into<String>) -> BadId {
    BadId { text: text.to_owned(), what, why: why.into() }
}

/// Gives a string newtype its text, its printing and its checked reading.
macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// Returns the identifier as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The twelve digits of an AWS account. Leading zeros count, so it is never a number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);
text_id!(AccountId);

/// Returns a length in words: `1 character`, `12 characters`.
pub(crate) fn characters(length: usize) -> String {
    if length == 1 { "1 character".to_owned() } else { format!("{length} characters") }
}

impl FromStr for AccountId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "an AWS account id";
        if text.len() != 12 {
            return Err(bad(text, what, format!("it has {} instead of 12 digits", characters(text.chars().count()))));
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad(text, what, "only digits are allowed"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The id of an organization: `o-` and 10 to 32 lower-case letters or digits (Organizations API, `OrganizationId`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationId(String);
text_id!(OrganizationId);

impl FromStr for OrganizationId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "an organization id";
        let Some(rest) = text.strip_prefix("o-") else {
            return Err(bad(text, what, "it must start with `o-`"));
        };
        let well_formed = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !(10..=32).contains(&rest.len()) || !well_formed {
            return Err(bad(text, what, "10 to 32 lower-case letters or digits must follow `o-`"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The first part of every ARN: regions of different partitions share neither accounts nor organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// `aws`
    Aws,
    /// `aws-cn`
    China,
    /// `aws-us-gov`
    GovCloud,
}

impl Partition {
    /// Returns the partition as ARNs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::China => "aws-cn",
            Partition::GovCloud => "aws-us-gov",
        }
    }

    /// Returns the domain that the partition's service names end in.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Partition::Aws | Partition::GovCloud => "amazonaws.com",
            Partition::China => "amazonaws.com.cn",
        }
    }

    /// Returns the region that answers for the partition's global services (IAM, STS' global endpoint, Organizations).
    pub fn global_region(self) -> &'static str {
        match self {
            Partition::Aws => "us-east-1",
            Partition::China => "cn-northwest-1",
            Partition::GovCloud => "us-gov-west-1",
        }
    }
}

impl Serialize for Partition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Partition {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        match text {
            "aws" => Ok(Partition::Aws),
            "aws-cn" => Ok(Partition::China),
            "aws-us-gov" => Ok(Partition::GovCloud),
            _ => Err(bad(text, "a partition", "the partitions are `aws`, `aws-cn` and `aws-us-gov`")),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A region's code, such as `eu-central-1`. Well formed, not necessarily one that AWS has opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);
text_id!(Region);

impl Region {
    /// Returns the partition that the region's code belongs to.
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::China
        } else if self.0.starts_with("us-gov-") {
            Partition::GovCloud
        } else {
            Partition::Aws
        }
    }

    /// Tells whether the region was known when this version was made. An unknown one may be new.
    pub fn is_known(&self) -> bool {
        KNOWN_REGIONS.binary_search(&self.as_str()).is_ok()
    }
}

impl FromStr for Region {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "a region";
        let parts: Vec<&str> = text.split('-').collect();
        let words = parts.len() >= 3
            && parts[..parts.len() - 1].iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()));
        let number = parts.last().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        if !words || !number || text.len() > 32 {
            return Err(bad(text, what, "a region looks like `eu-central-1`"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a general-purpose bucket, by S3's naming rules.
///
/// Source: Amazon S3 user guide, "General purpose bucket naming rules".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);
text_id!(BucketName);

impl FromStr for BucketName {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        match bucket_name_fault(text) {
            Some(why) => Err(bad(text, "a bucket name that S3 accepts", why)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

fn bucket_name_fault(text: &str) -> Option<String> {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !(3..=63).contains(&text.len()) {
        return Some(format!("it has {} characters, 3 to 63 are allowed", text.chars().count()));
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("capital letters are not allowed".into());
    }
    if let Some(c) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '-')) {
        return Some(format!("the character {c:?} is not allowed"));
    }
    if !edge(text.as_bytes().first()) || !edge(text.as_bytes().last()) {
        return Some("it must begin and end with a letter or a digit".into());
    }
    if text.contains("..") {
        return Some("two dots must not follow each other".into());
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("it must not look like an IP address".into());
    }
    for prefix in ["xn--", "sthree-", "amzn-s3-demo-"] {
        if text.starts_with(prefix) {
            return Some(format!("the prefix `{prefix}` is reserved"));
        }
    }
    for suffix in ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"] {
        if text.ends_with(suffix) {
            return Some(format!("the suffix `{suffix}` is reserved"));
        }
    }
    None
}

/// The name of a trail: 3 to 128 letters, digits, `.`, `_`, `-`, with a letter or digit at both ends and no two marks
/// side by side (CloudTrail API, `CreateTrail`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailName(String);
text_id!(TrailName);

impl FromStr for TrailName {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "a trail name that CloudTrail accepts";
        if !(3..=128).contains(&text.len()) {
            return Err(bad(text, what, format!("it has {} characters, 3 to 128 are allowed", text.chars().count())));
        }
        if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            return Err(bad(text, what, format!("the character {c:?} is not allowed")));
        }
        let ends = [text.chars().next(), text.chars().last()];
        if !ends.iter().flatten().all(char::is_ascii_alphanumeric) {
            return Err(bad(text, what, "it must begin and end with a letter or a digit"));
        }
        let marks = |b: &u8| matches!(b, b'.' | b'_' | b'-');
        if text.as_bytes().windows(2).any(|w| marks(&w[0]) && marks(&w[1])) {
            return Err(bad(text, what, "two of `.`, `_`, `-` must not follow each other"));
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(bad(text, what, "it must not look like an IP address"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An ARN, taken apart: `arn:partition:service:region:account:resource`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: String,
    /// Where each of the five colons stands that part the six fields.
    colons: [usize; 5],
}

impl Arn {
    /// Puts an ARN together from its fields; `region` and `account` may be empty.
    pub fn new(partition: Partition, service: &str, region: &str, account: &str, resource: &str) -> Self {
        let text = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        let colons = five_colons(&text).unwrap_or([0; 5]);
        Self { text, colons }
    }

    fn field(&self, number: usize) -> &str {
        let from = self.colons[number - 1] + 1;
        match self.colons.get(number) {
            Some(&to) => &self.text[from..to],
            None => &self.text[from..],
        }
    }

    /// Returns the ARN as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Returns the partition's text (`aws`).
    pub fn partition(&self) -> &str {
        self.field(1)
    }
    /// Returns the service (`cloudtrail`).
    pub fn service(&self) -> &str {
        self.field(2)
    }
    /// Returns the region, empty for global resources and buckets.
    pub fn region(&self) -> &str {
        self.field(3)
    }
    /// Returns the account's text, empty for buckets.
    pub fn account(&self) -> &str {
        self.field(4)
    }
    /// Returns all that follows the account (`trail/acme`).
    pub fn resource(&self) -> &str {
        self.field(5)
    }
    /// Tells whether it names a KMS key by its id, and not by an alias.
    pub fn is_kms_key(&self) -> bool {
        self.service() == "kms" && self.resource().starts_with("key/")
    }
}

fn five_colons(text: &str) -> Option<[usize; 5]> {
    let mut places = text.match_indices(':').map(|(at, _)| at);
    let mut colons = [0; 5];
    for colon in &mut colons {
        *colon = places.next()?;
    }
    Some(colons)
}

impl FromStr for Arn {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "an ARN";
        if !text.starts_with("arn:") {
            return Err(bad(text, what, "it must start with `arn:`"));
        }
        let colons = five_colons(text).ok_or_else(|| {
            bad(text, what, "it has fewer than the six fields `arn:partition:service:region:account:resource`")
        })?;
        let arn = Self { text: text.to_owned(), colons };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(bad(text, what, "partition, service and resource must not be empty"));
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Serialize for Arn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_twelve_digits() {
        assert_eq!("012345678901".parse::<AccountId>().unwrap().as_str(), "012345678901");
        for wrong in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn bucket_names_follow_s3() {
        for good in ["acme-org-cloudtrail", "a.b", "123"] {
            assert!(good.parse::<BucketName>().is_ok(), "{good}");
        }
        for wrong in
            ["ab", "Acme", "acme_logs", "-acme", "acme-", "a..b", "10.0.0.1", "xn--a", "logs-s3alias", &"a".repeat(64)]
        {
            assert!(wrong.parse::<BucketName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn trail_names_follow_cloudtrail() {
        for good in ["acme-org-trail", "a_b.c", "abc"] {
            assert!(good.parse::<TrailName>().is_ok(), "{good}");
        }
        for wrong in ["ab", "my--trail", "my_-trail", "-trail", "trail-", "my trail", "192.168.5.4"] {
            assert!(wrong.parse::<TrailName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn arns_come_apart_and_together() {
        let arn: Arn = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*".parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "logs", "eu-central-1", "111111111111", "log-group:/orgtrail/acme:*")
        );
        assert_eq!(Arn::new(Partition::Aws, "s3", "", "", "b").as_str(), "arn:aws:s3:::b");
        assert!("arn:aws:s3".parse::<Arn>().is_err());
    }

    #[test]
    fn regions_tell_their_partition() {
        let of = |text: &str| text.parse::<Region>().unwrap().partition();
        assert_eq!(of("eu-central-1"), Partition::Aws);
        assert_eq!(of("cn-north-1"), Partition::China);
        assert_eq!(of("us-gov-west-1"), Partition::GovCloud);
        for wrong in ["eu-central", "EU-central-1", "eu_central_1", "europe"] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
        assert!(KNOWN_REGIONS.is_sorted());
        assert!(!"eu-central-9".parse::<Region>().unwrap().is_known());
    }
}
