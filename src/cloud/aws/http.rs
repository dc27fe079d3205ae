//! The HTTP client of every call: TLS by rustls with ring, through the proxy that the environment names. Before each
//! request of a call that writes, the fence is asked: the SDK sends a call again by itself.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;

use super::NotConnected;
use crate::cloud::fence::may_send;

/// A client whose connectors ask the fence.
#[derive(Debug)]
struct Asking(SharedHttpClient);

impl HttpClient for Asking {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(AskingConnector(self.0.http_connector(settings, components)))
    }
}

/// A connector that asks the fence before it sends.
#[derive(Debug)]
struct AskingConnector(SharedHttpConnector);

impl HttpConnector for AskingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.clone();
        HttpConnectorFuture::new(async move {
            // An error of the user's is not tried again.
            may_send().await.map_err(|why| ConnectorError::user(why.into()))?;
            connector.call(request).await
        })
    }
}

/// Makes the client. `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured, as AWS's other tools do, but an endpoint
/// on this machine is reached without a proxy.
pub(super) fn client(endpoint: Option<&str>) -> SharedHttpClient {
    let proxy = if is_local(endpoint) { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_proxy_config(Some(proxy.clone()));
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    });
    SharedHttpClient::new(Asking(client))
}

/// Returns the profile that a person named, where one is: an empty name is none.
///
/// # Errors
/// [`NotConnected`] where the configuration files have no such profile: the SDK would look elsewhere for credentials.
pub(super) async fn existing_profile(profile: Option<&str>) -> Result<Option<&str>, NotConnected> {
    let Some(profile) = profile.filter(|profile| !profile.is_empty()) else { return Ok(None) };
    // What is wrong with the files themselves the SDK says when it reads them.
    let files = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await;
    let Some(files) = files.ok().filter(|files| files.get_profile(profile).is_none()) else { return Ok(Some(profile)) };
    let mut known: Vec<&str> = files.profiles().collect();
    known.sort_unstable();
    let help = match known.is_empty() {
        true => "there are no profiles: `aws configure sso` or `aws configure --profile NAME` makes one".to_owned(),
        false => format!("set --profile or AWS_PROFILE to one of {}", known.join(", ")),
    };
    let message =
        format!("there is no profile {profile:?} in the AWS configuration files (~/.aws/config, ~/.aws/credentials)");
    Err(NotConnected { code: "UnknownProfile".into(), message, help })
}

/// Returns the credentials of a profile that a person named. They come before those that stand in the environment, as
/// with AWS's own command line (AWS CLI user guide, "Configuration and credential precedence").
pub(super) fn of_profile(
    profile: &str,
    region: Option<Region>,
    http: SharedHttpClient,
) -> ProfileFileCredentialsProvider {
    let config = ProviderConfig::without_region().with_region(region).with_http_client(http);
    ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&config).build()
}

/// Tells whether an endpoint is on this machine, as an emulator's is.
pub(super) fn is_local(endpoint: Option<&str>) -> bool {
    let host = endpoint.and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_this_machine_is_local() {
        for local in ["http://127.0.0.1:5000", "http://localhost:4566/x", "http://[::1]:80"] {
            assert!(is_local(Some(local)), "{local}");
        }
        for other in ["https://vpce-1.s3.eu-central-1.vpce.amazonaws.com", "https://localhost.example.com", "localhost"]
        {
            assert!(!is_local(Some(other)), "{other}");
        }
        assert!(!is_local(None));
    }
}
