//! What differs between two states of a resource, field by field, as a person reads it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The most differences of two states that are kept.
const KEPT_MAX: usize = 200;

/// The most characters of a value that are kept.
const VALUE_CHARS_MAX: usize = 300;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// Where: `configuration.publicAccessBlock.blockPublicAcls`.
    pub path: String,
    /// The value before, as JSON, cut to 300 characters. `None`: it was not there.
    pub before: Option<String>,
    /// The value after, in the same form. `None`: it is not there any more.
    pub after: Option<String>,
}

/// What differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDifferences {
    /// The fields, by their paths.
    pub all: Vec<Difference>,
    /// How many more there are.
    pub further: usize,
}

/// Compares two states. Lists of one length are compared place by place; of others it is said what went and what came.
pub fn differences(before: &Value, after: &Value) -> StateDifferences {
    let mut found = StateDifferences::default();
    compare(String::new(), before, after, &mut found);
    found
}

fn compare(path: String, before: &Value, after: &Value, found: &mut StateDifferences) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => compare(below, one, other, found),
                    (one, other) => found.add(below, one, other),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                compare(format!("{path}[{at}]"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut counts: BTreeMap<String, (i64, &Value)> = BTreeMap::new();
            for value in one {
                counts.entry(value.to_string()).or_insert((0, value)).0 -= 1;
            }
            for value in other {
                counts.entry(value.to_string()).or_insert((0, value)).0 += 1;
            }
            for (count, value) in counts.into_values() {
                for _ in 0..count.unsigned_abs() {
                    let (one, other) = if count < 0 { (Some(value), None) } else { (None, Some(value)) };
                    found.add(format!("{path}[]"), one, other);
                }
            }
        }
        _ => found.add(path, Some(before), Some(after)),
    }
}

impl StateDifferences {
    fn add(&mut self, path: String, before: Option<&Value>, after: Option<&Value>) {
        if self.all.len() >= KEPT_MAX {
            self.further += 1;
            return;
        }
        let path = if path.is_empty() { "configuration item".to_owned() } else { cut(&path) };
        self.all.push(Difference { path, before: before.map(shown), after: after.map(shown) });
    }
}

fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let line = |one: &Difference| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            format!("{}: {} > {}", one.path, text(&one.before), text(&one.after))
        };
        differences(before, after).all.iter().map(line).collect()
    }

    #[test]
    fn fields_are_named_and_lists_say_what_went_and_what_came() {
        let before =
            json!({"a": {"b": true, "gone": 1}, "list": ["x", "y"], "same": [1], "pair": [{"id": 1}, {"id": 2}]});
        let after =
            json!({"a": {"b": false, "new": {}}, "list": ["y", "z", "z"], "same": [1], "pair": [{"id": 1}, {"id": 3}]});
        assert_eq!(
            told(&before, &after),
            [
                "a.b: true > false",
                "a.gone: 1 > -",
                "a.new: - > {}",
                "list[]: \"x\" > -",
                "list[]: - > \"z\"",
                "list[]: - > \"z\"",
                "pair[1].id: 2 > 3",
            ]
        );
        assert_eq!(told(&json!({"a": 1}), &Value::Null), ["configuration item: {\"a\":1} > null"]);
    }

    #[test]
    fn what_is_long_or_much_is_cut_and_counted() {
        let many: Value = (0..500).map(|n| (format!("k{n:03}"), Value::from(n))).collect();
        let found = differences(&json!({}), &many);
        assert_eq!((found.all.len(), found.further), (KEPT_MAX, 300));
        let long = differences(&json!({"a": "ä".repeat(1000)}), &json!({"a": 1}));
        assert_eq!(long.all[0].before.as_ref().unwrap().chars().count(), VALUE_CHARS_MAX + 1);
    }

    fn state() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(|all| all.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn equal_states_differ_in_nothing_and_a_difference_seen_from_behind_is_the_same(one in state(), other in state()) {
            prop_assert!(differences(&one, &one).all.is_empty());
            let forward = differences(&one, &other);
            let mut back = differences(&other, &one);
            back.all.iter_mut().for_each(|own| std::mem::swap(&mut own.before, &mut own.after));
            let key = |own: &Difference| (own.path.clone(), own.before.clone(), own.after.clone());
            let sorted = |all: &StateDifferences| { let mut all: Vec<_> = all.all.iter().map(key).collect(); all.sort(); all };
            prop_assert_eq!(sorted(&forward), sorted(&back));
        }
    }
}
