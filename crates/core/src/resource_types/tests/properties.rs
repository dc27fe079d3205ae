//! Whatever a record holds: nothing panics, the pre-filter loses nothing, and a resource is never taken for another.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::super::{PlacePath, ResourceCandidate, ResourceIdentity, ResourceType, ResourceTypes};
use super::{ACCOUNT, REGION, mentions, record, types};

/// Texts that are hard to read: names, ids, ARNs, escapes, what is hidden.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let known = vec![
        "logs",
        "LOGS",
        "a/b",
        "/a/b",
        "arn:aws:s3:::logs",
        "arn:aws:s3:::logs/a/b",
        "arn:aws-cn:iam::1:role/x/logs",
        "arn%3Aaws%3Akafka%3Ar%3A1%3Acluster%2Flogs%2F1",
        "alias/logs",
        "i-0123456789abcdef0",
        "sg-01234567",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "",
        "logs:3",
        "日本",
        "quote\"\\",
        "\u{7}",
        "logs.",
        "111122223333",
        "0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4",
        "https://sqs.r.amazonaws.com/1/logs",
        "arn:aws:sns:r:1:logs",
        "arn:aws:logs:eu-central-1:111122223333:log-group:/a/b:*",
        "AKIATFQR7NSC3ZO6PKAZ",
        "omitted",
    ];
    prop_oneof![8 => select(known).prop_map(str::to_owned), 1 => "[ -~]{1,12}", 1 => any::<String>()]
}

pub(super) fn values() -> impl Strategy<Value = Value> {
    let number = any::<i64>().prop_map(|number| json!(number));
    let leaf = prop_oneof![6 => texts().prop_map(Value::String), 1 => number, 1 => Just(Value::Null)];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::Array))
}

/// Puts a value at a place, through lists here and there.
pub(super) fn put(parts: &mut Value, path: &PlacePath, value: Value, through_list: bool) {
    let part = match path.part.field() {
        "requestParameters" => "q",
        "responseElements" => "r",
        "serviceEventDetails" => "d",
        _ => "a",
    };
    let mut whole = value;
    for step in path.steps.iter().rev() {
        whole = if through_list { json!([{step: whole}, 7]) } else { json!({step: whole}) };
    }
    if !through_list && let (Some(own), Some(new)) = (parts[part].as_object_mut(), whole.as_object()) {
        own.extend(new.clone());
    } else {
        parts[part] = whole;
    }
}

pub(super) fn call_at(types: &ResourceTypes, at: usize) -> (String, String, Vec<PlacePath>) {
    let calls: Vec<_> = types.all().iter().flat_map(|kind| &kind.calls).collect();
    let call = calls[at % calls.len()];
    let paths = call.at.iter().chain(&call.parent).chain(&call.policy).cloned().collect();
    (call.source.clone(), call.event.clone(), paths)
}

/// Writes letters of a JSON text as escapes, as a writer may.
fn escaped(text: &str, letter: char) -> String {
    let (mut out, mut in_string, mut after_escape) = (String::new(), false, false);
    for c in text.chars() {
        if in_string && !after_escape && c == letter && !matches!(c, '"' | '\\') {
            out += &format!("\\u{:04x}", u32::from(c));
            continue;
        }
        if c == '"' && !after_escape {
            in_string = !in_string;
        }
        after_escape = in_string && c == '\\' && !after_escape;
        out.push(c);
    }
    out
}

fn candidates(types: &ResourceTypes, subjects: &[String]) -> Vec<ResourceCandidate> {
    subjects.iter().flat_map(|subject| types.candidates(subject).unwrap_or_default()).collect()
}

/// How a record names a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Naming {
    Bare,
    Capitals,
    Arn,
    Encoded,
    Listed,
    Prefix,
    Hidden,
    Omitted,
}

/// A resource of a type, and the whole of its identity.
fn wanted(kind: &ResourceType, name: &str) -> (ResourceCandidate, ResourceIdentity) {
    let text = |text: &str| Some(text.to_owned());
    let has_names = kind.names != super::super::NameScope::None;
    let parent = if kind.names.is_of_parent() { text("prod") } else { kind.default_parent.clone() };
    let (name, id) = if has_names { (text(name), None) } else { (None, text(name)) };
    let own = ResourceIdentity { parent, name, id, ..ResourceIdentity::default() };
    let whole = ResourceIdentity {
        partition: text("aws-us-gov"),
        region: text(REGION),
        account: text(ACCOUNT),
        version: text("1"),
        id: own.id.clone().or(text("AbCdEf")),
        ..own.clone()
    };
    (ResourceCandidate { resource_type: Some(kind.name.clone()), identity: own, arn: None }, whole)
}

/// Returns the text of a record that names a resource at the first place of a call, or in the list of resources.
fn naming(kind: &ResourceType, at: usize, name: &str, whole: &ResourceIdentity, how: Naming) -> String {
    let call = &kind.calls[at % kind.calls.len()];
    let arn = kind.forms.iter().find_map(|form| form.write(whole)).unwrap_or_else(|| name.to_owned());
    let mut parts = json!({});
    let value = match how {
        Naming::Bare => name.to_owned(),
        Naming::Capitals => name.to_uppercase(),
        Naming::Arn => arn.clone(),
        Naming::Encoded => arn.replace(':', "%3A").replace('/', "%2F"),
        Naming::Hidden => "HIDDEN_DUE_TO_SECURITY_REASONS".to_owned(),
        Naming::Listed | Naming::Prefix | Naming::Omitted => "other".to_owned(),
    };
    let by_list = matches!(how, Naming::Listed | Naming::Prefix);
    if let Some(path) = call.at.first().filter(|_| !by_list) {
        put(&mut parts, path, json!(value), call.parent.is_empty() && at.is_multiple_of(2));
        if how == Naming::Omitted {
            let names = [("requestParameters", "q"), ("responseElements", "r"), ("serviceEventDetails", "d")];
            let part = names.iter().find(|(field, _)| *field == path.part.field()).map_or("a", |(_, part)| part);
            parts[part] = json!({"omitted": true, "originalSize": 164_166});
        }
    }
    if let Some(path) = call.parent.first().filter(|_| !by_list) {
        put(&mut parts, path, json!("prod"), false);
    }
    match how {
        Naming::Listed => parts["l"] = json!([{"ARN": arn}]),
        Naming::Prefix => parts["l"] = json!([{"ARNPrefix": arn.trim_end_matches(name)}]),
        _ => {}
    }
    record(&call.source, &call.event, &parts)
}

/// Tells whether the resource must be found: whether it can be written so.
fn must_be_found(kind: &ResourceType, at: usize, name: &str, whole: &ResourceIdentity, how: Naming) -> bool {
    let has_place = !kind.calls[at % kind.calls.len()].at.is_empty();
    let form = kind.forms.iter().find_map(|form| form.write(whole)).filter(|form| form.contains(name));
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let is_arn = form.as_ref().is_some_and(|form| form.starts_with("arn:"));
    match how {
        Naming::Bare => has_place && is_plain,
        Naming::Capitals => has_place && is_plain && kind.ignores_case,
        Naming::Arn => has_place && is_plain && form.is_some(),
        Naming::Encoded => has_place && is_plain && is_arn,
        Naming::Listed => is_plain && form.is_some(),
        // What is not known of a resource cannot be compared with how its ARN begins.
        Naming::Prefix => {
            let known =
                ResourceIdentity { id: whole.id.clone().filter(|id| id == name), version: None, ..whole.clone() };
            let form = kind.forms.iter().find_map(|form| form.write(&known));
            is_plain
                && is_arn
                && form.is_some_and(|own| {
                    own.ends_with(name) && Some(own) == kind.forms.iter().find_map(|form| form.write(whole))
                })
        }
        Naming::Hidden | Naming::Omitted => has_place,
    }
}

proptest! {
    #[test]
    fn a_resource_is_found_however_a_record_names_it_and_the_prefilter_lets_it_pass(
        kind in any::<usize>(), at in any::<usize>(), letter in any::<usize>(),
        name in select(vec!["web-main", "orders", "a/b.c", "\u{65e5}\u{672c}", "quote\"d", "x", "\u{fc}ml/aut", "100%25"]),
        how in select(vec![
            Naming::Bare, Naming::Capitals, Naming::Arn, Naming::Encoded, Naming::Listed, Naming::Prefix,
            Naming::Hidden, Naming::Omitted,
        ]),
    ) {
        let types = types();
        let kind = &types.all()[kind % types.all().len()];
        let (wanted, whole) = wanted(kind, name);
        let wanted = [wanted];
        let text = naming(kind, at, name, &whole, how);
        let letters: Vec<char> = name.chars().collect();
        // A writer of JSON may escape any letter, and a slash in two ways.
        let texts = [text.clone(), escaped(&text, letters[letter % letters.len()]), text.replace('/', "\\/")];
        let found: Vec<_> = texts.iter().map(|text| mentions(types, &wanted, text)).collect();
        let must = must_be_found(kind, at, name, &whole, how);
        prop_assert!(!must || !found[0].is_empty(), "{} {how:?} {text}", kind.name);
        prop_assert!(found.iter().all(|other| *other == found[0]), "escapes mean the same: {text}");
    }

    #[test]
    fn the_prefilter_loses_no_mention(
        at in any::<usize>(), values in prop::collection::vec((values(), any::<bool>()), 1..6),
        listed in prop::collection::vec(texts(), 0..3), subjects in prop::collection::vec(texts(), 1..3),
        letter in select(vec!['l', 'o', '/', '-', 'i', '\u{0}']), omits in prop::bool::weighted(0.1),
    ) {
        let types = types();
        let (source, event, paths) = call_at(types, at);
        let mut parts = json!({});
        for (path, (value, through_list)) in paths.iter().zip(values) {
            put(&mut parts, path, value, through_list);
        }
        if omits {
            parts["r"] = json!({"omitted": true, "originalSize": 1});
        }
        let entry = |(n, text): (usize, &String)| json!({["ARN", "ARNPrefix", "arn"][n % 3]: text});
        parts["l"] = listed.iter().enumerate().map(entry).collect();
        let text = record(&source, &event, &parts);
        let candidates = candidates(types, &subjects);
        // `mentions` holds the pre-filter to what it finds.
        let plain = mentions(types, &candidates, &text);
        let again = mentions(types, &candidates, &escaped(&text, letter));
        prop_assert_eq!(plain, again, "escapes mean the same");
    }

    #[test]
    fn hostile_texts_are_read_without_a_panic(text in any::<String>(), long in 0_usize..5_000) {
        let types = types();
        let _found = types.candidates(&text);
        let _found = types.candidates(&format!("arn:aws:s3:::{}", "/:".repeat(long)));
        let _found = types.candidates(&format!("role {}", "a/".repeat(long)));
        let parts = json!({"q": {"roleName": text, "x": "a".repeat(long)}});
        let record = record("iam.amazonaws.com", "DeleteRole", &parts);
        let _found = mentions(types, &candidates(types, &[text]), &record);
    }

    #[test]
    fn files_of_any_text_are_read_or_refused(text in "[a-z:{}\\[\\], \n\"-]{0,200}") {
        let _read = ResourceTypes::default().with_file(&text, "own.yaml").map_err(|errors| errors.render(false));
        let _read = ResourceTypes::default().with_file(&format!("types:\n  A::B::C:\n    calls: {text}"), "own.yaml");
    }
}
