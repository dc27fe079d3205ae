//! A web application for one person on this machine: pages over HTTP on a loopback address, behind a secret.
//!
//! [`access`] decides who may see them, and [`serve`] is the socket around it. What the pages are, a [`Site`] knows. No
//! method but GET and HEAD is answered, and a page whose connection is closed is worked on no longer.

pub mod access;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use access::{Access, Admitted, Refusal};

use crate::connections::{Asked, OpenConnections};

/// Connections that are served at the same time. One more ends the oldest that has asked nothing.
const CONNECTIONS_MAX: usize = 64;
/// Pages that are made at the same time.
pub const PAGES_AT_ONCE: usize = 2;
/// How long a page waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a request may take to arrive.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// The most bytes of the head of a request: its address, which has a question in it, and its fields.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long the server rests where a connection cannot be taken.
const REST: Duration = Duration::from_millis(100);

/// Nothing but the site's own style may be loaded, forms lead to the site only, nobody may frame it, no script runs.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A page, or another document of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// How it is answered.
    pub status: StatusCode,
    /// Its media type, such as `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

impl Document {
    /// A page of HTML.
    pub fn html(status: StatusCode, body: String) -> Self {
        Self { status, content_type: "text/html; charset=utf-8", body }
    }

    fn text(status: StatusCode, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.to_owned() }
    }
}

/// What is shown.
pub trait Site: Send + Sync + 'static {
    /// Returns what is at hand at once, as a style is; `None`: it is a page that has to be made.
    fn at_hand(&self, path: &str) -> Option<Document>;

    /// Makes the page of a path, which has no `/` before it, and of a query.
    fn page(&self, path: &str, query: &str) -> impl Future<Output = Document> + Send;
}

/// Takes a port of this machine that no other machine reaches; 0 is any free one.
///
/// # Errors
/// Where it is taken.
pub async fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves a site for as long as it is polled; then all connections end, and what was worked on for them.
pub async fn serve<S: Site>(listener: TcpListener, access: Access, site: Arc<S>) -> Infallible {
    serve_for(listener, access, site, REQUEST_MAX).await
}

/// Serves a site, where a request may take so long to arrive.
async fn serve_for<S: Site>(listener: TcpListener, access: Access, site: Arc<S>, request_max: Duration) -> Infallible {
    let (access, turns) = (Arc::new(access), Arc::new(Semaphore::new(PAGES_AT_ONCE)));
    let mut open = OpenConnections::new(CONNECTIONS_MAX);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (access, turns, site) = (Arc::clone(&access), Arc::clone(&turns), Arc::clone(&site));
                open.serve(|asked| connection(stream, access, turns, site, asked, request_max));
            }
            Err(error) => {
                // Too many open files, or a connection that ended before it began.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn connection<S: Site>(
    stream: TcpStream,
    access: Arc<Access>,
    turns: Arc<Semaphore>,
    site: Arc<S>,
    asked: Asked,
    request_max: Duration,
) {
    let respond = service_fn(|request: Request<Incoming>| {
        asked.now();
        let (access, turns, site) = (Arc::clone(&access), Arc::clone(&turns), Arc::clone(&site));
        async move { Ok::<_, Infallible>(answer(&access, &turns, site.as_ref(), &request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(request_max).keep_alive(false).max_buf_size(HEAD_BYTES_MAX);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), respond).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request.
async fn answer(
    access: &Access,
    turns: &Semaphore,
    site: &impl Site,
    request: &Request<impl Sized>,
) -> Response<Full<Bytes>> {
    let path = match access.admit(request) {
        Ok(Admitted::Inside(path)) => path,
        Ok(Admitted::Entry { cookie, location }) => {
            let mut response = respond(Document::text(StatusCode::SEE_OTHER, ""));
            for (name, value) in [(SET_COOKIE, cookie), (LOCATION, location)] {
                // Both are made of letters and digits of ours.
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
            return response;
        }
        Err(refusal) => return refused(refusal),
    };
    if let Some(document) = site.at_hand(path) {
        return respond(document);
    }
    match tokio::time::timeout(PATIENCE, turns.acquire()).await {
        Ok(Ok(_turn)) => respond(site.page(path, request.uri().query().unwrap_or_default()).await),
        _ => respond(Document::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "other pages are being made, and this one waited too long: close them or wait, and load this one again\n",
        )),
    }
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    respond(Document::text(refusal.status(), refusal.text()))
}

fn respond(document: Document) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document.body)));
    *response.status_mut() = document.status;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", document.content_type),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
