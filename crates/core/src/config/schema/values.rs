//! Values of the configuration that are written as one word but are more than a string.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{AccountId, Arn, Region};

use super::text::RegionText;

/// Says why a text is not the value that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {why}")]
pub struct BadValue {
    /// The text as given.
    pub text: String,
    /// What it should have been, with its article.
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: String,
}

pub(super) fn bad(text: &str, what: &'static str, why: impl Into<String>) -> BadValue {
    BadValue { text: text.to_owned(), what, why: why.into() }
}

/// Gives a value that prints and parses as text the same form in serde.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use serde_as_text;

/// How the bucket encrypts logs at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encryption {
    /// One KMS key that orgtrail makes and rotates.
    #[default]
    Kms,
    /// A KMS key that exists; its policy stays its owner's affair.
    KeyArn(Arn),
    /// Keys of S3 (SSE-S3).
    S3,
}
serde_as_text!(Encryption);

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encryption::Kms => f.write_str("kms"),
            Encryption::KeyArn(arn) => write!(f, "{arn}"),
            Encryption::S3 => f.write_str("s3"),
        }
    }
}

impl FromStr for Encryption {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let what = "a way to encrypt";
        match text {
            "kms" => Ok(Encryption::Kms),
            "s3" => Ok(Encryption::S3),
            _ if text.starts_with("arn:") => {
                let arn: Arn = text.parse().map_err(|e: crate::ids::BadId| bad(text, what, e.why))?;
                if !arn.is_kms_key() {
                    return Err(bad(text, what, "the ARN must be that of a KMS key, `arn:aws:kms:…:…:key/…`"));
                }
                Ok(Encryption::KeyArn(arn))
            }
            _ => Err(bad(text, what, "write `kms`, `s3` or the ARN of a KMS key")),
        }
    }
}

/// The account that makes a trail. An organization trail belongs to the management account either way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Owner {
    /// The organization's management account.
    #[default]
    Management,
    /// A delegated administrator of CloudTrail.
    Account(AccountId),
}
serde_as_text!(Owner);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Management => f.write_str("management"),
            Owner::Account(id) => write!(f, "{id}"),
        }
    }
}

impl FromStr for Owner {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if text == "management" {
            return Ok(Owner::Management);
        }
        text.parse().map(Owner::Account).map_err(|_| {
            bad(
                text,
                "an owner of a trail",
                "write `management` or the 12 digits of a delegated administrator's account",
            )
        })
    }
}

/// The regions that a trail records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Regions {
    /// Every region, also those that AWS will open (a multi-region trail).
    #[default]
    All,
    /// These regions, by one single-region trail in each.
    Only(Vec<Region>),
}

/// The regions that a trail records.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "neither `all` nor a list of regions")]
enum WrittenRegions {
    /// Every region, also those that AWS will open.
    Word(All),
    /// These regions only.
    List(#[schemars(with = "Vec<RegionText>", length(min = 1), extend("uniqueItems" = true))] Vec<Region>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum All {
    /// Every region, also those that AWS will open.
    All,
}

impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Regions::All => All::All.serialize(to),
            Regions::Only(regions) => regions.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match WrittenRegions::deserialize(from)? {
            WrittenRegions::Word(All::All) => Regions::All,
            WrittenRegions::List(regions) => Regions::Only(regions),
        })
    }
}

impl JsonSchema for Regions {
    fn schema_name() -> Cow<'static, str> {
        "Regions".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WrittenRegions::json_schema(generator)
    }
}

/// How long old versions are kept: what was overwritten or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldVersions {
    /// For ever.
    Never,
    /// For so many days.
    Days(u32),
}

/// After how many days old versions are deleted, or `never`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "neither `never` nor a number of days")]
enum WrittenOldVersions {
    /// They are kept for ever.
    Word(Never),
    /// They are deleted after so many days.
    Days(#[schemars(range(min = 1, max = 36_500))] u32),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Never {
    /// They are kept for ever.
    Never,
}

impl Serialize for OldVersions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            OldVersions::Never => WrittenOldVersions::Word(Never::Never).serialize(to),
            OldVersions::Days(days) => WrittenOldVersions::Days(*days).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for OldVersions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match WrittenOldVersions::deserialize(from)? {
            WrittenOldVersions::Word(Never::Never) => OldVersions::Never,
            WrittenOldVersions::Days(days) => OldVersions::Days(days),
        })
    }
}

impl JsonSchema for OldVersions {
    fn schema_name() -> Cow<'static, str> {
        "OldVersions".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WrittenOldVersions::json_schema(generator)
    }
}

/// A length of time between two rounds, written like `15m` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(SignedDuration);
serde_as_text!(Interval);

impl Interval {
    /// The shortest: a round asks AWS for every account, and rates are limited.
    const MIN: SignedDuration = SignedDuration::from_mins(1);
    /// The longest: a drift that nobody sees for more than a week is no longer supervised.
    const MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

    /// Fifteen minutes.
    pub const QUARTER_HOUR: Interval = Interval(SignedDuration::from_mins(15));

    /// One day.
    pub const DAY: Interval = Interval(SignedDuration::from_hours(24));

    /// Returns the length in whole seconds.
    pub fn seconds(self) -> u64 {
        self.0.as_secs().unsigned_abs()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl FromStr for Interval {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let what = "a length of time";
        let length: SignedDuration =
            text.parse().map_err(|_| bad(text, what, "write a number with its unit, like `15m`, `1h` or `1h 30m`"))?;
        if !(Self::MIN..=Self::MAX).contains(&length) {
            return Err(bad(text, what, "from one minute (`1m`) to seven days (`168h`) is allowed"));
        }
        if length.subsec_nanos() != 0 {
            return Err(bad(text, what, "only whole seconds are allowed"));
        }
        Ok(Self(length))
    }
}

/// A share from 1 % to 100 %, written like `20%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);
serde_as_text!(Percent);

impl Percent {
    /// One fifth.
    pub const FIFTH: Percent = Percent(20);

    /// Returns the number before the percent sign, 1 to 100.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let number = text.strip_suffix('%').filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        match number.and_then(|n| n.parse::<u8>().ok()) {
            Some(number @ 1..=100) => Ok(Self(number)),
            _ => Err(bad(text, "a share", "write a whole number from 1 to 100 with a percent sign, like `20%`")),
        }
    }
}
