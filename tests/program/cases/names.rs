//! Names that members choose, and selectors that match nothing.

use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Kind, Sighting};
use serde_json::Value;

use super::folder::Case;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const SELECTOR: &str = "ou:/R&D / Lab/**";

#[test]
fn a_selector_that_matches_nothing_is_said_with_the_unit_that_was_meant() {
    let case = Case::open("22");
    case.must(0, "validate");
    let tree = case.must(0, "discover --estate estate.json").replace("\n", " ");
    assert!(tree.contains("matches no unit and no account"), "{tree}");
    assert!(tree.contains("the unit `R&D / Lab`"), "{tree}");
    let found = json(&case.must(0, "discover --estate estate.json --format json"));
    assert_eq!(found["unmatched"][0]["field"], "accounts.include[0]");
    let run = case.run("plan --estate estate.json");
    assert!(run.code == 1 && run.stderr.contains("did you mean the unit `R&D / Lab`"), "{}", run.stderr);

    // As an `exclude` it leaves nothing out, and is not silent about it.
    let config = case.read("orgtrail.yaml");
    case.write("orgtrail.yaml", &config.replace("include: [", "include: [\"ou:/**\"], exclude: ["));
    let plan = json(&case.must(2, "plan --estate estate.json --format json"));
    let codes: Vec<&str> = plan["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"selector-matches-nothing"), "{codes:?}");

    case.write("orgtrail.yaml", &config.replace(SELECTOR, "ou:ou-ab12-slash000/**"));
    let found = json(&case.must(0, "discover --estate estate.json --format json"));
    let selected = found["accounts"].as_array().unwrap().iter().filter(|account| account["selected"] == true).count();
    assert!(selected > 0 && found["unmatched"].as_array().unwrap().is_empty(), "{found:#}");
}

/// Renames an account in the recorded estate; returns the one who was renamed.
fn rename(case: &Case, id: &str, name: &str) {
    let text = case.read("estate.json");
    let mut estate: Value = json(&text);
    estate["organization"]["accounts"][id]["name"] = name.into();
    case.write("estate.json", &estate.to_string());
}

fn role_names(case: &Case) -> Vec<String> {
    let snapshot: Snapshot = serde_json::from_str(&case.read("estate.json")).unwrap();
    let roles = snapshot.estate.sightings.iter().filter(|(address, seen)| {
        address.kind == Kind::Role && !matches!(seen, Sighting::Absent) && address.name.starts_with("Read-")
    });
    roles.map(|(address, _)| address.name.clone()).collect()
}

#[test]
fn an_account_that_renames_itself_is_its_own_problem() {
    let case = Case::open("22");
    let config = case.read("orgtrail.yaml").replace(SELECTOR, "ou:/**");
    case.write("orgtrail.yaml", &format!("{config}readers: {{role: \"Read-{{{{account.name}}}}\", mode: roles}}\n"));
    let said = case.must(0, "validate");
    assert!(said.contains("readers.role") && said.contains("may rename it"), "{said}");
    rename(&case, "333333333333", "shop");
    rename(&case, "555555555555", "web");
    case.must(0, "apply --estate estate.json --yes --allow costs");
    let before = role_names(&case);
    assert!(before.contains(&"Read-shop".to_owned()) && before.contains(&"Read-web".to_owned()), "{before:?}");

    // The name of another, the id of another, a letter that IAM does not take: the role keeps its name, the rest its
    // peace.
    for name in ["web", "555555555555", "the shop of ours"] {
        rename(&case, "333333333333", name);
        let plan = json(&case.must(3, "plan --estate estate.json --format json"));
        assert_eq!(plan["changes"].as_array().unwrap().len(), 0, "{name}: {plan:#}");
        let problems = plan["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{name}: {plan:#}");
        assert_eq!(
            (&problems[0]["account"], &problems[0]["code"]),
            (&"333333333333".into(), &"AccountNameNotUsable".into())
        );
        assert!(problems[0]["message"].as_str().unwrap().ends_with("it is called Read-shop instead"), "{plan:#}");
    }
    // A name that would do moves nothing either.
    rename(&case, "333333333333", "store");
    case.must(0, "plan --estate estate.json");
    assert_eq!(role_names(&case), before);
}

#[test]
fn accounts_that_take_each_other_s_name_before_they_have_a_role_are_named_by_their_ids() {
    let case = Case::open("22");
    let config = case.read("orgtrail.yaml").replace(SELECTOR, "ou:/**");
    case.write("orgtrail.yaml", &format!("{config}readers: {{role: \"Read-{{{{account.name}}}}\", mode: roles}}\n"));
    rename(&case, "333333333333", "Twin");
    rename(&case, "555555555555", "twin");
    case.must(3, "apply --estate estate.json --yes --allow costs");
    let names = role_names(&case);
    assert!(
        names.contains(&"Read-333333333333".to_owned()) && names.contains(&"Read-555555555555".to_owned()),
        "{names:?}"
    );
    let plan = json(&case.must(3, "plan --estate estate.json --format json"));
    assert_eq!(plan["changes"].as_array().unwrap().len(), 0, "{plan:#}");
}

#[test]
fn an_account_that_takes_the_log_accounts_name_stops_nothing() {
    let case = Case::open("22");
    let config = case.read("orgtrail.yaml").replace(SELECTOR, "ou:/**");
    let estate: Value = json(&case.read("estate.json"));
    let accounts = estate["organization"]["accounts"].as_object().unwrap().clone();
    let log = accounts.keys().find(|id| config.contains(&format!("\"{id}\""))).unwrap().clone();
    let log_name = accounts[&log]["name"].as_str().unwrap().to_owned();
    case.write("orgtrail.yaml", &config.replace(&format!("\"{log}\""), &format!("\"{log_name}\"")));
    case.must(0, "apply --yes --estate estate.json");
    let management = estate["organization"]["management_account"].as_str().unwrap();
    let member = accounts.keys().find(|id| **id != log && id.as_str() != management).unwrap();
    rename(&case, member, &log_name);

    let plan = json(&case.run("plan --estate estate.json --format json").stdout);
    let found = plan["findings"].as_array().unwrap().iter().find(|f| f["code"] == "log-account-by-its-bucket");
    assert!(found.is_some_and(|f| f["message"].as_str().unwrap().contains(&log)), "{plan:#}");
    assert_eq!(plan["blockers"], serde_json::json!([]), "{plan:#}");
    // A stopped trail is still started.
    let stopped = case.read("estate.json").replacen("\"logging\": true", "\"logging\": false", 1);
    let stopped = stopped.replacen("\"logging\":true", "\"logging\":false", 1);
    case.write("estate.json", &stopped);
    let round = json(&case.run("reconcile --once --estate estate.json --format json").stdout);
    assert_eq!(round["acted"], true, "{round:#}");
    let estate = case.read("estate.json");
    assert!(!estate.contains("\"logging\": false") && !estate.contains("\"logging\":false"), "the log goes on");
}
