//! What an answer covers: which hours of which accounts and regions were looked at, what could not be read, and what is
//! not known to be whole. "Nothing found" means nothing without it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::scan::{LakeNeeds, NeededFiles, Scans, UnreadPart};
use super::athena::{AthenaCoverage, Covered};
use super::ended::Ended;
use super::gaps::{Gaps, HoursGap};
use orgtrail_archive::archive::listing::{ChainPlace, Listing};
use orgtrail_archive::archive::window::{BEGINNING, Window, day_of};
use orgtrail_core::words::size;

/// What is known beside the archive itself.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The present.
    pub now: Timestamp,
    /// Accounts that should have logs, by id. `None`: unknown.
    pub expected: Option<&'a BTreeSet<String>>,
}

/// Hours of accounts and regions: one hour of one account in one region counts one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hours {
    /// All that were asked for, where there are logs at all.
    pub all: u64,
    /// Those with a digest, in which CloudTrail lists what it delivered. It was not verified, unless they are attested.
    pub with_digest: u64,
    /// Of these, those that were proved when the lake was sealed: what CloudTrail signed is what was put in, and all of
    /// it was.
    pub attested: u64,
    /// Those that are so recent that their logs or digests may still come.
    pub pending: u64,
    /// Those without a digest: nothing says whether logs are missing.
    pub without_digest: u64,
}

/// What an answer took from a lake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LakeCoverage {
    /// Where it lies.
    pub place: String,
    /// Slots that were needed.
    pub slots: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Records that they were made of: those of all accounts, regions and hours in them, also where fewer were asked
    /// for.
    pub records: u64,
    /// Of these, those that were delivered more than once, and count once.
    pub duplicates: u64,
    /// When the archive was listed for it last. `None`: a share of the accounts never was.
    pub updated: Option<String>,
    /// Whether log files that came later were looked for in the archive, and read.
    pub has_newer: bool,
}

/// What an answer covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnswerCoverage {
    /// The first moment that was asked for. `None`: from the beginning of the archive.
    pub from: Option<String>,
    /// The last moment that was asked for. `None`: the present.
    pub to: Option<String>,
    /// When the newest log file that was looked at was made. `None`: there is none.
    pub newest: Option<String>,
    /// How many accounts have logs among what was asked for.
    pub accounts: usize,
    /// How many regions have.
    pub regions: usize,
    /// The kinds of logs that there are, by the names of their folders.
    pub kinds: BTreeSet<&'static str>,
    /// Hours, by what is known of them.
    pub hours: Hours,
    /// Where the hours without a digest are: the first hundred accounts and regions, those with most hours first.
    pub gaps: Vec<HoursGap>,
    /// The lake that was asked. `None`: log files only.
    pub lake: Option<LakeCoverage>,
    /// How Athena answered. `None`: it was not asked.
    pub athena: Option<AthenaCoverage>,
    /// Log files that were needed; beside a lake those that are not in it yet.
    pub files: u64,
    /// Their size as stored, in bytes.
    pub bytes: u64,
    /// Records that were read in them; those of slots are counted with the lake.
    pub records: u64,
    /// Records of them that were delivered more than once, and count once.
    pub duplicates: u64,
    /// Records without a time that can be read: no question about a time finds them.
    pub without_time: u64,
    /// Accounts and regions that were asked for, or should have logs, and have none.
    pub without_logs: Vec<String>,
    /// Keys and files among the logs that are none of CloudTrail's, and were not read: the first of them.
    pub beside: Vec<String>,
    /// How many there are.
    pub beside_count: usize,
    /// What could not be listed or read: the first hundred.
    pub unread: Vec<UnreadPart>,
    /// How many could not.
    pub unread_count: u64,
    /// A part of the question is about hours, accounts or regions of which there are no logs at all.
    pub has_empty_part: bool,
    /// Why the answer ended early. `None`: it is all there is.
    pub ended: Option<String>,
    /// Deliveries later than this behind the end of the time were not looked for, in seconds. `None`: all were.
    pub late_seconds: Option<i64>,
    /// What the question cannot see, as its author says; empty: it says nothing.
    pub cannot_see: String,
    /// The question needs no events: it is about tables, or about nothing.
    pub needs_no_events: bool,
    /// Whether all that was asked for was looked at, and nothing is known to be missing.
    pub is_whole: bool,
}

/// How long logs and digests may take: digests of an hour are delivered at the end of the hour, and log files "within
/// an average of about 5 minutes", which is not guaranteed (CloudTrail user guide, "How CloudTrail works").
const PENDING: SignedDuration = SignedDuration::from_hours(2);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How long a listing that goes on is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// Parts that are named.
const NAMED_MAX: usize = 100;
/// What is said of a question that needs no events.
const NO_EVENT: &str = "No event was looked at: the question needs none.";

impl AnswerCoverage {
    /// Returns what the questions of an engine covered so far.
    pub async fn of(scans: &Scans, answered: Answered<'_>, ended: Option<Ended>, cannot_see: String) -> Self {
        // Where it was ended while the archive was listed, nothing is known of it.
        let locked = tokio::time::timeout(PATIENCE, scans.needs.lock()).await;
        let listings = locked.map(|needs| needs.clone()).unwrap_or_default();
        let looked = scans.tally.looked();
        let needed = NeededFiles::of(listings.values().map(AsRef::as_ref));
        let mut coverage = Self {
            lake: scans.lake.as_ref().map(|lake| LakeCoverage {
                place: lake.store.name(),
                slots: needed.slots,
                bytes: needed.slot_bytes,
                records: looked.slot_records,
                duplicates: looked.slot_duplicates,
                ..LakeCoverage::default()
            }),
            files: needed.files,
            bytes: needed.bytes,
            records: looked.records,
            duplicates: looked.duplicates,
            without_time: looked.without_time,
            needs_no_events: listings.is_empty() && ended.is_none(),
            ended: ended.map(Ended::text),
            cannot_see,
            ..Self::default()
        };
        let (mut seen, mut refused, mut is_first) = (Seen::default(), BTreeSet::new(), true);
        for (window, needs) in listings.iter() {
            let listing = &needs.listing;
            if let Some(lake) = &needs.lake {
                coverage.add_lake(lake);
            }
            coverage.widen(window, is_first);
            is_first = false;
            let none = BTreeMap::new();
            let sealed = needs.lake.as_ref().map_or(&none, |lake| &lake.sealed);
            seen.add(window, listing, sealed, answered);
            refused.extend(listing.refused.iter().map(|(key, why)| UnreadPart { key: key.clone(), why: why.clone() }));
            // The same place is listed for each window.
            if listing.beside_count > coverage.beside_count {
                (coverage.beside, coverage.beside_count) = (listing.beside.clone(), listing.beside_count);
            }
        }
        coverage.unread_count += refused.len() as u64;
        coverage.unread.extend(refused);
        coverage.unread.sort();
        coverage.unread.extend(looked.unread);
        coverage.unread_count += looked.unread_count;
        coverage.unread.dedup();
        coverage.unread.truncate(NAMED_MAX);
        coverage.has_empty_part = seen.has_empty_part;
        coverage.accounts = seen.chains.iter().map(|(account, _)| account).collect::<BTreeSet<_>>().len();
        coverage.regions = seen.chains.iter().map(|(_, region)| region).collect::<BTreeSet<_>>().len();
        coverage.kinds = seen.kinds;
        coverage.hours = seen.hours;
        coverage.gaps = seen.gaps.named();
        coverage.newest = seen.newest.map(|at| at.to_string());
        coverage.without_logs = seen.without_logs.into_iter().take(NAMED_MAX).collect();
        if coverage.to.is_some() {
            coverage.late_seconds = Some(scans.archive.late().as_secs());
        }
        coverage.is_whole = coverage.needs_no_events || coverage.nothing_is_missing(answered);
        coverage
    }

    /// Adds what is known of a lake.
    fn add_lake(&mut self, needs: &LakeNeeds) {
        self.without_time += needs.without_time;
        self.unread_count += needs.unread_count;
        self.unread.extend(needs.unread.iter().map(|(key, why)| UnreadPart { key: key.clone(), why: why.clone() }));
        if let Some(lake) = &mut self.lake {
            lake.updated = needs.listed_at.map(|at| at.to_string());
            lake.has_newer |= needs.has_newer;
        }
    }

    fn nothing_is_missing(&self, answered: Answered<'_>) -> bool {
        // Without an end the answer is as new as the newest log file, which it says.
        let is_pending = self.to.is_some() && self.hours.pending > 0;
        let is_to_come = self.to.as_ref().and_then(|to| to.parse().ok()).is_some_and(|to: Timestamp| to > answered.now);
        self.unread_count == 0
            && self.ended.is_none()
            && self.without_logs.is_empty()
            && self.beside_count == 0
            && self.without_time == 0
            && !self.has_empty_part
            && self.hours.all > 0
            && !is_to_come
            && self.hours.without_digest == 0
            && !is_pending
    }

    fn widen(&mut self, window: &Window, is_first: bool) {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        if is_first {
            (self.from, self.to) = (text(window.from), text(window.to));
            return;
        }
        self.from = self.from.take().zip(text(window.from)).map(|(a, b)| a.min(b));
        self.to = self.to.take().zip(text(window.to)).map(|(a, b)| a.max(b));
    }

    /// Returns what it covers, in sentences for a person.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = match &self.athena {
            Some(athena) if self.needs_no_events => vec![athena.asked(), NO_EVENT.to_owned()],
            Some(athena) => vec![athena.asked(), athena.covers(&self.of_athena()), self.of_hours()],
            None if self.needs_no_events => return vec![NO_EVENT.to_owned()],
            None => vec![self.looked_at(), self.of_lake(), self.of_hours()],
        };
        if self.has_empty_part {
            all.push(
                "For a part of the time, accounts or regions that the question names, the archive has no logs: the \
                 answer says nothing about it."
                    .to_owned(),
            );
        }
        if !self.without_logs.is_empty() {
            all.push(format!("No logs of {}.", self.without_logs.join(", ")));
        }
        if self.unread_count > 0 {
            let shown: Vec<String> =
                self.unread.iter().take(3).map(|UnreadPart { key, why }| format!("{key}: {why}")).collect();
            all.push(format!("{} could not be read: {}", part_count(self.unread_count), shown.join("; ")));
        }
        if self.beside_count > 0 {
            let shown = self.beside.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            all.push(format!(
                "{} among the logs that CloudTrail does not name so, not read: {shown}.",
                self.beside_count
            ));
        }
        if self.without_time > 0 {
            all.push(format!(
                "{} records have no time that can be read: no question about a time finds them.",
                self.without_time
            ));
        }
        if self.duplicates > 0 {
            all.push(format!("{} records of log files were delivered more than once and count once.", self.duplicates));
        }
        if let Some(seconds) = self.late_seconds {
            let hours = seconds / 3600;
            all.push(format!(
                "Deliveries more than {hours} hours behind the end of the time were not looked for (--late)."
            ));
        }
        if let Some(ended) = &self.ended {
            all.push(format!("The answer is not whole: {ended}."));
        }
        if !self.cannot_see.is_empty() {
            all.push(format!("This question cannot see {}.", self.cannot_see.trim_end_matches('.')));
        }
        all.retain(|sentence| !sentence.is_empty());
        all
    }

    fn looked_at(&self) -> String {
        let from = self.from.as_deref().unwrap_or("the beginning");
        let to = self.to.as_deref().unwrap_or("now");
        let newest = self.newest.as_ref().map(|at| format!(", the newest of {at}")).unwrap_or_default();
        let kinds: Vec<&str> = self.kinds.iter().copied().collect();
        format!(
            "Covers {from} to {to}: accounts {}, regions {}, {}; log files {} ({}){newest}, with {} records.",
            self.accounts,
            self.regions,
            if kinds.is_empty() { "no kind of logs".to_owned() } else { kinds.join(" and ") },
            self.files,
            size(self.bytes),
            self.records,
        )
    }

    fn of_athena(&self) -> Covered<'_> {
        Covered {
            place: self.lake.as_ref().map_or("", |lake| &lake.place),
            updated: self.lake.as_ref().and_then(|lake| lake.updated.as_deref()),
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            newest: self.newest.as_deref(),
            accounts: self.accounts,
            regions: self.regions,
            kinds: &self.kinds,
        }
    }

    fn of_lake(&self) -> String {
        let Some(lake) = &self.lake else { return String::new() };
        let updated = lake.updated.as_deref().unwrap_or("an unknown time");
        let newer = if lake.has_newer {
            "log files that came later were read beside it"
        } else {
            "log files that came later were not looked for"
        };
        let again = match lake.duplicates {
            0 => String::new(),
            again => format!(", {again} of them delivered more than once"),
        };
        format!(
            "Of the lake {}, updated {updated}: slots {} ({}), which hold {} records{again}, of all accounts, regions and \
             hours in them; {newer}.",
            lake.place,
            lake.slots,
            size(lake.bytes),
            lake.records
        )
    }

    fn of_hours(&self) -> String {
        let Hours { all, with_digest, attested, pending, without_digest } = self.hours;
        if all == 0 {
            return String::new();
        }
        let proved = match attested {
            0 => "not verified here".to_owned(),
            all if all == with_digest => "attested".to_owned(),
            some => format!("{some} attested, the others not verified here"),
        };
        let mut text = format!("Hours x accounts x regions {all}: {with_digest} with a digest ({proved})");
        if pending > 0 {
            text += &format!(", {pending} pending");
        }
        if without_digest > 0 {
            text += &format!(", {without_digest} without a digest: whether logs are missing there is not known");
        }
        text + "."
    }
}

fn part_count(count: u64) -> String {
    if count == 1 { "1 part".to_owned() } else { format!("{count} parts") }
}

/// Accounts and regions, each with the days of delivery that are attested and wholly in the lake.
type Sealed = BTreeMap<(String, String), BTreeSet<jiff::civil::Date>>;

/// What is known of the hours of a place.
#[derive(Clone, Copy)]
struct KnownHours<'a> {
    digests: &'a BTreeSet<Timestamp>,
    /// The days that are sealed. `None`: none is.
    sealed: Option<&'a BTreeSet<jiff::civil::Date>>,
}

/// What the windows of a question have in common.
#[derive(Default)]
struct Seen {
    chains: BTreeSet<(String, String)>,
    kinds: BTreeSet<&'static str>,
    hours: Hours,
    gaps: Gaps,
    newest: Option<Timestamp>,
    without_logs: BTreeSet<String>,
    has_empty_part: bool,
    counted: BTreeMap<ChainPlace, BTreeSet<i64>>,
}

impl Seen {
    fn add(&mut self, window: &Window, listing: &Listing, sealed: &Sealed, answered: Answered<'_>) {
        self.kinds.extend(listing.chains.iter().map(|chain| chain.kind.folder()));
        self.chains.extend(listing.places.iter().map(|place| (place.account.clone(), place.region.clone())));
        self.note_what_is_missing(window, listing, answered);
        let none = BTreeSet::new();
        let mut hours = 0;
        for place in &listing.places {
            let digests = listing.digests.get(place).unwrap_or(&none);
            let made = listing.made.get(place).copied();
            self.newest = self.newest.max(made.map(|(_, newest)| newest));
            let known = digests.first().copied().into_iter().chain(made.map(|(oldest, _)| oldest)).min();
            let Some(from) = window.from.or(known) else { continue };
            // There are no hours before CloudTrail.
            let from = from.max(BEGINNING);
            let to = window.to.unwrap_or(answered.now).min(answered.now);
            let days = sealed.get(&(place.account.clone(), place.region.clone()));
            hours += self.count(place, from, to, KnownHours { digests, sealed: days }, answered.now);
        }
        self.has_empty_part |= hours == 0;
    }

    /// Notes which accounts and regions were asked for, or should be there, and have no logs.
    fn note_what_is_missing(&mut self, window: &Window, listing: &Listing, answered: Answered<'_>) {
        let is_asked = |account: &&String| window.accounts.as_ref().is_none_or(|all| all.contains(*account));
        let expected = answered.expected.into_iter().flatten().filter(is_asked);
        let accounts = window.accounts.iter().flatten().chain(expected);
        let has_account = |one: &str| listing.chains.iter().any(|chain| chain.account == one);
        let has_region = |one: &str| listing.places.iter().any(|place| place.region == one);
        self.without_logs.extend(accounts.filter(|account| !has_account(account)).cloned());
        let regions = window.regions.iter().flatten();
        self.without_logs.extend(regions.filter(|region| !has_region(region)).cloned());
    }

    /// Counts the hours of a place from one moment to another; returns how many there are.
    fn count(
        &mut self,
        place: &ChainPlace,
        from: Timestamp,
        to: Timestamp,
        known: KnownHours<'_>,
        now: Timestamp,
    ) -> u64 {
        let counted = self.counted.entry(place.clone()).or_default();
        let first = from.as_second().div_euclid(3600);
        let last = to.as_second().div_euclid(3600);
        let mut hours = 0;
        for hour in first..=last {
            let start = Timestamp::from_second(hour * 3600).unwrap_or(from);
            let end = start.checked_add(HOUR).unwrap_or(to);
            let (start, within) = (start.max(from), end.min(to));
            // A window of one moment is a part of its hour; one that ends on the hour has nothing of the next.
            if within <= start && from != to {
                continue;
            }
            hours += 1;
            if !counted.insert(hour) {
                continue;
            }
            self.hours.all += 1;
            if is_spoken_of(start, within, known.digests) {
                self.hours.with_digest += 1;
                let day = day_of(start);
                self.hours.attested += u64::from(known.sealed.is_some_and(|days| days.contains(&day)));
            } else if end.checked_add(PENDING).is_ok_and(|settled| settled > now) {
                self.hours.pending += 1;
            } else {
                self.hours.without_digest += 1;
                self.gaps.note(&place.account, &place.region, hour);
            }
        }
        hours
    }
}

/// Tells whether digests speak of every moment between two: each of the hour before its end (CloudTrail user guide,
/// "CloudTrail digest file structure").
fn is_spoken_of(start: Timestamp, end: Timestamp, digests: &BTreeSet<Timestamp>) -> bool {
    let reach = end.checked_add(HOUR).unwrap_or(end);
    let mut until = start;
    for digest in digests.range((Excluded(start), Included(reach))) {
        if digest.checked_sub(HOUR).is_ok_and(|begin| begin > until) {
            return false;
        }
        until = *digest;
        if until >= end {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / 3600 * 3600 + minutes * 60).unwrap()
    }

    #[test]
    fn an_hour_is_spoken_of_only_where_all_of_it_is() {
        let is = |from, to, all: &[i64]| is_spoken_of(at(from), at(to), &all.iter().map(|end| at(*end)).collect());
        assert!(is(0, 60, &[60]) && is(0, 60, &[30, 90]) && is(10, 20, &[30]) && is(0, 120, &[60, 120]));
        assert!(!is(0, 60, &[]) && !is(0, 60, &[0]) && !is(0, 60, &[30]) && !is(0, 60, &[90]) && !is(0, 60, &[120]));
        assert!(!is(0, 180, &[30, 150, 210]), "one in the middle is missing");
    }
}
