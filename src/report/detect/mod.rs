//! What rules found in the archive, for people and for programs, with what it covers.

mod said;
mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use text::{human, markdown};

use crate::detect::{DetectionFinding, DisabledRule, Level, RuleProblem, Tallies, ocsf};
use crate::query::answer::AnswerCoverage;

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// What rules found.
#[derive(Debug, Clone)]
pub struct Detected {
    /// From when on events were looked at.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The findings of the least level and above: the worst first, those of a level by their first event.
    pub findings: Vec<DetectionFinding>,
    /// How many findings there were more than are kept.
    pub further_findings: u64,
    /// The least level that was wanted.
    pub level: Level,
    /// How many findings are below it.
    pub below: u64,
    /// How many rules were asked.
    pub rules: usize,
    /// How many rules of the files are for other logs than CloudTrail's.
    pub elsewhere: usize,
    /// Rules that overrides switched off.
    pub disabled: Vec<DisabledRule>,
    /// What overrides exclude, by rule.
    pub excluded: Vec<ExcludedRecords>,
    /// Rules about first occurrences, of the least level and above, that could not decide, each with for how many
    /// records: not enough is known of the time before.
    pub undecided: BTreeMap<String, u64>,
    /// What is wrong with files of rules and overrides: what has a problem is not used.
    pub problems: Vec<RuleProblem>,
    /// What was counted.
    pub tallies: Tallies,
    /// Records that no rule could look at, as they cannot be read.
    pub unread_records: u64,
    /// The accounts of the organization are known: what is shared with one of them is not shared with the outside.
    pub knows_accounts: bool,
    /// What is known of the time before. `None`: no rule asks for it.
    pub before: Option<Learned>,
    /// What was looked at.
    pub coverage: AnswerCoverage,
}

/// Records for which a rule does not ring, as an override says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExcludedRecords {
    /// The id of the rule.
    pub rule: String,
    /// How many.
    pub records: u64,
    /// Who said so and why, of each exclusion of the rule.
    pub reasons: Vec<String>,
}

/// What is known of the time before the one that was asked for.
#[derive(Debug, Clone)]
pub struct Learned {
    /// Since when rules about first occurrences know what was there. `None`: they know nothing of it.
    pub since: Option<Timestamp>,
    /// What was looked at.
    pub coverage: AnswerCoverage,
}

/// What rules found: the JSON of `orgtrail detect`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DetectJson<'a> {
    /// The version of this format.
    format_version: u32,
    /// The version of the program.
    tool_version: &'static str,
    /// From when on events were looked at, in RFC 3339.
    from: String,
    /// Until when, in RFC 3339.
    to: String,
    /// All events were looked at, by every rule of the files, and nothing was dropped.
    is_whole: bool,
    /// Why not, in sentences. Empty: it is whole.
    not_whole: Vec<String>,
    /// The least level that was wanted.
    level: Level,
    /// The findings of this level and above: the worst first, those of a level by their first event.
    findings: &'a [DetectionFinding],
    /// How many findings there were more than are here.
    further_findings: u64,
    /// How many findings are below the level.
    findings_below: u64,
    /// How many rules were asked.
    rules: usize,
    /// How many rules of the files are for other logs than CloudTrail's.
    rules_elsewhere: usize,
    /// Rules that overrides switched off.
    disabled: &'a [DisabledRule],
    /// What overrides exclude, by rule.
    excluded: &'a [ExcludedRecords],
    /// What is wrong with files of rules and overrides: what has a problem is not used.
    problems: &'a [RuleProblem],
    /// What was counted.
    tallies: &'a Tallies,
    /// Since when rules about first occurrences know what was there, in RFC 3339. `None`: they know nothing of the time
    /// before.
    known_since: Option<String>,
    /// What was looked at.
    coverage: &'a AnswerCoverage,
    /// What was looked at of the time before. `None`: it was not looked at.
    coverage_before: Option<&'a AnswerCoverage>,
}

impl Detected {
    /// Returns why it is not known that nothing else rings. Empty: it is known.
    pub fn not_whole(&self) -> Vec<String> {
        said::not_whole(self)
    }

    /// Returns the shape for programs.
    pub fn json(&self) -> DetectJson<'_> {
        let not_whole = self.not_whole();
        DetectJson {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            from: self.from.to_string(),
            to: self.to.to_string(),
            is_whole: not_whole.is_empty(),
            not_whole,
            level: self.level,
            findings: &self.findings,
            further_findings: self.further_findings,
            findings_below: self.below,
            rules: self.rules,
            rules_elsewhere: self.elsewhere,
            disabled: &self.disabled,
            excluded: &self.excluded,
            problems: &self.problems,
            tallies: &self.tallies,
            known_since: self.before.as_ref().and_then(|before| before.since).map(|at| at.to_string()),
            coverage: &self.coverage,
            coverage_before: self.before.as_ref().map(|before| &before.coverage),
        }
    }

    /// Returns the findings as other tools read them: OCSF's Detection Finding.
    pub fn ocsf(&self) -> Vec<Value> {
        self.findings.iter().map(|finding| ocsf(finding, false)).collect()
    }
}
