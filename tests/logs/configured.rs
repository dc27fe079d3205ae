//! `verify` and `coverage` with a configuration: what is not known of the organization is no good answer, another
//! organization's logs stand for nothing, and a file that was named is used or missed.

use std::path::Path;
use std::process::Command;

use orgtrail::logs::expected::{Expected, ExpectedAccount};
use serde_json::{Value, json};

use crate::bucket::{Layout, REGION};
use crate::earlier::{Moved, OLD, details};
use crate::program::orgtrail;
use crate::support::Trouble;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_enabled_regions_nothing_is_attested_and_one_finding_says_why() {
    let moved = Moved::start().await;
    let proxy = moved.emulator.proxy();
    let answer = |regions: Value| Trouble::Answer(regions.to_string());
    let denied = || Trouble::Error(403, "AccessDeniedException");
    let told = "the enabled regions of 3 of 3 accounts are unknown, so that a region of which nothing is there is not \
                missed: ";
    for (trouble, why) in [
        (denied(), "AccessDeniedException"),
        (answer(json!({})), "the answer has no list of regions"),
        (answer(json!({"Regions": null})), "the answer has no list of regions"),
        (answer(json!({"Regions": []})), "the answer has no enabled region"),
        (answer(json!({"Regions": [{"RegionName": REGION}]})), "the answer has no state of a region"),
        (
            answer(json!({"Regions": [{"RegionName": "us east", "RegionOptStatus": "ENABLED"}]})),
            "the answer has no name of a region",
        ),
    ] {
        proxy.clear_up();
        proxy.trouble("account", "ListRegions", usize::MAX, trouble);
        let answer = moved.verify(3);
        let [detail] = details(&answer)[..] else { panic!("{answer:#}") };
        assert!(detail.starts_with(told) && detail.contains(why), "{why}: {detail}");
        let next = "allow account:ListRegions to the management account, with trusted access for \
                    account.amazonaws.com, or to the member role, and run again";
        assert_eq!(answer["findings"][0]["next"], next);
        let summary = &answer["summary"];
        assert_eq!((&summary["state"], &summary["attested"]), (&json!("UNPROVEN"), &json!(3)));
        assert_eq!(summary["expected"]["unknown_regions"], detail);
        let unread = moved.coverage(3)["not_known"].clone();
        assert_eq!(unread, json!([format!("{detail}; next: {next}")]));
    }
    let to = moved.new.layout.end().to_string();
    let text = moved.run(3, &["verify", "--keys", "keys.json", "--to", &to]);
    assert!(text.starts_with("UNPROVEN: "), "{text}");
    assert!(text.contains("): 0 missing, and the enabled regions of 3 accounts of 3 are unknown\n"), "{text}");
    // One region that is named is asked about in every account.
    moved.run(0, &["verify", "--keys", "keys.json", "--to", &to, "--region", REGION]);
    // One account of which nobody answers is enough.
    proxy.clear_up();
    let web = moved.world.account("web").as_str();
    proxy.trouble_where("account", "ListRegions", web, usize::MAX, answer(json!({})));
    proxy.trouble("account", "ListRegions", usize::MAX, {
        answer(json!({"Regions": [{"RegionName": REGION, "RegionOptStatus": "ENABLED_BY_DEFAULT"}]}))
    });
    let answer = moved.verify(3);
    assert!(details(&answer)[0].starts_with("the enabled regions of 1 of 3 accounts are unknown, "), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_is_refused_with_the_words_of_plan() {
    let moved = Moved::start().await;
    let own = moved.world.organization.to_string();
    let file = moved.home.path().join("orgtrail.yaml");
    let text = std::fs::read_to_string(&file).unwrap().replace(&own, "o-otherorg00");
    std::fs::write(&file, text).unwrap();
    let words = format!(
        "error: the configuration cannot be met in this organization\n  - the credentials belong to organization {own}, but \
         organization.id says o-otherorg00\n"
    );
    for command in ["plan", "verify", "coverage", "verify -c orgtrail.yaml s3://acme-org-cloudtrail"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let done = orgtrail(&moved.emulator, moved.home.path(), &arguments);
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{command}: {error}");
        assert!(error.contains(&words), "{command}: {error}");
    }
}

#[tokio::test]
async fn what_lies_in_another_organizations_folder_stands_for_nothing_of_this_one() {
    let bucket = Layout { organization: Some("o-otherorg00".into()), ..Layout::default() }.write();
    let account =
        ExpectedAccount { name: "shop".into(), is_active: true, regions: Some(vec![REGION.parse().unwrap()]) };
    let expected = Expected {
        accounts: [(crate::bucket::ACCOUNT.parse().unwrap(), account)].into(),
        organization: Some("o-exampleorgid".into()),
        ..Expected::default()
    };
    let coverage = orgtrail::logs::coverage::assess(crate::proof::survey(&bucket).await, &expected);
    let rows: Vec<_> =
        coverage.rows.iter().map(|row| (row.layout.as_str(), row.arrival.as_str(), row.is_expected)).collect();
    assert_eq!(rows, [("", "nothing", true), ("AWSLogs/o-otherorg00/", "arriving", false)]);
    let note = "it lies in the folder of another organization (o-otherorg00), and stands for nothing of this one";
    assert_eq!(coverage.rows[1].note.as_deref(), Some(note));

    let expected = orgtrail::logs::verify::Expectation {
        said_by: vec!["the test".into()],
        accounts: expected,
        trails: ["org-trail".to_owned()].into(),
        is_organization: true,
        ..Default::default()
    };
    let asked = orgtrail::logs::verify::VerifyRequest { expected: Some(expected), ..crate::proof::request(&bucket) };
    let answer = crate::proof::verify_store(crate::bucket::MemoryStore::of(&bucket), &bucket, asked).await;
    let told: Vec<&str> = answer.findings.iter().map(|finding| finding.detail.as_str()).collect();
    let missing = [
        "account 111111111111 (shop) in us-east-1 should have digests (the test), and has none",
        "trail org-trail should have digests (the test), and has none",
    ];
    assert_eq!(told, missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_the_command_line_says_what_should_be_in_a_place() {
    let moved = Moved::start().await;
    let (place, old, to) = ("s3://acme-org-cloudtrail", format!("s3://{OLD}"), moved.new.layout.end().to_string());
    let usual = ["--keys", "keys.json", "--to", &to, "--format", "json", place, &old];
    let expected = |more: &[&str], code| {
        let text = moved.run(code, &[&["verify"], more, &usual].concat());
        serde_json::from_str::<Value>(&text).unwrap()["summary"]["expected"].clone()
    };
    assert_eq!(expected(&[], 0), Value::Null, "a configuration that lies there by custom says nothing");
    let told = expected(&["-c", "orgtrail.yaml"], 0);
    assert_eq!((&told["accounts"], &told["regions"], &told["trails"]), (&json!(3), &json!(1), &json!(["org-trail"])));
    let before = moved.emulator.proxy().count("sts:AssumeRole");
    let from = moved.new.layout.start.to_string();
    let text = moved.run(0, &["coverage", "--config", "orgtrail.yaml", "--from", &from, "--to", &to, place]);
    assert!(text.contains("\nexpected: 3 accounts, 1 trail (org-trail)\n"), "{text}");
    assert_eq!(
        moved.emulator.proxy().count("sts:AssumeRole"),
        before,
        "the place is read with the caller's credentials"
    );
    // A trail that should be there is missed.
    let file = moved.home.path().join("orgtrail.yaml");
    let config = std::fs::read_to_string(&file).unwrap().replace("[{name: org-trail}]", "[{name: the-trail}]");
    std::fs::write(&file, config).unwrap();
    let told = expected(&["-c", "orgtrail.yaml"], 3);
    assert_eq!(told["missing"], json!([{"account": null, "regions": [], "trail": "the-trail"}]));
}

/// Runs the program in a folder without AWS, with variables; returns the exit code and what it says on standard error.
fn run(home: &Path, variables: &[(&str, &str)], arguments: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.args(arguments.split(' ')).current_dir(home).env_clear().env("HOME", home);
    let done = command.envs(variables.iter().copied()).output().unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_file_that_was_named_and_is_not_there_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let bucket = Layout::default().write();
    bucket.write_to(&home.path().join("logs"));
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    let to = bucket.layout.end();
    let no_config = "error: cannot read the configuration nosuch.yaml\n";
    let by_environment = [("ORGTRAIL_CONFIG", "nosuch.yaml")];
    let verify = format!("verify --keys keys.json --to {to}");
    for command in [verify.as_str(), "coverage"] {
        for (variables, arguments) in [
            (&[][..], format!("{command} -c nosuch.yaml logs")),
            (&[], format!("-c nosuch.yaml {command} logs")),
            (&[], format!("{command} -c nosuch.yaml")),
            (&by_environment, command.to_owned()),
        ] {
            let (code, error) = run(home.path(), variables, &arguments);
            assert_eq!(code, Some(1), "{arguments}: {error}");
            assert!(error.starts_with(no_config), "{arguments}: {error}");
            assert!(
                error.ends_with("help: name the file with --config, or write one with `orgtrail init`\n"),
                "{error}"
            );
        }
        // Nobody named the usual one.
        let (code, error) = run(home.path(), &[], command);
        assert_eq!(code, Some(1));
        assert!(error.starts_with("error: name a bucket (s3://bucket/prefix) or a folder"), "{error}");
        let (code, error) = run(home.path(), &[], &format!("{command} --estate nosuch.json logs"));
        assert_eq!(code, Some(1));
        assert!(
            error.starts_with("error: --estate does nothing here: a place is named, and no configuration"),
            "{error}"
        );
        std::fs::copy(
            concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/orgtrail.yaml"),
            home.path().join("own.yaml"),
        )
        .unwrap();
        for place in ["", " logs"] {
            let (code, error) = run(home.path(), &[], &format!("{command} -c own.yaml --estate nosuch.json{place}"));
            assert_eq!(code, Some(1));
            assert!(error.contains("nosuch.json"), "{error}");
        }
    }
    // With a place, a variable is not looked at.
    let (code, error) = run(home.path(), &by_environment, &format!("{verify} logs"));
    assert_eq!(code, Some(0), "{error}");
}

#[test]
fn what_cannot_be_used_comes_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let bucket = Layout::default().write();
    bucket.write_to(&home.path().join("logs"));
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    std::fs::write(home.path().join("text.txt"), "no bundle").unwrap();
    let place = "check the path; a bucket is written s3://BUCKET or s3://BUCKET/PREFIX";
    let file = "check the path: there is no such file or folder";
    let expect = "write account ids of 12 digits with commas between them, or check the path of the file";
    let range = "give --from a time before the end of the range, or --to a later one";
    let bundle = "name a file that `orgtrail verify --bundle FILE` wrote, or the bucket or folder of the logs";
    let either = "is neither a bucket (s3://bucket/prefix) nor a folder";
    for (arguments, what, help) in [
        ("verify nofolder --keys keys.json", format!("nofolder {either} nor an evidence bundle that exists"), place),
        ("coverage nofolder", format!("nofolder {either} that exists"), place),
        ("coverage text.txt", format!("text.txt {either} that exists"), place),
        ("verify logs --keys nosuch", "cannot read nosuch".into(), file),
        ("verify logs --keys keys.json --bundle b.gz --sign nosuch.pem", "cannot use nosuch.pem".into(), file),
        (
            "verify logs --keys keys.json --expect 12345",
            "\"12345\" is neither a list of account ids nor a file with them, nor a checkpoint or bundle of an earlier run"
                .into(),
            expect,
        ),
        (
            "verify logs --keys keys.json --from 2026-11-20 --to 2026-11-19",
            "the range is empty: it ends at 2026-11-19T00:00:00Z, which is not after its start 2026-11-20T00:00:00Z".into(),
            range,
        ),
        ("verify text.txt", "cannot use the evidence bundle text.txt".into(), bundle),
    ] {
        let (code, error) = run(home.path(), &[], arguments);
        assert_eq!(code, Some(1), "{arguments}: {error}");
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.first(), Some(&format!("error: {what}").as_str()), "{arguments}: {error}");
        assert_eq!(lines.last(), Some(&format!("  help: {help}").as_str()), "{arguments}: {error}");
    }
}

#[test]
fn the_place_is_shown_with_its_prefix_and_times_are_whole_seconds() {
    let home = tempfile::tempdir().unwrap();
    Layout::default().write().write_to(&home.path().join("logs"));
    let run = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(arguments.split(' ')).current_dir(home.path()).env_clear().env("HOME", home.path());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = run("coverage logs/AWSLogs/o-exampleorgid");
    assert!(text.contains("\nplace: logs/AWSLogs/o-exampleorgid\n"), "{text}");
    let range = text.lines().find_map(|line| line.strip_prefix("range: ")).unwrap();
    assert_eq!(range.len(), "2026-11-20T00:00:00Z to 2026-11-27T00:00:00Z".len(), "{range}");
}
