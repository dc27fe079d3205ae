//! `--notify`: sends people what is new over the channels of the configuration.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::failure::CliError;
use crate::cloud::aws::AwsOptions;
use crate::config::schema::NotifyConfig;
use crate::notify::{ChannelError, Channels, Notification, Sending, Sources, channels, send_each};

/// Returns the channels of the configuration's `notify`, with everything that they need: what is missing is known
/// before AWS is asked anything. Secrets come from the environment.
///
/// # Errors
/// No channel, or one whose secret is missing.
pub fn channels(config: &NotifyConfig, aws: AwsOptions) -> Result<Channels, CliError> {
    let secret = |variable: &str| std::env::var(variable).ok();
    Ok(channels::open(&Sources { config, secret: &secret, aws })?)
}

/// What came of sending.
#[derive(Debug, Default)]
pub struct Sent {
    /// The names of the channels that could not be sent to.
    pub failed: Vec<&'static str>,
    /// Whether another channel was sent to.
    pub is_partial: bool,
    /// Says which channel did not take it, and why; not set where all did.
    pub failure: Option<CliError>,
}

/// Sends each channel the message that is for it by its name; `None` where there is nothing to say.
pub async fn send(channels: &Channels, message: impl Fn(&str) -> Option<Notification>) -> Sent {
    let never = CancellationToken::new();
    let sleep = async |span: Duration| tokio::time::sleep(span).await;
    let sending = Sending { stop: &never, may_send: async || true, sleep };
    let mut failure = CliError::new("drift was reported, but a notification failed");
    let mut sent = Sent::default();
    for delivery in send_each(channels, message, &sending).await {
        sent.is_partial |= delivery.result.is_ok();
        if let Err(why) = delivery.result {
            sent.failed.push(delivery.channel);
            failure.causes.push(why.what);
            failure.causes.extend(why.causes);
            if !why.help.is_empty() {
                failure.hint = why.help;
            }
        }
    }
    sent.is_partial &= !sent.failed.is_empty();
    sent.failure = (!sent.failed.is_empty()).then_some(failure);
    sent
}

impl From<ChannelError> for CliError {
    fn from(error: ChannelError) -> Self {
        let help = error.help();
        CliError::new(error.to_string()).hint(help)
    }
}
