//! Telling people of what is new: over the topic and the webhook of the configuration.

use async_trait::async_trait;
use serde_json::json;

use super::failure::CliError;
use crate::cloud::FaultKind;
use crate::cloud::aws::webhook::{NotPosted, WebhookUrl};
use crate::cloud::aws::{Aws, AwsOptions};
use crate::config::schema::{NotifyConfig, TopicArn, WebLink};
use crate::reconcile::findings::notification::Channel;
use crate::report::notification::Notification;

/// Whom to tell, with everything that is needed for it: what is missing is known before AWS is looked at.
pub struct Notifier {
    topic: Option<TopicArn>,
    webhook: Option<WebhookUrl>,
    link: Option<WebLink>,
}

impl Notifier {
    /// Takes the configuration's `notify`, and the secret from the environment.
    ///
    /// # Errors
    /// Nobody to tell, or a webhook whose variable holds no URL.
    pub fn new(notices: &NotifyConfig, link: Option<&WebLink>) -> Result<Self, CliError> {
        let NotifyConfig { topic, webhook, link: configured } = notices;
        if topic.is_none() && webhook.is_none() {
            return Err(CliError::new("--notify has nobody to tell")
                .hint("name a topic or a webhook under `notify` in the configuration"));
        }
        let webhook = webhook.as_ref().map(|webhook| url(&webhook.url_env)).transpose()?;
        Ok(Self { topic: topic.clone(), webhook, link: link.or(configured.as_ref()).cloned() })
    }

    /// Returns where the report can be read.
    pub fn link(&self) -> Option<&str> {
        self.link.as_ref().map(WebLink::as_str)
    }

    /// Tells everybody; who cannot be reached keeps nobody else from being told. `aws` is how the topic is reached.
    ///
    /// # Errors
    /// Says who was not told, and why.
    pub async fn tell(&self, notice: &Notification, aws: &AwsOptions) -> Result<(), CliError> {
        let mut failure = CliError::new("the drift is reported, but not everybody was told");
        if let Some(topic) = &self.topic
            && let Err(why) = publish(topic, notice, aws).await
        {
            failure.causes.push(why.what);
            failure.causes.extend(why.causes);
            failure.hint = why.hint;
        }
        if let Some(webhook) = &self.webhook
            && let Err(why) = post(webhook, notice).await
        {
            failure.causes.push(why.to_string());
        }
        if failure.causes.is_empty() { Ok(()) } else { Err(failure) }
    }

    /// Returns topic and webhook one by one, for a daemon: it keeps in mind which of them was told.
    pub fn recipients(self, aws: AwsOptions) -> Vec<Box<dyn Channel>> {
        let mut recipients: Vec<Box<dyn Channel>> = Vec::new();
        if let Some(topic) = self.topic {
            recipients.push(Box::new(Topic { topic, aws }));
        }
        if let Some(webhook) = self.webhook {
            recipients.push(Box::new(Hook(webhook)));
        }
        recipients
    }
}

/// The topic of the configuration.
struct Topic {
    topic: TopicArn,
    aws: AwsOptions,
}

#[async_trait]
impl Channel for Topic {
    fn name(&self) -> &'static str {
        "topic"
    }

    async fn send(&self, notice: &Notification) -> Result<(), String> {
        publish(&self.topic, notice, &self.aws).await.map_err(|failure| failure.to_string())
    }
}

/// The webhook of the configuration.
struct Hook(WebhookUrl);

#[async_trait]
impl Channel for Hook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn send(&self, notice: &Notification) -> Result<(), String> {
        post(&self.0, notice).await.map_err(|why| why.to_string())
    }
}

async fn post(webhook: &WebhookUrl, notice: &Notification) -> Result<(), NotPosted> {
    webhook.post(json!({"text": notice.slack}).to_string()).await
}

async fn publish(topic: &TopicArn, notice: &Notification, aws: &AwsOptions) -> Result<(), CliError> {
    // A recorded estate can be told of too, so the connection is made only now.
    let aws = Aws::connect(aws.clone()).await?;
    aws.publish(topic.arn(), topic.region(), &notice.subject, &notice.text).await.map_err(|fault| {
        let help = match fault.kind {
            FaultKind::Absent => format!("there is no topic {topic}: set `notify.topic` to one that is there"),
            _ => format!("the policy of {topic} must let account {} publish", fault.account),
        };
        CliError::from(fault).hint(help)
    })
}

fn url(variable: &str) -> Result<WebhookUrl, CliError> {
    let failed = |why: &str| {
        CliError::new(format!("the webhook of notify cannot be used: {why}"))
            .hint(format!("put its URL into the environment variable {variable}, as a secret of the schedule"))
    };
    let text = std::env::var(variable).map_err(|_| failed(&format!("{variable} is not set")))?;
    text.parse().map_err(|error| failed(&format!("{variable}: {error}")))
}
