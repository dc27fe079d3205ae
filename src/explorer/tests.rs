//! Who is answered, and how.

use http_body_util::BodyExt;

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
