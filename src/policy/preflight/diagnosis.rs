//! From a failed condition or a denying statement to a refusal in people's words.

use super::requests::CLOUDTRAIL;
use super::{Cause, Doubt, Preflight, Refusal};
use crate::ids::Arn;
use crate::policy::document::{PolicyDocument, PrincipalElement, Principals};
use crate::policy::evaluate::{Denial, Failure, NearMiss, Place, Request, Verdict, glob};

/// Takes a verdict into the result; `explain` turns a denial into a refusal.
pub(super) fn record(
    result: &mut Preflight,
    document: &str,
    request: &Request,
    verdict: Verdict,
    explain: impl FnOnce(Denial) -> Refusal,
) {
    match verdict {
        Verdict::Allowed { .. } => {}
        Verdict::Denied(denial) => result.refuse(explain(denial)),
        Verdict::Unknown { why } => result.doubt(Doubt {
            document: document.to_owned(),
            action: request.action.clone(),
            resource: request.resource.clone(),
            why,
        }),
    }
}

/// A refusal with what every one of them says; the caller adds what it knows better.
pub(super) fn refusal(cause: Cause, code: &'static str, document: &str, request: &Request) -> Refusal {
    Refusal {
        cause,
        code,
        document: document.to_owned(),
        action: request.action.clone(),
        resource: request.resource.clone(),
        statement: None,
        key: None,
        has: None,
        needs: None,
        message: String::new(),
        help: String::new(),
    }
}

/// Says that a statement denies the request.
pub(super) fn denied_by(place: Place, code: &'static str, document: &str, request: &Request) -> Refusal {
    let message = format!("{place} denies {} to CloudTrail on {}", request.action, request.resource);
    let help = "let the statement leave AWS services out, for example with Bool aws:PrincipalIsAWSService false".into();
    let base = refusal(Cause::DeniedByStatement, code, document, request);
    Refusal { statement: Some(place), message, help, ..base }
}

/// Returns the statement that is meant for CloudTrail and right but for its conditions. A statement for anyone is not: to
/// loosen its conditions would open it to the world.
pub(super) fn right_but_for_conditions<'m>(misses: &'m [NearMiss], policy: &PolicyDocument) -> Option<&'m NearMiss> {
    misses.iter().find(|miss| names_cloudtrail(miss, policy) && only_conditions(miss))
}

/// Tells whether a statement names CloudTrail itself.
pub(super) fn names_cloudtrail(miss: &NearMiss, policy: &PolicyDocument) -> bool {
    let principal = policy.statements.get(miss.place.index).and_then(|statement| statement.principal.as_ref());
    let Some(PrincipalElement::Is(Principals::Listed(by_kind))) = principal else { return false };
    by_kind.get("Service").is_some_and(|names| names.iter().any(|name| name == CLOUDTRAIL))
}

fn only_conditions(miss: &NearMiss) -> bool {
    miss.failures.iter().all(|failure| matches!(failure, Failure::Condition { .. }))
}

/// Explains a statement that is right but for its conditions. `fallback` is the cause of a condition that is not about
/// the source.
pub(super) fn condition(
    miss: &NearMiss,
    fallback: Cause,
    code: &'static str,
    document: &str,
    request: &Request,
) -> Refusal {
    let source = miss.failures.iter().find(|failure| is_source(failure));
    let Some(Failure::Condition { operator, key, policy, request: values }) = source.or(miss.failures.first()) else {
        return refusal(fallback, code, document, request);
    };
    let cause = if source.is_some() && fallback == Cause::ConditionDiffers { Cause::SourceDiffers } else { fallback };
    let has = policy.join(", ");
    let needs = if values.is_empty() { "no such condition".to_owned() } else { values.join(", ") };
    let message = if values.is_empty() {
        format!("{}: {operator} {key} is `{has}`, but CloudTrail sends no {key}", miss.place)
    } else {
        format!("{}: {operator} {key} is `{has}`, CloudTrail sends `{needs}`{}", miss.place, difference(policy, values))
    };
    let help = condition_help(operator, key, policy, values);
    let base = refusal(cause, code, document, request);
    Refusal {
        statement: Some(miss.place.clone()),
        key: Some(key.clone()),
        has: Some(has),
        needs: Some(needs),
        message,
        help,
        ..base
    }
}

fn is_source(failure: &Failure) -> bool {
    matches!(failure, Failure::Condition { key, .. } if key.to_ascii_lowercase().starts_with("aws:source"))
}

fn condition_help(operator: &str, key: &str, policy: &[String], values: &[String]) -> String {
    let exact = operator.contains("StringEquals") || operator.contains("StringNotEquals");
    if exact && policy.iter().any(|value| value.contains('*')) {
        return format!(
            "{operator} takes `*` as it stands; write {} instead",
            if key.ends_with("rn") { "ArnLike" } else { "StringLike" }
        );
    }
    let owner = if difference(policy, values).contains("account") && key.eq_ignore_ascii_case("aws:SourceArn") {
        "; an organization trail's ARN has the management account, whoever made the trail"
    } else {
        ""
    };
    match values {
        [] => format!("remove the condition on {key} from the statement"),
        [value] => format!("set {key} to {value}{owner}"),
        many => format!("set {key} to {}", many.join(", ")),
    }
}

/// Says in which field two ARNs differ, if both are ARNs.
fn difference(policy: &[String], values: &[String]) -> String {
    let ([policy], [value]) = (policy, values) else { return String::new() };
    let (Ok(has), Ok(needs)) = (policy.parse::<Arn>(), value.parse::<Arn>()) else { return String::new() };
    let fields = [
        ("partition", has.partition(), needs.partition()),
        ("region", has.region(), needs.region()),
        ("account", has.account(), needs.account()),
        ("name", has.resource(), needs.resource()),
    ];
    let wrong: Vec<&str> = fields.iter().filter(|(_, has, needs)| !glob(has, needs)).map(|(name, ..)| *name).collect();
    if wrong.is_empty() { String::new() } else { format!(" (another {})", wrong.join(" and ")) }
}
