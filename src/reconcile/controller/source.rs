//! Where the daemon gets its configuration and its connections from.

use async_trait::async_trait;

use crate::cloud::Cloud;
use crate::cloud::document::ConditionalStore;
use crate::cloud::queue::Queue;
use crate::config::Config;
use crate::notify::Channels;
use crate::reconcile::lake::LakeUpdater;

/// What the daemon is connected to.
pub struct Connection {
    /// AWS or a recorded estate.
    pub cloud: Box<dyn Cloud>,
    /// Where replicas agree which one leads; `None` where there is one.
    pub lease: Option<Box<dyn ConditionalStore>>,
    /// The queue that wakes it; `None` where there is none.
    pub queue: Option<Box<dyn Queue>>,
    /// Where replicas keep their history together; `None` where each keeps its own, or none.
    pub history: Option<Box<dyn ConditionalStore>>,
    /// What keeps the lake up to date; `None` where there is no lake, or nothing may be written.
    pub lake: Option<Box<dyn LakeUpdater>>,
    /// Where findings are sent to.
    pub channels: Channels,
}

impl Connection {
    /// A connection to a cloud and nothing beside it.
    pub fn to(cloud: Box<dyn Cloud>) -> Self {
        Self { cloud, lease: None, queue: None, history: None, lake: None, channels: Channels::new() }
    }
}

/// Says why something that the daemon needs is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SourceError {
    /// Why, with what to do next.
    pub why: String,
    /// It may be had later, without anybody doing something.
    pub retryable: bool,
}

/// Where configuration and connection come from.
#[async_trait]
pub trait ConfigSource: Send + Sync {
    /// Reads the text of the configuration.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    fn read(&self) -> Result<String, SourceError>;

    /// Turns the text into a configuration.
    ///
    /// # Errors
    /// [`SourceError`] with all that is wrong with it.
    fn parse(&self, text: &str) -> Result<Config, SourceError>;

    /// Connects to what the configuration names.
    ///
    /// # Errors
    /// [`SourceError`] where there are no credentials, or nobody answers.
    async fn connect(&self, config: &Config) -> Result<Connection, SourceError>;
}
