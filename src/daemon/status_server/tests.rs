//! Who may see what, and that a page shows it harmlessly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::daemon::clock::SystemClock;
use crate::reconcile::findings::Finding;
use crate::reconcile::history::tests::round;
use crate::reconcile::status::{AccountHealth, AccountStatus, PendingChange, Status};

const TOKEN: &str = "a-token-of-many-letters";

fn now() -> Timestamp {
    "2026-01-05T00:10:00Z".parse().unwrap()
}

fn access(address: &str, token: Option<&str>) -> Result<Access, ServerError> {
    Access::new(address.parse().unwrap(), token)
}

async fn ask(access: &Access, status: &Status, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = answer(access, status, now(), &request.body(()).unwrap());
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn on_loopback_only_this_machine_is_answered() {
    let access = access("127.0.0.1:9464", None).unwrap();
    for (host, code) in [
        ("127.0.0.1:9464", 200),
        ("localhost", 200),
        ("[::1]:9464", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:9464", 421),
        ("", 421),
    ] {
        assert_eq!(ask(&access, &Status::default(), Method::GET, "/", &[("host", host)]).await.0, code, "{host}");
    }
}

#[tokio::test]
async fn elsewhere_a_token_is_needed_but_not_for_health() {
    assert!(matches!(access("0.0.0.0:9464", None), Err(ServerError::Unprotected(_))));
    assert!(matches!(access("0.0.0.0:9464", Some("short")), Err(ServerError::ShortToken)));
    let access = access("0.0.0.0:9464", Some(TOKEN)).unwrap();
    let basic = format!("Basic {}", STANDARD.encode(format!("me:{TOKEN}")));
    let bearer = format!("Bearer {TOKEN}");
    let status = Status::default();
    for path in ["/", "/accounts", "/metrics", "/status.css", "/nothing"] {
        assert_eq!(ask(&access, &status, Method::GET, path, &[("host", "x")]).await.0, 401, "{path}");
        assert_eq!(ask(&access, &status, Method::GET, path, &[("authorization", "Bearer no")]).await.0, 401, "{path}");
    }
    for given in [bearer.as_str(), basic.as_str()] {
        assert_eq!(ask(&access, &status, Method::GET, "/metrics", &[("authorization", given)]).await.0, 200);
    }
    assert_eq!(ask(&access, &status, Method::GET, "/healthz", &[]).await, (200, "ok\n".into()));
    assert_eq!(ask(&access, &status, Method::GET, "/readyz", &[]).await.0, 503);
}

#[tokio::test]
async fn no_method_but_reading_is_answered() {
    let access = access("127.0.0.1:9464", None).unwrap();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        assert_eq!(ask(&access, &Status::default(), method, "/", &[("host", "localhost")]).await.0, 405);
    }
}

fn full() -> Status {
    let id = |n: u8| format!("{n:012}").parse::<crate::ids::AccountId>().unwrap();
    let account = |n, state| {
        let name = "<script>alert(1)</script>".to_owned();
        (id(n), AccountStatus { name, state, looked_at: Some(now()) })
    };
    Status {
        deployment: "acme".into(),
        run: "orgtrail-acme-1".into(),
        accounts: [account(1, AccountHealth::Failing), account(2, AccountHealth::InSync)].into(),
        findings: vec![Finding {
            account: id(1),
            address: None,
            code: "Fight".into(),
            message: "<img src=x onerror=alert(2)>".into(),
            harm: Some(crate::plan::Harm::LogsLost),
            about: String::new(),
            help: "ask \"them\"".into(),
            since: "2026-01-04T00:10:00Z".parse().unwrap(),
        }],
        waiting: vec![PendingChange {
            address: "1/global/policy/x".into(),
            action: "update",
            fields: vec!["policy".into()],
            why: "it waits".into(),
        }],
        rounds: vec![round(1), round(2)],
        next: Some("2026-01-05T00:15:00Z".parse().unwrap()),
        ..Status::default()
    }
}

#[tokio::test]
async fn the_page_shows_what_waits_and_no_text_can_act() {
    let access = access("127.0.0.1:9464", None).unwrap();
    let (code, page) = ask(&access, &full(), Method::GET, "/", &[("host", "localhost")]).await;
    assert_eq!(code, 200);
    for text in [
        "1 d</time>",
        "&lt;img src=x onerror=alert(2)&gt;",
        "in 5 min",
        "<code>000000000001</code>",
        "http-equiv=\"refresh\"",
    ] {
        assert!(page.contains(text), "{text} in\n{page}");
    }
    assert!(!page.contains("000000000002"), "an account that is in sync is only counted");
    for never in ["<script", "<img", "http://", "https://", "style=\"", "onclick"] {
        assert!(!page.contains(never), "{never} in\n{page}");
    }
    let (_, all) = ask(&access, &full(), Method::GET, "/accounts", &[("host", "localhost")]).await;
    assert!(all.contains("000000000002") && !all.contains("http-equiv"), "{all}");
}

#[tokio::test]
async fn the_socket_answers_and_outlives_nonsense() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let access = Access::new(address, None).unwrap();
    let server = tokio::spawn(serve(listener, access, StatusBoard::<Status>::default(), Arc::new(SystemClock)));
    for (request, start) in [
        ("\u{0}\u{1}nonsense\r\n\r\n", "HTTP/1.1 400"),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET /accounts HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 200 OK"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(start), "{answer}");
    }
    server.abort();
}

#[tokio::test]
async fn a_check_of_health_is_answered_beside_many_who_say_nothing() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        tokio::spawn(serve(listener, Access::Loopback, StatusBoard::<Status>::default(), Arc::new(SystemClock)));
    let mut silent = Vec::new();
    for _ in 0..2 * CONNECTIONS_MAX {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    for _ in 0..3 {
        let ask = async {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(REQUEST_MAX / 2, ask).await.expect("it is answered at once");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    server.abort();
}
