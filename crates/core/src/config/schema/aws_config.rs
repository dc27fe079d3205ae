//! AWS Config for the whole organization: what collects its records in one place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::text::NameTemplate;
use super::values::Regions;

/// AWS Config for the whole organization: trusted access, the account that administers it, and one aggregator there
/// with its role. No recorder is made, because recorders cost money for each configuration item: `check --aws-config`
/// and `coverage --aws-config` say where one is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AwsConfig {
    /// The member account, by id or name, that is registered as delegated administrator of AWS Config and holds the
    /// aggregator. The log account by default.
    #[schemars(length(min = 1), example = &"444444444444", example = &"security")]
    pub administrator: Option<String>,
    /// The name of the aggregator in the home region; a template.
    #[schemars(with = "NameTemplate")]
    pub aggregator: String,
    /// The name of the role with which the aggregator reads who belongs to the organization; a template.
    #[schemars(with = "NameTemplate")]
    pub role: String,
    /// The regions that it collects from: `all`, or a list.
    pub regions: Regions,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self {
            administrator: None,
            aggregator: defaults::aggregator(),
            role: defaults::aggregator_role(),
            regions: Regions::All,
        }
    }
}
