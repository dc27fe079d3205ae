//! The examples of deployments, as far as they can be checked where there is no cluster and no cloud.

use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use crate::run::Desk;

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/examples/daemon/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Has the program read a command line. Flags are read from left to right: one that is unknown, or has a bad value, is
/// told before the help is.
#[track_caller]
fn reads(words: &[&str]) {
    let help = Desk::offline().run(&format!("{} --help", words.join(" "))).expect_code(0);
    assert!(help.out.contains("--token-file") && help.out.contains("[env: ORGTRAIL_HISTORY"), "{}", help.out);
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn json(yaml: &Yaml<'_>) -> Value {
    if let Some(mapping) = yaml.as_mapping() {
        return mapping.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))).collect();
    }
    if let Some(list) = yaml.as_sequence() {
        return list.iter().map(json).collect();
    }
    match (yaml.as_str(), yaml.as_integer(), yaml.as_bool()) {
        (Some(text), ..) => text.into(),
        (_, Some(number), _) => number.into(),
        (_, _, Some(is)) => is.into(),
        _ => Value::Null,
    }
}

#[test]
fn the_configuration_is_valid() {
    let desk = Desk::offline();
    desk.write("orgtrail.yaml", &file("orgtrail.yaml"));
    desk.run("validate").expect_code(0);
    // What is commented out is valid too.
    desk.write("orgtrail.yaml", &file("orgtrail.yaml").replace("\n  # ", "\n  "));
    desk.run("validate").expect_code(0);
}

#[test]
fn the_unit_starts_the_daemon() {
    let unit = file("orgtrail.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/orgtrail ")).unwrap();
    reads(&command.split(' ').collect::<Vec<_>>());
}

#[test]
#[ignore = "needs systemd; run with `cargo test --test program -- --ignored`"]
fn the_unit_is_one_that_systemd_takes() {
    let unit = file("orgtrail.service");
    let desk = Desk::offline();
    // The program must be where the unit says.
    desk.write("orgtrail.service", &unit.replace("/usr/local/bin/orgtrail", env!("CARGO_BIN_EXE_orgtrail")));
    let verify =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(desk.path("orgtrail.service")).output();
    let output = verify.unwrap_or_else(|error| panic!("this test needs `systemd-analyze`: install systemd: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("orgtrail.service"), "{said}");
}

#[test]
fn the_manifest_hangs_together() {
    let text = file("kubernetes.yaml");
    let documents: Vec<Value> = Yaml::load_from_str(&text).unwrap().iter().map(json).collect();
    let kinds: Vec<&str> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ServiceAccount", "Deployment"]);
    let (account, spec) = (&documents[0], &documents[1]["spec"]);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
    assert_eq!(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);

    let container = &pod["containers"][0];
    let args = texts(&container["args"]);
    reads(&args);
    let port = container["ports"][0]["containerPort"].as_i64().unwrap();
    assert!(args.contains(&format!("--listen=0.0.0.0:{port}").as_str()), "{args:?}");
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!((&get["path"], &get["port"]), (&path.into(), &container["ports"][0]["name"]));
    }
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&container["volumeMounts"]), names(&pod["volumes"]));
    // What the arguments name is below something that is mounted.
    let mounted: Vec<&str> = container["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    for path in args.iter().filter_map(|arg| arg.split_once("=/")).map(|(_, path)| format!("/{path}")) {
        assert!(mounted.iter().any(|mount| path.starts_with(mount)), "{path} is in none of {mounted:?}");
    }
}

#[test]
fn the_task_hangs_together() {
    let task: Value = serde_json::from_str(&file("ecs-task-definition.json")).unwrap();
    let [configuration, daemon] = task["containerDefinitions"].as_array().unwrap().as_slice() else {
        panic!("{task:#}")
    };
    let command = texts(&daemon["command"]);
    reads(&command);
    assert_eq!(daemon["dependsOn"][0]["containerName"], configuration["name"]);
    let written = configuration["command"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(command.contains(&format!("--config={written}").as_str()), "{command:?}");
    let volumes: Vec<&Value> = task["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
    for container in [configuration, daemon] {
        for mount in container["mountPoints"].as_array().unwrap() {
            assert!(volumes.contains(&&mount["sourceVolume"]), "{mount}");
        }
    }
    // Fargate takes only some pairs (Amazon ECS developer guide, "Task size").
    assert_eq!((&task["cpu"], &task["memory"]), (&"256".into(), &"1024".into()));
}

#[test]
fn the_image_starts_the_daemon() {
    let text = file("Containerfile");
    let line = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)).unwrap().trim().to_owned();
    let list = |word: &str| serde_json::from_str::<Value>(&line(word)).unwrap();
    assert_eq!(list("ENTRYPOINT"), serde_json::json!(["/usr/local/bin/orgtrail"]));
    reads(&texts(&list("CMD")));
    let help = Desk::offline().run("reconcile --help").expect_code(0).out;
    for variable in line("ENV").split(' ').map(|pair| pair.split('=').next().unwrap()) {
        assert!(help.contains(&format!("[env: {variable}")), "{variable} is nothing that the program reads");
    }
}
