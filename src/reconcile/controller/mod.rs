//! The loop: round, wait, round. It never overlaps itself, and it does not end on an error that may pass.
//!
//! `run` keeps to one configuration after the other, each a generation; within one, `supervisor` makes rounds.

use std::sync::Mutex;
use std::time::Duration;

use source::{ConfigSource, Connection, SourceError};

use super::observe::ObservationCache;
use super::status::StatusBoard;
use crate::config::Config;
use crate::daemon::clock::Clock;
use crate::daemon::history::HistoryFile;
use crate::policy::template::Templates;
use crate::survey::SurveyError;

mod run;
pub mod source;
mod state;
mod supervisor;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Options {
    /// The run id; another one for each start.
    pub run: String,
    /// Nothing is changed.
    pub observe: bool,
    /// One round, then the end.
    pub once: bool,
    /// Changes that are made in parallel.
    pub concurrency: usize,
    /// The file that holds the history; `None` where there is none or it is in S3.
    pub history: Option<HistoryFile>,
}

/// The daemon that keeps the organization at its desired state.
pub struct Controller<'a> {
    /// Where configuration and connection come from.
    pub source: &'a dyn ConfigSource,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// What is seen of it.
    pub board: StatusBoard,
    /// What the command line says.
    pub options: Options,
}

/// Says why the daemon cannot go on without a person.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    /// The configuration, the credentials or the history of the start cannot be used.
    #[error("{0}")]
    Start(String),
    /// The very first round, or the only one, could plan nothing.
    #[error(transparent)]
    Unplannable(SurveyError),
}

/// What lasts as long as one text of the configuration.
struct Generation {
    text: String,
    config: Config,
    connection: Connection,
    cache: Mutex<ObservationCache>,
}

/// Returns the time between two rounds.
fn every(config: &Config) -> Duration {
    Duration::from_secs(config.reconcile.every.seconds())
}

impl Controller<'_> {
    /// Looks whether the configuration has another text; returns it where it can be used.
    fn reload(&self, in_force: &str) -> Option<(String, Config)> {
        let text = match self.source.read() {
            Ok(text) if text == in_force => {
                self.board.write(|status| status.bad_config = None);
                return None;
            }
            Ok(text) => text,
            Err(refused) => return self.keep_old(refused),
        };
        match self.source.parse(&text) {
            Ok(config) => Some((text, config)),
            Err(refused) => self.keep_old(refused),
        }
    }

    fn keep_old(&self, refused: SourceError) -> Option<(String, Config)> {
        if self.board.read().bad_config.as_ref() != Some(&refused.why) {
            tracing::error!(why = refused.why, "the configuration cannot be used; the one before stays in force");
            self.board.write(|status| status.bad_config = Some(refused.why));
        }
        None
    }
}
