//! What is seen of a daemon over HTTP: health, metrics and its own pages. No route changes anything.
//!
//! [`answer`] is a function of the status and the request; [`serve`] is the socket around it. On loopback, only
//! requests that name this machine are answered, so that no page of a browser can read it under another name. Elsewhere
//! a token is needed for all but the two routes of health, which say nothing but yes or no.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::clock::Clock;
use super::metrics;
use super::status_board::StatusBoard;
use crate::connections::OpenConnections;

mod access;

pub use access::{Access, TOKEN_BYTES_MIN};

/// Connections that are served at the same time.
const CONNECTIONS_MAX: usize = 32;

/// How long a request may take to arrive.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// Nothing but this page's own style may be loaded, by nobody may it be framed, and no script runs.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Says why the status cannot be shown at an address.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Anyone could read it.
    #[error("{0} can be reached from other machines, and no token protects it")]
    Unprotected(SocketAddr),
    /// The token can be guessed.
    #[error("the token is shorter than {TOKEN_BYTES_MIN} characters")]
    ShortToken,
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// A page, a style or a picture that a daemon shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its media type, such as `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

impl Page {
    /// A page of HTML.
    pub fn html(body: String) -> Self {
        Self { content_type: "text/html; charset=utf-8", body }
    }

    /// A style.
    pub fn css(body: &str) -> Self {
        Self { content_type: "text/css; charset=utf-8", body: body.to_owned() }
    }
}

/// Says why a page or the metrics could not be written, for the log.
pub type PageError = Box<dyn std::error::Error + Send + Sync>;

/// What a daemon shows: its status, in the forms in which it is asked for. It holds nothing secret.
pub trait StatusSite: Clone + Send + Sync + 'static {
    /// The paths of the pages that a person may begin with, for who asks for one that is not there.
    const PATHS: &'static [&'static str];

    /// Tells whether the daemon is alive (`/healthz`).
    ///
    /// # Errors
    /// Why it is not, for anyone to see.
    fn health(&self, now: Timestamp) -> Result<(), &'static str>;

    /// Tells whether it does its work (`/readyz`).
    ///
    /// # Errors
    /// Why it does not, for anyone to see.
    fn readiness(&self) -> Result<(), &'static str>;

    /// Returns the metrics (`/metrics`), as [`Metrics::text`](metrics::Metrics::text) writes them.
    ///
    /// # Errors
    /// [`PageError`] where they cannot be written.
    fn metrics(&self, now: Timestamp) -> Result<String, PageError>;

    /// Returns the page at a path; `None` where there is none.
    ///
    /// # Errors
    /// [`PageError`] where it cannot be written.
    fn page(&self, path: &str, now: Timestamp) -> Result<Option<Page>, PageError>;
}

/// Answers one request.
pub fn answer(
    access: &Access,
    site: &impl StatusSite,
    now: Timestamp,
    request: &Request<impl Sized>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "nothing can be changed here; GET and HEAD are answered\n");
    }
    match request.uri().path() {
        "/healthz" => return verdict(site.health(now)),
        "/readyz" => return verdict(site.readiness()),
        _ => {}
    }
    if let Err(code) = access.admits(request.headers()) {
        return refused(code);
    }
    match request.uri().path() {
        "/metrics" => match site.metrics(now) {
            Ok(text) => respond(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(error) => broken(error.as_ref()),
        },
        path => match site.page(path, now) {
            Ok(Some(page)) => respond(StatusCode::OK, page.content_type, page.body),
            Ok(None) => not_found(site),
            Err(error) => broken(error.as_ref()),
        },
    }
}

fn not_found<S: StatusSite>(_: &S) -> Response<Full<Bytes>> {
    plain(StatusCode::NOT_FOUND, &format!("there are {}, /metrics, /healthz and /readyz\n", S::PATHS.join(", ")))
}

fn broken(error: &dyn std::error::Error) -> Response<Full<Bytes>> {
    tracing::error!(%error, "the status could not be written");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the status could not be written; the log says why\n")
}

fn verdict(healthy: Result<(), &'static str>) -> Response<Full<Bytes>> {
    match healthy {
        Ok(()) => plain(StatusCode::OK, "ok\n"),
        Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}\n")),
    }
}

fn refused(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = match code {
        StatusCode::UNAUTHORIZED => plain(code, "the token is needed\n"),
        _ => plain(code, "this is answered only under the name of this machine: localhost or 127.0.0.1\n"),
    };
    if code == StatusCode::UNAUTHORIZED {
        let ask = HeaderValue::from_static("Basic realm=\"orgtrail: any name, the token as password\"");
        response.headers_mut().insert(hyper::header::WWW_AUTHENTICATE, ask);
    }
    response
}

fn plain(code: StatusCode, text: &str) -> Response<Full<Bytes>> {
    respond(code, "text/plain; charset=utf-8", text.to_owned())
}

fn respond(code: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", content_type),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Takes an address to serve at.
///
/// # Errors
/// [`ServerError::Address`] where it is taken or not of this machine.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|source| ServerError::Address { address, source })
}

/// Serves the status for as long as it is polled.
pub async fn serve<S: StatusSite>(
    listener: TcpListener,
    access: Access,
    board: StatusBoard<S>,
    clock: Arc<dyn Clock>,
) -> Infallible {
    let mut open = OpenConnections::new(CONNECTIONS_MAX);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, or a connection that ended before it began.
                tracing::warn!(%error, "a connection could not be taken");
                clock.sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (access, board, clock) = (access.clone(), board.clone(), Arc::clone(&clock));
        open.serve(|asked| async move {
            let respond = service_fn(|request: Request<hyper::body::Incoming>| {
                asked.now();
                let response = answer(&access, board.read().as_ref(), clock.now(), &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(REQUEST_MAX).keep_alive(false).max_buf_size(16 * 1024);
            if let Err(error) = server.serve_connection(TokioIo::new(stream), respond).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

#[cfg(test)]
mod tests;
