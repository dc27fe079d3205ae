//! What CloudTrail would say to other people's policies: the report of `explain`, for people and as JSON.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::Arn;
use crate::plan::{self, saved};
use crate::policy::evaluate::StatementPlace;
use crate::policy::lint::LintFinding;
use crate::policy::preflight::{Cause, Doubt, Preflight, Refusal};
use crate::report::plan::assessment::since_until;
use crate::report::text::escape;
use crate::report::text::json;
use crate::report::text::words;

/// What is reported.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The trail whose delivery was tried.
    pub trail: Arn,
    /// What CloudTrail would be refused.
    pub preflight: Preflight,
    /// What is wrong with the documents otherwise.
    pub findings: Vec<LintFinding>,
    /// What CloudTrail says of the deliveries of the trail now, the worst first; empty where it was not asked for.
    pub delivery: Vec<plan::Finding>,
    /// What was assumed, for people.
    pub notes: Vec<String>,
}

/// Returns the report for a terminal. Every text of the policies is made inert.
pub fn human(explanation: &Explanation) -> String {
    let Explanation { trail, preflight, findings, delivery, notes } = explanation;
    let Preflight { refusals, doubts } = preflight;
    let mut text = String::new();
    for plan::Finding { harm, address: _, code, message, since, until, help, statement: _ } in delivery {
        add(&mut text, 0, &format!("{harm} {code}"), &format!("{trail}: {message}"));
        let times = since_until(since.as_deref(), until.as_deref());
        if !times.is_empty() {
            add(&mut text, 2, "time", &times);
        }
        add(&mut text, 2, "help", help);
    }
    let _ = writeln!(text, "{}", escape::terminal(&headline(trail, preflight)));
    for refusal in refusals {
        text.push_str(&refusal_lines(refusal));
    }
    for Doubt { document, action, resource, why } in doubts {
        let request = format!("{document}: it is unknown whether CloudTrail may {action} on {resource}");
        add(&mut text, 0, "unknown", &request);
        why.iter().for_each(|why| add(&mut text, 2, "because", why));
    }
    for LintFinding { rule, place, message, help } in findings {
        let at = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        add(&mut text, 0, &format!("finding {rule}"), &format!("{at}{message}"));
        add(&mut text, 2, "help", help);
    }
    notes.iter().for_each(|note| add(&mut text, 0, "note", note));
    text
}

fn headline(trail: &Arn, preflight: &Preflight) -> String {
    match (preflight.refusals.len(), preflight.doubts.len()) {
        (0, 0) => format!("CloudTrail would be let in for {trail}."),
        (0, doubts) => {
            format!("It is unknown whether CloudTrail would be let in for {trail}: {}.", words::count(doubts, "doubt"))
        }
        (refusals, _) => format!("CloudTrail would be refused for {trail}: {}.", words::count(refusals, "cause")),
    }
}

fn refusal_lines(refusal: &Refusal) -> String {
    let Refusal { cause, code, key, has, needs, message, help, .. } = refusal;
    let mut text = String::new();
    add(&mut text, 0, &format!("refused {cause}"), message);
    add(&mut text, 2, "error", code);
    if let Some(key) = key {
        add(&mut text, 2, "key", key);
    }
    if let Some(has) = has {
        add(&mut text, 2, "has", has);
    }
    if let Some(needs) = needs {
        add(&mut text, 2, "needs", needs);
    }
    add(&mut text, 2, "help", help);
    text
}

/// Appends one line. Writing to a string cannot fail.
fn add(text: &mut String, indent: usize, label: &str, value: &str) {
    let _ = writeln!(text, "{:indent$}{label}: {}", "", escape::terminal(value));
}

/// The JSON of `orgtrail explain`, version 1.
#[derive(Serialize, JsonSchema)]
pub struct ExplanationJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The ARN of the trail.
    trail: &'a str,
    /// CloudTrail is let in by every document.
    accepted: bool,
    /// The requests that are refused.
    refusals: Vec<RefusalJson<'a>>,
    /// The requests that could not be judged.
    unknown: Vec<DoubtJson<'a>>,
    /// What else is wrong with the documents.
    findings: Vec<FindingJson<'a>>,
    /// What CloudTrail says of the deliveries now, the worst first.
    delivery: Vec<saved::FindingJson>,
}

#[derive(Serialize, JsonSchema)]
struct StatementJson<'a> {
    /// The document.
    document: &'a str,
    /// The index of the statement, counted from 0.
    index: usize,
    /// Its `Sid`; null where it has none.
    sid: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct RefusalJson<'a> {
    /// A stable word for why.
    #[schemars(with = "String")]
    cause: Cause,
    /// The error code that CloudTrail answers with.
    code: &'a str,
    /// The document that refuses.
    document: &'a str,
    /// The IAM action.
    action: &'a str,
    /// The ARN.
    resource: &'a str,
    /// The statement to blame; null where one is missing.
    statement: Option<StatementJson<'a>>,
    /// The condition key that does not fit; null where none is to blame.
    key: Option<&'a str>,
    /// The value of the policy; null where no value is to blame.
    has: Option<&'a str>,
    /// The value that it needs; null where no value is to blame.
    needs: Option<&'a str>,
    /// What is refused, and why.
    message: &'a str,
    /// What to do next.
    help: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct DoubtJson<'a> {
    /// The document.
    document: &'a str,
    /// The IAM action.
    action: &'a str,
    /// The ARN.
    resource: &'a str,
    /// Why it could not be judged.
    why: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct FindingJson<'a> {
    /// The rule that the document breaks.
    rule: crate::policy::lint::Rule,
    /// The statement; null where it is about the whole document.
    statement: Option<StatementJson<'a>>,
    /// What is so.
    message: &'a str,
    /// What to do next.
    help: &'a str,
}

fn statement(place: &StatementPlace) -> StatementJson<'_> {
    StatementJson { document: &place.document, index: place.index, sid: place.sid.as_deref() }
}

fn refusal_json(refusal: &Refusal) -> RefusalJson<'_> {
    RefusalJson {
        cause: refusal.cause,
        code: refusal.code,
        document: &refusal.document,
        action: &refusal.action,
        resource: &refusal.resource,
        statement: refusal.statement.as_ref().map(statement),
        key: refusal.key.as_deref(),
        has: refusal.has.as_deref(),
        needs: refusal.needs.as_deref(),
        message: &refusal.message,
        help: &refusal.help,
    }
}

/// Returns the report as JSON, version 1.
///
/// # Errors
/// Those of serialisation, which this shape does not have.
pub fn json(explanation: &Explanation) -> Result<String, serde_json::Error> {
    json::text(&shape(explanation))
}

/// Returns the reports of several trails as a JSON array, each as [`json()`] gives it.
///
/// # Errors
/// Those of serialisation, which this shape does not have.
pub fn json_of_many(explanations: &[Explanation]) -> Result<String, serde_json::Error> {
    json::text(&explanations.iter().map(shape).collect::<Vec<_>>())
}

fn shape(explanation: &Explanation) -> ExplanationJson<'_> {
    let Explanation { trail, preflight, findings, delivery, notes: _ } = explanation;
    ExplanationJson {
        format_version: 1,
        tool_version: env!("CARGO_PKG_VERSION"),
        trail: trail.as_str(),
        accepted: preflight.is_clear(),
        refusals: preflight.refusals.iter().map(refusal_json).collect(),
        unknown: preflight
            .doubts
            .iter()
            .map(|Doubt { document, action, resource, why }| DoubtJson { document, action, resource, why })
            .collect(),
        delivery: delivery.iter().map(saved::FindingJson::from).collect(),
        findings: findings
            .iter()
            .map(|LintFinding { rule, place, message, help }| FindingJson {
                rule: *rule,
                statement: place.as_ref().map(statement),
                message,
                help,
            })
            .collect(),
    }
}
