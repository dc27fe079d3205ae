//! What the engine counted: what an answer has to say beside its findings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tallies {
    /// Records that were fed.
    pub records: u64,
    /// Records without a time: no rule looked at them.
    pub without_time: u64,
    /// Records that were ahead of all others by more than a day, and not believed to show the time.
    pub ahead: u64,
    /// What was counted for each rule, by its id.
    pub by_rule: BTreeMap<String, RuleTallies>,
}

/// What was counted for one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTallies {
    /// Records that matched and were not excluded.
    pub matched: u64,
    /// Records that matched and that an override excludes.
    pub excluded: u64,
    /// Findings that were opened.
    pub findings: u64,
    /// Records that matched a second time, by the id of their event.
    pub duplicates: u64,
    /// Records that came after their window was closed. A threshold did not count them.
    pub late: u64,
    /// Records without a field of the group, or without the field whose values are counted.
    pub without_group: u64,
    /// Groups that were dropped because there were too many: the rule may not have rung for them.
    pub dropped_groups: u64,
    /// Events that were dropped because a group had too many, or that were dropped with their group.
    pub dropped_events: u64,
    /// Values that were not remembered because there were too many: the rule did not ring for them.
    pub dropped_values: u64,
    /// Findings that were put into one with others of their window, because there were too many.
    pub folded: u64,
    /// Records for which a rule about first occurrences did not ring, because not enough was known of the time before.
    pub without_baseline: u64,
}
