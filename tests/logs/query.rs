//! Questions to an archive as people ask them: the whole program over folders and buckets that the tests write, and
//! what its answers say that they cover.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout, gz};
use crate::program::{orgtrail, upload};
use crate::support::Emulator;

const SECOND: &str = "222222222222";
/// The window of the archives that are written here.
const WHOLE: [&str; 4] = ["--from", "2026-11-20T00:00:00Z", "--to", "2026-11-20T05:59:59Z"];

fn event(id: usize, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/alice", "userName": "alice"},
        "eventTime": format!("2026-11-20T0{}:20:{:02}Z", id % 6, id % 60),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": {"bucketName": "b", "n": id},
        "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        event[field] = value.clone();
    }
    event
}

fn file(events: &[Value]) -> String {
    json!({"Records": events}).to_string()
}

/// An archive of six hours, one log file an hour.
fn archive(contents: Vec<String>) -> Bucket {
    Layout { logs: vec![1], contents, ..Layout::default() }.write()
}

fn asked(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.arg("query").args(arguments).current_dir(home).env_clear().env("HOME", home);
    command.output().unwrap()
}

/// Asks a question of a bucket as a folder; returns the exit code and the answer as JSON.
fn ask(bucket: &Bucket, sql: &str, more: &[&str]) -> (i32, Value) {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = asked(home.path(), &[&["--place", "copy", "--format", "json", sql], more].concat());
    let text = String::from_utf8_lossy(&done.stdout);
    let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {done:?}"));
    (done.status.code().unwrap(), answer)
}

/// Asks a question that has no answer; returns what is said.
fn refused(bucket: &Bucket, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = asked(home.path(), &[&["--place", "copy"], arguments].concat());
    assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{arguments:?} {done:?}");
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn an_answer_over_hours_with_digests_is_whole_and_says_what_it_covers() {
    let contents = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let (code, answer) = ask(&archive(contents), "SELECT count(*) AS n, min(account) FROM events", &WHOLE);
    assert_eq!(answer["rows"], json!([[6, ACCOUNT]]));
    let coverage = &answer["coverage"];
    assert_eq!((code, &coverage["is_whole"]), (0, &json!(true)), "{coverage}");
    let hours = json!({"all": 6, "with_digest": 6, "attested": 0, "pending": 0, "without_digest": 0});
    assert_eq!((&coverage["hours"], &coverage["files"], &coverage["records"]), (&hours, &json!(6), &json!(6)));
    assert_eq!((&coverage["kinds"], &coverage["accounts"]), (&json!(["CloudTrail"]), &json!(1)));
}

#[test]
fn a_question_that_joins_a_table_with_itself_counts_its_files_once() {
    let contents = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let mut bucket = archive(contents);
    let cut = bucket.layout.log(ACCOUNT, "us-east-1", 1, 0);
    let body = &mut bucket.objects.get_mut(&cut).unwrap().body;
    body.truncate(body.len() / 2);
    let plain = ask(&bucket, "SELECT count(*) FROM events", &WHOLE).1;
    let joined = "SELECT count(*) FROM events a JOIN events b ON a.event_id = b.event_id JOIN cloudtrail_logs c ON c.eventid = b.event_id";
    let joined = ask(&bucket, joined, &WHOLE).1;
    assert_eq!(joined["rows"], plain["rows"]);
    for counted in ["files", "bytes", "records", "duplicates", "unread_count", "unread"] {
        assert_eq!(joined["coverage"][counted], plain["coverage"][counted], "{counted}: {joined:#}");
    }
    assert_eq!(plain["coverage"]["files"], 6);
}

#[test]
fn what_a_question_cannot_see_is_shown_before_it_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let shown = |more: &[&str]| {
        let done = asked(home.path(), &[&["--list"], more].concat());
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, all, _) = shown(&[]);
    assert!(code == Some(0) && all.contains("`orgtrail query --list --name NAME` says what one answers"), "{all}");
    let (code, one, _) = shown(&["--name", "who-deleted"]);
    assert!(code == Some(0) && one.starts_with("who-deleted\n"), "{one}");
    for part in ["--param what=", "answers: ", "cannot see: ", "\nSELECT\n", "\nORDER BY event_time, account"] {
        assert!(one.contains(part), "{part}: {one}");
    }
    let json: Value = serde_json::from_str(&shown(&["--name", "who-deleted", "--format", "json"]).1).unwrap();
    assert_eq!((json["rows"].as_array().unwrap().len(), &json["columns"][5]), (1, &json!("sql")));
    let (code, _, said) = shown(&["--name", "who-delete"]);
    assert!(code == Some(1) && said.contains("did you mean one of who-deleted"), "{said}");
}

#[test]
fn what_could_not_be_read_is_named_and_the_rest_is_answered() {
    let contents = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let mut bucket = archive(contents);
    let (cut, broken) = (bucket.layout.log(ACCOUNT, "us-east-1", 1, 0), bucket.layout.log(ACCOUNT, "us-east-1", 2, 0));
    let body = &mut bucket.objects.get_mut(&cut).unwrap().body;
    body.truncate(body.len() / 2);
    let two = format!("{{\"Records\":[{},{{\"eventVersion\":oops}}]}}", event(2, "GetObject", &json!({})));
    bucket.objects.get_mut(&broken).unwrap().body = gz(two.as_bytes());
    let (code, answer) = ask(&bucket, "SELECT event_name, count(*) FROM events GROUP BY 1 ORDER BY 1", &WHOLE);
    assert_eq!((code, &answer["rows"]), (3, &json!([["GetObject", 1], ["PutObject", 4]])));
    let unread = answer["coverage"]["unread"].as_array().unwrap();
    let named = |key: &str| unread.iter().any(|part| part["key"] == key);
    assert!(named(&cut) && named(&broken), "{unread:?}");
    assert_eq!(answer["coverage"]["is_whole"], false);
}

#[test]
fn what_was_delivered_twice_counts_once_and_the_same_id_with_other_bytes_is_another_row() {
    let (once, again) =
        (event(1, "PutObject", &json!({})), event(1, "PutObject", &json!({"addendum": {"reason": "UPDATED_DATA"}})));
    let contents = vec![file(&[once.clone(), event(2, "PutObject", &json!({}))]), file(&[again, once])];
    let mut bucket = archive(contents);
    bucket.objects.retain(|key, _| {
        !["000002", "000003", "000004", "000005"].iter().any(|hour| key.contains(&format!("_{hour}")))
    });
    let (_, answer) = ask(&bucket, "SELECT event_id, count(*) FROM events GROUP BY 1 ORDER BY 1", &WHOLE);
    let id = |n| format!("00000000-0000-4000-8000-{n:012}");
    assert_eq!(answer["rows"], json!([[id(1), 2], [id(2), 1]]));
    assert_eq!(answer["coverage"]["duplicates"], 1);
}

#[test]
fn records_come_back_byte_for_byte() {
    let record = "{\"eventVersion\" : \"1.08\",\"eventID\":\"a\",\"requestParameters\":{\"n\":9007199254740993,\"n\":1.0e2,\"x\":\"\\u0041\"},\"new\":[ ]}";
    let bucket = archive(vec![format!("{{\"Records\":[{record}]}}")]);
    let (_, answer) = ask(&bucket, "SELECT record, request_parameters FROM events LIMIT 1", &[]);
    let parameters = "{\"n\":9007199254740993,\"n\":1.0e2,\"x\":\"\\u0041\"}";
    assert_eq!(answer["rows"], json!([[record, parameters]]));
}

#[test]
fn fields_are_read_whatever_type_they_have() {
    let odd = [
        json!({"requestParameters": "text", "readOnly": "true", "errorCode": null}),
        json!({"requestParameters": ["a", 1], "readOnly": 7, "userIdentity": "nobody"}),
        json!({"requestParameters": {"a": {"b": [1.5, 9_007_199_254_740_993_u64]}}, "resources": [{"ARN": "arn:x"}, 5, {"arn": "arn:y"}]}),
        json!({"requestParameters": "", "eventTime": "yesterday", "resources": {"ARN": "arn:z"}}),
    ];
    let events: Vec<Value> = odd.iter().enumerate().map(|(id, more)| event(id, "Odd", more)).collect();
    let bucket = archive(vec![file(&events)]);
    let sql =
        "SELECT event_id, request_parameters, read_only, event_time, user_name, resource_arns FROM events ORDER BY 1";
    let (_, answer) = ask(&bucket, sql, &[]);
    let rows = answer["rows"].as_array().unwrap();
    let column = |at: usize| rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    assert_eq!(column(1), ["\"text\"", "[\"a\",1]", "{\"a\":{\"b\":[1.5,9007199254740993]}}", "\"\""].map(Value::from));
    assert_eq!(column(2), [json!(true), json!(null), json!(null), json!(null)]);
    assert_eq!(column(3)[3], json!(null));
    assert_eq!(column(4)[1], json!(null));
    assert_eq!(column(5), [json!(null), json!(null), json!(["arn:x", "arn:y"]), json!(null)]);
}

#[test]
fn nothing_found_where_nothing_was_looked_at_is_no_clean_answer() {
    let contents: Vec<String> = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let bucket = archive(contents);
    let none = "SELECT * FROM events WHERE event_name = 'DeleteTrail'";
    for (more, sql, what) in [
        (&["--from", "2027-01-01", "--to", "2027-01-02"][..], none, "a time without logs"),
        (&["--account", SECOND], none, "an account without logs"),
        (&["--region", "eu-west-9"], none, "a region without logs"),
        (&[], "SELECT * FROM events WHERE account = '222222222222'", "an account that only the question names"),
        (&[], "SELECT * FROM cloudtrail_logs WHERE eventtime >= '2027-01-01'", "a time that only the question names"),
    ] {
        let (code, answer) = ask(&bucket, sql, more);
        assert_eq!((code, &answer["rows"]), (3, &json!([])), "{what}: {}", answer["coverage"]);
    }
    let (code, answer) = ask(&bucket, none, &WHOLE);
    assert_eq!((code, &answer["rows"]), (0, &json!([])), "{}", answer["coverage"]);
    // The same hours, of which nothing says any more what was delivered.
    let mut bare = bucket;
    bare.objects.retain(|key, _| !key.contains("CloudTrail-Digest"));
    let (code, answer) = ask(&bare, none, &WHOLE);
    assert_eq!((code, &answer["coverage"]["hours"]["without_digest"]), (3, &json!(6)));
}

#[test]
fn only_the_files_that_can_hold_an_answer_are_read() {
    let contents: Vec<String> = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let bucket =
        Layout { logs: vec![1], contents, accounts: vec![ACCOUNT.into(), SECOND.into()], ..Layout::default() }.write();
    let files = |sql: &str, more: &[&str]| ask(&bucket, sql, more).1["coverage"]["files"].as_u64().unwrap();
    assert_eq!(files("SELECT count(*) FROM events", &[]), 12);
    assert_eq!(files("SELECT count(*) FROM events WHERE account = '111111111111'", &[]), 6);
    assert_eq!(files("SELECT count(*) FROM events WHERE account IN ('111111111111', '222222222222')", &[]), 12);
    assert_eq!(files("SELECT count(*) FROM events", &["--account", SECOND]), 6);
    let late = &["--late", "1h"];
    let sql = "SELECT count(*) FROM events WHERE event_time BETWEEN '2026-11-20T02:00:00Z' AND '2026-11-20T02:59:59Z'";
    assert_eq!(files(sql, late), 4, "of two hours: one may be delivered an hour late");
    let sql = "SELECT count(*) FROM cloudtrail_logs WHERE eventtime >= '2026-11-20T04:00:00Z'";
    assert_eq!(files(sql, &[]), 4);
    let sql =
        "SELECT count(*) FROM cloudtrail_lake WHERE eventTime > '2026-11-20 04:00:00' AND awsRegion = 'us-east-1'";
    assert_eq!(files(sql, &[]), 4);
    let sql = "SELECT count(*) FROM events WHERE account = '111111111111' OR event_name = 'PutObject'";
    assert_eq!(files(sql, &[]), 12, "the one or the other");
    let sql = "SELECT count(*) FROM events WHERE NOT (account = '111111111111')";
    assert_eq!(files(sql, &[]), 12);
}

#[test]
fn every_view_shows_the_same_events() {
    let session = json!({"userIdentity": {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"userName": "admin"}, "attributes": {"mfaAuthenticated": "false"}}}});
    let bucket = archive(vec![file(&[event(1, "PutObject", &session)])]);
    let row = |sql: &str| ask(&bucket, sql, &[]).1["rows"][0].clone();
    assert_eq!(
        row("SELECT issuer_user_name, mfa_authenticated, event_time FROM events"),
        json!(["admin", "false", "2026-11-20T01:20:01Z"])
    );
    assert_eq!(
        row(
            "SELECT useridentity.sessioncontext.sessionissuer.username, eventtime, requestparameters FROM cloudtrail_logs"
        ),
        json!(["admin", "2026-11-20T01:20:01Z", "{\"bucketName\":\"b\",\"n\":1}"])
    );
    assert_eq!(
        row(
            "SELECT userIdentity.sessionContext.attributes.mfaAuthenticated, eventTime, requestParameters FROM cloudtrail_lake"
        ),
        json!(["false", "2026-11-20T01:20:01Z", {"bucketName": "b", "n": "1"}])
    );
}

#[test]
fn what_is_no_question_is_refused_with_a_reason() {
    let bucket = archive(vec![file(&[event(1, "PutObject", &json!({}))])]);
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let not = format!("SELECT * FROM events WHERE {} true", "NOT ".repeat(10_000));
    for (sql, said) in [
        ("SELECT 1; SELECT 2", "one question at a time"),
        ("", "the question is empty"),
        ("COPY events TO 'x.csv'", "COPY is not a question"),
        ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "CREATE EXTERNAL TABLE is not a question"),
        ("EXPLAIN COPY events TO 'x.csv'", "COPY is not a question"),
        ("SET datafusion.execution.batch_size = 1", "is not a question"),
        ("DROP TABLE events", "DROP TABLE is not a question"),
        ("INSERT INTO events SELECT * FROM events", "INSERT INTO is not a question"),
        ("SHOW PARTITIONS events", "SHOW PARTITIONS is not run here: it runs with --engine athena only"),
        ("SELECT map_filter(event_name, 1) FROM events", "SHOW FUNCTIONS"),
        ("SELECT * FROM '/etc/passwd'", "there is no table"),
        ("SELECT * FROM evnts", "did you mean events?"),
        ("SELECT evnt_name FROM events", "did you mean one of event_name"),
        ("SELECT * FORM events", "cannot read the question"),
        (&deep, "nested more than"),
        (&not, "nested more than"),
    ] {
        let told = refused(&bucket, &["--format", "json", sql]);
        assert!(told.contains(said), "{}: {told}", &sql[..sql.len().min(60)]);
    }
    assert!(refused(&bucket, &["--max-bytes", "10", "SELECT record FROM events"]).contains("--max-bytes"));
    assert!(refused(&bucket, &["--file", "missing.sql"]).contains("missing.sql"));
    let home = tempfile::tempdir().unwrap();
    let done = asked(home.path(), &["--place", "nowhere", "SELECT 1"]);
    assert_eq!(done.status.code(), Some(1));
}

#[test]
fn limits_end_an_answer_and_are_said() {
    let events: Vec<Value> = (0..50).map(|id| event(id, "PutObject", &json!({}))).collect();
    let bucket = archive(vec![file(&events)]);
    let (code, answer) = ask(&bucket, "SELECT event_id FROM events ORDER BY 1", &["--max-rows", "7"]);
    assert_eq!((code, answer["rows"].as_array().unwrap().len()), (3, 7));
    assert!(answer["coverage"]["ended"].as_str().unwrap().contains("more than 7 rows"));
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    let (code, answer) = ask(&bucket, endless, &["--timeout", "1s"]);
    assert_eq!((code, &answer["coverage"]["is_whole"]), (3, &json!(false)));
}

#[test]
fn a_question_is_explained_and_not_answered() {
    let bucket = archive(vec![file(&[event(1, "PutObject", &json!({}))])]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let sql = "/* a comment */ SELECT count(*) AS all_of_them FROM events";
    let done = asked(home.path(), &["--place", "copy", "--format", "table", "--explain", sql]);
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.contains("Aggregate") && text.contains("Projection"), "{text} {done:?}");
    let done = asked(home.path(), &["--place", "copy", "--explain"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
}

#[test]
fn a_question_that_takes_much_more_memory_than_it_may_is_ended() {
    let agent = "a".repeat(2000);
    let events: Vec<Value> = (0..2000).map(|id| event(id, "PutObject", &json!({"userAgent": agent}))).collect();
    let bucket = archive(vec![file(&events)]);
    // All that came before, again for each row: gigabytes, none of which is counted by what keeps them.
    let sql =
        "SELECT max(length(s)) FROM (SELECT string_agg(user_agent, '') OVER (ORDER BY event_id) AS s FROM events)";
    let (code, answer) = ask(&bucket, sql, &["--max-memory", "64MiB"]);
    assert_eq!((code, answer["rows"].as_array().unwrap().len()), (3, 0), "{answer}");
    let ended = answer["coverage"]["ended"].as_str().unwrap();
    assert!(ended.contains("much more memory than 64"), "{ended}");
}

#[test]
fn what_callers_wrote_acts_nowhere() {
    let agent = "=HYPERLINK(\"http://evil\")\u{1b}[2J<script>alert(1)</script>|@all";
    let bucket = archive(vec![file(&[event(1, "PutObject", &json!({"userAgent": agent}))])]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let sql = "SELECT user_agent FROM events";
    let files = ["a.txt", "a.csv", "a.md", "a.html", "a.json", "a.jsonl"];
    let outputs: Vec<&str> = files.iter().flat_map(|file| ["--output", file]).collect();
    let done = asked(home.path(), &[&["--place", "copy", sql], &outputs[..]].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    for file in files {
        let text = std::fs::read_to_string(home.path().join(file)).unwrap();
        assert!(!text.contains('\u{1b}'), "{file}: {text}");
        assert!(text.contains("overs") || text.contains("\"coverage\""), "{file} says what it covers: {text}");
    }
    let csv = std::fs::read_to_string(home.path().join("a.csv")).unwrap();
    assert!(csv.contains("\r\n\"'=HYPERLINK"), "{csv}");
    let page = std::fs::read_to_string(home.path().join("a.html")).unwrap();
    assert!(!page.contains("<script>"), "{page}");
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(home.path().join("a.json")).unwrap()).unwrap();
    assert_eq!(whole["rows"][0][0], agent, "JSON keeps it as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_asked_over_the_wire_and_its_denied_prefixes_are_named() {
    let emulator = Emulator::start();
    let contents: Vec<String> = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let bucket = archive(contents);
    upload(&emulator, &bucket).await;
    let home = tempfile::tempdir().unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    let sql = "SELECT event_name, count(*) FROM events GROUP BY 1";
    let arguments = [&["query", "--place", &place, "--format", "json", sql], &WHOLE[..]].concat();
    let done = orgtrail(&emulator, home.path(), &arguments);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(answer["rows"], json!([["PutObject", 6]]));
}

#[test]
fn what_lies_among_the_logs_under_another_name_is_told() {
    let contents: Vec<String> = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let whole = archive(contents);
    let sql = "SELECT count(*) FROM events";
    assert_eq!(ask(&whole, sql, &WHOLE).0, 0);
    let log = whole.layout.log(ACCOUNT, "us-east-1", 1, 0);
    for name in [
        log.replace(".json.gz", ".json"),
        log.replace(".json.gz", "-copy.json.gz"),
        log.replace(".json.gz", " (1).json.gz"),
    ] {
        let mut bucket = archive(whole.layout.contents.clone());
        let stored = bucket.objects[&log].clone();
        bucket.objects.insert(name.clone(), stored);
        let (code, answer) = ask(&bucket, sql, &WHOLE);
        assert_eq!((code, &answer["coverage"]["beside_count"]), (3, &json!(1)), "{name}: {}", answer["coverage"]);
    }
    let mut untimed = archive(vec![file(&[event(1, "PutObject", &json!({"eventTime": "2026-11-20 01:00"}))])]);
    untimed.objects.retain(|key, _| !key.contains("/CloudTrail/") || key == &log);
    let (code, answer) = ask(&untimed, sql, &WHOLE);
    assert_eq!((code, &answer["coverage"]["without_time"]), (3, &json!(1)));
}

#[test]
fn a_part_of_a_question_without_logs_makes_the_answer_less_than_whole() {
    let contents: Vec<String> = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let bucket = archive(contents);
    for sql in [
        "SELECT count(*) FROM events WHERE region IN ('us-east-1', 'ap-south-1')",
        "SELECT count(*) FROM events UNION ALL SELECT count(*) FROM events WHERE region = 'ap-south-1'",
        "SELECT count(*) FROM events WHERE account IN ('111111111111', '222222222222')",
    ] {
        assert_eq!(ask(&bucket, sql, &WHOLE).0, 3, "{sql}");
    }
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    std::fs::create_dir(home.path().join("empty")).unwrap();
    let question = "SELECT count(*) FROM events";
    let done = asked(home.path(), &[&["--place", "copy", "--place", "empty", question], &WHOLE[..]].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let done = asked(home.path(), &["--place", "empty", question]);
    assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stderr).contains("no logs of CloudTrail lie there"), "{done:?}");
}

#[test]
fn a_question_that_never_waits_ends_with_its_time() {
    let events: Vec<Value> = (0..60).map(|id| event(id, "PutObject", &json!({}))).collect();
    let bucket = archive(vec![file(&events)]);
    let busy = "SELECT count(*) FROM events a, events b, events c, events d, events e, events f WHERE a.event_id <> f.event_id";
    let (code, answer) = ask(&bucket, busy, &["--timeout", "1s"]);
    assert_eq!(code, 3);
    assert!(answer["coverage"]["ended"].as_str().unwrap().contains("longer than 1 s"), "{answer}");
}

#[test]
fn a_parquet_file_is_written_whole_and_says_what_it_covers() {
    let contents = (0..6).map(|id| file(&[event(id, "PutObject", &json!({}))])).collect();
    let home = tempfile::tempdir().unwrap();
    archive(contents).write_to(&home.path().join("copy"));
    let sql = "SELECT event_time, event_name, resource_arns FROM events";
    let done = asked(
        home.path(),
        &[&["--place", "copy", sql, "--output", "a.parquet", "--output", "a.csv"], &WHOLE[..]].concat(),
    );
    assert_eq!((done.status.code(), done.stdout.len()), (Some(0), 0), "{done:?}");
    let piped = asked(home.path(), &[&["--place", "copy", sql, "--format", "parquet"], &WHOLE[..]].concat());
    for bytes in [std::fs::read(home.path().join("a.parquet")).unwrap(), piped.stdout] {
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} bytes", bytes.len());
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains("orgtrail.coverage") && text.contains("\"is_whole\":true") && text.contains("event_time")
        );
    }
    let done = asked(home.path(), &["--list", "--output", "list.parquet"]);
    assert!(done.status.success() && std::fs::read(home.path().join("list.parquet")).unwrap().starts_with(b"PAR1"));
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    let done = { done }.args(["coverage", "copy", "--format", "parquet"]).current_dir(home.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&done.stderr).contains("there is no parquet report of coverage"), "{done:?}");
}

#[test]
fn a_limit_of_memory_with_which_nothing_can_be_sorted_is_refused_and_the_least_one_sorts() {
    let run = |home: &Path, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(arguments).current_dir(home).env_clear().env("HOME", home).output().unwrap()
    };
    let records = |file: usize| {
        let one = |at: usize| {
            json!({"eventVersion": "1.11", "eventTime": "2026-11-20T00:20:00Z", "eventName": format!("Get{}", at * 7_919 % 10_007),
                "eventSource": "s3.amazonaws.com", "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT,
                "userAgent": format!("{at}{}", "x".repeat(1_500)), "eventID": format!("{file:08}-0000-4000-8000-{at:012}")})
        };
        json!({"Records": (0..6_000).map(one).collect::<Vec<_>>()}).to_string()
    };
    let bucket = Layout { logs: vec![1], contents: (0..6).map(records).collect(), ..Layout::default() }.write();
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let sql = "SELECT event_id, record FROM events ORDER BY event_name, event_id";
    for (command, least) in [
        (&["query", sql][..], "24.0 MiB"),
        (&["who", "bucket", "acme-files"], "24.0 MiB"),
        (&["dashboard"], "48.0 MiB"),
    ] {
        let done = run(home.path(), &[command, &["--place", "copy", "--max-memory", "10MB"]].concat());
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{command:?} {text}");
        assert!(text.contains("--max-memory") && text.contains(least), "{command:?} {text}");
    }
    for memory in ["24MiB", "48MiB"] {
        let limits = ["--max-memory", memory, "--max-rows", "3", "--format", "json"];
        let done = run(home.path(), &[&["query", "--place", "copy", sql][..], &limits, &WHOLE].concat());
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{memory} {text}");
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(3), "{memory}");
    }
}
