//! The pack: each rule with a record for which it rings and one for which it does not, attacks that were really carried
//! out, and what the files of rules may not say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::read::documents;
use super::{DetectionFinding, Engine, EngineSettings, Level, RuleSet, ocsf, pack, reference};
use crate::event::Record;

/// The time of the first record of a test: 2026-09-22T00:00:00Z.
const BEGIN_S: i64 = 1_790_035_200;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn engine(rules: &RuleSet) -> Engine {
    let settings =
        EngineSettings { own_accounts: BTreeSet::from(["999988887777".to_owned()]), ..EngineSettings::default() };
    let mut engine = Engine::new(rules, settings);
    engine.knows_since(jiff::Timestamp::UNIX_EPOCH);
    engine
}

/// Who calls, as CloudTrail records it.
fn identity(who: &str) -> Value {
    let session = |role: &str, name: &str, more: &str| {
        let mut identity = json!({
            "type": "AssumedRole",
            "principalId": format!("AROAEXAMPLE:{name}"),
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}"),
            "accountId": "111122223333",
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "userName": role,
                    "arn": format!("arn:aws:iam::111122223333:role/{role}"), "accountId": "111122223333"},
                "attributes": {"creationDate": "2026-09-21T23:00:00Z", "mfaAuthenticated": "false"},
            },
        });
        if !more.is_empty() {
            identity["sessionContext"]["ec2RoleDelivery"] = more.into();
        }
        identity
    };
    match who {
        "root" => json!({"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
            "accountId": "111122223333", "accessKeyId": ""}),
        "role" => session("deploy", "pipeline", ""),
        "instance" => session("web", "i-0abcdef1234567890", "2.0"),
        _ => json!({"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "alice"}),
    }
}

/// Completes the record of a test, which may stand for several: `repeat` times, every `every_s` seconds, with another
/// value at the place that `vary` names.
fn records(own: &Value, begin_s: i64, ids: &mut u64) -> Vec<String> {
    let number = |name: &str, default: i64| own.get(name).and_then(Value::as_i64).unwrap_or(default);
    let vary = own.get("vary").and_then(Value::as_str);
    let one = |n: i64| {
        *ids += 1;
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": identity(own.get("as").and_then(Value::as_str).unwrap_or("user")),
            "eventTime": jiff::Timestamp::from_second(begin_s + n * number("every_s", 1)).unwrap().to_string(),
            "awsRegion": "us-east-1",
            "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli/2.17.9 md/awscrt#0.20.11 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11",
            "requestParameters": null,
            "responseElements": null,
            "requestID": format!("10000000-0000-4000-8000-{:012x}", *ids),
            "eventID": format!("00000000-0000-4000-8000-{:012x}", *ids),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
        });
        let fields = own.as_object().unwrap().iter();
        for (name, value) in fields.filter(|(name, _)| !["as", "repeat", "vary", "every_s"].contains(&name.as_str())) {
            record[name] = value.clone();
        }
        if let Some(place) = vary {
            let value = record.pointer_mut(&format!("/{}", place.replace('.', "/"))).unwrap();
            *value = format!("{}-{n}", value.as_str().unwrap()).into();
        }
        record.to_string()
    };
    (0..number("repeat", 1)).map(one).collect()
}

/// Returns the rules that ring for the records of a test.
fn ringing(rules: &RuleSet, tests: &Value, name: &str) -> BTreeSet<String> {
    let (mut engine, mut ids, mut found) = (engine(rules), 0, BTreeSet::new());
    for (at, own) in tests[name].as_array().unwrap().iter().enumerate() {
        // The records of one test follow each other; a silent one must not help another.
        let begin_s = BEGIN_S + at as i64 * if name == "rings" { 60 } else { 86_000 };
        for text in records(own, begin_s, &mut ids) {
            found.extend(engine.feed(&Record::read(&text).unwrap()).into_iter().map(|finding| finding.rule));
        }
    }
    found
}

#[test]
fn each_rule_rings_for_its_record_and_not_for_the_other() {
    let rules = pack::rules();
    let mut open: BTreeSet<&str> = rules.rules().iter().map(|rule| rule.meta.id.as_str()).collect();
    let mut wrong = Vec::new();
    for (file, _) in pack::FILES {
        let file = file.replace("rules/", "rules/tests/");
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for document in documents(&text, &file) {
            let document = document.unwrap();
            let (tests, rule) = (document.value(), document.value()["rule"].as_str().unwrap().to_owned());
            assert!(open.remove(rule.as_str()), "{rule} is no rule, or has two tests");
            if !ringing(&rules, tests, "rings").contains(&rule) {
                wrong.push(format!("{rule} does not ring"));
            }
            if ringing(&rules, tests, "silent").contains(&rule) {
                wrong.push(format!("{rule} rings where it must not"));
            }
        }
    }
    assert_eq!((wrong, open), (Vec::<String>::new(), BTreeSet::new()), "rules without a test, or that fail it");
}

#[test]
fn every_rule_of_the_pack_says_what_a_person_needs() {
    let rules = pack::rules();
    assert_eq!(rules.problems(), []);
    assert!(rules.rules().len() >= 60, "{}", rules.rules().len());
    for rule in rules.rules() {
        let meta = &rule.meta;
        for text in [&meta.title, &meta.author, &meta.description, &meta.next_step] {
            assert!(!text.trim().is_empty(), "{}", meta.id);
        }
        assert!(!meta.false_positives.is_empty(), "{}", meta.id);
        let is_technique = |tag: &String| {
            let number = tag.strip_prefix("attack.t").unwrap_or_default();
            let (parent, sub) = number.split_once('.').unwrap_or((number, "000"));
            parent.len() == 4 && sub.len() == 3 && (parent.to_owned() + sub).bytes().all(|byte| byte.is_ascii_digit())
        };
        assert!(meta.tags.iter().any(is_technique), "{}: {:?}", meta.id, meta.tags);
    }
    let mut folder: Vec<String> = fs::read_dir(root().join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .map(|name| format!("rules/{name}"))
        .collect();
    folder.sort();
    assert_eq!(folder, pack::FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
}

#[test]
fn the_index_leaves_most_records_to_no_rule() {
    let rules = pack::rules();
    let others: Vec<&str> = rules
        .rules()
        .iter()
        .filter(|rule| rule.steps().iter().any(|step| step.condition.keys().is_none()))
        .map(|rule| rule.meta.id.as_str())
        .collect();
    assert_eq!(others, ["attack-tool"], "these look at every record");
}

/// A stream of records, each with what it belongs to.
fn found(records: &[(String, String)]) -> BTreeMap<String, Vec<DetectionFinding>> {
    let rules = pack::rules();
    let mut found: BTreeMap<String, Vec<DetectionFinding>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, text) in records {
        by_name.entry(name).or_default().push(text);
    }
    for (name, texts) in by_name {
        // No rule about first occurrences may help: nothing is known of the time before.
        let mut engine = Engine::new(&rules, EngineSettings::default());
        let findings = found.entry(name.to_owned()).or_default();
        for text in texts {
            findings.extend(engine.feed(&Record::read(text).unwrap()));
        }
    }
    found
}

#[test]
fn attacks_that_were_carried_out_are_found_at_medium_or_higher() {
    let text = fs::read_to_string(root().join("tests/data/logs/detonations/stratus.jsonl")).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        (value["technique"].as_str().unwrap().to_owned(), value["record"].to_string())
    };
    let found = found(&text.lines().map(line).collect::<Vec<_>>());
    assert_eq!(found.len(), 35);
    let is_found = |findings: &Vec<DetectionFinding>| findings.iter().any(|finding| finding.level >= Level::Medium);
    let missed: Vec<&String> = found.iter().filter(|(_, findings)| !is_found(findings)).map(|(name, _)| name).collect();
    assert_eq!(missed, Vec::<&String>::new());
}

#[test]
fn the_index_leaves_no_finding_out() {
    let text = fs::read_to_string(root().join("tests/data/logs/detonations/stratus.jsonl")).unwrap();
    let rules = pack::rules();
    let (mut by_index, mut by_all) = (engine(&rules), engine(&rules));
    for line in text.lines() {
        let text = serde_json::from_str::<Value>(line).unwrap()["record"].to_string();
        let record = Record::read(&text).unwrap();
        assert_eq!(by_index.feed(&record), by_all.feed_to_every_rule(&record));
    }
    assert_eq!(by_index.save().unwrap(), by_all.save().unwrap());
    // Lists where CloudTrail writes texts.
    let odd = r#"{"eventTime":"2026-09-22T00:00:00Z","eventSource":["cloudtrail.amazonaws.com"],
        "eventName":["StopLogging"],"userIdentity":[{"type":"Root"}],"recipientAccountId":"111122223333"}"#;
    let record = Record::read(odd).unwrap();
    let rang = |findings: Vec<DetectionFinding>| findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
    let (mut by_index, mut by_all) = (engine(&rules), engine(&rules));
    assert_eq!(rang(by_index.feed(&record)), ["root-use", "trail-stopped"]);
    assert_eq!(rang(by_all.feed_to_every_rule(&record)), ["root-use", "trail-stopped"]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line_and_the_others_are_used() {
    let good = "title: T\nid: good\nlevel: low\nwhen: {eventName: A}\nwithin: 5m\nat_least: 2\n";
    let cases: &[(&str, usize, &str)] = &[
        (
            "title: T\nid: a\nlevel: low\nwhen: {eventName: A}\nwithin: 5m\nat_leest: 2\n",
            6,
            "unknown field `at_leest`; did you mean `at_least`?",
        ),
        ("title: T\nid: a\nlevel: low\nwhen: {eventName: A}\nwithin: 5x\nat_least: 2\n", 5, "no time such as 30s"),
        ("title: T\nid: a\nlevel: low\nwhen: {eventName: A}\nwithin: 5m\nat_least: 0\n", 6, "no number from 1"),
        (
            "title: T\nid: a\nlevel: worse\nwhen: {eventName: A}\nwithin: 5m\nat_least: 2\n",
            3,
            "a level is informational",
        ),
        ("title: T\nid: a\nwhen: {eventName: A}\nwithin: 5m\nat_least: 2\n", 1, "`level` is missing"),
        ("id: a\nlevel: low\nwhen: {eventName: A}\nwithin: 5m\nat_least: 2\n", 1, "`title` is missing"),
        ("title: T\nlevel: low\nwhen: {eventName: A}\nwithin: 5m\nat_least: 2\n", 1, "`id` is missing"),
        ("title: T\nid: a\nlevel: low\nwhen: {eventNme: A}\nwithin: 5m\nat_least: 2\n", 4, "no field `eventNme`"),
        (
            "title: T\nid: a\nlevel: low\nwhen: {eventName: A}\ngroup_by: [user]\nwithin: 5m\nat_least: 2\n",
            5,
            "no field `user`",
        ),
        ("title: T\nid: a\nlevel: low\nwithin: 5m\nat_least: 2\n", 1, "`when` is missing"),
        ("title: T\nid: a\nlevel: low\nwhen: {eventName: A}\nfirst: [principal]\n", 1, "`in` is missing"),
        (
            "title: T\nid: a\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName|has: A}, condition: s}\n",
            5,
            "has",
        ),
        ("title: T\nid: a\nlevel: low\ndetection: {s: {eventName: A}, condition: s}\n", 1, "`logsource` is missing"),
        (
            "title: T\nid: a\nlevel: low\ncorrelation: {type: event_count, rules: [b], timespan: 5m, condition: {gte: 2}}\n",
            1,
            "no rule of Sigma that was read",
        ),
        (
            "title: T\nid: a\nlevel: low\ncorrelation: {type: event_count, rules: [b], timespan: 5m, condition: {lt: 2}}\n",
            4,
            "only `gte` and `gt`",
        ),
        (
            "title: T\nid: a\nlevel: low\ncorrelation: {type: value_sum, rules: [b], timespan: 5m, condition: {gte: 2, field: x}}\n",
            4,
            "value_sum",
        ),
        ("title: T\nid: a\nlevel: low\nfilter: {rules: any}\n", 4, "filters of Sigma are not supported"),
        (
            "title: T\nid: good\nlevel: low\nwhen: {eventName: B}\nwithin: 5m\nat_least: 2\n",
            1,
            "is the id of the rule in rules.yaml:1 too",
        ),
        ("title: [\n", 2, ""),
        ("title: T\ntitle: U\n", 2, "title"),
        ("- a\n", 1, "it is no rule"),
        ("title: T\nid: a\n", 1, "it has none of"),
    ];
    for (bad, line, wanted) in cases {
        let text = format!("{good}---\n{bad}---\n{}", good.replace("good", "other"));
        let rules = RuleSet::read([("rules.yaml", text.as_str())]);
        let ids: Vec<&str> = rules.rules().iter().map(|rule| rule.meta.id.as_str()).collect();
        assert_eq!(ids, ["good", "other"], "{bad}");
        let found = rules.problems().iter().find(|problem| problem.message.contains(wanted));
        let found = found.unwrap_or_else(|| panic!("{bad}: {:?}", rules.problems()));
        assert_eq!((found.file.as_str(), found.line), ("rules.yaml", 7 + line), "{found}");
    }
    let windows =
        "title: T\nid: w\nlevel: low\nlogsource: {product: windows}\ndetection: {s: {EventID: 1}, condition: s}\n";
    let rules = RuleSet::read([("rules.yaml", windows)]);
    assert_eq!((rules.rules().len(), rules.problems().len(), rules.elsewhere()), (0, 0, 1));
}

#[test]
fn the_examples_of_the_guide_can_be_read() {
    let guide = fs::read_to_string(root().join("docs/guides/detections.md")).unwrap();
    let blocks: Vec<&str> = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [rules @ .., overrides] = blocks.as_slice() else { panic!("it has no example") };
    let files = pack::FILES.iter().copied().chain(rules.iter().map(|rule| ("the guide", *rule)));
    let rules = RuleSet::read(files).with_overrides(&super::Overrides::read([("the guide", *overrides)]));
    assert_eq!((blocks.len(), rules.problems()), (4, &[][..]));
    assert_eq!(rules.disabled().iter().map(|disabled| disabled.id.as_str()).collect::<Vec<_>>(), ["user-made"]);
}

#[test]
fn what_is_wrong_with_overrides_is_said() {
    let rules = |text: &str| {
        let overrides = super::Overrides::read([("own.yaml", text)]);
        let problems = pack::rules().with_overrides(&overrides).problems().to_vec();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (text, wanted) in [
        (
            "overrides:\n  - rule: root-us\n    level: low\n",
            "own.yaml:2: root-us: there is no rule `root-us`; did you mean `root-use`?",
        ),
        ("overrides:\n  - rule: root-use\n    disabled: true\n", "`why` is missing"),
        (
            "overrides:\n  - rule: root-use\n    exclude:\n      - when: {eventName: A}\n        why: x\n",
            "`who` is missing",
        ),
        (
            "overrides:\n  - rule: root-use\n    exclude:\n      - {when: {eventNam: A}, why: x, who: y}\n",
            "own.yaml:4: root-use: records of CloudTrail have no field `eventNam`",
        ),
        (
            "overrides:\n  - rule: root-use\n    exclude:\n      - {when: {eventName: A}, why: x, who: y, until: soon}\n",
            "no day",
        ),
        ("overrides:\n  - rule: root-use\n    levle: low\n", "did you mean `level`?"),
        ("override: []\n", "did you mean `overrides`?"),
    ] {
        assert!(rules(text).contains(wanted), "{text}: {}", rules(text));
    }
}

#[test]
fn a_finding_in_ocsf_has_what_its_class_asks_for() {
    let rules = pack::rules();
    let own = json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
        "requestParameters": {"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/acme"}});
    let text = records(&own, BEGIN_S, &mut 0).remove(0);
    let found = engine(&rules).feed(&Record::read(&text).unwrap());
    let finding = found.iter().find(|finding| finding.rule == "trail-stopped").unwrap();
    let value = ocsf(finding, false);
    for (place, expected) in [
        ("/class_uid", json!(2004)),
        ("/category_uid", json!(2)),
        ("/activity_id", json!(1)),
        ("/type_uid", json!(200_401)),
        ("/severity_id", json!(4)),
        ("/time", json!(BEGIN_S * 1_000)),
        ("/count", json!(1)),
        ("/metadata/version", json!("1.3.0")),
        ("/finding_info/uid", json!(finding.id)),
        ("/finding_info/attacks/0/technique/uid", json!("T1562")),
        ("/finding_info/attacks/0/sub_technique/uid", json!("T1562.008")),
        ("/finding_info/related_events/0/uid", json!(finding.event_ids[0])),
        ("/cloud/account/uid", json!("111122223333")),
        ("/evidences/0/api/operation", json!("StopLogging")),
        ("/evidences/0/api/service/name", json!("cloudtrail.amazonaws.com")),
        ("/evidences/0/actor/user/uid", json!("arn:aws:iam::111122223333:user/alice")),
        ("/resources/0/type", json!("AWS::CloudTrail::Trail")),
    ] {
        assert_eq!(value.pointer(place), Some(&expected), "{place}: {value:#}");
    }
    assert!(!value.to_string().contains("null"), "{value:#}");
    assert_eq!(ocsf(finding, true)["type_uid"], 200_402);
}

#[test]
fn the_page_about_rules_is_what_the_pack_says() {
    let (page, text) = (root().join("docs/reference/rules.md"), reference());
    if std::env::var_os("ORGTRAIL_WRITE_REFERENCE").is_some() {
        fs::write(&page, &text).unwrap();
        return;
    }
    let there = fs::read_to_string(&page).unwrap_or_default();
    let difference = there.lines().zip(text.lines()).find(|(there, wanted)| there != wanted);
    assert!(there == text, "docs/reference/rules.md is not what the pack says; run `bash .ci/docs`\n{difference:?}");
}
