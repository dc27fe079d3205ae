//! The state of an engine as bytes, and back: what survives a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rule_state::RuleState;
use super::tallies::Tallies;
use super::watermark::Watermark;
use super::{Engine, EngineSettings};
use crate::detect::ruleset::RuleSet;

/// The format of the bytes. One that differs is not read.
const VERSION: u32 = 1;

/// Why a state cannot be taken up.
#[derive(Debug, Error)]
pub enum BadState {
    /// It is damaged, or no state.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error("it has the format {0}, and this program writes and reads {VERSION}")]
    OtherVersion(u32),
}

/// An engine that goes on where another one was saved.
#[derive(Debug)]
pub struct Restored {
    /// The engine.
    pub engine: Engine,
    /// The ids of rules that begin anew: they changed since the state was saved.
    pub changed: Vec<String>,
    /// The ids of rules whose state was given up: they are not there any more.
    pub gone: Vec<String>,
}

#[derive(Serialize)]
struct Written<'e> {
    version: u32,
    watermark: &'e Watermark,
    known_since_us: Option<i64>,
    tallies: &'e Tallies,
    rules: BTreeMap<&'e str, WrittenRule<'e>>,
}

#[derive(Serialize)]
struct WrittenRule<'e> {
    fingerprint: &'e str,
    state: &'e RuleState,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    watermark: Watermark,
    known_since_us: Option<i64>,
    tallies: Tallies,
    rules: BTreeMap<String, ReadRule>,
}

#[derive(Deserialize)]
struct ReadRule {
    fingerprint: String,
    state: RuleState,
}

impl Engine {
    /// Returns the state as bytes: the same state gives the same bytes. Findings that were returned, and those that
    /// [`Engine::take_closed`] would return, are to be delivered before the state is kept: they are not in it.
    ///
    /// # Errors
    /// Those of the writer of JSON, which this state has no reason for.
    pub fn save(&self) -> Result<Vec<u8>, serde_json::Error> {
        let rules = self.rules.iter().zip(&self.states).map(|(rule, state)| {
            (rule.meta.id.as_str(), WrittenRule { fingerprint: rule.fingerprint.as_str(), state })
        });
        serde_json::to_vec(&Written {
            version: VERSION,
            watermark: &self.watermark,
            known_since_us: self.known_since_us,
            tallies: &self.tallies,
            rules: rules.collect(),
        })
    }

    /// Goes on where an engine was saved. A rule that changed since then begins anew.
    ///
    /// # Errors
    /// [`BadState`] for bytes that are no state of this version.
    pub fn restore(rules: &RuleSet, settings: EngineSettings, saved: &[u8]) -> Result<Restored, BadState> {
        let Version { version } = serde_json::from_slice(saved)?;
        if version != VERSION {
            return Err(BadState::OtherVersion(version));
        }
        let mut read: Read = serde_json::from_slice(saved)?;
        let mut engine = Engine::new(rules, settings);
        let mut changed = Vec::new();
        for (rule, state) in engine.rules.iter().zip(&mut engine.states) {
            match read.rules.remove(&rule.meta.id) {
                Some(saved) if saved.fingerprint == rule.fingerprint => *state = saved.state,
                Some(_) => changed.push(rule.meta.id.clone()),
                None => {}
            }
        }
        engine.watermark = read.watermark;
        engine.known_since_us = read.known_since_us;
        engine.tallies = read.tallies;
        Ok(Restored { engine, changed, gone: read.rules.into_keys().collect() })
    }
}
