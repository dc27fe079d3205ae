//! Answers to "who did it?" for people and for programs, each with what it covers.

pub mod actor;
mod human;
mod markdown;
mod page;
mod said;
mod section;

use schemars::JsonSchema;
use serde::Serialize;

pub use human::human;
pub use markdown::markdown;
#[cfg(feature = "sql")]
pub(in crate::report) use page::data as page_data;
pub use page::page;

use self::actor::ActorAnswer;
use super::text::json as json_text;
use crate::investigate::answer::{EndingAnswer, OutcomeAnswer, Person, ResourceAnswer, StepAnswer};
use crate::investigate::calls::{CallAnswer, SessionAnswer};
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
    /// Calls of which the record hides what they were about: it may be this.
    pub withheld: Vec<StepAnswer>,
    /// The sessions and keys that were asked for, the last one first.
    pub sessions: Vec<SessionAnswer>,
    /// The events that were asked for, with the records of other accounts of the same call.
    pub calls: Vec<CallAnswer>,
    /// What is said about an actor. `None`: none was asked for.
    pub actor: Option<ActorAnswer>,
    /// Records that could not be read: they may say more.
    pub unread_records: usize,
    /// Show only how resources ended.
    #[serde(skip)]
    pub only_endings: bool,
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
            withheld: Vec::new(),
            sessions: Vec::new(),
            calls: Vec::new(),
            actor: None,
            unread_records: 0,
            only_endings: false,
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

    /// Tells whether all is known that was asked: all was looked at, everything could be read, and of each call that
    /// counts it is known who stands behind it.
    pub fn is_whole(&self) -> bool {
        let is_covered = match (&self.coverage, &self.history) {
            (Some(archive), history) => archive.is_whole && history.as_ref().is_none_or(|own| own.gaps.is_empty()),
            (None, history) => history.as_ref().is_some_and(HistoryCoverage::is_whole),
        };
        is_covered
            && self.unread_records == 0
            && self.withheld.is_empty()
            && self
                .actor
                .as_ref()
                .is_none_or(|own| own.missing.is_empty() && own.unclear.is_empty() && own.nameless.is_empty())
            && self.further_resources == 0
            && self.knows_who()
            && !self.resources.iter().any(|own| {
                own.incarnations.first().is_some_and(|last| matches!(last.ending, EndingAnswer::MaybeDeleted))
            })
    }

    /// Returns what it covers, in sentences for a person.
    fn sentences(&self) -> Vec<String> {
        let archive = self.coverage.iter().flat_map(AnswerCoverage::sentences);
        archive.chain(self.history.iter().flat_map(HistoryCoverage::sentences)).collect()
    }

    /// Tells whether it is known who stands behind each call that counts: those that ended a resource, or made the one
    /// that nothing ended; keys, sessions and events.
    fn knows_who(&self) -> bool {
        let known = |person: Option<&Person>| person.is_some_and(|person| person.lost.is_none());
        let of_resources =
            self.resources.iter().flat_map(|own| &own.incarnations).all(|own| match (own.end(), own.maker()) {
                (Some(end), _) => end.is_by_aws || known(end.person.as_ref()),
                (None, Some(maker)) => {
                    maker.outcome == OutcomeAnswer::Done && (maker.is_by_aws || known(maker.person.as_ref()))
                }
                (None, None) => true,
            });
        of_resources
            && self.sessions.iter().all(|own| known(own.person.as_ref()))
            && self.calls.iter().all(|own| known(own.person.as_ref()))
    }
}

/// Returns the JSON of an answer.
///
/// # Errors
/// None that can happen: the shape has only texts as names.
pub fn json(answer: &WhoAnswer) -> Result<String, serde_json::Error> {
    json_text::text(answer)
}
