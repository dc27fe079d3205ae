//! One assessment of an estate, told by every report: what the drift does now stands first, the risk of the repair
//! beside it.

use serde_json::Value;

use super::folder::Case;

fn json(case: &Case, code: i32, words: &str) -> Value {
    serde_json::from_str(&case.must(code, words)).unwrap()
}

/// Case 10: a rule of another hand deletes every log after a day.
#[test]
fn a_rule_that_deletes_every_log_after_a_day_loses_logs_and_is_no_note() {
    let case = Case::open("10");
    let human = case.must(2, "drift --estate estate.json");
    let wrong = human.split_once("Wrong now").unwrap().1;
    assert!(wrong.trim_start().starts_with("logs-lost: logs are being lost"), "{human}");
    assert!(human.contains("repair: safe") && human.contains("logs-deleted-too-soon"), "{human}");
    let end = human.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(end.contains("Found: 1 finding; the worst is logs-lost"), "{human}");

    let plan = json(&case, 2, "drift --estate estate.json --format json");
    assert_eq!((&plan["worst_harm"], &plan["in_sync"]), (&"logs-lost".into(), &false.into()));
    let bucket = plan["changes"].as_array().unwrap().iter().find(|change| change["kind"] == "bucket").unwrap();
    assert_eq!((&bucket["harm"], &bucket["risk"][0]), (&"logs-lost".into(), &"safe".into()));
    assert_eq!(plan["changes"][0]["harm"], "logs-lost", "the worst is the first");

    let sarif = json(&case, 2, "drift --estate estate.json --format sarif");
    let first = &sarif["runs"][0]["results"][0];
    assert_eq!((&first["ruleId"], &first["level"]), (&"logs-lost".into(), &"error".into()));
    let junit = case.must(2, "drift --estate estate.json --format junit");
    assert!(junit.contains("type=\"logs-lost\""), "{junit}");
    let markdown = case.must(2, "drift --estate estate.json --format markdown");
    assert!(markdown.contains("### Wrong now\n- **logs-lost**"), "{markdown}");

    let round = json(&case, 2, "reconcile --once --observe --estate estate.json --format json");
    assert_eq!((&round["in_sync"], &round["findings"][0]["harm"]), (&false.into(), &"logs-lost".into()));
    assert_eq!(round["round"]["harm"], "logs-lost");
}

/// Edits the recorded estate of a case.
fn edited(case: &Case, edit: impl FnOnce(&mut Value)) {
    let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
    edit(&mut estate);
    case.write("estate.json", &estate.to_string());
}

/// The resource of a kind in a recorded estate.
fn resource<'e>(estate: &'e mut Value, kind: &str) -> &'e mut Value {
    let found = find(estate, kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

fn find<'e>(value: &'e mut Value, kind: &str) -> Option<&'e mut Value> {
    match value {
        Value::Object(object) => {
            if object.get(kind).is_some_and(|it| it.is_object() && object.len() == 1) {
                return object.get_mut(kind);
            }
            object.values_mut().find_map(|value| find(value, kind))
        }
        Value::Array(list) => list.iter_mut().find_map(|value| find(value, kind)),
        _ => None,
    }
}

/// What CloudTrail said when the estate was recorded is told by everything that reads it: here case 23, recorded.
#[test]
fn a_delivery_that_fails_is_the_worst_finding_of_everything_that_is_asked() {
    let case = Case::open("10");
    edited(&case, |estate| {
        resource(estate, "bucket")["lifecycle"] = serde_json::json!([]);
        let trail = resource(estate, "trail");
        let status: Value = serde_json::from_str(&Case::open("23").read("get-trail-status.json")).unwrap();
        trail["delivery"] = serde_json::json!({
            "latest_time": status["LatestDeliveryTime"], "latest_error": status["LatestDeliveryError"],
            "digest_error": status["LatestDigestDeliveryError"], "notification_error": null, "log_group_error": null,
            "started_time": status["StartLoggingTime"], "stopped_time": null,
        });
    });
    for command in ["drift", "plan"] {
        let report = json(&case, 2, &format!("{command} --estate estate.json --format json"));
        let first = &report["findings"][0];
        assert_eq!((&first["code"], &first["harm"]), (&"delivery-fails".into(), &"logs-lost".into()), "{report:#}");
        assert_eq!(
            (&first["since"], &first["until"]),
            (&"2026-11-20T10:02:11Z".into(), &"2026-12-20T10:02:11Z".into())
        );
        assert_eq!(report["in_sync"], false);
    }
    let explained = case.run("explain --live --estate estate.json");
    assert_eq!(explained.code, 2, "{}", explained.stdout);
    assert!(explained.stdout.starts_with("logs-lost delivery-fails"), "{}", explained.stdout);
    let round = json(&case, 2, "reconcile --once --observe --estate estate.json --format json");
    assert_eq!(round["in_sync"], false, "{round:#}");
    let codes: Vec<&str> =
        round["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"delivery-fails"), "{codes:?}");
    let check = case.run("check --estate estate.json");
    assert_eq!(check.code, 2);
    let said = check.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("nothing arrives since 2026-11-20T10:02:11Z: AccessDenied"), "{said}");
}

/// A form that a command has not is refused before anything is done.
#[test]
fn reconcile_has_json_for_one_round_and_refuses_what_it_has_not() {
    let case = Case::open("10");
    for words in ["--once --format sarif", "--once --format html", "--format json", "--once --output report.md"] {
        let run = case.run(&format!("reconcile --estate estate.json {words}"));
        assert_eq!(run.code, 1, "{words}: {}", run.stderr);
        assert!(run.stderr.to_lowercase().contains("json"), "{words}: {}", run.stderr);
    }
}

/// A member reads all logs by a statement of somebody else: everything says so, with the command that ends it; the
/// daemon leaves it to a person.
#[test]
fn a_statement_that_breaks_isolation_is_a_finding_of_the_daemon_and_has_a_repair() {
    let case = Case::open("10");
    edited(&case, |estate| {
        resource(estate, "bucket")["lifecycle"] = serde_json::json!([]);
        let policy = &mut resource(estate, "bucket_policy")["policy"]["Statement"];
        policy.as_array_mut().unwrap().push(serde_json::json!({
            "Sid": "TeamReads", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*",
        }));
    });
    let drift = json(&case, 2, "drift --estate estate.json --format json");
    let violation = &drift["violations"][0];
    assert_eq!(
        (&violation["harm"], &drift["worst_harm"]),
        (&"logs-exposed".into(), &"logs-exposed".into()),
        "{drift:#}"
    );
    assert!(violation["repair"].as_str().unwrap().contains("orgtrail apply --close --allow destroys"), "{violation}");

    let round = json(&case, 2, "reconcile --once --estate estate.json --format json");
    assert_eq!((&round["in_sync"], &round["round"]["result"]), (&false.into(), &"waiting".into()), "{round:#}");
    let finding = &round["findings"][0];
    assert_eq!(finding["harm"], "logs-exposed");
    assert!(finding["help"].as_str().unwrap().contains("--close"), "{finding}");

    let closing = json(&case, 2, "plan --close --estate estate.json --format json");
    let change = &closing["changes"][0];
    assert_eq!(
        (&change["kind"], &change["risk"], &change["harm"]),
        (&"bucket_policy".into(), &serde_json::json!(["destroys"]), &"logs-exposed".into())
    );
    assert_eq!(closing["violations"], serde_json::json!([]), "{closing:#}");
    let refused = case.run("apply --yes --close --estate estate.json");
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("--allow destroys"), "{}", refused.stderr);
    case.must(0, "apply --yes --close --allow destroys --estate estate.json");
    assert!(!case.read("estate.json").contains("TeamReads"));
    let after = json(&case, 0, "drift --estate estate.json --format json");
    assert_eq!(after["in_sync"], true);
    let round = json(&case, 0, "reconcile --once --estate estate.json --format json");
    assert_eq!((&round["in_sync"], &round["round"]["result"]), (&true.into(), &"in_sync".into()));
}

/// A bucket policy that somebody deleted: since when nothing arrives, and that it is put back.
#[test]
fn a_deleted_bucket_policy_says_that_nothing_has_arrived_since() {
    let case = Case::open("10");
    edited(&case, |estate| {
        resource(estate, "bucket")["lifecycle"] = serde_json::json!([]);
        let sightings = estate["estate"]["sightings"].as_object_mut().unwrap();
        sightings["222222222222/eu-central-1/bucket_policy/acme-org-cloudtrail"] = "absent".into();
        resource(estate, "trail")["delivery"] = serde_json::json!({
            "latest_time": "2026-11-20T10:02:11Z", "latest_error": null, "digest_error": null,
            "notification_error": null, "log_group_error": null, "stopped_time": null,
        });
    });
    let drift = json(&case, 2, "drift --estate estate.json --format json");
    assert_eq!(drift["worst_harm"], "logs-lost");
    let gone = drift["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "bucket-policy-gone");
    let gone = gone.unwrap_or_else(|| panic!("{drift:#}"));
    let message = gone["message"].as_str().unwrap();
    assert!(message.contains("nothing has arrived since") && message.contains("2026-11-20T10:02:11Z"), "{message}");
    assert_eq!((&gone["since"], &gone["until"]), (&"2026-11-20T10:02:11Z".into(), &"2026-12-20T10:02:11Z".into()));
    case.must(0, "apply --yes --estate estate.json");
    case.must(0, "drift --estate estate.json");
}

/// Nothing is there yet: the missing trail records nothing, and the rest of a new deployment is no incident.
#[test]
fn of_a_deployment_that_is_only_planned_the_missing_trail_alone_is_an_incident() {
    let case = Case::open("10");
    edited(&case, |estate| {
        for sighting in estate["estate"]["sightings"].as_object_mut().unwrap().values_mut() {
            *sighting = "absent".into();
        }
    });
    let plan = json(&case, 2, "plan --accept-fewer-accounts --estate estate.json --format json");
    let harms: Vec<(&str, &str)> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["kind"].as_str().unwrap(), change["harm"].as_str().unwrap()))
        .filter(|(_, harm)| *harm != "harmless")
        .collect();
    assert_eq!(harms, [("trail", "nothing-recorded")], "{plan:#}");
    assert_eq!(plan["findings"], serde_json::json!([]));
}
