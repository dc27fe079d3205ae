//! Whether a document grants no more than another: what a user's template grants, against what the compiled one would.
//!
//! A statement is covered if one statement of the other grants at least the same: to these principals, these actions,
//! on these resources, under conditions that hold whenever its own do. What the words do not show is not covered.

use std::collections::BTreeMap;

use super::document::{
    ActionElement, Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement,
};
use super::evaluate::glob;

/// What the documents are attached to, as far as it changes what covers what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// A role, as its trust policy: naming a role of an account in place of the account narrows it.
    Trust,
    /// Anything else: naming a role of an account grants it what the account's own policies would not.
    Other,
}

/// Returns the indexes of the allow statements that `base` does not cover.
pub fn beyond(document: &PolicyDocument, base: &PolicyDocument, attached: Attached) -> Vec<usize> {
    let allows = |statement: &&Statement| statement.effect == Effect::Allow;
    let covered =
        |statement: &Statement| base.statements.iter().filter(allows).any(|other| covers(other, statement, attached));
    let statements = document.statements.iter().enumerate();
    statements.filter(|(_, one)| one.effect == Effect::Allow && !covered(one)).map(|(n, _)| n).collect()
}

/// Tells whether a document grants nothing that `base` does not, and denies all that it denies.
pub fn is_within(document: &PolicyDocument, base: &PolicyDocument, attached: Attached) -> bool {
    let of = |document: &PolicyDocument| -> Vec<Statement> {
        document.statements.iter().filter(|one| one.effect == Effect::Deny).cloned().collect()
    };
    let own = of(document);
    beyond(document, base, attached).is_empty()
        && of(base).iter().all(|wanted| own.iter().any(|denied| covers(denied, wanted, attached)))
}

fn covers(base: &Statement, one: &Statement, attached: Attached) -> bool {
    principals(base.principal.as_ref(), one.principal.as_ref(), attached)
        && actions(&base.action, &one.action)
        && resources(base.resource.as_ref(), one.resource.as_ref())
        && conditions(&base.condition, &one.condition)
}

fn principals(base: Option<&PrincipalElement>, one: Option<&PrincipalElement>, attached: Attached) -> bool {
    match (base, one) {
        (None, None) => true,
        (Some(PrincipalElement::Is(base)), Some(PrincipalElement::Is(one))) => listed(base, one, attached),
        // What everybody but some may do is covered by the same only.
        (Some(base), Some(one)) => base == one,
        _ => false,
    }
}

fn listed(base: &Principals, one: &Principals, attached: Attached) -> bool {
    match (base, one) {
        (Principals::Anyone, Principals::Anyone) => true,
        (Principals::Anyone, Principals::Listed(one)) => one.keys().all(|kind| kind == "AWS"),
        (Principals::Listed(base), Principals::Anyone) => has(base, "AWS", "*", attached),
        (Principals::Listed(base), Principals::Listed(one)) => {
            let mut all = one.iter().flat_map(|(kind, list)| list.iter().map(move |value| (kind, value)));
            all.all(|(kind, value)| has(base, kind, value, attached))
        }
    }
}

fn has(base: &BTreeMap<String, Vec<String>>, kind: &str, value: &str, attached: Attached) -> bool {
    base.get(kind).is_some_and(|list| {
        list.iter().any(|other| {
            other == value || (kind == "AWS" && (other == "*" || (attached == Attached::Trust && is_of(value, other))))
        })
    })
}

/// Tells whether a principal belongs to the account whose root is named: the root stands for the account.
fn is_of(principal: &str, root: &str) -> bool {
    root.strip_suffix(":root").is_some_and(|account| {
        account.starts_with("arn:") && principal.strip_prefix(account).is_some_and(|rest| rest.starts_with(':'))
    })
}

/// Tells whether every text that the second pattern fits fits the first. A `*` of the second is met by a `*` only.
fn pattern_covers(base: &str, one: &str) -> bool {
    base == one || (glob(base, one) && !(base.contains('?') && one.contains('*')))
}

fn actions(base: &ActionElement, one: &ActionElement) -> bool {
    match (base, one) {
        (ActionElement::Is(base), ActionElement::Is(one)) => one.iter().all(|action| {
            base.iter().any(|other| pattern_covers(&other.to_ascii_lowercase(), &action.to_ascii_lowercase()))
        }),
        _ => base == one,
    }
}

fn resources(base: Option<&ResourceElement>, one: Option<&ResourceElement>) -> bool {
    match (base, one) {
        (None, None) => true,
        (Some(ResourceElement::Is(base)), Some(ResourceElement::Is(one))) => {
            one.iter().all(|resource| base.iter().any(|other| pattern_covers(other, resource)))
        }
        (Some(base), Some(one)) => base == one,
        _ => false,
    }
}

type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Tells whether every condition of `base` is one of the other too, with no more values, or, where values are kept out,
/// no fewer.
fn conditions(base: &Conditions, one: &Conditions) -> bool {
    base.iter().all(|(operator, by_key)| {
        by_key.iter().all(|(key, values)| {
            let found = find(one, operator, key);
            found.is_some_and(|found| {
                let fits = |list: &[String], value: &String| {
                    let like = operator.to_ascii_lowercase().contains("like");
                    list.iter().any(|other| other == value || (like && pattern_covers(other, value)))
                };
                match operator.contains("Not") {
                    true => values.iter().all(|value| fits(found, value)),
                    false => !found.is_empty() && found.iter().all(|value| fits(values, value)),
                }
            })
        })
    })
}

fn find<'a>(conditions: &'a Conditions, operator: &str, key: &str) -> Option<&'a Vec<String>> {
    let by_key = conditions.iter().find(|(other, _)| other.eq_ignore_ascii_case(operator))?.1;
    by_key.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, values)| values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{"Sid":"Write","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
        "Action":"s3:PutObject","Resource":["arn:aws:s3:::b/AWSLogs/111111111111/*"],
        "Condition":{"StringEquals":{"aws:SourceArn":["arn:t1","arn:t2"]}}}"#;

    fn document(statements: &str) -> PolicyDocument {
        PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    #[track_caller]
    fn check(base: &str, statement: &str, is_covered: bool) {
        let found = beyond(&document(statement), &document(base), Attached::Other);
        assert_eq!(found.is_empty(), is_covered, "{statement}");
    }

    #[test]
    fn less_of_the_same_is_covered() {
        check(BASE, BASE, true);
        check(BASE, &BASE.replace(r#""arn:t1","arn:t2""#, r#""arn:t2""#), true);
        check(BASE, &BASE.replace("111111111111/*", "111111111111/CloudTrail/*"), true);
        check(BASE, &BASE.replace(r#""Condition":{"#, r#""Condition":{"Bool":{"aws:SecureTransport":"true"},"#), true);
        check(BASE, r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#, true);
    }

    /// What a stranger might add, and a template must not.
    #[test]
    fn more_is_not_covered() {
        for (from, to) in [
            ("cloudtrail.amazonaws.com", "cloudfront.amazonaws.com"),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#""*""#),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#"{"CanonicalUser":"79a59df900b949e5"}"#),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, r#"{"Federated":"accounts.google.com"}"#),
            ("s3:PutObject", "s3:*"),
            ("s3:PutObject", "s3:PutObject*"),
            ("AWSLogs/111111111111/*", "*"),
            (r#""arn:t1","arn:t2""#, r#""arn:t1","arn:t3""#),
            (r#""StringEquals":{"aws:SourceArn":["arn:t1","arn:t2"]}"#, ""),
            ("StringEquals", "StringEqualsIfExists"),
            (r#""Action":"s3:PutObject""#, r#""NotAction":"s3:DeleteObject""#),
        ] {
            assert!(BASE.contains(from), "{from}");
            check(BASE, &BASE.replace(from, to), false);
        }
        let pass_role = r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}"#;
        check(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:r"}"#, pass_role, false);
    }

    #[test]
    fn values_that_are_kept_out_may_be_more_and_not_fewer() {
        let base = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*",
            "Condition":{"StringNotEquals":{"aws:PrincipalAccount":["1"]}}}"#;
        check(base, &base.replace(r#"["1"]"#, r#"["1","2"]"#), true);
        check(base, &base.replace(r#"["1"]"#, r#"["2"]"#), false);
    }

    #[test]
    fn a_document_that_denies_less_is_not_within_another() {
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
            "Condition":{"ArnNotLike":{"aws:PrincipalArn":["a","b"]}}}"#;
        let all = document(&format!("{BASE},{deny}"));
        let within = |text: &str| is_within(&document(text), &all, Attached::Other);
        assert!(within(&format!("{BASE},{deny}")) && within(deny), "what it does not grant, it need not");
        assert!(within(&deny.replace(r#","b""#, "")), "fewer are left out of what is denied");
        assert!(!within(BASE) && !within(&deny.replace(r#""b""#, r#""b","c""#)));
        assert!(!within(&format!("{deny},{}", BASE.replace("s3:PutObject", "s3:*"))));
    }

    #[test]
    fn a_role_in_place_of_its_account_narrows_a_trust_only() {
        let base =
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}"#;
        let role = document(&base.replace(":root", ":role/auditors"));
        assert!(beyond(&role, &document(base), Attached::Trust).is_empty());
        assert_eq!(beyond(&role, &document(base), Attached::Other), [0]);
        let other = document(&base.replace("111111111111:root", "333333333333:role/auditors"));
        assert_eq!(beyond(&other, &document(base), Attached::Trust), [0]);
    }
}
