//! From a failed condition or a denying statement to a refusal in people's words.

use super::requests::CLOUDTRAIL;
use super::{Cause, Doubt, Preflight, Refusal};
use crate::ids::Arn;
use crate::policy::cloudtrail_accounts;
use crate::policy::document::{PolicyDocument, PrincipalElement, Principals};
use crate::policy::evaluate::{
    AccessDecision, Denial, Failure, Layers, Named, NearMiss, Request, StatementPlace, evaluate, glob,
};

/// Versions of TLS that a service of AWS may use today (AWS refuses older ones everywhere).
const TLS_VERSIONS: [&str; 2] = ["1.2", "1.3"];

/// Judges a request under the policy of its resource. Which TLS version CloudTrail uses is not told, so that an answer
/// counts if every version gives it.
pub(super) fn judge(request: &Request, policy: Named) -> AccessDecision {
    let verdict = |request: &Request| evaluate(request, &Layers { resource: Some(policy), ..Layers::default() });
    if !asks_for_tls(policy.document) {
        return verdict(request);
    }
    let with = |version: &str| {
        let context = request.context.clone().with("s3:TlsVersion", version);
        verdict(&Request { context, ..request.clone() })
    };
    let [older, newer] = TLS_VERSIONS.map(with);
    let differ = older.is_allowed() != newer.is_allowed() || older.is_denied() != newer.is_denied();
    if differ {
        return AccessDecision::Unknown { why: vec!["which version of TLS CloudTrail uses is not known".into()] };
    }
    older
}

fn asks_for_tls(document: &PolicyDocument) -> bool {
    let keys = document.statements.iter().flat_map(|s| s.condition.values()).flat_map(|by_key| by_key.keys());
    keys.into_iter().any(|key| key.eq_ignore_ascii_case("s3:TlsVersion"))
}

/// Takes a verdict into the result; `explain` turns a denial into a refusal.
pub(super) fn record(
    result: &mut Preflight,
    document: &str,
    request: &Request,
    verdict: AccessDecision,
    explain: impl FnOnce(Denial) -> Refusal,
) {
    match verdict {
        AccessDecision::Allowed { .. } => {}
        AccessDecision::Denied(denial) => result.refuse(explain(denial)),
        AccessDecision::Unknown { why } => result.doubt(Doubt {
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
        denied: false,
        key: None,
        has: None,
        needs: None,
        message: String::new(),
        help: String::new(),
    }
}

/// Says that a statement denies the request.
pub(super) fn denied_by(place: StatementPlace, code: &'static str, document: &str, request: &Request) -> Refusal {
    let message = format!("{place} denies {} to CloudTrail on {}", request.action, request.resource);
    let help = "let the statement leave AWS services out, for example with Bool aws:PrincipalIsAWSService false".into();
    let base = refusal(Cause::DeniedByStatement, code, document, request);
    Refusal { statement: Some(place), denied: true, message, help, ..base }
}

/// Returns the statement that is meant for CloudTrail and right but for its conditions. A statement for anyone is not:
/// to loosen its conditions would open it to the world.
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

/// Explains a statement that names CloudTrail by its old accounts, where there is one that covers the request
/// otherwise.
pub(super) fn outdated(
    misses: &[NearMiss],
    policy: &PolicyDocument,
    trail: &Arn,
    code: &'static str,
    document: &str,
    request: &Request,
) -> Option<Refusal> {
    let only_principal = |miss: &&NearMiss| matches!(miss.failures.as_slice(), [Failure::Principal { .. }]);
    let named = |miss: &NearMiss| {
        let regions = policy.statements.get(miss.place.index).map(cloudtrail_accounts::regions)?;
        (!regions.is_empty()).then(|| (miss.place.clone(), regions.join(", ")))
    };
    let (place, regions) = misses.iter().filter(only_principal).find_map(named)?;
    Some(Refusal {
        message: format!(
            "{place} allows {} to the accounts that CloudTrail had before its service principal, an outdated form that \
             works for {regions} only: a trail of all regions is refused in the others",
            request.action
        ),
        help: format!("put {CLOUDTRAIL} in their place, with StringEquals aws:SourceArn {trail}"),
        statement: Some(place),
        key: Some("Principal".into()),
        has: Some(format!("CloudTrail's accounts of {regions}")),
        needs: Some(CLOUDTRAIL.into()),
        ..refusal(Cause::OutdatedPrincipals, code, document, request)
    })
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
