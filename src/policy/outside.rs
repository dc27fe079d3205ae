//! Whether a statement lets somebody in from outside the organization, judged by its own words.

use std::collections::BTreeSet;

use super::document::{Effect, PrincipalElement, Principals, Statement};
use crate::ids::{AccountId, Arn, OrganizationId};

/// Condition keys that name the account or organization of the caller, in lower case.
const CALLER_KEYS: [&str; 6] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "kms:calleraccount",
];

/// Condition keys that tie a request to a network or a resource of somebody known.
const PLACE_KEYS: [&str; 4] = ["aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceorgid"];

/// Says whom an Allow statement lets in who is in none of the known accounts; nothing if nobody, or if only AWS could
/// tell (a unique id, a canonical user).
pub fn outside_principal(
    statement: &Statement,
    organization: &OrganizationId,
    known: &BTreeSet<AccountId>,
) -> Option<String> {
    if statement.effect == Effect::Deny {
        return None;
    }
    match statement.principal.as_ref()? {
        PrincipalElement::IsNot(_) => Some("everybody but the listed principals".into()),
        PrincipalElement::Is(Principals::Anyone) => anyone(statement, organization, known),
        PrincipalElement::Is(Principals::Listed(by_kind)) => {
            by_kind.get("AWS")?.iter().find_map(|name| match name.as_str() {
                "*" => anyone(statement, organization, known),
                name => account_of(name).filter(|id| !known.contains(id)).map(|_| name.to_owned()),
            })
        }
    }
}

fn account_of(name: &str) -> Option<AccountId> {
    let arn = name.parse::<Arn>().ok();
    arn.as_ref().map_or(name, Arn::account).parse().ok()
}

fn anyone(statement: &Statement, organization: &OrganizationId, known: &BTreeSet<AccountId>) -> Option<String> {
    let restricted = statement.condition.iter().any(|(operator, by_key)| {
        is_positive(operator)
            && by_key.iter().any(|(key, values)| {
                let key = key.to_ascii_lowercase();
                let names_known = |value: &String| is_known(value, organization, known);
                (CALLER_KEYS.contains(&key.as_str()) && values.iter().all(names_known))
                    || (PLACE_KEYS.contains(&key.as_str()) && values.iter().all(|value| !value.starts_with('*')))
            })
    });
    (!restricted).then(|| "anybody".into())
}

/// An operator that holds only where the key is there and has one of the values.
fn is_positive(operator: &str) -> bool {
    let name = operator.rsplit(':').next().unwrap_or(operator);
    ["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"].contains(&name)
        && !operator.starts_with("ForAllValues:")
}

fn is_known(value: &str, organization: &OrganizationId, known: &BTreeSet<AccountId>) -> bool {
    value == organization.as_str()
        || value.starts_with(&format!("{organization}/"))
        || account_of(value).is_some_and(|id| known.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyDocument;

    fn lets_in(principal: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*","Condition":{condition}}}]}}"#
        );
        let document = PolicyDocument::parse(&text).unwrap();
        let known = BTreeSet::from(["111111111111".parse().unwrap()]);
        outside_principal(&document.statements[0], &"o-exampleorgid".parse().unwrap(), &known).is_some()
    }

    #[test]
    fn outsiders_are_noticed() {
        for (principal, condition) in [
            (r#""*""#, "{}"),
            (r#"{"AWS":"*"}"#, r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
            (r#"{"AWS":["111111111111","999999999999"]}"#, "{}"),
            (r#"{"AWS":"arn:aws:iam::999999999999:role/x"}"#, "{}"),
            (r#""*""#, r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#),
            (r#""*""#, r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-someoneelse"}}"#),
            (r#""*""#, r#"{"StringLike":{"aws:PrincipalArn":"*"}}"#),
        ] {
            assert!(lets_in(principal, condition), "{principal} {condition}");
        }
    }

    #[test]
    fn the_organization_and_services_are_no_outsiders() {
        for (principal, condition) in [
            (r#"{"AWS":"111111111111"}"#, "{}"),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, "{}"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#),
            (r#""*""#, r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/r-1/*"}}"#),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}"#),
            (r#""*""#, r#"{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#),
        ] {
            assert!(!lets_in(principal, condition), "{principal} {condition}");
        }
    }
}
