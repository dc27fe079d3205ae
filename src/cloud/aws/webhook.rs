//! A message to a webhook, over the HTTP client of the calls to AWS: with its TLS, its proxies and its time-outs.
//!
//! The URL is a secret: who knows it can write there. Nothing here prints it, and no redirect is followed with it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::http::is_local;

/// How long a webhook may take to be reached, and to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The URL of a webhook.
#[derive(Clone)]
pub struct WebhookUrl(String);

/// Says why a text is no URL of a webhook; the text is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no URL that begins with https://")]
pub struct BadUrl;

/// Says why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPosted {
    /// The webhook has another answer than yes.
    #[error("the webhook answered with HTTP status {0}")]
    Refused(u16),
    /// It did not answer in time.
    #[error("the webhook did not answer within {} seconds", TIMEOUT.as_secs())]
    TimedOut,
    /// It cannot be reached: its name, the network, its certificate, a proxy.
    #[error(
        "the webhook cannot be reached; check its name, the network, the proxy, and that its certificate is trusted here"
    )]
    Unreachable,
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

impl FromStr for WebhookUrl {
    type Err = BadUrl;
    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim();
        // Without TLS only on this machine, where a relay may be.
        let is_safe = text.starts_with("https://") || is_local(Some(text));
        if !is_safe || HttpRequest::empty().set_uri(text).is_err() {
            return Err(BadUrl);
        }
        Ok(Self(text.to_owned()))
    }
}

impl WebhookUrl {
    /// Posts a JSON document.
    ///
    /// # Errors
    /// [`NotPosted`] for any answer but a success.
    pub async fn post(&self, json: String) -> Result<(), NotPosted> {
        let proxy = if is_local(Some(&self.0)) { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
        let settings = HttpConnectorSettings::builder().connect_timeout(TIMEOUT).read_timeout(TIMEOUT).build();
        let mut connector = Connector::builder().connector_settings(settings);
        connector.set_proxy_config(Some(proxy));
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let mut request = HttpRequest::new(SdkBody::from(json));
        request.set_uri(self.0.as_str()).map_err(|_| NotPosted::Unreachable)?;
        request.set_method("POST").map_err(|_| NotPosted::Unreachable)?;
        request.headers_mut().insert("content-type", "application/json; charset=utf-8");
        // The error's own words name the host and sometimes the path.
        let answer = connector.call(request).await.map_err(|error| match error.is_timeout() {
            true => NotPosted::TimedOut,
            false => NotPosted::Unreachable,
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(NotPosted::Refused(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_taken_and_no_message_has_the_url() {
        let secret = "https://hooks.example.com/services/T0/B0/secret";
        assert!(!format!("{:?}", secret.parse::<WebhookUrl>().unwrap()).contains("secret"));
        assert!("http://127.0.0.1:9/x".parse::<WebhookUrl>().is_ok());
        for text in
            ["", "http://hooks.example.com/secret", "hooks.example.com", "https://a b/secret", "file:///etc/passwd"]
        {
            let why = text.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(!why.contains("secret"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_webhook_that_is_not_there_is_unreachable() {
        // Nobody listens on the discard port of this machine.
        let nobody: WebhookUrl = "http://127.0.0.1:9/secret".parse().unwrap();
        assert_eq!(nobody.post("{}".into()).await, Err(NotPosted::Unreachable));
    }
}
