//! The normal form of a policy: two documents that mean the same have the same one.
//!
//! AWS gives back what it was sent in other words: a list of one as a string, an account id as the ARN of its root, a
//! role's ARN as its unique id. None of these is drift. What changes who may do what always is.

use std::collections::BTreeMap;

use super::document::{ActionElement, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement};
use crate::ids::AccountId;

/// Other names of principals: the unique id of a role or user (`AROA…`) -> its ARN.
pub type Aliases = BTreeMap<String, String>;

/// The normal form of one statement. `Sid` has no meaning and is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanonicalStatement(String);

/// The normal form of a document: its statements as a sorted set, and whether policy variables are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalPolicy {
    variables: bool,
    statements: Vec<CanonicalStatement>,
}

/// Tells whether two documents mean the same.
pub fn same_meaning(one: &PolicyDocument, other: &PolicyDocument, aliases: &Aliases) -> bool {
    one == other || canonical(one, aliases) == canonical(other, aliases)
}

/// Returns the normal form of a document.
pub fn canonical(document: &PolicyDocument, aliases: &Aliases) -> CanonicalPolicy {
    let mut statements: Vec<_> = document.statements.iter().map(|s| canonical_statement(s, aliases)).collect();
    statements.sort();
    statements.dedup();
    // The version only decides whether `${…}` is a variable or plain text, so it means nothing where there is none.
    let has_variable = statements.iter().any(|s| s.0.contains("${"));
    let variables = has_variable && document.version.as_deref() == Some("2012-10-17");
    CanonicalPolicy { variables, statements }
}

/// Returns the normal form of one statement.
pub fn canonical_statement(statement: &Statement, aliases: &Aliases) -> CanonicalStatement {
    let Statement { sid: _, effect, principal, action, resource, condition } = statement;
    let (action_name, actions) = match action {
        ActionElement::Is(list) => ("Action", list),
        ActionElement::IsNot(list) => ("NotAction", list),
    };
    let mut text = format!("{}\n", effect.as_str());
    if let Some(principal) = principal {
        text.push_str(&canonical_principal(principal, aliases));
    }
    // Action names are compared without case (IAM user guide, "Action").
    push(&mut text, action_name, normal_set(actions.iter().map(|a| a.to_ascii_lowercase())));
    match resource {
        Some(ResourceElement::Is(list)) => push(&mut text, "Resource", normal_set(list.iter().cloned())),
        Some(ResourceElement::IsNot(list)) => push(&mut text, "NotResource", normal_set(list.iter().cloned())),
        None => {}
    }
    for (operator, by_key) in canonical_condition(condition, aliases) {
        for (key, values) in by_key {
            push(&mut text, &format!("{operator} {key}"), values);
        }
    }
    CanonicalStatement(text)
}

/// Appends one element, unambiguously: values are written as JSON strings.
fn push(text: &mut String, name: &str, values: Vec<String>) {
    text.push_str(name);
    for value in values {
        text.push_str(&format!(" {value:?}"));
    }
    text.push('\n');
}

/// Sorts and removes repetitions; beside `*` nothing else matters.
fn normal_set(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = values.collect();
    if list.iter().any(|v| v == "*") {
        return vec!["*".into()];
    }
    list.sort();
    list.dedup();
    list
}

fn canonical_principal(principal: &PrincipalElement, aliases: &Aliases) -> String {
    let (name, who) = match principal {
        PrincipalElement::Is(who) => ("Principal", who),
        PrincipalElement::IsNot(who) => ("NotPrincipal", who),
    };
    let mut text = String::new();
    match who {
        Principals::Anyone => push(&mut text, &format!("{name} AWS"), vec!["*".into()]),
        Principals::Listed(by_kind) => {
            for (kind, list) in by_kind {
                push(&mut text, &format!("{name} {kind}"), normal_set(list.iter().map(|v| canonical_name(v, aliases))));
            }
        }
    }
    text
}

/// The ARN of an account's root, whose partition is that of the policy, is the account; a unique id is the ARN that it
/// stands for.
fn canonical_name(value: &str, aliases: &Aliases) -> String {
    if let Some(account) = account_of_root(value) {
        return account.to_owned();
    }
    aliases.get(value).cloned().unwrap_or_else(|| value.to_owned())
}

/// Returns the account that a principal names as a whole: `111111111111`, or its root's ARN in any partition. A
/// principal of another partition does not exist, so that the partition tells nothing.
pub fn account_of_root(principal: &str) -> Option<&str> {
    let parts = principal.strip_prefix("arn:aws").and_then(|rest| rest.strip_suffix(":root")?.split_once(":iam::"));
    let account = parts.map_or(principal, |(_, account)| account);
    account.parse::<AccountId>().ok().map(|_| account)
}

/// Condition keys are compared without case (IAM user guide, "Condition"); operators are not, values are not but for
/// booleans. An operator or key without effect on the result is kept: it is not ours to judge here.
fn canonical_condition(
    condition: &BTreeMap<String, BTreeMap<String, Vec<String>>>,
    aliases: &Aliases,
) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut normal: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (operator, by_key) in condition {
        let is_bool = operator.contains("Bool") || operator.contains("Null");
        let entry = normal.entry(operator.clone()).or_default();
        for (key, values) in by_key {
            let value = |v: &String| if is_bool { v.to_ascii_lowercase() } else { alias_only(v, aliases) };
            let mut list: Vec<String> = values.iter().map(value).collect();
            list.sort();
            list.dedup();
            // The same key in two spellings are two conditions, both of which must hold.
            let mut name = lowercase_service_key(key);
            while entry.contains_key(&name) {
                name.push('+');
            }
            entry.insert(name, list);
        }
    }
    normal
}

fn alias_only(value: &str, aliases: &Aliases) -> String {
    aliases.get(value).cloned().unwrap_or_else(|| value.to_owned())
}

/// Lowers the key's name, but not what follows a tag key's slash, which keeps its case.
fn lowercase_service_key(key: &str) -> String {
    match key.split_once('/') {
        Some((name, tag)) => format!("{}/{tag}", name.to_ascii_lowercase()),
        None => key.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let read =
            |text: &str| PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#)).unwrap();
        let aliases = Aliases::from([("AROAEXAMPLE".to_owned(), "arn:aws:iam::111111111111:role/a".to_owned())]);
        same_meaning(&read(one), &read(other), &aliases)
    }

    #[test]
    fn another_rendering_is_the_same() {
        let cases = [
            (r#"{"Effect":"Allow","Action":"s3:Get*"}"#, r#"{"Sid":"x","Effect":"Allow","Action":["S3:get*"]}"#),
            (
                r#"{"Effect":"Allow","Action":["a:B","a:A"],"Resource":"r"}"#,
                r#"{"Effect":"Allow","Action":["a:A","a:B","a:A"],"Resource":["r"]}"#,
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"*"}"#,
                r#"{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["*","a:B"]}"#,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"*"}"#,
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"*"}"#,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLE"},"Action":"*"}"#,
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/a"},"Action":"*"}"#,
            ),
            (
                r#"{"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}"#,
                r#"{"Effect":"Deny","Action":"*","Condition":{"Bool":{"AWS:securetransport":["False"]}}}"#,
            ),
        ];
        for (one, other) in cases {
            assert!(same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn another_meaning_is_not_the_same() {
        let cases = [
            (r#"{"Effect":"Allow","Action":"a:B"}"#, r#"{"Effect":"Deny","Action":"a:B"}"#),
            (r#"{"Effect":"Allow","Action":"a:B"}"#, r#"{"Effect":"Allow","NotAction":"a:B"}"#),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"b/A"}"#,
                r#"{"Effect":"Allow","Action":"*","Resource":"b/a"}"#,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"k":"v"}}}"#,
                r#"{"Effect":"Allow","Action":"*","Condition":{"StringLike":{"k":"v"}}}"#,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"v"}}}"#,
                r#"{"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"v"}}}"#,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"k":"v"}}}"#,
                r#"{"Effect":"Allow","Action":"*"}"#,
            ),
        ];
        for (one, other) in cases {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_version_matters_only_with_variables() {
        let read = |version: &str, resource: &str| {
            PolicyDocument::parse(&format!(
                r#"{{{version}"Statement":[{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}]}}"#
            ))
            .unwrap()
        };
        let new = r#""Version":"2012-10-17","#;
        let none = Aliases::new();
        assert!(same_meaning(&read(new, "b/x"), &read("", "b/x"), &none));
        assert!(!same_meaning(&read(new, "b/${aws:username}"), &read("", "b/${aws:username}"), &none));
    }
}
