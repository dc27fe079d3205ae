//! Keys on each side of patterns, checked against the evaluator's own comparison.

use std::sync::LazyLock;

use super::*;
use crate::policy::evaluate::glob;
use crate::policy::shape::Class;

static ROOT: LazyLock<LogRoot> = LazyLock::new(|| LogRoot::below("audit").in_organization("o-exampleorgid"));
static FILES: LazyLock<LogFiles> =
    LazyLock::new(|| LogFiles { bucket_arn: "arn:aws:s3:::logs", root: &ROOT, folders: &Folder::ALL });
const ACCOUNT: Option<&str> = Some("333333333333");

fn resource(below: &str) -> String {
    format!("arn:aws:s3:::logs/{below}")
}

#[test]
fn a_key_outside_of_patterns_is_found_where_there_is_one() {
    let cases: [&[&str]; 13] = [
        &["*eu-central-1*"],
        &["*/2026/*"],
        &["*/01/*"],
        &["*/31/*"],
        &["*/CloudTrail/*", "*/CloudTrail-Digest/*"],
        &["*/CloudTrail/*", "*/CloudTrail-Digest/*", "*/CloudTrail-Insight/*", "*/CloudTrail-Aggregated/*"],
        &["audit/AWSLogs/o-exampleorgid/333333333333/CloudTrail*/eu-*"],
        &["*-1/*", "*-2/*", "*-3/*"],
        &["*_CloudTrail_*"],
        &["*/20?0/*", "*/20?1/*"],
        &["*/0?/*"],
        &["*q*", "*y*"],
        &["other/*"],
    ];
    for patterns in cases {
        let patterns: Vec<String> = patterns.iter().map(|below| resource(below)).collect();
        let list: Vec<&str> = patterns.iter().map(String::as_str).collect();
        for account in [ACCOUNT, None] {
            let key = FILES.outside(&list, account).unwrap().unwrap_or_else(|| panic!("{patterns:?}"));
            assert!(!list.iter().any(|pattern| resource_glob(pattern, &resource(&key))), "{patterns:?} {key}");
        }
    }
}

#[test]
fn what_covers_all_files_leaves_none_outside() {
    let cases: [&[&str]; 9] = [
        &["*"],
        &["audit/*"],
        &["*.json.gz"],
        &["*z*"],
        &["*/20??/*"],
        &["*/CloudTrail/*", "*/CloudTrail-Digest/*", "*/CloudTrail-Insight/*", "*-Aggregated/*", "*-NetworkActivity/*"],
        &["audit/AWSLogs/o-exampleorgid/*/CloudTrail*"],
        &["*/0?/*", "*/1?/*"],
        &["*-?/2*"],
    ];
    for patterns in cases {
        let patterns: Vec<String> = patterns.iter().map(|below| resource(below)).collect();
        let list: Vec<&str> = patterns.iter().map(String::as_str).collect();
        assert_eq!(FILES.outside(&list, ACCOUNT), Ok(None), "{patterns:?}");
    }
    assert_eq!(FILES.outside(&["arn:aws:s3"], ACCOUNT), Ok(None), "missing fields are wildcards");
    assert_eq!(FILES.outside(&["*"], None), Ok(None));
}

#[test]
fn inside_and_outside_agree_with_trying_all_short_texts() {
    let pieces = ["", "a", "b", "*", "?"];
    let words: Vec<Vec<char>> = (0..125)
        .map(|n| format!("{}{}{}", pieces[n % 5], pieces[n / 5 % 5], pieces[n / 25]).chars().collect())
        .collect();
    let range = Class::Range('a', 'c');
    let parts = [ShapePart { class: range, many: false }, ShapePart { class: range, many: true }];
    let letters = ["", "a", "b", "c"];
    let texts: BTreeSet<String> =
        (0..1024).map(|n| (0..5).map(|place| letters[n / 4usize.pow(place) % 4]).collect::<String>()).collect();
    let texts: Vec<&String> = texts.iter().filter(|text| !text.is_empty()).collect();
    for (one, other) in words.iter().flat_map(|one| words.iter().map(move |other| (one, other))) {
        let matched = |text: &str| [one, other].iter().any(|p| glob(&p.iter().collect::<String>(), text));
        let found = outside(&[one.clone(), other.clone()], &parts).unwrap();
        assert_eq!(found.is_some(), texts.iter().any(|text| !matched(text)), "{one:?} {other:?} {found:?}");
        assert!(found.is_none_or(|text| !matched(&text)), "{one:?} {other:?}");
    }
    for one in &words {
        let found = common(one, &parts);
        let pattern: String = one.iter().collect();
        assert_eq!(found.is_some(), texts.iter().any(|text| glob(&pattern, text)), "{pattern} {found:?}");
    }
}

#[test]
fn what_is_too_much_is_not_answered() {
    let long = resource(&"?*".repeat(2_000));
    assert_eq!(FILES.inside(&long, ACCOUNT), Err(TooMany));
    assert_eq!(FILES.outside(&[&long], ACCOUNT), Err(TooMany));
    let hostile: Vec<String> = (0..200).map(|n| resource(&format!("*{n}?????????a?????????????b*"))).collect();
    let list: Vec<&str> = hostile.iter().map(String::as_str).collect();
    assert!(FILES.outside(&list, None).is_ok_and(|key| key.is_some()));
    assert_eq!(shapes(&Folder::ALL, "logs/base", None).count(), 30);
}
