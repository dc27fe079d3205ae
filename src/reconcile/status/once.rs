//! What one round found, for whoever made only one: `reconcile --once`. Pure.

use schemars::JsonSchema;
use serde::Serialize;

use super::lake::{LakeStatus, LakeUpdate};
use super::{PendingChange, Status};
use crate::plan::Harm;
use crate::reconcile::findings::Finding;
use crate::reconcile::history::{RoundRecord, RoundResult};
use crate::report::text::message::shortened;
use crate::report::text::{escape, json, words};

/// How many findings the text names.
const NAMED_MAX: usize = 20;

/// The JSON of `orgtrail reconcile --once`, version 1.
#[derive(Serialize, JsonSchema)]
pub struct OnceJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The name of the deployment.
    deployment: &'a str,
    /// Something was changed; false where nothing had to be or may be changed (`--observe`), another replica is the
    /// leader, or it was stopped before.
    acted: bool,
    /// The round could read everything, everything is as it should be now, and nothing is found, held or unproven.
    in_sync: bool,
    /// The round; null where none was made.
    round: Option<&'a RoundRecord>,
    /// The worst first.
    findings: &'a [Finding],
    /// The update of the lake; null where none is kept, or it was not updated.
    lake: Option<LakeJson<'a>>,
    /// Changes that wait for a person.
    waiting: Vec<WaitingJson<'a>>,
    /// Changes that wait beside those.
    waiting_left_out: usize,
}

#[derive(Serialize, JsonSchema)]
struct LakeJson<'a> {
    /// Log files that were put in.
    added: u64,
    /// Log files that were listed and are not in, and parts of them that could not be read.
    missing: u64,
    /// What is wrong, in words; empty where nothing is.
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct WaitingJson<'a> {
    /// The address.
    address: &'a str,
    /// `create`, `update`, `adopt` or `retire`.
    action: &'static str,
    /// What differs.
    fields: &'a [String],
    /// Why it waits.
    why: &'a str,
}

impl<'a> From<&'a PendingChange> for WaitingJson<'a> {
    fn from(waiting: &'a PendingChange) -> Self {
        let PendingChange { address, action, fields, why } = waiting;
        Self { address, action, fields, why }
    }
}

/// Tells whether a round left everything as it should be.
fn in_sync(round: &RoundRecord, status: &Status) -> bool {
    let harmless = |finding: &Finding| finding.harm == Some(Harm::Harmless);
    matches!(round.result, RoundResult::InSync | RoundResult::Repaired) && status.findings.iter().all(harmless)
}

/// Returns the report as JSON, version 1.
///
/// # Errors
/// Those of serialisation, which this shape does not have.
pub fn json(last: Option<&RoundRecord>, status: &Status) -> Result<String, serde_json::Error> {
    let held = last.map_or(0, |round| round.held);
    json::text(&OnceJson {
        format_version: json::FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION"),
        deployment: &status.deployment,
        acted: last.is_some_and(|round| round.made > 0),
        in_sync: last.is_some_and(|round| in_sync(round, status)),
        round: last,
        findings: &status.findings,
        lake: status.lake.as_ref().map(|lake| LakeJson {
            added: lake.last.added,
            missing: lake.last.missing,
            why: &lake.last.why,
        }),
        waiting: status.waiting.iter().map(WaitingJson::from).collect(),
        waiting_left_out: held.saturating_sub(status.waiting.len()),
    })
}

/// Returns the report for a terminal: the round in one line, then what was found. Every text of AWS is made inert.
pub fn human(round: &RoundRecord, status: &Status) -> String {
    let RoundRecord { number, result, drifted, made, failed, held, problems, calls, found, unproven, .. } = round;
    let mut lines = vec![format!(
        "round {number}: {}; {drifted} drifted, {made} changed, {failed} failed, {held} waiting, {problems} unreadable, \
         {found} found, {unproven} not proved, {calls} calls",
        result.words()
    )];
    for finding in status.findings.iter().take(NAMED_MAX) {
        let Finding { account, address, code, message, harm, help, .. } = finding;
        let place = address.as_ref().map_or_else(|| account.to_string(), ToString::to_string);
        let harm = harm.filter(|harm| harm.does_harm()).map(|harm| format!("{harm}, ")).unwrap_or_default();
        lines.push(format!("- {harm}{place}: {code}: {}", shortened(message)));
        lines.extend((!help.is_empty()).then(|| format!("  next: {}", shortened(help))));
    }
    if status.findings.len() > NAMED_MAX {
        lines.push(format!("- and {} more", words::grouped(status.findings.len() - NAMED_MAX)));
    }
    if let Some(LakeStatus { last: LakeUpdate { added, missing, why }, .. }) = &status.lake {
        let why = if why.is_empty() { String::new() } else { format!(": {}", shortened(why)) };
        lines.push(format!("lake: {added} log files added, {missing} missing{why}"));
    }
    lines.iter().map(|line| format!("{}\n", escape::terminal(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::history::tests::round;

    fn status(findings: usize) -> Status {
        let finding = |n: usize| Finding {
            account: "111111111111".parse().unwrap(),
            address: None,
            code: format!("code-{n}"),
            message: "\u{1b}[2J".into(),
            harm: Some(Harm::LogsExposed),
            about: String::new(),
            help: "do".into(),
            since: "2026-01-05T00:00:00Z".parse().unwrap(),
        };
        Status { deployment: "acme".into(), findings: (0..findings).map(finding).collect(), ..Status::default() }
    }

    #[test]
    fn a_round_without_findings_is_in_sync_and_one_with_a_finding_is_not() {
        let value = |last: Option<&RoundRecord>, status: &Status| -> serde_json::Value {
            serde_json::from_str(&json(last, status).unwrap()).unwrap()
        };
        let fine = value(Some(&round(1)), &status(0));
        assert_eq!(
            (&fine["in_sync"], &fine["acted"], &fine["round"]["number"]),
            (&true.into(), &false.into(), &1.into())
        );
        assert_eq!(value(Some(&RoundRecord { made: 1, ..round(2) }), &status(0))["acted"], true);
        let found = value(Some(&round(1)), &status(1));
        assert_eq!((&found["in_sync"], &found["findings"][0]["harm"]), (&false.into(), &"logs-exposed".into()));
        assert_eq!(value(None, &status(0))["in_sync"], false);
    }

    #[test]
    fn a_list_that_is_cut_says_how_many_more_and_nothing_acts() {
        let text = human(&round(1), &status(23));
        assert!(text.starts_with("round 1: in sync; 0 drifted"), "{text}");
        assert!(text.ends_with("- and 3 more\n") && !text.contains('\u{1b}'), "{text}");
    }
}
