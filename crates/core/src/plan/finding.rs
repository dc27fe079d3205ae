//! What is wrong now, apart from what its repair would risk: the one assessment of an estate that every command tells.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding_codes::is_known;
use crate::estate::{Address, StatementRef};

/// What a drift or a finding does to the audit trail as it is now, the worst first. It ranks reports, SARIF levels,
/// metrics and notifications; what the repair may do beside its purpose is a [`Risk`](super::Risk).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Events are not recorded at all: the trail is gone or stopped, or records less than it should.
    NothingRecorded,
    /// What is recorded does not arrive, or what has arrived is or will be deleted or made unreadable.
    LogsLost,
    /// Logs are open to readers or writers that were not meant.
    LogsExposed,
    /// Less is encrypted, validated, kept or guarded than configured, or members cannot read their own logs.
    LessProtected,
    /// No log is touched.
    Harmless,
}

impl Harm {
    /// All of them, the worst first.
    pub const ALL: [Harm; 5] =
        [Harm::NothingRecorded, Harm::LogsLost, Harm::LogsExposed, Harm::LessProtected, Harm::Harmless];

    /// Tells whether a log or its protection is touched: everything but [`Harm::Harmless`].
    pub fn does_harm(self) -> bool {
        self != Harm::Harmless
    }

    /// Returns the word that reports, metrics and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Harm::NothingRecorded => "nothing-recorded",
            Harm::LogsLost => "logs-lost",
            Harm::LogsExposed => "logs-exposed",
            Harm::LessProtected => "less-protected",
            Harm::Harmless => "harmless",
        }
    }

    /// Returns the place in a list, the worst first. What is not known, because it could not be read or proved, may be
    /// anything: it stands behind what is known to lose or expose logs, and before the rest.
    pub fn rank(harm: Option<Harm>) -> usize {
        match harm {
            Some(Harm::NothingRecorded) => 0,
            Some(Harm::LogsLost) => 1,
            Some(Harm::LogsExposed) => 2,
            None => 3,
            Some(Harm::LessProtected) => 4,
            Some(Harm::Harmless) => 5,
        }
    }

    /// Returns what it means, as reports print it.
    pub fn meaning(self) -> &'static str {
        match self {
            Harm::NothingRecorded => "events are not recorded as configured",
            Harm::LogsLost => "logs are being lost",
            Harm::LogsExposed => "logs are open to readers or writers that were not meant",
            Harm::LessProtected => "logs are less protected than configured",
            Harm::Harmless => "no log is touched",
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that is wrong in the estate and that no change of the plan repairs, or that has to be known beside it.
///
/// Ordered by harm, so that the worst comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it does now.
    pub harm: Harm,
    /// The resource.
    #[schemars(with = "String")]
    pub address: Address,
    /// A stable word for the kind of finding, such as `delivery-fails`.
    pub code: String,
    /// What is so, and what it may be, in a sentence or two.
    pub message: String,
    /// Since when, as far as AWS tells (RFC 3339); none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Until when events can still be saved (RFC 3339); none where nothing is lost, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What to do next.
    pub help: String,
    /// The statement of others that it is about, where `--destroy` can take that out. None where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub statement: Option<StatementRef>,
}

impl Finding {
    /// Makes a finding of which neither the beginning nor an end is known. Its code is one of
    /// [`FINDING_CODES`](super::finding_codes::FINDING_CODES).
    pub fn new(harm: Harm, address: &Address, code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        debug_assert!(is_known(code), "{code} is not in the table of codes (plan/finding_codes.rs)");
        let (address, code) = (address.clone(), code.to_owned());
        let (message, help) = (message.into(), help.into());
        Self { harm, address, code, message, since: None, until: None, help, statement: None }
    }

    /// Says which statement of others it is about.
    pub fn about(self, statement: Option<StatementRef>) -> Self {
        Self { statement, ..self }
    }
}

/// An invariant of isolation that could be neither proved nor refuted. It is never taken for proved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unproven {
    /// The resource whose document would have to be known or understood; the bucket's policy where it is none of them
    /// alone.
    pub address: Address,
    /// What may not hold.
    pub invariant: crate::policy::isolation::Invariant,
    /// The principal or service that it is about.
    pub principal: String,
    /// Why it cannot be told.
    pub why: String,
}
