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

/// Sends a message over every channel.
///
/// # Errors
/// Says which channel did not take it, and why.
pub async fn send(channels: &Channels, notification: &Notification) -> Result<(), CliError> {
    let never = CancellationToken::new();
    let sleep = async |span: Duration| tokio::time::sleep(span).await;
    let sending = Sending { stop: &never, may_send: async || true, sleep };
    let mut failure = CliError::new("drift was reported, but a notification failed");
    for delivery in send_each(channels, |_| Some(notification.clone()), &sending).await {
        if let Err(why) = delivery.result {
            failure.causes.push(why.what);
            failure.causes.extend(why.causes);
            if !why.help.is_empty() {
                failure.hint = why.help;
            }
        }
    }
    if failure.causes.is_empty() { Ok(()) } else { Err(failure) }
}

impl From<ChannelError> for CliError {
    fn from(error: ChannelError) -> Self {
        let help = error.help();
        CliError::new(error.to_string()).hint(help)
    }
}
