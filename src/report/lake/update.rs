//! What `orgtrail lake update` did.

use schemars::JsonSchema;
use serde::Serialize;

use super::said::Said;
use super::{NAMED_MAX, NamedThing, named};
use crate::lake::identity::LakeIdentity;
use crate::lake::layout::Grain;
use crate::lake::update::{Shard, Updated};
use crate::report::text::json::FORMAT_VERSION;
use crate::report::text::words::{count, size};

/// An update of a lake.
#[derive(Debug, Clone)]
pub struct LakeUpdate {
    /// The lake, as a person names it.
    pub lake: String,
    /// What the lake is.
    pub identity: LakeIdentity,
    /// Which part of it was updated. `None`: all of it.
    pub shard: Option<Shard>,
    /// What was done.
    pub updated: Updated,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
}

/// The JSON of `orgtrail lake update`, version 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LakeUpdateJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The lake.
    lake: &'a str,
    /// The organization whose events it has; null: those of accounts without an organization.
    organization: Option<&'a str>,
    /// How long the time of a slot is.
    grain: Grain,
    /// How many slots each day or hour has.
    slots: u16,
    /// The shard, as `1/4`; null: all.
    shard: Option<String>,
    /// Whether all that was listed is in.
    is_whole: bool,
    /// Whether it was stopped before its end.
    is_stopped: bool,
    /// Log objects that were listed.
    listed: u64,
    /// Those that were not in before, and are now.
    added: u64,
    /// Their size as stored, in bytes.
    added_bytes: u64,
    /// Records in them.
    records: u64,
    /// Slots that were written.
    slots_written: u64,
    /// Bytes of slots that were written.
    slots_bytes: u64,
    /// Keys and prefixes that could not be read or listed, up to 1,000.
    missing: Vec<NamedThing<'a>>,
    /// How many there are.
    missing_count: usize,
    /// Parts of log objects that could not be read, up to 1,000; the rest of these objects is in.
    damaged: Vec<NamedThing<'a>>,
    /// How many there are.
    damaged_count: usize,
    /// Keys among the logs that are none of CloudTrail's: the first of them.
    beside: &'a [String],
    /// How many there are.
    beside_count: u64,
    /// Slots and ledgers that could not be read or written, up to 1,000.
    failed: &'a [String],
    /// How many there are.
    failed_count: usize,
    /// How many log objects are not in because of that.
    waiting_count: usize,
}

impl LakeUpdate {
    /// Tells whether all that was listed is in.
    pub fn is_whole(&self) -> bool {
        !self.is_stopped && self.updated.is_whole()
    }

    /// Returns the shape for programs.
    pub fn json(&self) -> LakeUpdateJson<'_> {
        let Updated { listed, added, added_bytes, records, slots_written, slots_bytes, .. } = self.updated;
        let Updated { missing, damaged, beside, beside_count, failed, .. } = &self.updated;
        LakeUpdateJson {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            lake: &self.lake,
            organization: self.identity.organization.as_deref(),
            grain: self.identity.grain,
            slots: self.identity.slots,
            shard: self.shard.map(|shard| format!("{}/{}", shard.number, shard.of)),
            is_whole: self.is_whole(),
            is_stopped: self.is_stopped,
            listed,
            added,
            added_bytes,
            records,
            slots_written,
            slots_bytes,
            missing: named(missing),
            missing_count: missing.len(),
            damaged: named(damaged),
            damaged_count: damaged.len(),
            beside,
            beside_count: *beside_count,
            failed: &failed[..failed.len().min(NAMED_MAX)],
            failed_count: failed.len(),
            waiting_count: self.updated.waiting.len(),
        }
    }

    /// Returns the text for a terminal.
    pub fn human(&self, width: usize) -> String {
        self.said().human(width)
    }

    /// Returns the text as markdown.
    pub fn markdown(&self) -> String {
        self.said().markdown(&format!("Update of the lake {}", self.lake))
    }

    fn said(&self) -> Said {
        let mut said = Said::default();
        let updated = &self.updated;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        said.say(self.what());
        if self.is_stopped {
            said.say("It was stopped before its end. What it has written stays; run it again to go on.");
        }
        let listed = count(number(updated.listed), "log object");
        said.say(match updated.added {
            0 => format!("{listed} listed, none of them new."),
            added => format!(
                "{listed} listed, {} added: {} with {}.",
                count(number(added), "new one"),
                size(updated.added_bytes),
                count(number(updated.records), "record"),
            ),
        });
        said.say(match updated.slots_written {
            0 => "No slot was written.".to_owned(),
            slots => format!("{} written, {}.", count(number(slots), "slot"), size(updated.slots_bytes)),
        });
        let pairs = |things: &[(String, String)]| things.to_vec();
        for (things, noun, after) in [
            (pairs(&updated.missing), "key or prefix", "could not be read; the next update tries again"),
            (pairs(&updated.damaged), "part", "of log objects could not be read; the rest of these objects is in"),
        ] {
            if !things.is_empty() {
                let sentence = match (things.len(), noun) {
                    (1, _) => format!("1 {noun} {after}:"),
                    (n, "part") => format!("{} {after}:", count(n, noun)),
                    (n, _) => format!("{} and prefixes {after}:", count(n, "key")),
                };
                said.list(sentence, things.iter().map(|(name, why)| (name.as_str(), why.as_str())));
            }
        }
        if updated.beside_count > 0 {
            let found = count(number(updated.beside_count), "name");
            said.list(
                format!("{found} among the logs that CloudTrail does not use, and that were not read:"),
                updated.beside.iter().map(|name| (name.as_str(), "")),
            );
        }
        if !updated.failed.is_empty() {
            said.list(
                format!(
                    "{} of the lake failed, so that {} could not be put in; the next update tries again:",
                    count(updated.failed.len(), "file"),
                    count(updated.waiting.len(), "log object"),
                ),
                updated.failed.iter().map(|why| (why.as_str(), "")),
            );
        }
        said
    }

    fn what(&self) -> String {
        let shard = self.shard.map(|Shard { number, of }| format!(", shard {number} of {of}")).unwrap_or_default();
        format!("{}: {}{shard}.", self.lake, super::whose(&self.identity))
    }
}
