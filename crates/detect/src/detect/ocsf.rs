//! A finding as other tools read it: OCSF's class "Detection Finding" (2004).
//!
//! Source: Open Cybersecurity Schema Framework, version 1.3.0,
//! <https://schema.ocsf.io/1.3.0/classes/detection_finding>.

use serde_json::{Map, Value, json};

use super::finding::DetectionFinding;
use super::level::Level;

/// The version of the schema.
const SCHEMA: &str = "1.3.0";

/// Returns a finding in OCSF: a new one, or one that was sent before and has more events now (`is_update`).
pub fn ocsf(finding: &DetectionFinding, is_update: bool) -> Value {
    let (activity, activity_id) = if is_update { ("Update", 2) } else { ("Create", 1) };
    let (severity, severity_id) = severity(finding.level);
    let event = json!({
        "activity_id": activity_id,
        "activity_name": activity,
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "type_name": format!("Detection Finding: {activity}"),
        "type_uid": 200_400 + activity_id,
        "time": finding.last_event_time.as_millisecond(),
        "start_time": finding.first_event_time.as_millisecond(),
        "end_time": finding.last_event_time.as_millisecond(),
        "count": finding.event_count,
        "severity": severity,
        "severity_id": severity_id,
        "status": "New",
        "status_id": 1,
        "message": format!("{}: {}", finding.headline(), finding.principal.name),
        "metadata": {
            "uid": finding.id,
            "version": SCHEMA,
            "profiles": ["cloud"],
            "product": {"name": "orgtrail", "vendor_name": "orgtrail", "version": env!("CARGO_PKG_VERSION")},
        },
        "finding_info": info(finding),
        "cloud": {
            "provider": "AWS",
            "account": {"uid": finding.accounts.first(), "type": "AWS Account", "type_id": 10},
            "region": finding.regions.first(),
        },
        "evidences": evidences(finding),
        "resources": finding.resources.iter().map(|text| resource(text)).collect::<Vec<_>>(),
        "remediation": {"desc": finding.next_step},
        "unmapped": {
            "author": finding.author,
            "done_count": finding.done_count,
            "is_exact": finding.is_exact,
            "accounts": finding.accounts,
            "regions": finding.regions,
            "principals": finding.principals,
            "command": finding.command,
        },
    });
    without_nulls(event)
}

/// Leaves out what is not known: a schema of OCSF has no `null`.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn severity(level: Level) -> (&'static str, u8) {
    match level {
        Level::Informational => ("Informational", 1),
        Level::Low => ("Low", 2),
        Level::Medium => ("Medium", 3),
        Level::High => ("High", 4),
        Level::Critical => ("Critical", 5),
    }
}

fn info(finding: &DetectionFinding) -> Value {
    let events = finding.event_ids.iter().map(|id| json!({"uid": id, "type": "CloudTrail event"}));
    json!({
        "uid": finding.id,
        "title": finding.title,
        "desc": finding.description,
        "types": finding.tags,
        "analytic": {"uid": finding.rule, "name": finding.title, "type": "Rule", "type_id": 1},
        "attacks": finding.tags.iter().filter_map(|tag| attack(tag)).collect::<Vec<_>>(),
        "created_time": finding.first_event_time.as_millisecond(),
        "first_seen_time": finding.first_event_time.as_millisecond(),
        "last_seen_time": finding.last_event_time.as_millisecond(),
        "related_events": events.collect::<Vec<_>>(),
    })
}

/// Returns the technique of a tag such as `attack.t1562.008`. `None`: the tag names none.
fn attack(tag: &str) -> Option<Value> {
    let technique = tag.strip_prefix("attack.t")?;
    if !technique.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (parent, _) = technique.split_once('.').unwrap_or((technique, ""));
    let mut attack = Map::from_iter([("technique".to_owned(), json!({"uid": format!("T{parent}")}))]);
    if technique != parent {
        attack.insert("sub_technique".to_owned(), json!({"uid": format!("T{technique}")}));
    }
    Some(Value::Object(attack))
}

/// Returns who called what, from where: one evidence for each call that the finding names.
fn evidences(finding: &DetectionFinding) -> Vec<Value> {
    let actor = json!({
        "user": {
            "uid": finding.principal.name,
            "type": finding.principal.kind,
            "type_id": 99,
            "account": {"uid": finding.principal.account},
            "credential_uid": finding.principal.access_key,
        },
        "session": {"issuer": finding.principal.role, "uid_alt": finding.principal.session_name,
                    "is_mfa": finding.principal.mfa},
        "invoked_by": finding.principal.through,
    });
    let evidence = |action: &String| {
        let (operation, service) = action.split_once(" (").unwrap_or((action, ""));
        json!({
            "actor": actor,
            "api": {"operation": operation, "service": {"name": service.trim_end_matches(')')}},
            "src_endpoint": {"ip": finding.source_ip_addresses.first()},
        })
    };
    finding.actions.iter().map(evidence).collect()
}

fn resource(text: &str) -> Value {
    match text.split_once(' ') {
        Some((kind, uid)) if kind.starts_with("AWS::") => json!({"uid": uid, "type": kind}),
        _ => json!({"uid": text}),
    }
}
