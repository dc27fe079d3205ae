//! Texts with a form of their own (regions, account ids, selectors, ...) in the JSON Schema.
//!
//! Each has a `format`, which the checker answers with the type that will read the text, and a `pattern`, which is what
//! an editor can use. The types of `ids` and `organization` know nothing of schemas, so a marker type stands for each.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::ids::{AccountId, BucketName, OrganizationId, Region};
use crate::organization::selector::Selector;

use crate::config::names::{check_deployment, check_external_id, check_queue_name};

use super::notify::{TopicArn, WebLink, check_variable};
use super::reconcile::{ChangeWindow, S3Place};
use super::values::{Encryption, Interval, Owner, Percent};

/// What the checker knows of one kind of text.
pub(crate) struct TextFormat {
    /// The `format` in the schema.
    pub name: &'static str,
    /// Says what is wrong with a text, or nothing.
    pub check: fn(&str) -> Result<(), String>,
}

/// Every `format` that the schema uses.
pub(crate) const FORMATS: &[TextFormat] = &[
    TextFormat { name: "aws-account-id", check: reads::<AccountId> },
    TextFormat { name: "aws-organization-id", check: reads::<OrganizationId> },
    TextFormat { name: "aws-region", check: reads::<Region> },
    TextFormat { name: "aws-bucket-name", check: reads::<BucketName> },
    TextFormat { name: "account-selector", check: reads::<Selector> },
    TextFormat { name: "bucket-encryption", check: reads::<Encryption> },
    TextFormat { name: "trail-owner", check: reads::<Owner> },
    TextFormat { name: "interval", check: reads::<Interval> },
    TextFormat { name: "percent", check: reads::<Percent> },
    TextFormat { name: "change-window", check: reads::<ChangeWindow> },
    TextFormat { name: "s3-place", check: reads::<S3Place> },
    TextFormat { name: "aws-topic-arn", check: reads::<TopicArn> },
    TextFormat { name: "web-link", check: reads::<WebLink> },
    TextFormat { name: "environment-variable", check: check_variable },
    TextFormat { name: "deployment-name", check: |text| check_deployment(text).map_err(|e| e.to_string()) },
    TextFormat { name: "aws-external-id", check: |text| check_external_id(text).map_err(|e| e.to_string()) },
    TextFormat { name: "aws-queue-name", check: |text| check_queue_name(text).map_err(|e| e.to_string()) },
];

fn reads<T: FromStr<Err: Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

/// Describes a text type to the schema: name, `format`, `pattern`, examples, description.
macro_rules! text_schema {
    ($type:ty, $name:literal, $format:literal, $pattern:literal, [$($example:literal),+], $description:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
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

/// Stands for [`AccountId`] in the schema.
pub(super) enum AccountIdText {}
text_schema!(
    AccountIdText,
    "AccountId",
    "aws-account-id",
    "^[0-9]{12}$",
    ["222222222222"],
    "The twelve digits of an AWS account, in quotes: leading zeros count."
);

/// Stands for [`OrganizationId`] in the schema.
pub(super) enum OrganizationIdText {}
text_schema!(
    OrganizationIdText,
    "OrganizationId",
    "aws-organization-id",
    "^o-[a-z0-9]{10,32}$",
    ["o-exampleorgid"],
    "The id of an AWS organization."
);

/// Stands for [`Region`] in the schema.
pub(super) enum RegionText {}
text_schema!(
    RegionText,
    "Region",
    "aws-region",
    "^[a-z]+(-[a-z]+)+-[0-9]+$",
    ["eu-central-1"],
    "The code of an AWS region."
);

/// Stands for [`BucketName`] in the schema.
pub(super) enum BucketNameText {}
text_schema!(
    BucketNameText,
    "BucketName",
    "aws-bucket-name",
    "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    ["acme-access-logs"],
    "The name of an S3 bucket."
);

/// Stands for [`Selector`] in the schema.
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

text_schema!(
    Encryption,
    "Encryption",
    "bucket-encryption",
    "^(kms|s3|arn:.+)$",
    ["kms", "s3", "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "How the logs are encrypted: `kms` (one key, made and rotated), `s3` (keys of S3), or the ARN of a key that exists."
);

text_schema!(
    Owner,
    "Owner",
    "trail-owner",
    "^(management|[0-9]{12})$",
    ["management", "444444444444"],
    "Who makes the trail: `management`, or the id of an account that is CloudTrail's delegated administrator."
);

text_schema!(
    Interval,
    "Interval",
    "interval",
    "^[0-9][0-9a-z ]*$",
    ["15m", "1h", "1h 30m"],
    "A length of time, from one minute to seven days."
);

text_schema!(Percent, "Percent", "percent", "^([1-9][0-9]?|100)%$", ["20%", "100%"], "A share, from `1%` to `100%`.");

text_schema!(
    ChangeWindow,
    "ChangeWindow",
    "change-window",
    "^[a-z]{3}(-[a-z]{3})? [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$",
    ["mon-fri 08:00-17:00", "sat 22:00-04:00"],
    "Days and hours in UTC, like `mon-fri 08:00-17:00`."
);

text_schema!(
    S3Place,
    "S3Place",
    "s3-place",
    "^s3://[a-z0-9.-]{3,63}/.+$",
    ["s3://acme-operations/orgtrail/lease.json"],
    "An object in S3, like `s3://bucket/key`."
);

text_schema!(
    TopicArn,
    "TopicArn",
    "aws-topic-arn",
    "^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$",
    ["arn:aws:sns:eu-central-1:222222222222:acme-drift"],
    "The ARN of a standard SNS topic."
);

text_schema!(
    WebLink,
    "WebLink",
    "web-link",
    "^https://[^ <>\"`|]+$",
    ["https://ci.example.com/orgtrail/drift"],
    "A page, like `https://ci.example.com/orgtrail/drift`."
);

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
