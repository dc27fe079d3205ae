//! A webhook that takes `{"text": …}`, as Slack's do.

use async_trait::async_trait;
use serde_json::json;

use super::source::{ChannelError, Sources};
use super::{Channel, Notification, SendError};
use crate::cloud::aws::webhook::WebhookUrl;

/// Its name in the configuration.
pub(super) const NAME: &str = "webhook";

struct Webhook(WebhookUrl);

/// Makes the channel: its URL is a secret, in the environment variable that the configuration names.
pub(super) fn open(sources: &Sources<'_>) -> Result<Option<Box<dyn Channel>>, ChannelError> {
    let Some(webhook) = &sources.config.webhook else { return Ok(None) };
    let variable = &webhook.url_env;
    let unusable = |why: String| ChannelError::Unusable {
        channel: NAME,
        why,
        help: format!("put its URL into the environment variable {variable}, as a secret of the schedule"),
    };
    let text = (sources.secret)(variable).ok_or_else(|| unusable(format!("{variable} is not set")))?;
    let url: WebhookUrl = text.parse().map_err(|error| unusable(format!("{variable}: {error}")))?;
    Ok(Some(Box::new(Webhook(url))))
}

#[async_trait]
impl Channel for Webhook {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let body = json!({"text": notification.slack}).to_string();
        self.0.post(body).await.map_err(|why| SendError::new(why.to_string()))
    }
}
