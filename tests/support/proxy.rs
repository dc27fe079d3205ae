//! A proxy between the program and the emulator: it counts, records and makes trouble.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::oneshot;

/// One request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The service as it signs: `cloudtrail`.
    pub service: String,
    /// The operation: `CreateTrail`.
    pub action: String,
    /// The region that was signed for.
    pub region: String,
    /// The id of the access key that it was signed with.
    pub access_key: String,
    /// The body as text.
    pub body: String,
}

/// What happens to a request instead of its being passed on.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// An error with this HTTP status and this code.
    Error(u16, &'static str),
    /// The connection is cut before the request reaches the emulator.
    Reset,
    /// The request is done, and the connection is cut before its answer.
    LoseAnswer,
    /// It is passed on, but later.
    Delay(Duration),
    /// This JSON is the answer.
    Answer(String),
}

struct Rule {
    service: String,
    action: String,
    /// Only requests with this text in their body; empty for all.
    containing: String,
    times: usize,
    trouble: Trouble,
}

/// Looks at the world after a request was done and before its answer is given.
pub type Watch = Arc<dyn Fn(Call) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    rules: Vec<Rule>,
    watch: Option<Watch>,
}

/// The proxy; it ends with the value.
pub struct Proxy {
    endpoint: String,
    state: Arc<Mutex<State>>,
    end: Option<oneshot::Sender<()>>,
}

impl Proxy {
    /// Starts a proxy before a server, in a thread of its own.
    pub fn start(backend: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let endpoint = format!("http://{}", listener.local_addr().expect("the port"));
        let state = Arc::new(Mutex::new(State::default()));
        let (end, ended) = oneshot::channel();
        let (shared, backend) = (Arc::clone(&state), backend.to_owned());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, backend, shared) => {}
                    _ = ended => {}
                }
            });
        });
        Self { endpoint, state, end: Some(end) }
    }

    /// Returns the proxy's URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes trouble for the next `times` requests of an operation.
    pub fn trouble(&self, service: &str, action: &str, times: usize, trouble: Trouble) {
        self.trouble_where(service, action, "", times, trouble);
    }

    /// Makes trouble for the next `times` requests of an operation that have a text in their body.
    pub fn trouble_where(&self, service: &str, action: &str, containing: &str, times: usize, trouble: Trouble) {
        let (service, action, containing) = (service.into(), action.into(), containing.into());
        self.state().rules.push(Rule { service, action, containing, times, trouble });
    }

    /// Refuses every request to assume a role of an account.
    pub fn refuse_roles_of(&self, account: &str) {
        let arn = format!("%3Aiam%3A%3A{account}%3Arole");
        self.trouble_where("sts", "AssumeRole", &arn, usize::MAX, Trouble::Error(403, "AccessDenied"));
    }

    /// Makes no trouble any more.
    pub fn calm(&self) {
        self.state().rules.clear();
    }

    /// Has the world looked at after each request; what the program is told waits for it.
    pub fn watch(&self, watch: Watch) {
        self.state().watch = Some(watch);
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.state().calls.clear();
    }

    /// Returns the requests so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Returns how often each operation was called, as `service:Action`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.state().calls {
            *counts.entry(format!("{}:{}", call.service, call.action)).or_default() += 1;
        }
        counts
    }

    /// Returns how often an operation was called, as `service:Action`.
    pub fn count(&self, operation: &str) -> usize {
        self.counts().get(operation).copied().unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the state")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
    }
}

type Backend = Client<HttpConnector, Full<Bytes>>;

async fn serve(listener: TcpListener, backend: String, state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the listener");
    let client: Backend = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (client, backend, state) = (client.clone(), backend.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let answer =
                service_fn(move |request| answer(request, client.clone(), backend.clone(), Arc::clone(&state)));
            // A connection that was cut on purpose ends with an error.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// The reason for which a connection is cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the test")
    }
}

impl std::error::Error for Cut {}

async fn answer(
    request: Request<Incoming>,
    client: Backend,
    backend: String,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let call = call(&head, &body);
    match next_trouble(&state, call.clone()) {
        Some(Trouble::Reset) => return Err(Cut),
        Some(Trouble::Error(status, code)) => return Ok(error(&head, status, code)),
        Some(Trouble::Answer(json)) => return Ok(Response::new(Full::new(json.into()))),
        Some(Trouble::Delay(pause)) => tokio::time::sleep(pause).await,
        Some(Trouble::LoseAnswer) => {
            pass_on(head, body, &client, &backend).await;
            return Err(Cut);
        }
        None => {}
    }
    let answer = pass_on(head, body, &client, &backend).await;
    let watch = state.lock().expect("no test panics while it holds the state").watch.clone();
    if let Some(watch) = watch {
        watch(call).await;
    }
    Ok(answer)
}

fn next_trouble(state: &Mutex<State>, call: Call) -> Option<Trouble> {
    let mut state = state.lock().expect("no test panics while it holds the state");
    let rule = state.rules.iter_mut().find(|rule| {
        let of = rule.service == call.service && rule.action == call.action;
        rule.times > 0 && of && call.body.contains(&rule.containing)
    });
    let trouble = rule.map(|rule| {
        rule.times -= 1;
        rule.trouble.clone()
    });
    state.calls.push(call);
    trouble
}

async fn pass_on(
    head: hyper::http::request::Parts,
    body: Bytes,
    client: &Backend,
    backend: &str,
) -> Response<Full<Bytes>> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri: hyper::Uri = format!("http://{backend}{path}").parse().expect("a URL");
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = head.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers;
    let answer = client.request(request).await;
    let (mut head, body) = match answer {
        Ok(answer) => answer.into_parts(),
        Err(why) => panic!("the emulator does not answer: {why}"),
    };
    head.headers.remove(hyper::header::TRANSFER_ENCODING);
    let body = body.collect().await.expect("the whole answer").to_bytes();
    Response::from_parts(head, Full::new(body))
}

/// An error in the protocol of the request: JSON where the operation is in a header, XML else.
fn error(head: &hyper::http::request::Parts, status: u16, code: &str) -> Response<Full<Bytes>> {
    let sends_json = head.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    let json = sends_json || head.headers.contains_key("x-amz-target");
    let body = if json {
        format!(r#"{{"__type":"{code}","message":"made by the test"}}"#)
    } else if head.uri.path() == "/" {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>made by the test</Message></Error></ErrorResponse>")
    } else {
        format!("<Error><Code>{code}</Code><Message>made by the test</Message></Error>")
    };
    let kind = if json { "application/x-amz-json-1.1" } else { "text/xml" };
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(Full::new(body.into())).expect("a response")
}

fn call(head: &hyper::http::request::Parts, body: &Bytes) -> Call {
    let body = String::from_utf8_lossy(body).into_owned();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Credential=KEY/20260101/eu-central-1/cloudtrail/aws4_request
    let scope = header("authorization").split("Credential=").nth(1).unwrap_or_default();
    let mut parts = scope.split('/');
    let access_key = parts.next().unwrap_or_default().to_owned();
    let mut parts = parts.skip(1);
    let region = parts.next().unwrap_or_default().to_owned();
    let service = parts.next().unwrap_or_default().to_owned();
    let action = match header("x-amz-target").rsplit_once('.') {
        Some((_, action)) => action.to_owned(),
        None if service == "s3" => s3_action(head),
        // A service whose operations are paths: `/listRegions`.
        None if service == "account" => rest_action(head),
        None => body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned(),
    };
    Call { service, action, region, access_key, body }
}

fn rest_action(head: &hyper::http::request::Parts) -> String {
    let mut name = head.uri.path().trim_start_matches('/').to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// S3 has no operation in its requests: method and query tell it.
fn s3_action(head: &hyper::http::request::Parts) -> String {
    let setting = [
        ("versioning", "BucketVersioning"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("ownershipControls", "BucketOwnershipControls"),
        ("encryption", "BucketEncryption"),
        ("lifecycle", "BucketLifecycleConfiguration"),
        ("object-lock", "ObjectLockConfiguration"),
        ("logging", "BucketLogging"),
        ("requestPayment", "BucketRequestPayment"),
        ("tagging", "BucketTagging"),
        ("policy", "BucketPolicy"),
    ];
    let query = head.uri.query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let method = head.method.as_str();
    let verb = match method {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        other => other,
    };
    match setting.into_iter().find(|(name, _)| has(name)) {
        Some((_, "BucketLifecycleConfiguration")) if method == "DELETE" => "DeleteBucketLifecycle".into(),
        Some((_, what)) => format!("{verb}{what}"),
        None if has("list-type") => "ListObjectsV2".into(),
        None if method == "PUT" => "CreateBucket".into(),
        None => format!("{verb} {}", head.uri),
    }
}
