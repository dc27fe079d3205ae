//! The answers about an actor for people: sections with sentences and a table, which each format writes in its way.

use super::actor::{ActionLine, ActorAnswer, RemainingLine, UseLine};
use crate::report::text::words::count;

/// The most rows that people see; JSON has all.
const ROWS_MAX: usize = 50;

/// A part of an answer.
pub(super) struct Section {
    pub title: String,
    pub sentences: Vec<String>,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// A document that is to be copied. Empty: none.
    pub code: String,
}

impl Section {
    fn new(title: &str, sentences: Vec<String>) -> Self {
        Self { title: title.to_owned(), sentences, columns: Vec::new(), rows: Vec::new(), code: String::new() }
    }

    fn table(title: &str, columns: &[&'static str], rows: Vec<Vec<String>>) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let further = rows.len().saturating_sub(ROWS_MAX);
        let sentences = (further > 0).then(|| format!("{further} more; --format json has all")).into_iter().collect();
        let rows = rows.into_iter().take(ROWS_MAX).collect();
        Some(Self { columns: columns.to_vec(), rows, ..Self::new(title, sentences) })
    }
}

/// Returns the sections of an answer.
pub(super) fn sections(subject: &str, own: &ActorAnswer) -> Vec<Section> {
    let mut all = vec![head(subject, own)];
    let changed = own.changed.iter().map(|line| {
        let words =
            |all: &[(String, u64)]| all.iter().map(|(word, n)| format!("{word} {n}")).collect::<Vec<_>>().join(", ");
        vec![line.resource_type.clone(), line.name.clone(), words(&line.done), words(&line.tried), text(&line.last)]
    });
    all.extend(Section::table("Changed", &["type", "resource", "done", "only tried", "last"], changed.collect()));
    let calls = own.activity.iter().map(|line| {
        let reads = if line.is_read { "reads" } else { "" };
        let numbers =
            [line.done, line.not_done, line.unclear].map(|n| if n == 0 { String::new() } else { n.to_string() });
        let [done, not_done, unclear] = numbers;
        vec![line.service.clone(), line.call.clone(), reads.to_owned(), done, not_done, unclear, text(&line.last)]
    });
    all.extend(Section::table(
        "Calls",
        &["service", "call", "effect", "done", "not done", "unclear", "last"],
        calls.collect(),
    ));
    all.extend(standing("Made, and not deleted by any recorded call", &own.stands));
    all.extend(standing("Made, and perhaps deleted", &own.unclear));
    if !own.nameless.is_empty() {
        all.push(Section::new("Made, and not recorded what", own.nameless.iter().take(ROWS_MAX).cloned().collect()));
    }
    let callers = own
        .callers
        .iter()
        .map(|line| vec![line.caller.clone(), line.done.to_string(), line.refused.to_string(), text(&line.last)]);
    all.extend(Section::table("Assumed by", &["caller", "done", "refused", "last done"], callers.collect()));
    all.extend(actions("Actions that were used", &own.actions));
    all.extend(actions("Actions that were refused", &own.denied));
    if let Some(policy) = &own.policy {
        let code = serde_json::to_string_pretty(policy).unwrap_or_default();
        let sentences =
            vec!["The least policy for what was used: a proposal, to be read before it is used.".to_owned()];
        all.push(Section { code, ..Section::new("Policy", sentences) });
    }
    if !own.limits.is_empty() {
        all.push(Section::new("Not known", own.limits.clone()));
    }
    if !own.unsure.is_empty() {
        all.push(Section::new("Unsure", own.unsure.clone()));
    }
    if !own.missing.is_empty() {
        all.push(Section::new("Not in the answer", own.missing.clone()));
    }
    all.retain(|own| !own.sentences.is_empty() || !own.rows.is_empty());
    all
}

fn head(subject: &str, own: &ActorAnswer) -> Section {
    let mut all = Vec::new();
    if own.calls > 0 {
        let calls = usize::try_from(own.calls).unwrap_or(usize::MAX);
        all.push(format!("{}, {} to {}", count(calls, "call"), text(&own.first), text(&own.last)));
    }
    let listed =
        |all: &[(String, u64)]| all.iter().map(|(name, n)| format!("{name} ({n})")).collect::<Vec<_>>().join(", ");
    for (title, values) in [("known by", &own.known_by), ("from", &own.sources), ("programs (a claim)", &own.programs)]
    {
        if !values.is_empty() {
            all.push(format!("{title}: {}", listed(values)));
        }
    }
    for (title, line) in [
        ("last done", &own.last_done),
        ("last not done", &own.last_refused),
        ("last sign-in to the console", &own.last_sign_in),
    ] {
        all.extend(line.as_ref().map(|line| format!("{title}: {}", used(line))));
    }
    if let Some([by_actor, by_others, by_aws, unrecorded]) = own.ended {
        all.push(format!(
            "made and still there {}, perhaps {}; deleted by the actor {by_actor}, by others {by_others}, by AWS {by_aws}; made \
             again without a recorded deletion {unrecorded}",
            own.stands.len(),
            own.unclear.len()
        ));
    }
    Section::new(subject, all)
}

fn standing(title: &str, all: &[RemainingLine]) -> Option<Section> {
    let row = |line: &RemainingLine| {
        let call = format!("{} {}", line.made, line.call);
        vec![line.resource_type.clone(), line.name.clone(), line.place.clone(), call, line.doubts.join("; ")]
    };
    Section::table(title, &["type", "resource", "where", "made", "doubts"], all.iter().map(row).collect())
}

fn actions(title: &str, all: &[ActionLine]) -> Option<Section> {
    let row = |line: &ActionLine| {
        let assumed = if line.is_assumed { "assumed from the call's name" } else { "" };
        let errors = line.errors.join(", ");
        vec![line.action.clone(), line.calls.to_string(), text(&line.last), errors, assumed.to_owned()]
    };
    Section::table(title, &["action", "calls", "last", "errors", "note"], all.iter().map(row).collect())
}

fn used(line: &UseLine) -> String {
    let source = line.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    let error = line.error.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    format!("{} {} by {}{source}{error}, event {}", line.time, line.call, line.by, line.event_id)
}

fn text(own: &Option<String>) -> String {
    own.clone().unwrap_or_default()
}
