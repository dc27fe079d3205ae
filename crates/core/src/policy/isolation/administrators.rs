//! Who can become a role: the accounts, organizations, providers and services that its trust policy lets in.

use std::fmt;

use super::reach::{demanded, demanded_by};
use crate::ids::{AccountId, Arn};
use crate::policy::PolicyDocument;
use crate::policy::document::{Effect, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::covers_action;
use crate::policy::lint::is_demanding;

/// One way into a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Principals of an account.
    Account {
        /// The account.
        account: AccountId,
        /// The principal as the policy names it: an ARN, or the account itself.
        principal: String,
    },
    /// Any principal of any account of an organization, or of a part of one.
    Organization(String),
    /// Anyone at all.
    Anyone,
    /// Whoever signs in with a SAML provider of the account.
    Saml(String),
    /// Subjects of an OIDC provider that the policy names.
    Oidc {
        /// The provider.
        provider: String,
        /// The subjects, as the policy writes them.
        subjects: Vec<String>,
    },
    /// Any subject of an OIDC provider: any repository, any user of it.
    AnySubject(String),
    /// A service of AWS, which acts for whoever passes the role to it.
    Service(String),
    /// Something that is not understood.
    Unclear(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Account { account, principal } if principal == account.as_str() || principal.ends_with(":root") => {
                write!(f, "account {account}")
            }
            Way::Account { principal, .. } => f.write_str(principal),
            Way::Organization(id) => write!(f, "any account of {id}"),
            Way::Anyone => f.write_str("anyone"),
            Way::Saml(provider) => write!(f, "whoever signs in with {provider}"),
            Way::Oidc { provider, subjects } => write!(f, "{} of {provider}", subjects.join(", ")),
            Way::AnySubject(provider) => write!(f, "any subject of {provider}"),
            Way::Service(name) => f.write_str(name),
            Way::Unclear(what) => f.write_str(what),
        }
    }
}

const ASSUMES: [&str; 3] = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// Providers of web identities that IAM knows without an entry of the account (IAM user guide, "OIDC federation").
const KNOWN_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// Returns all ways into a role, sorted, each once, with the number of the statement that opens it. A Deny is not
/// counted for closing one.
pub fn ways_in(trust: &PolicyDocument) -> Vec<(Way, usize)> {
    let mut ways: Vec<(Way, usize)> = Vec::new();
    for (index, statement) in trust.statements.iter().enumerate() {
        let opens = statement.effect == Effect::Allow && ASSUMES.iter().any(|action| covers_action(statement, action));
        if opens {
            ways.extend(of_statement(statement).into_iter().map(|way| (way, index)));
        }
    }
    ways.sort();
    ways.dedup_by(|one, other| one.0 == other.0);
    ways
}

fn of_statement(statement: &Statement) -> Vec<Way> {
    match &statement.principal {
        Some(PrincipalElement::Is(Principals::Anyone)) => confined(statement),
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            let all = by_kind.iter().flat_map(|(kind, list)| list.iter().map(move |value| (kind.as_str(), value)));
            all.flat_map(|(kind, value)| of_principal(statement, kind, value)).collect()
        }
        Some(PrincipalElement::IsNot(_)) => vec![Way::Anyone],
        None => Vec::new(),
    }
}

fn of_principal(statement: &Statement, kind: &str, value: &str) -> Vec<Way> {
    match kind {
        "AWS" if value == "*" => confined(statement),
        "AWS" => aws(value).into_iter().collect(),
        "Service" => vec![Way::Service(value.to_owned())],
        "Federated" => vec![federated(statement, value)],
        _ => vec![Way::Unclear(value.to_owned())],
    }
}

/// Reads the principal of an account. A unique id in place of an ARN is a principal that has been deleted: nobody.
fn aws(value: &str) -> Option<Way> {
    let principal = value.to_owned();
    if let Ok(account) = value.parse() {
        return Some(Way::Account { account, principal });
    }
    match value.parse::<Arn>() {
        Ok(arn) => match arn.account().parse() {
            Ok(account) => Some(Way::Account { account, principal }),
            Err(_) => Some(Way::Unclear(principal)),
        },
        Err(_) if value.starts_with('A') && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => None,
        Err(_) => Some(Way::Unclear(principal)),
    }
}

/// Returns whom a statement for everybody lets in, by its conditions. Each that is met only by some is enough.
fn confined(statement: &Statement) -> Vec<Way> {
    let by_account = demanded(statement, "aws:PrincipalAccount").find_map(|values| all(values, aws));
    // `StringLike` reads over the colons: only what stands before its first wildcard is sure.
    let by_arn = || {
        demanded_by(statement, "aws:PrincipalArn").find_map(|(operator, values)| {
            let by_field = operator.contains("Arn");
            all(values, |value| account_of_pattern(value, by_field))
        })
    };
    let by_organization = || {
        let ids =
            demanded(statement, "aws:PrincipalOrgID").find(|values| values.iter().all(|v| !v.contains(['*', '?'])));
        let path = || {
            let begins = |value: &String| {
                value.starts_with("o-") && value.split_once('/').is_some_and(|(id, _)| !id.contains(['*', '?']))
            };
            demanded(statement, "aws:PrincipalOrgPaths").find(|values| values.iter().all(begins))
        };
        ids.or_else(path).map(|values| values.iter().cloned().map(Way::Organization).collect())
    };
    let by_management = || {
        let is_account = |value: &String| value.parse::<AccountId>().is_ok();
        let mut lists = demanded(statement, "aws:PrincipalOrgMasterAccountId");
        let values = lists.find(|values| values.iter().all(is_account))?;
        let organization = |value| Way::Organization(format!("the organization that {value} manages"));
        Some(values.iter().map(organization).collect())
    };
    by_account.or_else(by_arn).or_else(by_organization).or_else(by_management).unwrap_or_else(|| vec![Way::Anyone])
}

fn all(values: &[String], read: impl Fn(&str) -> Option<Way>) -> Option<Vec<Way>> {
    let ways: Option<Vec<Way>> = values.iter().map(|value| read(value)).collect();
    ways.filter(|ways| !ways.is_empty() && ways.iter().all(|way| matches!(way, Way::Account { .. })))
}

fn account_of_pattern(pattern: &str, by_field: bool) -> Option<Way> {
    let fixed = pattern.find(['*', '?', '$']).map_or(pattern, |end| &pattern[..end]);
    let account = pattern.split(':').nth(4)?.parse().ok()?;
    if !by_field && fixed.split(':').count() < 6 {
        return None;
    }
    Some(Way::Account { account, principal: pattern.to_owned() })
}

fn federated(statement: &Statement, value: &str) -> Way {
    if value.contains(":saml-provider/") {
        return Way::Saml(value.to_owned());
    }
    let provider = value.split_once(":oidc-provider/").map(|(_, host)| host);
    let Some(provider) = provider.or_else(|| KNOWN_PROVIDERS.into_iter().find(|known| *known == value)) else {
        return Way::Unclear(value.to_owned());
    };
    let subjects = subjects(statement);
    if subjects.is_empty() {
        return Way::AnySubject(provider.to_owned());
    }
    Way::Oidc { provider: provider.to_owned(), subjects }
}

/// The claims that say who somebody is, by the end of the condition key.
const WHO: [&str; 6] =
    [":sub", ":repository", ":repository_id", ":repository_owner", ":repository_owner_id", ":job_workflow_ref"];

/// Returns the subjects that a statement demands; none where it demands none, or a pattern that strangers can meet.
fn subjects(statement: &Statement) -> Vec<String> {
    let lines = statement.condition.iter().filter(|(operator, _)| is_demanding(operator));
    let claims = lines.flat_map(|(operator, by_key)| by_key.iter().map(move |(key, values)| (operator, key, values)));
    let who = claims.filter(|(_, key, _)| {
        let key = key.to_ascii_lowercase();
        WHO.iter().any(|end| key.ends_with(end))
    });
    let bound = |operator: &str, value: &str| {
        let literal = !operator.contains("Like") && !operator.contains("Arn");
        // A variable can stand for whatever the subject brings with it.
        !value.is_empty() && !value.contains("${") && (literal || is_bound(value))
    };
    for (operator, _, values) in who {
        if !values.is_empty() && values.iter().all(|value| bound(operator, value)) {
            return values.clone();
        }
    }
    Vec::new()
}

/// Tells whether a pattern names an owner to its end: `repo:acme/*` does, `repo:acme*` is met by `repo:acme-evil/x`
/// too.
fn is_bound(pattern: &str) -> bool {
    let Some(end) = pattern.find(['*', '?']) else { return true };
    let fixed = &pattern[..end];
    let owner = fixed.strip_prefix("system:serviceaccount:").unwrap_or_else(|| match fixed.split_once(':') {
        Some((_, rest)) if !fixed.starts_with('{') => rest,
        _ => fixed,
    });
    owner.find(['/', ':']).is_some_and(|at| at > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(principal: &str, condition: &str) -> Vec<String> {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":["sts:AssumeRole","sts:AssumeRoleWithWebIdentity","sts:AssumeRoleWithSAML"],"Condition":{{{condition}}}}}]}}"#
        );
        let document = PolicyDocument::parse(&text).unwrap();
        ways_in(&document).into_iter().map(|(way, _)| way.to_string()).collect()
    }

    #[test]
    fn accounts_and_everybody() {
        let cases: [(&str, &str, &[&str]); 16] = [
            (r#"{"AWS":"arn:aws:iam::111111111111:root"}"#, "", &["account 111111111111"]),
            (r#"{"AWS":["111111111111","AROAEXAMPLEID"]}"#, "", &["account 111111111111"]),
            (r#"{"AWS":"arn:aws:iam::999999999999:role/x"}"#, "", &["arn:aws:iam::999999999999:role/x"]),
            (r#""*""#, "", &["anyone"]),
            (r#"{"AWS":"*"}"#, r#""StringEquals":{"sts:ExternalId":"x"}"#, &["anyone"]),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#, &["any account of o-exampleorgid"]),
            (
                r#""*""#,
                r#""StringEquals":{"aws:PrincipalOrgMasterAccountId":"111111111111"}"#,
                &["any account of the organization that 111111111111 manages"],
            ),
            (r#""*""#, r#""StringLike":{"aws:PrincipalOrgID":"o-*"}"#, &["anyone"]),
            (r#""*""#, r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}"#, &["anyone"]),
            (r#""*""#, r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#, &["account 111111111111"]),
            (
                r#""*""#,
                r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/x*"}"#,
                &["arn:aws:iam::111111111111:role/x*"],
            ),
            (r#""*""#, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}"#, &["anyone"]),
            // Over the colons, a role whose path has this text follows it too.
            (r#""*""#, r#""StringLike":{"aws:PrincipalArn":"arn:*:iam::111111111111:role/x"}"#, &["anyone"]),
            (
                r#""*""#,
                r#""StringLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/x*"}"#,
                &["arn:aws:iam::111111111111:role/x*"],
            ),
            (
                r#""*""#,
                r#""ArnLike":{"aws:PrincipalArn":"arn:*:iam::111111111111:role/x"}"#,
                &["arn:*:iam::111111111111:role/x"],
            ),
            (r#"{"Service":"ec2.amazonaws.com"}"#, "", &["ec2.amazonaws.com"]),
        ];
        for (principal, condition, expected) in cases {
            assert_eq!(ways(principal, condition), expected, "{principal} {condition}");
        }
    }

    #[test]
    fn a_provider_lets_in_whom_the_subject_names() {
        const GITHUB: &str =
            r#"{"Federated":"arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"}"#;
        let sub = |operator: &str, value: &str| {
            format!(r#""{operator}":{{"token.actions.githubusercontent.com:sub":"{value}"}}"#)
        };
        for bound in [
            sub("StringEquals", "repo:acme/infra:ref:refs/heads/main"),
            sub("StringLike", "repo:acme/*"),
            sub("StringLike", "repo:acme/infra:*"),
            sub("ForAnyValue:StringLike", "repo:acme/infra:*"),
        ] {
            assert!(ways(GITHUB, &bound)[0].starts_with("repo:acme/"), "{bound}");
        }
        let audience = r#""StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}"#;
        for open in [
            String::new(),
            audience.to_owned(),
            sub("StringLike", "*"),
            sub("StringLike", "repo:*"),
            sub("StringLike", "repo:acme*"),
            // It meets itself, whoever comes.
            sub("StringEquals", "${token.actions.githubusercontent.com:sub}"),
            sub("StringLike", "repo:${token.actions.githubusercontent.com:repository_owner}/infra:*"),
            sub("StringLikeIfExists", "repo:acme/*"),
            sub("ForAllValues:StringLike", "repo:acme/*"),
            sub("StringNotEquals", "repo:evil/x"),
        ] {
            assert_eq!(ways(GITHUB, &open), ["any subject of token.actions.githubusercontent.com"], "{open}");
        }
        assert_eq!(ways(r#"{"Federated":"accounts.google.com"}"#, ""), ["any subject of accounts.google.com"]);
        let saml = r#"{"Federated":"arn:aws:iam::222222222222:saml-provider/AWSSSO_x"}"#;
        assert_eq!(ways(saml, ""), ["whoever signs in with arn:aws:iam::222222222222:saml-provider/AWSSSO_x"]);
        let mut two = sub("StringLike", "repo:acme/*");
        two = two.replace("repo:acme/*\"", "repo:acme/*\",\"x\":\"y\"");
        assert!(!ways(GITHUB, &two).is_empty());
    }

    #[test]
    fn pods_and_groups_are_bound_by_their_names() {
        for (pattern, bound) in [
            ("system:serviceaccount:logs:*", true),
            ("system:serviceaccount:*", false),
            ("project_path:acme/*", true),
            ("project_path:acme*", false),
            ("organization:acme:project:*", true),
            ("organization:*", false),
            ("exact", true),
        ] {
            assert_eq!(is_bound(pattern), bound, "{pattern}");
        }
    }
}
