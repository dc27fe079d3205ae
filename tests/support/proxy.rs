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
use tokio::sync::{oneshot, watch};

use super::call::{Call, read};

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
    /// This is the body of the answer.
    Answer(String),
    /// It waits at the proxy until all that is held is let go, and is passed on then.
    HoldRequest,
    /// It is passed on and done, and its answer waits at the proxy until all that is held is let go.
    HoldAnswer,
}

type Matches = Box<dyn FnMut(&Call) -> bool + Send>;

struct Rule {
    matches: Matches,
    times: usize,
    trouble: Trouble,
}

/// Looks at the world after a request was done and before its answer is given.
pub type Watch = Arc<dyn Fn(Call) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    rules: Vec<Rule>,
    weather: Option<Dice>,
    /// Requests that had trouble.
    troubled: usize,
    /// Requests that are held.
    held: usize,
    /// How often all that was held has been let go.
    let_go: watch::Sender<u64>,
    /// Requests under way by service, and the most that were at once.
    under_way: BTreeMap<String, (usize, usize)>,
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
        let (service, action, containing) = (service.to_owned(), action.to_owned(), containing.to_owned());
        let matches =
            move |call: &Call| call.service == service && call.action == action && call.body.contains(&containing);
        self.trouble_if(matches, times, trouble);
    }

    /// Makes trouble for the next `times` requests for which something holds.
    pub fn trouble_if(&self, matches: impl FnMut(&Call) -> bool + Send + 'static, times: usize, trouble: Trouble) {
        self.state().rules.push(Rule { matches: Box::new(matches), times, trouble });
    }

    /// Has every request come into bad weather from now on: one in five comes late, so that requests overtake each
    /// other; one in twenty is throttled; one in twenty is cut, before it is done or after.
    pub fn weather(&self, seed: u64) {
        self.state().weather = Some(Dice(seed));
    }

    /// Makes no more trouble.
    pub fn clear_up(&self) {
        let mut state = self.state();
        state.weather = None;
        state.rules.clear();
    }

    /// Returns how many requests had trouble.
    pub fn troubled(&self) -> usize {
        self.state().troubled
    }

    /// Returns how many requests are held.
    pub fn held(&self) -> usize {
        self.state().held
    }

    /// Lets go all that is held.
    pub fn let_go(&self) {
        let mut state = self.state();
        state.held = 0;
        state.let_go.send_modify(|times| *times += 1);
    }

    /// Returns how many requests of a service were under way at once at most, since this was asked last.
    pub fn most_under_way(&self, service: &str) -> usize {
        let mut state = self.state();
        let (now, most) = state.under_way.entry(service.into()).or_default();
        std::mem::replace(most, *now)
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
        open(&self.state)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
    }
}

/// A small generator, so that a failure can be repeated.
#[derive(Debug, Clone, Copy)]
pub struct Dice(pub u64);

impl Dice {
    /// Returns a number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn trouble(&mut self, call: &Call) -> Option<Trouble> {
        match self.roll(40) {
            0..2 => Some(throttled(&call.service)),
            2 => Some(Trouble::Reset),
            3 => Some(Trouble::LoseAnswer),
            4..12 => Some(Trouble::Delay(Duration::from_millis(1 + self.roll(15) as u64))),
            _ => None,
        }
    }
}

/// The answer by which a service says that there are too many calls.
pub fn throttled(service: &str) -> Trouble {
    match service {
        "s3" => Trouble::Error(503, "SlowDown"),
        "iam" | "sts" | "sns" => Trouble::Error(400, "Throttling"),
        "organizations" => Trouble::Error(400, "TooManyRequestsException"),
        _ => Trouble::Error(400, "ThrottlingException"),
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
    let call = read(&head, &body);
    let _under_way = UnderWay::new(&state, &call.service);
    match next_trouble(&state, call.clone()) {
        Some(Trouble::Reset) => return Err(Cut),
        Some(Trouble::Error(status, code)) => return Ok(error(&head, status, code)),
        Some(Trouble::Answer(body)) => return Ok(Response::new(Full::new(body.into()))),
        Some(Trouble::Delay(pause)) => tokio::time::sleep(pause).await,
        Some(Trouble::LoseAnswer) => {
            pass_on(head, body, &client, &backend).await;
            return Err(Cut);
        }
        Some(Trouble::HoldRequest) => hold(&state).await,
        Some(Trouble::HoldAnswer) => {
            let answer = pass_on(head, body, &client, &backend).await;
            hold(&state).await;
            return Ok(answer);
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

/// Waits until all that is held is let go.
async fn hold(state: &Mutex<State>) {
    let mut let_go = {
        let mut state = open(state);
        state.held += 1;
        state.let_go.subscribe()
    };
    // The sender lives as long as the state.
    let _ = let_go.changed().await;
}

/// A request that is under way, until it is dropped.
struct UnderWay<'a> {
    state: &'a Mutex<State>,
    service: String,
}

impl<'a> UnderWay<'a> {
    fn new(state: &'a Mutex<State>, service: &str) -> Self {
        let mut open = open(state);
        let (now, most) = open.under_way.entry(service.into()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self { state, service: service.to_owned() }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some((now, _)) = open(self.state).under_way.get_mut(&self.service) {
            *now -= 1;
        }
    }
}

fn open(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no test panics while it holds the state")
}

fn next_trouble(state: &Mutex<State>, call: Call) -> Option<Trouble> {
    let mut state = open(state);
    let place = state.rules.iter_mut().position(|rule| rule.times > 0 && (rule.matches)(&call));
    let ruled = place.map(|place| {
        let rule = &mut state.rules[place];
        rule.times -= 1;
        rule.trouble.clone()
    });
    let trouble = ruled.or_else(|| state.weather.as_mut().and_then(|dice| dice.trouble(&call)));
    state.troubled += usize::from(trouble.is_some());
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
