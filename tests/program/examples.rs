//! `examples/`: every configuration is planned, every file is well-formed, every command line is understood, and the
//! workflows' scripts do what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

use crate::run::Desk;
use crate::schedule::{deployed, logging};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Every file of the examples.
pub fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![examples()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

/// An organization with everybody whom the examples name, and so many accounts.
pub fn organization(accounts: usize) -> Value {
    let unit = |name: &str, parent: Option<&str>| json!({"name": name, "parent": parent});
    let units = json!({
        "r-ab12": unit("Root", None), "ou-ab12-workload1": unit("Workloads", Some("r-ab12")),
        "ou-ab12-sandbox01": unit("Sandbox", Some("r-ab12")), "ou-ab12-suspended": unit("Suspended", Some("ou-ab12-workload1")),
    });
    let mut all = serde_json::Map::new();
    for number in 1..=accounts {
        let (id, name, unit) = match number {
            1 => ("111111111111".into(), "acme-management".into(), None),
            2 => ("222222222222".into(), "log-archive".into(), Some("ou-ab12-workload1")),
            3 => ("333333333333".into(), "security-tooling".into(), Some("ou-ab12-workload1")),
            n if n % 50 == 0 => {
                (format!("{:012}", 600_000_000_000_usize + n), format!("tmp-{n}"), Some("ou-ab12-sandbox01"))
            }
            n => (format!("{:012}", 600_000_000_000_usize + n), format!("team-{n:03}"), Some("ou-ab12-workload1")),
        };
        let path: Vec<&str> = ["r-ab12"].into_iter().chain(unit).collect();
        let account = json!({
            "name": name, "email": format!("aws+{number}@example.com"), "state": "ACTIVE", "path": path, "tags": {}
        });
        all.insert(id, account);
    }
    json!({
        "format_version": 1, "tool_version": "0.1.0", "completeness": "whole",
        "organization": {
            "id": "o-exampleorgid", "partition": "aws", "management_account": "111111111111", "units": units, "accounts": all
        },
        "estate": {"sightings": {}},
    })
}

#[test]
fn every_configuration_is_valid_and_can_be_planned() {
    let configurations: Vec<PathBuf> =
        files().into_iter().filter(|path| path.file_name().is_some_and(|name| name == "orgtrail.yaml")).collect();
    assert!(configurations.len() >= 8, "{configurations:?}");
    for path in configurations {
        let desk = Desk::offline();
        desk.write("orgtrail.yaml", &fs::read_to_string(&path).unwrap());
        desk.run("validate").expect_code(0);
        let large = path.parent().is_some_and(|folder| folder.ends_with("large-organization"));
        let own = fs::read_to_string(path.with_file_name("estate.json"));
        desk.write("estate.json", &own.unwrap_or_else(|_| organization(if large { 500 } else { 12 }).to_string()));
        let plan = desk.run("plan --estate estate.json --format json").expect_code(2).json();
        assert_eq!((&plan["complete"], &plan["blockers"]), (&json!(true), &json!([])), "{}", path.display());
        assert_eq!(plan["violations"], json!([]), "{}", path.display());
        assert!(plan["summary"]["create"].as_u64().unwrap() > 5, "{}", path.display());
        for form in ["markdown", "html", "human"] {
            let text = desk.run(&format!("plan --estate estate.json --format {form}")).expect_code(2).out;
            assert!(form != "markdown" || (text.len() < 65_536 && !text.contains("left out here")), "{}", text.len());
        }
        if large {
            let policies = plan["changes"].as_array().unwrap().iter().filter(|change| change["kind"] == "policy");
            assert!(policies.count() > 480, "each account has its member policy");
        }
    }
}

#[test]
fn control_tower_keeps_its_trail() {
    let desk = Desk::offline();
    for name in ["orgtrail.yaml", "estate.json"] {
        desk.write(name, &fs::read_to_string(examples().join("control-tower").join(name)).unwrap());
    }
    let run = |command: &str, code| desk.run(&format!("{command} --estate estate.json")).expect_code(code);
    let plan = run("plan --format json", 2).json();
    let theirs = "111111111111/eu-west-1/trail/aws-controltower-BaselineCloudTrail";
    assert_eq!(plan["other_trails"][0]["address"], theirs);
    assert!(plan["other_trails"][0]["cost"].as_str().unwrap().contains("second copy"));
    assert!(!plan["changes"].to_string().contains("aws-controltower"), "nothing of theirs is changed");
    let refused = run("apply --yes", 1);
    assert!(refused.err.contains("--allow costs"), "{}", refused.err);
    run("apply --yes --allow costs,interrupts", 0);
    run("drift", 0);
    let estate = fs::read_to_string(desk.path("estate.json")).unwrap();
    let estate: Value = serde_json::from_str(&estate).unwrap();
    assert_eq!(estate["estate"]["sightings"][theirs]["present"]["trail"]["logging"], true);
}

#[test]
fn every_file_is_well_formed() {
    let mut read = 0;
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        if has_extension(&path, &["yaml", "yml"]) {
            let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(documents.iter().all(|document| document.as_mapping().is_some()), "{}", path.display());
            read += documents.len();
        } else if has_extension(&path, &["json"]) {
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        // Read by people who copy it: what it is stands at its top, or in the README beside it.
        let is_said = text.starts_with('#') || path.with_file_name("README.md").exists();
        assert!(is_said || path.ends_with("demo/estate.json"), "{} does not say what it is", path.display());
    }
    assert!(read > 12, "{read} documents");
}

/// The command lines of the program in a text: the words after its name, with its variables filled in.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim().trim_start_matches("- ").trim_start_matches("run: "));
    let parts = lines.flat_map(|line| line.split(['`', '|', ';', '&', '>', '(', ')']).map(str::trim));
    let arguments = parts.filter_map(|part| {
        let part = part.strip_prefix("ExecStart=/usr/local/bin/").or(part.strip_prefix("#   ")).unwrap_or(part);
        part.strip_prefix("orgtrail ")
    });
    let starts_as_command = |arguments: &&str| {
        let first = arguments.split(' ').next().unwrap_or_default();
        // `orgtrail drift` in a sentence is one too; `orgtrail plan of` in a marker is none.
        !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase()) && !arguments.contains("<<<")
    };
    let fill =
        |arguments: &str| arguments.replace("\"$CI_JOB_URL\"", "https://ci.example.com/1").replace("--silent", "");
    arguments.filter(starts_as_command).map(fill).collect()
}

#[test]
fn every_command_line_is_understood() {
    let desk = Desk::offline();
    let mut understood = 0;
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        let is_prose = has_extension(&path, &["md"]);
        for command in commands(&text) {
            // A sentence may go on after the command where it is not set off; there it is always set off.
            if !is_prose && command.contains(['.', ':']) && !command.contains("--") {
                continue;
            }
            // Flags are read from left to right: one that is unknown is told before the help is.
            let said = desk.run(&format!("{command} --help"));
            assert_eq!(said.code, 0, "{}: orgtrail {command}\n{}", path.display(), said.err);
            understood += 1;
        }
    }
    assert!(understood > 25, "{understood} command lines");
    let manifest = fs::read_to_string(examples().join("schedule/kubernetes-cronjob.yaml")).unwrap();
    let args = manifest.lines().skip_while(|line| line.trim() != "args:").skip(1);
    let args: Vec<&str> = args.map_while(|line| line.trim().strip_prefix("- ")).collect();
    assert_eq!(args.len(), 7);
    desk.run(&format!("{} --help", args.join(" "))).expect_code(0);
}

/// A machine of GitHub's: the program on a recorded estate, and a `gh` that remembers one issue and one comment.
struct Runner {
    desk: Desk,
}

const GH: &str = r##"#!/bin/sh
echo "$1 $2 $3" >> gh.log
case "$1 $2 $3" in
  "issue list "*) cat issue 2>/dev/null ;;
  "issue create "*) echo 7 > issue; cp drift.md body ;;
  "issue view "*) cat body ;;
  "issue edit "*) cp drift.md body ;;
  "issue close "*) rm issue body ;;
  "api --paginate "*) cat comment-id 2>/dev/null ;;
  "api --method POST") echo 42 > comment-id; cp plan.md comment ;;
  "api --method PATCH") cp plan.md comment ;;
  "api repos/"*) cat comment ;;
  *) exit 1 ;;
esac
exit 0
"##;

impl Runner {
    fn new() -> Self {
        let desk = deployed("");
        // The recorded estate stands for AWS, unless the step itself works on one.
        let program = format!(
            "#!/bin/sh\ncase \"$*\" in *--estate*) ;; *) set -- --estate estate.json \"$@\" ;; esac\nexec '{}' \"$@\"\n",
            env!("CARGO_BIN_EXE_orgtrail")
        );
        fs::create_dir(desk.path("bin")).unwrap();
        for (name, script) in [("orgtrail", program.as_str()), ("gh", GH)] {
            desk.write(&format!("bin/{name}"), script);
            let marked = Command::new("chmod").arg("+x").arg(desk.path(&format!("bin/{name}"))).status().unwrap();
            assert!(marked.success());
        }
        Self { desk }
    }

    /// Runs the script of a step as GitHub does; returns the words of the calls of `gh`.
    fn step(&self, workflow: &str, step: &str, variables: &[(&str, &str)]) -> (i32, Vec<String>) {
        let text = fs::read_to_string(examples().join("github-actions").join(workflow)).unwrap();
        let script = script(&Yaml::load_from_str(&text).unwrap()[0], step).unwrap_or_else(|| panic!("no step {step}"));
        let _ = fs::remove_file(self.desk.path("gh.log"));
        let path = format!("{}:{}", self.desk.path("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-e", "-c", &script])
            .current_dir(self.desk.folder())
            .env("PATH", path)
            .envs([("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_REPOSITORY", "acme/logs")])
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let log = fs::read_to_string(self.desk.path("gh.log")).unwrap_or_default();
        (output.status.code().unwrap(), log.lines().map(str::to_owned).collect())
    }

    /// A run of the workflow that looks for drift; returns what it does with the issue.
    fn drift(&self) -> Vec<String> {
        let (code, _) = self.step("drift.yaml", "Drift", &[]);
        assert_eq!(code, 0);
        let output = fs::read_to_string(self.desk.path("output")).unwrap();
        let code = output.lines().last().unwrap().strip_prefix("code=").unwrap().to_owned();
        let (status, calls) = self.step("drift.yaml", "Issue", &[("CODE", &code)]);
        assert_eq!(status, 0);
        let verbs = calls.iter().map(|call| call.split(' ').nth(1).unwrap().to_owned());
        verbs.filter(|verb| ["create", "edit", "close"].contains(&verb.as_str())).collect()
    }

    fn comment(&self) -> Vec<String> {
        let variables = [("IS_FORK", "false"), ("NUMBER", "12")];
        assert_eq!(self.step("plan.yaml", "Plan", &variables).0, 0);
        let (status, calls) = self.step("plan.yaml", "Comment", &variables);
        assert_eq!(status, 0);
        calls.into_iter().filter(|call| call.contains("--method")).collect()
    }
}

/// Finds the script of a named step.
fn script(node: &Yaml<'_>, step: &str) -> Option<String> {
    if let Some(mapping) = node.as_mapping() {
        let text = |key: &str| node.as_mapping_get(key).and_then(Yaml::as_str);
        if text("name") == Some(step)
            && let Some(run) = text("run")
        {
            return Some(run.to_owned());
        }
        return mapping.iter().find_map(|(_, value)| script(value, step));
    }
    node.as_sequence()?.iter().find_map(|item| script(item, step))
}

#[test]
fn the_workflow_opens_edits_and_closes_one_issue() {
    let runner = Runner::new();
    assert_eq!(runner.drift(), [""; 0], "in sync: no issue");
    logging(&runner.desk, false);
    assert_eq!(runner.drift(), ["create"]);
    assert_eq!(runner.drift(), ["edit"], "it is no longer new");
    assert_eq!(runner.drift(), [""; 0], "the same drift is the same text");
    logging(&runner.desk, true);
    assert_eq!(runner.drift(), ["close"]);
    assert_eq!(runner.drift(), [""; 0]);
    let (status, calls) = runner.step("drift.yaml", "Issue", &[("CODE", "3")]);
    assert_eq!((status, calls.len()), (1, 0), "what could not be read is no news");
    runner.desk.write("last.json", "cut off");
    assert_eq!(runner.step("drift.yaml", "Drift", &[]).0, 1, "an error fails the job");
}

#[test]
fn the_workflow_keeps_one_comment_and_touches_it_only_when_it_differs() {
    let runner = Runner::new();
    logging(&runner.desk, false);
    assert_eq!(runner.comment(), ["api --method POST"]);
    assert_eq!(runner.comment(), [""; 0]);
    logging(&runner.desk, true);
    assert_eq!(runner.comment(), ["api --method PATCH"]);
}

#[test]
fn reviewers_read_the_plan_that_is_applied_and_what_was_not_read_is_no_plan() {
    let runner = Runner::new();
    logging(&runner.desk, false);
    assert_eq!(runner.step("apply.yaml", "Plan", &[]).0, 0);
    assert!(fs::read_to_string(runner.desk.path("output")).unwrap().ends_with("code=2\n"));
    assert!(fs::read_to_string(runner.desk.path("summary")).unwrap().contains("acme-org-trail"));
    assert_eq!(runner.step("apply.yaml", "Apply", &[]).0, 0);
    assert_eq!(runner.step("apply.yaml", "Plan", &[]).0, 0, "there is nothing to do");

    let mut world: Value = serde_json::from_str(&fs::read_to_string(runner.desk.path("estate.json")).unwrap()).unwrap();
    let mut sightings = world["estate"]["sightings"].as_object_mut().unwrap().iter_mut();
    let (_, topic) = sightings.find(|(address, _)| address.contains("/topic/")).unwrap();
    *topic = json!({"unreadable": {
        "account": "222222222222", "stage": "observe", "code": "AccessDenied", "message": "refused", "help": "",
    }});
    runner.desk.write("estate.json", &world.to_string());
    assert_eq!(runner.step("apply.yaml", "Plan", &[]).0, 1, "only a part was read");
}

#[test]
fn a_fork_is_planned_on_the_recorded_estate() {
    let runner = Runner::new();
    assert_eq!(runner.step("plan.yaml", "Plan", &[("IS_FORK", "true")]).0, 1, "there is no snapshot");
    fs::copy(runner.desk.path("estate.json"), runner.desk.path("snapshot.json")).unwrap();
    fs::remove_file(runner.desk.path("estate.json")).unwrap();
    assert_eq!(runner.step("plan.yaml", "Plan", &[("IS_FORK", "true")]).0, 0);
    assert!(fs::read_to_string(runner.desk.path("summary")).unwrap().starts_with("<!-- orgtrail Plan of acme -->"));
}
