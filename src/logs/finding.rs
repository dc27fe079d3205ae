//! What can be said about a piece of evidence: three states, and findings with a code, a place and a reason. Pure.

use std::fmt;

use jiff::{SignedDuration, Timestamp, Unit};

/// How well something is proved. The order is from good to bad: the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// CloudTrail's signature covers it and nothing differs.
    Attested,
    /// It cannot be proved, and nothing shows that it was altered.
    Unproven,
    /// Something differs from what CloudTrail signed, or what it signed is gone.
    Broken,
}

impl State {
    /// Returns the state's word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Attested => "ATTESTED",
            State::Unproven => "UNPROVEN",
            State::Broken => "BROKEN",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What was found. The texts are part of the JSON contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
        pub enum Code { $($(#[$doc])* #[schemars(rename = $text)] $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// Returns the code's text in reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A log file's content is not what its digest says.
    LogHashMismatch = "log.hash_mismatch",
    /// A log file that a digest lists is gone.
    LogMissing = "log.missing",
    /// A log file could not be read, or is no whole gzip file.
    LogUnreadable = "log.unreadable",
    /// Log files are in an archive class, and must be restored before they can be read.
    LogArchived = "log.archived",
    /// Bytes follow the attested content of a log file.
    LogTrailingData = "log.trailing_data",
    /// A log file lies there without its gzip wrapper; its content is what its digest says.
    LogUnwrapped = "log.unwrapped",
    /// No digest lists a log file.
    LogUnlisted = "log.unlisted",
    /// A log file lies in hours of which there is no valid digest, so that nothing says what it should be.
    LogUnderNoDigest = "log.under_no_digest",
    /// A digest lists an object that is no log file of the chain's account and region, or lies in another bucket.
    LogOutOfScope = "log.out_of_scope",
    /// A digest's signature is not CloudTrail's.
    DigestBadSignature = "digest.bad_signature",
    /// A digest that must have existed is gone.
    DigestMissing = "digest.missing",
    /// A digest could not be read, or is no digest.
    DigestUnreadable = "digest.unreadable",
    /// Digests are in an archive class, and must be restored before they can be read.
    DigestArchived = "digest.archived",
    /// The public key that a digest names is not known.
    DigestUnknownKey = "digest.unknown_key",
    /// A digest names a public key that CloudTrail, asked for its keys of that time, does not have.
    DigestForeignKey = "digest.foreign_key",
    /// A digest is signed with a key outside the time in which CloudTrail signs with it.
    DigestKeyOutOfTime = "digest.key_out_of_time",
    /// Only the evidence bundle itself vouches for the public keys.
    KeysOfBundle = "keys.of_bundle",
    /// The evidence bundle is not signed by who should have signed it.
    BundleSigner = "bundle.signer",
    /// Neither metadata nor a successor holds a digest's signature.
    DigestNoSignature = "digest.no_signature",
    /// A backfill digest does not say when it was made.
    DigestNoTimestamp = "digest.no_timestamp",
    /// A digest does not lie where CloudTrail delivered it.
    DigestMoved = "digest.moved",
    /// Bytes follow the attested content of a digest.
    DigestTrailingData = "digest.trailing_data",
    /// A digest lies there without its gzip wrapper.
    DigestUnwrapped = "digest.unwrapped",
    /// A digest's record of its predecessor does not fit the predecessor.
    DigestLinkMismatch = "digest.link_mismatch",
    /// Hours that no digest attests, within a chain or before it.
    ChainGap = "chain.gap",
    /// The newest digests are absent.
    ChainTailMissing = "chain.tail_missing",
    /// There is no digest at all.
    ChainAbsent = "chain.absent",
    /// A chain goes on in a bucket or below a prefix that was not given.
    ChainElsewhere = "chain.elsewhere",
    /// Digests that CloudTrail delivered to another bucket or prefix, and nothing says that this place stands for it.
    ChainCopy = "chain.copy",
    /// Hours that were asked for, older than the lifecycle rule keeps.
    ChainExpired = "chain.expired",
    /// An account, region or trail that should have a chain has none.
    ChainExpected = "chain.expected",
    /// A listing could not be had, so that objects may be unknown.
    ChainUnlisted = "chain.unlisted",
    /// The range that was asked for ends in the future.
    RangeFuture = "range.future",
    /// A digest or object is younger than this machine's clock allows.
    ClockSlow = "clock.slow",
    /// The store holds what is no object: a link, a pipe, a device.
    StoreOddFile = "store.odd_file",
    /// The run was stopped before this was looked at.
    RunInterrupted = "run.interrupted",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A span of time, from its start up to, not including, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    /// Where it starts.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
}

/// What one digest attests.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// One day.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The most hours of one gap that are listed one by one: a month. The rest is one longer window.
const LISTED_HOURS_MAX: usize = 31 * 24;

impl TimeRange {
    /// Returns the hour that ends at a moment.
    pub fn hour_until(end: Timestamp) -> Self {
        Self { start: end.saturating_sub(HOUR).unwrap_or(end), end }
    }

    /// Returns the window as hours, the last of which may be shorter, or longer when there are very many.
    pub fn hours(self) -> Vec<TimeRange> {
        let mut hours = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let next = start.saturating_add(HOUR).unwrap_or(self.end).min(self.end);
            let end = if hours.len() == LISTED_HOURS_MAX { self.end } else { next };
            hours.push(TimeRange { start, end });
            start = end;
        }
        hours
    }

    /// Returns the full hour in which the window starts, as findings name it.
    pub fn hour(self) -> Timestamp {
        let down = jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
        self.start.round(down).unwrap_or(self.start)
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// What it means for the proof.
    pub state: State,
    /// The object that it is about; none where it is about no single one.
    pub object: Option<String>,
    /// The time whose proof it touches; none where it touches no hour more than others.
    pub window: Option<TimeRange>,
    /// The reason, for a person.
    pub detail: String,
    /// What to do next, where more is known than the kind of the finding tells; not set otherwise.
    pub next: Option<String>,
}

impl Finding {
    /// Returns what findings are sorted by.
    pub fn order(&self) -> (Option<TimeRange>, Code, &Option<String>) {
        (self.window, self.code, &self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> TimeRange {
        TimeRange { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    #[test]
    fn the_worst_state_wins() {
        assert_eq!(State::Attested.max(State::Unproven).max(State::Broken), State::Broken);
        assert_eq!(State::Unproven.max(State::Attested), State::Unproven);
    }

    #[test]
    fn codes_are_the_contract() {
        let texts: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for text in "log.hash_mismatch log.missing log.unreadable log.trailing_data log.unlisted digest.bad_signature \
                     digest.missing digest.unreadable digest.unknown_key digest.no_signature digest.no_timestamp \
                     digest.moved digest.trailing_data digest.link_mismatch chain.gap chain.tail_missing chain.absent"
            .split_whitespace()
        {
            assert!(texts.contains(&text), "{text}");
        }
    }

    #[test]
    fn a_gap_is_listed_by_hours() {
        let hours = window("2026-11-20T10:01:31Z", "2026-11-20T12:31:31Z").hours();
        let starts: Vec<String> = hours.iter().map(|h| h.start.to_string()).collect();
        assert_eq!(starts, ["2026-11-20T10:01:31Z", "2026-11-20T11:01:31Z", "2026-11-20T12:01:31Z"]);
        assert_eq!(hours[2].end, "2026-11-20T12:31:31Z".parse().unwrap());
        assert_eq!(hours[0].hour(), "2026-11-20T10:00:00Z".parse().unwrap());
        let long = window("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z").hours();
        assert_eq!(long.len(), LISTED_HOURS_MAX + 1);
        assert_eq!(long[LISTED_HOURS_MAX].end, "2026-01-01T00:00:00Z".parse().unwrap());
    }
}
