//! The differences of fields as lines of text, the same for all formats that people read. The texts are not escaped.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::estate::key::referenced_key;
use crate::report::text::policy_diff::{ElementDiff, PolicyDiff, StatementChange, StatementDiff, policy_diff};
use crate::report::text::words;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How far it is indented: a field 0, a statement 1, an element 2.
    pub depth: usize,
    /// `+` came, `-` went, `~` changed, a space stayed.
    pub mark: char,
    /// What it says.
    pub text: String,
}

/// How much is told of a policy that comes or goes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The names of its statements.
    Brief,
    /// Every element of every statement.
    Full,
}

/// Returns the lines of one field; none where both sides are alike.
pub fn lines(path: &str, before: &Value, after: &Value, detail: Detail) -> Vec<Line> {
    match policy_diff(before, after) {
        Some(_) if detail == Detail::Brief && before.is_null() => vec![brief(path, '+', after)],
        Some(_) if detail == Detail::Brief && after.is_null() => vec![brief(path, '-', before)],
        Some(diff) => policy_lines(path, mark_of(before, after), &diff),
        None => plain_lines(path, before, after),
    }
}

fn line(depth: usize, mark: char, text: impl Into<String>) -> Line {
    Line { depth, mark, text: text.into() }
}

fn mark_of(before: &Value, after: &Value) -> char {
    match (before.is_null(), after.is_null()) {
        (true, _) => '+',
        (_, true) => '-',
        _ => '~',
    }
}

fn brief(path: &str, mark: char, policy: &Value) -> Line {
    let statements: Vec<&Value> = match policy.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        other => other.into_iter().collect(),
    };
    let sids: Vec<&str> = statements.iter().filter_map(|s| s.get("Sid")?.as_str()).collect();
    let names = if sids.is_empty() { String::new() } else { format!(": {}", words::list(&sids)) };
    line(0, mark, format!("{path}: {}{names}", words::count(statements.len(), "statement")))
}

fn policy_lines(path: &str, mark: char, diff: &PolicyDiff) -> Vec<Line> {
    let PolicyDiff { version, statements, unchanged } = diff;
    let mut lines = vec![line(0, mark, path)];
    lines.extend(version.iter().flat_map(|element| element_lines(1, element)));
    lines.extend(statements.iter().flat_map(statement_lines));
    if *unchanged > 0 {
        lines.push(line(1, ' ', format!("{} as before", words::count(*unchanged, "statement"))));
    }
    lines
}

fn statement_lines(diff: &StatementDiff) -> Vec<Line> {
    let StatementDiff { mark, label, elements } = diff;
    let mark = match mark {
        StatementChange::Added => '+',
        StatementChange::Removed => '-',
        StatementChange::Changed => '~',
    };
    let mut lines = vec![line(1, mark, label)];
    lines.extend(elements.iter().flat_map(|element| element_lines(2, element)));
    lines
}

fn element_lines(depth: usize, diff: &ElementDiff) -> Vec<Line> {
    let ElementDiff { element, removed, added, kept: _ } = diff;
    let values = |list: &[String]| list.iter().map(|text| shown(text)).collect::<Vec<_>>();
    match (values(removed).as_slice(), values(added).as_slice()) {
        ([before], [after]) => vec![line(depth, '~', format!("{element}: {before} → {after}"))],
        (removed, added) => {
            let side = |mark: char, list: &[String]| {
                (!list.is_empty()).then(|| line(depth, mark, format!("{element}: {}", list.join(", "))))
            };
            side('-', removed).into_iter().chain(side('+', added)).collect()
        }
    }
}

fn plain_lines(path: &str, before: &Value, after: &Value) -> Vec<Line> {
    match (before, after) {
        (before, after) if before == after => Vec::new(),
        (Value::Object(_), Value::Object(_) | Value::Null) | (Value::Null, Value::Object(_)) => {
            member_lines(path, before, after)
        }
        (Value::Array(before), Value::Array(after)) => list_lines(path, before, after),
        (Value::Null, after) => vec![line(0, '+', format!("{path}: {}", inline(after)))],
        (before, Value::Null) => vec![line(0, '-', format!("{path}: {}", inline(before)))],
        (before, after) => vec![line(0, '~', format!("{path}: {} → {}", inline(before), inline(after)))],
    }
}

/// Compares two objects member by member.
fn member_lines(path: &str, before: &Value, after: &Value) -> Vec<Line> {
    let names = |value: &Value| value.as_object().into_iter().flat_map(|o| o.keys().cloned()).collect::<Vec<_>>();
    let mut all = names(before);
    all.extend(names(after));
    all.sort();
    all.dedup();
    let member = |value: &Value, name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    all.iter()
        .flat_map(|name| plain_lines(&format!("{path}.{name}"), &member(before, name), &member(after, name)))
        .collect()
}

/// Compares two lists as sets.
fn list_lines(path: &str, before: &[Value], after: &[Value]) -> Vec<Line> {
    let without = |these: &[Value], those: &[Value], mark: char| {
        let rest: Vec<String> = these.iter().filter(|value| !those.contains(value)).map(inline).collect();
        (!rest.is_empty()).then(|| line(0, mark, format!("{path}: {}", rest.join(", "))))
    };
    let lines: Vec<Line> = without(before, after, '-').into_iter().chain(without(after, before, '+')).collect();
    if !lines.is_empty() {
        return lines;
    }
    // The same values in another order or number.
    let all = |list: &[Value]| inline(&Value::Array(list.to_vec()));
    vec![line(0, '~', format!("{path}: {} → {}", all(before), all(after)))]
}

/// Writes a value within a line: without the quotes of JSON where the text is clear without them.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => shown(text),
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let members: Vec<String> =
                object.iter().map(|(name, value)| format!("{name}: {}", inline(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A value that AWS will decide cannot be shown yet.
fn shown(text: &str) -> String {
    if referenced_key(text).is_some() { "(known after apply)".into() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(before: Value, after: Value) -> Vec<String> {
        let all = lines("f", &before, &after, Detail::Full);
        all.iter().map(|line| format!("{}{} {}", "  ".repeat(line.depth), line.mark, line.text)).collect()
    }

    #[test]
    fn plain_values_have_before_and_after() {
        assert_eq!(texts(json!(true), json!(false)), ["~ f: true → false"]);
        assert_eq!(texts(json!(null), json!("x")), ["+ f: x"]);
        assert_eq!(texts(json!("x"), json!(null)), ["- f: x"]);
        assert_eq!(texts(json!("x"), json!("")), ["~ f: x → \"\""]);
        assert_eq!(texts(json!("x"), json!("x")), Vec::<String>::new());
    }

    #[test]
    fn objects_are_compared_member_by_member() {
        assert_eq!(
            texts(json!({"a": "1", "b": "2", "same": "s"}), json!({"b": "3", "c": "4", "same": "s"})),
            ["- f.a: 1", "~ f.b: 2 → 3", "+ f.c: 4"]
        );
        assert_eq!(texts(json!(null), json!({"mode": "GOVERNANCE"})), ["+ f.mode: GOVERNANCE"]);
    }

    #[test]
    fn lists_are_compared_as_sets() {
        assert_eq!(texts(json!(["a", "b"]), json!(["b", "c", "d"])), ["- f: a", "+ f: c, d"]);
        assert_eq!(
            texts(json!([]), json!([{"id": "x", "days": [90, "GLACIER"]}])),
            ["+ f: {id: x, days: [90, GLACIER]}"]
        );
        assert_eq!(texts(json!(["a", "b"]), json!(["b", "a"])), ["~ f: [a, b] → [b, a]"]);
    }

    #[test]
    fn what_aws_decides_is_not_known_yet() {
        let reference = "orgtrail:key-arn:111111111111/eu-central-1/key/alias/x";
        assert_eq!(texts(json!("arn:old"), json!(reference)), ["~ f: arn:old → (known after apply)"]);
        let policy =
            json!({"Statement": [{"Sid": "S", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": reference}]});
        assert_eq!(
            texts(Value::Null, policy),
            ["+ f", "  + S", "    + Effect: Allow", "    + Action: kms:Decrypt", "    + Resource: (known after apply)"]
        );
    }

    #[test]
    fn a_new_policy_can_be_told_in_a_line() {
        let policy = json!({"Statement": [{"Sid": "A", "Effect": "Allow", "Action": "*"},
            {"Sid": "B", "Effect": "Deny", "Action": "*"}]});
        let brief = |before: &Value, after: &Value| lines("f", before, after, Detail::Brief);
        assert_eq!(brief(&Value::Null, &policy), [line(0, '+', "f: 2 statements: A and B")]);
        assert_eq!(brief(&policy, &Value::Null), [line(0, '-', "f: 2 statements: A and B")]);
    }
}
