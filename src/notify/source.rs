//! What channels are made of, and what is missing where one cannot be made.

use crate::cloud::aws::AwsOptions;
use crate::config::schema::NotifyConfig;

/// What a channel is made of.
pub struct Sources<'a> {
    /// The configuration's `notify`.
    pub config: &'a NotifyConfig,
    /// Reads an environment variable: secrets stand there, not in the configuration. `None` where it is not set.
    pub secret: &'a dyn Fn(&str) -> Option<String>,
    /// How AWS is reached.
    pub aws: AwsOptions,
}

/// Says why there is no channel to send over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The configuration names none.
    #[error("--notify needs `notify.topic` or `notify.webhook` in the configuration")]
    NoChannel {
        /// The names of those that there are.
        names: Vec<&'static str>,
    },
    /// One lacks something, or has something that it cannot use. Nothing secret is in the text.
    #[error("the {channel} of notify cannot be used: {why}")]
    Unusable {
        /// Its name.
        channel: &'static str,
        /// Why.
        why: String,
        /// What to do next.
        help: String,
    },
}

impl ChannelError {
    /// Returns what to do next.
    pub fn help(&self) -> String {
        match self {
            ChannelError::NoChannel { names } => {
                format!("name a {} under `notify` in the configuration", names.join(" or a "))
            }
            ChannelError::Unusable { help, .. } => help.clone(),
        }
    }
}
