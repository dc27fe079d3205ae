//! Texts that are not YAML, or more of it than a configuration needs.

use proptest::prelude::*;

use super::{Code, GOOD, findings, parse, spoiled};

/// Asserts one finding: its code, line and column, a part of its message and of its help.
fn check(text: &str, code: Code, place: (usize, usize), message: &str, help: &str) {
    let found = findings(text);
    let [only] = found.as_slice() else { panic!("{text:?}: {found:#?}") };
    assert_eq!((only.code, only.line, only.column), (code, place.0, place.1), "{text:?}: {only:#?}");
    assert!(only.message.contains(message), "{text:?}: {only:#?}");
    assert!(only.help.as_deref().unwrap_or_default().contains(help), "{text:?}: {only:#?}");
}

#[test]
fn broken_texts_are_pointed_at() {
    check("a: [1, 2\nb: 3\n", Code::Yaml, (2, 2), "this is not YAML", "");
    check("a: \"x\nb: 1\n", Code::Yaml, (1, 4), "this is not YAML", "");
    check("a:\n  b: 1\n c: 2\n", Code::Yaml, (3, 2), "this is not YAML", "");
    check("a: *nobody\n", Code::Yaml, (1, 4), "this is not YAML", "must stand in quotes");
    check("a: @x\n", Code::Yaml, (1, 4), "this is not YAML", "must stand in quotes");
    check("name: {{region}}-logs\n", Code::Yaml, (1, 8), "cannot be the name of a field", "\"{{deployment}}-logs\"");
    check("name: {{region}}\n", Code::Yaml, (1, 8), "cannot be the name of a field", "must stand in quotes");
}

#[test]
fn tabs_are_named() {
    check("version: 1\n\tdeployment: acme\n", Code::Yaml, (2, 1), "indented with a tab", "replace the tab");
    check("bucket:\n\tname: acme\n", Code::Yaml, (2, 1), "indented with a tab", "replace the tab");
    check("bucket:\n  name: acme\n\tprefix: x\n", Code::Yaml, (3, 1), "indented with a tab", "replace the tab");
}

#[test]
fn an_empty_file_is_no_configuration() {
    for text in ["", "\n\n", "# nothing yet\n", "~"] {
        check(text, Code::MissingField, (1, 1), "the file is empty", "orgtrail init");
    }
}

#[test]
fn another_kind_of_file_is_told() {
    check("- a\n- b\n", Code::WrongType, (1, 1), "the file must be a section with fields, here it is a list", "");
    check("hello\n", Code::WrongType, (1, 1), "the file must be a section with fields, here it is \"hello\"", "");
}

#[test]
fn a_second_document_is_refused() {
    let text = format!("{GOOD}---\n{GOOD}");
    check(&text, Code::Yaml, (25, 1), "a second YAML document begins here", "one configuration in one file");
}

#[test]
fn every_duplicate_field_is_found_with_the_first() {
    let found = findings(&format!("{GOOD}deployment: other\nhome_region: eu-west-1\ntags: {{a: x, a: y}}\n"));
    let places: Vec<_> = found.iter().map(|f| (f.code, f.line, f.column, f.related[0].line)).collect();
    let code = Code::DuplicateField;
    assert_eq!(places, [(code, 25, 1, 2), (code, 26, 1, 9), (code, 27, 14, 27)]);
}

#[test]
fn duplicates_do_not_hide_other_mistakes() {
    let found = findings(&(spoiled("prefix: logs", "prefix: /logs") + "deployment: other\n"));
    assert_eq!(found.iter().map(|f| f.code).collect::<Vec<_>>(), [Code::WrongValue, Code::DuplicateField]);
}

#[test]
fn aliases_repeat_values() {
    let shared = spoiled("  prefix: logs", "  tags: &tags {a: b}") + "tags: *tags\n";
    let config = parse(&shared, "orgtrail.yaml").unwrap();
    assert_eq!(config.tags, config.bucket.tags);
}

#[test]
fn what_an_alias_repeats_is_pointed_at_where_it_is_repeated() {
    let found = findings(&(spoiled("  prefix: logs", "  prefix: &p logs") + "guard: *p\n"));
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 25, 8), "{found:#?}");
}

#[test]
fn a_bomb_of_aliases_is_defused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let before = n - 1;
        text += &format!(
            "a{n}: &a{n} [*a{before}, *a{before}, *a{before}, *a{before}, *a{before}, *a{before}, *a{before}]\n"
        );
    }
    let found = findings(&text);
    let last = found.last().unwrap();
    assert_eq!(last.code, Code::TooLarge, "{last:?}");
    assert!(last.message.contains("those that aliases repeat included"), "{last:?}");
}

#[test]
fn an_alias_inside_its_own_value_ends() {
    check("a: &a [*a]\n", Code::Yaml, (1, 8), "inside the value that it repeats", "");
}

#[test]
fn depth_is_bounded() {
    check(&"[".repeat(100), Code::TooLarge, (1, 17), "nested more than 16 deep", "");
    check(&"- ".repeat(100_000), Code::TooLarge, (1, 33), "nested more than 16 deep", "");
}

#[test]
fn names_are_bounded() {
    let text = format!("{}: 1\n", "n".repeat(129));
    check(&text, Code::TooLarge, (1, 1), "the name of a field has more than 128 characters", "");
}

#[test]
fn size_is_bounded() {
    check(&"# comment\n".repeat(200_000), Code::TooLarge, (1, 1), "more than 1048576 bytes", "organizational unit");
}

#[test]
fn a_file_of_the_largest_size_is_read() {
    let selectors: Vec<String> = (0..30_000).map(|n| format!("    - \"id:{n:012}\"\n")).collect();
    let text = spoiled("  include: [\"ou:/**\"]\n", &format!("  include:\n{}", selectors.concat()));
    let config = parse(&text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.accounts.include.len(), 30_000);
}

#[test]
fn tags_of_yaml_are_refused_unless_they_are_true() {
    let text = spoiled("log: \"222222222222\"", "log: !!str 222222222222");
    assert_eq!(parse(&text, "orgtrail.yaml").unwrap().accounts.log, "222222222222");
    let found = findings(&spoiled("log: \"222222222222\"", "log: !secret x"));
    assert_eq!((found.len(), found[0].line, found[0].code), (1, 6, Code::Yaml), "{found:#?}");
    let found = findings(&spoiled("every: 15m", "every: !!int 15m"));
    assert!(found[0].message.contains("is not what its tag says"), "{found:#?}");
}

#[test]
fn lines_of_other_systems_count_the_same() {
    let unix = spoiled("prefix: logs", "prefix: /logs");
    let windows = unix.replace('\n', "\r\n");
    let marked = format!("\u{feff}{unix}");
    for text in [unix, windows, marked] {
        check(&text, Code::WrongValue, (12, 11), "begin nor end with a slash", "write `logs`");
    }
}

#[test]
fn columns_count_characters() {
    let text = spoiled("  prefix: logs", "  tags: {\"größe\": \"ü#\"}");
    check(&text, Code::WrongValue, (12, 19), "the character '#'", "");
}

#[test]
fn escapes_and_folds_are_pointed_at_as_a_whole() {
    let text = spoiled("name: acme-org-cloudtrail", "name: \"\\u0061-{{regon}}\"");
    check(&text, Code::BadTemplate, (11, 9), "uses `regon`", "did you mean");
    let text = spoiled("name: acme-org-cloudtrail", "name: >-\n    a-{{regon}}");
    let found = findings(&text);
    assert_eq!((found.len(), found[0].code), (1, Code::BadTemplate), "{found:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

    /// Whatever is spoiled, the answer is findings whose places lie in the text, or a configuration.
    #[test]
    fn no_text_breaks_the_reader(at in 0..GOOD.len(), cut in 0usize..40, piece in "[\\PC\\n\\t]{0,12}") {
        prop_assume!(GOOD.is_char_boundary(at));
        let end = (at + cut).min(GOOD.len());
        let text = format!("{}{piece}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(errors) = parse(&text, "orgtrail.yaml") {
            prop_assert!(!errors.findings().is_empty());
            for finding in errors.findings() {
                let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
                prop_assert!(body.get(finding.span.clone()).is_some(), "{finding:?}");
                prop_assert!(finding.line >= 1 && finding.line <= body.lines().count() + 1, "{finding:?}");
            }
            prop_assert!(errors.render(false).contains("error["));
        }
    }
}
