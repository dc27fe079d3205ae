//! What comes of a rule that rang: one finding for each rule, group and window.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::Level;
use crate::event::{Actor, ActorKind, Mfa};

/// Who did it, as all answers of the program name it. What is proven and what is only claimed are two things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FindingPrincipal {
    /// In one line: the ARN where there is one.
    pub name: String,
    /// `root`, `assumed root`, `user`, `role`, `federated user`, `identity center user`, `external user`, `service`,
    /// `account`, `anonymous` or `unknown`.
    pub kind: String,
    /// Its account. `None`: not recorded, or none, as for services.
    pub account: Option<String>,
    /// The ARN of the role or user that a session is of. `None`: it is no session, or not recorded.
    pub role: Option<String>,
    /// How the session is named: a claim of whoever began it. `None`: it is no session.
    pub session_name: Option<String>,
    /// Who began the chain of sessions, which cannot be changed later. `None`: not set.
    pub source_identity: Option<String>,
    /// The service that called on its behalf. `None`: it called itself, or is that service.
    pub through: Option<String>,
    /// The access key that signed. `None`: not recorded.
    pub access_key: Option<String>,
    /// Whether a second factor was used. `None`: not recorded, which is not *no*.
    pub mfa: Option<bool>,
}

impl DetectionFinding {
    /// Returns the title, and whether it was only attempted.
    pub fn headline(&self) -> String {
        if self.done_count == 0 { format!("Attempted: {}", self.title) } else { self.title.clone() }
    }
}

impl FindingPrincipal {
    pub(super) fn of(actor: &Actor) -> Self {
        Self {
            name: actor.name.clone(),
            kind: kind(actor.kind).to_owned(),
            account: actor.account.clone(),
            role: actor.role.clone(),
            session_name: actor.session_name.clone(),
            source_identity: actor.source_identity.clone(),
            through: actor.through.clone(),
            access_key: actor.access_key.clone(),
            mfa: match actor.mfa {
                Mfa::Used => Some(true),
                Mfa::NotUsed => Some(false),
                Mfa::NotRecorded => None,
            },
        }
    }
}

fn kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Root => "root",
        ActorKind::AssumedRoot => "assumed root",
        ActorKind::User => "user",
        ActorKind::Role => "role",
        ActorKind::FederatedUser => "federated user",
        ActorKind::IdentityCenterUser => "identity center user",
        ActorKind::ExternalUser => "external user",
        ActorKind::Service => "service",
        ActorKind::Account => "account",
        ActorKind::Anonymous => "anonymous",
        ActorKind::Unknown => "unknown",
    }
}

/// A rule that rang for a group within a window. Texts that come from records are as recorded: whoever prints them
/// makes them harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DetectionFinding {
    /// The id, in hexadecimal: that of the same rule, window and group is the same after a restart and in a replica.
    pub id: String,
    /// The id of the rule.
    pub rule: String,
    /// The title of the rule.
    pub title: String,
    /// The level of the rule, or that of an override.
    pub level: Level,
    /// Who wrote the rule. Empty: the rule does not say. The licence of SigmaHQ's rules asks that it is shown.
    pub author: String,
    /// What the rule is about. Empty: the rule does not say.
    pub description: String,
    /// The tags of the rule, such as `attack.t1562.008`.
    pub tags: Vec<String>,
    /// What rings although nothing is wrong.
    pub false_positives: Vec<String>,
    /// What to do first. Empty: the rule does not say.
    pub next_step: String,
    /// What the events of the finding have in common: names of fields with their values.
    pub group: Vec<(String, String)>,
    /// When the window of the finding begins.
    #[schemars(with = "String")]
    pub window_start: Timestamp,
    /// When it ends.
    #[schemars(with = "String")]
    pub window_end: Timestamp,
    /// The time of the first event.
    #[schemars(with = "String")]
    pub first_event_time: Timestamp,
    /// The time of the last event.
    #[schemars(with = "String")]
    pub last_event_time: Timestamp,
    /// How many different events there are.
    pub event_count: u64,
    /// How many of them were done, or may have been. The others were denied or failed.
    pub done_count: u64,
    /// The counts are exact. If not, there were too many events to count each once.
    pub is_exact: bool,
    /// The ids of the first of the events.
    pub event_ids: Vec<String>,
    /// Who did it: the principal of the first event.
    pub principal: FindingPrincipal,
    /// All who did it, by name; the first ten in the order of the alphabet, as in all lists that follow.
    pub principals: Vec<String>,
    /// What was called: `StopLogging (cloudtrail.amazonaws.com)`.
    pub actions: Vec<String>,
    /// The resources that the events name, each as its type and its ARN, id or name.
    pub resources: Vec<String>,
    /// The accounts that the events were delivered to.
    pub accounts: Vec<String>,
    /// The regions that were called.
    pub regions: Vec<String>,
    /// The addresses or services that the calls came from.
    pub source_ip_addresses: Vec<String>,
    /// The finding is of an event that came after its window was closed.
    pub is_late: bool,
    /// There were more groups than are kept apart: this finding stands for all the others of its window.
    pub is_folded: bool,
    /// From when on is known what was seen before: for what was not seen. `None`: the rule does not ask that.
    #[schemars(with = "Option<String>")]
    pub known_since: Option<Timestamp>,
    /// The command that shows more.
    pub command: String,
}
