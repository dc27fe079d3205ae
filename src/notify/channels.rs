//! The table of all channels, and how they are made from the configuration.

use super::{Channel, topic, webhook};
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

/// Makes one channel; `None` where the configuration does not name it.
type Open = fn(&Sources<'_>) -> Result<Option<Box<dyn Channel>>, ChannelError>;

/// Every channel: its name, and how it is made. They are sent to in this order.
const CHANNELS: &[(&str, Open)] = &[(topic::NAME, topic::open), (webhook::NAME, webhook::open)];

/// The channels that a configuration names.
pub type Channels = Vec<Box<dyn Channel>>;

/// Says why there is no channel to send over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The configuration names none.
    #[error("--notify has nobody to tell")]
    NoChannel,
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
            ChannelError::NoChannel => {
                let names: Vec<&str> = CHANNELS.iter().map(|(name, _)| *name).collect();
                format!("name a {} under `notify` in the configuration", names.join(" or a "))
            }
            ChannelError::Unusable { help, .. } => help.clone(),
        }
    }
}

/// Makes the channels that the configuration names, at least one. No call is made.
///
/// # Errors
/// [`ChannelError`] where there is none, or a secret is missing.
pub fn open(sources: &Sources<'_>) -> Result<Channels, ChannelError> {
    let mut channels = Channels::new();
    for (_, open) in CHANNELS {
        channels.extend(open(sources)?);
    }
    if channels.is_empty() { Err(ChannelError::NoChannel) } else { Ok(channels) }
}
