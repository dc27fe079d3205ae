//! What wakes the daemon: queues, and rules that send events into them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Field, FieldValue, Tags};
use crate::policy::PolicyDocument;

/// Returns the name of the rules, and of the roles that they send with, that lead events into the wake queue.
pub fn wake_name(deployment: &str) -> String {
    format!("orgtrail-{deployment}-wake")
}

/// A standard SQS queue. All of its policy is orgtrail's: whoever else may write into it can wake the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Who may send; none where only the account itself may.
    pub policy: Option<PolicyDocument>,
    /// Where messages go that are received too often; none where they are thrown away.
    pub dead_letters: Option<DeadLetters>,
    /// For how long a message is kept, in seconds.
    pub retention_s: u32,
    /// Messages are encrypted with SQS's own key.
    pub encrypted: bool,
    /// The tags.
    pub tags: Tags,
}

/// Where messages go that are received too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// The ARN of the queue.
    pub queue: String,
    /// Receptions after which a message goes there.
    pub receptions_max: u32,
}

/// A rule of EventBridge on the default bus of an account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which events it takes.
    pub pattern: Value,
    /// It is in force.
    pub enabled: bool,
    /// Where it sends them: the ARN of the target, and the ARN of the role that it sends with, where one is needed.
    pub targets: BTreeMap<String, Option<String>>,
    /// The tags.
    pub tags: Tags,
}

impl Queue {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { policy, dead_letters, retention_s, encrypted, tags } = self;
        vec![
            Field { path: "policy".into(), value: FieldValue::Policy(policy.clone()) },
            Field::plain("dead_letters.queue", dead_letters.as_ref().map(|d| d.queue.clone())),
            Field::plain("dead_letters.receptions_max", dead_letters.as_ref().map(|d| d.receptions_max)),
            Field::plain("retention_s", *retention_s),
            Field::plain("encrypted", *encrypted),
            Field::tags(tags),
        ]
    }
}

impl Rule {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { pattern, enabled, targets, tags } = self;
        let target = |(arn, role): (&String, &Option<String>)| match role {
            Some(role) => format!("{arn} as {role}"),
            None => arn.clone(),
        };
        // Others may have the events sent to them as well.
        let targets = FieldValue::AtLeast(targets.iter().map(target).collect());
        vec![
            Field::plain("pattern", pattern.clone()),
            Field::plain("enabled", *enabled),
            Field { path: "targets".into(), value: targets },
            Field::tags(tags),
        ]
    }
}
