//! What the patterns of metric filters let through of the events that section 4 of the CIS benchmark wants to be heard
//! of.
//!
//! A pattern is evaluated for each of the control's events (`events`). What an event's other fields hold nobody knows:
//! a pattern that asks for them may leave events out, and is never a pass.

use super::Filter;
use crate::policy::evaluate::glob;

mod events;
mod parse;
mod record;

pub(super) use events::source;
pub use record::Pattern;

use events::{Event, FieldKnowledge, events};
use parse::{Condition, Expression, Value, parse};

/// What a pattern lets through of the events of a control.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reading {
    /// Events that it does not let through.
    pub(super) missing: Vec<&'static str>,
    /// Events of which it may leave some out: it asks for more than is known.
    pub(super) unsure: Vec<&'static str>,
}

/// Whether a pattern lets an event through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not.
    No,
    /// Nobody can say: more is asked than is known, or in a way that is not documented.
    Maybe,
    /// It does.
    Yes,
}

impl Truth {
    fn of(holds: bool) -> Self {
        if holds { Truth::Yes } else { Truth::No }
    }
}

/// Returns what people know the events of a control by, each once.
pub(super) fn event_names(filter: Filter) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for event in events(filter) {
        if !names.contains(&event.name) {
            names.push(event.name);
        }
    }
    names
}

/// Reads a pattern for the events of a control.
pub(super) fn read(filter: Filter, pattern: &str) -> Reading {
    let expression = parse(pattern);
    let mut reading = Reading::default();
    for event in events(filter) {
        let passes = match &expression {
            Some(expression) => match truth(expression, &event) {
                // A pattern of other fields only is one of other events.
                Truth::Maybe if !names(expression, &event) => Truth::No,
                truth => truth,
            },
            // A pattern of words, or one that this program cannot read.
            None if pattern.contains(event.name) => Truth::Maybe,
            None => Truth::No,
        };
        match passes {
            Truth::Yes => {}
            Truth::Maybe => reading.unsure.push(event.name),
            Truth::No => reading.missing.push(event.name),
        }
    }
    reading
}

fn truth(expression: &Expression<'_>, event: &Event) -> Truth {
    match expression {
        Expression::All(all) => all.iter().map(|one| truth(one, event)).min().unwrap_or(Truth::Yes),
        Expression::Any(some) => some.iter().map(|one| truth(one, event)).max().unwrap_or(Truth::No),
        Expression::Test(field, condition) => match event.field(field) {
            Some(known) => holds(condition, known),
            None => Truth::Maybe,
        },
    }
}

/// Tells whether a pattern names what is known of an event, in any of its parts.
fn names(expression: &Expression<'_>, event: &Event) -> bool {
    match expression {
        Expression::All(some) | Expression::Any(some) => some.iter().any(|one| names(one, event)),
        Expression::Test(field, Condition::Is(value)) => {
            event.field(field).is_some_and(|known| fits(value, known) != Truth::No)
        }
        Expression::Test(..) => false,
    }
}

fn holds(condition: &Condition, known: FieldKnowledge) -> Truth {
    match (condition, known) {
        (Condition::NotExists, known) => Truth::of(known == FieldKnowledge::Absent),
        (Condition::IsNot(_), FieldKnowledge::Absent) => Truth::Maybe,
        (_, FieldKnowledge::Absent) => Truth::No,
        (Condition::Null | Condition::Flag(_) | Condition::Compare(..), _) => Truth::Maybe,
        (Condition::Is(value), known) => fits(value, known),
        (Condition::IsNot(value), known) => match fits(value, known) {
            Truth::Yes => Truth::No,
            Truth::Maybe => Truth::Maybe,
            Truth::No => Truth::Yes,
        },
    }
}

/// Tells whether a value that the field has, or may have, is the one that a pattern names.
fn fits(value: &Value, known: FieldKnowledge) -> Truth {
    match (value, known) {
        (value, FieldKnowledge::Is(is)) => is_text(value, is),
        (Value::Text(text), FieldKnowledge::Some) if text.contains('*') && text.as_str() != "*" => Truth::Maybe,
        (Value::Text(text), FieldKnowledge::Some) => Truth::of(text == "*"),
        (Value::Regular(_), _) => Truth::Maybe,
        (Value::Text(_), FieldKnowledge::Absent) => Truth::No,
    }
}

/// Tells whether a text is the one that a pattern names.
fn is_text(value: &Value, text: &str) -> Truth {
    match value {
        Value::Text(wanted) => Truth::of(glob(wanted, text)),
        // Without operators a regular expression is a part of the text.
        Value::Regular(part) if part.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Truth::of(text.contains(part.as_str()))
        }
        Value::Regular(_) => Truth::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: Filter, pattern: &str, missing: &[&str], unsure: &[&str]) {
        let reading = read(filter, pattern);
        assert_eq!((&reading.missing[..], &reading.unsure[..]), (missing, unsure), "{pattern}");
    }

    /// The patterns that the benchmark prints, in both versions, and as people write them elsewhere.
    #[test]
    fn patterns_of_the_benchmark_let_everything_through() {
        for (filter, pattern) in [
            (
                Filter::UnauthorizedCalls,
                r#"{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }"#,
            ),
            (
                Filter::UnauthorizedCalls,
                r#"{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }"#,
            ),
            (
                Filter::ConsoleWithoutMfa,
                r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }"#,
            ),
            (
                Filter::ConsoleWithoutMfa,
                r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }"#,
            ),
            (
                Filter::RootUse,
                r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }"#,
            ),
            (
                Filter::KeyDeletion,
                "{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }",
            ),
            (
                Filter::ConsoleFailures,
                r#"{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }"#,
            ),
            (Filter::CloudTrailSettings, "{ $.eventName = %Trail% || $.eventName = *Logging }"),
            (
                Filter::ConfigSettings,
                "{ ($.eventSource = config.amazonaws.com) && (($.eventName=StopConfigurationRecorder)||($.eventName=DeleteDeliveryChannel)||($.eventName=PutDeliveryChannel)||($.eventName=PutConfigurationRecorder)) }",
            ),
            (
                Filter::SecurityGroups,
                "{ ($.eventName = AuthorizeSecurityGroup*) || ($.eventName = RevokeSecurityGroup*) || ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) }",
            ),
        ] {
            check(filter, pattern, &[], &[]);
        }
    }

    #[test]
    fn the_newer_benchmark_wants_one_event_more_of_security_groups() {
        let of_3_0 = "{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = AuthorizeSecurityGroupEgress) || ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupEgress) || ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) }";
        check(Filter::SecurityGroups, of_3_0, &[], &[]);
        check(Filter::SecurityGroupRules, of_3_0, &["ModifySecurityGroupRules"], &[]);
    }

    #[test]
    fn what_is_not_let_through_is_told() {
        let both = &["DisableKey", "ScheduleKeyDeletion"];
        // Either event alone, another source, and conditions that contradict each other.
        check(Filter::KeyDeletion, "{ $.eventName = DisableKey }", &["ScheduleKeyDeletion"], &[]);
        check(Filter::KeyDeletion, "{ ($.eventName = DisableKey) && ($.eventName = ScheduleKeyDeletion) }", both, &[]);
        check(Filter::KeyDeletion, "{ $.eventSource = iam.amazonaws.com && $.eventName = * }", both, &[]);
        check(Filter::KeyDeletion, "{ $.eventName != ScheduleKeyDeletion }", &["ScheduleKeyDeletion"], &[]);
        check(Filter::KeyDeletion, "{ $.eventName = * && $.errorCode = AccessDenied }", both, &[]);
        // The value of another field, a single event of many, and text that is no pattern of this form.
        check(Filter::RootUse, r#"{ $.errorCode NOT EXISTS && $.userIdentity.type = IAMUser }"#, &["Root"], &[]);
        let logins = "{ $.userIdentity.type = Root && $.eventName = ConsoleLogin }";
        check(Filter::RootUse, logins, &["Root"], &[]);
        // The patterns of other controls.
        let root = r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }"#;
        check(Filter::KeyDeletion, root, both, &[]);
        let without_mfa = r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }"#;
        check(Filter::ConsoleFailures, without_mfa, &["ConsoleLogin"], &[]);
        let failures = r#"{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }"#;
        check(Filter::ConsoleWithoutMfa, failures, &["ConsoleLogin"], &[]);
        check(Filter::RootUse, failures, &["Root"], &[]);
        for odd in ["", "{", "$.", "{ $.a", "{ $.a = ", "ERROR", "{ $.a = \"", "{ $.ä=ö", "{}"] {
            check(Filter::RootUse, odd, &["Root"], &[]);
        }
    }

    #[test]
    fn a_pattern_that_asks_for_more_may_leave_events_out() {
        let both = &["DisableKey", "ScheduleKeyDeletion"];
        for more in [
            "$.userIdentity.arn != \"arn:aws:iam::111111111111:role/ci\"",
            "$.userIdentity.type = IAMUser",
            "$.recipientAccountId = 111111111111",
            "$.userIdentity.invokedBy NOT EXISTS",
            "$.requestParameters.x IS TRUE",
            "$.eventName = %^D.*%",
        ] {
            check(Filter::KeyDeletion, &format!("{{ $.eventName = * && {more} }}"), &[], both);
        }
        // A pattern of words.
        check(Filter::KeyDeletion, "?DisableKey ?ScheduleKeyDeletion", &[], both);
        check(Filter::KeyDeletion, "DisableKey", &["ScheduleKeyDeletion"], &["DisableKey"]);
    }

    const FILTERS: [Filter; 16] = [
        Filter::UnauthorizedCalls,
        Filter::ConsoleWithoutMfa,
        Filter::RootUse,
        Filter::IamPolicies,
        Filter::CloudTrailSettings,
        Filter::ConsoleFailures,
        Filter::KeyDeletion,
        Filter::BucketPolicies,
        Filter::ConfigSettings,
        Filter::SecurityGroups,
        Filter::SecurityGroupRules,
        Filter::NetworkAcls,
        Filter::NetworkGateways,
        Filter::RouteTables,
        Filter::Vpcs,
        Filter::Organizations,
    ];

    /// The benchmark's lists are texts of others, and stay as they are; each call in them is one that the catalog
    /// knows.
    #[test]
    fn the_calls_of_the_benchmark_are_in_the_catalog() {
        let mut known = 0;
        for filter in FILTERS {
            let Some(source) = source(filter).filter(|source| *source != "signin.amazonaws.com") else { continue };
            for name in event_names(filter) {
                assert!(crate::event::catalog::find(source, name).is_some(), "{source} {name}");
                known += 1;
            }
        }
        assert!(known > 80, "{known}");
    }

    /// What is said of an event of the benchmark is what a record of it does.
    #[test]
    fn a_pattern_lets_the_records_of_the_benchmarks_events_through() {
        for filter in FILTERS {
            for event in events(filter) {
                let mut record = serde_json::json!({});
                for path in ["eventName", "eventSource", "eventType", "errorCode", "errorMessage", "userIdentity.type"]
                {
                    if let Some(FieldKnowledge::Is(value)) = event.field(path) {
                        let (outer, inner) = path.split_once('.').unwrap_or((path, ""));
                        record[outer] =
                            if inner.is_empty() { value.into() } else { serde_json::json!({ inner: value }) };
                    }
                }
                let text = record.to_string();
                let record = crate::event::Record::read(&text).unwrap();
                for (path, json) in record.json.fields().filter(|(_, json)| json.text().is_some()) {
                    let pattern = format!("{{ $.{path} = {} }}", json.as_str());
                    assert_eq!(Pattern::parse(&pattern).unwrap().lets_through(&record), Truth::Yes, "{pattern}");
                    let Some(FieldKnowledge::Is(_)) = event.field(&path) else { continue };
                    assert_eq!(truth(&parse(&pattern).unwrap(), &event), Truth::Yes, "{pattern}");
                }
            }
        }
    }
}
