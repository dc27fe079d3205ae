//! Who may see the pages: whoever has the token, in a browser that was sent by nobody else.
//!
//! The token is in the address that the terminal shows. It is exchanged at once for a cookie, under an address without
//! it, so that neither the history nor another page has it. Browsers keep cookies by name of the machine, not by port:
//! the cookie is therefore bound to a path that no other server on this machine knows.

use hyper::header::{COOKIE, HOST, HeaderMap, ORIGIN};
use hyper::{Method, Request, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// The longest address that is answered, in bytes.
const ADDRESS_BYTES_MAX: usize = 32 << 10;
/// The names by which a browser knows this machine; another name may be that of somebody else's page.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];
/// How the token stands in the first address.
const TOKEN: &str = "token=";

/// Says that the system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes for a token")]
pub struct NoRandomness;

/// Who may see the pages of one port.
pub struct Access {
    port: u16,
    /// The path below which everything is, without `/`.
    folder: String,
    token: [u8; 32],
    cookie: String,
}

/// A request that is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admitted<'r> {
    /// It has the token: it gets a cookie and goes on.
    Entry {
        /// The cookie with its attributes.
        cookie: String,
        /// The path to go on to.
        location: String,
    },
    /// It has the cookie: the path inside.
    Inside(&'r str),
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It would do more than read.
    Method,
    /// Its address is too long.
    Length,
    /// It names another machine.
    Host,
    /// A page of another site sent it.
    OtherSite,
    /// It has neither the token nor the cookie.
    Token,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Length => StatusCode::URI_TOO_LONG,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Method => "nothing can be changed here; GET and HEAD are answered\n",
            Self::Length => "the address is too long; put a long question into a file: orgtrail query --file FILE\n",
            Self::Host => "this is answered only under the name of this machine: 127.0.0.1 or localhost\n",
            Self::OtherSite => "another site sent this request: copy the address into the address bar instead\n",
            Self::Token => "open the address that `orgtrail explore` shows in the terminal: it has the token\n",
        }
    }
}

impl Access {
    /// Makes new secrets for a port. Returns with them the path and the query of the first address.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(port: u16) -> Result<(Self, String), NoRandomness> {
        let token = secret()?;
        let access = Self {
            port,
            folder: secret()?.chars().take(32).collect(),
            token: Sha256::digest(&token).into(),
            cookie: secret()?,
        };
        Ok((access, format!("/?{TOKEN}{token}")))
    }

    /// Decides about a request.
    pub(super) fn admit<'r>(&self, request: &'r Request<impl Sized>) -> Result<Admitted<'r>, Refusal> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Err(Refusal::Method);
        }
        let uri = request.uri();
        let length = uri.path_and_query().map_or(0, |own| own.as_str().len());
        if length > ADDRESS_BYTES_MAX {
            return Err(Refusal::Length);
        }
        self.names_this_server(request.headers())?;
        if uri.path() == "/" {
            let given = uri.query().and_then(|query| query.strip_prefix(TOKEN)).ok_or(Refusal::Token)?;
            return if is_same(&self.token, given) { Ok(self.entry()) } else { Err(Refusal::Token) };
        }
        let inside = uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(self.folder.as_str()));
        let inside = inside.and_then(|path| path.strip_prefix('/')).ok_or(Refusal::Token)?;
        let wanted: [u8; 32] = Sha256::digest(&self.cookie).into();
        let is_known = cookies(request.headers(), &self.cookie_name()).any(|given| is_same(&wanted, given));
        if is_known { Ok(Admitted::Inside(inside)) } else { Err(Refusal::Token) }
    }

    /// Makes sure that a request is meant for this server, and that no page of another site made a browser send it.
    fn names_this_server(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or(Refusal::Host)?;
        let is_own = |given: &str| HOSTS.iter().any(|name| given == format!("{name}:{}", self.port));
        if hosts.next().is_some() || !is_own(host) {
            return Err(Refusal::Host);
        }
        if headers.get_all(ORIGIN).iter().any(|origin| origin.as_bytes() != format!("http://{host}").as_bytes()) {
            return Err(Refusal::OtherSite);
        }
        // Another port of this machine is the same site, and not ours.
        let sites = headers.get_all("sec-fetch-site").iter();
        let is_own = |site: &hyper::header::HeaderValue| site == "none" || site == "same-origin";
        if sites.into_iter().all(is_own) { Ok(()) } else { Err(Refusal::OtherSite) }
    }

    fn cookie_name(&self) -> String {
        format!("orgtrail_{}", self.port)
    }

    fn entry(&self) -> Admitted<'static> {
        let (name, cookie, folder) = (self.cookie_name(), &self.cookie, &self.folder);
        Admitted::Entry {
            cookie: format!("{name}={cookie}; Path=/{folder}/; HttpOnly; SameSite=Strict"),
            location: format!("/{folder}/"),
        }
    }
}

/// Digests are compared, so the time that it takes says nothing about the secret.
fn is_same(digest: &[u8; 32], given: &str) -> bool {
    digest == &<[u8; 32]>::from(Sha256::digest(given))
}

/// Returns the values of the cookies of a name.
fn cookies<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> + use<'h> {
    let name = name.to_owned();
    let all = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(own, _)| *own == name).map(|(_, value)| value)
}

fn secret() -> Result<String, NoRandomness> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
