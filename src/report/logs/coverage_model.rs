//! The versioned JSON of coverage. The field names are a contract; conversion is written out.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::config::ConfigRowJson;
use crate::archive::inflate::{hex, sha256};
use crate::logs::coverage::{Arrival, Coverage, Gap, Row};
use crate::logs::expected::TrailStatus;

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// Coverage: what arrived, by account, region, kind of log, trail and layout.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverageJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The bucket or folder that was listed.
    store: &'a str,
    /// The ids of the organizations whose folders have logs.
    organizations: BTreeSet<&'a str>,
    /// The only account that was asked about; null for all.
    account: Option<&'a str>,
    /// The only region that was asked about; null for all.
    region: Option<&'a str>,
    /// The start of the range (RFC 3339).
    from: String,
    /// The end of the range (RFC 3339).
    to: String,
    /// How many rows are in each state.
    summary: CoverageSummary,
    /// One row for each account, region, kind of log, trail and layout.
    rows: Vec<RowJson<'a>>,
    /// One row for each account and region of AWS Config; left out without --aws-config.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_rows: Option<Vec<ConfigRowJson<'a>>>,
    /// What CloudTrail says about the trails.
    trails: Vec<TrailJson<'a>>,
    /// What could not be read, as sentences.
    not_known: &'a [String],
    /// When the report was made (RFC 3339).
    made_at: String,
    /// The version of orgtrail that made it.
    tool_version: &'static str,
    /// The hash of all fields before this one as compact JSON, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// How many rows are in each state.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverageSummary {
    /// All rows.
    rows: usize,
    /// Logs arrive up to now, without a gap.
    arriving: usize,
    /// Digests arrive up to now, and list no log file of the range, or none since the newest one.
    quiet: usize,
    /// Digests arrive, and no log file of the range or of its end is there, though they list some or could not be read.
    digests_only: usize,
    /// Logs arrive up to now, with hours without a digest, or without log files that digests list.
    gaps: usize,
    /// Logs no longer arrive.
    stopped: usize,
    /// There is nothing in the range.
    nothing: usize,
    /// Logs no longer arrive, and another trail or place goes on.
    ended: usize,
    /// A kind of log that need not come every hour was seen.
    seen: usize,
    /// The row could not be listed.
    unread: usize,
    /// How many accounts should deliver; null where it is not known.
    accounts_expected: Option<usize>,
    /// The names of the trails that should deliver, as the configuration says.
    trails_expected: BTreeSet<String>,
    /// How many accounts and regions have nothing newer than the limit; null where no limit was given.
    older_than_limit: Option<usize>,
}

/// One row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RowJson<'a> {
    /// The account id.
    account: &'a str,
    /// The name of the account; null where it is not known.
    name: Option<&'a str>,
    /// The region of the events.
    region: &'a str,
    /// The kind of log, as its folder is named: `CloudTrail`, `CloudTrail-Insight`.
    kind: &'a str,
    /// The trail; null where no digest tells it.
    trail: Option<&'a str>,
    /// The path before the account's folder; empty where nothing was found.
    layout: &'a str,
    /// `arriving`, `quiet`, `digests_only`, `gaps`, `stopped`, `nothing`, `ended`, `seen` or `unread`.
    state: &'static str,
    /// How many log files there are.
    files: u64,
    /// The time in the name of the first log file (RFC 3339); null where there is none.
    first: Option<String>,
    /// The time in the name of the last log file (RFC 3339); null where there is none.
    last: Option<String>,
    /// The time of the newest log file or digest (RFC 3339); null where there is none.
    newest: Option<String>,
    /// How many digests there are.
    digests: u64,
    /// How many hours have a digest.
    hours_with_digest: i64,
    /// How many hours have none and should have one.
    hours_without_digest: i64,
    /// The bytes of the log files, as stored.
    bytes: u64,
    /// The hours without a digest.
    gaps: Vec<GapJson<'a>>,
    /// What a person should know beside the gaps; null where there is nothing.
    note: Option<&'a str>,
    /// The delay that half of the deliveries did not pass, in minutes; null where no times are known.
    delay_median_min: Option<u32>,
    /// The longest delay of a delivery, in minutes; null where no times are known.
    delay_max_min: Option<u32>,
    /// Logs should arrive here.
    expected: bool,
    /// Why the listing is not whole; null where it is.
    problem: Option<&'a str>,
}

/// Hours without a digest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GapJson<'a> {
    /// Where they start (RFC 3339).
    from: String,
    /// Where they end (RFC 3339).
    to: String,
    /// Why there is none.
    reason: &'a str,
    /// The reason is likely, not known.
    guess: bool,
    /// The hours are before the trail began.
    before_start: bool,
}

/// What CloudTrail says about a trail.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TrailJson<'a> {
    /// Its name.
    name: &'a str,
    /// The bucket that it delivers to.
    bucket: &'a str,
    /// The key prefix: empty, or ends with `/`.
    prefix: &'a str,
    /// It is logging.
    logging: bool,
    /// When it was stopped (RFC 3339); null where it was not, or it is not known.
    stopped: Option<String>,
    /// When it was started (RFC 3339); null where it is not known.
    started: Option<String>,
    /// When it delivered last (RFC 3339); null where it did not, or it is not known.
    delivered: Option<String>,
    /// Why it cannot deliver; null where it can.
    delivery_error: Option<&'a str>,
}

/// One line of JSON Lines.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CoverageLine<'a> {
    /// A row.
    Row {
        /// The row.
        row: Box<RowJson<'a>>,
    },
    /// A row of AWS Config.
    ConfigRow {
        /// The row.
        row: Box<ConfigRowJson<'a>>,
    },
    /// The last line.
    Summary {
        /// The hash of the whole report as compact JSON, in hexadecimal.
        sha256: String,
        /// The version of this format.
        format_version: u32,
        /// The bucket or folder that was listed.
        store: &'a str,
        /// The ids of the organizations whose folders have logs.
        organizations: BTreeSet<&'a str>,
        /// The only account that was asked about; null for all.
        account: Option<&'a str>,
        /// The only region that was asked about; null for all.
        region: Option<&'a str>,
        /// The start of the range (RFC 3339).
        from: String,
        /// The end of the range (RFC 3339).
        to: String,
        /// How many rows are in each state.
        summary: Box<CoverageSummary>,
        /// What CloudTrail says about the trails.
        trails: Vec<TrailJson<'a>>,
        /// What could not be read, as sentences.
        not_known: &'a [String],
        /// When the report was made (RFC 3339).
        made_at: String,
        /// The version of orgtrail that made it.
        tool_version: &'static str,
    },
}

impl<'a> CoverageJson<'a> {
    /// Returns the JSON shape of coverage. `limit` marks the rows that are older; none where no limit was given.
    pub fn of(coverage: &'a Coverage, limit: Option<SignedDuration>) -> Self {
        let mut whole = Self {
            format_version: FORMAT_VERSION,
            store: &coverage.store,
            organizations: organizations(coverage),
            account: coverage.sought.account.as_ref().map(|account| account.as_str()),
            region: coverage.sought.region.as_ref().map(|region| region.as_str()),
            from: coverage.range.start.to_string(),
            to: coverage.range.end.to_string(),
            summary: CoverageSummary::of(coverage, limit),
            rows: coverage.rows.iter().map(RowJson::of).collect(),
            config_rows: coverage.config.as_ref().map(|rows| rows.iter().map(ConfigRowJson::of).collect()),
            trails: coverage.trails.iter().map(TrailJson::of).collect(),
            not_known: &coverage.unread,
            made_at: coverage.now.to_string(),
            tool_version: env!("CARGO_PKG_VERSION"),
            sha256: None,
        };
        whole.sha256 = Some(hex(&sha256(serde_json::json!(whole).to_string().as_bytes())));
        whole
    }

    /// Returns the hash of the report as compact JSON, in hexadecimal: the same in every format of the report.
    pub fn sha256(&self) -> &str {
        self.sha256.as_deref().unwrap_or_default()
    }

    /// Returns the lines of JSON Lines: one a row, one a row of AWS Config, and a last one with the summary.
    pub fn into_lines(self) -> impl Iterator<Item = CoverageLine<'a>> {
        let Self {
            format_version,
            store,
            organizations,
            account,
            region,
            from,
            to,
            summary,
            rows,
            config_rows,
            trails,
            not_known,
            made_at,
            tool_version,
            sha256,
        } = self;
        let last = CoverageLine::Summary {
            sha256: sha256.unwrap_or_default(),
            format_version,
            store,
            organizations,
            account,
            region,
            from,
            to,
            summary: Box::new(summary),
            trails,
            not_known,
            made_at,
            tool_version,
        };
        let rows = rows.into_iter().map(|row| CoverageLine::Row { row: Box::new(row) });
        let config = config_rows.into_iter().flatten().map(|row| CoverageLine::ConfigRow { row: Box::new(row) });
        rows.chain(config).chain([last])
    }
}

/// Returns the ids of the organizations whose folders have logs.
pub(super) fn organizations(coverage: &Coverage) -> BTreeSet<&str> {
    coverage.rows.iter().filter_map(|row| row.scope.as_ref()?.organization.as_deref()).collect()
}

impl CoverageSummary {
    fn of(coverage: &Coverage, limit: Option<SignedDuration>) -> Self {
        let rows = |arrival| coverage.rows.iter().filter(|row| row.arrival == arrival).count();
        Self {
            rows: coverage.rows.len(),
            arriving: rows(Arrival::Arriving),
            quiet: rows(Arrival::Quiet),
            digests_only: rows(Arrival::DigestsOnly),
            gaps: rows(Arrival::Gaps),
            stopped: rows(Arrival::Stopped),
            nothing: rows(Arrival::Nothing),
            ended: rows(Arrival::Ended),
            seen: rows(Arrival::Seen),
            unread: rows(Arrival::Unread),
            accounts_expected: coverage.expected_accounts,
            trails_expected: coverage.expected_trails.clone(),
            older_than_limit: limit.map(|limit| coverage.older_than(limit).count()),
        }
    }
}

impl<'a> RowJson<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            account: row.account.as_str(),
            name: row.name.as_deref(),
            region: row.region.as_str(),
            kind: row.kind.folder(),
            trail: row.trail.as_ref().map(|trail| trail.as_str()),
            layout: &row.layout,
            state: row.arrival.as_str(),
            files: row.files.count,
            first: time(row.files.first),
            last: time(row.files.last),
            newest: time(row.newest),
            digests: row.digests,
            hours_with_digest: row.hours_with_digest(),
            hours_without_digest: row.hours_without_digest(),
            bytes: row.files.bytes,
            gaps: row.gaps.iter().map(GapJson::of).collect(),
            note: row.note.as_deref(),
            delay_median_min: row.files.delays.median_minutes(),
            delay_max_min: row.files.delays.max_minutes(),
            expected: row.is_expected,
            problem: row.problem.as_deref(),
        }
    }
}

impl<'a> GapJson<'a> {
    fn of(gap: &'a Gap) -> Self {
        let Gap { window, reason, is_guess, is_before_start } = gap;
        Self {
            from: window.start.to_string(),
            to: window.end.to_string(),
            reason,
            guess: *is_guess,
            before_start: *is_before_start,
        }
    }
}

impl<'a> TrailJson<'a> {
    fn of(trail: &'a TrailStatus) -> Self {
        let TrailStatus { name, delivery, is_logging, stopped, started, delivered, delivery_error } = trail;
        Self {
            name,
            bucket: &delivery.bucket,
            prefix: &delivery.prefix,
            logging: *is_logging,
            stopped: time(*stopped),
            started: time(*started),
            delivered: time(*delivered),
            delivery_error: delivery_error.as_deref(),
        }
    }
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
