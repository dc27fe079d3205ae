//! Texts with a form of their own (regions, account ids, selectors, ...) in the JSON Schema.
//!
//! Each has a `format`, which the checker answers with the type that will read the text (`formats`), and a `pattern`,
//! which is what an editor can use. The types of `ids` and `organization` know nothing of schemas, so a marker type
//! stands for each.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Describes a text type to the schema: name, `format`, `pattern`, examples, description.
macro_rules! text_schema {
    ($type:ty, $name:literal, $format:literal, $pattern:literal, [$($example:literal),+], $description:literal) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $description,
                    "format": $format,
                    "pattern": $pattern,
                    "examples": [$($example),+],
                })
            }
        }
    };
}

pub(super) use text_schema;

/// Stands for [`AccountId`](crate::ids::AccountId) in the schema.
pub(super) enum AccountIdText {}
text_schema!(
    AccountIdText,
    "AccountId",
    "aws-account-id",
    "^[0-9]{12}$",
    ["222222222222"],
    "The twelve digits of an AWS account, in quotes: leading zeros count."
);

/// Stands for [`OrganizationId`](crate::ids::OrganizationId) in the schema.
pub(super) enum OrganizationIdText {}
text_schema!(
    OrganizationIdText,
    "OrganizationId",
    "aws-organization-id",
    "^o-[a-z0-9]{10,32}$",
    ["o-exampleorgid"],
    "The id of an AWS organization."
);

/// Stands for [`Region`](crate::ids::Region) in the schema.
pub(super) enum RegionText {}
text_schema!(
    RegionText,
    "Region",
    "aws-region",
    "^[a-z]+(-[a-z]+)+-[0-9]+$",
    ["eu-central-1"],
    "The code of an AWS region."
);

/// Stands for [`BucketName`](crate::ids::BucketName) in the schema.
pub(super) enum BucketNameText {}
text_schema!(
    BucketNameText,
    "BucketName",
    "aws-bucket-name",
    "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    ["acme-access-logs"],
    "The name of an S3 bucket."
);

/// Stands for [`Selector`](crate::organization::selector::Selector) in the schema.
pub(super) enum SelectorText {}
text_schema!(
    SelectorText,
    "Selector",
    "account-selector",
    "^(ou:/.*|ou:(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})(/.+)?|tag:[^=]+=.*|id:[0-9]{12}|name:.+)$",
    ["ou:/**", "ou:/Workloads/**", "ou:ou-ab12-11111111/**", "tag:env=prod", "id:333333333333", "name:prod-*"],
    "Names accounts: `ou:/Workloads/**` (an organizational unit and all below it), `ou:ou-ab12-11111111/**` (the same by the unit's id, also for a unit with a slash in its name), `tag:key=value`, `id:123456789012`, or `name:pattern`. `*` and `?` are wildcards within a name, `**` stands for any number of units. Members choose the names of their accounts themselves: prefer units, tags and ids."
);

/// The name of a deployment in the schema.
pub(super) enum DeploymentText {}
text_schema!(
    DeploymentText,
    "Deployment",
    "deployment-name",
    "^[A-Za-z0-9][A-Za-z0-9-]{0,31}$",
    ["acme"],
    "Up to 32 letters, digits and dashes."
);

/// An external id in the schema.
pub(super) enum ExternalIdText {}
text_schema!(
    ExternalIdText,
    "ExternalId",
    "aws-external-id",
    "^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
    ["acme-log-readers"],
    "A text that whoever assumes a role must know."
);

/// The name of a queue in the schema.
pub(super) enum QueueNameText {}
text_schema!(
    QueueNameText,
    "QueueName",
    "aws-queue-name",
    "^[A-Za-z0-9_-]{1,80}$",
    ["acme-orgtrail"],
    "The name of a standard SQS queue."
);

/// A name that is a template, in the schema. Its rules depend on what it names, so `check` holds them.
pub(super) enum NameTemplate {}
impl JsonSchema for NameTemplate {
    fn schema_name() -> Cow<'static, str> {
        "NameTemplate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A name. `{{account.id}}`, `{{account.name}}`, `{{deployment}}`, `{{organization.id}}` and `{{region}}` are filled in.",
            "minLength": 1,
        })
    }
}

/// The name of an environment variable in the schema.
pub(super) enum VariableText {}
text_schema!(
    VariableText,
    "EnvironmentVariable",
    "environment-variable",
    "^[A-Za-z_][A-Za-z0-9_]*$",
    ["ORGTRAIL_WEBHOOK_URL"],
    "The name of an environment variable."
);
