//! `orgtrail coverage` as a user runs it, over folders.

use clap::Parser;
use jiff::SignedDuration;
use orgtrail::cli::Format;
use orgtrail::cli::coverage::{CoverageArgs, run};
use orgtrail::cli::logs::LogsError;
use orgtrail::cli::outcome::Outcome;
use orgtrail::logs::expected::{Expected, ExpectedAccount, TrailDestination, TrailStatus};
use serde_json::Value;

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION};
use crate::proof;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: CoverageArgs,
    #[arg(long, default_value = "human")]
    format: Format,
}

/// A day of an organization with two accounts and two regions.
pub fn day() -> Bucket {
    let layout = Layout {
        accounts: vec![ACCOUNT.into(), "222222222222".into()],
        regions: vec![REGION.into(), "eu-central-1".into()],
        hours: 24,
        contents: vec!["{}".into()],
        ..Layout::default()
    };
    layout.write()
}

pub async fn coverage(bucket: &Bucket, expected: Expected, arguments: &[&str]) -> Result<(Outcome, String), LogsError> {
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let folder = root.path().display().to_string();
    let from = bucket.layout.start.to_string();
    let command = Command::try_parse_from([&["coverage", "--from", &from], arguments].concat()).unwrap();
    let now = bucket.layout.end() + SignedDuration::from_mins(30);
    let around = proof::around(now, command.format, None);
    let mut out = Vec::new();
    let outcome = run(&command.args, &[folder], expected, &around, &mut out).await?;
    Ok((outcome, String::from_utf8(out).unwrap()))
}

pub async fn json(bucket: &Bucket, expected: Expected, arguments: &[&str]) -> (Outcome, Value) {
    let (outcome, text) = coverage(bucket, expected, &[arguments, &["--format", "json"]].concat()).await.unwrap();
    (outcome, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn whole_days_arrive() {
    let (outcome, answer) = json(&day(), Expected::default(), &["--fail-older-than", "3h"]).await;
    assert_eq!(outcome, Outcome::Clean);
    assert_eq!((&answer["summary"]["rows"], &answer["summary"]["arriving"]), (&4.into(), &4.into()));
    let row = &answer["rows"][0];
    let fields = ["account", "region", "kind", "files", "digests", "hours_with_digest", "hours_without_digest"];
    let told: Vec<String> = fields.iter().map(|field| row[field].to_string()).collect();
    assert_eq!(told, ["\"111111111111\"", "\"eu-central-1\"", "\"CloudTrail\"", "24", "24", "24", "0"]);
    assert_eq!((&row["first"], &row["last"]), (&"2026-11-20T00:20:00Z".into(), &"2026-11-20T23:20:00Z".into()));
}

#[tokio::test]
async fn gaps_and_ends_are_told_with_their_reason() {
    let mut bucket = day();
    let layout = bucket.layout.clone();
    for hour in [8, 9] {
        bucket.objects.remove(&layout.digest(ACCOUNT, REGION, hour, ""));
    }
    bucket.objects.retain(|key, _| !key.contains("/222222222222/") || key.contains("20261120T0"));
    let (outcome, answer) = json(&bucket, Expected::default(), &["--fail-older-than", "3h"]).await;
    assert_eq!(outcome, Outcome::Finding);
    let told = |row: usize| {
        let gaps = answer["rows"][row]["gaps"].as_array().unwrap().iter();
        let gaps: Vec<String> =
            gaps.map(|gap| format!("{} {}", gap["from"].as_str().unwrap(), gap["reason"].as_str().unwrap())).collect();
        (answer["rows"][row]["state"].as_str().unwrap().to_owned(), gaps)
    };
    assert_eq!(told(0), ("arriving".into(), vec![]));
    let alone = "2026-11-20T08:00:00Z digests of this account and region alone are gone: find out why with verify";
    assert_eq!(told(1), ("gaps".into(), vec![alone.into()]));
    let account = "2026-11-20T09:00:00Z the account was suspended, closed or left the organization";
    assert_eq!(told(2), ("stopped".into(), vec![account.into()]));
    assert_eq!(answer["summary"]["older_than_limit"], 2);
}

#[tokio::test]
async fn expected_accounts_without_anything_are_rows_too() {
    let account = |is_active| ExpectedAccount { name: "shop <prod>".into(), is_active, regions: None };
    let accounts =
        [("333333333333".parse().unwrap(), account(true)), ("444444444444".parse().unwrap(), account(false))];
    let expected = Expected { accounts: accounts.into(), ..Expected::default() };
    let arguments = ["--fail-older-than", "3h", "--region", REGION];
    let (outcome, answer) = json(&day(), expected.clone(), &arguments).await;
    assert_eq!(outcome, Outcome::Finding);
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[2]["state"], &rows[2]["name"]), (&"nothing".into(), &"shop <prod>".into()));
    assert_eq!(rows[3]["gaps"][0]["reason"], "the account is suspended or closed");
    assert_eq!(answer["summary"]["older_than_limit"], 1, "a suspended account is not waited for");
    let (_, page) = coverage(&day(), expected, &["--format", "html"]).await.unwrap();
    assert!(page.contains("shop &lt;prod&gt;") && !page.contains("shop <prod>"));
}

#[tokio::test]
async fn every_format_says_the_same() {
    let mut bucket = day();
    let hour = bucket.layout.digest(ACCOUNT, REGION, 8, "");
    bucket.objects.remove(&hour);
    for format in ["human", "jsonl", "markdown", "html"] {
        let (outcome, text) = coverage(&bucket, Expected::default(), &["--format", format]).await.unwrap();
        assert_eq!(outcome, Outcome::Finding, "a gap after the start of the trail");
        for part in [ACCOUNT, REGION, "gaps", "2026-11-20T08:00:00Z", "are gone"] {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
    let (_, text) = coverage(&bucket, Expected::default(), &[]).await.unwrap();
    assert!(text.contains("111111111111 us-east-1    ########+###############"), "{text}");
}

#[tokio::test]
async fn it_reads_no_body() {
    let mut bucket = day();
    bucket.objects.values_mut().for_each(|stored| stored.body = b"no body of CloudTrail's".to_vec());
    assert_eq!(json(&bucket, Expected::default(), &[]).await.1["summary"]["arriving"], 4);
}

#[tokio::test]
async fn the_text_names_what_is_old_and_never_calls_nothing_good() {
    let mut bucket = day();
    bucket.objects.retain(|key, _| !key.contains("/222222222222/") || key.contains("20261120T0"));
    let account = ExpectedAccount { name: "shop\u{1b}[2J".into(), is_active: true, regions: None };
    let expected = Expected { accounts: [("222222222222".parse().unwrap(), account)].into(), ..Expected::default() };
    let (_, text) = coverage(&bucket, expected, &["--fail-older-than", "3h"]).await.unwrap();
    assert!(text.contains("2 accounts and regions have nothing newer than 3h"), "{text}");
    let old = "stopped: 222222222222 us-east-1 (shop\\u{1b}[2J) CloudTrail trail org-trail, newest 2026-11-20T09:25:00Z, older than the limit";
    assert!(text.contains(old), "{text}");
    bucket.objects.clear();
    let (outcome, text) = coverage(&bucket, Expected::default(), &[]).await.unwrap();
    assert_eq!(outcome, Outcome::Finding);
    assert!(text.starts_with("nothing: no key in "), "{text}");
}

#[tokio::test]
async fn empty_files_and_names_of_the_future_are_no_arrival() {
    let mut bucket = day();
    let layout = bucket.layout.clone();
    bucket.objects.retain(|key, _| !key.contains("20261120T2") || !key.contains(&format!("/{REGION}/")));
    let stored = bucket.objects.values().next().unwrap().clone();
    let future = Layout { start: "2027-01-01T00:00:00Z".parse().unwrap(), ..layout.clone() };
    bucket.objects.insert(future.log(ACCOUNT, REGION, 0, 0), stored.clone());
    let empty = crate::bucket::Stored { body: Vec::new(), ..stored };
    bucket.objects.insert(layout.digest(ACCOUNT, REGION, 23, ""), empty.clone());
    bucket.objects.insert(layout.log(ACCOUNT, REGION, 23, 0), empty);
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!(outcome, Outcome::Finding);
    let row = &answer["rows"][1];
    assert_eq!((&row["region"], &row["state"]), (&REGION.into(), &"stopped".into()));
}

/// What a row says in one line: its trail and layout, its state, and what is noted of it.
fn told(row: &Value) -> String {
    let text = |field: &str| row[field].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}: {}", text("trail"), text("layout"), text("state"), text("note"))
}

fn all_told(answer: &Value) -> Vec<String> {
    answer["rows"].as_array().unwrap().iter().map(told).collect()
}

/// One account and region, whose trails deliver for a day each.
fn one(layout: Layout) -> Bucket {
    Layout { hours: 24, contents: vec!["{}".into()], ..layout }.write()
}

#[tokio::test]
async fn trails_of_one_folder_have_rows_of_their_own() {
    let mut bucket = one(Layout::default());
    let second = one(Layout { trail: "second-trail".into(), ..Layout::default() });
    bucket.objects.extend(second.objects);
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!(outcome, Outcome::Clean);
    let layout = "AWSLogs/o-exampleorgid/";
    assert_eq!(
        all_told(&answer),
        [format!("org-trail {layout} arriving: -"), format!("second-trail {layout} arriving: -")]
    );
    // The other trail's log files go on to arrive in the same folder: that hides nothing.
    bucket.objects.retain(|key, _| !key.contains("_second-trail_") || key.contains("20261120T0"));
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!(outcome, Outcome::Finding);
    assert_eq!(all_told(&answer)[1], format!("second-trail {layout} stopped: -"));
    let gap = &answer["rows"][1]["gaps"][0];
    assert_eq!((&gap["from"], &gap["to"]), (&"2026-11-20T09:00:00Z".into(), &"2026-11-20T22:30:00Z".into()));
}

#[tokio::test]
async fn a_layout_that_another_one_follows_has_ended() {
    let start: jiff::Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let old = Layout { organization: None, hours: 9, contents: vec!["{}".into()], ..Layout::default() };
    let new =
        Layout { start: old.end(), hours: 15, ..Layout { organization: Some("o-exampleorgid".into()), ..old.clone() } };
    let mut bucket = new.write();
    bucket.objects.extend(old.write().objects);
    bucket.layout.start = start;
    bucket.layout.hours = 24;
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    let note = "it ended at 2026-11-20T09:00:00Z, and trail org-trail in AWSLogs/o-exampleorgid/ goes on";
    assert_eq!(
        all_told(&answer),
        [format!("org-trail AWSLogs/ ended: {note}"), "org-trail AWSLogs/o-exampleorgid/ arriving: -".into()]
    );
    assert_eq!((outcome, &answer["rows"][0]["hours_without_digest"]), (Outcome::Clean, &0.into()));

    // An hour between them is a gap, of the one that ended.
    bucket.objects.remove(&old.digest(ACCOUNT, REGION, 8, ""));
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!((outcome, &answer["rows"][0]["state"]), (Outcome::Finding, &"stopped".into()));
    let gap = &answer["rows"][0]["gaps"][0];
    assert_eq!((&gap["from"], &gap["to"]), (&"2026-11-20T08:00:00Z".into(), &"2026-11-20T09:00:00Z".into()));

    // A trail that should deliver there, as CloudTrail says, has not ended but stopped.
    let delivery = TrailDestination {
        trail: Some("org-trail".into()),
        bucket: "acme-org-cloudtrail".into(),
        ..TrailDestination::default()
    };
    let expected = Expected { wanted: vec![delivery], ..Expected::default() };
    let coverage = {
        let survey = crate::proof::survey(&bucket).await;
        orgtrail::logs::coverage::assess(survey, &expected)
    };
    let states: Vec<&str> = coverage.rows.iter().map(|row| row.arrival.as_str()).collect();
    assert_eq!(states, ["stopped", "arriving"]);
}

#[tokio::test]
async fn what_came_before_the_trail_is_no_gap_and_what_came_after_its_start_is_one() {
    let mut bucket = day();
    bucket.objects.retain(|key, _| !key.contains("20261120T0"));
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!((outcome, &answer["summary"]["arriving"]), (Outcome::Clean, &4.into()));
    let row = &answer["rows"][0];
    assert_eq!((&row["hours_without_digest"], &row["gaps"][0]["before_start"]), (&0.into(), &true.into()));
    let (_, text) = coverage(&bucket, Expected::default(), &[]).await.unwrap();
    assert!(!text.contains('X') || text.contains("X nothing"), "{text}");
    assert!(text.contains("111111111111 us-east-1    ###############"), "{text}");

    let hour = bucket.layout.digest(ACCOUNT, REGION, 12, "");
    bucket.objects.remove(&hour);
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    assert_eq!((outcome, &answer["rows"][1]["hours_without_digest"]), (Outcome::Finding, &1.into()));
}

#[tokio::test]
async fn what_could_not_be_asked_ends_with_3_and_what_fails_with_2() {
    let account = ExpectedAccount { name: "shop".into(), is_active: true, regions: None };
    let accounts = || [(ACCOUNT.parse().unwrap(), account.clone())].into();
    let expected = Expected { accounts: accounts(), ..Expected::default() };
    let (outcome, answer) = json(&day(), expected, &[]).await;
    assert_eq!(
        (outcome, &answer["not_known"][0]),
        (Outcome::Partial, &"the enabled regions of 1 accounts are unknown".into())
    );
    let unknown = Some("the organization could not be read".to_owned());
    let (outcome, answer) = json(&day(), Expected { unknown, ..Expected::default() }, &[]).await;
    let told = "which accounts should deliver: the organization could not be read";
    assert_eq!((outcome, &answer["not_known"][0]), (Outcome::Partial, &told.into()));

    let delivery =
        TrailDestination { trail: Some("org-trail".into()), bucket: "b".into(), ..TrailDestination::default() };
    let trail = TrailStatus { name: "org-trail".into(), delivery, is_logging: true, ..TrailStatus::default() };
    let with = |trails: Vec<TrailStatus>| Expected { trails, ..Expected::default() };
    assert_eq!(json(&day(), with(vec![trail.clone()]), &[]).await.0, Outcome::Clean);
    let stopped = TrailStatus { is_logging: false, ..trail.clone() };
    assert_eq!(json(&day(), with(vec![stopped.clone()]), &[]).await.0, Outcome::Finding);
    let failing = TrailStatus { delivery_error: Some("AccessDenied".into()), ..trail.clone() };
    assert_eq!(json(&day(), with(vec![failing]), &[]).await.0, Outcome::Finding);
    // One that is stopped while another one delivers is told, and no fault where no configuration names it.
    let old = TrailStatus { name: "old-trail".into(), ..stopped };
    let (outcome, text) = coverage(&day(), with(vec![trail, old]), &[]).await.unwrap();
    assert!(text.contains("\ntrail old-trail is stopped\n"), "{text}");
    assert_eq!(outcome, Outcome::Clean);
}

#[tokio::test]
async fn another_kind_is_no_arrival() {
    let mut bucket = day();
    let layout = bucket.layout.clone();
    bucket.objects.retain(|key, _| !key.contains("20261120T2") || !key.contains(&format!("/{REGION}/")));
    let stored = bucket.objects.values().next().unwrap().clone();
    let insight = layout.log(ACCOUNT, REGION, 23, 0);
    let insight =
        insight.replace("/CloudTrail/", "/CloudTrail-Insight/").replace("_CloudTrail_", "_CloudTrail-Insight_");
    bucket.objects.remove(&layout.digest(ACCOUNT, REGION, 23, ""));
    bucket.objects.insert(insight, stored);
    let (outcome, answer) = json(&bucket, Expected::default(), &["--account", ACCOUNT, "--region", REGION]).await;
    assert_eq!(outcome, Outcome::Finding);
    let states: Vec<_> = answer["rows"].as_array().unwrap().iter().map(|row| (&row["kind"], &row["state"])).collect();
    assert_eq!(states, [(&"CloudTrail".into(), &"stopped".into()), (&"CloudTrail-Insight".into(), &"seen".into())]);
}

#[tokio::test]
async fn the_head_says_what_should_be_there_and_what_is() {
    let account = |name: &str| ExpectedAccount {
        name: name.into(),
        is_active: true,
        regions: Some(vec![REGION.parse().unwrap(), "eu-central-1".parse().unwrap()]),
    };
    let accounts = [(ACCOUNT.parse().unwrap(), account("shop")), ("333333333333".parse().unwrap(), account("web"))];
    let delivery = TrailDestination { trail: Some("org-trail".into()), ..TrailDestination::default() };
    let expected = Expected { accounts: accounts.into(), wanted: vec![delivery], ..Expected::default() };
    for format in ["human", "markdown", "html"] {
        let (_, text) = coverage(&day(), expected.clone(), &["--format", format]).await.unwrap();
        for part in [
            "organization: o-exampleorgid",
            "range: 2026-11-20T00:00:00Z to 2026-11-21T00:30:00Z",
            "expected: 2 accounts, 1 trail (org-trail)",
            "found: 2 accounts, 2 regions, 1 trail (org-trail)",
            "made: 2026-11-21T00:30:00Z by orgtrail ",
            "sha256 of this report as JSON: ",
        ] {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
    let (_, text) = coverage(&day(), expected, &["--format", "markdown"]).await.unwrap();
    let row = "| arriving | 111111111111 shop | eu-central-1 | CloudTrail | org-trail | AWSLogs/o-exampleorgid/ | \
               2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | 24 | 24 (528 bytes) |";
    assert!(text.contains(row), "{text}");
    assert!(
        text.contains(
            "| nothing | 333333333333 web | eu-central-1 | CloudTrail | \\- | \\- | \\- | \\- | 0 | 0 (0 bytes) |"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn digests_without_a_log_file_are_quiet_only_where_they_list_none() {
    // Two hours of digests are enough, and other regions with log files change nothing.
    let few = Layout { hours: 2, contents: vec!["{}".into()], ..Layout::default() };
    let mut bucket = few.write();
    bucket.objects.retain(|key, _| key.contains("Digest"));
    let (outcome, text) = coverage(&bucket, Expected::default(), &[]).await.unwrap();
    assert_eq!(outcome, Outcome::Partial);
    let told: Vec<&str> = text.lines().take(2).collect();
    let counts = "1 row (account x region x kind of log x trail): 0 arriving, 0 with gaps, 0 stopped, 0 with nothing, 0 unread, \
                  1 with digests only";
    let lacking = "1 row: digests are there, and no log file of the range or of its end; either nothing happened, or they are gone: ask \
                   orgtrail verify, which proves what the digests list";
    assert_eq!(told, [counts, lacking]);
    let (_, answer) = json(&bucket, Expected::default(), &[]).await;
    let listed =
        "no log file of the range is there beside the digests, which list 2: ask orgtrail verify what became of them";
    assert_eq!(all_told(&answer), [format!("org-trail AWSLogs/o-exampleorgid/ digests_only: {listed}")]);
    let mut bucket = day();
    bucket.objects.retain(|key, _| key.contains("Digest") || key.contains("us-east-1"));
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    let summary = &answer["summary"];
    assert_eq!((outcome, &summary["arriving"], &summary["digests_only"]), (Outcome::Partial, &2.into(), &2.into()));

    // What cannot be read tells nothing.
    let mut bucket = few.write();
    bucket.objects.retain(|key, _| key.contains("Digest"));
    let first = bucket.layout.digest(ACCOUNT, REGION, 0, "");
    bucket.objects.get_mut(&first).unwrap().body = crate::bucket::gz(b"{}");
    let (outcome, answer) = json(&bucket, Expected::default(), &[]).await;
    let note = answer["rows"][0]["note"].as_str().unwrap();
    let told = format!(
        "no log file of the range is there beside the digests, and it is not known how many they list: {first}: "
    );
    assert!(outcome == Outcome::Partial && note.starts_with(&told), "{note}");

    // A trail in an account where nothing happened.
    let (outcome, answer) = json(&Layout { logs: vec![0], ..few.clone() }.write(), Expected::default(), &[]).await;
    assert_eq!((outcome, &answer["summary"]["quiet"]), (Outcome::Clean, &1.into()));
    assert_eq!(all_told(&answer), ["org-trail AWSLogs/o-exampleorgid/ quiet: -"]);
}

#[tokio::test]
async fn log_files_that_ended_hours_ago_are_quiet_or_gone_as_the_newest_digests_say() {
    let all = one(Layout::default());
    let layout = all.layout.clone();
    let mut logs = vec![1; 9];
    logs.resize(24, 0);
    let mut quiet = one(Layout { logs, ..layout.clone() });
    // Only the newest digests are read.
    quiet.objects.get_mut(&layout.digest(ACCOUNT, REGION, 17, "")).unwrap().body = b"no digest".to_vec();
    let (outcome, answer) = json(&quiet, Expected::default(), &[]).await;
    let note = "quiet since 2026-11-20T08:20:00Z, the time of its newest log file: the newest 6 of 15 digests after it list \
                none";
    assert_eq!((outcome, &answer["summary"]["quiet"]), (Outcome::Clean, &1.into()));
    assert_eq!(all_told(&answer), [format!("org-trail AWSLogs/o-exampleorgid/ quiet: {note}")]);

    quiet.objects.get_mut(&layout.digest(ACCOUNT, REGION, 18, "")).unwrap().body = b"no digest".to_vec();
    let (outcome, answer) = json(&quiet, Expected::default(), &[]).await;
    let note = answer["rows"][0]["note"].as_str().unwrap();
    let told = "the newest log file is of 2026-11-20T08:20:00Z, and it is not known whether the newest 6 of 15 digests after \
                it list any: ";
    assert!(outcome == Outcome::Partial && note.starts_with(told), "{outcome:?} {note}");
    assert_eq!(answer["rows"][0]["state"], "digests_only");

    let mut gone = all;
    gone.objects.retain(|key, _| key.contains("Digest") || key.contains("20261120T0"));
    let (outcome, answer) = json(&gone, Expected::default(), &[]).await;
    let note = "the newest log file is of 2026-11-20T09:25:00Z, and the newest 6 of 14 digests after it list 6 more, which are \
                not there: ask orgtrail verify what became of them";
    assert_eq!(outcome, Outcome::Finding);
    assert_eq!(all_told(&answer), [format!("org-trail AWSLogs/o-exampleorgid/ gaps: {note}")]);
}

#[tokio::test]
async fn an_account_or_region_of_which_nothing_is_there_is_named_and_never_fine() {
    let account = |is_active| ExpectedAccount { name: "shop".into(), is_active, regions: None };
    let accounts = [(ACCOUNT.parse().unwrap(), account(true)), ("444444444444".parse().unwrap(), account(false))];
    let organization = Expected { accounts: accounts.into(), ..Expected::default() };
    for expected in [Expected::default(), organization] {
        for (asked, named) in
            [(["--region", "eu-west-9"], "region eu-west-9"), (["--account", "444444444444"], "account 444444444444")]
        {
            for format in ["human", "markdown", "html"] {
                let (outcome, text) =
                    coverage(&day(), expected.clone(), &[&asked[..], &["--format", format]].concat()).await.unwrap();
                assert_eq!(outcome, Outcome::Finding, "{text}");
                let text = text.replace('\\', "");
                assert!(text.contains(&format!("nothing of {named}: no key in ")), "{format}\n{text}");
                assert!(text.contains(&format!("asked about: {named}")), "{format}\n{text}");
            }
            let (_, answer) = json(&day(), expected.clone(), &asked).await;
            assert_eq!(answer[&asked[0][2..]], asked[1]);
        }
    }
}
