//! `orgtrail explore` over HTTP: who is answered, what the pages say, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::dashboard;
pub use crate::dashboard::{ACCOUNT, OTHER, event};
use crate::recorded::Folder;

/// The time of the events.
const FROM: &str = "2026-11-18T00:00:00Z";
const TO: &str = "2026-11-20T00:00:00Z";

/// Writes the log files of some events, with the digests of each hour.
pub fn deliver(folder: &Path, events: &[Value]) {
    dashboard::deliver(folder, events);
    for account in [ACCOUNT, OTHER] {
        dashboard::digests(folder, account, ("2026-11-16T00:00:00Z", TO), |_| true);
    }
}

/// What an attacker may call something.
pub const HOSTILE: &str = "</td><script>window.hacked = 1</script><img src=http://127.0.0.1:9/x onerror='window.hacked = \
                           2'>\"' OR 1=1 --\u{202e}";

/// A bucket that was made, that somebody could not delete, and that was deleted in a session; and other events.
pub fn story() -> Vec<Value> {
    let bucket = |id: &str, time: &str, user: &str, name: &str, more: Value| {
        let mut fields =
            json!({ "eventName": name, "readOnly": false, "requestParameters": { "bucketName": "acme-files" } });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(id, time, user, fields)
    };
    let assumed = json!({
        "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "requestParameters": { "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"), "roleSessionName": "night" },
        "responseElements": {
            "credentials": { "accessKeyId": "ASIAEXAMPLEEXAMPLE11", "expiration": "Nov 19, 2026 11:00:00 AM" },
            "assumedRoleUser": {
                "assumedRoleId": "AROAX:night", "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/night"),
            },
        },
    });
    let session = json!({
        "type": "AssumedRole", "principalId": "AROAX:night", "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLEEXAMPLE11",
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/night"),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": "AROAX", "arn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"),
                "accountId": ACCOUNT, "userName": "deploy",
            },
            "attributes": { "creationDate": "2026-11-19T10:00:00Z", "mfaAuthenticated": "false" },
        },
    });
    let mut all = vec![
        bucket("made", "2026-11-18T09:00:00Z", "ann", "CreateBucket", json!({})),
        bucket("tried", "2026-11-18T10:00:00Z", "eve", "DeleteBucket", json!({ "errorCode": "AccessDenied" })),
        event("assumed", "2026-11-19T10:00:00Z", "bob", assumed),
        bucket("done", "2026-11-19T10:20:00Z", "x", "DeleteBucket", json!({ "userIdentity": session })),
        event("other", "2026-11-19T11:00:00Z", "cid", json!({ "recipientAccountId": OTHER })),
        event(
            "hostile",
            "2026-11-19T12:00:00Z",
            HOSTILE,
            json!({ "eventName": HOSTILE, "errorCode": HOSTILE, "requestParameters": { "name": HOSTILE.repeat(200) } }),
        ),
    ];
    all.extend((0..120).map(|at| {
        let time = format!("2026-11-{:02}T{:02}:30:{:02}Z", 18 + at % 2, at % 24, at % 60);
        event(&format!("n{at:03}"), &time, &format!("user{}", at % 30), json!({}))
    }));
    all
}

/// The program, as it serves an archive.
pub struct Explorer {
    child: Child,
    /// The address with the token.
    pub address: String,
    port: u16,
    /// The path of everything, and the cookie, of whoever has entered.
    folder: String,
    cookie: String,
}

impl Explorer {
    /// Starts the program over the events of two days.
    pub fn start(folder: &Folder, more: &[&str]) -> Self {
        Self::start_with(folder, &[&["--from", FROM, "--to", TO, "--place", "logs"], more].concat())
    }

    /// Starts the program with some options.
    fn start_with(folder: &Folder, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.arg("explore").args(options);
        command.env_clear().env("HOME", folder.path("")).current_dir(folder.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let (port, first) = address.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
        let mut explorer = Self {
            child,
            port: port.parse().unwrap(),
            address: address.clone(),
            folder: String::new(),
            cookie: String::new(),
        };
        let entered = explorer.send("GET", &format!("/{first}"), "");
        let header = |name: &str| entered.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        explorer.folder = header("location: ");
        explorer.cookie = header("set-cookie: ").split(';').next().unwrap().to_owned();
        explorer
    }

    /// Sends a request as it is, and returns the whole response.
    pub fn send(&self, method: &str, path: &str, headers: &str) -> String {
        let mut stream = self.connect();
        let host = format!("host: 127.0.0.1:{}\r\n", self.port);
        let host = if headers.contains("host:") { "" } else { &host };
        // In one piece: the program closes as soon as it has read what it refuses.
        stream.write_all(format!("{method} {path} HTTP/1.1\r\n{host}{headers}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream
    }

    /// Returns the response for a page inside.
    pub fn get(&self, page: &str) -> String {
        self.send("GET", &format!("{}{page}", self.folder), &format!("cookie: {}\r\n", self.cookie))
    }

    /// Returns a page inside, which must be there.
    fn page(&self, page: &str) -> String {
        let answer = self.get(page);
        assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
        for never in ["<script", "<img", "style=\"", "javascript:"] {
            assert!(!answer.contains(never), "{never} in {page}");
        }
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn archive() -> Folder {
    let folder = Folder::new();
    deliver(&folder.path("logs"), &story());
    folder
}

#[test]
fn nobody_is_answered_without_the_token_under_another_name_or_with_another_method() {
    let folder = archive();
    let explorer = Explorer::start(&folder, &[]);
    let inside = explorer.folder.clone();
    let cookie = format!("cookie: {}\r\n", explorer.cookie);
    for (method, path, headers, code) in [
        ("GET", "/", "", "401"),
        ("GET", "/?token=00", "", "401"),
        ("GET", inside.as_str(), "", "401"),
        ("GET", inside.as_str(), "cookie: orgtrail=1\r\n", "401"),
        ("GET", "/sql", cookie.as_str(), "401"),
        ("POST", inside.as_str(), cookie.as_str(), "405"),
        ("GET", inside.as_str(), &format!("host: evil.example\r\n{cookie}"), "421"),
        ("GET", inside.as_str(), &format!("sec-fetch-site: cross-site\r\n{cookie}"), "403"),
        ("GET", inside.as_str(), &format!("origin: http://evil.example\r\n{cookie}"), "403"),
        ("GET", &format!("{inside}?text={}", "x".repeat(40_000)), cookie.as_str(), "414"),
        ("GET", &format!("{inside}?text={}", "x".repeat(200_000)), cookie.as_str(), "4"),
        ("GET", &format!("{inside}nothing"), cookie.as_str(), "404"),
        ("HEAD", inside.as_str(), cookie.as_str(), "200"),
        ("GET", inside.as_str(), cookie.as_str(), "200"),
    ] {
        let answer = explorer.send(method, path, headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{method} {path:.80} {headers}: {answer:.400}");
    }
    let answer = explorer.get("");
    for header in [
        "content-security-policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{header} in {answer:.600}");
    }
}

#[test]
fn facets_count_what_a_search_finds_and_every_page_says_what_it_covers() {
    let folder = archive();
    let explorer = Explorer::start(&folder, &[]);
    let all = explorer.page("");
    for text in [
        "126 events: 124 done, 2 attempted",
        "role/deploy",
        "session night",
        "What the answer covers",
        "The archive as of",
    ] {
        assert!(all.contains(text), "{text} in {all}");
    }
    assert_eq!(all.matches("data-label=\"Time, UTC\"").count(), 50);
    assert!(all.contains("Covers 2026-11-18T00:00:00Z to 2026-11-20T00:00:00Z: accounts 2"), "{all}");
    let older = explorer.page("?page=3");
    assert_eq!(older.matches("data-label=\"Time, UTC\"").count(), 26);
    for (search, words) in [
        ("?outcome=attempted", "2 events: 0 done, 2 attempted"),
        ("?account=222222222222", "1 event: 1 done, 0 attempted"),
        ("?event=DeleteBucket&outcome=done", "1 event: 1 done, 0 attempted"),
        ("?actor=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fdeploy", "1 event: 1 done"),
        ("?text=ACME-files", "3 events: 2 done, 1 attempted"),
        ("?from=2026-11-19&to=2026-11-19T10:30", "2 events: 2 done"),
        ("?error=(none)&effect=changes", "2 events: 2 done"),
        ("?service=s3.amazonaws.com%27+OR+true+--", "0 events"),
    ] {
        let page = explorer.page(search);
        assert!(page.contains(words) || search.starts_with("?from"), "{words} for {search}: {page}");
        assert!(page.contains("What the answer covers"), "{search}");
    }
    // What cannot be read is said, and hostile text acts nowhere.
    let wrong = explorer.get("?from=%3Cscript%3Eyesterday");
    assert!(wrong.starts_with("HTTP/1.1 400") && wrong.contains("is no time; write 2026-11-20"), "{wrong}");
    assert!(!wrong.contains("<script") && all.contains("\\u{202e}"), "{wrong}");
}

#[test]
fn an_event_leads_to_its_session_to_its_resource_and_to_whoever_stands_behind_it() {
    let folder = archive();
    let explorer = Explorer::start(&folder, &[]);
    let event = explorer.page("event?id=done&at=2026-11-19T10%3A20%3A00Z");
    for text in [
        "DeleteBucket",
        "\n    &quot;bucketName&quot;: &quot;acme-files&quot;\n",
        "who?kind=session",
        "arn:aws:s3:::acme-files",
    ] {
        assert!(event.contains(text), "{text} in {event}");
    }
    let behind = explorer.page("who?kind=event&subject=done");
    assert!(behind.contains("user/bob") && behind.contains("ol class=\"chain\""), "{behind}");
    let bucket = explorer.page("who?kind=resource&subject=arn%3Aaws%3As3%3A%3A%3Aacme-files");
    for text in ["user/ann", "user/bob", "user/eve", "event?id=tried"] {
        assert!(bucket.contains(text), "{text} in {bucket}");
    }
    for (page, text) in [
        ("who?kind=session&subject=arn%3Aaws%3Asts%3A%3A111111111111%3Aassumed-role%2Fdeploy%2Fnight", "user/bob"),
        ("who?kind=activity&subject=arn%3Aaws%3Aiam%3A%3A111111111111%3Auser%2Fbob", "acme-files"),
        ("who?kind=key&subject=ASIAEXAMPLEEXAMPLE11", "user/bob"),
        ("who?kind=resource&subject=bucket+another-one", "No record is about this"),
        ("event?id=nothing", "No record has this id"),
    ] {
        let answer = explorer.page(page);
        assert!(answer.contains(text) && answer.contains("What the answer covers"), "{text} in {page}: {answer}");
    }
    let hostile = explorer.get("who?kind=resource&subject=%3Cscript%3E");
    assert!(hostile.contains("&lt;script&gt;") && !hostile.contains("<script"), "{hostile}");
}

#[test]
fn an_event_without_an_id_has_a_page_by_the_digest_of_its_bytes() {
    let folder = archive();
    let mut unnamed = Vec::new();
    for (user, time) in
        [("una", "2026-11-19T13:00:00Z"), ("una", "2026-11-19T13:00:00Z"), ("ulf", "2026-11-19T14:00:00Z")]
    {
        let mut own = event("gone", time, user, json!({ "eventName": "DeleteTrail", "readOnly": false }));
        own.as_object_mut().unwrap().remove("eventID");
        if user == "ulf" {
            own["eventID"] = json!("");
        }
        unnamed.push(own);
    }
    deliver(&folder.path("logs"), &unnamed);
    let explorer = Explorer::start(&folder, &[]);
    let found = explorer.page("?event=DeleteTrail");
    let links: Vec<&str> = found.split("href=\"").filter(|link| link.starts_with("event?")).collect();
    assert!(links.len() >= 2, "{found}");
    let mut ids = Vec::new();
    for link in links {
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        assert!(link.contains("id=sha256%3A"), "{link}");
        let page = explorer.page(&link);
        assert!(page.contains("DeleteTrail: <span class=\"done\">") && page.contains("no id of its own"), "{page}");
        assert!(page.contains("who?kind=event&amp;subject=sha256%3A"), "{page}");
        let id = link.split("id=sha256%3A").nth(1).unwrap().split('&').next().unwrap().to_owned();
        assert!(explorer.page(&format!("event?id=sha256%3A{id}")).contains("DeleteTrail"), "at any time");
        let who = explorer.page(&format!("who?kind=event&subject=sha256%3A{id}"));
        assert!(who.contains(&format!("event?id=sha256%3A{id}")), "{who}");
        ids.push(id);
    }
    ids.dedup();
    assert!(ids.len() >= 2, "one event is not the other: {ids:?}");
    assert!(explorer.page(&format!("event?id=sha256%3A{}", "0".repeat(64))).contains("No record has this id"));
}

#[test]
fn sql_and_prepared_questions_are_answered_and_nothing_but_a_question_is_run() {
    let folder = archive();
    let queries = folder.path("queries");
    fs::create_dir(&queries).unwrap();
    let own = "-- title: Count the calls of a user\n-- answers: one number\n-- cannot see: nothing else\n-- parameter \
               who text: whose\nSELECT count(*) AS calls FROM events WHERE user_name = $who\n";
    fs::write(queries.join("calls-of.sql"), own).unwrap();
    let explorer = Explorer::start(&folder, &["--queries", "queries"]);
    let form = explorer.page("sql");
    assert!(form.contains("<textarea") && form.contains("Count the calls of a user"), "{form}");
    let answer =
        explorer.page("sql?ask=1&sql=SELECT+event_id,+event_name+FROM+events+WHERE+event_name+=+%27DeleteBucket%27");
    assert!(answer.contains("2 rows") && answer.contains("event?id=tried"), "{answer}");
    let own = explorer.page("sql?ask=1&name=calls-of&p.who=user7");
    assert!(own.contains("<span>4</span>") && own.contains("This question cannot see nothing else"), "{own}");
    let prepared = explorer.page("sql?ask=1&name=who-deleted&p.what=acme-files");
    assert!(prepared.contains("Cannot see:"), "{prepared}");
    for (sql, why) in [
        ("DROP+TABLE+events", "is not a question"),
        ("SELECT+1;+SELECT+2", "one question at a time"),
        ("SELECT+nothing+FROM+events", "nothing"),
        ("COPY+events+TO+%27x%27", "not"),
        ("SELECT+%3Cscript%3E", "question"),
        ("SELECT+*+FROM+%27/etc/passwd%27", "No answer"),
        ("CREATE+EXTERNAL+TABLE+x+STORED+AS+CSV+LOCATION+%27/etc/passwd%27", "is not a question"),
    ] {
        let answer = explorer.page(&format!("sql?ask=1&sql={sql}"));
        assert!(answer.contains("No answer") && answer.contains(why), "{sql}: {answer}");
    }
}

#[test]
fn two_pages_are_made_at_once_and_a_signal_ends_the_program() {
    let folder = archive();
    let mut explorer = Explorer::start(&folder, &[]);
    let endless = "sql?ask=1&sql=SELECT+count(*)+FROM+generate_series(1,100000000000)+a";
    // Whoever goes away leaves no work behind: then there is room for two again.
    for _ in 0..4 {
        let mut stream = explorer.connect();
        let (inside, cookie, port) = (&explorer.folder, &explorer.cookie, explorer.port);
        write!(stream, "GET {inside}{endless} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncookie: {cookie}\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    let pages: Vec<String> = std::thread::scope(|scope| {
        let own = &explorer;
        let open: Vec<_> = (0..4).map(|_| scope.spawn(|| own.page(""))).collect();
        open.into_iter().map(|page| page.join().unwrap()).collect()
    });
    assert!(pages.iter().all(|page| page.contains("126 events")));
    let pid = explorer.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(explorer.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_events_and_facets_of_a_lake_are_those_of_the_log_files() {
    let folder = archive();
    folder.must(0, &["lake", "update", "--place", "logs", "--lake", "lake"]);
    let of_logs = Explorer::start(&folder, &[]);
    let of_lake = Explorer::start_with(&folder, &["--from", FROM, "--to", TO, "--lake", "lake"]);
    let main = |page: &str| page[page.find("<main").unwrap()..page.find("</main>").unwrap()].to_owned();
    // Each is asked twice: what the lake has is kept.
    for search in ["", "?page=3", "?outcome=attempted", "?text=acme-files", "?account=222222222222", "", "?page=2"] {
        assert_eq!(main(&of_lake.page(search)), main(&of_logs.page(search)), "{search}");
    }
    // What is put in later is there once the archive is looked at again.
    deliver(&folder.path("logs"), &[event("late", "2026-11-19T20:00:00Z", "late", json!({}))]);
    folder.must(0, &["lake", "update", "--place", "logs", "--lake", "lake", "--from", "2026-11-18"]);
    let again = of_lake.page("again");
    assert!(again.contains("127 events"), "{again}");
}

#[test]
fn a_time_that_the_archive_has_no_logs_of_is_said() {
    let folder = archive();
    folder.must(0, &["lake", "update", "--place", "logs", "--lake", "lake"]);
    for options in [["--place", "logs"], ["--lake", "lake"]] {
        let explorer = Explorer::start_with(&folder, &options);
        for (search, where_it_is) in [
            ("?from=2026-01-01&to=2026-01-02", "lies before the first of them"),
            ("?from=2026-11-25&to=2026-11-26", "lies after the last of them"),
        ] {
            let page = explorer.page(search);
            assert!(page.contains("The archive has logs of 2026-11-1") && page.contains(where_it_is), "{page}");
        }
        let page = explorer.page("?last=all&text=no-such-name");
        assert!(page.contains("No event is found") && !page.contains("The archive has logs of"), "{page}");
    }
}

#[test]
fn of_an_object_whose_bucket_was_deleted_it_is_said() {
    let folder = archive();
    let explorer = Explorer::start(&folder, &[]);
    let gone = explorer.page("who?kind=resource&subject=s3%3A%2F%2Facme-files%2Fmarch.csv");
    let words = "Its bucket acme-files was deleted 2026-11-19T10:20:00Z by arn:aws:iam::111111111111:user/bob";
    assert!(gone.contains(words) && gone.contains("No record is about this"), "{gone}");
    let unknown = explorer.page("who?kind=resource&subject=s3%3A%2F%2Fnever-seen%2Fmarch.csv");
    assert!(unknown.contains("No record is about this") && !unknown.contains("Its bucket"), "{unknown}");
}
