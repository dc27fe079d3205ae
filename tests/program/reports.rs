//! What is given out, by all commands: no report is lost, none replaces what it is made from, no option is passed over
//! in silence, and nothing that others wrote acts where it is shown.

use crate::recorded::{CONFIG, Folder, MANAGEMENT, Run};
use orgtrail::estate::{Kind, Problem, Sighting, Stage};
use serde_json::{Value, json};

fn configured() -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder
}

fn applied() -> Folder {
    let folder = configured();
    folder.must(0, &["apply", "--yes", "--quiet"]);
    folder
}

/// Runs a command that must be refused, with a hint; returns what it said.
#[track_caller]
fn refused(folder: &Folder, args: &[&str]) -> String {
    let Run { code, stdout, stderr } = folder.run(args);
    assert_eq!((code, stdout.as_str()), (1, ""), "{args:?}\n{stderr}");
    assert!(stderr.contains("\n  help: "), "{args:?} says what to do: {stderr}");
    stderr
}

#[test]
fn a_report_that_apply_cannot_give_is_refused_before_anything_is_changed() {
    let folder = configured();
    folder.write("plan.txt", "");
    std::fs::create_dir(folder.path("reports")).unwrap();
    let before = folder.read("estate.json");
    let bad: [&[&str]; 6] = [
        &["--format", "html"],
        &["--output", "done.sarif"],
        &["--output", "missing/done.md"],
        &["--output", "reports"],
        &["--record", "done.jsonl", "--output", "done.jsonl", "--format", "json"],
        &["--templates", "missing"],
    ];
    for more in bad {
        refused(&folder, &[&["apply", "--yes"], more].concat());
        assert_eq!(folder.read("estate.json"), before, "{more:?}");
    }
    folder.must(0, &["apply", "--yes", "--output", "done.md"]);
}

#[test]
fn what_was_done_is_told_though_a_template_fails() {
    let folder = configured();
    std::fs::create_dir(folder.path("mine")).unwrap();
    folder.write("mine/apply.md.hbs", "{{nobody}}");
    let run = folder.run(&["apply", "--yes", "--templates", "mine", "--format", "markdown"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("Applied: "), "{}", run.stdout);
    assert!(run.stderr.contains("there is no variable `nobody`") && run.stderr.contains("are made"), "{}", run.stderr);
    folder.must(0, &["drift"]);
}

#[test]
fn a_run_whose_report_was_lost_is_told_again() {
    let folder = configured();
    let nightly = ["drift", "--since", "last.json", "--record", "last.json", "--output"];
    let said = refused(&folder, &[&nightly[..], &["missing/drift.md"]].concat());
    assert!(said.contains("missing/drift.md"), "{said}");
    assert!(!folder.path("last.json").exists(), "nobody has read what it would hold");
    folder.must(2, &[&nightly[..], &["drift.md"]].concat());
    assert!(folder.read("last.json").contains("\"first_run\": true"), "{}", folder.read("last.json"));
    refused(&folder, &[&nightly[..], &["last.json"]].concat());
    refused(&folder, &["drift", "--since", "last.json", "--output", "last.json", "--format", "markdown"]);
    folder.must(2, &["drift", "--since", "last.json", "--output", "last.json"]);
}

#[test]
fn no_report_replaces_what_it_is_made_from() {
    let folder = configured();
    for file in ["orgtrail.yaml", "./orgtrail.yaml", "estate.json"] {
        let before = (folder.read("orgtrail.yaml"), folder.read("estate.json"));
        let said = refused(&folder, &["plan", "--output", file]);
        assert!(said.contains("would replace"), "{said}");
        assert_eq!((folder.read("orgtrail.yaml"), folder.read("estate.json")), before);
    }
    folder.must(2, &["plan", "--output", "plan.json"]);
    let plan = folder.read("plan.json");
    refused(&folder, &["apply", "plan.json", "--yes", "--output", "plan.json"]);
    assert_eq!(folder.read("plan.json"), plan);
}

#[test]
fn no_file_of_a_run_is_written_over_another_one_of_it() {
    let folder = configured();
    let nightly = ["drift", "--since", "last.json", "--record", "last.json"];
    folder.must(2, &nightly);
    folder.must(2, &["plan", "--output", "plan.json"]);
    let files = ["orgtrail.yaml", "estate.json", "last.json", "plan.json"];
    folder.write("other.yaml", &folder.read("orgtrail.yaml"));
    let before = files.map(|file| folder.read(file));
    let runs: [(&[&str], &str); 9] = [
        (&["drift", "--since", "last.json", "--record", "orgtrail.yaml"], "--record would replace orgtrail.yaml"),
        (&["drift", "--since", "last.json", "--record", "./estate.json"], "--record would replace estate.json"),
        (&["drift", "--since", "last.json", "--record", "x.json", "--output", "./x.json"], "name one file, "),
        (&["apply", "--yes", "--record", "./orgtrail.yaml"], "--record would replace orgtrail.yaml"),
        (&["apply", "plan.json", "--yes", "--record", "./plan.json"], "--record would replace plan.json"),
        (&["plan", "--against", "other.yaml", "-o", "./other.yaml", "--format", "json"], "would replace other.yaml"),
        (&["verify", "logs", "--bundle", "b.otb", "--checkpoint", "./b.otb"], "name one file, "),
        (&["verify", "logs", "--keys", "last.json", "--bundle", "last.json"], "--bundle would replace last.json"),
        (&["reconcile", "--once", "--history", "h.json", "--output", "./h.json"], "name one file, "),
    ];
    for (run, says) in runs {
        let said = refused(&folder, run);
        assert!(said.contains(says), "{run:?}: {said}");
        assert_eq!(files.map(|file| folder.read(file)), before, "{run:?}");
    }
    std::fs::create_dir_all(folder.path("logs/AWSLogs")).unwrap();
    let said = refused(&folder, &["coverage", "logs", "--output", "logs/AWSLogs/report.json"]);
    assert!(said.contains("lies in logs, which the run reads"), "{said}");
}

#[test]
fn a_form_or_a_template_that_would_not_be_heeded_is_refused() {
    let folder = configured();
    std::fs::create_dir(folder.path("mine")).unwrap();
    let commands: [&[&str]; 9] = [
        &["validate"],
        &["schema"],
        &["snapshot"],
        &["render", "--output", "documents"],
        &["export", "--terraform"],
        &["reconcile", "--once", "--observe"],
        &["man", "--output", "man"],
        &["completions", "bash"],
        &["demo", "--output", "demo"],
    ];
    for command in commands {
        let said = refused(&folder, &[command, &["--format", "sarif"]].concat());
        let has = said.contains("the only format is") || said.contains("the formats are human and json");
        assert!(said.contains("there is no sarif report of ") && has, "{said}");
        let said = refused(&folder, &[command, &["--templates", "mine"]].concat());
        assert!(said.contains("--templates does nothing here"), "{said}");
    }
    for command in ["plan", "drift", "check"] {
        refused(&folder, &[command, "--templates", "missing"]);
        let said = refused(&folder, &[command, "--output", "report.pdf"]);
        assert!(said.contains("the ending of report.pdf names no format"), "{said}");
    }
    for command in [&["schema"][..], &["demo"], &["man"], &["completions", "bash"]] {
        for flag in ["--estate", "--policies"] {
            let said = refused(&folder, &[command, &[flag, "x"]].concat());
            assert!(said.contains(&format!("{flag} does nothing here")), "{said}");
        }
    }
}

#[test]
fn an_account_that_is_not_there_is_guessed() {
    let folder = configured();
    assert!(refused(&folder, &["access", "shopp"]).contains("; is it shop (333333333333)?"));
    assert!(!refused(&folder, &["access", "nobody"]).contains("is it"));
    folder.write("orgtrail.yaml", &CONFIG.replace("\"222222222222\"", "log_archive"));
    let said = folder.run(&["plan"]).stderr;
    assert!(said.contains("; is it log-archive (222222222222)?"), "{said}");
}

#[test]
fn what_does_nothing_for_a_comparison_of_configurations_is_refused() {
    let folder = configured();
    folder.write("other.yaml", CONFIG);
    folder.must(0, &["plan", "--against", "other.yaml"]);
    for more in [&["--prune"][..], &["--destroy", "old"], &["--accept-fewer-accounts"], &["--member-trails"]] {
        let run = folder.run(&[&["plan", "--against", "other.yaml"], more].concat());
        assert!(run.code == 1 && run.stderr.contains("cannot be used with"), "{}", run.stderr);
    }
}

#[test]
fn what_the_system_says_of_a_file_is_followed_by_what_helps() {
    let folder = configured();
    std::fs::create_dir(folder.path("folder")).unwrap();
    let bad: [&[&str]; 6] = [
        &["plan", "--config", "folder"],
        &["plan", "--config", "missing.yaml"],
        &["plan", "--policies", "missing"],
        &["plan", "--output", "folder"],
        &["man", "--output", "orgtrail.yaml"],
        &["render", "--output", "orgtrail.yaml"],
    ];
    for args in bad {
        refused(&folder, args);
    }
    assert!(refused(&folder, &["plan", "--config", "missing.yaml"]).contains("orgtrail init"));
}

#[test]
fn a_run_after_which_logs_are_not_isolated_is_a_finding() {
    let folder = configured();
    std::fs::create_dir(folder.path("mine")).unwrap();
    let reader = include_str!("../../policies/reader.json.hbs").replace("{{json object_arns}}", "\"{{bucket.arn}}/*\"");
    folder.write("mine/reader.json.hbs", &reader);
    let allowed = ["--policies", "mine", "--allow-grant", "ReadOwnLogs"];
    let run = folder.run(&[&["apply", "--yes", "--allow", "weakens"], &allowed[..]].concat());
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stdout.contains("0 failed") && run.stderr.contains("not isolated"), "{}\n{}", run.stdout, run.stderr);
    let junit = folder.must(2, &[&["drift", "--format", "junit"], &allowed[..]].concat());
    assert!(junit.contains("type=\"isolation\"") && !junit.contains("failures=\"0\""), "{junit}");
}

/// Lets nobody read the resources of a kind.
fn refuse_reading(folder: &Folder, kind: Kind) {
    folder.edit(|_, estate| {
        for (address, sighting) in estate.sightings.iter_mut().filter(|(address, _)| address.kind == kind) {
            *sighting = Sighting::Unreadable(Problem {
                account: address.account.clone(),
                address: Some(address.clone()),
                stage: Stage::Observe,
                code: "AccessDenied".into(),
                message: "it was refused".into(),
                help: String::new(),
            });
        }
    });
}

#[test]
fn what_could_not_be_read_is_neither_proved_nor_refuted() {
    for kind in [Kind::BucketPolicy, Kind::KeyPolicy, Kind::Role, Kind::Policy] {
        let folder = applied();
        folder.must(0, &["access"]);
        refuse_reading(&folder, kind);
        for state in [&["access"][..], &["access", "--live"]] {
            let said = folder.must(3, state);
            assert!(said.contains("Not proved: ") && !said.contains("violated"), "{kind:?} {state:?}: {said}");
        }
    }
}

#[test]
fn documents_that_were_rendered_without_what_is_there_are_partial() {
    let folder = applied();
    folder.must(0, &["render", "--output", "documents"]);
    refuse_reading(&folder, Kind::BucketPolicy);
    let run = folder.run(&["render", "--output", "documents"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("could not be read"), "{}", run.stderr);
}

/// What somebody may write where AWS lets them: escape sequences of 7 and 8 bits, markup, pipes, backticks, line ends,
/// templates, marks that reorder text, and an alphabet that is not seen.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m|`<script>alert(1)</script>`\n# @admin\r\u{202e}[x](javascript:x) -->\"' ${x} %{if} \
                       {{x}} ]]>\u{e0041}";

/// Writes hostile text into every place of an estate that somebody else decides: names, tags, descriptions, errors, and
/// a statement in each policy.
fn poison(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields.iter_mut() {
                match (field.as_str(), &mut *value) {
                    ("Statement", Value::Array(statements)) => statements.push(json!({
                        "Sid": HOSTILE, "Effect": "Allow", "Action": ["s3:GetObject", HOSTILE],
                        "Principal": {"AWS": format!("arn:aws:iam::999999999999:role/{HOSTILE}")},
                        "Resource": format!("arn:aws:s3:::acme-org-cloudtrail/{HOSTILE}"),
                        "Condition": {"StringLike": {HOSTILE: HOSTILE}},
                    })),
                    ("tags", Value::Object(tags)) => drop(tags.insert(HOSTILE.into(), HOSTILE.into())),
                    ("description" | "latest_error", text) => *text = HOSTILE.into(),
                    _ => poison(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(poison),
        _ => {}
    }
}

fn poisoned() -> Folder {
    let folder = applied();
    let mut world: Value = serde_json::from_str(&folder.read("estate.json")).unwrap();
    poison(&mut world["estate"]);
    folder.write("estate.json", &world.to_string());
    folder.edit(|organization, _| {
        organization.units.get_mut("ou-ab12-11111111").unwrap().name = HOSTILE.into();
        for (id, account) in &mut organization.accounts {
            account.name = format!("{HOSTILE} {id}");
            account.email = HOSTILE.into();
        }
    });
    folder
}

fn assert_inert(text: &str, of: &str) {
    let acts = |c: char| c != '\n' && orgtrail::report::text::escape::acts(c);
    if let Some((at, c)) = text.char_indices().find(|(_, c)| acts(*c)) {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        panic!("{of}: U+{:04X} after {line:?}", u32::from(c));
    }
}

#[test]
fn what_others_wrote_is_inert_in_every_form_of_every_command() {
    let folder = poisoned();
    let consent = "--yes --adopt --prune --allow weakens,interrupts,destroys,costs --format";
    let forms = [
        ("plan --prune --format", "human json markdown html sarif junit"),
        ("plan -v --format", "human"),
        ("drift --who --since last.json --record last.json --format", "human json markdown html sarif junit"),
        ("check --format", "human json markdown html ocsf asff"),
        ("discover --format", "human json"),
        ("access --format", "human json"),
        (&format!("access {MANAGEMENT} --format"), "human json"),
        ("snapshot --format", "json"),
        ("export --terraform --format", "human"),
        ("reconcile --once --observe --format", "human"),
        (&format!("apply --record record.jsonl {consent}"), "human json markdown"),
    ];
    let world = folder.read("estate.json");
    for (command, forms) in forms {
        for form in forms.split(' ') {
            let args: Vec<&str> = command.split(' ').chain([form]).collect();
            let Run { code, stdout, stderr } = folder.run(&args);
            let of = args.join(" ");
            assert!(code != 1 && !stdout.is_empty(), "{of}: {stderr}");
            assert_inert(&stdout, &of);
            assert_inert(&stderr, &of);
            if ["json", "sarif", "ocsf", "asff"].contains(&form) {
                serde_json::from_str::<Value>(&stdout).unwrap_or_else(|error| panic!("{of}: {error}"));
            }
            folder.write("estate.json", &world);
        }
    }
    assert_inert(&folder.read("record.jsonl"), "the record of apply");
    assert_inert(&folder.read("last.json"), "the record of drift");
}

#[test]
fn a_first_configuration_of_a_hostile_organization_is_a_configuration() {
    let folder = poisoned();
    folder.must(0, &["init", "--yes", "--log-account", "222222222222", "--home-region", "eu-central-1", "--force"]);
    let text = folder.read("orgtrail.yaml");
    assert_inert(&text, "orgtrail.yaml");
    assert!(text.contains("alert(1)"), "the name stands in a comment: {text}");
    folder.must(0, &["validate"]);
}

#[test]
fn a_snapshot_says_the_same_after_it_was_made_inert() {
    let folder = poisoned();
    folder.must(0, &["snapshot", "--emails", "--output", "snapshot.json"]);
    let text = folder.read("snapshot.json");
    assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41"), "{text}");
    let names = |text: &str| serde_json::from_str::<Value>(text).unwrap()["organization"].clone();
    assert_eq!(names(&text), names(&folder.read("estate.json")));
}
