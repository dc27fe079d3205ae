//! An SNS topic.

use async_trait::async_trait;

use super::source::{ChannelError, Sources};
use super::{Channel, Notification, SendError};
use crate::cloud::CloudFaultKind;
use crate::cloud::aws::{Aws, AwsOptions};
use crate::config::schema::TopicArn;

/// Its name in the configuration.
pub(super) const NAME: &str = "topic";

struct Topic {
    topic: TopicArn,
    aws: AwsOptions,
}

/// Makes the channel.
pub(super) fn open(sources: &Sources<'_>) -> Result<Option<Box<dyn Channel>>, ChannelError> {
    let topic = sources.config.topic.clone();
    Ok(topic.map(|topic| Box::new(Topic { topic, aws: sources.aws.clone() }) as Box<dyn Channel>))
}

#[async_trait]
impl Channel for Topic {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let Self { topic, aws } = self;
        // The drift of a recorded estate can be sent too, so the connection is made only now.
        let aws = Aws::connect(aws.clone()).await.map_err(|error| SendError {
            what: "cannot connect to AWS".into(),
            causes: vec![format!("{}: {}", error.code, error.message)],
            help: error.help,
        })?;
        let Notification { subject, text, .. } = notification;
        aws.publish(topic.arn(), topic.region(), subject, text).await.map_err(|fault| SendError {
            what: format!("{} failed in account {}", fault.operation, fault.account),
            causes: vec![format!("{}: {}", fault.code, fault.message)],
            help: match fault.kind {
                CloudFaultKind::Absent => format!("there is no topic {topic}: set `notify.topic` to one that is there"),
                _ => format!("the policy of {topic} must let account {} publish", fault.account),
            },
        })
    }
}
