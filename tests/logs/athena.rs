//! Questions that Athena answers: the whole program against moto, which takes questions and gives back rows that the
//! tests queue. What moto does not know, as where a table lies, the proxy answers.

use std::process::{Child, Command, Output, Stdio};

use aws_sdk_athena::types::{ManagedQueryResultsConfiguration, ResultConfiguration, WorkGroupConfiguration};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Layout, REGION};
use crate::program::{client, orgtrail, upload};
use crate::s3::{S3Server, Settings};
use crate::support::{Emulator, Trouble};

/// An emulator with a workgroup `audit` that has a limit of 1 GiB a question.
struct Athena {
    emulator: Emulator,
    home: tempfile::TempDir,
}

impl Athena {
    async fn new() -> Self {
        let athena = Self { emulator: Emulator::start(), home: tempfile::tempdir().unwrap() };
        client(&athena.emulator).create_bucket().bucket("results").send().await.unwrap();
        let limited = with_results().bytes_scanned_cutoff_per_query(1 << 30);
        athena.make("audit", limited.build()).await;
        athena
    }

    fn config(&self) -> aws_config::SdkConfig {
        let config = S3Server::start(Settings::default()).config();
        config.into_builder().endpoint_url(self.emulator.backend()).build()
    }

    async fn make(&self, name: &str, configuration: WorkGroupConfiguration) {
        let client = aws_sdk_athena::Client::new(&self.config());
        client.create_work_group().name(name).configuration(configuration).send().await.unwrap();
    }

    async fn post(&self, path: &str, body: Value) {
        let http: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::post(format!("{}/moto-api/{path}", self.emulator.backend()));
        let request = request.header("content-type", "application/json");
        let answer = http.request(request.body(body.to_string().into()).unwrap()).await.unwrap();
        let (status, said) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
        assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&said));
    }

    /// Has moto answer the next question with these columns and rows, the names of the columns first.
    async fn will_answer(&self, columns: &[(&str, &str)], rows: &[&[Option<&str>]]) {
        self.post("static/athena/query-results", json!({"region": REGION, "results": [result(columns, rows, true)]}))
            .await;
    }

    /// Has questions go on for ever.
    async fn never_ends(&self) {
        let transition = json!({"progression": "manual", "times": 1_000_000});
        self.post("state-manager/set-transition", json!({"model_name": "athena::execution", "transition": transition}))
            .await;
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let all = [&["query", "--engine", "athena"], arguments].concat();
        let Output { status, stdout, stderr } = orgtrail(&self.emulator, self.home.path(), &all);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.code(), text(&stdout), text(&stderr))
    }

    /// Asks in the workgroup `audit`; returns the answer, which must come with this exit code.
    fn answer(&self, code: i32, arguments: &[&str]) -> Value {
        let (found, out, err) = self.run(&[&["--workgroup", "audit", "--format", "json"], arguments].concat());
        assert_eq!(found, Some(code), "{arguments:?}\n{out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }

    /// Asks what must fail; returns what is said.
    fn refused(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.run(arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}\n{err}");
        err
    }

    /// The requests of an operation of Athena so far.
    fn asked(&self, action: &str) -> Vec<Value> {
        let calls = self.emulator.proxy().calls().into_iter();
        let of = calls.filter(|call| (call.service.as_str(), call.action.as_str()) == ("athena", action));
        of.map(|call| serde_json::from_str(&call.body).unwrap()).collect()
    }

    fn trouble(&self, action: &str, times: usize, trouble: Trouble) {
        self.emulator.proxy().trouble("athena", action, times, trouble);
    }

    /// Has the state of a question be this.
    fn is_in(&self, times: usize, state: &str, reason: &str, scanned: u64) {
        let execution = json!({"QueryExecution": {
            "QueryExecutionId": "q", "StatementType": "DML", "Statistics": {"DataScannedInBytes": scanned},
            "Status": {"State": state, "StateChangeReason": reason},
        }});
        self.trouble("GetQueryExecution", times, Trouble::Answer(execution.to_string()));
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_orgtrail"))
            .args(["query", "--engine", "athena", "--workgroup", "audit", "--format", "json"])
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .envs([("AWS_ENDPOINT_URL", self.emulator.endpoint()), ("AWS_REGION", REGION)])
            .envs([("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

fn with_results() -> aws_sdk_athena::types::builders::WorkGroupConfigurationBuilder {
    let results = ResultConfiguration::builder().output_location("s3://results/audit/").build();
    WorkGroupConfiguration::builder().result_configuration(results).enforce_work_group_configuration(true)
}

fn result(columns: &[(&str, &str)], rows: &[&[Option<&str>]], has_header: bool) -> Value {
    let cell = |value: Option<&str>| value.map_or_else(|| json!({}), |value| json!({"VarCharValue": value}));
    let row = |values: Vec<Option<&str>>| json!({"Data": values.into_iter().map(cell).collect::<Vec<_>>()});
    let header = has_header.then(|| row(columns.iter().map(|(name, _)| Some(*name)).collect()));
    let rows: Vec<Value> = header.into_iter().chain(rows.iter().map(|values| row(values.to_vec()))).collect();
    let info =
        |(name, kind): &(&str, &str)| json!({"Name": name, "Label": name, "Type": kind, "Precision": 5, "Scale": 0});
    json!({"rows": rows, "column_info": columns.iter().map(info).collect::<Vec<_>>()})
}

const COUNT: &str = "SELECT count(*) AS n FROM events";

#[tokio::test(flavor = "multi_thread")]
async fn a_question_runs_in_its_workgroup_and_its_values_are_typed_and_inert() {
    let athena = Athena::new().await;
    let columns = [("who", "varchar"), ("n", "bigint"), ("at", "timestamp"), ("read_only", "boolean")];
    let rows: [&[Option<&str>]; 3] = [
        &[Some("=1+1\u{1b}[2J"), Some("9007199254740993"), Some("2026-11-20 10:00:00.000"), Some("true")],
        &[Some(""), None, None, Some("false")],
        &[Some("who"), Some("1"), None, None],
    ];
    for _ in 0..2 {
        athena.will_answer(&columns, &rows).await;
    }
    let sql = "/* who */ -- what\nSELECT who, n, at, read_only FROM events WHERE x = 'it''s; --' ;";
    let answer = athena.answer(3, &["--database", "trail", "--from", "2026-11-20", "--account", ACCOUNT, sql]);
    assert_eq!(answer["columns"], json!(["who", "n", "at", "read_only"]));
    assert_eq!(answer["rows"][0].to_string(), "[\"=1+1\\u001b[2J\",9007199254740993,\"2026-11-20T10:00:00\",true]");
    assert_eq!((&answer["rows"][1], answer["rows"].as_array().unwrap().len()), (&json!(["", null, null, false]), 3));
    let told = &answer["coverage"]["athena"];
    assert_eq!(
        (&told["workgroup"], &told["region"], &told["bytes_max"]),
        (&json!("audit"), &json!(REGION), &json!(1 << 30))
    );
    assert_eq!((&told["scanned_bytes"], &told["tables"]), (&json!(0), &json!(["trail.cloudtrail_events"])));
    assert!(told["not_known"].as_str().unwrap().contains("no lake is named"), "{told}");
    let sent = &athena.asked("StartQueryExecution")[0];
    assert_eq!(
        sent["QueryString"].as_str().unwrap().trim(),
        format!(
            "WITH events AS (SELECT * FROM \"trail\".\"cloudtrail_events\" WHERE day >= '2026-11-20' AND event_time >= \
             TIMESTAMP '2026-11-20 00:00:00' AND account IN ('{ACCOUNT}')) SELECT who, n, at, read_only FROM events WHERE x \
             = 'it''s; --'"
        )
    );
    assert_eq!(sent["QueryExecutionContext"], json!({"Catalog": "AwsDataCatalog", "Database": "trail"}));
    assert_eq!((&sent["WorkGroup"], &sent["ResultConfiguration"]), (&json!("audit"), &Value::Null));
    assert!(sent["ClientRequestToken"].as_str().is_some_and(|token| token.len() >= 32), "{sent}");

    let outputs = ["a.csv", "a.parquet", "a.html", "a.md", "-"].map(|name| ["--output", name]).concat();
    let (code, out, err) = athena.run(&[&outputs[..], &["--workgroup", "audit", COUNT]].concat());
    assert_eq!(code, Some(3), "{out}{err}");
    assert!(out.contains("=1+1\\u{1b}[2J") && out.contains("What the answer covers is not known"), "{out}");
    assert!(err.contains("Athena ends the question at 1.0 GiB scanned, the limit of the workgroup audit."), "{err}");
    let read =
        |name: &str| String::from_utf8_lossy(&std::fs::read(athena.home.path().join(name)).unwrap()).into_owned();
    let csv = read("a.csv");
    assert!(csv.contains("\"'=1+1\\u{1b}[2J\",9007199254740993") && csv.contains("\"# Asked Athena in"), "{csv}");
    assert!(read("a.parquet").starts_with("PAR1") && read("a.parquet").contains("orgtrail.coverage"));
    for text in [&csv, &read("a.html"), &read("a.md"), &out] {
        assert!(!text.contains('\u{1b}') && text.contains("query execution"), "{text}");
    }
}

/// The lake of two days in `s3://acme-lake/p`, and what Athena says of its table.
async fn with_lake(athena: &Athena) -> Value {
    let record = |hour: usize| {
        let time = format!("2026-11-{}T{:02}:20:00Z", 20 + hour / 24, hour % 24);
        json!({"Records": [{"eventVersion": "1.11", "eventTime": time, "eventName": "x", "eventSource": "s3.amazonaws.com",
            "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT, "eventID": format!("e-{hour}")}]})
        .to_string()
    };
    let contents = (0..48).map(record).collect();
    let bucket =
        Layout { hours: 48, logs: vec![1], accounts: vec![ACCOUNT.to_owned()], contents, ..Layout::default() }.write();
    upload(&athena.emulator, &bucket).await;
    client(&athena.emulator).create_bucket().bucket("acme-lake").send().await.unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    let update = ["lake", "update", "--place", &place, "--lake", "s3://acme-lake/p"];
    let done = orgtrail(&athena.emulator, athena.home.path(), &update);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    json!({
        "location": "s3://acme-lake/p/events",
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "2026-11-20,NOW",
        "storage.location.template": "s3://acme-lake/p/events/day=${day}/",
    })
}

impl Athena {
    fn table_is(&self, parameters: &Value) {
        let table = json!({"TableMetadata": {"Name": "cloudtrail_events", "Parameters": parameters}});
        self.trouble("GetTableMetadata", 1, Trouble::Answer(table.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_covers_the_lake_whose_table_is_asked() {
    let athena = Athena::new().await;
    let parameters = with_lake(&athena).await;
    let days = ["--lake", "s3://acme-lake/p", "--from", "2026-11-20", "--to", "2026-11-21T23:59:59Z"];
    let ask = |code: i32, parameters: Option<&Value>, more: &[&str]| {
        match parameters {
            Some(parameters) => athena.table_is(parameters),
            None => athena.trouble("GetTableMetadata", 1, Trouble::Error(400, "MetadataException")),
        }
        athena.answer(code, &[&days[..], more].concat())["coverage"].clone()
    };
    let whole = ask(0, Some(&parameters), &["--name", "root-use"]);
    assert_eq!(
        (&whole["athena"]["not_known"], &whole["is_whole"], &whole["accounts"]),
        (&Value::Null, &json!(true), &json!(1))
    );
    assert_eq!((&whole["hours"]["all"], &whole["hours"]["with_digest"]), (&json!(48), &json!(48)), "{whole:#}");
    assert_eq!((&whole["lake"]["place"], &whole["lake"]["has_newer"]), (&json!("s3://acme-lake/p/"), &json!(false)));
    assert!(whole["cannot_see"].as_str().unwrap().contains("root's password"), "{whole:#}");
    assert_eq!(athena.asked("GetTableMetadata")[0]["TableName"], "cloudtrail_events");

    let with = |key: &str, value: &str| {
        let mut changed = parameters.clone();
        changed[key] = json!(value);
        changed
    };
    let elsewhere = with("location", "s3://acme-lake/other/events");
    let late = with("projection.day.range", "2026-11-21,NOW");
    for (parameters, sql, says) in [
        (Some(&elsewhere), COUNT, "lies at"),
        (Some(&late), COUNT, "begin with 2026-11-21"),
        (None, COUNT, "MetadataException"),
        (
            Some(&parameters),
            "SELECT * FROM events MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true)",
            "cannot tell the tables",
        ),
    ] {
        let coverage = ask(3, parameters, &[sql]);
        let why = coverage["athena"]["not_known"].as_str().unwrap();
        assert!(why.contains(says), "{sql}: {why}");
        assert_eq!((&coverage["is_whole"], &coverage["accounts"]), (&json!(false), &json!(0)));
    }
    // What has no table of events covers nothing, and is whole.
    let tables = athena.answer(0, &["SHOW TABLES"]);
    assert_eq!(tables["coverage"]["needs_no_events"], true);
    // A slot that is gone is missed.
    let lake = client(&athena.emulator);
    let listed = lake.list_objects_v2().bucket("acme-lake").prefix("p/events/day=2026-11-20").send().await.unwrap();
    let key = listed.contents()[0].key().unwrap();
    lake.delete_object().bucket("acme-lake").key(key).send().await.unwrap();
    let damaged = ask(3, Some(&parameters), &[COUNT]);
    assert_eq!(damaged["athena"]["not_known"], Value::Null);
    assert!(damaged["unread_count"].as_u64() > Some(0), "{damaged:#}");
    // A lake that is named and not there is a mistake of whoever asks.
    let said = athena.refused(&["--workgroup", "audit", "--lake", "s3://acme-lake/none", COUNT]);
    assert!(said.contains("s3://acme-lake/none"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_never_sent() {
    let athena = Athena::new().await;
    for sql in [
        "DROP TABLE cloudtrail_events",
        "/**/-- x\rINSERT INTO t\nSELECT 1",
        "UNLOAD (SELECT 1) TO 's3://b/' WITH (format = 'PARQUET')",
        "SELECT 1; DELETE FROM t",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "MSCK REPAIR TABLE t",
    ] {
        let said = athena.refused(&["--workgroup", "audit", sql]);
        assert!(said.contains("is not a question") || said.contains("one question at a time"), "{sql}: {said}");
    }
    for (arguments, says) in [
        (vec!["--place", "copy", COUNT], "--place does nothing with --engine athena"),
        (vec!["--no-lake", COUNT], "--no-lake does nothing"),
        (vec!["--max-memory", "1GiB", COUNT], "--max-memory does nothing"),
        (vec!["--days", "7", "SELECT * FROM cloudtrail_events"], "narrow `events`"),
        (vec!["--name", "calls-by-hour"], "the function date_bin"),
        (vec!["--param", "x=1", "--name", "who-deleted"], "no parameter"),
    ] {
        let said = athena.refused(&[&["--workgroup", "audit"], &arguments[..]].concat());
        assert!(said.contains(says) && said.contains("help: "), "{arguments:?}: {said}");
    }
    assert!(athena.refused(&[COUNT]).contains("--engine athena needs a workgroup"));
    let local = orgtrail(&athena.emulator, athena.home.path(), &["query", "--workgroup", "audit", COUNT]);
    assert!(String::from_utf8_lossy(&local.stderr).contains("add --engine athena"));
    let calls = athena.emulator.proxy().calls();
    assert!(!calls.iter().any(|call| call.service == "athena"), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workgroup_must_have_a_limit_and_a_place_for_results() {
    let athena = Athena::new().await;
    athena.make("free", with_results().build()).await;
    athena.make("nowhere", WorkGroupConfiguration::builder().bytes_scanned_cutoff_per_query(1 << 30).build()).await;
    let managed = ManagedQueryResultsConfiguration::builder().enabled(true).build();
    let managed = WorkGroupConfiguration::builder().managed_query_results_configuration(managed);
    athena.make("managed", managed.bytes_scanned_cutoff_per_query(1 << 30).build()).await;
    for (arguments, says, help) in [
        (&["--workgroup", "free"][..], "has no limit of bytes a question", "--max-bytes SIZE"),
        (&["--workgroup", "free", "--max-bytes", "0"], "has no limit", "BytesScannedCutoffPerQuery"),
        (&["--workgroup", "none"], "cannot be asked in the workgroup none", "region (us-east-1"),
        (&["--workgroup", "nowhere"], "does not say where results are written", "--results s3://"),
        (
            &["--workgroup", "audit", "--results", "s3://mine/"],
            "decides where results are written",
            "leave --results out",
        ),
        (&["--workgroup", "managed", "--results", "s3://mine/"], "decides where results", "leave --results out"),
    ] {
        let said = athena.refused(&[arguments, &[COUNT]].concat());
        assert!(said.contains(says) && said.contains(help), "{arguments:?}: {said}");
    }
    athena.trouble(
        "GetWorkGroup",
        1,
        Trouble::Answer(json!({"WorkGroup": {"Name": "audit", "State": "DISABLED"}}).to_string()),
    );
    assert!(athena.refused(&["--workgroup", "audit", COUNT]).contains("is disabled"));
    assert_eq!(athena.asked("StartQueryExecution"), Vec::<Value>::new());

    let (code, _, err) = athena.run(&["--workgroup", "nowhere", "--results", "s3://results/mine", COUNT]);
    assert_eq!(code, Some(3), "{err}");
    let sent = athena.asked("StartQueryExecution");
    assert_eq!(sent[0]["ResultConfiguration"]["OutputLocation"], "s3://results/mine/");
    // Where nobody else holds it to a limit, orgtrail watches it.
    athena.is_in(1, "QUEUED", "", 0);
    athena.is_in(1, "RUNNING", "", 900);
    athena.is_in(1, "RUNNING", "", 5000);
    let said = athena.refused(&["--workgroup", "free", "--max-bytes", "1000B", COUNT]);
    assert!(said.contains("what it scans between two looks comes on top"), "{said}");
    assert!(said.contains("it scanned") && said.contains("allowed by --max-bytes"), "{said}");
    assert_eq!(athena.asked("StopQueryExecution").len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_stopped_in_athena_when_a_person_stops_it_or_its_time_is_over() {
    let athena = Athena::new().await;
    athena.never_ends().await;
    let ended = |run: Child| {
        let done = run.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stderr)));
        assert_eq!(done.status.code(), Some(3), "{answer:#}");
        assert_eq!((&answer["rows"], &answer["coverage"]["is_whole"]), (&json!([]), &json!(false)));
        let why = answer["coverage"]["ended"].as_str().unwrap().to_owned();
        (why, answer["coverage"]["athena"]["execution_id"].clone())
    };
    let run = athena.spawn(&[COUNT]);
    while athena.asked("GetQueryExecution").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let (why, id) = ended(run);
    assert_eq!((why.as_str(), &athena.asked("StopQueryExecution")[0]["QueryExecutionId"]), ("it was stopped", &id));

    let (why, id) = ended(athena.spawn(&["--timeout", "1s", COUNT]));
    assert!(why.contains("longer than 1 s"), "{why}");
    assert_eq!(athena.asked("StopQueryExecution")[1]["QueryExecutionId"], id);
    // Athena may not be told: then a person has to know the question.
    athena.trouble("StopQueryExecution", 1, Trouble::Error(400, "AccessDeniedException"));
    let done = athena.spawn(&["--timeout", "1s", COUNT]).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("did not take the call to stop (AccessDeniedException)"), "{said}");
    assert!(said.contains("aws athena stop-query-execution --query-execution-id "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_there_is_no_answer_is_said_with_what_to_do_next() {
    let athena = Athena::new().await;
    let ask = || athena.refused(&["--workgroup", "audit", "--database", "trail", COUNT]);
    let hostile = format!("TABLE_NOT_FOUND: line 1:15:\n Table 'x\u{1b}[2J' does not exist {}", "y".repeat(5000));
    for (state, reason, scanned, says) in [
        ("FAILED", hostile.as_str(), 0, "orgtrail lake ddl --engine athena"),
        ("FAILED", "SYNTAX_ERROR: mismatched input", 0, "Trino's SQL"),
        ("FAILED", "Access Denied (Service: Amazon S3; Status Code: 403)", 0, "orgtrail permissions --for query"),
        ("FAILED", "", 0, "it says no reason"),
        ("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded", 10, "the limit of the workgroup audit"),
        ("CANCELLED", "", 2 << 30, "it scanned 2.0 GiB, and 1.0 GiB are allowed"),
        ("CANCELLED", "", 10, "ended in Athena by others"),
    ] {
        athena.is_in(1, state, reason, scanned);
        let said = ask();
        assert!(said.contains(says) && said.contains("query execution"), "{state} {reason}: {said}");
        assert!(!said.contains('\u{1b}') && said.len() < 2500, "{said}");
    }
    athena.trouble("StartQueryExecution", 1, Trouble::Error(400, "AccessDeniedException"));
    let said = ask();
    assert!(said.contains("athena:StartQueryExecution") && said.contains("glue:GetTable"), "{said}");
    assert!(said.contains("permissions --for query --workgroup audit"), "{said}");
    // Too many at once pass.
    athena.trouble("StartQueryExecution", 2, Trouble::Error(400, "TooManyRequestsException"));
    athena.will_answer(&[("n", "bigint")], &[&[Some("7")]]).await;
    let answer = athena.answer(3, &[COUNT]);
    assert_eq!(answer["rows"], json!([[7]]));
    let tokens: Vec<Value> =
        athena.asked("StartQueryExecution").into_iter().map(|sent| sent["ClientRequestToken"].clone()).collect();
    let last = &tokens[tokens.len() - 3..];
    assert!(last.iter().all(|token| token == &last[0]), "one question, however often it is tried: {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_several_pages_is_read_to_its_end_or_to_the_most_rows() {
    let athena = Athena::new().await;
    let columns = [("n", "bigint")];
    let page = |rows: &[&[Option<&str>]], has_header: bool, next: Option<&str>| {
        let result = result(&columns, rows, has_header);
        let set = json!({"Rows": result["rows"], "ResultSetMetadata": {"ColumnInfo": result["column_info"]}});
        Trouble::Answer(json!({"ResultSet": set, "NextToken": next}).to_string())
    };
    let first = page(&[&[Some("1")], &[Some("2")]], true, Some("a"));
    athena.trouble("GetQueryResults", 1, first.clone());
    // A page that is not the first has no header; a row like it is one.
    athena.trouble("GetQueryResults", 1, page(&[&[Some("n")], &[Some("4")]], false, None));
    assert_eq!(athena.answer(3, &[COUNT])["rows"], json!([[1], [2], ["n"], [4]]));
    assert_eq!(athena.asked("GetQueryResults")[1]["NextToken"], "a");

    athena.trouble("GetQueryResults", 1, first.clone());
    let cut = athena.answer(3, &["--max-rows", "1", COUNT]);
    assert_eq!((&cut["rows"], athena.asked("GetQueryResults").len()), (&json!([[1]]), 3));
    assert!(cut["coverage"]["ended"].as_str().unwrap().contains("--max-rows"));
    athena.trouble("GetQueryResults", 3, first);
    assert!(athena.refused(&["--workgroup", "audit", COUNT]).contains("has no end"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_asks_athena_and_can_do_nothing_else() {
    let athena = Athena::new().await;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    ]});
    let iam = aws_sdk_iam::Client::new(&athena.config());
    iam.create_role().role_name("Asks").assume_role_policy_document(trust.to_string()).send().await.unwrap();
    let role = ["--role-arn", "arn:aws:iam::123456789012:role/Asks", "--external-id", "acme"];
    athena.will_answer(&[("n", "bigint")], &[&[Some("1")]]).await;
    assert_eq!(athena.answer(3, &[&role[..], &[COUNT]].concat())["rows"], json!([[1]]));
    let calls = athena.emulator.proxy().calls();
    let assumed = calls.iter().find(|call| call.action == "AssumeRole").unwrap();
    assert!(assumed.body.contains("ExternalId=acme") && assumed.body.contains("athena%3AStartQueryExecution"));
    assert!(!assumed.body.contains("Delete"), "{}", assumed.body);
    let own: Vec<&str> =
        calls.iter().filter(|call| call.access_key == "key").map(|call| call.action.as_str()).collect();
    assert!(own.iter().all(|action| ["GetCallerIdentity", "AssumeRole"].contains(action)), "{own:?}");
    assert!(calls.iter().any(|call| call.action == "StartQueryExecution"));
}
