//! Answers to "who did it?" for people and for programs, each with what it covers.

pub mod actor;
mod chain;
mod configuration;
mod human;
mod lanes;
mod markdown;
mod missing;
mod names;
mod page;
mod said;
mod section;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use human::human;
pub use markdown::markdown;
pub use names::AccountNames;
#[cfg(feature = "sql")]
pub(in crate::report) use page::data as page_data;
pub use page::page;

use self::actor::ActorAnswer;
use super::text::json as json_text;
use crate::event::EventId;
use crate::investigate::answer::{ResourceAnswer, StepAnswer};
use crate::investigate::calls::{CallAnswer, SessionAnswer};
use crate::investigate::configuration::ConfigurationAnswer;
use crate::investigation::history::HistoryCoverage;
use crate::query::answer::AnswerCoverage;

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// An answer: the JSON of `orgtrail who`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhoAnswer {
    /// The version of this format.
    pub format_version: u32,
    /// What was asked.
    pub subject: String,
    /// The resources that records name so, those with most to say first.
    pub resources: Vec<ResourceAnswer>,
    /// How many more resources the records name.
    pub further_resources: usize,
    /// Calls whose callers were not traced, as they are of more sessions than are followed for one resource.
    pub untraced_calls: usize,
    /// The ARNs of the keys that an alias stood for, by the name of the alias: they are among the resources. Empty: no
    /// alias was asked for, or no record says it.
    pub keys_of_aliases: BTreeMap<String, BTreeSet<String>>,
    /// Calls of which the record hides what they were about: it may be this.
    pub withheld: Vec<StepAnswer>,
    /// The sessions and keys that were asked for, the last one first.
    pub sessions: Vec<SessionAnswer>,
    /// The events that were asked for, with the records of other accounts of the same call.
    pub calls: Vec<CallAnswer>,
    /// What is said about an actor. `None`: none was asked for.
    pub actor: Option<ActorAnswer>,
    /// What AWS Config saw change of the resources, beside the calls that name them. Empty: it was not asked, or there
    /// is no resource of a known type.
    pub configuration: Vec<ConfigurationAnswer>,
    /// The bucket of an object of which no record tells. `None`: something else was asked, or found.
    pub container: Option<ResourceAnswer>,
    /// Records that could not be read: they may say more.
    pub unread_records: usize,
    /// What the accounts that the answer names are called, by id. Empty: it is not known.
    pub account_names: AccountNames,
    /// Why the names of accounts are not known, where they were asked for. `None`: they are known, or were not asked
    /// for.
    pub account_names_unknown: Option<String>,
    /// Why the answer is not known to be whole, in sentences: which accounts, which days, which kinds of events, whose
    /// calls. Empty: it is whole.
    pub not_whole: Vec<String>,
    /// Show only how resources ended.
    #[serde(skip)]
    pub only_endings: bool,
    /// Trails record what was asked only where a selector names it: then nothing found means nothing.
    #[serde(skip)]
    pub only_data_events: bool,
    /// The event that was asked for. `None`: something else was.
    #[serde(skip)]
    pub event: Option<EventId>,
    /// Until when was looked. `None`: not known.
    #[serde(skip)]
    pub looked_until: Option<Timestamp>,
    /// What the answer covers of the archive. `None`: no archive was asked.
    pub coverage: Option<AnswerCoverage>,
    /// What was looked up in the event history. `None`: it was not asked.
    pub history: Option<HistoryCoverage>,
}

impl WhoAnswer {
    /// Returns an answer without anything in it.
    pub fn new(subject: String, coverage: Option<AnswerCoverage>, history: Option<HistoryCoverage>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            subject,
            resources: Vec::new(),
            further_resources: 0,
            untraced_calls: 0,
            keys_of_aliases: BTreeMap::new(),
            withheld: Vec::new(),
            sessions: Vec::new(),
            calls: Vec::new(),
            actor: None,
            configuration: Vec::new(),
            container: None,
            unread_records: 0,
            account_names: AccountNames::default(),
            account_names_unknown: None,
            not_whole: Vec::new(),
            only_endings: false,
            only_data_events: false,
            event: None,
            looked_until: None,
            coverage,
            history,
        }
    }

    /// Tells whether an actor was given by a name of which no record tells: a user or a role is named by its ARN.
    pub fn is_perhaps_misnamed(&self) -> bool {
        let is_plain = !self.subject.starts_with("arn:") && !self.subject.contains('@');
        self.actor.as_ref().is_some_and(ActorAnswer::is_empty) && is_plain
    }

    /// Tells whether no record is about what was asked.
    pub fn is_empty(&self) -> bool {
        let is_about_nothing = self.actor.as_ref().is_none_or(ActorAnswer::is_empty);
        self.resources.is_empty() && self.sessions.is_empty() && self.calls.is_empty() && is_about_nothing
    }

    /// Names the accounts of the answer, and says why it is not known to be whole.
    pub fn conclude(&mut self, names: AccountNames) {
        let text = serde_json::to_string(self).unwrap_or_default();
        self.account_names = names;
        self.account_names.retain_in(&text);
        self.not_whole = missing::missing(self);
    }

    /// Tells whether all is known that was asked: all was looked at, everything could be read, and of each call that
    /// counts it is known who stands behind it.
    pub fn is_whole(&self) -> bool {
        self.not_whole.is_empty()
    }

    /// Returns what it covers, in sentences for a person.
    fn sentences(&self) -> Vec<String> {
        let archive = self.coverage.iter().flat_map(AnswerCoverage::sentences);
        let history = self.history.iter().flat_map(HistoryCoverage::sentences);
        let unknown = self.account_names_unknown.iter().map(|why| format!("Names of accounts are not known: {why}."));
        archive.chain(history).chain(self.account_names.sentence()).chain(unknown).collect()
    }
}

/// Returns the JSON of an answer.
///
/// # Errors
/// None that can happen: the shape has only texts as names.
pub fn json(answer: &WhoAnswer) -> Result<String, serde_json::Error> {
    json_text::text(answer)
}
