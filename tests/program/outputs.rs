//! Where reports go: each format that a command offers is there, each other is refused, and one run writes several.

use orgtrail::cli::Format;
use orgtrail::cli::catalog::{COMMANDS, CatalogEntry, Writes};
use serde_json::Value;

use crate::recorded::{CONFIG, Folder, Run};

const ALL: [Format; 9] = [
    Format::Human,
    Format::Json,
    Format::Jsonl,
    Format::Markdown,
    Format::Html,
    Format::Sarif,
    Format::Junit,
    Format::Ocsf,
    Format::Asff,
];

fn configured() -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder
}

/// Makes the lake that a command looks at.
fn with_lake(folder: &Folder, entry: &CatalogEntry) {
    if ["lake status", "lake check", "lake ddl"].contains(&entry.name) {
        let update = line(CatalogEntry::of("lake update").unwrap());
        let update: Vec<&str> = update.iter().map(|word| if word == "new-lake" { "lake" } else { word }).collect();
        folder.must(0, &update);
    }
}

/// The words of a run of the command that has something to report, without AWS.
fn line(entry: &CatalogEntry) -> Vec<String> {
    // Read where it lies: nothing is written there.
    let case = "tests/cases/2026-11/20-verify-a-copy-that-begins-below-the-prefix";
    let case = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(case).display().to_string();
    let words = match entry.name {
        "init" => {
            "init --yes --log-account 222222222222 --home-region eu-central-1 --output new.yaml --force".to_owned()
        }
        "permissions" => "permissions --for plan --in log".to_owned(),
        "completions" => "completions bash".to_owned(),
        "export" => "export --terraform".to_owned(),
        "apply" => "apply --yes --allow costs".to_owned(),
        "reconcile" => "reconcile --once --observe".to_owned(),
        "coverage" => format!("coverage {case}/copy --from 2024-05-01 --to 2024-05-01T03:00:00Z"),
        "verify" => format!("verify {case}/copy --keys {case}/public-keys.json --to 2024-05-01T03:00:00Z"),
        "query" => format!("query --place {case}/copy --from 2024-05-01 --to 2024-05-01T03:00:00Z SELECT(1),2"),
        "dashboard" => format!("dashboard --place {case}/copy --from 2024-05-01 --to 2024-05-01T03:00:00Z"),
        "detect" => format!("detect --place {case}/copy --from 2024-05-01 --to 2024-05-01T03:00:00Z"),
        "who" => format!("who --place {case}/copy --from 2024-05-01 --to 2024-05-01T03:00:00Z bucket acme"),
        "lake update" => format!("lake update --place {case}/copy --lake new-lake"),
        "lake status" => "lake status --lake lake".to_owned(),
        "lake ddl" => "lake ddl --engine duckdb --lake lake".to_owned(),
        "lake check" => {
            format!("lake check --place {case}/copy --lake lake --from 2024-04-30 --to 2024-05-01T23:00:00Z")
        }
        "explain" => "explain --live".to_owned(),
        name if entry.writes == Writes::Folder => format!("{name} --output folder-of-{name}"),
        name => name.to_owned(),
    };
    words.split(' ').map(str::to_owned).collect()
}

/// Tells whether a command ends by itself; its report is a page in a browser otherwise.
fn ends(entry: &CatalogEntry) -> bool {
    entry.name != "explore"
}

fn run(folder: &Folder, words: &[String], more: &[&str]) -> Run {
    let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    folder.run(&words)
}

/// Fails where a text is not in its format.
fn assert_is(format: Format, text: &str, of: &str) {
    let json = || serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{of}: {error}\n{text}"));
    match format {
        Format::Human => assert!(serde_json::from_str::<Value>(text).is_err(), "{of}: {text}"),
        Format::Json => assert!(json().is_object() || json().is_array(), "{of}: {text}"),
        Format::Jsonl => assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{of}: {text}"),
        Format::Csv => assert!(text.contains(",") && text.ends_with("\r\n"), "{of}: {text}"),
        Format::Markdown => assert!(text.contains("# ") || text.contains("**"), "{of}: {text}"),
        Format::Html => assert!(text.to_lowercase().starts_with("<!doctype html>"), "{of}: {text}"),
        Format::Sarif => assert_eq!(json()["version"], "2.1.0", "{of}"),
        Format::Junit => assert!(text.starts_with("<?xml") && text.contains("<testsuite"), "{of}: {text}"),
        Format::Parquet => assert!(text.starts_with("PAR1"), "{of}"),
        Format::Ocsf | Format::Asff => assert!(json().is_array(), "{of}: {text}"),
    }
}

#[test]
fn every_format_that_is_offered_exists_and_every_other_is_refused() {
    let mut offered = 0;
    for entry in COMMANDS.iter().filter(|entry| ends(entry)) {
        let words = line(entry);
        for format in ALL {
            let folder = configured();
            with_lake(&folder, entry);
            let of = format!("{} --format {}", words.join(" "), format.name());
            let Run { code, stdout, stderr } = run(&folder, &words, &["--format", format.name()]);
            if entry.formats.contains(&format) {
                assert_ne!(code, 1, "{of}: {stderr}");
                if matches!(entry.writes, Writes::Reports | Writes::Document) {
                    assert_is(format, &stdout, &of);
                    assert!(!stdout.is_empty(), "{of}");
                }
                offered += 1;
            } else {
                assert_eq!((code, stdout.as_str()), (1, ""), "{of}");
                assert!(
                    stderr.contains(&format!("there is no {} report of {}", format.name(), entry.name)),
                    "{stderr}"
                );
                let all = entry.formats.iter().all(|format| stderr.contains(format.name()));
                assert!(all, "it names those that there are: {stderr}");
            }
        }
    }
    assert_eq!(offered, 75);
}

#[test]
fn help_offers_the_formats_of_the_command() {
    for entry in COMMANDS {
        let words: Vec<&str> = entry.words().chain(["--help"]).collect();
        let help = Folder::new().must(0, &words);
        let own = help.split("--format <FORMAT>").nth(1).unwrap_or_default();
        let own = own.split("\n  -").next().unwrap_or_default().split("\n      --").next().unwrap_or_default();
        let offers = |format: &Format| own.contains(&format!("\n          - {}:", format.name()));
        let several = entry.formats.len() > 1;
        for format in ALL {
            assert_eq!(
                offers(&format),
                several && entry.formats.contains(&format),
                "{}: {format:?}\n{help}",
                entry.name
            );
        }
    }
}

#[test]
fn one_run_writes_several_reports() {
    let folder = configured();
    let args = ["plan", "-o", "plan.md", "-o", "plan.json", "--output=plan.html", "-o", "-", "-o", "ci.sarif.json"];
    let said = folder.must(2, &args);
    assert!(said.contains("222222222222"), "the plan for people is on standard output: {said}");
    for (file, format) in [
        ("plan.md", Format::Markdown),
        ("plan.json", Format::Json),
        ("plan.html", Format::Html),
        ("ci.sarif.json", Format::Sarif),
    ] {
        assert_is(format, &folder.read(file), file);
    }
    let json = folder.must(2, &["plan", "--output", "again.md", "--output", "-", "--format", "json"]);
    assert_eq!(json, folder.read("plan.json"), "--format is that of standard output, and the same plan the same bytes");
    assert_eq!(folder.read("again.md"), folder.read("plan.md"));
    folder.must(2, &["plan", "--output", "asked.json", "--format", "markdown"]);
    assert_eq!(folder.read("asked.json"), folder.read("plan.md"), "of one output --format says what it is");
}

#[test]
fn of_several_reports_all_are_written_or_none() {
    let folder = configured();
    folder.write("plan.md", "old");
    for (more, why) in [
        (&["--output", "missing/plan.json"][..], "cannot write missing/plan.json"),
        (&["--output", "plan.pdf"], "the ending of plan.pdf names no format"),
        (&["--output", "./plan.md"], "two reports would be written to ./plan.md"),
        (&["--output", "-", "--output", "-"], "two reports would be written to -"),
        (&["--output", "plan.json", "--format", "json"], "--format cannot be the format of several files"),
        (&["--output", "plan.ocsf.json"], "there is no ocsf report of plan"),
        (&["--output", "orgtrail.yaml"], "the report would replace orgtrail.yaml"),
    ] {
        let Run { code, stdout, stderr } = folder.run(&[&["plan", "--output", "plan.md"], more].concat());
        assert_eq!((code, stdout.as_str(), folder.read("plan.md").as_str()), (1, "", "old"), "{more:?}: {stderr}");
        assert!(stderr.contains(why), "{more:?}: {stderr}");
    }
    for command in ["render", "man", "demo"] {
        for more in [&["--output", "-"][..], &["--output", "one", "--output", "two"]] {
            let Run { code, stderr, .. } = folder.run(&[&[command], more].concat());
            assert!(code == 1 && stderr.contains(&format!("{command} writes to ")), "{command}: {stderr}");
        }
    }
    assert!(!folder.path("one").exists());
}

#[test]
fn lines_of_a_proof_go_out_beside_its_page() {
    let folder = configured();
    let verify = line(CatalogEntry::of("verify").unwrap());
    let run = run(&folder, &verify, &["--format", "jsonl", "--output", "-", "--output", "proof.html"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_is(Format::Jsonl, &run.stdout, "the lines");
    assert!(run.stdout.contains("\"type\":\"summary\""), "{}", run.stdout);
    assert_is(Format::Html, &folder.read("proof.html"), "the page");
}

/// The line of result that a run ends with, on standard error.
fn result(folder: &Folder, code: i32, args: &[&str]) -> String {
    let run = folder.run(args);
    assert_eq!(run.code, code, "{args:?}\n{}\n{}", run.stdout, run.stderr);
    run.stderr.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn every_run_ends_with_a_line_that_says_what_came_of_it() {
    let folder = configured();
    let planned = result(&folder, 2, &["plan", "--output", "plan.md"]);
    assert!(planned.starts_with("Plan: ") && planned.ends_with(" to change. Written to plan.md."), "{planned}");
    assert_eq!(result(&folder, 2, &["plan", "--output", "plan.md", "--quiet"]), "");
    let made = result(&folder, 0, &["apply", "--yes"]);
    assert!(made.starts_with("Apply: ") && made.ends_with(" changes made."), "{made}");
    let several = ["drift", "-o", "drift.md", "-o", "drift.json"];
    assert_eq!(result(&folder, 0, &several), "Drift: 0 to change. Written to drift.md and drift.json.");
    assert_eq!(result(&folder, 0, &["apply", "--yes"]), "Apply: 0 to change.");
    assert!(result(&folder, 0, &["access"]).starts_with("Access: isolated."));
    assert_eq!(result(&folder, 0, &["discover"]), "Discover: 3 of 4 accounts selected.");
    assert_eq!(result(&folder, 0, &["validate"]), "Validate: valid.");
    assert_eq!(result(&folder, 0, &["reconcile", "--once"]), "Reconcile: in sync.");
    assert_eq!(result(&folder, 0, &["snapshot", "-o", "copy.json"]), "Snapshot: 4 accounts. Written to copy.json.");
    let rendered = result(&folder, 0, &["render", "--output", "documents"]);
    assert!(rendered.starts_with("Render: ") && rendered.ends_with(" documents written to documents."), "{rendered}");
    let verify: Vec<String> = line(CatalogEntry::of("verify").unwrap());
    let verify: Vec<&str> = verify.iter().map(String::as_str).collect();
    assert_eq!(result(&folder, 0, &verify), "Verify: ATTESTED. 1 of 1 chain attested.");
    for entry in COMMANDS.iter().filter(|entry| ends(entry)) {
        let of = configured();
        with_lake(&of, entry);
        let run = run(&of, &line(entry), &[]);
        let silent = ["schema", "completions"].contains(&entry.name);
        assert_eq!(run.stderr.trim().is_empty(), silent, "{}: {}", entry.name, run.stderr);
    }
}

#[test]
fn the_line_says_what_could_not_be_read() {
    let folder = configured();
    folder.must(0, &["apply", "--yes"]);
    folder.edit(|_, estate| {
        let (address, sighting) =
            estate.sightings.iter_mut().find(|(address, _)| address.to_string().contains("/role/")).unwrap();
        let problem = serde_json::json!({
            "account": address.account, "address": address, "stage": "observe", "code": "AccessDenied",
            "message": "refused", "help": "",
        });
        *sighting = orgtrail::estate::Sighting::Unreadable(serde_json::from_value(problem).unwrap());
    });
    let run = folder.run(&["drift", "--output", "drift.json"]);
    let last = run.stderr.lines().last().unwrap_or_default();
    assert_ne!(run.code, 0, "{last}");
    assert!(last.starts_with("Drift: ") && last.contains("1 resource unreadable."), "{last}");
}
