//! WHAT and WHO: the difference of two configuration items of AWS Config, and the calls between them that name the
//! resource.
//!
//! AWS Config itself names no call: `relatedEvents` is empty since version 1.3 of its items (AWS Config developer
//! guide, "Components of a configuration item").

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::answer::{OutcomeAnswer, ResourceAnswer, StepAnswer};
use crate::recorders::RecordingFrequency;
use crate::recorders::difference::{Difference, differences};
use crate::recorders::item::ConfigurationItem;

/// Calls that only read begin so; the table of types does not know each of them.
const READS: [&str; 4] = ["Describe", "Get", "Head", "List"];

/// What AWS Config says of a resource, beside the calls that name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigurationAnswer {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// The resource's id, as AWS Config has it. Empty: AWS Config does not know the resource.
    pub resource_id: String,
    /// The account that was asked.
    pub account: String,
    /// The region that was asked.
    pub region: String,
    /// How many items were compared.
    pub items: usize,
    /// What changed from one item to the next, the last first.
    pub changes: Vec<ConfigurationChange>,
    /// What could not be read, or is not recorded: then changes may be missing.
    pub gaps: Vec<String>,
}

/// What changed between two configuration items, and the calls that may have changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigurationChange {
    /// When the item before was captured, RFC 3339 in UTC. `None`: it is the first item that was read, so that it is
    /// not known when that began.
    pub after: Option<String>,
    /// When the item was captured that differs, RFC 3339 in UTC: the change is not later.
    pub until: String,
    /// In AWS Config's words: `OK`, `ResourceDiscovered`, `ResourceDeleted`.
    pub status: String,
    /// The resource is recorded once a day: what was changed and changed back between is not seen, and more calls fit.
    pub is_daily: bool,
    /// The fields that differ.
    pub differences: Vec<Difference>,
    /// How many more fields differ.
    pub further: usize,
    /// The calls between the two items that name the resource and may have changed it.
    pub calls: Vec<ConfigurationCall>,
}

/// A call that may have made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigurationCall {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The call: `PutBucketPolicy`.
    pub call: String,
    /// Who stands behind it, as far as it is known.
    pub who: String,
    /// It was done, and is about this resource for certain.
    pub is_certain: bool,
    /// The id of the event. Empty: not recorded.
    pub event_id: String,
}

impl ConfigurationAnswer {
    /// Tells whether all was read that AWS Config has of the resource.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// Joins items of one resource, in any order, with what records say of it. The last change comes first.
pub fn changes(mut items: Vec<ConfigurationItem>, resource: &ResourceAnswer) -> Vec<ConfigurationChange> {
    items.sort_by_key(|item| item.captured);
    items.dedup_by(|one, other| one == other);
    let mut all = Vec::new();
    let mut before: Option<&ConfigurationItem> = None;
    for item in &items {
        let last = before.replace(item);
        let found = differences(last.map_or(&Value::Null, |last| &last.state), &item.state);
        let is_same = last.is_some_and(|last| last.status == item.status || !is_end(item)) && found.all.is_empty();
        // How the first item came to be is known only where AWS Config discovered the resource with it.
        let is_unknown = last.is_none() && item.status != DISCOVERED;
        if is_same || is_unknown {
            continue;
        }
        // All of a resource that is new or gone differs: that it is, says it.
        let (is_begin, is_end) = (last.is_none_or(|last| last.state.is_null()), item.state.is_null());
        let (differences, further) = if is_begin || is_end { (Vec::new(), 0) } else { (found.all, found.further) };
        all.push(ConfigurationChange {
            after: last.map(|last| last.captured.to_string()),
            until: item.captured.to_string(),
            status: item.status.clone(),
            is_daily: item.frequency == Some(RecordingFrequency::Daily),
            differences,
            further,
            calls: calls(resource, last.map(|last| last.captured), item.captured),
        });
    }
    all.reverse();
    all
}

/// The status of the first item of a resource that AWS Config saw come.
const DISCOVERED: &str = "ResourceDiscovered";

fn is_end(item: &ConfigurationItem) -> bool {
    item.status.starts_with("ResourceDeleted")
}

/// Returns the calls after one time and not after another.
fn calls(resource: &ResourceAnswer, after: Option<Timestamp>, until: Timestamp) -> Vec<ConfigurationCall> {
    let steps = resource.incarnations.iter().flat_map(|own| &own.steps);
    let mut between: Vec<(Timestamp, &StepAnswer)> = steps
        .filter(|step| may_change(step))
        .filter_map(|step| Some((step.time.parse().ok()?, step)))
        .filter(|(time, _)| after.is_none_or(|after| *time > after) && *time <= until)
        .collect();
    between.sort_by(|(time, step), (other_time, other)| {
        (time, &step.event_id, step.record).cmp(&(other_time, &other.event_id, other.record))
    });
    between.dedup_by(|(_, one), (_, other)| one.record == other.record);
    between.into_iter().map(|(_, step)| ConfigurationCall::of(step)).collect()
}

fn may_change(step: &StepAnswer) -> bool {
    let reads = READS.iter().any(|verb| step.call.starts_with(verb));
    step.outcome != OutcomeAnswer::NotDone && step.effect != "use" && !reads
}

impl ConfigurationCall {
    fn of(step: &StepAnswer) -> Self {
        Self {
            time: step.time.clone(),
            call: step.call.clone(),
            who: step.who().to_owned(),
            is_certain: step.is_certain && step.outcome == OutcomeAnswer::Done,
            event_id: step.event_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
