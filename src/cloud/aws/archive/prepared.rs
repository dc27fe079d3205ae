//! GETs of many small objects. What the SDK works out anew for each request (where the bucket is reached, which plugins
//! and interceptors there are) is asked of it once; each request is then signed by AWS's signer and sent over the SDK's
//! own connection. An answer that is not the object is not read here: the SDK is asked again, and reads it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http::label::{EncodingStrategy, fmt_string};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::{Mutex, OnceCell};

use crate::cloud::aws::calls::Destination;
use crate::operations::s3::GET_LOG_FILE;

/// Credentials are asked for again when they have less than this left.
const LEFT_MIN: Duration = Duration::from_secs(5 * 60);
/// What a request says of itself.
const USER_AGENT: &str = concat!("orgtrail/", env!("CARGO_PKG_VERSION"));

/// A client that notes the connector that the SDK uses.
#[derive(Debug, Clone)]
pub(super) struct Noting {
    client: SharedHttpClient,
    connector: Arc<OnceLock<SharedHttpConnector>>,
}

impl Noting {
    pub(super) fn new(client: SharedHttpClient) -> Self {
        Self { client, connector: Arc::default() }
    }
}

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        self.connector.get_or_init(|| connector.clone());
        connector
    }
}

/// The prepared requests of one bucket.
#[derive(Debug)]
pub(super) struct Prepared {
    bucket: String,
    client: Client,
    config: SdkConfig,
    noting: Noting,
    to: Destination,
    /// Where the bucket is reached; nothing within where it is no place for plain requests.
    place: OnceCell<Option<BucketLocation>>,
    credentials: Mutex<Option<Credentials>>,
    /// Set when the SDK got an object that was refused here.
    is_off: AtomicBool,
}

/// Where a bucket is reached, as the SDK says.
#[derive(Debug, PartialEq, Eq)]
struct BucketLocation {
    /// What every object's address begins with, the `/` included.
    base: String,
    /// The region for which requests are signed.
    region: String,
}

impl Prepared {
    /// Prepares nothing yet. `client` must send through `noting`.
    pub(super) fn new(bucket: &str, client: Client, config: SdkConfig, noting: Noting, to: Destination) -> Self {
        let (place, credentials, is_off) = Default::default();
        Self { bucket: bucket.to_owned(), client, config, noting, to, place, credentials, is_off }
    }

    /// Asks for an object. Returns nothing where the SDK must be asked: the bucket is none for plain requests, there
    /// are no credentials, nothing was sent yet.
    pub(super) async fn get(&self, key: &str) -> Option<Sent> {
        if self.is_off.load(Ordering::Relaxed) {
            return None;
        }
        let connector = self.noting.connector.get()?;
        let place = self.place.get_or_init(|| self.ask_place()).await.as_ref()?;
        // What the SDK's clients are held to holds here too.
        self.to.check(GET_LOG_FILE.name).ok()?;
        let request = place.request(key, self.credentials().await?)?;
        let sent = Instant::now();
        let answer = connector.call(request).await;
        self.to.show_prepared(&GET_LOG_FILE, sent.elapsed(), answer.as_ref().ok());
        Some(answer)
    }

    /// Notes that the SDK got an object that was refused here: it knows something that is not known here.
    pub(super) fn give_up(&self) {
        self.is_off.store(true, Ordering::Relaxed);
    }

    /// Has the SDK say where an object would be asked for, and for which region that would be signed.
    async fn ask_place(&self) -> Option<BucketLocation> {
        let signing = PresigningConfig::expires_in(Duration::from_secs(60)).ok()?;
        let request = self.client.get_object().bucket(&self.bucket).key(PROBE).presigned(signing).await.ok()?;
        BucketLocation::of(request.uri())
    }

    async fn credentials(&self) -> Option<Credentials> {
        let mut kept = self.credentials.lock().await;
        let soon = SystemTime::now() + LEFT_MIN;
        let is_good = |of: &&Credentials| of.expiry().is_none_or(|expiry| expiry > soon);
        if let Some(credentials) = kept.as_ref().filter(is_good) {
            return Some(credentials.clone());
        }
        let fresh = self.config.credentials_provider()?.provide_credentials().await.ok()?;
        *kept = Some(fresh.clone());
        Some(fresh)
    }
}

/// What became of a request.
pub(super) type Sent = Result<HttpResponse, aws_smithy_runtime_api::client::result::ConnectorError>;

/// The key whose address is asked for.
const PROBE: &str = "k";

impl BucketLocation {
    /// Reads the address of the probe. Requests for access points of several regions are signed in another way, and
    /// those for directory buckets with other credentials: they are none for plain requests.
    fn of(uri: &str) -> Option<Self> {
        let (address, query) = uri.split_once('?')?;
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let scope = value("X-Amz-Credential")?.replace("%2F", "/");
        let scope: Vec<&str> = scope.split('/').collect();
        let [.., region, "s3", "aws4_request"] = scope[..] else { return None };
        let base = address.strip_suffix(PROBE).filter(|base| base.ends_with('/'))?;
        let is_plain = value("X-Amz-Algorithm")? == "AWS4-HMAC-SHA256" && value("X-Amz-S3session-Token").is_none();
        is_plain.then(|| Self { base: base.to_owned(), region: region.to_owned() })
    }

    fn request(&self, key: &str, credentials: Credentials) -> Option<HttpRequest> {
        let uri = format!("{}{}?x-id=GetObject", self.base, fmt_string(key, EncodingStrategy::Greedy));
        // As the SDK signs for S3.
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity: Identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings);
        let signable = SignableRequest::new("GET", &uri, std::iter::empty(), SignableBody::Bytes(&[])).ok()?;
        let (signature, _) = sign(signable, &params.build().ok()?.into()).ok()?.into_parts();
        let mut request = HttpRequest::get(&uri).ok()?;
        let headers = request.headers_mut();
        headers.insert("user-agent", USER_AGENT);
        for (name, value) in signature.headers() {
            headers.try_insert(name.to_owned(), value.to_owned()).ok()?;
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261128%2Feu-west-1%2Fs3%2Faws4_request";

    #[test]
    fn the_sdk_says_where_a_bucket_is_reached() {
        let place = |base: &str| Some(BucketLocation { base: base.into(), region: "eu-west-1".into() });
        for base in ["https://acme.s3.eu-west-1.amazonaws.com/", "http://127.0.0.1:5000/acme/"] {
            assert_eq!(BucketLocation::of(&format!("{base}k?x-id=GetObject&{END}")), place(base));
        }
    }

    #[test]
    fn other_ways_to_sign_are_left_to_the_sdk() {
        let base = "https://acme.s3.eu-west-1.amazonaws.com/k?";
        for other in [
            END.replace("%2Fs3%2F", "%2Fs3express%2F"),
            END.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            format!("{END}&X-Amz-S3session-Token=x"),
            String::new(),
        ] {
            assert_eq!(BucketLocation::of(&format!("{base}{other}")), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_written_as_the_sdk_writes_it() {
        let place = BucketLocation { base: "https://b.s3.amazonaws.com/".into(), region: "us-east-1".into() };
        let request = place.request("a b/é+=?.gz", Credentials::new("key", "secret", None, None, "test")).unwrap();
        assert_eq!(request.uri(), "https://b.s3.amazonaws.com/a%20b/%C3%A9%2B%3D%3F.gz?x-id=GetObject");
        assert!(request.headers().get("authorization").is_some_and(|value| !value.contains("secret")));
    }
}
