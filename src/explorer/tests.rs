//! Who is answered, and how.

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

struct Plain;

impl Site for Plain {
    fn at_hand(&self, path: &str) -> Option<Document> {
        (path == "style").then(|| Document::text(StatusCode::OK, "style"))
    }

    async fn page(&self, path: &str, query: &str) -> Document {
        Document::html(StatusCode::OK, format!("{path}?{query}"))
    }
}

async fn ask(access: &Access, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = answer(access, &Semaphore::new(1), &Plain, &request.body(()).unwrap()).await;
    let (parts, body) = response.into_parts();
    for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "no-referrer")] {
        assert_eq!(parts.headers[name], value);
    }
    assert!(parts.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

use hyper::HeaderMap;

const HOST: (&str, &str) = ("host", "127.0.0.1:7000");

#[tokio::test]
async fn the_token_is_exchanged_for_a_cookie_of_a_path_that_only_this_server_knows() {
    let (access, first) = Access::new(7000).unwrap();
    assert!(first.len() >= "/?token=".len() + 64);
    let (code, headers, _) = ask(&access, "GET", &first, &[HOST]).await;
    let (cookie, location) = (headers["set-cookie"].to_str().unwrap(), headers["location"].to_str().unwrap());
    assert_eq!(code, 303);
    assert!(location.len() > 32 && !first.contains(location.trim_matches('/')), "{location}");
    assert!(cookie.ends_with(&format!("; Path={location}; HttpOnly; SameSite=Strict")), "{cookie}");
    let own = cookie.split(';').next().unwrap();
    let cookies = format!("other=1; {own}");
    let inside = format!("{location}event?id=1");
    assert_eq!(ask(&access, "GET", &inside, &[HOST, ("cookie", &cookies)]).await.2, "event?id=1");
    assert_eq!(ask(&access, "GET", &format!("{location}style"), &[HOST, ("cookie", own)]).await.2, "style");
    // Neither a guess nor the token itself is the cookie.
    for wrong in ["", "orgtrail_7000=", "orgtrail_7000=x", &own[..own.len() - 1], &own.replace("7000", "7001")] {
        assert_eq!(ask(&access, "GET", &inside, &[HOST, ("cookie", wrong)]).await.0, 401, "{wrong}");
    }
    for wrong in ["/", "/?token=", "/?token=x", "/event", &first[..first.len() - 1], &format!("{first}0")] {
        assert_eq!(ask(&access, "GET", wrong, &[HOST, ("cookie", own)]).await.0, 401, "{wrong}");
    }
    assert_ne!(first, Access::new(7000).unwrap().1);
}

#[tokio::test]
async fn other_names_other_sites_and_other_methods_are_refused() {
    let (access, first) = Access::new(7000).unwrap();
    for host in ["evil.example:7000", "127.0.0.1", "127.0.0.1:7001", "127.0.0.1.evil.example:7000", "[::1]:7000", ""] {
        assert_eq!(ask(&access, "GET", &first, &[("host", host)]).await.0, 421, "{host}");
    }
    assert_eq!(ask(&access, "GET", &first, &[]).await.0, 421);
    assert_eq!(ask(&access, "GET", &first, &[HOST, ("host", "evil.example")]).await.0, 421);
    for (name, value, code) in [
        ("origin", "http://127.0.0.1:7000", 303),
        ("origin", "http://127.0.0.1:7001", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "none", 303),
        ("sec-fetch-site", "same-origin", 303),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        assert_eq!(ask(&access, "GET", &first, &[HOST, (name, value)]).await.0, code, "{name}: {value}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"] {
        assert_eq!(ask(&access, method, "/", &[HOST]).await.0, 405, "{method}");
    }
    let long = format!("/?token={}", "x".repeat(40 << 10));
    assert_eq!(ask(&access, "GET", &long, &[HOST]).await.0, 414);
}

/// Half a request: its head has no end.
const HALF: &[u8] = b"GET / HTTP/1.1\r\nhost: ";

async fn half_open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HALF).await.unwrap();
    stream
}

/// Waits until the server has ended a connection.
async fn ended(mut stream: TcpStream) {
    // An end of the bytes, an answer that the request took too long, or an error: each is an end.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_page_is_answered_beside_hundreds_of_half_open_connections_and_the_oldest_of_them_end() {
    let listener = listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (access, _) = Access::new(address.port()).unwrap();
    // A request may take as long as it wants: that others have room does not hang on it.
    let forever = Duration::from_secs(86_400);
    let server = tokio::spawn(serve_for(listener, access, Arc::new(Plain), forever));
    let mut half = Vec::new();
    for _ in 0..300 {
        half.push(half_open(address).await);
    }
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let host = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(host.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    let open = half.split_off(300 - CONNECTIONS_MAX);
    for stream in half {
        ended(stream).await;
    }
    // With the server all others end.
    server.abort();
    for stream in open {
        ended(stream).await;
    }
}

#[tokio::test]
async fn a_request_that_does_not_arrive_ends_its_connection() {
    let listener = listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (access, _) = Access::new(address.port()).unwrap();
    let server = tokio::spawn(serve_for(listener, access, Arc::new(Plain), Duration::from_millis(20)));
    for stream in [half_open(address).await, TcpStream::connect(address).await.unwrap()] {
        ended(stream).await;
    }
    server.abort();
}
