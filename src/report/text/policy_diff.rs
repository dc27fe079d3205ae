//! The readable difference of two policy documents: which statements came, went or changed, and in which elements.
//!
//! Order, spelling of lists and the two ways to write an account are no difference, as in `policy::canonical`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::policy::canonical::{account_of_root, canonical_statement};
use crate::policy::{Aliases, PolicyDocument, Statement};

/// What differs between two documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyDiff {
    /// The version, where it differs between two documents: it decides whether `${…}` is a variable.
    pub version: Option<ElementDiff>,
    /// The statements that differ: changed and added ones in the order of the new document, then removed ones in the
    /// order of the old one.
    pub statements: Vec<StatementDiff>,
    /// How many statements stay as they are.
    pub unchanged: usize,
}

/// What became of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementChange {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// It is there before and after, but different.
    Changed,
}

/// One statement that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementDiff {
    /// What became of it.
    pub mark: StatementChange,
    /// Its `Sid`, or `statement 2` by its place in the document where it has none.
    pub label: String,
    /// The elements that differ; all elements of a statement that came or went.
    pub elements: Vec<ElementDiff>,
}

/// One element of a statement and its values. At least one list is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElementDiff {
    /// Such as `Action`, `Principal.AWS` or `Condition.StringEquals.aws:SourceArn`.
    pub element: String,
    /// Values that went.
    pub removed: Vec<String>,
    /// Values that came.
    pub added: Vec<String>,
    /// How many values stay.
    pub kept: usize,
}

/// Compares two values that may be policies; null stands for no policy.
///
/// Returns none unless one side is a policy and the other is a policy or null.
pub fn policy_diff(before: &Value, after: &Value) -> Option<PolicyDiff> {
    if before.is_null() && after.is_null() {
        return None;
    }
    let read = |value: &Value| match value {
        Value::Null => Some(PolicyDocument::default()),
        value => PolicyDocument::from_value(value).ok(),
    };
    Some(compare(&read(before)?, &read(after)?))
}

fn compare(before: &PolicyDocument, after: &PolicyDocument) -> PolicyDiff {
    let old: Vec<Side> = sides(before);
    let new: Vec<Side> = sides(after);
    let partner = pair(&old, &new);
    let mut statements = Vec::new();
    let mut unchanged = 0;
    for (side, partner) in new.iter().zip(&partner) {
        match partner {
            Some(at) if old[*at].canonical == side.canonical => unchanged += 1,
            Some(at) => statements.push(side.changed_from(&old[*at])),
            None => statements.push(side.alone(StatementChange::Added)),
        }
    }
    let gone = (0..old.len()).filter(|at| !partner.contains(&Some(*at)));
    statements.extend(gone.map(|at| old[at].alone(StatementChange::Removed)));
    PolicyDiff { version: version(before, after), statements, unchanged }
}

fn version(before: &PolicyDocument, after: &PolicyDocument) -> Option<ElementDiff> {
    // A document that came or went as a whole is told by its statements.
    if before.version == after.version || before.statements.is_empty() || after.statements.is_empty() {
        return None;
    }
    let values = |document: &PolicyDocument| document.version.iter().cloned().collect();
    Some(ElementDiff { element: "Version".into(), removed: values(before), added: values(after), kept: 0 })
}

/// One statement, taken apart.
struct Side {
    label: String,
    sid: Option<String>,
    canonical: String,
    /// Element -> comparable form -> text.
    elements: BTreeMap<String, BTreeMap<String, String>>,
}

fn sides(document: &PolicyDocument) -> Vec<Side> {
    let side = |(at, statement): (usize, &Statement)| Side {
        label: statement.sid.clone().unwrap_or_else(|| format!("statement {}", at + 1)),
        sid: statement.sid.clone(),
        canonical: format!("{:?}", canonical_statement(statement, &Aliases::new())),
        elements: elements(&statement.to_value()),
    };
    document.statements.iter().enumerate().map(side).collect()
}

/// Finds for each new statement the old one that it comes from: one that means the same, else one of the same name,
/// else the most similar one.
fn pair(old: &[Side], new: &[Side]) -> Vec<Option<usize>> {
    let mut partner = vec![None; new.len()];
    let mut free = vec![true; old.len()];
    let rules: [fn(&Side, &Side) -> bool; 2] =
        [|old, new| old.canonical == new.canonical, |old, new| old.sid.is_some() && old.sid == new.sid];
    for same in rules {
        for (side, partner) in new.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            if let Some(at) = (0..old.len()).find(|at| free[*at] && same(&old[*at], side)) {
                free[at] = false;
                *partner = Some(at);
            }
        }
    }
    for (likeness, at, to) in likenesses(old, new) {
        if likeness >= HALF && free[at] && partner[to].is_none() {
            free[at] = false;
            partner[to] = Some(at);
        }
    }
    partner
}

/// Half of the values in common, in thousandths.
const HALF: usize = 500;

/// Returns all pairs with how alike they are in thousandths, the most alike first.
fn likenesses(old: &[Side], new: &[Side]) -> Vec<(usize, usize, usize)> {
    let mut all = Vec::new();
    for (at, one) in old.iter().enumerate() {
        all.extend(new.iter().enumerate().map(|(to, other)| (likeness(one, other), at, to)));
    }
    all.sort_by_key(|(likeness, at, to)| (std::cmp::Reverse(*likeness), *at, *to));
    all
}

fn likeness(one: &Side, other: &Side) -> usize {
    let size = |side: &Side| side.elements.values().map(BTreeMap::len).sum::<usize>();
    let in_other =
        |element: &String, value: &String| other.elements.get(element).is_some_and(|v| v.contains_key(value));
    let shared: usize =
        one.elements.iter().map(|(element, values)| values.keys().filter(|v| in_other(element, v)).count()).sum();
    (shared * 1000).checked_div(size(one).max(size(other))).unwrap_or(0)
}

impl Side {
    fn alone(&self, mark: StatementChange) -> StatementDiff {
        let element = |(element, values): (&String, &BTreeMap<String, String>)| {
            let values: Vec<String> = values.values().cloned().collect();
            let (removed, added) =
                if mark == StatementChange::Removed { (values, Vec::new()) } else { (Vec::new(), values) };
            ElementDiff { element: element.clone(), removed, added, kept: 0 }
        };
        let elements = self.in_order().map(element).collect();
        StatementDiff { mark, label: self.label.clone(), elements }
    }

    fn changed_from(&self, old: &Side) -> StatementDiff {
        let none = BTreeMap::new();
        let mut names: Vec<&String> = self.elements.keys().chain(old.elements.keys()).collect();
        names.sort_by_key(|name| place(name));
        names.dedup();
        let element = |name: &String| {
            let before = old.elements.get(name).unwrap_or(&none);
            let after = self.elements.get(name).unwrap_or(&none);
            let without = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| {
                these.iter().filter(|(key, _)| !those.contains_key(*key)).map(|(_, text)| text.clone()).collect()
            };
            let (removed, added): (Vec<String>, Vec<String>) = (without(before, after), without(after, before));
            let kept = after.len() - added.len();
            ElementDiff { element: name.clone(), removed, added, kept }
        };
        let all = names.into_iter().map(element);
        let elements = all.filter(|e| !e.removed.is_empty() || !e.added.is_empty()).collect();
        StatementDiff { mark: StatementChange::Changed, label: self.label.clone(), elements }
    }

    fn in_order(&self) -> impl Iterator<Item = (&String, &BTreeMap<String, String>)> {
        let mut all: Vec<_> = self.elements.iter().collect();
        all.sort_by_key(|(name, _)| place(name));
        all.into_iter()
    }
}

/// Orders elements as policies are usually written.
fn place(element: &str) -> (usize, String) {
    const ORDER: [&str; 8] =
        ["Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let head = element.split('.').next().unwrap_or(element);
    (ORDER.iter().position(|name| *name == head).unwrap_or(ORDER.len()), element.to_owned())
}

/// Takes a statement apart into its elements. The `Sid` has no meaning and is not one of them.
fn elements(statement: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (name, value) in statement.as_object().into_iter().flatten().filter(|(name, _)| *name != "Sid") {
        collect(name, value, &mut found);
    }
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeMap<String, String>>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                collect(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(list) => {
            // An empty list is an element too.
            found.entry(path.to_owned()).or_default();
            list.iter().for_each(|value| collect(path, value, found));
        }
        // Everybody is written in two ways.
        Value::String(text) if text == "*" && matches!(path, "Principal" | "NotPrincipal") => {
            collect(&format!("{path}.AWS"), value, found);
        }
        Value::String(text) => {
            found.entry(path.to_owned()).or_default().insert(comparable(path, text), text.clone());
        }
        other => {
            found.entry(path.to_owned()).or_default().insert(other.to_string(), other.to_string());
        }
    }
}

/// Returns the form in which two values of an element are compared: see `policy::canonical`.
fn comparable(element: &str, text: &str) -> String {
    match element {
        "Action" | "NotAction" => text.to_ascii_lowercase(),
        "Principal.AWS" | "NotPrincipal.AWS" => account_of_root(text).unwrap_or(text).to_owned(),
        _ if element.starts_with("Condition.Bool") || element.starts_with("Condition.Null") => {
            text.to_ascii_lowercase()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diff(before: Value, after: Value) -> PolicyDiff {
        let document = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
        policy_diff(&document(before), &document(after)).unwrap()
    }

    fn element(name: &str, removed: &[&str], added: &[&str], kept: usize) -> ElementDiff {
        let texts = |list: &[&str]| list.iter().map(|text| text.to_string()).collect();
        ElementDiff { element: name.into(), removed: texts(removed), added: texts(added), kept }
    }

    #[test]
    fn only_policies_are_compared() {
        assert_eq!(policy_diff(&json!("a"), &json!("b")), None);
        assert_eq!(policy_diff(&Value::Null, &Value::Null), None);
        assert_eq!(policy_diff(&json!({"Statement": []}), &json!({"a": 1})), None);
        assert!(policy_diff(&Value::Null, &json!({"Statement": []})).is_some());
    }

    #[test]
    fn other_spellings_are_no_difference() {
        let before =
            json!([{"Sid": "A", "Effect": "Allow", "Action": "s3:GET*", "Principal": {"AWS": "111111111111"}}]);
        let after = json!([{"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*"],
            "Principal": {"AWS": ["arn:aws:iam::111111111111:root"]}}]);
        assert_eq!(diff(before, after), PolicyDiff { version: None, statements: vec![], unchanged: 1 });
    }

    #[test]
    fn a_statement_is_found_again_by_its_name() {
        let before = json!([{"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*", "s3:X"], "Resource": "r",
            "Condition": {"StringEquals": {"aws:SourceArn": "old"}}}]);
        let after = json!([{"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*", "s3:Y", "s3:Z"], "Resource": "r",
            "Condition": {"StringEquals": {"aws:SourceArn": "new"}}}]);
        let found = diff(before, after);
        assert_eq!(found.statements.len(), 1);
        assert_eq!(found.statements[0].mark, StatementChange::Changed);
        assert_eq!(found.statements[0].label, "A");
        assert_eq!(
            found.statements[0].elements,
            [
                element("Action", &["s3:X"], &["s3:Y", "s3:Z"], 1),
                element("Condition.StringEquals.aws:SourceArn", &["old"], &["new"], 0),
            ]
        );
    }

    #[test]
    fn a_statement_without_a_name_is_found_by_likeness() {
        let before = json!([
            {"Effect": "Deny", "Action": "*", "Resource": "x"},
            {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]);
        let after = json!([
            {"Effect": "Allow", "Principal": {"AWS": ["111111111111", "999999999999"]}, "Action": "sts:AssumeRole"}]);
        let found = diff(before, after);
        let marks: Vec<_> = found.statements.iter().map(|s| (s.mark, s.label.as_str())).collect();
        assert_eq!(marks, [(StatementChange::Changed, "statement 1"), (StatementChange::Removed, "statement 1")]);
        assert_eq!(found.statements[0].elements, [element("Principal.AWS", &[], &["999999999999"], 1)]);
    }

    #[test]
    fn a_lost_condition_is_seen() {
        let with = json!([{"Sid": "A", "Effect": "Allow", "Action": "a:B", "Condition": {"Bool": {"k": "true"}}}]);
        let without = json!([{"Sid": "A", "Effect": "Allow", "Action": "a:B"}]);
        let found = diff(with, without);
        assert_eq!(found.statements[0].elements, [element("Condition.Bool.k", &["true"], &[], 0)]);
    }

    #[test]
    fn strange_statements_share_nothing() {
        let before = json!([{"Sid": "A", "Effect": "Allow", "Action": "a:B", "Resource": "r"}]);
        let after = json!([{"Sid": "B", "Effect": "Deny", "NotAction": "c:D", "Resource": "q"}]);
        let marks: Vec<_> = diff(before, after).statements.iter().map(|s| s.mark).collect();
        assert_eq!(marks, [StatementChange::Added, StatementChange::Removed]);
    }

    #[test]
    fn another_version_is_shown() {
        let document = |version: &str| {
            json!({"Version": version, "Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": "a:B", "Resource": "b/${aws:username}"}]})
        };
        let found = policy_diff(&document("2008-10-17"), &document("2012-10-17")).unwrap();
        assert_eq!(found.version, Some(element("Version", &["2008-10-17"], &["2012-10-17"], 0)));
        assert_eq!(policy_diff(&Value::Null, &document("2012-10-17")).unwrap().version, None);
    }
}
