//! What is seen of the daemon over HTTP: metrics, health and the status page. No route changes anything.
//!
//! [`answer`] is a function of the status and the request; [`serve`] is the socket around it. On loopback, only requests
//! that name this machine are answered, so that no page of a browser can read it under another name. Elsewhere a token is
//! needed for all but the two routes of health, which say nothing but yes or no.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::clock::Clock;
use super::metrics;
use super::page::{self, Page};
use super::status_board::{Status, StatusBoard};

/// Connections that are served at the same time.
const CONNECTIONS_MAX: usize = 32;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing but this page's own style may be loaded, by nobody may it be framed, and no script runs.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Who may see the status.
#[derive(Debug, Clone)]
pub enum Door {
    /// Whoever is on this machine.
    Loopback,
    /// Whoever has the token, of which only the digest is kept.
    Token([u8; 32]),
}

/// Says why the status cannot be shown at an address.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// Everybody could read it.
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

/// The least length of a token.
pub const TOKEN_BYTES_MIN: usize = 16;

impl Door {
    /// Decides who may see what is served at an address.
    ///
    /// # Errors
    /// [`NotServed`] where everybody could.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Result<Self, NotServed> {
        match token.map(str::trim) {
            Some(token) if token.len() < TOKEN_BYTES_MIN => Err(NotServed::ShortToken),
            Some(token) => Ok(Door::Token(Sha256::digest(token).into())),
            None if address.ip().is_loopback() => Ok(Door::Loopback),
            None => Err(NotServed::Unprotected(address)),
        }
    }

    /// Tells whether a request may be answered; if not, with what status.
    fn admits(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        match self {
            Door::Loopback => names_this_machine(headers).then_some(()).ok_or(StatusCode::MISDIRECTED_REQUEST),
            // Digests are compared, so the time that it takes says nothing about the token.
            Door::Token(wanted) => {
                let given = token(headers).map(|token| <[u8; 32]>::from(Sha256::digest(token)));
                (given.as_ref() == Some(wanted)).then_some(()).ok_or(StatusCode::UNAUTHORIZED)
            }
        }
    }
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name == "[::1]" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads the token of a program (`Bearer`), or that which a person has typed as a password into a browser (`Basic`).
fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(value.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// Answers one request.
pub fn answer(door: &Door, status: &Status, now: Timestamp, request: &Request<impl Sized>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "nothing can be changed here; GET and HEAD are answered\n");
    }
    match request.uri().path() {
        "/healthz" => return verdict(status.is_healthy(now), "the next round is long overdue\n"),
        "/readyz" => return verdict(status.is_ready(), "no round could plan anything yet, or the last one failed\n"),
        _ => {}
    }
    if let Err(code) = door.admits(request.headers()) {
        return refused(code);
    }
    match request.uri().path() {
        "/" => html(page::html(status, Page::Status, now)),
        "/accounts" => html(page::html(status, Page::Accounts, now)),
        "/status.css" => respond(StatusCode::OK, "text/css; charset=utf-8", page::STYLE.to_owned()),
        "/metrics" => match metrics::text(status, now) {
            Ok(text) => respond(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(error) => broken(&error),
        },
        _ => plain(StatusCode::NOT_FOUND, "there are /, /accounts, /metrics, /healthz and /readyz\n"),
    }
}

fn html(page: Result<String, handlebars::RenderError>) -> Response<Full<Bytes>> {
    match page {
        Ok(text) => respond(StatusCode::OK, "text/html; charset=utf-8", text),
        Err(error) => broken(&error),
    }
}

fn broken(error: &dyn std::error::Error) -> Response<Full<Bytes>> {
    tracing::error!(%error, "the status could not be written");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the status could not be written; the log says why\n")
}

fn verdict(good: bool, why: &str) -> Response<Full<Bytes>> {
    if good { plain(StatusCode::OK, "ok\n") } else { plain(StatusCode::SERVICE_UNAVAILABLE, why) }
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
/// [`NotServed::Address`] where it is taken or not of this machine.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, NotServed> {
    TcpListener::bind(address).await.map_err(|source| NotServed::Address { address, source })
}

/// A connection that was taken.
struct Guest {
    /// A request has arrived.
    has_asked: Arc<AtomicBool>,
    task: AbortHandle,
}

/// The connections that are open, the oldest first.
#[derive(Default)]
struct Guests(VecDeque<Guest>);

impl Guests {
    /// Makes room for another one. Whoever has said nothing for the longest time goes first: a check of health that asks at once
    /// is answered, however many others are silent.
    fn make_room(&mut self) {
        self.0.retain(|guest| !guest.task.is_finished());
        while self.0.len() >= CONNECTIONS_MAX {
            let silent = self.0.iter().position(|guest| !guest.has_asked.load(Ordering::Relaxed));
            if let Some(guest) = self.0.remove(silent.unwrap_or(0)) {
                guest.task.abort();
            }
        }
    }
}

/// Serves the status for as long as it is polled.
pub async fn serve(listener: TcpListener, door: Door, board: StatusBoard, clock: Arc<dyn Clock>) -> Infallible {
    let mut guests = Guests::default();
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
        let (door, board, clock) = (door.clone(), board.clone(), Arc::clone(&clock));
        guests.make_room();
        let has_asked = Arc::new(AtomicBool::new(false));
        let asks = Arc::clone(&has_asked);
        let connection = tokio::spawn(async move {
            let respond = service_fn(|request: Request<hyper::body::Incoming>| {
                asks.store(true, Ordering::Relaxed);
                let response = answer(&door, &board.read(), clock.now(), &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false).max_buf_size(16 * 1024);
            if let Err(error) = server.serve_connection(TokioIo::new(stream), respond).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
        guests.0.push_back(Guest { has_asked, task: connection.abort_handle() });
    }
}

#[cfg(test)]
mod tests;
