//! The forms of texts that the checker knows, each with the type that reads it; and these types in the JSON Schema.

use std::fmt::Display;
use std::str::FromStr;

use super::notify::{TopicArn, WebLink, check_variable};
use super::reconcile::{ChangeWindow, S3Place};
use super::text::text_schema;
use super::values::{Encryption, Interval, Owner, Percent};
use crate::config::names::{check_deployment, check_external_id, check_queue_name};
use crate::ids::{AccountId, BucketName, OrganizationId, Region};
use crate::organization::selector::Selector;

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
