//! What collects AWS Config's records of the whole organization in one place.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Address, Field, FieldValue, Kind, Tags};
use crate::ids::{AccountId, Arn, Region};

/// The field of the configuration that asks for an aggregator and all that it needs.
pub const REASON: &str = "aws_config";

/// The policy of AWS with which the role of an aggregator reads who belongs to the organization, as its ARN ends (AWS
/// Config developer guide, "AWS managed policies for AWS Config").
pub const ROLE_POLICY: &str = "service-role/AWSConfigRoleForOrganizations";

/// An aggregator of AWS Config. It collects what recorders record and costs nothing itself; it makes no recorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigAggregator {
    /// It collects from every account of the organization; else from single accounts that let it.
    pub organization: bool,
    /// The ARN of the role with which it reads who belongs to the organization; `None`: not set, as where it collects
    /// from single accounts.
    pub role: Option<String>,
    /// The regions that it collects from; `None`: all, also those that AWS will open.
    pub regions: Option<BTreeSet<Region>>,
    /// The tags.
    pub tags: Tags,
}

impl ConfigAggregator {
    /// Returns where its role is. `None`: it names none, or not by the ARN of a role.
    pub fn role_address(&self) -> Option<Address> {
        let arn: Arn = self.role.as_deref()?.parse().ok()?;
        let account: AccountId = arn.account().parse().ok()?;
        // A role may have a path, which is no part of its name.
        let name = arn.resource().strip_prefix("role/")?.rsplit('/').next()?;
        Some(Address::global(&account, Kind::Role, name))
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { organization, role, regions, tags } = self;
        let regions = match regions {
            Some(regions) => FieldValue::Exactly(regions.iter().map(ToString::to_string).collect()),
            None => FieldValue::Plain("all".into()),
        };
        vec![
            Field::plain("organization", *organization),
            Field::plain("role", role.clone()),
            Field { path: "regions".into(), value: regions },
            Field::tags(tags),
        ]
    }
}
