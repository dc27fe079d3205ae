//! How Athena answered, and what its answer covers, in words.

use std::collections::BTreeSet;

use orgtrail_core::words::size;
use schemars::JsonSchema;
use serde::Serialize;

/// How Athena answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AthenaCoverage {
    /// The region that was asked.
    pub region: String,
    /// The workgroup that was asked.
    pub workgroup: String,
    /// The database of tables that the question names without one.
    pub database: String,
    /// Athena's id of the question, its query execution.
    pub execution_id: String,
    /// What Athena scanned, in bytes. `None`: it did not say.
    pub scanned_bytes: Option<u64>,
    /// The most that it was allowed to scan, in bytes.
    pub bytes_max: u64,
    /// The tables that the question reads. `None`: its syntax does not tell this program.
    pub tables: Option<Vec<String>>,
    /// Why it is not known what the answer covers. `None`: it is known.
    pub not_known: Option<String>,
}

/// What a lake has of what was asked for.
pub(super) struct Covered<'a> {
    /// Where it lies.
    pub(super) place: &'a str,
    /// When the archive was listed for it last. `None`: a share of the accounts never was.
    pub(super) updated: Option<&'a str>,
    /// The first and the last moment that were asked for. `None`: all that there is.
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    /// When its newest log file was made. `None`: there is none.
    pub(super) newest: Option<&'a str>,
    pub(super) accounts: usize,
    pub(super) regions: usize,
    pub(super) kinds: &'a BTreeSet<&'static str>,
}

impl AthenaCoverage {
    /// Says who answered, and how much was read for it.
    pub(super) fn asked(&self) -> String {
        let most = size(self.bytes_max);
        let scanned = match self.scanned_bytes {
            None => format!("Athena does not say how much it scanned; the limit is {most}"),
            // It may end between two looks.
            Some(bytes) if bytes > self.bytes_max => {
                format!("scanned {}, more than the limit of {most}: it ended before it could be stopped", size(bytes))
            }
            Some(bytes) => format!("scanned {} of at most {most}", size(bytes)),
        };
        let Self { region, workgroup, execution_id, .. } = self;
        format!("Asked Athena in {region}, workgroup {workgroup}, query execution {execution_id}: {scanned}.")
    }

    /// Says what the answer covers, or why that is not known.
    pub(super) fn covers(&self, covered: &Covered<'_>) -> String {
        if let Some(why) = &self.not_known {
            return format!("What the answer covers is not known: {why}.");
        }
        let Covered { place, accounts, regions, .. } = covered;
        let from = covered.from.unwrap_or("the beginning");
        let to = covered.to.unwrap_or("its newest log file");
        let updated = covered.updated.unwrap_or("at an unknown time");
        let newest = covered.newest.map(|at| format!(", the newest log file of {at}")).unwrap_or_default();
        let kinds: Vec<&str> = covered.kinds.iter().copied().collect();
        let kinds = if kinds.is_empty() { "no kind of logs".to_owned() } else { kinds.join(" and ") };
        format!(
            "Covers the lake {place} as it was updated {updated}, {from} to {to}: accounts {accounts}, regions {regions}, \
             {kinds}{newest}; log files that came later are not seen."
        )
    }
}
