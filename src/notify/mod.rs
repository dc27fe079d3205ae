//! Sends people what is new, over the channels that the configuration's `notify` names.
//!
//! A [`Notification`] is one message in the forms that channels take. A [`Channel`] sends it. [`channels`] has the
//! table of all channels: another one is a file here, a line there, and its field in
//! [`NotifyConfig`](crate::config::schema::NotifyConfig). [`send_each`] sends over several, so that one that fails
//! keeps no other from being sent to. The [`ledger`] remembers what each channel was sent, for those who send again and
//! again: what failed is sent later, and nothing is sent twice.

pub mod channels;
pub mod ledger;
mod send;
pub mod source;
mod topic;
mod webhook;

pub use channels::Channels;
pub use ledger::Ledger;
pub use send::{ChannelOutcome, SEND_MAX, Sending, send_each};
pub use source::{ChannelError, Sources};

use async_trait::async_trait;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// One line of ASCII, at most 100 characters: what Amazon SNS takes as the subject of a mail.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as Slack and those who are compatible with it read it (`mrkdwn`): nothing in it can mention or link.
    pub slack: String,
}

/// One way to people.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Returns its name in the configuration, under which the [`ledger`] keeps what it was sent.
    fn name(&self) -> &'static str;

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError`] where it was not taken; it may have arrived all the same.
    async fn send(&self, notification: &Notification) -> Result<(), SendError>;
}

/// Says why a message was not sent, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", because(.causes, .help))]
pub struct SendError {
    /// What failed.
    pub what: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do next; empty where that is unknown.
    pub help: String,
}

impl SendError {
    /// Makes an error of which nothing more is known.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), help: String::new() }
    }
}

fn because(causes: &[String], help: &str) -> String {
    let help = if help.is_empty() { String::new() } else { format!(" ({help})") };
    let causes: String = causes.iter().map(|cause| format!(": {cause}")).collect();
    causes + &help
}
