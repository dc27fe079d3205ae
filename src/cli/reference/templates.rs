//! `policies/README.md` and `templates/README.md` are held to the values that a render is given.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::output::Outputs;
use crate::cli::ui::Ui;
use crate::cli::{Cli, CommandOutput, run};
use crate::template::recorder;

type Names = BTreeSet<String>;

/// Configurations that together make every policy: the demo's, and what each adds to it or puts in place of something.
const CONFIGURATIONS: [(&str, &str, &str); 3] = [
    (
        "",
        "",
        "guard: {service_control_policy: true}\nreconcile: {wake_queue: acme-orgtrail}\n\
         lake: {place: s3://acme-lake/events}\naws_config: {}\n",
    ),
    ("readers:\n", "readers:\n  mode: dynamic\n", ""),
    (
        "  - name: acme-org-trail #",
        "  - scope: accounts\n    name: acme-trail #",
        "reconcile: {wake_queue: acme-orgtrail}\n",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a command on this thread; returns its answer.
fn command(folder: &Path, line: &str) -> CommandOutput {
    let words = ["orgtrail"].into_iter().chain(line.split(' '));
    let here = ["--config", "orgtrail.yaml", "--estate", "estate.json"].map(|word| match word.strip_prefix("--") {
        Some(_) => word.to_owned(),
        None => folder.join(word).display().to_string(),
    });
    let cli = Cli::parse_line(words.map(str::to_owned).chain(here)).unwrap();
    let ui = Ui::new(&cli.common, Outputs::of(&cli.common, cli.entry).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Box::pin(run(&cli, &ui))).unwrap_or_else(|failure| panic!("orgtrail {line}: {failure:?}"))
}

/// A folder with the demo's organization and a configuration.
fn folder(configuration: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("orgtrail.yaml"), configuration).unwrap();
    fs::copy(root().join("examples/demo/estate.json"), folder.path().join("estate.json")).unwrap();
    folder
}

/// The names of values as a template writes them: objects open at their fields, lists and parts of policies stay whole.
fn paths(value: &Value, before: &str, names: &mut Names) {
    let is_name = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match value {
        Value::Object(fields) if fields.keys().all(is_name) => {
            for (name, value) in fields {
                let name = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
                paths(value, &name, names);
            }
        }
        _ => drop(names.insert(before.to_owned())),
    }
}

#[test]
fn the_table_of_policies_names_what_each_template_is_given() {
    recorder::take();
    for (old, new, more) in CONFIGURATIONS {
        let folder = folder(&(read("examples/demo/orgtrail.yaml").replacen(old, new, 1) + more));
        command(folder.path(), "plan");
    }
    let mut given: BTreeMap<String, Names> = BTreeMap::new();
    for (file, values) in recorder::take() {
        let names = given.entry(file).or_default();
        if values != json!({}) {
            paths(&values, "", names);
        }
    }
    given.retain(|file, _| file.ends_with(".json.hbs"));
    let said = |row: &str| -> Option<(String, Names)> {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let file = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let names = cells.last()?.split('`').skip(1).step_by(2).map(str::to_owned);
        file.ends_with(".json.hbs").then(|| (file.to_owned(), names.collect()))
    };
    let said: BTreeMap<String, Names> = read("policies/README.md").lines().filter_map(said).collect();
    let embedded: Names = crate::policy::template::EMBEDDED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(given.keys().cloned().collect::<Names>(), embedded, "these templates are rendered here");
    for (file, names) in &given {
        assert_eq!(said.get(file), Some(names), "policies/README.md is not true of {file}");
    }
    assert_eq!(said.len(), given.len());
}

/// Every name of a field in a value, however deep.
fn fields(value: &Value, names: &mut Names) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            fields(value, names);
        }),
        Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
        _ => {}
    }
}

/// The words between backticks that may be names of values, also the parts of `left_out.changes`.
fn words(text: &str) -> Names {
    let spans = text.split('`').skip(1).step_by(2).filter(|span| !span.contains("--"));
    let is_name = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    spans.flat_map(|span| span.split('.')).filter(is_name).map(str::to_owned).collect()
}

/// The part of the text under a heading.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let after = text.split_once(heading).unwrap_or_else(|| panic!("no {heading}")).1;
    after.split("\n## ").next().unwrap_or_default()
}

#[test]
fn the_lists_of_report_values_name_what_each_template_is_given() {
    let folder = folder(&read("examples/demo/orgtrail.yaml"));
    let world = folder.path().join("estate.json");
    let first = fs::read_to_string(&world).unwrap();
    command(folder.path(), "apply --yes --adopt --allow costs --format markdown");
    // Another bucket, a trail that does not log, and what cannot be read: something of everything.
    let mut troubled: Value = serde_json::from_str(&fs::read_to_string(&world).unwrap()).unwrap();
    for (address, sighting) in troubled["estate"]["sightings"].as_object_mut().unwrap() {
        if address.ends_with("/trail/acme-org-trail") {
            sighting["present"]["trail"]["logging"] = json!(false);
        } else if address.contains("/topic/") {
            *sighting = json!({"unreadable": {
                "account": "222222222222", "stage": "observe", "code": "AccessDenied", "message": "refused", "help": "ask",
            }});
        }
    }
    recorder::take();
    fs::write(&world, troubled.to_string()).unwrap();
    let record = folder.path().join("last.json").display().to_string();
    for format in ["markdown", "html"] {
        command(folder.path(), &format!("drift --since {record} --record {record} --who --format {format}"));
        command(folder.path(), &format!("check --format {format}"));
    }
    fs::write(&world, &first).unwrap();
    command(folder.path(), "plan --format html");
    command(folder.path(), "apply --yes --adopt --allow costs --format markdown");
    let mut given: BTreeMap<String, Names> = BTreeMap::new();
    for (file, values) in recorder::take() {
        fields(&values, given.entry(file).or_default());
    }
    let text = read("templates/README.md");
    // The other sections say "as above" of it.
    let common = words(section(&text, "## Values of a plan"));
    let of_files = words(section(&text, "# Templates of reports"));
    for (heading, files) in [
        ("## Values of a plan", ["plan.md.hbs", "plan.html.hbs"].as_slice()),
        ("## Values of a run", &["apply.md.hbs"]),
        ("## Values of a check", &["audit.md.hbs", "audit.html.hbs"]),
    ] {
        let said: Names = words(section(&text, heading)).union(&common).cloned().collect();
        let given: Names = files.iter().flat_map(|file| given[*file].clone()).collect();
        let missing: Names =
            given.iter().filter(|name| !said.contains(*name) && !of_files.contains(*name)).cloned().collect();
        assert!(missing.is_empty(), "templates/README.md, {heading:?} does not name {missing:?}");
    }
}
