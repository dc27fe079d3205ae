//! What a pattern lets through of recorded events: a filter is tried on the records of the past before it rings.

use super::parse::{Comparison, Condition, Expression, parse};
use super::{Truth, is_text};
use crate::event::{Json, JsonType, Record};

/// A JSON pattern of a metric filter, such as `{ $.eventName = StopLogging }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern<'a>(Expression<'a>);

impl<'a> Pattern<'a> {
    /// Reads a pattern. `None`: it is one of words, or has a form that this program cannot read.
    pub fn parse(pattern: &'a str) -> Option<Self> {
        parse(pattern).map(Self)
    }

    /// Tells whether it lets a record through.
    pub fn lets_through(&self, record: &Record<'_>) -> Truth {
        truth(&self.0, record)
    }
}

fn truth(expression: &Expression<'_>, record: &Record<'_>) -> Truth {
    match expression {
        Expression::All(all) => all.iter().map(|one| truth(one, record)).min().unwrap_or(Truth::Yes),
        Expression::Any(some) => some.iter().map(|one| truth(one, record)).max().unwrap_or(Truth::No),
        Expression::Test(path, condition) => holds(condition, record.field(path)),
    }
}

fn holds(condition: &Condition, field: Option<Json<'_>>) -> Truth {
    match (condition, field) {
        (Condition::NotExists, field) => Truth::of(field.is_none()),
        // Whether another value is one where there is none, the documentation leaves open.
        (Condition::IsNot(_), None) => Truth::Maybe,
        (_, None) => Truth::No,
        (Condition::Null, Some(json)) => Truth::of(json.is_null()),
        (Condition::Flag(wanted), Some(json)) => {
            Truth::of(json.kind() == JsonType::Flag && json.flag() == Some(*wanted))
        }
        (Condition::Compare(comparison, number), Some(json)) => compare(*comparison, number, json),
        (Condition::Is(value), Some(json)) => match json.kind() {
            JsonType::Text | JsonType::Number => {
                json.scalar().map_or(Truth::Maybe, |text| is_text(value, &text).max(is_number(value, &text, json)))
            }
            // A flag is asked for by `IS TRUE`: a text is never equal to one.
            JsonType::Flag | JsonType::Null | JsonType::List | JsonType::Object => Truth::No,
        },
        (Condition::IsNot(_), Some(json)) if !matches!(json.kind(), JsonType::Text | JsonType::Number) => Truth::Maybe,
        (Condition::IsNot(value), Some(json)) => match holds(&Condition::Is(value.clone()), Some(json)) {
            Truth::Yes => Truth::No,
            Truth::Maybe => Truth::Maybe,
            Truth::No => Truth::Yes,
        },
    }
}

/// `1.0` and `1` are the same number.
fn is_number(value: &super::parse::Value, text: &str, json: Json<'_>) -> Truth {
    let super::parse::Value::Text(wanted) = value else { return Truth::No };
    let same = |wanted: f64, is: f64| (wanted - is).abs() < f64::EPSILON;
    let numbers = wanted.parse().ok().zip(text.parse().ok()).filter(|_| json.kind() == JsonType::Number);
    Truth::of(numbers.is_some_and(|(wanted, is)| same(wanted, is)))
}

fn compare(comparison: Comparison, number: &str, json: Json<'_>) -> Truth {
    if json.kind() != JsonType::Number {
        return Truth::No;
    }
    let (Ok(is), Ok(wanted)) = (json.as_str().parse::<f64>(), number.parse::<f64>()) else { return Truth::Maybe };
    Truth::of(match comparison {
        Comparison::Less => is < wanted,
        Comparison::AtMost => is <= wanted,
        Comparison::More => is > wanted,
        Comparison::AtLeast => is >= wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{
        "eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "eventName": "DisableKey", "readOnly": false,
        "userIdentity": {"type": "IAMUser", "invokedBy": null}, "resources": [{"ARN": "arn:aws:kms:eu-central-1:1:key/a"}],
        "requestParameters": {"pendingWindowInDays": 7, "odd": {"a": 1}}, "eventType": "AwsApiCall"
    }"#;

    #[track_caller]
    fn check(pattern: &str, expected: Truth) {
        let record = Record::read(RECORD).unwrap();
        assert_eq!(Pattern::parse(pattern).unwrap().lets_through(&record), expected, "{pattern}");
    }

    #[test]
    fn conditions_are_tried_on_what_the_record_has() {
        for yes in [
            "{ ($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }",
            "{ $.eventName = Disable* && $.userIdentity.type = \"IAMUser\" && $.eventType != \"AwsServiceEvent\" }",
            "{ $.errorCode NOT EXISTS && $.userIdentity.invokedBy IS NULL && $.readOnly IS FALSE }",
            "{ $.resources[0].ARN = \"*:key/a\" }",
            "{ $.requestParameters.pendingWindowInDays < 8 && $.requestParameters.pendingWindowInDays >= 7 }",
            "{ $.requestParameters.pendingWindowInDays = 7.0 }",
            "{ $.eventName = %Key% }",
        ] {
            check(yes, Truth::Yes);
        }
        for no in [
            "{ $.eventName = ScheduleKeyDeletion }",
            "{ $.eventName != DisableKey }",
            // A known fault of published filters: a text is never equal to a flag.
            "{ $.readOnly = \"false\" }",
            "{ $.readOnly IS TRUE }",
            "{ $.errorCode = \"*UnauthorizedOperation\" }",
            "{ $.userIdentity.invokedBy NOT EXISTS }",
            "{ $.requestParameters.pendingWindowInDays > 7 }",
            "{ $.requestParameters.odd = * }",
            "{ $.eventName > 1 }",
        ] {
            check(no, Truth::No);
        }
        for maybe in ["{ $.errorCode != AccessDenied }", "{ $.eventName = %^D.*% }", "{ $.readOnly != \"true\" }"] {
            check(maybe, Truth::Maybe);
        }
    }
}
