//! The table of all channels, and how they are made from the configuration.

use super::source::{ChannelError, Sources};
use super::{Channel, topic, webhook};

/// Makes one channel; `None` where the configuration does not name it.
type Open = fn(&Sources<'_>) -> Result<Option<Box<dyn Channel>>, ChannelError>;

/// Every channel: its name, and how it is made. They are sent to in this order.
const CHANNELS: &[(&str, Open)] = &[(topic::NAME, topic::open), (webhook::NAME, webhook::open)];

/// The channels that a configuration names.
pub type Channels = Vec<Box<dyn Channel>>;

/// Makes the channels that the configuration names, at least one. No call is made.
///
/// # Errors
/// [`ChannelError`] where there is none, or a secret is missing.
pub fn open(sources: &Sources<'_>) -> Result<Channels, ChannelError> {
    let mut channels = Channels::new();
    for (_, open) in CHANNELS {
        channels.extend(open(sources)?);
    }
    if channels.is_empty() {
        return Err(ChannelError::NoChannel { names: CHANNELS.iter().map(|(name, _)| *name).collect() });
    }
    Ok(channels)
}
