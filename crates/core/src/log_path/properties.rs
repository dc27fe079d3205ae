//! What holds of all names: printing and parsing undo each other, prefixes are prefixes, and what is hostile is
//! refused.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ids::{AccountId, Region};

const LOG: &str = "AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/2026/11/20/\
                   111122223333_CloudTrail_us-east-1_20261120T1005Z_AbCdEfGhIjKlMnOp.json.gz";
const DIGEST: &str = "AWSLogs/o-exampleorgid/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/\
                      111122223333_CloudTrail-Digest_us-east-1_org-trail_eu-central-1_20261120T100000Z.json.gz";

#[test]
fn a_log_file_is_read_from_its_key() {
    let key = LogKey::parse(LOG).unwrap();
    assert_eq!(key.scope.organization.as_deref(), Some("o-exampleorgid"));
    assert_eq!(key.scope.account.as_str(), "111122223333");
    assert_eq!(key.kind, LogKind::CloudTrail);
    assert_eq!(key.slot, "2026-11-20T10:05:00Z".parse().unwrap());
    assert_eq!(key.unique, "AbCdEfGhIjKlMnOp");
}

#[test]
fn a_digest_has_the_region_of_events_first_and_home_last() {
    let key = DigestKey::parse(DIGEST).unwrap();
    assert_eq!((key.scope.region.as_str(), key.home.as_str()), ("us-east-1", "eu-central-1"));
    assert_eq!(key.trail.as_str(), "org-trail");
    assert!(!key.backfill);
    let late = DIGEST.replace(".json.gz", "_backfill.json.gz");
    assert!(DigestKey::parse(&late).unwrap().backfill);
}

#[test]
fn prefixes_layouts_and_odd_trail_names_are_read() {
    for key in [
        format!("a/b/c/{LOG}"),
        LOG.replace("o-exampleorgid/", ""),
        LOG.replace("Z_AbCd", "ZAbCd"),
        LOG.replace("2026/11/20", "2026/11/21"),
        DIGEST.replace("org-trail", "a_us-east-1_b.c"),
        format!("AWSLogs/{DIGEST}"),
        // A trail may have been given any prefix, with slashes where no other has them.
        format!("/a//b/{LOG}"),
        format!("protokolle/für alle/{LOG}"),
    ] {
        assert_eq!(ObjectKey::parse(&key).expect(&key).to_string(), key);
    }
}

#[test]
fn what_cloudtrail_would_not_write_is_no_key() {
    for key in [
        LOG.replace("2026/11/20", "2026/11/22"),
        DIGEST.replace("2026/11/20", "2026/11/21"),
        LOG.replace("us-east-1/", "us-east-2/"),
        LOG.replace("T1005Z", "T2405Z"),
        LOG.replace("AWSLogs/", "xAWSLogs/"),
        LOG.replace("AWSLogs/", ""),
        LOG.replace("AbCd", "../x"),
        LOG.replace(".json.gz", ".json"),
        DIGEST.replace("T100000Z", "T1000Z"),
        DIGEST.replace("111122223333_", "999999999999_"),
        String::new(),
        "/".into(),
    ] {
        assert_eq!(ObjectKey::parse(&key), None, "{key}");
    }
}

#[test]
fn a_refusal_says_why() {
    let why = |key: &str| key.parse::<ObjectKey>().unwrap_err().to_string();
    let long = format!("{}/{LOG}", "a".repeat(KEY_BYTES_MAX));
    let form = "it is not of the form [prefix/]AWSLogs/[o-…/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/FILE";
    let root = "no folder AWSLogs stands before the folder of an account or organization";
    let cases = [
        (long, "it has more than 1024 bytes"),
        (String::new(), form),
        ("////////".into(), root),
        ("AWSLogs/".into(), form),
        (LOG.replace("AWSLogs", "AWSLogs/o-other"), root),
        (LOG.replace("AWSLogs/", "awslogs/"), root),
        (format!("../{LOG}"), "a folder before AWSLogs is called `.` or `..`"),
        (format!("a/./{LOG}"), "a folder before AWSLogs is called `.` or `..`"),
        (LOG.replace("/CloudTrail/", "/Config/"), r#"CloudTrail has no folder "Config""#),
        (LOG.replace("/CloudTrail/", "/cloudtrail\n/"), r#"CloudTrail has no folder "cloudtrail\n""#),
        (LOG.replace("_CloudTrail_", "_CloudTrail-Digest_"), "its file is not named as CloudTrail names log files"),
        (DIGEST.replace("org-trail_", ""), "its file is not named as CloudTrail names digests"),
        (LOG.replace("2026/11/20", "2026/11/2"), "the time in its file's name is not of the day of its folders"),
        (LOG.replace("2026/11/20", "２０２６/11/20"), "the time in its file's name is not of the day of its folders"),
    ];
    for (key, expected) in cases {
        assert_eq!(why(&key), expected, "{key}");
    }
    let account = why(&LOG.replace("/111122223333/", "/11112222333x/"));
    assert!(account.starts_with("the folder of the account: \"11112222333x\""), "{account}");
    let region = why(&LOG.replace("/us-east-1/", "//"));
    assert!(region.starts_with("the folder of the region: \"\""), "{region}");
}

#[test]
fn the_folder_of_a_key_is_known_by_its_place() {
    assert_eq!(folder_of(LOG), Some(Folder::Logs(LogKind::CloudTrail)));
    assert_eq!(folder_of(DIGEST), Some(Folder::Digests));
    assert_eq!(folder_of(&format!("CloudTrail-Digest/{LOG}")), Some(Folder::Logs(LogKind::CloudTrail)));
    assert_eq!(folder_of("any"), None);
    assert_eq!(folder_of(&LOG.replace("/CloudTrail/", "/Config/")), None);
}

fn scopes() -> impl Strategy<Value = ChainScope> {
    let prefix = prop_oneof![Just(String::new()), "([a-z0-9!._ -]{1,8}[a-z]/){1,3}", Just("AWSLogs/".to_owned())];
    let organization = proptest::option::of("o-[a-z0-9]{1,32}");
    let region = prop_oneof![Just("eu-west-3"), Just("us-gov-west-1"), Just("cn-north-1"), Just("ap-southeast-12")];
    (prefix, organization, "[0-9]{12}", region).prop_map(|(prefix, organization, account, region)| ChainScope {
        prefix,
        organization,
        account: account.parse::<AccountId>().unwrap(),
        region: region.parse::<Region>().unwrap(),
    })
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (0i64..4_000_000_000).prop_map(|at| Timestamp::from_second(at).unwrap())
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_prints_back(text in "\\PC{0,200}") {
        if let Some(key) = ObjectKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn a_key_with_any_folder_changed_is_read_without_panic(at in 0usize..10, part in "\\PC{0,12}|[.*?$/_-]{0,4}|[0-9]{0,13}") {
        for whole in [LOG, DIGEST] {
            let mut parts: Vec<&str> = whole.split('/').collect();
            if let Some(changed) = parts.get_mut(at) {
                *changed = &part;
            }
            let text = parts.join("/");
            if let Ok(key) = text.parse::<ObjectKey>() {
                prop_assert_eq!(&key.to_string(), &text);
            } else {
                prop_assert!(text != whole);
            }
            let _any = (owner(&text), split_at_root(&text), split_at_last_root(&text), folder_of(&text));
        }
    }

    #[test]
    fn a_key_changed_in_one_place_is_another_key_or_none(at in 0..DIGEST.len(), to in any::<char>()) {
        let mut changed: Vec<char> = DIGEST.chars().collect();
        changed[at] = to;
        let changed: String = changed.into_iter().collect();
        if let Some(key) = ObjectKey::parse(&changed) {
            prop_assert_eq!(key.to_string(), changed);
        }
    }

    #[test]
    fn every_digest_key_survives_print_and_parse(
        scope in scopes(), trail in "[a-z]{2}([._-][a-z0-9]{1,4}){0,3}", end in moments(), backfill: bool,
    ) {
        let trail = format!("t{trail}").parse().unwrap();
        let key = DigestKey { scope, trail, home: "us-gov-west-1".parse().unwrap(), end, backfill };
        let text = key.to_string();
        prop_assert_eq!(folder_of(&text), Some(Folder::Digests));
        prop_assert!(text.starts_with(&key.scope.day_path(Folder::Digests, end)));
        prop_assert_eq!(text.parse(), Ok(ObjectKey::Digest(key)));
    }

    #[test]
    fn every_log_key_survives_print_and_parse(
        scope in scopes(), kind in 0..LogKind::ALL.len(), minutes in 0i64..60_000_000, unique in "[A-Za-z0-9]{1,16}",
        separated: bool, late: bool,
    ) {
        let kind = LogKind::ALL[kind];
        let slot = Timestamp::from_second(minutes * 60).unwrap();
        let day = if late { slot + jiff::SignedDuration::from_hours(24) } else { slot };
        let key = LogKey { scope, kind, slot, unique, separated, day: day_folder(day) };
        let text = key.to_string();
        let folder = Folder::Logs(kind);
        prop_assert_eq!(folder_of(&text), Some(folder));
        prop_assert!(key.scope.day_prefixes(folder, slot, day).last().is_some_and(|day| text.starts_with(&day)));
        prop_assert_eq!(text.parse(), Ok(ObjectKey::Log(key)));
    }

    #[test]
    fn every_prefix_begins_the_keys_below_it(scope in scopes(), first in moments(), hours in 0i64..200) {
        let root = scope.root();
        prop_assert_eq!(root.as_str().parse(), Ok(root.clone()));
        prop_assert_eq!(ChainScope::of(&root, scope.account.clone(), scope.region.clone()), scope.clone());
        prop_assert!(root.folder().starts_with(root.prefix()));
        let account = scope.account_prefix();
        prop_assert!(account.starts_with(&root.folder()));
        let whole = owner(&account).filter(|_| !root.prefix().contains(TOP));
        prop_assert!(whole.is_none_or(|owner| owner.account == scope.account.as_str()));
        prop_assert_eq!(LogRoot::of_account_pattern(&root.account_pattern(scope.account.as_str()), scope.account.as_str()), Some(root));
        let last = first + jiff::SignedDuration::from_hours(hours);
        for folder in Folder::ALL {
            let prefix = scope.folder_prefix(folder);
            prop_assert!(prefix.starts_with(&account));
            let days: Vec<String> = scope.day_prefixes(folder, first, last).collect();
            prop_assert!(days.iter().all(|day| day.starts_with(&prefix)));
            prop_assert!(days.is_sorted() && days.len() as i64 >= hours / 24);
            prop_assert_eq!(days.first(), Some(&format!("{}/", scope.day_path(folder, first))));
            prop_assert_eq!(days.last(), Some(&format!("{}/", scope.day_path(folder, last))));
        }
    }

    #[test]
    fn every_sample_is_a_key_of_its_folder(scope in scopes(), trail in "[a-z]{3,9}") {
        let root = scope.root();
        let sample = Sample::of(scope.account.as_str(), scope.region.as_str()).by_trail(&trail);
        for (folder, text) in Folder::ALL.into_iter().zip(sample.keys(&root)) {
            let key: ObjectKey = text.parse().unwrap();
            prop_assert_eq!(key.scope(), &scope);
            prop_assert!(text.starts_with(&scope.folder_prefix(folder)));
            prop_assert_eq!(folder_of(&text), Some(folder));
        }
    }
}
