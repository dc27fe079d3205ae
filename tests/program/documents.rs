//! README, `docs/` and the READMEs of the examples: every command in them is run, without credentials and on a recorded
//! estate; every link leads to a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use crate::run::{Desk, Said};

/// What stands for the words in capitals of a command.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("ACCOUNT", "shop-prod"),
    ("ADDRESS#STATEMENT", "222222222222/eu-central-1/bucket_policy/acme-org-cloudtrail#Open"),
    ("BUCKET", "acme-logs-of-2019"),
    ("FILE", "copy"),
    ("KEY", "arn:aws:kms:eu-central-1:222222222222:key/11111111-2222-3333-4444-555555555555"),
    ("NAME", "old-trail"),
];

/// Commands that need neither AWS nor a recorded estate.
const OFFLINE: &[&str] = &["validate", "schema", "permissions", "demo", "man", "completions", "--version"];

/// Commands that read logs, which no recorded estate holds.
const READS_LOGS: &[&str] = &["verify", "coverage", "query", "who", "detect", "dashboard", "explore", "lake"];

/// What the recorded estate does not have, by a part of the command, and what the refusal must say.
const NOT_RECORDED: &[(&str, &str)] = &[
    ("init --adopt ", "there is no trail at"),
    (" --destroy ", "NotDestroyed"),
    (" --give-up ", "NotGivenUp"),
    ("--who --notify", "webhook"),
];

/// How many commands run at the same time: most of them wait.
const LANES: usize = 8;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document for people that is held here.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md"), root().join("SECURITY.md")];
    let mut open = vec![root().join("docs"), root().join("examples")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A document in its parts: the lines of its shell blocks, and its prose.
fn parts(text: &str) -> (Vec<String>, String) {
    let (mut shell, mut prose, mut fence) = (Vec::new(), String::new(), None::<String>);
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        match (line.trim().strip_prefix("```"), &fence) {
            (Some(language), None) => fence = Some(language.to_owned()),
            (Some(_), Some(_)) => fence = None,
            (None, Some(language)) if language == "sh" => shell.push(line.trim().to_owned()),
            (None, Some(_)) => {}
            (None, None) => prose.extend([line, "\n"]),
        }
    }
    (shell, prose)
}

/// The texts between backticks.
fn spans(prose: &str) -> Vec<String> {
    let paragraphs = prose.split("\n\n");
    let spans = paragraphs.flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The single commands of a line of shell: without comments, and without what stands behind a pipe or `>`.
fn commands_of(line: &str) -> Vec<String> {
    let code = line.split(" #").next().unwrap_or_default();
    code.split(" && ")
        .flat_map(|part| part.split("; "))
        .filter_map(|part| {
            let command = part.split(" | ").next()?.split(" > ").next()?.trim();
            command.starts_with("orgtrail ").then(|| command.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// Every command of the program that a document shows, with the document.
fn commands() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for path in documents() {
        let (shell, prose) = parts(&fs::read_to_string(&path).unwrap());
        let in_prose = spans(&prose);
        // Two words in a sentence are the name of a command, not a command line.
        let in_prose = in_prose.iter().filter(|span| span.split(' ').count() > 2);
        for command in shell.iter().chain(in_prose).flat_map(|line| commands_of(line)) {
            found.entry(command).or_insert_with(|| path.clone());
        }
    }
    found
}

/// The words of a command; what stands in quotes is one.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut quote) = (vec![String::new()], None);
    for c in command.chars() {
        match (c, all.last_mut()) {
            (c, _) if quote == Some(c) => quote = None,
            ('"' | '\'', _) if quote.is_none() => quote = Some(c),
            (' ', _) if quote.is_none() => all.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    all.retain(|word| !word.is_empty());
    all
}

/// The arguments of a command: of alternatives the first, and something for each word in capitals.
fn arguments(command: &str) -> Vec<String> {
    words(command)
        .into_iter()
        .skip(1)
        .map(|word| {
            if word.contains(' ') {
                return word;
            }
            let word = word.trim_matches('\'').split('|').next().unwrap_or_default();
            let stands_for = PLACEHOLDERS.iter().find(|(placeholder, _)| *placeholder == word);
            stands_for.map_or(word, |(_, value)| *value).to_owned()
        })
        .collect()
}

/// A folder with everything that the commands name: the world of `orgtrail demo`, in which nothing is left to do.
fn desk() -> Desk {
    static WORLD: OnceLock<[String; 5]> = OnceLock::new();
    let [estate, configuration, policy, key, plan] = WORLD.get_or_init(|| {
        let desk = Desk::offline();
        desk.run("demo").expect_code(0);
        let read = |name: &str| fs::read_to_string(desk.path("orgtrail-demo").join(name)).unwrap();
        let configuration = read("orgtrail.yaml") + "notify: {webhook: {url_env: ORGTRAIL_WEBHOOK}}\n";
        let policy = read("policies/222222222222/bucket_policy/acme-org-cloudtrail.policy.json");
        let key = read("policies/222222222222/key_policy/alias_orgtrail-acme.policy.json");
        desk.write("orgtrail.yaml", &configuration);
        desk.write("estate.json", &read("estate.json"));
        let plan = desk.run("plan --estate estate.json --format json").expect_code(0).out;
        [read("estate.json"), configuration, policy, key, plan]
    });
    let desk = Desk::offline();
    for (name, text) in [
        ("estate.json", estate),
        ("snapshot.json", estate),
        ("recorded.json", estate),
        ("orgtrail.yaml", configuration),
        ("staging.yaml", configuration),
        ("other.yaml", configuration),
        ("plan.json", plan),
        ("bucket.json", policy),
        ("bucket-policy.json", policy),
        ("key.json", key),
        ("overrides.yaml", &"overrides: []\n".to_owned()),
    ] {
        desk.write(name, text);
    }
    fs::create_dir(desk.path("my-policies")).unwrap();
    for folder in ["our-rules", "sigma"] {
        fs::create_dir(desk.path(folder)).unwrap();
        fs::write(desk.path(folder).join("own.yaml"), RULE).unwrap();
    }
    copy_folder(&root().join(COPY), &desk.path("copy"));
    desk
}

/// A rule of one's own.
const RULE: &str = "title: Ours\nid: ours\nlevel: low\nwhen: {eventName: StopLogging}\ngroup_by: [recipientAccountId]\n\
                    within: 1h\nat_least: 1\n";

/// A copy of some logs.
const COPY: &str = "tests/cases/2026-11/20-verify-a-copy-that-begins-below-the-prefix/copy";

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Runs a command of a document in a fresh folder.
fn run(mut arguments: Vec<String>, with_estate: bool) -> Said {
    let desk = desk();
    let more: &[&str] = match arguments[0].as_str() {
        // The first configuration is not there yet, and a test has no terminal for the questions.
        "init" => {
            fs::remove_file(desk.path("orgtrail.yaml")).unwrap();
            &["--yes"]
        }
        "apply" if with_estate => &["--yes"],
        // The daemon has no end: a round of it says the same.
        "reconcile" => &["--once", "--observe"],
        _ => &[],
    };
    let more = more.iter().filter(|flag| !arguments.iter().any(|given| given == *flag)).map(|flag| (*flag).to_owned());
    // What a lake takes depends on where the configuration says that it lies.
    if arguments[0] == "permissions" && arguments.iter().any(|word| word == "lake") {
        let configuration = fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
        desk.write("orgtrail.yaml", &(configuration + "lake: {place: s3://acme-lake/cloudtrail}\n"));
    }
    let estate = ["--estate".to_owned(), "recorded.json".to_owned()];
    arguments = arguments.iter().cloned().chain(more.collect::<Vec<_>>()).collect();
    if with_estate && !arguments.contains(&estate[0]) {
        arguments.extend(estate);
    }
    // The lake that commands look at when they name none.
    let names_lake = arguments.iter().any(|word| word == "--lake" || word == "lake");
    if names_lake && !arguments.iter().any(|word| word == "update") {
        let lake = ["lake", "update", "--place", "copy", "--lake", "orgtrail-lake"];
        assert_ne!(Said::of(desk.command("").args(lake)).code, 1);
    }
    let mut command = desk.command("");
    command.args(&arguments).env("ORGTRAIL_WEBHOOK", "https://127.0.0.1:9/");
    Said::of(&mut command)
}

/// Says what is wrong with the answers to a command; nothing where they are as they should be.
fn complaint(command: &str) -> Option<String> {
    let arguments = arguments(command);
    let name = arguments[0].as_str();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let explains_a_file = name == "explain" && !has("--live");
    let wrong = |said: Said| Some(format!("{command}: exit code {}\n{}", said.code, said.err));
    let worked = |said: Said| if [0, 2, 3].contains(&said.code) { None } else { wrong(said) };
    let is_about_tables = has("--list") || arguments.iter().any(|argument| argument.starts_with("DESCRIBE "));
    let asks_lake = name == "lake" && !command.contains("s3://") && !has("--raw");
    let is_local_lake = asks_lake && (has("status") || has("ddl"));
    if OFFLINE.contains(&name) || is_about_tables || is_local_lake || has("--estate") || has("copy") || explains_a_file
    {
        return worked(run(arguments, false));
    }
    let said = run(arguments.clone(), false);
    if said.code != 1 || !said.err.contains("no AWS credentials were found") {
        return wrong(said);
    }
    if READS_LOGS.contains(&name) {
        return None;
    }
    match NOT_RECORDED.iter().find(|(part, _)| command.contains(part)) {
        Some((_, refusal)) => {
            let said = run(arguments, true);
            if said.code == 1 && said.err.contains(refusal) { None } else { wrong(said) }
        }
        None => worked(run(arguments, true)),
    }
}

#[test]
fn every_command_of_the_documents_works_on_an_estate_and_says_that_credentials_are_missing() {
    let commands: Vec<(String, PathBuf)> = commands().into_iter().collect();
    assert!(commands.len() > 40, "{commands:?}");
    let _ = desk();
    let complaints: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let own = commands.iter().skip(lane).step_by(LANES);
                scope.spawn(move || {
                    own.filter_map(|(command, path)| Some(format!("{}: {}", path.display(), complaint(command)?)))
                        .collect()
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| -> Vec<String> { lane.join().unwrap() }).collect()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_command_name_of_the_documents_is_one() {
    let names: BTreeSet<String> = documents()
        .iter()
        .flat_map(|path| {
            let (_, prose) = parts(&fs::read_to_string(path).unwrap());
            let spans = spans(&prose).into_iter().filter(|span| span.split(' ').count() == 2);
            spans.filter_map(|span| Some(span.strip_prefix("orgtrail ")?.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    assert!(names.len() > 8, "{names:?}");
    let desk = Desk::offline();
    for name in names {
        let said = desk.run(&format!("{name} --help"));
        assert_eq!(said.code, 0, "orgtrail {name}: {}", said.err);
    }
}

/// What README and CONTRIBUTING run with Cargo names tests, benchmarks and programs that are there.
#[test]
fn every_cargo_command_names_what_is_there() {
    let mut read = 0;
    for name in ["README.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let (shell, prose) = parts(&text);
        for line in shell.into_iter().chain(spans(&prose)) {
            let words: Vec<&str> = line.split(" #").next().unwrap().split_whitespace().collect();
            let Some(at) = words.iter().position(|word| *word == "cargo") else { continue };
            let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
            if let Some(test) = after("--test") {
                assert!(root().join("tests").join(test).join("main.rs").exists(), "{name}: {line}");
            }
            if let Some(bench) = after("--bench").filter(|bench| **bench != "NAME") {
                let of = |package: &str| root().join(package).join("benches").join(format!("{bench}.rs")).exists();
                let is_there = match after("-p") {
                    Some(package) => of(&package.replace("orgtrail-", "crates/")),
                    None => of("") || words.contains(&"--workspace") && of("crates/query"),
                };
                assert!(is_there, "{name}: {line}");
            }
            let known = ["run", "test", "bench", "install", "clippy", "deny", "fmt", "doc", "mutants", "fuzz"];
            assert!(
                words.get(at + 1).is_none_or(|verb| known.contains(verb) || verb.starts_with('+')),
                "{name}: {line}"
            );
            read += 1;
        }
    }
    assert!(read > 5, "{read}");
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let mut read = 0;
    let more = ["ARCHITECTURE.md", "CHANGELOG.md", "policies/README.md", "templates/README.md", "fuzz/README.md"];
    for path in documents().into_iter().chain(more.map(|name| root().join(name))) {
        let (_, prose) = parts(&fs::read_to_string(&path).unwrap());
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap().to_lowercase();
                let is_there = text.lines().filter(|line| line.starts_with('#')).any(|line| {
                    let title = line.trim_start_matches('#').trim().replace(' ', "-");
                    title.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect::<String>()
                        == heading
                });
                assert!(is_there, "{}: {link} has no such heading", path.display());
            }
            read += 1;
        }
    }
    assert!(read > 40, "{read} links");
}

/// Where the rooms are that documents name without their package.
const PACKAGES: [&str; 4] = ["src", "crates/core/src", "crates/archive/src", "crates/query/src"];

/// What the documents for contributors call a file is one, of the source or of the repository.
#[test]
fn every_path_of_the_documents_is_there() {
    let mut read = 0;
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let (_, prose) = parts(&fs::read_to_string(root().join(name)).unwrap());
        let is_path = |span: &String| {
            let known = ["src/", "tests/", "docs/", "policies/", "templates/", "fuzz/", ".ci/", ".cargo/"];
            let rooms: Vec<String> = PACKAGES
                .iter()
                .flat_map(|package| fs::read_dir(root().join(package)).unwrap())
                .map(|entry| {
                    entry.unwrap().path().with_extension("").file_name().unwrap().to_string_lossy().into_owned()
                })
                .collect();
            let first = span.split('/').next().unwrap_or_default();
            let is_room = span.contains('/') && rooms.iter().any(|room| room == first);
            !span.contains([' ', '*', '<', ':', '{']) && (known.iter().any(|at| span.starts_with(at)) || is_room)
        };
        for path in spans(&prose).into_iter().filter(is_path) {
            let is_there =
                root().join(&path).exists() || PACKAGES.iter().any(|at| root().join(at).join(&path).exists());
            assert!(is_there, "{name}: there is no {path}");
            read += 1;
        }
    }
    assert!(read > 30, "{read} paths");
}

/// README is a door: who comes in for the first time reads it to its end.
#[test]
fn readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 160, "{lines} lines: what is more than the first steps belongs into docs/");
}
