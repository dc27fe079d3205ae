//! Sends over several channels: one that fails, or does not answer, keeps no other from being sent to.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Channel, Notification, SendError};

/// How long one channel may take.
pub const SEND_MAX: Duration = Duration::from_secs(60);

/// How messages are sent.
pub struct Sending<'s, M, S> {
    /// Nothing more is sent once it is cancelled.
    pub stop: &'s CancellationToken,
    /// Tells, just before each message, whether it may still be sent.
    pub may_send: M,
    /// Waits, by the clock of whoever sends.
    pub sleep: S,
}

/// What came of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOutcome {
    /// The channel's name.
    pub channel: &'static str,
    /// Whether the message was sent.
    pub result: Result<(), SendError>,
}

/// Sends each channel the message that `message` has for it by its name; `None` where there is nothing to say. Returns
/// what came of those that were sent to: those after `stop`, or after nothing may be sent any more, are left out.
pub async fn send_each<M: AsyncFn() -> bool, S: AsyncFn(Duration)>(
    channels: &[Box<dyn Channel>],
    message: impl Fn(&str) -> Option<Notification>,
    sending: &Sending<'_, M, S>,
) -> Vec<ChannelOutcome> {
    let mut deliveries = Vec::new();
    for channel in channels {
        let name = channel.name();
        let Some(notification) = message(name) else { continue };
        if !(sending.may_send)().await {
            break;
        }
        let result = tokio::select! {
            biased;
            () = sending.stop.cancelled() => break,
            result = channel.send(&notification) => result,
            () = (sending.sleep)(SEND_MAX) => {
                Err(SendError::new(format!("no answer within {} seconds", SEND_MAX.as_secs())))
            }
        };
        match &result {
            Ok(()) => tracing::info!(channel = name, notification.subject, "notification sent"),
            Err(why) => tracing::error!(channel = name, %why, "notification not sent"),
        }
        deliveries.push(ChannelOutcome { channel: name, result });
    }
    deliveries
}
