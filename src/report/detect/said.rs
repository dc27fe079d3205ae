//! Sentences about what rules found.

use super::Detected;
use crate::detect::{DetectionFinding, Level, RuleTallies};
use crate::report::text::words::{count, grouped};

/// So many names are in a list of a finding at most: there may be more of them.
const LISTED_MAX: usize = 10;
/// Problems that are shown in one answer; JSON has all.
const PROBLEMS_SHOWN: usize = 10;

/// Returns what was found, in one sentence.
pub(super) fn head(detected: &Detected) -> String {
    let of = |level: Level| detected.findings.iter().filter(|finding| finding.level == level).count();
    let levels = Level::ALL.iter().rev().filter_map(|level| match of(*level) {
        0 => None,
        some => Some(format!("{} {level}", grouped(some))),
    });
    let levels: Vec<String> = levels.collect();
    let levels = if levels.is_empty() { String::new() } else { format!(" ({})", levels.join(", ")) };
    let below = match usize::try_from(detected.below).unwrap_or(usize::MAX) {
        0 => String::new(),
        some => format!("; {} below {} (--level)", grouped(some), detected.level),
    };
    format!(
        "{}{levels}{below}: {} looked at {}.",
        count(detected.findings.len(), "finding"),
        count(detected.rules, "rule"),
        count(usize::try_from(detected.tallies.records).unwrap_or(usize::MAX), "record"),
    )
}

/// Says who did what, on what, and where.
pub(super) fn deed(finding: &DetectionFinding) -> String {
    let list = |all: &[String]| {
        let more = if all.len() < LISTED_MAX { "" } else { ", …" };
        all.join(", ") + more
    };
    let who = match finding.principals.len() {
        0 | 1 => finding.principal.name.clone(),
        _ => list(&finding.principals),
    };
    let through = finding.principal.through.as_ref().map(|service| format!(" through {service}")).unwrap_or_default();
    let on = if finding.resources.is_empty() { String::new() } else { format!(" on {}", list(&finding.resources)) };
    let from = match finding.source_ip_addresses.as_slice() {
        [] => String::new(),
        addresses => format!(", from {}", list(addresses)),
    };
    format!(
        "{who}{through}: {}{on}, in account {}, {}{from}",
        list(&finding.actions),
        list(&finding.accounts),
        list(&finding.regions)
    )
}

/// Says how many events there were, when, and how many of them were done.
pub(super) fn events(finding: &DetectionFinding) -> String {
    let number = usize::try_from(finding.event_count).unwrap_or(usize::MAX);
    let about = if finding.is_exact { "" } else { "at least " };
    let when = match finding.first_event_time == finding.last_event_time {
        true => finding.first_event_time.to_string(),
        false => format!("{} to {}", finding.first_event_time, finding.last_event_time),
    };
    let failed = match finding.event_count.saturating_sub(finding.done_count) {
        0 => String::new(),
        all if all == finding.event_count => ", denied or failed".to_owned(),
        some => format!(", {some} of them denied or failed"),
    };
    let mut text = format!("{when}, {about}{}{failed}", count(number, "event"));
    if finding.is_late {
        text += "; delivered late";
    }
    if finding.is_folded {
        text += "; stands for further groups, of which there were too many";
    }
    text
}

/// Says which rule it is of, who wrote that, and what it is tagged with.
pub(super) fn rule(finding: &DetectionFinding) -> String {
    let author = if finding.author.is_empty() { String::new() } else { format!(", by {}", finding.author) };
    let tags = if finding.tags.is_empty() { String::new() } else { format!(" ({})", finding.tags.join(", ")) };
    format!("Rule {}{author}{tags}", finding.rule)
}

/// Returns why it is not known that nothing else rings. Empty: it is known.
pub(super) fn not_whole(detected: &Detected) -> Vec<String> {
    let mut all = Vec::new();
    if !detected.coverage.is_whole {
        all.push("Not all events of the time were looked at, or it is not known that they were.".to_owned());
    }
    if detected.unread_records > 0 {
        let records = count(usize::try_from(detected.unread_records).unwrap_or(usize::MAX), "record");
        all.push(format!("{records} could not be read by any rule."));
    }
    if detected.further_findings > 0 {
        all.push(format!("There are {} findings more than are kept.", detected.further_findings));
    }
    if !detected.problems.is_empty() {
        all.push("What is wrong with files of rules and overrides, and so was not used:".to_owned());
        let shown = detected.problems.iter().take(PROBLEMS_SHOWN).map(ToString::to_string);
        all.extend(shown);
        if detected.problems.len() > PROBLEMS_SHOWN {
            all.push(format!("… and {} more (--format json has all).", detected.problems.len() - PROBLEMS_SHOWN));
        }
    }
    if !detected.undecided.is_empty() {
        let since = match detected.before.as_ref().and_then(|before| before.since) {
            Some(at) => format!("events are known since {at} only"),
            None => "nothing is known of the time before".to_owned(),
        };
        let rules = detected.undecided.iter().map(|(id, records)| format!("{id} ({records})"));
        let rules = rules.collect::<Vec<_>>().join(", ");
        all.push(format!("These rules could not tell what is new, as {since} (--learn-days): {rules}."));
    }
    if let Some(before) =
        detected.before.as_ref().filter(|own| own.coverage.unread_count > 0 || own.coverage.ended.is_some())
    {
        let why = before.coverage.ended.clone();
        let why = why.unwrap_or_else(|| "a part of it could not be read".to_owned());
        all.push(format!(
            "Not all of the time before was looked at ({why}): something may be taken for new that is not, and what began \
             there may be missing."
        ));
    }
    if detected.tallies.without_time > 0 {
        all.push(format!("{} records have no time: no rule looked at them.", detected.tallies.without_time));
    }
    let dropping = detected.tallies.by_rule.iter().filter(|(_, own)| dropped(own) > 0);
    let dropping: Vec<String> = dropping.map(|(id, own)| format!("{id} ({})", dropped(own))).collect();
    if !dropping.is_empty() {
        all.push(format!("There were too many groups, events or values to remember for {}.", dropping.join(", ")));
    }
    all
}

fn dropped(own: &RuleTallies) -> u64 {
    own.dropped_groups + own.dropped_events + own.dropped_values
}

/// Returns what else is to be known, which leaves the answer whole.
pub(super) fn beside(detected: &Detected) -> Vec<String> {
    let mut all = Vec::new();
    for own in &detected.excluded {
        let records = count(usize::try_from(own.records).unwrap_or(usize::MAX), "record");
        all.push(format!("Overrides exclude {records} of {} ({}).", own.rule, own.reasons.join("; ")));
    }
    if detected.before.as_ref().is_some_and(|own| !own.coverage.is_whole) {
        all.push(
            "Of the time before it is not known whether all logs are there: something may be taken for new that is not."
                .to_owned(),
        );
    }
    if !detected.disabled.is_empty() {
        let disabled: Vec<String> = detected.disabled.iter().map(|own| format!("{} ({})", own.id, own.why)).collect();
        all.push(format!("Switched off by overrides: {}.", disabled.join(", ")));
    }
    if detected.elsewhere > 0 {
        all.push(format!("{} of the files are for other logs.", count(detected.elsewhere, "rule")));
    }
    if !detected.knows_accounts {
        all.push(
            "Which accounts are the organization's is not known: what is shared with any other account counts as shared \
             with the outside. A configuration (-c) says it."
                .to_owned(),
        );
    }
    all
}
