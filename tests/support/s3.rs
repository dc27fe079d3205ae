//! A small S3 over HTTP that answers as slowly and as badly as a test wants, and counts. For what moto cannot do:
//! latency, refusals above a number of requests in flight, broken bodies, and thousands of requests a second.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::bucket::Stored;

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// An answer with a status and a code, always.
    Error(u16, &'static str),
    /// The connection is cut, so many times.
    Reset(usize),
    /// There is no answer.
    Silence,
    /// The body ends too early, so many times.
    Short(usize),
}

/// When objects were written, unless a test says otherwise.
pub const WRITTEN: &str = "2026-11-20T12:00:00Z";

/// What the server does and has seen.
#[derive(Default)]
pub struct Settings {
    pub objects: BTreeMap<String, Stored>,
    pub latency: Duration,
    /// More requests in flight than this are refused with 503.
    pub in_flight_max: Option<usize>,
    /// When an object was written, where it was not at [`WRITTEN`].
    pub written: BTreeMap<String, String>,
    pub wrong: Mutex<BTreeMap<String, Wrong>>,
    /// Everything is refused with 503 until then.
    pub down_until: Mutex<Option<std::time::Instant>>,
    pub seen: Seen,
}

/// What was asked.
#[derive(Default)]
pub struct Seen {
    pub gets: AtomicUsize,
    pub lists: AtomicUsize,
    pub refused: AtomicUsize,
    pub others: AtomicUsize,
    in_flight: AtomicUsize,
}

/// The name of the thread that serves, so that a benchmark can leave out what it costs.
pub const THREAD: &str = "s3-server";

/// The server; it ends with the value.
pub struct S3Server {
    pub endpoint: String,
    pub settings: Arc<Settings>,
    end: Option<oneshot::Sender<()>>,
}

impl S3Server {
    pub fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let settings = Arc::new(settings);
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&settings);
        let thread = std::thread::Builder::new().name(THREAD.into());
        let serve_all = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = ended => {}
                }
            });
        };
        thread.spawn(serve_all).unwrap();
        Self { endpoint, settings, end: Some(end) }
    }

    /// Returns the settings of an SDK that talks to this server.
    pub fn config(&self) -> aws_config::SdkConfig {
        let credentials = aws_credential_types::Credentials::new("key", "secret", None, None, "test");
        aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(aws_config::Region::new("us-east-1"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .build()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
    }
}

#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the test")
    }
}

impl std::error::Error for Cut {}

async fn serve(listener: TcpListener, settings: Arc<Settings>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let settings = Arc::clone(&settings);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(request, Arc::clone(&settings)));
            // A connection that was cut on purpose ends with an error.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(request: Request<Incoming>, settings: Arc<Settings>) -> Result<Response<Full<Bytes>>, Cut> {
    let seen = &settings.seen;
    let in_flight = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    if !settings.latency.is_zero() {
        tokio::time::sleep(settings.latency).await;
    }
    if is_silent(&request, &settings) {
        std::future::pending::<()>().await;
    }
    let is_down = settings.down_until.lock().unwrap().is_some_and(|until| std::time::Instant::now() < until);
    let is_too_much = is_down || settings.in_flight_max.is_some_and(|max| in_flight > max);
    let answer = if is_too_much {
        seen.refused.fetch_add(1, Ordering::SeqCst);
        Ok(error(503, "SlowDown"))
    } else {
        serve_one(&request, &settings)
    };
    seen.in_flight.fetch_sub(1, Ordering::SeqCst);
    answer
}

fn is_silent(request: &Request<Incoming>, settings: &Settings) -> bool {
    settings.wrong.lock().unwrap().get(&key(request)) == Some(&Wrong::Silence)
}

fn key(request: &Request<Incoming>) -> String {
    request.uri().path().splitn(3, '/').nth(2).map(decoded).unwrap_or_default()
}

fn serve_one(request: &Request<Incoming>, settings: &Settings) -> Result<Response<Full<Bytes>>, Cut> {
    let query = query(request.uri().query().unwrap_or_default());
    let key = key(request);
    let counter = match (request.method().as_str(), key.is_empty()) {
        ("GET", false) => &settings.seen.gets,
        ("GET", true) if query.contains_key("list-type") => &settings.seen.lists,
        _ => &settings.seen.others,
    };
    counter.fetch_add(1, Ordering::SeqCst);
    if query.contains_key("location") {
        return Ok(xml("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>".into()));
    }
    if query.contains_key("lifecycle") {
        return Ok(error(404, "NoSuchLifecycleConfiguration"));
    }
    if query.contains_key("versions") {
        return Ok(xml("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>".into()));
    }
    if key.is_empty() {
        return Ok(list(&query, settings));
    }
    let range = request.headers().get("range").and_then(|range| range.to_str().ok());
    get(&key, range, settings)
}

/// Reads `bytes=5-9`: where the part begins, and where it ends, which is the place behind its last byte.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((from.parse().ok()?, length.min(to.parse::<usize>().ok()? + 1)))
}

fn tag(body: &[u8]) -> String {
    orgtrail::archive::inflate::hex(&orgtrail::archive::inflate::sha256(body)[..16])
}

fn get(key: &str, range: Option<&str>, settings: &Settings) -> Result<Response<Full<Bytes>>, Cut> {
    let wrong = next_wrong(key, settings);
    match wrong {
        Some(Wrong::Error(status, code)) => return Ok(error(status, code)),
        Some(Wrong::Reset(_)) => return Err(Cut),
        Some(Wrong::Short(_) | Wrong::Silence) | None => {}
    }
    let Some(stored) = settings.objects.get(key) else { return Ok(error(404, "NoSuchKey")) };
    let mut response = Response::builder().status(200);
    for (name, value) in &stored.metadata {
        response = response.header(format!("x-amz-meta-{name}"), value);
    }
    response = response.header("etag", format!("\"{}\"", tag(&stored.body)));
    let length = stored.body.len();
    let mut body = match range.and_then(|range| part(range, length)) {
        Some((from, to)) => {
            response = response.status(206).header("content-range", format!("bytes {from}-{}/{length}", to - 1));
            stored.body[from..to].to_vec()
        }
        None => stored.body.clone(),
    };
    if matches!(wrong, Some(Wrong::Short(_))) {
        // The length of the whole body is announced, and the connection ends before it.
        response = response.header("content-length", body.len());
        body.truncate(body.len() / 2);
    }
    Ok(response.body(Full::new(body.into())).unwrap())
}

/// Returns what is wrong with this request, and counts it down.
fn next_wrong(key: &str, settings: &Settings) -> Option<Wrong> {
    let mut all = settings.wrong.lock().unwrap();
    let wrong = all.get_mut(key)?;
    let now = wrong.clone();
    match wrong {
        Wrong::Error(..) | Wrong::Silence => {}
        Wrong::Reset(0) | Wrong::Short(0) => return None,
        Wrong::Reset(times) | Wrong::Short(times) => *times -= 1,
    }
    Some(now)
}

fn list(query: &BTreeMap<String, String>, settings: &Settings) -> Response<Full<Bytes>> {
    let of = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (prefix, delimiter) = (of("prefix"), of("delimiter"));
    let after = of("continuation-token").max(of("start-after"));
    let keys = settings.objects.range(after.max(prefix).to_owned()..).filter(|(key, _)| key.as_str() > after);
    let mut keys = keys.take_while(|(key, _)| key.starts_with(prefix));
    let mut text = String::new();
    if delimiter.is_empty() {
        let page: Vec<_> = keys.by_ref().take(1000).collect();
        for (key, stored) in &page {
            let written = settings.written.get(*key).map_or(WRITTEN, String::as_str);
            let tag = tag(&stored.body);
            text.push_str(&format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>{written}</LastModified>\
                 <ETag>&quot;{tag}&quot;</ETag></Contents>",
                stored.body.len()
            ));
        }
        if let (Some(_), Some((last, _))) = (keys.next(), page.last()) {
            text.push_str(&format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
            ));
        }
    } else {
        let folders: BTreeSet<&str> =
            keys.filter_map(|(key, _)| Some(&key[..prefix.len() + key[prefix.len()..].find('/')? + 1])).collect();
        for folder in folders {
            text.push_str(&format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"));
        }
    }
    xml(format!("<ListBucketResult>{text}</ListBucketResult>"))
}

fn xml(text: String) -> Response<Full<Bytes>> {
    Response::builder().header("content-type", "application/xml").body(Full::new(text.into())).unwrap()
}

fn error(status: u16, code: &str) -> Response<Full<Bytes>> {
    let class = if code == "InvalidObjectState" { "<StorageClass>GLACIER</StorageClass>" } else { "" };
    let body = format!("<Error><Code>{code}</Code><Message>made by the test</Message>{class}</Error>");
    Response::builder().status(status).header("content-type", "application/xml").body(Full::new(body.into())).unwrap()
}

fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
