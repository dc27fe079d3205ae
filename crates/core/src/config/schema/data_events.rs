//! Advanced event selectors, as CloudTrail understands them (CloudTrail API, `AdvancedEventSelector`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Chooses data or network activity events: an event is recorded when every condition holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvancedSelector {
    /// What people call this selector. No name by default.
    #[serde(default)]
    #[schemars(length(max = 1000), example = &"Writes to the payment buckets")]
    pub name: Option<String>,
    /// The conditions.
    #[schemars(length(min = 1))]
    pub field_selectors: Vec<FieldSelector>,
}

/// One condition on one field of an event. Within an operator, one matching value is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSelector {
    /// The field of the event.
    pub field: SelectorField,
    /// The field is one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub equals: Vec<String>,
    /// The field is none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub not_equals: Vec<String>,
    /// The field starts with one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub starts_with: Vec<String>,
    /// The field starts with none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub not_starts_with: Vec<String>,
    /// The field ends with one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub ends_with: Vec<String>,
    /// The field ends with none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 2048)))]
    pub not_ends_with: Vec<String>,
}

impl FieldSelector {
    /// Returns the values of each operator, by the name that the configuration has for it.
    pub fn by_operator(&self) -> [(&'static str, &[String]); 6] {
        let Self { field: _, equals, not_equals, starts_with, not_starts_with, ends_with, not_ends_with } = self;
        [
            ("equals", equals),
            ("not_equals", not_equals),
            ("starts_with", starts_with),
            ("not_starts_with", not_starts_with),
            ("ends_with", ends_with),
            ("not_ends_with", not_ends_with),
        ]
    }

    /// Returns how many values the condition has; CloudTrail limits their sum in a trail.
    pub fn value_count(&self) -> usize {
        self.by_operator().iter().map(|(_, values)| values.len()).sum()
    }
}

/// A field of an event that a selector of a trail may look at (CloudTrail API, `AdvancedFieldSelector`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum SelectorField {
    /// `Data` or `NetworkActivity`. Required.
    #[serde(rename = "eventCategory")]
    EventCategory,
    /// The type of the resource, such as `AWS::S3::Object`. Required for data events.
    #[serde(rename = "resources.type")]
    ResourcesType,
    /// The ARN of the resource.
    #[serde(rename = "resources.ARN")]
    ResourcesArn,
    /// `true` for calls that only read, `false` for the others.
    #[serde(rename = "readOnly")]
    ReadOnly,
    /// The API call.
    #[serde(rename = "eventName")]
    EventName,
    /// The service, such as `s3.amazonaws.com`. Required for network activity events.
    #[serde(rename = "eventSource")]
    EventSource,
    /// The kind of event, such as `AwsApiCall`.
    #[serde(rename = "eventType")]
    EventType,
    /// Whether the call came from a console session.
    #[serde(rename = "sessionCredentialFromConsole")]
    SessionCredentialFromConsole,
    /// The ARN of the caller.
    #[serde(rename = "userIdentity.arn")]
    UserIdentityArn,
    /// The error of a call, for network activity events.
    #[serde(rename = "errorCode")]
    ErrorCode,
    /// The VPC endpoint, for network activity events.
    #[serde(rename = "vpcEndpointId")]
    VpcEndpointId,
}

impl SelectorField {
    /// Returns the field as CloudTrail writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            SelectorField::EventCategory => "eventCategory",
            SelectorField::ResourcesType => "resources.type",
            SelectorField::ResourcesArn => "resources.ARN",
            SelectorField::ReadOnly => "readOnly",
            SelectorField::EventName => "eventName",
            SelectorField::EventSource => "eventSource",
            SelectorField::EventType => "eventType",
            SelectorField::SessionCredentialFromConsole => "sessionCredentialFromConsole",
            SelectorField::UserIdentityArn => "userIdentity.arn",
            SelectorField::ErrorCode => "errorCode",
            SelectorField::VpcEndpointId => "vpcEndpointId",
        }
    }
}
