//! Whether a statement opens something to somebody outside the organization.

use std::collections::BTreeSet;

use crate::ids::{AccountId, Arn, OrganizationId};
use crate::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::load_balancers::deliver_with;

/// What a statement gives to somebody outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideGrant {
    /// Who gets it: a principal as the policy names it, or `anyone`.
    pub principal: String,
    /// What may be done.
    pub action: String,
    /// To what.
    pub resource: String,
}

/// Who is not outside.
#[derive(Debug, Clone, Copy)]
struct Inside<'a> {
    organization_id: Option<&'a OrganizationId>,
    known_accounts: &'a BTreeSet<AccountId>,
    trusted: &'a [String],
}

/// Returns what an allow statement gives to a principal outside the organization, if it gives anything.
///
/// Inside are the accounts of `known_accounts` and what `trusted` names: accounts, or principals as policies write
/// them. A condition that holds only for the organization or for such accounts confines the statement; network
/// conditions, `…IfExists` and `ForAllValues:` do not, because strangers can meet them. AWS services are nobody's
/// outside: whether they act for strangers is the question of the missing source condition.
pub fn outside_grants(
    statement: &Statement,
    organization_id: Option<&OrganizationId>,
    known_accounts: &BTreeSet<AccountId>,
    trusted: &[String],
) -> Option<OutsideGrant> {
    let inside = Inside { organization_id, known_accounts, trusted };
    let is_delivery = || deliver_with(statement, known_accounts);
    if statement.effect == Effect::Deny || inside.confines(statement) || is_delivery() {
        return None;
    }
    let principal = match statement.principal.as_ref()? {
        PrincipalElement::Is(Principals::Anyone) => "anyone".to_owned(),
        PrincipalElement::Is(Principals::Listed(by_kind)) => {
            let mut all = by_kind.iter().flat_map(|(kind, list)| list.iter().map(move |value| (kind.as_str(), value)));
            let (_, outsider) = all.find(|(kind, value)| !inside.has_principal(kind, value))?;
            if outsider == "*" { "anyone".to_owned() } else { outsider.clone() }
        }
        PrincipalElement::IsNot(_) => "anyone but the listed principals".to_owned(),
    };
    let (action, resource) = (actions_of(statement), resources_of(statement));
    Some(OutsideGrant { principal, action, resource })
}

/// Returns the actions of a statement in one line.
pub(super) fn actions_of(statement: &Statement) -> String {
    match &statement.action {
        ActionElement::Is(list) => list.join(", "),
        ActionElement::IsNot(list) => format!("everything but {}", list.join(", ")),
    }
}

fn resources_of(statement: &Statement) -> String {
    match &statement.resource {
        Some(ResourceElement::Is(list)) => list.join(", "),
        Some(ResourceElement::IsNot(list)) => format!("everything but {}", list.join(", ")),
        None => "the resource itself".to_owned(),
    }
}

/// Tells whether an operator can only hold for a request that has the key with a fitting value.
pub fn is_demanding(operator: &str) -> bool {
    let base = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
    matches!(base, "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike")
}

impl Inside<'_> {
    fn has_account(&self, text: &str) -> bool {
        text.parse().is_ok_and(|account: AccountId| self.known_accounts.contains(&account))
            || self.trusted.iter().any(|trusted| trusted == text || root_account(trusted) == Some(text))
    }

    fn has_principal(&self, kind: &str, value: &str) -> bool {
        if kind == "Service" || self.trusted.iter().any(|trusted| trusted == value) {
            return true;
        }
        // A unique id in place of an ARN is a principal that has been deleted: nobody.
        let is_deleted = kind == "AWS" && value.starts_with('A') && value.bytes().all(|b| b.is_ascii_alphanumeric());
        is_deleted || self.has_account(value) || account_of(value).is_some_and(|account| self.has_account(&account))
    }

    /// Tells whether one of the conditions, all of which must hold, holds only for insiders.
    fn confines(&self, statement: &Statement) -> bool {
        let lines = statement.condition.iter().filter(|(operator, _)| is_demanding(operator));
        let mut keys = lines.flat_map(|(_, by_key)| by_key);
        keys.any(|(key, values)| !values.is_empty() && values.iter().all(|value| self.value_is_inside(key, value)))
    }

    fn value_is_inside(&self, key: &str, value: &str) -> bool {
        let organization = self.organization_id.map(OrganizationId::as_str);
        match key.to_ascii_lowercase().as_str() {
            "aws:principalorgid" | "aws:sourceorgid" => organization == Some(value),
            "aws:principalorgpaths" | "aws:sourceorgpaths" => {
                organization.is_some_and(|id| value.strip_prefix(id).is_some_and(|rest| rest.starts_with('/')))
            }
            // Of our accounts only the one that manages the organization is a value that anybody has.
            "aws:principalorgmasteraccountid" => {
                organization.is_some() && value.parse().is_ok_and(|id: AccountId| self.known_accounts.contains(&id))
            }
            "aws:principalaccount" | "aws:sourceaccount" | "aws:sourceowner" | "kms:calleraccount" => {
                self.has_account(value)
            }
            "aws:principalarn" | "aws:sourcearn" => account_of(value).is_some_and(|account| self.has_account(&account)),
            _ => false,
        }
    }
}

fn account_of(arn: &str) -> Option<String> {
    arn.parse::<Arn>().ok().map(|arn| arn.account().to_owned())
}

/// Returns the account of `arn:aws:iam::<account>:root`, by which policies name a whole account.
fn root_account(arn: &str) -> Option<&str> {
    arn.strip_suffix(":root")?.rsplit(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyDocument;

    fn outsider(statement: &str, trusted: &[&str]) -> Option<String> {
        let document = PolicyDocument::parse(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap();
        let known = BTreeSet::from(["111111111111".parse().unwrap(), "222222222222".parse().unwrap()]);
        let organization = "o-exampleorgid".parse().unwrap();
        let trusted: Vec<String> = trusted.iter().map(|text| (*text).to_owned()).collect();
        let grant = outside_grants(&document.statements[0], Some(&organization), &known, &trusted)?;
        assert_eq!((grant.action.as_str(), grant.resource.as_str()), ("s3:GetObject", "arn:aws:s3:::b/*"));
        Some(grant.principal)
    }

    fn to(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{{{condition}}}}}"#
        )
    }

    #[test]
    fn strangers_are_outside() {
        let cases = [
            (r#""*""#, "", "anyone"),
            (r#"{"AWS":["111111111111","*"]}"#, "", "anyone"),
            (r#"{"AWS":"999999999999"}"#, "", "999999999999"),
            (r#"{"AWS":"arn:aws:iam::999999999999:role/x"}"#, "", "arn:aws:iam::999999999999:role/x"),
            (r#"{"AWS":"arn:aws:iam::cloudfront:user/E1"}"#, "", "arn:aws:iam::cloudfront:user/E1"),
            (r#"{"CanonicalUser":"79a5"}"#, "", "79a5"),
            (r#"{"Federated":"accounts.google.com"}"#, "", "accounts.google.com"),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalOrgID":"o-otherorgid00"}"#, "anyone"),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalOrgID":["o-exampleorgid","o-otherorgid00"]}"#, "anyone"),
            (r#""*""#, r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}"#, "anyone"),
            (r#""*""#, r#""StringLike":{"aws:PrincipalOrgID":"o-*"}"#, "anyone"),
            (r#""*""#, r#""ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}"#, "anyone"),
            (r#""*""#, r#""StringNotEquals":{"aws:PrincipalAccount":"111111111111"}"#, "anyone"),
            (r#""*""#, r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, "anyone"),
            (r#""*""#, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}"#, "anyone"),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalAccount":"${aws:SourceAccount}"}"#, "anyone"),
        ];
        for (principal, condition, expected) in cases {
            assert_eq!(outsider(&to(principal, condition), &[]).as_deref(), Some(expected), "{principal} {condition}");
        }
        let not = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
        assert!(outsider(not, &[]).is_some());
    }

    #[test]
    fn insiders_and_the_trusted_are_not() {
        let cases = [
            (r#"{"AWS":"222222222222"}"#, ""),
            (r#"{"AWS":["arn:aws:iam::111111111111:role/x","AROAEXAMPLEID"]}"#, ""),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, ""),
            (r#"{"Federated":"arn:aws:iam::111111111111:saml-provider/x"}"#, ""),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#),
            (r#""*""#, r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/r-1/*"}"#),
            (r#"{"AWS":"*"}"#, r#""StringEquals":{"AWS:SourceOwner":"111111111111"}"#),
            (r#""*""#, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/*"}"#),
        ];
        for (principal, condition) in cases {
            assert_eq!(outsider(&to(principal, condition), &[]), None, "{principal} {condition}");
        }
        let siem = to(r#"{"AWS":"arn:aws:iam::999999999999:role/siem"}"#, "");
        assert_eq!(outsider(&siem, &["arn:aws:iam::999999999999:role/siem"]), None);
        assert_eq!(outsider(&siem, &["999999999999"]), None);
        assert_eq!(outsider(&siem, &["arn:aws:iam::999999999999:root"]), None);
        assert!(outsider(&siem, &["arn:aws:iam::999999999999:role/other"]).is_some());
        assert_eq!(outsider(&to(r#""*""#, "").replace("Allow", "Deny"), &[]), None);
    }
}
